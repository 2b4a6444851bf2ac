"""What /metrics tells of requests: every answer once, in the right bucket, whoever counts it in between."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from steelyard.http import metrics
from steelyard.http.metrics import _BUCKETS, Metrics

_SECONDS = st.floats(0, 20) | st.sampled_from(_BUCKETS)


@given(st.lists(_SECONDS, max_size=30), st.integers(0, 30))
def test_durations_are_told_as_the_library_itself_would_tell_them(
    seconds: list[float], handed_over: int
) -> None:
    plain = Histogram("plain", "", buckets=_BUCKETS, registry=CollectorRegistry())

    async def count() -> Metrics:
        measured = Metrics()
        for n, one in enumerate(seconds):
            if n == handed_over:
                measured.flush()
            measured.observe("GET", "/v1/tasks", 200, one)
        measured.flush()
        return measured

    for one in seconds:
        plain.observe(one)
    told = {
        (sample.name.removeprefix("steelyard_http_request_seconds"), sample.labels.get("le")): sample.value
        for family in asyncio.run(count()).registry.collect()
        if family.name == "steelyard_http_request_seconds"
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
    wanted = {
        (sample.name.removeprefix("plain"), sample.labels.get("le")): sample.value
        for family in plain.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
    if seconds:
        for key, value in wanted.items():
            assert abs(told[key] - value) < 1e-9, key


async def test_what_was_counted_is_handed_over_by_itself(monkeypatch) -> None:
    monkeypatch.setattr(metrics, "_FLUSH_S", 0.01)
    measured = Metrics()
    measured.observe("GET", "/v1/tasks", 200, 0.1)
    labels = {"method": "GET", "route": "/v1/tasks", "status": "200"}
    while measured.registry.get_sample_value("steelyard_http_requests_total", labels) != 1:
        await asyncio.sleep(0.005)
    assert (
        b'steelyard_http_requests_total{method="GET",route="/v1/tasks",status="200"} 1.0' in measured.render()
    )
