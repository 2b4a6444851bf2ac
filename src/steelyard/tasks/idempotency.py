"""Stored first answers by `Idempotency-Key` (platform-api §9.2), settled by the primary key of `idempotency_key`.

Two roads. Task creation writes its `done` row in the creating statement, so that no crash can separate a key from its task. Other
creations `claim` a `processing` row (fenced by a token, taken over once it is 30 s old), then `finish` or `forget` it.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.errors import Conflict, RateLimited, parameter
from steelyard.ids import secret_token
from steelyard.tasks import queries as q

KEPT = timedelta(hours=24)
PROCESSING = timedelta(seconds=30)


class Stored(Struct, frozen=True):
    """A stored answer, replayed verbatim."""

    status: int
    body: bytes


def check_key(header: bytes) -> str:
    """1-255 visible ASCII characters. Raises InvalidRequest."""
    if not 1 <= len(header) <= 255 or not all(0x21 <= b <= 0x7E for b in header):
        raise parameter("Idempotency-Key", "must be 1 to 255 visible characters")
    return header.decode("ascii")


def mismatch(key: str) -> Conflict:
    """The documented 409 of a key that belongs to another request."""
    return Conflict(f'The idempotency key ("{key}") is already in use for a different request.')


def busy() -> RateLimited:
    """The documented 429 of a matching request that is still being processed; safe to retry."""
    return RateLimited(
        "A request with this idempotency key is still being processed; retry it.",
        headers={"Retry-After": "1"},
    )


async def lookup(ctx: Ctx, actor: Actor, key: str, mark: bytes) -> Stored | None:
    """The stored answer for a matching request, None when the key is free. Raises Conflict on a mismatch, RateLimited while processing."""
    row = await q.key_row(ctx.db, space_id=actor.space_id, key=key)
    return None if row is None else _answer(actor, key, mark, row)


def _answer(actor: Actor, key: str, mark: bytes, row: q.KeyRow) -> Stored:
    if row.request_sha256 != mark or row.member_id != actor.member_id:
        raise mismatch(key)
    if row.state != "done" or row.status is None or row.body is None:
        raise busy()
    return Stored(row.status, row.body)


async def store(ctx: Ctx, actor: Actor, key: str, mark: bytes, answer: Stored) -> Stored:
    """Stores a first answer that created nothing (an error). Returns what counts: this one, or the one that was quicker."""
    won = await q.store_key(
        ctx.db,
        space_id=actor.space_id,
        key=key,
        member_id=actor.member_id,
        request_sha256=mark,
        status=answer.status,
        body=answer.body,
        kept=KEPT,
    )
    if won:
        return answer
    return await lookup(ctx, actor, key, mark) or answer


async def claim(ctx: Ctx, actor: Actor, key: str, mark: bytes) -> Stored | str:
    """Claims the key for a request about to run: the fencing token, or the stored answer. Raises Conflict or RateLimited."""
    token = secret_token(12)
    for _ in range(3):
        won = await q.claim_key(
            ctx.db,
            space_id=actor.space_id,
            key=key,
            member_id=actor.member_id,
            request_sha256=mark,
            token=token,
            lease=PROCESSING,
        )
        if won:
            return token
        held = await lookup(ctx, actor, key, mark)
        if held is not None:
            return held
    raise busy()


async def finish(ctx: Ctx, actor: Actor, key: str, token: str, status: int, body: bytes) -> None:
    """Stores the answer of a claimed key for 24 hours, unless the claim was taken over."""
    await q.finish_key(
        ctx.db, space_id=actor.space_id, key=key, token=token, status=status, body=body, kept=KEPT
    )


async def forget(ctx: Ctx, actor: Actor, key: str, token: str) -> None:
    """Frees a claimed key whose request changed nothing and may be retried."""
    await q.forget_key(ctx.db, space_id=actor.space_id, key=key, token=token)
