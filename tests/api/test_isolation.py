"""Walks every route: nobody gets in without a key, and nothing of one space can be seen, named, counted or changed from another.

The world below is built in one account's live mode. `PROBES` says for every route how to reach into it; each probe is sent from another
account and from the owner's own test mode, once with the world's real ids and names and once with ones that nobody has. The two answers
must be the same, must tell nothing of the world, and must leave every row of it as it was.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import httpx
import msgspec
import pytest

from steelyard import tasks, users
from steelyard.ctx import Actor, Ctx
from steelyard.http import web
from steelyard.http.route import Route
from steelyard.http.surface import all_routes
from tests.api.builders import image_task, lidar_root, task_object
from tests.api.isolation import Probe, Sent, World
from tests.api.isolation import quoted as _q
from tests.api.probes_people import PEOPLE_PROBES
from tests.api.probes_quality import QUALITY_PROBES
from tests.api.probes_work import WORK_PROBES
from tests.conftest import ClientFor, Keys

BOX = {"type": "box", "label": "Big Cow", "left": 5, "top": 6, "width": 40, "height": 30}
MANAGER, LABELER = "manager@main.example", "labeler@main.example"
ROUTES = {(r.method, r.path): r for r in all_routes()}


TUS = {"Tus-Resumable": "1.0.0"}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PUBLIC_WITHOUT_DATA = "public, tells nothing of anybody"
CAPABILITY = "public, its unguessable token is the permission"
LOGIN = "see test_a_login_tells_nothing_about_who_exists"
OWN_SESSION = "about the caller alone"

PROBES: dict[tuple[str, str], Probe | str] = {
    **{(r.method, r.path): PUBLIC_WITHOUT_DATA for r in web.routes.all},
    ("GET", "/healthz"): PUBLIC_WITHOUT_DATA,
    ("GET", "/readyz"): PUBLIC_WITHOUT_DATA,
    ("GET", "/metrics"): PUBLIC_WITHOUT_DATA,
    ("GET", "/openapi.json"): PUBLIC_WITHOUT_DATA,
    ("GET", "/docs"): PUBLIC_WITHOUT_DATA,
    ("GET", "/media/{token}"): CAPABILITY,
    ("GET", "/media/{token}/derived/{part}"): CAPABILITY,
    ("GET", "/results/{token}"): CAPABILITY,
    ("POST", "/api/login"): LOGIN,
    ("POST", "/api/logout"): OWN_SESSION,
    ("GET", "/api/session"): OWN_SESSION,
    ("PUT", "/api/password"): OWN_SESSION,
    ("GET", "/api/me/keys"): OWN_SESSION,
    ("PUT", "/api/me/keys"): OWN_SESSION,
    ("GET", "/api/links/{token}"): CAPABILITY,
    ("POST", "/api/links/{token}"): CAPABILITY,
    ("POST", "/api/password/forgot"): LOGIN,
    ("GET", "/api/oidc"): PUBLIC_WITHOUT_DATA,
    ("OPTIONS", "/api/uploads"): PUBLIC_WITHOUT_DATA,
    ("OPTIONS", "/api/uploads/{upload_id}"): PUBLIC_WITHOUT_DATA,
    ("GET", "/api/oidc/login"): PUBLIC_WITHOUT_DATA,
    ("GET", "/api/oidc/callback"): LOGIN,
    ("GET", "/api/setup"): PUBLIC_WITHOUT_DATA,
    ("POST", "/api/setup"): PUBLIC_WITHOUT_DATA,
    # Tasks
    ("GET", "/v1/task/{task_id}"): lambda w: [
        Sent(f"/v1/task/{t}", {"include_attachment_url": u})
        for t in (w.pending, w.queued, w.done)
        for u in ("", "true")
    ],
    ("GET", "/v1/tasks"): lambda w: [
        Sent("/v1/tasks", q, expect=(200,))
        for q in (
            {},
            {"project": w.project},
            {"batch": w.batch},
            {"unique_id": w.unique_id},
            {"tags": w.tag},
            {"next_token": w.page_token},
            {"status": "completed,pending", "limited_response": "true"},
            {"type": "imageannotation", "include_attachment_url": "true"},
            {"start_time": "2020-01-01", "customer_review_status": "pending,accepted"},
        )
    ],
    ("POST", "/v1/task/{type}"): lambda w: [
        Sent("/v1/task/imageannotation", body=image_task(project=w.project)),
        Sent("/v1/task/imageannotation", body=image_task(project=w.project, project_version=1)),
        Sent("/v1/task/imageannotation", body=image_task(batch=w.batch)),
        Sent("/v1/task/imageannotation", body=image_task(batch=w.rapid_batch, project=w.rapid)),
        Sent(
            "/v1/task/imageannotation",
            body=image_task(unique_id=w.unique_id),
            expect=(200,),
            status_only=True,
        ),
        Sent(
            "/v1/task/imageannotation",
            body={**image_task(), "attachment": f"scaledata://{w.file}"},
            expect=(200, 400),
            status_only=True,
        ),
    ],
    ("POST", "/v1/task/{task_id}/cancel"): lambda w: [
        Sent(f"/v1/task/{t}/cancel", {"clear_unique_id": "true"}) for t in (w.pending, w.queued, w.done)
    ],
    ("POST", "/v1/task/{task_id}/setMetadata"): lambda w: [
        Sent(f"/v1/task/{w.pending}/setMetadata", body={"stolen": True})
    ],
    ("POST", "/v1/task/{task_id}/unique_id"): lambda w: [
        Sent(f"/v1/task/{w.pending}/unique_id", body={"unique_id": "stolen"})
    ],
    ("DELETE", "/v1/task/{task_id}/unique_id"): lambda w: [Sent(f"/v1/task/{w.pending}/unique_id")],
    ("PUT", "/v1/task/{task_id}/tags"): lambda w: [Sent(f"/v1/task/{w.pending}/tags", body=["stolen"])],
    ("POST", "/v1/task/{task_id}/tags"): lambda w: [Sent(f"/v1/task/{w.pending}/tags", body=["stolen"])],
    ("DELETE", "/v1/task/{task_id}/tags"): lambda w: [Sent(f"/v1/task/{w.pending}/tags", body=[w.tag])],
    ("POST", "/v1/task/{task_id}/audit"): lambda w: [
        Sent(f"/v1/task/{w.done}/audit", body={"accepted": False, "comments": "stolen"})
    ],
    ("POST", "/v1/task/{task_id}/dependents"): lambda w: [
        Sent(f"/v1/task/{t}/dependents", body=body)
        for t in (w.pending, w.done, w.root)
        for body in ({"require_audit": False}, {"defs": [{"type": "lidarlinking"}]}, {})
    ],
    ("POST", "/v1/task/{task_id}/dependents/force"): lambda w: [
        Sent(f"/v1/task/{t}/dependents/force") for t in (w.pending, w.done, w.root)
    ],
    ("POST", "/v1/task/{task_id}/send_callback"): lambda w: [Sent(f"/v1/task/{w.done}/send_callback")],
    ("POST", "/v1/task/{task_id}/send-callback"): lambda w: [Sent(f"/v1/task/{w.done}/send-callback")],
    ("GET", "/v1/task/{task_id}/response_url/{file_id}"): lambda w: [
        Sent(f"/v1/task/{w.done}/response_url/{w.result_file}")
    ],
    # Batches
    ("GET", "/v1/batches"): lambda w: [
        Sent("/v1/batches", q, expect=(200,))
        for q in (
            {},
            {"project": w.project},
            {"detailed": "true", "status": "staging"},
            {"start_time": "2020-01-01"},
        )
    ],
    ("POST", "/v1/batches"): lambda w: [
        Sent("/v1/batches", body={"project": w.project, "name": "fresh"}),
        Sent("/v1/batches", body={"project": w.project, "name": w.batch}),
    ],
    ("GET", "/v1/batches/{name}"): lambda w: [Sent(f"/v1/batches/{_q(w.batch)}")],
    ("GET", "/v1/batches/{name}/status"): lambda w: [Sent(f"/v1/batches/{_q(w.batch)}/status")],
    ("POST", "/v1/batches/{name}/finalize"): lambda w: [
        Sent(f"/v1/batches/{_q(w.rapid_batch)}/finalize"),
        Sent(f"/v1/batches/{_q(w.studio_batch)}/finalize"),
    ],
    ("POST", "/v1/batches/{name}/setMetadata"): lambda w: [
        Sent(f"/v1/batches/{_q(w.batch)}/setMetadata", body={"stolen": True})
    ],
    ("POST", "/v1/batches/{name}/prioritize"): lambda w: [
        Sent(f"/v1/batches/{_q(w.batch)}/prioritize", body={"priority": 30})
    ],
    # Projects
    ("GET", "/v1/projects"): lambda w: [
        Sent("/v1/projects", q, expect=(200,)) for q in ({}, {"archived": "false"})
    ],
    ("POST", "/v1/projects"): lambda w: [
        Sent(
            "/v1/projects",
            body={"name": w.project, "type": "imageannotation"},
            expect=(200,),
            status_only=True,
        )
    ],
    ("GET", "/v1/projects/{name}"): lambda w: [Sent(f"/v1/projects/{_q(w.project)}")],
    ("POST", "/v1/projects/{name}/setParams"): lambda w: [
        Sent(f"/v1/projects/{_q(w.project)}/setParams", body={"patch": p, "instruction": "stolen"})
        for p in (True, False)
    ],
    ("POST", "/v1/projects/{name}/setOntology"): lambda w: [
        Sent(f"/v1/projects/{_q(w.project)}/setOntology", body={"ontology": ["stolen"]})
    ],
    ("GET", "/v1/projects/{name}/taskTemplates"): lambda w: [
        Sent(f"/v1/projects/{_q(w.project)}/taskTemplates")
    ],
    # Files
    ("POST", "/v1/files/upload"): lambda w: [
        Sent("/v1/files/upload", form={"project_name": w.project}),
        Sent("/v1/files/upload", form={"reference_id": w.reference_id}, expect=(200,), status_only=True),
    ],
    ("POST", "/api/uploads"): lambda w: [
        Sent(
            "/api/uploads",
            headers={**TUS, "Upload-Length": "3", "Upload-Metadata": f"project_name {_base64(w.project)}"},
        )
    ],
    ("GET", "/api/uploads"): lambda w: [Sent("/api/uploads", expect=(200,))],
    ("GET", "/api/uploads/{upload_id}"): lambda w: [Sent(f"/api/uploads/{w.upload}")],
    ("PATCH", "/api/uploads/{upload_id}"): lambda w: [
        Sent(
            f"/api/uploads/{w.upload}",
            headers={**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
            body="stranger",
        )
    ],
    ("DELETE", "/api/uploads/{upload_id}"): lambda w: [Sent(f"/api/uploads/{w.upload}", headers=TUS)],
    ("POST", "/v1/files/import"): lambda w: [
        Sent("/v1/files/import", body={"file_url": "http://x.example/a.png", "project_name": w.project}),
        Sent(
            "/v1/files/import",
            body={"file_url": "http://x.example/a.png", "reference_id": w.reference_id + "2"},
            expect=(200,),
            status_only=True,
        ),
    ],
    ("GET", "/v1/files"): lambda w: [
        Sent("/v1/files", {"project": w.project}, expect=(200, 404)),
        Sent("/v1/files", {"reference_id": w.reference_id}, expect=(200,)),
        Sent("/v1/files", {"project": w.project, "metadata": '{"zq":"meta"}'}, expect=(200, 404)),
        Sent("/v1/files", {"unassigned": "true", "include_attachment_url": "true"}, expect=(200,)),
        Sent(
            "/v1/files",
            {"attachment_url": f"scaledata://1/{w.file}", "include_attachment_url": "true"},
            expect=(200,),
        ),
    ],
    # People: of the account, not of the mode
    ("GET", "/v1/teams"): lambda w: [Sent("/v1/teams", expect=(200,), account_wide=True)],
    ("POST", "/v1/teams/invite"): lambda w: [
        Sent(
            "/v1/teams/invite",
            body={"emails": [w.assignee], "team_role": "member"},
            expect=(200,),
            status_only=True,
            account_wide=True,
        )
    ],
    ("POST", "/v1/teams/set_role"): lambda w: [
        Sent(
            "/v1/teams/set_role",
            body={"emails": ["zq-nobody@main.example", w.assignee], "team_role": "member"},
            expect=(400, 404),
            account_wide=True,
        )
    ],
    # Studio
    ("GET", "/v1/studio/assignments"): lambda w: [Sent("/v1/studio/assignments", expect=(200,))],
    ("POST", "/v1/studio/assignments/add"): lambda w: [
        Sent(
            "/v1/studio/assignments/add",
            body={"emails": [w.assignee], "projects": [w.studio]},
            expect=(400, 404),
        )
    ],
    ("POST", "/v1/studio/assignments/remove"): lambda w: [
        Sent(
            "/v1/studio/assignments/remove",
            body={"emails": [w.assignee], "projects": [w.studio]},
            expect=(400, 404),
        )
    ],
    ("GET", "/v1/studio/projects/{project}/groups"): lambda w: [
        Sent(f"/v1/studio/projects/{_q(w.studio)}/groups")
    ],
    ("POST", "/v1/studio/projects/{project}/groups"): lambda w: [
        Sent(
            f"/v1/studio/projects/{_q(w.studio)}/groups",
            body={"emails": [], "name": "fresh"},
            expect=(400, 404),
        ),
        Sent(f"/v1/studio/projects/{_q(w.studio)}/groups", body={"emails": [w.assignee], "name": w.group}),
    ],
    ("PUT", "/v1/studio/projects/{project}/groups/{group}"): lambda w: [
        Sent(
            f"/v1/studio/projects/{_q(w.studio)}/groups/{_q(w.group)}",
            body={"add_emails": [], "remove_emails": [w.assignee]},
        )
    ],
    ("GET", "/v1/studio/batches"): lambda w: [Sent("/v1/studio/batches", expect=(200,))],
    ("PUT", "/v1/studio/batches/{batch}"): lambda w: [
        Sent(f"/v1/studio/batches/{_q(w.studio_batch)}", body={"groups": [w.group]})
    ],
    ("POST", "/v1/studio/batches/set_priorities"): lambda w: [
        Sent(
            "/v1/studio/batches/set_priorities",
            body={"batches": [{"name": w.studio_batch}]},
            expect=(400, 404),
        )
    ],
    ("POST", "/v1/studio/batches/reset_priorities"): lambda w: [
        Sent("/v1/studio/batches/reset_priorities", expect=(200,))
    ],
    # Quality and audits
    ("POST", "/v1/evaluation_tasks/{type}"): lambda w: [
        Sent(
            "/v1/evaluation_tasks/imageannotation",
            body=image_task(project=w.rapid, expected_response={"annotations": [BOX]}),
        )
    ],
    ("POST", "/v1/training_tasks/{type}"): lambda w: [
        Sent(
            "/v1/training_tasks/imageannotation",
            body=image_task(batch=w.rapid_batch, expected_response={"annotations": [BOX]}),
        )
    ],
    ("GET", "/v1/quality/labelers"): lambda w: [
        Sent("/v1/quality/labelers", {"quality_task_ids": w.evaluation + "," + w.training}, expect=(200,)),
        Sent("/v1/quality/labelers", {"labeler_emails": w.assignee}, expect=(200,)),
    ],
    ("PUT", "/v1/audits"): lambda w: [
        Sent(
            "/v1/audits",
            body={"task_id": w.done, "audit_result": "rejected", "response_url": "https://x.example/r.json"},
        )
    ],
    ("GET", "/v1/audits"): lambda w: [
        Sent("/v1/audits", q, expect=(200,))
        for q in ({"task_id": w.done}, {"id": w.audit}, {"id": w.audit, "task_id": w.done})
    ],
    # Work
    ("POST", "/api/work/claim"): lambda w: [
        Sent("/api/work/claim", body={"task_id": w.queued}, expect=(200, 404)),
        Sent("/api/work/claim", body={"project": w.studio}),
        Sent("/api/work/claim", body={}, expect=(200,)),
        Sent("/api/work/claim", body={"type": "imageannotation"}, expect=(200,)),
    ],
    # Callbacks, bulk, transfers
    ("GET", "/api/callbacks"): lambda w: [
        Sent("/api/callbacks", q, expect=(200,))
        for q in ({}, {"task_id": w.done}, {"batch": w.batch}, {"dead": "true"}, {"target": "https://zq"})
    ],
    ("GET", "/api/callbacks/{event_id}"): lambda w: [Sent(f"/api/callbacks/{w.event}")],
    ("POST", "/api/callbacks/{event_id}/replay"): lambda w: [Sent(f"/api/callbacks/{w.event}/replay")],
    ("POST", "/api/callbacks/replay"): lambda w: [
        Sent("/api/callbacks/replay", body=body, expect=(202,), status_only=True)
        for body in ({}, {"task_id": w.done}, {"batch": w.batch})
    ],
    ("GET", "/api/callback-settings"): lambda w: [Sent("/api/callback-settings", expect=(200,))],
    ("PUT", "/api/callback-settings"): lambda w: [Sent("/api/callback-settings", body={}, expect=(200,))],
    ("POST", "/api/tasks/bulk"): lambda w: [
        Sent("/api/tasks/bulk", body=image_task(project=w.project), expect=(200,)),
        Sent("/api/tasks/bulk", {"project": w.project}, body=image_task(), expect=(200,)),
        Sent("/api/tasks/bulk", {"type": "imageannotation"}, body=image_task(batch=w.batch), expect=(200,)),
        Sent(
            "/api/tasks/bulk",
            {"type": "imageannotation"},
            body=image_task(unique_id=w.unique_id),
            expect=(200,),
            status_only=True,
        ),
    ],
    ("POST", "/api/tasks/import"): lambda w: [
        Sent("/api/tasks/import", body=task_object(w.done, project=w.project), expect=(200,)),
        Sent("/api/tasks/import", body=task_object(w.done, batch=w.batch), expect=(200,)),
        Sent(
            "/api/tasks/import",
            body=task_object(w.done, unique_id=w.unique_id),
            expect=(200,),
            status_only=True,
        ),
    ],
    ("GET", "/api/export"): lambda w: [
        Sent("/api/export", q, expect=(200,))
        for q in ({}, {"project": w.project}, {"batch": w.batch}, {"after": w.pending}, {"tags": w.tag})
    ],
    ("GET", "/api/transfers"): lambda w: [Sent("/api/transfers", expect=(200,))],
    ("POST", "/api/transfers"): lambda w: [
        Sent("/api/transfers", body={"kind": "create", "file_id": w.file}, expect=(400,)),
        Sent(
            "/api/transfers", body={"kind": "export", "project": w.project}, expect=(202,), status_only=True
        ),
    ],
    ("GET", "/api/transfers/{transfer_id}"): lambda w: [Sent(f"/api/transfers/{w.transfer}")],
    ("POST", "/api/transfers/{transfer_id}/cancel"): lambda w: [Sent(f"/api/transfers/{w.transfer}/cancel")],
    ("GET", "/api/work"): lambda w: [Sent("/api/work", expect=(200,))],
    ("GET", "/api/work/{lease_token}"): lambda w: [Sent(f"/api/work/{w.lease}")],
    ("POST", "/api/work/{lease_token}/heartbeat"): lambda w: [
        Sent(f"/api/work/{w.lease}/heartbeat", body={"active_seconds": 9})
    ],
    ("PUT", "/api/work/{lease_token}/draft"): lambda w: [
        Sent(f"/api/work/{w.lease}/draft", body={"base_revision": r, "body": {"stolen": 1}}) for r in (0, 1)
    ],
    ("POST", "/api/work/{lease_token}/submit"): lambda w: [
        Sent(f"/api/work/{w.lease}/submit", body={"response": {"annotations": [BOX]}})
    ],
    ("POST", "/api/work/{lease_token}/files"): lambda w: [Sent(f"/api/work/{w.lease}/files", form={})],
    ("POST", "/api/work/{lease_token}/release"): lambda w: [Sent(f"/api/work/{w.lease}/release")],
    ("POST", "/api/work/{lease_token}/skip"): lambda w: [
        Sent(f"/api/work/{w.lease}/skip", body={"reason": "stolen"})
    ],
    ("POST", "/api/work/{lease_token}/review"): lambda w: [
        Sent(f"/api/work/{w.lease}/review", body={"verdict": "accept"})
    ],
    ("GET", "/api/projects/{name}/workflow"): lambda w: [Sent(f"/api/projects/{w.project}/workflow")],
    ("PUT", "/api/projects/{name}/workflow"): lambda w: [
        Sent(f"/api/projects/{w.project}/workflow", body={"overlap": 2})
    ],
    **QUALITY_PROBES,
    **PEOPLE_PROBES,
    **WORK_PROBES,
}


def _ok(answer: httpx.Response) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def _build(ctx: Ctx, live: httpx.AsyncClient, labeler: httpx.AsyncClient, actor: Actor) -> World:
    """One of everything in the first account's live mode; every text of it begins with `zq`."""

    async def queue(task_id: str) -> None:
        async with ctx.db.tx() as tx:
            assert await tasks.queue_task(ctx, tx, actor.space_id, task_id)

    params = {"instruction": "zq instruction", "geometries": image_task()["geometries"]}
    project = _ok(
        await live.post(
            "/v1/projects", json={"name": "zq project/1", "type": "imageannotation", "params": params}
        )
    )
    _ok(await live.post(f"/v1/projects/{_q(project['name'])}/setOntology", json={"ontology": ["zq choice"]}))
    for kind in ("rapid", "studio"):
        _ok(
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
        batches[name] = _ok(
            await live.post("/v1/batches", json={"name": name, "project": of, "metadata": {"zq": "meta"}})
        )
    assignment = {"emails": [LABELER, MANAGER], "projects": ["zq studio"]}
    _ok(await live.post("/v1/studio/assignments/add", json=assignment))
    group = _ok(
        await live.post(
            "/v1/studio/projects/zq%20studio/groups", json={"emails": [LABELER], "name": "zq group"}
        )
    )
    _ok(await live.put("/v1/studio/batches/zq%20studio%20batch", json={"groups": ["zq group"]}))
    assert group["name"] == "zq group"

    async def task(**more: Any) -> str:
        body = image_task(metadata={"zq": "meta"}, **more)
        body["instruction"] = "zq task"
        return _ok(await live.post("/v1/task/imageannotation", json=body))["task_id"]

    pending = await task(project=project["name"], batch="zq batch", unique_id="zq/unique", tags=["zq tag"])
    root = _ok(await live.post("/v1/task/lidarannotation", json=lidar_root([{"type": "lidarlinking"}])))[
        "task_id"
    ]
    done = await task(project=project["name"], unique_id="zq/done")
    leased = await task()
    queued = await task(batch="zq studio batch")
    _ok(await live.post("/v1/batches/zq%20studio%20batch/finalize"))
    for task_id in (done, leased, queued):
        await queue(task_id)
    for task_id in (done, leased):
        claim = _ok(await live.post("/api/work/claim", json={"task_id": task_id}))
        token = claim["lease_token"]
        draft = {"base_revision": 0, "body": {"zq": "draft"}}
        _ok(await live.put(f"/api/work/{token}/draft", json=draft))
        if task_id == done:
            answer = {"annotations": [{**BOX, "uuid": "00000000-0000-4000-8000-000000000000"}]}
            _ok(await live.post(f"/api/work/{token}/submit", json={"response": answer}))
    _ok(await live.post(f"/v1/task/{done}/audit", json={"accepted": True, "comments": "zq comment"}))
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
    uploaded = _ok(
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
        quality.append(_ok(await live.post(f"/v1/{kind}_tasks/imageannotation", json=body))["id"])
    audit = _ok(
        await live.put(
            "/v1/audits",
            json={"task_id": done, "audit_result": "accepted", "response_url": "https://zq.example/r.json"},
        )
    )
    wanted = {"verb": "prioritize", "filter": {"unique_id": ["zq/unique"]}, "priority": 11}
    change = _ok(await live.post("/api/bulk-changes", json=wanted))
    page = _ok(await live.get("/v1/tasks", params={"limit": 1}))
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


def _nowhere(world: World) -> World:
    """The same shapes, belonging to nobody."""

    def other(value: str) -> str:
        if re.fullmatch("[0-9a-f]{24}", value):
            return value[:16] + "f" * 8
        return value.replace("zq", "zx").replace("main.example", "nowhere.example")

    values = {f: other(v) for f, v in msgspec.structs.asdict(world).items()}
    values["lease"] = re.sub("-.*", "-" + "x" * 24, world.lease)
    values["event"] = values["key"] = "9" * 12
    values["upload"] = world.upload[:-6] + "ffffff"
    values["page_token"] = world.page_token  # a position in time; it has no owner
    return World(**values)


async def _rows(ctx: Ctx, space_id: int, account_id: int) -> dict[str, list[str]]:
    """Every row of a space and every row about its account's people, as text."""
    found: dict[str, list[str]] = {}
    columns = await ctx.db.fetch(
        "select c.relname as t, a.attname as c from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'steelyard'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
        " and a.attname in ('space_id', 'account_id')"
    )
    for row in columns:
        owner = space_id if row["c"] == "space_id" else account_id
        got = await ctx.db.fetch(f"select t::text as r from {row['t']} t where t.{row['c']} = $1", owner)
        found[f"{row['t']}.{row['c']}"] = sorted(r["r"] for r in got)
    jobs = await ctx.db.fetch(
        "select args::text as r from job where args::text like $1", f'%"space_id" : {space_id}%'
    )
    found["job"] = sorted(r["r"] for r in jobs)
    return found


async def _call(client: httpx.AsyncClient, method: str, sent: Sent) -> httpx.Response:
    if sent.form is not None:
        files = {"file": ("a.txt", b"text of a stranger", "text/plain")}
        return await client.request(method, sent.path, params=sent.query, files=files, data=sent.form)
    return await client.request(method, sent.path, params=sent.query, json=sent.body, headers=sent.headers)


def _unnamed(text: str, world: World) -> str:
    """An answer with the names that the request itself used taken out."""
    for value in sorted(msgspec.structs.asdict(world).values(), key=len, reverse=True):
        for spelling in (value, json.dumps(value)[1:-1]):
            text = text.replace(spelling, "…")
    return text


def _tells(text: str, world: World, sent: Sent) -> list[str]:
    """What an answer tells of the world beyond what the request itself said."""
    said = json.dumps([sent.path, sent.query, sent.body, sent.form], ensure_ascii=False) + _spelled(sent)
    values = [*msgspec.structs.asdict(world).values(), MANAGER, "zq instruction", "zq task", '"zq":"meta"']
    return [v for v in values if v in text and v not in said]


def _spelled(sent: Sent) -> str:
    from urllib.parse import unquote

    return unquote(sent.path)


def test_every_route_has_a_probe_and_every_probe_a_route() -> None:
    assert set(PROBES) == set(ROUTES)
    public = {at for at, r in ROUTES.items() if not r.access.roles}
    assert {at for at, p in PROBES.items() if p in (PUBLIC_WITHOUT_DATA, CAPABILITY, LOGIN)} == public


def _filled(route: Route) -> str:
    return re.sub(r"\{\w+\}", "x", route.path)


async def test_no_route_but_the_public_ones_answers_without_a_key(client_for: ClientFor, keys: Keys) -> None:
    strangers = [
        (client_for(None), {}),
        (client_for("live_00000000000000000000000000000000"), {}),
        (client_for(None), {"authorization": keys.live}),
        (client_for(None), {"authorization": "Bearer "}),
        (client_for(None), {"authorization": "Basic !!!"}),
        (client_for(None), {"authorization": "Digest x"}),
        (client_for(None), {"cookie": "steelyard_session=x"}),
    ]
    for (method, _), route in ROUTES.items():
        for client, headers in strangers:
            answer = await client.request(method, _filled(route), headers=headers, content=b"{not json")
            if not route.access.roles:
                assert answer.status_code not in (401, 403) or route.path == "/api/login"
                continue
            assert answer.status_code == 401, (method, route.path, headers, answer.text)
            if route.surface == "v1":
                assert set(answer.json()) == {"status_code", "error"}
                offered = answer.headers.get("www-authenticate", "")
                assert offered.startswith("Basic") is ("cookie" not in headers)
            else:
                assert answer.headers["content-type"] == "application/problem+json"


async def test_unknown_routes_are_told_only_to_those_with_a_key(
    client_for: ClientFor, live: httpx.AsyncClient
) -> None:
    stranger = client_for(None)
    for path in (
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/nucleus/datasets",
        "/v1/task",
        "/v2/task",
        "/v1/projects/a/b/c",
    ):
        assert (await stranger.get(path)).status_code == 401, path
        found = await live.get(path)
        assert found.json() == {"status_code": found.status_code, "error": found.json()["error"]}
        assert found.status_code == 404, path
    for method, path in (("DELETE", "/v1/tasks"), ("PATCH", "/v1/projects"), ("POST", "/v1/teams")):
        assert (await stranger.request(method, path)).status_code == 401
        refused = await live.request(method, path)
        assert refused.status_code == 405
        assert refused.json()["status_code"] == 405


async def test_a_wrong_method_is_405_and_names_the_right_ones(live: httpx.AsyncClient) -> None:
    for path in {_filled(route) for route in ROUTES.values()}:
        methods = {
            method
            for method, pattern in ROUTES
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(pattern)), path)
        }
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} - methods:
            answer = await live.request(method, path)
            assert answer.status_code == 405, (method, path, answer.text)
            assert set(answer.headers["allow"].split(", ")) == methods, (method, path)


