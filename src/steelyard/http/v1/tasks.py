"""Task operations of the compatible API (platform-api §8-16)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from steelyard import tasks
from steelyard.callbacks import resend
from steelyard.ctx import Actor, Ctx
from steelyard.errors import InvalidRequest, parameter
from steelyard.http import binding, idempotency
from steelyard.http.route import DATA, Call, Outcome, Reply, Routes
from steelyard.http.wire import WireTask, WireTaskPage
from steelyard.tasks.platform import check_metadata, check_tags, check_unique_id

routes = Routes("v1", "Tasks")


def create_at_once(
    ctx: Ctx,
    actor: Actor,
    path: tuple[str, ...],
    headers: dict[bytes, bytes],
    body: dict[str, Raw],
    tell: Callable[[Outcome], None],
) -> bool:
    """Creation without an idempotency key."""
    return b"idempotency-key" not in headers and tasks.create_at_once(ctx, actor, path[0], body, tell)


@routes.post(
    "/v1/task/{type}",
    body=dict[str, Raw],
    response=WireTask,
    errors=(400, 402, 404, 409, 429),
    at_once=create_at_once,
)
async def create_task(call: Call) -> Reply:
    """Create a task"""
    return await idempotency.create_once(
        call,
        lambda key, mark: tasks.create_task(
            call.ctx, call.actor, call.path[0], call.body, key=key, key_mark=mark
        ),
    )


class OneTaskQuery(Struct):
    include_attachment_url: bool = False


@routes.get("/v1/task/{task_id}", query=OneTaskQuery, response=WireTask, errors=(404,))
async def get_task(call: Call) -> bytes:
    """Retrieve a task"""
    if call.query.include_attachment_url:
        return await tasks.get_task_with_downloads(call.ctx, call.actor, call.path[0])
    return await tasks.get_task(call.ctx, call.actor, call.path[0])


class ListTasksQuery(Struct):
    """Filters of the task list; all that are given must hold (platform-api §10.2)."""

    start_time: Annotated[datetime, Meta(description="The earliest `created_at`.")] | None = None
    end_time: Annotated[datetime, Meta(description="The latest `created_at`.")] | None = None
    created_after: Annotated[datetime, Meta(description="Same as `start_time`.")] | None = None
    created_before: Annotated[datetime, Meta(description="Same as `end_time`.")] | None = None
    completed_after: datetime | None = None
    completed_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    status: Annotated[list[str], Meta(description="pending, completed, canceled, error; alternatives.")] = []
    type: str | None = None
    project: Annotated[str, Meta(description="The project's name.")] | None = None
    batch: Annotated[str, Meta(description="The batch's name.")] | None = None
    customer_review_status: Annotated[
        list[str], Meta(description="accepted, fixed, commented, rejected, pending; alternatives.")
    ] = []
    unique_id: Annotated[list[str], Meta(description="Alternatives.")] = []
    tags: Annotated[list[str], Meta(description="Alternatives: a task matches if it has any of them.")] = []
    limit: Annotated[int, Meta(ge=1, le=100)] = 100
    offset: Annotated[int, Meta(ge=0, description="Legacy paging; ignored with `next_token`.")] = 0
    next_token: Annotated[str, Meta(description="`next_token` of the page before.")] | None = None
    include_attachment_url: bool = False
    limited_response: bool = False


@routes.get("/v1/tasks", query=ListTasksQuery, response=WireTaskPage, errors=(400,))
async def list_tasks(call: Call) -> bytes:
    """Retrieve multiple tasks, newest first"""
    asked: ListTasksQuery = call.query
    wanted = tasks.TaskFilter(
        project=asked.project,
        batch=asked.batch,
        type=asked.type,
        status=_choices("status", asked.status, tasks.STATUSES),
        customer_review_status=_choices(
            "customer_review_status", asked.customer_review_status, tasks.REVIEW_STATUSES
        ),
        unique_id=binding.split_with_whole(asked.unique_id),
        tags=binding.split_with_whole(asked.tags),
        created_after=_latest(asked.start_time, asked.created_after),
        created_before=_earliest(asked.end_time, asked.created_before),
        completed_after=asked.completed_after,
        completed_before=asked.completed_before,
        updated_after=asked.updated_after,
        updated_before=asked.updated_before,
        limit=asked.limit,
        offset=asked.offset,
        token=asked.next_token,
        include_attachment_url=asked.include_attachment_url,
        limited_response=asked.limited_response,
    )
    return await tasks.list_tasks(call.ctx, call.actor, wanted)


def _choices(name: str, given: list[str], allowed: tuple[str, ...]) -> list[str]:
    values = binding.split_list(given)
    for value in values:
        if value not in allowed:
            raise parameter(name, f"must be one of {', '.join(allowed)}")
    return values


def _latest(a: datetime | None, b: datetime | None) -> datetime | None:
    return max((t for t in (a, b) if t is not None), default=None)


def _earliest(a: datetime | None, b: datetime | None) -> datetime | None:
    return min((t for t in (a, b) if t is not None), default=None)


class CancelQuery(Struct):
    clear_unique_id: Annotated[bool, Meta(description="Also free the task's unique_id.")] = False


@routes.post("/v1/task/{task_id}/cancel", query=CancelQuery, response=WireTask, errors=(400, 404))
async def cancel_task(call: Call) -> bytes:
    """Cancel a pending task on which no work has begun"""
    return await tasks.cancel_task(
        call.ctx, call.actor, call.path[0], clear_unique_id=call.query.clear_unique_id
    )


@routes.post("/v1/task/{task_id}/setMetadata", body=dict[str, Raw], response=WireTask, errors=(400, 404))
async def set_metadata(call: Call) -> bytes:
    """Replace a task's metadata"""
    metadata = check_metadata(call.raw.strip())
    return await tasks.set_metadata(call.ctx, call.actor, call.path[0], metadata)


