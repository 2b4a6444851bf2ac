"""What leads do with other people's work: see who holds what, take it back, give it to somebody, have it done again."""

from __future__ import annotations

from msgspec import Struct

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import wake
from steelyard.db.pool import Tx
from steelyard.errors import InvalidRequest, NotFound
from steelyard.ids import is_wire_id
from steelyard.jobs.specs import RedoTask
from steelyard.users import member_by_email, record_act
from steelyard.work import queries as q
from steelyard.work.model import TASK_KINDS, Escalated, Holder, OpenSlot


class LeaseFilter(Struct, frozen=True, kw_only=True):
    """Which leases to list. `member`: an e-mail address; `after`: the slot that the page before ended with."""

    project: str | None = None
    member: str | None = None
    after: int = 0
    limit: int = 100


async def list_leases(ctx: Ctx, actor: Actor, wanted: LeaseFilter) -> list[Holder]:
    """Who holds what now, at most `limit`, by slot."""
    return await q.holders(
        ctx.db,
        space_id=actor.space_id,
        project=wanted.project,
        email=None if wanted.member is None else wanted.member.lower(),
        after=wanted.after,
        limit=wanted.limit,
    )


async def list_escalated(
    ctx: Ctx, actor: Actor, *, project: str | None, after: int, limit: int
) -> list[Escalated]:
    """Work that several people have skipped, with the latest reasons, by slot."""
    return await q.escalated(ctx.db, space_id=actor.space_id, project=project, after=after, limit=limit)


async def take_lease(ctx: Ctx, actor: Actor, slot_id: int, reason: str | None = None) -> None:
    """Takes leased work back from its holder, whose draft is kept; it is offered again at once. Raises NotFound when nobody holds it."""

    async def work(tx: Tx) -> None:
        ended = await q.end_lease(tx, space_id=actor.space_id, slot_id=slot_id, reason=reason)
        if ended is None:
            raise NotFound("Nobody holds this work.")
        detail: dict[str, object] = {"from": ended.email, "reason": reason}
        if ended.kind in TASK_KINDS:
            await tasks.stop_work(
                tx,
                actor.space_id,
                ended.task_id,
                actor.email,
                review=ended.kind == "review",
                kind="taken_back",
                detail=detail,
            )
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "work.taken_back",
            mode=actor.mode,
            task=ended.task_id,
            **detail,
        )

    await ctx.db.transact(work)


async def reassign(ctx: Ctx, actor: Actor, task_id: str, email: str) -> None:
    """Reserves the open work of a task for one member and takes it from who holds it. Where several people answer a task: one of their slots,
    the one that is the member's already, or else a free one if there is one.

    Raises NotFound; InvalidRequest when the member may not do it, or when there is nothing to do.
    """
    member = await member_by_email(ctx, actor.account_id, email.strip())
    if member is None or member.role == "disabled":
        raise InvalidRequest(f"{email} is not a teammate.")

    async def work(tx: Tx) -> None:
        slots = await q.open_slots_of_task(tx, space_id=actor.space_id, task_id=task_id, member_id=member.id)
        if not slots:
            await _explain(tx, actor, task_id)
        slot = _suitable(slots, member.id, member.role, email)
        if slot.lease_token is not None and slot.lease_member_id != member.id:
            await q.end_lease(tx, space_id=actor.space_id, slot_id=slot.id, reason="reassigned")
            await tasks.stop_work(
                tx, actor.space_id, task_id, actor.email, review=slot.kind == "review", kind="taken_back"
            )
        await q.reserve(tx, slot_id=slot.id, member_id=member.id)
        await tasks.note(tx, actor.space_id, task_id, "reassigned", actor.email, {"to": member.email})
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "work.reassigned",
            mode=actor.mode,
            task=task_id,
            to=member.email,
        )

    await ctx.db.transact(work)


async def _explain(tx: Tx, actor: Actor, task_id: str) -> None:
    """Raises why a task has no open work."""
    if await q.task_stage(tx, space_id=actor.space_id, task_id=task_id) is None:
        raise NotFound("Task with that ID not found.")
    raise InvalidRequest("There is nothing to do on this task now.")


def _suitable(slots: list[OpenSlot], member_id: int, role: str, email: str) -> OpenSlot:
    fitting = [s for s in slots if not s.has_part and (s.kind == "label" or role != "labeler")]
    if not fitting:
        raise InvalidRequest(
            f"{email} may not do this: nobody reviews their own work or answers a task twice."
        )

    def cost(s: OpenSlot) -> tuple[bool, bool, bool, int]:
        held = s.lease_token is not None
        mine = s.only_member_id == member_id or (held and s.lease_member_id == member_id)
        return not mine, held, s.only_member_id is not None, s.id

    return min(fitting, key=cost)


async def recall_task(ctx: Ctx, actor: Actor, task_id: str, reason: str | None = None) -> None:
    """Has a completed task done again from the start: `pending`, a callback, the answer kept as a version (platform-api §7).

    Raises NotFound, InvalidRequest.
    """

    async def work(tx: Tx) -> None:
        before = await tasks.lock(tx, actor.space_id, task_id) if is_wire_id(task_id) else None
        if before is None:
            raise NotFound("Task with that ID not found.")
        done = await tasks.recall_locked(
            ctx, tx, actor.space_id, task_id, before, actor.email, kind="recalled", reason=reason
        )
        if not done:
            raise InvalidRequest(f"Only completed tasks can be recalled; this one is {before.status}.")
        await record_act(
            tx, actor.account_id, actor.email, "task.recalled", mode=actor.mode, task=task_id, reason=reason
        )

    await ctx.db.transact(work)
    wake(ctx)


async def redo_task(ctx: Ctx, args: RedoTask) -> None:
    """Job `redo_task`: the same for a task whose answer the customer has rejected, unless it has changed since."""

    async def work(tx: Tx) -> None:
        before = await tasks.lock(tx, args.space_id, args.task_id)
        if before is None or before.response_version != args.version:
            return
        if before.customer_review_status != "rejected":
            return
        await tasks.recall_locked(
            ctx, tx, args.space_id, args.task_id, before, "steelyard", kind="redo", reason="rejected"
        )

    await ctx.db.transact(work)
    wake(ctx)
