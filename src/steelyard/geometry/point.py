"""Points and the skeletons drawn between them (task-types-2d §4.4)."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from steelyard.errors import InvalidRequest, Issue
from steelyard.geometry.shape import Coordinate, Frame, GeometryLimits, Shape, tidy


class PointConnection(Struct, kw_only=True):
    """Two point labels to join by a line in the workbench; never part of an answer."""

    pair: Annotated[list[str], Meta(min_length=2, max_length=2)]
    connection_attribute: Annotated[
        str | None,
        Meta(description="Key of a `linked` attribute; only points that share its value are joined."),
    ] = None


class PointGeometry(GeometryLimits, kw_only=True):
    """Points to set: labels and the lines between them."""

    connections: list[PointConnection] | None = None

    def check(self, path: str, labels: Sequence[str]) -> None:
        known = set(labels)
        for i, connection in enumerate(self.connections or ()):
            if any(label not in known for label in connection.pair):
                where = f"{path}.connections[{i}].pair"
                problem = "must hold exactly two labels from objects_to_annotate"
                raise InvalidRequest(f"{where} {problem}.", issues=[Issue(where, problem)])

    def make(self, rng: random.Random, frame: Frame) -> PointAnnotation | None:
        area = frame.drawing_area()
        if area is None:
            return None
        return PointAnnotation(
            x=tidy(rng.uniform(area.left, area.right)), y=tidy(rng.uniform(area.top, area.bottom))
        )

    def problems(self, shape: PointAnnotation) -> Iterator[str]:
        return iter(())


class PointAnnotation(Shape, kw_only=True, tag="point"):
    """A point, in pixels."""

    x: Coordinate
    y: Coordinate

    def points(self) -> list[tuple[float, float]]:
        return [(self.x, self.y)]

    def clamped(self, frame: Frame) -> PointAnnotation:
        x, y = frame.clamp(self.x, self.y)
        return replace(self, x=x, y=y)

    def rounded(self) -> PointAnnotation:
        x, y = tidy(self.x), tidy(self.y)
        return self if (x, y) == (self.x, self.y) else replace(self, x=x, y=y)

    def canonical(self) -> dict[str, Any]:
        return {"x": tidy(self.x), "y": tidy(self.y)}

    def similarity(self, other: PointAnnotation, diagonal: float) -> float:
        return max(0.0, 1.0 - math.hypot(self.x - other.x, self.y - other.y) / max(5.0, 0.01 * diagonal))

    def matches(self, similarity: float) -> bool:
        return similarity > 0
