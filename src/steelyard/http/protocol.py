"""HTTP/1.1 as uvicorn speaks it, with shorter ways for what nearly all requests are: a body that has come as a whole, an answer that is
there as a whole.

Uvicorn writes head and body of an answer one after the other and uvloop sends each at once: two system calls here, two packets, and two
awakenings of the client. Measured: a sixth of what a short answer costs. What else is shorter here (no timer for each answer, no parser
for plain addresses, no messages for whole bodies) is another tenth of creating a task.

A request is started once it is there as a whole, or, if it comes in parts, with the first of them. An application that has a method
`begin` is asked first whether it answers a whole request without a task of the event loop: such a task and what belongs to it is a third of what a create costs (ADR 6).
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, cast

import httptools
import msgspec
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

EXCHANGE = "steelyard.exchange"
"""The member of the scope by which the application reads a whole body and sends a whole answer: an `Exchange`."""

_ASGI = {"version": "3.0", "spec_version": "2.3"}
_JOIN_BYTES = 64 * 1024
"""Up to here copying is cheaper than a second system call."""


class CorkedTransport(asyncio.Transport):
    """A transport that holds a first write until a second comes or the event loop's turn ends, whichever is sooner."""

    def __init__(self, real: asyncio.Transport):
        super().__init__()
        self._real = real
        self._loop = asyncio.get_running_loop()
        self._held: bytes | None = None
        self._flushing: asyncio.Handle | None = None

    def write(self, data: Any) -> None:
        held = self._held
        if held is None:
            self._held = data
            self._flushing = self._loop.call_soon(self._flush)
            return
        self._held = None
        if self._flushing is not None:
            self._flushing.cancel()
        if len(data) <= _JOIN_BYTES:
            self._real.write(held + data)
        else:
            self._real.writelines((held, data))

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._real.write(held)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        for data in list_of_data:
            self.write(data)

    def write_eof(self) -> None:
        self._flush()
        self._real.write_eof()

    def can_write_eof(self) -> bool:
        return self._real.can_write_eof()

    def close(self) -> None:
        self._flush()
        self._real.close()

    def abort(self) -> None:
        self._held = None
        self._real.abort()

    def is_closing(self) -> bool:
        return self._real.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._real.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._real.set_protocol(protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._real.get_protocol()

    def pause_reading(self) -> None:
        self._real.pause_reading()

    def resume_reading(self) -> None:
        self._real.resume_reading()

    def is_reading(self) -> bool:
        return self._real.is_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._real.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._real.get_write_buffer_size() + len(self._held or b"")


_Headers = list[tuple[bytes, bytes]]
_opening: tuple[_Headers | None, int, bytes | None] = (None, 0, None)
"""The server's own headers and a status, and how an answer with both begins; None when it says that the connection closes."""


def _begins(status: int, headers: _Headers) -> bytes | None:
    """The server's headers are one list until the second is over: thousands of answers begin alike."""
    global _opening
    known, for_status, opening = _opening
    if known is not headers or for_status != status:
        lines = [b"%b: %b\r\n" % header for header in headers]
        closes = any(name == b"connection" for name, _ in headers)
        opening = None if closes else b"".join([STATUS_LINE[status], *lines])
        _opening = (headers, status, opening)
    return opening


class Exchange(RequestResponseCycle):
    """A request and its answer."""

    # What uvicorn's constructor sets for each request is set once for all here, where it is the same at the beginning of each.
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding = None
    expected_content_length = 0
    access_log = False
    taken = False
    """Whether the application has the whole body."""

    def __init__(self, protocol: Protocol, raw_path: bytes, query: bytes):
        parser = protocol.parser
        assert parser is not None  # it is the one that calls
        self.protocol = protocol
        self.method, self.version = parser.get_method().decode("ascii"), parser.get_http_version()
        self.raw_path, self.query = raw_path, query  # as they were sent, percent-encoded
        self.headers: _Headers = protocol.headers
        self.body: Any = b""
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.default_headers = protocol.server_state.default_headers
        self.keep_alive = self.version != "1.0" and parser.should_keep_alive()
        self.waiting_for_100_continue = protocol.expect_100_continue
        self.on_response = protocol.on_response_complete

    @cached_property
    def scope(self) -> Any:  # type: ignore[override]
        """What ASGI tells of the request; made when it is asked for."""
        protocol = self.protocol
        path = self.raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": self.version,
            "server": protocol.server,
            "client": protocol.client,
            "scheme": protocol.scheme,
            "method": self.method,
            "root_path": "",
            "path": urllib.parse.unquote(path) if "%" in path else path,
            "raw_path": self.raw_path,
            "query_string": self.query,
            "headers": self.headers,
            "state": {},
            EXCHANGE: self,
        }

    @cached_property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """Set when some of the body has come, or its end, that was not received yet; made for who waits."""
        event = asyncio.Event()
        if self.body or not (self.more_body or self.taken):
            event.set()
        return event

    def news(self) -> None:
        """Wakes who waits for the body."""
        event = self.__dict__.get("message_event")
        if event is not None:
            event.set()

    def start(self) -> None:
        """Has the application answer it in a task of its own."""
        self.protocol.start(self)

    def whole_body(self) -> bytes | None:
        """The body, if all of it is there already. None: it is to be read by ASGI messages."""
        if self.more_body or self.disconnected or self.response_complete or self.waiting_for_100_continue:
            return None
        self.flow.resume_reading()
        event = self.__dict__.get("message_event")
        if event is not None:
            event.clear()
        self.taken = True
        body, self.body = bytes(self.body), b""
        return body

    def answer(self, status: int, headers: bytes, body: bytes) -> bool:
        """Sends a whole answer: `headers` are lines as they go out, content-length among them. False: it is to be sent by ASGI messages,
        because the client is slow or gone, or the connection is to be closed.

        Uvicorn looks at each header of an answer by three expressions and takes two messages for what is one write; that was a tenth of
        what a short answer costs.
        """
        if (
            self.disconnected
            or self.response_started
            or not self.keep_alive
            or self.flow.write_paused
            or len(body) > _JOIN_BYTES
        ):
            return False
        opening = _begins(status, self.default_headers)
        if opening is None:
            return False
        # The request's scope holds this, which holds the scope: let go of it, or every request waits for the garbage collector.
        if "scope" in self.__dict__:
            del self.scope[EXCHANGE]
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.protocol.plain.write(b"".join((opening, headers, b"\r\n", body)))
        self.news()
        self.on_response()
        return True


