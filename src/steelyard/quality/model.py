"""What the quality feature passes around."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

Kind = Literal["evaluation", "training"]
State = Literal["active", "training", "paused"]


class QualityTask(Struct, frozen=True):
    """A task with a known answer. `params`, `metadata` and the responses are JSON objects."""

    id: str
    kind: Kind
    type: str
    project: str
    instruction: str
    params: str
    metadata: str
    expected_response: str
    initial_response: str | None
    created_at: datetime


class AttemptRow(Struct, frozen=True):
    """One contributor's go at a quality task; `score` is in 0..1."""

    id: str
    labeler_email: str
    quality_task_id: str
    quality_task_type: Kind
    score: float
    passed: bool
    created_at: datetime


class Listed(Struct, frozen=True):
    """A quality task in the console, with how people did on it. `mean_score` is None as long as nobody has answered."""

    id: str
    kind: Kind
    type: str
    project: str
    state: Literal["preparing", "ready", "failed"]
    error: str | None
    source_task_id: str | None
    created_by: str | None
    created_at: datetime
    archived_at: datetime | None
    offered: int
    answered: int
    passed: int
    mean_score: float | None


class Gate(Struct, frozen=True):
    """A project that wants a member trained: `passed` of `required`; `state` None before the first claim; `is_open`: a training task waits."""

    project_id: str
    required: int
    passed: int
    state: State | None
    is_open: bool


class Turn(Struct, frozen=True):
    """A member's latest claim of labeling work, just counted: the project has seen `turn` of them. `rate`: the project's evaluation rate."""

    project_id: str
    turn: int
    rate: float
    task_id: str
    batch_id: str | None
    priority: int


class Looks(Struct, frozen=True):
    """A task as it was shown to a contributor; `document` is the task object as JSON."""

    type: str
    document: str


class Chosen(Struct, frozen=True):
    """A quality task to offer."""

    id: str
    type: str
    project: str
    instruction: str
    params: str
    metadata: str
    initial_response: str | None


class ToPrepare(Struct, frozen=True):
    type: str
    params: str
    expected_response: str


class Offered(Struct, frozen=True):
    document: str
    claimed_at: str


class Known(Struct, frozen=True):
    """What an answer to an offered quality task is checked against; `media_of`: the task whose files it is about."""

    type: str
    params: str
    media_of: str
    secure: bool


class ToScore(Struct, frozen=True):
    """A submitted answer that has no score yet."""

    quality_task_id: str
    kind: Kind
    type: str
    params: str
    expected_response: str
    initial_response: str | None
    """What the member was to correct; None where the answer was given from nothing."""
    answer: str
    project_id: str
    member_id: int
    width: int
    height: int


class Source(Struct, frozen=True):
    """A task that a quality task is to be made from."""

    status: str
    project_id: str | None
    type: str
    params: str
    width: int
    height: int


class Recent(Struct, frozen=True):
    n: int
    mean: float | None


class Changed(Struct, frozen=True):
    """Whose state in which project was changed."""

    account_id: int
    mode: str
    email: str
    project: str


class Feedback(Struct, frozen=True):
    """What came of an answer to a training task. `expected_response`, `response` and `detail` are JSON."""

    task_id: str
    score: float
    passed: bool
    expected_response: str
    response: str
    detail: str | None


class MemberQuality(Struct, frozen=True):
    """A member in a project. Means are over all, and over the latest `evaluation_window` since the member was last let in."""

    member_id: str
    email: str
    state: State
    reason: str | None
    since: datetime | None
    evaluations: int
    mean_score: float | None
    recent_evaluations: int
    recent_mean_score: float | None
    trainings_passed: int
    trainings_required: int


class Requeueable(Struct, frozen=True):
    """A task whose current answer, or part of it, is a certain member's."""

    task_id: str
    attempt_id: int
    slot_id: int
    round: int
