"""Batches: workflows, lists, finalizing, metadata, priorities (platform-api §18)."""

from __future__ import annotations

import asyncio
import uuid
from urllib.parse import quote

import pytest

IMAGE = {
    "instruction": "Box every cow.",
    "attachment": "https://example.org/a.jpg",
    "attachment_type": "image",
    "geometries": {"box": {"objects_to_annotate": ["cow"]}},
}


class Api:
    """A client bound to one key."""

    def __init__(self, client):
        self.client = client

    async def project(self, name="cows", **more):
        made = await self.post("/v1/projects", json={"type": "imageannotation", "name": name, **more})
        assert made.status_code == 200, made.text

    async def batch(self, name, project="cows", **more):
        return await self.post("/v1/batches", json={"project": project, "name": name, **more})

    async def task(self, batch, **more):
        made = await self.post("/v1/task/imageannotation", json={**IMAGE, "batch": batch, **more})
        assert made.status_code == 200, made.text
        return made.json()

    async def names(self, query=""):
        listed = await self.get("/v1/batches" + query)
        assert listed.status_code == 200, listed.text
        return [b["name"] for b in listed.json()["docs"]]

    async def get(self, path, **more):
        return await self.client.get(path, **more)

    async def post(self, path, **more):
        return await self.client.post(path, **more)


@pytest.fixture
def api(live):
    return Api(live)


@pytest.fixture
def test_api(test):
    return Api(test)


def refused(response, status):
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"status_code", "error"}
    assert body["status_code"] == status
    return body["error"]


async def test_a_batch_made_as_the_sdk_does_is_in_progress_and_stays_so_while_empty(test_api):
    await test_api.project()
    made = await test_api.batch(
        "b", callback="", calibration_batch=False, self_label_batch=False, metadata={"some_key": "some_value"}
    )
    assert made.status_code == 200, made.text
    doc = made.json()
    assert (doc["name"], doc["project"], doc["status"], doc["callback"]) == ("b", "cows", "in_progress", "")
    assert doc["metadata"] == {"some_key": "some_value"}
    assert "completed_at" not in doc
    assert (await test_api.get("/v1/batches/b")).json() == doc
    status = (await test_api.get("/v1/batches/b/status")).json()
    assert status == {"status": "in_progress", "pending": 0, "completed": 0, "error": 0, "canceled": 0}
    finalized = await test_api.post("/v1/batches/b/finalize", headers={"Content-Type": "application/json"})
    assert finalized.json() == doc


async def test_metadata_is_always_there_and_kept_as_sent(api):
    await api.project()
    assert (await api.batch("none")).json()["metadata"] == {}
    assert (await api.batch("null", metadata=None, callback=None)).json()["metadata"] == {}
    raw = b'{"project":"cows","name":"raw","metadata":{"n": 1.50,"m": [ ]}}'
    assert b'{"n":1.50,"m":[ ]}' in (await api.post("/v1/batches", content=raw)).content
    changed = await api.post("/v1/batches/raw/setMetadata", json={"other": 1})
    assert changed.json()["metadata"] == {"other": 1}
    emptied = await api.post("/v1/batches/raw/setMetadata", headers={"Content-Type": "application/json"})
    assert emptied.json()["metadata"] == {}
    for bad in (b"[1]", b"5", b'"x"', b"{", b'{"a":' + b"1" * 5000 + b"}"):
        refused(await api.post("/v1/batches/raw/setMetadata", content=bad), 400)
    refused(await api.post("/v1/batches/nothing/setMetadata", json={}), 404)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x"}, 400),
        ({"project": "cows"}, 400),
        ({"project": "cows", "name": ""}, 400),
        ({"project": "cows", "name": "n" * 256}, 400),
        ({"project": "horses", "name": "x"}, 404),
        ({"project": "a\u0001", "name": "x"}, 404),
        ({"project": "cows", "name": "x", "callback": "not an address"}, 400),
        ({"project": "cows", "name": "x", "callback": 5}, 400),
        ({"project": "cows", "name": "x", "metadata": []}, 400),
        ({"project": "cows", "name": "x", "calibration_batch": True}, 400),
        ({"project": "cows", "name": "x", "self_label_batch": True}, 400),
        ({"project": "cows", "name": "x", "calibration_batch": "perhaps"}, 400),
    ],
)
async def test_a_batch_that_breaks_a_rule_is_refused_and_not_stored(api, body, status):
    await api.project()
    refused(await api.post("/v1/batches", json=body), status)
    assert await api.names() == []


