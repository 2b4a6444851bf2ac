"""Server-side request forgery: no spelling, redirect or resolver leads the guarded client to an address that is not allowed.

127.0.0.2 is the allowed network here and plays the public internet; 127.0.0.1 is what must not be reached. A server listens on both.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from steelyard.log import mask
from steelyard.net.guard import BadAddress, BlockedAddress, FetchFailed, GuardedClient

ALLOWED, FORBIDDEN = "127.0.0.2", "127.0.0.1"


@dataclass
class Net:
    """Both servers. `location`: what the allowed one redirects /go to."""

    port: int
    location: str = ""
    public: list[str] = field(default_factory=list)
    secret: list[str] = field(default_factory=list)


@asynccontextmanager
async def network() -> AsyncGenerator[tuple[Net, GuardedClient]]:
    net = Net(0)

    async def answer(request: web.Request) -> web.StreamResponse:
        here = request.transport.get_extra_info("sockname")[0] if request.transport else ""
        (net.public if here == ALLOWED else net.secret).append(request.raw_path)
        if here == ALLOWED and request.path == "/go":
            return web.Response(status=302, headers={"Location": net.location})
        if here == ALLOWED and request.path.startswith("/hop"):
            n = int(request.path[4:])
            return web.Response(status=307, headers={"Location": f"/hop{n - 1}" if n else net.location})
        return web.Response(text="secret" if here == FORBIDDEN else "public")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    with socket.socket() as probe:
        probe.bind((ALLOWED, 0))
        net.port = probe.getsockname()[1]
    for host in (ALLOWED, FORBIDDEN):
        await web.TCPSite(runner, host, net.port).start()
    client = GuardedClient((f"{ALLOWED}/32",))
    try:
        yield net, client
    finally:
        await client.close()
        await runner.cleanup()


async def fetch(client: GuardedClient, url: str) -> bytes:
    async with client.get(url, max_bytes=10_000, timeout_s=5) as download:
        return b"".join([piece async for piece in download.chunks()])


SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7F.0.0.1", "0177.0.0.1", "017700000001", "0x7f.1", "127.0.0.1.",
    "00000177.0.0.1", "127.000.000.001", "localhost", "LOCALHOST", "localhost.", "0", "0.0.0.0", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[::ffff:0:127.0.0.1]", "[::1%25lo]", "①②⑦.⓪.⓪.①", "127。0。0。1", "127．0．0．1", "１２７.0.0.1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loc\u00adalhost",
    "127.0.0.1%00.example.com", "127.0.0.2@127.0.0.1", "user:pass@127.0.0.1", "127.0.0.2%40127.0.0.1", "127.0.0.2:80@127.0.0.1",
    "127.0.0.2%2F@127.0.0.1", "127.0.0.2\\@127.0.0.1", "127.0.0.2#@127.0.0.1", "127.0.0.2?@127.0.0.1", "127.0.0.1\t", "127.0.0.1\r\nHost: x",
]  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_reaches_what_is_not_allowed(host: str) -> None:
    async with network() as (net, client):
        for url in (f"http://{host}:{net.port}/secret", f" http://{host}:{net.port}/secret "):
            for send in (fetch, _post):
                try:
                    await send(client, url)
                except FetchFailed as e:
                    assert "secret" not in e.message
        net.location = f"http://{host}:{net.port}/secret"
        if "\n" not in host:
            with pytest.raises(FetchFailed):
                await fetch(client, f"http://{ALLOWED}:{net.port}/hop2")
        assert net.secret == []


async def _post(client: GuardedClient, url: str) -> None:
    await client.post(url, b"{}", headers={}, timeout_s=5)


@pytest.mark.parametrize(
    "location",
    [
        "//127.0.0.1:{port}/secret",
        "http:\\\\127.0.0.1:{port}\\secret",
        "http:/\\127.0.0.1:{port}/secret",
        "http:127.0.0.1:{port}/secret",
        "///127.0.0.1:{port}/secret",
        "http://127.0.0.2:{port}@127.0.0.1:{port}/secret",
        "HTTP://LocalHost:{port}/secret",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/secret",
        "gopher://127.0.0.1:{port}/_secret",
        "unix:///var/run/docker.sock",
        "data:text/plain,secret",
        "http://",
        "http://[",
        "",
    ],
)
async def test_every_hop_of_a_chain_is_checked(location: str) -> None:
    async with network() as (net, client):
        net.location = location.replace("{port}", str(net.port))
        for start in ("/go", "/hop3"):
            try:
                got = await fetch(client, f"http://{ALLOWED}:{net.port}{start}")
            except FetchFailed:
                continue
            assert got == b"public", "a relative address on the same host at most"
        assert net.secret == []


async def test_a_post_follows_no_redirect() -> None:
    async with network() as (net, client):
        net.location = f"http://{ALLOWED}:{net.port}/elsewhere"
        reply = await client.post(f"http://{ALLOWED}:{net.port}/go", b"{}", headers={}, timeout_s=5)
        assert reply.status == 302
        assert net.public == ["/go"]


class Resolver:
    """Answers for every name, another answer each time it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def getaddrinfo(self, host: str, port: Any, **options: Any) -> list[Any]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in answer
        ]


