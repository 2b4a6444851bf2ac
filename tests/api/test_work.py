"""Doing work: claim, lease, draft, submit, release — on real tasks, with the database's clock."""

from __future__ import annotations

import asyncio

import pytest

from steelyard import tasks, users
from steelyard.jobs import queries as jobs
from steelyard.tasks import intake
from steelyard.work.policy import MOST_LEASES
from tests.api.builders import image_task

LABELER, MANAGER = "labeler@main.example", "manager@main.example"


def ok(response):
    assert response.status_code == 200, response.text
    return response.json()


def refused(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code), body
    return body


class Desk:
    """What the tests do as customer and as operator."""

    def __init__(self, ctx, live):
        self.ctx, self.live = ctx, live

    async def task(self, *, queued=True, type="imageannotation", body=None, **more):
        made = ok(await self.live.post(f"/v1/task/{type}", json=body or image_task(**more)))
        if queued:
            await self.queue(made["task_id"])
        return made["task_id"]

    async def queue(self, task_id):
        space_id = await self.ctx.db.fetchval("select space_id from task where id = $1", task_id)
        async with self.ctx.db.tx() as tx:
            assert await tasks.queue_task(self.ctx, tx, space_id, task_id)

    async def project(self, name, **more):
        body = {"type": "imageannotation", "name": name, **more}
        return ok(await self.live.post("/v1/projects", json=body))

    async def assign(self, *projects, emails=(LABELER,)):
        body = {"emails": list(emails), "projects": list(projects)}
        ok(await self.live.post("/v1/studio/assignments/add", json=body))

    async def lapse(self, task_id):
        """Moves the end of a lease into the past."""
        await self.ctx.db.execute(
            "update slot set lease_expires_at = steelyard.now() where task_id = $1 and done_at is null",
            task_id,
        )

    async def read(self, task_id):
        return ok(await self.live.get(f"/v1/task/{task_id}"))

    async def stage(self, task_id):
        return await self.ctx.db.fetchval("select stage from task where id = $1", task_id)

    async def attempts(self, task_id):
        rows = await self.ctx.db.fetch("select state from attempt where task_id = $1 order by id", task_id)
        return [r["state"] for r in rows]

    async def timeline(self, task_id):
        page = ok(await self.live.get(f"/api/tasks/{task_id}/timeline"))
        return [(e["kind"], e["actor"]) for e in page["items"]]


@pytest.fixture
def desk(ctx, live):
    return Desk(ctx, live)


@pytest.fixture
def labeler(keys, client_for):
    return client_for(keys.labeler_live)


@pytest.fixture
def manager(keys, client_for):
    return client_for(keys.manager_live)


async def claim(client, **body):
    return await client.post("/api/work/claim", json=body)


def answer(n=1, **more):
    box = {"type": "box", "label": "Baby Cow", "left": 5, "top": 6, "width": 70, "height": 80, **more}
    return {"annotations": [{**box, "uuid": f"00000000-0000-4000-8000-{i:012d}"} for i in range(n)]}


async def do(client, lease, verb, **body):
    return await client.post(f"/api/work/{lease['lease_token']}/{verb}", json=body)


async def save(client, lease, base_revision, **body):
    draft = {"base_revision": base_revision, "body": body}
    return await client.put(f"/api/work/{lease['lease_token']}/draft", json=draft)


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


# ------------------------------------------------------------------------------------------------------------- drafts


async def test_drafts_are_revisions_and_a_stale_one_gets_both_back(desk, live):
    await desk.task()
    lease = ok(await claim(live))
    assert ok(await save(live, lease, 0, v=1))["revision"] == 1
    assert ok(await save(live, lease, 1, v=2))["revision"] == 2
    for base in (0, 1, 3):
        body = refused(await save(live, lease, base, v="mine"), 409, "stale-draft")
        assert body["draft"] == {"revision": 2, "body": {"v": 2}}
        assert body["given"] == {"base_revision": base, "body": {"v": "mine"}}
    assert ok(await save(live, lease, 2, v=3))["revision"] == 3


