"""What an operator sets for one mode of an account acts on new tasks."""

from __future__ import annotations

from typing import Any

import httpx

from steelyard import users
from steelyard.ctx import Ctx
from tests.api.builders import image_task


async def test_a_default_callback_url_is_taken_by_tasks_without_one(
    ctx: Ctx, live: httpx.AsyncClient, test: httpx.AsyncClient
) -> None:
    await users.set_space(ctx, "main", "live", callback_url="https://default.example/cb")
    body: dict[str, Any] = {**image_task(), "callback_url": ""}
    assert (await live.post("/v1/task/imageannotation", json=body)).json()[
        "callback_url"
    ] == "https://default.example/cb"
    assert (await live.post("/v1/task/imageannotation", json=image_task())).json()[
        "callback_url"
    ] == "http://www.example.com/callback"
    assert "callback_url" not in (await test.post("/v1/task/imageannotation", json=body)).json()


async def test_secure_result_urls_want_a_key_of_the_same_space(
    ctx: Ctx, test: httpx.AsyncClient, live: httpx.AsyncClient, client_for: Any
) -> None:
    await users.set_space(ctx, "main", "test", secure_result_urls=True)
    made = await test.post(
        "/v1/task/segmentannotation",
        json={"instruction": "Paint.", "attachment": "https://x.example/a.png", "labels": ["sky", "sea"]},
    )
    url = made.json()["response"]["annotations"]["combined"]["indexedImage"]
    assert f"/v1/task/{made.json()['task_id']}/response_url/" in url
    got = await test.get(url)
    assert got.status_code == 200
    assert got.headers["content-type"] == "image/png"
    assert got.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert (await live.get(url)).status_code == 404
    assert (await client_for(None).get(url)).status_code == 401


async def test_open_result_urls_need_no_key(test: httpx.AsyncClient, client_for: Any) -> None:
    made = await test.post(
        "/v1/task/segmentannotation",
        json={"instruction": "Paint.", "attachment": "https://x.example/a.png", "labels": ["sky", "sea"]},
    )
    url = made.json()["response"]["annotations"]["combined"]["indexedImage"]
    got = await client_for(None).get(url)
    assert got.status_code == 200
    assert got.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert (await client_for(None).get(url[:-3] + "abc")).status_code == 404


async def test_a_new_callback_key_replaces_the_old_one(ctx: Ctx) -> None:
    before = {s.mode: s.callback_auth_key for s in await users.space_settings(ctx, "main")}
    await users.set_space(ctx, "main", "live", new_callback_auth_key=True)
    after = {s.mode: s.callback_auth_key for s in await users.space_settings(ctx, "main")}
    assert after["live"] != before["live"]
    assert after["test"] == before["test"]
