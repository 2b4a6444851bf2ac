"""How a server process ends what is open when it is told to stop, without processes and a database around it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
import uvloop

from steelyard.http.protocol import Protocol
from steelyard.ops.listening import admit_no_more
from steelyard.ops.serving import Server

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Ending(Server):
    """Stops in hundredths of a second, and does `late` in the moment in which it begins to close connections."""

    _GRACE_S = 0.1
    _LAST_S = 0.01
    late: Callable[[], None] | None = None

    async def _end_idle(self) -> None:
        if self.late is not None:
            self.late()
        await super()._end_idle()


def beside_a_server(part: Callable[[Ending, socket.socket, asyncio.Event], Awaitable[None]]) -> None:
    """Runs `part(server, client, answering)` on the event loop that servers have, then stops the server.

    Requests to `/slow` are answered when `answering` is set, others at once.
    """

    async def main() -> None:
        async with asyncio.timeout(10):
            await run()

    async def run() -> None:
        answering = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/slow":
                await answering.wait()
            headers = [(b"content-length", b"2")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"ok"})

        server = Ending(
            uvicorn.Config(app, http=Protocol, ws="none", lifespan="off", access_log=False, log_config=None)
        )
        with socket.create_server(("127.0.0.1", 0)) as sock:
            serving = asyncio.create_task(server.serve(sockets=[sock]))
            with socket.create_connection(sock.getsockname(), timeout=5) as client:
                await part(server, client, answering)
                server.should_exit = True
                await serving

    uvloop.run(main())


async def answer(client: socket.socket) -> bytes:
    got = b""
    while not got.endswith(b"ok"):
        piece = await asyncio.to_thread(client.recv, 4096)
        assert piece, f"closed after {got!r}"
        got += piece
    return got


@pytest.mark.parametrize(
    "unread", [REQUEST, REQUEST[:10]], ids=["a whole request is unread", "half a request is unread"]
)
def test_a_request_that_came_before_the_end_is_answered_though_it_is_read_after_it(unread):
    async def part(server: Ending, client: socket.socket, answering: asyncio.Event) -> None:
        client.sendall(REQUEST)
        assert b"connection: close" not in await answer(client)
        ending = asyncio.Event()

        def late() -> None:
            client.sendall(unread)
            ending.set()

        server.late = late
        server.should_exit = True
        await ending.wait()
        await asyncio.sleep(0)
        client.sendall(REQUEST[len(unread) :])
        assert b"connection: close" in await answer(client)

    beside_a_server(part)


def test_the_answer_to_a_request_from_before_the_stop_says_that_the_connection_closes():
    async def part(server: Ending, client: socket.socket, answering: asyncio.Event) -> None:
        client.sendall(REQUEST.replace(b"/", b"/slow", 1))
        while not server.server_state.tasks:
            await asyncio.sleep(0)
        ending = asyncio.Event()
        server.late = ending.set
        server.should_exit = True
        await ending.wait()
        answering.set()
        assert b"connection: close" in await answer(client)

    beside_a_server(part)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing can be done")
def test_who_stops_admits_no_new_connection_and_keeps_those_that_wait_also_as_an_ordinary_user():
    user = os.geteuid()
    with (
        socket.create_server(("127.0.0.1", 0)) as sock,
        socket.create_connection(sock.getsockname()) as early,
    ):
        early.sendall(REQUEST)
        os.seteuid(user or 65534)
        try:
            admit_no_more(sock)
        finally:
            os.seteuid(user)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(sock.getsockname(), timeout=5)
        taken, _ = sock.accept()
        with taken:
            assert taken.recv(4096) == REQUEST
            taken.sendall(b"ok")
            assert early.recv(4096) == b"ok"
