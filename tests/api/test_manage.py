"""What leads do with other people's work: holders, taking back, reassigning, recalling, bulk changes; deactivated members."""

from __future__ import annotations

import pytest

from steelyard import work
from steelyard.jobs.worker import drain
from steelyard.work import bulk
from tests.api.crew import Crew, boxes, ok, refused
from tests.fault.stack import assert_counters_are_exact


@pytest.fixture
def crew(ctx, live, client_for):
    return Crew(ctx, live, client_for)


async def test_leads_see_who_holds_what_page_by_page_and_others_do_not(crew, live):
    await crew.project("p")
    await crew.project("q")
    one, two = await crew.person("one", "labeler", "p", "q"), await crew.person("two", "labeler", "p")
    made = [await crew.task("p"), await crew.task("p"), await crew.task("q")]
    for person, project in ((one, "p"), (two, "p"), (one, "q")):
        await person.claim(project=project)
    first = ok(await live.get("/api/work/leases?limit=2"))
    rest = ok(await live.get(f"/api/work/leases?limit=2&next_token={first['next_token']}"))
    held = first["items"] + rest["items"]
    assert [(h["task_id"], h["email"], h["project"]) for h in held] == [
        (made[0], one.email, "p"), (made[1], two.email, "p"), (made[2], one.email, "q"),
    ]  # fmt: skip
    assert rest["next_token"] is None
    by_member = ok(await live.get(f"/api/work/leases?member={one.email.upper()}&project=p"))["items"]
    assert [h["task_id"] for h in by_member] == [made[0]]
    await crew.lapse(made[0])
    assert len(ok(await live.get("/api/work/leases"))["items"]) == 2
    refused(await one.client.get("/api/work/leases"), 403, "forbidden")
    refused(await live.get("/api/work/leases?next_token=x"), 400, "invalid-request")


async def test_a_lease_that_is_taken_back_is_lost_to_its_holder_who_keeps_the_draft(crew, live):
    await crew.project("p")
    task_id = await crew.task("p")
    one = await crew.person("one", "labeler", "p")
    lease = await one.claim()
    ok(
        await one.client.put(
            f"/api/work/{lease['lease_token']}/draft", json={"base_revision": 0, "body": {"a": 1}}
        )
    )
    held = ok(await live.get("/api/work/leases"))["items"][0]
    ok(await live.post(f"/api/work/leases/{held['id']}/release", json={"reason": "holiday"}))
    refused(await live.post(f"/api/work/leases/{held['id']}/release"), 404, "not-found")
    refused(await live.post("/api/work/leases/x/release"), 404, "not-found")
    refused(await one.send(lease, "submit", response=boxes()), 409, "lease-lost")
    assert await crew.stage(task_id) == "queued"
    assert "taken_back" in await crew.events(task_id)
    assert (await one.claim())["draft"]["body"] == {"a": 1}


async def test_a_reassigned_task_waits_for_one_member_alone(crew, live):
    await crew.project("p")
    task_id = await crew.task("p")
    await crew.task("p", priority=30)
    one, two = [await crew.person(n, "labeler", "p") for n in ("one", "two")]
    lease = await one.claim(task_id=task_id)
    assert lease["slot"] is None
    ok(await live.post(f"/api/tasks/{task_id}/reassign", json={"email": one.email}))
    lease = await one.claim()
    assert lease["task"]["task_id"] == task_id, "before anything more urgent"
    ok(await live.post(f"/api/tasks/{task_id}/reassign", json={"email": two.email}))
    refused(await one.send(lease, "submit", response=boxes()), 409, "lease-lost")
    assert (await one.claim())["task"]["task_id"] != task_id
    assert (await one.claim())["slot"] is None
    assert (await two.claim())["task"]["task_id"] == task_id
    refused(
        await live.post(f"/api/tasks/{task_id}/reassign", json={"email": "x@y.z"}), 400, "invalid-request"
    )
    refused(await live.post(f"/api/tasks/{'0' * 24}/reassign", json={"email": one.email}), 404, "not-found")


