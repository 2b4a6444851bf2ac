"""OpenID Connect as a client: discovery, the code flow with PKCE, state and nonce, and an ID token that is checked before it is believed.

The provider is named by the operator, so its addresses are not guarded as customers' are. Its metadata and keys are kept for ten minutes;
a token signed by an unknown key has the keys fetched once more. Authlib and what it brings are loaded with the first sign-in: most
installations have no provider, and all of their server processes would keep it in memory.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from typing import Any, cast
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from msgspec import Struct

from steelyard.ctx import Ctx
from steelyard.errors import NotEnabled
from steelyard.ids import secret_token

_STATE = "net.oidc"
_KEPT_S = 600.0
_LOGIN_LASTS_S = 600
_LEEWAY_S = 60
_TIMEOUT = aiohttp.ClientTimeout(total=15)
_LONGEST = 1_000_000
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by the provider's own keys; never `none`, nor one made with a secret that we share."""


class OidcFailed(Exception):
    """Signing in did not work; `code` is for the login page, the message for the log."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code, self.message = code, message


class Login(Struct, frozen=True):
    """What the browser carries from the start of a sign-in to its end, in a signed cookie. `expires`: seconds since 1970."""

    state: str
    nonce: str
    verifier: str
    return_to: str
    expires: int


class Identity(Struct, frozen=True):
    """Who the provider says signed in; `email` only when the provider has verified it."""

    issuer: str
    subject: str
    email: str | None
    first_name: str | None
    last_name: str | None


class _Provider(Struct):
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    by_post: bool
    until: float
    keys: dict[str, Any] | None = None


def is_enabled(ctx: Ctx) -> bool:
    """Whether the operator has named a provider."""
    return ctx.settings.oidc_issuer is not None and ctx.settings.oidc_client_id is not None


def redirect_uri(ctx: Ctx) -> str:
    """The address that is to be registered with the provider."""
    return f"{ctx.public_url}/api/oidc/callback"


def _issuer(ctx: Ctx) -> tuple[str, str]:
    issuer, client_id = ctx.settings.oidc_issuer, ctx.settings.oidc_client_id
    if issuer is None or client_id is None:
        raise NotEnabled("Signing in by an identity provider is not set up on this server.")
    return issuer, client_id


async def _ask(method: str, url: str, **options: Any) -> dict[str, Any]:
    """A JSON object from the provider. Raises OidcFailed."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, trust_env=False) as session,
            session.request(method, url, allow_redirects=False, **options) as answer,
        ):
            body = await answer.content.read(_LONGEST)
            if answer.status != 200:
                raise OidcFailed("provider", f"{url} answered {answer.status}: {body[:300]!r}")
            found = msgspec.json.decode(body)
    except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError) as e:
        raise OidcFailed("provider", f"{url}: {e}") from e
    if not isinstance(found, dict):
        raise OidcFailed("provider", f"{url} answered no JSON object")
    return cast("dict[str, Any]", found)


async def _provider(ctx: Ctx) -> _Provider:
    from authlib.oidc.discovery import get_well_known_url

    issuer, _ = _issuer(ctx)
    held = cast("_Provider | None", ctx.state.get(_STATE))
    if held is not None and held.until > time.monotonic():
        return held
    said = await _ask("GET", get_well_known_url(issuer, external=True))
    if said.get("issuer") != issuer:
        raise OidcFailed("provider", f"the provider calls itself {said.get('issuer')!r}, not {issuer!r}")
    try:
        made = _Provider(
            authorization_endpoint=str(said["authorization_endpoint"]),
            token_endpoint=str(said["token_endpoint"]),
            jwks_uri=str(said["jwks_uri"]),
            userinfo_endpoint=said.get("userinfo_endpoint"),
            by_post="client_secret_basic"
            not in said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]),
            until=time.monotonic() + _KEPT_S,
        )
    except KeyError as e:
        raise OidcFailed("provider", f"the provider's metadata lack {e}") from e
    ctx.state[_STATE] = made
    return made