async def test_callbacks_may_be_addresses_of_both_kinds_under_either_key(api):
    await api.project()
    assert (await api.batch("a", callback="https://example.org/cb")).json()[
        "callback"
    ] == "https://example.org/cb"
    assert (await api.batch("b", callback="me@example.org")).json()["callback"] == "me@example.org"
    assert (await api.batch("c", callback_url="https://example.org/c")).json()["callback"] == (
        "https://example.org/c"
    )


async def test_a_batch_name_is_unique_across_projects_of_one_space(api, other):
    await api.project()
    await api.project("sheep")
    assert (await api.batch("b")).status_code == 200
    assert refused(await api.batch("b", project="sheep"), 409) == 'A batch named "b" already exists.'
    other = Api(other)
    await other.project()
    assert (await other.batch("b")).status_code == 200


async def test_batches_of_other_accounts_and_modes_do_not_exist(api, test_api, other):
    await api.project()
    await api.batch("b")
    for stranger in (test_api, Api(other)):
        assert await stranger.names() == []
        refused(await stranger.get("/v1/batches/b"), 404)
        refused(await stranger.get("/v1/batches/b/status"), 404)
        for verb in ("finalize", "setMetadata"):
            refused(await stranger.post(f"/v1/batches/b/{verb}"), 404)
        refused(await stranger.post("/v1/batches/b/prioritize", json={"priority": 20}), 404)
        refused(await stranger.batch("c"), 404)


async def test_an_archived_project_takes_no_batches(api, ctx, live_actor):
    await api.project()
    await ctx.db.execute("update project set archived = true where space_id = $1", live_actor.space_id)
    refused(await api.batch("b"), 400)


async def test_names_with_slashes_are_reached_percent_encoded(api):
    await api.project()
    name = "w1/a b?#%"
    await api.batch(name)
    path = "/v1/batches/" + quote(name, safe="")
    assert (await api.get(path)).json()["name"] == name
    assert (await api.get(path + "/status")).json()["status"] == "in_progress"


async def test_a_rapid_batch_stages_until_it_is_finalized_once(api, ctx, live_actor):
    await api.project("rapid", rapid=True)
    made = await api.batch("r", project="rapid", calibration_batch=True)
    assert (made.json()["status"], made.json()["calibration_batch"]) == ("staging", True)
    refused(await api.post("/v1/batches/r/finalize"), 400)
    task = await api.task("r")
    assert task["status"] == "pending"
    await ctx.db.execute(
        "insert into slot (space_id, task_id, batch_id, claimable) values ($1, $2, $3, false)",
        live_actor.space_id,
        task["task_id"],
        made.json()["id"],
    )
    finalized = await api.post("/v1/batches/r/finalize")
    assert finalized.status_code == 200, finalized.text
    assert finalized.json()["status"] == "in_progress"
    claimable = "select claimable from slot where space_id = $1 and task_id = $2"
    assert await ctx.db.fetchval(claimable, live_actor.space_id, task["task_id"]) is True
    refused(await api.post("/v1/batches/r/finalize"), 400)
    late = await api.post("/v1/task/imageannotation", json={**IMAGE, "batch": "r"})
    refused(late, 400)
    assert (await api.get("/v1/batches/r/status")).json()["pending"] == 1