class Protocol(HttpToolsProtocol):
    """Uvicorn's protocol on a corked transport.

    Connections without a request are closed by `close_if_idle`, which the server calls every few seconds for each of them: a timer that
    is set after each answer and taken back by the next request costs more than all that `Exchange` saves. There is neither a limit of
    concurrent requests nor an upgrade to WebSockets.
    """

    idle_since: float | None = None
    """When the last answer had left, in the event loop's time; None before the first and while a request is under way."""
    head_coming = False
    """Whether a request has begun to come whose head we have not read to its end."""
    plain: asyncio.Transport
    """The connection, without the cork."""
    _unstarted: Exchange | None = None

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None):
        super().__init__(config, server_state, app_state, _loop)
        self._begin: Callable[[Exchange], bool] | None = getattr(config.app, "begin", None)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(CorkedTransport(transport))
        self.plain = transport

    def data_received(self, data: bytes) -> None:
        self.idle_since = None
        super().data_received(data)
        unstarted = self._unstarted
        if unstarted is not None:  # more of its body is to come
            self._unstarted = None
            if not self.transport.is_closing():
                self.start(unstarted)

    def close_if_idle(self, now: float) -> None:
        """Closes the connection if nothing has come for as long as the setting says."""
        if self.idle_since is not None and now - self.idle_since > self.timeout_keep_alive:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP, a raw byte beyond ASCII in the path for instance, in the API's words: uvicorn would send plain text."""
        body = msgspec.json.encode({"status_code": 400, "error": msg})
        head = [STATUS_LINE[400]]
        for name, value in self.server_state.default_headers:
            head += (name, b": ", value, b"\r\n")
        lines = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(
            body
        )
        self.transport.write(b"".join([*head, lines, body]))
        self.transport.close()

    def on_message_begin(self) -> None:
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self.head_coming = True

    def on_headers_complete(self) -> None:
        self.head_coming = False
        url = self.url
        if url[:1] != b"/" or b"#" in url:  # the whole address, as proxies send it, or nonsense
            parsed = httptools.parse_url(url)
            raw_path, query = parsed.path or b"/", parsed.query or b""
        else:
            raw_path, _, query = url.partition(b"?")
        if not raw_path.isascii():
            raise ValueError("an address is ASCII")
        before = cast("RequestResponseCycle | None", self.cycle)
        self.cycle = exchange = Exchange(self, raw_path, query)
        if before is None or before.response_complete:
            self._unstarted = exchange
        else:  # sent before the answer to the one before
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, cast("Any", self.app)))

    def on_body(self, body: bytes) -> None:
        exchange = cast("Exchange", self.cycle)
        if exchange.response_complete:
            return
        if not exchange.body:
            exchange.body = body
        else:
            if isinstance(exchange.body, bytes):
                exchange.body = bytearray(exchange.body)
            exchange.body += body
        if len(exchange.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        exchange.news()

    def on_message_complete(self) -> None:
        exchange = cast("Exchange", self.cycle)
        if exchange.response_complete:
            return
        exchange.more_body = False
        exchange.news()
        if exchange is self._unstarted:
            self._unstarted = None
            if self._begin is None or not self._begin(exchange):
                self.start(exchange)

    def start(self, exchange: Exchange) -> None:
        """Has the application answer in a task of its own."""
        self._start_asgi_task(exchange, cast("Any", self.app))

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.idle_since = self.loop.time()
