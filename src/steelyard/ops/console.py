"""What the commands share: how they talk to people and to programs, and the flags that many take."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

DataDir = Annotated[
    Path | None, Parameter(name="--data-dir", help="The data folder [STEELYARD_DATA_DIR, .steelyard]")
]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON")]


def say(line: str) -> None:
    """Progress and results for people, at once even when the output goes into a file."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def tell(line: str) -> None:
    """Progress beside a result that programs read."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def show(result: dict[str, object] | list[dict[str, object]], as_json: bool) -> None:
    """One object or several: JSON, or lines and a table for people."""
    if as_json:
        say(msgspec.json.encode(result).decode())
        return
    if isinstance(result, dict):
        for name, value in result.items():
            if value is not None:
                say(f"{name:<12}{value}")
        return
    if not result:
        say("none")
        return
    rows = [list(result[0]), *([_cell(value) for value in row.values()] for row in result)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value)
