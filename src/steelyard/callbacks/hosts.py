"""How many deliveries a receiver gets at once: many while it answers quickly, few while it is slow, so that a hanging receiver holds
few of the worker's slots and never starves the others; none for a while once it has stopped answering at all. Per process.

Receivers that have not answered yet or have just failed to share half of the slots, so that many dead ones cannot take them all either.
"""

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
_PATIENCE_S = (
    0.5,
    2.0,
)  # how long a delivery may hold its slot waiting for its turn: in general, and for a receiver that answers well
_CALM = 256  # so many may be put off for a short time before a receiver has said anything
_REMEMBERED = 10_000
_FAILURES = 8  # in a row, without any answer: the circuit opens
_OPEN_S = (2.0, 60.0)  # how long at first and at most; doubled each time that the probe fails, too


class CircuitOpen(Exception):
    """The receiver has stopped answering and is left alone; one delivery at a time finds out when it is back."""


class Turn:
    """A delivery's turn. Whoever holds it says whether the receiver answered, with whatever status."""

    __slots__ = ("answered",)

    def __init__(self) -> None:
        self.answered = False


class _Host:
    __slots__ = (
        "active",
        "answered",
        "failures",
        "latency_s",
        "open_s",
        "open_until",
        "probing",
        "put_off",
        "started",
        "waiting",
    )

    def __init__(self) -> None:
        self.active = 0
        self.answered = 0
        self.latency_s = 0.1
        self.started: dict[object, float] = {}  # oldest first
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.failures = 0
        self.open_s = 0.0  # 0: closed
        self.open_until = 0.0
        self.probing = False
        self.put_off = 0  # deliveries sent away since something was last heard

    @property
    def suspect(self) -> bool:
        """Whether nothing speaks for its answering in time."""
        return self.failures > 0 or self.answered == 0

    def heard(self, answered: bool) -> None:
        """Moves the circuit by the outcome of a delivery."""
        if answered:
            self.failures, self.open_s, self.put_off = 0, 0.0, 0
            self.answered += 1
            return
        self.failures += 1
        now = time.monotonic()
        if self.failures >= _FAILURES and now >= self.open_until:
            self.open_s = min(max(_OPEN_S[0], 2 * self.open_s), _OPEN_S[1])
            self.open_until = now + self.open_s

    def slowness_s(self) -> float:
        """How long an answer takes: as seen lately, or at least as long as the oldest delivery has been waiting for its own."""
        oldest = next(iter(self.started.values()), None)
        return self.latency_s if oldest is None else max(self.latency_s, time.monotonic() - oldest)


class Hosts:
    """Turns per receiver; `most` at once for one that answers within a second."""

    def __init__(self, most: int):
        self._most = max(most, _FEWEST)
        self._suspects_at_work = 0
        self._hosts: dict[str, _Host] = {}

    def _limit(self, host: _Host) -> int:
        most = min(self._most, _UNKNOWN + 2 * host.answered)
        return max(_FEWEST, int(most / max(1.0, host.slowness_s()) ** 1.5))

    @property
    def open_circuits(self) -> int:
        """Receivers that are being left alone."""
        return sum(h.open_s > 0 for h in self._hosts.values())

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncGenerator[Turn]:
        """Waits for a turn; raises RetryLater, giving the slot back, when that would take too long, and CircuitOpen."""
        host = self._hosts.get(name)
        if host is None:
            self._forget()
            host = self._hosts[name] = _Host()
        probe = self._probes(host)
        suspect = host.suspect
        if suspect and not probe and self._suspects_at_work >= 2 * self._most:
            raise RetryLater(random.uniform(0.5, 2.0))  # noqa: S311
        if probe or (host.active < self._limit(host) and not host.waiting):
            host.active += 1
        else:
            await self._wait(host)
        host.probing = host.probing or probe
        self._suspects_at_work += suspect
        me, turn = object(), Turn()
        started = host.started[me] = time.monotonic()
        try:
            yield turn
        finally:
            del host.started[me]
            host.latency_s += 0.2 * (time.monotonic() - started - host.latency_s)
            host.active -= 1
            self._suspects_at_work -= suspect
            if probe:
                host.probing = False
            host.heard(turn.answered)
            self._hand_on(host)

    @staticmethod
    def _probes(host: _Host) -> bool:
        """Whether this delivery is to find out if the receiver is back. Raises CircuitOpen for the others."""
        if not host.open_s:
            return False
        if host.probing or time.monotonic() < host.open_until:
            raise CircuitOpen
        return True

    async def _wait(self, host: _Host) -> None:
        ahead_s = (len(host.waiting) + 1) * host.slowness_s() / self._limit(host)
        # Giving a slot back and taking it again costs as much as a delivery. Half of the slots may wait for one good receiver.
        good = not host.suspect and host.slowness_s() < 1.0 and len(host.waiting) < 2 * self._most
        patience_s = _PATIENCE_S[good]
        if ahead_s <= patience_s:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            host.waiting.append(turn)
            try:
                async with asyncio.timeout(patience_s):
                    await turn
            except BaseException as e:
                if turn.done() and not turn.cancelled():  # the turn came in the same instant: pass it on
                    host.active -= 1
                    self._hand_on(host)
                elif turn in host.waiting:  # a cancelled one may have been thrown out already
                    host.waiting.remove(turn)
                if not isinstance(e, TimeoutError):
                    raise
            else:
                return
        # Thousands that come back every second for a receiver that says nothing would hold up everybody else's.
        host.put_off += 1
        crowd_s = max(0, host.put_off - _CALM) / 20 if host.suspect else 0.0
        raise RetryLater(random.uniform(0.5, 2.0 + min(2 * ahead_s + crowd_s, 60.0)))  # noqa: S311

    def _hand_on(self, host: _Host) -> None:
        while host.waiting and host.active < self._limit(host):
            turn = host.waiting.popleft()
            if not turn.done():
                host.active += 1
                turn.set_result(None)

    def _forget(self) -> None:
        if len(self._hosts) >= _REMEMBERED:
            self._hosts = {name: h for name, h in self._hosts.items() if h.active or h.waiting}
