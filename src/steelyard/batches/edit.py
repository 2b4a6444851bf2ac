"""Creating batches and changing them."""

from __future__ import annotations

from msgspec import Struct

from steelyard.batches import queries as q
from steelyard.batches.model import Batch, LockedBatch
from steelyard.batches.read import batch_by_name, count_tasks, load, unknown_batch
from steelyard.batches.settle import settle_in
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import wake
from steelyard.db.pool import ConstraintBroken, Tx
from steelyard.errors import Conflict, InvalidRequest, NotFound, parameter
from steelyard.projects import check_name, project_by_name
from steelyard.users import record_act


class NewBatch(Struct, frozen=True, kw_only=True):
    """What a batch is made from. `callback`: a checked URL or e-mail address, "" for none; `metadata`: a JSON object as sent."""

    project: str
    name: str
    callback: str = ""
    metadata: str = "{}"
    calibration_batch: bool = False
    self_label_batch: bool = False


async def create_batch(ctx: Ctx, actor: Actor, new: NewBatch) -> Batch:
    """A new batch: `staging` in Rapid and Studio projects, `in_progress` in others (platform-api §18.2).

    Raises NotFound for an unknown project, InvalidRequest, Conflict when the name is taken.
    """
    check_name(new.name)
    project = await project_by_name(ctx.db, actor.space_id, new.project)
    if project is None:
        raise NotFound("Project with that name not found.")
    for flag in ("calibration_batch", "self_label_batch"):
        if getattr(new, flag) and project.kind != "rapid":
            raise parameter(flag, "can be true only in Rapid projects")
    batch_id = ctx.ids.mint(ctx.clock.now())
    try:
        async with ctx.db.tx() as tx:
            made = await q.insert_batch(
                tx,
                space_id=actor.space_id,
                id=batch_id,
                project_id=project.id,
                name=new.name,
                callback=new.callback,
                metadata=new.metadata,
                calibration_batch=new.calibration_batch,
                self_label_batch=new.self_label_batch,
            )
            if not made:
                raise InvalidRequest(f'The project "{new.project}" is archived.')
            await record_act(
                tx,
                actor.account_id,
                actor.email,
                "batch.create",
                mode=actor.mode,
                batch=new.name,
                project=new.project,
            )
            return await load(tx, actor.space_id, new.name)
    except ConstraintBroken as e:
        if e.constraint == "batch_name_unique":
            raise Conflict(f'A batch named "{new.name}" already exists.') from None
        raise


async def finalize_batch(ctx: Ctx, actor: Actor, name: str) -> Batch:
    """Ends staging: the batch takes no more tasks (Rapid, Studio) and its work is offered (platform-api §18.3).

    In ordinary projects a batch that is not staging stays as it is. Raises NotFound; InvalidRequest for an empty or cancelled batch and
    for a Rapid or Studio batch that was finalized before.
    """

    async def finalize(tx: Tx) -> Batch:
        seen = await batch_by_name(tx, actor.space_id, name)
        if seen is None:
            raise unknown_batch()
        if seen.status == "staging":
            await q.lock_slots(tx, space_id=actor.space_id, name=name)
        batch = await q.lock_batch(tx, space_id=actor.space_id, name=name)
        assert batch is not None
        if batch.status == "cancelled":
            raise InvalidRequest("The batch is cancelled.")
        if batch.status != "staging":
            if batch.project_kind != "standard":
                raise InvalidRequest("The batch has been finalized already.")
            return await load(tx, actor.space_id, name)
        counted = await count_tasks(tx, actor.space_id, batch.id)
        if counted.total == 0 and batch.project_kind != "standard":
            raise InvalidRequest("The batch has no tasks; add some before it is finalized.")
        await q.start_batch(tx, space_id=actor.space_id, id=batch.id)
        await q.open_slots(tx, space_id=actor.space_id, batch_id=batch.id)
        if counted.pending == 0:
            await settle_in(tx, actor.space_id, batch.id)
        await record_act(tx, actor.account_id, actor.email, "batch.finalize", mode=actor.mode, batch=name)
        return await load(tx, actor.space_id, name)

    done = await ctx.db.transact(finalize)
    wake(ctx)
    return done


