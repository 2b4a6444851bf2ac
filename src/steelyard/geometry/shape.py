"""What all shapes share: vertices, the area they must lie in, and the operations every geometry offers.

Coordinates are pixels of the original image, origin at its top-left corner, x right, y down (task-types-2d §1.3).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Self

from msgspec import Meta, Struct
from msgspec.structs import replace

from steelyard.errors import parameter
from steelyard.taxonomy.answers import Size
from steelyard.taxonomy.attributes import AttributeValue
from steelyard.taxonomy.labels import LabelList

Coordinate = Annotated[float, Meta(ge=-1e9, le=1e9)]
"""Pixels; bounded so that it is finite even when it came as a string."""

Minimum = Annotated[int, Meta(ge=0, le=100_000_000)]  # room for it within what coordinates may be
Uuid = Annotated[str, Meta(min_length=1, max_length=128)]

OVERSHOOT = 0.5
"""Pixels by which a shape may leave the image; it is clamped."""


ROUNDING = 2e-4
"""Pixels by which rounding both edges of a shape to four decimals may change its size."""


class Vertex(Struct):
    """A point of a shape, in pixels."""

    x: Coordinate
    y: Coordinate


class Frame(Struct, frozen=True):
    """The area in which shapes must lie: the image and its padding. Unknown right and bottom are infinite."""

    left: float = 0.0
    top: float = 0.0
    right: float = math.inf
    bottom: float = math.inf

    @classmethod
    def of(cls, width: int, height: int, pad_x: float = 0, pad_y: float = 0) -> Frame:
        """The frame of an image of width × height px (0: unknown) with padding."""
        return cls(
            -float(pad_x), -float(pad_y),
            width + float(pad_x) if width > 0 else math.inf,
            height + float(pad_y) if height > 0 else math.inf,
        )  # fmt: skip

    def drawing_area(self, need_width: float = 0, need_height: float = 0) -> Frame | None:
        """Where a made-up shape goes: an unknown image counts as 100 × 100 px, or what the shape needs; None if it cannot fit."""
        right = max(100.0, self.left + need_width) if math.isinf(self.right) else self.right
        bottom = max(100.0, self.top + need_height) if math.isinf(self.bottom) else self.bottom
        if right - self.left < max(need_width, 1e-6) or bottom - self.top < max(need_height, 1e-6):
            return None
        return Frame(self.left, self.top, right, bottom)

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    def clamp(self, x: float, y: float) -> tuple[float, float]:
        """The nearest position inside."""
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)

    def overshoot(self, points: Iterable[tuple[float, float]]) -> float:
        """By how many pixels the points leave the frame at most; 0 when all are inside."""
        given = list(points)
        if not given:
            return 0.0
        xs, ys = [x for x, _ in given], [y for _, y in given]
        return max(self.left - min(xs), max(xs) - self.right, self.top - min(ys), max(ys) - self.bottom, 0.0)


class GeometryLimits(Struct, kw_only=True):
    """What a request may demand of every geometry: labels, and extensions that are stored and honoured when given."""

    objects_to_annotate: LabelList | None = None
    can_snap: Annotated[bool | None, Meta(description="The workbench snaps to vertices and edges.")] = None
    max_width: Annotated[Coordinate | None, Meta(description="Pixels; enforced when positive.")] = None
    max_height: Annotated[Coordinate | None, Meta(description="Pixels; enforced when positive.")] = None

    def check(self, path: str, labels: Sequence[str]) -> None:
        """Raise InvalidRequest if keys contradict each other; `labels` are this geometry's leaves."""

    def check_sizes(self, path: str, least: tuple[int | None, int | None]) -> None:
        """Raise InvalidRequest if a maximum is below its minimum (width, height): no shape could satisfy both."""
        for name, low, high in (("width", least[0], self.max_width), ("height", least[1], self.max_height)):
            if high is not None and 0 < high < max(1, low or 0):
                raise parameter(f"{path}.max_{name}", f"must be at least min_{name}")

    def room(self, area: Frame) -> Frame:
        """The part of an area that a made-up shape may fill without being larger than allowed."""
        wide = min(area.width, self.max_width) if self.max_width and self.max_width > 0 else area.width
        high = min(area.height, self.max_height) if self.max_height and self.max_height > 0 else area.height
        return Frame(area.left, area.top, area.left + wide, area.top + high)

    def make(self, rng: random.Random, frame: Frame) -> Shape | None:
        """A made-up shape inside the frame that keeps these limits, or None where none can."""
        raise NotImplementedError

    def problems(self, shape: Any) -> Iterator[str]:
        """What is wrong with a shape of this geometry under these limits (task-types-2d §17, S4 and S5)."""
        raise NotImplementedError

    def complete(self, shape: Any) -> Any:
        """The shape with everything an answer must carry (derived corners, rounding); the same object if nothing changes."""
        return shape

    def size_problems(
        self, width: float, height: float, least: tuple[int | None, int | None]
    ) -> Iterator[str]:
        """Sides against minima (width, height) and the optional maxima; what four decimals cannot tell apart is no violation."""
        if width < (least[0] or 0) - ROUNDING:
            yield f"is narrower than min_width {least[0]}"
        if height < (least[1] or 0) - ROUNDING:
            yield f"is lower than min_height {least[1]}"
        if self.max_width and 0 < self.max_width < width - ROUNDING:
            yield f"is wider than max_width {self.max_width:g}"
        if self.max_height and 0 < self.max_height < height - ROUNDING:
            yield f"is higher than max_height {self.max_height:g}"


