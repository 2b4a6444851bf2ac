"""Adding files: by upload, or by an address that is fetched in the background."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import enqueue, wake
from steelyard.db.pool import ConstraintBroken, Tx
from steelyard.errors import Conflict, NotFound, parameter
from steelyard.files import queries as q
from steelyard.files.model import IMPORT_FILE, IMPORT_FILE_QUEUE, FileRow, ImportFile, new_file_id
from steelyard.files.types import type_of
from steelyard.projects import project_by_name
from steelyard.storage import Blob, Spooled
from steelyard.storage.books import keep_recorded

MAX_FILE_BYTES = 80 * 2**20
"""The generous reading of 80 MB (platform-api §20.2)."""
_MAX_TEXT = 1024
_MAX_TEXT_BYTES = 2600  # an index of PostgreSQL takes at most 2704
_MAX_METADATA_BYTES = 64 * 1024
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]")


class FileDetails(Struct, frozen=True, kw_only=True):
    """What may be said of a file; `metadata` is a JSON object as sent."""

    project_name: str | None = None
    display_name: str | None = None
    reference_id: str | None = None
    metadata: str | None = None


def check_details(
    *, project_name: str | None, display_name: str | None, reference_id: str | None, metadata: bytes | None
) -> FileDetails:
    """Checked details; "" means not given. Raises InvalidRequest."""
    for name, text in (("display_name", display_name), ("reference_id", reference_id)):
        if text and (len(text) > _MAX_TEXT or len(text.encode()) > _MAX_TEXT_BYTES):
            raise parameter(
                name, f"must be a string of at most {_MAX_TEXT} characters and {_MAX_TEXT_BYTES} bytes"
            )
    return FileDetails(
        project_name=project_name or None,
        display_name=display_name or None,
        reference_id=reference_id or None,
        metadata=check_metadata(metadata, "metadata") if metadata else None,
    )


def check_metadata(raw: bytes, path: str) -> str:
    """A JSON object as sent. Decoded in full, so that whatever is stored can be compared by the database later."""
    try:
        decoded: Any = msgspec.json.decode(raw)
        text = raw.decode().strip()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded, text = None, ""
    if not isinstance(decoded, dict) or len(raw) > _MAX_METADATA_BYTES:
        raise parameter(path, f"must be a JSON object of at most {_MAX_METADATA_BYTES} bytes")
    if "\\u0000" in text:
        raise parameter(path, "must not contain NUL characters")
    return text


async def add_upload(
    ctx: Ctx, actor: Actor, details: FileDetails, spooled: Spooled, declared_type: str
) -> FileRow:
    """Stores an uploaded file (platform-api §20.2).

    The same content again under the same reference id and a project that it is not in yet: it is added to that project.
    Raises NotFound for an unknown project, Conflict when the reference id is taken otherwise.
    """
    project_id = await project_id_of(ctx, actor, details.project_name)
    # Before the transaction: content that no row refers to is collected later, a row without content would be a lie.
    mime_type = type_of(spooled.head, declared_type)
    blob = await keep_recorded(ctx.store, ctx.db, spooled, mime_type)
    return await add_stored(ctx, actor, details, project_id, blob, mime_type)


async def add_stored(
    ctx: Ctx,
    actor: Actor,
    details: FileDetails,
    project_id: str | None,
    blob: Blob,
    mime_type: str,
    also: Callable[[Tx, str], Awaitable[object]] | None = None,
) -> FileRow:
    """The same for content that storage has and that is recorded; `also(tx, id of the file)` belongs into the transaction."""
    try:
        async with ctx.db.tx() as tx:
            row = await _insert(ctx, tx, actor, details, project_id, blob=blob, mime_type=mime_type)
            if also is not None:
                await also(tx, row.id)
            return row
    except ConstraintBroken as e:
        if e.constraint != "file_reference_id_unique":
            raise
    return await _add_again(ctx, actor, details, project_id, blob, also)


async def import_from_url(ctx: Ctx, actor: Actor, details: FileDetails, url: str) -> FileRow:
    """A file that a job will fetch; what goes wrong then surfaces in the tasks that use it.

    Raises InvalidRequest for what is no http(s) URL, NotFound for an unknown project, Conflict when the reference id is taken.
    """
    _check_url(url)
    project_id = await project_id_of(ctx, actor, details.project_name)
    try:
        async with ctx.db.tx() as tx:
            row = await _insert(ctx, tx, actor, details, project_id, source_url=url)
            await enqueue(tx, IMPORT_FILE, ImportFile(actor.space_id, row.id), queue=IMPORT_FILE_QUEUE)
    except ConstraintBroken as e:
        if e.constraint == "file_reference_id_unique":
            raise _taken(details) from None
        raise
    wake(ctx)
    return row


async def project_id_of(ctx: Ctx, actor: Actor, name: str | None) -> str | None:
    """The id of the project that a file is to be in. Raises NotFound."""
    if name is None:
        return None
    project = await project_by_name(ctx.db, actor.space_id, name)
    if project is None:
        raise NotFound("Project with that name not found.")
    return project.id


async def _insert(
    ctx: Ctx,
    tx: Tx,
    actor: Actor,
    details: FileDetails,
    project_id: str | None,
    *,
    blob: Blob | None = None,
    mime_type: str | None = None,
    source_url: str | None = None,
) -> FileRow:
    file_id = new_file_id(ctx)
    await q.insert_file(
        tx,
        space_id=actor.space_id,
        id=file_id,
        display_name=details.display_name,
        reference_id=details.reference_id,
        metadata=details.metadata,
        mime_type=mime_type,
        size_bytes=None if blob is None else blob.size_bytes,
        sha256=None if blob is None else blob.sha256,
        source_url=source_url,
        state="importing" if blob is None else "stored",
    )
    if project_id is not None:
        await q.add_to_project(tx, space_id=actor.space_id, file_id=file_id, project_id=project_id)
    return await _load(tx, actor, file_id)


async def _add_again(
    ctx: Ctx,
    actor: Actor,
    details: FileDetails,
    project_id: str | None,
    blob: Blob,
    also: Callable[[Tx, str], Awaitable[object]] | None,
) -> FileRow:
    async with ctx.db.tx() as tx:
        file_id = await q.same_upload(
            tx, space_id=actor.space_id, reference_id=details.reference_id, sha256=blob.sha256
        )
        if file_id is None or project_id is None:
            raise _taken(details)
        if not await q.add_to_project(tx, space_id=actor.space_id, file_id=file_id, project_id=project_id):
            raise _taken(details)
        await q.touch_file(tx, space_id=actor.space_id, id=file_id)
        if also is not None:
            await also(tx, file_id)
        return await _load(tx, actor, file_id)


async def _load(tx: Tx, actor: Actor, file_id: str) -> FileRow:
    row = await q.file_by_id(tx, space_id=actor.space_id, id=file_id)
    assert row is not None
    return row


def _taken(details: FileDetails) -> Conflict:
    return Conflict(f'The reference_id "{details.reference_id}" is already used for a different file.')


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or len(url) > 4096 or _BLANK.search(url):
        raise parameter("file_url", "must be an absolute http:// or https:// URL")