async def pause_batch(ctx: Ctx, actor: Actor, name: str) -> Batch:
    """Nobody is offered work of the batch until it is resumed; what people have begun they may finish. It still takes tasks.

    Raises NotFound; InvalidRequest unless the batch is in progress.
    """

    async def pause(tx: Tx) -> Batch:
        batch = await _held(tx, actor, name)
        if batch.status != "in_progress":
            raise InvalidRequest(f"Only a batch in progress can be paused; this one is {batch.status}.")
        await q.set_paused(tx, space_id=actor.space_id, id=batch.id, paused=True)
        await q.close_slots(tx, space_id=actor.space_id, batch_id=batch.id)
        await record_act(tx, actor.account_id, actor.email, "batch.pause", mode=actor.mode, batch=name)
        return await load(tx, actor.space_id, name)

    return await ctx.db.transact(pause)


async def resume_batch(ctx: Ctx, actor: Actor, name: str) -> Batch:
    """Offers the work of a paused batch again; it is completed at once when all of its tasks have ended meanwhile.

    Raises NotFound; InvalidRequest unless the batch is paused.
    """

    async def resume(tx: Tx) -> Batch:
        batch = await _held(tx, actor, name)
        if batch.status != "paused":
            raise InvalidRequest(f"Only a paused batch can be resumed; this one is {batch.status}.")
        await q.set_paused(tx, space_id=actor.space_id, id=batch.id, paused=False)
        await q.open_slots(tx, space_id=actor.space_id, batch_id=batch.id)
        await settle_in(tx, actor.space_id, batch.id)
        await record_act(tx, actor.account_id, actor.email, "batch.resume", mode=actor.mode, batch=name)
        return await load(tx, actor.space_id, name)

    done = await ctx.db.transact(resume)
    wake(ctx)
    return done


async def _held(tx: Tx, actor: Actor, name: str) -> LockedBatch:
    """A batch locked for a change of its status, its open slots before it. Raises NotFound."""
    if await batch_by_name(tx, actor.space_id, name) is None:
        raise unknown_batch()
    await q.lock_slots(tx, space_id=actor.space_id, name=name)
    batch = await q.lock_batch(tx, space_id=actor.space_id, name=name)
    assert batch is not None
    return batch


async def set_batch_metadata(ctx: Ctx, actor: Actor, name: str, metadata: str) -> Batch:
    """Replaces the metadata, a JSON object as sent. Raises NotFound."""
    async with ctx.db.tx() as tx:
        if "\x00" in name or not await q.set_metadata(
            tx, space_id=actor.space_id, name=name, metadata=metadata
        ):
            raise unknown_batch()
        return await load(tx, actor.space_id, name)


async def prioritize_batch(ctx: Ctx, actor: Actor, name: str, priority: int) -> None:
    """Gives the batch a priority, 10 (lowest) to 30, which its tasks take over unless they have one of their own. Raises NotFound."""
    if not 10 <= priority <= 30:
        raise parameter("priority", "must be an integer between 10 and 30")

    async def prioritize(tx: Tx) -> None:
        batch = await _held(tx, actor, name)
        await q.set_priority(tx, space_id=actor.space_id, id=batch.id, priority=priority)
        await q.set_task_priorities(tx, space_id=actor.space_id, batch_id=batch.id, priority=priority)
        await q.set_slot_priorities(tx, space_id=actor.space_id, batch_id=batch.id, priority=priority)
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "batch.prioritize",
            mode=actor.mode,
            batch=name,
            priority=priority,
        )

    await ctx.db.transact(prioritize)
