"""Positions and rotations (task-types-lidar §2). Quaternions are Hamilton's, scalar first: `w + xi + yj + zk`, local → world."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

NORM_TOLERANCE = 1e-2
"""How far a quaternion's norm may be from 1 for it to be taken as a rotation (§3.1)."""


class Vector3(Struct, frozen=True):
    """A position, direction or extent in the world frame, in input units."""

    x: float
    y: float
    z: float

    def triple(self) -> Triple:
        """(x, y, z)."""
        return self.x, self.y, self.z


class Quaternion(Struct, frozen=True):
    """A rotation from the local frame to the world."""

    w: float
    x: float
    y: float
    z: float

    def normalised(self) -> Quaternion:
        """The unit quaternion; raises ValueError if the norm is further than `NORM_TOLERANCE` from 1."""
        norm = math.hypot(self.w, self.x, self.y, self.z)
        if not abs(norm - 1.0) <= NORM_TOLERANCE:
            raise ValueError(f"quaternion has norm {norm:g}, expected 1")
        if norm == 1.0:
            return self
        return Quaternion(self.w / norm, self.x / norm, self.y / norm, self.z / norm)

    def matrix(self) -> Matrix:
        """Rows of the rotation matrix R with `P_world = R · P_local`; the quaternion must be of unit length."""
        w, x, y, z = self.w, self.x, self.y, self.z
        return (
            (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
            (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
            (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
        )


IDENTITY = Quaternion(1.0, 0.0, 0.0, 0.0)
ORIGIN = Vector3(0.0, 0.0, 0.0)


def rotate(matrix: Matrix, v: Sequence[float]) -> Triple:
    """R · v."""
    a, b, c = matrix
    return (
        a[0] * v[0] + a[1] * v[1] + a[2] * v[2],
        b[0] * v[0] + b[1] * v[1] + b[2] * v[2],
        c[0] * v[0] + c[1] * v[1] + c[2] * v[2],
    )


def slerp(a: Quaternion, b: Quaternion, t: float) -> Quaternion:
    """The rotation a share `t` (0..1) of the way from one to another, by the shorter way."""
    dot = a.w * b.w + a.x * b.x + a.y * b.y + a.z * b.z
    sign = -1.0 if dot < 0 else 1.0
    angle = math.acos(min(1.0, abs(dot)))
    if angle < 1e-6:
        p, q = 1.0 - t, t * sign
    else:
        p, q = math.sin((1.0 - t) * angle) / math.sin(angle), sign * math.sin(t * angle) / math.sin(angle)
    found = Quaternion(p * a.w + q * b.w, p * a.x + q * b.x, p * a.y + q * b.y, p * a.z + q * b.z)
    norm = math.hypot(found.w, found.x, found.y, found.z)
    return Quaternion(found.w / norm, found.x / norm, found.y / norm, found.z / norm)


def wrap_angle(radians: float) -> float:
    """The same angle in (−π, π]."""
    if -math.pi < radians <= math.pi:
        return radians
    turned = math.remainder(radians, 2 * math.pi)
    return math.pi if turned <= -math.pi else turned


def turn(start: float, end: float, t: float) -> float:
    """The angle a share `t` of the way from one to another along the shorter arc, in (−π, π]."""
    return wrap_angle(start + t * wrap_angle(end - start))
