"""Files (platform-api §20)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from steelyard import files
from steelyard.clock import wire_time
from steelyard.errors import parameter
from steelyard.http.multipart import read_upload
from steelyard.http.route import DATA, Call, Routes

routes = Routes("v1", "Files")

_LINKS_LAST_S = 24 * 3600
_UPLOAD_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "At most 80 MiB."},
        "project_name": {"type": "string"},
        "display_name": {"type": "string"},
        "reference_id": {"type": "string", "description": "An id of yours, unique among your files."},
        "metadata": {"type": "string", "description": "A JSON object as a string."},
    },
}


class ImportFileRequest(Struct, kw_only=True):
    """A file to be fetched from an address."""

    file_url: Annotated[str, Meta(description="An http:// or https:// URL.")]
    project_name: str | None = None
    display_name: str | None = None
    reference_id: str | None = None
    metadata: dict[str, Raw] | None = None


class ListFiles(Struct, kw_only=True):
    """Filters and paging of the list."""

    project: Annotated[
        str | None,
        Meta(
            description="Name of the project; required unless `reference_id`, `attachment_url` or `unassigned` is given."
        ),
    ] = None
    attachment_url: Annotated[
        str | None, Meta(description="The one file with this `scaledata://` address; no other filter then.")
    ] = None
    unassigned: Annotated[bool, Meta(description="Files that are in no project.")] = False
    include_attachment_url: Annotated[
        bool, Meta(description="Adds `s3URL` to each file that has been stored.")
    ] = False
    reference_id: Annotated[
        str | None, Meta(description="The one file with this id of yours; no other filter then.")
    ] = None
    metadata: Annotated[
        str | None, Meta(description="A JSON object; files match whose metadata has equal values.")
    ] = None
    cursor: str | None = None
    next_token: Annotated[str | None, Meta(description="Same as `cursor`.")] = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 100


class WireFile(Struct, kw_only=True):
    """A file. `size` and `mime_type` of an imported one are null until it was fetched."""

    id: str
    attachment_url: Annotated[
        str, Meta(description="May stand wherever a task parameter expects an attachment.")
    ]
    created_at: str
    updated_at: str
    mime_type: str | None
    size: Annotated[int | None, Meta(description="Bytes.")]
    project_names: list[str]
    display_name: str | UnsetType = UNSET
    reference_id: str | UnsetType = UNSET
    metadata: Raw | UnsetType = UNSET
    s3URL: Annotated[
        str | UnsetType, Meta(description="Opens the content without a key for a day; only when asked for.")
    ] = UNSET


class WireFilePage(Struct, kw_only=True):
    """A page of files. `cursor` and `next_token` are equal and there only when more files follow."""

    docs: list[WireFile]
    total: int
    limit: int
    has_more: bool
    cursor: str | UnsetType = UNSET
    next_token: str | UnsetType = UNSET


def _wire_file(call: Call, row: files.FileRow, link: str | None = None) -> WireFile:
    return WireFile(
        id=row.id,
        attachment_url=files.attachment_url(call.actor, row.id),
        created_at=wire_time(row.created_at),
        updated_at=wire_time(row.updated_at),
        mime_type=row.mime_type,
        size=row.size_bytes,
        project_names=row.project_names,
        display_name=UNSET if row.display_name is None else row.display_name,
        reference_id=UNSET if row.reference_id is None else row.reference_id,
        metadata=UNSET if row.metadata is None else Raw(row.metadata),
        s3URL=link or UNSET,
    )


@routes.post(
    "/v1/files/upload",
    body="stream",
    body_schema=_UPLOAD_SCHEMA,
    response=WireFile,
    access=DATA,
    errors=(400, 404, 409),
)
async def upload_file(call: Call) -> WireFile:
    """Upload a file"""
    async with read_upload(call, max_file_bytes=files.MAX_FILE_BYTES) as form:
        details = files.check_details(
            project_name=form.fields.get("project_name"),
            display_name=form.fields.get("display_name"),
            reference_id=form.fields.get("reference_id"),
            metadata=form.fields.get("metadata", "").encode(),
        )
        row = await files.add_upload(call.ctx, call.actor, details, form.file, form.declared_type)
    return _wire_file(call, row)


@routes.post(
    "/v1/files/import",
    body=ImportFileRequest,
    response=WireFile,
    access=DATA,
    errors=(400, 404, 409),
    idempotent=True,
)
async def import_file(call: Call) -> WireFile:
    """Import a file from a URL; it is fetched in the background"""
    body: ImportFileRequest = call.body
    metadata = None
    if body.metadata is not None:
        members = (msgspec.json.encode(k) + b":" + bytes(v) for k, v in body.metadata.items())
        metadata = b"{" + b",".join(members) + b"}"
    details = files.check_details(
        project_name=body.project_name,
        display_name=body.display_name,
        reference_id=body.reference_id,
        metadata=metadata,
    )
    return _wire_file(call, await files.import_from_url(call.ctx, call.actor, details, body.file_url))


@routes.get("/v1/files", query=ListFiles, response=WireFilePage, access=DATA, errors=(400,))
async def list_files(call: Call) -> WireFilePage:
    """List the files of a project, or those of none, newest first"""
    query: ListFiles = call.query
    if query.project is not None:
        page = await files.list_files(
            call.ctx,
            call.actor,
            query.project,
            metadata=query.metadata,
            cursor=query.cursor or query.next_token,
            limit=query.limit,
        )
    elif query.unassigned:
        page = await files.list_unassigned(
            call.ctx, call.actor, cursor=query.cursor or query.next_token, limit=query.limit
        )
    elif query.reference_id is not None or query.attachment_url is not None:
        if query.reference_id is not None:
            row = await files.file_by_reference(call.ctx, call.actor, query.reference_id)
        else:
            row = await files.file_by_address(call.ctx, call.actor, query.attachment_url or "")
        page = files.FilePage([] if row is None else [row], 0 if row is None else 1, None)
    else:
        raise parameter("project", "is required")
    kinds = {
        row.sha256: row.mime_type or "application/octet-stream"
        for row in page.files
        if query.include_attachment_url and row.state == "stored" and row.sha256 is not None
    }
    links = await files.links_to(call.ctx, call.actor.space_id, kinds, _LINKS_LAST_S) if kinds else {}
    more = UNSET if page.cursor is None else page.cursor
    return WireFilePage(
        docs=[_wire_file(call, row, links.get(row.sha256 or "")) for row in page.files],
        total=page.total,
        limit=query.limit,
        has_more=page.cursor is not None,
        cursor=more,
        next_token=more,
    )
