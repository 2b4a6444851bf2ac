"""Fixless audits (platform-api §24)."""

from __future__ import annotations

import pytest

IMAGE = {
    "instruction": "Box every cow.",
    "attachment": "https://example.org/a.jpg",
    "attachment_type": "image",
    "geometries": {"box": {"objects_to_annotate": ["cow"]}},
}
URL = "https://example.org/response.json"


def refused(response, status):
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"status_code", "error"}
    assert body["status_code"] == status
    return body["error"]


async def task(client):
    made = await client.post("/v1/task/imageannotation", json=IMAGE)
    assert made.status_code == 200, made.text
    return made.json()["task_id"]


async def test_an_audit_is_stored_with_its_items_and_answered_201(test):
    task_id = await task(test)
    body = {
        "task_id": task_id,
        "audit_result": "rejected",
        "response_url": URL,
        "feedback_items": [
            {
                "type": "error",
                "state": "disputed",
                "comment": "Too low.",
                "scope": {
                    "annotation_id": "a-1",
                    "attribute": "color",
                    "frame_interval": {"start": 0, "end": 4},
                    "error_category": "geometry",
                },
            },
            {"type": "confirmation", "id": "mine"},
            {"type": "flag", "scope": None, "colour": "ignored"},
        ],
    }
    made = await test.put("/v1/audits", json=body)
    assert made.status_code == 201, made.text
    doc = made.json()
    ids = [item.pop("id") for item in doc["feedback_items"]]
    assert ids[1] == "mine"
    assert len(set(ids)) == 3
    assert doc["feedback_items"] == [body["feedback_items"][0], {"type": "confirmation"}, {"type": "flag"}]
    assert (doc["task_id"], doc["audit_result"], doc["response_url"]) == (task_id, "rejected", URL)
    assert "@" in doc["audited_by"]
    assert doc["created_at"].endswith("Z")
    assert (await test.get(f"/v1/audits?id={doc['id']}")).json() == [made.json()]
    assert "customer_review_status" not in (await test.get(f"/v1/task/{task_id}")).json()


async def test_a_tasks_audits_are_listed_newest_first_to_its_own_space(test, live, other):
    task_id = await task(test)
    ids = []
    for result in ("rejected", "accepted"):
        body = {"task_id": task_id, "audit_result": result, "response_url": URL}
        ids.append((await test.put("/v1/audits", json=body)).json()["id"])
    listed = (await test.get(f"/v1/audits?task_id={task_id}")).json()
    assert [a["id"] for a in listed] == ids[::-1]
    assert listed[0]["feedback_items"] == []
    assert (await test.get(f"/v1/audits?id={ids[0]}&task_id=other")).json() == []
    for stranger in (live, other):
        assert (await stranger.get(f"/v1/audits?task_id={task_id}")).json() == []
        assert (await stranger.get(f"/v1/audits?id={ids[0]}")).json() == []
        refused(await stranger.put("/v1/audits", json=body), 404)


async def test_a_list_needs_one_of_its_two_parameters(test):
    refused(await test.get("/v1/audits"), 400)
    refused(await test.get("/v1/audits?task_id=&id="), 400)
    refused(await test.get("/v1/audits?id=%00"), 400)
    assert (await test.get("/v1/audits?id=nothing")).json() == []


async def test_only_completed_tasks_can_be_audited(live):
    body = {"task_id": await task(live), "audit_result": "accepted", "response_url": URL}
    refused(await live.put("/v1/audits", json=body), 400)
    for unknown in ("65f0c0ffee5eed0000000001", "x", ""):
        refused(await live.put("/v1/audits", json={**body, "task_id": unknown}), 404)


@pytest.mark.parametrize(
    "change",
    [
        {"task_id": None},
        {"task_id": 5},
        {"audit_result": "perhaps"},
        {"audit_result": None},
        {"response_url": None},
        {"response_url": ""},
        {"response_url": "javascript:alert(1)"},
        {"feedback_items": {}},
        {"feedback_items": [{}]},
        {"feedback_items": [{"type": "rumour"}]},
        {"feedback_items": [{"type": "error", "state": "unsure"}]},
        {"feedback_items": [{"type": "error", "scope": {"frame_interval": {"start": 5, "end": 4}}}]},
        {"feedback_items": [{"type": "error", "scope": {"frame_interval": {"start": -1, "end": 4}}}]},
        {"feedback_items": [{"type": "error", "id": "a"}, {"type": "error", "id": "a"}]},
    ],
)
async def test_an_audit_that_breaks_a_rule_is_a_400(test, change):
    body = {"task_id": await task(test), "audit_result": "accepted", "response_url": URL, **change}
    refused(await test.put("/v1/audits", json=body), 400)
