"""Measurements of attachments, of this process (the servers' /metrics adds up all of them, see http/metrics.py)."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class AttachmentMetrics:
    """One process's."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._attachments = Counter(
            "steelyard_attachments",
            "Attachments fetched: stored, failed for good, or failed for now (again)",
            ["outcome"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "steelyard_attachment_seconds",
            "Time to fetch, check and store an attachment",
            buckets=_SECONDS,
            registry=self.registry,
        )

    def fetched(self, *, stored: bool, transient: bool, seconds: float) -> None:
        """Counts one attempt."""
        self._attachments.labels("stored" if stored else "again" if transient else "failed").inc()
        self._seconds.observe(seconds)


@cache
def counted() -> AttachmentMetrics:
    """The process's measurements, from their first use on."""
    return AttachmentMetrics()
