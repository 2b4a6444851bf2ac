"""Leads see what came of a task's attachments, and have them fetched again after an error."""

from __future__ import annotations

import io
import json

import pytest
from aiohttp import web
from msgspec import structs
from PIL import Image

from steelyard import tasks
from steelyard.jobs.worker import drain
from tests.api.builders import image_task, lidar_root
from tests.api.crew import Crew, ok, refused
from tests.fault.stack import assert_counters_are_exact
from tests.worker.helpers import serving


@pytest.fixture
def crew(ctx, live, client_for):
    return Crew(ctx, live, client_for)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1000, 800)).save(out, "PNG")
    return out.getvalue()


async def test_a_task_in_error_is_prepared_again_with_exact_counters_and_its_attachments_shown(crew, live):
    crew.ctx.settings = structs.replace(crew.ctx.settings, allow_networks=("127.0.0.0/8",))
    there = False

    async def site(request: web.Request) -> web.StreamResponse:
        return web.Response(body=picture()) if there else web.Response(status=404)

    await crew.project("p")
    ok(await live.post("/v1/batches", json={"project": "p", "name": "b"}))
    async with serving(site) as address:
        url = f"{address}/cow.png"
        body = image_task(project="p", batch="b", attachment=url, callback_url="https://example.com/told")
        task_id = ok(await live.post("/v1/task/imageannotation", json=body))["task_id"]
        assert ok(await live.get(f"/api/tasks/{task_id}/attachments")) == {"items": [], "next_token": None}
        refused(await live.post(f"/api/tasks/{task_id}/reprocess"), 400, "invalid-request")
        await drain(crew.ctx)
        assert (await crew.read(task_id))["status"] == "error"
        [shown] = ok(await live.get(f"/api/tasks/{task_id}/attachments"))["items"]
        assert (shown["url"], shown["state"], shown["status_code"]) == (url, "failed", 404)

        there = True
        assert ok(await live.post(f"/api/tasks/{task_id}/reprocess")) == {"status": "pending"}
        refused(await live.post(f"/api/tasks/{task_id}/reprocess"), 400, "invalid-request")
        task = await crew.read(task_id)
        assert task["status"] == "pending"
        assert "response" not in task
        await assert_counters_are_exact(crew.ctx.db)
        await drain(crew.ctx)

    assert await crew.stage(task_id) == "queued"
    [shown] = ok(await live.get(f"/api/tasks/{task_id}/attachments"))["items"]
    assert (shown["state"], shown["width"], shown["height"]) == ("stored", 1000, 800)
    assert (shown["size_bytes"], shown["mime_type"]) == (len(picture()), "image/png")
    status = ok(await live.get("/v1/batches/b/status"))
    assert (status["status"], status["pending"], status["error"]) == ("in_progress", 1, 0)
    await assert_counters_are_exact(crew.ctx.db)
    one = await crew.person("one", "labeler", "p")
    await one.label()
    assert (await crew.read(task_id))["status"] == "completed"
    refused(await live.post(f"/api/tasks/{task_id}/reprocess"), 400, "invalid-request")


async def test_unknown_tasks_are_not_found_and_labelers_are_refused(crew, live):
    await crew.project("p")
    one = await crew.person("one", "labeler", "p")
    for unknown in ("0" * 24, "nothing"):
        refused(await live.get(f"/api/tasks/{unknown}/attachments"), 404, "not-found")
        refused(await live.post(f"/api/tasks/{unknown}/reprocess"), 404, "not-found")
    task_id = await crew.task("p")
    refused(await one.client.get(f"/api/tasks/{task_id}/attachments"), 403, "forbidden")
    refused(await one.client.post(f"/api/tasks/{task_id}/reprocess"), 403, "forbidden")


