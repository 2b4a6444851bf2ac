"""Settings of the space, the audit log, and the state of the system, for the console."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from steelyard import people, users, work
from steelyard.clock import wire_time
from steelyard.http.api.keys import row_id
from steelyard.http.route import SETTINGS, Call, Routes
from steelyard.net import mail

routes = Routes("api", "Account")


class SpaceSettings(Struct, kw_only=True):
    """What is set for the mode that the caller acts in; where callbacks go is at /api/callback-settings."""

    mode: Literal["live", "test"]
    secure_result_urls: Annotated[bool, Meta(description="Whether files of answers are fetched with a key.")]


class ChangeSpaceSettings(Struct, kw_only=True):
    """What to change; the rest stays."""

    secure_result_urls: bool | None = None


class ListAuditLog(Struct, kw_only=True):
    """Filters and paging. `action`: one of them, or the part before its dot."""

    actor: str | None = None
    action: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 100
    next_token: str | None = None


class AuditLogEntry(Struct, kw_only=True):
    """One administrative act."""

    id: int
    at: str
    actor: str
    action: str
    detail: Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})]


class AuditLog(Struct, kw_only=True):
    """Acts, newest first; `next_token` when older ones follow."""

    items: list[AuditLogEntry]
    next_token: str | None


class SystemDatabase(Struct, kw_only=True):
    """The database server."""

    version: str
    size_bytes: int


class SystemProcess(Struct, kw_only=True):
    """A process that reported within ten minutes."""

    id: str
    kind: str
    started_at: str
    seen_at: str


class SystemJobs(Struct, kw_only=True):
    """Background work of the whole installation; `late`: due for a minute or more."""

    waiting: int
    late: int
    failed: int


class FailedJob(Struct, kw_only=True):
    """A job of this account that was given up."""

    id: int
    kind: str
    attempts: int
    last_error: str | None
    failed_at: str
    created_at: str


class StuckReviews(Struct, kw_only=True):
    """So many reviews of a project (null: of tasks without one) wait, and everybody who reviews has had a part in their tasks."""

    project: str | None
    waiting: int


class SystemHealth(Struct, kw_only=True):
    """The parts of the installation. `worker`: one has reported within half a minute. `dead_letters`: callbacks given up (1000 at most)."""

    ok: bool
    database: SystemDatabase
    storage_problem: str | None
    worker: bool
    mail: Annotated[bool, Meta(description="Whether e-mail can be sent.")]
    processes: list[SystemProcess]
    jobs: SystemJobs
    failed_jobs: list[FailedJob]
    dead_letters: int
    stuck_reviews: list[StuckReviews]


class JobRetried(Struct):
    """The job will run again."""

    result: Literal["success"] = "success"


def _settings(found: users.SpaceSettings) -> SpaceSettings:
    return SpaceSettings(
        mode=found.mode,
        secure_result_urls=found.secure_result_urls,
    )


@routes.get("/api/settings", response=SpaceSettings, access=SETTINGS)
async def get_settings(call: Call) -> SpaceSettings:
    """Get the settings of this mode of the account"""
    return _settings(await people.get_settings(call.ctx, call.actor))


@routes.put("/api/settings", body=ChangeSpaceSettings, response=SpaceSettings, access=SETTINGS)
async def change_settings(call: Call) -> SpaceSettings:
    """Change settings of this mode of the account"""
    body: ChangeSpaceSettings = call.body
    return _settings(
        await people.change_settings(call.ctx, call.actor, secure_result_urls=body.secure_result_urls)
    )


@routes.get("/api/audit-log", query=ListAuditLog, response=AuditLog, access=SETTINGS)
async def list_audit_log(call: Call) -> AuditLog:
    """List administrative acts, newest first"""
    query: ListAuditLog = call.query
    page = await people.list_audit_log(
        call.ctx,
        call.actor,
        by=query.actor,
        action=query.action,
        next_token=query.next_token,
        limit=query.limit,
    )
    return AuditLog(
        items=[
            AuditLogEntry(
                id=e.id,
                at=wire_time(e.at),
                actor=e.actor,
                action=e.action,
                detail=Raw((e.detail or "null").encode()),
            )
            for e in page.items
        ],
        next_token=page.next_token,
    )


@routes.get("/api/health", response=SystemHealth, access=SETTINGS)
async def get_health(call: Call) -> SystemHealth:
    """How the parts of the installation are"""
    found = await people.get_health(call.ctx, call.actor)
    stuck = await work.stuck_reviews(call.ctx.db, call.actor.space_id)
    now = call.ctx.clock.now()
    worker = any(p.kind == "worker" and (now - p.seen_at).total_seconds() < 30 for p in found.processes)
    return SystemHealth(
        ok=worker and found.storage is None,
        database=SystemDatabase(version=found.database.version, size_bytes=found.database.size_bytes),
        storage_problem=found.storage,
        worker=worker,
        mail=mail.can_send(call.ctx),
        processes=[
            SystemProcess(
                id=p.id, kind=p.kind, started_at=wire_time(p.started_at), seen_at=wire_time(p.seen_at)
            )
            for p in found.processes
        ],
        jobs=SystemJobs(waiting=found.jobs.waiting, late=found.jobs.late, failed=found.jobs.failed),
        failed_jobs=[
            FailedJob(
                id=j.id,
                kind=j.kind,
                attempts=j.attempts,
                last_error=j.last_error,
                failed_at=wire_time(j.failed_at),
                created_at=wire_time(j.created_at),
            )
            for j in found.failed
        ],
        dead_letters=found.dead_letters,
        stuck_reviews=[StuckReviews(project=name, waiting=n) for name, n in stuck.items()],
    )


@routes.post("/api/health/jobs/{job_id}/retry", response=JobRetried, access=SETTINGS, errors=(404,))
async def retry_job(call: Call) -> JobRetried:
    """Let a job that was given up run again"""
    await people.retry_job(call.ctx, call.actor, row_id(call.path[0], "failed job"))
    return JobRetried()
