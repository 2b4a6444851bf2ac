"""The contents of files that an answer refers to by URL: parts sent before it, files of earlier answers, uploads, pages of the web."""

from __future__ import annotations

import asyncio
import base64
import binascii
import zlib
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes, urlsplit

from msgspec import Struct

from steelyard.ctx import Ctx
from steelyard.db.sqlfile import QueryFile
from steelyard.errors import Issue, NotFound
from steelyard.net import guard
from steelyard.task_types import FileLink

UPLOAD_URL = "steelyard-upload:"
"""What an answer calls a part that was sent before it: this, then the part's id."""
MAX_CONTENT_BYTES = 256 * 2**20
"""Of all files of one answer together, unpacked."""

Q = QueryFile(__name__, "intake.sql")


class _Stored(Struct, frozen=True):
    sha256: str | None
    size_bytes: int | None


_answer_upload = Q.opt("answer_upload", _Stored)
_result_by_token = Q.opt("result_by_token", _Stored)
_result_by_id = Q.opt("result_by_id", _Stored)
_uploaded_file = Q.opt("uploaded_file", _Stored)


class _Unreadable(ValueError):
    """Why a file cannot be had."""


async def read_contents(
    ctx: Ctx, space_id: int, task_id: str, links: Sequence[FileLink], *, member_id: int | None = None
) -> tuple[dict[str, bytes], list[Issue]]:
    """Contents by URL, each read once, and an issue for every link whose file cannot be had.

    Parts sent before the answer are those of `member_id` only; None: of anybody. Addresses of the web go through the guarded client.
    """
    contents: dict[str, bytes] = {}
    issues: list[Issue] = []
    left = MAX_CONTENT_BYTES
    for link in links:
        if link.url in contents:
            continue
        try:
            content = await _read(ctx, space_id, task_id, link.url, member_id, left)
        except _Unreadable as problem:
            issues.append(Issue(link.where, str(problem)))
            continue
        contents[link.url] = content
        left -= len(content)
    return contents, issues


async def _read(ctx: Ctx, space_id: int, task_id: str, url: str, member_id: int | None, left: int) -> bytes:
    if "\x00" in url:
        raise _Unreadable("is not a URL that can be read")
    if url.startswith("data:"):
        return unpacked(_data(url), left)
    stored = await _find(ctx, space_id, task_id, url, member_id)
    if stored is None:
        return unpacked(await _fetch(ctx, url, left), left)
    if stored.sha256 is None:
        raise _Unreadable("refers to a file that is not there")
    if (stored.size_bytes or 0) > left:
        raise _Unreadable(f"is too large: the files of an answer may hold {MAX_CONTENT_BYTES} bytes together")
    try:
        return unpacked(await ctx.store.get(stored.sha256), left)
    except NotFound:
        raise _Unreadable("refers to a file that is gone") from None


_ABSENT = _Stored(None, None)


async def _find(ctx: Ctx, space_id: int, task_id: str, url: str, member_id: int | None) -> _Stored | None:
    """What we hold under a URL of ours; None for the URLs of others."""
    found: _Stored | None
    if url.startswith(UPLOAD_URL):
        found = await _answer_upload(
            ctx.db,
            space_id=space_id,
            id=url.removeprefix(UPLOAD_URL),
            task_id=task_id,
            member_id=member_id,
        )
    elif url.lower().startswith("scaledata://"):
        file_id = url.rstrip("/").rpartition("/")[2].lower()
        found = await _uploaded_file(ctx.db, space_id=space_id, id=file_id)
    elif url.startswith(results := f"{ctx.public_url}/results/"):
        found = await _result_by_token(ctx.db, space_id=space_id, token=url.removeprefix(results))
    elif url.startswith(own := f"{ctx.public_url}/v1/task/"):
        of_task, _, file_id = url.removeprefix(own).partition("/response_url/")
        found = await _result_by_id(ctx.db, space_id=space_id, task_id=of_task, id=file_id)
    else:
        return None
    return found or _ABSENT


async def _fetch(ctx: Ctx, url: str, left: int) -> bytes:
    try:
        scheme = urlsplit(url).scheme.lower()
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https"):
        raise _Unreadable("is not a URL that can be read")
    try:
        async with guard.client(ctx).get(
            url, max_bytes=left, timeout_s=ctx.settings.attachment_timeout_seconds
        ) as download:
            pieces = [chunk async for chunk in download.chunks()]
    except guard.FetchFailed as e:
        raise _Unreadable(f"cannot be fetched: {e.message}") from None
    return await asyncio.to_thread(b"".join, pieces)


def _data(url: str) -> bytes:
    head, comma, body = url.removeprefix("data:").partition(",")
    if not comma:
        raise _Unreadable("is not a valid data: URL")
    if not head.endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise _Unreadable("is not a valid data: URL") from None


def unpacked(content: bytes, left: int) -> bytes:
    """Content without the gzip that JSON may come in; raises ValueError if it is damaged or longer than `left` bytes."""
    if content[:2] != b"\x1f\x8b":
        return content
    inflater = zlib.decompressobj(31)
    try:
        plain = inflater.decompress(content, left + 1)
    except zlib.error:
        raise _Unreadable("is damaged: it is no whole gzip file") from None
    if len(plain) > left:
        raise _Unreadable(f"is too large: the files of an answer may hold {MAX_CONTENT_BYTES} bytes together")
    if not inflater.eof:
        raise _Unreadable("is damaged: it is no whole gzip file")
    return plain
