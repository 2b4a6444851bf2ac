"""Names of declared tasks are theirs before they are created."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import msgspec

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from tests.api.builders import image_task, lidar_root
from tests.api.test_dependents import (
    LINKING,
    NDJSON,
    SEGMENTATION,
    complete,
    ok,
    post,
    read,
    refused,
    states,
    work,
)


def taken(name: str, holder: str, where: str = "") -> str:
    return f'{where}The unique_id ("{name}") is already used for a different task ({holder}).'


async def test_the_name_of_a_declared_task_is_reserved_until_it_is_created(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor, other: httpx.AsyncClient
) -> None:
    free = (await post(live, unique_id="free"))["task_id"]
    root = await post(live, [{**LINKING, "unique_id": "wanted"}, SEGMENTATION])
    holder, path = root["task_id"], f"/v1/task/{root['task_id']}/dependents"
    error = taken("wanted", holder)
    refused(await live.post("/v1/task/imageannotation", json=image_task(unique_id="wanted")), 409, error)
    refused(
        await live.post(
            "/v1/task/lidarannotation", json=lidar_root([{**SEGMENTATION, "unique_id": "wanted"}])
        ),
        409,
        "dependents.defs[0]: " + error,
    )
    refused(await live.post(f"/v1/task/{free}/unique_id", json={"unique_id": "wanted"}), 409, error)
    lines = "".join(
        msgspec.json.encode({"type": "imageannotation", **image_task(unique_id=n)}).decode() + "\n"
        for n in ("wanted", "another")
    )
    told = (await live.post("/api/tasks/bulk", content=lines, headers=NDJSON)).text
    assert error.replace('"', '\\"') in told
    assert '"result":"created"' in told
    assert states(await post(other, unique_id="wanted")) == ["waiting", "waiting"]  # of another account

    changed = ok(await live.post(path, json={"defs": [{**LINKING, "unique_id": "wanted"}]}))
    assert states(changed) == ["waiting"]
    await complete(ctx, live_actor, holder)
    await work(ctx)
    child = (await read(live, holder))["dependents"][0]["task_id"]
    assert (await read(live, child))["unique_id"] == "wanted"
    refused(
        await live.post("/v1/task/imageannotation", json=image_task(unique_id="wanted")),
        409,
        taken("wanted", child),
    )


async def test_a_dropped_name_is_free_and_a_root_that_is_prepared_again_does_not_get_it_back(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    root = await post(live, [{**LINKING, "unique_id": "wanted"}, {**SEGMENTATION, "unique_id": "other"}])
    async with ctx.db.tx() as tx:
        assert await tasks.fail_task(ctx, tx, live_actor.space_id, root["task_id"], b'{"error":"x"}')
    second = await post(live, [{**SEGMENTATION, "unique_id": "wanted"}])
    ok(await live.post(f"/api/tasks/{root['task_id']}/reprocess"))
    again = await read(live, root["task_id"])
    assert states(again) == ["failed", "waiting"]
    assert again["dependents"][0]["error"] == taken("wanted", second["task_id"])


async def test_of_many_that_want_one_name_at_the_same_time_one_gets_it(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    roots = [lidar_root([{**LINKING, "unique_id": "wanted"}]) for _ in range(6)]
    answers = await asyncio.gather(*(live.post("/v1/task/lidarannotation", json=b) for b in roots))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 5}
    holder = next(a.json()["task_id"] for a in answers if a.status_code == 200)
    assert {a.json()["error"] for a in answers if a.status_code == 409} == {
        taken("wanted", holder, "dependents.defs[0]: ")
    }
    # Other declarations, creations and namings, all for one name.
    others = [(await post(live, [LINKING]))["task_id"] for _ in range(4)]
    wish = {"unique_id": "second"}
    answers = await asyncio.gather(
        *(live.post(f"/v1/task/{o}/dependents", json={"defs": [{**LINKING, **wish}]}) for o in others),
        *(live.post("/v1/task/lidarannotation", json=lidar_root([{**LINKING, **wish}])) for _ in range(3)),
        *(live.post("/v1/task/imageannotation", json=image_task(**wish)) for _ in range(3)),
        *(live.post(f"/v1/task/{o}/unique_id", json=wish) for o in others),
    )
    assert {a.status_code for a in answers} == {200, 409}, [a.text for a in answers]
    tasks_with_it = await ctx.db.fetchval("select count(*) from task where unique_id = 'second'")
    waiting = await ctx.db.fetchval("select count(*) from dependent where unique_id = 'second'")
    assert tasks_with_it <= 1
    assert waiting <= 1
    assert tasks_with_it + waiting >= 1
