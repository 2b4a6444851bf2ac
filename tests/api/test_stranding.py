"""Work must not wait for somebody who is not there: reviewers do not label what nobody else could review, and what is done again goes to
others first."""

from __future__ import annotations

import asyncio

import pytest

from steelyard.ops import doctor
from tests.api.crew import Crew, boxes, ok


@pytest.fixture
async def crew(ctx, live, client_for):
    made = Crew(ctx, live, client_for)
    # The template's manager reviews like anybody; here it is told who there is.
    await ctx.db.execute("update member set role = 'disabled' where email = 'manager@main.example'")
    return made


async def stranded(crew):
    return ok(await crew.live.get("/api/work/stranded"))["items"]


async def test_a_reviewer_labels_only_what_somebody_else_can_review(crew, live):
    await crew.project("cows", review_stages=[{}])
    task_id = await crew.task("cows")
    alone = ok(await live.post("/api/work/claim", json={}))
    assert (alone["slot"], alone["nothing"]) == (None, "only-reviewer")
    rita = await crew.person("rita", "member")
    mine = await rita.claim()
    assert mine["task"]["task_id"] == task_id, "the admin can review it"
    await rita.submit(mine)
    assert ok(await live.post("/api/work/claim", json={}))["stage"] == "review"
    assert await stranded(crew) == []


async def test_with_several_stages_and_people_enough_reviewers_are_kept_for_each(crew):
    await crew.project("cows", overlap=2, review_stages=[{}, {}])
    await crew.task("cows")
    rita, ron = await crew.person("rita", "member"), await crew.person("ron", "member")
    sam = await crew.person("sam", "labeler", "cows")
    await rita.label()  # the admin and ron remain for two stages
    assert (await ron.claim())["nothing"] == "only-reviewer"
    await sam.label()


async def test_of_two_reviewers_who_claim_at_once_only_one_labels_what_the_other_must_review(crew, ctx, live):
    await crew.project("cows", overlap=2, review_stages=[{}])
    task_id = await crew.task("cows")
    rita = await crew.person("rita", "member")
    async with ctx.db.tx() as tx:
        await tx.execute(
            "select from task where id = $1 for update", task_id
        )  # both choose before either is done
        claims = [
            asyncio.create_task(rita.claim()),
            asyncio.create_task(crew.live.post("/api/work/claim", json={})),
        ]
        async with asyncio.timeout(20):
            while (
                await ctx.db.fetchval(
                    "select count(*) from pg_locks where not granted and pid <> pg_backend_pid()"
                )
                < 2
            ):
                await asyncio.sleep(0.01)
    got = [await claims[0], ok(await claims[1])]
    assert sorted((c["slot"] is None, c.get("nothing")) for c in got)[1] == (True, "only-reviewer")
    assert [c["slot"] is None for c in got].count(False) == 1
    assert await ctx.db.fetchval("select count(*) from attempt where task_id = $1", task_id) == 1


async def test_an_unreviewed_share_may_be_labeled_by_the_only_reviewer(crew, live):
    await crew.project("cows", review_stages=[{"sample": 0}])
    await crew.task("cows")
    assert ok(await live.post("/api/work/claim", json={}))["stage"] == "label"


async def test_a_review_that_nobody_may_do_raises_an_alarm(crew, ctx):
    await crew.project("cows", review_stages=[{}])
    task_id = await crew.task("cows")
    rita = await crew.person("rita", "member")
    await rita.label()
    assert await stranded(crew) == []
    await ctx.db.execute("update member set role = 'disabled' where role = 'admin' and account_id = 1")
    found = await doctor.stranded_work(ctx.db)
    assert [f.state for f in found] == ["problem"]
    assert task_id in found[0].message
    assert "invite another reviewer" in found[0].message
    await ctx.db.execute("update member set role = 'admin' where email = 'admin@localhost.localdomain'")
    assert [f.state for f in await doctor.stranded_work(ctx.db)] == ["ok"]


async def test_a_project_that_wants_more_people_than_there_are_raises_an_alarm(crew):
    await crew.project("cows", overlap=3)
    task_id = await crew.task("cows")
    await crew.person("ann", "labeler", "cows")
    (found,) = await stranded(crew)
    assert (found["project"], found["stage"], found["tasks"], found["example"]) == (
        "cows",
        "label",
        3,
        task_id,
    )
    await crew.person("bob", "labeler", "cows")
    assert await stranded(crew) == []


