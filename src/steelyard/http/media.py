"""Stored content for browsers and programs: signed media links and files of answers, with ranges, as nothing that a browser would run."""

from __future__ import annotations

import re

from starlette.responses import Response, StreamingResponse

from steelyard import derived, files
from steelyard.http.auth import member_of
from steelyard.http.route import PUBLIC, Call, Routes
from steelyard.media.sniff import media_headers

routes = Routes("public", "Media")

_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")


def _range(header: str, size: int) -> tuple[int, int] | None:
    """(first, length) of a single range; None for what is to be ignored; length 0 for one that cannot be satisfied."""
    match = _RANGE.match(header.replace(" ", ""))
    if match is None or not (match[1] or match[2]) or len(header) > 100:
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        return size - length, length
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if match[2] and int(match[2]) < first:
        return None
    return first, max(0, last - first + 1)


def send_content(call: Call, content: files.Content, cache: str) -> Response:
    """The content as an answer: whole, a part of it (206), not modified (304), or an unsatisfiable range (416)."""
    etag = f'"{content.sha256}"'
    headers = {
        **media_headers(content.mime_type, content.name),
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": cache,
        # A link that opens for all is the permission itself, so any page may read what it was given one to. One that opens for a member
        # alone needs cookies, which browsers do not send along for other pages, nor let them read an answer to under this header.
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Content-Length, Content-Range, ETag",
    }
    known = (call.header(b"if-none-match") or b"").decode("latin-1")
    if known and (known.strip() == "*" or etag in re.split(r"\s*,\s*", known.replace("W/", ""))):
        return Response(status_code=304, headers=headers)
    start, length, status = 0, content.size_bytes, 200
    asked = call.header(b"range")
    unchanged = (call.header(b"if-range") or etag.encode()).decode("latin-1") == etag
    if asked is not None and unchanged and (part := _range(asked.decode("latin-1"), content.size_bytes)):
        start, length = part
        if length == 0:
            headers["Content-Range"] = f"bytes */{content.size_bytes}"
            return Response(status_code=416, headers=headers)
        status = 206
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{content.size_bytes}"
    headers["Content-Length"] = str(length)
    if call.scope["method"] == "HEAD" or length == 0:
        return Response(status_code=status, headers=headers)
    pieces = call.ctx.store.stream(content.sha256, start, length)
    return StreamingResponse(pieces, status_code=status, headers=headers)


@routes.get("/media/{token}", access=PUBLIC, content_type="application/octet-stream", errors=(404,))
async def get_media(call: Call) -> Response:
    """Stored media by a signed link that ends after a while"""
    content = await files.media_by_token(call.ctx, call.path[0], lambda: member_of(call))
    return send_content(call, content, "private, max-age=3600, immutable")


@routes.get(
    "/media/{token}/derived/{part}", access=PUBLIC, content_type="application/octet-stream", errors=(404,)
)
async def get_derived(call: Call) -> Response:
    """A part of what was made from stored media for showing it: a thumbnail, a tile, a page, frame times"""
    part = await derived.derived_part(call.ctx, call.path[0], call.path[1], lambda: member_of(call))
    content = await derived.content_of(call.ctx, part)
    headers = {
        **media_headers(part.mime_type, call.path[1]),
        "Cache-Control": "private, max-age=86400, immutable",
    }
    return Response(content, headers=headers)


@routes.get("/results/{token}", access=PUBLIC, content_type="application/octet-stream", errors=(404,))
async def get_result(call: Call) -> Response:
    """A file of a response by its unguessable link"""
    content = await files.result_by_token(call.ctx, call.path[0])
    return send_content(call, content, "private, max-age=86400, immutable")
