"""`steelyard export`: tasks into a file, going on where an interrupted one ended."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import msgspec

from steelyard.net.operator import Server, ServerFailed

Progress = Callable[[int, int], None]
"""Called with lines and bytes so far."""
_TRIES = 8
_TAIL = 64 * 1024


def end_of_file(file: IO[bytes]) -> tuple[str | None, int]:
    """The task_id of the last whole line of a file, and where that line ends; what comes after it was cut off."""
    size = file.seek(0, os.SEEK_END)
    tail, at = b"", size
    while at > 0:
        step = min(_TAIL, at)
        at -= step
        file.seek(at)
        tail = file.read(step) + tail
        end = tail.rfind(b"\n")
        if end < 0:
            continue
        begin = tail.rfind(b"\n", 0, end)
        if begin >= 0 or at == 0:
            line = tail[begin + 1 : end]
            task: dict[str, msgspec.Raw] = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            return msgspec.json.decode(task["task_id"], type=str), at + end + 1
    return None, 0


async def export(
    server: Server,
    filters: Mapping[str, str],
    target: Path | None,
    *,
    resume: bool,
    progress: Progress,
    pause_s: float = 1.0,
) -> int:
    """Writes all tasks that the filters name to `target` (None: standard output), oldest first; returns their number.

    A connection that breaks is taken up after the last whole line. Raises ServerFailed, FileExistsError.
    """
    if target is None:
        return await _receive(server, filters, sys.stdout.buffer, None, progress, pause_s)
    with target.open("r+b" if resume and target.exists() else "xb") as file:
        after, end = end_of_file(file) if resume else (None, 0)
        file.seek(end)
        file.truncate()
        count = await _receive(server, filters, file, after, progress, pause_s)
        file.flush()
        os.fsync(file.fileno())
        return count


async def _receive(
    server: Server,
    filters: Mapping[str, str],
    file: IO[bytes],
    after: str | None,
    progress: Progress,
    pause_s: float,
) -> int:
    count = size = failures = 0
    while True:
        params = dict(filters) | ({"after": after} if after else {})
        rest = b""
        try:
            async for piece in server.receive("/api/export", params):
                whole, newline, rest_now = (rest + piece).rpartition(b"\n")
                if not newline:
                    rest = rest + piece
                    continue
                rest = rest_now
                file.write(whole + newline)
                count += whole.count(b"\n") + 1
                size += len(whole) + 1
                last = whole[whole.rfind(b"\n") + 1 :]
                after = _id_of(last)
                failures = 0
                progress(count, size)
        except ServerFailed as e:
            failures += 1
            if e.answer not in (None, 502, 503, 504) or failures >= _TRIES:
                raise
            await asyncio.sleep(min(pause_s * 2**failures, 30))
            continue
        return count


class _Id(msgspec.Struct):
    task_id: str


_ids = msgspec.json.Decoder(_Id)


def _id_of(line: bytes) -> str:
    return _ids.decode(line).task_id
