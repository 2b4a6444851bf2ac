"""Batch completion is settled, not guessed: count under the batch's lock, then decide (platform-api §17.4, §18.2).

Whoever changes a task of a batch holds the batch row shared and promises a `settle_batch` job in the same transaction. Under the
exclusive lock the counters are therefore exact, and two last completions at once give one completion and one callback.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue
from steelyard.db.pool import Tx
from steelyard.db.sqlfile import QueryFile
from steelyard.jobs.specs import SEND_CALLBACK, SEND_CALLBACK_QUEUE, SendCallback, SettleBatch

Q = QueryFile(__name__, "settle.sql")


class LockedBatch(Struct, frozen=True):
    """What settling needs to know of a batch."""

    name: str
    status: str
    callback: str


class StatusCount(Struct, frozen=True):
    """Tasks in one status."""

    status: str
    n: int


lock_batch = Q.opt("lock_batch", LockedBatch)
batch_task_counts = Q.all("batch_task_counts", StatusCount)
complete_batch = Q.exec("complete_batch")
reopen_batch = Q.exec("reopen_batch")
announce_batch = Q.value("announce_batch", int)


async def settle_batch(ctx: Ctx, args: SettleBatch) -> None:
    """Job `settle_batch`: completes or reopens the batch if its counts say so. Staging, paused and cancelled ones are left alone."""
    await ctx.db.transact(lambda tx: settle_in(tx, args.space_id, args.batch_id))


async def settle_in(tx: Tx, space_id: int, batch_id: str) -> None:
    """The same inside an open transaction (finalize uses it); takes the batch's exclusive lock."""
    batch = await lock_batch(tx, space_id=space_id, batch_id=batch_id)
    if batch is None or batch.status not in ("in_progress", "completed"):
        return
    # A statement of its own: its snapshot is younger than the lock.
    counts = {row.status: row.n for row in await batch_task_counts(tx, space_id=space_id, batch_id=batch_id)}
    pending = counts.get("pending", 0)
    if batch.status == "completed":
        if pending > 0:
            await reopen_batch(tx, space_id=space_id, batch_id=batch_id)
        return
    if pending > 0 or not counts:
        return
    await complete_batch(tx, space_id=space_id, batch_id=batch_id)
    if not batch.callback:
        return
    payload = msgspec.json.encode({"batch": batch.name, "status": "completed", "stats": counts}).decode()
    event_id = await announce_batch(
        tx, space_id=space_id, batch_id=batch_id, target=batch.callback, payload=payload
    )
    assert event_id is not None
    await enqueue(tx, SEND_CALLBACK, SendCallback(event_id), queue=SEND_CALLBACK_QUEUE)
