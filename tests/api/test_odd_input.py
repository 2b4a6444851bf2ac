"""Input at the edges: absurd times and numbers, bodies that break off or never end, odd but lawful documents."""

from __future__ import annotations

import json
import random
from typing import Any

import httpx

from steelyard.http.asgi import App
from tests.api.builders import image_task
from tests.api.target import FORM, JSON, NESTED, TASK, WITH_BODY, Target
from tests.conftest import Keys


async def test_absurd_times_tokens_and_numbers_in_a_query_are_refused(target: Target) -> None:
    times = [
        "yesterday", "2021-13-01", "2021-02-30", "24:00", "99999-01-01", "-1", "0", "2021-04-25T25:00:00",
        "2021-04-25T00:00:00+99:99", "%00", "2021-04-25%00", "0000-01-01", "1e9", "2021-04-25T00:00:00.", "%F0%9F%98%80",
    ]  # fmt: skip
    fields = [
        "start_time",
        "end_time",
        "completed_after",
        "completed_before",
        "updated_after",
        "updated_before",
    ]
    for value in times:
        for field in fields:
            await target.refuses(400, "GET", f"/v1/tasks?{field}={value}")
        await target.refuses(400, "GET", f"/v1/batches?start_time={value}")
    for token in (
        "x",
        "eyJ9",
        "bnVsbA==",
        "W10=",
        "eyJ0YXNrX2lkIjoxfQ==",
        "%00",
        "%ff",
        "x" * 5000,
        "8J+YgA==",
    ):
        await target.refuses(400, "GET", f"/v1/tasks?next_token={token}")
        await target.refuses(400, "GET", f"/v1/files?project=p&cursor={token}")
        await target.refuses(400, "GET", f"/v1/quality/labelers?quality_task_ids=x&next_token={token}")
    for value in ("0", "101", "-1", "1.5", "x", "1" * 30, "%00", "1e1", "true"):
        for path in ("/v1/tasks", "/v1/batches", "/v1/files?project=p"):
            await target.refuses(400, "GET", f"{path}{'&' if '?' in path else '?'}limit={value}")
    for value in ("-1", "x", "9" * 19, "9" * 40, "%00"):
        await target.refuses(400, "GET", f"/v1/tasks?offset={value}")
        await target.refuses(400, "GET", f"/v1/batches?offset={value}")
    for query in (
        "status=lost",
        "status=pending,lost",
        "customer_review_status=x",
        "limited_response=perhaps",
    ):
        await target.refuses(400, "GET", f"/v1/tasks?{query}")
    for query in ("project=%ff", "project=%00", "unique_id=a&unique_id=%00", "tags=%C3%28", "%ff=1"):
        await target.refuses(400, "GET", f"/v1/tasks?{query}")
    await target.unchanged()


async def test_times_at_the_ends_of_the_calendar_are_taken(target: Target) -> None:
    for value in (
        "0001-01-01", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
        "1969-12-31", "2106-02-07T06:28:16Z", "2199-01-01",
    ):  # fmt: skip
        for field in ("start_time", "end_time", "completed_after", "updated_before"):
            answer = await target.client.get("/v1/tasks", params={field: value})
            assert answer.status_code in (200, 400), (field, value, answer.text)
    far = await target.client.get("/v1/tasks?offset=4000000000000000000")
    assert far.status_code == 200
    assert far.json()["docs"] == []
    assert far.json()["total"] == 1


