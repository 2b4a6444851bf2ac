"""Measurements of derived files, of this process (the servers' /metrics adds up all of them, see http/metrics.py)."""

from __future__ import annotations

from typing import cast

from prometheus_client import CollectorRegistry, Counter

from steelyard.ctx import Ctx

_STATE = "derived.metrics"


class DerivedMetrics:
    """One process's."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._made = Counter(
            "steelyard_derived_made",
            "Files that something was made from, by outcome",
            ["outcome"],
            registry=registry,
        )
        self._bytes = Counter(
            "steelyard_derived_made_bytes", "Bytes of derived files made", registry=registry
        )
        self._looks = Counter(
            "steelyard_derived_looks",
            "Parts asked for: found (hit) or to be made first (miss)",
            ["outcome"],
            registry=registry,
        )
        self._evicted = Counter(
            "steelyard_derived_evictions", "Derived files removed to keep the quota", registry=registry
        )
        self._evicted_bytes = Counter(
            "steelyard_derived_evicted_bytes",
            "Bytes of derived files removed to keep the quota",
            registry=registry,
        )

    def made(self, problem: str | None, size_bytes: int) -> None:
        """Counts a file that was gone through."""
        self._made.labels("made" if problem is None else "failed").inc()
        self._bytes.inc(size_bytes)

    def look(self, *, hit: bool) -> None:
        """Counts a request for a part."""
        self._looks.labels("hit" if hit else "miss").inc()

    def evicted(self, size_bytes: int) -> None:
        """Counts a removal."""
        self._evicted.inc()
        self._evicted_bytes.inc(size_bytes)


def counted(ctx: Ctx) -> DerivedMetrics:
    """The process's measurements."""
    found = cast("DerivedMetrics | None", ctx.state.get(_STATE))
    if found is None:
        found = ctx.state[_STATE] = DerivedMetrics()
    return found
