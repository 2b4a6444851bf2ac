"""Answers to known-answer tasks: taken like any other, scored by their type's metric, and what follows from the score.

The score of an evaluation task is computed by a job after the submission has been answered, so that neither its time nor its failure tells
the task from others; that of a training task at once, for its feedback. Both write the same row, once.
"""

from __future__ import annotations

import msgspec

from steelyard import tasks, work
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import enqueue, wake
from steelyard.db.pool import Tx
from steelyard.errors import NotFound
from steelyard.jobs.specs import SCORE_ATTEMPT, SCORE_ATTEMPT_QUEUE, ScoreAttempt
from steelyard.quality import queries as q
from steelyard.quality.judge import judge
from steelyard.quality.model import Feedback
from steelyard.task_types import MediaInfo


async def submit(
    ctx: Ctx,
    actor: Actor,
    lease_token: str,
    found: work.CheckRow,
    response: bytes,
    active_seconds: int | None,
) -> work.Submitted:
    """Takes an answer and promises its score. Raises as `work.submit_work`."""
    known = await q.known(ctx.db, space_id=actor.space_id, task_id=found.task_id)
    subject = tasks.Subject(
        actor.space_id,
        found.task_id,
        known.type,
        known.params.encode(),
        await tasks.media_of(ctx, actor.space_id, known.media_of),
        secure=known.secure,
    )
    stored = await tasks.take_answer(ctx, subject, response, member_id=actor.member_id)
    attempt = await q.attempt_of(
        ctx.db, space_id=actor.space_id, slot_id=work.slot_of(lease_token), lease_token=lease_token
    )
    assert attempt is not None

    async def finish(tx: Tx) -> bool:
        if not await work.finish_lease(tx, actor, lease_token, response, stored, active_seconds):
            return False
        await enqueue(tx, SCORE_ATTEMPT, ScoreAttempt(actor.space_id, attempt), queue=SCORE_ATTEMPT_QUEUE)
        return True

    if not await ctx.db.transact(finish):
        raise await work.lost(ctx, actor, lease_token)
    if found.kind == "training":
        await score_attempt(ctx, ScoreAttempt(actor.space_id, attempt))
        return work.Submitted(found.task_id, repeated=False, status="completed")
    wake(ctx)
    settings = await work.workflow_of(ctx.db, actor.space_id, found.project_id)
    goes_on = settings.overlap > 1 or work.next_stage(settings, found.task_id, 0) is not None
    return work.Submitted(found.task_id, repeated=False, status="pending" if goes_on else "completed")


def corrected(before: float, after: float) -> float:
    """What a correction is worth (0..1), given how near to the right answer people started and where they ended: the share of what was
    wrong that they put right, less what they spoiled. Where nothing was wrong, nothing may have changed (task-types-text §13.4)."""
    if before >= 1.0:
        return 1.0 if after >= 1.0 else 0.0
    return max(0.0, (after - before) / (1.0 - before))


async def score_attempt(ctx: Ctx, args: ScoreAttempt) -> None:
    """Job `score_attempt`: scores one answer against what was expected, and draws the consequences. Harmless when repeated."""
    row = await q.to_score(ctx.db, space_id=args.space_id, attempt_id=args.attempt_id)
    if row is None:
        return
    settings = await work.workflow_of(ctx.db, args.space_id, row.project_id)
    answers = [row.expected_response.encode(), row.answer.encode()]
    if row.initial_response is not None:
        answers.append(row.initial_response.encode())
    score, *before = await work.compare(
        ctx,
        args.space_id,
        row.type,
        row.params.encode(),
        answers,
        [(i, 0) for i in range(1, len(answers))],
        MediaInfo(row.width, row.height),
    )
    if before:
        score = msgspec.structs.replace(score, score=corrected(before[0].score, score.score))

    async def store(tx: Tx) -> None:
        await work.one_at_a_time(tx, member_id=row.member_id)
        stored = await q.insert_attempt(
            tx,
            space_id=args.space_id,
            id=ctx.ids.mint(ctx.clock.now()),
            quality_task_id=row.quality_task_id,
            member_id=row.member_id,
            response=row.answer,
            score=score.score,
            passed=score.score >= settings.tolerance,
            detail=score.detail,
            attempt_id=args.attempt_id,
        )
        if stored and row.kind == "evaluation":
            await judge(tx, args.space_id, row, settings)

    await ctx.db.transact(store)


async def feedback(ctx: Ctx, actor: Actor, lease_token: str) -> Feedback:
    """What came of the actor's own answer to a training task, with the right one. Raises NotFound for anything else."""
    found = await q.feedback(
        ctx.db,
        space_id=actor.space_id,
        member_id=actor.member_id,
        slot_id=work.slot_of(lease_token),
        lease_token=lease_token,
    )
    if found is None:
        raise NotFound("There is no feedback under this lease.")
    return found
