"""The process pool for numeric work, and looking into files of strangers there: neither memory nor time nor a crash of a decoder is a danger to
the process that asks."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import resource
import signal
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from steelyard.ctx import Ctx

T = TypeVar("T")
_PR_SET_PDEATHSIG = 1
_STATE = "cpu.alone"


class FileFatal(Exception):
    """Looking into a file ended the process that did it, also where it was the only one there; the message is for the customer."""


class CpuPool(ProcessPoolExecutor):
    """A process pool. Its processes start on first use and end with their parent, however that ends; a pool broken by a killed process is
    replaced. No process may take more than `memory_bytes` of memory for data."""

    def __init__(self, processes: int, memory_bytes: int):
        self._count, self._memory = processes, memory_bytes
        self._begin()

    def _begin(self) -> None:
        super().__init__(
            self._count,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_confine,
            initargs=(self._memory, os.getpid()),
        )

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().submit(fn, *args, **kwargs)
        except BrokenProcessPool:
            self._begin()
            return super().submit(fn, *args, **kwargs)


def _confine(memory_bytes: int, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError, AttributeError):
        pass  # not Linux, or less is allowed already: the pool's pipes end its processes on an orderly exit
    if os.getppid() != parent:  # it died before we asked to be told
        os._exit(1)


async def look_into(ctx: Ctx, fn: Callable[..., T], *args: Any) -> T:
    """`fn(*args)` in the pool, for `processing_timeout_seconds` at most. `fn` must bear being run twice.

    When its process ends under it, another file's job may be to blame: it runs once more in a process of its own. Raises FileFatal when that
    one ends, too.
    """
    loop, limit_s = asyncio.get_running_loop(), ctx.settings.processing_timeout_seconds
    try:
        return await loop.run_in_executor(ctx.cpu, _timed, limit_s, fn, *args)
    except BrokenProcessPool:
        pass
    alone: _Alone = ctx.state.setdefault(_STATE, _Alone())
    async with alone.turn(ctx.settings.processing_memory_bytes) as pool:
        try:
            return await loop.run_in_executor(pool, _timed, limit_s, fn, *args)
        except BrokenProcessPool:
            raise FileFatal("The file takes more time or memory than this server allows.") from None


class _Alone:
    """A pool of one process for one job at a time, there while somebody waits for it."""

    def __init__(self) -> None:
        self._lock, self._waiting = asyncio.Lock(), 0
        self._pool: CpuPool | None = None

    @asynccontextmanager
    async def turn(self, memory_bytes: int) -> AsyncGenerator[CpuPool]:
        self._waiting += 1
        try:
            async with self._lock:
                self._pool = self._pool or CpuPool(1, memory_bytes)
                yield self._pool
        finally:
            self._waiting -= 1
            if not self._waiting and self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = None


def _timed(limit_s: float, fn: Callable[..., T], *args: Any) -> T:
    # The signal's default ends the process, also inside a decoder that never looks at Python's.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        return fn(*args)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
