"""Job `import_file`: fetches an imported file's content (platform-api §20.2)."""

from __future__ import annotations

from steelyard.ctx import Ctx
from steelyard.files import queries as q
from steelyard.files.add import MAX_FILE_BYTES
from steelyard.files.model import ImportFile
from steelyard.files.receive import received
from steelyard.files.types import type_of
from steelyard.jobs.specs import RetryLater
from steelyard.net import guard
from steelyard.storage.books import keep_recorded

_TRANSPORT_FAILURE, _REFUSED, _UNUSABLE = 500, 403, 400
"""What tasks are told as `statusCode` when there was no HTTP status."""


async def import_file(ctx: Ctx, args: ImportFile) -> None:
    """Does nothing for a file whose import was decided by an earlier run. What may pass by itself is tried again for a while."""
    waiting = await q.file_to_import(ctx.db, space_id=args.space_id, id=args.file_id)
    if waiting is None:
        return
    settings = ctx.settings
    try:
        async with received(ctx, waiting.source_url, max_bytes=MAX_FILE_BYTES) as (spooled, declared):
            mime_type = type_of(spooled.head, declared)
            blob = await keep_recorded(ctx.store, ctx.db, spooled, mime_type)
    except guard.FetchFailed as e:
        if e.transient and args.tries + 1 < settings.attachment_tries:
            pause = settings.attachment_retry_seconds * 4.0**args.tries
            again = ImportFile(args.space_id, args.file_id, args.tries + 1)
            raise RetryLater(pause, e.message, args=again) from None
        await q.set_import_failed(ctx.db, space_id=args.space_id, id=args.file_id, failure_status=_status(e))
        return
    await q.set_imported(
        ctx.db,
        space_id=args.space_id,
        id=args.file_id,
        sha256=blob.sha256,
        size_bytes=blob.size_bytes,
        mime_type=mime_type,
    )


def _status(e: guard.FetchFailed) -> int:
    if e.status is not None:
        return e.status
    if isinstance(e, guard.BlockedAddress):
        return _REFUSED
    return _UNUSABLE if isinstance(e, guard.BadAddress) else _TRANSPORT_FAILURE