async def test_nobody_is_given_a_review_of_their_own_work_or_a_second_answer(crew, live):
    await crew.project("p", overlap=2, review_stages=[{}])
    task_id = await crew.task("p")
    one, two = await crew.person("one", "manager"), await crew.person("two", "labeler", "p")
    await one.label()
    give = f"/api/tasks/{task_id}/reassign"
    refused(await live.post(give, json={"email": one.email}), 400, "invalid-request")
    ok(await live.post(give, json={"email": two.email}))
    await two.label()
    await drain(crew.ctx)
    for author in (one, two):
        refused(await live.post(give, json={"email": author.email}), 400, "invalid-request")
    reviewer = await crew.person("reviewer", "member")
    ok(await live.post(give, json={"email": reviewer.email}))
    assert (await reviewer.review(await reviewer.claim(), "accept"))["status"] == "completed"
    refused(await live.post(give, json={"email": two.email}), 400, "invalid-request")


async def test_a_task_that_several_answer_is_given_to_one_member_once(crew, live):
    await crew.project("p", overlap=2)
    task_id = await crew.task("p")
    one, two = [await crew.person(n, "labeler", "p") for n in ("one", "two")]
    for _ in range(2):
        ok(await live.post(f"/api/tasks/{task_id}/reassign", json={"email": one.email}))
    await one.label()
    await two.label()
    await drain(crew.ctx)
    assert (await crew.read(task_id))["status"] == "completed"


async def test_what_is_reserved_for_somebody_who_has_answered_elsewhere_is_for_everybody_again(crew, live):
    await crew.project("p", overlap=2)
    task_id = await crew.task("p")
    one, two = [await crew.person(n, "labeler", "p") for n in ("one", "two")]
    ok(await live.post(f"/api/tasks/{task_id}/reassign", json={"email": one.email}))
    lease = await one.claim()
    ok(await one.send(lease, "release"))
    other = await one.claim()
    assert other["slot"]["id"] != lease["slot"]["id"]
    await one.submit(other)
    await two.label()
    await drain(crew.ctx)
    assert (await crew.read(task_id))["status"] == "completed"


async def test_a_recalled_task_is_pending_again_tells_its_customer_and_keeps_what_was(crew, live):
    await crew.project("p")
    ok(await live.post("/v1/batches", json={"project": "p", "name": "b"}))
    task_id = await crew.task("p", batch="b")
    one = await crew.person("one", "labeler", "p")
    refused(await live.post(f"/api/tasks/{task_id}/recall"), 400, "invalid-request")
    await one.label()
    await drain(crew.ctx)
    assert ok(await live.get("/v1/batches/b/status"))["status"] == "completed"
    ok(await live.post(f"/api/tasks/{task_id}/recall", json={"reason": "one cow forgotten"}))
    refused(await live.post(f"/api/tasks/{task_id}/recall"), 400, "invalid-request")
    refused(await live.post(f"/api/tasks/{'0' * 24}/recall"), 404, "not-found")
    task = await crew.read(task_id)
    assert task["status"] == "pending"
    assert "response" not in task
    assert "completed_at" not in task
    told = await crew.ctx.db.fetch(
        "select kind, payload ->> 'status' as status, payload ->> 'response' as response from callback_event where task_id = $1 order by id",
        task_id,
    )
    assert [tuple(t)[:2] for t in told] == [("completed", "completed"), ("recalled", "pending")]
    assert told[1]["response"] == "{}"
    await drain(crew.ctx)
    status = ok(await live.get("/v1/batches/b/status"))
    assert (status["status"], status["pending"], status["completed"]) == ("in_progress", 1, 0)
    await assert_counters_are_exact(crew.ctx.db)
    two = await crew.person("second", "labeler", "p")
    assert (await one.claim())["slot"] is None, "somebody else could do it"
    again = await two.claim()
    assert again["previous_response"]["annotations"] == boxes()["annotations"]
    await two.submit(again, boxes(n=2))
    await drain(crew.ctx)
    assert len((await crew.read(task_id))["response"]["annotations"]) == 2
    versions = ok(await live.get(f"/api/tasks/{task_id}/versions"))["items"]
    assert [len(v["response"]["annotations"]) for v in versions] == [1, 2]
    assert ok(await live.get("/v1/batches/b/status"))["status"] == "completed"