@pytest.mark.parametrize("stranger", ["other_live", "other_test", "test"])
async def test_nothing_of_one_space_is_seen_named_counted_or_changed_from_another(
    ctx: Ctx, client_for: ClientFor, keys: Keys, live_actor: Actor, stranger: str
) -> None:
    live = client_for(keys.live)
    world = await _build(ctx, live, client_for(keys.labeler_live), live_actor)
    nowhere = _nowhere(world)
    outside = client_for(getattr(keys, stranger))
    same_account = stranger == "test"
    if same_account:
        nowhere = msgspec.structs.replace(nowhere, assignee=world.assignee)
    before = await _rows(ctx, live_actor.space_id, live_actor.account_id)
    assert len(before["task.space_id"]) == 5
    assert len(before["dependent.space_id"]) == 1
    wrong: list[str] = []
    pairs = [
        (method, real, fake)
        for (method, _), probe in PROBES.items()
        if not isinstance(probe, str)
        for real, fake in zip(probe(world), probe(nowhere), strict=True)
    ]
    pairs.sort(key=lambda p: p[1].status_only)  # creations last: until then nothing of these names is theirs
    for method, real, fake in pairs:
        if not (real.account_wide and same_account):
            answers = [await _call(outside, method, fake), await _call(outside, method, real)]
            where = f"{method} {real.path} {real.query} {real.body}"
            told = _tells(answers[1].text, world, real)
            if same_account:  # people belong to both modes of their account
                told = [t for t in told if t not in (LABELER, MANAGER)]
            if told:
                wrong.append(f"{where}: tells {told}: {answers[1].text[:300]}")
            if [a.status_code for a in answers] != [answers[0].status_code] * 2:
                wrong.append(f"{where}: {[(a.status_code, a.text[:200]) for a in answers]}")
            elif answers[1].status_code not in real.expect:
                wrong.append(f"{where}: {answers[1].status_code} {answers[1].text[:200]}")
            elif not real.status_only and _unnamed(answers[0].text, nowhere) != _unnamed(
                answers[1].text, world
            ):
                wrong.append(f"{where}: {answers[0].text[:300]} / {answers[1].text[:300]}")
    assert not wrong, "\n".join(wrong)
    after = await _rows(ctx, live_actor.space_id, live_actor.account_id)
    for table, rows in before.items():
        if same_account and table in ("audit_log.account_id", "member.account_id"):
            assert set(rows) <= set(after[table])
            continue
        assert after[table] == rows, table


