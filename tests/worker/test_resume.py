"""A body that breaks off is continued from the byte where it broke off, on a real server, if it is still the same file."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from steelyard.ctx import Ctx
from steelyard.files.receive import received
from steelyard.net.guard import Changed, FetchFailed, GuardedClient

from .helpers import make_space, serving
from .test_prepare import picture, prepare


@dataclass
class Breaking:
    """Serves `content` and cuts the connection after each of `cuts` bytes; `later` is served from the second request on."""

    content: bytes
    cuts: list[int] = field(default_factory=list)
    etag: str | None = '"v1"'
    later: bytes | None = None
    ranges: bool = True
    status_between: list[int] = field(default_factory=list)
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)

    def start_of(self, n: int) -> int:
        """From which byte on the nth request asked."""
        return int((self.asked[n][0] or "bytes=0-").removeprefix("bytes=").rstrip("-"))

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.headers.get("Range"), request.headers.get("If-Range")))
        content, etag = self.content, self.etag
        if len(self.asked) > 1:
            if self.status_between:
                return web.Response(status=self.status_between.pop(0))
            if self.later is not None:
                content, etag = self.later, '"v2"'
        start, status, headers = 0, 200, {"ETag": etag} if etag else {}
        wanted = request.headers.get("Range")
        if wanted and self.ranges and request.headers.get("If-Range") in (None, etag):
            start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        answer = web.StreamResponse(status=status, headers=headers)
        answer.content_length = len(content) - start
        await answer.prepare(request)
        piece = content[start : start + self.cuts.pop(0)] if self.cuts else content[start:]
        await answer.write(piece)
        if start + len(piece) < len(content):
            await asyncio.sleep(0.05)  # for the client to read what was sent
            assert request.transport is not None
            request.transport.close()
        return answer


CONTENT = os.urandom(1_000_000)


async def fetched(url: str) -> bytes:
    client = GuardedClient(("127.0.0.0/8",))
    try:
        async with client.get(url, max_bytes=10**7, timeout_s=10) as download:
            return b"".join([chunk async for chunk in download.chunks()])
    finally:
        await client.close()


async def test_a_body_that_breaks_off_is_continued_from_its_byte() -> None:
    site = Breaking(CONTENT, cuts=[300_000, 1, 400_000])
    async with serving(site) as url:
        assert await fetched(url) == CONTENT
    # What had come and was not read yet when the connection broke may be asked for once more.
    starts = [site.start_of(n) for n in range(4)]
    assert starts[0] == 0 < starts[1] <= 300_000
    assert starts[1] <= starts[2] <= 300_001 < 400_000
    assert 500_000 <= starts[3] <= 700_001
    assert [version for _, version in site.asked] == [None, '"v1"', '"v1"', '"v1"']


async def test_a_server_that_is_away_for_a_moment_in_between_is_asked_again() -> None:
    site = Breaking(CONTENT, cuts=[300_000], status_between=[503, 500])
    async with serving(site) as url:
        assert await fetched(url) == CONTENT
    assert site.start_of(3) > 0


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
async def test_a_body_without_a_version_is_not_patched_together(etag: str | None) -> None:
    site = Breaking(CONTENT, cuts=[300_000], etag=etag)
    async with serving(site) as url:
        with pytest.raises(FetchFailed) as failed:
            await fetched(url)
    assert failed.value.transient
    assert len(site.asked) == 1


async def test_a_server_that_never_sends_a_byte_more_is_given_up() -> None:
    site = Breaking(CONTENT, cuts=[300_000] + [0] * 20)
    async with serving(site) as url:
        with pytest.raises(FetchFailed) as failed:
            await fetched(url)
    assert failed.value.transient
    assert 3 <= len(site.asked) <= 6


@pytest.mark.parametrize("ranges", [True, False])
async def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(ctx: Ctx, ranges: bool) -> None:
    site = Breaking(CONTENT, cuts=[300_000], later=CONTENT[::-1] + b"more", ranges=ranges)
    async with serving(site) as url, received(ctx, url, max_bytes=10**7) as (file, _):
        assert file.sha256 == hashlib.sha256(CONTENT[::-1] + b"more").hexdigest()
    assert site.start_of(1) > 0
    assert (site.asked[0], site.asked[2:]) == ((None, None), [(None, None)])
    assert list(ctx.store._spool_dir.iterdir()) == []


async def test_a_part_that_does_not_fit_is_never_taken() -> None:
    async def site(request: web.Request) -> web.StreamResponse:
        if "Range" in request.headers:  # another length, under the same name
            return web.Response(
                status=206, body=b"x" * 9, headers={"ETag": '"v1"', "Content-Range": "bytes 10-18/19"}
            )
        answer = web.StreamResponse(headers={"ETag": '"v1"'})
        answer.content_length = 500
        await answer.prepare(request)
        await answer.write(b"y" * 10)
        assert request.transport is not None
        request.transport.close()
        return answer

    async with serving(site) as url:
        with pytest.raises(Changed):
            await fetched(url)


async def test_a_task_with_such_a_server_is_queued_without_another_round(ctx: Ctx) -> None:
    content = picture("BMP", (400, 300))
    site = Breaking(content, cuts=[100_000, 50_000])
    async with serving(site) as url:
        task = await prepare(ctx, await make_space(ctx), url + "/a.bmp")
    assert task["stage"] == "queued", task["response"]
    assert await ctx.store.get(hashlib.sha256(content).hexdigest()) == content
    assert len(site.asked) == 3
