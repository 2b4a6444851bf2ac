"""What has become of a task: its timeline, the versions of its answer, who gave which answer, remarks."""

from __future__ import annotations

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.errors import NotFound
from steelyard.ids import is_wire_id
from steelyard.review import queries as q
from steelyard.review.comments import Comment


async def _known(ctx: Ctx, actor: Actor, task_id: str) -> None:
    found = None
    if is_wire_id(task_id):
        found = await q.task_status(ctx.db, space_id=actor.space_id, id=task_id)
    if found is None:
        raise NotFound("Task with that ID not found.")


async def timeline(ctx: Ctx, actor: Actor, task_id: str, *, offset: int, limit: int) -> list[q.EventRow]:
    """The events of a task, oldest first. Raises NotFound."""
    await _known(ctx, actor, task_id)
    return await q.events(ctx.db, space_id=actor.space_id, task_id=task_id, offset=offset, limit=limit)


async def versions(ctx: Ctx, actor: Actor, task_id: str) -> list[q.VersionRow]:
    """All versions of a task's answer, oldest first. Raises NotFound."""
    await _known(ctx, actor, task_id)
    return await q.versions(ctx.db, space_id=actor.space_id, task_id=task_id)


async def list_comments(ctx: Ctx, actor: Actor, task_id: str) -> list[Comment]:
    """The remarks on a task's answers, oldest first. Raises NotFound."""
    await _known(ctx, actor, task_id)
    return await q.comments(ctx.db, space_id=actor.space_id, task_id=task_id, open_only=False)


class Answers(Struct, frozen=True):
    """Who did what on a task, and how alike the answers of several people are."""

    attempts: list[q.AttemptRow]
    agreements: list[q.AgreementRow]


async def answers(ctx: Ctx, actor: Actor, task_id: str) -> Answers:
    """All attempts at a task, oldest first. Raises NotFound."""
    await _known(ctx, actor, task_id)
    return Answers(
        await q.attempts(ctx.db, space_id=actor.space_id, task_id=task_id),
        await q.agreements(ctx.db, space_id=actor.space_id, task_id=task_id),
    )
