"""Fixless audits (platform-api §24); the keys of the payload are our own."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from steelyard import review
from steelyard.clock import wire_time
from steelyard.http.route import DATA, Call, Routes

routes = Routes("v1", "Audits")


class ListAudits(Struct, kw_only=True):
    """One of the two is required."""

    task_id: str | None = None
    id: str | None = None


class WireFixlessAudit(Struct, kw_only=True):
    """An audit that consists of feedback items. Every item has an `id`; made up where none was given."""

    id: str
    task_id: str
    audit_result: Literal["accepted", "rejected", "fixed", "commented"]
    response_url: str
    feedback_items: list[review.Feedback]
    audited_by: str
    created_at: str


def _wire(stored: review.FixlessAudit) -> WireFixlessAudit:
    return WireFixlessAudit(
        id=stored.id,
        task_id=stored.audit.task_id,
        audit_result=stored.audit.audit_result,
        response_url=stored.audit.response_url,
        feedback_items=stored.audit.feedback_items,
        audited_by=stored.audited_by,
        created_at=wire_time(stored.created_at),
    )


@routes.put(
    "/v1/audits",
    body=review.NewFixlessAudit,
    response=WireFixlessAudit,
    status=201,
    access=DATA,
    errors=(400, 404),
)
async def create_fixless_audit(call: Call) -> WireFixlessAudit:
    """Audit a response by feedback items

    The newest audit of a task counts. The names of the keys are Steelyard's own.
    """
    return _wire(await review.create_fixless_audit(call.ctx, call.actor, call.body))


@routes.get("/v1/audits", query=ListAudits, response=list[WireFixlessAudit], access=DATA, errors=(400,))
async def list_fixless_audits(call: Call) -> list[WireFixlessAudit]:
    """List the fixless audits of a task, newest first, or get one by its id"""
    found = await review.list_fixless_audits(
        call.ctx, call.actor, task_id=call.query.task_id, audit_id=call.query.id
    )
    return [_wire(audit) for audit in found]
