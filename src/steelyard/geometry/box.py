"""Boxes, upright or rotated about their centre (task-types-2d §4.1)."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import replace

from steelyard.geometry.shape import (
    ROUNDING,
    Coordinate,
    Frame,
    GeometryLimits,
    Minimum,
    Shape,
    Vertex,
    half_up,
    tidy,
)
from steelyard.taxonomy.answers import Size

Radians = Annotated[float, Meta(ge=-1e6, le=1e6)]


class BoxGeometry(GeometryLimits, kw_only=True):
    """Boxes to draw: labels and least sides."""

    min_height: Annotated[Minimum | None, Meta(description="Pixels; default 0.")] = None
    min_width: Annotated[Minimum | None, Meta(description="Pixels; default 0.")] = None
    can_rotate: Annotated[bool | None, Meta(description="Boxes may be rotated.")] = None
    integer_pixels: Annotated[
        bool | None, Meta(description="Upright boxes are returned in whole pixels.")
    ] = None

    def check(self, path: str, labels: Sequence[str]) -> None:
        self.check_sizes(path, (self.min_width, self.min_height))

    def make(self, rng: random.Random, frame: Frame) -> BoxAnnotation | None:
        least_w, least_h = max(1, self.min_width or 0), max(1, self.min_height or 0)
        area = frame.drawing_area(least_w, least_h)
        if area is None:
            return None
        # Whole pixels wherever there is room: that satisfies `integer_pixels`, too.
        width = _side(rng, least_w, area.width, self.max_width)
        height = _side(rng, least_h, area.height, self.max_height)
        left = _offset(rng, area.left, area.width - width)
        top = _offset(rng, area.top, area.height - height)
        box = BoxAnnotation(left=tidy(left), top=tidy(top), width=tidy(width), height=tidy(height))
        right, bottom = area.left + area.width, area.top + area.height
        for attempt in range(6 if self.can_rotate else 0):
            turned = replace(box, rotation=round(rng.uniform(-3.1, 3.1) / 2**attempt, 4))
            if all(area.left <= x <= right and area.top <= y <= bottom for x, y in turned.corners()):
                return turned
        return box

    def problems(self, shape: BoxAnnotation) -> Iterator[str]:
        if shape.width <= 0 or shape.height <= 0:
            yield "must have a width and height greater than 0"
        yield from self.size_problems(shape.width, shape.height, (self.min_width, self.min_height))
        if shape.rotation and not self.can_rotate:
            yield "must not be rotated"

    def complete(self, shape: BoxAnnotation) -> BoxAnnotation:
        if self.can_rotate:
            turned = shape.turned(shape.rotation or 0.0)
            return shape if turned == shape else turned
        if self.integer_pixels and not all(
            float(v).is_integer() for v in (shape.left, shape.top, shape.width, shape.height)
        ):
            left, top = half_up(shape.left), half_up(shape.top)
            width = max(1, half_up(shape.left + shape.width) - left)
            height = max(1, half_up(shape.top + shape.height) - top)
            return replace(shape, left=left, top=top, width=width, height=height)
        return shape


class BoxAnnotation(Shape, kw_only=True, tag="box"):
    """A box: distances from the image's left and top border. A rotated one carries `rotation` and its four corners."""

    left: Coordinate
    top: Coordinate
    width: Coordinate
    height: Coordinate
    rotation: Annotated[Radians | None, Meta(description="Radians, clockwise, about the centre.")] = None
    vertices: Annotated[
        list[Vertex] | None,
        Meta(
            description="Corners once rotated: those that were top-left, top-right, bottom-right, bottom-left."
        ),
    ] = None

    def corners(self) -> list[tuple[float, float]]:
        """The four corners, clockwise from the one that is top-left before rotation."""
        half_w, half_h = self.width / 2, self.height / 2
        cx, cy = self.left + half_w, self.top + half_h
        turn = self.rotation or 0.0
        cos, sin = math.cos(turn), math.sin(turn)
        offsets = ((-half_w, -half_h), (half_w, -half_h), (half_w, half_h), (-half_w, half_h))
        return [(cx + dx * cos - dy * sin, cy + dx * sin + dy * cos) for dx, dy in offsets]

    def points(self) -> list[tuple[float, float]]:
        if self.rotation:
            return self.corners()
        return [(self.left, self.top), (self.left + self.width, self.top + self.height)]

    def turned(self, radians: float) -> BoxAnnotation:
        """The box with this rotation, normalised to (−π, π], and the corners that follow from it."""
        angle = radians if -math.pi < radians <= math.pi else math.remainder(radians, 2 * math.pi)
        angle = math.pi if angle <= -math.pi else angle
        box = replace(self, rotation=angle)
        vertices = [Vertex(tidy(x), tidy(y)) for x, y in box.corners()]
        near = self.vertices is not None and len(self.vertices) == 4 and all(
            abs(a.x - b.x) < 0.01 and abs(a.y - b.y) < 0.01 for a, b in zip(self.vertices, vertices, strict=True)
        )  # fmt: skip
        return replace(box, vertices=self.vertices if near else vertices)

    def rounded(self) -> BoxAnnotation:
        sides = (self.left, self.top, self.width, self.height)
        if all(v == round(v, 4) for v in sides):
            return self
        left, top, width, height = map(tidy, sides)
        return replace(self, left=left, top=top, width=width, height=height)

    def snapped(self, other: BoxAnnotation) -> BoxAnnotation:
        """The upright box with every edge that is at most a pixel from another's on that one."""
        edges = [
            theirs if abs(mine - theirs) <= 1 + ROUNDING else mine
            for mine, theirs in zip(self._edges(), other._edges(), strict=True)
        ]
        left, top, right, bottom = edges
        return replace(self, left=left, top=top, width=right - left, height=bottom - top)

    def _edges(self) -> tuple[float, float, float, float]:
        return self.left, self.top, self.left + self.width, self.top + self.height

    def clamped(self, frame: Frame) -> BoxAnnotation:
        if self.rotation:
            return self
        left, top = frame.clamp(self.left, self.top)
        right, bottom = frame.clamp(self.left + self.width, self.top + self.height)
        return replace(self, left=left, top=top, width=right - left, height=bottom - top)

    def size(self) -> Size:
        return Size(self.width, self.height)

    def canonical(self) -> dict[str, Any]:
        plain = {k: tidy(getattr(self, k)) for k in ("left", "top", "width", "height")}
        if self.rotation and abs(self.rotation) >= 0.001:
            plain["rotation"] = tidy(self.rotation)
        return plain

    def similarity(self, other: BoxAnnotation, diagonal: float) -> float:
        if self.rotation or other.rotation:
            from steelyard.geometry.overlap import area_iou

            return area_iou(self.corners(), other.corners())
        w = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        h = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        shared = max(w, 0.0) * max(h, 0.0)
        union = self.width * self.height + other.width * other.height - shared
        return shared / union if union > 0 else 1.0


def _side(rng: random.Random, least: float, room: float, most: float | None) -> float:
    limit = min(room, most) if most and most > 0 else room
    if limit <= least:
        return float(least)
    return float(
        min(math.floor(limit), max(least, rng.randint(math.ceil(least), math.floor(max(least, limit * 0.6)))))
    )


def _offset(rng: random.Random, start: float, room: float) -> float:
    return start + rng.randint(0, max(0, math.floor(room)))
