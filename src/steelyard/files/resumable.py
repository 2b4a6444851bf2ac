"""Uploads that come in pieces and go on after a break (the tus protocol's verbs; http/api/uploads.py speaks it)."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterable
from datetime import datetime

import msgspec
import structlog
from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Tx
from steelyard.errors import Conflict, NotFound, RateLimited, SteelyardError, TooLarge, Unavailable, parameter
from steelyard.files import queries as q
from steelyard.files.add import FileDetails, add_stored, project_id_of
from steelyard.files.model import UploadRow
from steelyard.files.types import type_of
from steelyard.ids import new_uuid
from steelyard.jobs.specs import NoArgs
from steelyard.storage import Blob
from steelyard.storage.books import keep_recorded
from steelyard.storage.partial import ChecksumMismatch, Partial

LIFETIME_S = 48 * 3600.0
"""An upload is forgotten so long after its last piece."""
MOST_OPEN = 200
"""Uploads of one space that may be under way."""
_TIDY_S = _YOUNG_S = 3600.0
_log = structlog.get_logger()
_ID = re.compile(r"[0-9a-f-]{36}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class WrongOffset(Conflict):
    """The piece does not begin where the upload stands."""

    code = "wrong-offset"


class UploadElsewhere(Unavailable):
    """The pieces lie on another host, which a balancer may choose for the next try."""

    code = "upload-elsewhere"


class UploadState(Struct, frozen=True):
    """How far an upload is. `file_id` is there once it has become a file."""

    id: str
    offset: int
    length: int
    file_id: str | None
    expires_at: datetime


async def begin_upload(
    ctx: Ctx, actor: Actor, details: FileDetails, *, length: int, mime_type: str, sha256: str | None
) -> UploadState:
    """A new upload of `length` bytes; `sha256`: what the whole will have, checked at the end.

    Raises TooLarge, InvalidRequest, NotFound for an unknown project, RateLimited.
    """
    limit = ctx.settings.max_resumable_bytes
    if length > limit:
        raise TooLarge(f"Files may hold at most {limit} bytes.")
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise parameter("sha256", "must be 64 lowercase hex digits")
    await project_id_of(ctx, actor, details.project_name)
    upload_id = new_uuid()
    ctx.store.partial(upload_id).make()
    made = await q.insert_upload(
        ctx.db,
        space_id=actor.space_id,
        id=upload_id,
        length=length,
        details=msgspec.json.encode(details).decode(),
        mime_type=mime_type,
        sha256=sha256,
        host=socket.gethostname(),
        lifetime_s=LIFETIME_S,
        most=MOST_OPEN,
    )
    if not made:
        ctx.store.partial(upload_id).remove()
        raise RateLimited(f"{MOST_OPEN} uploads are under way already; finish or end some of them first.")
    return await upload_state(ctx, actor, upload_id)


async def open_uploads(ctx: Ctx, actor: Actor) -> list[tuple[UploadRow, FileDetails]]:
    """Uploads of the space that are under way, the last one first."""
    rows = await q.open_uploads(ctx.db, space_id=actor.space_id)
    return [(row, msgspec.json.decode(row.details, type=FileDetails)) for row in rows]


async def upload_state(ctx: Ctx, actor: Actor, upload_id: str) -> UploadState:
    """How far an upload is; one that is whole becomes its file now if that was interrupted. Raises NotFound, UploadElsewhere."""
    row = await _row(ctx, actor, upload_id)
    if row.file_id is not None:
        return UploadState(row.id, row.length, row.length, row.file_id, row.expires_at)
    partial = ctx.store.partial(row.id)
    offset = partial.size()
    if offset is None and row.kept is None:
        raise _gone(row)
    if offset is not None and offset < row.length:
        return UploadState(row.id, offset, row.length, None, row.expires_at)
    return await _finish(ctx, actor, row, partial)


async def append(
    ctx: Ctx,
    actor: Actor,
    upload_id: str,
    chunks: AsyncIterable[bytes],
    *,
    offset: int,
    checksum: tuple[str, bytes] | None,
) -> UploadState:
    """Takes the bytes from `offset` on. The last piece makes the file.

    Raises NotFound, UploadElsewhere, WrongOffset, PartialBusy, TooLarge, ChecksumMismatch (this piece's, or at the end the whole's), and what adding a file
    raises.
    """
    row = await _row(ctx, actor, upload_id)
    partial = ctx.store.partial(row.id)
    here = partial.size() if row.file_id is None and row.kept is None else row.length
    if here is None:
        raise _gone(row)
    if here == row.length and offset == here:
        return await upload_state(ctx, actor, upload_id)
    try:
        async with partial.held() as file:
            # Only now: another request may have written meanwhile.
            here = partial.size()
            if here != offset:
                raise WrongOffset(f"The upload stands at {here} bytes, not at {offset}; go on from there.")
            end = await partial.append(file, chunks, at=offset, limit=row.length, checksum=checksum)
    except FileNotFoundError:
        raise _gone(row) from None
    await q.extend_upload(ctx.db, space_id=actor.space_id, id=row.id, lifetime_s=LIFETIME_S)
    if end < row.length:
        return UploadState(row.id, end, row.length, None, row.expires_at)
    return await _finish(ctx, actor, row, partial)


async def end_upload(ctx: Ctx, actor: Actor, upload_id: str) -> None:
    """Forgets an upload and what came of it; a file that it has become stays. Raises NotFound, PartialBusy."""
    row = await _row(ctx, actor, upload_id)
    await _forget(ctx, actor, row.id)


async def expire_uploads(ctx: Ctx, args: NoArgs) -> None:
    """Forgets uploads that nobody has gone on with."""
    while gone := await q.expired_uploads(ctx.db):
        for upload_id in gone:
            ctx.store.partial(upload_id).remove()


async def tidy_host(ctx: Ctx) -> None:
    """Removes, every hour and until it is cancelled, the pieces on this host whose uploads are forgotten: whichever host's worker takes an
    upload off the books reaches its own disk only."""
    while True:
        try:
            await remove_forgotten(ctx)
        except (SteelyardError, OSError) as e:
            _log.warning("pieces of forgotten uploads could not be removed", error=str(e))
        await asyncio.sleep(_TIDY_S)


async def remove_forgotten(ctx: Ctx) -> None:
    """Removes the pieces on this host whose uploads are forgotten, unless they are younger than an hour, when their row may be on its way."""
    found = await asyncio.to_thread(ctx.store.partials, _YOUNG_S)
    for known in [found[n : n + 1000] for n in range(0, len(found), 1000)]:
        kept = set(await q.uploads_on_the_books(ctx.db, ids=known))
        for upload_id in known:
            if upload_id not in kept:
                ctx.store.partial(upload_id).remove()


async def _row(ctx: Ctx, actor: Actor, upload_id: str) -> UploadRow:
    row = None
    if _ID.fullmatch(upload_id):
        row = await q.upload_by_id(ctx.db, space_id=actor.space_id, id=upload_id)
    if row is None:
        raise NotFound("Upload not found.")
    return row


def _gone(row: UploadRow) -> SteelyardError:
    if row.host is None or row.host == socket.gethostname():
        return NotFound("What had come of this upload is gone; begin it anew.")
    return UploadElsewhere(
        f"The pieces of this upload lie on the host {row.host}; the balancer must keep a client on one host.",
        headers={"Retry-After": "1"},
    )


async def _forget(ctx: Ctx, actor: Actor, upload_id: str) -> None:
    await q.delete_upload(ctx.db, space_id=actor.space_id, id=upload_id)
    ctx.store.partial(upload_id).remove()


async def _finish(ctx: Ctx, actor: Actor, row: UploadRow, partial: Partial) -> UploadState:
    """Stores a whole upload and makes its file; goes on where an earlier try was killed."""
    try:
        async with partial.held():
            sha256, head = await _keep(ctx, actor, row, partial)
    except FileNotFoundError:
        again = await _row(ctx, actor, row.id)
        if again.file_id is not None:
            return UploadState(row.id, row.length, row.length, again.file_id, row.expires_at)
        if again.kept is None or await ctx.store.head(again.kept) != row.length:
            raise _gone(row) from None
        sha256, head = again.kept, await ctx.store.get_range(again.kept, 0, 4096)
    details = msgspec.json.decode(row.details, type=FileDetails)

    async def note(tx: Tx, file_id: str) -> None:
        await q.set_upload_file(tx, space_id=actor.space_id, id=row.id, file_id=file_id)

    try:
        project_id = await project_id_of(ctx, actor, details.project_name)
        mime_type = type_of(head, row.mime_type)
        made = await add_stored(ctx, actor, details, project_id, Blob(sha256, row.length), mime_type, note)
    except (Conflict, NotFound):
        await _forget(ctx, actor, row.id)
        raise
    return UploadState(row.id, row.length, row.length, made.id, row.expires_at)


async def _keep(ctx: Ctx, actor: Actor, row: UploadRow, partial: Partial) -> tuple[str, bytes]:
    spooled = await ctx.store.digested(partial.path)
    if row.sha256 is not None and spooled.sha256 != row.sha256:
        await _forget(ctx, actor, row.id)
        raise ChecksumMismatch("The whole file does not have the SHA-256 that was given; upload it again.")
    # Noted first: from here on a killed process's work can be gone on with.
    await q.note_kept(ctx.db, space_id=actor.space_id, id=row.id, kept=spooled.sha256)
    await asyncio.shield(keep_recorded(ctx.store, ctx.db, spooled, type_of(spooled.head, row.mime_type)))
    partial.remove()
    return spooled.sha256, spooled.head
