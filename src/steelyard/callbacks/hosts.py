"""How many deliveries a receiver gets at once: many while it answers quickly, few while it is slow, so that a hanging receiver holds
few of the worker's slots and never starves the others. Per process."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from steelyard.jobs.specs import RetryLater

_FEWEST = 4
_UNKNOWN = 8  # to a receiver that has not answered anything yet
_PATIENCE_S = 0.5  # how long a delivery may hold its slot waiting for its turn
_REMEMBERED = 10_000


class _Host:
    __slots__ = ("active", "answered", "latency_s", "started", "waiting")

    def __init__(self) -> None:
        self.active = 0
        self.answered = 0
        self.latency_s = 0.1
        self.started: dict[object, float] = {}  # oldest first
        self.waiting: deque[asyncio.Future[None]] = deque()

    def slowness_s(self) -> float:
        """How long an answer takes: as seen lately, or at least as long as the oldest delivery has been waiting for its own."""
        oldest = next(iter(self.started.values()), None)
        return self.latency_s if oldest is None else max(self.latency_s, time.monotonic() - oldest)


class Hosts:
    """Turns per receiver; `most` at once for one that answers within a second."""

    def __init__(self, most: int):
        self._most = max(most, _FEWEST)
        self._hosts: dict[str, _Host] = {}

    def _limit(self, host: _Host) -> int:
        most = min(self._most, _UNKNOWN + 2 * host.answered)
        return max(_FEWEST, int(most / max(1.0, host.slowness_s()) ** 1.5))

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncGenerator[None]:
        """Waits for a turn; raises RetryLater, giving the slot back, when that would take more than half a second."""
        host = self._hosts.get(name)
        if host is None:
            self._forget()
            host = self._hosts[name] = _Host()
        if host.active < self._limit(host) and not host.waiting:
            host.active += 1
        else:
            await self._wait(host)
        me = object()
        started = host.started[me] = time.monotonic()
        try:
            yield
        finally:
            del host.started[me]
            host.latency_s += 0.2 * (time.monotonic() - started - host.latency_s)
            host.active -= 1
            host.answered += 1
            self._hand_on(host)

    async def _wait(self, host: _Host) -> None:
        ahead_s = (len(host.waiting) + 1) * host.slowness_s() / self._limit(host)
        if ahead_s <= _PATIENCE_S:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            host.waiting.append(turn)
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await turn
            except BaseException as e:
                if turn.done() and not turn.cancelled():  # the turn came in the same instant: pass it on
                    host.active -= 1
                    self._hand_on(host)
                else:
                    host.waiting.remove(turn)
                if not isinstance(e, TimeoutError):
                    raise
            else:
                return
        raise RetryLater(random.uniform(0.5, 2.0 + min(2 * ahead_s, 60.0)))  # noqa: S311

    def _hand_on(self, host: _Host) -> None:
        while host.waiting and host.active < self._limit(host):
            turn = host.waiting.popleft()
            if not turn.done():
                host.active += 1
                turn.set_result(None)

    def _forget(self) -> None:
        if len(self._hosts) >= _REMEMBERED:
            self._hosts = {name: h for name, h in self._hosts.items() if h.active or h.waiting}
