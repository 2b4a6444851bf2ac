"""Job `derive_media`: makes the derived files of one stored file. Periodic `sweep_derived`: keeps them below their quota."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue_many
from steelyard.db.pool import Executor
from steelyard.derived import queries as q
from steelyard.derived.make import make_derived
from steelyard.derived.model import Made, Place
from steelyard.errors import NotFound
from steelyard.jobs.specs import NoArgs

DERIVE_MEDIA = "derive_media"
_MADE_FROM = ("image/", "video/", "audio/", "application/pdf", "application/ogg")
_SWEPT_AT_ONCE = 200


class DeriveMedia(Struct, frozen=True):
    """Make what is shown of the stored file `sha256`. Queue `attachments`."""

    sha256: str
    mime_type: str


async def promise(on: Executor, files: Sequence[tuple[str, str]]) -> None:
    """Promises the derived files of some stored ones (sha256, MIME type); waiting promises are not repeated."""
    wanted = [DeriveMedia(sha256, mime) for sha256, mime in files if mime.startswith(_MADE_FROM)]
    await enqueue_many(
        on, DERIVE_MEDIA, wanted, dedupe_keys=[f"derive:{w.sha256}" for w in wanted], queue="attachments"
    )


async def derive_media(ctx: Ctx, args: DeriveMedia) -> None:
    """Does nothing where the files are there already, or the source is gone. What the file is to blame for is noted, not tried again."""
    if await q.derived_by_source(ctx.db, source_sha256=args.sha256) is not None:
        return
    try:
        made = await _make(ctx, args)
    except NotFound:
        return
    parts: dict[str, Place] = {}
    whole = bytearray()
    for piece in made.pieces:
        parts[piece.name] = Place(len(whole), len(piece.content), piece.mime_type)
        whole += piece.content
    blob = await ctx.store.put(bytes(whole)) if made.pieces else None
    await q.put_derived(
        ctx.db,
        source_sha256=args.sha256,
        sha256=None if blob is None else blob.sha256,
        detail=msgspec.json.encode(made.detail).decode(),
        parts=msgspec.json.encode({k: [p.offset, p.length, p.mime_type] for k, p in parts.items()}).decode(),
        problem=made.problem,
        size_bytes=0 if blob is None else blob.size_bytes,
    )


async def ensure(ctx: Ctx, sha256: str, mime_type: str) -> str | None:
    """Makes what is shown of a stored file now, unless it is there; what is wrong with the file in words for the customer, or None."""
    await derive_media(ctx, DeriveMedia(sha256, mime_type))
    found = await q.derived_by_source(ctx.db, source_sha256=sha256)
    return None if found is None else found.problem


async def _make(ctx: Ctx, args: DeriveMedia) -> Made:
    loop = asyncio.get_running_loop()
    path = ctx.store.local_path(args.sha256)
    if path is not None:
        if not await asyncio.to_thread(path.exists):
            raise NotFound("File not found.")
        return await loop.run_in_executor(ctx.cpu, make_derived, str(path), args.mime_type)
    fd, name = tempfile.mkstemp(prefix="steelyard-")
    try:
        with os.fdopen(fd, "wb") as file:
            async for chunk in ctx.store.stream(args.sha256):
                await asyncio.to_thread(file.write, chunk)
        return await loop.run_in_executor(ctx.cpu, make_derived, name, args.mime_type)
    finally:
        await asyncio.to_thread(Path(name).unlink)


async def sweep_derived(ctx: Ctx, args: NoArgs) -> None:
    """Removes the least recently used derived files while all of them together are above `derived_quota_bytes`."""
    quota = ctx.settings.derived_quota_bytes
    size = await q.derived_size(ctx.db) or 0
    while size > quota:
        oldest = await q.least_used(ctx.db, n=_SWEPT_AT_ONCE)
        gone: list[q.UsedRow] = []
        for row in oldest:
            if size <= quota:
                break
            gone.append(row)
            size -= row.size_bytes
        if not gone:
            return
        # Off the books first: what is left in storage by a crash is only waste, what is missing would be a broken picture.
        await q.forget_derived(ctx.db, sources=[row.source_sha256 for row in gone])
        kept = set(await q.still_used(ctx.db, sha256s=[row.sha256 for row in gone]))
        for row in gone:
            if row.sha256 not in kept:
                await ctx.store.delete(row.sha256)