class Shape(Struct, kw_only=True, tag_field="type", omit_defaults=True):
    """An annotation: identity, label, attributes; subclasses add the geometry. `type` is the tag."""

    uuid: Annotated[Uuid | None, Meta(description="Unique in the response; made when missing.")] = None
    label: Annotated[str | None, Meta(description="A leaf of the geometry's `objects_to_annotate`.")] = None
    attributes: dict[str, AttributeValue] | None = None

    def points(self) -> list[tuple[float, float]]:
        """The positions that must lie inside the image, as (x, y) in pixels."""
        raise NotImplementedError

    def clamped(self, frame: Frame) -> Self:
        """The shape with small overshoot removed."""
        raise NotImplementedError

    def rounded(self) -> Self:
        """The shape with coordinates of four decimals; the same object if they have no more."""
        raise NotImplementedError

    def size(self) -> Size | None:
        """Width and height for offsets inside the shape (`x_line`, `y_line`); None where there are none."""
        return None

    def centre(self) -> tuple[float, float]:
        """Mean of the points, to break ties when shapes are matched."""
        points = self.points()
        n = len(points) or 1
        return sum(x for x, _ in points) / n, sum(y for _, y in points) / n

    def canonical(self) -> dict[str, Any]:
        """The geometry alone, such that equal shapes give equal values (task-types-2d §18.2)."""
        raise NotImplementedError

    def similarity(self, other: Any, diagonal: float) -> float:
        """How alike two shapes of one geometry are, 0 to 1 (§18.3); `diagonal` of the image in px, 0 unknown. Heavy."""
        raise NotImplementedError

    def matches(self, similarity: float) -> bool:
        """Whether a similarity is enough to call two shapes the same object."""
        return similarity >= 0.5

    def named(self, uuid: str, label: str, attributes: dict[str, AttributeValue] | None = None) -> Self:
        """The same geometry as an annotation with identity and label."""
        return replace(self, uuid=uuid, label=label, attributes=attributes)


class VertexShape(Shape, kw_only=True):
    """A shape that is its vertices."""

    vertices: list[Vertex]

    def points(self) -> list[tuple[float, float]]:
        return [(v.x, v.y) for v in self.vertices]

    def clamped(self, frame: Frame) -> Self:
        return replace(self, vertices=[Vertex(*frame.clamp(v.x, v.y)) for v in self.vertices])

    def rounded(self) -> Self:
        for v in self.vertices:
            # Twice as fast as round(x, 4), and the same: both give the number next to so many ten-thousandths.
            if v.x != round(v.x * 1e4) / 1e4 or v.y != round(v.y * 1e4) / 1e4:
                break
        else:
            return self
        return replace(self, vertices=[Vertex(tidy(v.x), tidy(v.y)) for v in self.vertices])


def tidy(value: float) -> float:
    """A coordinate as it is sent: four decimals, whole numbers without a fraction."""
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded


def half_up(value: float) -> int:
    """Round half up, as all formulas of the specification mean it."""
    return math.floor(value + 0.5)
