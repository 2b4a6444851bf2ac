"""The pipeline of a project: several answers, review, sending back, skipping, caps."""

from __future__ import annotations

import asyncio

import pytest

from steelyard.jobs import queries as jobs
from steelyard.jobs.worker import drain
from steelyard.work import Workflow, chosen
from steelyard.work.pipeline import next_stage
from steelyard.work.workflow import ReviewStage
from tests.api.crew import Crew, boxes, ok, refused


@pytest.fixture
def crew(ctx, live, client_for):
    return Crew(ctx, live, client_for)


# ----------------------------------------------------------------------------------------------------------- workflow


async def test_a_project_has_the_defaults_until_its_workflow_is_set_and_what_is_not_given_is_default(
    crew, live
):
    ok(await live.post("/v1/projects", json={"type": "imageannotation", "name": "p"}))
    assert ok(await live.get("/api/projects/p/workflow"))["overlap"] == 1
    given = ok(
        await live.put("/api/projects/p/workflow", json={"overlap": 3, "review_stages": [{"sample": 0.5}]})
    )
    assert (given["overlap"], given["review_stages"], given["lease_seconds"]) == (3, [{"sample": 0.5}], 600)
    assert ok(await live.get("/api/projects/p/workflow")) == given
    refused(await live.get("/api/projects/none/workflow"), 404, "not-found")


@pytest.mark.parametrize(
    "body",
    [
        {"overlap": 0},
        {"overlap": 10},
        {"lease_seconds": 5},
        {"review_stages": [{"sample": 2}]},
        {"daily_cap": 0},
        [],
    ],
)
async def test_a_workflow_out_of_range_is_refused(crew, live, body):
    ok(await live.post("/v1/projects", json={"type": "imageannotation", "name": "p"}))
    refused(await live.put("/api/projects/p/workflow", json=body), 400, "invalid-request")


async def test_labelers_and_reviewers_may_not_see_or_set_a_workflow(crew):
    await crew.project("p")
    for role in ("labeler", "member"):
        somebody = await crew.person(f"a-{role}", role, "p")
        refused(await somebody.client.get("/api/projects/p/workflow"), 403, "forbidden")
        refused(await somebody.client.put("/api/projects/p/workflow", json={}), 403, "forbidden")


async def test_leases_last_as_long_as_the_project_says(crew):
    await crew.project("p", lease_seconds=60)
    task_id = await crew.task("p")
    one = await crew.person("one", "labeler", "p")
    lease = await one.claim()
    assert lease["workflow"] == {"lease_seconds": 60}
    left = "select extract(epoch from lease_expires_at - steelyard.now()) from slot where task_id = $1"
    assert 55 < await crew.ctx.db.fetchval(left, task_id) <= 60
    ok(await one.send(lease, "heartbeat"))
    assert 55 < await crew.ctx.db.fetchval(left, task_id) <= 60


# ------------------------------------------------------------------------------------------------------------ overlap


async def test_of_three_answers_the_one_nearest_to_the_others_wins_and_nobody_sees_the_others(crew):
    await crew.project("p", overlap=3)
    task_id = await crew.task("p")
    people = [await crew.person(f"l{i}", "labeler", "p") for i in range(4)]
    leases = [await person.claim() for person in people]
    assert leases[3]["slot"] is None, "three people are enough"
    assert (await people[0].claim())["slot"] is None, "nobody gets two slots of a task"
    for i, (person, lease) in enumerate(zip(people, leases[:3], strict=False)):
        assert lease["slot"]["number"] == 0
        assert lease["task"]["task_id"] == task_id
        assert lease["previous_response"] is None
        done = await person.submit(lease, boxes(left=[5, 18, 33][i]))
        assert done["status"] == "pending"
        assert "response" not in await crew.read(task_id)
        assert (await person.claim())["slot"] is None
    await drain(crew.ctx)
    task = await crew.read(task_id)
    assert task["status"] == "completed"
    assert task["response"]["annotations"] == boxes(left=18)["annotations"]
    found = ok(await crew.live.get(f"/api/tasks/{task_id}/answers"))
    assert len(found["agreements"]) == 3
    scores = {(g["attempt_a"], g["attempt_b"]): g["score"] for g in found["agreements"]}
    ids = [a["id"] for a in found["items"]]
    assert scores[ids[0], ids[1]] > scores[ids[1], ids[2]] >= scores[ids[0], ids[2]]
    versions = ok(await crew.live.get(f"/api/tasks/{task_id}/versions"))["items"]
    assert [(v["origin"], v["author"]) for v in versions] == [("merged", people[1].email)]
    assert await crew.ctx.db.fetchval("select count(*) from callback_event where task_id = $1", task_id) == 1


