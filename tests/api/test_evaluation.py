"""Evaluation and training tasks among the work: hidden, scored, and what follows from the scores."""

from __future__ import annotations

import itertools
import sys

import pytest

from steelyard.jobs import worker
from steelyard.quality.score import corrected
from steelyard.quality.turns import is_due
from steelyard.work import merge
from tests.api.desk import LABELER, MANAGER, Desk, answer, claim, do, ok, refused, save

BOX = {"type": "box", "label": "Baby Cow", "left": 5, "top": 6, "width": 70, "height": 80}
FAR = {**BOX, "left": 300, "top": 300}
RIGHT, HALF, WRONG = {"annotations": [BOX]}, {"annotations": [BOX, FAR]}, {"annotations": [FAR]}
NAME = "cows"


class QualityDesk(Desk):
    """Also what leads do about quality."""

    async def workflow(self, **settings):
        return ok(await self.live.put(f"/api/projects/{NAME}/workflow", json=settings))

    async def completed(self, response=RIGHT, **more):
        """A task that somebody has completed."""
        task_id = await self.task(project=NAME, **more)
        lease = ok(await claim(self.live, task_id=task_id))
        ok(await do(self.live, lease, "submit", response=response))
        return task_id

    async def known(self, kind, n=1, **more):
        """Quality tasks made from completed tasks; their ids."""
        made = []
        for _ in range(n):
            task_id = await self.completed()
            body = {"kind": kind, **more}
            made.append(ok(await self.live.post(f"/api/tasks/{task_id}/make-quality-task", json=body)))
        return [m["id"] for m in made]

    async def drain(self):
        """Runs the jobs, but those that would go to the network."""
        await self.ctx.db.execute("delete from job where queue in ('attachments', 'callbacks')")
        await worker.drain(self.ctx)

    async def kind(self, lease):
        return await self.ctx.db.fetchval("select kind from slot where id = $1", lease["slot"]["id"])

    async def member(self, email=LABELER):
        page = ok(await self.live.get(f"/api/projects/{NAME}/quality"))
        return next(m for m in page["items"] if m["email"] == email)

    async def scores(self):
        rows = await self.ctx.db.fetch("select score from quality_attempt order by id")
        return [r["score"] for r in rows]


@pytest.fixture
async def desk(ctx, live):
    made = QualityDesk(ctx, live)
    await made.project(NAME)
    await made.assign(NAME)
    return made


@pytest.fixture
def labeler(keys, client_for):
    return client_for(keys.labeler_live)


async def work_through(desk, labeler, n, response=RIGHT, evaluated=None):
    """Claims and answers `n` pieces of work; their kinds. `evaluated`: the answer to evaluation tasks."""
    kinds = []
    for _ in range(n):
        lease = ok(await claim(labeler))
        if lease["slot"] is None:
            break
        kind = await desk.kind(lease)
        given = evaluated if kind == "evaluation" and evaluated is not None else response
        ok(await do(labeler, lease, "submit", response=given))
        kinds.append(kind)
    await desk.drain()
    return kinds


@pytest.mark.parametrize("rate", [0.5, 0.3, 0.1, 0.07])
def test_the_rate_holds_over_any_stretch_and_nobody_can_tell_what_comes_next(rate):
    turns = [[is_due(b"key", member, "p", t, rate) for t in range(1000)] for member in range(5)]
    for due in turns:
        sums = [0, *itertools.accumulate(due)]
        for length in (10, 50, 333):
            for start in range(0, 1000 - length):
                assert abs(sums[start + length] - sums[start] - rate * length) <= 2
    assert len({tuple(t) for t in turns}) == 5
    gaps = {b - a for a, b in itertools.pairwise(i for i, d in enumerate(turns[0]) if d)}
    assert len(gaps) > 1
    assert not any(is_due(b"key", 1, "p", t, 0.0) for t in range(100))


