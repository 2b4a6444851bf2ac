"""Values that are read once for all who ask, and anew before their time is over."""

from __future__ import annotations

import asyncio

import pytest

from steelyard.db.remembered import Remembered


class Source:
    """What is read, how often, and how long it takes."""

    def __init__(self) -> None:
        self.value: str | None = "first"
        self.reads, self.takes_s, self.broken = 0, 0.0, False

    async def __call__(self, key: int) -> str | None:
        self.reads += 1
        value = self.value
        await asyncio.sleep(self.takes_s)
        if self.broken:
            raise OSError("gone")
        return value


@pytest.fixture
def source() -> Source:
    return Source()


async def test_all_who_ask_at_once_share_one_read(source: Source) -> None:
    held = Remembered(source, 60)
    source.takes_s = 0.01
    assert held.known(1) is None
    assert await asyncio.gather(*(held.get(1) for _ in range(50))) == ["first"] * 50
    assert source.reads == 1
    assert held.known(1) == "first"


async def test_who_asked_first_and_goes_away_takes_nobody_along(source: Source) -> None:
    held = Remembered(source, 60)
    source.takes_s = 0.02
    first = asyncio.create_task(held.get(1))
    await asyncio.sleep(0.005)
    second = asyncio.create_task(held.get(1))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "first"
    assert source.reads == 1


async def test_what_is_asked_for_late_in_its_time_is_read_ahead_and_nobody_waits(source: Source) -> None:
    held = Remembered(source, 0.5)
    assert await held.get(1) == "first"
    source.value = "second"
    seen: set[str | None] = set()
    for _ in range(60):
        seen.add(held.known(1))
        await asyncio.sleep(0.02)
    assert seen == {"first", "second"}, "never unknown"
    assert 2 <= source.reads <= 6


async def test_what_nobody_asks_for_is_over_in_time(source: Source) -> None:
    held = Remembered(source, 0.05)
    assert await held.get(1) == "first"
    source.value = "second"
    await asyncio.sleep(0.06)
    assert held.known(1) is None
    assert await held.get(1) == "second"


async def test_what_is_gone_is_not_remembered(source: Source) -> None:
    held = Remembered(source, 0.2)
    assert await held.get(1) == "first"
    source.value = None
    await asyncio.sleep(0.15)
    assert held.known(1) == "first"  # and is read ahead
    await asyncio.sleep(0.01)
    assert held.known(1) is None
    assert await held.get(1) is None


async def test_a_read_that_began_before_the_change_does_not_count(source: Source) -> None:
    held = Remembered(source, 60)
    source.takes_s = 0.02
    reading = asyncio.create_task(held.get(1))
    await asyncio.sleep(0.005)
    source.value = "second"
    held.forget(1)
    assert await reading == "first"
    assert held.known(1) is None
    assert await held.get(1) == "second"


async def test_a_read_that_fails_is_told_to_all_who_wait_and_tried_anew(source: Source) -> None:
    held = Remembered(source, 60)
    source.broken = True
    assert [type(e) for e in await asyncio.gather(held.get(1), held.get(1), return_exceptions=True)] == [
        OSError
    ] * 2
    source.broken = False
    assert await held.get(1) == "first"


async def test_no_more_is_kept_than_the_limit_says(source: Source) -> None:
    held = Remembered(source, 60, limit=10)
    for key in range(25):
        await held.get(key)
    assert sum(held.known(key) is not None for key in range(25)) <= 10
