"""API keys: shown once, stored as SHA-256 (they are random, so a slow hash would buy nothing), bound to a member and a mode."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from steelyard.ctx import Actor, Ctx, Mode, Scope
from steelyard.db.pool import Executor
from steelyard.errors import Conflict, InvalidRequest, NotFound, parameter
from steelyard.users import queries as q
from steelyard.users.members import find_account, record_act
from steelyard.users.model import Account, KeyInfo, Member, NewKey
from steelyard.users.policy import TEST_MODE_ROLES


def key_digest(key: str) -> bytes:
    """What a key is stored and looked up as, 32 bytes."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


async def actor_by_key(ctx: Ctx, sha256: bytes) -> Actor | None:
    """Who calls with the key of this SHA-256, or None. Its last use is noted at most once a minute."""
    row = await q.actor_by_key(ctx.db, sha256=sha256)
    if row is None:
        return None
    if row.stale:
        await q.touch_key(ctx.db, key_id=row.key_id)
    return Actor(row.space_id, row.account_id, row.mode, row.member_id, row.email, row.role, "key", row.scope)


async def insert_key(
    on: Executor,
    account: Account,
    mode: Mode,
    member: Member,
    expires_at: datetime | None,
    name: str = "",
    scope: Scope = "full",
) -> NewKey:
    """The row of a new key: `live_` or `test_` and 32 hex characters."""
    key = f"{mode}_{secrets.token_hex(16)}"
    hint = f"{key[:9]}…{key[-4:]}"
    key_id = await q.create_key(
        on,
        space_id=account.space_id(mode),
        member_id=member.id,
        hint=hint,
        sha256=key_digest(key),
        expires_at=expires_at,
        name=name,
        scope=scope,
    )
    assert key_id is not None
    return NewKey(key_id, key, hint, mode, account.name, member.email, expires_at, name, scope)


async def create_key(
    ctx: Ctx,
    account: str | int,
    mode: Mode,
    *,
    member_email: str | None = None,
    expires_at: datetime | None = None,
    name: str = "",
    scope: Scope = "full",
    by: str = "system",
) -> NewKey:
    """A new key of a member (default: the admin) in one mode; the only time it is seen in full.

    Raises NotFound for an unknown account or member, Conflict when there is no admin, InvalidRequest for a disabled member, a labeler's
    test key, or an expiry that has passed.
    """
    if mode not in ("live", "test"):
        raise parameter("mode", "must be live or test")
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= ctx.clock.now()):
        raise parameter("expires_at", "must be a time in the future with an offset from UTC")
    async with ctx.db.tx() as tx:
        found = await find_account(tx, account)
        if member_email is None:
            member = await q.account_admin(tx, account_id=found.id)
            if member is None:
                raise Conflict(f"The account {found.name!r} has no admin yet; create one or name a member.")
        else:
            member = await q.member_by_email(tx, account_id=found.id, email=member_email)
            if member is None:
                raise NotFound(f"{member_email} is not a member of the account {found.name!r}.")
        if member.role == "disabled":
            raise InvalidRequest(f"{member.email} is disabled.")
        if mode == "test" and member.role not in TEST_MODE_ROLES:
            raise InvalidRequest(f"A {member.role} works in live mode only.")
        if member.kind == "model" and scope != "work":
            raise InvalidRequest("The key of a model contributor has the scope work.")
        key = await insert_key(tx, found, mode, member, expires_at, name, scope)
        await record_act(
            tx,
            found.id,
            by,
            "key.created",
            hint=key.hint,
            mode=mode,
            email=member.email,
            name=name,
            scope=scope,
        )
    return key


async def list_keys(ctx: Ctx, account: str | int) -> list[KeyInfo]:
    """The keys of an account, revoked ones included. Raises NotFound."""
    found = await find_account(ctx.db, account)
    return await q.keys(ctx.db, account_id=found.id)


async def revoke_key(ctx: Ctx, account: str | int, key_id: int, *, by: str = "system") -> None:
    """Ends a key; every process obeys within a second. Harmless when it is revoked already. Raises NotFound."""
    async with ctx.db.tx() as tx:
        found = await find_account(tx, account)
        hint = await q.revoke_key(tx, account_id=found.id, key_id=key_id)
        if hint is not None:
            await record_act(tx, found.id, by, "key.revoked", hint=hint)
        elif not await q.key_exists(tx, account_id=found.id, key_id=key_id):
            raise NotFound(f"The account {found.name!r} has no key {key_id}.")
