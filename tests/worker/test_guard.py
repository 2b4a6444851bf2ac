"""The guarded client: what it refuses, and its limits."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
import time
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from steelyard.net import addresses
from steelyard.net.guard import BadAddress, BlockedAddress, FetchFailed, GuardedClient, TooBig

from .helpers import serving


@asynccontextmanager
async def guarded(*allow: str) -> AsyncGenerator[GuardedClient]:
    client = GuardedClient(allow)
    try:
        yield client
    finally:
        await client.close()


async def body(client: GuardedClient, url: str, *, max_bytes: int = 10**6, timeout_s: float = 5) -> bytes:
    async with client.get(url, max_bytes=max_bytes, timeout_s=timeout_s) as download:
        return b"".join([chunk async for chunk in download.chunks()])


def answering(response: Callable[[web.Request], web.Response]) -> Callable[[web.Request], Awaitable[Any]]:
    async def handler(request: web.Request) -> web.Response:
        return response(request)

    return handler


REFUSED = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.88.99.1", "::", "::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_an_address_that_is_not_public_is_refused(text: str) -> None:
    assert not addresses.is_allowed(ipaddress.ip_address(text), ())


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_allowed(text: str) -> None:
    assert addresses.is_allowed(ipaddress.ip_address(text), ())


@pytest.mark.parametrize("text", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203"])
def test_an_allowed_network_admits_its_addresses_and_no_others(text: str) -> None:
    allowed = addresses.parse_networks(["10.1.0.0/16"])
    assert addresses.is_allowed(ipaddress.ip_address(text), allowed)
    assert not addresses.is_allowed(ipaddress.ip_address("10.2.0.1"), allowed)
    assert not addresses.is_allowed(ipaddress.ip_address("127.0.0.1"), allowed)


@given(st.ip_addresses(v=4))
def test_every_spelling_of_an_ipv4_address_in_ipv6_is_judged_like_the_address(
    address: ipaddress.IPv4Address,
) -> None:
    value = int(address)
    verdict = addresses.is_allowed(address, ())
    for spelled in ((0xFFFF << 32) | value, (0x2002 << 112) | (value << 80), (0x64FF9B << 96) | value):
        assert addresses.is_allowed(ipaddress.IPv6Address(spelled), ()) == verdict


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "0",
        "0x7f.1",
    ],
)
async def test_no_spelling_of_the_local_machine_is_contacted(host: str) -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(text="secret")

    async with serving(handler) as url, guarded() as client:
        port = url.rsplit(":", 1)[1]
        with pytest.raises(BlockedAddress):
            await body(client, f"http://{host}:{port}/")
        with pytest.raises(BlockedAddress):
            await client.post(f"http://{host}:{port}/", b"{}", headers={}, timeout_s=5)
    assert asked == []


async def test_a_name_is_resolved_once_and_only_checked_addresses_are_contacted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that answers first with a public, then with a private address gets no second question."""
    asked: list[str] = []
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def rebinding(host: Any, port: Any, **more: Any) -> Any:
        if host != "rebind.example":
            return await real(host, port, **more)
        asked.append(host)
        address = "203.0.114.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    connected: list[Any] = []

    async def sock_connect(sock: socket.socket, address: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    async with guarded() as client:
        with pytest.raises(FetchFailed):
            await body(client, "http://rebind.example/a")
    assert connected == [("203.0.114.1", 80)]
    assert asked == ["rebind.example"]


async def test_a_redirect_into_a_private_network_is_refused() -> None:
    handler = answering(
        lambda _: web.Response(status=302, headers={"Location": "http://10.0.0.1/latest/meta-data"})
    )
    async with serving(handler) as url, guarded("127.0.0.0/8") as client:
        with pytest.raises(BlockedAddress):
            await body(client, url)


async def test_redirects_are_followed_five_times_and_not_to_other_schemes() -> None:
    def hop(request: web.Request) -> web.Response:
        n = int(request.path.strip("/") or 0)
        if n == 0:
            return web.Response(text="there")
        return web.Response(status=302, headers={"Location": f"/{n - 1}"})

    async with serving(answering(hop)) as url, guarded("127.0.0.0/8") as client:
        assert await body(client, url + "/5") == b"there"
        with pytest.raises(FetchFailed, match="redirects"):
            await body(client, url + "/6")
    handler = answering(lambda _: web.Response(status=302, headers={"Location": "file:///etc/passwd"}))
    async with serving(handler) as url, guarded("127.0.0.0/8") as client:
        with pytest.raises(BadAddress):
            await body(client, url)


async def test_a_signed_address_is_sent_as_it_is_spelled() -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        if request.path == "/from":
            return web.Response(status=307, headers={"Location": "x%2Fy/%7Ez?sig=a%2Fb%2Bc+d&k=%41"})
        return web.Response(text="ok")

    async with serving(handler) as url, guarded("127.0.0.0/8") as client:
        await body(client, url + "/x%2Fy/%7Ez?sig=a%2Fb%2Bc+d&k=%41#part")
        await body(client, url + "/from")
        await body(client, url + "/a b/é\r\nX: y")
    assert asked == [
        "/x%2Fy/%7Ez?sig=a%2Fb%2Bc+d&k=%41",
        "/from",
        "/x%2Fy/%7Ez?sig=a%2Fb%2Bc+d&k=%41",
        "/a%20b/%C3%A9X:%20y",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "file:///etc/passwd",
        "gopher://a/",
        "http://",
        "http:///a",
        "http://[::1",
        "http://a:99999/",
        "//a/b",
        "http://a:0/",
    ],
)
async def test_what_is_no_http_url_is_a_bad_address(url: str) -> None:
    async with guarded() as client:
        with pytest.raises(BadAddress):
            await body(client, url)


