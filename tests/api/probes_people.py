"""Probes of the routes about people, keys, settings and instructions; see test_isolation."""

from __future__ import annotations

from tests.api.isolation import Probe, Sent
from tests.api.isolation import quoted as _q

PEOPLE_PROBES: dict[tuple[str, str], Probe] = {
    ("GET", "/api/members"): lambda w: [
        Sent("/api/members", q, expect=(200,), account_wide=True) for q in ({}, {"search": w.assignee})
    ],
    ("POST", "/api/members/invite"): lambda w: [
        Sent(
            "/api/members/invite",
            body={"emails": [w.assignee], "role": "labeler"},
            expect=(200,),
            status_only=True,
            account_wide=True,
        )
    ],
    ("POST", "/api/members/models"): lambda w: [
        Sent(
            "/api/members/models", body={"name": w.group}, expect=(200,), status_only=True, account_wide=True
        )
    ],
    ("GET", "/api/members/{member_id}"): lambda w: [Sent(f"/api/members/{w.member}", account_wide=True)],
    ("PUT", "/api/members/{member_id}/role"): lambda w: [
        Sent(f"/api/members/{w.member}/role", body={"role": "manager"}, account_wide=True)
    ],
    ("POST", "/api/members/{member_id}/disable"): lambda w: [
        Sent(f"/api/members/{w.member}/disable", account_wide=True)
    ],
    ("POST", "/api/members/{member_id}/enable"): lambda w: [
        Sent(f"/api/members/{w.member}/enable", account_wide=True)
    ],
    ("POST", "/api/members/{member_id}/reset_link"): lambda w: [
        Sent(f"/api/members/{w.member}/reset_link", account_wide=True)
    ],
    ("GET", "/api/keys"): lambda w: [Sent("/api/keys", expect=(200,), account_wide=True)],
    ("POST", "/api/keys"): lambda w: [
        Sent("/api/keys", body={"member_id": w.member, "scope": "work"}, account_wide=True)
    ],
    ("DELETE", "/api/keys/{key_id}"): lambda w: [Sent(f"/api/keys/{w.key}", account_wide=True)],
    ("GET", "/api/settings"): lambda w: [Sent("/api/settings", expect=(200,))],
    ("PUT", "/api/settings"): lambda w: [
        Sent("/api/settings", body={"secure_result_urls": True}, expect=(200,), account_wide=True)
    ],
    ("GET", "/api/audit-log"): lambda w: [
        Sent("/api/audit-log", {"actor": w.assignee}, expect=(200,), account_wide=True)
    ],
    ("GET", "/api/health"): lambda w: [Sent("/api/health", expect=(200,), status_only=True)],
    ("POST", "/api/health/jobs/{job_id}/retry"): lambda w: [
        Sent(f"/api/health/jobs/{w.event}/retry", account_wide=True)
    ],
    ("GET", "/api/projects/{name}/instructions"): lambda w: [
        Sent(f"/api/projects/{_q(w.project)}/instructions"),
        Sent(f"/api/projects/{_q(w.project)}/instructions", {"version": 1}),
    ],
    ("PUT", "/api/projects/{name}/instructions"): lambda w: [
        Sent(f"/api/projects/{_q(w.project)}/instructions", body={"markdown": "stolen"})
    ],
    ("GET", "/api/projects/{name}/instructions/versions"): lambda w: [
        Sent(f"/api/projects/{_q(w.project)}/instructions/versions")
    ],
    ("POST", "/api/projects/{name}/instructions/read"): lambda w: [
        Sent(f"/api/projects/{_q(w.project)}/instructions/read", body={"version": 1})
    ],
    ("POST", "/api/projects/{name}/instructions/pictures"): lambda w: [
        Sent(f"/api/projects/{_q(w.project)}/instructions/pictures", form={}, expect=(400, 404))
    ],
}