async def test_the_last_answers_given_at_once_complete_the_task_once(crew):
    await crew.project("p", overlap=9)
    task_id = await crew.task("p")
    people = [await crew.person(f"l{i}", "labeler", "p") for i in range(9)]
    leases = [await person.claim() for person in people]
    await asyncio.gather(*(p.submit(lease) for p, lease in zip(people, leases, strict=True)))
    await drain(crew.ctx)
    assert (await crew.read(task_id))["status"] == "completed"
    assert (
        await crew.ctx.db.fetchval("select count(*) from response_version where task_id = $1", task_id) == 1
    )
    assert (
        await crew.ctx.db.fetchval("select count(*) from answer_agreement where task_id = $1", task_id) == 36
    )


async def test_two_windows_of_one_person_never_get_two_slots_of_one_task(crew):
    await crew.project("p", overlap=9)
    for _ in range(3):
        await crew.task("p")
    one = await crew.person("one", "labeler", "p")
    leases = await asyncio.gather(*(one.claim() for _ in range(12)))
    got = [lease["task"]["task_id"] for lease in leases if lease["slot"]]
    assert len(got) == len(set(got)) == 3


async def test_a_released_slot_of_several_does_not_hide_that_others_work(crew):
    await crew.project("p", overlap=2)
    task_id = await crew.task("p")
    one, two = [await crew.person(n, "labeler", "p") for n in ("one", "two")]
    held, given = await one.claim(), await two.claim()
    ok(await two.send(given, "release"))
    assert await crew.stage(task_id) == "labeling"
    ok(await one.send(held, "release"))
    assert await crew.stage(task_id) == "queued"


async def test_answers_that_the_metric_fails_on_do_not_strand_the_task(crew, monkeypatch):
    await crew.project("p", overlap=2)
    task_id = await crew.task("p")
    for name in ("one", "two"):
        await (await crew.person(name, "labeler", "p")).label()
    broken = '{"annotations":[{"type":"box"}]}'
    await crew.ctx.db.execute(
        "update attempt set answer = $1::json where task_id = $2 and id = (select max(id) from attempt)",
        broken,
        task_id,
    )
    await drain(crew.ctx)
    assert (await crew.read(task_id))["status"] == "completed"
    agreement = ok(await crew.live.get(f"/api/tasks/{task_id}/answers"))["agreements"][0]
    assert 0 <= agreement["score"] <= 1


# ------------------------------------------------------------------------------------------------------------- review


async def _reviewed(crew, stages=1, **more):
    await crew.project("p", review_stages=[{"sample": 1}] * stages, **more)
    task_id = await crew.task("p")
    labeler = await crew.person("labels", "labeler", "p")
    reviewers = [await crew.person(f"reviews{i}", "member") for i in range(stages + 1)]
    return task_id, labeler, reviewers


