"""Models as a first step: they label before people, who see what the model answered as the task's hypothesis."""

from __future__ import annotations

import pytest

from steelyard.jobs.specs import NoArgs
from steelyard.work import end_waiting
from tests.api.crew import Crew, Person, boxes, ok, refused


@pytest.fixture
def crew(ctx, live, client_for):
    return Crew(ctx, live, client_for)


async def model(crew: Crew, name: str, *projects: str) -> Person:
    made = ok(await crew.live.post("/api/members/models", json={"name": name}))
    member_id = await crew.ctx.db.fetchval("select id from member where email = $1", made["member"]["email"])
    body = {"emails": [made["member"]["email"]], "projects": list(projects)}
    ok(await crew.live.post("/v1/studio/assignments/add", json=body))
    return Person(crew.client_for(made["key"]["key"]), made["member"]["email"], member_id)


async def test_people_see_what_a_model_answered_as_the_hypothesis_and_the_customer_does_not(crew, live):
    await crew.project("cows", prelabel={}, overlap=2)
    task_id = await crew.task("cows")
    robot, ann, bob = (
        await model(crew, "robot", "cows"),
        *[await crew.person(name, "labeler", "cows") for name in ("ann", "bob")],
    )
    assert (await ann.claim())["slot"] is None
    assert ok(await live.post("/api/work/claim", json={}))["slot"] is None
    first = await robot.claim()
    assert (first["stage"], first["task"]["task_id"]) == ("prelabel", task_id)
    assert "hypothesis" not in first["task"]["params"]
    assert await robot.submit(first, boxes(40)) == {
        "task_id": task_id,
        "status": "pending",
        "repeated": False,
    }
    assert (await robot.claim())["slot"] is None, "models only prelabel"
    for person in (ann, bob):
        seen = await person.claim()
        assert seen["stage"] == "label"
        assert seen["task"]["params"]["hypothesis"]["annotations"][0]["left"] == 40
        assert ok(await person.client.get(f"/api/work/{seen['lease_token']}")) == seen
        await person.submit(seen, boxes(41))
    assert "hypothesis" not in (await crew.read(task_id))["params"]
    events = await crew.events(task_id)
    assert [e for e in events if e != "created"][:5] == [
        "queued",
        "claimed",
        "prelabeled",
        "claimed",
        "submitted",
    ]
    kinds = ok(await live.get(f"/api/tasks/{task_id}/answers"))["items"]
    assert [a["kind"] for a in kinds] == ["prelabel", "label", "label"]
    figures = ok(await live.get("/api/figures"))["items"]
    assert {f["name"]: f["labels"] for f in figures} == {robot.email: 1, ann.email: 1, bob.email: 1}


async def test_a_model_that_prelabels_is_no_voice_on_the_same_task_but_may_be_on_others(crew):
    await crew.project("cows", prelabel={"models_vote": True}, overlap=2)
    await crew.task("cows")
    robot, other = await model(crew, "robot", "cows"), await model(crew, "other", "cows")
    await robot.submit(await robot.claim())
    assert (await robot.claim())["slot"] is None
    voice = await other.claim()
    assert voice["stage"] == "label"
    assert voice["task"]["params"]["hypothesis"]


async def test_a_prelabel_must_be_what_the_type_takes_and_stays_with_the_model_until_it_is(crew):
    await crew.project("cows", prelabel={})
    await crew.task("cows")
    robot, ann = await model(crew, "robot", "cows"), await crew.person("ann", "labeler", "cows")
    lease = await robot.claim()
    refused(await robot.send(lease, "submit", response=boxes(label="Goat")), 400, "invalid-response")
    assert (await ann.claim())["slot"] is None
    await robot.submit(lease)
    assert (await ann.claim())["stage"] == "label"


async def test_people_do_not_wait_longer_than_the_project_says(crew, ctx):
    await crew.project("cows", prelabel={"wait_seconds": 60})
    late, worked_on = await crew.task("cows"), await crew.task("cows", priority=30)
    robot, ann = await model(crew, "robot", "cows"), await crew.person("ann", "labeler", "cows")
    held = await robot.claim()
    assert held["task"]["task_id"] == worked_on
    await end_waiting(ctx, NoArgs())
    assert (await ann.claim())["slot"] is None
    await ctx.db.execute("update slot set only_until = steelyard.now() where kind = 'prelabel'")
    await end_waiting(ctx, NoArgs())
    seen = await ann.claim()
    assert seen["task"]["task_id"] == late
    assert "hypothesis" not in seen["task"]["params"]
    assert (await crew.events(late))[-2:] == ["prelabel_missed", "claimed"]
    assert (await ann.claim())["slot"] is None, "what a model is working on is waited for"
    await crew.lapse(worked_on)
    await end_waiting(ctx, NoArgs())
    refused(await robot.send(held, "submit", response=boxes()), 409, "lease-lost")
    assert (await ann.claim())["task"]["task_id"] == worked_on


