"""An optional token bucket per API key and server process (platform-api §4); off unless `STEELYARD_RATE_LIMIT` is set."""

from __future__ import annotations

import math
import time

from steelyard.errors import RateLimited

BURST_S = 10.0
"""A key that has been idle may spend this many seconds' worth at once, so that parallel clients are not refused."""


class Buckets:
    """One process's buckets; `per_second` is what each key may do in the long run."""

    def __init__(self, per_second: float):
        self._rate = per_second
        self._size = max(1.0, per_second * BURST_S)
        self._held: dict[bytes, tuple[float, float]] = {}

    def take(self, key: bytes, now: float | None = None) -> None:
        """Spends one request. Raises RateLimited with `Retry-After` in whole seconds."""
        now = time.monotonic() if now is None else now
        tokens, at = self._held.get(key, (self._size, now))
        tokens = min(self._size, tokens + (now - at) * self._rate)
        if tokens < 1.0:
            self._held[key] = (tokens, now)
            wait = max(1, math.ceil((1.0 - tokens) / self._rate))
            raise RateLimited(
                "Too many requests with this API key; slow down.", headers={"Retry-After": str(wait)}
            )
        if len(self._held) > 100_000:
            self._held.clear()
        self._held[key] = (tokens - 1.0, now)
