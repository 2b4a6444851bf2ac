"""Similarity of texts for agreement and quality scores (task-types-text §13.2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Edit distance is quadratic; longer texts are compared by words, and those cut to this many.
MAX_UNITS = 2_000


def normalized(text: str) -> str:
    """NFC, trimmed, single spaces, case folded, without final punctuation."""
    folded = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip().casefold()
    return folded.rstrip(".,;:!?…。！？ ")


def text_similarity(a: str, b: str) -> float:
    """1 when equal after normalisation, else 1 − edit distance ÷ longer length."""
    first, second = normalized(a), normalized(b)
    if first == second:
        return 1.0
    left: Sequence[str] = first
    right: Sequence[str] = second
    if max(len(left), len(right)) > MAX_UNITS:
        left, right = first.split()[:MAX_UNITS], second.split()[:MAX_UNITS]
    longest = max(len(left), len(right))
    return 1.0 - edit_distance(left, right) / longest if longest else 1.0


def edit_distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Least insertions, deletions and substitutions that turn one sequence into the other."""
    if len(a) < len(b):
        a, b = b, a
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (x != y))
    return row[-1]
