"""From credentials to an Actor: API keys by Basic or Bearer, the browser's session by cookie with a CSRF token (platform-api §2)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time

from steelyard import users
from steelyard.ctx import Actor, Ctx, Mode
from steelyard.db.remembered import Remembered
from steelyard.errors import CsrfRefused, Forbidden, InvalidRequest, SessionEnded, Unauthorized
from steelyard.http.ratelimit import Buckets
from steelyard.http.route import Access, Call

SESSION_COOKIE = b"steelyard_session"
_TTL_S = 1.0
"""How long a key's actor is remembered: revocation and role changes act within a second."""
_NO_KEY = "A valid API key is required."
_MODE = b"x-steelyard-mode"
_CSRF = b"x-csrf-token"


def _key_of(header: bytes) -> str | None:
    scheme, _, rest = header.partition(b" ")
    lowered = scheme.lower()
    if lowered == b"bearer" and rest.strip():
        return rest.strip().decode("latin-1")
    if lowered == b"basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).partition(b":")[0].decode("utf-8") or None
        except (binascii.Error, UnicodeDecodeError, ValueError):
            return None
    return None


def _actors(ctx: Ctx) -> Remembered[bytes, Actor]:
    held: Remembered[bytes, Actor] | None = ctx.state.get("auth")
    if held is None:

        async def read(header: bytes) -> Actor | None:
            key = _key_of(header)
            if key is None or "\x00" in key:
                return None
            digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
            return await users.actor_by_key(ctx, digest)

        held = ctx.state["auth"] = Remembered(read, _TTL_S)
    return held


def known_actor(ctx: Ctx, header: bytes) -> Actor | None:
    """The actor of an Authorization header that was looked up a moment ago."""
    return _actors(ctx).known(header)


async def actor_of_key(ctx: Ctx, header: bytes) -> Actor:
    """The actor of an Authorization header. Raises Unauthorized."""
    actor = await _actors(ctx).get(header)
    if actor is None:
        raise Unauthorized(_NO_KEY)
    return actor


async def authenticate(call: Call, access: Access) -> None:
    """Sets `call.actor`, or raises Unauthorized or Forbidden. Cookie sessions need the CSRF header on every unsafe method."""
    header = call.header(b"authorization")
    if header is not None:
        call.actor = await actor_of_key(call.ctx, header)
        limit = call.ctx.settings.rate_limit
        if limit is not None:
            call.ctx.state.setdefault("buckets", Buckets(limit)).take(header)
    elif is_browser(call):
        call.session, call.actor = await _session(call)
    else:
        raise Unauthorized(_NO_KEY)
    check_access(call.actor, access, safe=call.route.method == "GET")


def check_access(actor: Actor, access: Access, *, safe: bool) -> None:
    """Whether a member may use a route; `safe`: it changes nothing. Raises Forbidden."""
    if access.act is not None and not users.within(actor.scope, access.act, safe=safe):
        raise Forbidden(f"This API key has the scope {actor.scope}, which does not include this.")
    if actor.role not in access.roles:
        raise Forbidden(
            f"The role {actor.role} may not do this; it needs one of: {', '.join(sorted(access.roles))}."
        )


async def member_of(call: Call) -> int | None:
    """Whose key or session a request on a public route brings, None if nobody's that is known. Looked up once in a few seconds."""
    header = call.header(b"authorization")
    if header is not None:
        try:
            return (await actor_of_key(call.ctx, header)).member_id
        except Unauthorized:
            return None
    token = cookie(call, SESSION_COOKIE)
    if token is None:
        return None
    digest, now = hashlib.sha256(token).digest(), time.monotonic()
    held: dict[bytes, tuple[float, int | None]] = call.ctx.state.setdefault("auth.readers", {})
    known = held.get(digest)
    if known is not None and known[0] > now:
        return known[1]
    found = await users.actor_by_session(call.ctx, digest, "live")
    if len(held) > 10_000:
        held.clear()
    member_id = None if found is None else found[1].member_id
    held[digest] = (now + _TTL_S, member_id)
    return member_id


def is_browser(call: Call) -> bool:
    """Whether an unauthorised caller is our own page rather than a program with a key: it must be told that its session is over, and not
    be offered Basic, for which browsers open a window of their own."""
    return (
        call.route.surface == "api"
        or call.header(_MODE) is not None
        or call.header(_CSRF) is not None
        or cookie(call, SESSION_COOKIE) is not None
    )


async def _session(call: Call) -> tuple[users.Session, Actor]:
    token = cookie(call, SESSION_COOKIE)
    mode = _mode(call.header(_MODE))
    found = await users.actor_by_session(call.ctx, hashlib.sha256(token).digest(), mode) if token else None
    if token is None or found is None:
        raise SessionEnded("Sign in first.", headers={"X-Steelyard-Code": SessionEnded.code})
    session, actor = found
    if call.route.method != "GET":
        given = call.header(_CSRF) or b""
        if not hmac.compare_digest(given, session.csrf_token.encode()):
            raise CsrfRefused(
                "The X-CSRF-Token header is missing or wrong; reload the page.",
                headers={"X-Steelyard-Code": CsrfRefused.code},
            )
    if mode == "test" and not users.sees_test_mode(actor.role):
        raise Forbidden(f"A {actor.role} works in live mode only.")
    if session.renew:
        lasts = await users.renew_session(call.ctx, hashlib.sha256(token).digest())
        if lasts is not None:
            call.answer_headers.append(session_cookie(call.ctx, token.decode("latin-1"), lasts))
    return session, actor


def _mode(header: bytes | None) -> Mode:
    """The mode that a session asks for, live unless said. Raises InvalidRequest."""
    given = (header or b"live").decode("latin-1").strip().lower()
    if given not in ("live", "test"):
        raise InvalidRequest("The X-Steelyard-Mode header must be live or test.")
    return given


def session_cookie(ctx: Ctx, token: str, max_age_s: int) -> tuple[str, str]:
    """The header that sets the session's cookie; 0 seconds remove it."""
    secure = "; Secure" if ctx.public_url.startswith("https://") else ""
    name = SESSION_COOKIE.decode()
    return "Set-Cookie", f"{name}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"


def cookie(call: Call, name: bytes) -> bytes | None:
    """A cookie's value, or None."""
    for part in (call.header(b"cookie") or b"").split(b";"):
        key, _, value = part.strip().partition(b"=")
        if key == name:
            return value
    return None
