"""Doing work: claim under a lease, heartbeat, draft, submit, release; for the workbench (session) and for model contributors (API key).

Each call after the claim carries the lease token in its path. 409 `lease-lost`: the lease has lapsed; claim again, the draft is kept.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct, field

from steelyard import review, work
from steelyard.clock import wire_time
from steelyard.errors import parameter
from steelyard.http.leased import (
    ClaimWork,
    Document,
    LeasedWork,
    MaybeDocument,
    Seconds,
    as_object,
    leased,
    maybe_object,
)
from steelyard.http.multipart import read_upload
from steelyard.http.route import WORKER, Call, Routes

routes = Routes("api", "Work")

_FILE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
}


class WorkLease(Struct, kw_only=True):
    """A lease that is held now."""

    task_id: str
    lease_token: str
    lease_expires_at: str


class HeldWork(Struct, kw_only=True):
    """The leases of the caller, newest first."""

    leases: list[WorkLease]


class WorkHeartbeat(Struct, kw_only=True):
    """A sign of life, with the seconds worked on this attempt so far."""

    active_seconds: Seconds | None = None


class LeaseExtended(Struct, kw_only=True):
    """The lease's new end."""

    lease_expires_at: str


class SaveWorkDraft(Struct, kw_only=True):
    """A draft and the revision that it is based on (0: there was none)."""

    base_revision: Annotated[int, Meta(ge=0, le=2_000_000_000)]
    body: Document


class WorkDraftSaved(Struct, kw_only=True):
    """The revision to base the next draft on."""

    revision: int
    lease_expires_at: str


class SubmitWork(Struct, kw_only=True):
    """The answer in the form that the task's type prescribes, and the seconds worked on it in all."""

    response: Document
    active_seconds: Seconds | None = None


class WorkSubmitted(Struct, kw_only=True):
    """The answer was accepted. `status`: of the task, which is `pending` while others have to answer or review it."""

    task_id: str
    status: Literal["pending", "completed"] = "completed"
    repeated: bool = False


class SkipWork(Struct, kw_only=True):
    """Why this work cannot be done."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    active_seconds: Seconds | None = None


class ReviewWork(Struct, kw_only=True):
    """A verdict. `response` belongs to `fix`; `send_back` needs a comment."""

    verdict: Literal["accept", "fix", "send_back"]
    response: MaybeDocument = field(default_factory=Raw)
    comments: Annotated[list[review.NewComment], Meta(max_length=500)] = []
    active_seconds: Seconds | None = None


class WorkReviewed(Struct, kw_only=True):
    """The verdict was taken. `status` of the task: `pending` while it is reviewed further or labeled again."""

    task_id: str
    status: Literal["pending", "completed"]
    repeated: bool = False


class WorkFile(Struct, kw_only=True):
    """A stored part of an answer. `url` stands in the answer where the type expects a file's URL."""

    url: str
    size: Annotated[int, Meta(description="Bytes.")]


class WorkReleased(Struct, kw_only=True):
    """The work is offered to others again."""

    result: Literal["success"] = "success"


def _either(one: str | None, many: list[str] | None) -> list[str] | None:
    if one is None:
        return many
    return [one, *(many or [])]


@routes.post("/api/work/claim", body=ClaimWork, response=LeasedWork, access=WORKER, errors=(403, 404, 409))
async def claim_work(call: Call) -> LeasedWork:
    """Claim the most urgent work

    Always 200; `slot` is null when there is nothing to do, and `nothing` says why.
    """
    wanted: ClaimWork = call.body
    held = await work.claim_work(
        call.ctx,
        call.actor,
        projects=_either(wanted.project, wanted.projects),
        types=_either(wanted.type, wanted.types),
        stages=wanted.stages,
        task_id=wanted.task_id,
    )
    if isinstance(held, work.Nothing):
        return LeasedWork(slot=None, nothing=held.why)
    return await leased(call.ctx, call.actor, held)


@routes.get("/api/work", response=HeldWork, access=WORKER)
async def list_work(call: Call) -> HeldWork:
    """List the leases that I hold"""
    held = await work.held_leases(call.ctx, call.actor)
    leases = [
        WorkLease(
            task_id=h.task_id, lease_token=h.lease_token, lease_expires_at=wire_time(h.lease_expires_at)
        )
        for h in held
    ]
    return HeldWork(leases=leases)


