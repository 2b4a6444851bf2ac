"""Submitting an answer: checked by its task type off the event loop when large, then one transaction behind the lease's fence."""

from __future__ import annotations

import asyncio

import msgspec

from steelyard import tasks
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Tx
from steelyard.errors import Conflict, InvalidRequest, Issue, LeaseLost, TooLarge
from steelyard.task_types import TASK_TYPES, MediaInfo
from steelyard.work import queries as q
from steelyard.work.lease import attempt, lost, slot_of
from steelyard.work.model import Submitted
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
    """Completes the leased work with `response` (JSON bytes). Repeating it with an equal answer is harmless.

    Raises InvalidResponse with every issue, TooLarge, LeaseLost or NotFound without a valid lease (the draft is kept), Conflict when
    another answer was submitted under this lease.
    """
    reach_of(actor)
    slot_id = slot_of(lease_token)
    if len(response) > MAX_RESPONSE_BYTES:
        raise TooLarge(f"A response may hold at most {MAX_RESPONSE_BYTES} bytes.")
    found = await q.work_to_check(
        ctx.db, slot_id=slot_id, space_id=actor.space_id, lease_token=lease_token, member_id=actor.member_id
    )
    if found is None:
        return await _repeated(ctx, actor, lease_token, response)
    given = (found.type, found.params.encode(), response, found.width, found.height)
    if len(response) + len(given[1]) > _OFF_LOOP_BYTES:
        issues, stored = await asyncio.get_running_loop().run_in_executor(ctx.cpu, check_answer, *given)
    else:
        issues, stored = check_answer(*given)
    if issues:
        raise InvalidResponse(_summary(issues), issues=issues)

    async def work(tx: Tx) -> str | None:
        lease = {"slot_id": slot_id, "space_id": actor.space_id, "lease_token": lease_token}
        task_id = await q.finish_slot(tx, **lease, member_id=actor.member_id)
        if task_id is None:
            return None
        await q.finish_attempt(
            tx, **lease, member_id=actor.member_id, response=response.decode(), active_seconds=active_seconds
        )
        if not await tasks.complete_task(
            ctx, tx, actor.space_id, task_id, stored, origin="labeled", author=actor.email
        ):
            raise LeaseLost("The task has ended meanwhile; the draft is kept.")
        return task_id

    task_id = await ctx.db.transact(work)
    if task_id is None:
        return await _repeated(ctx, actor, lease_token, response)
    return Submitted(task_id, repeated=False)


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
    return Submitted(before.task_id, repeated=True)


def _equal(a: bytes, b: bytes) -> bool:
    return a == b or msgspec.json.decode(a) == msgspec.json.decode(b)
