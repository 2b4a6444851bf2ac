"""What has become of a task, for leads: timeline, versions, answers, remarks."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from steelyard import review, tasks
from steelyard.clock import wire_time
from steelyard.http import pages
from steelyard.http.leased import Document, WorkComment, WorkMedia, comment, media_of
from steelyard.http.route import LEAD, Call, Routes
from steelyard.tasks import reprocess

routes = Routes("api", "Task history")


class TaskEvent(Struct, kw_only=True):
    """Something that happened to a task: who, what, when, and what there is to say of it."""

    at: str
    kind: str
    actor: str | None
    detail: Document | None


class TaskTimeline(Struct, kw_only=True):
    """Events, oldest first."""

    items: list[TaskEvent]
    next_token: str | None


class TaskVersion(Struct, kw_only=True):
    """A version of the answer. Of a fix: `base_version` it was made from, `difference` that it made, by key of the answer."""

    version: int
    origin: Annotated[str, Meta(description="labeled, merged, reviewed, fixed, made")]
    author: str
    created_at: str
    response: Document
    base_version: int | None
    difference: Document | None


class TaskVersions(Struct, kw_only=True):
    """All versions, oldest first."""

    items: list[TaskVersion]
    next_token: None = None


class TaskComments(Struct, kw_only=True):
    """Remarks on all versions, oldest first."""

    items: list[WorkComment]
    next_token: None = None


class TaskAttempt(Struct, kw_only=True):
    """Somebody's go at the task. `step` 0 is labeling, others are stages of review; `round` counts how often it was begun anew."""

    id: int
    email: str
    kind: Literal["label", "review", "prelabel"]
    step: int
    round: int
    state: Annotated[str, Meta(description="open, submitted, released, skipped, lapsed, withdrawn")]
    claimed_at: str
    ended_at: str | None
    active_seconds: int
    verdict: str | None
    reason: str | None
    response: Document | None


class TaskAgreement(Struct, kw_only=True):
    """How alike two attempts' answers are, 0 to 1, by the metric of the task's type."""

    attempt_a: int
    attempt_b: int
    round: int
    score: float
    detail: Document


class TaskAnswers(Struct, kw_only=True):
    """Who did what, oldest first, and how alike the answers of several people are."""

    items: list[TaskAttempt]
    agreements: list[TaskAgreement]
    next_token: None = None


class TaskAttachment(Struct, kw_only=True):
    """What came of an attachment. `status_code` and `message` are those of a task's error response; sizes are bytes and pixels."""

    path: Annotated[str, Meta(description="Where it stands in the task's params.")]
    role: str
    url: str
    media: str
    frame: int | None
    state: Literal["stored", "failed"]
    status_code: int | None
    message: str | None
    size_bytes: int | None
    mime_type: str | None
    width: int | None
    height: int | None


class TaskAttachments(Struct, kw_only=True):
    """In the order of the task's params; empty until the first round of fetching has ended."""

    items: list[TaskAttachment]
    next_token: str | None


class TaskMedia(Struct, kw_only=True):
    """The stored files of a task as its editor shows them, in document order."""

    items: list[WorkMedia]
    next_token: None = None


class Reprocessing(Struct, kw_only=True):
    """The task is prepared again."""

    status: Literal["pending"] = "pending"


def _raw(text: str | None) -> Raw | None:
    return None if text is None else Raw(text.encode())


@routes.get(
    "/api/tasks/{task_id}/timeline", query=pages.Paged, response=TaskTimeline, access=LEAD, errors=(400, 404)
)
async def get_timeline(call: Call) -> TaskTimeline:
    """List what happened to a task"""
    at, limit = pages.number_of(call.query.next_token), call.query.limit
    rows = await review.timeline(call.ctx, call.actor, call.path[0], offset=at, limit=limit + 1)
    items = [
        TaskEvent(at=wire_time(r.at), kind=r.kind, actor=r.actor, detail=_raw(r.detail)) for r in rows[:limit]
    ]
    return TaskTimeline(items=items, next_token=pages.encode(at + limit) if len(rows) > limit else None)


