"""How often signing in may fail: per address pair, per e-mail and per client address, counted in each server process.

In-process on purpose: guesses must not cost database writes, and with N processes an attacker gains a factor N on a limit that is far
below what guessing needs.
"""

from __future__ import annotations

import time
from collections import deque
from math import ceil

from steelyard.ctx import Ctx
from steelyard.errors import RateLimited

WINDOW_S = 900.0
PER_PAIR, PER_EMAIL, PER_ADDRESS = 10, 50, 100
_MOST_KEYS = 20_000


class Failures:
    """The recent failures of one process by key; the oldest keys are forgotten when there are too many."""

    def __init__(self) -> None:
        self._held: dict[str, deque[float]] = {}

    def wait_s(self, key: str, limit: int, now: float) -> float:
        """Seconds until `key` may try again; 0 when it may now."""
        times = self._held.get(key)
        if times is None:
            return 0.0
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        if not times:
            del self._held[key]
            return 0.0
        return 0.0 if len(times) < limit else times[-limit] + WINDOW_S - now

    def add(self, key: str, now: float) -> None:
        times = self._held.pop(key, None) or deque(maxlen=PER_ADDRESS)
        times.append(now)
        self._held[key] = times
        if len(self._held) > _MOST_KEYS:
            del self._held[next(iter(self._held))]

    def take_back(self, key: str) -> None:
        times = self._held.get(key)
        if times:
            times.pop()

    def clear(self, key: str) -> None:
        self._held.pop(key, None)


def _failures(ctx: Ctx) -> Failures:
    return ctx.state.setdefault("login_failures", Failures())


def _keys(email: str, address: str) -> list[tuple[str, int]]:
    email = email.strip().lower()[:320]
    return [(f"b {address} {email}", PER_PAIR), (f"e {email}", PER_EMAIL), (f"a {address}", PER_ADDRESS)]


def begin(ctx: Ctx, email: str, address: str) -> None:
    """Counts an attempt as failed until `succeeded` says otherwise, so that guesses sent all at once are limited too.

    Raises RateLimited with Retry-After when there were too many failures in the last 15 minutes.
    """
    held, now = _failures(ctx), time.monotonic()
    keys = _keys(email, address)
    wait = max(held.wait_s(key, limit, now) for key, limit in keys)
    if wait > 0:
        raise RateLimited(
            "Too many failed attempts to sign in; try again later.", headers={"Retry-After": str(ceil(wait))}
        )
    for key, _ in keys:
        held.add(key, now)


def succeeded(ctx: Ctx, email: str, address: str) -> None:
    """Takes the attempt back, and forgets the failures of this e-mail from this address."""
    held = _failures(ctx)
    (pair, _), *others = _keys(email, address)
    held.clear(pair)
    for key, _ in others:
        held.take_back(key)
