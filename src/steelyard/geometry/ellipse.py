"""Ellipses, given by the four ends of their axes (task-types-2d §4.5)."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

from steelyard.geometry.shape import Frame, GeometryLimits, Vertex, VertexShape, tidy


class EllipseGeometry(GeometryLimits, kw_only=True):
    """Ellipses to draw: labels only."""

    def check(self, path: str, labels: Sequence[str]) -> None:
        self.check_sizes(path, (None, None))

    def make(self, rng: random.Random, frame: Frame) -> EllipseAnnotation | None:
        area = frame.drawing_area()
        if area is None:
            return None
        area = self.room(area)
        room = min(area.width, area.height)
        rx, ry = room * rng.uniform(0.1, 0.3), room * rng.uniform(0.1, 0.3)
        reach = max(rx, ry)
        cx = rng.uniform(area.left + reach, area.right - reach)
        cy = rng.uniform(area.top + reach, area.bottom - reach)
        turn = rng.uniform(-math.pi / 4, math.pi / 4)
        ends = ((0.0, -ry), (rx, 0.0), (0.0, ry), (-rx, 0.0))
        cos, sin = math.cos(turn), math.sin(turn)
        return EllipseAnnotation(
            vertices=[
                Vertex(tidy(cx + dx * cos - dy * sin), tidy(cy + dx * sin + dy * cos)) for dx, dy in ends
            ]
        )

    def problems(self, shape: EllipseAnnotation) -> Iterator[str]:
        if len(shape.vertices) != 4:
            yield "must have exactly 4 vertices, the ends of its axes"
            return
        v0, v1, v2, v3 = shape.vertices
        a, b = (v1.x - v3.x, v1.y - v3.y), (v0.x - v2.x, v0.y - v2.y)
        length_a, length_b = math.hypot(*a), math.hypot(*b)
        if length_a <= 0 or length_b <= 0:
            yield "must have two axes longer than 0"
            return
        if math.hypot(v1.x + v3.x - v0.x - v2.x, v1.y + v3.y - v0.y - v2.y) / 2 > 1:
            yield "must have axes that share their midpoint"
        if abs(a[0] * b[0] + a[1] * b[1]) / (length_a * length_b) > math.sin(math.radians(1)):
            yield "must have axes at a right angle"
        if self.max_width or self.max_height:
            yield from self.size_problems(math.hypot(a[0], b[0]), math.hypot(a[1], b[1]), (None, None))


class EllipseAnnotation(VertexShape, kw_only=True, tag="ellipse"):
    """An ellipse: `vertices` are the ends of its axes, v0–v2 one and v1–v3 the other."""

    def outline(self, corners: int = 64) -> list[tuple[float, float]]:
        """A polygon of this many corners close to the ellipse."""
        if len(self.vertices) != 4:
            return self.points()
        v0, v1, v2, v3 = self.vertices
        cx, cy = self.centre()
        ax, ay = (v1.x - v3.x) / 2, (v1.y - v3.y) / 2
        bx, by = (v2.x - v0.x) / 2, (v2.y - v0.y) / 2
        angles = [2 * math.pi * i / corners for i in range(corners)]
        return [
            (cx + ax * math.cos(t) + bx * math.sin(t), cy + ay * math.cos(t) + by * math.sin(t))
            for t in angles
        ]

    def canonical(self) -> dict[str, Any]:
        return {"vertices": sorted([tidy(x), tidy(y)] for x, y in self.points())}

    def similarity(self, other: EllipseAnnotation, diagonal: float) -> float:
        from steelyard.geometry.overlap import area_iou

        return area_iou(self.outline(), other.outline())