async def test_a_staging_batch_whose_tasks_are_all_done_completes_when_finalized(test_api, ctx, test_actor):
    await test_api.project("studio", studio=True)
    await test_api.batch("s", project="studio", callback="https://example.org/done")
    await test_api.task("s")
    await test_api.task("s")
    status = (await test_api.get("/v1/batches/s/status")).json()
    assert (status["status"], status["completed"], status["pending"]) == ("staging", 2, 0)
    finalized = (await test_api.post("/v1/batches/s/finalize")).json()
    assert finalized["status"] == "completed"
    assert finalized["completed_at"]
    told = await ctx.db.fetch(
        "select payload from callback_event where space_id = $1 and batch_id is not null and task_id is null",
        test_actor.space_id,
    )
    assert len(told) == 1
    assert '"completed":2' in told[0]["payload"]


async def test_no_task_gets_into_a_batch_after_a_finalize_that_races_with_it(api):
    await api.project("rapid", rapid=True)
    await api.batch("r", project="rapid")
    await api.task("r")

    async def create():
        return await api.post("/v1/task/imageannotation", json={**IMAGE, "batch": "r"})

    first = [asyncio.create_task(create()) for _ in range(10)]
    finalized = asyncio.create_task(api.post("/v1/batches/r/finalize"))
    rest = [asyncio.create_task(create()) for _ in range(10)]
    answers = await asyncio.gather(*first, *rest)
    assert (await finalized).status_code == 200
    admitted = sum(a.status_code == 200 for a in answers)
    assert {a.status_code for a in answers} <= {200, 400}
    assert (await api.get("/v1/batches/r/status")).json()["pending"] == 1 + admitted
    refused(await create(), 400)


async def test_a_staging_batch_of_an_ordinary_project_may_be_finalized_empty_and_a_cancelled_one_not(
    api, ctx, live_actor
):
    await api.project()
    await api.batch("b")
    await ctx.db.execute("update batch set status = 'staging' where space_id = $1", live_actor.space_id)
    assert (await api.post("/v1/batches/b/finalize")).json()["status"] == "in_progress"
    await ctx.db.execute("update batch set status = 'cancelled' where space_id = $1", live_actor.space_id)
    refused(await api.post("/v1/batches/b/finalize"), 400)


async def test_lists_are_newest_first_with_every_paging_name_that_clients_read(api):
    await api.project()
    for i in range(5):
        await api.batch(f"b{i}")
    page = (await api.get("/v1/batches?limit=2&offset=2&exclude_archived=False")).json()
    assert [b["name"] for b in page.pop("docs")] == ["b2", "b1"]
    assert page == {
        "totalDocs": 5,
        "total": 5,
        "limit": 2,
        "offset": 2,
        "has_more": True,
        "totalPages": 3,
        "page": 2,
        "pagingCounter": 3,
        "hasPrevPage": True,
        "hasNextPage": True,
        "prevPage": 1,
        "nextPage": 3,
    }
    last = (await api.get("/v1/batches?limit=2&offset=4")).json()
    assert (last["has_more"], last["nextPage"], len(last["docs"])) == (False, None, 1)
    beyond = (await api.get("/v1/batches?offset=50")).json()
    assert (beyond["docs"], beyond["totalDocs"], beyond["has_more"]) == ([], 5, False)
    empty = (await api.get("/v1/batches?project=nothing")).json()
    assert (empty["docs"], empty["totalDocs"], empty["totalPages"], empty["page"]) == ([], 0, 1, 1)


