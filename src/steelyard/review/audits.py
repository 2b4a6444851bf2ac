"""Customer audits in the console: a sample to look at, and the same verb as the API's with fixes and pinned remarks."""

from __future__ import annotations

from collections.abc import Sequence

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Tx
from steelyard.errors import Conflict, InvalidRequest, NotFound
from steelyard.ids import is_wire_id
from steelyard.review import queries as q
from steelyard.review.comments import NewComment, add_comments, check_comments
from steelyard.review.difference import difference


async def audit_queue(
    ctx: Ctx,
    actor: Actor,
    *,
    project: str | None,
    batch: str | None,
    sample: float | None,
    before: str | None,
    limit: int,
) -> list[q.AuditTask]:
    """Completed tasks that are in the sample and not audited since they were completed, newest first. `sample`: another share than the
    project's own; the same tasks whenever it is asked."""
    return await q.audit_queue(
        ctx.db,
        space_id=actor.space_id,
        project=project,
        batch=batch,
        sample=sample,
        before=before,
        limit=limit,
    )


async def audit(
    ctx: Ctx,
    actor: Actor,
    task_id: str,
    result: tasks.AuditResult,
    *,
    comments: str | None = None,
    pins: Sequence[NewComment] = (),
    response: bytes | None = None,
    version: int | None = None,
    seconds: int = 0,
) -> bytes:
    """The customer's verdict with remarks pinned to annotations (`pins`) and, for `fixed`, the response (JSON bytes) that takes the place of
    the task's. `version`: the one that was looked at. The task object as JSON.

    Raises NotFound, InvalidRequest, InvalidResponse, Conflict when the answer has changed meanwhile.
    """
    check_comments(pins)
    if (result == "fixed") != (response is not None):
        raise InvalidRequest("A response belongs to the result fixed, and only to that.")
    if result == "commented" and not comments and not pins:
        raise InvalidRequest("A comment needs words.")
    target = (
        await q.task_to_audit(ctx.db, space_id=actor.space_id, task_id=task_id)
        if is_wire_id(task_id)
        else None
    )
    if target is None:
        raise NotFound("Task with that ID not found.")
    if target.response is None:
        raise InvalidRequest("Only completed tasks can be audited.")
    if version is not None and version != target.version:
        raise Conflict("The task's response has changed since it was looked at.")
    taken = None
    if response is not None:
        subject = await tasks.subject_of(ctx, actor.space_id, task_id)
        taken = await tasks.take_answer(ctx, subject, response, member_id=actor.member_id)

    async def pin(tx: Tx) -> None:
        await add_comments(tx, actor, task_id, target.version, pins)

    return await tasks.audit_task(
        ctx,
        actor,
        task_id,
        result=result,
        comments=comments,
        fixed=taken,
        difference=None if taken is None else difference(target.response.encode(), taken.response),
        version=target.version,
        seconds=seconds,
        also=pin,
    )
