"""The optional token bucket."""

from __future__ import annotations

import pytest

from steelyard.errors import RateLimited
from steelyard.http.ratelimit import Buckets


def test_a_key_may_burst_then_is_refused_with_the_time_to_wait() -> None:
    buckets = Buckets(per_second=0.5)
    for _ in range(5):
        buckets.take(b"a", now=0.0)
    with pytest.raises(RateLimited) as refused:
        buckets.take(b"a", now=0.0)
    assert refused.value.headers["Retry-After"] == "2"
    buckets.take(b"b", now=0.0)  # another key has its own bucket
    buckets.take(b"a", now=2.0)