@routes.get("/api/tasks/{task_id}/versions", response=TaskVersions, access=LEAD, errors=(404,))
async def get_versions(call: Call) -> TaskVersions:
    """List the versions of a task's answer"""
    rows = await review.versions(call.ctx, call.actor, call.path[0])
    return TaskVersions(
        items=[
            TaskVersion(
                version=r.version,
                origin=r.origin,
                author=r.author,
                created_at=wire_time(r.created_at),
                response=Raw(r.response.encode()),
                base_version=r.base_version,
                difference=_raw(r.difference),
            )
            for r in rows
        ]
    )


@routes.get("/api/tasks/{task_id}/comments", response=TaskComments, access=LEAD, errors=(404,))
async def get_comments(call: Call) -> TaskComments:
    """List the remarks on a task's answers"""
    rows = await review.list_comments(call.ctx, call.actor, call.path[0])
    return TaskComments(items=[comment(row) for row in rows])


@routes.get("/api/tasks/{task_id}/answers", response=TaskAnswers, access=LEAD, errors=(404,))
async def get_answers(call: Call) -> TaskAnswers:
    """List who did what on a task, and how alike their answers are"""
    found = await review.answers(call.ctx, call.actor, call.path[0])
    return TaskAnswers(
        items=[
            TaskAttempt(
                id=a.id,
                email=a.email,
                kind=a.kind if a.kind in ("review", "prelabel") else "label",
                step=a.step,
                round=a.round,
                state=a.state,
                claimed_at=wire_time(a.claimed_at),
                ended_at=None if a.ended_at is None else wire_time(a.ended_at),
                active_seconds=a.active_seconds,
                verdict=a.verdict,
                reason=a.reason,
                response=_raw(a.response),
            )
            for a in found.attempts
        ],
        agreements=[
            TaskAgreement(
                attempt_a=g.attempt_a,
                attempt_b=g.attempt_b,
                round=g.round,
                score=g.score,
                detail=Raw(g.detail.encode()),
            )
            for g in found.agreements
        ],
    )


@routes.get(
    "/api/tasks/{task_id}/attachments",
    query=pages.Paged,
    response=TaskAttachments,
    access=LEAD,
    errors=(400, 404),
)
async def get_attachments(call: Call) -> TaskAttachments:
    """List what came of a task's attachments"""
    at, limit = pages.number_of(call.query.next_token), call.query.limit
    rows = await reprocess.attachments(call.ctx, call.actor, call.path[0], offset=at, limit=limit + 1)
    items = [
        TaskAttachment(
            path=r.path,
            role=r.role,
            url=r.url,
            media=r.media,
            frame=r.frame,
            state="stored" if r.state == "stored" else "failed",
            status_code=r.status_code,
            message=r.message,
            size_bytes=r.size_bytes,
            mime_type=r.mime_type,
            width=r.width,
            height=r.height,
        )
        for r in rows[:limit]
    ]
    return TaskAttachments(items=items, next_token=pages.encode(at + limit) if len(rows) > limit else None)


@routes.get("/api/tasks/{task_id}/media", response=TaskMedia, access=LEAD, errors=(404,))
async def get_task_media(call: Call) -> TaskMedia:
    """List a task's files at addresses of this server, for showing it"""
    await tasks.get_task(call.ctx, call.actor, call.path[0])
    return TaskMedia(items=await media_of(call.ctx, call.actor, call.path[0]))


@routes.post("/api/tasks/{task_id}/reprocess", response=Reprocessing, access=LEAD, errors=(400, 404))
async def reprocess_task(call: Call) -> Reprocessing:
    """Fetch the attachments of a task in error again

    It is `pending` until that is decided; the callback then tells what came of it.
    """
    await reprocess.reprocess_task(call.ctx, call.actor, call.path[0])
    return Reprocessing()
