"""What test_isolation sends to every route to reach into another's space; see there."""

from __future__ import annotations

import base64

from steelyard.http import web
from tests.api.builders import image_task, task_object
from tests.api.isolation import Probe, Sent
from tests.api.isolation import quoted as _q
from tests.api.probes_people import PEOPLE_PROBES
from tests.api.probes_quality import QUALITY_PROBES
from tests.api.probes_work import WORK_PROBES

BOX = {"type": "box", "label": "Big Cow", "left": 5, "top": 6, "width": 40, "height": 30}

TUS = {"Tus-Resumable": "1.0.0"}


def in_base64(text: str) -> str:
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
            headers={**TUS, "Upload-Length": "3", "Upload-Metadata": f"project_name {in_base64(w.project)}"},
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
