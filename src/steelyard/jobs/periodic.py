"""Housekeeping that runs now and then, once among all workers: rows in `job` on the queue `periodic`, unique by kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from steelyard import tasks, work
from steelyard.ctx import Ctx
from steelyard.derived.jobs import sweep_derived
from steelyard.figures import queries as figures
from steelyard.files import expire_uploads, sweep_blobs
from steelyard.jobs import queries as q
from steelyard.jobs.specs import JobSpec, NoArgs, RetryPolicy

_MINUTE = 60.0
_HOUR = 3600.0


def _in_batches(statement: Callable[..., Awaitable[int | None]]) -> Callable[[Ctx, NoArgs], Awaitable[None]]:
    """A handler that repeats a limited statement, each its own short transaction, until it finds nothing."""

    async def handler(ctx: Ctx, args: NoArgs) -> None:
        while await statement(ctx.db):
            pass

    return handler


async def _make_partitions(ctx: Ctx, args: NoArgs) -> None:
    await q.make_partitions(ctx.db)


async def _forget_processes(ctx: Ctx, args: NoArgs) -> None:
    await q.forget_processes(ctx.db)


def _periodic(kind: str, handler: Callable[[Ctx, NoArgs], Awaitable[None]], every_s: float) -> JobSpec:
    return JobSpec(kind, handler, NoArgs, "periodic", RetryPolicy(first_s=30.0), every_s=every_s)


PERIODIC: tuple[JobSpec, ...] = (
    _periodic("expire_idempotency_keys", _in_batches(q.expire_idempotency_keys), 5 * _MINUTE),
    _periodic("expire_sessions", _in_batches(q.expire_sessions), 30 * _MINUTE),
    _periodic("ensure_partitions", _make_partitions, 6 * _HOUR),
    _periodic("forget_processes", _forget_processes, 10 * _MINUTE),
    _periodic("tidy_reservations", _in_batches(q.tidy_reservations), _MINUTE),
    _periodic("end_prelabels", work.end_waiting, _MINUTE),
    _periodic("forget_answer_uploads", _in_batches(tasks.forget_answer_uploads), _HOUR),
    _periodic("fold_figures", _in_batches(figures.fold), _MINUTE),
    _periodic("sweep_derived", sweep_derived, 10 * _MINUTE),
    _periodic("sweep_blobs", sweep_blobs, 6 * _HOUR),
    _periodic("expire_uploads", expire_uploads, _HOUR),
    _periodic("tidy_leases", _in_batches(q.tidy_leases), _MINUTE),
)
