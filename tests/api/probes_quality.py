"""Probes of the routes about quality and figures; see test_isolation."""

from __future__ import annotations

from tests.api.isolation import Probe, Sent
from tests.api.isolation import quoted as _q

QUALITY_PROBES: dict[tuple[str, str], Probe | str] = {
    ("POST", "/api/tasks/{task_id}/make-quality-task"): lambda w: [
        Sent(f"/api/tasks/{t}/make-quality-task", body={"kind": "training"}) for t in (w.done, w.pending)
    ],
    ("GET", "/api/quality/tasks"): lambda w: [
        Sent("/api/quality/tasks", q, expect=(200,))
        for q in ({}, {"project": w.rapid}, {"next_token": w.audit})
    ],
    ("POST", "/api/quality/tasks/{id}/archive"): lambda w: [
        Sent(f"/api/quality/tasks/{t}/archive", body={}) for t in (w.evaluation, w.training)
    ],
    ("GET", "/api/projects/{name}/quality"): lambda w: [Sent(f"/api/projects/{_q(w.studio)}/quality")],
    ("POST", "/api/projects/{name}/members/{id}/pause"): lambda w: [
        Sent(f"/api/projects/{_q(w.studio)}/members/{w.audit}/pause", body={"reason": "stolen"})
    ],
    ("POST", "/api/projects/{name}/members/{id}/unpause"): lambda w: [
        Sent(f"/api/projects/{_q(w.studio)}/members/{w.audit}/unpause")
    ],
    ("POST", "/api/projects/{name}/members/{id}/requeue-work"): lambda w: [
        Sent(f"/api/projects/{_q(w.studio)}/members/{w.audit}/requeue-work", body={"since": "2020-01-01"})
    ],
    ("GET", "/api/work/{lease_token}/feedback"): lambda w: [Sent(f"/api/work/{w.lease}/feedback")],
    ("GET", "/api/figures"): lambda w: [
        Sent("/api/figures", {"by": by, **q}, expect=(200, 404))
        for by in ("contributor", "project", "batch")
        for q in ({}, {"project": w.project}, {"batch": w.batch, "every": "day"}, {"contributor": w.assignee})
    ],
    ("GET", "/api/figures.csv"): lambda w: [
        Sent("/api/figures.csv", q, expect=(200, 404)) for q in ({}, {"project": w.project})
    ],
    ("GET", "/api/figures/me"): lambda w: [Sent("/api/figures/me", expect=(200,))],
}
