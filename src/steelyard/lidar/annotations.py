"""Annotations of a sensor fusion scene on the wire (task-types-lidar §12.4), their consistency, and what lies between path rows."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from steelyard.lidar.cuboid import Cuboid
from steelyard.lidar.pose import Matrix, wrap_angle

SceneId = Annotated[str, Meta(max_length=256)] | int
Time = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Value = Annotated[float, Meta(ge=-1e15, le=1e15)]
Row = list[Value]
PointId = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class ScenePath(Struct, kw_only=True):
    """Values over time; a row for each timestamp, in the scene's time unit."""

    timestamps: list[Time]
    values: list[Row]


class AttributePath(Struct, kw_only=True):
    """An attribute over time: a value holds from its timestamp until the next one. A `static` one has one value."""

    name: str
    timestamps: list[Time]
    values: list[str | int | float | bool | list[str]]
    sensor_id: SceneId | None = None
    static: bool = False


class SceneActivation(Struct, kw_only=True):
    """When a sensor really saw a cuboid."""

    sensor_id: SceneId
    timestamps: list[Time]
    durations: list[Time]
    cuboids: list[Row] | None = None


class SceneProjection(Struct, kw_only=True):
    """Where a camera shows a cuboid; null boxes cannot be projected or were deleted by hand."""

    sensor_id: SceneId
    timestamps: list[Time]
    boxes: list[Row | None]
    cuboids: list[Row] | None = None


class LabeledPoints(Struct, kw_only=True):
    """Points of one sensor, by their index in its frame's `positions`."""

    sensor_id: SceneId
    point_ids: list[PointId]
    sensor_frame: PointId | None = None


class SceneAnnotation(Struct, kw_only=True, tag_field="type"):
    """What all annotations have. `type` is the tag."""

    id: SceneId
    parent_id: SceneId | None = None
    label: str | None = None
    attributes: list[AttributePath] | None = None

    row: ClassVar[tuple[int, int]] = (0, 0)
    """Numbers in a path row: the least, and the step by which there may be more (0: exactly the least)."""

    def paths(self) -> Iterator[tuple[str, Sequence[int], Sequence[Any]]]:
        """Parts with timestamps and as many values: (place, timestamps, values)."""
        for i, a in enumerate(self.attributes or ()):
            yield f"attributes[{i}]", a.timestamps, a.values


class PathAnnotation(SceneAnnotation, kw_only=True):
    """An annotation with a shape that may change over time."""

    path: ScenePath
    sensor_id: SceneId | None = None
    stationary: bool = False

    def paths(self) -> Iterator[tuple[str, Sequence[int], Sequence[Any]]]:
        yield "path", self.path.timestamps, self.path.values
        yield from super().paths()


class SceneCuboid(PathAnnotation, kw_only=True, tag="cuboid"):
    """Rows: dx dy dz px py pz roll pitch yaw; angles in degrees."""

    row: ClassVar[tuple[int, int]] = (9, 0)

    activations: list[SceneActivation] | None = None
    projections: list[SceneProjection] | None = None

    def paths(self) -> Iterator[tuple[str, Sequence[int], Sequence[Any]]]:
        yield from super().paths()
        for i, a in enumerate(self.activations or ()):
            yield f"activations[{i}]", a.timestamps, a.durations
        for i, p in enumerate(self.projections or ()):
            yield f"projections[{i}]", p.timestamps, p.boxes


class SceneBox2d(PathAnnotation, kw_only=True, tag="box_2d"):
    """Rows: left top width height, pixels of a camera."""

    row: ClassVar[tuple[int, int]] = (4, 0)


class ScenePoint2d(PathAnnotation, kw_only=True, tag="point_2d"):
    """Rows: x y, pixels of a camera."""

    row: ClassVar[tuple[int, int]] = (2, 0)


class ScenePolyline2d(PathAnnotation, kw_only=True, tag="polyline_2d"):
    """Rows: x0 y0 x1 y1 …, pixels of a camera."""

    row: ClassVar[tuple[int, int]] = (4, 2)


class ScenePolygon2d(PathAnnotation, kw_only=True, tag="polygon_2d"):
    """Rows: x0 y0 x1 y1 …, pixels of a camera."""

    row: ClassVar[tuple[int, int]] = (6, 2)


