"""The outbox: rows in `job` that promise later work, written in the transaction that makes the promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import Struct

from steelyard.db.pool import Executor

if TYPE_CHECKING:
    from steelyard.ctx import Ctx

_json = msgspec.json.Encoder()

# One statement for one row or many. A waiting row with the same dedupe key keeps the promise already.
_ENQUEUE = """
insert into job (queue, kind, args, dedupe_key, run_at)
select $1, $2, a.args::json, a.dedupe_key, coalesce($5, steelyard.now())
from unnest($3::text[], $4::text[]) as a (args, dedupe_key)
on conflict (dedupe_key) where dedupe_key is not null do nothing
"""


async def enqueue(
    on: Executor,
    kind: str,
    args: Struct | dict[str, Any],
    *,
    dedupe_key: str | None = None,
    run_at: datetime | None = None,
    queue: str = "default",
) -> None:
    """Writes one job. With a `dedupe_key` that a waiting job already has, nothing is written. `run_at`: not before; default now."""
    await on.execute(_ENQUEUE, queue, kind, [_json.encode(args).decode()], [dedupe_key], run_at)


async def enqueue_many(
    on: Executor,
    kind: str,
    args: Sequence[Struct | dict[str, Any]],
    *,
    dedupe_keys: Sequence[str | None] | None = None,
    run_at: datetime | None = None,
    queue: str = "default",
) -> None:
    """Writes several jobs of one kind in one statement; `dedupe_keys` has one entry for each of `args`."""
    if not args:
        return
    keys = list(dedupe_keys) if dedupe_keys is not None else [None] * len(args)
    await on.execute(_ENQUEUE, queue, kind, [_json.encode(a).decode() for a in args], keys, run_at)


WAKE = "jobs.wake"
"""Key in `ctx.state` under which a worker of this process leaves its wake-up function."""


def wake(ctx: Ctx) -> None:
    """To be called after a commit that wrote jobs: a worker in this process looks at once instead of at its next poll."""
    rouse = cast("Callable[[], None] | None", ctx.state.get(WAKE))
    if rouse is not None:
        rouse()
