"""Claiming work: who is given which task, and for how long — on real tasks, with the database's clock."""

from __future__ import annotations

import asyncio

from steelyard import users
from steelyard.work.policy import MOST_LEASES
from tests.api.desk import LABELER, MANAGER, answer, claim, do, ok, refused, save

# ------------------------------------------------------------------------------------------------------------ claiming


async def test_with_nothing_to_do_the_slot_is_null(live):
    nothing = ok(await claim(live))
    assert nothing["nothing"] == "empty"
    assert [nothing[k] for k in ("slot", "stage", "lease_token", "lease_expires_at", "task", "draft")] == [
        None
    ] * 6


async def test_a_claim_gives_the_whole_task_and_marks_it_as_begun(desk, live):
    task_id = await desk.task(metadata={"a": 1}, unique_id="u")
    lease = ok(await claim(live))
    assert lease["task"] == await desk.read(task_id)
    assert lease["task"]["status"] == "pending"
    assert lease["task"]["work_started"] is True
    assert lease["draft"] is None
    assert lease["slot"]["step"] == 0
    assert await desk.stage(task_id) == "labeling"
    assert await desk.attempts(task_id) == ["open"]
    assert (await live.post(f"/v1/task/{task_id}/cancel")).status_code == 400
    assert ok(await live.get(f"/api/work/{lease['lease_token']}")) == lease


async def test_the_most_urgent_is_given_first_then_the_oldest(desk, live):
    low, old, new, top = [await desk.task(priority=p) for p in (10, 20, 20, 30)]
    given = [ok(await claim(live))["task"]["task_id"] for _ in range(4)]
    assert given == [top, old, new, low]
    assert ok(await claim(live))["slot"] is None


async def test_unprepared_and_canceled_tasks_are_not_offered(desk, live):
    await desk.task(queued=False)
    canceled = await desk.task()
    ok(await live.post(f"/v1/task/{canceled}/cancel"))
    assert ok(await claim(live))["slot"] is None


async def test_simultaneous_claims_never_share_a_task_and_leave_none_behind(desk, live, manager):
    made = [await desk.task() for _ in range(15)]
    given = [ok(r) for r in await asyncio.gather(*(claim(live if i % 2 else manager) for i in range(20)))]
    leased = [lease["task"]["task_id"] for lease in given if lease["slot"]]
    assert sorted(leased) == made
    assert len({lease["lease_token"] for lease in given if lease["slot"]}) == 15


async def test_claims_can_be_narrowed_to_projects_and_types(desk, live):
    await desk.project("cows")
    await desk.project("sheep")
    loose = await desk.task(priority=30)
    cow = await desk.task(project="cows")
    assert ok(await claim(live, projects=["sheep"]))["slot"] is None
    assert ok(await claim(live, types=["categorization"]))["slot"] is None
    assert ok(await claim(live, project="cows", type="imageannotation"))["task"]["task_id"] == cow
    assert ok(await claim(live, types=["imageannotation", "categorization"]))["task"]["task_id"] == loose
    refused(await claim(live, projects=["cows", "unknown"]), 404, "not-found")


async def test_one_space_never_gets_work_of_another(desk, live, test, other):
    await desk.task()
    assert ok(await claim(other))["slot"] is None
    assert ok(await claim(test))["slot"] is None
    lease = ok(await claim(live))
    for stranger in (other, test):
        refused(await stranger.get(f"/api/work/{lease['lease_token']}"), 404, "not-found")
        refused(await do(stranger, lease, "submit", response=answer()), 404, "not-found")


async def test_a_lease_belongs_to_one_member(desk, live, manager):
    await desk.task()
    lease = ok(await claim(live))
    refused(await manager.get(f"/api/work/{lease['lease_token']}"), 404, "not-found")
    for verb, body in (("heartbeat", {}), ("submit", {"response": answer()}), ("release", {})):
        refused(await do(manager, lease, verb, **body), 404, "not-found")
    refused(await save(manager, lease, 0, a=1), 404, "not-found")
    ok(await do(live, lease, "heartbeat"))


async def test_nobody_hoards_leases(desk, live):
    for _ in range(MOST_LEASES + 1):
        await desk.task()
    leases = [ok(await claim(live)) for _ in range(MOST_LEASES)]
    refused(await claim(live), 409, "conflict")
    held = ok(await live.get("/api/work"))["leases"]
    assert [h["lease_token"] for h in held] == [lease["lease_token"] for lease in reversed(leases)]
    ok(await do(live, leases[0], "submit", response=answer()))
    assert ok(await claim(live))["slot"] is not None