@pytest.fixture
def resolving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Resolver]:
    def install(*answers: Sequence[str]) -> Resolver:
        resolver = Resolver(*answers)
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolver.getaddrinfo, raising=False)
        return resolver

    return install


async def test_a_name_that_is_bound_anew_between_check_and_use_is_contacted_where_it_was_checked(
    resolving: Callable[..., Resolver],
) -> None:
    async with network() as (net, client):
        resolver = resolving([ALLOWED], [FORBIDDEN])
        assert await fetch(client, f"http://rebind.example:{net.port}/") == b"public"
        assert resolver.asked == 1
        assert await fetch(client, f"http://rebind.example:{net.port}/again") == b"public"
        assert net.secret == []


async def test_a_name_that_is_bound_anew_between_hops_is_refused(resolving: Callable[..., Resolver]) -> None:
    async with network() as (net, client):
        resolving([ALLOWED], [FORBIDDEN])
        net.location = f"http://second.example:{net.port}/secret"
        with pytest.raises(BlockedAddress):
            await fetch(client, f"http://first.example:{net.port}/go")
        assert net.secret == []


@pytest.mark.parametrize(
    "answer",
    [
        [FORBIDDEN],
        ["::ffff:127.0.0.1"],
        ["::1", FORBIDDEN],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        ["10.0.0.1", "192.168.0.1"],
        ["0.0.0.0"],
        ["64:ff9b::a9fe:a9fe"],
    ],
)
async def test_a_name_of_a_forbidden_address_is_refused(
    resolving: Callable[..., Resolver], answer: list[str]
) -> None:
    async with network() as (net, client):
        resolving(answer)
        for send in (fetch, _post):
            with pytest.raises(BlockedAddress):
                await send(client, f"http://inside.example:{net.port}/secret")
        assert net.secret == []


async def test_of_several_addresses_only_the_allowed_are_contacted(
    resolving: Callable[..., Resolver],
) -> None:
    async with network() as (net, client):
        resolving([FORBIDDEN, "::1", ALLOWED, "10.0.0.1"])
        for n in range(5):
            assert await fetch(client, f"http://mixed{n}.example:{net.port}/") == b"public"
        assert net.secret == []


@pytest.mark.parametrize(
    "scheme", ["file", "ftp", "gopher", "dict", "ws", "data", "unix", "javascript", "s3", ""]
)
async def test_other_schemes_are_no_addresses(scheme: str) -> None:
    async with network() as (net, client):
        for url in (f"{scheme}://{FORBIDDEN}:{net.port}/secret", f"{scheme}:/etc/passwd"):
            for send in (fetch, _post):
                with pytest.raises(BadAddress):
                    await send(client, url)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://b.example/a.png?X-Amz-Signature=abc&x=1", "https://b.example/a.png?…"),
        ("see http://user:pw@h.example:8/p?sig=1#f now", "see http://…@h.example:8/p?… now"),
        ("s3://bucket/key?token=1, gs://b/c", "s3://bucket/key?… gs://b/c"),
        ("no address?at=all", "no address?at=all"),
        ("https://b.example/plain", "https://b.example/plain"),
    ],
)
def test_signatures_and_passwords_of_addresses_are_masked_in_logs(text: str, shown: str) -> None:
    assert mask(text) == shown


async def test_the_forbidden_server_would_answer_if_it_were_allowed() -> None:
    async with network() as (net, _):
        client = GuardedClient(("127.0.0.0/8",))
        assert await fetch(client, f"http://{FORBIDDEN}:{net.port}/secret") == b"secret"
        await client.close()
        assert net.secret == ["/secret"]
