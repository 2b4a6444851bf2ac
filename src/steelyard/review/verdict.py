"""The reviewer: looks at an answer under a lease like any other, and accepts it, fixes it, or sends it back with remarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from steelyard import tasks, work
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import wake
from steelyard.db.pool import Executor, Tx
from steelyard.errors import Conflict, InvalidRequest, LeaseLost
from steelyard.review import queries as q
from steelyard.review.comments import Comment, NewComment, add_comments, check_comments
from steelyard.review.difference import difference

Verdict = Literal["accept", "fix", "send_back"]
_NAMES = "ABCDEFGHI"


class Reviewed(Struct, frozen=True):
    """What a verdict led to; `repeated` when it had been given before."""

    task_id: str
    status: Literal["pending", "completed"]
    repeated: bool = False


class LabeledAnswer(Struct, frozen=True):
    """One of several answers, without its author; `response` is JSON text."""

    label: str
    response: str


class ReviewContext(Struct, frozen=True):
    """What a reviewer sees: the latest answer and the one before it (JSON text), all answers where several people gave one, earlier remarks."""

    response: str
    previous: str | None
    version: int
    origin: str
    answers: list[LabeledAnswer]
    comments: list[Comment]


async def review_context(on: Executor, actor: Actor, leased: work.Work) -> ReviewContext:
    """What there is to review under a lease."""
    version = await q.version(on, space_id=actor.space_id, task_id=leased.task_id, version=leased.version)
    assert version is not None
    before = await q.version(on, space_id=actor.space_id, task_id=leased.task_id, version=leased.version - 1)
    answers = await q.answers_of_round(
        on, space_id=actor.space_id, task_id=leased.task_id, round=leased.round
    )
    several = answers if len(answers) > 1 else []
    return ReviewContext(
        version.response,
        None if before is None else before.response,
        version.version,
        version.origin,
        [LabeledAnswer(name, response) for name, response in zip(_NAMES, several, strict=False)],
        await q.comments(on, space_id=actor.space_id, task_id=leased.task_id, open_only=False),
    )


async def rework_context(on: Executor, actor: Actor, leased: work.Work) -> tuple[list[Comment], str | None]:
    """What a labeler is told of work that was done before: remarks that are open, and the answer (JSON text) they are about.

    Nothing where several people are to answer without knowing of each other, but for the turns before theirs.
    """
    if leased.round == 0 or leased.step > 0:
        return [], None
    previous = await q.previous_response(
        on, space_id=actor.space_id, task_id=leased.task_id, round=leased.round, version=leased.version
    )
    if previous is None or not (previous.alone or work.is_next_turn(leased, previous.response)):
        return [], None
    return (
        await q.comments(on, space_id=actor.space_id, task_id=leased.task_id, open_only=True),
        previous.response,
    )


async def give_verdict(
    ctx: Ctx,
    actor: Actor,
    lease_token: str,
    verdict: Verdict,
    *,
    response: bytes | None = None,
    comments: Sequence[NewComment] = (),
    active_seconds: int | None = None,
) -> Reviewed:
    """Ends a review. `accept`: the answer goes on; `fix`: `response` (JSON bytes) goes on as a new version; `send_back`: the task is labeled
    again, first by its author, who sees `comments` and the answer. Repeating the same verdict is harmless.

    Raises InvalidRequest, InvalidResponse, LeaseLost or NotFound without a valid lease, Conflict when another verdict was given under it.
    """
    check_comments(comments)
    if verdict == "fix" and response is None:
        raise InvalidRequest("A fix needs the fixed response.")
    if verdict != "fix" and response is not None:
        raise InvalidRequest("A response belongs to the verdict fix only.")
    if verdict == "send_back" and not comments:
        raise InvalidRequest("Say in a comment what is to be done again.")
    found = await work.lease_to_check(ctx, actor, lease_token)
    if found is None:
        return await _repeated(ctx, actor, lease_token, verdict)
    if found.kind != "review" or found.version is None:
        raise InvalidRequest("This lease is for an answer, not for a review.")
    stored = None if response is None else await work.checked(ctx, actor, found, response)
    at = work.Place(actor.space_id, found.task_id, found.project_id, found.round)
    under_review = found.version
    sent = response if response is not None else msgspec.json.encode({"verdict": verdict})

    async def give(tx: Tx) -> str | None:
        if not await work.finish_lease(tx, actor, lease_token, sent, stored, active_seconds, verdict=verdict):
            return None
        await add_comments(tx, actor, at.task_id, under_review, comments)
        if verdict == "send_back":
            status = await _send_back(tx, actor, at, under_review)
        else:
            if stored is not None and not await _fix(tx, actor, at, under_review, stored.response):
                raise LeaseLost("The task has ended meanwhile; the draft is kept.")
            await tasks.note(
                tx,
                at.space_id,
                at.task_id,
                "reviewed",
                actor.email,
                {"verdict": verdict, "stage": found.step},
            )
            await q.resolve_comments(tx, space_id=at.space_id, task_id=at.task_id, before=under_review)
            status = await work.reviewed(ctx, tx, at, found.step, author=actor.email)
        if status is None:
            raise LeaseLost("The task has ended meanwhile; the draft is kept.")
        return status

    status = await ctx.db.transact(give)
    wake(ctx)
    if status is None:
        return await _repeated(ctx, actor, lease_token, verdict)
    return Reviewed(found.task_id, "completed" if status == "completed" else "pending")


async def _fix(tx: Tx, actor: Actor, at: work.Place, under_review: int, stored: bytes) -> bool:
    """A new version with what it changes in the one before."""
    before = await q.version(tx, space_id=at.space_id, task_id=at.task_id, version=under_review)
    assert before is not None
    version = await tasks.add_version(
        tx,
        at.space_id,
        at.task_id,
        stored,
        origin="reviewed",
        author=actor.email,
        author_id=actor.member_id,
        base_version=under_review,
        difference=difference(before.response.encode(), stored),
    )
    return version is not None


async def _send_back(tx: Tx, actor: Actor, at: work.Place, under_review: int) -> str | None:
    """A new round of labeling, kept for the author of the answer for a day."""
    before = await tasks.lock(tx, at.space_id, at.task_id)
    if before is None or not await tasks.move(tx, at.space_id, at.task_id, "send_back"):
        return None
    version = await q.version(tx, space_id=at.space_id, task_id=at.task_id, version=under_review)
    assert version is not None
    labeler = await q.labeler_of(tx, space_id=at.space_id, task_id=at.task_id, version=under_review)
    await tasks.open_step(
        tx, at.space_id, at.task_id, round_number=at.round + 1, count=1, only_member_id=labeler
    )
    await tasks.note(
        tx, at.space_id, at.task_id, "sent_back", actor.email, {"version": under_review, "to": version.author}
    )
    return "pending"


async def _repeated(ctx: Ctx, actor: Actor, lease_token: str, verdict: Verdict) -> Reviewed:
    """The answer to a verdict whose lease is over: fine if it is the one given before."""
    before = await work.attempt(ctx, actor, lease_token)
    if before is None or before.state != "submitted" or before.verdict is None:
        raise await work.lost(ctx, actor, lease_token)
    if before.verdict != verdict:
        raise Conflict("Another verdict was given under this lease already.")
    return Reviewed(before.task_id, before.status or "pending", repeated=True)