async def test_bodies_over_the_limit_are_refused_without_being_read(target: Target, app: App) -> None:
    limit = target.ctx.settings.max_body_bytes
    big = b'{"a":"' + b"x" * limit + b'"}'
    for method, path in WITH_BODY[:8]:
        await target.refuses(413, method, path, big, JSON)

    async def chunks() -> Any:
        for _ in range(limit // 2**20 + 2):
            yield b"x" * 2**20

    answer = await target.client.post(TASK, content=chunks(), headers=JSON)
    assert answer.status_code == 413
    lied = await target.client.post(TASK, content=b"{}", headers={**JSON, "content-length": "9" * 40})
    assert lied.status_code == 413
    await target.unchanged()


async def _raw(app: App, keys: Keys, method: str, path: str, messages: list[dict[str, Any]]) -> int | None:
    """One request spoken in ASGI, so that it can break off. The status, if one was sent."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (b"authorization", b"Bearer " + keys.live.encode()),
            (b"content-type", b"application/json"),
            (b"content-length", b"100"),
        ],
    }
    await app(scope, receive, send)
    return next((m["status"] for m in sent if m["type"] == "http.response.start"), None)


async def test_a_request_that_breaks_off_changes_nothing(target: Target, app: App, keys: Keys) -> None:
    part = {"type": "http.request", "body": b"", "more_body": True}
    for method, path in WITH_BODY:
        for before in ([], [part], [{**part, "body": b'{"a":1}'}], [{**part, "body": b"[]"}, part]):
            status = await _raw(app, keys, method, path.replace("{task}", target.pending), list(before))
            assert status in (None, 400), (method, path, before)
    await target.unchanged()


async def test_methods_without_a_route_are_405_and_head_has_no_body(target: Target) -> None:
    for method in ("OPTIONS", "TRACE", "PATCH", "PROPFIND", "X"):
        await target.refuses(405, method, "/v1/tasks")
        await target.refuses(405, method, TASK, image_task())
    head = await target.client.head("/v1/tasks")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 100
    await target.refuses(404, "HEAD", "/v1/task/none")
    await target.refuses(405, "HEAD", "/v1/batches/b/finalize")
    await target.unchanged()


async def test_malformed_forms_are_refused(target: Target) -> None:
    for content in (
        "instruction=%ff",
        "instruction=%00",
        b"instruction=\xff",
        "a" + "[b]" * 100 + "=1",
        "metadata[a]=1&metadata=" + NESTED,
        "geometries=" + "[" * 50_000,
        "instruction[a]=1",
    ):
        await target.refuses(400, "POST", TASK, content, FORM)
    for content_type in (
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "image/png",
        "multipart/form-data; boundary=",
    ):
        await target.refuses(
            400, "POST", "/v1/files/upload", b"--x\r\nnonsense", {"content-type": content_type}
        )
    await target.unchanged()


async def test_odd_but_lawful_documents_come_back_as_sent(target: Target) -> None:
    deep = "[" * 60 + "]" * 60
    metadata = (
        '{"a" : 1e2, "b":[1.0,12345678901234567890123,"\\u00e9\\/"],"c":{"c":1,"c":2}, "d":' + deep + "}"
    )
    body = (
        json.dumps(image_task()).rstrip("}")
        + '}},"metadata":'
        + metadata
        + ',"instruction":"first","instruction":"last"}'
    )
    made = await target.client.post(TASK, content=body.encode(), headers=JSON)
    assert made.status_code == 200, made.text
    assert metadata in made.text
    assert made.json()["instruction"] == "last"
    read = await target.client.get(f"/v1/task/{made.json()['task_id']}")
    assert read.content == made.content


async def test_nesting_is_either_refused_or_survives_everything_that_is_done_to_a_task(
    test: httpx.AsyncClient,
) -> None:
    """The database's own limit must never be met later, when the answer or the callback is composed."""
    taken: list[int] = []
    for depth in (10, 50, 100, 200, 400, 800, 1600, 3200, 6400):
        metadata = '{"a":' * depth + "1" + "}" * depth
        body = json.dumps(image_task()).rstrip("}") + '}},"metadata":' + metadata + "}"
        if len(metadata) > 10_000:
            body = body.replace('"metadata"', '"extra"')
        made = await test.post(TASK, content=body.encode(), headers=JSON)
        assert made.status_code in (200, 400), made.text[:300]
        if made.status_code == 200:
            taken.append(depth)
            path = f"/v1/task/{json.loads(made.content)['task_id']}"
            assert (await test.get(path)).status_code == 200
            assert (await test.post(path + "/audit", json={"accepted": True})).status_code == 200
            assert (await test.post(path + "/send_callback")).status_code == 200
    assert 50 in taken
    assert 6400 not in taken


async def test_the_longest_unique_ids_and_tags_are_stored_or_refused_in_words(target: Target) -> None:
    """An index entry has a limit in bytes, and what does not compress may be over it."""
    rng = random.Random(1)
    for longest in (
        "\U0001f600" * 1024,
        "".join(chr(rng.randrange(0x10000, 0x20000)) for _ in range(1024)),
        "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(1024)),
        "".join(chr(rng.randrange(0x21, 0x7F)) for _ in range(1024)),
    ):
        for body in (image_task(unique_id=longest), image_task(tags=[longest])):
            answer = await target.client.post(TASK, json=body)
            assert answer.status_code in (200, 400), answer.text
            assert "index" not in answer.json().get("error", "")
        for method, path, sent in (
            ("POST", f"/v1/task/{target.pending}/unique_id", {"unique_id": longest}),
            ("PUT", f"/v1/task/{target.pending}/tags", [longest]),
            ("POST", "/v1/files/import", {"file_url": "http://x.example/a", "reference_id": longest}),
        ):
            answer = await target.client.request(method, path, json=sent)
            assert answer.status_code in (200, 400, 409), answer.text
            assert "index" not in answer.json().get("error", "")
