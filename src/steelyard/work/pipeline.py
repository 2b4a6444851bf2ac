"""From answer to answer: labeling by one or several people, then the stages of review, then done.

Every step is a slot (or, when people overlap, several); whoever finishes the last slot of a step opens the next one in the same
transaction. Which tasks a sampled stage reviews depends on their ids alone, so it is the same whoever asks and whenever.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct

from steelyard import tasks
from steelyard.ctx import Ctx
from steelyard.db.pool import Tx
from steelyard.task_types import Turn
from steelyard.work import queries as q
from steelyard.work.workflow import Workflow, workflow_of

Status = str


def chosen(task_id: str, what: str, share: float) -> bool:
    """Whether a task is in the sample of a stage (`review:1`) or of the audits (`audit`). The same as `steelyard.chosen` in SQL."""
    return (
        int(hashlib.md5(f"{task_id}:{what}".encode(), usedforsecurity=False).hexdigest()[:8], 16)
        < share * 2**32
    )


def next_stage(workflow: Workflow, task_id: str, after: int, forced: int | None = None) -> int | None:
    """The next review stage of a task (1 is the first), None when there is none left. A stage that sent the answer back sees it again."""
    for number, stage in enumerate(workflow.review_stages, start=1):
        if number > after and (number == forced or chosen(task_id, f"review:{number}", stage.sample)):
            return number
    return None


class Place(Struct, frozen=True):
    """Where in its pipeline a task is."""

    space_id: int
    task_id: str
    project_id: str
    round: int


async def answered(
    ctx: Ctx, tx: Tx, at: Place, answer: bytes, *, author: str, author_id: int, turn: Turn | None = None
) -> str | None:
    """A labeling slot is done, `turn` comes after it. The task's status afterwards, None when it has ended meanwhile."""
    before = await tasks.lock(tx, at.space_id, at.task_id)
    if before is None or before.status != "pending":
        return None
    # A statement of its own, after the task's lock: of two that submit last at once, the second sees the first.
    step = await q.step_state(tx, space_id=at.space_id, task_id=at.task_id, round=at.round, step=0)
    if step.slots == 1 and turn is not None:
        return await next_turn(
            ctx, tx, at, answer, turn, origin="labeled", author=author, author_id=author_id
        )
    if step.slots == 1:
        return await labeled(ctx, tx, at, answer, origin="labeled", author=author, author_id=author_id)
    await tasks.stop_work(tx, at.space_id, at.task_id, author, kind="submitted")
    if step.undone == 0:
        await q.promise_merge(tx, space_id=at.space_id, task_id=at.task_id, round=at.round)
    return "pending"


async def next_turn(
    ctx: Ctx, tx: Tx, at: Place, answer: bytes, turn: Turn, *, origin: str, author: str, author_id: int
) -> str | None:
    """The answer so far is kept and the next round begins, or the task ends in `error`. The task is locked. Where several people answer, as
    many do the next turn; one that is for whoever did the turn before is for the one whose answer goes on."""
    version = await tasks.add_version(
        tx, at.space_id, at.task_id, answer, origin=origin, author=author, author_id=author_id
    )
    if version is None:
        return None
    done: dict[str, object] = {"version": version, "next": turn.name}
    await tasks.stop_work(tx, at.space_id, at.task_id, author, kind="labeled", detail=done)
    if turn.refused is not None:
        response = msgspec.json.encode({"error": turn.refused})
        return "error" if await tasks.fail_task(ctx, tx, at.space_id, at.task_id, response) else None
    people = await q.answerers(tx, space_id=at.space_id, task_id=at.task_id)
    await tasks.open_step(
        tx,
        at.space_id,
        at.task_id,
        round_number=at.round + 1,
        count=1 if turn.assignee == "same" else people or 1,
        only_member_id=author_id if turn.assignee == "same" else None,
        again=turn.assignee == "different",
        binding=True,
    )
    return "pending"


async def labeled(
    ctx: Ctx, tx: Tx, at: Place, answer: bytes, *, origin: str, author: str, author_id: int | None
) -> str | None:
    """The answer of a round is there: on to review, or completed. The task is locked."""
    workflow = await workflow_of(tx, at.space_id, at.project_id)
    forced = None
    if at.round > 0:
        forced = await q.sent_back_from(tx, space_id=at.space_id, task_id=at.task_id, round=at.round - 1)
    stage = next_stage(workflow, at.task_id, (forced or 1) - 1, forced)
    if stage is None:
        done = await tasks.complete_task(
            ctx, tx, at.space_id, at.task_id, answer, origin=origin, author=author, author_id=author_id
        )
        return "completed" if done else None
    version = await tasks.add_version(
        tx, at.space_id, at.task_id, answer, origin=origin, author=author, author_id=author_id
    )
    if version is None:
        return None
    await tasks.note(tx, at.space_id, at.task_id, "labeled", author, {"version": version})
    return await _review(tx, at, stage)


async def reviewed(ctx: Ctx, tx: Tx, at: Place, step: int, *, author: str) -> str | None:
    """A review stage has let the latest version pass: on to the next stage, or completed."""
    before = await tasks.lock(tx, at.space_id, at.task_id)
    if before is None or before.status != "pending":
        return None
    workflow = await workflow_of(tx, at.space_id, at.project_id)
    stage = next_stage(workflow, at.task_id, step)
    if stage is not None:
        return await _review(tx, at, stage)
    return "completed" if await tasks.finish_task(ctx, tx, at.space_id, at.task_id, before, author) else None


async def _review(tx: Tx, at: Place, stage: int) -> str | None:
    if not await tasks.move(tx, at.space_id, at.task_id, "to_review"):
        return None
    await tasks.open_step(tx, at.space_id, at.task_id, round_number=at.round, step=stage, count=1)
    return "pending"
