"""What one child process does: answer requests, or do jobs, until it is asked to stop; then finish what it has begun."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import gc
import os
import signal
import socket
import struct
import termios
from collections.abc import Callable, Generator
from typing import cast

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from steelyard import log
from steelyard.http.protocol import Protocol
from steelyard.settings import Settings

_Taken = tuple[asyncio.BaseTransport, asyncio.Protocol]


class Server(uvicorn.Server):
    """Uvicorn's server with four differences.

    Stopped by us: its own handling ends the process by the signal, which looks like a crash.

    Connections are taken one at a time, the later the more this process has. All processes share one listening socket,
    and the event loop's own way is to take every waiting connection at once: measured, 16 clients that connect together
    end up with one of two processes in one case of three.

    Before it stops, for half a second, connections are still taken and answers say `connection: close`, so that a client
    who sends its next request on an open connection, or whose handshake is under way, gets an answer rather than a reset.
    (Who stops all processes sees to it that no new handshake begins: `listening.admit_no_more`.) Then connections are closed
    on which nothing has come that we have not read yet: what a busy process reads late was sent in time.

    Idle connections are looked for every five seconds, see `Protocol`.
    """

    _PATIENCE_S = 0.0002  # for each open connection; the loop's timers count whole milliseconds
    _LONGEST_S = 0.001  # so a process takes at least 1,000 connections a second
    _IDLE_TICKS = 50  # of a tenth of a second
    _GRACE_S = 0.5
    _LAST_S = 0.1  # for the requests of connections that were taken last

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        assert sockets is not None and len(sockets) == 1
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise SystemExit(3)
        self._sock = sockets[0]
        self._sock.setblocking(False)
        self._handshakes: set[asyncio.Task[_Taken]] = set()
        self.servers = []
        self._accepting = asyncio.ensure_future(self._accept())
        self.started = True

    async def _accept(self) -> None:
        """Until cancelled, which cannot come between accepting a connection and taking it (as it can in `sock_accept`)."""
        while True:
            try:
                connection, _ = self._sock.accept()
            except BlockingIOError:
                await self._readable()
                continue
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    await asyncio.sleep(0.1)  # full: the connections wait, perhaps for a sibling
                continue
            self._take(connection)
            await asyncio.sleep(min(self._LONGEST_S, self._PATIENCE_S * len(self.server_state.connections)))

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        some = asyncio.Event()
        loop.add_reader(self._sock, some.set)
        try:
            await some.wait()
        finally:
            loop.remove_reader(self._sock)

    def _take(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        taken = asyncio.ensure_future(
            loop.connect_accepted_socket(
                self._protocol, connection, ssl=self.config.ssl, ssl_handshake_timeout=None
            )
        )
        self._handshakes.add(taken)
        taken.add_done_callback(self._taken)

    def _taken(self, taken: asyncio.Task[_Taken]) -> None:
        self._handshakes.discard(taken)
        if not taken.cancelled():
            taken.exception()  # a client that failed its handshake is its own affair

    def _protocol(self) -> asyncio.Protocol:
        kind = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        return kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def on_tick(self, counter: int) -> bool:
        if counter % self._IDLE_TICKS == 0:
            now = asyncio.get_running_loop().time()
            for connection in self._connections():
                if isinstance(connection, Protocol):  # uvicorn's own sets timers
                    connection.close_if_idle(now)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._announce()
        await asyncio.sleep(self._GRACE_S)
        self._accepting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._accepting
        with contextlib.suppress(OSError):
            while True:
                self._take(self._sock.accept()[0])
        self._sock.close()
        if self._handshakes:
            await asyncio.wait(self._handshakes, timeout=self._GRACE_S)
        await asyncio.sleep(self._LAST_S)
        await self._end_idle()
        await super().shutdown(None)

    def _announce(self) -> None:
        """Every answer that has not begun says that the connection closes, those to requests of earlier included."""
        headers = [*self.server_state.default_headers, (b"connection", b"close")]
        self.server_state.default_headers = headers
        for connection in self._connections():
            if (cycle := _cycle(connection)) is not None:
                cycle.default_headers = headers

    async def _end_idle(self) -> None:
        """Close what is idle. Requests that have come in part or are unread get `_GRACE_S` to be read; then they are in flight."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._GRACE_S
        while True:
            coming = [connection for connection in self._connections() if _coming(connection)]
            for connection in self._connections() - set(coming):
                connection.shutdown()
            if not coming or loop.time() > deadline:
                return
            await asyncio.sleep(0.005)

    def _connections(self) -> set[HttpToolsProtocol]:
        return {c for c in self.server_state.connections if isinstance(c, HttpToolsProtocol)}


def _cycle(connection: HttpToolsProtocol) -> RequestResponseCycle | None:
    return connection.cycle  # None before the first request, whatever its type says


def _coming(connection: HttpToolsProtocol) -> bool:
    """Whether a request has begun to come whose head we have not read to its end."""
    done = _cycle(connection)
    if done is not None and not done.response_complete:
        return False
    if isinstance(connection, Protocol) and connection.head_coming:
        return True
    sock = connection.transport.get_extra_info("socket")
    try:
        unread = fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4))
    except OSError:  # closed
        return False
    return struct.unpack("i", unread) != (0,)


def run_server(settings: Settings, listen_fd: int, parent: int | None) -> None:
    """Serve HTTP from an inherited listening socket. On SIGTERM or SIGINT: accept no more, finish requests in flight."""
    from steelyard.app import create_app

    log.setup(settings, f"server-{settings.shard}")
    config = uvicorn.Config(
        create_app(settings),
        http=Protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=75,  # longer than the idle time of usual proxies, who would otherwise meet closed connections
        timeout_graceful_shutdown=settings.drain_seconds,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    server = Server(config)

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    # What is loaded now stays: without this the collector walks through all of it again and again, a pause each time.
    gc.collect()
    gc.freeze()

    async def main() -> None:
        with _until_told(stop, parent):
            await server.serve(sockets=[socket.socket(fileno=listen_fd)])

    uvloop.run(main())


def run_worker(settings: Settings, parent: int | None) -> None:
    """Do jobs. On SIGTERM or SIGINT: claim no more, finish those begun."""
    from steelyard import app

    log.setup(settings, "worker")
    gc.collect()
    gc.freeze()  # as above

    async def main() -> None:
        stop = asyncio.Event()
        with _until_told(stop.set, parent):
            await app.run_worker(settings, stop)

    uvloop.run(main())


@contextlib.contextmanager
def _until_told(stop: Callable[[], None], parent: int | None) -> Generator[None, None, None]:
    """Call `stop` on SIGTERM, on SIGINT, and when `parent`, the process that looks after us, is gone."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)

    async def watch_parent() -> None:
        # Linux tells us by SIGTERM (see supervisor.py); elsewhere nobody does.
        while os.getppid() == parent:  # noqa: ASYNC110  # another process sets no event of ours
            await asyncio.sleep(1)
        stop()

    watching = loop.create_task(watch_parent()) if parent is not None else None
    try:
        yield
    finally:
        if watching is not None:
            watching.cancel()
