"""`steelyard export`: tasks into a file, going on where an interrupted one ended."""

from __future__ import annotations

import asyncio
import mmap
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from steelyard.errors import InvalidRequest, SteelyardError
from steelyard.ids import LATE_S, is_wire_id
from steelyard.net.operator import Server, ServerFailed

Progress = Callable[[int, int], None]
"""Called with lines and bytes so far."""
_TRIES = 8
_PIECE = 2**20


class Lacking(SteelyardError):
    """An export was gone on with, and the server has tasks that the file has not."""

    code = "export-lacking"


class Written(Struct):
    """What a file has already. `end`: bytes up to its last whole line; `after`: where to go on, `LATE_S` before its youngest task, because
    others may have followed that one with smaller ids; `known`: the ids that the file has behind that."""

    end: int = 0
    after: str | None = None
    known: set[bytes] = set()


def written(file: IO[bytes]) -> Written:
    """Looks at the end of a file that an export has left. Raises InvalidRequest when it is something else.

    Memory: the ids of twice `LATE_S` of tasks.
    """
    found, newest = Written(), ""
    for line, end in _from_the_end(file):
        found.end = found.end or end
        task_id = _id_of(line)
        newest = max(newest, task_id)
        # Whoever went on before us began LATE_S before the youngest task of then, so from here on all are older than `after`.
        if task_id < _earlier(newest, 2 * LATE_S):
            break
        found.known.add(bytes.fromhex(task_id))
    if newest:
        found.after = _earlier(newest, LATE_S)
    return found


def _from_the_end(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Whole lines, the last one first, and where each ends; what comes after it was cut off."""
    file.flush()
    if file.seek(0, os.SEEK_END) == 0:
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = content.rfind(b"\n") + 1
        while end > 0:
            begin = content.rfind(b"\n", 0, end - 1) + 1
            yield content[begin : end - 1], end
            end = begin


def _earlier(task_id: str, seconds: int) -> str:
    return f"{max(int(task_id[:8], 16) - seconds, 0):08x}{'0' * 16}"


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

    A connection that breaks is taken up after the last whole line. With `resume` so is a file: tasks that came late are found, none is
    there twice. Raises ServerFailed, FileExistsError, InvalidRequest for a file that is no export, Lacking.
    """
    if target is None:
        return await _receive(server, filters, sys.stdout.buffer, None, progress, pause_s)
    with target.open("r+b" if resume and target.exists() else "x+b") as file:
        there = (await server.get("/v1/tasks", {**filters, "limit": "1"}))["total"] if resume else 0
        count = await _receive(server, filters, file, file, progress, pause_s)
        file.flush()
        os.fsync(file.fileno())
        if (lacking := there - _lines(file) if resume else 0) > 0:
            raise Lacking(
                f"{target} lacks {lacking:,} of {there:,} tasks. Going on finds what is new, not what was imported with older ids or"
                " has come to match the filters since; export into another file."
            )
        return count


def _lines(file: IO[bytes]) -> int:
    file.seek(0)
    return sum(piece.count(b"\n") for piece in iter(lambda: file.read(_PIECE), b""))


async def _receive(
    server: Server,
    filters: Mapping[str, str],
    sink: IO[bytes],
    file: IO[bytes] | None,
    progress: Progress,
    pause_s: float,
) -> int:
    """`file`: the sink, if it can be looked at."""
    count = size = failures = 0
    after: str | None = None
    while True:
        known = set[bytes]()
        if file is not None:
            had = written(file)
            after, known = had.after, had.known
            file.seek(had.end)
            file.truncate()
        params = dict(filters) | ({"after": after} if after else {})
        rest = b""
        try:
            async for piece in server.receive("/api/export", params):
                whole, newline, rest_now = (rest + piece).rpartition(b"\n")
                if not newline:
                    rest = rest + piece
                    continue
                rest = rest_now
                after = _id_of(whole[whole.rfind(b"\n") + 1 :])
                whole += newline
                if known:
                    whole = _without(known, whole)
                sink.write(whole)
                count += whole.count(b"\n")
                size += len(whole)
                failures = 0
                progress(count, size)
        except ServerFailed as e:
            failures += 1
            if e.answer not in (None, 502, 503, 504) or failures >= _TRIES:
                raise
            await asyncio.sleep(min(pause_s * 2**failures, 30))
            continue
        return count


def _without(known: set[bytes], lines: bytes) -> bytes:
    """The lines whose tasks are not known yet; known ones are met once."""
    new: list[bytes] = []
    for line in lines.split(b"\n")[:-1]:
        task_id = bytes.fromhex(_id_of(line))
        if task_id in known:
            known.remove(task_id)
        else:
            new.append(line + b"\n")
    return b"".join(new)


class _Id(Struct):
    task_id: str


_ids = msgspec.json.Decoder(_Id)


def _id_of(line: bytes) -> str:
    try:
        task_id = _ids.decode(line).task_id
    except msgspec.DecodeError:
        task_id = ""
    if not is_wire_id(task_id):
        raise InvalidRequest("The file is not one that an export has left: a line is no task.")
    return task_id
