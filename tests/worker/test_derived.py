"""Derived files: what the workbench shows of images, videos, recordings and documents, made from real files."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import structs

from steelyard import derived
from steelyard.ctx import Ctx
from steelyard.derived.jobs import DeriveMedia, derive_media, promise, sweep_derived
from steelyard.derived.pyramid import TILE, zoom_levels
from steelyard.http.asgi import App
from steelyard.http.surface import all_routes
from steelyard.jobs.specs import NoArgs
from steelyard.jobs.worker import drain
from steelyard.media.tokens import media_token
from steelyard.storage.books import record_blob

from .helpers import make_space, make_task, rows, serving, shift
from .test_prepare import Site, picture


def video(
    path: Path, *, frames: int, rate: int = 25, codec: str = "libx264", drop: tuple[int, ...] = ()
) -> bytes:
    """An encoded video with B-frames; frames whose number is in `drop` are left out, so that the rate varies."""
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = Fraction(1, 1000)
        for n in range(frames):
            if n in drop:
                continue
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), n * 3 % 255, np.uint8), format="rgb24")
            frame.pts, frame.time_base = n * 1000 // rate, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


async def stored(ctx: Ctx, content: bytes, mime: str) -> str:
    """The SHA-256 of content that storage holds."""
    blob = await ctx.store.put(content)
    await record_blob(ctx.db, blob, mime)
    return blob.sha256


async def made_from(
    ctx: Ctx, content: bytes, mime: str
) -> tuple[dict[str, Any], dict[str, bytes], str | None]:
    """(detail, parts by name, problem) of what is made from a file."""
    sha256 = await stored(ctx, content, mime)
    await derive_media(ctx, DeriveMedia(sha256, mime))
    [row] = await rows(
        ctx, "select sha256, detail::text, parts::text, problem from derived where source_sha256 = $1", sha256
    )
    whole = await ctx.store.get(row["sha256"]) if row["sha256"] else b""
    parts = {name: whole[at : at + n] for name, (at, n, _) in json.loads(row["parts"]).items()}
    return json.loads(row["detail"]), parts, row["problem"]


@asynccontextmanager
async def browsing(ctx: Ctx) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the application on this `ctx`."""

    async def same() -> Ctx:
        return ctx

    async def nothing(_: Ctx) -> None:
        return None

    app = App(all_routes(), same, nothing, ctx.settings.max_body_bytes)
    app.ctx = ctx
    ctx.state["app"] = app
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://steelyard.test") as browser:
        yield browser


async def test_a_picture_gets_a_thumbnail_turned_the_way_it_is_seen(ctx: Ctx) -> None:
    from PIL import Image

    detail, parts, problem = await made_from(ctx, picture("JPEG", (800, 400), orientation=6), "image/jpeg")
    assert problem is None
    assert (detail["width"], detail["height"], detail["tiles"]) == (400, 800, None)
    assert Image.open(io.BytesIO(parts["thumbnail.jpg"])).size == (160, 320)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
