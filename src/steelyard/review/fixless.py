"""Fixless audits (platform-api §24). The documentation names the parts but not their keys: these are our own, and documented as such."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from steelyard.errors import InvalidRequest, NotFound, parameter
from steelyard.ids import is_wire_id, new_uuid
from steelyard.review import queries as q

MAX_ITEMS = 10_000


class FrameInterval(Struct, frozen=True, kw_only=True):
    """Frames `start` to `end`, both included, counted from 0."""

    start: Annotated[int, Meta(ge=0)]
    end: Annotated[int, Meta(ge=0)]


class Scope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a feedback item is about; without any key, the whole response."""

    annotation_id: str | None = None
    attribute: str | None = None
    frame_interval: FrameInterval | None = None
    error_category: str | None = None


class Feedback(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One piece of feedback. `state` is what came of it; `id` is made up when not given."""

    type: Literal["error", "comment", "confirmation", "flag"]
    id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    state: Literal["accepted", "rejected", "disputed"] | None = None
    comment: str | None = None
    scope: Scope | None = None


class NewFixlessAudit(Struct, frozen=True, kw_only=True):
    """An audit as sent."""

    task_id: str
    audit_result: Literal["accepted", "rejected", "fixed", "commented"]
    response_url: Annotated[str, Meta(min_length=1, max_length=4096)]
    feedback_items: list[Feedback] = []


class FixlessAudit(Struct, frozen=True, kw_only=True):
    """An audit as stored."""

    id: str
    audit: NewFixlessAudit
    audited_by: str
    created_at: datetime


_AUDIT = msgspec.json.Decoder(NewFixlessAudit)


async def create_fixless_audit(ctx: Ctx, actor: Actor, new: NewFixlessAudit) -> FixlessAudit:
    """Stores an audit of a completed task; of several, the newest counts. The task itself does not change, but dependent tasks that waited
    for an audit are created from it when it was accepted or fixed (task-types-lidar §11.3).

    Raises NotFound for an unknown task, InvalidRequest.
    """
    if not new.response_url.startswith(("http://", "https://")):
        raise parameter("response_url", "must be an http:// or https:// URL")
    if len(new.feedback_items) > MAX_ITEMS:
        raise parameter("feedback_items", f"may hold at most {MAX_ITEMS} items")
    seen: set[str] = set()
    for i, item in enumerate(new.feedback_items):
        interval = item.scope.frame_interval if item.scope else None
        if interval is not None and interval.end < interval.start:
            raise parameter(f"feedback_items[{i}].scope.frame_interval", "must not end before it starts")
        if item.id is not None and item.id in seen:
            raise parameter(f"feedback_items[{i}].id", "is used by another item")
        seen.add(item.id or "")
    items = [
        item if item.id is not None else msgspec.structs.replace(item, id=new_uuid())
        for item in new.feedback_items
    ]
    audit = msgspec.structs.replace(new, feedback_items=items)
    status = await _status(ctx, actor, new.task_id)
    if status != "completed":
        raise InvalidRequest(f"Only completed tasks can be audited; this one is {status}.")
    audit_id = ctx.ids.mint(ctx.clock.now())
    async with ctx.db.tx() as tx:
        created_at = await q.insert_audit(
            tx,
            space_id=actor.space_id,
            id=audit_id,
            task_id=new.task_id,
            body=msgspec.json.encode(audit).decode(),
            created_by=actor.email,
        )
        if new.audit_result in ("accepted", "fixed"):
            await tasks.audited(tx, actor.space_id, new.task_id)
    assert created_at is not None
    return FixlessAudit(id=audit_id, audit=audit, audited_by=actor.email, created_at=created_at)


async def _status(ctx: Ctx, actor: Actor, task_id: str) -> str:
    found = None
    if is_wire_id(task_id):
        found = await q.task_status(ctx.db, space_id=actor.space_id, id=task_id)
    if found is None:
        raise NotFound("Task with that ID not found.")
    return found


async def list_fixless_audits(
    ctx: Ctx, actor: Actor, *, task_id: str | None = None, audit_id: str | None = None
) -> list[FixlessAudit]:
    """Audits of a task, newest first, or the one with an id; both given must agree. Raises InvalidRequest when neither is given."""
    if audit_id is not None:
        row = await q.audit_by_id(ctx.db, space_id=actor.space_id, id=audit_id)
        rows = [row] if row is not None and task_id in (None, row.task_id) else []
    elif task_id is not None:
        rows = await q.audits_of_task(ctx.db, space_id=actor.space_id, task_id=task_id)
    else:
        raise InvalidRequest("One of task_id and id is required.")
    return [
        FixlessAudit(
            id=row.id, audit=_AUDIT.decode(row.body), audited_by=row.created_by, created_at=row.created_at
        )
        for row in rows
    ]
