"""The measurements of storage, attachments, derived files and callbacks move by exactly what happened."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from msgspec import structs
from prometheus_client import CollectorRegistry

from steelyard.callbacks.metrics import metrics_of
from steelyard.ctx import Ctx
from steelyard.derived.jobs import DeriveMedia, derive_media, sweep_derived
from steelyard.derived.metrics import counted as derived_counted
from steelyard.errors import NotFound, Unavailable
from steelyard.jobs.specs import NoArgs
from steelyard.jobs.worker import drain
from steelyard.media.tokens import media_token
from steelyard.storage.metrics import counted as storage_counted
from steelyard.tasks.metrics import counted as attachments_counted

from .helpers import Receiver, make_event, make_space, rows, serving, shift
from .test_derived import browsing, stored
from .test_prepare import Site, picture, prepare


def moves(registry: CollectorRegistry, *names: str) -> Callable[[], dict[str, float]]:
    """By how much samples have moved since. A name is that of a sample, with a label's value behind a colon where it has labels."""

    def read() -> dict[str, float]:
        found = {
            ":".join((sample.name, *sample.labels.values())): sample.value
            for metric in registry.collect()
            for sample in metric.samples
        }
        return {name.removeprefix("steelyard_"): found.get(name, 0.0) for name in names}

    before = read()
    return lambda: {name: value - before[name] for name, value in read().items()}


async def test_bytes_written_to_and_read_from_the_store_are_counted(
    ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = moves(
        storage_counted().registry,
        "steelyard_storage_bytes_total:written",
        "steelyard_storage_bytes_total:read",
        "steelyard_storage_failures_total",
    )
    blob = await ctx.store.put(bytes(300_000))
    assert not blob.sha256.startswith("ff")  # the folder that fails below
    await ctx.store.get(blob.sha256)
    await ctx.store.get_range(blob.sha256, 299_990, 50)
    assert sum([len(piece) async for piece in ctx.store.stream(blob.sha256, 1000)]) == 299_000
    with pytest.raises(NotFound):
        await ctx.store.get("0" * 64)
    root = ctx.store._root
    assert root is not None
    (root / "ff").write_bytes(b"a file where a folder should be")
    with pytest.raises(Unavailable):
        await ctx.store.head("f" * 64)
    assert moved() == {
        "storage_bytes_total:written": 300_000,
        "storage_bytes_total:read": 300_000 + 10 + 299_000,
        "storage_failures_total": 1,
    }


async def test_attachments_are_counted_by_what_came_of_each_attempt(ctx: Ctx) -> None:
    moved = moves(
        attachments_counted().registry,
        "steelyard_attachments_total:stored",
        "steelyard_attachments_total:failed",
        "steelyard_attachments_total:again",
        "steelyard_attachment_seconds_count",
    )
    space = await make_space(ctx)
    async with serving(Site(photo=picture(), page=b"<!doctype html><p>no picture</p>")) as url:
        for name in ("photo", "missing", "page"):
            await prepare(ctx, space, f"{url}/{name}")
    async with serving(site := Site()) as url:
        site.pages["flaky"] = [503, picture()]
        await prepare(ctx, space, f"{url}/flaky")
        await shift(ctx, 5)
        await drain(ctx)
    assert moved() == {
        "attachments_total:stored": 2,
        "attachments_total:failed": 2,
        "attachments_total:again": 1,
        "attachment_seconds_count": 5,
    }


async def test_derived_files_are_counted_when_made_looked_at_and_removed(ctx: Ctx) -> None:
    moved = moves(
        derived_counted(ctx).registry,
        "steelyard_derived_made_total:made",
        "steelyard_derived_made_total:failed",
        "steelyard_derived_made_bytes_total",
        "steelyard_derived_looks_total:hit",
        "steelyard_derived_looks_total:miss",
        "steelyard_derived_evictions_total",
        "steelyard_derived_evicted_bytes_total",
    )
    good = [await stored(ctx, picture("JPEG", (300 + n, 200)), "image/jpeg") for n in range(2)]
    bad = await stored(ctx, b"\xff\xd8\xff\xe0 no picture", "image/jpeg")
    for source in (*good, bad):
        await derive_media(ctx, DeriveMedia(source, "image/jpeg"))
    sizes = {r["source_sha256"]: r["size_bytes"] for r in await rows(ctx, "select * from derived")}
    space = await make_space(ctx)
    async with browsing(ctx) as browser:

        async def look(source: str) -> int:
            token = media_token(ctx, space, source, "image/jpeg", 60)
            return (await browser.get(f"/media/{token}/derived/thumbnail.jpg")).status_code

        await shift(ctx, 7200)
        assert await look(good[1]) == 200
        ctx.settings = structs.replace(ctx.settings, derived_quota_bytes=sizes[good[1]])
        await sweep_derived(ctx, NoArgs())
        assert [await look(source) for source in good] == [404, 200]
    assert moved() == {
        "derived_made_total:made": 2,
        "derived_made_total:failed": 1,
        "derived_made_bytes_total": sizes[good[0]] + sizes[good[1]],
        "derived_looks_total:hit": 2,
        "derived_looks_total:miss": 1,
        "derived_evictions_total": 1,
        "derived_evicted_bytes_total": sizes[good[0]],
    }


async def test_tries_of_callbacks_are_counted_by_what_came_of_them(ctx: Ctx) -> None:
    moved = moves(
        metrics_of(ctx).registry,
        "steelyard_callback_tries_total:delivered",
        "steelyard_callback_tries_total:refused",
        "steelyard_callback_tries_total:unanswered",
        "steelyard_callback_tries_total:skipped",
        "steelyard_callback_try_seconds_count",
        "steelyard_callback_first_try_seconds_count",
        "steelyard_callback_open_circuits",
    )
    space, receiver = await make_space(ctx), Receiver(status=503)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        nobody = f"http://127.0.0.1:{sock.getsockname()[1]}/"
    async with serving(receiver) as url:
        await make_event(ctx, space, url)
        await drain(ctx)
        receiver.status = 200
        await shift(ctx, 70)
        for _ in range(3):
            await make_event(ctx, space, url)
        for _ in range(12):
            await make_event(ctx, space, nobody)
        await drain(ctx)
    found = moved()
    assert found["callback_tries_total:unanswered"] >= 8, "so many in a row open the circuit"
    assert found.pop("callback_tries_total:unanswered") + found.pop("callback_tries_total:skipped") == 12
    assert found == {
        "callback_tries_total:delivered": 4,
        "callback_tries_total:refused": 1,
        "callback_try_seconds_count": 5,
        "callback_first_try_seconds_count": 16,
        "callback_open_circuits": 1,
    }
