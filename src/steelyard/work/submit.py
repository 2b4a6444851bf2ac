"""Submitting an answer: checked by its task type, its files stored, then one transaction behind the lease's fence."""

from __future__ import annotations

import asyncio

import msgspec

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import wake
from steelyard.db.pool import Tx
from steelyard.errors import Conflict, InvalidRequest, LeaseLost
from steelyard.storage import Spooled
from steelyard.work import queries as q
from steelyard.work.kinds import KINDS
from steelyard.work.lease import attempt, lost, slot_of
from steelyard.work.model import CheckRow, Submitted
from steelyard.work.pipeline import Place, answered
from steelyard.work.policy import reach_of
from steelyard.work.prelabel import check_prelabel, people_next
from steelyard.work.turns import one_turn


async def submit_work(
    ctx: Ctx, actor: Actor, lease_token: str, response: bytes, active_seconds: int | None = None
) -> Submitted:
    """Finishes the leased work with `response` (JSON bytes). Repeating it with an equal answer is harmless.

    Raises InvalidResponse with every issue, TooLarge, LeaseLost or NotFound without a valid lease (the draft is kept), Conflict when
    another answer was submitted under this lease.
    """
    reach_of(actor)
    found = await lease_to_check(ctx, actor, lease_token)
    if found is None:
        return await _repeated(ctx, actor, lease_token, response)
    if found.kind == "review":
        raise InvalidRequest("This lease is for a review: give a verdict instead.")
    if found.kind not in ("label", "prelabel"):
        assert KINDS.submit is not None
        return await KINDS.submit(ctx, actor, lease_token, found, response, active_seconds)
    stored = await checked(ctx, actor, found, response)
    is_prelabel = found.kind == "prelabel"
    at = Place(actor.space_id, found.task_id, found.project_id, found.round)

    async def work(tx: Tx) -> str | None:
        if not await finish_lease(tx, actor, lease_token, response, stored, active_seconds):
            return None
        if is_prelabel:
            status = await people_next(tx, at.space_id, at.task_id, actor.email, "prelabeled")
        else:
            status = await answered(
                ctx, tx, at, stored.response, author=actor.email, author_id=actor.member_id, turn=stored.turn
            )
        if status is None:
            raise LeaseLost("The task has ended meanwhile; the draft is kept.")
        return status

    status = await ctx.db.transact(work)
    wake(ctx)
    if status is None:
        return await _repeated(ctx, actor, lease_token, response)
    return Submitted(
        found.task_id, repeated=False, status="completed" if status == "completed" else "pending"
    )


async def lease_to_check(ctx: Ctx, actor: Actor, lease_token: str) -> CheckRow | None:
    """What a valid lease is about, as submitting sees it; None without one. Raises NotFound for a malformed token."""
    return await q.work_to_check(
        ctx.db,
        slot_id=slot_of(lease_token),
        space_id=actor.space_id,
        lease_token=lease_token,
        member_id=actor.member_id,
    )


async def checked(ctx: Ctx, actor: Actor, found: CheckRow, response: bytes) -> tasks.TakenAnswer:
    """The answer as it is to be stored, its files in storage. Raises InvalidResponse with every issue, TooLarge."""
    subject = await tasks.subject_of(ctx, actor.space_id, found.task_id)
    turn = await one_turn(ctx, subject, found)
    taken = await tasks.take_answer(ctx, subject, response, member_id=actor.member_id, turn=turn)
    if found.kind == "prelabel":
        await check_prelabel(ctx, subject, taken.response)
    return taken


async def add_file(ctx: Ctx, actor: Actor, lease_token: str, spooled: Spooled, content_type: str) -> str:
    """Takes a large part of the answer to come (a mask, an annotation file); the URL by which the answer refers to it.

    Raises LeaseLost or NotFound without a valid lease.
    """
    reach_of(actor)
    found = await lease_to_check(ctx, actor, lease_token)
    if found is None:
        raise await lost(ctx, actor, lease_token)
    return await tasks.add_answer_upload(ctx, actor, found.task_id, spooled, content_type)


async def finish_lease(
    tx: Tx,
    actor: Actor,
    lease_token: str,
    response: bytes,
    stored: tasks.TakenAnswer | None = None,
    active_seconds: int | None = None,
    *,
    verdict: str | None = None,
) -> bool:
    """The fence of every submission: the slot is done, the attempt ended with what was sent, the draft gone; False: the lease is lost.

    `stored`: the answer as it is kept, whose files are noted here.
    """
    lease = {"slot_id": slot_of(lease_token), "space_id": actor.space_id, "lease_token": lease_token}
    task_id = await q.finish_slot(tx, **lease, member_id=actor.member_id)
    if task_id is None:
        return False
    if stored is not None:
        await tasks.keep_files(tx, actor.space_id, task_id, stored.files)
    await q.finish_attempt(
        tx,
        **lease,
        member_id=actor.member_id,
        response=response.decode(),
        answer=None if stored is None or stored.response == response else stored.response.decode(),
        active_seconds=active_seconds,
        verdict=verdict,
    )
    return True


async def _repeated(ctx: Ctx, actor: Actor, lease_token: str, response: bytes) -> Submitted:
    """The answer to a submission whose lease is over: fine if it is the one accepted before."""
    before = await attempt(ctx, actor, lease_token)
    if before is None or before.state != "submitted" or before.response is None:
        raise await lost(ctx, actor, lease_token)
    same = await asyncio.to_thread(_equal, before.response.encode(), response)
    if not same:
        raise Conflict("Another response was submitted under this lease already.")
    return Submitted(before.task_id, repeated=True, status=before.status or "completed")


def _equal(a: bytes, b: bytes) -> bool:
    return a == b or msgspec.json.decode(a) == msgspec.json.decode(b)
