"""What many requests ask for again and again and may be a moment old: read once for all who ask at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_EARLY = 0.4
"""What is asked for in this last part of its time is read anew meanwhile, so that under load nobody ever waits for it."""


class Remembered(Generic[K, V]):
    """Values by key, believed for `ttl_s` after their reading began. `read` gives None for what is not there, which is not remembered.

    Without the sharing, all requests in hand would read the same when its time is over: a stall of 15 ms each second.
    """

    def __init__(self, read: Callable[[K], Awaitable[V | None]], ttl_s: float, limit: int = 10_000):
        self._read, self._ttl_s, self._limit = read, ttl_s, limit
        self._held: dict[K, tuple[float, V]] = {}
        self._reading: dict[K, asyncio.Task[V | None]] = {}

    def known(self, key: K) -> V | None:
        """The value, if it was read a moment ago."""
        held = self._held.get(key)
        if held is None:
            return None
        left = held[0] - time.monotonic()
        if left <= 0:
            return None
        if left < self._ttl_s * _EARLY and key not in self._reading:
            self._begin(key)
        return held[1]

    async def get(self, key: K) -> V | None:
        """The value, read if it is not known. Raises what `read` raises."""
        known = self.known(key)
        if known is not None:
            return known
        # Who asked first may go away; the others still wait.
        return await asyncio.shield(self._reading.get(key) or self._begin(key))

    def put(self, key: K, value: V, until: float | None = None) -> None:
        """Remembers a value, from now on or until a moment of the monotonic clock."""
        if len(self._held) >= self._limit:
            self._held.clear()
        self._held[key] = (time.monotonic() + self._ttl_s if until is None else until, value)

    def forget(self, key: K) -> None:
        """It has changed: what is being read of it now does not count either."""
        self._held.pop(key, None)
        self._reading.pop(key, None)

    def clear(self) -> None:
        """Forgets all."""
        self._held.clear()
        self._reading.clear()

    def _begin(self, key: K) -> asyncio.Task[V | None]:
        task = self._reading[key] = asyncio.create_task(self._fresh(key))
        task.add_done_callback(_seen)
        return task

    async def _fresh(self, key: K) -> V | None:
        until = time.monotonic() + self._ttl_s
        me = asyncio.current_task()
        try:
            value = await self._read(key)
            if self._reading.get(key) is me:
                if value is None:
                    self._held.pop(key, None)
                else:
                    self.put(key, value, until)
            return value
        finally:
            if self._reading.get(key) is me:
                del self._reading[key]


def _seen(task: asyncio.Task[object]) -> None:
    """Those who wait are told; what was read ahead in vain is read again when it is asked for."""
    if not task.cancelled():
        task.exception()
