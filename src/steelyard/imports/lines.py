"""Lines of NDJSON and what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any, Literal, Protocol, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from steelyard.db.pool import Executor
from steelyard.errors import InvalidRequest, SteelyardError, TooLarge
from steelyard.jsontext import check_text

T = TypeVar("T")
MAX_LINES = 500
MAX_BYTES = 4 * 1024 * 1024
"""A chunk ends at whichever comes first; it is written by one statement."""


class Line(Struct, frozen=True):
    """A line that is not blank, by its number in the input, from 1. `end`: bytes of the input up to and with it."""

    number: int
    raw: bytes
    end: int


class LineResult(Struct, kw_only=True, omit_defaults=True):
    """What became of a line. `existing`: a task with this unique_id or id is there already; `valid`: of a dry
    run, which does not look for that. `status` and `error`: as a single create
    would have been answered."""

    line: int
    result: Literal["created", "existing", "valid", "refused"]
    task_id: str | None = None
    unique_id: str | None = None
    status: int | None = None
    error: str | None = None


class Tally(Struct, kw_only=True):
    """The last line of an answer. Without `complete: true` the input was not read to its end; send it again."""

    complete: bool
    lines: int = 0
    created: int = 0
    existing: int = 0
    valid: int | UnsetType = UNSET
    refused: int = 0
    error: str | UnsetType = UNSET

    def add(self, results: list[LineResult]) -> None:
        """Counts a chunk's outcome."""
        self.lines += len(results)
        for r in results:
            if r.result == "created":
                self.created += 1
            elif r.result == "existing":
                self.existing += 1
            elif r.result == "valid":
                self.valid = (self.valid or 0) + 1
            else:
                self.refused += 1


class LineWriter(Protocol):
    """What is made of lines. `prepare` checks a chunk; `write` stores what was prepared, by one statement on `on`, which may be a
    transaction, or row by row on connections of its own when there is none or the statement is refused as a whole; `judge` only says which lines are in order."""

    async def prepare(self, lines: list[Line]) -> Any: ...
    async def write(self, prepared: Any, on: Executor | None = None) -> list[LineResult]: ...
    async def write_singly(self, prepared: Any) -> list[LineResult]: ...
    def judge(self, prepared: Any) -> list[LineResult]: ...


_encode = msgspec.json.encode


def encode_result(result: LineResult | Tally) -> bytes:
    """As one line."""
    return _encode(result) + b"\n"


def refused(line: Line, error: SteelyardError) -> LineResult:
    """A line that came to nothing."""
    return LineResult(line=line.number, result="refused", status=error.status, error=error.message)


def decode(line: Line) -> dict[str, Raw]:
    """A line's top-level values as sent. Raises InvalidRequest."""
    try:
        check_text(line.raw)
        return msgspec.json.decode(line.raw, type=dict[str, Raw])
    except (msgspec.DecodeError, RecursionError) as e:
        raise InvalidRequest(f"The line is not a JSON object: {e}.") from None


_A_LITTLE = 16


async def unhurried(items: Iterable[T]) -> AsyncIterator[T]:
    """The items, with a turn of the event loop now and then: other requests go on, and so does the sending of the chunk before, which is more
    than a socket takes at once."""
    for n, item in enumerate(items, start=1):
        yield item
        if n % _A_LITTLE == 0:
            await asyncio.sleep(0)


async def chunks_of_lines(
    pieces: AsyncIterable[bytes], *, max_line_bytes: int, number: int = 0, offset: int = 0
) -> AsyncIterator[list[Line]]:
    """Lines in chunks; `number` lines and `offset` bytes came before. Raises TooLarge for a line that is too long.

    Memory: one chunk, plus one piece, plus one line.
    """
    rest = bytearray()
    lines: list[Line] = []
    size = 0
    async for piece in pieces:
        rest += piece
        if b"\n" not in piece:
            if len(rest) > max_line_bytes:
                raise TooLarge(f"Line {number + 1} is longer than {max_line_bytes} bytes.")
            continue
        *whole, last = bytes(rest).split(b"\n")
        rest = bytearray(last)
        for raw in whole:
            number += 1
            offset += len(raw) + 1
            if len(raw) > max_line_bytes:
                raise TooLarge(f"Line {number} is longer than {max_line_bytes} bytes.")
            if not raw.strip():
                continue
            lines.append(Line(number, raw, offset))
            size += len(raw)
            if len(lines) >= MAX_LINES or size >= MAX_BYTES:
                yield lines
                lines, size = [], 0
    if rest.strip():
        lines.append(Line(number + 1, bytes(rest), offset + len(rest)))
    if lines:
        yield lines