async def test_deactivating_a_member_frees_leases_and_reservations_and_keeps_drafts(crew, live):
    await crew.project("p")
    held, kept = await crew.task("p"), await crew.task("p")
    one, two = [await crew.person(n, "labeler", "p") for n in ("one", "two")]
    lease = await one.claim()
    ok(await one.client.put(f"/api/work/{lease['lease_token']}/draft", json={"base_revision": 0, "body": {}}))
    ok(await live.post(f"/api/tasks/{kept}/reassign", json={"email": one.email}))
    async with crew.ctx.db.tx() as tx:
        await tx.execute("update member set role = 'disabled' where id = $1", one.id)
        assert await work.free_leases(tx, one.id) == 1
    assert await crew.stage(held) == "queued"
    assert {(await two.claim())["task"]["task_id"] for _ in range(2)} == {held, kept}
    assert await crew.ctx.db.fetchval("select count(*) from draft") == 1


# ---------------------------------------------------------------------------------------------------------------- bulk


async def _change(live, verb, chosen, **more):
    return await live.post("/api/bulk-changes", json={"verb": verb, "filter": chosen, **more})


async def test_a_bulk_cancel_spares_what_is_begun_unless_told_otherwise(crew, live):
    await crew.project("p")
    begun, fresh = await crew.task("p", priority=30), await crew.task("p")
    await crew.project("q")
    other = await crew.task("q")
    one = await crew.person("one", "labeler", "p")
    lease = await one.claim()
    change = ok(await _change(live, "cancel", {"project": "p"}))
    assert [change[k] for k in ("state", "total", "seen", "changed")] == ["done", 2, 2, 1]
    assert [(await crew.read(t))["status"] for t in (begun, fresh, other)] == [
        "pending",
        "canceled",
        "pending",
    ]
    change = ok(
        await _change(live, "cancel", {"project": "p", "status": ["pending"]}, begun=True, reason="over")
    )
    assert (change["total"], change["changed"]) == (1, 1)
    assert (await crew.read(begun))["status"] == "canceled"
    refused(await one.send(lease, "submit", response=boxes()), 409, "lease-lost")
    await assert_counters_are_exact(crew.ctx.db)
    assert ok(await live.get(f"/api/bulk-changes/{change['id']}")) == change
    assert [c["id"] for c in ok(await live.get("/api/bulk-changes?limit=1"))["items"]] == [change["id"]]
    refused(await live.get(f"/api/bulk-changes/{'0' * 24}"), 404, "not-found")
    refused(await _change(live, "cancel", {}), 400, "invalid-request")
    refused(await _change(live, "prioritize", {"project": "p"}), 400, "invalid-request")
    refused(
        await one.client.post("/api/bulk-changes", json={"verb": "cancel", "filter": {"project": "p"}}),
        403,
        "forbidden",
    )


async def test_many_tasks_are_tagged_and_untagged_at_once_with_five_tags_at_most(crew, live):
    await crew.project("p")
    plain, full = await crew.task("p", tags=["a"]), await crew.task("p", tags=["1", "2", "3", "4", "5"])
    change = ok(await _change(live, "tag", {"project": "p"}, tags=["b", "a"]))
    assert (change["state"], change["total"], change["changed"]) == ("done", 2, 1)
    assert [(await crew.read(t))["tags"] for t in (plain, full)] == [["a", "b"], ["1", "2", "3", "4", "5"]]
    change = ok(await _change(live, "untag", {"tags": ["a", "5"]}, tags=["a", "5"]))
    assert change["changed"] == 2
    assert [(await crew.read(t))["tags"] for t in (plain, full)] == [["b"], ["1", "2", "3", "4"]]
    refused(await _change(live, "tag", {"project": "p"}), 400, "invalid-request")
    change = ok(await _change(live, "prioritize", {"task_ids": [full, "none of ours"]}, priority=27))
    assert (change["total"], change["changed"]) == (1, 1)
    assert [(await crew.read(t))["priority"] == 27 for t in (plain, full)] == [False, True]


