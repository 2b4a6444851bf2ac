"""The audit log: what was administered by whom, append-only (the database refuses changes)."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.errors import parameter
from steelyard.people import queries as q
from steelyard.people.model import AuditEntry


class AuditPage(Struct, frozen=True):
    """A page of acts, newest first; `next_token` when older ones follow."""

    items: list[AuditEntry]
    next_token: str | None


def _place(token: str | None) -> tuple[datetime | None, int | None]:
    if token is None:
        return None, None
    at, _, row = token.partition("-")
    if not (at.isdigit() and row.isdigit() and len(at) <= 15 and len(row) <= 18):
        raise parameter("next_token", "is not one of ours")
    return datetime.fromtimestamp(int(at) / 1000, UTC), int(row)


async def list_audit_log(
    ctx: Ctx,
    actor: Actor,
    *,
    by: str | None = None,
    action: str | None = None,
    next_token: str | None = None,
    limit: int = 100,
) -> AuditPage:
    """Acts in the caller's account. `action`: one of them, or the part before its dot. Raises InvalidRequest for a strange token."""
    before_at, before_id = _place(next_token)
    if any("\x00" in (text or "") for text in (by, action)):
        return AuditPage([], None)
    found = await q.audit_log(
        ctx.db,
        account_id=actor.account_id,
        before_at=before_at,
        before_id=before_id,
        actor=by,
        action=action,
        most=limit + 1,
    )
    items = found[:limit]
    token = None
    if len(found) > limit:
        last = items[-1]
        token = f"{round(last.at.timestamp() * 1000)}-{last.id}"
    return AuditPage(items, token)
