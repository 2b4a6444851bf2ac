"""Request counts and durations for Prometheus. With several server processes the supervisor sets PROMETHEUS_MULTIPROC_DIR, and
/metrics of any of them tells the sum."""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_left

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


_FLUSH_S = 0.5
"""So long a measurement may be missing from what another process tells."""


class _Durations(Histogram):
    """A histogram that takes many observations at once."""

    def add(self, counts: list[int], total: float) -> None:
        """`counts`: observations by bucket, the last for what exceeds all of them; `total`: their sum."""
        self._sum.inc(total)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class _Moved:
    """What one route and status has seen since it was last handed over."""

    __slots__ = ("buckets", "count", "counter", "durations", "seconds")

    def __init__(self, counter: Counter, durations: _Durations):
        self.counter, self.durations = counter, durations
        self.clear()

    def clear(self) -> None:
        self.count, self.seconds, self.buckets = 0, 0.0, [0] * (len(_BUCKETS) + 1)


class Metrics:
    """One process's measurements. They are counted here and handed over twice a second, because moving three of the library's values,
    which lie in files when there are several processes, costs a short request more than its routing."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "steelyard_http_requests",
            "Requests by route and status",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = _Durations(
            "steelyard_http_request_seconds",
            "Time to answer",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._moved: dict[tuple[str, str, int], _Moved] = {}
        self._flushing: asyncio.TimerHandle | None = None

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one answer; `seconds` from first byte read to last byte handed over."""
        key = (method, route, status)
        moved = self._moved.get(key)
        if moved is None:
            moved = _Moved(self._requests.labels(method, route, str(status)), self._seconds.labels(route))
            self._moved[key] = moved
        moved.count += 1
        moved.seconds += seconds
        moved.buckets[bisect_left(_BUCKETS, seconds)] += 1
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(_FLUSH_S, self.flush)

    def flush(self) -> None:
        """Hands over what was counted."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        for moved in self._moved.values():
            if moved.count:
                moved.counter.inc(moved.count)
                moved.durations.add(moved.buckets, moved.seconds)
                moved.clear()

    def render(self) -> bytes:
        """The text format."""
        self.flush()
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
            return generate_latest(registry)
        return generate_latest(self.registry)
