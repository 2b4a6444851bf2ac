"""Signed, expiring addresses of stored media: `GET /media/<token>` needs no key, and a token opens one object of one space only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from datetime import timedelta

from msgspec import Struct

from steelyard.ctx import Ctx

_HEAD = struct.Struct(">BQQ32s")
_VERSION = 1
_MAC_BYTES = 20


class MediaToken(Struct, frozen=True):
    """What a valid token says."""

    space_id: int
    sha256: str
    mime_type: str


def _mac(ctx: Ctx, body: bytes) -> bytes:
    # The purpose is part of the key, so that no signature made for something else fits.
    key = hmac.digest(ctx.secret_key, b"media url v1", hashlib.sha256)
    return hmac.digest(key, body, hashlib.sha256)[:_MAC_BYTES]


def media_token(ctx: Ctx, space_id: int, sha256: str, mime_type: str, lifetime_s: float) -> str:
    """A token for one object, valid for `lifetime_s` seconds; URL-safe text of about 110 characters."""
    expires = int((ctx.clock.now() + timedelta(seconds=lifetime_s)).timestamp())
    body = _HEAD.pack(_VERSION, space_id, expires, bytes.fromhex(sha256)) + mime_type.encode()
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
    if version != _VERSION or expires < ctx.clock.now().timestamp():
        return None
    return MediaToken(space_id, sha256.hex(), body[_HEAD.size :].decode())
