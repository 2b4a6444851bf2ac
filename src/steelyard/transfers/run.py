"""Job `run_transfer`: goes on with a transfer step by step. A step's rows and the position after it are written together, so a worker
that is killed repeats nothing; two that hold the same transfer meet at the position, and one of them stops."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from steelyard import callbacks
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import ConstraintBroken, Tx
from steelyard.errors import InvalidRequest, TooLarge
from steelyard.exports import export_pages
from steelyard.imports import Adopting, Creating, Line, LineResult, LineWriter, Tally, chunks_of_lines
from steelyard.jobs.specs import RetryLater
from steelyard.storage.books import keep_recorded
from steelyard.tasks.list import TaskFilter
from steelyard.transfers import queries as q
from steelyard.transfers.queries import Begun
from steelyard.transfers.start import ExportOptions, ImportOptions, RunTransfer

KEPT_PROBLEMS = 200
_TURN_S = 300.0  # then the job is given back, so that no lease is held for hours
_REPLAYED_AT_ONCE = 500
_LONG_QUEUE = 2000


class _Ended(Exception):
    """Somebody has cancelled the transfer, or another worker has gone on with it."""


class _Running:
    """A transfer in the hands of this worker."""

    def __init__(self, ctx: Ctx, args: RunTransfer, begun: Begun, actor: Actor):
        self.ctx, self.args, self.begun, self.actor = ctx, args, begun, actor
        self.position, self.problems = begun.position, begun.problems
        self.until = time.monotonic() + _TURN_S

    async def progress(self, tx: Any, to: int, tally: Tally, problems: Sequence[LineResult] = ()) -> None:
        """Notes a step in its transaction."""
        kept = list(problems)[: max(0, KEPT_PROBLEMS - self.problems)]
        went_on = await q.progress(
            tx,
            space_id=self.args.space_id,
            id=self.args.transfer_id,
            from_position=self.position,
            to_position=to,
            lines=tally.lines,
            done=tally.created,
            existing=tally.existing,
            refused=tally.refused,
            problems=msgspec.json.encode(kept).decode(),
        )
        if not went_on:
            raise _Ended
        self.problems += len(kept)

    def pause(self) -> None:
        """Gives the job back when its turn is over."""
        if time.monotonic() > self.until:
            raise RetryLater(0.0)

    async def end(
        self, state: str, *, error: str | None = None, sha256: str | None = None, size: int | None = None
    ) -> None:
        """The last word."""
        await q.end_transfer(
            self.ctx.db,
            space_id=self.args.space_id,
            id=self.args.transfer_id,
            state=state,
            error=error,
            sha256=sha256,
            size_bytes=size,
        )


async def run_transfer(ctx: Ctx, args: RunTransfer) -> None:
    """Does nothing for a transfer that has ended."""
    begun = await q.begin_transfer(ctx.db, space_id=args.space_id, id=args.transfer_id)
    if begun is None:
        return
    space = await q.account_of_space(ctx.db, space_id=args.space_id)
    mode: Any = space.mode
    actor = Actor(args.space_id, space.account_id, mode, 0, begun.created_by, "manager", "system")
    running = _Running(ctx, args, begun, actor)
    try:
        if begun.kind == "replay":
            await _replay(running)
        elif begun.kind == "export":
            await _export(running)
        else:
            await _import(running)
    except _Ended:
        return
    except (InvalidRequest, TooLarge) as e:
        await running.end("failed", error=e.message)


async def _replay(running: _Running) -> None:
    ctx, wanted = running.ctx, msgspec.json.decode(running.begun.options, type=callbacks.EventFilter)
    while True:
        running.pause()
        if await callbacks.queue_is_long(ctx, _LONG_QUEUE):
            raise RetryLater(1.0)  # new events must not wait behind old ones

        async def step(tx: Tx) -> list[int]:
            ids = await callbacks.replay_next(
                ctx, tx, running.args.space_id, wanted, running.position, _REPLAYED_AT_ONCE
            )
            if ids:
                tally = Tally(complete=True, lines=len(ids), created=len(ids))
                await running.progress(tx, ids[-1], tally)
            return ids

        ids = await ctx.db.transact(step)
        if not ids:
            break
        running.position = ids[-1]
    await running.end("done")


async def _export(running: _Running) -> None:
    ctx, args = running.ctx, running.args
    options = msgspec.json.decode(running.begun.options, type=ExportOptions)
    wanted = TaskFilter(**msgspec.structs.asdict(options))
    await q.restart(ctx.db, space_id=args.space_id, id=args.transfer_id)
    running.position = 0

    async def bodies() -> AsyncIterator[bytes]:
        position = 0
        async for page in export_pages(ctx, running.actor, wanted):
            yield page.body
            tally = Tally(complete=True, lines=page.count, created=page.count)
            position += page.count
            await running.progress(ctx.db, position, tally)
            running.position = position

    async with ctx.store.spool(bodies()) as spooled:
        blob = await keep_recorded(ctx.store, ctx.db, spooled, "application/x-ndjson")
    await running.end("done", sha256=blob.sha256, size=blob.size_bytes)


async def _import(running: _Running) -> None:
    ctx, args = running.ctx, running.args
    options = msgspec.json.decode(running.begun.options, type=ImportOptions)
    found = await q.stored_file(ctx.db, space_id=args.space_id, id=options.file_id)
    if found is None:
        await running.end("failed", error="The file is not there any more.")
        return
    writer: LineWriter
    if running.begun.kind == "create":
        writer = Creating(ctx, running.actor, type=options.type, project=options.project, batch=options.batch)
    else:
        writer = Adopting(ctx, running.actor, unchecked=options.unchecked)
    # Numbers of lines count from where this turn began; the ones before are in `lines`.
    so_far = await q.one_transfer(ctx.db, space_id=args.space_id, id=args.transfer_id)
    pieces = ctx.store.stream(found.sha256, running.position)
    async for lines in chunks_of_lines(
        pieces,
        max_line_bytes=ctx.settings.max_body_bytes,
        number=so_far.lines if so_far else 0,
        offset=running.position,
    ):
        await _import_chunk(running, writer, lines)
        running.pause()
    await running.end("done")


async def _import_chunk(running: _Running, writer: LineWriter, lines: list[Line]) -> None:
    """Writes a chunk and its progress in one transaction. A chunk that the database refuses is written row by row before its progress;
    only then may a killed worker repeat lines, which matters to those without a unique_id."""
    ctx, to = running.ctx, lines[-1].end
    prepared = await writer.prepare(lines)

    async def step(tx: Tx) -> None:
        results = await writer.write(prepared, tx)
        await _note(running, tx, to, results)

    try:
        await ctx.db.transact(step)
    except (InvalidRequest, ConstraintBroken):
        results = await writer.write_singly(prepared)
        await _note(running, ctx.db, to, results)
    running.position = to


async def _note(running: _Running, on: Any, to: int, results: list[LineResult]) -> None:
    tally = Tally(complete=True)
    tally.add(results)
    await running.progress(on, to, tally, [r for r in results if r.result == "refused"])
