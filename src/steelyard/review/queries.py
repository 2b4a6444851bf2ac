"""The review feature's queries, one typed line each."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from steelyard.db.sqlfile import QueryFile

Q = QueryFile(__name__)


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


add_comments = Q.exec("add_comments")
comments = Q.all("comments", CommentRow)
resolve_comments = Q.exec("resolve_comments")
version = Q.opt("version", VersionRow)
versions = Q.all("versions", VersionRow)
labeler_of = Q.value("labeler_of", int)
answers_of_round = Q.column("answers_of_round", str)
previous_response = Q.value("previous_response", str)
task_status = Q.value("task_status", str)
insert_audit = Q.value("insert_audit", datetime)
audits_of_task = Q.all("audits_of_task", AuditRow)
audit_by_id = Q.opt("audit_by_id", AuditRow)