async def test_a_lead_lets_people_have_a_task_that_waits_for_a_model(crew, live):
    await crew.project("cows", prelabel={})
    task_id = await crew.task("cows")
    robot, ann = await model(crew, "robot", "cows"), await crew.person("ann", "labeler", "cows")
    held = await robot.claim()
    ok(await live.post(f"/api/tasks/{task_id}/skip-prelabel"))
    refused(await robot.send(held, "submit", response=boxes()), 409, "lease-lost")
    assert (await ann.label())["status"] == "completed"
    refused(await live.post(f"/api/tasks/{task_id}/skip-prelabel"), 400, "invalid-request")
    refused(await live.post("/api/tasks/64b0c0ffee64b0c0ffee64b0/skip-prelabel"), 404, "not-found")


async def test_a_model_that_cannot_do_a_task_passes_it_on_to_people(crew):
    await crew.project("cows", prelabel={})
    task_id = await crew.task("cows")
    robot, ann = await model(crew, "robot", "cows"), await crew.person("ann", "labeler", "cows")
    await robot.skip(await robot.claim(), "no such picture")
    assert (await robot.claim())["slot"] is None
    assert (await ann.label())["task_id"] == task_id


async def test_taking_the_setting_back_frees_what_waits(crew, ctx, live):
    await crew.project("cows", prelabel={"wait_seconds": 86_400})
    task_id = await crew.task("cows")
    ann = await crew.person("ann", "labeler", "cows")
    ok(await live.put("/api/projects/cows/workflow", json={}))
    await end_waiting(ctx, NoArgs())
    assert (await ann.label())["task_id"] == task_id


async def test_a_task_that_waits_for_a_model_can_be_cancelled_and_its_slot_goes_with_it(crew, ctx, live):
    await crew.project("cows", prelabel={})
    task_id = await crew.task("cows")
    robot = await model(crew, "robot", "cows")
    ok(await live.post(f"/v1/task/{task_id}/cancel"))
    assert (await robot.claim())["slot"] is None
    await ctx.db.execute("update slot set only_until = steelyard.now() where kind = 'prelabel'")
    await end_waiting(ctx, NoArgs())
    assert await ctx.db.fetchval("select count(*) from slot where done_at is null") == 0


async def test_people_cannot_tell_evaluation_tasks_by_the_lack_of_a_prelabel(crew, ctx, live):
    await crew.project("cows", prelabel={})
    robot, ann = await model(crew, "robot", "cows"), await crew.person("ann", "labeler", "cows")
    for left in (40, 50):
        task_id = await crew.task("cows")
        await robot.submit(await robot.claim(), boxes(left))
        lease = ok(await live.post("/api/work/claim", json={"task_id": task_id}))
        ok(await live.post(f"/api/work/{lease['lease_token']}/submit", json={"response": boxes(5)}))
        if left == 40:  # the other, made without a model, has nothing to be shown
            await ctx.db.execute("delete from attempt where member_id = $1", robot.id)
        ok(await live.post(f"/api/tasks/{task_id}/make-quality-task", json={"kind": "evaluation"}))
    for _ in range(6):
        await crew.task("cows")
        await robot.submit(await robot.claim(), boxes(60))
    ok(await live.put("/api/projects/cows/workflow", json={"prelabel": {}, "evaluation_rate": 0.5}))
    kinds = []
    while (seen := await ann.claim())["slot"] is not None:
        kinds.append(await ctx.db.fetchval("select kind from slot where id = $1", seen["slot"]["id"]))
        left = seen["task"]["params"]["hypothesis"]["annotations"][0]["left"]
        assert left == {"evaluation": 50, "label": 60}[kinds[-1]]
        await ann.submit(seen)
    assert sorted(kinds) == ["evaluation"] + ["label"] * 6
