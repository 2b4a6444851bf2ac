"""Imports, exports and replays that a worker does, with their progress."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from steelyard import tasks, transfers
from steelyard.clock import wire_time
from steelyard.errors import parameter
from steelyard.http.route import LEAD, Call, Routes
from steelyard.media.tokens import media_url
from steelyard.transfers.queries import TransferRow

routes = Routes("api", "Transfers")

_LINK_S = 3600.0


class TransferProblem(Struct, kw_only=True):
    """A line that came to nothing."""

    line: int
    status: int | None = None
    error: str | None = None
    unique_id: str | None = None


class Transfer(Struct, kw_only=True):
    """Work in the background. `lines` have been dealt with: `done`, or `existing` before, or `refused` (the first 200 in `problems`).
    `total`: events of a replay, bytes of an import, unknown of an export; `progress`: the share of it that is behind, in 0..1."""

    id: str
    kind: Literal["create", "import", "export", "replay"]
    state: Literal["waiting", "running", "done", "failed", "canceled"]
    options: Raw
    lines: int
    done: int
    existing: int
    refused: int
    total: int | None
    progress: float | None
    problems: list[TransferProblem]
    url: Annotated[str | None, Meta(description="Where a finished export is fetched, for an hour.")]
    size_bytes: int | None
    error: str | None
    created_by: str
    created_at: str
    updated_at: str
    finished_at: str | None


class TransferPage(Struct, kw_only=True):
    """Newest first."""

    items: list[Transfer]
    next_token: str | None


class TransferQuery(Struct, kw_only=True):
    """Paging."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    next_token: str | None = None


class StartTransfer(Struct, kw_only=True):
    """`kind` `create`: bodies of task creations from the uploaded NDJSON file `file_id`, with `type`, `project`, `batch` for lines without;
    `import`: task objects with their answers; `export`: the tasks that the filters name."""

    kind: Literal["create", "import", "export"]
    file_id: str | None = None
    type: str | None = None
    project: str | None = None
    batch: str | None = None
    unchecked: bool = False
    status: list[Literal["pending", "completed", "canceled", "error"]] = []
    created_after: datetime | None = None
    created_before: datetime | None = None
    completed_after: datetime | None = None
    completed_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None


def _progress(row: TransferRow) -> float | None:
    if row.state == "done":
        return 1.0
    if not row.total:
        return None
    return min(1.0, (row.lines if row.kind == "replay" else row.position) / row.total)


def shown(call: Call, row: TransferRow) -> Transfer:
    """As the console sees it."""
    url = None
    if row.sha256 is not None:
        url = media_url(call.ctx, call.actor.space_id, row.sha256, "application/x-ndjson", _LINK_S)
    kind: Any = row.kind
    state: Any = row.state
    return Transfer(
        id=row.id,
        kind=kind,
        state=state,
        options=Raw(row.options.encode()),
        lines=row.lines,
        done=row.done,
        existing=row.existing,
        refused=row.refused,
        total=row.total,
        progress=_progress(row),
        problems=msgspec.json.decode(row.problems, type=list[TransferProblem]),
        url=url,
        size_bytes=row.size_bytes,
        error=row.error,
        created_by=row.created_by,
        created_at=wire_time(row.created_at),
        updated_at=wire_time(row.updated_at),
        finished_at=None if row.finished_at is None else wire_time(row.finished_at),
    )


@routes.post(
    "/api/transfers", body=StartTransfer, response=Transfer, access=LEAD, status=202, errors=(400, 402, 404)
)
async def start_transfer(call: Call) -> Transfer:
    """Start an import or export in the background"""
    asked: StartTransfer = call.body
    if asked.kind == "export":
        shared = {f: getattr(asked, f) for f in transfers.ExportOptions.__struct_fields__}
        return shown(
            call, await transfers.start_export(call.ctx, call.actor, transfers.ExportOptions(**shared))
        )
    if asked.file_id is None:
        raise parameter("file_id", "is required")
    if asked.type is not None:
        tasks.find_type(asked.type)
    options = transfers.ImportOptions(
        file_id=asked.file_id,
        content="params" if asked.kind == "create" else "tasks",
        type=asked.type,
        project=asked.project,
        batch=asked.batch,
        unchecked=asked.unchecked,
    )
    return shown(call, await transfers.start_import(call.ctx, call.actor, options))


@routes.get("/api/transfers", query=TransferQuery, response=TransferPage, access=LEAD, errors=(400,))
async def list_transfers(call: Call) -> TransferPage:
    """List transfers, newest first"""
    page = await transfers.list_transfers(
        call.ctx, call.actor.space_id, limit=call.query.limit, token=call.query.next_token
    )
    return TransferPage(items=[shown(call, row) for row in page.items], next_token=page.next_token)


@routes.get("/api/transfers/{transfer_id}", response=Transfer, access=LEAD, errors=(404,))
async def get_transfer(call: Call) -> Transfer:
    """A transfer and its progress"""
    return shown(call, await transfers.get_transfer(call.ctx, call.actor.space_id, call.path[0]))


@routes.post("/api/transfers/{transfer_id}/cancel", response=Transfer, access=LEAD, errors=(404, 409))
async def cancel_transfer(call: Call) -> Transfer:
    """End a transfer; what has been done stays done"""
    return shown(call, await transfers.cancel_transfer(call.ctx, call.actor.space_id, call.path[0]))
