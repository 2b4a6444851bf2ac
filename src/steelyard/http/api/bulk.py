"""Tasks by the million: NDJSON in, NDJSON out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.responses import Response

from steelyard import tasks
from steelyard.errors import parameter
from steelyard.exports import export_pages
from steelyard.http import binding
from steelyard.http.route import DATA, LEAD, Call, Routes
from steelyard.http.streaming import NDJSON, Streamed, body_pieces, spooled
from steelyard.imports import Adopting, Creating, LineWriter, import_stream

routes = Routes("api", "Bulk")

_LINES: dict[str, Any] = {
    "type": "string",
    "description": "NDJSON: one JSON object a line. Every line is a body of `POST /v1/task/{type}`, which may also name its `type`.",
}
_OBJECTS: dict[str, Any] = {
    "type": "string",
    "description": "NDJSON: one task object a line, as `GET /api/export` gives them.",
}


class BulkQuery(Struct, kw_only=True):
    """What lines that do not say it themselves belong to."""

    type: Annotated[str, Meta(description="A task type; not needed with a project.")] | None = None
    project: Annotated[str, Meta(description="A project's name.")] | None = None
    batch: Annotated[str, Meta(description="A batch's name.")] | None = None
    dry_run: Annotated[bool, Meta(description="Only say which lines are `valid`; store nothing.")] = False


def _import(call: Call, writer: LineWriter) -> Response:
    outcomes = import_stream(
        call.ctx,
        writer,
        body_pieces(call),
        max_line_bytes=call.ctx.settings.max_body_bytes,
        dry_run=call.query.dry_run,
    )
    return Streamed(spooled(outcomes), watch=False)


@routes.post(
    "/api/tasks/bulk",
    query=BulkQuery,
    body="stream",
    body_schema=_LINES,
    content_type=NDJSON,
    access=DATA,
    errors=(400, 402, 404),
)
async def create_many(call: Call) -> Response:
    """Create tasks from NDJSON lines

    Each line is checked and stored like a single create. Sending lines with a `unique_id` again answers them as `existing`, so a transfer
    that broke off is simply repeated. Answers arrive while lines are still being sent, a JSON object a line and in the order of the lines:
    `line`, `result` (created, existing, refused), `task_id`, `unique_id`; refused ones have `status` and `error` as a single create would
    have been answered. The last line is a tally: `complete`, `lines`, `created`, `existing`, `refused`.
    """
    asked: BulkQuery = call.query
    return _import(
        call,
        Creating(call.ctx, call.actor, type=asked.type, project=asked.project, batch=asked.batch),
    )


class ImportQuery(Struct, kw_only=True):
    """How strict to be."""

    unchecked: Annotated[
        bool, Meta(description="Take finished tasks whose params do not satisfy their type.")
    ] = False
    dry_run: Annotated[bool, Meta(description="Only say which lines are `valid`; store nothing.")] = False


@routes.post(
    "/api/tasks/import",
    query=ImportQuery,
    body="stream",
    body_schema=_OBJECTS,
    content_type=NDJSON,
    access=LEAD,
    errors=(400,),
)
async def import_many(call: Call) -> Response:
    """Take in task objects with their answers

    For tasks of another server or of an export; ids, times, answers and audits are kept, and nobody is called back. Their projects and
    batches must exist under the same names. Answers are those of bulk creation.
    """
    return _import(call, Adopting(call.ctx, call.actor, unchecked=call.query.unchecked))


class ExportQuery(Struct, kw_only=True):
    """Filters as those of `GET /v1/tasks`; all that are given must hold."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    completed_after: datetime | None = None
    completed_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    status: list[str] = []
    type: str | None = None
    project: str | None = None
    batch: str | None = None
    customer_review_status: list[str] = []
    unique_id: list[str] = []
    tags: list[str] = []
    after: (
        Annotated[str, Meta(description="Go on after this task_id, that of the last line received.")] | None
    ) = None


@routes.get(
    "/api/export",
    query=ExportQuery,
    content_type=NDJSON,
    access=LEAD,
    errors=(400,),
)
async def export_tasks(call: Call) -> Response:
    """Export tasks as NDJSON, oldest first

    A task object a line. An export that broke off goes on with `after`.
    """
    asked: ExportQuery = call.query
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
        created_after=asked.start_time,
        created_before=asked.end_time,
        completed_after=asked.completed_after,
        completed_before=asked.completed_before,
        updated_after=asked.updated_after,
        updated_before=asked.updated_before,
    )
    pages = export_pages(call.ctx, call.actor, wanted, after=asked.after)
    first = await anext(pages, None)  # so that what is wrong with the request is answered as such

    async def bodies() -> AsyncIterator[bytes]:
        if first is not None:
            yield first.body
            async for page in pages:
                yield page.body

    return Streamed(bodies())


def _choices(name: str, given: list[str], allowed: tuple[str, ...]) -> list[str]:
    values = binding.split_list(given)
    for value in values:
        if value not in allowed:
            raise parameter(name, f"must be one of {', '.join(allowed)}")
    return values
