"""The signature of callbacks (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body` with the secret of the space."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from functools import lru_cache

_PREFIX = "whsec_"


def new_secret() -> str:
    """A fresh secret in the form that the libraries of receivers take."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def message_id(event_id: int) -> str:
    """The same for every try and replay of an event, so that receivers can tell repetitions."""
    return f"msg_{event_id}"


@lru_cache(1000)
def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX))


def signed_headers(secret: str, event_id: int, body: bytes) -> dict[str, str]:
    """The three headers; the timestamp is that of this try, against which receivers refuse what is sent again by others later."""
    # Wall time, not steelyard.now(): receivers compare it with their own clocks.
    at, name = str(int(time.time())), message_id(event_id)
    digest = hmac.digest(_key(secret), f"{name}.{at}.".encode() + body, "sha256")
    return {
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def is_signed(secret: str, headers: dict[str, str], body: bytes, *, tolerance_s: float = 300.0) -> bool:
    """What a receiver checks; `headers` by lower-case names. For `steelyard callbacks listen`."""
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isdigit() or abs(time.time() - int(at)) > tolerance_s:
        return False
    digest = hmac.digest(_key(secret), f"{name}.{at}.".encode() + body, "sha256")
    wanted = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(wanted, given) for given in headers.get("webhook-signature", "").split())