async def test_evaluation_tasks_come_at_the_set_rate_and_look_like_any_other(desk, labeler):
    await desk.known("evaluation", 4)
    await desk.workflow(evaluation_rate=0.25)
    for n in range(20):
        await desk.task(project=NAME, metadata={"frame": n}, unique_id=f"drive-{n:03}", tags=["a"])
    seen = []
    for _ in range(16):
        lease = ok(await claim(labeler))
        kind = await desk.kind(lease)
        ok(await save(labeler, lease, 0, note=1))
        ok(await do(labeler, lease, "heartbeat", active_seconds=3))
        again = ok(await labeler.get(f"/api/work/{lease['lease_token']}"))
        assert again["task"] == lease["task"]
        done = ok(await do(labeler, lease, "submit", response=RIGHT, active_seconds=4))
        assert done["task_id"] == lease["task"]["task_id"]
        seen.append((kind, lease, done))
    assert [k for k, _, _ in seen].count("evaluation") in (3, 4, 5)
    tasks = [lease["task"] for _, lease, _ in seen]
    assert {tuple(t) for t in tasks} == {tuple(tasks[0])}, "the same members in the same order"
    assert len({t["task_id"] for t in tasks}) == len(tasks) == len({t["unique_id"] for t in tasks})
    assert [t["created_at"] for t in tasks] == sorted(t["created_at"] for t in tasks)
    for (_, lease, done), task in zip(seen, tasks, strict=True):
        assert set(lease) == set(seen[0][1])
        assert (lease["stage"], task["status"], task["work_started"]) == ("label", "pending", True)
        assert "expected_response" not in str(lease)
        assert set(done) == set(seen[0][2])
        assert done["status"] == "completed"
        assert len(task["task_id"]) == 24
        assert abs(int(task["task_id"][:8], 16) - int(tasks[0]["task_id"][:8], 16)) < 60
        assert task["unique_id"].startswith("drive-")
        assert task["task_id"][13:17] == tasks[0]["task_id"][13:17], "the part that names the process"
    await desk.drain()
    assert await desk.scores() == pytest.approx([1.0] * len(await desk.scores()))
    hidden = [lease["task"]["task_id"] for kind, lease, _ in seen if kind == "evaluation"]
    assert ok(await desk.live.get("/v1/tasks?limit=100"))["total"] == 24
    for task_id in hidden:
        assert (await desk.live.get(f"/v1/task/{task_id}")).status_code == 404


async def test_nobody_gets_an_evaluation_task_twice_or_one_with_an_answer_of_their_own(desk, labeler):
    own = await desk.task(project=NAME)
    lease = ok(await claim(labeler))
    assert lease["task"]["task_id"] == own
    ok(await do(labeler, lease, "submit", response=RIGHT))
    ok(await desk.live.post(f"/api/tasks/{own}/make-quality-task", json={"kind": "evaluation"}))
    await desk.known("evaluation", 2)
    await desk.workflow(evaluation_rate=0.5)
    for _ in range(14):
        await desk.task(project=NAME)
    kinds = await work_through(desk, labeler, 20)
    assert kinds.count("evaluation") == 2
    assert kinds.count("label") == 14
    listed = ok(await desk.live.get("/api/quality/tasks", params={"kind": "evaluation"}))["items"]
    assert sorted(t["answered"] for t in listed) == [0, 1, 1]


async def test_who_is_below_the_bar_is_paused_and_let_in_again_by_a_lead(desk, labeler):
    await desk.known("evaluation", 8)
    await desk.workflow(evaluation_rate=0.5, evaluation_min=3, evaluation_bar=0.7)
    for _ in range(30):
        await desk.task(project=NAME)
    await work_through(desk, labeler, 6, evaluated=WRONG)
    while (await desk.member())["evaluations"] < 3:
        assert await work_through(desk, labeler, 1, evaluated=WRONG)
    member = await desk.member()
    assert (member["state"], member["evaluation_score"], member["evaluations"]) == ("paused", 0, 3)
    assert "mean 0.00 of the last 3, below 0.7" in member["reason"]
    nothing = ok(await claim(labeler))
    assert (nothing["slot"], nothing["nothing"]) == (None, "paused")
    [set_up, *_] = ok(await desk.live.get("/api/audit-log", params={"action": "project.workflow"}))["items"]
    told = [set_up["detail"][when] for when in ("before", "settings")]
    assert [(one["evaluation_rate"], one["evaluation_min"]) for one in told] == [(0, 5), (0.5, 3)]
    acts = await desk.ctx.db.fetch("select actor, detail from audit_log where action = 'member.paused'")
    assert [a["actor"] for a in acts] == ["steelyard"]
    assert LABELER in acts[0]["detail"]

    back = ok(await desk.live.post(f"/api/projects/{NAME}/members/{member['id']}/unpause"))
    assert (back["state"], back["recent_evaluations"], back["evaluations"]) == ("active", 0, 3)
    await desk.ctx.db.execute("update quality_attempt set created_at = created_at - interval '1 second'")
    kinds = await work_through(desk, labeler, 6)
    assert "evaluation" in kinds
    assert (await desk.member())["state"] == "active"
    refused(await labeler.post(f"/api/projects/{NAME}/members/{member['id']}/unpause"), 403, "forbidden")


