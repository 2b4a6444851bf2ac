"""What leads do with other people's work."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from steelyard import tasks, work
from steelyard.clock import wire_time
from steelyard.errors import InvalidRequest, NotFound
from steelyard.http import pages
from steelyard.http.route import LEAD, Call, Routes
from steelyard.tasks.platform import check_tags

routes = Routes("api", "Managing work")

Reason = Annotated[str, Meta(min_length=1, max_length=500)]


class LeasesQuery(pages.Paged, kw_only=True):
    """Whose leases, of which project."""

    project: str | None = None
    member: Annotated[str, Meta(description="An e-mail address.")] | None = None


class LeaseHolder(Struct, kw_only=True):
    """A lease that is held now; `id` is its slot's."""

    id: int
    task_id: str
    type: str | None
    project: str | None
    batch: str | None
    kind: Literal["label", "review", "prelabel", "evaluation", "training"]
    step: int
    email: str
    claimed_at: str
    lease_expires_at: str
    active_seconds: int


class LeaseHolders(Struct, kw_only=True):
    """Leases by slot."""

    items: list[LeaseHolder]
    next_token: str | None


class EscalatedQuery(pages.Paged, kw_only=True):
    """Of which project."""

    project: str | None = None


class EscalatedWork(Struct, kw_only=True):
    """Work that several people have skipped; only reviewers and leads are offered it. `reasons`: the latest first."""

    id: int
    task_id: str
    type: str
    project: str | None
    batch: str | None
    kind: Literal["label", "review", "prelabel", "evaluation", "training"]
    skips: int
    reasons: list[str]
    created_at: str


class EscalatedPage(Struct, kw_only=True):
    """Escalated work by slot."""

    items: list[EscalatedWork]
    next_token: str | None


class StrandedTasks(Struct, kw_only=True):
    """Tasks that nobody may go on with, and what to do about it; `example` is the oldest of them."""

    project: str | None
    stage: Literal["label", "review"]
    tasks: int
    example: str
    why: str


class StrandedWork(Struct, kw_only=True):
    """By project; empty when all is well."""

    items: list[StrandedTasks]


class WithReason(Struct, kw_only=True):
    """Why."""

    reason: Reason | None = None


class ReassignTask(Struct, kw_only=True):
    """Who is to do it."""

    email: str


class Done(Struct, kw_only=True):
    """It is done."""

    result: Literal["success"] = "success"


Strings = Annotated[list[str], Meta(max_length=10_000)]


class BulkFilter(Struct, kw_only=True, omit_defaults=True):
    """Which tasks, as in the listing: everything given must hold, lists are alternatives."""

    project: str | None = None
    batch: str | None = None
    type: str | None = None
    status: list[Literal["pending", "completed", "canceled", "error"]] = []
    customer_review_status: list[Literal["accepted", "fixed", "commented", "rejected", "pending"]] = []
    unique_id: Strings = []
    tags: Strings = []
    task_ids: Strings = []
    created_after: datetime | None = None
    created_before: datetime | None = None
    completed_after: datetime | None = None
    completed_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None


class ChangeTasks(Struct, kw_only=True):
    """A change of all tasks that match a filter, which must not be empty. `cancel`: tasks that nobody has begun, with `begun` all pending
    ones. `prioritize`: to `priority`. `recall`: completed ones are done again, with `author` only those whose answer is that member's. `tag`, `untag`: `tags` are added (where a task then has five at most) or taken
    away."""

    verb: Literal["cancel", "prioritize", "recall", "tag", "untag"]
    filter: BulkFilter
    priority: Annotated[int, Meta(ge=10, le=30)] | None = None
    begun: bool = False
    author: Annotated[str, Meta(description="An e-mail address.")] | None = None
    reason: Reason | None = None
    tags: Annotated[list[str], Meta(max_length=5)] = []


class TasksChange(Struct, kw_only=True):
    """How far it has come: `total` tasks matched when it began, `seen` so far, `changed` of them (others were not in a state for it)."""

    id: str
    verb: Literal["cancel", "prioritize", "recall", "tag", "untag"]
    state: Literal["running", "done", "failed"]
    total: int
    seen: int
    changed: int
    error: str | None
    created_by: str
    created_at: str
    ended_at: str | None


class TasksChanges(Struct, kw_only=True):
    """Changes, newest first."""

    items: list[TasksChange]
    next_token: str | None


@routes.get("/api/work/leases", query=LeasesQuery, response=LeaseHolders, access=LEAD, errors=(400,))
async def list_leases(call: Call) -> LeaseHolders:
    """List who holds which work"""
    asked: LeasesQuery = call.query
    rows = await work.list_leases(
        call.ctx,
        call.actor,
        work.LeaseFilter(
            project=asked.project,
            member=asked.member,
            after=pages.number_of(asked.next_token),
            limit=asked.limit + 1,
        ),
    )
    items = [
        LeaseHolder(
            id=r.slot_id,
            task_id=r.task_id,
            type=r.type,
            project=r.project,
            batch=r.batch,
            kind=r.kind,
            step=r.step,
            email=r.email,
            claimed_at=wire_time(r.claimed_at),
            lease_expires_at=wire_time(r.lease_expires_at),
            active_seconds=r.active_seconds,
        )
        for r in rows[: asked.limit]
    ]
    return LeaseHolders(
        items=items, next_token=pages.encode(items[-1].id) if len(rows) > asked.limit else None
    )


