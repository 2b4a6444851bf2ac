"""Job `merge_answers`: of several people's answers to a task, the one that agrees best with the others goes on.

How alike every two answers are is kept, whatever the rule chooses.
"""

from __future__ import annotations

import itertools

from steelyard import tasks
from steelyard.ctx import Ctx
from steelyard.db.outbox import wake
from steelyard.db.pool import Tx
from steelyard.jobs.specs import MergeAnswers
from steelyard.task_types import TASK_TYPES
from steelyard.work import queries as q
from steelyard.work.model import GivenAnswer
from steelyard.work.pipeline import Place, labeled, next_turn
from steelyard.work.scoring import Score, compare


def best(answers: list[GivenAnswer], pairs: list[tuple[int, int]], scores: list[Score]) -> int:
    """The index of the answer with the highest mean agreement with the others; of equals, the one begun first."""
    sums = [0.0] * len(answers)
    for (a, b), score in zip(pairs, scores, strict=True):
        sums[a] += score.score
        sums[b] += score.score
    return max(range(len(answers)), key=lambda i: (sums[i], -i))


async def merge_answers(ctx: Ctx, args: MergeAnswers) -> None:
    """Compares the answers of a round and lets the best go on. Harmless when repeated, or when the task has ended meanwhile."""
    project_id = await q.project_to_merge(
        ctx.db, space_id=args.space_id, task_id=args.task_id, round=args.round
    )
    if project_id is None:
        return
    answers = await q.given_answers(ctx.db, space_id=args.space_id, task_id=args.task_id, round=args.round)
    pairs = list(itertools.combinations(range(len(answers)), 2))
    subject = await tasks.subject_of(ctx, args.space_id, args.task_id)
    given = [a.answer.encode() for a in answers]
    scores = await compare(ctx, args.space_id, subject.type, subject.params, given, pairs, subject.media)
    winner = answers[best(answers, pairs, scores)]
    kind, turn = TASK_TYPES[subject.type], None
    if kind.next_turn is not None:
        turn = kind.next_turn(kind.parse_params(subject.params), winner.answer.encode())
    at = Place(args.space_id, args.task_id, project_id, args.round)

    async def work(tx: Tx) -> None:
        before = await tasks.lock(tx, at.space_id, at.task_id)
        if before is None or before.status != "pending":
            return
        now = await q.given_answers(tx, space_id=at.space_id, task_id=at.task_id, round=at.round)
        if [a.attempt_id for a in now] != [a.attempt_id for a in answers]:
            return  # one was withdrawn meanwhile; whoever answers last instead has them compared anew
        added = await q.add_agreements(
            tx,
            space_id=at.space_id,
            task_id=at.task_id,
            round=at.round,
            attempts_a=[answers[a].attempt_id for a, _ in pairs],
            attempts_b=[answers[b].attempt_id for _, b in pairs],
            scores=[s.score for s in scores],
            details=[s.detail for s in scores],
        )
        if not added:
            return  # an earlier run has got this far
        goes_on = winner.answer.encode()
        by = {"origin": "merged", "author": winner.email}
        if turn is None:
            await labeled(ctx, tx, at, goes_on, **by, author_id=winner.member_id)
        else:
            await next_turn(ctx, tx, at, goes_on, turn, **by, author_id=winner.member_id)

    await ctx.db.transact(work)
    wake(ctx)
