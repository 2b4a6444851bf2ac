"""Dependent tasks (task-types-lidar §11): declared on a root, created from its answer exactly once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from steelyard.jobs.specs import CreateDependents
from steelyard.jobs.worker import drain
from steelyard.tasks.queries import SpaceDefaults
from tests.api.builders import lidar_root

LINKING: dict[str, Any] = {"type": "lidarlinking", "annotation_type": "imageannotation"}
SEGMENTATION: dict[str, Any] = {"type": "lidarsegmentation", "labels": ["road", "plant"]}
NDJSON = {"content-type": "application/x-ndjson"}
BOTH = [LINKING, SEGMENTATION]
ANSWER = b'{"annotations":{"url":"https://files.example/cuboids.json"}}'


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()) == (status, {"status_code": status, "error": error})


async def post(client: httpx.AsyncClient, defs: list[dict[str, Any]] = BOTH, **more: Any) -> dict[str, Any]:
    return ok(await client.post("/v1/task/lidarannotation", json=lidar_root(defs, **more)))


async def read(client: httpx.AsyncClient, task_id: str) -> dict[str, Any]:
    return ok(await client.get(f"/v1/task/{task_id}"))


def states(root: dict[str, Any]) -> list[str]:
    return [d["status"] for d in root["dependents"]]


async def take_despite_the_reservation(
    ctx: Ctx, client: httpx.AsyncClient, actor: Actor, unique_id: str
) -> dict[str, Any]:
    """A creation by another process, which has looked at the space less than a second ago."""
    held = ctx.state["spaces"]
    held.put(actor.space_id, SpaceDefaults(None, False, False), time.monotonic() + 60)
    made = await post(client, unique_id=unique_id)
    held.forget(actor.space_id)
    return made


async def complete(ctx: Ctx, actor: Actor, task_id: str) -> None:
    """The root's answer comes in."""
    async with ctx.db.tx() as tx:
        assert await tasks.queue_task(ctx, tx, actor.space_id, task_id)
        assert await tasks.complete_task(
            ctx, tx, actor.space_id, task_id, ANSWER, origin="labeled", author="labeler@main.example"
        )


async def work(ctx: Ctx) -> None:
    """Runs what was promised, but for the fetching of attachments that do not exist."""
    await ctx.db.execute("delete from job where kind in ('prepare_task', 'send_callback')")
    await drain(ctx)


async def children(ctx: Ctx, actor: Actor) -> int:
    return await ctx.db.fetchval(
        "select count(*) from task where space_id = $1 and type <> 'lidarannotation'", actor.space_id
    )


async def test_declared_tasks_wait_and_are_shown_on_the_root(live: httpx.AsyncClient) -> None:
    made = await post(live, unique_id="root")
    assert made["dependents"] == [
        {"index": 0, "type": "lidarlinking", "status": "waiting"},
        {"index": 1, "type": "lidarsegmentation", "status": "waiting"},
    ]
    assert made["params"]["dependents"] == {"defs": BOTH}
    raw = await live.get(f"/v1/task/{made['task_id']}")
    again = await live.post("/v1/task/lidarannotation", json=lidar_root(BOTH))
    assert raw.json() == made
    assert raw.content.split(b'"dependents":')[-1] == again.content.split(b'"dependents":')[-1]
    listed = ok(await live.get("/v1/tasks", params={"unique_id": "root"}))
    assert listed["docs"] == [made]


async def test_a_task_without_dependents_has_no_such_key(live: httpx.AsyncClient) -> None:
    body = lidar_root([])
    del body["dependents"]
    made = ok(await live.post("/v1/task/lidarannotation", json=body))
    assert "dependents" not in made
    assert "dependents" not in await read(live, made["task_id"])


