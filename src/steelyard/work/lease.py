"""The lease: claiming, keeping, looking at it, giving it back. Time is the database's; a lapsed lease can be claimed by others at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Tx
from steelyard.errors import Conflict, LeaseLost, NotFound, SteelyardError
from steelyard.ids import secret_token
from steelyard.work import queries as q
from steelyard.work.model import AttemptState, Held, Work
from steelyard.work.policy import MOST_LEASES, reach_of

LEASE = timedelta(minutes=10)
"""How long a lease lasts after the claim and after each sign of life; the workbench sends one a minute."""
_DEPTHS = (8, 64, 512)
_MAX_SLOT = 2**63 - 1


def slot_of(lease_token: str) -> int:
    """The slot that a lease token (`<slot id>-<secret>`) names. Raises NotFound for anything else."""
    digits, _, secret = lease_token.partition("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 20 and secret and "\x00" not in secret:
        slot_id = int(digits)
        if slot_id <= _MAX_SLOT:
            return slot_id
    raise NotFound("There is no such lease.")


async def lost(ctx: Ctx, actor: Actor, lease_token: str) -> SteelyardError:
    """Why a write found no valid lease: LeaseLost, or NotFound when the member never held it."""
    if await attempt(ctx, actor, lease_token) is None:
        return NotFound("There is no such lease.")
    return LeaseLost("The lease has ended; claim again. The draft is kept.")


async def attempt(ctx: Ctx, actor: Actor, lease_token: str) -> AttemptState | None:
    """The attempt of a lease, whatever became of it; None when the member never held it."""
    return await q.attempt_state(
        ctx.db,
        slot_id=slot_of(lease_token),
        member_id=actor.member_id,
        lease_token=lease_token,
        space_id=actor.space_id,
    )


async def claim_work(
    ctx: Ctx,
    actor: Actor,
    *,
    projects: Sequence[str] | None = None,
    types: Sequence[str] | None = None,
    task_id: str | None = None,
) -> Work | None:
    """Leases the most urgent piece of work that the actor may do, or None when there is nothing.

    `projects` (names) and `types` narrow the choice; `task_id` asks for one task, which labelers may do only for tasks they have had
    before. Raises NotFound for an unknown project, Forbidden, and Conflict when the actor holds too many leases.
    """
    reach = reach_of(actor)
    if projects is not None:
        unknown = await q.unknown_projects(ctx.db, space_id=actor.space_id, names=list(projects))
        if unknown:
            raise NotFound(f'There is no project "{unknown[0]}".')
    if len(await held_leases(ctx, actor)) >= MOST_LEASES:
        raise Conflict(f"You hold {MOST_LEASES} leases already; submit or release some first.")

    async def try_claim(tx: Tx, depth: int) -> tuple[Work | None, bool]:
        row = await q.claim_next(
            tx,
            space_id=actor.space_id,
            member_id=actor.member_id,
            assigned_only=reach == "assigned",
            projects=None if projects is None else list(projects),
            types=None if types is None else list(types),
            task_id=task_id,
            depth=depth,
            secret=secret_token(24),
            lasts=LEASE,
        )
        if row.slot_id is None or row.task_id is None or row.lease_token is None:
            return None, row.seen == 0
        if not await tasks.start_work(tx, actor.space_id, row.task_id, actor.email):
            await tasks.note(tx, actor.space_id, row.task_id, "claimed", actor.email)
        held = await q.held_work(
            tx,
            slot_id=row.slot_id,
            space_id=actor.space_id,
            lease_token=row.lease_token,
            member_id=actor.member_id,
        )
        return held, True

    for depth in _DEPTHS:
        work, settled = await ctx.db.transact(lambda tx, depth=depth: try_claim(tx, depth))
        if work is not None or settled:
            return work
    return None


async def held_leases(ctx: Ctx, actor: Actor) -> list[Held]:
    """The leases that the actor holds now, newest first, at most 100: what a reloaded workbench goes on with."""
    return await q.held_by(ctx.db, member_id=actor.member_id, space_id=actor.space_id)


async def get_work(ctx: Ctx, actor: Actor, lease_token: str) -> Work:
    """What a valid lease is about. Raises LeaseLost or NotFound."""
    work = await q.held_work(
        ctx.db,
        slot_id=slot_of(lease_token),
        space_id=actor.space_id,
        lease_token=lease_token,
        member_id=actor.member_id,
    )
    if work is None:
        raise await lost(ctx, actor, lease_token)
    return work


async def extend_lease(
    ctx: Ctx, actor: Actor, lease_token: str, active_seconds: int | None = None
) -> datetime:
    """A sign of life; the new end of the lease. `active_seconds`: worked so far in all. Raises LeaseLost or NotFound."""
    until = await q.extend(
        ctx.db,
        slot_id=slot_of(lease_token),
        space_id=actor.space_id,
        lease_token=lease_token,
        member_id=actor.member_id,
        lasts=LEASE,
        active_seconds=active_seconds,
    )
    if until is None:
        raise await lost(ctx, actor, lease_token)
    return until


async def release_work(ctx: Ctx, actor: Actor, lease_token: str) -> None:
    """Gives work back, keeping the draft; it is offered again at once, to this member last. Repeating it is harmless.

    Raises LeaseLost or NotFound.
    """
    slot_id = slot_of(lease_token)

    async def work(tx: Tx) -> bool:
        task_id = await q.release_slot(
            tx, slot_id=slot_id, space_id=actor.space_id, lease_token=lease_token, member_id=actor.member_id
        )
        if task_id is None:
            return False
        await tasks.stop_work(tx, actor.space_id, task_id, actor.email)
        return True

    if not await ctx.db.transact(work):
        before = await attempt(ctx, actor, lease_token)
        if before is None or before.state != "released":
            raise await lost(ctx, actor, lease_token)
