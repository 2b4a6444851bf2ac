"""One object over the frames of a video: key frames, what lies between them, and hidden spans (task-types-2d §9.5)."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from steelyard.geometry.box import BoxAnnotation
from steelyard.geometry.cuboid import CuboidAnnotation
from steelyard.geometry.point import PointAnnotation
from steelyard.geometry.shape import Shape, Vertex, VertexShape, tidy


class ShapeKey(Struct, frozen=True):
    """A shape that somebody drew on a frame (an index, counted in any way)."""

    frame: int
    shape: Shape


class ShapeTrack(Struct, frozen=True):
    """Key frames, and spans of frames (both ends included) in which the object is hidden."""

    keys: Sequence[ShapeKey]
    hidden: Sequence[tuple[int, int]] = ()

    def over(self, frames: Iterable[int]) -> dict[int, Shape]:
        """The shape at each of these frames where there is one: nothing outside the key frames or while hidden.

        Positions are linear in the frame's index; label and attributes are those of the key frame before. Of two key frames
        on one frame the later in the sequence counts.
        """
        by_frame = {key.frame: key.shape for key in self.keys}
        at = sorted(by_frame)
        found: dict[int, Shape] = {}
        for frame in frames:
            after = bisect_right(at, frame)
            if after == 0 or any(first <= frame <= last for first, last in self.hidden):
                continue
            start = at[after - 1]
            if start == frame:
                found[frame] = by_frame[frame]
            elif after < len(at):
                end = at[after]
                found[frame] = between(by_frame[start], by_frame[end], (frame - start) / (end - start))
        return found


def between(a: Shape, b: Shape, ratio: float) -> Shape:
    """The shape a share `ratio` (0 to 1) of the way from one to the other; the first one where they have no common form."""

    def mix(first: float, second: float) -> float:
        return tidy(first + (second - first) * ratio)

    if isinstance(a, BoxAnnotation) and isinstance(b, BoxAnnotation):
        sides = {k: mix(getattr(a, k), getattr(b, k)) for k in ("left", "top", "width", "height")}
        box = replace(a, **sides)
        if a.rotation is None:
            return box
        arc = math.remainder((b.rotation or 0.0) - a.rotation, 2 * math.pi)
        return box.turned(a.rotation + arc * ratio)
    if isinstance(a, PointAnnotation) and isinstance(b, PointAnnotation):
        return replace(a, x=mix(a.x, b.x), y=mix(a.y, b.y))
    if isinstance(a, CuboidAnnotation) and isinstance(b, CuboidAnnotation):
        ends = {v.description: v for v in b.vertices}
        if any(v.description not in ends for v in a.vertices):
            return a
        pairs = [(v, ends[v.description]) for v in a.vertices]
        moved = replace(a, vertices=[replace(v, x=mix(v.x, w.x), y=mix(v.y, w.y)) for v, w in pairs])
        return replace(moved, edges=moved.derived_edges() if a.edges is not None else None)
    if type(a) is type(b) and isinstance(a, VertexShape) and isinstance(b, VertexShape):
        if len(a.vertices) != len(b.vertices):
            return a
        pairs = zip(a.vertices, b.vertices, strict=True)
        return replace(a, vertices=[Vertex(mix(v.x, w.x), mix(v.y, w.y)) for v, w in pairs])
    return a


def shifted(shape: Shape, dx: float, dy: float) -> Shape:
    """The shape moved by so many pixels right and down."""
    if isinstance(shape, BoxAnnotation):
        box = replace(shape, left=tidy(shape.left + dx), top=tidy(shape.top + dy))
        return box if shape.rotation is None else box.turned(shape.rotation)
    if isinstance(shape, PointAnnotation):
        return replace(shape, x=tidy(shape.x + dx), y=tidy(shape.y + dy))
    if isinstance(shape, CuboidAnnotation):
        vertices = [replace(v, x=tidy(v.x + dx), y=tidy(v.y + dy)) for v in shape.vertices]
        moved = replace(shape, vertices=vertices)
        return replace(moved, edges=moved.derived_edges() if shape.edges is not None else None)
    if isinstance(shape, VertexShape):
        return replace(shape, vertices=[Vertex(tidy(v.x + dx), tidy(v.y + dy)) for v in shape.vertices])
    return shape