async def test_lists_are_filtered_by_project_status_times_and_archive(api, ctx, live_actor):
    await api.project()
    await api.project("sheep")
    await api.batch("old")
    await api.batch("new", project="sheep")
    await ctx.db.execute(
        "update batch set created_at = '2021-04-25T10:00:00Z', status = 'completed', completed_at = '2021-05-01T00:00:00Z', "
        "last_audited_at = '2021-06-01T00:00:00Z', archived = true where space_id = $1 and name = 'old'",
        live_actor.space_id,
    )
    assert await api.names("?project=cows") == ["old"]
    assert await api.names("?status=completed") == ["old"]
    assert await api.names("?status=in_progress&project=cows") == []
    assert await api.names("?status=paused") == []
    assert await api.names("?start_time=2022-01-01") == ["new"]
    assert await api.names("?end_time=2021-04-25T10:00:00.000Z") == ["old"]
    assert await api.names("?end_time=2021-04-25") == []
    assert await api.names("?start_time=2021-04-25T03:00:00-07:00&end_time=2021-04-25 10:00:00") == ["old"]
    assert await api.names("?completed_after=2021-05-01&completed_before=2021-05-01") == ["old"]
    assert await api.names("?completed_after=2021-05-02") == []
    assert await api.names("?audited_after=2021-06-01&audited_before=2021-06-02") == ["old"]
    assert await api.names("?audited_before=2021-05-02") == []
    assert await api.names("?exclude_archived=true") == ["new"]
    assert await api.names("?status=&project=&start_time=") == ["new", "old"]
    for bad in (
        "status=odd",
        "limit=0",
        "limit=101",
        "limit=x",
        "offset=-1",
        "start_time=yesterday",
        "detailed=2",
    ):
        refused(await api.get("/v1/batches?" + bad), 400)


async def test_a_detailed_list_carries_the_counters(test_api):
    await test_api.project()
    await test_api.batch("b")
    await test_api.batch("empty")
    await test_api.task("b")
    docs = {b["name"]: b for b in (await test_api.get("/v1/batches?detailed=True")).json()["docs"]}
    assert [docs["b"][k] for k in ("pending", "completed", "error", "canceled")] == [0, 1, 0, 0]
    assert docs["empty"]["completed"] == 0
    assert "completed" not in (await test_api.get("/v1/batches")).json()["docs"][0]


async def test_a_priority_reaches_tasks_without_one_of_their_own_and_later_ones(api, ctx, live_actor):
    await api.project()
    batch_id = (await api.batch("b")).json()["id"]
    plain = await api.task("b")
    own = await api.task("b", priority=15)
    for task in (plain, own):
        await ctx.db.execute(
            "insert into slot (space_id, task_id, batch_id, priority) values ($1, $2, $3, 10)",
            live_actor.space_id,
            task["task_id"],
            batch_id,
        )
    answer = await api.post("/v1/batches/b/prioritize", json={"priority": "30"})
    assert answer.json() == {"result": "success"}
    assert (await api.get(f"/v1/task/{plain['task_id']}")).json()["priority"] == 30
    assert (await api.get(f"/v1/task/{own['task_id']}")).json()["priority"] == 15
    slots = await ctx.db.fetch("select task_id, priority from slot where space_id = $1", live_actor.space_id)
    assert {s["task_id"]: s["priority"] for s in slots} == {plain["task_id"]: 30, own["task_id"]: 10}
    assert (await api.task("b"))["priority"] == 30
    assert (await api.get("/v1/batches/b")).json()["priority"] == 30
    for bad in (
        {"priority": 9},
        {"priority": 31},
        {"priority": None},
        {},
        {"priority": "high"},
        {"priority": 12.5},
    ):
        refused(await api.post("/v1/batches/b/prioritize", json=bad), 400)
    refused(await api.post("/v1/batches/nothing/prioritize", json={"priority": 10}), 404)


async def test_a_creation_with_an_idempotency_key_makes_one_batch_under_a_race(api):
    await api.project()
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    answers = await asyncio.gather(
        *(api.post("/v1/batches", json={"project": "cows", "name": "b"}, headers=headers) for _ in range(6))
    )
    assert {a.status_code for a in answers} <= {200, 429}
    replay = await api.post("/v1/batches", json={"project": "cows", "name": "b"}, headers=headers)
    assert replay.status_code == 200
    assert await api.names() == ["b"]


async def test_names_that_race_make_one_batch_and_conflicts(api):
    await api.project()
    answers = await asyncio.gather(*(api.batch("b") for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
