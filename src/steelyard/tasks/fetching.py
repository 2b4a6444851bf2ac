"""One attachment: from its URL to checked content in storage (platform-api §25.1)."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from steelyard.cpu import FileFatal, look_into
from steelyard.ctx import Ctx
from steelyard.db.sqlfile import QueryFile
from steelyard.errors import NotFound, TooLarge
from steelyard.files.receive import received
from steelyard.media.images import ImageFacts, inspect_image
from steelyard.media.sniff import refusal, sniff
from steelyard.net import guard
from steelyard.storage import Blob, Spooled
from steelyard.storage.books import keep_recorded
from steelyard.storage.cloud import SCHEMES, CloudFailed
from steelyard.task_types import AttachmentRef, MediaInfo
from steelyard.task_types._base import MediaKind
from steelyard.tasks.metrics import counted

Q = QueryFile(__name__, "prepare.sql")

IMPORT_POLL_S = 2.0


class Outcome(Struct, frozen=True):
    """What came of an attachment. Stored: `sha256` and what follows it; `detail` as in `facts.FileFacts`. Failed: `status_code` and `message` for the customer.

    `status_code` is the HTTP status received; without one: 500 for transport failures, 403 for an address that this server refuses to
    contact, 400 for a URL that cannot be fetched at all. `transient`: the same may succeed later. `details`:
    everything that is wrong with a file that was fetched, by place.
    """

    state: str
    status_code: int
    message: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    mime_type: str | None = None
    width: int | None = None
    height: int | None = None
    detail: str | None = None
    transient: bool = False
    importing: bool = False
    details: dict[str, list[str]] = {}


class FileContent(Struct, frozen=True):
    """A row of `file`."""

    state: str
    sha256: str | None
    size_bytes: int | None
    mime_type: str | None
    failure_status: int | None


_file_by_id = Q.opt("file_by_id", FileContent)
_account_of = Q.value("account_of", str)


def _failed(status: int, message: str, *, transient: bool = False, importing: bool = False) -> Outcome:
    return Outcome("failed", status, message, transient=transient, importing=importing)


async def fetch(ctx: Ctx, space_id: int, ref: AttachmentRef) -> Outcome:
    """Fetches, checks and stores one attachment. Never raises for what the URL or its content are to blame for."""
    began = time.monotonic()
    found = await _fetch(ctx, space_id, ref)
    if not found.importing:
        counted().fetched(
            stored=found.sha256 is not None, transient=found.transient, seconds=time.monotonic() - began
        )
    return found


async def _fetch(ctx: Ctx, space_id: int, ref: AttachmentRef) -> Outcome:
    try:
        scheme = urlsplit(ref.url.strip()).scheme.lower()
    except ValueError:
        return _failed(400, "This is not a valid URL.")
    if scheme in ("http", "https"):
        return await _fetch_http(ctx, ref)
    if scheme == "scaledata":
        return await _take_file(ctx, space_id, ref)
    if scheme in SCHEMES:
        return await _fetch_cloud(ctx, space_id, ref)
    return _failed(400, "Attachments must be http://, https://, s3://, gs://, az:// or scaledata:// URLs.")


async def _fetch_http(ctx: Ctx, ref: AttachmentRef) -> Outcome:
    try:
        async with received(ctx, ref.url.strip(), max_bytes=ctx.settings.max_attachment_bytes) as (
            file,
            declared,
        ):
            return await _take_in(ctx, ref, file, declared)
    except guard.BlockedAddress as e:
        return _failed(403, e.message)
    except guard.BadAddress as e:
        return _failed(e.status or 400, e.message)
    except guard.FetchFailed as e:
        return _failed(e.status or 500, e.message, transient=e.transient)
    except TooLarge as e:
        return _failed(200, e.message)


async def _fetch_cloud(ctx: Ctx, space_id: int, ref: AttachmentRef) -> Outcome:
    """An object in a bucket that the operator listed for the task's account."""
    settings, account = ctx.settings, await _account_of(ctx.db, space_id=space_id)
    try:
        async with AsyncExitStack() as stack:
            async with ctx.store.cloud.get(
                ref.url.strip(),
                account=account or "",
                max_bytes=settings.max_attachment_bytes,
                timeout_s=settings.attachment_timeout_seconds,
            ) as download:
                spooled = await stack.enter_async_context(ctx.store.spool(download.chunks()))
            return await _take_in(ctx, ref, spooled, download.content_type)
    except CloudFailed as e:
        return _failed(e.status, e.message, transient=e.transient)
    except TooLarge as e:
        return _failed(200, e.message)


