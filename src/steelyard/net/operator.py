"""A Scale-compatible server that the operator names on the command line: ours, or one to import from.

The one HTTP client beside `guard`: the address is the operator's own word, so private networks are fine. Reads are tried again when the
server is away or busy.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from steelyard import __version__
from steelyard.errors import SteelyardError

_TRIES = 6
_BUSY = (429, 502, 503, 504)


class ServerFailed(SteelyardError):
    """The server did not do what was asked; the message says what it answered. `answer`: its status, None when there was none."""

    code = "server-failed"

    def __init__(self, message: str, answer: int | None = None):
        super().__init__(message)
        self.answer = answer


class Server:
    """Requests to one server. `base` has no trailing slash."""

    def __init__(self, http: aiohttp.ClientSession, base: str):
        self.base, self._http = base, http

    async def get(
        self, path: str, params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None
    ) -> Any:
        """The JSON of a GET. Raises ServerFailed."""
        for attempt in range(_TRIES):
            try:
                async with self._http.get(self.base + path, params=params) as answer:
                    if answer.status in _BUSY and attempt < _TRIES - 1:
                        await asyncio.sleep(_pause(answer.headers.get("Retry-After"), attempt))
                        continue
                    return await _json(answer, f"GET {path}")
            except (aiohttp.ClientError, TimeoutError) as e:
                if attempt == _TRIES - 1:
                    raise ServerFailed(f"{self.base} does not answer ({type(e).__name__}).") from None
                await asyncio.sleep(_pause(None, attempt))
        raise AssertionError("unreachable")

    async def post(self, path: str, body: Any = None) -> Any:
        """The JSON of a POST. Raises ServerFailed."""
        try:
            async with self._http.post(self.base + path, json=body) as answer:
                return await _json(answer, f"POST {path}")
        except (aiohttp.ClientError, TimeoutError) as e:
            raise ServerFailed(f"{self.base} does not answer ({type(e).__name__}).") from None

    async def upload(
        self, path: str, name: str, content: bytes, fields: Mapping[str, str], kind: str | None = None
    ) -> Any:
        """The JSON of an upload of one file, of the MIME type `kind`. Raises ServerFailed."""
        form = aiohttp.FormData()
        for key, value in fields.items():
            form.add_field(key, value)
        form.add_field("file", content, filename=name, content_type=kind)
        try:
            async with self._http.post(self.base + path, data=form) as answer:
                return await _json(answer, f"POST {path}")
        except (aiohttp.ClientError, TimeoutError) as e:
            raise ServerFailed(f"{self.base} does not answer ({type(e).__name__}).") from None

    async def exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: AsyncIterable[bytes] | None = None,
        *,
        length: int = 0,
    ) -> Mapping[str, str]:
        """The headers that a request is answered with; `body` has `length` bytes. Raises ServerFailed."""
        sent = {**headers, "Content-Length": str(length)} if method not in ("GET", "HEAD") else headers
        try:
            async with self._http.request(method, self.base + path, data=body, headers=sent) as answer:
                if not 200 <= answer.status < 300:
                    await _json(answer, f"{method} {path}")
                return answer.headers
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise ServerFailed(f"The connection to {self.base} broke ({type(e).__name__}).") from None

    async def download(self, url: str) -> AsyncIterator[bytes]:
        """What lies at an address of the server, which is sent as it is. Raises ServerFailed."""
        try:
            async with self._http.get(URL(url, encoded=True)) as answer:
                if answer.status != 200:
                    await _json(answer, "GET of a file")
                async for piece in answer.content.iter_chunked(256 * 1024):
                    yield piece
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise ServerFailed(f"The connection to {self.base} broke ({type(e).__name__}).") from None

    async def send_lines(
        self, path: str, pieces: AsyncIterable[bytes], params: Mapping[str, str]
    ) -> AsyncIterator[bytes]:
        """Streams NDJSON and yields the lines of the answer, which comes while we send. Raises ServerFailed."""
        headers = {"Content-Type": "application/x-ndjson"}
        try:
            async with self._http.post(
                self.base + path, data=pieces, params=params, headers=headers
            ) as answer:
                if answer.status != 200:
                    await _json(answer, f"POST {path}")
                rest = b""
                async for piece in answer.content.iter_any():
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines:
                        yield line
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise ServerFailed(f"The connection to {self.base} broke ({type(e).__name__}).") from None

    async def receive(self, path: str, params: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Streams the answer of a GET. Raises ServerFailed."""
        try:
            async with self._http.get(self.base + path, params=params) as answer:
                if answer.status != 200:
                    await _json(answer, f"GET {path}")
                async for piece in answer.content.iter_any():
                    yield piece
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise ServerFailed(f"The connection to {self.base} broke ({type(e).__name__}).") from None


def _pause(said: str | None, attempt: int) -> float:
    return min(float(said), 60.0) if said and said.isdigit() else min(0.25 * 2.0**attempt, 30.0)


async def _json(answer: aiohttp.ClientResponse, what: str) -> Any:
    raw = await answer.read()
    try:
        body: Any = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        body = {"error": raw[:200].decode("utf-8", "replace")}
    if 200 <= answer.status < 300:
        return body
    said = body.get("error") or body.get("detail") if isinstance(body, dict) else None
    raise ServerFailed(
        f"{what} was answered with {answer.status}: {said or 'no reason given'}", answer.status
    )


@asynccontextmanager
async def server(address: str, key: str) -> AsyncGenerator[Server]:
    """A server for the length of a block."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=300)
    headers = {
        "User-Agent": f"Steelyard/{__version__}",
        "Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(),
    }
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as http:
        yield Server(http, address.rstrip("/"))
