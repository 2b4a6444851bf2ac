"""Bad input of every kind: the contract's error, never a server fault, and not one row of any table changed."""

from __future__ import annotations

import json
import random
from typing import Any

import httpx
import pytest

from steelyard.ctx import Ctx
from steelyard.http.asgi import App
from tests.api.builders import image_task
from tests.conftest import Keys

TASK = "/v1/task/imageannotation"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
NESTED = "[" * 100_000 + "]" * 100_000
NESTED_OBJECT = '{"a":' * 100_000 + "1" + "}" * 100_000


async def _digest(ctx: Ctx) -> dict[str, str]:
    """What every table holds; last uses of keys aside."""
    tables = await ctx.db.fetch(
        "select relname from pg_class where relnamespace = 'steelyard'::regnamespace and relkind = 'r'"
    )
    digest: dict[str, str] = {}
    for (name,) in (tuple(r) for r in tables):
        digest[name] = await ctx.db.fetchval(
            "select count(*) || ' ' || coalesce(md5(string_agg(r, '' order by r)), '')"
            f" from (select (to_jsonb(t) - 'last_used_at')::text as r from {name} t) rows"
        )
    return digest


class Target:
    """A server with a few objects, and a client that checks every refusal."""

    def __init__(self, ctx: Ctx, client: httpx.AsyncClient):
        self.ctx, self.client = ctx, client
        self.pending = self.done = ""
        self.before: dict[str, str] = {}

    async def furnish(self, test: httpx.AsyncClient) -> None:
        for path, body in (
            ("/v1/projects", {"name": "p", "type": "imageannotation"}),
            ("/v1/projects", {"name": "studio", "type": "imageannotation", "studio": True}),
            ("/v1/batches", {"name": "b", "project": "p"}),
        ):
            assert (await self.client.post(path, json=body)).status_code == 200
        body = image_task(batch="b", unique_id="held", tags=["one"])
        self.pending = (await self.client.post(TASK, json=body)).json()["task_id"]
        self.done = (await test.post(TASK, json=image_task())).json()["task_id"]
        self.before = await _digest(self.ctx)

    async def refuses(
        self, status: int, method: str, path: str, content: Any = None, headers: dict[str, str] | None = None
    ) -> str:
        if content is not None and not isinstance(content, str | bytes):
            content, headers = json.dumps(content), JSON
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        answer = await self.client.request(
            method, path.replace("{task}", self.pending), content=content, headers=headers or {}
        )
        where = (method, path, (content or b"")[:100])
        assert answer.status_code == status, (*where, answer.status_code, answer.text[:300])
        if path.startswith("/v1") and method != "HEAD":
            said = answer.json()
            assert set(said) == {"status_code", "error"}, where
            assert said["status_code"] == status
            assert isinstance(said["error"], str) and said["error"], where
            assert len(said["error"]) < 2000, where
            assert answer.headers["content-type"] == "application/json"
            return said["error"]
        return answer.text

    async def unchanged(self) -> None:
        after = await _digest(self.ctx)
        assert {t: v for t, v in after.items() if self.before[t] != v} == {}


@pytest.fixture
async def target(ctx: Ctx, live: httpx.AsyncClient, test: httpx.AsyncClient) -> Target:
    made = Target(ctx, live)
    await made.furnish(test)
    return made


WITH_BODY = [
    ("POST", TASK),
    ("POST", "/v1/projects"),
    ("POST", "/v1/projects/p/setParams"),
    ("POST", "/v1/projects/p/setOntology"),
    ("POST", "/v1/batches"),
    ("POST", "/v1/batches/b/setMetadata"),
    ("POST", "/v1/batches/b/prioritize"),
    ("POST", "/v1/task/{task}/setMetadata"),
    ("POST", "/v1/task/{task}/unique_id"),
    ("PUT", "/v1/task/{task}/tags"),
    ("POST", "/v1/task/{task}/tags"),
    ("DELETE", "/v1/task/{task}/tags"),
    ("POST", "/v1/task/{task}/audit"),
    ("POST", "/v1/files/import"),
    ("POST", "/v1/teams/invite"),
    ("POST", "/v1/studio/assignments/add"),
    ("POST", "/v1/evaluation_tasks/imageannotation"),
    ("PUT", "/v1/audits"),
]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"}",
        b"{]",
        b"nothing",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 1} {"b": 2}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 01}',
        b'{"a": "\x01"}',
        b'{"a": "\\x"}',
        b'{"a": "\\ud800"}',
        b"\xff\xfe{\x00}\x00",
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\x00"}',
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'"text"',
        b"5",
        b"true",
        NESTED.encode(),
        NESTED_OBJECT.encode(),
        b'{"a":' + NESTED.encode() + b"}",
        b'{"a":' + NESTED_OBJECT.encode(),
    ],
    ids=lambda c: repr(c[:24]),
)
async def test_what_is_no_storable_json_is_refused_everywhere(target: Target, content: bytes) -> None:
    for method, path in WITH_BODY:
        if content == b'"text"' and path.endswith("/tags"):
            continue
        for headers in (JSON, {}, {"content-type": "text/plain"}):
            await target.refuses(400, method, path, content, headers)
    await target.unchanged()