async def _take_in(ctx: Ctx, ref: AttachmentRef, spooled: Spooled, declared: str) -> Outcome:
    """Checks what was received and stores it."""
    mime = sniff(spooled.head, declared)
    facts = await _examine(ctx, ref.media, mime, spooled.path)
    if facts.problem is not None:
        return _failed(200, facts.problem)
    return _stored(await keep_recorded(ctx.store, ctx.db, spooled, mime), mime, facts)


def _stored(blob: Blob, mime: str, facts: ImageFacts) -> Outcome:
    return Outcome(
        "stored",
        200,
        sha256=blob.sha256,
        size_bytes=blob.size_bytes,
        mime_type=mime,
        width=facts.width or None,
        height=facts.height or None,
    )


async def _take_file(ctx: Ctx, space_id: int, ref: AttachmentRef) -> Outcome:
    """`scaledata://<owner>/<uuid>`: an uploaded or imported file of the same space; the owner part is not needed to find it."""
    file_id = ref.url.strip().rstrip("/").rpartition("/")[2].lower()
    file = None if "\0" in file_id else await _file_by_id(ctx.db, space_id=space_id, file_id=file_id)
    if file is None:
        return _failed(404, "File not found.")
    if file.state == "importing":
        return _failed(500, "The file's import has not finished.", transient=True, importing=True)
    if file.state == "failed" or file.sha256 is None:
        return _failed(file.failure_status or 500, "The file could not be imported.")
    try:
        head = await ctx.store.get_range(file.sha256, 0, 4096)
        mime = sniff(head, file.mime_type or "")
        if _is_looked_into(ref.media, mime):
            async with ctx.store.as_file(file.sha256) as path:
                facts = await _examine(ctx, ref.media, mime, path)
        else:
            facts = await _examine(ctx, ref.media, mime, None)
    except NotFound:
        return _failed(404, "The file's content is gone.")
    if facts.problem is not None:
        return _failed(200, facts.problem)
    return _stored(Blob(file.sha256, file.size_bytes or 0), mime, facts)


async def measure_file(ctx: Ctx, space_id: int, ref: AttachmentRef) -> MediaInfo:
    """What is known of an attachment that is a file of this space, without fetching anything; zeros for all others."""
    if not ref.url.strip().lower().startswith("scaledata://"):
        return MediaInfo()
    found = await _take_file(ctx, space_id, ref)
    return MediaInfo(found.width or 0, found.height or 0)


async def file_content(ctx: Ctx, space_id: int, ref: AttachmentRef) -> str | None:
    """The SHA-256 of an attachment that is a file of this space; None for all others."""
    if not ref.url.strip().lower().startswith("scaledata://"):
        return None
    return (await _take_file(ctx, space_id, ref)).sha256


def _is_looked_into(media: MediaKind, mime: str) -> bool:
    return media == "image" or (
        media in ("any", "scene")
        and mime in ("image/jpeg", "image/png", "image/gif", "image/bmp", "image/tiff")
    )


async def _examine(ctx: Ctx, media: MediaKind, mime: str, path: Path | None) -> ImageFacts:
    """Checks the content's kind, and images closer. Images where anything goes are measured, but not refused."""
    problem = refusal(media, mime)
    if problem is not None:
        return ImageFacts(problem=problem)
    if path is None or not _is_looked_into(media, mime):
        return ImageFacts()
    try:
        facts = await look_into(ctx, inspect_image, str(path), ctx.settings.max_image_side)
    except FileFatal as e:
        facts = ImageFacts(problem=str(e))
    return facts if media == "image" or facts.problem is None else ImageFacts()