class ScenePolygon(PathAnnotation, kw_only=True, tag="polygon"):
    """Rows: x0 y0 z0 x1 y1 z1 …"""

    row: ClassVar[tuple[int, int]] = (9, 3)


class ScenePolyline(PathAnnotation, kw_only=True, tag="polyline"):
    """Rows: x0 y0 z0 x1 y1 z1 …"""

    row: ClassVar[tuple[int, int]] = (6, 3)

    is_closed: bool | None = None


class ScenePoint(PathAnnotation, kw_only=True, tag="point"):
    """Rows: x y z."""

    row: ClassVar[tuple[int, int]] = (3, 0)


class ScenePolygonTopdown(PathAnnotation, kw_only=True, tag="polygon_topdown"):
    """Rows: x0 y0 z0 x1 y1 z1 …, drawn from above."""

    row: ClassVar[tuple[int, int]] = (9, 3)

    stationary: bool = True


class ScenePointTopdown(PathAnnotation, kw_only=True, tag="point_topdown"):
    """Rows: x y z, set from above."""

    row: ClassVar[tuple[int, int]] = (3, 0)

    stationary: bool = True


class SceneEvent(SceneAnnotation, kw_only=True, tag="event"):
    """Something that happens at a time, or for a while."""

    start: Time
    duration: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    sensor_id: SceneId | None = None


class ScenePoints(SceneAnnotation, kw_only=True, tag="point_segmentation"):
    """Points that belong to a label, or to one instance of it."""

    is_instance: bool = False
    labeled_points: list[LabeledPoints]


class SceneLabeledPoints(ScenePoints, kw_only=True, tag="labeled_points"):
    """Another name of `point_segmentation`."""


class SceneLink(SceneAnnotation, kw_only=True, tag="link"):
    """A relation between two annotations, by their ids."""

    is_bidirectional: bool = False
    from_id: SceneId
    to_id: SceneId
    sensor_id: SceneId | None = None


class SceneObject(SceneAnnotation, kw_only=True, tag="object"):
    """An object without a shape of its own: a parent for others."""


class SceneAttributes(SceneAnnotation, kw_only=True, tag="attributes"):
    """Attributes of the scene or of a parent."""


class SceneAdjustment(SceneAnnotation, kw_only=True, tag="localization_adjustment"):
    """A correction of the poses; rows: x y z qx qy qz qw."""

    poses: ScenePath

    def paths(self) -> Iterator[tuple[str, Sequence[int], Sequence[Any]]]:
        yield "poses", self.poses.timestamps, self.poses.values
        yield from super().paths()


AnyAnnotation = (
    SceneCuboid | SceneBox2d | ScenePoint2d | ScenePolyline2d | ScenePolygon2d | ScenePolygon | ScenePolyline
    | ScenePoint | ScenePolygonTopdown | ScenePointTopdown | SceneEvent | ScenePoints | SceneLabeledPoints
    | SceneLink | SceneObject | SceneAttributes | SceneAdjustment
)  # fmt: skip

ANNOTATIONS: dict[str, type[SceneAnnotation]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        SceneCuboid, SceneBox2d, ScenePoint2d, ScenePolyline2d, ScenePolygon2d, ScenePolygon, ScenePolyline,
        ScenePoint, ScenePolygonTopdown, ScenePointTopdown, SceneEvent, ScenePoints, SceneLabeledPoints,
        SceneLink, SceneObject, SceneAttributes, SceneAdjustment,
    )
}  # fmt: skip
"""By wire name."""

IN_IMAGES = frozenset({"box_2d", "point_2d", "polyline_2d", "polygon_2d"})
"""Types that need a `sensor_id`: the camera they were drawn in."""


def kind_of(annotation: SceneAnnotation) -> str:
    """The wire name of its type."""
    return str(type(annotation).__struct_config__.tag)


