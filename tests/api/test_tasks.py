"""The task operations of the compatible API (platform-api §8-16)."""

from __future__ import annotations

import asyncio

import httpx

from tests.api.builders import image_task


async def test_a_live_task_is_pending_and_reads_back_byte_for_byte(live: httpx.AsyncClient) -> None:
    made = await live.post(
        "/v1/task/imageannotation", json=image_task(unique_id="a/1", tags=["x", "y"], metadata={"k": 1})
    )
    assert made.status_code == 200, made.text
    task = made.json()
    assert task["status"] == "pending"
    assert task["is_test"] is False
    read = await live.get(f"/v1/task/{task['task_id']}")
    assert read.content == made.content


async def test_a_test_task_is_born_completed_and_reads_back_byte_for_byte(test: httpx.AsyncClient) -> None:
    made = await test.post("/v1/task/imageannotation", json=image_task(unique_id='q"\\\u0007ü😀'))
    assert made.status_code == 200, made.text
    task = made.json()
    assert task["status"] == "completed"
    assert task["response"]["annotations"]
    read = await test.get(f"/v1/task/{task['task_id']}")
    assert read.content == made.content


async def test_a_second_use_of_a_unique_id_is_refused_naming_the_holder(live: httpx.AsyncClient) -> None:
    first = (await live.post("/v1/task/imageannotation", json=image_task(unique_id="u"))).json()
    again = await live.post("/v1/task/imageannotation", json=image_task(unique_id="u"))
    assert again.status_code == 409
    assert again.json() == {
        "status_code": 409,
        "error": f'The unique_id ("u") is already used for a different task ({first["task_id"]}).',
    }


async def test_sixteen_clients_racing_on_one_unique_id_make_one_task(live: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(live.post("/v1/task/imageannotation", json=image_task(unique_id="race")) for _ in range(16))
    )
    assert sorted(a.status_code for a in answers) == [200] + [409] * 15
    page = (await live.get("/v1/tasks", params={"unique_id": "race"})).json()
    assert page["total"] == 1, (page, [a.text[-80:] for a in answers])


async def test_pages_by_token_neither_skip_nor_repeat(test: httpx.AsyncClient) -> None:
    made = [
        (await test.post("/v1/task/imageannotation", json=image_task())).json()["task_id"] for _ in range(7)
    ]
    seen: list[str] = []
    token = ""
    while True:
        page = (await test.get("/v1/tasks", params={"limit": 3, "next_token": token})).json()
        assert page["total"] == 7
        seen += [d["task_id"] for d in page["docs"]]
        if not page["has_more"]:
            assert "next_token" not in page
            break
        token = page["next_token"]
    assert seen == made[::-1]


async def test_a_type_that_needs_an_instruction_takes_it_from_the_request_or_the_project(
    test: httpx.AsyncClient,
) -> None:
    body = {"attachment": "car", "attachment_type": "text", "categories": ["big", "small"]}
    refused = await test.post("/v1/task/categorization", json=body)
    assert refused.status_code == 400
    assert refused.json()["error"] == "Missing required parameter: instruction."
    await test.post(
        "/v1/projects",
        json={"type": "categorization", "name": "sizes", "params": {"instruction": "How big?"}},
    )
    made = await test.post("/v1/task/categorization", json={**body, "project": "sizes"})
    assert made.status_code == 200, made.text
    assert made.json()["instruction"] == "How big?"
