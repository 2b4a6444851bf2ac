"""Batches (platform-api §18)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from steelyard import batches
from steelyard.clock import wire_time
from steelyard.errors import parameter
from steelyard.http.route import DATA, Call, Routes
from steelyard.tasks.platform import check_callback

routes = Routes("v1", "Batches")

BatchStatus = Literal["staging", "in_progress", "completed", "paused", "cancelled"]


class CreateBatch(Struct, kw_only=True):
    """A new batch of a project."""

    project: Annotated[str, Meta(description="Name of the project.")]
    name: Annotated[str, Meta(description="Unique across all projects; 1 to 255 characters.")]
    callback: Annotated[
        str | None, Meta(description="URL or e-mail address told of the batch's completion; empty for none.")
    ] = None
    callback_url: Annotated[str | None, Meta(description="Another name of `callback`.")] = None
    calibration_batch: Annotated[bool | None, Meta(description="Rapid projects only.")] = None
    self_label_batch: Annotated[bool | None, Meta(description="Rapid projects only.")] = None
    metadata: dict[str, Raw] | None = None


class ListBatches(Struct, kw_only=True):
    """Filters and paging of the list."""

    project: str | None = None
    status: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    completed_after: datetime | None = None
    completed_before: datetime | None = None
    audited_after: datetime | None = None
    audited_before: datetime | None = None
    exclude_archived: bool = False
    detailed: bool = False
    limit: Annotated[int, Meta(ge=1, le=100)] = 100
    offset: Annotated[int, Meta(ge=0)] = 0


class PrioritizeBatch(Struct, kw_only=True):
    """10 is the lowest, 30 the highest priority."""

    priority: Annotated[int, Meta(ge=10, le=30)]


class WireBatch(Struct, kw_only=True):
    """A batch. The four counters are there only in lists with `detailed=true`."""

    id: str
    name: str
    project: str
    status: BatchStatus
    callback: str
    created_at: str
    updated_at: str
    completed_at: str | UnsetType = UNSET
    metadata: Raw
    calibration_batch: bool
    self_label_batch: bool
    priority: int | UnsetType = UNSET
    archived: bool
    pending: int | UnsetType = UNSET
    completed: int | UnsetType = UNSET
    error: int | UnsetType = UNSET
    canceled: int | UnsetType = UNSET


class WireBatchStatus(Struct, kw_only=True):
    """Status of a batch and its tasks by status."""

    status: BatchStatus
    pending: int
    completed: int
    error: int
    canceled: int


class WireBatchPage(Struct, kw_only=True):
    """A page of batches under every paging name that clients read."""

    docs: list[WireBatch]
    total_docs: int = msgspec.field(name="totalDocs")
    total: int
    limit: int
    offset: int
    has_more: bool
    total_pages: int = msgspec.field(name="totalPages")
    page: int
    paging_counter: int = msgspec.field(name="pagingCounter")
    has_prev_page: bool = msgspec.field(name="hasPrevPage")
    has_next_page: bool = msgspec.field(name="hasNextPage")
    prev_page: int | None = msgspec.field(name="prevPage")
    next_page: int | None = msgspec.field(name="nextPage")


class WireSuccess(Struct):
    """The answer of an act that returns no object."""

    result: Literal["success"] = "success"


def wire_batch(row: batches.Batch, counted: batches.Counters | None = None) -> WireBatch:
    """A batch as sent."""
    out = WireBatch(
        id=row.id,
        name=row.name,
        project=row.project_name,
        status=row.status,
        callback=row.callback,
        created_at=wire_time(row.created_at),
        updated_at=wire_time(row.updated_at),
        completed_at=UNSET if row.completed_at is None else wire_time(row.completed_at),
        metadata=Raw(row.metadata),
        calibration_batch=row.calibration_batch,
        self_label_batch=row.self_label_batch,
        priority=UNSET if row.priority is None else row.priority,
        archived=row.archived,
    )
    if counted is not None:
        out.pending, out.completed = counted.pending, counted.completed
        out.error, out.canceled = counted.error, counted.canceled
    return out


def _object(members: dict[str, Raw]) -> str:
    """A JSON object of values as they were sent. Raises InvalidRequest for what common parsers could not read back."""
    for key, value in members.items():
        try:
            msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            raise parameter(
                f"metadata.{key}", "holds a number that is too large, or is nested too deeply"
            ) from None
    return (
        b"{" + b",".join(msgspec.json.encode(k) + b":" + bytes(v) for k, v in members.items()) + b"}"
    ).decode()


@routes.post(
    "/v1/batches", body=CreateBatch, response=WireBatch, access=DATA, errors=(404, 409), idempotent=True
)
async def create_batch(call: Call) -> WireBatch:
    """Create a batch"""
    body: CreateBatch = call.body
    callback = check_callback(body.callback or "", "callback") or check_callback(body.callback_url or "")
    new = batches.NewBatch(
        project=body.project,
        name=body.name,
        callback=callback or "",
        metadata=_object(body.metadata or {}),
        calibration_batch=bool(body.calibration_batch),
        self_label_batch=bool(body.self_label_batch),
    )
    return wire_batch(await batches.create_batch(call.ctx, call.actor, new))


@routes.get("/v1/batches", query=ListBatches, response=WireBatchPage, access=DATA)
async def list_batches(call: Call) -> WireBatchPage:
    """List batches, newest first"""
    query: ListBatches = call.query
    wanted = batches.BatchFilter(
        project=query.project,
        status=batches.check_status(query.status),
        created_from=query.start_time,
        created_until=query.end_time,
        completed_from=query.completed_after,
        completed_until=query.completed_before,
        audited_from=query.audited_after,
        audited_until=query.audited_before,
        exclude_archived=query.exclude_archived,
    )
    limit, offset = query.limit, query.offset
    found = await batches.list_batches(call.ctx, call.actor, wanted, limit=limit, offset=offset)
    rows = found.batches
    counted: dict[str, batches.Counters] = {}
    if query.detailed and rows:
        counted = await batches.count_tasks_of(call.ctx.db, call.actor.space_id, [row.id for row in rows])
    page = offset // limit + 1
    has_more = offset + len(rows) < found.total if rows else False
    return WireBatchPage(
        docs=[wire_batch(row, counted.get(row.id)) for row in rows],
        total_docs=found.total,
        total=found.total,
        limit=limit,
        offset=offset,
        has_more=has_more,
        total_pages=max(1, -(-found.total // limit)),
        page=page,
        paging_counter=(page - 1) * limit + 1,
        has_prev_page=page > 1,
        has_next_page=has_more,
        prev_page=page - 1 if page > 1 else None,
        next_page=page + 1 if has_more else None,
    )


@routes.get("/v1/batches/{name}", response=WireBatch, access=DATA, errors=(404,))
async def get_batch(call: Call) -> WireBatch:
    """Get a batch"""
    return wire_batch(await batches.get_batch(call.ctx, call.actor, call.path[0]))


@routes.get("/v1/batches/{name}/status", response=WireBatchStatus, access=DATA, errors=(404,))
async def get_batch_status(call: Call) -> WireBatchStatus:
    """Get the status of a batch and its tasks by status"""
    row = await batches.get_batch(call.ctx, call.actor, call.path[0])
    counted = await batches.count_tasks(call.ctx.db, call.actor.space_id, row.id)
    return WireBatchStatus(
        status=row.status,
        pending=counted.pending,
        completed=counted.completed,
        error=counted.error,
        canceled=counted.canceled,
    )


@routes.post(
    "/v1/batches/{name}/finalize", body=dict[str, Raw], response=WireBatch, access=DATA, errors=(404,)
)
async def finalize_batch(call: Call) -> WireBatch:
    """Finalize a batch: staging ends and work on it begins"""
    return wire_batch(await batches.finalize_batch(call.ctx, call.actor, call.path[0]))


@routes.post(
    "/v1/batches/{name}/setMetadata", body=dict[str, Raw], response=WireBatch, access=DATA, errors=(404,)
)
async def set_batch_metadata(call: Call) -> WireBatch:
    """Replace the metadata of a batch"""
    row = await batches.set_batch_metadata(call.ctx, call.actor, call.path[0], _object(call.body))
    return wire_batch(row)


@routes.post(
    "/v1/batches/{name}/prioritize", body=PrioritizeBatch, response=WireSuccess, access=DATA, errors=(404,)
)
async def prioritize_batch(call: Call) -> WireSuccess:
    """Set the priority of a batch and of its tasks without one of their own"""
    await batches.prioritize_batch(call.ctx, call.actor, call.path[0], call.body.priority)
    return WireSuccess()
