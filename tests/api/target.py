"""A server with a few objects that refuses, and of which not a row may change."""

from __future__ import annotations

import json
from typing import Any

import httpx

from steelyard.ctx import Ctx
from tests.api.builders import image_task

TASK = "/v1/task/imageannotation"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
NESTED = "[" * 100_000 + "]" * 100_000
NESTED_OBJECT = '{"a":' * 100_000 + "1" + "}" * 100_000
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