async def test_an_answer_is_final_when_its_reviewer_accepts_it(crew):
    task_id, labeler, (reviewer, _) = await _reviewed(crew)
    assert (await labeler.label())["status"] == "pending"
    assert await crew.stage(task_id) == "review_queued"
    assert "response" not in await crew.read(task_id)
    assert (await labeler.claim())["slot"] is None, "labelers do not review"
    lease = await reviewer.claim()
    assert await crew.stage(task_id) == "reviewing"
    assert (lease["stage"], lease["slot"]["step"]) == ("review", 1)
    assert lease["review"]["response"]["annotations"] == boxes()["annotations"]
    assert (lease["review"]["version"], lease["review"]["origin"], lease["review"]["answers"]) == (
        1,
        "labeled",
        [],
    )
    refused(await reviewer.send(lease, "submit", response=boxes()), 400, "invalid-request")
    done = await reviewer.review(lease, "accept", active_seconds=7)
    assert done == {"task_id": task_id, "status": "completed", "repeated": False}
    assert (await reviewer.review(lease, "accept"))["repeated"] is True
    refused(
        await reviewer.send(lease, "review", verdict="send_back", comments=[{"text": "x"}]), 409, "conflict"
    )
    task = await crew.read(task_id)
    assert (task["status"], task["response"]["annotations"]) == ("completed", boxes()["annotations"])
    kinds = await crew.events(task_id)
    assert [k for k in kinds if k in ("claimed", "labeled", "reviewed", "completed")] == [
        *("claimed", "labeled", "claimed", "reviewed", "completed")
    ]


async def test_a_reviewers_fix_is_a_version_of_its_own_with_its_difference(crew):
    task_id, labeler, (reviewer, _) = await _reviewed(crew)
    await labeler.label(boxes(n=2))
    lease = await reviewer.claim()
    refused(await reviewer.send(lease, "review", verdict="fix"), 400, "invalid-request")
    wrong = await reviewer.send(lease, "review", verdict="fix", response=boxes(label="Horse"))
    refused(wrong, 400, "invalid-response")
    fixed = {"annotations": [{**boxes()["annotations"][0], "left": 9}]}
    await reviewer.review(lease, "fix", response=fixed)
    assert (await crew.read(task_id))["response"]["annotations"] == fixed["annotations"]
    first, second = ok(await crew.live.get(f"/api/tasks/{task_id}/versions"))["items"]
    assert (first["origin"], first["author"], first["difference"]) == ("labeled", labeler.email, None)
    assert (second["origin"], second["author"], second["base_version"]) == ("reviewed", reviewer.email, 1)
    ids = [f"00000000-0000-4000-8000-{i:012d}" for i in range(2)]
    assert second["difference"] == {"annotations": {"added": [], "removed": [ids[1]], "changed": [ids[0]]}}


async def test_what_is_sent_back_waits_for_its_author_with_the_remarks_and_returns_to_the_same_stage(crew):
    task_id, labeler, (first, second, _) = await _reviewed(crew, stages=2)
    other = await crew.person("other", "labeler", "p")
    await labeler.label()
    await first.review(await first.claim(), "accept")
    lease = await second.claim()
    assert lease["slot"]["step"] == 2
    refused(await second.send(lease, "review", verdict="send_back"), 400, "invalid-request")
    remark = {"text": "Too wide.", "annotation_id": boxes()["annotations"][0]["uuid"], "at": {"x": 5.5}}
    await second.review(lease, "send_back", comments=[remark])
    assert await crew.stage(task_id) == "queued"
    assert (await other.claim())["slot"] is None, "kept for its author"
    again = await labeler.claim()
    assert again["stage"] == "label"
    assert again["previous_response"]["annotations"] == boxes()["annotations"]
    assert [{k: c[k] for k in remark} for c in again["comments"]] == [remark]
    await labeler.submit(again, boxes(left=20))
    back = await second.claim()
    assert back["slot"]["step"] == 2, "the first stage does not see it again"
    assert back["review"]["version"] == 2
    assert lease["review"]["previous_response"] is None
    assert back["review"]["previous_response"]["annotations"] == boxes()["annotations"]
    assert [c["text"] for c in back["review"]["comments"]] == ["Too wide."]
    assert (await second.review(back, "accept"))["status"] == "completed"
    assert (await crew.read(task_id))["response"]["annotations"] == boxes(left=20)["annotations"]
    assert all(c["resolved_at"] for c in ok(await crew.live.get(f"/api/tasks/{task_id}/comments"))["items"])


