"""Whole answers leave in one write, in order, and the connection ends when it was to end."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from steelyard.http.protocol import EXCHANGE, Protocol

_LONG = b"x" * 200_000


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/echo":
        whole = scope[EXCHANGE].whole_body()
        said = whole if whole is not None else (await receive())["body"] + b" by messages"
        said += b" " + scope["query_string"]
        assert scope[EXCHANGE].answer(200, b"content-length: %d\r\n" % len(said), said)
        return
    await receive()
    if scope["path"] == "/slow":
        await asyncio.sleep(0.05)
    body = _LONG if scope["path"] == "/long" else scope["path"].encode()
    head = b"content-length: %d\r\n" % len(body)
    if scope[EXCHANGE].answer(200, head + b"x-way: short\r\n", body):
        return
    headers = [(b"content-length", b"%d" % len(body)), (b"x-way", b"long")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port() -> AsyncGenerator[int]:
    config = uvicorn.Config(_app, http=Protocol, ws="none", lifespan="off", port=0, log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def _talk(port: int, *requests: bytes) -> bytes:
    """What comes back until the server closes, which the last request asks for."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(requests))
    said = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return said


def _get(path: str, more: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


async def test_requests_sent_at_once_are_answered_in_order(port: int) -> None:
    said = await _talk(port, _get("/slow"), _get("/quick"), _get("/last", "Connection: close\r\n"))
    assert [said.index(b"\r\n\r\n" + body) for body in (b"/slow", b"/quick", b"/last")] == sorted(
        said.index(b"\r\n\r\n" + body) for body in (b"/slow", b"/quick", b"/last")
    )
    assert said.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert said.count(b"x-way: short") == 2
    assert said.count(b"\r\ndate: ") == 3


async def test_a_connection_that_was_to_be_closed_is_closed_after_the_whole_answer(port: int) -> None:
    said = await _talk(port, _get("/only", "Connection: close\r\n"))
    assert b"x-way: long" in said and b"connection: close" in said
    assert said.endswith(b"\r\n\r\n/only")


async def test_long_answers_are_whole(port: int) -> None:
    said = await _talk(port, _get("/long"), _get("/last", "Connection: close\r\n"))
    assert said.count(b"x") >= len(_LONG)
    assert _LONG in said and said.endswith(b"/last")


@pytest.mark.parametrize(
    "nonsense", [b"GET /\xc3\xa9 HTTP/1.1\r\n\r\n", b"FOO / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\r\n\r\n"]
)
async def test_what_is_no_http_is_refused_in_json(port: int, nonsense: bytes) -> None:
    head, _, body = (await _talk(port, nonsense)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"content-type: application/json" in head
    assert json.loads(body) == {"status_code": 400, "error": "Invalid HTTP request received."}


async def test_a_client_that_went_away_harms_nobody(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_get("/slow"))
    await writer.drain()
    writer.transport.abort()
    await asyncio.sleep(0.1)
    assert b"/after" in await _talk(port, _get("/after", "Connection: close\r\n"))


async def test_an_answered_request_is_gone_without_the_garbage_collector(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def ask() -> None:
        writer.write(_get("/quick"))
        assert (await reader.readuntil(b"/quick")).startswith(b"HTTP/1.1 200 OK")

    await ask()
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            await ask()
        held = sum(isinstance(o, RequestResponseCycle) for o in gc.get_objects())
    finally:
        gc.enable()
        writer.close()
    assert held <= 1


async def test_a_body_that_came_with_its_head_is_read_at_once_and_one_that_comes_later_by_messages(
    port: int,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /echo?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
    writer.write(head + b"whole")
    assert await asyncio.wait_for(reader.readuntil(b"a=1"), 10)
    writer.write(head)
    await asyncio.sleep(0.05)
    writer.write(b"later")
    assert (await asyncio.wait_for(reader.readuntil(b"a=1"), 10)).endswith(b"later by messages a=1")
    whole = head.replace(b"/echo", b"http://x/echo").replace(b"a=1", b"a=1#part") + b"proxy"
    writer.write(whole)
    assert (await asyncio.wait_for(reader.readuntil(b"a=1"), 10)).endswith(b"\r\n\r\nproxy a=1")
    writer.close()


async def test_a_connection_is_closed_when_nothing_came_for_long_but_not_while_a_request_is_under_way() -> (
    None
):
    made: list[Protocol] = []

    def protocol(**parts: Any) -> Protocol:
        made.append(Protocol(**parts))
        return made[-1]

    config = uvicorn.Config(_app, http=protocol, ws="none", lifespan="off", port=0, log_config=None)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
    late = asyncio.get_running_loop().time() + config.timeout_keep_alive + 60
    writer.write(_get("/slow"))
    while not made or made[0].cycle is None:
        await asyncio.sleep(0.001)
    made[0].close_if_idle(late)
    assert (await asyncio.wait_for(reader.readuntil(b"/slow"), 10)).startswith(b"HTTP/1.1 200 OK")
    made[0].close_if_idle(late - 61)
    writer.write(_get("/quick"))
    assert await asyncio.wait_for(reader.readuntil(b"/quick"), 10)
    made[0].close_if_idle(late)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    server.should_exit = True
    await serving
