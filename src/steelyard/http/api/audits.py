"""Customer audits in the console."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Raw, Struct, field

from steelyard import review, tasks
from steelyard.clock import wire_time
from steelyard.http import pages
from steelyard.http.leased import MaybeDocument, Seconds, maybe_object
from steelyard.http.route import LEAD, Call, Routes
from steelyard.http.wire import WireTask

routes = Routes("api", "Audits")


class AuditQueueQuery(pages.Paged, kw_only=True):
    """Which completed tasks to audit."""

    project: str | None = None
    batch: str | None = None
    sample: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description="Another share than the project's `audit_sample`; 1: all."),
    ] = None


class TaskToAudit(Struct, kw_only=True):
    """A completed task of the sample that nobody has audited since it was completed."""

    task_id: str
    type: str
    project: str | None
    batch: str | None
    completed_at: str
    version: int
    customer_review_status: str | None


class AuditQueue(Struct, kw_only=True):
    """Tasks to audit, newest first."""

    items: list[TaskToAudit]
    next_token: str | None


class AuditTask(Struct, kw_only=True):
    """The customer's verdict. `response` belongs to `fixed`; `pins` are remarks on annotations; `version`: of the answer that was looked at."""

    result: tasks.AuditResult
    comments: Annotated[str, Meta(max_length=5000)] | None = None
    pins: Annotated[list[review.NewComment], Meta(max_length=500)] = []
    response: MaybeDocument = field(default_factory=Raw)
    version: int | None = None
    seconds: Seconds = 0


@routes.get("/api/audits/queue", query=AuditQueueQuery, response=AuditQueue, access=LEAD, errors=(400,))
async def audit_queue(call: Call) -> AuditQueue:
    """List completed tasks to audit

    A random sample of each project's tasks, the same whenever it is asked for.
    """
    asked: AuditQueueQuery = call.query
    rows = await review.audit_queue(
        call.ctx,
        call.actor,
        project=asked.project,
        batch=asked.batch,
        sample=asked.sample,
        before=pages.id_of(asked.next_token),
        limit=asked.limit + 1,
    )
    page = rows[: asked.limit]
    items = [
        TaskToAudit(
            task_id=r.id,
            type=r.type,
            project=r.project,
            batch=r.batch,
            completed_at=wire_time(r.completed_at),
            version=r.version,
            customer_review_status=r.customer_review_status,
        )
        for r in page
    ]
    return AuditQueue(items=items, next_token=pages.encode(page[-1].id) if len(rows) > asked.limit else None)


@routes.post(
    "/api/tasks/{task_id}/audit", body=AuditTask, response=WireTask, access=LEAD, errors=(404, 409, 413)
)
async def audit_in_console(call: Call) -> bytes:
    """Accept, reject, comment or fix a completed task as its customer

    A fix takes the place of the response, which moves to `prior_responses`; the callback tells.
    """
    given: AuditTask = call.body
    return await review.audit(
        call.ctx,
        call.actor,
        call.path[0],
        given.result,
        comments=given.comments,
        pins=given.pins,
        response=maybe_object(given.response, "response"),
        version=given.version,
        seconds=given.seconds,
    )
