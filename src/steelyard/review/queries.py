"""The review feature's queries, one typed line each."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from steelyard.db.sqlfile import QueryFile

Q = QueryFile(__name__)


class PreviousResponse(Struct, frozen=True):
    response: str
    alone: bool


class AuditRow(Struct, frozen=True):
    """A stored fixless audit; `body` is the JSON of a NewFixlessAudit."""

    id: str
    task_id: str
    body: str
    created_by: str
    created_at: datetime


class VersionRow(Struct, frozen=True):
    """A version of an answer; `response` and `difference` are JSON text."""

    version: int
    origin: str
    author: str
    author_id: int | None
    response: str
    base_version: int | None
    difference: str | None
    created_at: datetime


class CommentRow(Struct, frozen=True):
    """A stored remark; `at` is JSON text."""

    id: int
    task_id: str
    version: int
    annotation_id: str | None
    at: str | None
    text: str
    author: str
    created_at: datetime
    resolved_at: datetime | None


class EventRow(Struct, frozen=True):
    """What happened to a task; `detail` is JSON text."""

    at: datetime
    kind: str
    actor: str | None
    detail: str | None


class AttemptRow(Struct, frozen=True):
    """Somebody's go at a task; `response` is JSON text, of a review the fixed answer or the bare verdict."""

    id: int
    email: str
    kind: str
    step: int
    round: int
    state: str
    claimed_at: datetime
    ended_at: datetime | None
    active_seconds: int
    verdict: str | None
    reason: str | None
    response: str | None


class AgreementRow(Struct, frozen=True):
    """How alike two attempts' answers are; `detail` is JSON text."""

    attempt_a: int
    attempt_b: int
    round: int
    score: float
    detail: str


class AuditTask(Struct, frozen=True):
    """A completed task to audit."""

    id: str
    type: str
    project: str | None
    batch: str | None
    completed_at: datetime
    version: int
    customer_review_status: str | None


class AuditedRow(Struct, frozen=True):
    response: str | None
    version: int


events = Q.all("events", EventRow)
attempts = Q.all("attempts", AttemptRow)
agreements = Q.all("agreements", AgreementRow)
audit_queue = Q.all("audit_queue", AuditTask)
task_to_audit = Q.opt("task_to_audit", AuditedRow)
add_comments = Q.exec("add_comments")
comments = Q.all("comments", CommentRow)
resolve_comments = Q.exec("resolve_comments")
version = Q.opt("version", VersionRow)
versions = Q.all("versions", VersionRow)
labeler_of = Q.value("labeler_of", int)
answers_of_round = Q.column("answers_of_round", str)
previous_response = Q.opt("previous_response", PreviousResponse)
task_status = Q.value("task_status", str)
insert_audit = Q.value("insert_audit", datetime)
audits_of_task = Q.all("audits_of_task", AuditRow)
audit_by_id = Q.opt("audit_by_id", AuditRow)
