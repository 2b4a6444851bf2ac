"""HTTP/1.1 as uvicorn speaks it, with shorter ways for what nearly all requests are: a body that has come as a whole, an answer that is
there as a whole.

Uvicorn writes head and body of an answer one after the other and uvloop sends each at once: two system calls here, two packets, and two
awakenings of the client. Measured: a sixth of what a short answer costs. What else is shorter here (no timer for each answer, no parser
for plain addresses, no messages for whole bodies) is another tenth of creating a task.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Iterable
from typing import Any, cast

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

EXCHANGE = "steelyard.exchange"
"""The member of the scope by which the application reads a whole body and sends a whole answer: an `Exchange`."""

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


class Exchange(RequestResponseCycle):
    """A request and its answer."""

    plain: asyncio.Transport
    """The connection, without the cork."""

    def whole_body(self) -> bytes | None:
        """The body, if all of it is there already. None: it is to be read by ASGI messages."""
        if self.more_body or self.disconnected or self.response_complete or self.waiting_for_100_continue:
            return None
        self.flow.resume_reading()
        self.message_event.clear()
        body, self.body = bytes(self.body), bytearray()
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
        lines = [STATUS_LINE[status]]
        for name, value in self.default_headers:
            if name == b"connection":
                return False
            lines += (name, b": ", value, b"\r\n")
        # The request's scope holds this, which holds the scope: let go of it, or every request waits for the garbage collector.
        del self.scope[EXCHANGE]  # type: ignore[typeddict-item]
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        self.plain.write(b"".join([*lines, headers, b"\r\n", body]))
        self.message_event.set()
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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(CorkedTransport(transport))
        self._plain = transport

    def data_received(self, data: bytes) -> None:
        self.idle_since = None
        super().data_received(data)

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

    def on_headers_complete(self) -> None:
        url = self.url
        if url[:1] != b"/" or b"#" in url:  # the whole address, as proxies send it, or nonsense
            parsed = httptools.parse_url(url)
            raw_path, query = parsed.path or b"/", parsed.query or b""
        else:
            raw_path, _, query = url.partition(b"?")
        path = raw_path.decode("ascii")
        parser = self.parser
        assert parser is not None  # it is the one that calls
        version = parser.get_http_version()
        scope = cast("dict[str, Any]", self.scope)
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        before = cast("RequestResponseCycle | None", self.cycle)
        self.cycle = exchange = Exchange(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        exchange.plain = self._plain
        scope[EXCHANGE] = exchange
        if before is None or before.response_complete:
            self._start_asgi_task(exchange, cast("Any", self.app))
        else:  # sent before the answer to the one before
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, cast("Any", self.app)))

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.idle_since = self.loop.time()