async def test_good_contributors_go_on(desk, labeler):
    await desk.known("evaluation", 6)
    await desk.workflow(evaluation_rate=0.5, evaluation_min=2)
    for _ in range(12):
        await desk.task(project=NAME)
    await work_through(desk, labeler, 12, response=answer(), evaluated=RIGHT)
    member = await desk.member()
    assert member["state"] == "active"
    assert member["evaluation_score"] == 1
    assert member["evaluations"] >= 4


async def test_training_comes_before_production_and_shows_the_right_answer(desk, labeler):
    await desk.known("training", 2)
    await desk.workflow(training_required=2)
    task_id = await desk.task(project=NAME)
    assert (await desk.member())["state"] == "training"

    lease = ok(await claim(labeler))
    assert (lease["stage"], await desk.kind(lease)) == ("training", "training")
    refused(await labeler.get(f"/api/work/{lease['lease_token']}/feedback"), 404, "not-found")
    refused(await do(labeler, lease, "submit", response={"annotations": [{}]}), 400, "invalid-response")
    ok(await do(labeler, lease, "submit", response=WRONG))
    told = ok(await labeler.get(f"/api/work/{lease['lease_token']}/feedback"))
    assert (told["score"], told["passed"]) == (0, False)
    shown = told["expected_response"]["annotations"][0]
    assert {k: shown[k] for k in BOX} == BOX
    assert told["response"]["annotations"][0]["left"] == 300

    kinds = await work_through(desk, labeler, 2)
    assert kinds == ["training", "training"]
    assert (await desk.member())["trainings_passed"] == 2
    lease = ok(await claim(labeler))
    assert (lease["stage"], lease["task"]["task_id"]) == ("label", task_id)
    assert (await desk.member())["state"] == "active"
    assert ok(await labeler.get("/api/figures/me"))["trainings"] == 3


async def test_without_training_tasks_a_trainee_is_told_so_and_a_lowered_bar_lets_in(desk, labeler):
    await desk.workflow(training_required=1)
    await desk.task(project=NAME)
    nothing = ok(await claim(labeler))
    assert (nothing["slot"], nothing["nothing"]) == (None, "training")
    await desk.workflow(training_required=0)
    assert ok(await claim(labeler))["stage"] == "label"


async def test_leads_are_not_tested(desk, live):
    await desk.known("evaluation", 2)
    await desk.workflow(evaluation_rate=0.5, training_required=3)
    for _ in range(6):
        await desk.task(project=NAME)
    for _ in range(6):
        lease = ok(await claim(live))
        assert await desk.kind(lease) == "label"
        ok(await do(live, lease, "submit", response=RIGHT))


@pytest.mark.parametrize(
    ("given", "score"),
    [
        pytest.param(RIGHT, 1.0, id="put-right"),
        pytest.param(HALF, 0.0, id="left-as-it-was"),
    ],
)
async def test_an_initial_response_is_shown_as_the_hypothesis_and_its_correction_is_scored(
    desk, labeler, given, score
):
    await desk.known("evaluation", 1, initial_response=HALF)
    await desk.workflow(evaluation_rate=0.5)
    for _ in range(6):
        await desk.task(project=NAME)
    found = None
    for _ in range(6):
        lease = ok(await claim(labeler))
        if await desk.kind(lease) == "evaluation":
            found = lease["task"]["params"]["hypothesis"]
        ok(await do(labeler, lease, "submit", response=given))
    assert found == HALF
    await desk.drain()
    assert await desk.scores() == [pytest.approx(score)]


@pytest.mark.parametrize(
    ("before", "after", "score"),
    [(0.5, 1.0, 1.0), (0.5, 0.75, 0.5), (0.9, 0.9, 0.0), (0.9, 0.2, 0.0), (1.0, 1.0, 1.0), (1.0, 0.95, 0.0)],
)
def test_a_correction_is_worth_what_it_puts_right(before, after, score):
    assert corrected(before, after) == pytest.approx(score)


