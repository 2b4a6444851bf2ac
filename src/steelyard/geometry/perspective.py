"""From a cuboid drawn in perspective to its corners in space, with a known camera (task-types-2d §4.6)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import astuple

from steelyard.geometry.shape import Vertex, tidy
from steelyard.taxonomy.attributes import Number

FACE = ("face-topleft", "face-bottomleft", "face-topright", "face-bottomright")
SIDE = ("side-topcorner", "side-bottomcorner")


class CameraIntrinsics(Struct, kw_only=True):
    """Focal lengths and principal point in px. `scalefactor` undoes a resize of the attachment (half the size: 2)."""

    fx: Number
    fy: Number
    cx: Number
    cy: Number
    skew: Number | None = None
    scalefactor: Number | None = None
    scale_factor: Annotated[Number | None, Meta(description="Other spelling of `scalefactor`.")] = None


class SpacePoint(Struct):
    """A position in camera coordinates: x right, y down, z along the optical axis."""

    x: Number
    y: Number
    z: Number


_Vector = tuple[float, float, float]
_MEASURE = 1e-3
"""How far corners may be from what the vertices give and still stand: rounding to four decimals moves them."""


def solid_of(
    at: Mapping[str, tuple[float, float]], camera: CameraIntrinsics
) -> tuple[list[Vertex], list[SpacePoint]] | None:
    """The eight corners of the cuboid that these six vertices (pixels) are a picture of, in the image and in space; None for no such.

    The face is taken for a parallelogram, which gives its corners' depths up to one factor; the side's two edges are alike in space,
    which gives theirs by least squares. The factor is chosen so that the mean depth of all corners is 1.
    """
    if any(name not in at for name in (*FACE, *SIDE)):
        return None
    rays = {name: _ray(at[name], camera) for name in (*FACE, *SIDE)}
    depths = _depths(*(rays[name] for name in FACE))
    if depths is None:
        return None
    face = [_scaled(rays[name], depth) for name, depth in zip(FACE, depths, strict=True)]
    near = 2 if at[SIDE[0]][0] >= sum(at[name][0] for name in FACE) / 4 else 0
    step = _step(face[near], face[near + 1], rays[SIDE[0]], rays[SIDE[1]])
    if step is None:
        return None
    corners = [*face, *(_plus(p, step) for p in face)]
    mean = sum(z for _, _, z in corners) / 8
    if not math.isfinite(mean) or any(z <= 1e-6 * abs(mean) for _, _, z in corners):
        return None
    space = [_scaled(p, 1 / mean) for p in corners]
    flat = [_pixel(p, camera) for p in space]
    if not all(abs(v) <= 1e9 for p in (*flat, *space) for v in p):
        return None
    return (
        [Vertex(tidy(x), tidy(y)) for x, y in flat],
        [SpacePoint(round(x, 6), round(y, 6), round(z, 6)) for x, y, z in space],
    )


def _ray(pixel: tuple[float, float], camera: CameraIntrinsics) -> _Vector:
    """Direction with z = 1 in which the camera sees a pixel of the attachment."""
    scale = camera.scalefactor or camera.scale_factor or 1.0
    y = (pixel[1] * scale - camera.cy) / camera.fy
    return (pixel[0] * scale - camera.cx - (camera.skew or 0.0) * y) / camera.fx, y, 1.0


def _pixel(point: _Vector, camera: CameraIntrinsics) -> tuple[float, float]:
    """Where the camera shows a position, in pixels of the attachment."""
    scale = camera.scalefactor or camera.scale_factor or 1.0
    x, y = point[0] / point[2], point[1] / point[2]
    return (
        (camera.fx * x + (camera.skew or 0.0) * y + camera.cx) / scale,
        (camera.fy * y + camera.cy) / scale,
    )


def _depths(
    top_left: _Vector, bottom_left: _Vector, top_right: _Vector, bottom_right: _Vector
) -> list[float] | None:
    """Depths, up to one factor, at which four rays are the corners of a parallelogram: tl - bl - tr + br = 0."""
    columns = (top_left, _scaled(bottom_left, -1.0), _scaled(top_right, -1.0), bottom_right)
    found = [
        (-1.0) ** skip * _determinant(*(c for n, c in enumerate(columns) if n != skip)) for skip in range(4)
    ]
    largest = max(found, key=abs)
    if not math.isfinite(largest) or abs(largest) < 1e-15:
        return None
    found = [value / largest for value in found]
    return found if min(found) > 1e-6 else None


def _step(top: _Vector, bottom: _Vector, far_top: _Vector, far_bottom: _Vector) -> _Vector | None:
    """The edge that leads from the face to the opposite one: from both near corners onto, as nearly as possible, both far rays."""
    edge = _plus(top, _scaled(bottom, -1.0))
    # Least squares of a * far_top - b * far_bottom = edge.
    tt, tb, bb = _dot(far_top, far_top), _dot(far_top, far_bottom), _dot(far_bottom, far_bottom)
    whole = tt * bb - tb * tb
    if not math.isfinite(whole) or whole < 1e-15:
        return None
    a = (_dot(far_top, edge) * bb - _dot(far_bottom, edge) * tb) / whole
    b = (_dot(far_top, edge) * tb - _dot(far_bottom, edge) * tt) / whole
    upper = _plus(_scaled(far_top, a), _scaled(top, -1.0))
    lower = _plus(_scaled(far_bottom, b), _scaled(bottom, -1.0))
    return _scaled(_plus(upper, lower), 0.5)


def _determinant(a: _Vector, b: _Vector, c: _Vector) -> float:
    return (
        a[0] * (b[1] * c[2] - b[2] * c[1])
        - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
    )


def _dot(a: _Vector, b: _Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _plus(a: _Vector, b: _Vector) -> _Vector:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _scaled(a: _Vector, factor: float) -> _Vector:
    return a[0] * factor, a[1] * factor, a[2] * factor


def near(given: Sequence[Vertex | SpacePoint] | None, found: Sequence[Vertex | SpacePoint]) -> bool:
    """Whether corners that came with a shape are those that were found, as closely as rounding allows."""
    return (
        given is not None
        and len(given) == len(found)
        and all(
            abs(u - v) <= _MEASURE
            for a, b in zip(given, found, strict=True)
            for u, v in zip(astuple(a), astuple(b), strict=True)
        )
    )


def alike(given: Sequence[SpacePoint] | None, found: Sequence[SpacePoint]) -> bool:
    """The same of corners in space, which may have a scale of their own: who knows the ground can tell metres."""
    depth = sum(p.z for p in given) / len(given) if given else 0.0
    if given is None or not math.isfinite(depth) or depth <= 0:
        return False
    return near([SpacePoint(p.x / depth, p.y / depth, p.z / depth) for p in given], found)
