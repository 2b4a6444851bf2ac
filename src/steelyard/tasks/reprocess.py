"""A task's attachments for leads: what came of each, and fetching them again after the task ended in `error`."""

from __future__ import annotations

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import enqueue, wake
from steelyard.db.pool import Tx
from steelyard.db.sqlfile import QueryFile
from steelyard.errors import InvalidRequest, NotFound
from steelyard.ids import is_wire_id
from steelyard.jobs.specs import PREPARE_TASK, PREPARE_TASK_QUEUE, PrepareTask
from steelyard.tasks.stages import sources
from steelyard.tasks.transitions import lock, reprocess_locked
from steelyard.users import record_act

_Q = QueryFile(__name__, "reprocess.sql")


class AttachmentRow(Struct, frozen=True):
    """What came of an attachment in the last round; `frame` is its number in a sequence."""

    path: str
    role: str
    url: str
    media: str
    frame: int | None
    state: str
    status_code: int | None
    message: str | None
    size_bytes: int | None
    mime_type: str | None
    width: int | None
    height: int | None


_attachments = _Q.all("attachments", AttachmentRow)
_task_exists = _Q.value("task_exists", int)


async def attachments(
    ctx: Ctx, actor: Actor, task_id: str, *, offset: int, limit: int
) -> list[AttachmentRow]:
    """In document order; none until the first round has ended. Raises NotFound."""
    if not is_wire_id(task_id) or not await _task_exists(ctx.db, space_id=actor.space_id, task_id=task_id):
        raise NotFound("Task with that ID not found.")
    return await _attachments(ctx.db, space_id=actor.space_id, task_id=task_id, offset=offset, limit=limit)


async def reprocess_task(ctx: Ctx, actor: Actor, task_id: str) -> None:
    """Has the attachments of a task in `error` fetched again: `pending` until that is decided, which the callback then tells.

    A `unique_id` that was freed stays free. Raises NotFound, InvalidRequest.
    """

    async def work(tx: Tx) -> None:
        before = await lock(tx, actor.space_id, task_id) if is_wire_id(task_id) else None
        if before is None:
            raise NotFound("Task with that ID not found.")
        if before.stage not in sources("reprocess") or not await reprocess_locked(
            ctx, tx, actor.space_id, task_id, before, actor.email
        ):
            raise InvalidRequest(f"Only tasks in error can be processed again; this one is {before.status}.")
        await enqueue(tx, PREPARE_TASK, PrepareTask(actor.space_id, task_id), queue=PREPARE_TASK_QUEUE)
        await record_act(
            tx, actor.account_id, actor.email, "task.reprocessed", mode=actor.mode, task_id=task_id
        )

    await ctx.db.transact(work)
    wake(ctx)