async def test_a_draft_based_on_one_that_never_was_is_stale(desk, live):
    await desk.task()
    body = refused(await save(live, ok(await claim(live)), 4, v=1), 409, "stale-draft")
    assert body["draft"] is None


async def test_of_two_windows_saving_at_once_one_wins(desk, live):
    await desk.task()
    lease = ok(await claim(live))
    results = await asyncio.gather(*(save(live, lease, 0, window=i) for i in range(6)))
    assert sorted(r.status_code for r in results) == [200] + [409] * 5


async def test_saving_a_draft_keeps_the_lease(desk, live):
    await desk.task()
    lease = ok(await claim(live))
    await asyncio.sleep(0.01)
    assert ok(await save(live, lease, 0, v=1))["lease_expires_at"] > lease["lease_expires_at"]


# --------------------------------------------------------------------------------------------------------- submitting


async def test_a_submitted_answer_completes_the_task(ctx, desk, live):
    task_id = await desk.task()
    lease = ok(await claim(live))
    ok(await save(live, lease, 0, v=1))
    done = ok(await do(live, lease, "submit", response=answer(2), active_seconds=12))
    assert done == {"task_id": task_id, "status": "completed", "repeated": False}
    task = await desk.read(task_id)
    assert task["status"] == "completed"
    assert task["response"]["annotations"] == answer(2)["annotations"]
    assert task["completed_at"]
    row = await ctx.db.fetchrow(
        "select origin, author, version from response_version where task_id = $1", task_id
    )
    assert (row["origin"], row["version"]) == ("labeled", 1)
    attempt = await ctx.db.fetchrow("select state, active_seconds, ended_at from attempt")
    assert (attempt["state"], attempt["active_seconds"]) == ("submitted", 12)
    assert attempt["ended_at"] is not None
    assert await ctx.db.fetchval("select count(*) from draft") == 0
    assert await ctx.db.fetchval("select count(*) from callback_event where task_id = $1", task_id) == 1
    assert ok(await claim(live))["slot"] is None


async def test_submitting_twice_is_harmless_and_something_else_is_refused(ctx, desk, live):
    task_id = await desk.task()
    lease = ok(await claim(live))
    ok(await do(live, lease, "submit", response=answer()))
    assert ok(await do(live, lease, "submit", response=answer()))["repeated"] is True
    refused(await do(live, lease, "submit", response=answer(2)), 409, "conflict")
    refused(await do(live, lease, "heartbeat"), 409, "lease-lost")
    refused(await save(live, lease, 0, v=1), 409, "lease-lost")
    refused(await do(live, lease, "release"), 409, "lease-lost")
    assert await ctx.db.fetchval("select count(*) from response_version where task_id = $1", task_id) == 1


async def test_simultaneous_equal_submissions_complete_once(ctx, desk, live):
    task_id = await desk.task()
    lease = ok(await claim(live))
    results = await asyncio.gather(*(do(live, lease, "submit", response=answer()) for _ in range(6)))
    assert sorted(ok(r)["repeated"] for r in results) == [False] + [True] * 5
    assert await ctx.db.fetchval("select count(*) from response_version where task_id = $1", task_id) == 1
    assert await ctx.db.fetchval("select count(*) from callback_event where task_id = $1", task_id) == 1


