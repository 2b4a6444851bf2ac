"""Sharing statements: what comes alone waits for nobody, what comes in a stream goes together."""

from __future__ import annotations

import asyncio
import time

from steelyard.db.coalesce import Coalescer


async def test_a_lone_item_goes_at_once_and_a_stream_in_larger_pieces() -> None:
    runs: list[list[int]] = []

    async def run(items: list[int]) -> list[int]:
        runs.append(items)
        return [-i for i in items]

    shared = Coalescer(run, pace_s=0.2)
    began = time.monotonic()
    assert await shared(1) == -1
    assert time.monotonic() - began < 0.1
    assert await asyncio.gather(*map(shared, range(10))) == [-i for i in range(10)]
    assert runs == [[1], list(range(10))]
    assert time.monotonic() - began >= 0.19


async def test_a_full_piece_is_not_kept_waiting() -> None:
    runs: list[int] = []

    async def run(items: list[int]) -> list[int]:
        runs.append(len(items))
        return items

    shared = Coalescer(run, limit=5, pace_s=30.0)
    async with asyncio.timeout(5):
        await asyncio.gather(*map(shared, range(10)))
    assert runs == [5, 5]


async def test_a_bad_item_fails_alone() -> None:
    async def run(items: list[int]) -> list[int]:
        if 3 in items:
            raise ValueError("three")
        return items

    found = await asyncio.gather(*map(Coalescer(run), range(5)), return_exceptions=True)
    assert [type(f).__name__ for f in found] == ["int", "int", "int", "ValueError", "int"]
