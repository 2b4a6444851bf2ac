"""The customer's audits (platform-api §15): accept, reject, comment, or fix by a response of their own. One verb for API and console."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from msgspec import Raw

from steelyard.clock import wire_time
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import enqueue, wake
from steelyard.db.pool import Tx
from steelyard.errors import Conflict, InvalidRequest
from steelyard.jobs.specs import REDO_TASK, RedoTask
from steelyard.tasks import dependents
from steelyard.tasks import queries as q
from steelyard.tasks.change import not_found, words
from steelyard.tasks.intake import TakenAnswer, keep_files
from steelyard.tasks.transitions import add_final_version, note

AuditResult = Literal["accepted", "rejected", "fixed", "commented"]


async def audit_task(
    ctx: Ctx,
    actor: Actor,
    task_id: str,
    *,
    result: AuditResult,
    comments: str | None = None,
    fixed: TakenAnswer | None = None,
    difference: bytes | None = None,
    version: int | None = None,
    seconds: int = 0,
    also: Callable[[Tx], Awaitable[None]] | None = None,
) -> bytes:
    """The customer's verdict: an entry in front of `audits`, the review status, a callback unless it is only a comment. Only completed tasks.

    `fixed`: with the result `fixed`, the checked answer that takes the place of the task's, which goes to the end of `prior_responses`; it
    was made from `version`. `also`: done in the same transaction. A rejected task is done again where its project says so. Raises NotFound, InvalidRequest, and Conflict when
    the answer has changed since `version`.
    """
    space_id = actor.space_id

    async def work(tx: Tx) -> bytes:
        state = await q.lock_task(tx, space_id=space_id, task_id=task_id)
        if state is None:
            raise not_found()
        if state.status != "completed":
            raise InvalidRequest(f"Only completed tasks can be audited; this one is {words(state.status)}.")
        if version is not None and version != state.response_version:
            raise Conflict("The task's response has changed since it was looked at.")
        now = ctx.clock.now()
        at = wire_time(now)
        entry = {
            "audited_by": actor.email,
            "audited_at": at,
            "audit_time_secs": seconds,
            "audit_result": result,
            "audit_source": "customer",
        }
        audits = [entry, *(msgspec.json.decode(state.audits) if state.audits else [])]
        told = result != "commented"  # platform-api §17.2
        if fixed is not None:
            await _fix(tx, actor, task_id, state.response_version, fixed, difference)
        await q.set_audited(
            tx,
            space_id=space_id,
            task_id=task_id,
            audits=msgspec.json.encode(audits).decode(),
            result=result,
            review_members=_review_members(state.review_members, actor.email, at, comments, seconds),
            told=told,
        )
        await note(tx, space_id, task_id, "audited", actor.email, {"result": result, "comments": comments})
        if also is not None:
            await also(tx)
        if state.batch_id is not None:
            await q.touch_batch_audited(
                tx,
                space_id=space_id,
                batch_id=state.batch_id,
                at=now.replace(microsecond=now.microsecond // 1000 * 1000),  # as `audited_at` says
            )
        if result in ("accepted", "fixed") and state.has_dependents:
            await dependents.release(tx, space_id, task_id)
        if told:
            await q.announce(tx, space_id=space_id, task_id=task_id, kind="audited")
        if result == "rejected" and await q.redoes(tx, space_id=space_id, project_id=state.project_id or ""):
            await enqueue(tx, REDO_TASK, RedoTask(space_id, task_id, state.response_version))
        return await get_task_in(tx, space_id, task_id)

    done = await ctx.db.transact(work)
    wake(ctx)
    return done


async def get_task_in(tx: Tx, space_id: int, task_id: str) -> bytes:
    """The task object as the transaction sees it."""
    document = await q.task_json_by_id(tx, space_id=space_id, task_id=task_id)
    if document is None:
        raise not_found()
    return document


async def _fix(
    tx: Tx, actor: Actor, task_id: str, base_version: int, fixed: TakenAnswer, difference: bytes | None
) -> None:
    await keep_files(tx, actor.space_id, task_id, fixed.files)
    members = msgspec.json.decode(fixed.response, type=dict[str, Raw])
    members.pop("is_customer_fix", None)
    response = msgspec.json.encode({"is_customer_fix": True, **members}).decode()
    version = await q.set_fixed(tx, space_id=actor.space_id, task_id=task_id, response=response)
    assert version is not None
    await add_final_version(
        tx,
        actor.space_id,
        task_id,
        version,
        response,
        origin="fixed",
        author=actor.email,
        author_id=actor.member_id,
        base_version=base_version,
        difference=difference,
    )


def _review_members(held: str | None, email: str, at: str, comments: str | None, seconds: int) -> str:
    members: dict[str, Any] = msgspec.json.decode("{" + held + "}") if held else {}
    if comments:
        members["customer_review_comments"] = [*members.get("customer_review_comments", []), comments]
    members["customer_reviewed_by"] = email
    members["customer_audited_at"] = at
    members["customer_audit_time_secs"] = seconds
    return msgspec.json.encode(members).decode()[1:-1]
