"""Pausing batches, putting projects aside: what is offered, what may be finished, what is left behind."""

from __future__ import annotations

import asyncio

import pytest

from steelyard import tasks
from tests.api.builders import image_task
from tests.api.crew import Crew, ok, refused


@pytest.fixture
def crew(ctx, live, client_for):
    return Crew(ctx, live, client_for)


async def _batch(crew, name="b", **workflow):
    await crew.project("cows", **workflow)
    ok(await crew.live.post("/v1/batches", json={"project": "cows", "name": name}))


async def test_a_paused_batch_is_not_offered_and_what_was_begun_is_finished(crew, live):
    await _batch(crew, review_stages=[{}])
    first, second = await crew.task("cows", batch="b"), await crew.task("cows", batch="b")
    ann = await crew.person("ann", "labeler", "cows")
    begun = await ann.claim()
    assert ok(await live.post("/api/batches/b/pause"))["status"] == "paused"
    assert ok(await live.get("/v1/batches/b"))["status"] == "paused"
    assert (await ann.claim())["slot"] is None
    assert ok(await ann.send(begun, "heartbeat"))["lease_expires_at"]
    await ann.submit(begun)
    third = await crew.task("cows", batch="b")  # a paused batch takes tasks, and offers no review either
    assert (await live.post("/api/work/claim", json={})).json()["slot"] is None
    assert ok(await live.post("/api/batches/b/resume"))["status"] == "in_progress"
    offered = {ok(await live.post("/api/work/claim", json={}))["task"]["task_id"] for _ in range(3)}
    assert offered == {first, second, third}
    log = ok(await live.get("/api/audit-log", params={"action": "batch"}))["items"]
    assert [e["action"] for e in log[:2]] == ["batch.resume", "batch.pause"]


async def test_a_lease_that_lapses_in_a_paused_batch_is_offered_again_when_it_is_resumed(crew, live):
    await _batch(crew)
    task_id = await crew.task("cows", batch="b")
    ann, bob = await crew.person("ann", "labeler", "cows"), await crew.person("bob", "labeler", "cows")
    await ann.claim()
    ok(await live.post("/api/batches/b/pause"))
    await crew.lapse(task_id)
    assert (await bob.claim())["slot"] is None
    ok(await live.post("/api/batches/b/resume"))
    assert (await bob.claim())["task"]["task_id"] == task_id


async def test_a_batch_whose_tasks_ended_while_it_was_paused_completes_when_it_is_resumed(crew, live):
    await _batch(crew)
    await crew.task("cows", batch="b")
    ann = await crew.person("ann", "labeler", "cows")
    lease = await ann.claim()
    ok(await live.post("/api/batches/b/pause"))
    await ann.submit(lease)
    assert ok(await live.get("/v1/batches/b"))["status"] == "paused"
    assert ok(await live.post("/api/batches/b/resume"))["status"] == "completed"


async def test_an_empty_batch_can_be_paused_and_resumed_and_stays_in_progress(crew, live):
    await _batch(crew)
    assert ok(await live.post("/api/batches/b/pause"))["status"] == "paused"
    refused(await live.post("/api/batches/b/pause"), 400, "invalid-request")
    assert ok(await live.post("/api/batches/b/resume"))["status"] == "in_progress"
    refused(await live.post("/api/batches/b/resume"), 400, "invalid-request")
    refused(await live.post("/api/batches/nothing/pause"), 404, "not-found")


async def test_a_task_that_is_queued_while_its_batch_is_started_is_offered(crew, live, ctx):
    ok(await live.post("/v1/projects", json={"type": "imageannotation", "name": "herd", "studio": True}))
    ok(await live.post("/v1/batches", json={"project": "herd", "name": "b"}))
    made = ok(await live.post("/v1/task/imageannotation", json=image_task(project="herd", batch="b")))
    space_id = await crew.space()
    async with ctx.db.tx() as tx:
        assert await tasks.queue_task(ctx, tx, space_id, made["task_id"])
        starting = asyncio.create_task(live.post("/v1/batches/b/finalize"))
        while not await ctx.db.fetchval(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        ):
            assert not starting.done(), "nothing was held"
            await asyncio.sleep(0.01)
    assert ok(await starting)["status"] == "in_progress"
    assert ok(await live.post("/api/work/claim", json={}))["task"]["task_id"] == made["task_id"]


async def test_an_archived_project_takes_nothing_new_and_its_work_goes_on(crew, live):
    await crew.project("cows")
    task_id = await crew.task("cows")
    assert ok(await live.post("/api/projects/cows/archive"))["archived"] is True
    assert [p["name"] for p in ok(await live.get("/v1/projects?archived=true"))] == ["cows"]
    assert (await live.post("/v1/task/imageannotation", json=image_task(project="cows"))).status_code == 400
    assert (await live.post("/v1/batches", json={"project": "cows", "name": "b"})).status_code == 400
    ann = await crew.person("ann", "labeler", "cows")
    assert (await ann.label())["task_id"] == task_id
    assert ok(await live.post("/api/projects/cows/unarchive"))["archived"] is False
    assert await crew.task("cows")


async def test_everybody_keeps_keys_of_their_own_within_bounds(crew, live):
    ann = await crew.person("ann")
    assert ok(await ann.client.get("/api/me/keys")) == {"keys": {}}
    mine = {"keys": {"work.submit": ["Ctrl+Enter", "F8"], "canvas.zoom-in": []}}
    assert ok(await ann.client.put("/api/me/keys", json=mine)) == mine
    assert ok(await ann.client.get("/api/me/keys")) == mine
    assert ok(await live.get("/api/me/keys")) == {"keys": {}}
    for wrong in (
        {"a": ["x"] * 6},
        {"a": ["x" * 51]},
        {"a" * 101: []},
        {"a": ["\0"]},
        {f"c{n}": [] for n in range(501)},
        {"a": "x"},
    ):
        refused(await ann.client.put("/api/me/keys", json={"keys": wrong}), 400, "invalid-request")
    assert ok(await ann.client.get("/api/me/keys")) == mine