async def test_work_that_its_author_leaves_alone_is_offered_to_others_after_a_day(crew):
    task_id, labeler, (reviewer, _) = await _reviewed(crew)
    other = await crew.person("other", "labeler", "p")
    await labeler.label()
    await reviewer.review(await reviewer.claim(), "send_back", comments=[{"text": "again"}])
    await jobs.tidy_reservations(crew.ctx.db)
    assert (await other.claim())["slot"] is None
    await crew.ctx.db.execute(
        "update slot set only_until = steelyard.now() where task_id = $1 and done_at is null", task_id
    )
    await jobs.tidy_reservations(crew.ctx.db)
    lease = await other.claim()
    assert lease["task"]["task_id"] == task_id
    assert lease["comments"][0]["text"] == "again"
    assert lease["previous_response"]["annotations"] == boxes()["annotations"]


async def test_nobody_reviews_their_own_work_not_even_their_own_fix(crew):
    await crew.project("p", review_stages=[{"sample": 1}, {"sample": 1}])
    task_id = await crew.task("p")
    one, two, three = [await crew.person(n, "manager") for n in ("one", "two", "three")]
    await one.label()
    assert (await one.claim())["slot"] is None
    assert (await one.claim(task_id=task_id))["slot"] is None
    await two.review(await two.claim(), "fix", response=boxes(left=9))
    for author in (one, two):
        assert (await author.claim())["slot"] is None
    assert (await three.review(await three.claim(), "accept"))["status"] == "completed"


async def test_reviewers_see_all_answers_without_names_where_several_people_gave_one(crew):
    await crew.project("p", overlap=2, review_stages=[{"sample": 1}])
    await crew.task("p")
    for name, left in (("one", 5), ("two", 9)):
        await (await crew.person(name, "labeler", "p")).label(boxes(left=left))
    await drain(crew.ctx)
    reviewer = await crew.person("reviews", "member")
    lease = await reviewer.claim()
    answers = lease["review"]["answers"]
    assert [a["label"] for a in answers] == ["A", "B"]
    assert [a["response"]["annotations"][0]["left"] for a in answers] == [5, 9]
    assert lease["review"]["origin"] == "merged"
    assert "one@" not in str(lease)
    assert "two@" not in str(lease)


async def test_a_sampled_stage_reviews_its_share_and_the_same_tasks_always(crew):
    workflow = Workflow(review_stages=[ReviewStage(sample=0.25), ReviewStage(sample=0.5)])
    ids = [f"{i:024x}" for i in range(4000)]
    first = [next_stage(workflow, i, 0) for i in ids]
    assert first == [next_stage(workflow, i, 0) for i in ids]
    assert 0.2 < first.count(1) / len(ids) < 0.3
    assert 0.32 < first.count(2) / len(ids) < 0.43  # half of those that the first stage lets through
    assert all(next_stage(workflow, i, 0, forced=2) in (1, 2) for i in ids)
    in_sql = "select array_agg(steelyard.chosen(i, 'review:1', 0.25) order by n) from unnest($1::text[]) with ordinality as t (i, n)"
    assert await crew.ctx.db.fetchval(in_sql, ids) == [chosen(i, "review:1", 0.25) for i in ids]


async def test_a_late_verdict_finds_the_lease_lost_and_the_review_is_offered_to_others(crew):
    task_id, labeler, (reviewer, other) = await _reviewed(crew)
    await labeler.label()
    lease = await reviewer.claim()
    await crew.lapse(task_id)
    refused(await reviewer.send(lease, "review", verdict="accept"), 409, "lease-lost")
    await other.review(await other.claim(), "accept")
    assert (await crew.read(task_id))["status"] == "completed"
    assert await crew.ctx.db.fetchval("select count(*) from attempt where verdict is not null") == 1


# ------------------------------------------------------------------------------------------------------ skips and caps