async def test_a_large_bulk_change_goes_on_in_the_background_with_progress(crew, live, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 3)
    monkeypatch.setattr(bulk, "_PIECE", 2)
    await crew.project("p")
    made = [await crew.task("p", unique_id=f"u{i}") for i in range(7)]
    change = ok(await _change(live, "prioritize", {"project": "p"}, priority=25))
    assert [change[k] for k in ("state", "total", "seen")] == ["running", 7, 0]
    later = await crew.task("p")
    await drain(crew.ctx)
    change = ok(await live.get(f"/api/bulk-changes/{change['id']}"))
    assert [change[k] for k in ("state", "seen", "changed")] == ["done", 7, 7]
    assert [(await crew.read(t))["priority"] for t in (*made, later)] == [25] * 7 + [10]
    assert await crew.ctx.db.fetchval("select count(*) from slot where priority = 25") == 7
    one = await crew.person("one", "labeler", "p")
    assert (await one.claim())["task"]["task_id"] == made[0]


async def test_one_members_answers_are_recalled_in_one_action(crew, live):
    await crew.project("p")
    mine, theirs = await crew.task("p"), await crew.task("p")
    one, two = [await crew.person(n, "labeler", "p") for n in ("one", "two")]
    await one.label()
    await two.label()
    change = ok(await _change(live, "recall", {"project": "p", "status": ["completed"]}, author=one.email))
    assert (change["total"], change["changed"]) == (2, 1)
    assert [(await crew.read(t))["status"] for t in (mine, theirs)] == ["pending", "completed"]
    await assert_counters_are_exact(crew.ctx.db)


# -------------------------------------------------------------------------------------------------------------- audits


async def _completed(crew, **workflow):
    await crew.project("p", **workflow)
    task_id = await crew.task("p")
    one = await crew.person("one", "labeler", "p")
    await one.label()
    return task_id, one


async def test_a_customers_fix_takes_the_place_of_the_response_which_is_kept(crew, live):
    task_id, _ = await _completed(crew)
    audit = f"/api/tasks/{task_id}/audit"
    refused(await live.post(audit, json={"result": "fixed"}), 400, "invalid-request")
    refused(await live.post(audit, json={"result": "accepted", "response": boxes()}), 400, "invalid-request")
    refused(
        await live.post(audit, json={"result": "fixed", "response": boxes(label="Horse")}),
        400,
        "invalid-response",
    )
    refused(
        await live.post(audit, json={"result": "fixed", "response": boxes(), "version": 7}), 409, "conflict"
    )
    for n, left in ((1, 20), (2, 30)):
        body = {
            "result": "fixed",
            "response": boxes(left=left),
            "version": n,
            "comments": f"fix {n}",
            "seconds": 9,
        }
        task = ok(await live.post(audit, json=body))
        assert task["customer_review_status"] == "fixed"
        assert task["response"]["is_customer_fix"] is True
        assert task["response"]["annotations"] == boxes(left=left)["annotations"]
        assert len(task["prior_responses"]) == n
    assert [r["annotations"] for r in task["prior_responses"]] == [
        boxes(left=n)["annotations"] for n in (5, 20)
    ]
    assert [a["audit_result"] for a in task["audits"]] == ["fixed", "fixed"]
    assert task["audits"][0]["audit_time_secs"] == 9
    assert task["customer_review_comments"] == ["fix 1", "fix 2"]
    origins = [v["origin"] for v in ok(await live.get(f"/api/tasks/{task_id}/versions"))["items"]]
    assert origins == ["labeled", "fixed", "fixed"]
    told = await crew.ctx.db.fetch(
        "select kind, payload::text as body from callback_event where task_id = $1 order by id", task_id
    )
    assert [t["kind"] for t in told] == ["completed", "audited", "audited"]
    assert '"left":30' in told[2]["body"]


async def test_a_comment_is_kept_with_its_pins_and_sends_nothing(crew, live):
    task_id, one = await _completed(crew)
    audit = f"/api/tasks/{task_id}/audit"
    refused(await live.post(audit, json={"result": "commented"}), 400, "invalid-request")
    pin = {"text": "is this a calf?", "annotation_id": boxes()["annotations"][0]["uuid"], "at": [1, 2]}
    task = ok(await live.post(audit, json={"result": "commented", "comments": "nice", "pins": [pin]}))
    assert (task["customer_review_status"], task["customer_review_comments"]) == ("commented", ["nice"])
    kept = ok(await live.get(f"/api/tasks/{task_id}/comments"))["items"]
    assert [{k: c[k] for k in pin} for c in kept] == [pin]
    assert await crew.ctx.db.fetchval("select count(*) from callback_event where task_id = $1", task_id) == 1
    refused(await one.client.post(audit, json={"result": "accepted"}), 403, "forbidden")


