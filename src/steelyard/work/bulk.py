"""Changes of many tasks at once: what the filters of the listing match when it begins. Small ones are done at once, large ones by a job, which
goes on where it stopped; every piece is one transaction that also notes how far it has come."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import enqueue, wake
from steelyard.db.pool import Tx
from steelyard.errors import InvalidRequest, NotFound
from steelyard.ids import first_id_at, is_wire_id
from steelyard.jobs.specs import BULK_CHANGE, BulkChange
from steelyard.users import record_act
from steelyard.work import queries as q
from steelyard.work.model import BulkRow

Verb = Literal["cancel", "prioritize", "recall", "tag", "untag"]
AT_ONCE = 200
_PIECE = 50


class BulkArgs(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`priority`: the new one; `begun`: cancel also tasks that people have begun; `author`: recall only answers of that member;
    `reason`: for the timeline; `tags`: added or taken away."""

    priority: int | None = None
    begun: bool = False
    author: str | None = None
    reason: str | None = None
    tags: list[str] = []


async def start_bulk(ctx: Ctx, actor: Actor, verb: Verb, wanted: tasks.TaskFilter, args: BulkArgs) -> BulkRow:
    """Begins a change of all tasks that match now, and does it if it is small. Raises InvalidRequest."""
    if verb == "prioritize" and (args.priority is None or not 10 <= args.priority <= 30):
        raise InvalidRequest("A priority from 10 to 30 is needed.")
    if verb in ("tag", "untag") and not args.tags:
        raise InvalidRequest("The tags are needed.")
    total = await tasks.count_tasks(ctx, actor, wanted)
    bulk_id = ctx.ids.mint(ctx.clock.now())
    given = {k: v for k, v in msgspec.structs.asdict(wanted).items() if v not in (None, [])}

    async def begin(tx: Tx) -> None:
        await q.add_bulk(
            tx,
            space_id=actor.space_id,
            id=bulk_id,
            verb=verb,
            filter=msgspec.json.encode(given).decode(),
            args=msgspec.json.encode(args).decode(),
            total=total,
            created_by=actor.email,
        )
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            f"tasks.bulk_{verb}",
            mode=actor.mode,
            filter=given,
            tasks=total,
            args=args,
        )
        if total > AT_ONCE:
            await enqueue(tx, BULK_CHANGE, BulkChange(actor.space_id, bulk_id))

    await ctx.db.transact(begin)
    if total <= AT_ONCE:
        await _run(ctx, actor.space_id, bulk_id)
    wake(ctx)
    return await get_bulk(ctx, actor, bulk_id)


async def get_bulk(ctx: Ctx, actor: Actor, bulk_id: str) -> BulkRow:
    """How far a change has come. Raises NotFound."""
    found = await q.bulk(ctx.db, space_id=actor.space_id, id=bulk_id) if is_wire_id(bulk_id) else None
    if found is None:
        raise NotFound("There is no such change.")
    return found


async def list_bulks(ctx: Ctx, actor: Actor, *, before: str | None, limit: int) -> list[BulkRow]:
    """Changes, newest first."""
    return await q.bulks(ctx.db, space_id=actor.space_id, before=before, limit=limit)


async def bulk_change(ctx: Ctx, args: BulkChange) -> None:
    """Job `bulk_change`."""
    await _run(ctx, args.space_id, args.id)
    wake(ctx)


async def _run(ctx: Ctx, space_id: int, bulk_id: str) -> None:
    row = await q.bulk(ctx.db, space_id=space_id, id=bulk_id)
    # Tasks that are created later do not belong to it.
    newest = None if row is None else first_id_at(row.created_at)
    while row is not None and row.state == "running":
        actor = Actor(space_id, 0, "live", 0, row.created_by, "admin", "system")
        wanted = msgspec.json.decode(row.filter, type=tasks.TaskFilter)
        ids = await tasks.list_ids(ctx, actor, wanted, below=row.cursor or newest, limit=_PIECE)
        await ctx.db.transact(lambda tx, row=row, ids=ids: _piece(ctx, tx, space_id, row, ids))
        row = await q.bulk(ctx.db, space_id=space_id, id=bulk_id)


async def _piece(ctx: Ctx, tx: Tx, space_id: int, row: BulkRow, ids: list[str]) -> None:
    now = await q.lock_bulk(tx, space_id=space_id, id=row.id)
    if now is None or now.state != "running" or now.cursor != row.cursor:
        return  # another run of the job has done this piece
    args = msgspec.json.decode(row.args, type=BulkArgs)
    await tasks.lock_many(tx, space_id, ids)
    changed = 0
    for task_id in sorted(ids):
        changed += await _one(ctx, tx, space_id, task_id, row, args)
    await q.move_bulk(
        tx,
        space_id=space_id,
        id=row.id,
        seen=len(ids),
        changed=changed,
        cursor=min(ids, default=None),
        done=len(ids) < _PIECE,
    )


async def _one(ctx: Ctx, tx: Tx, space_id: int, task_id: str, row: BulkRow, args: BulkArgs) -> bool:
    by = row.created_by
    if row.verb == "prioritize":
        assert args.priority is not None
        return await tasks.set_priority(tx, space_id, task_id, args.priority, by)
    if row.verb in ("tag", "untag"):
        return await tasks.retag(tx, space_id, task_id, args.tags, "add" if row.verb == "tag" else "remove")
    before = await tasks.lock(tx, space_id, task_id)
    if before is None:
        return False
    if row.verb == "cancel":
        if before.work_started and not args.begun:
            return False
        verb = "withdraw" if args.begun else "cancel"
        return await tasks.cancel_locked(
            ctx, tx, space_id, task_id, before, by, clear_unique_id=False, verb=verb
        )
    if args.author is not None:
        author = await q.latest_author(tx, space_id=space_id, task_id=task_id)
        if author is None or author.lower() != args.author.lower():
            return False
    return await tasks.recall_locked(
        ctx, tx, space_id, task_id, before, by, kind="recalled", reason=args.reason
    )