async def test_batches_that_stage_or_pause_are_not_offered_until_they_run(desk, live):
    await desk.project("herd", studio=True)
    ok(await live.post("/v1/batches", json={"project": "herd", "name": "b"}))
    task_id = await desk.task(project="herd", batch="b")
    assert ok(await claim(live))["slot"] is None
    ok(await live.post("/v1/batches/b/finalize"))
    assert ok(await claim(live))["task"]["task_id"] == task_id


# ----------------------------------------------------------------------------------------------------------- labelers


async def test_labelers_get_work_of_their_projects_only(desk, labeler):
    await desk.project("cows")
    await desk.project("sheep")
    await desk.task(priority=30)
    await desk.task(project="cows", priority=30)
    mine = await desk.task(project="sheep")
    assert ok(await claim(labeler))["slot"] is None
    await desk.assign("sheep")
    assert ok(await claim(labeler, projects=["cows"]))["slot"] is None
    assert ok(await claim(labeler))["task"]["task_id"] == mine
    assert ok(await claim(labeler))["slot"] is None


async def test_a_batch_with_groups_is_for_their_members_only(desk, live, labeler, manager):
    await desk.project("herd", studio=True)
    await desk.assign("herd", emails=(LABELER, MANAGER))
    for name in ("theirs", "open"):
        ok(await live.post("/v1/batches", json={"project": "herd", "name": name}))
    theirs = await desk.task(project="herd", batch="theirs", priority=30)
    free = await desk.task(project="herd", batch="open")
    for name in ("theirs", "open"):
        ok(await live.post(f"/v1/batches/{name}/finalize"))
    ok(await live.put("/v1/studio/batches/theirs", json={"groups": [MANAGER]}))
    lease = ok(await claim(labeler))
    assert lease["task"]["task_id"] == free
    assert ok(await claim(labeler))["slot"] is None
    ok(await live.post("/v1/studio/projects/herd/groups", json={"emails": [LABELER], "name": "barn"}))
    ok(await live.put("/v1/studio/batches/theirs", json={"groups": [MANAGER, "barn"]}))
    assert ok(await claim(labeler))["task"]["task_id"] == theirs


async def test_the_order_of_studio_batches_is_the_order_of_work(desk, live):
    await desk.project("herd", studio=True)
    made = {}
    for name in ("one", "two", "three"):
        ok(await live.post("/v1/batches", json={"project": "herd", "name": name}))
        made[name] = await desk.task(project="herd", batch=name, priority=30 if name == "one" else 10)
        ok(await live.post(f"/v1/batches/{name}/finalize"))
    order = {"batches": [{"name": n} for n in ("three", "two", "one")]}
    ok(await live.post("/v1/studio/batches/set_priorities", json=order))
    assert ok(await claim(live))["task"]["task_id"] == made["three"]
    ok(await live.post("/v1/batches/one/prioritize", json={"priority": 30}))
    assert ok(await claim(live))["task"]["task_id"] == made["two"]
    ok(await live.post("/v1/studio/batches/reset_priorities"))
    assert ok(await claim(live))["task"]["task_id"] == made["one"]


async def test_work_that_opens_after_the_order_was_set_takes_its_place_in_it(desk, live):
    await desk.project("herd", studio=True)
    made = {}
    for name in ("one", "two"):
        ok(await live.post("/v1/batches", json={"project": "herd", "name": name}))
        made[name] = await desk.task(project="herd", batch=name, queued=False)
        ok(await live.post(f"/v1/batches/{name}/finalize"))
    ok(
        await live.post(
            "/v1/studio/batches/set_priorities", json={"batches": [{"name": "two"}, {"name": "one"}]}
        )
    )
    for task_id in made.values():
        await desk.queue(task_id)
    assert ok(await claim(live))["task"]["task_id"] == made["two"]


async def test_labelers_have_no_work_in_test_mode(ctx, client_for):
    key = (await users.create_key(ctx, "main", "test", member_email=MANAGER)).key
    await ctx.db.execute("update member set role = 'labeler' where email = $1", MANAGER)
    refused(await claim(client_for(key)), 403, "forbidden")


