"""One of everything, for test_isolation to reach for from elsewhere."""

from __future__ import annotations

from typing import Any

import httpx

from steelyard import tasks, users
from steelyard.ctx import Actor, Ctx
from tests.api.builders import image_task, lidar_root
from tests.api.isolation import World
from tests.api.isolation import quoted as _q
from tests.api.isolation_probes import BOX

MANAGER, LABELER = "manager@main.example", "labeler@main.example"


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def build_world(ctx: Ctx, live: httpx.AsyncClient, labeler: httpx.AsyncClient, actor: Actor) -> World:
    """One of everything in the first account's live mode; every text of it begins with `zq`."""

    async def queue(task_id: str) -> None:
        async with ctx.db.tx() as tx:
            assert await tasks.queue_task(ctx, tx, actor.space_id, task_id)

    params = {"instruction": "zq instruction", "geometries": image_task()["geometries"]}
    project = ok(
        await live.post(
            "/v1/projects", json={"name": "zq project/1", "type": "imageannotation", "params": params}
        )
    )
    ok(await live.post(f"/v1/projects/{_q(project['name'])}/setOntology", json={"ontology": ["zq choice"]}))
    for kind in ("rapid", "studio"):
        ok(
            await live.post(
                "/v1/projects",
                json={"name": f"zq {kind}", "type": "imageannotation", kind: True, "params": params},
            )
        )
    batches = {}
    for name, of in (
        ("zq batch", project["name"]),
        ("zq rapid batch", "zq rapid"),
        ("zq studio batch", "zq studio"),
    ):
        batches[name] = ok(
            await live.post("/v1/batches", json={"name": name, "project": of, "metadata": {"zq": "meta"}})
        )
    assignment = {"emails": [LABELER, MANAGER], "projects": ["zq studio"]}
    ok(await live.post("/v1/studio/assignments/add", json=assignment))
    group = ok(
        await live.post(
            "/v1/studio/projects/zq%20studio/groups", json={"emails": [LABELER], "name": "zq group"}
        )
    )
    ok(await live.put("/v1/studio/batches/zq%20studio%20batch", json={"groups": ["zq group"]}))
    assert group["name"] == "zq group"

    async def task(**more: Any) -> str:
        body = image_task(metadata={"zq": "meta"}, **more)
        body["instruction"] = "zq task"
        return ok(await live.post("/v1/task/imageannotation", json=body))["task_id"]

    pending = await task(project=project["name"], batch="zq batch", unique_id="zq/unique", tags=["zq tag"])
    root = ok(await live.post("/v1/task/lidarannotation", json=lidar_root([{"type": "lidarlinking"}])))[
        "task_id"
    ]
    done = await task(project=project["name"], unique_id="zq/done")
    leased = await task()
    queued = await task(batch="zq studio batch")
    ok(await live.post("/v1/batches/zq%20studio%20batch/finalize"))
    for task_id in (done, leased, queued):
        await queue(task_id)
    for task_id in (done, leased):
        claim = ok(await live.post("/api/work/claim", json={"task_id": task_id}))
        token = claim["lease_token"]
        draft = {"base_revision": 0, "body": {"zq": "draft"}}
        ok(await live.put(f"/api/work/{token}/draft", json=draft))
        if task_id == done:
            answer = {"annotations": [{**BOX, "uuid": "00000000-0000-4000-8000-000000000000"}]}
            ok(await live.post(f"/api/work/{token}/submit", json={"response": answer}))
    ok(await live.post(f"/v1/task/{done}/audit", json={"accepted": True, "comments": "zq comment"}))
    blob = await ctx.store.put(b"zq result")
    await ctx.db.execute(
        "insert into blob (sha256, size_bytes, mime_type) values ($1, 9, 'text/plain') on conflict do nothing",
        blob.sha256,
    )
    await ctx.db.execute(
        "insert into result_file (space_id, task_id, id, token, name, sha256, content_type, created_at)"
        " values ($1, $2, 'zq-file', 'zq-token', 'zq', $3, 'text/plain', steelyard.now())",
        actor.space_id,
        done,
        blob.sha256,
    )
    uploaded = ok(
        await live.post(
            "/v1/files/upload",
            files={"file": ("zq.txt", b"zq content", "text/plain")},
            data={
                "project_name": project["name"],
                "display_name": "zq name",
                "reference_id": "zq-reference",
                "metadata": '{"zq":"meta"}',
            },
        )
    )
    begun = await live.post("/api/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "9"})
    assert begun.status_code == 201
    quality = []
    for kind in ("evaluation", "training"):
        body = image_task(project="zq rapid", expected_response={"annotations": [{**BOX, "uuid": "z"}]})
        quality.append(ok(await live.post(f"/v1/{kind}_tasks/imageannotation", json=body))["id"])
    audit = ok(
        await live.put(
            "/v1/audits",
            json={"task_id": done, "audit_result": "accepted", "response_url": "https://zq.example/r.json"},
        )
    )
    wanted = {"verb": "prioritize", "filter": {"unique_id": ["zq/unique"]}, "priority": 11}
    change = ok(await live.post("/api/bulk-changes", json=wanted))
    page = ok(await live.get("/v1/tasks", params={"limit": 1}))
    event = await ctx.db.fetchval(
        "insert into callback_event (id, space_id, task_id, kind, target, payload, state, created_at)"
        " overriding system value values (777000111222, $1, $2, 'completed', 'https://zq.example/cb', '{\"zq\":\"meta\"}', 'failed', steelyard.now()) returning id",
        actor.space_id,
        done,
    )
    transfer = (await live.post("/api/transfers", json={"kind": "export", "project": project["name"]})).json()
    await ctx.db.execute(
        "alter table api_key alter column id restart with 700000001"
    )  # found in a text only if told
    key = await users.create_key(ctx, "main", "live", member_email=LABELER)
    member = await ctx.db.fetchval("select public_id from member where email = $1", LABELER)
    return World(
        project=project["name"],
        project_id=project["id"],
        rapid="zq rapid",
        studio="zq studio",
        batch="zq batch",
        batch_id=batches["zq batch"]["id"],
        rapid_batch="zq rapid batch",
        studio_batch="zq studio batch",
        pending=pending,
        queued=queued,
        done=done,
        root=root,
        unique_id="zq/unique",
        tag="zq tag",
        file=uploaded["id"],
        reference_id="zq-reference",
        evaluation=quality[0],
        training=quality[1],
        audit=audit["id"],
        group="zq group",
        lease=token,
        result_file="zq-file",
        page_token=page["next_token"],
        assignee=LABELER,
        event=str(event),
        transfer=transfer["id"],
        member=member,
        key=str(key.id),
        change=change["id"],
        upload=begun.headers["Location"].rpartition("/")[2],
    )
