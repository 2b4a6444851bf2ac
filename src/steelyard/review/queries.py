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


task_status = Q.value("task_status", str)
insert_audit = Q.value("insert_audit", datetime)
audits_of_task = Q.all("audits_of_task", AuditRow)
audit_by_id = Q.opt("audit_by_id", AuditRow)
