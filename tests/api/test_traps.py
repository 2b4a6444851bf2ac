"""What breaks real clients when it is only nearly right: the traps of platform-api §29, by number. Those that need the official
client itself (9 to 11, and the rest once more through it) are in tests/sdk."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.api.builders import image_task
from tests.conftest import ClientFor, Keys

EMPTY_JSON = {"headers": {"content-type": "application/json", "content-length": "0"}}
TASK = "/v1/task/imageannotation"


async def _ok(answer: Any) -> Any:
    response = await answer
    assert response.status_code == 200, response.text
    return response.json()


async def _project(client: httpx.AsyncClient, name: str = "p", **more: Any) -> Any:
    return await _ok(client.post("/v1/projects", json={"type": "imageannotation", "name": name, **more}))


async def _batch(client: httpx.AsyncClient, name: str = "b", project: str = "p") -> Any:
    return await _ok(client.post("/v1/batches", json={"project": project, "name": name}))


async def _task(client: httpx.AsyncClient, **more: Any) -> Any:
    return await _ok(client.post(TASK, json=image_task(**more)))


def _has(found: dict[str, Any], *keys: str) -> None:
    assert set(keys) <= set(found), found


async def test_1_every_creation_answers_200_with_an_object(live: httpx.AsyncClient) -> None:
    await _project(live)
    await _batch(live)
    await _task(live, batch="b")
    files = {"file": ("a.txt", b"hello", "text/plain")}
    for found in (
        await _ok(live.post("/v1/files/upload", files=files)),
        await _ok(live.post("/v1/teams/invite", json={"emails": ["a@example.org"], "team_role": "member"})),
        await _ok(live.post("/v1/batches/b/finalize")),
    ):
        assert found


async def test_2_keys_that_clients_read_without_asking_are_always_there(live: httpx.AsyncClient) -> None:
    await _project(live)
    for found in (await _batch(live), (await _ok(live.get("/v1/batches")))["docs"][0]):
        _has(found, "name", "status", "project", "created_at", "metadata")
    task = await _task(live)
    _has(task, "task_id", "created_at", "updated_at", "type", "status", "instruction", "params", "metadata")
    _has(task, "is_test", "urgency", "priority", "processed_attachments", "callback_url")
    empty = {"unique_id": "nobody"}
    for params in ({}, empty, {"project": "no such"}, {"batch": "no such"}):
        _has(await _ok(live.get("/v1/tasks", params=params)), "docs", "total", "limit", "offset", "has_more")
        page = await _ok(live.get("/v1/batches", params=params))
        _has(page, "docs", "totalDocs", "total", "limit", "offset", "has_more")
    assert (await _ok(live.get("/v1/batches/b/status")))["status"] == "in_progress"
    for project in await _ok(live.get("/v1/projects")):
        _has(project, "name", "type", "created_at", "param_history")
        assert all({"version", "created_at"} <= set(entry) for entry in project["param_history"])


async def test_3_lists_without_paging_are_bare_arrays_and_assignments_a_mapping(
    live: httpx.AsyncClient,
) -> None:
    await _project(live, studio=True)
    for path in ("projects", "teams", "studio/projects/p/groups", "studio/batches"):
        assert isinstance(await _ok(live.get(f"/v1/{path}")), list), path
    assert isinstance(await _ok(live.get("/v1/studio/assignments")), dict)


async def test_4_unset_unique_id_and_tags_are_absent_not_null(live: httpx.AsyncClient) -> None:
    task = await _task(live)
    for found in (
        task,
        await _ok(live.get(f"/v1/task/{task['task_id']}")),
        (await _ok(live.get("/v1/tasks")))["docs"][0],
        await _ok(live.delete(f"/v1/task/{task['task_id']}/unique_id")),
    ):
        absent = {"unique_id", "tags", "project", "batch", "completed_at", "response", "audits"}
        assert not absent & set(found)
        assert None not in found.values()


async def test_5_has_more_is_true_exactly_when_a_token_leads_on(live: httpx.AsyncClient) -> None:
    await _project(live)
    for n in range(4):
        await _task(live)
        await _batch(live, f"b{n}")
    for limit in (1, 2, 3, 4, 5):
        params: dict[str, Any] = {"limit": limit}
        ids: list[str] = []
        for _ in range(10):
            page = await _ok(live.get("/v1/tasks", params=params))
            ids += [task["task_id"] for task in page["docs"]]
            assert page["has_more"] == ("next_token" in page)
            if not page["has_more"]:
                break
            params["next_token"] = page["next_token"]
        assert len(ids) == len(set(ids)) == 4
        # The client advances by the limit of the answer: it is the page's size, not the number of entries in it.
        page = await _ok(live.get("/v1/batches", params={"limit": limit, "offset": 3}))
        assert (page["limit"], page["offset"], len(page["docs"]), page["has_more"]) == (limit, 3, 1, False)


async def test_6_a_json_header_without_a_body_means_an_empty_object_or_array(live: httpx.AsyncClient) -> None:
    await _project(live)
    await _batch(live)
    one = f"/v1/task/{(await _task(live, tags=['x'], metadata={'a': 1}))['task_id']}"
    assert (await _ok(live.post(f"{one}/setMetadata", **EMPTY_JSON)))["metadata"] == {}
    assert (await _ok(live.put(f"{one}/tags", **EMPTY_JSON)))["tags"] == ["x"]
    assert (await _ok(live.request("DELETE", f"{one}/tags", **EMPTY_JSON)))["tags"] == ["x"]
    assert (await _ok(live.post(f"{one}/tags", **EMPTY_JSON)))["tags"] == []
    assert (await _ok(live.post(f"{one}/cancel", **EMPTY_JSON)))["status"] == "canceled"
    assert (await _ok(live.post("/v1/batches/b/setMetadata", **EMPTY_JSON)))["metadata"] == {}
    assert (await _ok(live.post("/v1/batches/b/finalize", **EMPTY_JSON)))["name"] == "b"
    assert len((await _ok(live.post("/v1/projects/p/setParams", **EMPTY_JSON)))["param_history"]) == 2
    assert await _ok(live.post("/v1/studio/batches/reset_priorities", **EMPTY_JSON)) == []
    assert (await live.get("/v1/tasks", **EMPTY_JSON)).status_code == 200


@pytest.mark.parametrize("word", ["True", "true", "1", "TRUE"])
async def test_7_booleans_are_read_in_python_spelling_too(live: httpx.AsyncClient, word: str) -> None:
    await _task(live)
    page = await _ok(live.get(f"/v1/tasks?include_attachment_url={word}"))
    assert "attachmentS3Downloads" in page["docs"][0]
    assert (await live.get("/v1/tasks?include_attachment_url=perhaps")).status_code == 400
    assert (await _ok(live.get("/v1/batches?exclude_archived=False")))["docs"] == []


@pytest.mark.parametrize(
    "query", ["tags=a,b", "tags=a&tags=b", "tags=a%2Cb", "tags[]=a&tags[]=b", "tags=a&tags=b,c"]
)
async def test_7_lists_are_read_joined_repeated_and_encoded(live: httpx.AsyncClient, query: str) -> None:
    made = [(await _task(live, tags=[tag]))["task_id"] for tag in ("a", "b", "z")]
    page = await _ok(live.get(f"/v1/tasks?{query}"))
    assert [task["task_id"] for task in page["docs"]] == made[1::-1]


async def test_8_requests_without_an_object_as_body_never_answer_409(live: httpx.AsyncClient) -> None:
    one = f"/v1/task/{(await _task(live, unique_id='u'))['task_id']}"
    answers = [
        await live.post(f"{one}/cancel"),
        await live.post(f"{one}/cancel"),
        await live.post(f"{one}/cancel?clear_unique_id=true"),
        await live.delete(f"{one}/unique_id"),
        await live.delete(f"{one}/unique_id"),
        await live.put(f"{one}/tags", json=list("abcdef")),
        await live.put(f"{one}/tags", json=["a"]),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 400, 200]


async def test_9_a_task_is_found_by_its_unique_id_at_once_and_whole(live: httpx.AsyncClient) -> None:
    made = await _task(live, unique_id="gs://bucket/a b.jpg")
    page = await _ok(live.get("/v1/tasks?unique_id=gs://bucket/a%20b.jpg"))
    assert page["docs"] == [made]


async def test_12_defaults_that_clients_spell_out_are_no_errors(test: httpx.AsyncClient) -> None:
    nothing = {"params": None, "rapid": False, "studio": False, "datasetId": None}
    await _project(test, **nothing)
    body = {
        "project": "p",
        "name": "b",
        "callback": "",
        "calibration_batch": False,
        "self_label_batch": False,
        "metadata": {},
    }
    assert (await _ok(test.post("/v1/batches", json=body)))["callback"] == ""
    task = await _task(test, unique_id=None, tags=None, metadata=None, batch=None)
    audit = {"accepted": True, "comments": None}
    audited = await _ok(test.post(f"/v1/task/{task['task_id']}/audit", json=audit))
    assert audited["customer_review_status"] == "accepted"
    assert "customer_review_comments" not in audited


@pytest.mark.parametrize("name", ["a/b", "a b", "a?b", "a%2Fb", "..", "ä#;=&", "status"])
async def test_13_names_in_paths_are_one_segment_however_they_read(
    live: httpx.AsyncClient, name: str
) -> None:
    await _project(live, name)
    await _batch(live, name, name)
    segment = quote(name, safe="").replace(".", "%2E")
    assert (await _ok(live.get(f"/v1/projects/{segment}")))["name"] == name
    assert (await _ok(live.get(f"/v1/batches/{segment}")))["name"] == name
    assert (await _ok(live.get(f"/v1/batches/{segment}/status")))["status"] == "in_progress"


async def test_14_unknown_parameters_of_a_task_are_kept_as_they_were(live: httpx.AsyncClient) -> None:
    task = await _task(live, force=True, colour={"deep": [1.0, None, "ü"]})
    read = await _ok(live.get(f"/v1/task/{task['task_id']}"))
    assert (read["params"]["force"], read["params"]["colour"]) == (True, {"deep": [1.0, None, "ü"]})


async def test_15_patch_is_an_instruction_to_us_and_not_kept(live: httpx.AsyncClient) -> None:
    await _project(live, params={"a": 1})
    patched = await _ok(live.post("/v1/projects/p/setParams", json={"patch": True, "b": 2}))
    last = patched["param_history"][-1]
    assert (last["a"], last["b"], last["version"]) == (1, 2, 1)
    assert "patch" not in last


async def test_16_an_upload_is_multipart_with_plain_fields_beside_the_file(live: httpx.AsyncClient) -> None:
    await _project(live)
    fields = {"project_name": "p", "display_name": "letter", "metadata": '{"page": 1}'}
    made = await _ok(live.post("/v1/files/upload", files={"file": ("a.txt", b"hello")}, data=fields))
    assert (made["size"], made["project_names"], made["metadata"]) == (5, ["p"], {"page": 1})


async def test_17_an_evaluation_task_returns_its_initial_response(live: httpx.AsyncClient) -> None:
    await _project(live, rapid=True)
    box = {"type": "box", "label": "Big Cow", "left": 1, "top": 2, "width": 30, "height": 40}
    answers = {"expected_response": {"annotations": [box]}, "initial_response": {"annotations": []}}
    made = await _ok(
        live.post("/v1/evaluation_tasks/imageannotation", json=image_task(project="p", **answers))
    )
    assert made["id"]
    assert {name: made[name] for name in answers} == answers


async def test_18_every_change_is_visible_to_the_next_read(live: httpx.AsyncClient) -> None:
    one = f"/v1/task/{(await _task(live))['task_id']}"
    for method, path, body in (
        ("POST", "/setMetadata", {"a": 1}),
        ("POST", "/unique_id", {"unique_id": "u"}),
        ("PUT", "/tags", ["x", "y"]),
        ("DELETE", "/tags", ["x"]),
        ("POST", "/cancel", None),
        ("DELETE", "/unique_id", None),
    ):
        changed = await _ok(live.request(method, one + path, json=body))
        assert await _ok(live.get(one)) == changed
        assert (await _ok(live.get("/v1/tasks")))["docs"] == [changed]


async def test_19_the_newest_entries_are_those_just_created(test: httpx.AsyncClient) -> None:
    await _project(test)
    for _ in range(3):
        made = [(await _task(test))["task_id"] for _ in range(5)]
        page = await _ok(test.get("/v1/tasks", params={"limit": 5}))
        assert [task["task_id"] for task in page["docs"]] == made[::-1]
    names = [(await _batch(test, f"b{n}"))["name"] for n in range(5)]
    assert [b["name"] for b in (await _ok(test.get("/v1/batches?limit=5")))["docs"]] == names[::-1]
    together = {(await made)["task_id"] for made in asyncio.as_completed([_task(test) for _ in range(20)])}
    page = await _ok(test.get("/v1/tasks", params={"limit": 20}))
    assert {task["task_id"] for task in page["docs"]} == together


async def test_20_values_that_hold_commas_match_whole_and_in_parts(live: httpx.AsyncClient) -> None:
    whole = (await _task(live, unique_id="file:///a,b.jpg", tags=["red, dark"]))["task_id"]
    part = (await _task(live, unique_id="b.jpg", tags=["dark"]))["task_id"]
    for query, wanted in (
        ("unique_id=file:///a,b.jpg", [part, whole]),
        ("unique_id=file:///a%2Cb.jpg", [part, whole]),
        ("unique_id=b.jpg", [part]),
        ("tags=red, dark", [whole]),
        ("tags=dark", [part]),
    ):
        docs = (await _ok(live.get(f"/v1/tasks?{query}")))["docs"]
        assert [task["task_id"] for task in docs] == wanted, query


async def test_21_a_time_without_an_offset_is_utc_and_may_have_microseconds(live: httpx.AsyncClient) -> None:
    before = datetime.now(UTC).replace(tzinfo=None)
    made = (await _task(live))["task_id"]
    for since in (before.isoformat(), before.isoformat(" "), before.isoformat() + "Z", str(before.date())):
        docs = (await _ok(live.get("/v1/tasks", params={"start_time": since})))["docs"]
        assert [task["task_id"] for task in docs] == [made], since
    later = {"start_time": before.replace(year=before.year + 1).isoformat()}
    assert (await _ok(live.get("/v1/tasks", params=later)))["docs"] == []
    assert (await live.get("/v1/tasks?start_time=yesterday")).status_code == 400


async def test_22_a_test_task_is_complete_when_it_is_returned_and_cannot_be_cancelled(
    test: httpx.AsyncClient,
) -> None:
    task = await _task(test)
    assert (task["status"], task["is_test"]) == ("completed", True)
    assert task["completed_at"] >= task["created_at"]
    refused = await test.post(f"/v1/task/{task['task_id']}/cancel")
    assert refused.status_code == 400
    assert set(refused.json()) == {"status_code", "error"}


async def test_23_an_ordinary_batch_is_in_progress_while_it_is_empty(
    live: httpx.AsyncClient, test: httpx.AsyncClient
) -> None:
    for client in (live, test):
        await _project(client)
        assert (await _batch(client))["status"] == "in_progress"
        assert (await _ok(client.post("/v1/batches/b/finalize")))["status"] == "in_progress"
        assert (await _ok(client.get("/v1/batches/b")))["status"] == "in_progress"


async def test_24_a_batch_whose_test_tasks_are_all_complete_takes_more(test: httpx.AsyncClient) -> None:
    await _project(test)
    await _batch(test)
    for n in range(1, 4):
        assert (await _task(test, batch="b"))["status"] == "completed"
        assert (await _ok(test.get("/v1/batches/b/status")))["completed"] == n


async def test_25_the_ruby_client_gets_what_it_reads(live: httpx.AsyncClient) -> None:
    made = [(await _task(live))["task_id"] for _ in range(3)]
    url = "/v1/tasks?callback_url&end_time&limit=2&offset=1&start_time&status&type"
    page = await _ok(live.get(url))
    assert [task["task_id"] for task in page["docs"]] == made[1::-1]
    assert (page["limit"], page["offset"], page["has_more"]) == (2, 1, False)
    cancelled = await _ok(live.post(f"/v1/task/{made[0]}/cancel", json={"callback_url": None}))
    assert cancelled["status"] == "canceled"
    assert (await _ok(live.get(f"/v1/task/{made[0]}?callback_url")))["task_id"] == made[0]
    unknown = await live.post("/v1/task/invalid_task_id/cancel")
    assert (unknown.status_code, unknown.json()["error"]) == (404, "Task with that ID not found.")


async def test_26_sail_gets_what_it_reads(live: httpx.AsyncClient) -> None:
    await _project(live)
    for n in range(3):
        await _batch(live, f"b{n}")
    task = await _task(live, batch="b0")
    page = await _ok(live.get("/v1/batches?offset=0"))
    assert (page["hasNextPage"], page["nextPage"]) == (False, None)
    more = await _ok(live.get("/v1/batches?limit=2"))
    assert (more["hasNextPage"], more["nextPage"]) == (True, 2)
    tasks = await _ok(live.get("/v1/tasks?next_token=&batch=b0"))
    assert not tasks.get("next_token")
    (found,) = tasks["docs"]
    assert (found["project"], found["batch"]) == ("p", "b0")
    assert found["params"]["attachment"] == task["params"]["attachment"]
    for path in ("tasks", "batches", "batches/b0", "batches/b0/status", f"task/{task['task_id']}"):
        assert "status_code" not in await _ok(live.get(f"/v1/{path}"))


async def test_27_the_key_is_also_taken_as_a_bearer_token(client_for: ClientFor, keys: Keys) -> None:
    anybody = client_for(None)
    header = {"authorization": f"Bearer {keys.live}"}
    assert (await anybody.get("/v1/tasks", headers=header)).status_code == 200
    for wrong in ({}, {"authorization": keys.live}, {"authorization": "Bearer nonsense"}):
        refused = await anybody.get("/v1/tasks", headers=wrong)
        assert refused.status_code == 401
        assert set(refused.json()) == {"status_code", "error"}


async def test_29_answers_that_are_files_are_fetched_without_a_key(
    test: httpx.AsyncClient, client_for: ClientFor
) -> None:
    body = {
        "instruction": "Colour every car.",
        "attachment_type": "image",
        "attachment": "http://i.imgur.com/v4cBreD.jpg",
        "labels": ["background", "car"],
    }
    task = await _ok(test.post("/v1/task/segmentannotation", json=body))

    def urls(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [url for inner in value.values() for url in urls(inner)]
        if isinstance(value, list):
            return [url for inner in value for url in urls(inner)]
        return [value] if isinstance(value, str) and value.startswith("http") else []

    found = urls(task["response"])
    assert found
    for url in found:
        fetched = await client_for(None).get(url)
        assert fetched.status_code == 200, url
        assert fetched.content


async def test_30_other_products_under_the_same_host_are_not_found(live: httpx.AsyncClient) -> None:
    for path in ("/v1/nucleus/dataset", "/v1/nucleus/", "/v1/no/such/thing"):
        for method in ("GET", "POST"):
            answer = await live.request(method, path, json={} if method == "POST" else None)
            assert answer.status_code == 404
            assert set(answer.json()) == {"status_code", "error"}


async def test_a_page_that_is_empty_and_asks_for_attachment_urls_counts_zero(live: httpx.AsyncClient) -> None:
    await _project(live)
    for query in ("project=p", "project=p&type=categorization", "status=error", "type=chat&status=pending"):
        page = await _ok(live.get(f"/v1/tasks?include_attachment_url=True&limit=1&{query}"))
        assert (page["docs"], page["total"]) == ([], 0)
