"""What the batches feature passes around."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from steelyard.projects import Kind

Status = Literal["staging", "in_progress", "completed", "paused", "cancelled"]
STATUSES: tuple[Status, ...] = ("staging", "in_progress", "completed", "paused", "cancelled")


class BatchRow(Struct, frozen=True):
    """What other features need to know of a batch."""

    id: str
    name: str
    project_id: str
    project_name: str
    project_kind: Kind
    project_archived: bool
    status: Status
    calibration_batch: bool
    self_label_batch: bool
    priority: int | None
    archived: bool


class Batch(Struct, frozen=True):
    """A batch; `metadata` is a JSON object as sent."""

    id: str
    name: str
    project_id: str
    project_name: str
    status: Status
    callback: str
    metadata: str
    calibration_batch: bool
    self_label_batch: bool
    priority: int | None
    archived: bool
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


class Counters(Struct, frozen=True):
    """Tasks of a batch by status."""

    pending: int = 0
    completed: int = 0
    error: int = 0
    canceled: int = 0

    @property
    def total(self) -> int:
        return self.pending + self.completed + self.error + self.canceled


class CountersRow(Struct, frozen=True):
    batch_id: str
    pending: int
    completed: int
    error: int
    canceled: int


class LockedBatch(Struct, frozen=True):
    """A batch held for a change of its status."""

    id: str
    status: Status
    project_kind: Kind
