"""Work in progress, kept per member and step. A draft outlives its lease, so that nothing drawn is lost."""

from __future__ import annotations

from msgspec import Raw

from steelyard.ctx import Actor, Ctx
from steelyard.errors import StaleDraft
from steelyard.work import queries as q
from steelyard.work.lease import lost, slot_of
from steelyard.work.model import SavedDraft


async def save_draft(ctx: Ctx, actor: Actor, lease_token: str, base_revision: int, body: str) -> SavedDraft:
    """Stores `body` (JSON text) as the next revision after `base_revision` (0: there is none yet) and extends the lease.

    Raises StaleDraft carrying both drafts when another window has saved since; LeaseLost or NotFound without a valid lease.
    """
    row = await q.save_draft(
        ctx.db,
        slot_id=slot_of(lease_token),
        space_id=actor.space_id,
        lease_token=lease_token,
        member_id=actor.member_id,
        base_revision=base_revision,
        body=body,
    )
    if row is None:
        raise await lost(ctx, actor, lease_token)
    if row.revision is None:
        held = await q.draft(
            ctx.db, space_id=actor.space_id, task_id=row.task_id, step=row.step, member_id=actor.member_id
        )
        error = StaleDraft("The draft was saved elsewhere since the revision that this one is based on.")
        error.extra = {
            "draft": None if held is None else {"revision": held.revision, "body": Raw(held.body.encode())},
            "given": {"base_revision": base_revision, "body": Raw(body.encode())},
        }
        raise error
    return SavedDraft(row.revision, row.lease_expires_at)
