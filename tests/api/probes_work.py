"""Probes of the routes by which leads manage work; see test_isolation."""

from __future__ import annotations

from tests.api.isolation import Probe, Sent
from tests.api.isolation import quoted as _q

WORK_PROBES: dict[tuple[str, str], Probe | str] = {
    ("GET", "/api/work/leases"): lambda w: [
        Sent(f"/api/work/leases{q}", expect=(200,))
        for q in ("", f"?project={w.project}", f"?member={w.assignee}")
    ],
    ("POST", "/api/work/leases/{slot_id}/release"): lambda w: [
        Sent(f"/api/work/leases/{w.lease.partition('-')[0]}/release", body={"reason": "stolen"})
    ],
    ("GET", "/api/work/stranded"): lambda w: [Sent("/api/work/stranded", expect=(200,))],
    ("POST", "/api/tasks/{task_id}/skip-prelabel"): lambda w: [
        Sent(f"/api/tasks/{t}/skip-prelabel") for t in (w.queued, w.pending)
    ],
    ("GET", "/api/work/escalated"): lambda w: [Sent("/api/work/escalated", expect=(200,))],
    ("POST", "/api/tasks/{task_id}/reassign"): lambda w: [
        Sent(f"/api/tasks/{t}/reassign", body={"email": w.assignee}, expect=(400, 404))
        for t in (w.queued, w.pending)
    ],
    ("POST", "/api/tasks/{task_id}/recall"): lambda w: [Sent(f"/api/tasks/{w.done}/recall")],
    ("POST", "/api/bulk-changes"): lambda w: [
        Sent(
            "/api/bulk-changes",
            body={"verb": "cancel", "filter": f, "begun": True},
            expect=(200,),
            status_only=True,
            account_wide=True,
        )
        for f in ({"project": w.project}, {"batch": w.batch}, {"unique_id": [w.unique_id]}, {"tags": [w.tag]})
    ],
    ("GET", "/api/bulk-changes"): lambda w: [Sent("/api/bulk-changes", expect=(200,), status_only=True)],
    ("GET", "/api/bulk-changes/{change_id}"): lambda w: [Sent(f"/api/bulk-changes/{w.change}")],
    **{
        ("POST", f"/api/batches/{{name}}/{verb}"): lambda w, verb=verb: [
            Sent(f"/api/batches/{_q(b)}/{verb}") for b in (w.batch, w.studio_batch)
        ]
        for verb in ("pause", "resume")
    },
    **{
        ("POST", f"/api/projects/{{name}}/{verb}"): lambda w, verb=verb: [
            Sent(f"/api/projects/{_q(w.project)}/{verb}")
        ]
        for verb in ("archive", "unarchive")
    },
    ("GET", "/api/tasks/{task_id}/timeline"): lambda w: [Sent(f"/api/tasks/{w.done}/timeline")],
    ("GET", "/api/tasks/{task_id}/attachments"): lambda w: [Sent(f"/api/tasks/{w.done}/attachments")],
    ("GET", "/api/tasks/{task_id}/media"): lambda w: [Sent(f"/api/tasks/{w.done}/media")],
    ("POST", "/api/demo"): lambda w: [Sent("/api/demo", expect=(200,), status_only=True)],
    ("POST", "/api/tasks/{task_id}/reprocess"): lambda w: [Sent(f"/api/tasks/{w.done}/reprocess")],
    ("GET", "/api/tasks/{task_id}/versions"): lambda w: [Sent(f"/api/tasks/{w.done}/versions")],
    ("GET", "/api/tasks/{task_id}/comments"): lambda w: [Sent(f"/api/tasks/{w.done}/comments")],
    ("GET", "/api/tasks/{task_id}/answers"): lambda w: [Sent(f"/api/tasks/{w.done}/answers")],
    ("GET", "/api/audits/queue"): lambda w: [
        Sent(f"/api/audits/queue?sample=1{q}", expect=(200,)) for q in ("", f"&project={w.project}")
    ],
    ("POST", "/api/tasks/{task_id}/audit"): lambda w: [
        Sent(f"/api/tasks/{w.done}/audit", body={"result": "rejected", "comments": "stolen"})
    ],
}