async def test_a_rejected_task_is_done_again_where_the_project_says_so(crew, live):
    task_id, _ = await _completed(crew, redo_after_rejection=True)
    task = ok(await live.post(f"/v1/task/{task_id}/audit", json={"accepted": False, "comments": "no"}))
    assert task["status"] == "completed"
    await drain(crew.ctx)
    task = await crew.read(task_id)
    assert (task["status"], len(task["audits"])) == ("pending", 1)
    assert "customer_review_status" not in task, "it was said of an answer that is no more"
    kinds = await crew.ctx.db.fetch("select kind from callback_event where task_id = $1 order by id", task_id)
    assert [k["kind"] for k in kinds] == ["completed", "audited", "recalled"]
    two = await crew.person("second", "labeler", "p")
    await two.label(boxes(n=2))
    queue = ok(await live.get("/api/audits/queue?project=p&sample=1"))["items"]
    assert [q["task_id"] for q in queue] == [task_id], "the new answer has not been audited"
    await assert_counters_are_exact(crew.ctx.db)


async def test_a_rejected_task_stays_as_it_is_where_the_project_does_not(crew, live):
    task_id, _ = await _completed(crew)
    ok(await live.post(f"/v1/task/{task_id}/audit", json={"accepted": False}))
    await drain(crew.ctx)
    assert (await crew.read(task_id))["status"] == "completed"


async def test_the_audit_queue_is_a_sample_by_project_or_batch_without_what_is_audited(crew, live):
    await crew.project("p", audit_sample=0.5)
    ok(await live.post("/v1/batches", json={"project": "p", "name": "b"}))
    one = await crew.person("one", "labeler", "p")
    made = [await crew.task("p", batch="b" if i % 2 else None) for i in range(24)]
    for _ in made:
        await one.label()
    expected = [t for t in reversed(made) if work.chosen(t, "audit", 0.5)]
    assert 0 < len(expected) < 24
    first = ok(await live.get("/api/audits/queue?limit=2"))
    rest = ok(await live.get(f"/api/audits/queue?limit=100&next_token={first['next_token']}"))
    assert [q["task_id"] for q in first["items"] + rest["items"]] == expected
    in_batch = ok(await live.get("/api/audits/queue?batch=b&sample=1"))["items"]
    assert [q["task_id"] for q in in_batch] == [t for t in reversed(made) if made.index(t) % 2]
    ok(await live.post(f"/v1/task/{expected[0]}/audit", json={"accepted": True}))
    left = ok(await live.get("/api/audits/queue?project=p"))["items"]
    assert [q["task_id"] for q in left] == expected[1:]
    assert ok(await live.get("/api/audits/queue?project=none"))["items"] == []


async def test_health_tells_of_reviews_that_nobody_may_do_and_of_dead_letters(crew, live):
    await crew.project("p", review_stages=[{"sample": 1.0}])
    await crew.task("p", callback_url="https://example.com/told")
    staff = [m["email"] for m in ok(await live.get("/v1/teams")) if m["role"] in ("manager", "member")]
    lease = ok(await live.post("/api/work/claim", json={"project": "p"}))
    ok(await live.post(f"/api/work/{lease['lease_token']}/submit", json={"response": boxes()}))
    for email in staff:
        ok(await live.post("/v1/teams/set_role", json={"emails": [email], "team_role": "labeler"}))
    health = ok(await live.get("/api/health"))
    assert health["stuck_reviews"] == [{"project": "p", "waiting": 1}]
    assert health["dead_letters"] == 0
    ok(await live.post("/v1/teams/set_role", json={"emails": staff[:1], "team_role": "member"}))
    assert ok(await live.get("/api/health"))["stuck_reviews"] == []
    await crew.ctx.db.execute(
        "insert into callback_event (space_id, task_id, kind, target, payload, state, created_at) "
        "select space_id, id, 'task', 'https://example.com/told', '{}', 'failed', steelyard.now() from task"
    )
    assert ok(await live.get("/api/health"))["dead_letters"] == 1