async def begin(ctx: Ctx, return_to: str) -> tuple[str, Login]:
    """The provider's address to send the browser to, and what it must bring back. Raises OidcFailed, NotEnabled."""
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    _, client_id = _issuer(ctx)
    provider = await _provider(ctx)
    expires = int(ctx.clock.now().timestamp()) + _LOGIN_LASTS_S
    login = Login(secret_token(24), secret_token(24), secret_token(48), return_to, expires)
    query = urlencode(
        {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri(ctx),
            "scope": "openid email profile",
            "state": login.state,
            "nonce": login.nonce,
            "code_challenge": create_s256_code_challenge(login.verifier),
            "code_challenge_method": "S256",
        }
    )
    joint = "&" if "?" in provider.authorization_endpoint else "?"
    return f"{provider.authorization_endpoint}{joint}{query}", login


async def finish(ctx: Ctx, login: Login, code: str, state: str) -> Identity:
    """Exchanges the code that the browser brought. Raises OidcFailed, NotEnabled."""
    issuer, client_id = _issuer(ctx)
    if not hmac.compare_digest(state.encode(), login.state.encode()):
        raise OidcFailed("state", "the answer belongs to another sign-in")
    provider = await _provider(ctx)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(ctx),
        "code_verifier": login.verifier,
    }
    headers: dict[str, str] = {}
    secret = ctx.settings.oidc_client_secret
    if secret is None or provider.by_post:
        form |= {"client_id": client_id, **({"client_secret": secret} if secret else {})}
    else:
        pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    tokens = await _ask("POST", provider.token_endpoint, data=form, headers=headers)
    claims = await _verified(ctx, provider, tokens, issuer, client_id, login.nonce)
    subject = str(claims["sub"])
    if not claims.get("email") and provider.userinfo_endpoint and tokens.get("access_token"):
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        told = await _ask("GET", provider.userinfo_endpoint, headers=bearer)
        if told.get("sub") != subject:
            raise OidcFailed("token", "the user information is about somebody else")
        claims = {**told, **claims}
    verified = claims.get("email_verified") in (True, "true")
    return Identity(
        issuer,
        subject,
        str(claims["email"]) if verified and claims.get("email") else None,
        _text(claims.get("given_name")),
        _text(claims.get("family_name")),
    )


def _text(value: Any) -> str | None:
    return value.strip()[:100] or None if isinstance(value, str) and value.isprintable() else None


async def _verified(
    ctx: Ctx, provider: _Provider, tokens: dict[str, Any], issuer: str, client_id: str, nonce: str
) -> dict[str, Any]:
    """The claims of the ID token, its signature, issuer, audience, times and nonce checked."""
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    raw = tokens.get("id_token")
    if not isinstance(raw, str):
        raise OidcFailed("token", "the provider gave no ID token")
    for fresh in (False, True):
        if provider.keys is None or fresh:
            provider.keys = await _ask("GET", provider.jwks_uri)
        try:
            token = jwt.decode(raw, KeySet.import_key_set(cast("Any", provider.keys)), algorithms=_ALGORITHMS)
            break
        except (JoseError, ValueError, KeyError, TypeError) as e:
            if fresh:
                raise OidcFailed("token", f"the ID token's signature is not good: {e}") from e
    else:
        raise AssertionError("unreachable")
    claims = CodeIDToken(
        token.claims,
        token.header,
        options={"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
        params={"nonce": nonce, "client_id": client_id, "access_token": tokens.get("access_token")},
    )
    try:
        claims.validate(now=int(ctx.clock.now().timestamp()), leeway=_LEEWAY_S)
    except Exception as e:
        raise OidcFailed("token", f"the ID token is not good: {e}") from e
    return dict(claims)


def seal(ctx: Ctx, login: Login) -> str:
    """The cookie's value: signed, so that it can only be one of ours."""
    body = msgspec.json.encode(login)
    return base64.urlsafe_b64encode(_mac(ctx, body) + body).rstrip(b"=").decode()


def unseal(ctx: Ctx, text: str) -> Login:
    """What `seal` was given. Raises OidcFailed for what is forged or past its time."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        mac, body = raw[:32], raw[32:]
        if not hmac.compare_digest(mac, _mac(ctx, body)):
            raise OidcFailed("state", "the cookie is not ours")
        login = msgspec.json.decode(body, type=Login)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as e:
        raise OidcFailed("state", "the cookie cannot be read") from e
    if login.expires < ctx.clock.now().timestamp():
        raise OidcFailed("state", "signing in took too long")
    return login


def _mac(ctx: Ctx, body: bytes) -> bytes:
    key = hmac.digest(ctx.secret_key, b"oidc login v1", hashlib.sha256)
    return hmac.digest(key, body, hashlib.sha256)