@pytest.mark.parametrize("stranger", ["other_live", "test"])
async def test_names_taken_in_one_space_are_free_in_another(
    client_for: ClientFor, keys: Keys, stranger: str
) -> None:
    for key in (keys.live, getattr(keys, stranger)):
        client = client_for(key)
        headers = {"Idempotency-Key": "one"}
        project = {"name": "herd", "type": "imageannotation", "studio": True}
        _ok(await client.post("/v1/projects", json=project, headers=headers))
        _ok(await client.post("/v1/batches", json={"name": "first", "project": "herd"}))
        body = image_task(unique_id="cow", batch="first")
        _ok(await client.post("/v1/task/imageannotation", json=body, headers={"Idempotency-Key": "two"}))
        page = _ok(await client.get("/v1/tasks", params={"unique_id": "cow"}))
        assert page["total"] == 1
        _ok(
            await client.post(
                "/v1/files/import",
                json={"file_url": "http://x.example/a.png", "project_name": "herd", "reference_id": "r"},
            )
        )
        assert (await client.post("/v1/projects", json=project)).status_code == 409


async def test_the_labelers_work_is_of_the_live_mode_of_their_account(
    ctx: Ctx, client_for: ClientFor, keys: Keys, live_actor: Actor
) -> None:
    """A task of another account can not be claimed even by somebody with the same address there."""
    live = client_for(keys.live)
    await _build(ctx, live, client_for(keys.labeler_live), live_actor)
    await users.create_member(ctx, "other", LABELER, "labeler", "correct horse battery")
    twin = (await users.create_key(ctx, "other", "live", member_email=LABELER)).key
    answer = _ok(await client_for(twin).post("/api/work/claim", json={}))
    assert answer["slot"] is None
    mine = _ok(await client_for(keys.labeler_live).post("/api/work/claim", json={}))
    assert mine["slot"] is not None


async def test_a_login_tells_nothing_about_who_exists(client_for: ClientFor) -> None:
    stranger = client_for(None)
    answers = [
        await stranger.post("/api/login", json={"email": email, "password": "wrong", **more})
        for email, more in (
            (LABELER, {}),
            ("nobody@main.example", {}),
            (LABELER, {"account": "other"}),
            (LABELER, {"account": "nowhere"}),
        )
    ]
    assert {(a.status_code, a.content) for a in answers} == {(401, answers[0].content)}
