"""Drafts and submissions of claimed work — on real tasks, with the database's clock."""

from __future__ import annotations

import asyncio

import pytest

from steelyard import tasks
from steelyard.jobs import queries as jobs
from steelyard.tasks import intake
from tests.api.desk import LABELER, answer, claim, do, ok, refused, save

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
