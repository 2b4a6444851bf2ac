"""The task operations of the compatible API (platform-api §8-16)."""

from __future__ import annotations

import asyncio
import json

import httpx

from tests.api.builders import image_task
from tests.conftest import ClientFor, Keys


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


async def test_an_empty_callback_url_inherits_as_an_absent_one_does(live: httpx.AsyncClient) -> None:
    params = {"callback_url": "https://p.example/cb", "priority": 20}
    project = {"name": "p", "type": "imageannotation", "params": params}
    assert (await live.post("/v1/projects", json=project)).status_code == 200
    for given in ({"callback_url": ""}, {"callback_url": None, "priority": None}):
        made = await live.post("/v1/task/imageannotation", json=image_task(project="p", **given))
        assert made.json()["callback_url"] == "https://p.example/cb", made.text
        assert made.json()["priority"] == 20


async def test_a_null_makes_room_for_the_default_of_its_parameter(live: httpx.AsyncClient) -> None:
    asked = {
        "instruction": "Big?",
        "attachment_type": "text",
        "attachment": "car",
        "categories": ["big", "small"],
        "allow_multiple": None,
    }
    made = await live.post("/v1/task/categorization", json=asked)
    assert made.json()["params"]["allow_multiple"] is False
    assert made.content.count(b'"allow_multiple"') == 1


async def test_metadata_is_measured_without_the_escapes_of_the_client(live: httpx.AsyncClient) -> None:
    fits, too_long = {"name": "ü" * 5000}, {"name": "ü" * 5200}
    headers = {"Content-Type": "application/json"}
    made = await live.post(
        "/v1/task/imageannotation", content=json.dumps(image_task(metadata=fits)), headers=headers
    )
    assert made.status_code == 200, made.text
    assert made.json()["metadata"] == fits
    path = f"/v1/task/{made.json()['task_id']}/setMetadata"
    assert (await live.post(path, content=json.dumps(fits), headers=headers)).json()["metadata"] == fits
    assert (await live.post(path, content=json.dumps(too_long), headers=headers)).status_code == 400


async def test_a_form_with_one_tag_is_a_list_of_one(live: httpx.AsyncClient) -> None:
    path = (
        f"/v1/task/{(await live.post('/v1/task/imageannotation', json=image_task())).json()['task_id']}/tags"
    )
    assert (await live.post(path, data={"tags": "a"})).json()["tags"] == ["a"]
    assert (await live.put(path, data={"tags": ["b", "c"]})).json()["tags"] == ["a", "b", "c"]
    assert (await live.post(path, data={"tags": ""})).status_code == 400


async def test_tags_are_found_exactly_whatever_they_hold(
    test: httpx.AsyncClient, client_for: ClientFor, keys: Keys
) -> None:
    odd = ["a\x1fb", "b", "1:b", 'q"uo\\te', "{brace}"]
    other = client_for(keys.other_test)
    made = {}
    for tag in odd:
        made[tag] = (await test.post("/v1/task/imageannotation", json=image_task(tags=[tag]))).json()[
            "task_id"
        ]
        await other.post("/v1/task/imageannotation", json=image_task(tags=[tag]))
    for tag in odd:
        page = (await test.get("/v1/tasks", params={"tags": tag})).json()
        assert [d["task_id"] for d in page["docs"]] == [made[tag]]
        assert page["total"] == 1
    both = (await test.get("/v1/tasks", params={"tags": "b,{brace}"})).json()
    assert {d["task_id"] for d in both["docs"]} == {made["b"], made["{brace}"]}


async def test_a_batch_was_audited_at_the_very_time_that_the_audit_tells(test: httpx.AsyncClient) -> None:
    await test.post("/v1/projects", json={"name": "p", "type": "imageannotation"})
    await test.post("/v1/batches", json={"name": "b", "project": "p"})
    made = await test.post("/v1/task/imageannotation", json=image_task(batch="b"))
    audited = await test.post(f"/v1/task/{made.json()['task_id']}/audit", json={"accepted": True})
    at = audited.json()["audits"][0]["audited_at"]
    page = (await test.get("/v1/batches", params={"audited_after": at, "audited_before": at})).json()
    assert [doc["name"] for doc in page["docs"]] == ["b"]


async def test_a_verdict_must_be_a_boolean_in_json_and_may_be_a_word_in_a_form(
    test: httpx.AsyncClient,
) -> None:
    task_id = (await test.post("/v1/task/imageannotation", json=image_task())).json()["task_id"]
    refused = await test.post(f"/v1/task/{task_id}/audit", json={"accepted": "true"})
    assert refused.status_code == 400
    assert refused.json()["error"] == 'Parameter is invalid, reason: "accepted" must be a boolean'
    taken = await test.post(f"/v1/task/{task_id}/audit", data={"accepted": "true"})
    assert taken.status_code == 200
    assert taken.json()["customer_review_status"] == "accepted"