@routes.post("/api/work/leases/{slot_id}/release", body=WithReason, response=Done, access=LEAD, errors=(404,))
async def release_lease(call: Call) -> Done:
    """Take work back from who holds it

    The holder's draft is kept; the work is offered again at once.
    """
    digits = call.path[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise NotFound("Nobody holds this work.")
    await work.take_lease(call.ctx, call.actor, int(digits), call.body.reason)
    return Done()


@routes.get("/api/work/stranded", response=StrandedWork, access=LEAD)
async def list_stranded(call: Call) -> StrandedWork:
    """List work that nobody may do

    Reviews for which nobody is left who has had no part in the task, stages of tasks that are for somebody who has done none before and for
    whom there is nobody, and projects whose tasks want more people than may label there.
    """
    found = await work.stranded(call.ctx.db, call.actor.space_id)
    return StrandedWork(
        items=[
            StrandedTasks(project=s.project, stage=s.stage, tasks=s.tasks, example=s.example, why=s.why)
            for s in found
        ]
    )


@routes.get("/api/work/escalated", query=EscalatedQuery, response=EscalatedPage, access=LEAD, errors=(400,))
async def list_escalated(call: Call) -> EscalatedPage:
    """List work that several people have skipped"""
    asked: EscalatedQuery = call.query
    rows = await work.list_escalated(
        call.ctx,
        call.actor,
        project=asked.project,
        after=pages.number_of(asked.next_token),
        limit=asked.limit + 1,
    )
    items = [
        EscalatedWork(
            id=r.slot_id,
            task_id=r.task_id,
            type=r.type,
            project=r.project,
            batch=r.batch,
            kind=r.kind,
            skips=r.skips,
            reasons=r.reasons,
            created_at=wire_time(r.created_at),
        )
        for r in rows[: asked.limit]
    ]
    return EscalatedPage(
        items=items, next_token=pages.encode(items[-1].id) if len(rows) > asked.limit else None
    )


@routes.post(
    "/api/tasks/{task_id}/reassign", body=ReassignTask, response=Done, access=LEAD, errors=(404, 409)
)
async def reassign_task(call: Call) -> Done:
    """Give a task to one member

    Whoever holds it loses it, with the draft kept; it waits for that member alone.
    """
    await work.reassign(call.ctx, call.actor, call.path[0], call.body.email)
    return Done()


@routes.post("/api/tasks/{task_id}/skip-prelabel", response=Done, access=LEAD, errors=(400, 404))
async def skip_prelabel(call: Call) -> Done:
    """Let people have a task that waits for a model"""
    await work.skip_prelabel(call.ctx, call.actor, call.path[0])
    return Done()


@routes.post("/api/tasks/{task_id}/recall", body=WithReason, response=Done, access=LEAD, errors=(404,))
async def recall_task(call: Call) -> Done:
    """Have a completed task done again

    It is `pending` again, which the callback tells; the answer so far is kept as a version.
    """
    await work.recall_task(call.ctx, call.actor, call.path[0], call.body.reason)
    return Done()


@routes.post("/api/bulk-changes", body=ChangeTasks, response=TasksChange, access=LEAD)
async def change_tasks(call: Call) -> TasksChange:
    """Cancel, re-prioritise, tag or recall many tasks

    Small changes are done when the answer comes; large ones go on in the background.
    """
    given: ChangeTasks = call.body
    chosen = msgspec.to_builtins(given.filter, builtin_types=(datetime,))
    if not chosen:
        raise InvalidRequest("The filter must not be empty.")
    args = work.BulkArgs(
        priority=given.priority,
        begun=given.begun,
        author=given.author,
        reason=given.reason,
        tags=check_tags(given.tags),
    )
    row = await work.start_bulk(
        call.ctx, call.actor, given.verb, msgspec.convert(chosen, tasks.TaskFilter), args
    )
    return _change(row)


@routes.get("/api/bulk-changes", query=pages.Paged, response=TasksChanges, access=LEAD, errors=(400,))
async def list_changes(call: Call) -> TasksChanges:
    """List the changes of many tasks, newest first"""
    limit = call.query.limit
    before = pages.id_of(call.query.next_token)
    rows = await work.list_bulks(call.ctx, call.actor, before=before, limit=limit + 1)
    items = [_change(row) for row in rows[:limit]]
    return TasksChanges(items=items, next_token=pages.encode(items[-1].id) if len(rows) > limit else None)


@routes.get("/api/bulk-changes/{change_id}", response=TasksChange, access=LEAD, errors=(404,))
async def get_change(call: Call) -> TasksChange:
    """See how far a change of many tasks has come"""
    return _change(await work.get_bulk(call.ctx, call.actor, call.path[0]))


def _change(row: work.BulkRow) -> TasksChange:
    return TasksChange(
        id=row.id,
        verb=row.verb,
        state=row.state,
        total=row.total,
        seen=row.seen,
        changed=row.changed,
        error=row.error,
        created_by=row.created_by,
        created_at=wire_time(row.created_at),
        ended_at=None if row.ended_at is None else wire_time(row.ended_at),
    )