async def test_a_body_of_the_wrong_kind_is_refused(target: Target) -> None:
    for method, path in WITH_BODY:
        if not path.endswith("/tags"):
            for wrong in ([], [1], b'"text"', 5, True, [{}]):
                assert "JSON object" in await target.refuses(400, method, path, wrong)
    for wrong in (5, True, {"tags": 5}, [1], [None], [""], ["a"] * 3 + [["b"]], list("abcdef")):
        for method in ("PUT", "POST"):
            await target.refuses(400, method, "/v1/task/{task}/tags", wrong)
    await target.unchanged()


WRONG: list[tuple[str, str, dict[str, Any]]] = [
    *(
        ("POST", TASK, image_task(**{name: value}))
        for name, values in {
            "project": [5, [], {}, True],
            "batch": [5, [], {}],
            "instruction": [5, [], {}],
            "callback_url": [
                5,
                [],
                "ftp://x",
                "nothing",
                "http://",
                "javascript:alert(1)",
                "mailto:a@example.org",
                "http://x y",
                "a" * 3000,
            ],
            "metadata": [5, [], "x", {"a": "x" * 11_000}],
            "unique_id": [5, [], {}, "", "x" * 1025, "u\u0000"],
            "clear_unique_id_on_error": ["perhaps", [], 7],
            "tags": [5, {}, [5], [""], [" "], [None], list("abcdef"), ["x" * 1025]],
            "priority": [9, 31, 10**30, -(10**30), 1.5, "high", [], {}, 1e308, True],
            "project_version": [-2, 2**31, 10**30, "one", 1.5, [], {}],
            "project_param_version": [-2, 2**63, "one"],
            "urgency": ["never", 5, []],
            "attachment": [5, [], {}],
            "attachment_type": ["smell", 5, []],
            "geometries": [5, [], {}, {"box": 5}, {"pyramid": {}}, {"box": {"objects_to_annotate": 10**40}}],
        }.items()
        for value in values
    ),
    *(
        ("POST", "/v1/projects", {"name": "q", "type": "imageannotation", **more})
        for more in (
            {"name": 5},
            {"name": ""},
            {"name": "   "},
            {"name": "x" * 256},
            {"name": None},
            {"type": "smell"},
            {"type": 5},
            {"params": 5},
            {"params": []},
            {"rapid": "perhaps"},
            {"rapid": True, "studio": True},
            {"pipeline": "none"},
            {"consensus_attempts": 0},
            {"consensus_attempts": 10**30},
            {"datasetId": 5},
        )
    ),
    *(
        ("POST", "/v1/batches", {"name": "c", "project": "p", **more})
        for more in (
            {"name": 5},
            {"name": ""},
            {"name": "x" * 256},
            {"project": None},
            {"project": 5},
            {"callback": "ftp://x"},
            {"callback": 5},
            {"calibration_batch": True},
            {"metadata": 5},
            {"metadata": []},
        )
    ),
    *(("POST", "/v1/batches/b/prioritize", {"priority": p}) for p in (9, 31, 10**30, "x", None, 10.5, [])),
    *(("POST", "/v1/task/{task}/unique_id", {"unique_id": u}) for u in ("", 5, None, [], "x" * 1025)),
    *(
        ("POST", "/v1/task/{task}/audit", b)
        for b in ({}, {"accepted": "yes"}, {"accepted": 1}, {"accepted": None})
    ),
    ("POST", "/v1/task/{task}/audit", {"accepted": True}),
    ("POST", "/v1/task/{task}/setMetadata", {"a": "x" * 11_000}),
    ("POST", "/v1/projects/p/setParams", {"patch": "perhaps"}),
    ("POST", "/v1/projects/p/setOntology", {"ontology": 5}),
    ("POST", "/v1/projects/p/setOntology", {"ontology": [5]}),
    ("POST", "/v1/files/import", {"file_url": "ftp://x"}),
    ("POST", "/v1/files/import", {"file_url": 5}),
    ("POST", "/v1/files/upload", {}),
    ("POST", "/v1/teams/invite", {"emails": ["nobody"], "team_role": "labeler"}),
    ("POST", "/v1/teams/invite", {"emails": ["a@b.example"], "team_role": "emperor"}),
    ("POST", "/v1/teams/invite", {"emails": [5], "team_role": "labeler"}),
    ("POST", "/v1/studio/assignments/add", {"emails": 5, "projects": []}),
    ("PUT", "/v1/audits", {"task_id": 5}),
]


