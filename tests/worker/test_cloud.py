"""Attachments in buckets that the operator listed, read from a real S3 server, also through a proxy that misbehaves."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import aiohttp
import obstore
import pytest
from aiohttp import web
from msgspec import structs
from obstore.store import S3Store

from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue
from steelyard.jobs.specs import PREPARE_TASK, PREPARE_TASK_QUEUE, PrepareTask
from steelyard.jobs.worker import drain
from steelyard.settings import Settings, SettingsError
from steelyard.storage.cloud import CloudStores

from .conftest import S3
from .helpers import make_space, make_task, rows, serving, shift
from .test_prepare import image_params, outcome, picture, prepare

AWKWARD_KEY = "shots/a b/c%20?v=1#top.png"


@pytest.fixture(scope="session")
def bucket(s3: S3) -> S3:
    """The S3 server; buckets `pics` and `private` hold the same objects."""
    for name in ("pics", "private"):
        s3.bucket(name)
        store = S3Store(name, config=s3.options, client_options={"allow_http": True})  # pyright: ignore[reportArgumentType]
        for key in ("cow.png", AWKWARD_KEY, "shots/cow.png", "private/cow.png"):
            obstore.put(store, key, picture())
        obstore.put(store, "page.html", b"<!doctype html><p>no image</p>")
        obstore.put(store, "large.png", picture(size=(900, 900)) + bytes(200_000))
    return s3


def allow(ctx: Ctx, server: S3, *entries: dict[str, Any], through: str | None = None) -> None:
    """Lists buckets as an operator would; `through`: another address of the server."""
    options = server.options | ({"endpoint": through} if through else {})
    listed = [{"options": options, **entry} for entry in entries]
    settings = Settings.from_env({"STEELYARD_CLOUD_STORES": json.dumps(listed)})
    ctx.store.cloud = CloudStores(settings.cloud)


@pytest.mark.parametrize("key", ["cow.png", AWKWARD_KEY])
async def test_an_object_of_a_listed_bucket_is_fetched_and_stored(ctx: Ctx, bucket: S3, key: str) -> None:
    allow(ctx, bucket, {"url": "s3://pics"})
    # The endpoint is the operator's word: no network needs to be allowed for it.
    ctx.settings = structs.replace(ctx.settings, allow_networks=())
    space = await make_space(ctx)
    task = await prepare(ctx, space, f"s3://pics/{key}")
    assert task["stage"] == "queued", task["response"]
    [row] = await rows(ctx, "select state, sha256, mime_type, width, height from attachment")
    expected = hashlib.sha256(picture()).hexdigest()
    assert row == {
        "state": "stored",
        "sha256": expected,
        "mime_type": "image/png",
        "width": 40,
        "height": 30,
    }
    assert await ctx.store.get(expected) == picture()


@pytest.mark.parametrize(
    ("url", "status", "word"),
    [
        ("s3://private/cow.png", 403, "STEELYARD_CLOUD_STORES"),
        ("gs://pics/cow.png", 403, "STEELYARD_CLOUD_STORES"),
        ("az://pics/cow.png", 403, "STEELYARD_CLOUD_STORES"),
        ("s3://picsy/cow.png", 403, "STEELYARD_CLOUD_STORES"),
        ("s3://pics@evil/cow.png", 403, "STEELYARD_CLOUD_STORES"),
        ("s3://pics/nothing.png", 404, "not found"),
        ("s3://pics/../private/cow.png", 400, "`..`"),
        ("s3://pics//cow.png", 400, "empty"),
        ("s3://pics/", 400, "name an object"),
        ("s3://pics", 400, "name an object"),
        ("s3://pics/page.html", 200, ""),
    ],
)
async def test_what_is_not_listed_or_not_there_puts_the_task_into_error(
    ctx: Ctx, bucket: S3, url: str, status: int, word: str
) -> None:
    allow(ctx, bucket, {"url": "s3://pics"})
    task = await prepare(ctx, await make_space(ctx), url)
    assert task["stage"] == "error"
    [failed] = task["response"]["attachments"]
    assert (failed["statusCode"], failed["url"]) == (status, url)
    assert word in failed["message"]
    assert "127.0.0.1" not in json.dumps(task["response"]), "customers do not learn the endpoint"


async def test_a_prefix_and_a_list_of_accounts_narrow_what_may_be_read(ctx: Ctx, bucket: S3) -> None:
    allow(
        ctx,
        bucket,
        {"url": "s3://pics/shots", "accounts": ["acme"]},
        {"url": "s3://private", "accounts": ["globex"]},
    )
    acme, globex = await make_space(ctx), await make_space(ctx, name="globex")
    stages = {
        (space, url): (await prepare(ctx, space, url))["stage"]
        for space in (acme, globex)
        for url in ("s3://pics/shots/cow.png", "s3://pics/cow.png", "s3://private/cow.png")
    }
    assert [at for at, stage in stages.items() if stage == "queued"] == [
        (acme, "s3://pics/shots/cow.png"),
        (globex, "s3://private/cow.png"),
    ]


async def test_an_object_over_the_limit_is_refused_before_it_is_read(ctx: Ctx, bucket: S3) -> None:
    allow(ctx, bucket, {"url": "s3://pics"})
    ctx.settings = structs.replace(ctx.settings, max_attachment_bytes=100_000)
    task = await prepare(ctx, await make_space(ctx), "s3://pics/large.png")
    assert task["response"]["attachments"][0]["message"] == "The file is larger than 100000 bytes."


class Proxy:
    """Passes requests on to the S3 server, or answers `status` while that is set; `breaks` answers break off half way."""

    def __init__(self, target: str):
        self.target, self.status, self.breaks, self.asked = target, 0, 0, 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        if self.status:
            return web.Response(status=self.status)
        async with (
            aiohttp.ClientSession(auto_decompress=False) as http,
            http.get(f"{self.target}{request.raw_path}", headers=request.headers) as answer,
        ):
            body = await answer.read()
            kept = ("Content-Type", "Last-Modified", "ETag", "Content-Range", "Accept-Ranges")
            headers = {k: answer.headers[k] for k in kept if k in answer.headers}
            out = web.StreamResponse(status=answer.status, headers=headers)
            out.content_length = len(body)
            await out.prepare(request)
            if self.breaks:
                self.breaks -= 1
                await out.write(body[: len(body) // 2])
                assert request.transport is not None
                request.transport.abort()
                return out
            await out.write(body)
            return out


async def test_a_store_that_fails_makes_the_task_wait_and_then_go_on(ctx: Ctx, bucket: S3) -> None:
    proxy = Proxy(bucket.endpoint)
    async with serving(proxy) as address:
        allow(ctx, bucket, {"url": "s3://pics"}, through=address)
        space = await make_space(ctx)
        proxy.status = 500
        task = await make_task(ctx, space, params=image_params("s3://pics/cow.png"))
        await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
        ctx.settings = structs.replace(ctx.settings, attachment_retry_seconds=60.0)
        await drain(ctx)
        assert (await outcome(ctx, task))["stage"] == "preparing"
        proxy.status = 0
        await shift(ctx, seconds=61)
        await drain(ctx)
        assert (await outcome(ctx, task))["stage"] == "queued"


@pytest.mark.parametrize(("status", "told"), [(403, 403), (401, 401), (500, 500)])
async def test_a_store_that_goes_on_refusing_is_told_to_the_customer(
    ctx: Ctx, bucket: S3, status: int, told: int
) -> None:
    proxy = Proxy(bucket.endpoint)
    proxy.status = status
    async with serving(proxy) as address:
        allow(ctx, bucket, {"url": "s3://pics"}, through=address)
        ctx.settings = structs.replace(ctx.settings, attachment_tries=1)
        task = await prepare(ctx, await make_space(ctx), "s3://pics/cow.png")
    assert task["response"]["attachments"][0]["statusCode"] == told


async def test_an_answer_that_breaks_off_is_continued(ctx: Ctx, bucket: S3) -> None:
    proxy = Proxy(bucket.endpoint)
    proxy.breaks = 1
    async with serving(proxy) as address:
        allow(ctx, bucket, {"url": "s3://pics"}, through=address)
        task = await prepare(ctx, await make_space(ctx), "s3://pics/large.png")
    assert task["stage"] == "queued", task["response"]
    assert proxy.asked >= 2


@pytest.mark.parametrize(
    "value",
    [
        "nonsense",
        '[{"url": "https://pics"}]',
        '[{"url": "s3://"}]',
        '[{"url": "s3://pics", "secret": "x"}]',
        '[{"url": "s3://pics", "options": {"port": 3}}]',
    ],
)
def test_a_list_that_cannot_be_read_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(SettingsError, match="STEELYARD_CLOUD_STORES: the value given is not allowed"):
        Settings.from_env({"STEELYARD_CLOUD_STORES": value})


def test_an_option_that_the_store_does_not_know_stops_the_start() -> None:
    text = '[{"url": "s3://pics", "options": {"acces_key": "topsecret"}}]'
    settings = Settings.from_env({"STEELYARD_CLOUD_STORES": text})
    assert Settings.from_env(settings.to_env()).cloud == settings.cloud, "child processes read the same"
    with pytest.raises(SettingsError, match="acces_key") as refused:
        CloudStores(settings.cloud)
    assert "topsecret" not in str(refused.value)
