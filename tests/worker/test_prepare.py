"""Attachments: fetched, checked, stored, or the task in error (platform-api §3.4, §25.1)."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest
from aiohttp import web
from msgspec import structs

from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue
from steelyard.jobs.specs import PREPARE_TASK, PREPARE_TASK_QUEUE, PrepareTask
from steelyard.jobs.worker import drain

from .helpers import make_space, make_task, rows, serving, shift


def picture(format: str = "PNG", size: tuple[int, int] = (40, 30), orientation: int | None = None) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    image = Image.new("RGB", size, (200, 10, 10))
    exif = image.getexif()
    if orientation:
        exif[0x0112] = orientation
    image.save(out, format, exif=exif) if orientation else image.save(out, format)
    return out.getvalue()


def image_params(url: str) -> str:
    return json.dumps({"attachment": url, "geometries": {"box": {"objects_to_annotate": ["cow"]}}})


class Site:
    """Serves given bodies by path, counting requests; a list of statuses is answered one after the other."""

    def __init__(self, **pages: bytes | int | list[int]):
        self.pages: dict[str, Any] = pages
        self.asked: list[str] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        name = request.path.strip("/")
        self.asked.append(name)
        page = self.pages.get(name, 404)
        if isinstance(page, list):
            page = page.pop(0) if len(page) > 1 else page[0]
        if isinstance(page, int):
            return web.Response(status=page)
        return web.Response(body=page, content_type="application/octet-stream")


async def prepare(ctx: Ctx, space: int, url: str) -> dict[str, Any]:
    task = await make_task(ctx, space, params=image_params(url))
    await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
    await drain(ctx)
    return await outcome(ctx, task)


async def outcome(ctx: Ctx, task: str) -> dict[str, Any]:
    [row] = await rows(ctx, "select id, stage, response::text as response from task where id = $1", task)
    row["response"] = json.loads(row["response"]) if row["response"] else None
    return row


@pytest.mark.parametrize("format", ["PNG", "JPEG", "BMP", "GIF", "TIFF"])
async def test_an_image_is_stored_by_content_and_its_task_queued(ctx: Ctx, format: str) -> None:
    space, content = await make_space(ctx), picture(format)
    async with serving(Site(a=content)) as url:
        task = await prepare(ctx, space, url + "/a")
    assert task["stage"] == "queued"
    [attachment] = await rows(ctx, "select * from attachment")
    digest = hashlib.sha256(content).hexdigest()
    assert (attachment["state"], attachment["sha256"], attachment["size_bytes"]) == (
        "stored",
        digest,
        len(content),
    )
    assert (attachment["width"], attachment["height"]) == (40, 30)
    assert attachment["mime_type"] == "image/" + format.lower()
    assert attachment["path"] == "attachment"
    assert await ctx.store.get(digest) == content
    assert await ctx.db.fetchval("select size_bytes from blob where sha256 = $1", digest) == len(content)
    assert await ctx.db.fetchval("select count(*) from job") == 0


async def test_dimensions_are_those_after_the_cameras_rotation(ctx: Ctx) -> None:
    space = await make_space(ctx)
    async with serving(Site(a=picture("JPEG", orientation=6))) as url:
        await prepare(ctx, space, url + "/a")
    assert await rows(ctx, "select width, height from attachment") == [{"width": 30, "height": 40}]


async def test_a_missing_attachment_puts_the_task_into_error_as_documented(ctx: Ctx) -> None:
    space = await make_space(ctx)
    async with serving(site := Site()) as url:
        task = await prepare(ctx, space, url + "/a.png")
    assert task["stage"] == "error"
    assert task["response"]["error"] == "One or more attachments could not be downloaded."
    [item] = task["response"]["attachments"]
    assert (item["statusCode"], item["url"]) == (404, url + "/a.png")
    assert len(site.asked) == 1, "a 404 is final"


async def test_what_may_pass_by_itself_is_tried_again(ctx: Ctx) -> None:
    space = await make_space(ctx)
    async with serving(site := Site(a=[503, 500, 200])) as url:
        site.pages["a"] = [503, 500, picture()]
        task = await make_task(ctx, space, params=image_params(url + "/a"))
        await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
        for _ in range(4):
            await drain(ctx)
            await shift(ctx, 5)
    assert len(site.asked) == 3
    assert (await outcome(ctx, task))["stage"] == "queued"


async def test_after_the_last_try_the_task_errors_with_the_status_received(ctx: Ctx) -> None:
    space = await make_space(ctx)
    async with serving(site := Site(a=503)) as url:
        task = await make_task(ctx, space, params=image_params(url + "/a"))
        await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
        for _ in range(6):
            await drain(ctx)
            await shift(ctx, 5)
    assert len(site.asked) == ctx.settings.attachment_tries == 4
    result = await outcome(ctx, task)
    assert (result["stage"], result["response"]["attachments"][0]["statusCode"]) == ("error", 503)


async def test_a_refused_connection_is_a_500(ctx: Ctx) -> None:
    space = await make_space(ctx)
    ctx.settings = structs.replace(ctx.settings, attachment_tries=1)
    async with serving(Site()) as url:
        pass
    task = await prepare(ctx, space, url + "/a")
    assert task["response"]["attachments"][0]["statusCode"] == 500


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("s3://bucket/key.png", 403),
        ("gs://bucket/key.png", 403),
        ("ftp://example.org/a.png", 400),
        ("http://10.0.0.1/a.png", 403),
        ("http://169.254.169.254/latest", 403),
        ("scaledata://acme/00000000-0000-0000-0000-000000000000", 404),
    ],
)
async def test_what_cannot_be_fetched_at_all_errors_at_once_and_says_why(
    ctx: Ctx, url: str, status: int
) -> None:
    task = await prepare(ctx, await make_space(ctx), url)
    assert task["stage"] == "error"
    [item] = task["response"]["attachments"]
    assert (item["statusCode"], item["url"]) == (status, url)
    assert item["message"]


async def test_content_decides_not_the_name(ctx: Ctx) -> None:
    space = await make_space(ctx)
    pages = {"a.png": b"<html><script>alert(1)</script></html>"}
    async with serving(Site(**pages)) as url:
        task = await prepare(ctx, space, url + "/a.png")
    [item] = task["response"]["attachments"]
    assert item["statusCode"] == 200
    assert "text/html" in item["message"]
    assert await ctx.db.fetchval("select count(*) from blob") == 0


async def test_a_damaged_or_too_large_image_is_refused(ctx: Ctx) -> None:
    space = await make_space(ctx)
    async with serving(
        Site(cut=picture()[:40], wide=picture(size=(10_001, 1)), edge=picture(size=(10_000, 1)))
    ) as url:
        damaged = await prepare(ctx, space, url + "/cut")
        wide = await prepare(ctx, space, url + "/wide")
        edge = await prepare(ctx, space, url + "/edge")
        ctx.settings = structs.replace(ctx.settings, max_image_side=10_001)
        allowed = await prepare(ctx, space, url + "/wide")
    assert "damaged" in damaged["response"]["attachments"][0]["message"]
    assert "10000" in wide["response"]["attachments"][0]["message"]
    assert edge["stage"] == allowed["stage"] == "queued"


async def add_file(ctx: Ctx, space: int, file_id: str, state: str, content: bytes | None = None) -> None:
    blob = await ctx.store.put(content) if content else None
    await ctx.db.execute(
        """
        insert into file (space_id, id, state, sha256, size_bytes, failure_status, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, steelyard.now(), steelyard.now())
        on conflict (space_id, id) do update set state = excluded.state, sha256 = excluded.sha256
        """,
        space,
        file_id,
        state,
        blob.sha256 if blob else None,
        blob.size_bytes if blob else None,
        404 if state == "failed" else None,
    )


async def test_an_uploaded_file_is_taken_from_its_own_space_only(ctx: Ctx) -> None:
    live, test = await make_space(ctx), await make_space(ctx, mode="test")
    file_id = "5a9b6f0e-3c1d-4b7e-9a53-0d6d0c6a1f11"
    await add_file(ctx, live, file_id, "stored", picture())
    assert (await prepare(ctx, live, f"scaledata://whoever/{file_id}"))["stage"] == "queued"
    assert await rows(ctx, "select width, height from attachment") == [{"width": 40, "height": 30}]
    assert (await prepare(ctx, test, f"scaledata://whoever/{file_id}"))["stage"] == "error"


async def test_a_task_waits_for_the_import_of_its_file(ctx: Ctx) -> None:
    space, file_id = await make_space(ctx), "5a9b6f0e-3c1d-4b7e-9a53-0d6d0c6a1f11"
    await add_file(ctx, space, file_id, "importing")
    task = await prepare(ctx, space, f"scaledata://acme/{file_id}")
    for _ in range(10):
        await shift(ctx, 3)
        await drain(ctx)
    assert (await outcome(ctx, task["id"]))["stage"] == "preparing"
    await add_file(ctx, space, file_id, "stored", picture())
    await shift(ctx, 3)
    await drain(ctx)
    assert (await outcome(ctx, task["id"]))["stage"] == "queued"


async def test_a_failed_import_errors_the_task_with_the_imports_status(ctx: Ctx) -> None:
    space, file_id = await make_space(ctx), "5a9b6f0e-3c1d-4b7e-9a53-0d6d0c6a1f11"
    await add_file(ctx, space, file_id, "failed")
    task = await prepare(ctx, space, f"scaledata://acme/{file_id}")
    assert task["response"]["attachments"][0]["statusCode"] == 404


async def test_a_task_that_was_cancelled_meanwhile_is_left_alone(ctx: Ctx) -> None:
    space = await make_space(ctx)
    async with serving(site := Site(a=picture())) as url:
        task = await make_task(
            ctx, space, params=image_params(url + "/a"), stage="canceled", status="canceled"
        )
        await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
        await drain(ctx)
    assert site.asked == []
    assert (await outcome(ctx, task))["stage"] == "canceled"


async def test_preparing_twice_changes_nothing_more(ctx: Ctx) -> None:
    space = await make_space(ctx)
    async with serving(Site(a=picture())) as url:
        task = await prepare(ctx, space, url + "/a")
        await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task["id"]), queue=PREPARE_TASK_QUEUE)
        await drain(ctx)
    assert await ctx.db.fetchval("select count(*) from slot") == 1
    assert await ctx.db.fetchval("select count(*) from attachment") == 1


async def test_a_task_without_attachments_is_queued(ctx: Ctx) -> None:
    space = await make_space(ctx)
    inline = {"type": "text", "content": "inline text is no file"}
    params = json.dumps(
        {"attachments": [inline], "fields": [{"type": "text", "field_id": "a", "title": "A"}]}
    )
    task = await make_task(ctx, space, type="textcollection", params=params)
    await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
    await drain(ctx)
    assert (await outcome(ctx, task))["stage"] == "queued"