async def test_wrong_types_and_values_are_refused(target: Target) -> None:
    taken: list[Any] = []
    for method, path, body in WRONG:
        try:
            await target.refuses(400, method, path, body)
        except AssertionError as e:
            odd = {k: v for k, v in body.items() if image_task().get(k) != v}
            taken.append(f"{method} {path} {odd}: {e.args[0][-200:]}")
    assert not taken, "\n".join(taken)
    await target.unchanged()


ODD_NAMES = [
    "0" * 24,
    "x",
    "g" * 24,
    "6" * 23,
    "6" * 25,
    "%00",
    "a%00b",
    "%ff",
    "%C3%28",
    "%ED%A0%80",
    "%",
    "%zz",
    "%2F..%2F..%2Fetc",
    "%F0%9F%98%80",
    "'; drop table task; --",
    "x" * 5000,
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda n: n[:20])
async def test_unknown_ids_and_names_of_any_shape_are_not_found(target: Target, name: str) -> None:
    message = "Task with that ID not found."
    assert await target.refuses(404, "GET", f"/v1/task/{name}") == message
    assert await target.refuses(404, "POST", f"/v1/task/{name}/cancel") == message
    assert await target.refuses(404, "POST", f"/v1/task/{name}/setMetadata", {"a": 1}) == message
    assert await target.refuses(404, "POST", f"/v1/task/{name}/unique_id", {"unique_id": "n"}) == message
    assert await target.refuses(404, "DELETE", f"/v1/task/{name}/unique_id") == message
    assert await target.refuses(404, "PUT", f"/v1/task/{name}/tags", ["a"]) == message
    assert await target.refuses(404, "POST", f"/v1/task/{name}/audit", {"accepted": True}) == message
    assert await target.refuses(404, "POST", f"/v1/task/{name}/send_callback") == message
    await target.refuses(404, "GET", f"/v1/task/{name}/response_url/{name}")
    await target.refuses(404, "POST", f"/v1/task/{name}", image_task())
    for path in (
        "/v1/projects/{}",
        "/v1/projects/{}/taskTemplates",
        "/v1/batches/{}",
        "/v1/batches/{}/status",
    ):
        await target.refuses(404, "GET", path.format(name))
    await target.refuses(404, "POST", f"/v1/projects/{name}/setParams", {"a": 1})
    await target.refuses(404, "POST", f"/v1/batches/{name}/finalize")
    await target.refuses(404, "GET", f"/v1/studio/projects/{name}/groups")
    await target.refuses(404, "GET", f"/api/work/{name}")
    await target.refuses(404, "GET", f"/media/{name}")
    await target.refuses(404, "GET", f"/results/{name}")
    await target.unchanged()


async def test_ids_of_the_other_mode_and_account_are_not_found(
    target: Target, client_for: Any, keys: Keys
) -> None:
    await target.refuses(404, "GET", f"/v1/task/{target.done}")
    await target.refuses(404, "POST", f"/v1/task/{target.done}/audit", {"accepted": True})
    for stranger in (keys.test, keys.other_live):
        target.client = client_for(stranger)
        await target.refuses(404, "GET", "/v1/task/{task}")
        await target.refuses(404, "POST", "/v1/task/{task}/cancel")
        await target.refuses(404, "POST", TASK, image_task(project="p"))
        await target.refuses(404, "POST", TASK, image_task(batch="b"))
        await target.refuses(404, "POST", "/v1/batches", {"name": "x", "project": "p"})
    await target.unchanged()


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