async def test_what_was_skipped_or_released_stays_with_its_member_and_a_repeat_is_harmless(desk, labeler):
    await desk.known("evaluation", 1)
    await desk.workflow(evaluation_rate=0.5)
    for _ in range(6):
        await desk.task(project=NAME)
    lease = ok(await claim(labeler))
    while await desk.kind(lease) != "evaluation":
        ok(await do(labeler, lease, "submit", response=RIGHT))
        lease = ok(await claim(labeler))
    held = ok(await labeler.get("/api/work"))["leases"]
    assert [h["task_id"] for h in held] == [lease["task"]["task_id"]]
    ok(await do(labeler, lease, "skip", reason="too dark"))
    refused(await do(labeler, lease, "submit", response=RIGHT), 409, "lease-lost")
    kinds = []
    last = None
    while (lease := ok(await claim(labeler)))["slot"] is not None:
        kinds.append(await desk.kind(lease))
        ok(await do(labeler, lease, "submit", response=RIGHT))
        again = ok(await do(labeler, lease, "submit", response=RIGHT))
        assert again["repeated"] is True
        last = lease
    assert kinds.count("evaluation") == 1
    refused(await do(labeler, last, "submit", response=WRONG), 409, "conflict")
    await desk.drain()
    assert len(await desk.scores()) == 1


async def test_an_evaluation_task_that_was_given_back_keeps_nobody_from_a_second_review(
    desk, labeler, keys, client_for, monkeypatch
):
    monkeypatch.setattr(sys.modules["steelyard.quality.offer"], "is_due", lambda *_: True)
    reviewer = client_for(keys.manager_live)
    await desk.assign(NAME, emails=(MANAGER,))
    await desk.known("evaluation", 1)
    await desk.ctx.db.execute("update member set role = 'member' where email = $1", MANAGER)
    task_id = await desk.task(project=NAME)
    await desk.workflow(review_stages=[{}])
    ok(await do(labeler, ok(await claim(labeler)), "submit", response=WRONG))
    remark = {"text": "Look again."}
    review = ok(await claim(reviewer))
    ok(await do(reviewer, review, "review", verdict="send_back", comments=[remark]))
    ok(await do(labeler, ok(await claim(labeler)), "submit", response=RIGHT))
    await desk.workflow(review_stages=[{}], evaluation_rate=0.5)
    other = await desk.task(project=NAME)
    lease = ok(await claim(reviewer))
    assert lease["task"]["task_id"] == other
    ok(await do(reviewer, lease, "release"))
    ok(await claim(desk.live, task_id=other))
    lease = ok(await claim(reviewer))
    assert await desk.kind(lease) == "evaluation"
    ok(await do(reviewer, lease, "release"))
    lease = ok(await claim(reviewer))
    assert (lease["stage"], lease["task"]["task_id"]) == ("review", task_id)
    ok(await do(reviewer, lease, "review", verdict="accept"))
    assert await desk.kind(ok(await claim(reviewer))) == "evaluation", "it still waits for its member"


async def test_quality_tasks_are_made_from_completed_tasks_only_and_can_be_taken_out_of_use(desk, labeler):
    pending = await desk.task(project=NAME)
    loose = await desk.task()
    path = "/api/tasks/{}/make-quality-task"
    refused(await desk.live.post(path.format(pending), json={"kind": "training"}), 400, "invalid-request")
    refused(await desk.live.post(path.format("f" * 24), json={"kind": "training"}), 404, "not-found")
    lease = ok(await claim(desk.live, task_id=loose))
    ok(await do(desk.live, lease, "submit", response=RIGHT))
    refused(await desk.live.post(path.format(loose), json={"kind": "training"}), 400, "invalid-request")
    done = await desk.completed()
    wrong = {"kind": "evaluation", "expected_response": {"annotations": [{**BOX, "label": 7}]}}
    refused(await desk.live.post(path.format(done), json=wrong), 400, "invalid-params")
    refused(await labeler.post(path.format(done), json={"kind": "evaluation"}), 403, "forbidden")
    made = ok(
        await desk.live.post(path.format(done), json={"kind": "evaluation", "expected_response": WRONG})
    )
    assert made["source_task_id"] == done
    assert (made["state"], made["answered"], made["mean_score"]) == ("ready", 0, None)
    assert ok(await desk.live.get("/api/quality/tasks"))["items"] == [made]
    gone = ok(await desk.live.post(f"/api/quality/tasks/{made['id']}/archive", json={}))
    assert gone["archived_at"] is not None
    assert ok(await desk.live.get("/api/quality/tasks", params={"archived": "false"}))["items"] == []
    await desk.workflow(evaluation_rate=0.5)
    for _ in range(6):
        await desk.task(project=NAME)
    assert set(await work_through(desk, labeler, 6)) == {"label"}


