"""The browser's session: on both surfaces, in both modes, renewed while used, and safe from other sites."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import httpx
import pytest

from steelyard import users
from steelyard.ctx import Ctx
from tests.api.builders import image_task
from tests.conftest import ClientFor, Keys

PASSWORD = "correct horse battery"
MANAGER, LABELER = "manager@main.example", "labeler@main.example"
SignIn = Callable[..., object]


@pytest.fixture
def signed_in(client_for: ClientFor):
    """Signs somebody in; the client then sends the CSRF token as our page does."""

    async def act(email: str = MANAGER, **headers: str) -> httpx.AsyncClient:
        client = client_for(None)
        answer = await client.post("/api/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        client.headers.update(headers)
        return client

    return act


async def test_a_session_works_with_data_and_people_as_a_key_does(signed_in, live) -> None:
    manager = await signed_in()
    made = await manager.post("/v1/projects", json={"name": "cows", "type": "imageannotation"})
    assert made.status_code == 200, made.text
    task = await manager.post("/v1/task/imageannotation", json=image_task(project="cows"))
    assert task.status_code == 200, task.text
    found = await live.get(f"/v1/task/{task.json()['task_id']}")
    assert found.json()["project"] == "cows"
    invited = await manager.post("/v1/teams/invite", json={"emails": ["x@y.example"], "team_role": "labeler"})
    assert invited.status_code == 200


async def test_a_session_chooses_its_mode_by_a_header(signed_in, test) -> None:
    manager = await signed_in(**{"X-Steelyard-Mode": "test"})
    made = await manager.post("/v1/projects", json={"name": "made up", "type": "imageannotation"})
    assert made.status_code == 200, made.text
    assert (await manager.get("/api/session")).json()["mode"] == "test"
    assert [p["name"] for p in (await test.get("/v1/projects")).json()] == ["made up"]
    manager.headers["X-Steelyard-Mode"] = "live"
    assert (await manager.get("/v1/projects")).json() == []
    manager.headers["X-Steelyard-Mode"] = "both"
    assert (await manager.get("/v1/projects")).status_code == 400


async def test_labelers_never_see_the_test_mode_nor_the_data_of_others(signed_in) -> None:
    labeler = await signed_in(LABELER)
    assert (await labeler.get("/v1/tasks")).status_code == 403
    assert (await labeler.get("/api/work")).status_code == 200
    labeler.headers["X-Steelyard-Mode"] = "test"
    assert (await labeler.get("/api/work")).status_code == 403


@pytest.mark.parametrize("token", [None, "wrong", ""])
async def test_unsafe_requests_without_the_sessions_token_change_nothing(signed_in, live, token) -> None:
    manager = await signed_in()
    if token is None:
        del manager.headers["X-CSRF-Token"]
    else:
        manager.headers["X-CSRF-Token"] = token
    refused = await manager.post("/v1/projects", json={"name": "forged", "type": "imageannotation"})
    assert refused.status_code == 403
    assert refused.headers["x-steelyard-code"] == "csrf-token"
    assert (await live.get("/v1/projects")).json() == []
    assert (await manager.get("/v1/projects")).status_code == 200


async def test_the_token_of_another_session_does_not_do(signed_in) -> None:
    one, two = await signed_in(), await signed_in(LABELER)
    one.headers["X-CSRF-Token"] = two.headers["X-CSRF-Token"]
    assert (await one.post("/v1/projects", json={"name": "a", "type": "imageannotation"})).status_code == 403


async def test_a_reloaded_page_learns_its_token_again(signed_in) -> None:
    manager = await signed_in()
    held = manager.headers.pop("X-CSRF-Token")
    assert (await manager.get("/api/session")).json()["csrf_token"] == held


async def test_the_end_of_a_session_is_told_apart_from_a_missing_key(signed_in, ctx: Ctx, client_for) -> None:
    manager = await signed_in()
    await ctx.db.execute("update session set expires_at = steelyard.now()")
    for path in ("/v1/tasks", "/api/work"):
        ended = await manager.get(path)
        assert ended.status_code == 401
        assert ended.headers["x-steelyard-code"] == "session-ended"
        assert "www-authenticate" not in ended.headers  # browsers would open a window of their own
    assert (await manager.get("/api/work")).json()["code"] == "session-ended"
    manager.cookies.clear()
    without_cookie = await manager.get("/v1/tasks", headers={"X-Steelyard-Mode": "live"})
    assert without_cookie.headers["x-steelyard-code"] == "session-ended"
    stranger = await client_for(None).get("/v1/tasks")
    assert stranger.headers["www-authenticate"].startswith("Basic")
    assert "x-steelyard-code" not in stranger.headers


async def test_a_session_that_is_used_lives_on_but_not_for_ever(signed_in, ctx: Ctx) -> None:
    manager = await signed_in()
    assert "set-cookie" not in (await manager.get("/v1/tasks")).headers
    await ctx.db.execute("update session set expires_at = steelyard.now() + interval '2 days'")
    answer = await manager.get("/v1/tasks")
    assert "Max-Age=604800" in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"]
    left = await ctx.db.fetchval("select expires_at - steelyard.now() from session")
    assert 6.9 < left.total_seconds() / 86400 <= 7
    await ctx.db.execute(
        "update session set created_at = steelyard.now() - interval '29 days', "
        "expires_at = steelyard.now() + interval '12 hours'"
    )
    await manager.get("/v1/tasks")
    left = await ctx.db.fetchval("select expires_at - steelyard.now() from session")
    assert 0.9 < left.total_seconds() / 86400 <= 1
    assert "set-cookie" not in (await manager.get("/v1/tasks")).headers or left.total_seconds() < 86400


async def test_signing_in_takes_no_session_that_was_given_before(client_for, ctx: Ctx) -> None:
    client = client_for(None)
    planted = "planted-by-somebody-else"
    client.cookies.set("steelyard_session", planted)
    answer = await client.post("/api/login", json={"email": MANAGER, "password": PASSWORD})
    fresh = answer.cookies["steelyard_session"]
    assert fresh != planted
    assert await users.actor_by_session(ctx, hashlib.sha256(planted.encode()).digest()) is None
    again = await client_for(None).post("/api/login", json={"email": MANAGER, "password": PASSWORD})
    assert again.cookies["steelyard_session"] != fresh


async def test_other_origins_get_no_permission_to_read(signed_in, keys: Keys, client_for) -> None:
    manager = await signed_in(Origin="https://evil.example")
    for path in ("/v1/tasks", "/api/session", "/", "/login"):
        answer = await manager.get(path)
        assert answer.status_code == 200
        assert not [h for h in answer.headers if h.startswith("access-control")]
    asked = await client_for(keys.live).options("/v1/tasks", headers={"Origin": "https://evil.example"})
    assert asked.status_code == 405
    assert not [h for h in asked.headers if h.startswith("access-control")]
