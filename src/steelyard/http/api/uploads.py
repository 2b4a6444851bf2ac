"""Uploads in pieces by the tus protocol 1.0 (creation, termination, checksum, expiration), for large files and bad networks."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from email.utils import format_datetime
from typing import Any

from msgspec import Struct

from steelyard import files
from steelyard.clock import wire_time
from steelyard.errors import InvalidRequest, SteelyardError, parameter
from steelyard.http.route import DATA, PUBLIC, Call, Reply, Routes
from steelyard.http.streaming import body_pieces

routes = Routes("api", "Uploads")

_VERSION = "1.0.0"
_ALGORITHMS = {"sha256": 32, "sha1": 20, "md5": 16}
_PIECE = b"application/offset+octet-stream"
_DISCARD_BYTES = 8 * 2**20
_ANY_BODY: dict[str, Any] = {"type": "string", "format": "binary"}


class WrongVersion(SteelyardError):
    """The client does not say that it speaks tus 1.0.0."""

    status, code = 412, "tus-version"


class WrongContentType(SteelyardError):
    """A piece is no `application/offset+octet-stream`."""

    status, code = 415, "content-type"


class UploadView(Struct, kw_only=True):
    """An upload. `attachment_url` is there once it is whole, and may stand wherever a task parameter expects an attachment."""

    id: str
    offset: int
    length: int
    expires_at: str
    file_id: str | None
    attachment_url: str | None


class OpenUpload(Struct, kw_only=True):
    """An upload under way. `sha256`: what its client says the whole will have."""

    id: str
    length: int
    sha256: str | None
    display_name: str | None
    project_name: str | None
    reference_id: str | None
    expires_at: str


def _headers(call: Call) -> list[tuple[str, str]]:
    return [
        ("Tus-Resumable", _VERSION),
        ("Tus-Version", _VERSION),
        ("Tus-Extension", "creation,termination,checksum,expiration"),
        ("Tus-Checksum-Algorithm", ",".join(_ALGORITHMS)),
        ("Tus-Max-Size", str(call.ctx.settings.max_resumable_bytes)),
        ("Cache-Control", "no-store"),
    ]


def _begin(call: Call) -> None:
    call.answer_headers += _headers(call)
    if (call.header(b"tus-resumable") or b"").strip() != _VERSION.encode():
        raise WrongVersion(f"The header Tus-Resumable must be {_VERSION}.")


def _number(call: Call, name: str) -> int:
    raw = (call.header(name.lower().encode()) or b"").strip()
    if not raw.isdigit() or len(raw) > 15:
        raise parameter(name, "must be given as a whole number")
    return int(raw)


def _metadata(call: Call) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in (call.header(b"upload-metadata") or b"").decode("latin-1").split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            raise parameter(
                "Upload-Metadata", "must be pairs of a name and a value in Base64, comma separated"
            ) from None
    if any("\x00" in value for value in found.values()):
        raise parameter("Upload-Metadata", "must not contain NUL characters")
    return found


def _checksum(call: Call) -> tuple[str, bytes] | None:
    raw = call.header(b"upload-checksum")
    if raw is None:
        return None
    name, _, value = raw.decode("latin-1").strip().partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if name not in _ALGORITHMS or len(digest) != _ALGORITHMS[name]:
        raise parameter(
            "Upload-Checksum", f"must be one of {', '.join(_ALGORITHMS)}, and the digest in Base64"
        )
    return name, digest


def _told(state: files.UploadState) -> list[tuple[str, str]]:
    return [
        ("Upload-Offset", str(state.offset)),
        ("Upload-Length", str(state.length)),
        ("Upload-Expires", format_datetime(state.expires_at, usegmt=True)),
    ]


@routes.options("/api/uploads", access=PUBLIC, status=204)
async def tell_protocol(call: Call) -> Reply:
    """Tell what of the tus protocol is spoken here; clients ask before they begin"""
    call.answer_headers += _headers(call)
    return Reply(status=204)


@routes.options("/api/uploads/{upload_id}", access=PUBLIC, status=204)
async def tell_protocol_of_upload(call: Call) -> Reply:
    """Tell what of the tus protocol is spoken here"""
    return await tell_protocol(call)


class UploadsView(Struct, kw_only=True):
    """Uploads under way, the last one first."""

    uploads: list[OpenUpload]


@routes.get("/api/uploads", response=UploadsView, access=DATA)
async def list_uploads(call: Call) -> UploadsView:
    """List the uploads that are under way, to go on with one

    How far each is tells `GET /api/uploads/{upload_id}`.
    """
    return UploadsView(
        uploads=[
            OpenUpload(
                id=row.id,
                length=row.length,
                sha256=row.sha256,
                display_name=details.display_name,
                project_name=details.project_name,
                reference_id=details.reference_id,
                expires_at=wire_time(row.expires_at),
            )
            for row, details in await files.open_uploads(call.ctx, call.actor)
        ]
    )


@routes.post("/api/uploads", access=DATA, status=201, errors=(400, 404, 412, 413, 429))
async def create_upload(call: Call) -> Reply:
    """Begin an upload in pieces

    `Upload-Length` is its size in bytes. `Upload-Metadata` may have `filename`, `filetype`, `project_name`, `display_name`, `reference_id`,
    `metadata` (as those of `POST /v1/files/upload`) and `sha256`, the hex digest that the whole must have. The answer's `Location` takes
    the pieces.
    """
    _begin(call)
    said = _metadata(call)
    details = files.check_details(
        project_name=said.get("project_name"),
        display_name=said.get("display_name") or said.get("filename"),
        reference_id=said.get("reference_id"),
        metadata=said.get("metadata", "").encode(),
    )
    state = await files.begin_upload(
        call.ctx,
        call.actor,
        details,
        length=_number(call, "Upload-Length"),
        mime_type=said.get("filetype", "").split(";")[0].strip().lower()[:127],
        sha256=said.get("sha256"),
    )
    location = f"{call.ctx.public_url}/api/uploads/{state.id}"
    return Reply(status=201, headers=[("Location", location), *_told(state)])


@routes.get("/api/uploads/{upload_id}", response=UploadView, access=DATA, errors=(404, 412, 503))
async def get_upload(call: Call) -> UploadView:
    """How far an upload is (`HEAD` for the headers alone)"""
    if call.scope["method"] == "HEAD":
        _begin(call)
    else:  # people look at it without a client of the protocol
        call.answer_headers += _headers(call)
    state = await files.upload_state(call.ctx, call.actor, call.path[0])
    call.answer_headers += _told(state)
    return UploadView(
        id=state.id,
        offset=state.offset,
        length=state.length,
        expires_at=wire_time(state.expires_at),
        file_id=state.file_id,
        attachment_url=None if state.file_id is None else files.attachment_url(call.actor, state.file_id),
    )


@routes.patch(
    "/api/uploads/{upload_id}",
    body="stream",
    body_schema=_ANY_BODY,
    access=DATA,
    status=204,
    errors=(400, 404, 409, 412, 413, 415, 423, 460, 503),
)
async def continue_upload(call: Call) -> Reply:
    """Send the bytes of an upload from `Upload-Offset` on

    The body is `application/offset+octet-stream`. With `Upload-Checksum` (`sha256`, `sha1` or `md5`) a piece that came damaged is refused
    by 460 and has to be sent again. The piece that makes it whole is answered once the file is stored.
    """
    _begin(call)
    if (call.header(b"content-type") or b"").split(b";")[0].strip().lower() != _PIECE:
        raise WrongContentType(f"Pieces are sent as {_PIECE.decode()}.")
    pieces = _Pieces(call)
    try:
        state = await files.append(
            call.ctx,
            call.actor,
            call.path[0],
            pieces.all(),
            offset=_number(call, "Upload-Offset"),
            checksum=_checksum(call),
        )
    except SteelyardError:
        await pieces.discard()
        raise
    return Reply(status=204, headers=_told(state))


@routes.delete("/api/uploads/{upload_id}", access=DATA, status=204, errors=(404, 412, 423))
async def end_upload(call: Call) -> Reply:
    """End an upload and forget what came of it; a file that it has become stays"""
    _begin(call)
    await files.end_upload(call.ctx, call.actor, call.path[0])
    return Reply(status=204)


class _Pieces:
    """The body as it arrives."""

    def __init__(self, call: Call):
        self._pieces, self._ended = body_pieces(call), False

    async def all(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            yield piece
        self._ended = True

    async def discard(self) -> None:
        """Reads on for a while: a client that is still sending would not see why it was refused."""
        left = _DISCARD_BYTES
        try:
            while not self._ended and left > 0:
                piece = await anext(self._pieces, None)
                if piece is None:
                    return
                left -= len(piece)
        except InvalidRequest:
            return
