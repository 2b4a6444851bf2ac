"""Creating, importing and exporting many tasks over HTTP."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from steelyard.ctx import Actor, Ctx
from steelyard.jobs.worker import Worker, drain
from tests.api.builders import image_task
from tests.conftest import ClientFor, Keys


def ndjson(*bodies: Any) -> bytes:
    return b"".join((b if isinstance(b, bytes) else json.dumps(b).encode()) + b"\n" for b in bodies)


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


async def bulk(client: httpx.AsyncClient, *bodies: Any, path: str = "/api/tasks/bulk", **query: str) -> Any:
    *results, tally = lines_of(await client.post(path, params=query, content=ndjson(*bodies)))
    return results, tally


async def counts(ctx: Ctx, space_id: int) -> dict[tuple[str, str], int]:
    """Counted tasks by scope and status, and the same from the tasks themselves, which must agree."""
    counted = await ctx.db.fetch(
        "select scope || scope_id as at, status, sum(n)::int as n from task_count where space_id = $1 group by 1, 2 having sum(n) <> 0",
        space_id,
    )
    real = await ctx.db.fetch(
        """
        select s.at, t.status, count(*)::int as n
        from task t cross join lateral (values ('s'), ('p' || t.project_id), ('b' || t.batch_id)) s (at)
        where t.space_id = $1 and s.at is not null group by 1, 2
        """,
        space_id,
    )
    found = {(r["at"], r["status"]): r["n"] for r in counted}
    assert found == {(r["at"], r["status"]): r["n"] for r in real}
    return found


@pytest.fixture
async def herd(live: httpx.AsyncClient) -> str:
    for path, body in (
        ("/v1/projects", {"name": "herd", "type": "imageannotation", "params": {"instruction": "Base."}}),
        ("/v1/batches", {"name": "first", "project": "herd"}),
    ):
        answer = await live.post(path, json=body)
        assert answer.status_code == 200, answer.text
    return "herd"


async def test_lines_become_tasks_as_single_creates_would_make_them(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor, herd: str
) -> None:
    bodies = [image_task(unique_id=f"cow {n}", tags=["a"], metadata={"n": n}) for n in range(1234)]
    results, tally = await bulk(live, *bodies, project=herd, batch="first")
    assert tally == {"complete": True, "lines": 1234, "created": 1234, "existing": 0, "refused": 0}
    assert [(r["line"], r["result"], r["unique_id"]) for r in results] == [
        (n + 1, "created", f"cow {n}") for n in range(1234)
    ]
    single = await live.post(
        "/v1/task/imageannotation", json=image_task(batch="first", tags=["a"], metadata={"n": 7})
    )
    one = (await live.get(f"/v1/task/{results[7]['task_id']}")).json()
    fresh = {"task_id", "created_at", "updated_at", "unique_id"}
    assert {k: v for k, v in one.items() if k not in fresh} == {
        k: v for k, v in single.json().items() if k not in fresh
    }
    found = await counts(ctx, live_actor.space_id)
    assert found["s", "pending"] == 1235
    assert await ctx.db.fetchval("select count(*) from job where kind = 'prepare_task'") == 1235
    assert await ctx.db.fetchval("select count(*) from task where created_by is not null") == 1235
    assert await ctx.db.fetchval("select cardinality(attachment_urls) from task limit 1") == 1


async def test_lines_sent_again_are_answered_with_the_tasks_that_there_are(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    bodies = [image_task(unique_id=f"u{n}", type="imageannotation") for n in range(600)]
    first, _ = await bulk(live, *bodies[:400])
    again, tally = await bulk(live, *bodies, bodies[0])
    assert (tally["created"], tally["existing"], tally["refused"]) == (200, 401, 0)
    assert [r["task_id"] for r in again[:400]] == [r["task_id"] for r in first]
    assert again[600]["task_id"] == first[0]["task_id"]
    assert (await counts(ctx, live_actor.space_id))["s", "pending"] == 600


async def test_a_line_repeated_within_a_chunk_is_one_task(live: httpx.AsyncClient) -> None:
    body = image_task(unique_id="twin", type="imageannotation")
    results, _ = await bulk(live, body, body)
    assert sorted(r["result"] for r in results) == ["created", "existing"]
    assert results[0]["task_id"] == results[1]["task_id"]


async def test_bad_lines_are_refused_alone_with_the_words_of_single_creates(
    live: httpx.AsyncClient, herd: str
) -> None:
    bad = [
        b"{not json",
        b"[]",
        b'"\xff"',
        image_task(type="nothing"),
        {"type": "imageannotation"},
        image_task(type="imageannotation", project="unknown"),
        image_task(type="imageannotation", metadata=[1]),
        image_task(type="imageannotation", unique_id="nul\0"),
        image_task(type="imageannotation", tags="\0"),
        image_task(),
        image_task(type="textcollection", project=herd),
    ]
    good = image_task(type="imageannotation")
    results, tally = await bulk(live, good, *bad, b"", b"  ", good)
    assert [r["result"] for r in results] == ["created", *["refused"] * len(bad), "created"]
    assert (tally["created"], tally["refused"], tally["complete"]) == (2, len(bad), True)
    assert results[-1]["line"] == len(bad) + 4
    for sent, got in zip(bad, results[1:], strict=False):
        assert 400 <= got["status"] < 500
        if isinstance(sent, dict) and sent.get("type"):
            body = {k: v for k, v in sent.items() if k != "type"}
            single = await live.post(f"/v1/task/{sent['type']}", json=body)
            assert (got["status"], got["error"]) == (single.status_code, single.json()["error"])


async def test_a_single_create_is_prepared_before_what_came_in_bulk_earlier(
    ctx: Ctx, live: httpx.AsyncClient
) -> None:
    await bulk(live, *(image_task(unique_id=f"many {n}") for n in range(20)), type="imageannotation")
    single = (await live.post("/v1/task/imageannotation", json=image_task())).json()["task_id"]
    worker = Worker(ctx)
    first = await worker.claim("attachments", 10)
    assert [json.loads(job.args)["task_id"] for job in first] == [single]
    assert len(await worker.claim("bulk", 30)) == 20


async def test_the_project_says_the_type(live: httpx.AsyncClient, herd: str) -> None:
    results, _ = await bulk(live, image_task(), image_task(project=herd), project=herd)
    assert [r["result"] for r in results] == ["created", "created"]
    _, tally = await bulk(live, image_task(batch="first"), type="imageannotation")
    assert tally["created"] == 1


async def test_test_mode_answers_at_once(ctx: Ctx, test: httpx.AsyncClient) -> None:
    results, _ = await bulk(test, image_task(callback_url="http://x.example/"), type="imageannotation")
    task = (await test.get(f"/v1/task/{results[0]['task_id']}")).json()
    assert task["status"] == "completed"
    assert await ctx.db.fetchval("select count(*) from callback_event") == 1


async def test_a_line_that_is_too_long_ends_the_answer_with_an_error(
    ctx: Ctx, live: httpx.AsyncClient
) -> None:
    long = image_task(type="imageannotation", metadata={"x": "y" * ctx.settings.max_body_bytes})
    results, tally = await bulk(live, *[image_task(type="imageannotation")] * 600, long)
    assert tally["complete"] is False
    assert "longer than" in tally["error"]
    assert len(results) == tally["created"] >= 500


async def test_what_a_project_became_meanwhile_is_respected(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor, herd: str
) -> None:
    """The chunk was checked against params that are older than the insert: it is looked at anew."""
    await bulk(live, image_task(), project=herd)  # fills the cache of projects
    answer = await live.post(f"/v1/projects/{herd}/setParams", json={"instruction": "New."})
    assert answer.status_code == 200
    await ctx.db.execute("update project set version = version where name = $1", herd)
    results, _ = await bulk(live, image_task(instruction=""), project=herd)
    task = (await live.get(f"/v1/task/{results[0]['task_id']}")).json()
    assert task["instruction"] == "New."


async def finished(ctx: Ctx, live: httpx.AsyncClient, test: httpx.AsyncClient) -> None:
    """Tasks in every state, in test mode, where they are born completed."""
    for body in (
        {"name": "herd", "type": "imageannotation", "params": {"instruction": "Base."}},
        {"name": "other", "type": "categorization"},
    ):
        assert (await test.post("/v1/projects", json=body)).status_code == 200
    assert (await test.post("/v1/batches", json={"name": "first", "project": "herd"})).status_code == 200
    extra = {"tags": ["ä", 'q"uote'], "metadata": {"n": 1.0, "x": "ü"}, "callback_url": "a@x.example"}
    results, tally = await bulk(
        test,
        *[image_task(batch="first", unique_id=f"u/{n}", **extra) for n in range(30)],
        *[image_task(project="herd", type="imageannotation") for _ in range(5)],
        *[image_task(type="imageannotation") for _ in range(5)],
        type="imageannotation",
    )
    assert tally["created"] == 40
    audited = await test.post(
        f"/v1/task/{results[3]['task_id']}/audit", json={"accepted": False, "comments": "no"}
    )
    assert audited.status_code == 200
    await ctx.db.execute(
        "update task set callback_succeeded = true where id = any($1::text[])",
        [r["task_id"] for r in results[:7]],
    )


async def exported(client: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    return lines_of(await client.get("/api/export", params=query))


async def test_export_import_export_are_equal(
    ctx: Ctx,
    live: httpx.AsyncClient,
    test: httpx.AsyncClient,
    other: httpx.AsyncClient,
    keys: Keys,
    client_for: ClientFor,
) -> None:
    await finished(ctx, live, test)
    before = await exported(test)
    assert len(before) == 40
    twin = client_for(keys.other_test)
    for body in (
        {"name": "herd", "type": "imageannotation"},
        {"name": "other", "type": "categorization"},
    ):
        assert (await twin.post("/v1/projects", json=body)).status_code == 200
    assert (await twin.post("/v1/batches", json={"name": "first", "project": "herd"})).status_code == 200
    text = (await test.get("/api/export")).content
    *results, tally = lines_of(await twin.post("/api/tasks/import", content=text))
    assert tally == {"complete": True, "lines": 40, "created": 40, "existing": 0, "refused": 0}, results
    *_, again = lines_of(await twin.post("/api/tasks/import", content=text))
    assert (again["created"], again["existing"]) == (0, 40)
    after = await exported(twin)

    def same(task: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in task.items() if k != "projectId"}

    assert [same(t) for t in after] == [same(t) for t in before]
    space = await ctx.db.fetchval(
        "select space_id from task group by 1 order by count(*), max(space_id) desc"
    )
    spaces = [r[0] for r in await ctx.db.fetch("select distinct space_id from task")]
    for found in spaces:
        assert (await counts(ctx, found))["s", "completed"] == 40
    assert space in spaces
    twins = "select count(*) from response_version where origin = 'imported'"
    assert await ctx.db.fetchval(twins) == 40
    jobs = await ctx.db.fetchval(
        "select count(*) from callback_event e join space s on s.id = e.space_id join account a on a.id = s.account_id where a.name = 'other'"
    )
    assert jobs == 0, "nobody is told of what was imported"


async def test_a_priority_comes_over_and_one_that_there_is_not_is_refused(
    ctx: Ctx, live: httpx.AsyncClient
) -> None:
    params = {k: v for k, v in image_task().items() if k not in ("callback_url", "instruction", "metadata")}
    base = {"type": "imageannotation", "instruction": "Draw", "params": params, "status": "pending"}
    base["created_at"] = "2021-06-23T09:09:34.752Z"
    objects: list[dict[str, Any]] = [{**base, "unique_id": str(n), "priority": n} for n in (10, 25, 30)]
    objects += [{**base, "priority": bad} for bad in (9, 31, "high", 20.5)] + [{**base, "unique_id": "none"}]
    for n, task in enumerate(objects):
        task["task_id"] = f"60d2fa4e{n:016x}"
    text = b"".join(json.dumps(o).encode() + b"\n" for o in objects)
    *results, tally = lines_of(await live.post("/api/tasks/import", content=text))
    assert [r["result"] for r in results] == ["created"] * 3 + ["refused"] * 4 + ["created"], results
    assert all("priority" in r["error"] for r in results[3:7])
    assert (tally["created"], tally["refused"]) == (4, 4)
    kept = await ctx.db.fetch(
        "select unique_id, priority, own_priority from task order by priority, unique_id"
    )
    assert [tuple(r) for r in kept] == [
        ("10", 10, True),
        ("none", 10, True),
        ("25", 25, True),
        ("30", 30, True),
    ]
    exported = lines_of(await live.get("/api/export"))
    assert {t["unique_id"]: t.get("priority") for t in exported} == {"10": 10, "25": 25, "30": 30, "none": 10}


async def test_pending_tasks_are_prepared_again_and_ids_of_others_are_kept_aside(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    params = {k: v for k, v in image_task().items() if k not in ("callback_url", "instruction", "metadata")}
    base = {
        "type": "imageannotation",
        "instruction": "Draw",
        "params": params,
        "created_at": "2021-06-23T09:09:34.752Z",
    }
    own = "60d2fa4e0000000000000001"  # its second is that of created_at
    objects = [
        {**base, "task_id": own, "status": "pending", "extra": {"kept": [1, 2]}},
        {**base, "task_id": "not-an-id", "status": "pending"},
        {**base, "task_id": "ffffffffffffffffffffffff", "status": "error", "response": {"error": "x"}},
        {**base, "task_id": "60d2fa4e0000000000000002", "status": "completed"},
        {**base, "task_id": "60d2fa4e0000000000000003", "status": "canceled", "params": {}},
        {**base, "status": "pending"},
        {**base, "task_id": own, "status": "strange"},
    ]
    results, _ = await bulk(live, *objects, path="/api/tasks/import")
    assert [r["result"] for r in results] == ["created"] * 3 + ["refused"] * 4
    assert results[0]["task_id"] == own
    found = await exported(live)
    assert [t["task_id"] for t in found] == sorted(t["task_id"] for t in found)
    by_original = {t.get("original_task_id", t["task_id"]): t for t in found}
    assert set(by_original) == {own, "not-an-id", "ffffffffffffffffffffffff"}
    assert by_original[own]["extra"] == {"kept": [1, 2]}
    assert by_original["not-an-id"]["created_at"] == base["created_at"]
    page = (await live.get("/v1/tasks", params={"start_time": "2021-06-23", "end_time": "2021-06-24"})).json()
    assert page["total"] == 3
    again, _ = await bulk(live, *objects[:3], path="/api/tasks/import")
    assert [r["result"] for r in again] == ["existing"] * 3
    assert [r["task_id"] for r in again] == [r["task_id"] for r in results[:3]]
    lenient, _ = await bulk(live, objects[4], path="/api/tasks/import", unchecked="true")
    assert lenient[0]["result"] == "created"
    assert await ctx.db.fetchval("select count(*) from job where kind = 'prepare_task'") == 2


async def test_an_export_goes_on_after_a_task_and_takes_the_filters_of_the_list(
    ctx: Ctx, live: httpx.AsyncClient, herd: str
) -> None:
    await bulk(
        live,
        *[image_task(batch="first", metadata={"n": n}) for n in range(1300)],
        project=herd,
        type="imageannotation",
    )
    await bulk(live, image_task(type="imageannotation"))
    all_of_them = await exported(live)
    assert len(all_of_them) == 1301
    rest = await exported(live, after=all_of_them[700]["task_id"])
    assert rest == all_of_them[701:]
    assert len(await exported(live, batch="first")) == 1300
    assert await exported(live, project="unknown") == []
    assert await exported(live, status="completed") == []
    assert (await live.get("/api/export", params={"after": "x"})).status_code == 400
    assert (await live.get("/api/export", params={"status": "x"})).status_code == 400


async def test_members_and_labelers_may_not_export(client_for: ClientFor, keys: Keys) -> None:
    assert (await client_for(keys.labeler_live).get("/api/export")).status_code == 403
    assert (await client_for(keys.labeler_live).post("/api/tasks/bulk", content=b"{}")).status_code == 403
    assert (await client_for(keys.manager_live).get("/api/export")).status_code == 200


async def test_transfers_import_and_export_in_the_background(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor, herd: str
) -> None:
    text = ndjson(*[image_task(batch="first", metadata={"n": n}) for n in range(1100)], {"x": 1}, b"{")
    uploaded = await live.post(
        "/v1/files/upload",
        files={"file": ("a.ndjson", text, "application/x-ndjson")},
        data={"project_name": herd},
    )
    assert uploaded.status_code == 200, uploaded.text
    begun = await live.post(
        "/api/transfers", json={"kind": "create", "file_id": uploaded.json()["id"], "project": herd}
    )
    assert begun.status_code == 202, begun.text
    transfer = begun.json()
    assert (transfer["state"], transfer["total"]) == ("waiting", len(text))
    await ctx.db.execute("delete from job where kind = 'prepare_task'")
    await drain(ctx)
    done = (await live.get(f"/api/transfers/{transfer['id']}")).json()
    assert (done["state"], done["lines"], done["done"], done["refused"]) == ("done", 1102, 1100, 2), done
    assert [p["line"] for p in done["problems"]] == [1101, 1102]
    begun = await live.post("/api/transfers", json={"kind": "export", "batch": "first"})
    await drain(ctx)
    done = (await live.get(f"/api/transfers/{begun.json()['id']}")).json()
    assert (done["state"], done["done"]) == ("done", 1100), done
    fetched = await live.get(done["url"].removeprefix("http://steelyard.test"))
    assert fetched.content == (await live.get("/api/export", params={"batch": "first"})).content
    listed = (await live.get("/api/transfers", params={"limit": 1})).json()
    assert [t["kind"] for t in listed["items"]] == ["export"]
    listed = (await live.get("/api/transfers", params={"next_token": listed["next_token"]})).json()
    assert [t["kind"] for t in listed["items"]] == ["create"]
    assert (await live.post(f"/api/transfers/{done['id']}/cancel")).status_code == 409
