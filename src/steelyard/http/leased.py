"""Leased work as the workbench's API shows it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from steelyard import derived, instructions, review, work
from steelyard.clock import wire_time
from steelyard.ctx import Actor, Ctx
from steelyard.errors import InvalidRequest, parameter

_ANY_OBJECT: dict[str, Any] = {"type": "object"}
Document = Annotated[Raw, Meta(extra_json_schema=_ANY_OBJECT)]
Anything = Annotated[Raw, Meta(description="Any JSON.")]
Seconds = Annotated[int, Meta(ge=0, le=10_000_000)]
Names = Annotated[list[str], Meta(min_length=1, max_length=1000)]
MaybeDocument = Annotated[Raw, Meta(extra_json_schema={"type": ["object", "null"]})]
"""A document that may be absent or null in a request: `Raw | None` is no type that msgspec decodes."""

"""How long the addresses of a lease's files are good for."""


class ClaimWork(Struct, kw_only=True):
    """What to look for; nothing given: whatever is most urgent. Labelers may name a `task_id` only if they have had that task before."""

    project: str | None = None
    projects: Names | None = None
    type: str | None = None
    types: Names | None = None
    stages: Annotated[
        Annotated[list[work.Stage], Meta(min_length=1, max_length=3)] | None,
        Meta(description="Only labeling, only reviews ...; `prelabel` is for models alone."),
    ] = None
    task_id: str | None = None


class WorkSlot(Struct, kw_only=True):
    """The piece of work within its task. `step` 0 is labeling, others are stages of review; `number` is always 0: nobody is told how many
    others answer the same task."""

    id: int
    step: int
    number: int


class WorkDraft(Struct, kw_only=True):
    """A stored draft; `body` is whatever the workbench saved."""

    revision: int
    body: Document


class WorkComment(Struct, kw_only=True):
    """A remark on an answer, on one annotation of it or at a place where those are given."""

    id: int
    version: int
    annotation_id: str | None
    at: Anything | None
    text: str
    author: str
    created_at: str
    resolved_at: str | None


class OtherAnswer(Struct, kw_only=True):
    """One of several answers to a task; its author is not named."""

    label: str
    response: Document


class WorkReview(Struct, kw_only=True):
    """What is to be reviewed: the answer with its version, the version before it, and all answers where several people gave one."""

    response: Document
    previous_response: Document | None = None
    version: int
    origin: str
    answers: list[OtherAnswer]
    comments: list[WorkComment]


class WorkInstructions(Struct, kw_only=True):
    """The project's instructions, or else the task's own text (version 0), as sanitised HTML; `changed` since the caller last read them."""

    version: int
    changed: bool
    html: str


class WorkTerms(Struct, kw_only=True):
    """What holds for a lease: so many seconds after the last sign of life it is over."""

    lease_seconds: int


class WorkMedia(Struct, kw_only=True):
    """A file of the task at an address of this server. `derived`: what was made from it for showing."""

    path: str
    url: str
    role: str
    media: str
    mime_type: str | None = None
    width: int | None = None
    height: int | None = None
    size_bytes: int | None = None
    derived: Document | None = None


class LeasedWork(Struct, kw_only=True):
    """Work under a lease. When there is nothing to do `slot` is null and `nothing` says why: `empty`, `paused`, `training`, `daily-cap`,
    `only-reviewer` (there is something to label, but nobody else could review it then)."""

    slot: WorkSlot | None
    nothing: str | None = None
    stage: Literal["label", "review", "prelabel", "training"] | None = None
    lease_token: str | None = None
    lease_expires_at: str | None = None
    task: Annotated[Raw | None, Meta(description="The task object as on `/v1/task/{id}`.")] = None
    draft: WorkDraft | None = None
    review: WorkReview | None = None
    comments: list[WorkComment] = []
    previous_response: Document | None = None
    instructions: WorkInstructions | None = None
    workflow: WorkTerms | None = None
    media: list[WorkMedia] = []


class _Words(Struct):
    """The part of a task that its instructions may come from."""

    instruction: str | None = None


_words = msgspec.json.Decoder(_Words)


async def media_of(ctx: Ctx, actor: Actor, task_id: str) -> list[WorkMedia]:
    """The files of a task at addresses of this server that open for this member alone."""
    return [
        WorkMedia(
            path=view.path,
            url=view.url,
            role=view.role,
            media=view.media,
            mime_type=view.mime_type,
            width=view.width,
            height=view.height,
            size_bytes=view.size_bytes,
            derived=None if view.derived is None else Raw(view.derived),
        )
        for view in await derived.views(ctx, actor.space_id, task_id, member_id=actor.member_id)
    ]


def as_object(raw: Raw, path: str) -> bytes:
    """A JSON object as it was sent. Raises InvalidRequest."""
    given = bytes(raw)
    if given[:1] != b"{":
        raise parameter(path, "must be an object")
    try:
        given.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("The request body is not valid UTF-8.") from None
    return given


def maybe_object(raw: Raw, path: str) -> bytes | None:
    """The same, or None where it is absent or null. Raises InvalidRequest."""
    return None if bytes(raw) in (b"", b"null") else as_object(raw, path)


def comment(stored: review.Comment) -> WorkComment:
    """A remark as shown."""
    return WorkComment(
        id=stored.id,
        version=stored.version,
        annotation_id=stored.annotation_id,
        at=None if stored.at is None else Raw(stored.at.encode()),
        text=stored.text,
        author=stored.author,
        created_at=wire_time(stored.created_at),
        resolved_at=None if stored.resolved_at is None else wire_time(stored.resolved_at),
    )


async def leased(ctx: Ctx, actor: Actor, held: work.Work) -> LeasedWork:
    """All that its holder needs to do the work. Evaluation tasks look like any other."""
    shown = LeasedWork(
        slot=WorkSlot(id=held.slot_id, step=held.step, number=0),
        stage="label" if held.kind == "evaluation" else held.kind,
        lease_token=held.lease_token,
        lease_expires_at=wire_time(held.lease_expires_at),
        task=None if held.task is None else Raw(held.task.encode()),
        draft=None
        if held.revision is None or held.body is None
        else WorkDraft(revision=held.revision, body=Raw(held.body.encode())),
        workflow=WorkTerms(lease_seconds=held.lease_seconds),
        media=await media_of(ctx, actor, held.task_id),
    )
    own = "" if held.task is None else _words.decode(held.task).instruction or ""
    text = await instructions.for_work(ctx, actor, held.project_id or None, own)
    if text is not None:
        shown.instructions = WorkInstructions(version=text.version, changed=text.changed, html=text.html)
    if held.kind == "review":
        seen = await review.review_context(ctx.db, actor, held)
        shown.review = WorkReview(
            response=Raw(seen.response.encode()),
            previous_response=None if seen.previous is None else Raw(seen.previous.encode()),
            version=seen.version,
            origin=seen.origin,
            answers=[OtherAnswer(label=a.label, response=Raw(a.response.encode())) for a in seen.answers],
            comments=[comment(c) for c in seen.comments],
        )
    elif held.kind == "label":
        remarks, previous = await review.rework_context(ctx.db, actor, held)
        shown.comments = [comment(c) for c in remarks]
        shown.previous_response = None if previous is None else Raw(previous.encode())
    return shown
