"""What the administration of an account passes around."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from steelyard.ctx import Role

Kind = Literal["human", "model"]
Purpose = Literal["invite", "reset"]


class Person(Struct, frozen=True):
    """A member as the console shows one. `id` is the row's, `public_id` the wire's; `open_until` while an invitation is open."""

    id: int
    public_id: str
    email: str
    role: Role
    kind: Kind
    first_name: str | None
    last_name: str | None
    former_role: Role | None
    open_until: datetime | None
    invited: bool
    created_at: datetime
    last_seen_at: datetime | None
    open_leases: int
    projects: int


class LinkRow(Struct, frozen=True):
    """Whom a link is for."""

    member_id: int
    account_id: int
    account: str
    email: str
    role: Role
    purpose: Purpose
    first_name: str | None
    last_name: str | None
    expires_at: datetime


class MailTo(Struct, frozen=True):
    """Whom a mailed link is for, as things are when it is sent."""

    email: str
    account: str
    account_id: int
    purpose: Purpose


class AuditEntry(Struct, frozen=True):
    """One administrative act; `detail` is JSON."""

    id: int
    at: datetime
    actor: str
    action: str
    detail: str | None


class Process(Struct, frozen=True):
    """A process that reports to the database."""

    id: str
    kind: str
    started_at: datetime
    seen_at: datetime


class JobCounts(Struct, frozen=True):
    waiting: int
    late: int
    failed: int


class FailedJob(Struct, frozen=True):
    """A job that was given up, visible until it is retried."""

    id: int
    kind: str
    attempts: int
    last_error: str | None
    failed_at: datetime
    created_at: datetime


class DatabaseState(Struct, frozen=True):
    version: str
    size_bytes: int
