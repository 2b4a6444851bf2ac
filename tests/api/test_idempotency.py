"""`Idempotency-Key` (platform-api §9.2): the first answer is kept for 24 hours and given again to a matching repeat."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from steelyard.ctx import Actor, Ctx
from steelyard.http import auth
from steelyard.task_types import KNOWN_TYPES, TASK_TYPES
from tests.api.builders import image_task
from tests.conftest import ClientFor, Keys

TASK = "/v1/task/imageannotation"


async def _send(
    client: httpx.AsyncClient, key: str, body: dict[str, Any] | None = None, path: str = TASK, **more: Any
) -> httpx.Response:
    return await client.post(
        path, json=image_task() if body is None else body, headers={"Idempotency-Key": key}, **more
    )


async def _count(ctx: Ctx, table: str = "task") -> int:
    return await ctx.db.fetchval(f"select count(*) from {table}")


async def _pass_time(ctx: Ctx, hours: float) -> None:
    """Moves the database's clock in this test's own database."""
    await ctx.db.execute(
        "create or replace function steelyard.now() returns timestamptz language sql stable parallel safe"
        f" return date_trunc('milliseconds', statement_timestamp()) + interval '{hours} hours'"
    )


def _refusal(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.json() == {"status_code": status, "error": answer.json()["error"]}
    return answer.json()["error"]


async def test_a_repeat_gives_the_first_answer_byte_for_byte_and_creates_nothing(
    live: httpx.AsyncClient, ctx: Ctx
) -> None:
    first = await _send(live, "k1")
    assert first.status_code == 200
    task_id = first.json()["task_id"]
    await live.post(f"/v1/task/{task_id}/setMetadata", json={"changed": True})
    again = await _send(live, "k1")
    assert (again.status_code, again.content) == (200, first.content)
    assert await _count(ctx) == 1
    assert (await live.get(f"/v1/task/{task_id}")).json()["metadata"] == {"changed": True}


async def test_a_test_task_is_replayed_too(test: httpx.AsyncClient, ctx: Ctx) -> None:
    first = await _send(test, "k1")
    assert first.json()["status"] == "completed"
    assert (await _send(test, "k1")).content == first.content
    assert await _count(ctx) == 1


async def test_the_comparison_is_on_the_parsed_body(live: httpx.AsyncClient, ctx: Ctx) -> None:
    body = image_task(metadata={"b": 1, "a": [1, 2.5, None, "ü"]})
    first = await _send(live, "k1", body)
    shuffled = json.dumps(dict(reversed(body.items())), indent=3, ensure_ascii=True).encode()
    again = await live.post(
        TASK, content=shuffled, headers={"Idempotency-Key": "k1", "content-type": "application/json"}
    )
    assert (again.status_code, again.content) == (200, first.content)
    slashed = await _send(live, "k1", body, path="/v1//task/imageannotation/")
    assert slashed.content == first.content
    assert await _count(ctx) == 1


@pytest.mark.parametrize(
    ("body", "path", "query"),
    [
        (image_task(metadata={"x": 1}), TASK, {}),
        (image_task(), TASK, {"q": "1"}),
        (image_task(), "/v1/task/segmentannotation", {}),
    ],
    ids=["body", "query", "path"],
)
async def test_another_request_under_the_same_key_is_refused(
    live: httpx.AsyncClient, ctx: Ctx, body: dict[str, Any], path: str, query: dict[str, str]
) -> None:
    assert (await _send(live, "k1")).status_code == 200
    answer = await _send(live, "k1", body, path, params=query)
    assert _refusal(answer, 409) == 'The idempotency key ("k1") is already in use for a different request.'
    assert await _count(ctx) == 1
    assert (await _send(live, "k1")).status_code == 200, "the refusal must not replace the stored answer"


async def test_another_person_of_the_account_is_refused(
    live: httpx.AsyncClient, client_for: ClientFor, keys: Keys, ctx: Ctx
) -> None:
    assert (await _send(live, "k1")).status_code == 200
    _refusal(await _send(client_for(keys.manager_live), "k1"), 409)
    assert (await _send(client_for(keys.manager_live), "k2")).status_code == 200
    assert await _count(ctx) == 2


async def test_accounts_and_modes_have_keys_of_their_own(
    live: httpx.AsyncClient, test: httpx.AsyncClient, other: httpx.AsyncClient, ctx: Ctx
) -> None:
    answers = [await _send(c, "k1", image_task(metadata={"n": n})) for n, c in enumerate((live, test, other))]
    assert [a.status_code for a in answers] == [200, 200, 200]
    assert len({a.json()["task_id"] for a in answers}) == 3
    assert await _count(ctx) == 3


async def test_stored_errors_are_replayed_after_their_cause_is_gone(
    live: httpx.AsyncClient, ctx: Ctx
) -> None:
    invalid = await _send(live, "bad", {"instruction": "no attachment"})
    _refusal(invalid, 400)
    unknown = image_task(project="later")
    missing = await _send(live, "missing", unknown)
    _refusal(missing, 404)
    assert (await _send(live, "holder", image_task(unique_id="u"))).status_code == 200
    taken = await _send(live, "taken", image_task(unique_id="u"))
    _refusal(taken, 409)
    off = sorted(set(KNOWN_TYPES) - set(TASK_TYPES))[:1]
    not_enabled = [await _send(live, "402", {}, f"/v1/task/{name}") for name in off]
    for answer in not_enabled:
        _refusal(answer, 402)

    made = await live.post("/v1/projects", json={"name": "later", "type": "imageannotation"})
    assert made.status_code == 200
    holder = (await live.get("/v1/tasks", params={"unique_id": "u"})).json()["docs"][0]["task_id"]
    assert (await live.delete(f"/v1/task/{holder}/unique_id")).status_code == 200
    for key, body, path, first in (
        ("bad", {"instruction": "no attachment"}, TASK, invalid),
        ("missing", unknown, TASK, missing),
        ("taken", image_task(unique_id="u"), TASK, taken),
        *(("402", {}, f"/v1/task/{name}", answer) for name, answer in zip(off, not_enabled, strict=True)),
    ):
        again = await _send(live, key, body, path)
        assert (again.status_code, again.content) == (first.status_code, first.content)
    assert await _count(ctx) == 1
    assert (await _send(live, "fresh", unknown)).status_code == 200


async def test_an_error_under_a_key_is_a_mismatch_for_another_body(live: httpx.AsyncClient) -> None:
    _refusal(await _send(live, "k1", {"instruction": "no attachment"}), 400)
    _refusal(await _send(live, "k1"), 409)


async def test_a_refused_key_or_login_stores_nothing(
    live: httpx.AsyncClient, client_for: ClientFor, ctx: Ctx
) -> None:
    _refusal(await _send(client_for("live_wrong"), "k1"), 401)
    _refusal(await _send(client_for(None), "k1"), 401)
    malformed = await live.post(TASK, content=b"{", headers={"Idempotency-Key": "k1"})
    _refusal(malformed, 400)
    assert await _count(ctx, "idempotency_key") == 0
    assert (await _send(live, "k1")).status_code == 200


async def test_a_key_is_forgotten_after_24_hours(live: httpx.AsyncClient, ctx: Ctx) -> None:
    first = await _send(live, "k1")
    error = await _send(live, "k2", {"instruction": "no attachment"})
    project = await _send(live, "k3", {"name": "p", "type": "imageannotation"}, "/v1/projects")
    assert project.status_code == 200
    await _pass_time(ctx, 23.99)
    assert (await _send(live, "k1")).content == first.content
    assert (await _send(live, "k2", {"instruction": "no attachment"})).content == error.content
    await _pass_time(ctx, 24.01)
    later = await _send(live, "k1")
    assert later.status_code == 200
    assert later.json()["task_id"] != first.json()["task_id"]
    assert (await _send(live, "k2")).status_code == 200, "a forgotten key is free for another body"
    again = await _send(live, "k3", {"name": "p", "type": "imageannotation"}, "/v1/projects")
    _refusal(again, 409)
    assert await _count(ctx) == 3


async def test_sixteen_requests_racing_on_one_key_make_one_task(live: httpx.AsyncClient, ctx: Ctx) -> None:
    answers = await asyncio.gather(*(_send(live, "race") for _ in range(16)))
    made = {a.json()["task_id"] for a in answers if a.status_code == 200}
    assert len(made) == 1
    assert {a.status_code for a in answers} <= {200, 429}
    for refused in (a for a in answers if a.status_code == 429):
        _refusal(refused, 429)
        assert int(refused.headers["retry-after"]) >= 1
    assert await _count(ctx) == 1
    assert (await _send(live, "race")).json()["task_id"] in made


async def test_a_repeat_is_not_kept_waiting_while_another_process_creates(
    live: httpx.AsyncClient, live_actor: Actor, ctx: Ctx
) -> None:
    async with ctx.db.tx() as elsewhere:
        held = "select pg_try_advisory_xact_lock(hashtextextended('far', $1))"
        assert await elsewhere.fetchval(held, live_actor.space_id)  # as the creating statement does
        busy = await _send(live, "far")
        _refusal(busy, 429)
        assert int(busy.headers["retry-after"]) >= 1
    assert (await _send(live, "far")).status_code == 200
    assert await _count(ctx) == 1


async def test_a_different_request_is_refused_while_the_first_is_in_flight(
    live: httpx.AsyncClient, ctx: Ctx
) -> None:
    answers = await asyncio.gather(
        *(_send(live, "race", image_task(metadata={"n": n % 2})) for n in range(16))
    )
    assert {a.status_code for a in answers} <= {200, 409, 429}
    assert sum(a.status_code == 200 for a in answers) >= 1
    assert await _count(ctx) == 1


async def test_an_in_flight_request_of_another_person_is_a_mismatch_not_a_wait(
    ctx: Ctx, live: httpx.AsyncClient, client_for: ClientFor, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both are known beforehand. Else one may come when the other is answered already, and then wait for its own kind.
    monkeypatch.setattr(auth, "_TTL_S", 60.0)
    both = (live, client_for(keys.manager_live))
    for client in both:
        assert (await client.get("/v1/tasks")).status_code == 200
    answers = await asyncio.gather(*(_send(c, "race") for c in both for _ in range(8)))
    winner = next(a for a in answers if a.status_code == 200)
    mine, theirs = answers[:8], answers[8:]
    losers = theirs if winner in mine else mine
    assert {a.status_code for a in losers} == {409}
    assert await _count(ctx) == 1


async def test_a_repeat_with_key_and_unique_id_replays_the_success_and_a_new_key_meets_the_unique_id(
    live: httpx.AsyncClient, ctx: Ctx
) -> None:
    body = image_task(unique_id="u")
    first = await _send(live, "k1", body)
    assert first.status_code == 200
    assert (await _send(live, "k1", body)).content == first.content
    refused = await _send(live, "k2", body)
    assert _refusal(refused, 409) == (
        f'The unique_id ("u") is already used for a different task ({first.json()["task_id"]}).'
    )
    assert (await _send(live, "k2", body)).content == refused.content
    answers = await asyncio.gather(
        *(_send(live, f"r{n % 4}", image_task(unique_id="race")) for n in range(16))
    )
    made = {a.json()["task_id"] for a in answers if a.status_code == 200}
    assert len(made) == 1
    assert {a.status_code for a in answers} <= {200, 409, 429}
    assert await _count(ctx) == 2


@pytest.mark.parametrize("key", ["", "a b", "\t", "x" * 256, "ü", "a\x7f"])
async def test_a_malformed_key_is_refused(live: httpx.AsyncClient, ctx: Ctx, key: str) -> None:
    for path, body in ((TASK, image_task()), ("/v1/projects", {"name": "p", "type": "imageannotation"})):
        answer = await live.post(path, json=body, headers={b"Idempotency-Key": key.encode()})  # type: ignore[dict-item]
        _refusal(answer, 400)
    assert await _count(ctx) == 0
    assert await _count(ctx, "project") == 0


async def test_a_key_of_255_visible_characters_is_fine(live: httpx.AsyncClient) -> None:
    key = "".join(chr(0x21 + n % 94) for n in range(255))
    first = await _send(live, key)
    assert first.status_code == 200
    assert (await _send(live, key)).content == first.content


async def test_the_header_is_ignored_elsewhere(live: httpx.AsyncClient, ctx: Ctx) -> None:
    task_id = (await live.post(TASK, json=image_task())).json()["task_id"]
    for n in range(2):
        answer = await _send(live, "k1", {"n": n}, f"/v1/task/{task_id}/setMetadata")
        assert answer.json()["metadata"] == {"n": n}
    answer = await live.get("/v1/tasks", headers={"Idempotency-Key": "ü b".encode()})
    assert answer.status_code == 200
    assert await _count(ctx, "idempotency_key") == 0


CREATIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("project", "/v1/projects", {"name": "p2", "type": "imageannotation"}),
    ("batch", "/v1/batches", {"name": "b2", "project": "p"}),
    ("file", "/v1/files/import", {"file_url": "http://127.0.0.1:9/x.png", "display_name": "x"}),
]


@pytest.mark.parametrize(("table", "path", "body"), CREATIONS, ids=[c[0] for c in CREATIONS])
async def test_other_creations_keep_their_first_answer_too(
    live: httpx.AsyncClient,
    other: httpx.AsyncClient,
    client_for: ClientFor,
    keys: Keys,
    ctx: Ctx,
    table: str,
    path: str,
    body: dict[str, Any],
) -> None:
    for client in (live, other):
        await client.post("/v1/projects", json={"name": "p", "type": "imageannotation"})
    before = await _count(ctx, table)
    first = await _send(live, "k1", body, path)
    assert first.status_code == 200, first.text
    again = await _send(live, "k1", body, path)
    assert (again.status_code, again.content) == (200, first.content)
    assert await _count(ctx, table) == before + 1
    _refusal(await _send(live, "k1", {**body, "extra": 1}, path), 409)
    _refusal(await _send(client_for(keys.manager_live), "k1", body, path), 409)
    _refusal(await _send(live, "k1"), 409)
    assert (await _send(other, "k1", body, path)).status_code == 200
    bad = await _send(live, "k2", {}, path)
    _refusal(bad, 400)
    assert (await _send(live, "k2", {}, path)).content == bad.content
    _refusal(await _send(live, "k2", body, path), 409)


@pytest.mark.parametrize(("table", "path", "body"), CREATIONS, ids=[c[0] for c in CREATIONS])
async def test_racing_creations_of_other_objects_make_one(
    live: httpx.AsyncClient, ctx: Ctx, table: str, path: str, body: dict[str, Any]
) -> None:
    await live.post("/v1/projects", json={"name": "p", "type": "imageannotation"})
    before = await _count(ctx, table)
    answers = await asyncio.gather(*(_send(live, "race", body, path) for _ in range(16)))
    assert {a.status_code for a in answers} <= {200, 429}
    assert len({a.content for a in answers if a.status_code == 200}) == 1
    assert await _count(ctx, table) == before + 1


async def test_a_claim_whose_process_died_is_refused_for_a_while_and_then_taken_over(
    live: httpx.AsyncClient, ctx: Ctx
) -> None:
    body = {"name": "p", "type": "imageannotation"}
    assert (await _send(live, "k1", body, "/v1/projects")).status_code == 200
    await ctx.db.execute(
        "update idempotency_key set state = 'processing', status = null, body = null, token = 'dead',"
        " expires_at = steelyard.now() + interval '30 seconds'"
    )
    _refusal(await _send(live, "k1", body, "/v1/projects"), 429)
    _refusal(await _send(live, "k1", {**body, "name": "q"}, "/v1/projects"), 409)
    await _pass_time(ctx, 31 / 3600)
    taken = await _send(live, "k1", body, "/v1/projects")
    assert _refusal(taken, 409) == 'A project named "p" already exists.'
    assert (await _send(live, "k1", body, "/v1/projects")).content == taken.content


async def test_a_server_fault_frees_the_key(live: httpx.AsyncClient, ctx: Ctx) -> None:
    await ctx.db.execute("alter table project rename to project_away")
    answer = await _send(live, "k1", {"name": "p", "type": "imageannotation"}, "/v1/projects")
    assert answer.status_code == 500
    assert "request id" in _refusal(answer, 500)
    assert (await _send(live, "k2", image_task(project="p"))).status_code == 500
    await ctx.db.execute("alter table project_away rename to project")
    assert await _count(ctx, "idempotency_key") == 0
    assert (
        await _send(live, "k1", {"name": "p", "type": "imageannotation"}, "/v1/projects")
    ).status_code == 200
    assert (await _send(live, "k2", image_task(project="p"))).status_code == 200


@pytest.mark.parametrize(
    "raw", [b"123456789012345678901234567890", b"-1e999", b"1e999", b"0.1e-999", b'"\\ud800"'], ids=str
)
async def test_odd_numbers_and_texts_in_a_keyed_body_are_no_fault(
    live: httpx.AsyncClient, raw: bytes
) -> None:
    body = json.dumps(image_task()).encode()[:-1] + b',"metadata":{"n":' + raw + b"}}"
    send = {"content": body, "headers": {"Idempotency-Key": "k1", "content-type": "application/json"}}
    first = await live.post(TASK, **send)  # type: ignore[arg-type]
    assert first.status_code in (200, 400), first.text
    again = await live.post(TASK, **send)  # type: ignore[arg-type]
    assert (again.status_code, again.content) == (first.status_code, first.content)
