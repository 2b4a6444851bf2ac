"""Submitting an answer: checked by its task type off the event loop when large, then one transaction behind the lease's fence."""

from __future__ import annotations

import asyncio

import msgspec

from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import wake
from steelyard.db.pool import Tx
from steelyard.errors import Conflict, InvalidRequest, Issue, LeaseLost, TooLarge
from steelyard.task_types import TASK_TYPES, MediaInfo
from steelyard.work import queries as q
from steelyard.work.kinds import KINDS
from steelyard.work.lease import attempt, lost, slot_of
from steelyard.work.model import CheckRow, Submitted
from steelyard.work.pipeline import Place, answered
from steelyard.work.policy import reach_of

MAX_RESPONSE_BYTES = 10 * 1024 * 1024
_OFF_LOOP_BYTES = 256 * 1024


class InvalidResponse(InvalidRequest):
    """The answer breaks rules of its task type; `issues` has all of them."""

    code = "invalid-response"


def check_answer(
    type_name: str, params: bytes, response: bytes, width: int, height: int
) -> tuple[list[Issue], bytes]:
    """All issues of an answer, and the answer as JSON bytes to store. Pure; runs in the process pool for large answers."""
    task_type = TASK_TYPES[type_name]
    return task_type.check_response(task_type.parse_params(params), response, MediaInfo(width, height))


async def submit_work(
    ctx: Ctx, actor: Actor, lease_token: str, response: bytes, active_seconds: int | None = None
) -> Submitted:
    """Finishes the leased work with `response` (JSON bytes). Repeating it with an equal answer is harmless.

    Raises InvalidResponse with every issue, TooLarge, LeaseLost or NotFound without a valid lease (the draft is kept), Conflict when
    another answer was submitted under this lease.
    """
    reach_of(actor)
    if len(response) > MAX_RESPONSE_BYTES:
        raise TooLarge(f"A response may hold at most {MAX_RESPONSE_BYTES} bytes.")
    found = await lease_to_check(ctx, actor, lease_token)
    if found is None:
        return await _repeated(ctx, actor, lease_token, response)
    if found.kind == "review":
        raise InvalidRequest("This lease is for a review: give a verdict instead.")
    if found.kind != "label":
        assert KINDS.submit is not None
        return await KINDS.submit(ctx, actor, lease_token, found, response, active_seconds)
    stored = await checked(ctx, found, response)
    at = Place(actor.space_id, found.task_id, found.project_id, found.round)

    async def work(tx: Tx) -> str | None:
        if not await finish_lease(tx, actor, lease_token, response, stored, active_seconds):
            return None
        status = await answered(ctx, tx, at, stored, author=actor.email, author_id=actor.member_id)
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


async def checked(ctx: Ctx, found: CheckRow, response: bytes) -> bytes:
    """The answer as it is to be stored. Raises InvalidResponse with every issue."""
    assert found.type is not None
    assert found.params is not None
    return await check_response(ctx, found.type, found.params.encode(), response, found.width, found.height)


async def check_response(
    ctx: Ctx, type_name: str, params: bytes, response: bytes, width: int, height: int
) -> bytes:
    """The answer as it is to be stored, checked off the event loop when it is large. Raises InvalidResponse with every issue."""
    if len(response) > MAX_RESPONSE_BYTES:
        raise TooLarge(f"A response may hold at most {MAX_RESPONSE_BYTES} bytes.")
    given = (type_name, params, response, width, height)
    if len(response) + len(params) > _OFF_LOOP_BYTES:
        issues, stored = await asyncio.get_running_loop().run_in_executor(ctx.cpu, check_answer, *given)
    else:
        issues, stored = check_answer(*given)
    if issues:
        raise InvalidResponse(_summary(issues), issues=issues)
    return stored


async def finish_lease(
    tx: Tx,
    actor: Actor,
    lease_token: str,
    response: bytes,
    stored: bytes | None = None,
    active_seconds: int | None = None,
    *,
    verdict: str | None = None,
) -> bool:
    """The fence of every submission: the slot is done, the attempt ended with what was sent, the draft gone; False: the lease is lost.

    `stored`: the answer as kept, where that is not what was sent.
    """
    lease = {"slot_id": slot_of(lease_token), "space_id": actor.space_id, "lease_token": lease_token}
    if await q.finish_slot(tx, **lease, member_id=actor.member_id) is None:
        return False
    await q.finish_attempt(
        tx,
        **lease,
        member_id=actor.member_id,
        response=response.decode(),
        answer=None if stored is None or stored == response else stored.decode(),
        active_seconds=active_seconds,
        verdict=verdict,
    )
    return True


def _summary(issues: list[Issue]) -> str:
    first = f"{issues[0].path}: {issues[0].message}" if issues[0].path else issues[0].message
    return first if len(issues) == 1 else f"{first} (and {len(issues) - 1} more)"


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
