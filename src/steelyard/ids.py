"""Wire ids: 24 lowercase hex characters in creation order (platform-api §1.3).

Layout of the 12 bytes: 4 seconds, then 20 bits of microseconds, 16 bits that name the process, 28 bits of a counter. The first
eight hex digits are thus the Unix second as in a MongoDB ObjectId, ids of one machine sort by the microsecond of their creation,
and a range of creation times is a range of ids, so that `start_time`/`end_time` need no index of their own.
"""

from __future__ import annotations

import itertools
import secrets
import uuid
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_SECOND = 2**32 - 1
LATE_S = 180
"""A task is there at most so long after its id was made: statements end after 60 s, and what is made in advance is one chunk of lines."""


class IdSource:
    """Mints ids; one per process. `shard` (16 bits, random by default) keeps processes apart."""

    def __init__(self, shard: int | None = None) -> None:
        self._shard = (secrets.randbits(16) if shard is None else shard & 0xFFFF) << 28
        self._counter = itertools.count(secrets.randbits(24))
        self._last = 0

    def mint(self, now: datetime) -> str:
        """A new id for the instant `now`; never smaller than one minted before by this process."""
        at = int(now.timestamp()) << 20 | now.microsecond
        if at < self._last:
            at = self._last
        else:
            self._last = at
        return (at << 44 | self._shard | next(self._counter) & 0xFFFFFFF).to_bytes(12, "big").hex()

    def mint_many(self, now: datetime, count: int) -> list[str]:
        """`count` new ids for one instant, in order."""
        first = self.mint(now)
        return [first, *(f"{first[:17]}{next(self._counter) & 0xFFFFFFF:07x}" for _ in range(count - 1))]


def first_id_at(moment: datetime) -> str:
    """The smallest id that can be minted at `moment` or later: a lower bound for ranges. Shape: 24 hex characters."""
    micros = (moment - _EPOCH) // _MICROSECOND
    seconds, rest = divmod(micros, 1_000_000)
    if seconds < 0:
        return "0" * 24
    if seconds > _LAST_SECOND:
        return "g"  # sorts after every hex digit: nothing is that late
    return f"{seconds:08x}{rest:05x}00000000000"


def is_wire_id(text: str) -> bool:
    """Whether `text` has the shape of a wire id. Anything else simply is not found."""
    return len(text) == 24 and all(c in "0123456789abcdef" for c in text)


def secret_token(n_bytes: int = 32) -> str:
    """An unguessable URL-safe token."""
    return secrets.token_urlsafe(n_bytes)


def new_uuid() -> str:
    """A random UUID, lower case."""
    return str(uuid.uuid4())
