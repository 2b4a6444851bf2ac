"""Answers that are sent while they are being made, and request bodies read while they arrive."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response

from steelyard.errors import InvalidRequest
from steelyard.http.route import Call

NDJSON = "application/x-ndjson"
_READ = 64 * 1024


class Streamed(Response):
    """Sends pieces as they come; ends early when the client has gone. A failure on the way cuts the answer off, which clients notice.

    `watch`: nobody else reads the request, so its end can be waited for; without it whoever reads the body notices.
    """

    def __init__(self, pieces: AsyncIterator[bytes], *, watch: bool = True, media_type: str = NDJSON):
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._pieces, self._watch = pieces, watch

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        gone = asyncio.create_task(_gone(receive)) if self._watch else None
        try:
            if scope["method"] != "HEAD":
                async for piece in self._pieces:
                    if gone is not None and gone.done():
                        return
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            if gone is not None:
                gone.cancel()
            close = getattr(self._pieces, "aclose", None)
            if close is not None:
                await close()


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def body_pieces(call: Call) -> AsyncIterator[bytes]:
    """The request's body as it arrives. Raises InvalidRequest when the client goes away before its end."""
    while True:
        message = await call.receive()
        if message["type"] == "http.disconnect":
            raise InvalidRequest("The client went away before the whole body arrived.")
        body: bytes = message.get("body", b"")
        if body:
            yield body
        if not message.get("more_body"):
            return


async def spooled(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces by way of a temporary file, at the pace of whoever makes them: many clients read nothing before they have sent
    everything, and would wait for us while we waited for them."""
    changed = asyncio.Event()
    written = 0

    async def fill() -> None:
        nonlocal written
        try:
            async for piece in pieces:
                file.seek(written)
                file.write(piece)
                written += len(piece)
                changed.set()
        finally:
            changed.set()

    with tempfile.TemporaryFile() as file:
        filling = asyncio.create_task(fill())
        sent = 0
        try:
            while True:
                if sent < written:
                    file.seek(sent)
                    piece = file.read(min(_READ, written - sent))
                    sent += len(piece)
                    yield piece
                    continue
                if filling.done():
                    break
                changed.clear()
                if sent == written and not filling.done():
                    await changed.wait()
            await filling
        finally:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)
