"""Tracks: key frames and what lies between them (task-types-lidar §16, task-types-2d §9.5)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct

from steelyard.lidar.cuboid import Cuboid
from steelyard.lidar.pose import turn


class KeyFrame(Struct, frozen=True):
    """A cuboid that somebody set at a time: a frame index, or its timestamp in any unit."""

    time: float
    cuboid: Cuboid


def interpolate(keys: Sequence[KeyFrame], times: Sequence[float]) -> list[Cuboid | None]:
    """The cuboid at each time: position and dimensions linear, angles along the shorter arc. Outside the key frames there is none.

    `keys` may come in any order; of two at one time the later in the list counts.
    """
    by_time = {key.time: key.cuboid for key in keys}
    at = sorted(by_time)
    found: list[Cuboid | None] = []
    for time in times:
        after = bisect_right(at, time)
        if after == 0 or (after == len(at) and time > at[-1]):
            found.append(None)
        elif at[after - 1] == time:
            found.append(by_time[time])
        else:
            start, end = at[after - 1], at[after]
            found.append(between(by_time[start], by_time[end], (time - start) / (end - start)))
    return found


def between(a: Cuboid, b: Cuboid, t: float) -> Cuboid:
    """The cuboid a share `t` (0..1) of the way from one to another."""
    (ax, ay, az), (bx, by, bz) = a.position, b.position
    (aw, al, ah), (bw, bl, bh) = a.dimensions, b.dimensions
    s = 1.0 - t
    return Cuboid(
        (s * ax + t * bx, s * ay + t * by, s * az + t * bz),
        (s * aw + t * bw, s * al + t * bl, s * ah + t * bh),
        turn(a.yaw, b.yaw, t),
        turn(a.pitch, b.pitch, t),
        turn(a.roll, b.roll, t),
    )
