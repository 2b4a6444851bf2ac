"""Known-answer tasks in the console: made from completed tasks, listed with how people did on them, taken out of use."""

from __future__ import annotations

from typing import Any

from steelyard import users
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Tx
from steelyard.errors import InvalidRequest, NotFound
from steelyard.quality import queries as q
from steelyard.quality.create import check_expected, check_initial
from steelyard.quality.model import Kind, Listed, Source
from steelyard.task_types import TASK_TYPES
from steelyard.tasks.change import not_found

LAST = "g"
"""Sorts after every id."""


async def make_from_task(
    ctx: Ctx,
    actor: Actor,
    task_id: str,
    kind: Kind,
    *,
    expected_response: bytes | None = None,
    initial_response: bytes | None = None,
) -> Listed:
    """A quality task of the same project with the content of a completed task. Its answer is the expected one, unless another is given
    (JSON bytes). Raises NotFound, InvalidRequest."""
    source = await q.task_to_copy(ctx.db, space_id=actor.space_id, task_id=task_id)
    if source is None:
        raise not_found()
    _check(source, kind, expected_response, initial_response)
    new_id = ctx.ids.mint(ctx.clock.now())

    async def work(tx: Tx) -> Listed:
        made = await q.make_from_task(
            tx,
            space_id=actor.space_id,
            id=new_id,
            task_id=task_id,
            kind=kind,
            expected_response=None if expected_response is None else expected_response.decode(),
            initial_response=None if initial_response is None else initial_response.decode(),
            created_by=actor.email,
        )
        if made is None:
            raise InvalidRequest("The task has changed meanwhile; look at it again.")
        await users.record_act(
            tx, actor.account_id, actor.email, f"{kind}_task.made", mode=actor.mode, id=new_id, task=task_id
        )
        return await _one(tx, actor, new_id)

    return await ctx.db.transact(work)


def _check(source: Source, kind: Kind, expected: bytes | None, initial: bytes | None) -> None:
    if source.status != "completed":
        raise InvalidRequest(f"Only a completed task has an answer; this one is {source.status}.")
    if source.project_id is None:
        raise InvalidRequest(f"{kind.capitalize()} tasks belong to projects; this task has none.")
    task_type = TASK_TYPES.get(source.type)
    if task_type is None:
        raise InvalidRequest(f"Tasks of the type {source.type} cannot be scored here.")
    if initial is not None and kind == "training":
        raise InvalidRequest("initial_response is only for evaluation tasks.")
    params: Any = task_type.parse_params(source.params.encode())
    if expected is not None:
        check_expected(task_type, params, expected)
    if initial is not None:
        check_initial(task_type, source.params.encode(), initial)


async def list_quality_tasks(
    ctx: Ctx,
    actor: Actor,
    *,
    project: str | None = None,
    kind: Kind | None = None,
    archived: bool | None = None,
    limit: int = 100,
    before: str | None = None,
) -> list[Listed]:
    """Quality tasks, newest first; `before`: the last id of the page before."""
    return await q.listed(
        ctx.db,
        space_id=actor.space_id,
        project=project,
        kind=kind,
        archived=archived,
        id=None,
        before=before or LAST,
        n=limit,
    )


async def archive(ctx: Ctx, actor: Actor, quality_task_id: str, *, archived: bool) -> Listed:
    """Takes a quality task out of use, or puts it back. What it was offered to and is not held is withdrawn. Raises NotFound."""

    async def work(tx: Tx) -> Listed:
        kind = await q.set_archived(tx, space_id=actor.space_id, id=quality_task_id, archived=archived)
        if kind is None:
            raise NotFound("There is no such evaluation or training task.")
        if archived:
            await q.drop_open_offers(tx, space_id=actor.space_id, id=quality_task_id)
        await users.record_act(
            tx,
            actor.account_id,
            actor.email,
            f"{kind}_task.{'archived' if archived else 'unarchived'}",
            mode=actor.mode,
            id=quality_task_id,
        )
        return await _one(tx, actor, quality_task_id)

    return await ctx.db.transact(work)


async def _one(tx: Tx, actor: Actor, quality_task_id: str) -> Listed:
    (found,) = await q.listed(
        tx,
        space_id=actor.space_id,
        project=None,
        kind=None,
        archived=None,
        id=quality_task_id,
        before=LAST,
        n=1,
    )
    return found
