"""Similarities that need numeric libraries. Heavy: they run in the process pool, so the libraries load inside the functions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

Points = Sequence[tuple[float, float]]

# A line of many thousand pixels is compared at this many places; more would not change the score.
MAX_SAMPLES = 5_000


def area_iou(a: Points, b: Points) -> float:
    """Intersection over union of two polygons, even-odd filled; 0 when one of them has no area even after repair."""
    one, other = tuple(a), tuple(b)
    if _apart(one, other):
        return 0.0
    first, second = _polygon(one), _polygon(other)
    if first is None or second is None:
        return 0.0
    return _iou(first, second)


def hull_iou(a: Points, b: Points) -> float:
    """Intersection over union of the convex hulls of two point sets."""
    one, other = tuple(a), tuple(b)
    return 0.0 if _apart(one, other) else _iou(_hull(one), _hull(other))


def line_f1(a: Points, b: Points, tolerance: float) -> float:
    """F1 of points sampled every pixel on each line that lie within `tolerance` px of the other line."""
    import numpy as np
    import shapely

    if len(a) < 2 or len(b) < 2 or _apart(tuple(a), tuple(b), tolerance):
        return 0.0
    first, second = shapely.LineString(a), shapely.LineString(b)

    def share(line: Any, other: Any) -> float:
        n = min(MAX_SAMPLES, max(2, round(line.length) + 1))
        places = shapely.line_interpolate_point(line, np.linspace(0.0, line.length, n))
        return float(np.mean(shapely.distance(places, other) <= tolerance))

    precision, recall = share(first, second), share(second, first)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def assign(similarities: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """The one-to-one pairs (row, column) with the greatest total similarity."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    if not similarities or not similarities[0]:
        return []
    rows, columns = linear_sum_assignment(np.asarray(similarities, dtype=float), maximize=True)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True)]


# Every shape of one answer is compared with each of the other's, so what belongs to one shape is kept for a while.
_KEPT = 4_096


@lru_cache(maxsize=_KEPT)
def _bounds(points: tuple[tuple[float, float], ...]) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _apart(a: tuple[tuple[float, float], ...], b: tuple[tuple[float, float], ...], gap: float = 0.0) -> bool:
    """Whether the boxes around two point sets are farther apart than the gap: most pairs of a large answer are."""
    if not a or not b:
        return True
    left, top, right, bottom = _bounds(a)
    other_left, other_top, other_right, other_bottom = _bounds(b)
    return (
        other_left - right > gap
        or left - other_right > gap
        or other_top - bottom > gap
        or top - other_bottom > gap
    )


@lru_cache(maxsize=_KEPT)
def _hull(points: tuple[tuple[float, float], ...]) -> Any:
    from shapely import MultiPoint

    return MultiPoint(list(points)).convex_hull


@lru_cache(maxsize=_KEPT)
def _polygon(points: tuple[tuple[float, float], ...]) -> Any | None:
    """The even-odd area inside a ring, repaired if it crosses itself; None without area."""
    from shapely import Polygon, make_valid

    if len(points) < 3:
        return None
    shape: Any = Polygon(points)
    if not shape.is_valid:
        shape = make_valid(shape)
    return shape if shape.area > 0 else None


def _iou(a: Any, b: Any) -> float:
    union = a.union(b).area
    return float(a.intersection(b).area / union) if union > 0 else 0.0
