"""The lease: claiming, keeping, looking at it, giving it back. Time is the database's; a lapsed lease can be claimed by others at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor, Tx
from steelyard.errors import Conflict, LeaseLost, NotFound, SteelyardError
from steelyard.ids import secret_token
from steelyard.work import queries as q
from steelyard.work.kinds import KINDS, Wanted
from steelyard.work.model import TASK_KINDS, AttemptState, Held, Nothing, Stage, Work
from steelyard.work.policy import LANES, kinds_of, reach_of
from steelyard.work.prelabel import prelabeled

_DEPTHS = (8, 64, 512)
_MAX_SLOT = 2**63 - 1


class _Stranding(Exception):
    """Another claim that was under way has taken a part of the same task: nobody could review it after this one."""


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
    stages: Sequence[Stage] | None = None,
    task_id: str | None = None,
) -> Work | Nothing:
    """Leases the most urgent piece of work that the actor may do, or says why there is none.

    `projects` (names), `types` and `stages` narrow the choice; `task_id` asks for one task, which labelers may do only for tasks they have had
    before. Raises NotFound for an unknown project, Forbidden, and Conflict when the actor holds too many leases.
    """
    reach = reach_of(actor)
    if projects is not None:
        unknown = await q.unknown_projects(ctx.db, space_id=actor.space_id, names=list(projects))
        if unknown:
            raise NotFound(f'There is no project "{unknown[0]}".')
    wanted = Wanted(
        None if projects is None else list(projects),
        None if types is None else list(types),
        task_id,
        None if stages is None else kinds_of(stages),
    )

    async def try_claim(tx: Tx, depth: int) -> tuple[Work | Nothing, bool]:
        tested = await q.begin_claim(tx, member_id=actor.member_id, space_id=actor.space_id)
        if tested and KINDS.offer is not None:
            await KINDS.offer(ctx, tx, actor, wanted)
        row = await q.claim_next(
            tx,
            space_id=actor.space_id,
            member_id=actor.member_id,
            assigned_only=reach == "assigned",
            lanes=LANES[actor.role],
            projects=wanted.projects,
            types=wanted.types,
            kinds=wanted.kinds,
            task_id=task_id,
            depth=depth,
            last=depth == _DEPTHS[-1],
            secret=secret_token(24),
        )
        if row.slot_id is None or row.task_id is None or row.lease_token is None:
            return Nothing(row.nothing or "empty"), row.seen == 0
        if row.kind == "label" and actor.role != "labeler":
            await q.hold_task(tx, space_id=actor.space_id, task_id=row.task_id)
            if await q.strands(tx, space_id=actor.space_id, slot_id=row.slot_id, member_id=actor.member_id):
                raise _Stranding
        if row.kind in TASK_KINDS:
            review = row.kind == "review"
            await tasks.start_work(tx, actor.space_id, row.task_id, actor.email, review=review)
        return await _held(tx, actor, row.slot_id, row.lease_token), True

    found: Work | Nothing | None = None
    for depth in _DEPTHS:
        try:
            found, settled = await ctx.db.transact(lambda tx, depth=depth: try_claim(tx, depth))
        except _Stranding:
            found, settled = Nothing("only-reviewer"), False
        if settled:
            break
    if isinstance(found, Nothing) and found.why == "open-cap":
        raise Conflict("You hold as many leases as one person may; submit or release some first.")
    return found or Nothing("empty")


async def _held(on: Executor, actor: Actor, slot_id: int, lease_token: str) -> Work:
    """What a valid lease is about. Raises LeaseLost."""
    work = await q.held_work(
        on, slot_id=slot_id, space_id=actor.space_id, lease_token=lease_token, member_id=actor.member_id
    )
    if work is None:
        raise LeaseLost("The lease has ended; claim again. The draft is kept.")
    if work.task is None and KINDS.view is not None:
        return await KINDS.view(on, actor, work)
    return work if work.prelabel is None else prelabeled(work)


async def works_on(ctx: Ctx, actor: Actor, task_id: str) -> bool:
    """Whether the actor holds work on this task just now."""
    if "\x00" in task_id:
        return False
    return bool(await q.works_on(ctx.db, space_id=actor.space_id, task_id=task_id, member_id=actor.member_id))


async def held_leases(ctx: Ctx, actor: Actor) -> list[Held]:
    """The leases that the actor holds now, newest first, at most 100: what a reloaded workbench goes on with."""
    return await q.held_by(ctx.db, member_id=actor.member_id, space_id=actor.space_id)


async def get_work(ctx: Ctx, actor: Actor, lease_token: str) -> Work:
    """What a valid lease is about. Raises LeaseLost or NotFound."""
    try:
        return await _held(ctx.db, actor, slot_of(lease_token), lease_token)
    except LeaseLost:
        raise await lost(ctx, actor, lease_token) from None


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
        active_seconds=active_seconds,
    )
    if until is None:
        raise await lost(ctx, actor, lease_token)
    return until


async def release_work(ctx: Ctx, actor: Actor, lease_token: str) -> None:
    """Gives work back, keeping the draft; it is offered again at once, to this member last. Repeating it is harmless.

    Raises LeaseLost or NotFound.
    """
    await _give_back(ctx, actor, lease_token, "released", None, None)


async def skip_work(
    ctx: Ctx, actor: Actor, lease_token: str, reason: str, active_seconds: int | None = None
) -> None:
    """Gives work back as not doable, with the reason. It goes behind all others of its priority, to this member last; after as many skips
    as the project allows only reviewers and leads are offered it. Repeating it is harmless. Raises LeaseLost or NotFound.
    """
    await _give_back(ctx, actor, lease_token, "skipped", reason, active_seconds)


async def _give_back(
    ctx: Ctx, actor: Actor, lease_token: str, state: str, reason: str | None, active_seconds: int | None
) -> None:
    slot_id = slot_of(lease_token)

    async def work(tx: Tx) -> bool:
        given = await q.give_back(
            tx,
            slot_id=slot_id,
            space_id=actor.space_id,
            lease_token=lease_token,
            member_id=actor.member_id,
            state=state,
            reason=reason,
            active_seconds=active_seconds,
        )
        if given is None:
            return False
        if given.kind in TASK_KINDS:
            detail: dict[str, object] | None = None
            if state == "skipped":
                detail = {"reason": reason, "skips": given.skips, "escalated": given.escalated}
            await tasks.stop_work(
                tx,
                actor.space_id,
                given.task_id,
                actor.email,
                review=given.kind == "review",
                kind=state,
                detail=detail,
            )
            if given.kind == "prelabel" and state == "skipped":
                await tasks.open_step(tx, actor.space_id, given.task_id)
        return True

    if not await ctx.db.transact(work):
        before = await attempt(ctx, actor, lease_token)
        if before is None or before.state != state:
            raise await lost(ctx, actor, lease_token)


async def free_leases(tx: Tx, member_id: int, *, by: str = "system") -> int:
    """Takes back all leases and reservations of a member, who is being deactivated in the same transaction; returns how many leases.

    Drafts stay. A claim that is under way waits for the transaction and then finds the member as it left it.
    """
    await q.one_at_a_time(tx, member_id=member_id)
    freed = await q.free_leases(tx, member_id=member_id)
    for lease in freed:
        if lease.kind in TASK_KINDS:
            await tasks.stop_work(
                tx, lease.space_id, lease.task_id, by, review=lease.kind == "review", kind="freed"
            )
    await q.drop_reservations(tx, member_id=member_id)
    return len(freed)