async def test_a_labeler_may_ask_for_a_task_only_after_having_had_it(desk, labeler):
    await desk.project("cows")
    await desk.assign("cows")
    first = await desk.task(project="cows")
    second = await desk.task(project="cows")
    assert ok(await claim(labeler, task_id=second))["slot"] is None
    lease = ok(await claim(labeler))
    assert lease["task"]["task_id"] == first
    await desk.lapse(first)
    assert ok(await claim(labeler, task_id=first))["task"]["task_id"] == first


async def test_a_lead_may_ask_for_any_free_task(desk, live, manager):
    await desk.task(priority=30)
    wanted = await desk.task()
    assert ok(await claim(manager, task_id=wanted))["task"]["task_id"] == wanted
    assert ok(await claim(live, task_id=wanted))["slot"] is None
    assert ok(await claim(live, task_id="no such task"))["slot"] is None


# ------------------------------------------------------------------------------------------------------------- leases


async def test_a_heartbeat_moves_the_end_of_the_lease_and_notes_the_time_worked(ctx, desk, live):
    await desk.task()
    lease = ok(await claim(live))
    await asyncio.sleep(0.01)
    extended = ok(await do(live, lease, "heartbeat", active_seconds=40))
    assert extended["lease_expires_at"] > lease["lease_expires_at"]
    ok(await do(live, lease, "heartbeat"))
    ok(await do(live, lease, "heartbeat", active_seconds=30))
    assert await ctx.db.fetchval("select active_seconds from attempt") == 40


async def test_a_lapsed_lease_can_be_claimed_at_once_and_its_holder_can_write_nothing(desk, live, manager):
    task_id = await desk.task()
    lost = ok(await claim(live))
    ok(await save(live, lost, 0, shapes=[1]))
    await desk.lapse(task_id)
    for verb, body in (("heartbeat", {}), ("submit", {"response": answer()}), ("release", {})):
        refused(await do(live, lost, verb, **body), 409, "lease-lost")
    refused(await save(live, lost, 1, shapes=[2]), 409, "lease-lost")
    refused(await live.get(f"/api/work/{lost['lease_token']}"), 409, "lease-lost")
    assert ok(await live.get("/api/work"))["leases"] == []
    taken = ok(await claim(manager))
    assert taken["task"]["task_id"] == task_id
    assert taken["draft"] is None
    assert taken["lease_token"] != lost["lease_token"]
    assert await desk.attempts(task_id) == ["lapsed", "open"]
    refused(await do(live, lost, "submit", response=answer()), 409, "lease-lost")
    ok(await do(manager, taken, "submit", response=answer()))
    assert await desk.attempts(task_id) == ["lapsed", "submitted"]


async def test_the_draft_survives_the_lease(desk, live):
    task_id = await desk.task()
    lease = ok(await claim(live))
    ok(await save(live, lease, 0, shapes=[1, {"x": 1.50}]))
    await desk.lapse(task_id)
    again = ok(await claim(live))
    assert again["draft"] == {"revision": 1, "body": {"shapes": [1, {"x": 1.5}]}}
    assert again["lease_token"] != lease["lease_token"]


async def test_released_work_is_queued_again_and_offered_to_its_member_last(desk, live, manager):
    task_id = await desk.task(priority=30)
    other_id = await desk.task()
    lease = ok(await claim(live))
    ok(await save(live, lease, 0, a=1))
    ok(await do(live, lease, "release"))
    ok(await do(live, lease, "release"))
    assert await desk.stage(task_id) == "queued"
    assert (await desk.read(task_id))["work_started"] is True
    assert await desk.attempts(task_id) == ["released"]
    refused(await do(live, lease, "heartbeat"), 409, "lease-lost")
    refused(await do(live, lease, "submit", response=answer()), 409, "lease-lost")
    assert ok(await claim(live))["task"]["task_id"] == other_id
    again = ok(await claim(live))
    assert again["task"]["task_id"] == task_id
    assert again["draft"]["body"] == {"a": 1}
    ok(await do(live, again, "release"))
    assert ok(await claim(manager))["task"]["task_id"] == task_id


async def test_the_timeline_tells_the_whole_story(desk, live, manager, live_actor):
    task_id = await desk.task()
    ok(await do(live, ok(await claim(live)), "release"))
    ok(await do(manager, ok(await claim(manager)), "submit", response=answer()))
    me = live_actor.email
    told = ("created", "claimed", "released", "completed")
    kinds = [row for row in await desk.timeline(task_id) if row[0] in told]
    assert kinds == [
        ("created", me),
        ("claimed", me),
        ("released", me),
        ("claimed", MANAGER),
        ("completed", MANAGER),
    ]
