"""Having the recent work of one contributor done again, in one act."""

from __future__ import annotations

from datetime import datetime

from steelyard import tasks, users
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import enqueue, wake
from steelyard.db.pool import Tx
from steelyard.jobs.specs import REQUEUE_WORK, REQUEUE_WORK_QUEUE, RequeueWork
from steelyard.quality import queries as q
from steelyard.quality.members import find_member, find_project
from steelyard.quality.model import Requeueable

AT_ONCE = 200
"""So many tasks are done before the answer; more by a job."""
_PIECE = 50


async def requeue_work(ctx: Ctx, actor: Actor, project: str, member: str, since: datetime) -> int:
    """Has those tasks of a project labeled again whose current answer is a member's (public id), submitted since a time; returns how many.

    Completed tasks are recalled unless the customer has audited them, those in review go back to labeling, and where the others' answers
    are still awaited the member's is withdrawn. Raises NotFound.
    """

    async def work(tx: Tx) -> tuple[RequeueWork, int]:
        project_id = await find_project(tx, actor, project)
        member_id = await find_member(tx, actor, member)
        args = RequeueWork(actor.space_id, project_id, member_id, since, actor.email)
        total = await q.count_requeueable(tx, **_which(args)) or 0
        if total > AT_ONCE:
            await enqueue(tx, REQUEUE_WORK, args, queue=REQUEUE_WORK_QUEUE)
        await users.record_act(
            tx,
            actor.account_id,
            actor.email,
            "member.work_requeued",
            mode=actor.mode,
            member=member,
            project=project,
            since=since,
            tasks=total,
        )
        return args, total

    args, total = await ctx.db.transact(work)
    if total <= AT_ONCE:
        await requeue(ctx, args)
    wake(ctx)
    return total


async def requeue(ctx: Ctx, args: RequeueWork) -> None:
    """Job `requeue_work`: one transaction a task, whose state is looked at again under its lock; harmless when repeated."""
    after = ""
    while found := await q.requeueable(ctx.db, **_which(args), after=after, task_id=None, n=_PIECE):
        for row in found:
            await ctx.db.transact(lambda tx, row=row: _again(ctx, tx, args, row.task_id))
        after = found[-1].task_id
    wake(ctx)


def _which(args: RequeueWork) -> dict[str, object]:
    return {
        "space_id": args.space_id,
        "project_id": args.project_id,
        "member_id": args.member_id,
        "since": args.since,
    }


async def _again(ctx: Ctx, tx: Tx, args: RequeueWork, task_id: str) -> None:
    await tasks.lock_slots(tx, space_id=args.space_id, task_id=task_id)
    before = await tasks.lock(tx, args.space_id, task_id)
    rows = await q.requeueable(tx, **_which(args), after="", task_id=task_id, n=1)
    if before is None or not rows:
        return
    row: Requeueable = rows[0]
    if before.status == "completed":
        await tasks.recall_locked(
            ctx, tx, args.space_id, task_id, before, args.by, kind="requeued", reason="quality"
        )
        return
    if before.stage in ("queued", "labeling"):
        await q.withdraw_answer(tx, slot_id=row.slot_id, attempt_id=row.attempt_id)
    elif await tasks.move(tx, args.space_id, task_id, "send_back"):
        await q.close_reviews(tx, space_id=args.space_id, task_id=task_id)
        await tasks.open_step(tx, args.space_id, task_id, round_number=row.round + 1, again=True)
    await tasks.note(tx, args.space_id, task_id, "requeued", args.by, {"reason": "quality"})
