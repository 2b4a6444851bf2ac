"""Measurements of callback delivery; workers keep them where the servers' /metrics finds them (see http/metrics.py)."""

from __future__ import annotations

from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from steelyard.ctx import Ctx

_STATE = "callbacks.metrics"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_DELAYS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)


class CallbackMetrics:
    """One process's."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        tries = Counter(
            "steelyard_callback_tries", "Tries of deliveries by outcome", ["outcome"], registry=registry
        )
        self._tries = {o: tries.labels(o) for o in ("delivered", "refused", "unanswered", "skipped")}
        self.seconds = Histogram(
            "steelyard_callback_try_seconds",
            "Time that a receiver took",
            buckets=_SECONDS,
            registry=registry,
        )
        self.first_s = Histogram(
            "steelyard_callback_first_try_seconds",
            "Time from the change to the first try of telling it",
            buckets=_DELAYS,
            registry=registry,
        )
        self.open_circuits = Gauge(
            "steelyard_callback_open_circuits",
            "Receivers that have stopped answering and are left alone",
            multiprocess_mode="livemax",
            registry=registry,
        )

    def tried(self, status: int | None, error: str | None, duration_ms: int) -> None:
        """Counts a try."""
        if status is None:
            self._tries["skipped" if error == "circuit_open" else "unanswered"].inc()
            return
        self._tries["delivered" if 200 <= status < 300 else "refused"].inc()
        self.seconds.observe(duration_ms / 1000)


def metrics_of(ctx: Ctx) -> CallbackMetrics:
    """The process's measurements."""
    found = cast("CallbackMetrics | None", ctx.state.get(_STATE))
    if found is None:
        found = ctx.state[_STATE] = CallbackMetrics()
    return found
