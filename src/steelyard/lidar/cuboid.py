"""3D cuboids (task-types-lidar §2.8, §2.9): corners, points inside, overlap. Lengths in input units, angles in radians."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from steelyard.lidar.pose import Matrix, Triple, rotate

Ring = list[tuple[float, float]]

EDGES = (
    (0, 1), (2, 3), (4, 5), (6, 7),
    (0, 2), (1, 3), (4, 6), (5, 7),
    (0, 4), (1, 5), (2, 6), (3, 7),
)  # fmt: skip
"""The twelve edges as pairs of indexes into `Cuboid.corners()`."""

_FACES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
"""The six faces, counter-clockwise seen from outside."""


class Cuboid(Struct, frozen=True):
    """A cuboid: centre, (width, length, height), yaw about +z. At yaw 0 its front faces +y, at π/2 it faces −x."""

    position: Triple
    dimensions: Triple
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    @property
    def volume(self) -> float:
        """Width × length × height."""
        return self.dimensions[0] * self.dimensions[1] * self.dimensions[2]

    @property
    def radius(self) -> float:
        """From the centre to a corner."""
        return math.hypot(*self.dimensions) / 2

    @property
    def upright(self) -> bool:
        """Whether it has no pitch and no roll."""
        return not self.pitch and not self.roll

    def axes(self) -> Matrix:
        """Columns are the world directions of width (right), length (front) and height (up)."""
        if self.upright:
            c, s = math.cos(self.yaw), math.sin(self.yaw)
            return ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0))
        cz, sz = -math.sin(self.yaw), math.cos(self.yaw)  # ψ = yaw + π/2
        cp, sp = math.cos(self.pitch), math.sin(self.pitch)
        cr, sr = math.cos(self.roll), math.sin(self.roll)
        # R = Rz(ψ)·Ry(pitch)·Rx(roll) has columns front, left, up; right is −left.
        front = (cz * cp, sz * cp, -sp)
        left = (cz * sp * sr - sz * cr, sz * sp * sr + cz * cr, cp * sr)
        up = (cz * sp * cr + sz * sr, sz * sp * cr - cz * sr, cp * cr)
        return (
            (-left[0], front[0], up[0]),
            (-left[1], front[1], up[1]),
            (-left[2], front[2], up[2]),
        )

    def corners(self) -> list[Triple]:
        """The eight corners; bit 2 of the index is the sign along the width, bit 1 along the length, bit 0 along the height."""
        axes = self.axes()
        x, y, z = self.position
        found: list[Triple] = []
        for i in range(8):
            local = tuple(
                (1 if i & bit else -1) * d / 2 for bit, d in zip((4, 2, 1), self.dimensions, strict=True)
            )
            dx, dy, dz = rotate(axes, local)
            found.append((x + dx, y + dy, z + dz))
        return found

    def contains(self, points: Any) -> Any:
        """Which of the points (n, 3) lie inside or on the surface: bool (n,). Heavy."""
        import numpy as np

        given = np.asarray(points)
        close = (np.abs(given - np.asarray(self.position)) <= self.radius + 1e-9).all(axis=1)
        inside = np.zeros(len(given), dtype=bool)
        near = given[close].astype(np.float64) - np.asarray(self.position)
        local = near @ np.asarray(self.axes())
        inside[close] = (np.abs(local) <= np.asarray(self.dimensions) / 2 + 1e-9).all(axis=1)
        return inside


def iou(a: Cuboid, b: Cuboid) -> float:
    """Intersection over union of two cuboids' volumes, exact for any rotation; 0 when they do not overlap."""
    if a.volume <= 0 or b.volume <= 0 or math.dist(a.position, b.position) > a.radius + b.radius:
        return 0.0
    shared = min(overlap(a, b), a.volume, b.volume)
    return shared / (a.volume + b.volume - shared)


def overlap(a: Cuboid, b: Cuboid) -> float:
    """The volume that two cuboids share."""
    if a.upright and b.upright:
        low = max(a.position[2] - a.dimensions[2] / 2, b.position[2] - b.dimensions[2] / 2)
        high = min(a.position[2] + a.dimensions[2] / 2, b.position[2] + b.dimensions[2] / 2)
        return _area(_clip_ring(footprint(a), footprint(b))) * (high - low) if high > low else 0.0
    return _volume(_clip_solid(a, b), a.position)


