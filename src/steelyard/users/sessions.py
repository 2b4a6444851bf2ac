"""Signing in with e-mail and password, and the browser's session. The cookie's token is stored as SHA-256 only."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from steelyard.ctx import Actor, Ctx, Mode
from steelyard.errors import Unauthorized
from steelyard.ids import secret_token
from steelyard.users import queries as q
from steelyard.users import throttle
from steelyard.users.model import LoginRow, NewSession, Session, SignedIn
from steelyard.users.passwords import verify_password

SESSION_LASTS = timedelta(days=7)
"""How long a session lives without a sign of its member; used daily, it lives up to `SESSION_ENDS`."""
SESSION_ENDS = timedelta(days=30)


async def actor_by_session(ctx: Ctx, sha256: bytes, mode: Mode = "live") -> tuple[Session, Actor] | None:
    """The session of a cookie's SHA-256 and its actor, who acts in the space of `mode`; None when it ended."""
    row = await q.actor_by_session(ctx.db, token_sha256=sha256, mode=mode)
    if row is None:
        return None
    actor = Actor(row.space_id, row.account_id, mode, row.member_id, row.email, row.role, "session")
    return Session(row.csrf_token, row.expires_at, row.renew), actor


async def renew_session(ctx: Ctx, sha256: bytes) -> int | None:
    """Lets a session live on; the seconds it now lasts, or None when it is near its last end or over."""
    return await q.renew_session(ctx.db, token_sha256=sha256, lasts=SESSION_LASTS, ends=SESSION_ENDS)


async def verify_login(
    ctx: Ctx, email: str, password: str, account: str | None = None, *, address: str = ""
) -> SignedIn:
    """The member with this e-mail and password; `account` (a name) chooses when one address belongs to several.

    Unknown addresses take as long as wrong passwords. Raises Unauthorized, or RateLimited after too many failures of this e-mail or
    from this client `address`.
    """
    throttle.begin(ctx, email, address)
    usable = "\x00" not in email and "\x00" not in (account or "") and len(email) <= 254
    found: list[LoginRow] = (
        await q.login_candidates(ctx.db, email=email.strip(), account=account) if usable else []
    )
    for candidate in found:
        right, fresh = await verify_password(password, candidate.password_hash)
        if right:
            if fresh is not None:
                await q.rehash_password(
                    ctx.db, member_id=candidate.id, password_hash=fresh, old_hash=candidate.password_hash
                )
            throttle.succeeded(ctx, email, address)
            return SignedIn(candidate.id, candidate.account_id, candidate.email, candidate.role)
    if not found:
        await verify_password(password, None)
    raise Unauthorized("The e-mail address or the password is wrong.")


async def start_session(ctx: Ctx, member_id: int) -> NewSession:
    """A session of seven days; the token is known only now."""
    token, csrf = secret_token(32), secret_token(24)
    expires_at = await q.create_session(
        ctx.db,
        token_sha256=hashlib.sha256(token.encode()).digest(),
        member_id=member_id,
        csrf_token=csrf,
        lasts=SESSION_LASTS,
    )
    assert expires_at is not None
    return NewSession(token, csrf, expires_at)


async def end_session(ctx: Ctx, sha256: bytes) -> None:
    """Ends the session of a cookie's SHA-256; harmless when it ended before."""
    await q.end_session(ctx.db, token_sha256=sha256)
