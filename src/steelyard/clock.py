"""Where times come from in Python. SQL has its own source, `steelyard.now()`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of the current time; tests replace it."""

    def now(self) -> datetime:
        """The current time, aware, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ShiftedClock:
    """The machine's clock plus an offset that tests move."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


_MILLIS = [f".{n:03d}Z" for n in range(1000)]
_second = (0, "")
"""The latest second that was written, and all that its times begin with."""


def wire_time(moment: datetime) -> str:
    """`2021-06-23T09:09:34.752Z`: UTC, three fractional digits, truncated (platform-api §1.3)."""
    global _second  # times that are written come by the thousand from one second
    second = int(moment.timestamp())
    known, text = _second
    if second != known or second <= 0:
        text = moment.astimezone(UTC).isoformat(timespec="seconds")[:-6]
        _second = (second, text)
    return text + _MILLIS[moment.microsecond // 1000]
