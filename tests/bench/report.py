"""What is printed and written: one row a figure, with what it is compared to and what was aimed at."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct


class Row(Struct, frozen=True, omit_defaults=True):
    """One figure. `ratio` is `value` divided by the figure named in `of`, both from this run; `target` is what `judged` should reach."""

    case: str
    value: float
    unit: str
    of: str = ""
    ratio: float | None = None
    target: float | None = None
    bound: Literal["at least", "at most", ""] = ""
    judged: Literal["ratio", "value"] = "ratio"
    rounds: list[float] = []

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None without one."""
        judged = self.ratio if self.judged == "ratio" else self.value
        if self.target is None or judged is None:
            return None
        return judged >= self.target if self.bound == "at least" else judged <= self.target


class Report:
    """Collects rows; prints each at once, for a run takes minutes."""

    def __init__(self, notes: dict[str, Any]):
        self.rows: list[Row] = []
        self.notes = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **_machine(), **notes}

    def heading(self, text: str) -> None:
        """A line between groups of figures."""
        print(f"\n{text}", flush=True)

    def add(self, row: Row) -> None:
        """Keeps and prints a row."""
        self.rows.append(row)
        ratio = "" if row.ratio is None else f"{row.ratio:6.2f} x {row.of}"
        target = ""
        if row.target is not None:
            target = f"({row.bound} {row.target:g}{'' if row.judged == 'ratio' else ' ' + row.unit}: {'met' if row.met else 'MISSED'})"
        print(f"  {row.case:<52} {_number(row.value):>9} {row.unit:<8} {ratio:<42} {target}", flush=True)

    def write(self, path: Path) -> None:
        """Everything as JSON."""
        rows = [{**msgspec.to_builtins(row), "met": row.met} for row in self.rows]
        path.write_bytes(
            msgspec.json.format(msgspec.json.encode({"run": self.notes, "figures": rows})) + b"\n"
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": names[0] if names else platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }
