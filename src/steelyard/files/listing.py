"""Listing the files of a project."""

from __future__ import annotations

import base64
import binascii
import re
import uuid

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.errors import parameter
from steelyard.files import queries as q
from steelyard.files.add import check_metadata
from steelyard.files.model import FileRow
from steelyard.projects import project_by_name

_ADDRESS = re.compile(r"scaledata://[^/]*/([0-9A-Fa-f-]{36})/?")


class FilePage(Struct, frozen=True):
    """A page, newest first; `total` counts all that match; `cursor` continues after it, None at the end."""

    files: list[FileRow]
    total: int
    cursor: str | None


async def list_files(
    ctx: Ctx, actor: Actor, project_name: str, *, metadata: str | None, cursor: str | None, limit: int
) -> FilePage:
    """Files of a project whose metadata has the values of `metadata`, a JSON object. Raises InvalidRequest.

    A project that does not exist has no files.
    """
    wanted = None if metadata is None else check_metadata(metadata.encode(), "metadata")
    before = "g" if cursor is None else _decode(cursor)  # sorts after every hex digit
    project = await project_by_name(ctx.db, actor.space_id, project_name)
    if project is None:
        return FilePage([], 0, None)
    found = await q.files_of_project(
        ctx.db, space_id=actor.space_id, project_id=project.id, before=before, metadata=wanted, n=limit + 1
    )
    total = await q.count_files(ctx.db, space_id=actor.space_id, project_id=project.id, metadata=wanted)
    page = found[:limit]
    return FilePage(page, total or 0, _encode(page[-1].id) if len(found) > limit else None)


async def list_unassigned(ctx: Ctx, actor: Actor, *, cursor: str | None, limit: int) -> FilePage:
    """Files that are in no project. Raises InvalidRequest."""
    before = "g" if cursor is None else _decode(cursor)
    found = await q.files_of_no_project(ctx.db, space_id=actor.space_id, before=before, n=limit + 1)
    total = await q.count_files_of_no_project(ctx.db, space_id=actor.space_id)
    page = found[:limit]
    return FilePage(page, total or 0, _encode(page[-1].id) if len(found) > limit else None)


async def file_by_address(ctx: Ctx, actor: Actor, address: str) -> FileRow | None:
    """The file whose `attachment_url` this is."""
    match = _ADDRESS.fullmatch(address.strip())
    return None if match is None else await q.file_by_id(ctx.db, space_id=actor.space_id, id=match[1].lower())


async def file_by_reference(ctx: Ctx, actor: Actor, reference_id: str) -> FileRow | None:
    """The file that the customer calls so."""
    if "\x00" in reference_id:
        return None
    file_id = await q.id_by_reference(ctx.db, space_id=actor.space_id, reference_id=reference_id)
    return None if file_id is None else await q.file_by_id(ctx.db, space_id=actor.space_id, id=file_id)


def _encode(file_id: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(file_id).bytes).rstrip(b"=").decode()


def _decode(cursor: str) -> str:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return str(uuid.UUID(bytes=raw))
    except (binascii.Error, ValueError):
        raise parameter("cursor", "is not a cursor of a list of files") from None
