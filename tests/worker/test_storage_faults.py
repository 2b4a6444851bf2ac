"""The file store failing, slow, or away: tasks wait and then go on, uploads are told to come again, nothing is half-written. A worker killed while
it fetches or derives is taken over."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from msgspec import structs
from yarl import URL

from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue
from steelyard.jobs.specs import PREPARE_TASK, PREPARE_TASK_QUEUE, PrepareTask
from steelyard.jobs.worker import LEASE_S, drain
from steelyard.settings import Settings
from steelyard.storage import open_storage

from .conftest import S3
from .helpers import make_space, make_task, rows, serving, shift
from .test_derived import browsing
from .test_hostile_files import png
from .test_killed import WORKER
from .test_prepare import Site, image_params, outcome, picture


@dataclass
class Proxy:
    """Passes requests on to the S3 server; answers `status` while that is set, and only after `delay_s`."""

    target: str
    status: int = 0
    delay_s: float = 0.0
    asked: int = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        body = await request.read()
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.status:
            return web.Response(status=self.status)
        async with (
            aiohttp.ClientSession(auto_decompress=False) as http,
            http.request(
                request.method, f"{self.target}{request.raw_path}", headers=request.headers, data=body
            ) as answer,
        ):
            kept = ("Content-Type", "Last-Modified", "ETag", "Content-Range", "Accept-Ranges")
            out = {k: answer.headers[k] for k in kept if k in answer.headers}
            if request.method == "HEAD":
                return web.Response(
                    status=answer.status,
                    headers={**out, "Content-Length": answer.headers.get("Content-Length", "0")},
                )
            return web.Response(status=answer.status, headers=out, body=await answer.read())


@pytest.fixture
async def proxy(s3: S3, ctx: Ctx, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Proxy]:
    """`ctx.store` is the bucket `kept` of the S3 server, reached through this."""
    s3.bucket("kept")
    made = Proxy(s3.endpoint)
    async with serving(made) as address:
        s3.set_environment(monkeypatch, address)
        ctx.store = open_storage(Settings(data_dir=ctx.settings.data_dir, storage_url="s3://kept/files"))
        yield made


def left_behind(ctx: Ctx) -> list[str]:
    """Spool files that nobody uses."""
    return [p.name for p in ctx.store._spool_dir.glob("steelyard-*") if p.stat().st_size]


async def test_a_task_waits_while_the_store_fails_and_goes_on_when_it_is_back(ctx: Ctx, proxy: Proxy) -> None:
    space = await make_space(ctx)
    async with serving(Site(a=picture())) as url:
        task = await make_task(ctx, space, params=image_params(url + "/a"))
        await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
        proxy.status = 500
        for _ in range(2):
            await drain(ctx)
            assert (await outcome(ctx, task))["stage"] == "preparing"
            await shift(ctx, 5)
        [job] = await rows(ctx, "select attempts, failed_at, last_error from job")
        assert (job["failed_at"], job["last_error"]) == (None, "The file store cannot be reached right now.")
        assert await rows(ctx, "select 1 from attachment where sha256 is not null") == []
        unseen = await rows(ctx, "select 1 from blob where touched_at is null")
        assert unseen == [], "what was promised and is not in the store will be looked at"
        proxy.status = 0
        await drain(ctx)
    assert (await outcome(ctx, task))["stage"] == "queued"
    digest = hashlib.sha256(picture()).hexdigest()
    assert await ctx.store.get(digest) == picture()
    assert await rows(ctx, "select 1 from job where kind = 'prepare_task'") == []


async def test_a_slow_store_delays_and_breaks_nothing(ctx: Ctx, proxy: Proxy) -> None:
    space, proxy.delay_s = await make_space(ctx), 0.3
    async with serving(Site(a=picture())) as url:
        task = await make_task(ctx, space, params=image_params(url + "/a"))
        await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
        await drain(ctx)
    assert (await outcome(ctx, task))["stage"] == "queued"


async def test_an_upload_while_the_store_fails_is_a_503_that_says_so_and_leaves_nothing(
    ctx: Ctx, proxy: Proxy, live
) -> None:
    async def upload():
        return await live.post("/v1/files/upload", files={"file": ("a.png", picture(), "image/png")})

    proxy.status = 503
    refused = await upload()
    assert refused.status_code == 503
    assert refused.json() == {"status_code": 503, "error": "The file store cannot be reached right now."}
    assert int(refused.headers["retry-after"]) >= 1
    assert await rows(ctx, "select 1 from file") == []
    assert await rows(ctx, "select 1 from blob where touched_at is null") == [], (
        "the promise will be looked at"
    )
    assert left_behind(ctx) == []
    proxy.status = 0
    sent = await upload()
    assert sent.status_code == 200
    assert await ctx.store.get(hashlib.sha256(picture()).hexdigest()) == picture()


async def test_media_of_a_store_that_fails_is_a_503_and_readiness_tells(ctx: Ctx, proxy: Proxy) -> None:
    from steelyard.media.tokens import media_url

    blob = await ctx.store.put(picture())
    async with browsing(ctx) as browser:
        url = media_url(ctx, 1, blob.sha256, "image/png", 60)
        assert (await browser.get(url)).content == picture()
        proxy.status = 500
        assert (await browser.get(url)).status_code == 503
        await ctx.db.execute(
            "insert into process (id, kind, started_at, seen_at) values ('w', 'worker', steelyard.now(), steelyard.now())"
        )
        assert (await browser.get("/readyz")).status_code == 503
        proxy.status = 0
        assert (await browser.get("/readyz")).status_code == 200


@pytest.mark.parametrize("links", ["steelyard", "store"])
async def test_customers_get_the_links_that_the_operator_chose(
    ctx: Ctx, proxy: Proxy, live, links: str
) -> None:
    ctx.settings = structs.replace(ctx.settings, storage_links=links)
    sent = await live.post("/v1/files/upload", files={"file": ("a.png", picture(), "image/png")})
    body = {
        "attachment": sent.json()["attachment_url"],
        "geometries": {"box": {"objects_to_annotate": ["cow"]}},
        "instruction": "x",
    }
    made = await live.post("/v1/task/imageannotation", json=body)
    assert made.status_code == 200, made.text
    await drain(ctx)
    task = (
        await live.get(f"/v1/task/{made.json()['task_id']}", params={"include_attachment_url": "true"})
    ).json()
    [link, _] = [entry["s3URL"] for entry in task["attachmentS3Downloads"]]
    assert link.startswith("http://steelyard.test/media/" if links == "steelyard" else "http://127.0.0.1:")
    if links == "store":
        async with aiohttp.ClientSession() as http, http.get(URL(link, encoded=True)) as answer:
            assert await answer.read() == picture()


@pytest.mark.fault
async def test_what_a_killed_worker_was_fetching_and_cutting_is_done_by_the_next(ctx: Ctx) -> None:
    content, released = png(8000, 6000, 6000), asyncio.Event()
    space, asked = await make_space(ctx), []

    async def site(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        if request.path == "/slow":
            await released.wait()
        return web.Response(body=content if request.path == "/large" else picture())

    async with serving(site) as url:
        tasks = [await make_task(ctx, space, params=image_params(url + path)) for path in ("/large", "/slow")]
        for task in tasks:
            await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, env={**os.environ, **ctx.settings.to_env()}
        )
        try:
            async with asyncio.timeout(40):
                while "/slow" not in asked or not _being_cut(ctx):
                    await asyncio.sleep(0.02)
            children = _children(process.pid)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        async with asyncio.timeout(5):
            while any(Path(f"/proc/{pid}").exists() and _state(pid) != "Z" for pid in children):
                await asyncio.sleep(0.05)
        assert await rows(ctx, "select 1 from derived") == []
        assert (await outcome(ctx, tasks[1]))["stage"] == "preparing"
        released.set()
        await shift(ctx, LEASE_S + 5)
        await drain(ctx)
    assert [(await outcome(ctx, task))["stage"] for task in tasks] == ["queued", "queued"]
    [made] = await rows(ctx, "select sha256, parts::text, problem from derived")
    assert made["problem"] is None
    parts = json.loads(made["parts"])
    whole = await ctx.store.get(made["sha256"])
    assert len(whole) == sum(length for _, length, _ in parts.values())
    assert "4-15_11.jpg" in parts
    assert children, "it was cut in a process of its own"


def _being_cut(ctx: Ctx) -> bool:
    """Whether tiles are being written."""
    return any(p.stat().st_size for p in ctx.store._spool_dir.glob("steelyard-*"))


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def _children(pid: int) -> list[int]:
    return [
        int(p)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for p in (task / "children").read_text().split()
    ]
