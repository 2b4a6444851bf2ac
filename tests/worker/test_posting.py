"""POSTs to receivers that speak HTTP in every way that they may, and in some that they may not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
import trustme

from steelyard.net.guard import FetchFailed, GuardedClient, Reply

Talk = Callable[[bytes, int], bytes | None]
"""From a request and its number on all connections to what is sent; None closes the connection."""


@asynccontextmanager
async def receiver(
    talk: Talk, *, close: bool = False, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A server on a raw socket; `close`: after every answer. Yields its address and the requests that came."""
    got: list[bytes] = []
    connections: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                got.append(head + await reader.readexactly(length))
                answer = talk(got[-1], len(got))
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if close:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        scheme = "https" if tls else "http"
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/a?b=%20", got
    finally:
        for writer in connections:
            writer.close()
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def guarded() -> AsyncGenerator[GuardedClient]:
    client = GuardedClient(("127.0.0.0/8",))
    try:
        yield client
    finally:
        await client.close()


async def post(client: GuardedClient, url: str, **headers: str) -> Reply:
    return await client.post(url, b"{}", headers=headers, timeout_s=5, clip_bytes=20)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("answer", "close", "status", "body"),
    [
        (OK, False, 200, b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", True, 200, b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, False, 200, b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No\r\n\r\n", False, 204, b""),
        (
            b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n4\r\n way\r\n0\r\n\r\n",
            False,
            500,
            b"no way",
        ),
        (b"HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", False, 302, b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + b"y" * 50, False, 200, b"y" * 20),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"y" * 20, False, 200, b"y" * 20),
    ],
)
async def test_every_way_of_answering_is_understood(
    answer: bytes, close: bool, status: int, body: bytes
) -> None:
    async with receiver(lambda _, __: answer, close=close) as (url, got), guarded() as client:
        for _ in range(2):
            assert await post(client, url, **{"X-A": "1"}) == Reply(status, body)
    assert got[0].startswith(b"POST /a?b=%20 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert got[0].endswith(b"X-A: 1\r\n\r\n{}")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
)
async def test_what_is_no_answer_is_a_failure_and_spoils_no_later_one(answer: bytes | None) -> None:
    async with (
        receiver(lambda _, n: answer if n == 1 else OK, close=answer != OK) as (url, _),
        guarded() as client,
    ):
        with pytest.raises(FetchFailed, match="The connection failed") as failure:
            await post(client, url)
        assert failure.value.transient
        assert await post(client, url) == Reply(200, b"ok")


async def test_a_kept_connection_that_the_receiver_has_closed_costs_no_try() -> None:
    async with receiver(lambda _, n: None if n == 2 else OK) as (url, got), guarded() as client:
        assert await post(client, url) == Reply(200, b"ok")
        assert await post(client, url) == Reply(200, b"ok")
    assert len(got) == 3


async def test_what_comes_unasked_ends_a_connection_and_answers_nothing() -> None:
    forged = b"HTTP/1.1 201 Forged\r\nContent-Length: 0\r\n\r\n"
    async with receiver(lambda _, n: OK + (forged if n == 1 else b"")) as (url, _), guarded() as client:
        assert await post(client, url) == Reply(200, b"ok")
        assert await post(client, url) == Reply(200, b"ok")


async def test_credentials_of_an_address_are_sent_and_headers_cannot_be_smuggled_in() -> None:
    async with receiver(lambda _, __: OK) as (url, got), guarded() as client:
        await post(client, url.replace("//", "//user:p%40ss@"))
        assert b"\r\nAuthorization: Basic dXNlcjpwQHNz\r\n" in got[0]
        assert b"@" not in got[0].split(b"\r\n\r\n")[0]
        with pytest.raises(ValueError, match="one line"):
            await post(client, url, X="a\r\nY: b")
        assert len(got) == 1


async def test_a_certificate_that_nobody_vouches_for_is_refused() -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    async with receiver(lambda _, __: OK, tls=tls) as (url, got), guarded() as client:
        with pytest.raises(FetchFailed, match="certificate is not valid"):
            await post(client, url)
        client._poster._tls = ssl.create_default_context()
        authority.configure_trust(client._poster._tls)
        assert await post(client, url) == Reply(200, b"ok")
        assert await post(client, url) == Reply(200, b"ok")
        with pytest.raises(FetchFailed, match="certificate is not valid"):
            await post(client, url.replace("127.0.0.1", "localhost"))
    assert len(got) == 2
