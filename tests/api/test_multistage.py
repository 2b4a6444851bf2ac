"""A multistage task on its way through the queue: a stage is one person's turn, the next one begins with what was answered before."""

from __future__ import annotations

import pytest

from steelyard import tasks
from steelyard.jobs.worker import drain
from steelyard.ops import doctor
from tests.api.crew import Crew, ok, refused

TEXT = {"attachments": [{"type": "text", "content": "The ferry from Oban."}], "fields": [
    {"type": "text", "field_id": "s", "title": "Summary", "required": True}]}  # fmt: skip
DRAFT = {"id": "draft", "type": "textcollection", "params": TEXT}
NAMES = {"id": "names", "type": "namedentityrecognition", "params": {"labels": [{"name": "place"}]},
    "inputs": {"text": "{{stages.draft.response.annotations.s}}"}}  # fmt: skip
DRAFTED = {"id": "draft", "type": "textcollection", "response": {"annotations": {"s": "Oban pier"}}}
PLACE = {"id": "00000000-0000-4000-8000-000000000001", "start": 0, "end": 4, "text": "Oban", "label": "place"}
NAMED = {"id": "names", "type": "namedentityrecognition",
    "response": {"annotations": [PLACE], "relationships": []}}  # fmt: skip
HALF, WHOLE = {"stages": [DRAFTED]}, {"stages": [DRAFTED, NAMED]}


@pytest.fixture
async def crew(ctx, live, client_for):
    crew = Crew(ctx, live, client_for)
    await crew.project("p", kind={"type": "multistage"})
    return crew


async def queued(crew: Crew, assignee: str, project: str = "p") -> str:
    body = {"project": project, "instruction": "Look.", "stages": [DRAFT, {**NAMES, "assignee": assignee}]}
    task_id = ok(await crew.live.post("/v1/task/multistage", json=body))["task_id"]
    async with crew.ctx.db.tx() as tx:
        assert await tasks.queue_task(crew.ctx, tx, await crew.space(), task_id)
    return task_id


async def test_the_second_stage_goes_to_somebody_else_who_sees_the_first_and_completes_the_task(crew):
    one = await crew.person("one", "labeler", "p")
    task_id = await queued(crew, "different")
    lease = await one.claim()
    found = refused(await one.send(lease, "submit", response=WHOLE), 400, "invalid-response")
    assert found["issues"] == [
        {"path": "stages[1]", "message": "is for somebody who has done none of the stages before"}
    ]
    assert (await one.submit(lease, HALF))["status"] == "pending"
    task = await crew.read(task_id)
    assert (task["status"], "response" in task) == ("pending", False)
    assert (await one.claim())["slot"] is None, "nobody else is there, yet it is not theirs"
    assert (await one.claim(task_id=task_id))["slot"] is None
    two = await crew.person("two", "labeler", "p")
    lease = await two.claim()
    assert (lease["task"]["task_id"], lease["previous_response"]) == (task_id, HALF)
    changed = {"stages": [{**DRAFTED, "response": {"annotations": {"s": "Mull"}}}, NAMED]}
    found = refused(await two.send(lease, "submit", response=changed), 400, "invalid-response")
    assert found["issues"][0]["path"] == "stages[0]"
    found = refused(await two.send(lease, "submit", response=HALF), 400, "invalid-response")
    assert found["issues"][0]["message"] == 'must have an answer of the stage "names"'
    assert (await two.submit(lease, WHOLE))["status"] == "completed"
    task = await crew.read(task_id)
    assert (task["status"], task["response"]) == ("completed", WHOLE)


async def test_the_same_person_gets_the_second_stage_and_nobody_else(crew):
    one, two = await crew.person("one", "labeler", "p"), await crew.person("two", "labeler", "p")
    task_id = await queued(crew, "same")
    await one.submit(await one.claim(), HALF)
    assert (await two.claim())["slot"] is None
    lease = await one.claim()
    assert (lease["task"]["task_id"], lease["previous_response"]) == (task_id, HALF)
    assert (await one.submit(lease, WHOLE))["status"] == "completed"


async def test_whoever_comes_may_do_a_stage_for_anybody_or_all_of_them_at_once(crew):
    one = await crew.person("one", "labeler", "p")
    for _ in range(2):
        await queued(crew, "any")
    lease = await one.claim()
    assert (await one.submit(lease, HALF))["status"] == "pending"
    assert (await one.submit(await one.claim(), WHOLE))["status"] == "completed"
    assert (await one.submit(await one.claim(), WHOLE))["status"] == "completed"