async def test_a_large_picture_is_cut_into_tiles_that_are_the_picture(ctx: Ctx, kind: str) -> None:
    import numpy as np
    from PIL import Image

    width, height = 5000, 1300
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    pixels = np.stack([x * 255 // width, y * 255 // height, (x + y) % 128], axis=-1).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, quality=95)
    detail, parts, problem = await made_from(ctx, out.getvalue(), f"image/{kind.lower()}")
    assert problem is None
    zoom = detail["tiles"]["max_zoom"]
    assert zoom == zoom_levels(width, height) == 4
    tiles = {name for name in parts if name != "thumbnail.jpg"}
    wanted = set()
    for z in range(zoom + 1):
        w, h = -(-width // 2 ** (zoom - z)), -(-height // 2 ** (zoom - z))
        wanted |= {f"{z}-{i}_{j}.jpg" for i in range(-(-w // TILE)) for j in range(-(-h // TILE))}
    assert tiles == wanted
    corner = np.asarray(Image.open(io.BytesIO(parts[f"{zoom}-9_2.jpg"]))).astype(int)
    assert corner.shape == (1300 - 1024, 5000 - 9 * TILE, 3)
    assert np.abs(corner[..., :2] - pixels[1024:, 9 * TILE :, :2]).mean() < 3
    whole = np.asarray(Image.open(io.BytesIO(parts["0-0_0.jpg"]))).astype(int)
    assert whole.shape == (82, 313, 3)
    assert abs(int(whole[40, 156, 0]) - 127) < 12


async def test_every_frame_of_a_video_has_its_time_whatever_the_order_in_the_file(
    ctx: Ctx, tmp_path: Path
) -> None:
    dropped = (3, 4, 17)
    detail, parts, problem = await made_from(
        ctx, video(tmp_path / "v.mp4", frames=40, drop=dropped), "video/mp4"
    )
    assert problem is None
    times = json.loads(parts["frames.json"])
    assert times == pytest.approx([n / 25 for n in range(40) if n not in dropped], abs=1e-4)
    assert (detail["frame_count"], detail["width"], detail["height"]) == (37, 64, 48)
    assert parts["poster.jpg"].startswith(b"\xff\xd8")


async def test_recordings_have_peaks_and_documents_have_pages(ctx: Ctx, tmp_path: Path) -> None:
    import wave

    import numpy as np
    from PIL import Image, ImageDraw

    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        tone = np.concatenate([np.zeros(16000), np.sin(np.arange(16000) / 5) * 16000]).astype("<i2")
        sound.writeframes(tone.tobytes())
    detail, parts, _ = await made_from(ctx, (tmp_path / "a.wav").read_bytes(), "audio/wav")
    peaks = json.loads(parts["peaks.json"])
    assert detail["duration_s"] == pytest.approx(2, abs=0.02)
    assert max(peaks[: len(peaks) // 2 - 2]) < 0.02 < 0.4 < min(peaks[len(peaks) // 2 + 2 :])

    page = Image.new("RGB", (600, 800), "white")
    ImageDraw.Draw(page).rectangle((100, 100, 200, 200), fill="black")
    page.save(tmp_path / "d.pdf", save_all=True, append_images=[page.rotate(90, expand=True)])
    detail, parts, _ = await made_from(ctx, (tmp_path / "d.pdf").read_bytes(), "application/pdf")
    assert [p["width"] < p["height"] for p in detail["pages"]] == [True, False]
    assert set(parts) == {"page-0.jpg", "page-1.jpg"}


async def test_a_video_that_cannot_be_decoded_puts_its_task_into_error(ctx: Ctx, tmp_path: Path) -> None:
    good = video(tmp_path / "v.mp4", frames=10)
    space = await make_space(ctx)
    async with serving(
        Site(good=good, cut=good[: len(good) // 3], fake=b"\0\0\0\x18ftypmp42" + b"\0" * 200)
    ) as site:
        outcome: dict[str, Any] = {}
        for name in ("good", "cut", "fake"):
            params = json.dumps(
                {"attachment": f"{site}/{name}", "attachment_type": "video", "categories": ["a", "b"]}
            )
            task = await make_task(ctx, space, params=params, type="categorization")
            await derived_prepare(ctx, space, task)
            [outcome[name]] = await rows(ctx, "select status, response::text from task where id = $1", task)
    assert outcome["good"]["status"] == "pending"
    for name in ("cut", "fake"):
        assert outcome[name]["status"] == "error", name
        told = json.loads(outcome[name]["response"])["attachments"][0]
        assert told["url"].endswith(name)
        assert "cannot be decoded" in told["message"]


async def derived_prepare(ctx: Ctx, space: int, task: str) -> None:
    from steelyard.db.outbox import enqueue
    from steelyard.jobs.specs import PREPARE_TASK, PREPARE_TASK_QUEUE, PrepareTask

    await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
    await drain(ctx)


async def test_views_give_addresses_that_work_and_make_what_was_swept_again(ctx: Ctx) -> None:
    space = await make_space(ctx)
    async with serving(Site(photo=picture("JPEG", (5000, 300)))) as site:
        params = json.dumps(
            {"attachment": f"{site}/photo", "geometries": {"box": {"objects_to_annotate": ["cow"]}}}
        )
        task = await make_task(ctx, space, params=params)
        await derived_prepare(ctx, space, task)
    [view] = await derived.views(ctx, space, task)
    assert (view.path, view.role, view.width, view.height) == ("attachment", "attachment", 5000, 300)
    assert view.derived is not None
    shown = json.loads(view.derived)

    async with browsing(ctx) as browser:
        whole = await browser.get(view.url, headers={"Range": "bytes=0-2"})
        assert (whole.status_code, whole.content[:2]) == (206, b"\xff\xd8")
        template = shown["tiles"]["template"]
        tile = await browser.get(template.format(z=shown["tiles"]["max_zoom"], x=9, y=0))
        assert (tile.status_code, tile.headers["content-type"]) == (200, "image/jpeg")
        assert "sandbox" in tile.headers["content-security-policy"]
        assert (await browser.get(template.format(z=9, x=0, y=0))).status_code == 404
        first = view.url.removeprefix("/media/")[0]
        forged = shown["thumbnail"].replace(f"/media/{first}", f"/media/{'B' if first == 'A' else 'A'}")
        assert (await browser.get(forged)).status_code == 404

        ctx.settings = structs.replace(ctx.settings, derived_quota_bytes=0)
        await sweep_derived(ctx, NoArgs())
        assert (await browser.get(shown["thumbnail"])).status_code == 404
        assert (await browser.get(view.url)).status_code == 200
        [bare] = await derived.views(ctx, space, task)
        assert bare.derived is None
        await drain(ctx)
        assert (await browser.get(shown["thumbnail"])).status_code == 200
        assert (await derived.views(ctx, space, task))[0].url == view.url


async def test_files_are_not_made_twice_at_once(ctx: Ctx) -> None:
    wanted = [DeriveMedia("a" * 64, "image/png"), DeriveMedia("b" * 64, "image/png")]
    waiting = "select args ->> 'sha256' as sha, attempts from job where kind = 'derive_media' order by 1"
    await promise(ctx.db, wanted[:1])
    await promise(ctx.db, wanted[:1])
    assert [tuple(r) for r in await ctx.db.fetch(waiting)] == [("a" * 64, 0)]
    claim = "update job set attempts = 1, dedupe_key = null, run_at = steelyard.now() + interval '1 minute'"
    await ctx.db.execute(claim)  # as a worker takes it
    await promise(ctx.db, wanted)
    assert [tuple(r) for r in await ctx.db.fetch(waiting)] == [("a" * 64, 1), ("b" * 64, 0)]
    await ctx.db.execute("delete from job")
    await promise(ctx.db, wanted[:1])
    assert len(await ctx.db.fetch(waiting)) == 1


async def test_the_quota_removes_what_nobody_has_looked_at_for_longest_and_metrics_tell(ctx: Ctx) -> None:
    sources = [await stored(ctx, picture("JPEG", (300 + n, 200)), "image/jpeg") for n in range(3)]
    for source in sources:
        await derive_media(ctx, DeriveMedia(source, "image/jpeg"))
    sizes = {
        r["source_sha256"]: r["size_bytes"]
        for r in await rows(ctx, "select source_sha256, size_bytes from derived")
    }
    space = await make_space(ctx)

    async def look(source: str) -> int:
        url = f"/media/{media_token(ctx, space, source, 'image/jpeg', 60)}/derived/thumbnail.jpg"
        return (await browser.get(url)).status_code

    async with browsing(ctx) as browser:
        await shift(ctx, 7200)
        assert await look(sources[0]) == 200  # the oldest, and the only one that was looked at since
        ctx.settings = structs.replace(ctx.settings, derived_quota_bytes=sum(sizes.values()) - 1)
        await sweep_derived(ctx, NoArgs())
        left = {r["source_sha256"] for r in await rows(ctx, "select source_sha256 from derived")}
        assert sources[0] in left
        assert len(left) == 2
        assert [await look(source) for source in sources] == [200 if s in left else 404 for s in sources]
        told = (await browser.get("/metrics")).text
        assert f"steelyard_derived_size_bytes {sum(sizes[s] for s in left)}" in told
        assert f"steelyard_derived_quota_bytes {sum(sizes.values()) - 1}" in told
        assert "steelyard_derived_sources 2" in told


async def test_derived_files_may_be_deleted_by_hand_and_are_made_again(ctx: Ctx) -> None:
    space = await make_space(ctx)
    async with serving(Site(photo=picture("JPEG", (5000, 300)))) as site:
        params = {"attachment": f"{site}/photo", "geometries": {"box": {"objects_to_annotate": ["cow"]}}}
        task = await make_task(ctx, space, params=json.dumps(params))
        await derived_prepare(ctx, space, task)
    [view] = await derived.views(ctx, space, task)
    thumbnail = json.loads(view.derived or b"")["thumbnail"]
    async with browsing(ctx) as browser:
        assert (await browser.get(thumbnail)).status_code == 200
        [row] = await rows(ctx, "select sha256 from derived")
        await ctx.store.delete(row["sha256"])
        assert (await browser.get(thumbnail)).status_code == 404
        assert (await derived.views(ctx, space, task))[0].derived is None
        await drain(ctx)
        assert (await browser.get(thumbnail)).status_code == 200
