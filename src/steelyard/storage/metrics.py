"""Measurements of storage, of this process (the servers' /metrics adds up all of them, see http/metrics.py)."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter


class StorageMetrics:
    """One process's."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        moved = Counter(
            "steelyard_storage_bytes",
            "Bytes written to and read from the file store",
            ["way"],
            registry=registry,
        )
        self.written, self.read = moved.labels("written"), moved.labels("read")
        self.failures = Counter(
            "steelyard_storage_failures",
            "Times that the file store did not answer or failed",
            registry=registry,
        )


@cache
def counted() -> StorageMetrics:
    """The process's measurements, from their first use on."""
    return StorageMetrics()
