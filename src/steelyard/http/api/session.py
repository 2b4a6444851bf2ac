"""Signing in to the workbench. The session lives in an HttpOnly cookie; unsafe requests repeat `csrf_token` in `X-CSRF-Token`."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from msgspec import Meta, Struct, json

from steelyard import users
from steelyard.clock import wire_time
from steelyard.ctx import Actor, Ctx
from steelyard.errors import InvalidRequest, Unauthorized
from steelyard.http.auth import SESSION_COOKIE, cookie, session_cookie
from steelyard.http.route import PUBLIC, SELF, Call, Reply, Routes

routes = Routes("api", "Session")


class Login(Struct, kw_only=True):
    """Credentials. `account` (its name) is needed only when one address belongs to several accounts with one password."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1024)]
    account: Annotated[str, Meta(max_length=100)] | None = None


class SessionMember(Struct, kw_only=True):
    """Who is signed in."""

    id: str
    email: str
    role: Literal["admin", "manager", "member", "labeler"]
    first_name: str | None
    last_name: str | None
    account: str


class SessionInfo(Struct, kw_only=True):
    """A session. `csrf_token` and `expires_at` are null when an API key was used, which needs neither."""

    csrf_token: str | None
    expires_at: str | None
    mode: Literal["live", "test"]
    member: SessionMember


class SignedOut(Struct):
    """The session has ended."""

    result: Literal["success"] = "success"


def private(body: Struct, *headers: tuple[str, str]) -> Reply:
    """An answer that nobody keeps."""
    return Reply(json.encode(body), headers=[("Cache-Control", "no-store"), *headers])


async def _info(ctx: Ctx, actor: Actor, csrf_token: str | None, expires_at: str | None) -> SessionInfo:
    member = await users.member_by_email(ctx, actor.account_id, actor.email)
    if member is None or member.role == "disabled":
        raise Unauthorized("Sign in first.")
    account = await users.find_account(ctx.db, actor.account_id)
    who = SessionMember(
        id=member.public_id,
        email=member.email,
        role=member.role,
        first_name=member.first_name,
        last_name=member.last_name,
        account=account.name,
    )
    return SessionInfo(csrf_token=csrf_token, expires_at=expires_at, mode=actor.mode, member=who)


def need_json(call: Call) -> None:
    """For public routes that change something: forms of other sites cannot send this type. Raises InvalidRequest."""
    if not (call.header(b"content-type") or b"").lower().startswith(b"application/json"):
        raise InvalidRequest("The body must be sent as application/json.")


def client_address(call: Call) -> str:
    """Where the request comes from, as far as it is known."""
    client = call.scope.get("client")
    return client[0] if client else ""


async def open_session(call: Call, member_id: int) -> tuple[SessionInfo, tuple[str, str]]:
    """A new session of a member, never one that the browser brought along, and the header with its cookie. Raises Unauthorized."""
    session = await users.start_session(call.ctx, member_id)
    held = await users.actor_by_session(call.ctx, hashlib.sha256(session.token.encode()).digest())
    if held is None:
        raise Unauthorized("Sign in first.")
    info = await _info(call.ctx, held[1], session.csrf_token, wire_time(session.expires_at))
    max_age_s = int(users.SESSION_LASTS.total_seconds())
    return info, session_cookie(call.ctx, session.token, max_age_s)


@routes.post("/api/login", body=Login, response=SessionInfo, access=PUBLIC, errors=(401, 429))
async def sign_in(call: Call) -> Reply:
    """Sign in with e-mail and password

    The body must be sent as application/json, which forms of other sites cannot do.
    """
    need_json(call)
    found = await users.verify_login(
        call.ctx, call.body.email, call.body.password, call.body.account, address=client_address(call)
    )
    info, header = await open_session(call, found.id)
    return private(info, header)


@routes.post("/api/logout", response=SignedOut, access=SELF, errors=(403,))
async def sign_out(call: Call) -> Reply:
    """Sign out of this browser"""
    token = cookie(call, SESSION_COOKIE)
    if call.session is not None and token:
        await users.end_session(call.ctx, hashlib.sha256(token).digest())
    return private(SignedOut(), session_cookie(call.ctx, "", 0))


@routes.get("/api/session", response=SessionInfo, access=SELF)
async def get_session(call: Call) -> Reply:
    """Who is signed in"""
    session: users.Session | None = call.session
    if session is None:
        return private(await _info(call.ctx, call.actor, None, None))
    return private(await _info(call.ctx, call.actor, session.csrf_token, wire_time(session.expires_at)))
