"""Studio batches: who works on them, and in which order. The order reaches contributors as the priority of the batches' slots."""

from __future__ import annotations

from collections.abc import Sequence

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Tx
from steelyard.errors import InvalidRequest, NotFound
from steelyard.studio import queries as q
from steelyard.studio.model import StudioBatch
from steelyard.users import record_act


async def list_studio_batches(ctx: Ctx, actor: Actor) -> list[StudioBatch]:
    """All unfinished batches of studio projects in the order in which they are worked on."""
    return await q.pending_batches(ctx.db, space_id=actor.space_id)


async def set_batch_groups(ctx: Ctx, actor: Actor, batch_name: str, names: Sequence[str]) -> StudioBatch:
    """Sets who works on a batch: names of its project's groups, or teammates' e-mail addresses. None: everybody assigned.

    Raises NotFound for the batch, InvalidRequest for an unknown group, changing nothing.
    """

    async def work(tx: Tx) -> StudioBatch:
        batch = None
        if "\x00" not in batch_name:
            batch = await q.lock_studio_batch(tx, space_id=actor.space_id, name=batch_name)
        if batch is None:
            raise NotFound("Batch with that name not found.")
        group_ids, member_ids = await _resolve(tx, actor, project_id=batch.name, names=names)
        where = {"space_id": actor.space_id, "batch_id": batch.id}
        await q.clear_batch_groups(tx, **where)
        await q.add_batch_groups(tx, **where, group_ids=group_ids, member_ids=member_ids)
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "studio.batch_groups",
            mode=actor.mode,
            batch=batch_name,
            groups=list(names),
        )
        changed = await q.studio_batch(tx, space_id=actor.space_id, name=batch_name)
        assert changed is not None
        return changed

    return await ctx.db.transact(work)


async def _resolve(
    tx: Tx, actor: Actor, *, project_id: str, names: Sequence[str]
) -> tuple[list[str], list[int]]:
    groups = {g.name: g.id for g in await q.groups(tx, space_id=actor.space_id, project_id=project_id)}
    others = [name.strip().lower() for name in names if name not in groups]
    people = await q.members_by_email(tx, account_id=actor.account_id, emails=others) if others else []
    members = {p.email.lower(): p.id for p in people if p.role != "disabled"}
    for name in names:
        if name not in groups and name.strip().lower() not in members:
            raise InvalidRequest(f'There is no group "{name}" in the project of this batch.')
    return list(dict.fromkeys(groups[n] for n in names if n in groups)), list(dict.fromkeys(members.values()))


async def set_batch_order(ctx: Ctx, actor: Actor, names: Sequence[str]) -> list[StudioBatch]:
    """The new order, first is most urgent; all unfinished studio batches must be named once.

    Raises InvalidRequest for a missing, unknown or repeated name, changing nothing.
    """

    async def work(tx: Tx) -> list[StudioBatch]:
        pending = {batch.name: batch.id for batch in await q.lock_pending(tx, space_id=actor.space_id)}
        seen: set[str] = set()
        for name in names:
            if name not in pending:
                raise InvalidRequest(f'There is no pending studio batch "{name}".')
            if name in seen:
                raise InvalidRequest(f'The batch "{name}" is listed twice.')
            seen.add(name)
        for name in pending:
            if name not in seen:
                raise InvalidRequest(f'All pending studio batches must be listed; "{name}" is missing.')
        await _order(tx, actor, [pending[name] for name in names], list(range(1, len(names) + 1)))
        await record_act(
            tx, actor.account_id, actor.email, "studio.batch_order", mode=actor.mode, batches=list(names)
        )
        return await q.pending_batches(tx, space_id=actor.space_id)

    return await ctx.db.transact(work)


async def reset_batch_order(ctx: Ctx, actor: Actor) -> list[StudioBatch]:
    """Back to the default order: calibration batches first, then the oldest."""

    async def work(tx: Tx) -> list[StudioBatch]:
        ids = [batch.id for batch in await q.lock_pending(tx, space_id=actor.space_id)]
        await _order(tx, actor, ids, [None] * len(ids))
        await record_act(tx, actor.account_id, actor.email, "studio.batch_order_reset", mode=actor.mode)
        return await q.pending_batches(tx, space_id=actor.space_id)

    return await ctx.db.transact(work)


async def _order(tx: Tx, actor: Actor, ids: list[str], positions: Sequence[int | None]) -> None:
    await q.set_positions(tx, space_id=actor.space_id, ids=ids, positions=list(positions))
    await q.reprioritise_slots(tx, space_id=actor.space_id, batch_ids=ids)
