"""Polygons and open lines: vertices in drawing order (task-types-2d §4.2, §4.3)."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta
from msgspec.structs import replace

from steelyard.errors import InvalidRequest, Issue
from steelyard.geometry.shape import Frame, GeometryLimits, Vertex, VertexShape, tidy

# More than anybody draws; it keeps a request from asking for an answer of any size.
MAX_VERTICES = 10_000

VertexCount = Annotated[int, Meta(ge=1, le=MAX_VERTICES)]
VertexLimit = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class PathGeometry(GeometryLimits, kw_only=True):
    """What polygons and lines share: how many vertices they may have."""

    floor: ClassVar[int] = 2

    min_vertices: Annotated[VertexCount | None, Meta(description="Default 1.")] = None
    max_vertices: Annotated[VertexLimit | None, Meta(description="Default and null: no limit.")] = None
    max_vertives: Annotated[VertexLimit | None, Meta(description="Old spelling of `max_vertices`.")] = None

    @property
    def least(self) -> int:
        """The fewest vertices of an answer."""
        return max(self.floor, self.min_vertices or 1)

    @property
    def most(self) -> int | None:
        """The most vertices of an answer; None is no limit. Never under what a shape of this kind needs at all."""
        limit = self.max_vertices if self.max_vertices is not None else self.max_vertives
        return None if limit is None else max(limit, self.floor)

    def check(self, path: str, labels: Sequence[str]) -> None:
        self.check_sizes(path, (None, None))
        limit = self.max_vertices if self.max_vertices is not None else self.max_vertives
        if limit is not None and limit < (self.min_vertices or 1):
            message = f"{path}.max_vertices must be null or at least min_vertices."
            raise InvalidRequest(
                message, issues=[Issue(f"{path}.max_vertices", "must be null or at least min_vertices")]
            )

    def count(self, rng: random.Random) -> int:
        """How many vertices a made-up shape gets."""
        return rng.randint(self.least, max(self.least, min(self.most or self.least + 4, self.least + 4)))

    def problems(self, shape: VertexShape) -> Iterator[str]:
        # The first ones nearly always say enough.
        few = len({(v.x, v.y) for v in shape.vertices[: self.floor]}) < self.floor
        if few and len({(v.x, v.y) for v in shape.vertices}) < self.floor:
            yield f"must have at least {self.floor} distinct vertices"
        elif len(shape.vertices) < self.least:
            yield f"must have at least {self.least} vertices"
        if self.most is not None and len(shape.vertices) > self.most:
            yield f"must have at most {self.most} vertices"
        if shape.vertices and (self.max_width or self.max_height):
            xs, ys = [v.x for v in shape.vertices], [v.y for v in shape.vertices]
            yield from self.size_problems(max(xs) - min(xs), max(ys) - min(ys), (None, None))


class PolygonGeometry(PathGeometry, kw_only=True):
    """Polygons to draw: labels and vertex counts."""

    floor: ClassVar[int] = 3

    def make(self, rng: random.Random, frame: Frame) -> PolygonAnnotation | None:
        area = frame.drawing_area()
        if area is None:
            return None
        area = self.room(area)
        n = self.count(rng)
        rx, ry = (side * rng.uniform(0.15, 0.4) for side in (area.width, area.height))
        cx = rng.uniform(area.left + rx, area.right - rx)
        cy = rng.uniform(area.top + ry, area.bottom - ry)
        start = rng.random()
        # Corners on an ellipse in order of angle: a simple polygon whatever the count.
        angles = [2 * math.pi * (i + start) / n for i in range(n)]
        return PolygonAnnotation(
            vertices=[Vertex(tidy(cx + rx * math.cos(a)), tidy(cy + ry * math.sin(a))) for a in angles]
        )

    def complete(self, shape: PolygonAnnotation) -> PolygonAnnotation:
        ring = shape.vertices
        if len(ring) < 2 or ring[0] != ring[-1]:
            return shape
        end = len(ring)
        while end > 1 and ring[end - 1] == ring[0]:
            end -= 1
        return replace(shape, vertices=ring[:end])


class LineGeometry(PathGeometry, kw_only=True):
    """Lines to draw: labels and vertex counts."""

    splines: Annotated[
        bool | None, Meta(description="Vertices are knots of a centripetal Catmull-Rom curve.")
    ] = None

    def make(self, rng: random.Random, frame: Frame) -> LineAnnotation | None:
        area = frame.drawing_area()
        if area is None:
            return None
        area = self.room(area)
        n = self.count(rng)
        left = area.left + area.width * rng.uniform(0.05, 0.3)
        length = area.width * rng.uniform(0.3, 0.6)
        return LineAnnotation(
            vertices=[
                Vertex(
                    tidy(left + length * i / (n - 1)),
                    tidy(area.top + area.height * rng.uniform(0.1, 0.9)),
                )
                for i in range(n)
            ]
        )


class PolygonAnnotation(VertexShape, kw_only=True, tag="polygon"):
    """A polygon: vertices in drawing order, implicitly closed, either orientation."""

    def canonical(self) -> dict[str, Any]:
        ring = _without_repeats([(tidy(x), tidy(y)) for x, y in self.points()])
        while len(ring) > 1 and ring[0] == ring[-1]:
            ring.pop()
        if not ring:
            return {"vertices": []}
        doubled_area = sum(
            x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True)
        )
        if doubled_area < 0:  # y points down, so a positive area is clockwise on the screen
            ring.reverse()
        first = ring.index(min(ring))
        return {"vertices": [list(p) for p in ring[first:] + ring[:first]]}

    def similarity(self, other: PolygonAnnotation, diagonal: float) -> float:
        from steelyard.geometry.overlap import area_iou

        return area_iou(self.points(), other.points())


class LineAnnotation(VertexShape, kw_only=True, tag="line"):
    """An open polyline: vertices in drawing order."""

    def canonical(self) -> dict[str, Any]:
        points = _without_repeats([(tidy(x), tidy(y)) for x, y in self.points()])
        return {"vertices": [list(p) for p in min(points, points[::-1])]}

    def similarity(self, other: LineAnnotation, diagonal: float) -> float:
        from steelyard.geometry.overlap import line_f1

        return line_f1(self.points(), other.points(), max(3.0, 0.005 * diagonal))


def _without_repeats(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
