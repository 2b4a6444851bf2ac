"""What the embedded PostgreSQL says in its log, for the messages that people see."""

from __future__ import annotations

from pathlib import Path


def tail(log: Path, start: int, lines: int = 12) -> str:
    """The last lines that it wrote since it was `start` bytes long."""
    if not log.exists():
        return "(nothing)"
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - 65536))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def last_trouble(log: Path) -> str:
    """What the server last ended by, or what else it last said; not what it told those who asked while it was starting."""
    said = tail(log, 0, 400).splitlines()
    grave = [
        line
        for line in said
        if ("FATAL:" in line or "PANIC:" in line) and "the database system is" not in line
    ]
    return "\n".join(grave[-2:] or said[-4:])


def recovery(log: Path, start: int) -> str:
    """What the server last said about its recovery."""
    said = [line.partition("LOG:")[2].strip() for line in tail(log, start, 50).splitlines()]
    told = [line for line in said if "recover" in line or "redo" in line or "sync" in line]
    return f": {told[-1]}" if told else ""