async def test_claims_can_be_narrowed_to_stages_and_projects_may_put_reviews_first(crew, live):
    await crew.project("cows", review_stages=[{}])
    reviewed = await crew.task("cows")
    ann = await crew.person("ann", "labeler", "cows")
    await ann.label()
    urgent = await crew.task("cows", priority=30)
    rita = await crew.person("rita", "member")
    assert (await rita.claim(stages=["prelabel"]))["slot"] is None
    first = await rita.claim(stages=["review"])
    assert (first["stage"], first["task"]["task_id"]) == ("review", reviewed)
    ok(await rita.send(first, "release"))
    ron = await crew.person("ron", "member")
    assert (await ron.claim())["task"]["task_id"] == urgent
    ok(await live.put("/api/projects/cows/workflow", json={"review_stages": [{}], "review_first": True}))
    more_urgent = await crew.task("cows", priority=30)
    zoe = await crew.person("zoe", "member")
    assert (await zoe.claim())["task"]["task_id"] == reviewed
    assert (await zoe.claim(stages=["label"]))["task"]["task_id"] == more_urgent


async def test_what_is_recalled_goes_to_somebody_else_if_there_is_anybody(crew, ctx, live):
    await crew.project("cows")
    task_id = await crew.task("cows")
    ann = await crew.person("ann", "labeler", "cows")
    await ann.label()
    await ctx.db.execute("update member set role = 'disabled' where role = 'admin' and account_id = 1")
    ok(await _as_operator(crew, task_id))
    again = await ann.claim()
    assert again["task"]["task_id"] == task_id, "there is nobody else"
    ok(await ann.send(again, "release"))
    bob = await crew.person("bob", "labeler", "cows")
    assert (await ann.claim())["slot"] is None
    assert (await bob.claim())["task"]["task_id"] == task_id


async def test_after_a_while_what_is_recalled_is_offered_to_everybody(crew, ctx, live):
    await crew.project("cows")
    task_id = await crew.task("cows")
    ann, _ = await crew.person("ann", "labeler", "cows"), await crew.person("bob", "labeler", "cows")
    await ann.label()
    ok(await live.post(f"/api/tasks/{task_id}/recall", json={}))
    assert (await ann.claim())["slot"] is None
    await ctx.db.execute("update slot set avoid_until = steelyard.now()")
    assert (await ann.claim())["task"]["task_id"] == task_id


async def test_a_recalled_task_shows_no_verdict_on_an_answer_that_it_has_no_more(crew, live):
    await crew.project("cows")
    task_id = await crew.task("cows")
    ann = await crew.person("ann", "labeler", "cows")
    await ann.label()
    ok(await live.post(f"/v1/task/{task_id}/audit", json={"accepted": True}))
    assert (await crew.read(task_id))["customer_review_status"] == "accepted"
    ok(await live.post(f"/api/tasks/{task_id}/recall", json={}))
    recalled = await crew.read(task_id)
    assert "customer_review_status" not in recalled
    assert recalled["audits"], "what was said stays"
    bob = await crew.person("bob", "labeler", "cows")
    await bob.label(boxes(9))
    listed = ok(await live.get("/v1/tasks?customer_review_status=pending"))["docs"]
    assert [t["task_id"] for t in listed] == [task_id]


async def _as_operator(crew, task_id):
    manager = await crew.person("boss", "manager")
    answer = await manager.client.post(f"/api/tasks/{task_id}/recall", json={})
    await crew.ctx.db.execute("update member set role = 'disabled' where id = $1", manager.id)
    return answer


async def test_the_training_gate_holds_whatever_stage_is_asked_for(crew):
    await crew.project("cows", review_stages=[{}], training_required=1)
    rita = await crew.person("rita", "member")
    assert (await rita.claim(project="cows", stages=["review"]))["nothing"] == "training"


async def test_what_waits_for_one_member_is_freed_when_the_member_leaves_the_project_and_no_review_goes_to_labelers(
    crew, ctx, live
):
    await crew.project("cows", review_stages=[{}])
    task_id = await crew.task("cows")
    ann, bob = await crew.person("ann", "labeler", "cows"), await crew.person("bob", "labeler", "cows")
    ok(await live.post(f"/api/tasks/{task_id}/reassign", json={"email": ann.email}))
    assert (await bob.claim())["slot"] is None
    ok(await live.post("/v1/studio/assignments/remove", json={"emails": [ann.email], "projects": ["cows"]}))
    assert (await ann.claim())["slot"] is None
    assert (await bob.label())["task_id"] == task_id
    rita = await crew.person("rita", "member")
    ok(await live.post(f"/api/tasks/{task_id}/reassign", json={"email": rita.email}))
    ok(await live.post("/v1/teams/set_role", json={"emails": [rita.email], "team_role": "labeler"}))
    assert (await rita.claim())["slot"] is None
    (alarm,) = await stranded(crew)
    assert (alarm["stage"], alarm["example"]) == ("review", task_id)
