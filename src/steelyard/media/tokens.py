"""Signed, expiring addresses of stored media: a token opens one object of one space only. Those in API answers need no key; those in leased
work open for the member alone to whom they were handed, by session or key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Awaitable, Callable
from datetime import timedelta

from msgspec import Struct

from steelyard.ctx import Ctx

_HEAD = struct.Struct(">BQQ32s")
_MEMBER = struct.Struct(">Q")
_FOR_ALL, _FOR_MEMBER = 1, 2
_MAC_BYTES = 20


class MediaToken(Struct, frozen=True):
    """What a valid token says. `member_id`: for whom alone it opens, None for whoever has it."""

    space_id: int
    sha256: str
    mime_type: str
    member_id: int | None = None


def _mac(ctx: Ctx, body: bytes) -> bytes:
    # The purpose is part of the key, so that no signature made for something else fits.
    key = hmac.digest(ctx.secret_key, b"media url v1", hashlib.sha256)
    return hmac.digest(key, body, hashlib.sha256)[:_MAC_BYTES]


def media_token(
    ctx: Ctx, space_id: int, sha256: str, mime_type: str, lifetime_s: float, *, member_id: int | None = None
) -> str:
    """A token for one object, valid for `lifetime_s` seconds, for `member_id` alone unless None; URL-safe text of about 110 characters."""
    expires = int((ctx.clock.now() + timedelta(seconds=lifetime_s)).timestamp())
    version = _FOR_ALL if member_id is None else _FOR_MEMBER
    body = _HEAD.pack(version, space_id, expires, bytes.fromhex(sha256))
    body += (b"" if member_id is None else _MEMBER.pack(member_id)) + mime_type.encode()
    return base64.urlsafe_b64encode(_mac(ctx, body) + body).rstrip(b"=").decode()


def media_url(ctx: Ctx, space_id: int, sha256: str, mime_type: str, lifetime_s: float) -> str:
    """The object's public address for a while."""
    return f"{ctx.public_url}/media/{media_token(ctx, space_id, sha256, mime_type, lifetime_s)}"


def read_token(ctx: Ctx, token: str) -> MediaToken | None:
    """What a token opens; None if it is forged, damaged or past its time."""
    if len(token) > 1000 or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if len(body) < _HEAD.size or not hmac.compare_digest(mac, _mac(ctx, body)):
        return None
    version, space_id, expires, sha256 = _HEAD.unpack_from(body)
    if version not in (_FOR_ALL, _FOR_MEMBER) or expires < ctx.clock.now().timestamp():
        return None
    rest, member_id = body[_HEAD.size :], None
    if version == _FOR_MEMBER:
        (member_id,) = _MEMBER.unpack_from(rest)
        rest = rest[_MEMBER.size :]
    return MediaToken(space_id, sha256.hex(), rest.decode(), member_id)


async def opened(ctx: Ctx, token: str, who: Callable[[], Awaitable[int | None]]) -> MediaToken | None:
    """What a token opens for its reader; None also if it is another member's. `who`: the reader's member id, asked only where it matters."""
    said = read_token(ctx, token)
    if said is None or (said.member_id is not None and said.member_id != await who()):
        return None
    return said