async def test_other_statuses_than_200_fail_with_the_status() -> None:
    for status in (204, 206, 403, 404, 500):
        async with (
            serving(answering(lambda _, s=status: web.Response(status=s))) as url,
            guarded("127.0.0.0/8") as client,
        ):
            with pytest.raises(FetchFailed) as failure:
                await body(client, url)
        assert failure.value.status == status
        assert failure.value.transient == (status == 500)


async def test_size_limits_hold_with_and_without_a_declared_length() -> None:
    async def chunked(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x" * 10_000)
        return response

    for handler in (chunked, answering(lambda _: web.Response(body=b"x" * 10**6))):
        async with serving(handler) as url, guarded("127.0.0.0/8") as client:
            with pytest.raises(TooBig):
                await body(client, url, max_bytes=50_000)
            assert len(await body(client, url, max_bytes=10**6)) == 10**6


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_body_is_limited_by_what_it_becomes(
    encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    content = b"\0" * 50_000_000
    handler = answering(lambda _: web.Response(body=pack(content), headers={"Content-Encoding": encoding}))
    async with serving(handler) as url, guarded("127.0.0.0/8") as client:
        with pytest.raises(TooBig):
            await body(client, url, max_bytes=10**6)
        assert await body(client, url, max_bytes=10**8) == content


async def test_damaged_truncated_and_unknown_encodings_fail() -> None:
    packed = gzip.compress(b"a" * 100_000)
    for content, encoding in ((b"no gzip", "gzip"), (packed[:-20], "gzip"), (packed, "br")):
        handler = answering(
            lambda _, c=content, e=encoding: web.Response(body=c, headers={"Content-Encoding": e})
        )
        async with serving(handler) as url, guarded("127.0.0.0/8") as client:
            with pytest.raises(FetchFailed):
                await body(client, url)


async def test_the_time_limit_covers_a_body_that_trickles() -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x")
            await asyncio.sleep(0.1)
        return response

    started = time.monotonic()
    async with serving(trickle) as url, guarded("127.0.0.0/8") as client:
        with pytest.raises(FetchFailed) as failure:
            await body(client, url, timeout_s=0.5)
    assert time.monotonic() - started < 3
    assert failure.value.transient


async def test_a_body_that_breaks_off_fails() -> None:
    async def breaks(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"x" * 10)
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(breaks) as url, guarded("127.0.0.0/8") as client:
        with pytest.raises(FetchFailed) as failure:
            await body(client, url)
    assert failure.value.transient


async def test_posts_reuse_connections_and_clip_long_answers() -> None:
    peers: set[Any] = set()

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response(text="y" * (100_000 if request.path == "/long" else 10))

    async with serving(handler) as url, guarded("127.0.0.0/8") as client:
        for _ in range(20):
            assert (await client.post(url, b"{}", headers={}, timeout_s=5)).body == b"y" * 10
        assert len(peers) == 1
        reply = await client.post(url + "/long", b"{}", headers={}, timeout_s=5, clip_bytes=100)
        assert reply.body == b"y" * 100
