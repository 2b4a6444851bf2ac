"""Reading batches."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from steelyard.batches import queries as q
from steelyard.batches.model import STATUSES, Batch, BatchRow, Counters, Status
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor
from steelyard.errors import NotFound, parameter


class BatchFilter(Struct, frozen=True, kw_only=True):
    """What a list of batches is narrowed by; times are inclusive, everything combines with AND."""

    project: str | None = None
    status: Status | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None
    completed_from: datetime | None = None
    completed_until: datetime | None = None
    audited_from: datetime | None = None
    audited_until: datetime | None = None
    exclude_archived: bool = False


class BatchPage(Struct, frozen=True):
    """A page, newest first, and the number of all that match."""

    batches: list[Batch]
    total: int


# One clause each, `?` standing for its value; only those asked for are used, so that each combination is planned on its own.
_CLAUSES = {
    "project": "b.project_id = (select id from project where space_id = $1 and name = ?)",
    "status": "b.status = ?",
    "created_from": "b.created_at >= ?",
    "created_until": "b.created_at <= ?",
    "completed_from": "b.completed_at >= ?",
    "completed_until": "b.completed_at <= ?",
    "audited_from": "b.last_audited_at >= ?",
    "audited_until": "b.last_audited_at <= ?",
}


def unknown_batch() -> NotFound:
    """No batch of that name in the caller's space."""
    return NotFound("Batch with that name not found.")


def check_status(text: str | None) -> Status | None:
    """A status to filter by. Raises InvalidRequest for an unknown one."""
    if text is None:
        return None
    for status in STATUSES:
        if status == text:
            return status
    raise parameter("status", f"must be one of {', '.join(STATUSES)}")


async def batch_by_name(on: Executor, space_id: int, name: str) -> BatchRow | None:
    """A batch with the kind of its project, or None."""
    return None if "\x00" in name else await q.batch_by_name(on, space_id=space_id, name=name)


async def load(on: Executor, space_id: int, name: str) -> Batch:
    """One batch. Raises NotFound."""
    found = None if "\x00" in name else await q.batch(on, space_id=space_id, name=name)
    if found is None:
        raise unknown_batch()
    return found


async def get_batch(ctx: Ctx, actor: Actor, name: str) -> Batch:
    """One batch. Raises NotFound."""
    return await load(ctx.db, actor.space_id, name)


async def list_batches(ctx: Ctx, actor: Actor, wanted: BatchFilter, *, limit: int, offset: int) -> BatchPage:
    """A page of the batches that match, newest first."""
    values: list[Any] = [actor.space_id]
    where = ""
    for name, clause in _CLAUSES.items():
        value = getattr(wanted, name)
        if value is not None:
            values.append(value)
            where += "\n  and " + clause.replace("?", f"${len(values)}")
    if wanted.exclude_archived:
        where += "\n  and not b.archived"
    total = await ctx.db.fetchval(q.Q.text("count_head") + where, *values)
    if offset >= total:
        return BatchPage([], total)
    tail = f"\norder by b.id desc\nlimit ${len(values) + 1} offset ${len(values) + 2}"
    rows = await ctx.db.fetch(q.Q.text("list_head") + where + tail, *values, limit, offset)
    return BatchPage([Batch(*row.values()) for row in rows], total)


async def count_tasks(on: Executor, space_id: int, batch_id: str) -> Counters:
    """Exact numbers of a batch's tasks by status."""
    return (await count_tasks_of(on, space_id, [batch_id]))[batch_id]


async def count_tasks_of(on: Executor, space_id: int, batch_ids: list[str]) -> dict[str, Counters]:
    """The same for several batches, by id."""
    out = dict.fromkeys(batch_ids, Counters())
    for row in await q.counters(on, space_id=space_id, ids=batch_ids):
        out[row.batch_id] = Counters(row.pending, row.completed, row.error, row.canceled)
    return out