async def test_a_whole_answer_is_reviewed_by_somebody_who_did_no_stage_and_done_again_as_a_whole(crew):
    await crew.project("r", kind={"type": "multistage"}, review_stages=[{}])
    one, two = await crew.person("one", "labeler", "r"), await crew.person("two", "member")
    task_id = await queued(crew, "different", "r")
    await crew.person("three", "member")
    await one.submit(await one.claim(), HALF)
    await two.submit(await two.claim(), WHOLE)
    assert await crew.stage(task_id) == "review_queued"
    assert (await two.claim(projects=["r"]))["slot"] is None
    judge = await crew.person("judge", "member")
    lease = await judge.claim(projects=["r"])
    assert (lease["stage"], lease["review"]["response"]) == ("review", WHOLE)
    ok(await judge.send(lease, "review", verdict="send_back", comments=[{"text": "Say more."}]))
    lease = await two.claim(projects=["r"])
    assert lease["previous_response"] == WHOLE
    refused(await two.send(lease, "submit", response=HALF), 400, "invalid-response")
    assert (await two.submit(lease, WHOLE))["status"] == "pending"
    lease = await judge.claim(projects=["r"])
    assert (await judge.review(lease, "accept"))["status"] == "completed"


async def test_a_stage_that_its_filled_in_params_make_impossible_ends_the_task_and_can_be_begun_anew(crew):
    one = await crew.person("one", "labeler", "p")
    body = {"project": "p", "instruction": "Look.", "stages": [
        {**DRAFT, "params": {**TEXT, "fields": [{**TEXT["fields"][0], "required": False}]}}, NAMES]}  # fmt: skip
    task_id = ok(await crew.live.post("/v1/task/multistage", json=body))["task_id"]
    async with crew.ctx.db.tx() as tx:
        assert await tasks.queue_task(crew.ctx, tx, await crew.space(), task_id)
    empty = {"stages": [{**DRAFTED, "response": {"annotations": {}}}]}
    await one.submit(await one.claim(), empty)
    task = await crew.read(task_id)
    said = "stages[1]: {{stages.draft.response.annotations.s}} has no value."
    assert (task["status"], task["response"]) == ("error", {"error": said})
    ok(await crew.live.post(f"/api/tasks/{task_id}/reprocess"))
    async with crew.ctx.db.tx() as tx:
        assert await tasks.queue_task(crew.ctx, tx, await crew.space(), task_id)
    lease = await one.claim()
    assert lease["task"]["task_id"] == task_id
    assert (await one.submit(lease, WHOLE))["status"] == "completed"


async def test_where_several_people_answer_each_stage_is_theirs_and_the_best_answer_goes_on(crew):
    await crew.project("o", kind={"type": "multistage"}, overlap=2)
    one, two = await crew.person("one", "labeler", "o"), await crew.person("two", "labeler", "o")
    task_id = await queued(crew, "different", "o")
    lease, other = await one.claim(), await two.claim()
    refused(await one.send(lease, "submit", response=WHOLE), 400, "invalid-response")
    await one.submit(lease, HALF)
    await two.submit(other, {"stages": [{**DRAFTED, "response": {"annotations": {"s": "Mull"}}}]})
    await drain(crew.ctx)
    assert (await crew.read(task_id))["status"] == "pending"
    assert [(await p.claim())["slot"] for p in (one, two)] == [None, None], "not of those who did the first"
    three, four = await crew.person("three", "labeler", "o"), await crew.person("four", "labeler", "o")
    for person in (three, four):
        lease = await person.claim()
        assert lease["previous_response"] == HALF, "of two that agree equally the one begun first"
        await person.submit(lease, WHOLE)
    await drain(crew.ctx)
    task = await crew.read(task_id)
    assert (task["status"], task["response"]) == ("completed", WHOLE)


async def test_a_stage_for_the_same_person_is_for_the_one_whose_answer_goes_on(crew):
    await crew.project("o", kind={"type": "multistage"}, overlap=2)
    one, two = await crew.person("one", "labeler", "o"), await crew.person("two", "labeler", "o")
    await queued(crew, "same", "o")
    for person in (two, one):
        await person.submit(await person.claim(), HALF)
    await drain(crew.ctx)
    assert (await one.claim())["slot"] is None
    assert (await two.submit(await two.claim(), WHOLE))["status"] == "completed"


async def test_a_stage_for_somebody_else_that_nobody_may_do_raises_an_alarm(crew):
    await crew.ctx.db.execute(
        "update member set role = 'disabled' where role <> 'labeler' and id <> 1 and account_id = 1"
    )
    one = await crew.person("one", "labeler", "p")
    task_id = await queued(crew, "different")
    await one.submit(await one.claim(), HALF)
    path = "/api/work/stranded"
    assert ok(await crew.live.get(path))["items"] == [], "the admin may do it"
    await crew.ctx.db.execute("update member set role = 'disabled' where role = 'admin' and account_id = 1")
    found = await doctor.stranded_work(crew.ctx.db)
    await crew.ctx.db.execute("update member set role = 'admin' where email = 'admin@localhost.localdomain'")
    assert [f.state for f in found] == ["problem"]
    assert task_id in found[0].message
    assert "for somebody who has done none of the stages before" in found[0].message
    await crew.person("two", "labeler", "p")
    assert [f.state for f in await doctor.stranded_work(crew.ctx.db)] == ["ok"]