async def test_skipped_work_goes_behind_the_rest_and_after_some_skips_to_reviewers_only(crew):
    await crew.project("p", skip_limit=2)
    first, second = await crew.task("p"), await crew.task("p")
    one, two, three = [await crew.person(n, "labeler", "p") for n in ("one", "two", "three")]
    lease = await one.claim()
    assert lease["task"]["task_id"] == first
    refused(await one.send(lease, "skip", reason=" "), 400, "invalid-request")
    refused(await one.send(lease, "skip"), 400, "invalid-request")
    await one.skip(lease)
    await one.skip(lease)  # repeating is harmless
    assert await crew.stage(first) == "queued"
    assert (await two.claim())["task"]["task_id"] == second
    lease = await three.claim()
    assert lease["task"]["task_id"] == first
    await three.skip(lease, "too dark")
    assert (await one.claim())["slot"] is None
    listed = ok(await crew.live.get("/api/work/escalated"))["items"]
    assert [(e["task_id"], e["skips"], e["reasons"]) for e in listed] == [
        (first, 2, ["too dark", "too blurred"])
    ]
    assert ok(await crew.live.get("/api/work/escalated?project=p"))["items"] == listed
    assert ok(await crew.live.get("/api/work/escalated?project=q"))["items"] == []
    lead = await crew.person("lead", "member")
    assert (await lead.claim())["task"]["task_id"] == first
    assert [k for k in await crew.events(first) if k == "skipped"] == ["skipped", "skipped"]


async def test_somebody_who_gave_back_all_of_the_first_ones_still_gets_what_lies_behind(crew):
    await crew.project("p", open_cap=100)
    front = [await crew.task("p", priority=30) for _ in range(10)]
    behind = await crew.task("p", priority=10)
    one = await crew.person("one", "labeler", "p")
    for _ in front:
        lease = await one.claim()
        ok(await one.send(lease, "release"))
    assert (await one.claim())["task"]["task_id"] == behind


async def test_nobody_holds_or_does_more_than_the_project_allows(crew):
    await crew.project("p", open_cap=2, daily_cap=3)
    await crew.project("q")
    for _ in range(5):
        await crew.task("p")
    one = await crew.person("one", "labeler", "p", "q")
    first, second = await one.claim(), await one.claim()
    refused(await one.client.post("/api/work/claim", json={}), 409, "conflict")
    elsewhere = await crew.task("q")
    assert (await one.claim())["task"]["task_id"] == elsewhere, "the cap is the project's"
    await one.submit(first)
    await one.submit(second)
    await one.label(project="p")
    nothing = await one.claim(project="p")
    assert (nothing["slot"], nothing["nothing"]) == (None, "daily-cap")
    await crew.ctx.db.execute("update attempt set ended_at = ended_at - interval '25 hours'")
    assert (await one.claim(project="p"))["slot"] is not None


async def test_simultaneous_claims_of_one_person_keep_to_the_cap(crew):
    await crew.project("p", open_cap=3)
    for _ in range(10):
        await crew.task("p")
    one = await crew.person("one", "labeler", "p")
    answers = await asyncio.gather(*(one.client.post("/api/work/claim", json={}) for _ in range(10)))
    assert sorted(a.status_code for a in answers) == [200] * 3 + [409] * 7


async def test_who_is_paused_gets_nothing_and_who_is_training_no_production_work(crew):
    for name, needed in (("p", 0), ("q", 1)):
        await crew.project(name, training_required=needed)
        await crew.task(name)
    one = await crew.person("one", "labeler", "p", "q")
    state = (
        "insert into member_project_state (space_id, member_id, project_id, state)"
        " select space_id, $1, id, $2 from project where name = $3"
        " on conflict (space_id, member_id, project_id) do update set state = excluded.state"
    )
    for value, name in (("paused", "p"), ("training", "q")):
        await crew.ctx.db.execute(state, one.id, value, name)
        nothing = await one.claim(project=name)
        assert (nothing["slot"], nothing["nothing"]) == (None, value)
    await crew.ctx.db.execute(state, one.id, "active", "p")
    assert (await one.claim(project="p"))["slot"] is not None
