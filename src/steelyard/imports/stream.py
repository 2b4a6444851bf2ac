"""From a stream of NDJSON to a stream of outcomes, in constant memory: one chunk is checked while those before are being written."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from steelyard.ctx import Ctx
from steelyard.db.pool import ConstraintBroken, Database, RetryTransaction
from steelyard.errors import InvalidRequest, SteelyardError
from steelyard.imports.lines import LineResult, LineWriter, Tally, chunks_of_lines, encode_result

_WRITING = 2
"""Chunks being written at once: one is encoded while the database is at work on the other."""


async def write_chunk(ctx: Ctx, writer: LineWriter, prepared: Any) -> list[LineResult]:
    """Stores a chunk by one statement of its own; row by row when that is refused as a whole. Raises Unavailable."""
    quick: Database = ctx.state["create_db"]
    try:
        return await writer.write(prepared, quick)
    except RetryTransaction:
        for attempt in range(4):
            await asyncio.sleep(0.01 * 2**attempt)
            try:
                return await writer.write(prepared)
            except RetryTransaction:
                continue
        return await writer.write_singly(prepared)
    except (InvalidRequest, ConstraintBroken):
        return await writer.write_singly(prepared)


async def import_stream(
    ctx: Ctx, writer: LineWriter, pieces: AsyncIterable[bytes], *, max_line_bytes: int, dry_run: bool = False
) -> AsyncIterator[bytes]:
    """Outcomes as NDJSON, in the order of the lines, and a `Tally` at the end, which says why when not everything was read. A `dry_run`
    checks the lines and stores nothing."""
    tally = Tally(complete=True)
    writing: deque[asyncio.Task[list[LineResult]]] = deque()

    async def oldest() -> bytes:
        done = await writing.popleft()
        tally.add(done)
        return b"".join(map(encode_result, done))

    try:
        async for lines in chunks_of_lines(pieces, max_line_bytes=max_line_bytes):
            prepared = await writer.prepare(lines)
            if dry_run:
                judged = writer.judge(prepared)
                tally.add(judged)
                yield b"".join(map(encode_result, judged))
                continue
            while len(writing) >= _WRITING:
                yield await oldest()
            writing.append(asyncio.create_task(write_chunk(ctx, writer, prepared)))
            await asyncio.sleep(0)  # it is on its way before the next chunk is checked
        while writing:
            yield await oldest()
    except SteelyardError as e:
        for done in await asyncio.gather(*writing, return_exceptions=True):
            if isinstance(done, BaseException):
                break
            tally.add(done)
            yield b"".join(map(encode_result, done))
        tally.complete, tally.error = False, e.message
    yield encode_result(tally)