async def test_children_are_created_when_the_root_is_completed(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    root = await post(live, [{**LINKING, "unique_id": "child", "tags": ["t"], "priority": 20}, SEGMENTATION])
    await work(ctx)
    assert states(await read(live, root["task_id"])) == ["waiting", "waiting"]
    await complete(ctx, live_actor, root["task_id"])
    await work(ctx)
    done = await read(live, root["task_id"])
    assert states(done) == ["created", "created"]
    linking, segmentation = [await read(live, d["task_id"]) for d in done["dependents"]]
    assert linking["params"] == {
        "annotation_type": "imageannotation",
        "lidar_task": root["task_id"],
        "labels": root["params"]["labels"],
    }
    assert (linking["unique_id"], linking["tags"], linking["priority"]) == ("child", ["t"], 20)
    assert segmentation["params"]["lidar_task"] == root["task_id"]
    assert [t["type"] for t in (linking, segmentation)] == ["lidarlinking", "lidarsegmentation"]
    assert [t["status"] for t in (linking, segmentation)] == ["pending", "pending"]
    assert "project" not in linking
    queued = await ctx.db.fetchval("select count(*) from job where kind = 'prepare_task'")
    stages = await ctx.db.fetchval("select count(*) from task where stage = 'queued'")
    assert queued + stages == 2  # children are prepared like any task


async def test_the_root_is_completed_by_a_submission(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    root = await post(live, [SEGMENTATION])
    async with ctx.db.tx() as tx:
        assert await tasks.queue_task(ctx, tx, live_actor.space_id, root["task_id"])
    lease = ok(await live.post("/api/work/claim", json={"task_id": root["task_id"]}))
    answer = {"annotations": [{"cuboids": []}, {"cuboids": []}]}
    ok(await live.post(f"/api/work/{lease['lease_token']}/submit", json={"response": answer}))
    await work(ctx)
    assert states(await read(live, root["task_id"])) == ["created"]


async def test_in_test_mode_everything_is_completed_at_once(
    ctx: Ctx, test: httpx.AsyncClient, test_actor: Actor
) -> None:
    root = await post(test)
    assert root["status"] == "completed"
    assert states(root) == ["waiting", "waiting"]
    await work(ctx)
    done = await read(test, root["task_id"])
    assert states(done) == ["created", "created"]
    for d in done["dependents"]:
        child = await read(test, d["task_id"])
        assert (child["status"], child["is_test"]) == ("completed", True)
        assert child["params"]["lidar_task"] == root["task_id"]
        assert child["response"]
    assert await children(ctx, test_actor) == 2


async def test_with_require_audit_they_wait_until_a_customer_accepts(
    ctx: Ctx, test: httpx.AsyncClient, test_actor: Actor
) -> None:
    root = await post(test, require_audit=True)
    await work(ctx)
    assert states(await read(test, root["task_id"])) == ["waiting", "waiting"]
    path = f"/v1/task/{root['task_id']}/audit"
    ok(await test.post(path, json={"accepted": False}))
    await work(ctx)
    assert states(await read(test, root["task_id"])) == ["waiting", "waiting"]
    for _ in range(3):
        ok(await test.post(path, json={"accepted": True}))
        await work(ctx)
    assert states(await read(test, root["task_id"])) == ["created", "created"]
    assert await children(ctx, test_actor) == 2


@pytest.mark.parametrize(
    ("result", "then"), [("fixed", "created"), ("accepted", "created"), ("rejected", "waiting")]
)
async def test_an_audit_by_feedback_counts_as_well(
    ctx: Ctx, test: httpx.AsyncClient, result: str, then: str
) -> None:
    root = await post(test, [LINKING], require_audit=True)
    audit = {
        "task_id": root["task_id"],
        "audit_result": result,
        "response_url": "https://files.example/fixed.json",
    }
    ok(await test.put("/v1/audits", json=audit))
    await work(ctx)
    assert states(await read(test, root["task_id"])) == [then]


async def test_a_canceled_root_drops_them(ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor) -> None:
    root = await post(live)
    gone = ok(await live.post(f"/v1/task/{root['task_id']}/cancel"))
    assert states(gone) == ["dropped", "dropped"]
    await work(ctx)
    assert await children(ctx, live_actor) == 0
    refused(
        await live.post(f"/v1/task/{root['task_id']}/dependents", json={"defs": BOTH}),
        400,
        "dependent tasks were dropped",
    )


async def test_a_root_in_error_drops_them_and_says_so_to_its_owner(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    root = await post(live, callback_url="https://hooks.example/root")
    async with ctx.db.tx() as tx:
        assert await tasks.fail_task(ctx, tx, live_actor.space_id, root["task_id"], b'{"error":"x"}')
    assert states(await read(live, root["task_id"])) == ["dropped", "dropped"]
    told = await ctx.db.fetchval("select payload from callback_event where task_id = $1", root["task_id"])
    assert '"status":"dropped"' in told
    await work(ctx)
    assert await children(ctx, live_actor) == 0


async def test_a_child_that_cannot_be_created_is_recorded_and_the_root_stays_completed(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    root = await post(live, [{**LINKING, "unique_id": "wanted"}, SEGMENTATION])
    holder = (await take_despite_the_reservation(ctx, live, live_actor, "wanted"))["task_id"]
    await complete(ctx, live_actor, root["task_id"])
    await work(ctx)
    done = await read(live, root["task_id"])
    assert done["status"] == "completed"
    assert done["dependents"][0] == {
        "index": 0,
        "type": "lidarlinking",
        "status": "failed",
        "error": f'The unique_id ("wanted") is already used for a different task ({holder}).',
    }
    assert done["dependents"][1]["status"] == "created"
    assert await ctx.db.fetchval("select count(*) from job where failed_at is not null") == 0


async def test_defs_are_checked_as_if_they_were_posted(live: httpx.AsyncClient) -> None:
    ok(await live.post("/v1/projects", json={"name": "images", "type": "imageannotation"}))
    holder = (await post(live, unique_id="held"))["task_id"]
    for given, status, error in (
        ([], 400, None),
        (
            [{"type": "imageannotation"}],
            400,
            "dependents.defs[0].type must be one of: lidarlinking, lidarsegmentation",
        ),
        ([LINKING, {"type": "lidarsegmentation"}], 400, None),
        (
            [{**LINKING, "project": "nowhere"}],
            404,
            "dependents.defs[0]: Project with that name not found.",
        ),
        (
            [{**LINKING, "project": "images"}],
            400,
            'dependents.defs[0]: Project "images" does not accept tasks of type lidarlinking.',
        ),
        (
            [{**LINKING, "unique_id": "held"}],
            409,
            f'dependents.defs[0]: The unique_id ("held") is already used for a different task ({holder}).',
        ),
        ([{**LINKING, "callback_url": "nonsense"}], 400, None),
        ([{**LINKING, "lidar_task": "0" * 24}], 400, "dependents.defs[0].lidar_task is not allowed"),
    ):
        answer = await live.post("/v1/task/lidarannotation", json=lidar_root(given))
        assert answer.status_code == status, answer.text
        assert "dependents.defs" in answer.json()["error"]
        if error is not None:
            refused(answer, status, error)
    own = await live.post(
        "/v1/task/lidarannotation", json=lidar_root([{**LINKING, "unique_id": "own"}], unique_id="own")
    )
    assert own.status_code == 409


async def test_a_def_inherits_from_its_own_project(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    project = {"name": "ground", "type": "lidarsegmentation", "params": {"labels": ["road", "grass"]}}
    ok(await live.post("/v1/projects", json=project))
    root = await post(live, [{"type": "lidarsegmentation", "project": "ground"}])
    await complete(ctx, live_actor, root["task_id"])
    await work(ctx)
    child = await read(live, (await read(live, root["task_id"]))["dependents"][0]["task_id"])
    assert (child["project"], child["params"]["labels"]) == ("ground", ["road", "grass"])


async def test_force_creates_what_waits_for_an_audit_and_a_repeat_nothing(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    root = await post(live, require_audit=True)
    path = f"/v1/task/{root['task_id']}/dependents/force"
    refused(await live.post(path), 400, f"task {root['task_id']} must be completed")
    await complete(ctx, live_actor, root["task_id"])
    await work(ctx)
    forced = ok(await live.post(path))
    assert states(forced) == ["created", "created"]
    assert ok(await live.post(path)) == forced
    await work(ctx)
    ok(await live.post(f"/v1/task/{root['task_id']}/audit", json={"accepted": True}))
    await work(ctx)
    assert (await read(live, root["task_id"]))["dependents"] == forced["dependents"]
    assert await children(ctx, live_actor) == 2


async def test_options_change_until_something_was_created(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    root = await post(live)
    path = f"/v1/task/{root['task_id']}/dependents"
    changed = ok(await live.post(path, json={"require_audit": True}))
    assert changed["params"]["dependents"] == {"defs": BOTH, "require_audit": True}
    await complete(ctx, live_actor, root["task_id"])
    await work(ctx)
    assert states(await read(live, root["task_id"])) == ["waiting", "waiting"]
    changed = ok(await live.post(path, json={"defs": [SEGMENTATION], "require_audit": None}))
    assert changed["params"]["dependents"] == {"defs": [SEGMENTATION], "require_audit": True}
    assert changed["dependents"] == [{"index": 0, "type": "lidarsegmentation", "status": "waiting"}]
    assert {k: v for k, v in changed["params"].items() if k != "dependents"} == {
        k: v for k, v in root["params"].items() if k != "dependents"
    }
    created = ok(await live.post(path, json={"require_audit": False}))
    assert states(created) == ["created"]
    for body in ({"require_audit": True}, {"defs": BOTH}):
        refused(await live.post(path, json=body), 400, "dependent tasks were already created")
    await work(ctx)
    assert await children(ctx, live_actor) == 1


async def test_wrong_options_are_refused(live: httpx.AsyncClient) -> None:
    root = await post(live)
    path = f"/v1/task/{root['task_id']}/dependents"
    for body in (
        {},
        {"defs": []},
        {"defs": "x"},
        {"defs": [{"type": "chat"}]},
        {"require_audit": "maybe"},
        {"defs": [{**LINKING, "priority": 99}]},
    ):
        answer = await live.post(path, json=body)
        assert answer.status_code == 400, (body, answer.text)
    assert await read(live, root["task_id"]) == root
    plain = lidar_root([])
    del plain["dependents"]
    task_id = ok(await live.post("/v1/task/lidarannotation", json=plain))["task_id"]
    for tail in ("", "/force"):
        refused(
            await live.post(f"/v1/task/{task_id}/dependents{tail}", json={"require_audit": True}),
            400,
            "task has no dependents",
        )
        refused(
            await live.post(f"/v1/task/{'0' * 24}/dependents{tail}", json={"require_audit": True}),
            404,
            "Task with that ID not found.",
        )


async def test_failed_ones_are_replaced_by_new_defs(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    root = await post(live, [{**LINKING, "unique_id": "wanted"}])
    await take_despite_the_reservation(ctx, live, live_actor, "wanted")
    await complete(ctx, live_actor, root["task_id"])
    await work(ctx)
    assert states(await read(live, root["task_id"])) == ["failed"]
    assert states(ok(await live.post(f"/v1/task/{root['task_id']}/dependents/force"))) == ["failed"]
    again = ok(await live.post(f"/v1/task/{root['task_id']}/dependents", json={"defs": [LINKING]}))
    assert states(again) == ["created"]


async def test_each_is_created_exactly_once_however_many_ask_at_the_same_time(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    root = await post(live, require_audit=True)
    await complete(ctx, live_actor, root["task_id"])
    path, args = f"/v1/task/{root['task_id']}", CreateDependents(live_actor.space_id, root["task_id"])
    answers = await asyncio.gather(
        *(live.post(f"{path}/dependents/force") for _ in range(4)),
        *(live.post(f"{path}/audit", json={"accepted": True}) for _ in range(4)),
        *(tasks.create_dependents(ctx, args) for _ in range(4)),
    )
    assert all(a is None or a.status_code == 200 for a in answers), answers
    await work(ctx)
    done = await read(live, root["task_id"])
    assert states(done) == ["created", "created"]
    assert await children(ctx, live_actor) == 2
    counted = await ctx.db.fetchval(
        "select sum(n) from task_count where space_id = $1 and scope = 's' and status = 'pending'",
        live_actor.space_id,
    )
    assert counted == 2


async def test_the_promise_is_made_in_the_transaction_of_the_completion(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    root = await post(live, [LINKING])
    await complete(ctx, live_actor, root["task_id"])
    promised = await ctx.db.fetchval("select count(*) from job where kind = 'create_dependents'")
    assert promised == 1
    await work(ctx)
    assert states(await read(live, root["task_id"])) == ["created"]


async def test_roots_of_others_do_not_exist(
    live: httpx.AsyncClient, other: httpx.AsyncClient, test: httpx.AsyncClient
) -> None:
    root = await post(live)
    for stranger in (other, test):
        for tail in ("", "/force"):
            refused(
                await stranger.post(
                    f"/v1/task/{root['task_id']}/dependents{tail}", json={"require_audit": False}
                ),
                404,
                "Task with that ID not found.",
            )
    assert await read(live, root["task_id"]) == root