def problems(annotation: SceneAnnotation) -> Iterator[tuple[str, str]]:
    """What contradicts itself: (place inside the annotation, what is wrong)."""
    for place, timestamps, values in annotation.paths():
        if len(timestamps) != len(values):
            yield place, f"has {len(timestamps)} timestamps and {len(values)} values"
        if not timestamps and place in ("path", "poses"):
            yield place, "must not be empty"
        if any(t < 0 for t in timestamps[:1]):
            yield f"{place}.timestamps", "negative value"
        if any(b <= a for a, b in itertools.pairwise(timestamps)):
            yield f"{place}.timestamps", "not strictly increasing"
    for i, a in enumerate(annotation.attributes or ()):
        if a.static and len(a.values) != 1:
            yield f"attributes[{i}].values", "must have one value, the attribute is static"
    if isinstance(annotation, SceneAdjustment):
        for i, row in enumerate(annotation.poses.values):
            if len(row) != 7:
                yield f"poses.values[{i}]", f"must have 7 numbers, has {len(row)}"
    if isinstance(annotation, PathAnnotation):
        yield from _row_problems(annotation)
    if isinstance(annotation, ScenePoints) and annotation.label is None:
        yield "label", "is required"


def _row_problems(annotation: PathAnnotation) -> Iterator[tuple[str, str]]:
    least, step = annotation.row
    for i, row in enumerate(annotation.path.values):
        where = f"path.values[{i}]"
        if step == 0 and len(row) != least:
            yield where, f"must have {least} numbers, has {len(row)}"
        elif step and (len(row) < least or len(row) % step):
            yield where, f"must have at least {least} numbers, a multiple of {step}, has {len(row)}"
        elif isinstance(annotation, SceneCuboid) and min(row[:3]) <= 0:
            yield where, "must have dimensions greater than 0"
        elif isinstance(annotation, SceneBox2d) and min(row[2:]) <= 0:
            yield where, "must have a width and height greater than 0"
    if annotation.stationary and len(annotation.path.values) > 1:
        yield "path.values", "must have one row, the annotation is stationary"
    if kind_of(annotation) in IN_IMAGES and annotation.sensor_id is None:
        yield "sensor_id", "is required"


def row_at(annotation: PathAnnotation, time: int) -> Row | None:
    """The path's row at a time, linear between its own; None outside its lifetime. A stationary annotation lasts for ever.

    Yaw, pitch and roll of cuboids take the shorter arc. Between rows of different lengths the earlier one holds.
    """
    times, rows = annotation.path.timestamps, annotation.path.values
    if annotation.stationary or not times:
        return rows[0] if rows else None
    after = bisect_right(times, time)
    if after == 0 or (after == len(times) and time > times[-1]):
        return None
    a = rows[after - 1]
    if times[after - 1] == time or len(rows[after]) != len(a):
        return a
    b = rows[after]
    t = (time - times[after - 1]) / (times[after] - times[after - 1])
    found = [x + t * (y - x) for x, y in zip(a, b, strict=True)]
    if isinstance(annotation, SceneCuboid):
        found[6:] = [
            x + t * math.degrees(wrap_angle(math.radians(y - x))) for x, y in zip(a[6:], b[6:], strict=True)
        ]
    return found


def cuboid_of(row: Sequence[float]) -> Cuboid:
    """A row of nine numbers (angles in degrees) as a cuboid: `R = Rx(roll)·Ry(pitch)·Rz(yaw)`, width along the local x axis."""
    size, place = (row[0], row[1], row[2]), (row[3], row[4], row[5])
    roll, pitch, yaw = (math.radians(angle) for angle in row[6:9])
    if not roll and not pitch:
        return Cuboid(place, size, wrap_angle(yaw))
    right, front, up = _columns(roll, pitch, yaw)
    heading = math.atan2(front[1], front[0])
    tilt = math.asin(max(-1.0, min(1.0, -front[2])))
    return Cuboid(place, size, wrap_angle(heading - math.pi / 2), tilt, math.atan2(-right[2], up[2]))


def _columns(roll: float, pitch: float, yaw: float) -> Matrix:
    """Columns of Rx(roll)·Ry(pitch)·Rz(yaw)."""
    cr, sr, cp, sp, cy, sy = (f(a) for a in (roll, pitch, yaw) for f in (math.cos, math.sin))
    return (
        (cp * cy, sr * sp * cy + cr * sy, -cr * sp * cy + sr * sy),
        (-cp * sy, -sr * sp * sy + cr * cy, cr * sp * sy + sr * cy),
        (sp, -sr * cp, cr * cp),
    )
