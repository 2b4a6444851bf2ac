"""Batching without a timer: whatever arrives while a statement is in flight goes into the next one.

A lone caller waits for nobody; under load one statement serves many. Used where every item costs the same small write or read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Coalescer(Generic[A, B]):
    """`await c(item)` → the item's result. `run` gets 1..`limit` items and returns as many results, in order.

    When a run of several items fails, each is run again alone, so that a bad one fails alone; `run` must be all or nothing. With a `pace_s`,
    runs begin at least so far apart: what comes in a stream goes in larger pieces, and what comes alone still waits for nobody.
    """

    def __init__(
        self, run: Callable[[list[A]], Awaitable[Sequence[B]]], *, limit: int = 200, pace_s: float = 0.0
    ):
        self._run, self._limit, self._pace_s = run, limit, pace_s
        self._next_at = 0.0
        self._waiting: list[tuple[A, asyncio.Future[B]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, item: A) -> B:
        future: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        try:
            while self._waiting:
                if self._pace_s and len(self._waiting) < self._limit:
                    pause_s = self._next_at - time.monotonic()
                    if pause_s > 0:
                        await asyncio.sleep(pause_s)
                    self._next_at = time.monotonic() + self._pace_s
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                await self._one(batch)
        finally:
            self._task = None

    async def _one(self, batch: list[tuple[A, asyncio.Future[B]]]) -> None:
        try:
            results = await self._run([item for item, _ in batch])
        except Exception as e:
            if len(batch) == 1:
                if not batch[0][1].done():
                    batch[0][1].set_exception(e)
                return
            for pair in batch:
                await self._one([pair])
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():  # its caller may have been cancelled
                future.set_result(result)

    async def settle(self) -> None:
        """Waits until nothing is in flight."""
        while self._task is not None:
            await asyncio.wait([self._task])
