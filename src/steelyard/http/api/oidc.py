"""Signing in by the operator's identity provider (OpenID Connect, code flow with PKCE)."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct

from steelyard import people
from steelyard.ctx import Ctx
from steelyard.http.api.session import open_session, private
from steelyard.http.auth import cookie
from steelyard.http.route import PUBLIC, Call, Reply, Routes
from steelyard.net import oidc

routes = Routes("api", "Session")

_COOKIE = "steelyard_oidc"
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path on this server: browsers take `//host` and `/\\host` for another one."""


class OidcState(Struct, kw_only=True):
    """Whether people may sign in by an identity provider, and what to call it."""

    enabled: bool
    name: str


class BeginOidc(Struct, kw_only=True):
    """Where to go afterwards: a path of this server."""

    return_to: Annotated[str, Meta(max_length=1000)] | None = None


class FinishOidc(Struct, kw_only=True):
    """What the provider sends the browser back with."""

    code: Annotated[str, Meta(max_length=4000)] | None = None
    state: Annotated[str, Meta(max_length=400)] | None = None
    error: Annotated[str, Meta(max_length=400)] | None = None
    error_description: str | None = None
    iss: str | None = None
    session_state: str | None = None
    scope: str | None = None


def own_path(text: str | None) -> str:
    """`text` if it is a path of ours, else the start page."""
    return text if text is not None and _OWN_PATH.fullmatch(text) else "/"


def _held(ctx: Ctx, value: str, max_age_s: int) -> tuple[str, str]:
    """Lax, not Strict: the provider's redirect comes from another site."""
    secure = "; Secure" if ctx.public_url.startswith("https://") else ""
    return (
        "Set-Cookie",
        f"{_COOKIE}={value}; Path=/api/oidc; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}",
    )


def _go(to: str, *headers: tuple[str, str]) -> Reply:
    return Reply(
        b"", 302, "text/plain; charset=utf-8", [("Location", to), ("Cache-Control", "no-store"), *headers]
    )


def _refused(call: Call, failure: oidc.OidcFailed) -> Reply:
    call.ctx.log.warning("sign-in by the identity provider failed", code=failure.code, reason=failure.message)
    return _go(f"/login?error={failure.code}", _held(call.ctx, "", 0))


@routes.get("/api/oidc", response=OidcState, access=PUBLIC)
async def get_oidc(call: Call) -> Reply:
    """Whether people may sign in by an identity provider"""
    return private(OidcState(enabled=oidc.is_enabled(call.ctx), name=call.ctx.settings.oidc_name))


@routes.get(
    "/api/oidc/login", query=BeginOidc, access=PUBLIC, status=302, content_type="text/plain", errors=(402,)
)
async def begin_oidc(call: Call) -> Reply:
    """Send the browser to the identity provider"""
    try:
        url, login = await oidc.begin(call.ctx, own_path(call.query.return_to))
    except oidc.OidcFailed as failure:
        return _refused(call, failure)
    return _go(url, _held(call.ctx, oidc.seal(call.ctx, login), 600))


@routes.get(
    "/api/oidc/callback",
    query=FinishOidc,
    access=PUBLIC,
    status=302,
    content_type="text/plain",
    errors=(402,),
)
async def finish_oidc(call: Call) -> Reply:
    """Where the identity provider sends the browser back to

    Failures lead to /login with `error`: provider, state, token, denied or not-invited.
    """
    query: FinishOidc = call.query
    try:
        login = oidc.unseal(call.ctx, (cookie(call, _COOKIE.encode()) or b"").decode("latin-1"))
        if query.error is not None or query.code is None:
            raise oidc.OidcFailed("denied", f"the provider said {query.error}: {query.error_description}")
        who = await oidc.finish(call.ctx, login, query.code, query.state or "")
        member_id = await people.member_of_identity(call.ctx, who)
    except oidc.OidcFailed as failure:
        return _refused(call, failure)
    _, header = await open_session(call, member_id)
    return _go(login.return_to, header, _held(call.ctx, "", 0))
