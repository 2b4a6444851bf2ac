"""How alike two sets of scene annotations are. Heavy. Types and labels must be equal, shapes are compared over time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from steelyard.lidar.annotations import (
    PathAnnotation,
    SceneAnnotation,
    SceneEvent,
    SceneLink,
    ScenePoints,
    cuboid_of,
    kind_of,
    row_at,
)
from steelyard.lidar.cuboid import iou

MATCH = 0.25
REACH = 1.0
"""Units within which two points are the same; lines: half of it. Pixels in images count five to the unit."""

Pair = tuple[int, int, float]


def match_annotations(a: Sequence[SceneAnnotation], b: Sequence[SceneAnnotation]) -> list[Pair]:
    """One-to-one pairs of equal type and label with the greatest total similarity; links last, by the pairs of their ends."""
    from steelyard.geometry.overlap import assign

    groups: dict[tuple[str, str | None], tuple[list[int], list[int]]] = {}
    for side, found in ((0, a), (1, b)):
        for n, annotation in enumerate(found):
            if not isinstance(annotation, SceneLink):
                groups.setdefault((kind_of(annotation), annotation.label), ([], []))[side].append(n)
    pairs: list[Pair] = []
    for rows, columns in groups.values():
        scores = [[_similarity(a[i], b[j]) for j in columns] for i in rows]
        kept = [[s if s >= MATCH else 0.0 for s in line] for line in scores]
        pairs += [(rows[i], columns[j], scores[i][j]) for i, j in assign(kept) if kept[i][j] > 0]
    partner = {a[i].id: b[j].id for i, j, _ in pairs}
    free = {n: link for n, link in enumerate(b) if isinstance(link, SceneLink)}
    for i, link in enumerate(a):
        if not isinstance(link, SceneLink):
            continue
        ends = [partner.get(link.from_id), partner.get(link.to_id)]
        both = [ends, ends[::-1]] if link.is_bidirectional else [ends]
        same = next(
            (j for j, x in free.items() if x.label == link.label and [x.from_id, x.to_id] in both), None
        )
        if same is not None:
            del free[same]
            pairs.append((i, same, 1.0))
    return sorted(pairs)


def object_score(
    a: Sequence[SceneAnnotation], b: Sequence[SceneAnnotation], pairs: Sequence[Pair]
) -> tuple[float, dict[str, Any]]:
    """2·Σ similarity ÷ (n₁ + n₂), and the counts behind it."""
    first, second = (Counter(f"{kind_of(x)}:{x.label}" for x in side) for side in (a, b))
    matched = Counter(f"{kind_of(a[i])}:{a[i].label}" for i, _, _ in pairs)
    total = len(a) + len(b)
    score = min(1.0, 2 * sum(s for _, _, s in pairs) / total) if total else 1.0
    return score, {
        "objects": round(score, 6),
        "pairs": [[a[i].id, b[j].id, round(s, 6)] for i, j, s in pairs],
        "labels": {
            k: {"a": first[k], "b": second[k], "matched": matched[k]}
            for k in dict.fromkeys([*first, *second])
        },
    }


def _similarity(a: SceneAnnotation, b: SceneAnnotation) -> float:
    if isinstance(a, PathAnnotation) and isinstance(b, PathAnnotation):
        if a.sensor_id != b.sensor_id:
            return 0.0
        times = sorted({*a.path.timestamps, *b.path.timestamps})
        scores: list[float] = []
        for time in times:
            x, y = row_at(a, time), row_at(b, time)
            if x is not None or y is not None:
                scores.append(_rows(kind_of(a), x, y) if x is not None and y is not None else 0.0)
        return sum(scores) / len(scores) if scores else 1.0
    if isinstance(a, ScenePoints) and isinstance(b, ScenePoints):
        x, y = _points(a), _points(b)
        return len(x & y) / len(x | y) if x or y else 1.0
    if isinstance(a, SceneEvent) and isinstance(b, SceneEvent):
        if a.sensor_id != b.sensor_id:
            return 0.0
        ends = [(e.start, e.start + (e.duration or 0)) for e in (a, b)]
        union = max(e for _, e in ends) - min(s for s, _ in ends)
        shared = max(0, min(e for _, e in ends) - max(s for s, _ in ends))
        return shared / union if union else 1.0
    return 1.0  # objects and attributes without a shape: label and type say it all


def _points(annotation: ScenePoints) -> set[tuple[Any, ...]]:
    return {
        (str(p.sensor_id), p.sensor_frame, i) for p in annotation.labeled_points for i in p.point_ids
    }  # fmt: skip


def _rows(kind: str, x: Sequence[float], y: Sequence[float]) -> float:
    from steelyard.geometry.overlap import area_iou, line_f1

    if kind == "cuboid":
        return iou(cuboid_of(x), cuboid_of(y))
    if kind == "box_2d":
        width = min(x[0] + x[2], y[0] + y[2]) - max(x[0], y[0])
        height = min(x[1] + x[3], y[1] + y[3]) - max(x[1], y[1])
        shared = max(0.0, width) * max(0.0, height)
        return shared / (x[2] * x[3] + y[2] * y[3] - shared)
    flat = kind.endswith("_2d")
    reach = 5.0 * REACH if flat else REACH
    if kind.startswith("point"):
        return max(0.0, 1.0 - math.dist(x, y) / reach) if len(x) == len(y) else 0.0
    step = 2 if flat else 3
    one, other = ([(row[i], row[i + 1]) for i in range(0, len(row), step)] for row in (x, y))
    if kind.startswith("polygon"):
        return area_iou(one, other)
    # `line_f1` samples every unit; metres are too coarse for that.
    scale = 1.0 if flat else 10.0
    fine = [[(u * scale, v * scale) for u, v in line] for line in (one, other)]
    return line_f1(fine[0], fine[1], scale * reach / 2)
