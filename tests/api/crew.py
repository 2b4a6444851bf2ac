"""People at work, for tests: a lead who sets up projects, and contributors with keys of their own."""

from __future__ import annotations

from typing import Any

import httpx

from steelyard import tasks, users
from steelyard.ctx import Ctx
from tests.api.builders import image_task


def ok(response: httpx.Response) -> Any:
    """The body of a 200."""
    assert response.status_code == 200, response.text
    return response.json()


def refused(response: httpx.Response, status: int, code: str) -> Any:
    """The body of a refusal."""
    assert response.status_code == status, response.text
    body = response.json()
    assert body["code"] == code, body
    return body


def boxes(left: float = 5, n: int = 1, **more: Any) -> dict[str, Any]:
    """An answer of `n` boxes; answers with nearer `left` agree more."""
    box = {"type": "box", "label": "Baby Cow", "left": left, "top": 6, "width": 70, "height": 80, **more}
    return {"annotations": [{**box, "uuid": f"00000000-0000-4000-8000-{i:012d}"} for i in range(n)]}


class Person:
    """Somebody with an API key."""

    def __init__(self, client: httpx.AsyncClient, email: str, member_id: int):
        self.client, self.email, self.id = client, email, member_id

    async def claim(self, **body: Any) -> Any:
        return ok(await self.client.post("/api/work/claim", json=body))

    async def send(self, lease: Any, verb: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"/api/work/{lease['lease_token']}/{verb}", json=body)

    async def submit(self, lease: Any, response: Any = None, **more: Any) -> Any:
        return ok(await self.send(lease, "submit", response=response or boxes(), **more))

    async def skip(self, lease: Any, reason: str = "too blurred") -> Any:
        return ok(await self.send(lease, "skip", reason=reason))

    async def review(self, lease: Any, verdict: str, **more: Any) -> Any:
        return ok(await self.send(lease, "review", verdict=verdict, **more))

    async def label(self, response: Any = None, **wanted: Any) -> Any:
        """Claims and submits."""
        lease = await self.claim(**wanted)
        assert lease["stage"] == "label", lease
        return await self.submit(lease, response)


class Crew:
    """The lead's side: `live` is a client with the admin's live key."""

    def __init__(self, ctx: Ctx, live: httpx.AsyncClient, client_for: Any):
        self.ctx, self.live, self.client_for = ctx, live, client_for

    async def person(self, name: str, role: Any = "labeler", *projects: str) -> Person:
        """A new member, assigned to some projects."""
        email = f"{name}@main.example"
        made = await users.create_member(self.ctx, "main", email, role)
        key = (await users.create_key(self.ctx, "main", "live", member_email=email)).key
        if projects:
            body = {"emails": [email], "projects": list(projects)}
            ok(await self.live.post("/v1/studio/assignments/add", json=body))
        return Person(self.client_for(key), email, made.id)

    async def project(self, name: str, *, kind: dict[str, Any] | None = None, **workflow: Any) -> None:
        """A project with a workflow."""
        ok(
            await self.live.post(
                "/v1/projects", json={"type": "imageannotation", "name": name, **(kind or {})}
            )
        )
        ok(await self.live.put(f"/api/projects/{name}/workflow", json=workflow))

    async def task(self, project: str, **more: Any) -> str:
        """A task that waits for its first claim."""
        made = ok(await self.live.post("/v1/task/imageannotation", json=image_task(project=project, **more)))
        space_id = await self.space()
        async with self.ctx.db.tx() as tx:
            assert await tasks.queue_task(self.ctx, tx, space_id, made["task_id"])
        return made["task_id"]

    async def space(self) -> int:
        return await self.ctx.db.fetchval(
            "select s.id from space s join account a on a.id = s.account_id where a.name = 'main' and s.mode = 'live'"
        )

    async def read(self, task_id: str) -> Any:
        return ok(await self.live.get(f"/v1/task/{task_id}"))

    async def stage(self, task_id: str) -> str:
        return await self.ctx.db.fetchval("select stage from task where id = $1", task_id)

    async def lapse(self, task_id: str) -> None:
        """Moves the end of leases into the past."""
        await self.ctx.db.execute(
            "update slot set lease_expires_at = steelyard.now() where task_id = $1 and lease_token is not null and done_at is null",
            task_id,
        )

    async def events(self, task_id: str) -> list[str]:
        page = ok(await self.live.get(f"/api/tasks/{task_id}/timeline"))
        return [event["kind"] for event in page["items"]]
