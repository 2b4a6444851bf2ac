"""Models before people: in a project that wants it, a task is offered to model contributors first, and people see the answer as a hypothesis.

A prelabel is a slot of its own before the labeling step. Nobody waits for models for ever: after the project's time, by a lead's word, when
a model skips the task or when the setting is taken back, people get it without.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Tx
from steelyard.errors import InvalidRequest, Issue, NotFound
from steelyard.jobs.specs import NoArgs
from steelyard.task_types import TASK_TYPES, TaskType
from steelyard.users import record_act
from steelyard.work import queries as q
from steelyard.work.model import Waiting, Work


def with_hypothesis(params: bytes, answer: str | None) -> bytes:
    """The params (a JSON object) with an answer in the place of the pre-labels that came with the task."""
    if answer is None:
        return params
    members = msgspec.json.decode(params, type=dict[str, Raw])
    members.pop("base_annotations", None)
    members["hypothesis"] = Raw(answer.encode())
    return msgspec.json.encode(members)


def check_hypothesis(task_type: TaskType[Any, Any], params: bytes, answer: str) -> None:
    """Raises InvalidRequest when an answer breaks the rules that the type has for pre-labels; some types have none."""
    if "hypothesis" in task_type.params.__struct_fields__:
        task_type.parse_params(with_hypothesis(params, answer))


def prelabeled(held: Work) -> Work:
    """The work with the model's answer as the task's hypothesis."""
    assert held.task is not None
    task = msgspec.json.decode(held.task, type=dict[str, Raw])
    task["params"] = Raw(with_hypothesis(bytes(task["params"]), held.prelabel))
    return msgspec.structs.replace(held, task=msgspec.json.encode(task).decode())


async def check_prelabel(ctx: Ctx, subject: tasks.Subject, answer: bytes) -> None:
    """A model's answer must be one that its type takes as pre-labels. Raises InvalidResponse."""
    loop = asyncio.get_running_loop()
    said = await loop.run_in_executor(ctx.cpu, _objection, subject.type, subject.params, answer.decode())
    if said is not None:
        raise tasks.InvalidResponse(said, issues=[Issue("", said)])


def _objection(type_name: str, params: bytes, answer: str) -> str | None:
    try:
        check_hypothesis(TASK_TYPES[type_name], params, answer)
    except InvalidRequest as e:
        return e.message
    return None


async def people_next(tx: Tx, space_id: int, task_id: str, author: str, kind: str) -> str | None:
    """The prelabel is there, or done without: the task is offered to people. `pending`; None when it has ended meanwhile."""
    before = await tasks.lock(tx, space_id, task_id)
    if before is None or before.status != "pending":
        return None
    await tasks.stop_work(tx, space_id, task_id, author, kind=kind)
    await tasks.open_step(tx, space_id, task_id)
    return "pending"


async def skip_prelabel(ctx: Ctx, actor: Actor, task_id: str) -> None:
    """People need not wait for a model, which loses its lease if it holds one. Raises NotFound, InvalidRequest when nobody waits."""

    async def work(tx: Tx) -> None:
        slot_id = await q.end_prelabel(tx, space_id=actor.space_id, task_id=task_id, forced=True)
        if slot_id is None:
            if await q.task_stage(tx, space_id=actor.space_id, task_id=task_id) is None:
                raise NotFound("Task with that ID not found.")
            raise InvalidRequest("This task does not wait for a model.")
        await people_next(tx, actor.space_id, task_id, actor.email, "prelabel_skipped")
        act = "work.prelabel_skipped"
        await record_act(tx, actor.account_id, actor.email, act, mode=actor.mode, task=task_id)

    await ctx.db.transact(work)


async def end_waiting(ctx: Ctx, args: NoArgs) -> None:
    """Periodic job: tasks for which no model has answered in time are offered to people without a prelabel."""
    while overdue := await q.overdue_prelabels(ctx.db):
        for row in overdue:
            await ctx.db.transact(partial(_end_waiting, row))


async def _end_waiting(row: Waiting, tx: Tx) -> None:
    if await q.end_prelabel(tx, space_id=row.space_id, task_id=row.task_id, forced=False) is not None:
        await people_next(tx, row.space_id, row.task_id, "steelyard", "prelabel_missed")
