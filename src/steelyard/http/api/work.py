"""Doing work: claim under a lease, heartbeat, draft, submit, release; for the workbench (session) and for model contributors (API key).

Each call after the claim carries the lease token in its path. 409 `lease-lost`: the lease has lapsed; claim again, the draft is kept.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct

from steelyard import work
from steelyard.clock import wire_time
from steelyard.errors import InvalidRequest, parameter
from steelyard.http.route import WORKER, Call, Routes

routes = Routes("api", "Work")

_ANY_OBJECT: dict[str, Any] = {"type": "object"}
Document = Annotated[Raw, Meta(extra_json_schema=_ANY_OBJECT)]
Seconds = Annotated[int, Meta(ge=0, le=10_000_000)]
Names = Annotated[list[str], Meta(min_length=1, max_length=1000)]


class ClaimWork(Struct, kw_only=True):
    """What to look for; nothing given: whatever is most urgent. Labelers may name a `task_id` only if they have had that task before."""

    project: str | None = None
    projects: Names | None = None
    type: str | None = None
    types: Names | None = None
    task_id: str | None = None


class WorkSlot(Struct, kw_only=True):
    """The piece of work within its task."""

    id: int
    step: int
    number: int


class WorkDraft(Struct, kw_only=True):
    """A stored draft; `body` is whatever the workbench saved."""

    revision: int
    body: Document


class LeasedWork(Struct, kw_only=True):
    """Work under a lease. Everything is null when there is nothing to do."""

    slot: WorkSlot | None
    lease_token: str | None = None
    lease_expires_at: str | None = None
    task: Annotated[Raw | None, Meta(description="The task object as on `/v1/task/{id}`.")] = None
    draft: WorkDraft | None = None


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
    """The answer was accepted and the task is completed."""

    task_id: str
    status: Literal["completed"] = "completed"
    repeated: bool = False


class WorkReleased(Struct, kw_only=True):
    """The work is offered to others again."""

    result: Literal["success"] = "success"


def _object(raw: Raw, path: str) -> bytes:
    """A JSON object as it was sent. Raises InvalidRequest."""
    given = bytes(raw)
    if given[:1] != b"{":
        raise parameter(path, "must be an object")
    try:
        given.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("The request body is not valid UTF-8.") from None
    return given


def _leased(held: work.Work) -> LeasedWork:
    has_draft = held.revision is not None and held.body is not None
    return LeasedWork(
        slot=WorkSlot(id=held.slot_id, step=held.step, number=held.number),
        lease_token=held.lease_token,
        lease_expires_at=wire_time(held.lease_expires_at),
        task=Raw(held.task.encode()),
        draft=WorkDraft(revision=held.revision or 0, body=Raw((held.body or "").encode()))
        if has_draft
        else None,
    )


def _either(one: str | None, many: list[str] | None) -> list[str] | None:
    if one is None:
        return many
    return [one, *(many or [])]


@routes.post("/api/work/claim", body=ClaimWork, response=LeasedWork, access=WORKER, errors=(403, 404, 409))
async def claim_work(call: Call) -> LeasedWork:
    """Claim the most urgent work

    Always 200; `slot` is null when there is nothing to do.
    """
    wanted: ClaimWork = call.body
    held = await work.claim_work(
        call.ctx,
        call.actor,
        projects=_either(wanted.project, wanted.projects),
        types=_either(wanted.type, wanted.types),
        task_id=wanted.task_id,
    )
    return LeasedWork(slot=None) if held is None else _leased(held)


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
    return _leased(await work.get_work(call.ctx, call.actor, call.path[0]))


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
    body = _object(call.body.body, "body").decode()
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
    response = _object(call.body.response, "response")
    done = await work.submit_work(call.ctx, call.actor, call.path[0], response, call.body.active_seconds)
    return WorkSubmitted(task_id=done.task_id, repeated=done.repeated)


@routes.post("/api/work/{lease_token}/release", response=WorkReleased, access=WORKER, errors=(404, 409))
async def release_work(call: Call) -> WorkReleased:
    """Give work back"""
    await work.release_work(call.ctx, call.actor, call.path[0])
    return WorkReleased()