async def test_a_wrong_answer_is_refused_with_every_issue_and_the_lease_goes_on(desk, live):
    task_id = await desk.task()
    lease = ok(await claim(live))
    wrong = {"annotations": [answer(label="Horse")["annotations"][0], answer(width=-1)["annotations"][0]]}
    body = refused(await do(live, lease, "submit", response=wrong), 400, "invalid-response")
    assert len(body["issues"]) >= 2
    assert all(issue["path"] and issue["message"] for issue in body["issues"])
    assert await desk.stage(task_id) == "labeling"
    assert await desk.attempts(task_id) == ["open"]
    ok(await do(live, lease, "submit", response=answer()))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"response":null}',
        b'{"response":[]}',
        b'{"response":"x"}',
        b'{"response":{}}',
        b'{"response":{"annotations":5}}',
        b'{"response":{"annotations":[' + b"[" * 300 + b"]" * 300 + b"]}}",
        b'{"response":' + b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"}",
        b'{"response":{"annotations":[],"x":"\\u0000"}}',
        b'{"response":{"annotations":[],"x":"\xff"}}',
        b'{"response":{"annotations":[],"x":"\\ud800"}}',
        b'{"response":{"annotations":[{"type":"box","label":"Baby Cow","left":1e400,"top":0,"width":20,"height":20}]}}',
        b'{"response":{"annotations":[]},"active_seconds":-1}',
        b'{"response":{"annotations":[]},"active_seconds":1e30}',
        b"[1]",
        b"nonsense",
    ],
)
async def test_a_malformed_submission_is_a_400_and_changes_nothing(desk, live, body):
    task_id = await desk.task()
    lease = ok(await claim(live))
    sent = await live.post(
        f"/api/work/{lease['lease_token']}/submit", content=body, headers={"Content-Type": "application/json"}
    )
    if sent.status_code == 200:  # unknown members, odd but valid, are the type's business
        assert b"ud800" in body or b'"annotations":[]' in body
        assert (await desk.read(task_id))["status"] == "completed"
        return
    assert sent.status_code == 400, sent.text
    assert await desk.attempts(task_id) == ["open"]


@pytest.mark.parametrize(
    "token",
    ["x", "1", "1-", "-1-a", "99999999999999999999-a", "9223372036854775808-a", "1-%00", "٣-a", "1-a"],
)
async def test_unknown_and_malformed_lease_tokens_are_404(live, token):
    refused(await live.get(f"/api/work/{token}"), 404, "not-found")
    refused(await live.post(f"/api/work/{token}/heartbeat"), 404, "not-found")
    refused(await live.post(f"/api/work/{token}/release"), 404, "not-found")
    refused(await live.post(f"/api/work/{token}/submit", json={"response": answer()}), 404, "not-found")
    refused(
        await live.put(f"/api/work/{token}/draft", json={"base_revision": 0, "body": {}}), 404, "not-found"
    )


@pytest.mark.parametrize(
    "body", [{"projects": []}, {"projects": "x"}, {"types": [1]}, {"task_id": 5.5}, [], {"project": {"a": 1}}]
)
async def test_malformed_claims_are_400(live, body):
    refused(await live.post("/api/work/claim", json=body), 400, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"base_revision": 0},
        {"body": {}},
        {"base_revision": -1, "body": {}},
        {"base_revision": 0, "body": 1},
    ],
)
async def test_malformed_drafts_are_400(desk, live, body):
    await desk.task()
    lease = ok(await claim(live))
    refused(await live.put(f"/api/work/{lease['lease_token']}/draft", json=body), 400, "invalid-request")


async def test_a_large_answer_is_checked_in_another_process_and_stored_whole(desk, live):
    task_id = await desk.task()
    lease = ok(await claim(live))
    large = answer(3000)
    assert len(str(large)) > 256 * 1024
    ok(await do(live, lease, "submit", response=large))
    assert (await desk.read(task_id))["response"]["annotations"] == large["annotations"]


async def test_an_answer_over_the_limit_is_413(desk, live, monkeypatch):
    monkeypatch.setattr(intake, "MAX_RESPONSE_BYTES", 1000)
    await desk.task()
    lease = ok(await claim(live))
    refused(await do(live, lease, "submit", response=answer(20)), 413, "too-large")
    ok(await do(live, lease, "submit", response=answer()))


