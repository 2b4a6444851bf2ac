"""POST over kept connections, for callbacks by the thousand: aiohttp, which can do everything, took half of a delivery's time.

Knows no addresses of its own: the guarded client checks the URL, resolves the name and makes the socket (see guard.py, its only user).
One request at a time on a connection; nothing is followed, decompressed or kept but the connection.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, cast

import httptools
from aiohttp.abc import ResolveResult
from msgspec import Struct
from yarl import URL

_CONNECT_S = 4.0  # for each address of a host but the last, which has what is left
_KEPT_S = 20.0
_DNS_S = 30.0
_REMEMBERED = 1000
_MAX_HEAD = 64 * 1024

Resolve = Callable[[str, int], Awaitable[list[ResolveResult]]]
MakeSocket = Callable[[Any], socket.socket]
_Place = tuple[str, str, int]


class Answer(Struct, frozen=True):
    """What a POST was answered with; `body` is clipped."""

    status: int
    body: bytes


class Disconnected(ConnectionError):
    """The connection ended, or what came was not HTTP, before an answer was complete."""


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.closed = False
        self.heard = False  # whether anything of an answer has come
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._clip = 0
        self._read = 0
        self._body = bytearray()
        self._sized = self._headed = self._stays = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, head: bytes, body: bytes, clip: int) -> asyncio.Future[Answer]:
        """Sends a request; the future is its answer."""
        assert self._transport is not None
        self.heard, self._clip, self._read = False, clip, 0
        self._body.clear()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.writelines([head, body])
        return self._waiting

    @property
    def reusable(self) -> bool:
        """Whether another request may follow."""
        return (
            self._stays
            and not self.closed
            and self._transport is not None
            and not self._transport.is_closing()
            and self._transport.get_write_buffer_size() == 0
        )

    def close(self) -> None:
        self.closed = True
        self._waiting = None
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._headed and not self._sized and exc is None:
            self._finish()  # an answer without a length ends with its connection
        else:
            self._fail("closed")

    def data_received(self, data: bytes) -> None:
        if self._waiting is None:
            self.close()  # nobody asked
            return
        self.heard = True
        self._read += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("malformed")
            self.close()
            return
        if not self._headed and self._read > _MAX_HEAD:
            self._fail("endless header")
            self.close()

    # what the parser finds

    def on_message_begin(self) -> None:
        self._sized = self._headed = self._stays = False
        self._body.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._sized = True

    def on_headers_complete(self) -> None:
        self._headed = self._parser.get_status_code() >= 200  # interim answers are followed by the real one
        self._stays = self._headed and self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        if len(self._body) < self._clip:
            self._body += data[: self._clip - len(self._body)]
        if len(self._body) >= self._clip and self._waiting is not None and not self._waiting.done():
            self._stays = (
                False  # the rest is of no interest; if it is all there, the end of the message says so
            )
            asyncio.get_running_loop().call_soon(self._finish)

    def on_message_complete(self) -> None:
        if self._headed:
            self._stays = self._parser.should_keep_alive()
            self._finish()

    def _finish(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(self._parser.get_status_code(), bytes(self._body)))

    def _fail(self, why: str) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(Disconnected(why))


class Poster:
    """Connections by scheme, host and port."""

    def __init__(self, resolve: Resolve, make_socket: MakeSocket, agent: str):
        self._resolve, self._make_socket, self._agent = resolve, make_socket, agent
        self._idle: dict[_Place, list[_Connection]] = {}
        self._addresses: dict[tuple[str, int], tuple[float, asyncio.Future[list[ResolveResult]]]] = {}
        self._tls: ssl.SSLContext | None = None
        self._sweeping: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Ends idle connections; those at work belong to who waits for them."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for kept in self._idle.values():
            for connection in kept:
                connection.close()
        self._idle.clear()

    async def post(self, url: URL, headers: Mapping[str, str], body: bytes, clip: int) -> Answer:
        """Raises OSError (Disconnected, TLS and name errors among them) and what `resolve` and `make_socket` raise. No timeout of its own."""
        host, port = url.raw_host, url.port
        assert host is not None
        assert port is not None
        place = (url.scheme, host, port)
        head = self._head(url, headers, len(body))
        kept = self._take(place)
        if kept is not None:
            try:
                return await self._ask(kept, place, head, body, clip)
            except Disconnected:
                if kept.heard:
                    raise
                # The receiver had just closed it; at-least-once allows one more go on a fresh one.
        return await self._ask(await self._connect(place), place, head, body, clip)

    def _head(self, url: URL, headers: Mapping[str, str], length: int) -> bytes:
        lines = [
            f"POST {url.raw_path_qs} HTTP/1.1",
            f"Host: {url.host_port_subcomponent}",
            f"User-Agent: {self._agent}",
            "Accept: */*",
            "Accept-Encoding: identity",
            f"Content-Length: {length}",
        ]
        if url.user is not None or url.password is not None:
            credentials = f"{url.user or ''}:{url.password or ''}".encode()
            lines.append("Authorization: Basic " + base64.b64encode(credentials).decode())
        lines += [f"{name}: {value}" for name, value in headers.items()]
        text = "\r\n".join(lines)
        if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1 or "\0" in text:
            raise ValueError("a header must be one line")
        return text.encode() + b"\r\n\r\n"

    async def _ask(
        self, connection: _Connection, place: _Place, head: bytes, body: bytes, clip: int
    ) -> Answer:
        try:
            answer = await connection.send(head, body, clip)
        except BaseException:
            connection.close()
            raise
        if connection.reusable:
            self._keep(place, connection)
        else:
            connection.close()
        return answer

    # -- kept connections

    def _take(self, place: _Place) -> _Connection | None:
        kept = self._idle.get(place)
        while kept:
            connection = kept.pop()
            if connection.reusable and time.monotonic() - connection.idle_since < _KEPT_S:
                return connection
            connection.close()
        return None

    def _keep(self, place: _Place, connection: _Connection) -> None:
        connection.idle_since = time.monotonic()
        self._idle.setdefault(place, []).append(connection)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_KEPT_S, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        now, left = time.monotonic(), dict[_Place, list[_Connection]]()
        for place, kept in self._idle.items():
            for connection in kept:
                if connection.reusable and now - connection.idle_since < _KEPT_S:
                    left.setdefault(place, []).append(connection)
                else:
                    connection.close()
        self._idle = left
        if left:
            self._sweeping = asyncio.get_running_loop().call_later(_KEPT_S / 2, self._sweep)

    # -- new ones

    async def _connect(self, place: _Place) -> _Connection:
        scheme, host, port = place
        found = await self._resolved(host, port)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        for n, address in enumerate(found, start=1):
            try:
                async with asyncio.timeout(_CONNECT_S if n < len(found) else None):
                    return await self._open(address, scheme, host)
            except (OSError, TimeoutError):
                if n == len(found):
                    raise
        raise AssertionError

    async def _open(self, address: ResolveResult, scheme: str, host: str) -> _Connection:
        where: tuple[Any, ...] = (address["host"], address["port"])
        if address["family"] == socket.AF_INET6:
            where += (0, 0)
        loop = asyncio.get_running_loop()
        sock = self._make_socket(
            (address["family"], socket.SOCK_STREAM, socket.IPPROTO_TCP, host, where),
        )
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, where)
            if scheme == "https" and self._tls is None:
                self._tls = ssl.create_default_context()
            tls = scheme == "https"
            _, connection = await loop.create_connection(
                _Connection,
                sock=sock,
                ssl=self._tls if tls else None,
                server_hostname=host.rstrip(".") if tls else None,
            )
        except BaseException:
            with suppress(OSError):
                sock.close()
            raise
        return connection

    async def _resolved(self, host: str, port: int) -> list[ResolveResult]:
        """Addresses of a name, asked for once by all who want them at the same time, and kept for a while."""
        held = self._addresses.get((host, port))
        if held is None or (held[0] < time.monotonic() and held[1].done()):
            if len(self._addresses) >= _REMEMBERED:
                self._addresses.clear()
            asked = asyncio.ensure_future(self._resolve(host, port))
            asked.add_done_callback(lambda f: f.cancelled() or f.exception())  # whoever asked may be gone
            held = (time.monotonic() + _DNS_S, asked)
            self._addresses[host, port] = held
        try:
            return await asyncio.shield(held[1])
        except Exception:
            if self._addresses.get((host, port)) is held:
                del self._addresses[host, port]
            raise
