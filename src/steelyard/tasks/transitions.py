"""Changes of a task's stage. Each takes an open transaction and, with the change, moves the exact counters, writes the timeline, fixes the
callback and promises the batch's settling. Lock order everywhere: slots, then the batch (shared), then the task, then counters.

All return False, having changed nothing, when the task is not in a stage that allows the verb.
"""

from __future__ import annotations

import msgspec

from steelyard.ctx import Ctx
from steelyard.db.pool import Tx
from steelyard.tasks import dependents
from steelyard.tasks import queries as q
from steelyard.tasks.stages import sources


async def queue_task(ctx: Ctx, tx: Tx, space_id: int, task_id: str) -> bool:
    """Attachments are ready: the task is offered to contributors."""
    if await q.set_queued(tx, space_id=space_id, task_id=task_id, from_stages=sources("prepared")) is None:
        return False
    await q.open_slot(tx, space_id=space_id, task_id=task_id)
    await note(tx, space_id, task_id, "queued", "steelyard")
    return True


async def fail_task(ctx: Ctx, tx: Tx, space_id: int, task_id: str, response: bytes) -> bool:
    """Attachments could not be processed: `error`, with `response` as platform-api §3.4, the unique_id freed if that was asked for."""
    await q.lock_slots(tx, space_id=space_id, task_id=task_id)
    await q.share_batch(tx, space_id=space_id, task_id=task_id)
    before = await q.lock_task(tx, space_id=space_id, task_id=task_id)
    changed = await q.set_error(
        tx, space_id=space_id, task_id=task_id, response=response.decode(), from_stages=sources("fail")
    )
    if before is None or changed is None:
        return False
    await _ended(ctx, tx, space_id, task_id, before, "error", "steelyard")
    return True


async def complete_task(
    ctx: Ctx, tx: Tx, space_id: int, task_id: str, response: bytes, *, origin: str, author: str
) -> bool:
    """The answer is in: `completed`, a new response version, the callback. `response` is the checked answer as JSON bytes."""
    await q.share_batch(tx, space_id=space_id, task_id=task_id)
    before = await q.lock_task(tx, space_id=space_id, task_id=task_id)
    if before is None:
        return False
    text = response.decode()
    version = await q.set_completed(
        tx, space_id=space_id, task_id=task_id, response=text, from_stages=sources("complete")
    )
    if version is None:
        return False
    await q.add_response_version(
        tx, space_id=space_id, task_id=task_id, version=version, origin=origin, author=author, response=text
    )
    await _ended(ctx, tx, space_id, task_id, before, "completed", author)
    return True


async def cancel_locked(
    ctx: Ctx, tx: Tx, space_id: int, task_id: str, before: q.TaskState, actor: str, *, clear_unique_id: bool
) -> bool:
    """Cancels a task whose slots, batch and row the caller has locked."""
    changed = await q.set_canceled(
        tx, space_id=space_id, task_id=task_id, clear_unique_id=clear_unique_id, from_stages=sources("cancel")
    )
    if changed is None:
        return False
    await _ended(ctx, tx, space_id, task_id, before, "canceled", actor)
    return True


async def start_work(tx: Tx, space_id: int, task_id: str, actor: str) -> bool:
    """A contributor has claimed it; from now on it cannot be canceled."""
    if (
        await q.set_labeling(tx, space_id=space_id, task_id=task_id, from_stages=sources("start_work"))
        is None
    ):
        return False
    await note(tx, space_id, task_id, "claimed", actor)
    return True


async def stop_work(tx: Tx, space_id: int, task_id: str, actor: str, *, kind: str = "released") -> bool:
    """The lease was given back or has lapsed; the task is offered again."""
    if await q.set_requeued(tx, space_id=space_id, task_id=task_id, from_stages=sources("stop_work")) is None:
        return False
    await note(tx, space_id, task_id, kind, actor)
    return True


async def note(
    tx: Tx, space_id: int, task_id: str, kind: str, actor: str, detail: dict[str, object] | None = None
) -> None:
    """A row of the task's timeline."""
    text = None if detail is None else msgspec.json.encode(detail).decode()
    await q.note_event(tx, space_id=space_id, task_id=task_id, kind=kind, actor=actor, detail=text)


async def _ended(
    ctx: Ctx, tx: Tx, space_id: int, task_id: str, before: q.TaskState, status: str, actor: str
) -> None:
    """What every final transition has in common."""
    await q.close_slots(tx, space_id=space_id, task_id=task_id)
    await note(tx, space_id, task_id, status, actor)
    if before.has_dependents:
        if status == "completed":
            await dependents.promise(tx, space_id, task_id)
        else:
            await dependents.drop(tx, space_id, task_id)
    if status != "canceled":  # a cancel is not announced (platform-api §11)
        await q.announce(tx, space_id=space_id, task_id=task_id, kind=status)
    if before.batch_id is not None:
        await q.promise_settle(tx, space_id=space_id, batch_id=before.batch_id)
    await q.move_count(
        tx,
        space_id=space_id,
        batch_id=before.batch_id,
        project_id=before.project_id,
        type=before.type,
        shard=ctx.shard,
        was=before.status,
        is_now=status,
    )