async def test_an_answer_outside_the_picture_is_refused_when_its_size_is_known(ctx, desk, live):
    task_id = await desk.task()
    space_id = await ctx.db.fetchval("select space_id from task where id = $1", task_id)
    await ctx.db.execute(
        "insert into attachment (space_id, task_id, ordinal, path, role, url, media, state, sha256, width, height)"
        " values ($1, $2, 0, 'attachment', 'attachment', 'http://x', 'image', 'stored', repeat('0', 64), 100, 100)"
        " on conflict (space_id, task_id, ordinal) do update set width = 100, height = 100",
        space_id,
        task_id,
    )
    lease = ok(await claim(live))
    refused(await do(live, lease, "submit", response=answer(left=90)), 400, "invalid-response")
    ok(await do(live, lease, "submit", response=answer()))


async def test_a_contributor_completes_a_task_with_a_browsers_session(desk, client_for):
    await desk.project("cows")
    await desk.assign("cows")
    task_id = await desk.task(project="cows")
    browser = client_for(None)
    signed_in = ok(
        await browser.post("/api/login", json={"email": LABELER, "password": "correct horse battery"})
    )
    browser.headers["X-CSRF-Token"] = signed_in["csrf_token"]
    lease = ok(await claim(browser))
    ok(await save(browser, lease, 0, v=1))
    ok(await do(browser, lease, "submit", response=answer()))
    assert (await desk.read(task_id))["status"] == "completed"


async def test_a_task_that_ends_under_a_lease_takes_the_lease_with_it(ctx, desk, live):
    task_id = await desk.task()
    lease = ok(await claim(live))
    space_id = await ctx.db.fetchval("select space_id from task where id = $1", task_id)
    async with ctx.db.tx() as tx:
        assert await tasks.complete_task(
            ctx, tx, space_id, task_id, b'{"annotations":[]}', origin="fixed", author="somebody"
        )
    refused(await do(live, lease, "submit", response=answer()), 409, "lease-lost")
    assert (await desk.read(task_id))["response"] == {"annotations": []}


async def test_a_lease_that_lapses_while_the_answer_is_on_its_way_is_lost(ctx, desk, live):
    task_id = await desk.task()
    lease = ok(await claim(live))
    async with ctx.db.tx() as tx:  # stands in the way of the submission's fence until the lease is over
        await tx.execute("update slot set lease_expires_at = steelyard.now() where task_id = $1", task_id)
        sending = asyncio.create_task(do(live, lease, "submit", response=answer()))
        await asyncio.sleep(0.3)
        assert not sending.done()
    refused(await sending, 409, "lease-lost")
    assert await desk.stage(task_id) == "labeling"
    assert await ctx.db.fetchval("select count(*) from response_version where task_id = $1", task_id) == 0


async def test_a_claim_does_not_wait_for_a_slot_that_somebody_else_is_locking(ctx, desk, live):
    held, free = await desk.task(priority=30), await desk.task()
    async with ctx.db.tx() as tx:
        await tx.execute("select from slot where task_id = $1 for update", held)
        assert ok(await claim(live))["task"]["task_id"] == free
        assert ok(await claim(live))["slot"] is None
    assert ok(await claim(live))["task"]["task_id"] == held


async def test_lapsed_leases_are_tidied_and_their_work_is_claimable_all_the_same(ctx, desk, live):
    task_id = await desk.task()
    lease = ok(await claim(live))
    await ctx.db.execute("update slot set lease_expires_at = steelyard.now() - interval '5 minutes'")
    await jobs.tidy_leases(ctx.db)
    assert await desk.stage(task_id) == "queued"
    assert await desk.attempts(task_id) == ["lapsed"]
    refused(await do(live, lease, "heartbeat"), 409, "lease-lost")
    assert ok(await claim(live))["task"]["task_id"] == task_id
    assert await desk.stage(task_id) == "labeling"


async def test_nobody_without_credentials_gets_anything(client_for):
    stranger = client_for(None)
    refused(await claim(stranger), 401, "session-ended")
    refused(await stranger.get("/api/work"), 401, "session-ended")
