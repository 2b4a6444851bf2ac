"""What the quality feature passes around."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

Kind = Literal["evaluation", "training"]


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
