"""What the work feature passes around."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

Kind = Literal["label", "review", "prelabel", "evaluation", "training"]
TASK_KINDS: tuple[Kind, ...] = ("label", "review", "prelabel")
"""Kinds of work on tasks; the others are of known-answer tasks, which are none."""
Stage = Literal["label", "review", "prelabel"]
"""What a claim may be narrowed to."""


class ClaimRow(Struct, frozen=True):
    slot_id: int | None
    task_id: str | None
    lease_token: str | None
    kind: Kind | None
    seen: int
    nothing: str | None


class Held(Struct, frozen=True):
    """A lease that its member holds now."""

    slot_id: int
    task_id: str
    lease_token: str
    lease_expires_at: datetime


class Work(Struct, frozen=True):
    """A leased piece of work. `task`: the wire's task object as JSON (evaluation and training tasks: made to look like one); `version` of
    its latest answer (0: none); `revision` and `body` (JSON) of the draft, None without one; `prelabel`: a model's answer (JSON), or what the
    task's type has made to start from."""

    slot_id: int
    step: int
    number: int
    round: int
    kind: Kind
    task_id: str
    project_id: str
    lease_token: str
    lease_expires_at: datetime
    task: str | None
    version: int
    revision: int | None
    body: str | None
    lease_seconds: int
    prelabel: str | None = None


class Nothing(Struct, frozen=True):
    """Why there is no work: `empty`, `paused`, `training` (only training tasks, and none is left), `open-cap`, `daily-cap`, or `only-reviewer`
    (there is some to label, but nobody else could review it then)."""

    why: str


class AttemptState(Struct, frozen=True):
    """What became of a lease; `status` of its task: None for one that is no task or has ended otherwise."""

    state: str
    task_id: str
    response: str | None
    verdict: str | None
    status: Literal["pending", "completed"] | None


class SavedRow(Struct, frozen=True):
    task_id: str
    step: int
    lease_expires_at: datetime
    revision: int | None


class Draft(Struct, frozen=True):
    """A stored draft; `body` is JSON."""

    revision: int
    body: str


class CheckRow(Struct, frozen=True):
    """Leased work as submitting sees it; `version` is None for evaluation and training tasks."""

    kind: Kind
    step: int
    round: int
    task_id: str
    project_id: str
    version: int | None


class AnswerSoFar(Struct, frozen=True):
    response: str | None


class GivenBack(Struct, frozen=True):
    task_id: str
    kind: Kind
    skips: int
    escalated: bool


class Waiting(Struct, frozen=True):
    """A task that waits for a model."""

    space_id: int
    task_id: str


class Freed(Struct, frozen=True):
    space_id: int
    task_id: str
    kind: Kind


class GivenAnswer(Struct, frozen=True):
    """One person's answer, JSON text as stored."""

    attempt_id: int
    member_id: int
    email: str
    answer: str


class Holder(Struct, frozen=True):
    """A lease as its leads see it."""

    slot_id: int
    task_id: str
    type: str | None
    project: str | None
    batch: str | None
    kind: Kind
    step: int
    email: str
    claimed_at: datetime
    lease_expires_at: datetime
    active_seconds: int


class Escalated(Struct, frozen=True):
    """Work that several people have skipped; `reasons` newest first."""

    slot_id: int
    task_id: str
    type: str
    project: str | None
    batch: str | None
    kind: Kind
    skips: int
    reasons: list[str]
    created_at: datetime


class EndedLease(Struct, frozen=True):
    task_id: str
    kind: Kind
    email: str


class OpenSlot(Struct, frozen=True):
    """Open work of a task, seen with one member in mind: `has_part` when that member may not do it for what they did before."""

    id: int
    kind: Kind
    lease_token: str | None
    lease_member_id: int | None
    only_member_id: int | None
    has_part: bool


class BulkRow(Struct, frozen=True):
    """A change of many tasks; `filter` and `args` are JSON text."""

    id: str
    verb: Literal["cancel", "prioritize", "recall", "tag", "untag"]
    filter: str
    args: str
    state: Literal["running", "done", "failed"]
    total: int
    seen: int
    changed: int
    cursor: str | None
    error: str | None
    created_by: str
    created_at: datetime
    ended_at: datetime | None


class StepState(Struct, frozen=True):
    """The slots of one step in one round."""

    slots: int
    undone: int


class SavedDraft(Struct, frozen=True):
    """The new revision, and the lease that saving has extended."""

    revision: int
    lease_expires_at: datetime


class Submitted(Struct, frozen=True):
    """An accepted answer; `repeated` when it had been accepted before. `status` of the task: `pending` while others still work on it."""

    task_id: str
    repeated: bool
    status: Literal["pending", "completed"] = "completed"
