"""A contributor who gives answers that are files."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from aiohttp import web
from PIL import Image

from steelyard import tasks
from steelyard.ctx import Ctx
from tests.api.builders import with_project
from tests.worker.helpers import serving

FIXTURES = Path(__file__).parents[2] / "fixtures" / "task-types"
MASK = {
    "attachment": "https://x.example/a.png",
    "instruction": "Paint.",
    "labels": ["water", "quay", {"choice": "vessel", "instance_label": True}],
}
CUBOIDS = {
    "attachments": ["https://x.example/0.json", "https://x.example/1.json"],
    "labels": ["car"],
    "instruction": "Box cars.",
}
FULL = np.array([[1, 1, 7, 7], [1, 1, 9, 9], [1, 1, 1, 1]], dtype=np.uint8)
MAPPING = {"water": {"index": 1}, "vessel": [{"index": 9}, {"index": 7}, {"index": 30}]}


def site(pages: dict[str, bytes]) -> Any:
    """A web server with gzipped pages; yields its address."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path not in pages:
            return web.Response(status=404)
        return web.Response(body=pages[request.path], headers={"Content-Encoding": "gzip"})

    return serving(answer)


def first_case(name: str) -> dict[str, Any]:
    """The first valid fixture that needs no other task."""
    for path in sorted((FIXTURES / name / "valid").glob("*.json")):
        case = json.loads(path.read_text())
        if "lidar_task" not in case["params"] or name == "lidarlinking":
            return {"instruction": "Do it.", **case["params"]}
    raise AssertionError(name)


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


class Bench:
    """A contributor at work on live tasks."""

    def __init__(self, ctx: Ctx, live: httpx.AsyncClient, public: httpx.AsyncClient):
        self.ctx, self.live, self.public = ctx, live, public

    async def task(self, name: str, body: dict[str, Any], size: tuple[int, int] | None = None) -> str:
        """A task that waits for somebody; `size`: of its picture, as if it had been fetched."""
        body = await with_project(self.live, name, body)
        task_id = ok(await self.live.post(f"/v1/task/{name}", json=body))["task_id"]
        space_id = await self.ctx.db.fetchval("select space_id from task where id = $1", task_id)
        if size is not None:
            await self.ctx.db.execute(
                "insert into attachment (space_id, task_id, ordinal, path, role, url, media, state, sha256, width, height)"
                " values ($1, $2, 0, 'attachment', 'attachment', 'x', 'image', 'stored', repeat('0', 64), $3, $4)",
                space_id,
                task_id,
                *size,
            )
        async with self.ctx.db.tx() as tx:
            assert await tasks.queue_task(self.ctx, tx, space_id, task_id)
        return task_id

    async def claim(self, task_id: str) -> str:
        return ok(await self.live.post("/api/work/claim", json={"task_id": task_id}))["lease_token"]

    async def upload(self, lease: str, content: bytes, kind: str = "image/png") -> str:
        sent = await self.live.post(f"/api/work/{lease}/files", files={"file": ("part", content, kind)})
        assert ok(sent)["size"] == len(content)
        return sent.json()["url"]

    async def submit(self, lease: str, response: dict[str, Any]) -> httpx.Response:
        return await self.live.post(f"/api/work/{lease}/submit", json={"response": response})

    async def response(self, task_id: str) -> Any:
        task = ok(await self.live.get(f"/v1/task/{task_id}"))
        assert task["status"] == "completed"
        return task["response"]

    async def file(self, url: str) -> httpx.Response:
        found = await self.public.get(httpx.URL(url).path)
        assert found.status_code == 200, found.text
        return found

    async def raster(self, url: str) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO((await self.file(url)).content)))


def png(pixels: Any, mode: str | None = None) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    if mode == "P":
        image = Image.fromarray(pixels, "L").convert("P")
        image.putdata(pixels.ravel().tolist())
        image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255] * 64)
    image.save(out, "PNG")
    return out.getvalue()


def urls(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value.startswith("http") else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [u for one in inner for u in urls(one)]


def replaced(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [replaced(one, names) for one in value]
    return {k: replaced(v, names) for k, v in value.items()} if isinstance(value, dict) else value


async def paint(
    bench: Bench, pixels: Any, mapping: dict[str, Any], mode: str | None = None, **more: Any
) -> Any:
    task_id = await bench.task("segmentannotation", {**MASK, **more}, size=(4, 3))
    lease = await bench.claim(task_id)
    url = await bench.upload(lease, png(pixels, mode))
    response = {"labelMapping": mapping, "annotations": {"combined": {"indexedImage": url}}}
    return task_id, await bench.submit(lease, response)
