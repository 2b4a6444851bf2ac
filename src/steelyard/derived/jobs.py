"""Job `derive_media`: makes the derived files of one stored file. Periodic `sweep_derived`: keeps them below their quota."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from steelyard.cpu import FileFatal, look_into
from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue_many
from steelyard.db.pool import Executor
from steelyard.derived import points
from steelyard.derived import queries as q
from steelyard.derived.make import make_derived
from steelyard.derived.metrics import counted
from steelyard.derived.model import DerivedRow, Made
from steelyard.errors import NotFound
from steelyard.jobs.specs import NoArgs
from steelyard.storage import Blob

DERIVE_MEDIA = "derive_media"
_MADE_FROM = ("image/", "video/", "audio/", "application/pdf", "application/ogg")
_MADE_FROM_MEDIA = ("lidar", "scene")
_SWEPT_AT_ONCE = 200


class DeriveMedia(Struct, frozen=True):
    """Make what is shown of the stored file `sha256`, which serves as `media`. Queue `attachments`."""

    sha256: str
    mime_type: str
    media: str = "any"


def is_made_from(mime_type: str, media: str) -> bool:
    """Whether anything is made from such files."""
    return media in _MADE_FROM_MEDIA or mime_type.startswith(_MADE_FROM)


async def promise(on: Executor, files: Sequence[DeriveMedia]) -> None:
    """Promises the derived files of some stored ones; a promise that waits or is being kept is not repeated."""
    wanted = [w for w in files if is_made_from(w.mime_type, w.media)]
    if not wanted:
        return
    at_work = await q.being_derived(on, sha256s=[w.sha256 for w in wanted])
    wanted = [w for w in wanted if w.sha256 not in at_work]
    await enqueue_many(
        on, DERIVE_MEDIA, wanted, dedupe_keys=[f"derive:{w.sha256}" for w in wanted], queue="derived"
    )


async def derive_media(ctx: Ctx, args: DeriveMedia) -> None:
    """Does nothing where the files are there already, or the source is gone. What the file is to blame for is noted, not tried again."""
    if await q.derived_by_source(ctx.db, source_sha256=args.sha256) is not None:
        return
    blob: Blob | None = None
    try:
        async with ctx.store.as_file(args.sha256) as source, ctx.store.scratch() as out:
            try:
                made = await look_into(ctx, make_derived, str(source), args.mime_type, args.media, str(out))
            except FileFatal as e:
                made = Made({}, problem=str(e))
            if made.parts:
                blob = await ctx.store.keep(await ctx.store.digested(out))
    except NotFound:
        return
    counted(ctx).made(made.problem, 0 if blob is None else blob.size_bytes)
    await q.put_derived(
        ctx.db,
        source_sha256=args.sha256,
        sha256=None if blob is None else blob.sha256,
        detail=msgspec.json.encode(made.detail).decode(),
        parts=msgspec.json.encode(made.parts).decode(),
        problem=made.problem,
        size_bytes=0 if blob is None else blob.size_bytes,
    )


async def ensure(ctx: Ctx, sha256: str, mime_type: str, media: str) -> DerivedRow | None:
    """Makes what is shown of a stored file now, unless it is there; its row, whose `problem` also says when the file is something else than
    `media`. None: the file is gone."""
    await derive_media(ctx, DeriveMedia(sha256, mime_type, media))
    found = await q.derived_by_source(ctx.db, source_sha256=sha256)
    if found is None or found.problem is not None or media not in points.KINDS:
        return found
    return msgspec.structs.replace(found, problem=points.misuse(media, msgspec.json.decode(found.detail)))


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
            counted(ctx).evicted(row.size_bytes)
            if row.sha256 not in kept:
                await ctx.store.delete(row.sha256)
