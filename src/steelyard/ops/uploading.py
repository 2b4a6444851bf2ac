"""`steelyard upload`: files of any size in pieces, by the tus protocol of `/api/uploads`; a broken one goes on, even after a restart."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from steelyard.net.operator import Server, ServerFailed

Progress = Callable[[int, int], None]
"""Called with the bytes that the server has and all of the file's."""
_TRIES = 8
_CHUNK = 256 * 1024
_TUS = {"Tus-Resumable": "1.0.0"}
_PASSING = (None, 409, 423, 429, 460, 500, 502, 503, 504)
"""Answers after which the upload may be gone on with."""
_KEPT = ("display_name", "project_name", "reference_id")


async def upload_file(
    server: Server,
    path: Path,
    details: Mapping[str, str],
    *,
    progress: Progress,
    filetype: str = "",
    sha256: str | None = None,
    pause_s: float = 1.0,
) -> dict[str, Any]:
    """Sends a file; {file_id, attachment_url, ...} as `GET /api/uploads/{id}` has it.

    `details`: project_name, display_name, reference_id, metadata (a JSON object as text). An upload of the same content under the same
    names that is under way is gone on with, whoever began it. Memory: one chunk. Raises ServerFailed, OSError.
    """
    size = path.stat().st_size
    sha256 = sha256 or await asyncio.to_thread(_digest, path)
    said = {"display_name": path.name, **details, "sha256": sha256, "filetype": filetype}
    where = await _under_way(server, said, size) or await _begin(server, said, size)
    failures, best = 0, -1
    while True:
        try:
            at = await _offset(server, where)
            failures = failures if at <= best else 0
            best = max(best, at)
            progress(at, size)
            if at == size:
                return await server.get(where)
            headers = {**_TUS, "Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream"}
            with path.open(
                "rb"
            ) as file:  # closed here: a connection that breaks leaves the generator to the garbage collector
                await server.exchange(
                    "PATCH", where, headers, _from(file, at, size, progress), length=size - at
                )
        except ServerFailed as e:
            failures += 1
            if e.answer == 404:
                raise ServerFailed(
                    f"The upload of {path.name} has ended: somebody ended it, or the file changed while it was sent. Begin again.",
                    404,
                ) from None
            if e.answer not in _PASSING or failures >= _TRIES:
                raise
            await asyncio.sleep(min(pause_s * 2.0**failures, 30.0))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _under_way(server: Server, said: Mapping[str, str], size: int) -> str | None:
    for upload in (await server.get("/api/uploads"))["uploads"]:
        if (upload["sha256"], upload["length"]) == (said["sha256"], size) and all(
            (upload[key] or "") == said.get(key, "") for key in _KEPT
        ):
            where = f"/api/uploads/{upload['id']}"
            try:
                await _offset(server, where)
            except ServerFailed as e:
                if e.answer == 404:  # what had come was lost with a disk
                    continue
            return where
    return None


async def _begin(server: Server, said: Mapping[str, str], size: int) -> str:
    pairs = [f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items() if value]
    headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": ",".join(pairs)}
    answer = await server.exchange("POST", "/api/uploads", headers)
    return urlsplit(answer["Location"]).path  # on the server as we know it, whatever it is called outside


async def _offset(server: Server, where: str) -> int:
    return int((await server.exchange("HEAD", where, _TUS))["Upload-Offset"])


async def _from(file: IO[bytes], at: int, size: int, progress: Progress) -> AsyncIterator[bytes]:
    file.seek(at)
    while piece := await asyncio.to_thread(file.read, _CHUNK):
        yield piece
        at += len(piece)
        progress(min(at, size - 1), size)  # whole when the server has said so
