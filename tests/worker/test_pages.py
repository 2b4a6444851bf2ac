"""`document_pages` of a task: there once its documents have been read, and answers are held against them (task-types-text §8.3)."""

from __future__ import annotations

import io
import json
from typing import Any

import pypdfium2
import pytest
from aiohttp import web
from PIL import Image

from steelyard import files, tasks
from steelyard.ctx import Ctx
from steelyard.jobs.specs import PrepareTask
from steelyard.tasks.intake import InvalidResponse
from steelyard.tasks.prepare import prepare_task
from tests.worker.helpers import make_space, make_task, serving


def pdf(*points: tuple[float, float]) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for width, height in points:
        document.new_page(width, height)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def picture(kind: str, *sizes: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    first, *rest = [Image.new("L", size) for size in sizes]
    first.save(out, kind, **({"save_all": True, "append_images": rest} if rest else {}))
    return out.getvalue()


FILES = {
    "/two.pdf": pdf((595, 842), (300, 150)),
    "/scan.tiff": picture("TIFF", (40, 50), (60, 70)),
    "/page.png": picture("PNG", (30, 20)),
}


async def answer(request: web.Request) -> web.StreamResponse:
    return web.Response(body=FILES[request.path])


async def prepared(ctx: Ctx, kind: str = "documenttranscription", **more: Any) -> tuple[int, str]:
    space_id = await make_space(ctx)
    async with serving(answer) as base:
        params = {
            "attachments": [base + path for path in FILES],
            "features": [{"type": "block", "label": "stamp"}],
            **more,
        }
        task_id = await make_task(ctx, space_id, type=kind, params=json.dumps(params))
        await prepare_task(ctx, PrepareTask(space_id, task_id))
    return space_id, task_id


@pytest.mark.parametrize("kind", ["documenttranscription", "documentmodel"])
async def test_every_page_of_every_document_is_listed_with_its_size(ctx: Ctx, kind: str) -> None:
    _, task_id = await prepared(ctx, kind)
    text = await ctx.db.fetchval("select steelyard.task_json(t) from task t where id = $1", task_id)
    task = json.loads(text)
    assert task["status"] == "pending"
    assert [(p["width"], p["height"], p["attachment_index"]) for p in task["document_pages"]] == [
        (1240, 1755, 0),  # 150 dots an inch
        (625, 313, 0),
        (40, 50, 1),
        (60, 70, 1),
        (30, 20, 2),
    ]
    for page in task["document_pages"]:
        content = await files.result_by_token(ctx, page["url"].rsplit("/", 1)[-1])
        with Image.open(io.BytesIO(await ctx.store.get(content.sha256))) as image:
            assert image.size == (page["width"], page["height"])
            assert content.mime_type == f"image/{(image.format or '').lower()}"


async def test_an_answer_lies_on_a_page_that_is_there(ctx: Ctx) -> None:
    space_id, task_id = await prepared(ctx)

    async def submit(page: int, left: float, width: float) -> list[str]:
        place = {"type": "box", "left": left, "top": 1, "width": width, "height": 10}
        mark = {"page": page, "label": "stamp", "location": place}
        subject = await tasks.subject_of(ctx, space_id, task_id)
        try:
            await tasks.take_answer(ctx, subject, json.dumps({"annotations": [mark]}).encode())
        except InvalidResponse as error:
            return [f"{i.path} {i.message}" for i in error.issues]
        return []

    assert await submit(1, 600, 25) == []
    assert await submit(1, 600, 27) == ["annotations[0].location lies outside the page"]
    assert await submit(3, 0, 61) == []
    assert await submit(3, 0, 62) == ["annotations[0].location lies outside the page"]
    assert await submit(5, 0, 5) == ["annotations[0].page must be at most 4, that of the last page"]


async def test_a_type_without_pages_shows_none(ctx: Ctx) -> None:
    space_id = await make_space(ctx)
    async with serving(answer) as base:
        params = {"attachment": base + "/page.png", "geometries": {"box": {"objects_to_annotate": ["a"]}}}
        task_id = await make_task(ctx, space_id, params=json.dumps(params))
        await prepare_task(ctx, PrepareTask(space_id, task_id))
    text = await ctx.db.fetchval("select steelyard.task_json(t) from task t where id = $1", task_id)
    assert "document_pages" not in json.loads(text)
