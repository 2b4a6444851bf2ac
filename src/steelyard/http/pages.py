"""Pages of the console's lists: `{items, next_token}`, the token naming where the next page begins."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from msgspec import Meta, Struct

from steelyard.errors import parameter
from steelyard.ids import is_wire_id

MOST = 500
Limit = Annotated[int, Meta(ge=1, le=MOST)]
Token = Annotated[str, Meta(description="`next_token` of the page before.")]


class Paged(Struct, kw_only=True):
    """Which page of a list."""

    limit: Limit = 100
    next_token: Token | None = None


def encode(position: str | int) -> str:
    """A token for a position."""
    return base64.urlsafe_b64encode(str(position).encode()).rstrip(b"=").decode()


def _decode(token: str) -> str:
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode(
            "ascii"
        )
    except (binascii.Error, ValueError):
        return ""


def number_of(token: str | None) -> int:
    """The number in a token, 0 without one. Raises InvalidRequest."""
    if token is None:
        return 0
    text = _decode(token)
    if not text.isdigit() or len(text) > 18:
        raise parameter("next_token", "must be a token of an earlier page")
    return int(text)


def id_of(token: str | None) -> str | None:
    """The object id in a token. Raises InvalidRequest."""
    if token is None:
        return None
    text = _decode(token)
    if not is_wire_id(text):
        raise parameter("next_token", "must be a token of an earlier page")
    return text