async def test_every_outcome_is_called_back_and_the_history_says_who_had_it_processed_again(crew, live):
    crew.ctx.settings = structs.replace(
        crew.ctx.settings, allow_networks=("127.0.0.0/8",), attachment_tries=1
    )
    there, told = False, []

    async def site(request: web.Request) -> web.StreamResponse:
        if request.path == "/told":
            told.append((await request.json())["task"]["status"])
            return web.Response()
        return web.Response(body=picture()) if there else web.Response(status=500)

    await crew.project("p")
    async with serving(site) as address:
        body = image_task(project="p", attachment=f"{address}/cow.png", callback_url=f"{address}/told")
        task_id = ok(await live.post("/v1/task/imageannotation", json=body))["task_id"]
        await drain(crew.ctx)
        assert told == ["error"]
        ok(await live.post(f"/api/tasks/{task_id}/reprocess"))
        await drain(crew.ctx)
        assert told == ["error", "error"]
        assert (await crew.read(task_id))["response"]["attachments"][0]["statusCode"] == 500
        there = True
        ok(await live.post(f"/api/tasks/{task_id}/reprocess"))
        await drain(crew.ctx)
        assert told == ["error", "error"], "being queued is not called back"
        one = await crew.person("one", "labeler", "p")
        await one.label()
        await drain(crew.ctx)
    assert told == ["error", "error", "completed"]
    history = ok(await live.get(f"/api/tasks/{task_id}/timeline"))["items"]
    kinds = [event["kind"] for event in history]
    assert [k for k in kinds if k in ("error", "reprocessed", "queued", "completed")] == [
        "error",
        "reprocessed",
        "error",
        "reprocessed",
        "queued",
        "completed",
    ]
    assert {event["actor"] for event in history if event["kind"] == "reprocessed"} == {
        "admin@localhost.localdomain"
    }
    acts = await crew.ctx.db.fetch("select actor, detail from audit_log where action = 'task.reprocessed'")
    assert [(a["actor"], json.loads(a["detail"])) for a in acts] == [
        ("admin@localhost.localdomain", {"mode": "live", "task_id": task_id})
    ] * 2


async def test_dependents_that_an_error_dropped_wait_again_and_are_created_once(crew, live):
    crew.ctx.settings = structs.replace(crew.ctx.settings, allow_networks=("127.0.0.0/8",))
    there = False

    async def site(request: web.Request) -> web.StreamResponse:
        frame = {"device_position": {"x": 0, "y": 0, "z": 0}, "points": [{"x": 1, "y": 2, "z": 3}]}
        return web.json_response(frame) if there else web.Response(body=b"no frame")

    async def states() -> list[str]:
        return [d["status"] for d in (await crew.read(task_id))["dependents"]]

    async with serving(site) as address:
        body = lidar_root([{"type": "lidarsegmentation", "labels": ["road"]}])
        body["attachments"] = [f"{address}/{n}.json" for n in range(2)]
        task_id = ok(await live.post("/v1/task/lidarannotation", json=body))["task_id"]
        assert await states() == ["waiting"]
        await drain(crew.ctx)
        task = await crew.read(task_id)
        assert task["status"] == "error"
        assert [f["frame"] for f in task["response"]["frames"]] == [0, 1]
        dropped = await states()
        assert dropped != ["waiting"]
        there = True
        ok(await live.post(f"/api/tasks/{task_id}/reprocess"))
        assert await states() == ["waiting"]
        await drain(crew.ctx)
    assert await crew.stage(task_id) == "queued"
    assert await states() == ["waiting"]
    answer = b'{"annotations":{"url":"https://files.example/cuboids.json"}}'
    async with crew.ctx.db.tx() as tx:
        assert await tasks.complete_task(
            crew.ctx, tx, await crew.space(), task_id, answer, origin="labeled", author="labeler@main.example"
        )
    await crew.ctx.db.execute("delete from job where kind = 'send_callback'")
    await drain(crew.ctx)
    assert await states() == ["created"]
    assert await crew.ctx.db.fetchval("select count(*) from task where type = 'lidarsegmentation'") == 1
