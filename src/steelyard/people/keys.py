"""API keys as the console manages them: for oneself, for model contributors, and by leads for whom they may act as."""

from __future__ import annotations

from datetime import datetime

from steelyard import users
from steelyard.ctx import Actor, Ctx, Mode, Scope
from steelyard.errors import Forbidden, NotFound, parameter
from steelyard.people.members import get_member
from steelyard.people.policy import check_impersonation


async def list_own_keys(ctx: Ctx, actor: Actor, *, revoked: bool = False) -> list[users.KeyInfo]:
    """The keys of the account, those revoked only if asked for, newest first."""
    found = await users.list_keys(ctx, actor.account_id)
    return [key for key in reversed(found) if revoked or key.revoked_at is None]


async def make_key(
    ctx: Ctx,
    actor: Actor,
    *,
    name: str,
    mode: Mode,
    scope: Scope,
    expires_at: datetime | None,
    member: str | None,
) -> users.NewKey:
    """A key for oneself, or for another member (the wire's id) below oneself. Raises InvalidRequest, NotFound, Forbidden."""
    name = name.strip()
    if len(name) > 100 or not (name == "" or name.isprintable()):
        raise parameter("name", "must be a text of at most 100 printable characters")
    email = actor.email
    if member is not None:
        person = await get_member(ctx, actor, member)
        if person.kind != "model":
            check_impersonation(actor, person.id, person.role, "make a key")
        email = person.email
    return await users.create_key(
        ctx,
        actor.account_id,
        mode,
        member_email=email,
        expires_at=expires_at,
        name=name,
        scope=scope,
        by=actor.email,
    )


async def revoke(ctx: Ctx, actor: Actor, key_id: int) -> None:
    """Ends a key; the admin's only by the admin. Raises NotFound, Forbidden."""
    for key in await users.list_keys(ctx, actor.account_id):
        if key.id == key_id:
            if key.role == "admin" and actor.role != "admin":
                raise Forbidden("Only the admin may revoke the admin's keys.")
            await users.revoke_key(ctx, actor.account_id, key_id, by=actor.email)
            return
    raise NotFound("There is no such key.")
