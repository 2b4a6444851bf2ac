"""What the work feature passes around."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class ClaimRow(Struct, frozen=True):
    slot_id: int | None
    task_id: str | None
    lease_token: str | None
    seen: int


class Held(Struct, frozen=True):
    """A lease that its member holds now."""

    slot_id: int
    task_id: str
    lease_token: str
    lease_expires_at: datetime


class Work(Struct, frozen=True):
    """A leased piece of work. `task`: the wire's task object as JSON; `revision` and `body` (JSON) of the draft, None without one."""

    slot_id: int
    step: int
    number: int
    task_id: str
    lease_token: str
    lease_expires_at: datetime
    task: str
    revision: int | None
    body: str | None


class AttemptState(Struct, frozen=True):
    state: str
    task_id: str
    response: str | None


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
    type: str
    params: str
    width: int
    height: int


class SavedDraft(Struct, frozen=True):
    """The new revision, and the lease that saving has extended."""

    revision: int
    lease_expires_at: datetime


class Submitted(Struct, frozen=True):
    """An accepted answer; `repeated` when it had been accepted before."""

    task_id: str
    repeated: bool