def footprint(cuboid: Cuboid) -> Ring:
    """The bottom rectangle of an upright cuboid, counter-clockwise from above."""
    corners = cuboid.corners()
    return [(corners[i][0], corners[i][1]) for i in (0, 4, 6, 2)]


def _area(ring: Ring) -> float:
    turns = zip(ring, ring[1:] + ring[:1], strict=True)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in turns)) / 2


def _clip_ring(subject: Ring, window: Ring) -> Ring:
    """The part of a convex polygon inside another that is convex and counter-clockwise (Sutherland–Hodgman)."""
    for (ax, ay), (bx, by) in zip(window, window[1:] + window[:1], strict=True):
        kept: Ring = []
        sides = [(bx - ax) * (y - ay) - (by - ay) * (x - ax) for x, y in subject]
        for i, (x, y) in enumerate(subject):
            px, py = subject[i - 1]
            side, before = sides[i], sides[i - 1]
            if (side >= 0) != (before >= 0):
                t = before / (before - side)
                kept.append((px + t * (x - px), py + t * (y - py)))
            if side >= 0:
                kept.append((x, y))
        subject = kept
        if not subject:
            break
    return subject


def _clip_solid(a: Cuboid, b: Cuboid) -> list[list[Triple]]:
    """Faces of the part of `a` that lies inside `b`."""
    corners = a.corners()
    faces = [[corners[i] for i in face] for face in _FACES]
    axes = b.axes()
    for axis in range(3):
        normal = (axes[0][axis], axes[1][axis], axes[2][axis])
        middle = sum(n * p for n, p in zip(normal, b.position, strict=True))
        for sign in (1.0, -1.0):
            outward = (sign * normal[0], sign * normal[1], sign * normal[2])
            faces = _cut(faces, outward, sign * middle + b.dimensions[axis] / 2)
            if not faces:
                return []
    return faces


def _cut(faces: list[list[Triple]], normal: Triple, limit: float) -> list[list[Triple]]:
    """The part of a convex solid with `normal · p ≤ limit`, closed by a new face."""
    eps = 1e-12 * max(1.0, abs(limit))
    kept: list[list[Triple]] = []
    rim: list[Triple] = []
    removed = False
    for face in faces:
        heights = [normal[0] * p[0] + normal[1] * p[1] + normal[2] * p[2] - limit for p in face]
        part: list[Triple] = []
        for i, point in enumerate(face):
            before, height = heights[i - 1], heights[i]
            if (before > eps) != (height > eps):
                t = before / (before - height)
                q = face[i - 1]
                cross = (
                    q[0] + t * (point[0] - q[0]),
                    q[1] + t * (point[1] - q[1]),
                    q[2] + t * (point[2] - q[2]),
                )
                part.append(cross)
                rim.append(cross)
            if height <= eps:
                part.append(point)
            else:
                removed = True
        if len(part) >= 3:
            kept.append(part)
    if removed and kept:
        cap = _ordered(rim, normal)
        if len(cap) >= 3:
            kept.append(cap)
    return kept


def _ordered(points: Sequence[Triple], normal: Triple) -> list[Triple]:
    """Points of a convex face, counter-clockwise seen against its outward normal."""
    if len(points) < 3:
        return []
    n = len(points)
    cx, cy, cz = (sum(p[i] for p in points) / n for i in range(3))
    helper = (1.0, 0.0, 0.0) if abs(normal[0]) < 0.9 else (0.0, 1.0, 0.0)
    u = _cross(helper, normal)
    v = _cross(normal, u)

    def angle(p: Triple) -> float:
        d = (p[0] - cx, p[1] - cy, p[2] - cz)
        return math.atan2(_dot(d, v), _dot(d, u))

    return sorted(points, key=angle)


def _volume(faces: list[list[Triple]], reference: Triple) -> float:
    """Of a closed convex solid with outward faces: the sum of its tetrahedra with a reference point."""
    total = 0.0
    for face in faces:
        a = _minus(face[0], reference)
        for p, q in itertools.pairwise(face[1:]):
            total += _dot(a, _cross(_minus(p, reference), _minus(q, reference)))
    return abs(total) / 6


def _minus(a: Triple, b: Triple) -> Triple:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _cross(a: Triple, b: Triple) -> Triple:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _dot(a: Triple, b: Triple) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
