"""The size rule: aim below 300 lines a module, never above 500 (tests: 800). Split by verb, not by "utils"."""

from __future__ import annotations

import sys
from pathlib import Path

LIMITS = {"src": 500, "scripts": 500, "examples": 500, "tests": 800}
ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Print every file that is too long; the exit code is 1 if there is one."""
    too_long: list[str] = []
    for folder, limit in LIMITS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > limit:
                too_long.append(f"{path.relative_to(ROOT)}: {lines} lines, at most {limit}")
    print("\n".join(too_long) if too_long else "sizes: fine")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
