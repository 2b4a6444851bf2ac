"""The demo project that the console adds for whoever has just begun."""

from __future__ import annotations

import pytest

from steelyard.demo_project import BATCH, PROJECT
from steelyard.jobs.worker import drain
from tests.api.crew import Crew, ok, refused


@pytest.fixture
def crew(ctx, live, client_for):
    return Crew(ctx, live, client_for)


async def test_the_demo_project_is_ready_to_be_worked_on_and_is_made_once(crew, live):
    assert ok(await live.post("/api/demo")) == {"project": PROJECT, "batch": BATCH, "made": True}
    assert ok(await live.post("/api/demo"))["made"] is False
    tasks = ok(await live.get("/v1/tasks", params={"project": PROJECT}))["docs"]
    assert {task["metadata"]["file"] for task in tasks} == {"cat.jpg", "coffee.jpg", "rocket.jpg"}
    assert ok(await live.get(f"/v1/batches/{BATCH}"))["status"] == "in_progress"
    await drain(crew.ctx)
    held = ok(await live.post("/api/work/claim", json={"projects": [PROJECT]}))
    assert [media["width"] > 0 for media in held["media"]] == [True]
    # Leads see the same files without a lease, at addresses of this server.
    shown = ok(await live.get(f"/api/tasks/{held['task']['task_id']}/media"))["items"]
    assert [media["url"] for media in shown] == [media["url"] for media in held["media"]]
    refused(await live.get(f"/api/tasks/{'0' * 24}/media"), 404, "not-found")
