"""Starting, looking at and cancelling transfers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct, structs

from steelyard import callbacks
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import wake
from steelyard.errors import Conflict, NotFound, parameter
from steelyard.ids import is_wire_id
from steelyard.transfers import queries as q
from steelyard.transfers.queries import TransferRow

RUN_TRANSFER = "run_transfer"
_UNKNOWN = "There is no transfer with that id."


class RunTransfer(Struct, frozen=True):
    """Job `run_transfer`: go on with a transfer. Queue `default`."""

    space_id: int
    transfer_id: str


class ImportOptions(Struct, kw_only=True, frozen=True):
    """What to import. `content`: `params` are bodies as `POST /v1/task/{type}` takes them, `tasks` are task objects with their answers."""

    file_id: str
    content: Literal["params", "tasks"] = "params"
    type: str | None = None
    project: str | None = None
    batch: str | None = None
    unchecked: bool = False


class ExportOptions(Struct, kw_only=True, frozen=True):
    """Which tasks to export; everything given must hold."""

    project: str | None = None
    batch: str | None = None
    type: str | None = None
    status: list[str] = []
    created_after: datetime | None = None
    created_before: datetime | None = None
    completed_after: datetime | None = None
    completed_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None


class TransferPage(Struct, frozen=True):
    """Newest first."""

    items: list[TransferRow]
    next_token: str | None


async def _start(ctx: Ctx, actor: Actor, kind: str, options: Struct, total: int | None) -> TransferRow:
    transfer_id = ctx.ids.mint(ctx.clock.now())
    await q.insert_transfer(
        ctx.db,
        space_id=actor.space_id,
        id=transfer_id,
        kind=kind,
        options=msgspec.json.encode(options).decode(),
        total=total,
        created_by=actor.email,
    )
    wake(ctx)
    return await get_transfer(ctx, actor.space_id, transfer_id)


async def start_replay(ctx: Ctx, actor: Actor, wanted: callbacks.EventFilter) -> TransferRow:
    """Sends again what the filter names now; events written later are not among them. Raises InvalidRequest."""
    callbacks.check_filter(wanted)
    wanted = structs.replace(wanted, until_id=await callbacks.newest_event(ctx, actor.space_id))
    total = await callbacks.count_events(ctx, actor.space_id, wanted)
    return await _start(ctx, actor, "replay", wanted, total)


async def start_import(ctx: Ctx, actor: Actor, options: ImportOptions) -> TransferRow:
    """Creates the tasks that a stored NDJSON file lists. `total` is the file's bytes. Raises InvalidRequest for an unknown file."""
    found = await q.stored_file(ctx.db, space_id=actor.space_id, id=options.file_id)
    if found is None:
        raise parameter("file_id", "must name a file that has been uploaded")
    kind = "create" if options.content == "params" else "import"
    return await _start(ctx, actor, kind, options, found.size_bytes)


async def start_export(ctx: Ctx, actor: Actor, options: ExportOptions) -> TransferRow:
    """Writes the tasks that the filter names into a file."""
    return await _start(ctx, actor, "export", options, None)


async def get_transfer(ctx: Ctx, space_id: int, transfer_id: str) -> TransferRow:
    """Raises NotFound."""
    found = await q.one_transfer(ctx.db, space_id=space_id, id=transfer_id)
    if found is None:
        raise NotFound(_UNKNOWN)
    return found


async def list_transfers(
    ctx: Ctx, space_id: int, *, limit: int = 50, token: str | None = None
) -> TransferPage:
    """A page. Raises InvalidRequest for a bad token."""
    if token and not is_wire_id(token):
        raise parameter("next_token", "must be a token of an earlier page")
    rows = await q.list_transfers(ctx.db, space_id=space_id, before=token or "g", limit=limit + 1)
    return TransferPage(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)


async def cancel_transfer(ctx: Ctx, space_id: int, transfer_id: str) -> TransferRow:
    """Ends it where it is. Raises NotFound, or Conflict when it has ended already."""
    if not await q.cancel_transfer(ctx.db, space_id=space_id, id=transfer_id):
        found = await get_transfer(ctx, space_id, transfer_id)
        raise Conflict(f"The transfer has ended already: it is {found.state}.")
    return await get_transfer(ctx, space_id, transfer_id)