class UniqueIdBody(Struct):
    """A task's new name."""

    unique_id: Annotated[str, Meta(min_length=1, max_length=1024)]
    clear_unique_id_on_error: bool | None = None


@routes.post("/v1/task/{task_id}/unique_id", body=UniqueIdBody, response=WireTask, errors=(400, 404, 409))
async def set_unique_id(call: Call) -> bytes:
    """Update unique_id"""
    body: UniqueIdBody = call.body
    name = check_unique_id(body.unique_id)
    return await tasks.set_unique_id(call.ctx, call.actor, call.path[0], name, body.clear_unique_id_on_error)


@routes.delete("/v1/task/{task_id}/unique_id", response=WireTask, errors=(404,))
async def clear_unique_id(call: Call) -> bytes:
    """Delete unique_id"""
    return await tasks.clear_unique_id(call.ctx, call.actor, call.path[0])


def _tags(call: Call) -> list[str]:
    value: Any = call.body
    if isinstance(value, dict):
        value = value.get("tags", [] if not value else None)
        if isinstance(value, str):  # a form with one tag
            value = [value]
    if not isinstance(value, list):
        raise InvalidRequest("tags must be an array of at most 5 non-empty strings.")
    for tag in value:
        if not isinstance(tag, str) or not tag.strip():
            raise InvalidRequest("tags must be an array of at most 5 non-empty strings.")
    return value


_TAGS = {"body": Any, "body_schema": list[str], "response": WireTask, "errors": (400, 404)}


@routes.put("/v1/task/{task_id}/tags", **_TAGS)
async def add_tags(call: Call) -> bytes:
    """Add tags to a task"""
    return await tasks.change_tags(call.ctx, call.actor, call.path[0], check_tags(_tags(call)), "add")


@routes.post("/v1/task/{task_id}/tags", **_TAGS)
async def set_tags(call: Call) -> bytes:
    """Set a task's tags"""
    return await tasks.change_tags(call.ctx, call.actor, call.path[0], check_tags(_tags(call)), "set")


@routes.delete("/v1/task/{task_id}/tags", **_TAGS)
async def remove_tags(call: Call) -> bytes:
    """Remove tags from a task"""
    return await tasks.change_tags(call.ctx, call.actor, call.path[0], _tags(call), "remove")


class AuditBody(Struct):
    """The customer's verdict on a completed task."""

    accepted: bool
    comments: str | None = None


@routes.post(
    "/v1/task/{task_id}/audit",
    body=dict[str, Raw],
    body_schema=AuditBody,
    response=WireTask,
    errors=(400, 404),
)
async def audit_task(call: Call) -> bytes:
    """Accept or reject a completed task"""
    accepted = _exactly(call.body, "accepted", bool, "must be a boolean")
    if accepted is None:
        raise parameter("accepted", "is required")
    comments = _exactly(call.body, "comments", str, "must be a string or null")
    return await tasks.audit_task(
        call.ctx, call.actor, call.path[0], result="accepted" if accepted else "rejected", comments=comments
    )


def _exactly(body: dict[str, Raw], key: str, kind: type, problem: str) -> Any:
    raw = body.get(key)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind | None)
    except (msgspec.DecodeError, RecursionError):
        raise parameter(key, problem) from None


class DependentOptions(Struct):
    """What to change; at least one of the two."""

    require_audit: (
        Annotated[bool, Meta(description="Wait until a customer audit accepts or fixes the result.")] | None
    ) = None
    defs: Annotated[list[dict[str, Any]], Meta(description="New definitions in the place of all.")] | None = (
        None
    )


@routes.post(
    "/v1/task/{task_id}/dependents",
    body=dict[str, Raw],
    body_schema=DependentOptions,
    response=WireTask,
    errors=(400, 402, 404, 409),
)
async def change_dependents(call: Call) -> bytes:
    """Change the options of a task's dependent tasks, as long as none has been created"""
    return await tasks.change_dependents(call.ctx, call.actor, call.path[0], call.body)


@routes.post("/v1/task/{task_id}/dependents/force", response=WireTask, errors=(400, 404))
async def force_dependents(call: Call) -> bytes:
    """Create a completed task's dependent tasks without waiting for an audit"""
    return await tasks.force_dependents(call.ctx, call.actor, call.path[0])


class Success(Struct):
    """A plain yes."""

    success: bool


async def _resend(call: Call) -> Success:
    """Send the current callback of a finished task again"""
    await resend(call.ctx, call.actor.space_id, call.path[0])
    return Success(True)


routes.post("/v1/task/{task_id}/send_callback", access=DATA, response=Success, errors=(400, 404))(_resend)
routes.post("/v1/task/{task_id}/send-callback", access=DATA, response=Success, errors=(400, 404))(_resend)
