"""The published page on tasks, statement by statement: what it says of reading, listing, cancelling, metadata, unique ids and tags."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx

BOX = {"box": {"objects_to_annotate": ["vehicle", "pedestrian"]}}
IMAGE: dict[str, Any] = {
    "instruction": "Label every object in this image",
    "callback_url": "http://www.example.com/callback",
    "attachment": "https://example.com/image.jpg",
    "geometries": BOX,
    "metadata": {"key": "value", "key2": "value2"},
}


async def create(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    made = await client.post("/v1/task/imageannotation", json={**IMAGE, **more})
    assert made.status_code == 200, made.text
    return made.json()


async def listed(client: httpx.AsyncClient, query: str) -> list[str]:
    found = await client.get(f"/v1/tasks?{query}")
    assert found.status_code == 200, (query, found.text)
    return [task["task_id"] for task in found.json()["docs"]]


async def test_a_task_has_the_keys_of_the_page_and_only_set_ones_of_the_optional(
    live: httpx.AsyncClient, test: httpx.AsyncClient
) -> None:
    task = await create(live)
    assert IMAGE.items() >= {k: task[k] for k in ("instruction", "callback_url", "metadata")}.items()
    assert (task["type"], task["status"]) == ("imageannotation", "pending")
    assert task["params"]["attachment"] == IMAGE["attachment"]
    assert task["params"]["geometries"] == BOX
    assert not {"unique_id", "tags", "response"} & task.keys()
    assert re.fullmatch(r"[0-9a-f]{24}", task["task_id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", task["created_at"])
    bare = await test.post(
        "/v1/task/categorization",
        json={
            "instruction": "Would you say this item is big or small?", "attachment_type": "text", "attachment": "car",
            "categories": ["big", "small"], "callback_url": "http://www.example.com/callback",
            "tags": ["experiment_1", "owner:david"], "unique_id": "product_experiment_dg3d9x83",
        },
    )  # fmt: skip
    done = bare.json()
    assert done["status"] == "completed"
    assert done["response"]["category"] in ("big", "small")
    assert done["metadata"] == {}
    assert done["tags"] == ["experiment_1", "owner:david"]
    assert done["unique_id"] == "product_experiment_dg3d9x83"
    assert {"completed_at", "updated_at"} <= done.keys()


async def test_the_list_is_newest_first_and_every_filter_of_the_page_works(live: httpx.AsyncClient) -> None:
    made: list[dict[str, Any]] = []
    for n in range(4):
        made.append(await create(live, unique_id=f"a{n}", tags=[f"t{n}", "all"]))
        await asyncio.sleep(0.002)
    ids = [task["task_id"] for task in reversed(made)]
    whole = (await live.get("/v1/tasks")).json()
    assert [task["task_id"] for task in whole["docs"]] == ids
    assert (whole["total"], whole["limit"], whole["has_more"]) == (4, 100, False)
    page = (await live.get("/v1/tasks?limit=3")).json()
    assert (page["limit"], page["has_more"], page["total"]) == (3, True, 4)
    assert await listed(live, f"limit=3&next_token={page['next_token']}") == ids[3:]
    for limit in ("0", "101", "x"):
        assert (await live.get(f"/v1/tasks?limit={limit}")).status_code == 400
    await live.post(f"/v1/task/{ids[0]}/cancel")
    both = ids[2:]
    for query, expected in {
        "status=canceled": ids[:1],
        "status=pending": ids[1:],
        "status=pending,canceled": ids,
        "status=pending&status=canceled": ids,
        "status=completed": [],
        "type=imageannotation": ids,
        "type=categorization": [],
        "unique_id=a0,a1": both,
        "unique_id=a0&unique_id=a1": both,
        "tags=t0,t1": both,
        "tags=t0&tags=t1": both,
        "tags=all": ids,
        "start_time=2021-04-25": ids,
        "start_time=2021-04-25T03:14:15-07:00": ids,
        "end_time=2021-04-25": [],
        "updated_after=2021-04-25": ids,
        "updated_before=2021-04-25T03:14:15Z": [],
        "completed_after=2021-04-25": [],
        "completed_before=2021-04-25": [],
        f"start_time={made[1]['created_at']}&end_time={made[2]['created_at']}": ids[1:3],
        "customer_review_status=accepted,fixed": [],
        "customer_review_status=accepted&customer_review_status=fixed": [],
    }.items():
        assert await listed(live, query) == expected, query
    assert (await live.get("/v1/tasks?start_time=yesterday")).status_code == 400
    # A value may be repeated like the others where the page says "array of objects".
    assert await listed(live, "updated_after=2021-04-25&updated_after=2021-04-25") == ids
    assert await listed(live, "include_attachment_url=true") == ids


async def test_only_pending_tasks_are_canceled_and_again_and_again(
    live: httpx.AsyncClient, test: httpx.AsyncClient
) -> None:
    task = await create(live, unique_id="u")
    for _ in range(2):
        answer = await live.post(f"/v1/task/{task['task_id']}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
        assert answer.json()["unique_id"] == "u"
    taken = await live.post("/v1/task/imageannotation", json={**IMAGE, "unique_id": "u"})
    assert taken.status_code == 409
    assert taken.json() == {
        "status_code": 409,
        "error": f'The unique_id ("u") is already used for a different task ({task["task_id"]}).',
    }
    freed = await live.post(f"/v1/task/{task['task_id']}/cancel?clear_unique_id=true")
    assert freed.status_code == 200
    assert "unique_id" not in freed.json()
    await create(live, unique_id="u")
    done = await create(test)
    assert (await test.post(f"/v1/task/{done['task_id']}/cancel")).status_code == 400


async def test_metadata_unique_ids_and_tags_change_as_the_page_says(live: httpx.AsyncClient) -> None:
    task_id = (await create(live, clear_unique_id_on_error=True))["task_id"]
    for _ in range(2):
        answer = await live.post(f"/v1/task/{task_id}/setMetadata", json={"run": 7})
        assert (answer.status_code, answer.json()["metadata"]) == (200, {"run": 7})
    named = await live.post(f"/v1/task/{task_id}/unique_id", json={"unique_id": "new_unique_id"})
    assert (named.status_code, named.json()["unique_id"]) == (200, "new_unique_id")
    nameless = await live.delete(f"/v1/task/{task_id}/unique_id")
    assert nameless.status_code == 200
    assert "unique_id" not in nameless.json()
    await create(live, unique_id="new_unique_id")
    assert (
        await live.post(f"/v1/task/{task_id}/unique_id", json={"unique_id": "new_unique_id"})
    ).status_code == 409

    async def tags(method: str, given: Any) -> list[str]:
        answer = await live.request(method, f"/v1/task/{task_id}/tags", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json().get("tags", [])

    assert await tags("PUT", ["tag1", "tag2"]) == ["tag1", "tag2"]
    assert await tags("PUT", ["tag2", "tag3"]) == ["tag1", "tag2", "tag3"]
    assert await tags("POST", ["tag4"]) == ["tag4"]
    assert await tags("PUT", ["tag5"]) == ["tag4", "tag5"]
    assert await tags("DELETE", ["tag4", "none"]) == ["tag5"]
    for wrong in ([""], [None], "tag"):
        for method in ("PUT", "POST"):
            assert (await live.request(method, f"/v1/task/{task_id}/tags", json=wrong)).status_code == 400


async def test_a_form_with_an_idempotency_key_is_answered_once(live: httpx.AsyncClient) -> None:
    form = {
        "callback_url": "http://www.example.com/callback", "instruction": "Which is sharper?", "attachment_type": "image",
        "attachments": ["https://example.com/a.jpg", "https://example.com/b.jpg"], "choices": ["left", "right"],
    }  # fmt: skip
    key = {"Idempotency-Key": "0c2cb6c2-7f1e-4f0f-9d5f-3ff4cf6de9b5"}
    first = await live.post("/v1/task/comparison", data=form, headers=key)
    again = await live.post("/v1/task/comparison", data=form, headers=key)
    assert first.status_code == 200, first.text
    assert again.json() == first.json()
    other = await live.post(
        "/v1/task/comparison", data={**form, "instruction": "Which is nicer?"}, headers=key
    )
    assert other.status_code == 409
    assert (await live.get("/v1/tasks")).json()["total"] == 1
