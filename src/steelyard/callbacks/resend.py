"""Sending the current callback of a task again (platform-api §16)."""

from __future__ import annotations

from steelyard.callbacks import queries as q
from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue, wake
from steelyard.db.pool import Tx
from steelyard.errors import InvalidRequest, NotFound
from steelyard.jobs.specs import SEND_CALLBACK, SEND_CALLBACK_QUEUE, SendCallback


async def resend(ctx: Ctx, space_id: int, task_id: str) -> None:
    """Writes a new event with the task as it is now, and has deliveries of the task that wait for a retry tried at once.

    NotFound for an unknown task; InvalidRequest unless it is `completed` or `error` and has somewhere to send to.
    """

    async def work(tx: Tx) -> None:
        task = await q.lock_for_resend(tx, space_id=space_id, task_id=task_id)
        if task is None:
            raise NotFound("Task with that ID not found.")
        if task.status not in ("completed", "error"):
            raise InvalidRequest("Only tasks with the status completed or error have a callback to send.")
        if not task.target:
            raise InvalidRequest("The task has no callback URL.")
        await q.reset_flag(tx, space_id=space_id, task_id=task_id)
        event_id = await q.insert_resend(tx, space_id=space_id, task_id=task_id, target=task.target)
        assert event_id is not None
        await q.hasten(tx, space_id=space_id, task_id=task_id)
        await enqueue(tx, SEND_CALLBACK, SendCallback(event_id), queue=SEND_CALLBACK_QUEUE)

    await ctx.db.transact(work)
    wake(ctx)