async def test_quality_tasks_are_listed_in_pages(desk):
    ids = await desk.known("evaluation", 3)
    first = ok(await desk.live.get("/api/quality/tasks", params={"limit": 2}))
    rest = ok(
        await desk.live.get("/api/quality/tasks", params={"limit": 2, "next_token": first["next_token"]})
    )
    assert [t["id"] for t in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_token"] is None
    refused(await desk.live.get("/api/quality/tasks", params={"next_token": "x"}), 400, "invalid-request")


async def test_the_recent_work_of_a_contributor_goes_back_in_one_act(desk, labeler, live, keys, client_for):
    manager = client_for(keys.manager_live)
    await desk.assign(NAME, emails=(LABELER, "manager@main.example"))

    async def label(who, task_id, response=WRONG):
        lease = ok(await claim(who))
        assert lease["task"]["task_id"] == task_id
        ok(await do(who, lease, "submit", response=response))

    early, done, audited = [await desk.task(project=NAME) for _ in range(3)]
    await label(labeler, early)
    since = await desk.ctx.db.fetchval("select (ended_at + interval '1 ms')::text from attempt")
    await label(labeler, done)
    await label(labeler, audited)
    ok(await live.post(f"/v1/task/{audited}/audit", json={"accepted": True}))
    theirs = await desk.task(project=NAME)
    await label(manager, theirs, RIGHT)
    await desk.workflow(review_stages=[{}])
    in_review = await desk.task(project=NAME)
    await label(labeler, in_review)
    review = ok(await claim(live, task_id=in_review))
    assert review["stage"] == "review"
    await desk.workflow(overlap=2)
    awaited = await desk.task(project=NAME)
    await label(labeler, awaited)

    member = await desk.member()
    path = f"/api/projects/{NAME}/members/{member['id']}/requeue-work"
    ok(await live.post(f"/api/projects/{NAME}/members/{member['id']}/pause", json={"reason": "noise"}))
    refused(await labeler.post(path, json={"since": since}), 403, "forbidden")
    refused(await live.post(path, json={"since": "soon"}), 400, "invalid-request")
    assert ok(await live.post(path, json={"since": since})) == {"tasks": 3}
    assert ok(await live.post(path, json={"since": since})) == {"tasks": 0}
    stages = {t: await desk.stage(t) for t in (early, done, audited, theirs, in_review, awaited)}
    assert [t for t, s in stages.items() if s == "completed"] == [early, audited, theirs]
    assert {stages[t] for t in (done, in_review, awaited)} == {"queued"}
    assert (await desk.read(done))["status"] == "pending"
    lost = await do(live, review, "review", verdict="accept")
    assert lost.status_code == 409
    await desk.workflow(overlap=1)
    redone = set()
    for who in (manager, live):
        while (lease := ok(await claim(who)))["slot"] is not None:
            redone.add(lease["task"]["task_id"])
            ok(await do(who, lease, "submit", response=RIGHT))
    await desk.drain()
    assert redone == {done, in_review, awaited}
    assert {await desk.stage(t) for t in redone} == {"completed"}
    for task_id in redone:
        assert (await desk.read(task_id))["response"]["annotations"][0]["left"] == BOX["left"]
    kinds = [k for k, _ in await desk.timeline(done)]
    assert "requeued" in kinds


async def test_an_answer_that_is_withdrawn_while_answers_are_compared_does_not_count(
    desk, labeler, live, keys, client_for, monkeypatch
):
    manager = client_for(keys.manager_live)
    await desk.assign(NAME, emails=(LABELER, MANAGER))
    await desk.workflow(overlap=2)
    task_id = await desk.task(project=NAME)
    for who, response in ((labeler, WRONG), (manager, RIGHT)):
        ok(await do(who, ok(await claim(who)), "submit", response=response))
    member = await desk.member()
    comparing = merge.compare

    async def withdrawn_meanwhile(*args):
        monkeypatch.setattr(merge, "compare", comparing)
        path = f"/api/projects/{NAME}/members/{member['id']}/requeue-work"
        assert ok(await live.post(path, json={"since": "2020-01-01T00:00:00Z"})) == {"tasks": 1}
        return await comparing(*args)

    monkeypatch.setattr(merge, "compare", withdrawn_meanwhile)
    await desk.drain()
    assert merge.compare is comparing, "it was compared"
    assert await desk.stage(task_id) == "queued"
    ok(await do(live, ok(await claim(live)), "submit", response=RIGHT))
    await desk.drain()
    assert (await desk.read(task_id))["response"]["annotations"][0]["left"] == BOX["left"]
    (pair,) = ok(await live.get(f"/api/tasks/{task_id}/answers"))["agreements"]
    assert pair["score"] == 1
