"""What tests of work do as customer, operator and contributor."""

from __future__ import annotations

from steelyard import tasks
from tests.api.builders import image_task

LABELER, MANAGER = "labeler@main.example", "manager@main.example"


def ok(response):
    assert response.status_code == 200, response.text
    return response.json()


def refused(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code), body
    return body


class Desk:
    """What the tests do as customer and as operator."""

    def __init__(self, ctx, live):
        self.ctx, self.live = ctx, live

    async def task(self, *, queued=True, type="imageannotation", body=None, **more):
        made = ok(await self.live.post(f"/v1/task/{type}", json=body or image_task(**more)))
        if queued:
            await self.queue(made["task_id"])
        return made["task_id"]

    async def queue(self, task_id):
        space_id = await self.ctx.db.fetchval("select space_id from task where id = $1", task_id)
        async with self.ctx.db.tx() as tx:
            assert await tasks.queue_task(self.ctx, tx, space_id, task_id)

    async def project(self, name, **more):
        body = {"type": "imageannotation", "name": name, **more}
        return ok(await self.live.post("/v1/projects", json=body))

    async def assign(self, *projects, emails=(LABELER,)):
        body = {"emails": list(emails), "projects": list(projects)}
        ok(await self.live.post("/v1/studio/assignments/add", json=body))

    async def lapse(self, task_id):
        """Moves the end of a lease into the past."""
        await self.ctx.db.execute(
            "update slot set lease_expires_at = steelyard.now() where task_id = $1 and done_at is null",
            task_id,
        )

    async def read(self, task_id):
        return ok(await self.live.get(f"/v1/task/{task_id}"))

    async def stage(self, task_id):
        return await self.ctx.db.fetchval("select stage from task where id = $1", task_id)

    async def attempts(self, task_id):
        rows = await self.ctx.db.fetch("select state from attempt where task_id = $1 order by id", task_id)
        return [r["state"] for r in rows]

    async def timeline(self, task_id):
        page = ok(await self.live.get(f"/api/tasks/{task_id}/timeline"))
        return [(e["kind"], e["actor"]) for e in page["items"]]


async def claim(client, **body):
    return await client.post("/api/work/claim", json=body)


def answer(n=1, **more):
    box = {"type": "box", "label": "Baby Cow", "left": 5, "top": 6, "width": 70, "height": 80, **more}
    return {"annotations": [{**box, "uuid": f"00000000-0000-4000-8000-{i:012d}"} for i in range(n)]}


async def do(client, lease, verb, **body):
    return await client.post(f"/api/work/{lease['lease_token']}/{verb}", json=body)


async def save(client, lease, base_revision, **body):
    draft = {"base_revision": base_revision, "body": body}
    return await client.put(f"/api/work/{lease['lease_token']}/draft", json=draft)
