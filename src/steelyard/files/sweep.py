"""Takes away stored content that nothing refers to: of answers and uploads whose transaction never was committed, and of parts that were forgotten.

Content is stored before the transaction that refers to it. Whoever stores it touches its row first (storage/books.py), and nothing takes
`AGE` from there to its commit; so what was not touched for so long and is not referred to never will be.
"""

from __future__ import annotations

from datetime import timedelta

from steelyard.ctx import Ctx
from steelyard.files import queries as q
from steelyard.jobs.specs import NoArgs

AGE = timedelta(days=3)
_LOOKED_AT = 20_000


async def sweep_blobs(ctx: Ctx, args: NoArgs) -> None:
    """Job `sweep_blobs`. One that was killed is gone on with: content that is marked is not stored anew before its removal has ended."""
    await _remove(ctx)
    while await q.settle_blobs(ctx.db, age=AGE, most=_LOOKED_AT):
        await _remove(ctx)


async def _remove(ctx: Ctx) -> None:
    while marked := await q.blobs_to_remove(ctx.db):
        for sha256 in marked:
            await ctx.store.delete(sha256)
        await q.forget_blobs(ctx.db, sha256s=marked)
