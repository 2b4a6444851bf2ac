"""What commits would have to wait for on the disk, done before they come.

A commit waits until its log records are on the disk, and two things delay that far more than the write itself. Measured with 16 clients
that create tasks at some 3,000 a second, on a virtual disk:

- The log goes on into a segment that is not there yet. Filling a new one with zeros and flushing it stops every commit for 20 to 100 ms.
  PostgreSQL renames old segments into coming ones, but has none to rename until it has written them once.
- Table files grow in the operating system's memory, which after half a minute writes all of it at once: every commit of the moment waits
  up to 120 ms. PostgreSQL writes in small portions what it writes itself (`checkpoint_flush_after`), but not the pages by which files grow.
  The portions must be small here too: a second's growth at 7,000 creates a second, 40 MB, still keeps a commit waiting for 25 to 45 ms, a
  quarter of it for 20 at most.

With both out of the way the slowest hundredth of those creates takes 5 to 9 ms instead of 40 to 80.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

SEGMENT_MIB = 16
READY_SEGMENTS = 64
"""As many as the log may come to (`max_wal_size`), so that none is ever made while somebody waits; `min_wal_size` keeps them."""

_SPARE_FACTOR = 8
"""Segments are made ahead only on a disk with room for so many times what they take."""
_LOOK_EVERY_S = (0.25, 1.0)
"""While files grow, and while none does."""
_DIRTY_KIB = 8 * 1024
"""Less than this the operating system may write whenever it likes."""
_SEGMENT_NAME = re.compile(r"[0-9A-F]{24}")
_START_WRITING = 2  # SYNC_FILE_RANGE_WRITE of sync_file_range(2)


async def make_segments(dsn: str, data: Path, wanted: int = READY_SEGMENTS) -> int:
    """Makes the log go on from segment to segment until `wanted` are there, and has PostgreSQL rename them into coming ones; how many it made.

    `dsn`: as a superuser. `data`: the cluster. Nothing happens where they are there already, or where the disk has little room, and no more
    are made than PostgreSQL is set to keep.
    """
    there = sum(_SEGMENT_NAME.fullmatch(name) is not None for name in os.listdir(data / "pg_wal"))  # noqa: PTH208  # names suffice
    missing = wanted - there
    if missing <= 0 or shutil.disk_usage(data).free < missing * SEGMENT_MIB * 1024 * 1024 * _SPARE_FACTOR:
        return 0
    connection = await asyncpg.connect(dsn)
    try:
        kept = await connection.fetchval(
            "select setting::int from pg_settings where name = 'min_wal_size'"  # MiB
        )
        missing = max(0, min(wanted, kept // SEGMENT_MIB) - there)
        for _ in range(missing):
            # A switch does nothing in a segment that holds nothing.
            await connection.execute(
                "select pg_logical_emit_message(false, 'steelyard', 'makes a segment'); select pg_switch_wal()"
            )
            await asyncio.sleep(0.02)  # commits of others go between
        if missing:
            await connection.execute("checkpoint")
    finally:
        await connection.close()
    return missing


class WriteBack:
    """Has the operating system write what table files grew by, a little at a time. Does nothing where it cannot be asked to."""

    def __init__(self, data: Path):
        """`data`: the cluster."""
        self._base = data / "base"
        self._seen: dict[str, float] = {}
        self._ask = _sync_file_range()

    async def run(self) -> None:
        """Until cancelled."""
        soonest, latest = _LOOK_EVERY_S
        pause = latest
        while self._ask is not None:
            await asyncio.sleep(pause)
            asked = _dirty_kib() > _DIRTY_KIB and await asyncio.to_thread(self.once)
            pause = soonest if asked else min(2 * pause, latest)

    def once(self) -> int:
        """Asks for every file that changed since it was last asked for; how many those are. Does not wait for the disk."""
        asked = 0
        seen: dict[str, float] = {}
        for folder in _entries(self._base):
            for file in _entries(folder.path):
                with contextlib.suppress(OSError):  # dropped meanwhile
                    changed = seen[file.path] = file.stat().st_mtime
                    if self._seen.get(file.path) != changed:
                        self._start_writing(file.path)
                        asked += 1
        self._seen = seen
        return asked

    def _start_writing(self, path: str) -> None:
        assert self._ask is not None
        descriptor = os.open(path, os.O_RDONLY)
        try:
            self._ask(descriptor, 0, 0, _START_WRITING)
        finally:
            os.close(descriptor)


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _dirty_kib() -> int:
    """How much the operating system has still to write."""
    with contextlib.suppress(OSError, ValueError), open("/proc/meminfo") as lines:  # noqa: PTH123  # read every second
        for line in lines:
            if line.startswith("Dirty:"):
                return int(line.split()[1])
    return 0


def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    if sys.platform != "linux":
        return None
    function: Any = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return function