@routes.get("/api/work/{lease_token}", response=LeasedWork, access=WORKER, errors=(404, 409))
async def get_work(call: Call) -> LeasedWork:
    """Look at leased work again"""
    held = await work.get_work(call.ctx, call.actor, call.path[0])
    return await leased(call.ctx, call.actor, held)


@routes.post(
    "/api/work/{lease_token}/heartbeat",
    body=WorkHeartbeat,
    response=LeaseExtended,
    access=WORKER,
    errors=(404, 409),
)
async def heartbeat(call: Call) -> LeaseExtended:
    """Keep a lease"""
    until = await work.extend_lease(call.ctx, call.actor, call.path[0], call.body.active_seconds)
    return LeaseExtended(lease_expires_at=wire_time(until))


@routes.put(
    "/api/work/{lease_token}/draft",
    body=SaveWorkDraft,
    response=WorkDraftSaved,
    access=WORKER,
    errors=(404, 409),
)
async def save_draft(call: Call) -> WorkDraftSaved:
    """Save a draft

    409 `stale-draft` carries the stored `draft` and the one `given`.
    """
    body = as_object(call.body.body, "body").decode()
    saved = await work.save_draft(call.ctx, call.actor, call.path[0], call.body.base_revision, body)
    return WorkDraftSaved(revision=saved.revision, lease_expires_at=wire_time(saved.lease_expires_at))


@routes.post(
    "/api/work/{lease_token}/submit",
    body=SubmitWork,
    response=WorkSubmitted,
    access=WORKER,
    errors=(404, 409, 413),
)
async def submit_work(call: Call) -> WorkSubmitted:
    """Submit the answer

    400 `invalid-response` lists every problem in `issues`. Repeating the same submission answers 200 with `repeated`.
    """
    response = as_object(call.body.response, "response")
    done = await work.submit_work(call.ctx, call.actor, call.path[0], response, call.body.active_seconds)
    return WorkSubmitted(task_id=done.task_id, status=done.status, repeated=done.repeated)


@routes.post(
    "/api/work/{lease_token}/files",
    body="stream",
    body_schema=_FILE_SCHEMA,
    response=WorkFile,
    access=WORKER,
    errors=(404, 409),
)
async def add_work_file(call: Call) -> WorkFile:
    """Send a large part of the answer before it

    A mask, an annotation file: what an answer refers to by URL. It serves for this task only, for two weeks.
    """
    async with read_upload(call, max_file_bytes=call.ctx.settings.max_upload_bytes) as form:
        declared = form.declared_type or "application/octet-stream"
        url = await work.add_file(call.ctx, call.actor, call.path[0], form.file, declared)
        return WorkFile(url=url, size=form.file.size_bytes)


@routes.post("/api/work/{lease_token}/release", response=WorkReleased, access=WORKER, errors=(404, 409))
async def release_work(call: Call) -> WorkReleased:
    """Give work back"""
    await work.release_work(call.ctx, call.actor, call.path[0])
    return WorkReleased()


@routes.post(
    "/api/work/{lease_token}/skip", body=SkipWork, response=WorkReleased, access=WORKER, errors=(404, 409)
)
async def skip_work(call: Call) -> WorkReleased:
    """Skip work that cannot be done

    It goes to the end of the queue; after as many skips as the project allows only reviewers and leads are offered it.
    """
    wanted: SkipWork = call.body
    if not wanted.reason.strip():
        raise parameter("reason", "must say something")
    await work.skip_work(call.ctx, call.actor, call.path[0], wanted.reason.strip(), wanted.active_seconds)
    return WorkReleased()


@routes.post(
    "/api/work/{lease_token}/review",
    body=ReviewWork,
    response=WorkReviewed,
    access=WORKER,
    errors=(404, 409, 413),
)
async def review_work(call: Call) -> WorkReviewed:
    """Give a verdict on an answer

    `accept` and `fix` let it go on, `send_back` lets the task be labeled again, first by the author of the answer. Repeating the same
    verdict answers 200 with `repeated`.
    """
    given: ReviewWork = call.body
    done = await review.give_verdict(
        call.ctx,
        call.actor,
        call.path[0],
        given.verdict,
        response=maybe_object(given.response, "response"),
        comments=given.comments,
        active_seconds=given.active_seconds,
    )
    return WorkReviewed(task_id=done.task_id, status=done.status, repeated=done.repeated)
