"""Frames as serialized `LidarFrame` messages, proto2 (task-types-lidar §4). Heavy.

The few messages are decoded by hand, from the field numbers. Points are decoded as arrays: nearly all have one layout, so whole columns
are cut out of the bytes at once; unknown fields are skipped, missing required ones refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from steelyard.lidar.cameras import Camera, Distortion
from steelyard.lidar.frames import NO_TIME, Frame, FrameError, FrameImage, GpsPose, RadarPoint, numbered, unit
from steelyard.lidar.pose import Quaternion, Vector3

Array = Any
S = TypeVar("S", bound=Struct)

MAX_LAYOUTS = 1000
"""Ways to write a point — which fields, in which order, of which length — that one frame may mix. Real ones mix a few."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _Field(Struct, frozen=True):
    """A field of a message: its number, wire type, and where its value lies."""

    number: int
    wire: int
    start: int
    end: int


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value, shift = 0, 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise FrameError("truncated or overlong number")


def _fields(data: bytes, at: int, end: int) -> Iterator[_Field]:
    while at < end:
        key, at = _varint(data, at, end)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            start = at
            _, at = _varint(data, at, end)
        elif wire == _BYTES:
            length, start = _varint(data, at, end)
            at = start + length
        elif wire in (_FIXED64, _FIXED32):
            start = at
            at += 8 if wire == _FIXED64 else 4
        else:
            raise FrameError("unknown wire type")
        if not number or at > end:
            raise FrameError("truncated message")
        yield _Field(number, wire, start, at)


def _values(data: bytes, at: int, end: int, kinds: dict[int, tuple[str, str]]) -> dict[str, Any]:
    """Scalar fields by name; `kinds`: number → (name, "float", "double", "int", "bool", "str" or "message" for a span)."""
    found: dict[str, Any] = {}
    for f in _fields(data, at, end):
        if f.number not in kinds:
            continue
        name, kind = kinds[f.number]
        if f.wire != _WIRES[kind]:
            raise FrameError(f"{name} has the wrong wire type")
        if kind == "float":
            found[name] = struct.unpack_from("<f", data, f.start)[0]
        elif kind == "double":
            found[name] = struct.unpack_from("<d", data, f.start)[0]
        elif kind == "str":
            try:
                found[name] = data[f.start : f.end].decode()
            except UnicodeDecodeError:
                raise FrameError(f"{name} is not UTF-8") from None
        elif kind == "message":
            found[name] = (f.start, f.end)
        else:
            value = _varint(data, f.start, f.end)[0] & 0xFFFF_FFFF_FFFF_FFFF
            found[name] = bool(value) if kind == "bool" else value - 2**64 if value >= 2**63 else value
        if kind in ("float", "double") and not math.isfinite(found[name]):
            raise FrameError(f"{name} is not a finite number")
    return found


_WIRES = {
    "float": _FIXED32,
    "double": _FIXED64,
    "int": _VARINT,
    "bool": _VARINT,
    "str": _BYTES,
    "message": _BYTES,
}


def _floats(*names: str) -> dict[int, tuple[str, str]]:
    return {i: (name, "float") for i, name in enumerate(names, 1)}


_VECTOR = _floats("x", "y", "z")
_QUATERNION = _floats("w", "x", "y", "z")
_GPS = _floats("lat", "long", "bearing")
_BROWN = _floats("fx", "fy", "cx", "cy", "skew", "k1", "k2", "p1", "p2", "k3")
_FISHEYE = _floats("fx", "fy", "cx", "cy", "skew", "k1", "k2", "k3", "k4")
_OMNI = _floats("fx", "fy", "cx", "cy", "skew", "k1", "k2", "p1", "p2", "k3", "xi")
_RADAR = {1: ("position", "message"), 2: ("direction", "message"), 3: ("size", "float")}
_IMAGE = {
    1: ("timestamp", "double"), 2: ("image_url", "str"), 3: ("position", "message"), 4: ("heading", "message"),
    5: ("scale_factor", "float"), 6: ("priority", "int"), 7: ("camera_index", "int"), 8: ("brown_conrady", "message"),
    9: ("fisheye", "message"), 13: ("omnidirectional", "message"),
}  # fmt: skip
_MODELS = {"brown_conrady": _BROWN, "fisheye": _FISHEYE, "omnidirectional": _OMNI}
_FRAME = {
    1: ("device_position", "message"), 2: ("device_heading", "message"), 3: ("device_gps_pose", "message"),
    7: ("timestamp", "double"),
}  # fmt: skip


def read_protobuf(data: bytes) -> Frame:
    """A frame from the bytes of one `LidarFrame`; raises FrameError."""
    points: list[tuple[int, int]] = []
    radar: list[tuple[int, int]] = []
    images: list[tuple[int, int]] = []
    lists = {4: points, 5: radar, 6: images}
    for f in _fields(data, 0, len(data)):
        if f.number in lists:
            if f.wire != _BYTES:
                raise FrameError("a message has the wrong wire type")
            lists[f.number].append((f.start, f.end))
    top = _values(data, 0, len(data), _FRAME)
    position = _vector(data, _needed(top, "device_position", ""), "device_position")
    heading = _rotation(data, top["device_heading"], "device_heading") if "device_heading" in top else None
    gps = None
    if "device_gps_pose" in top:
        place = _values(data, *_span(top["device_gps_pose"]), _GPS)
        for name in ("lat", "long", "bearing"):
            _needed(place, name, "device_gps_pose.")
        gps = _held(
            {"lat": place["lat"], "lon": place["long"], "bearing": place["bearing"]},
            GpsPose,
            "device_gps_pose",
        )
    columns = _points(data, points)
    return Frame(
        device_position=position,
        device_heading=unit("device_heading", heading),
        gps=gps,
        radar=tuple(_radar(data, span, i) for i, span in enumerate(radar)),
        images=numbered([_image(data, span, i) for i, span in enumerate(images)]),
        timestamp=top.get("timestamp"),
        **columns,
    )


def _span(found: Any) -> tuple[int, int]:
    return found


def _needed(found: dict[str, Any], name: str, path: str) -> Any:
    if name not in found:
        raise FrameError(f"{path}{name} is required")
    return found[name]


def _held(values: dict[str, Any], struct: type[S], path: str) -> S:
    """Values as a Struct whose bounds hold for JSON, too; raises FrameError."""
    try:
        return msgspec.convert(values, struct, from_attributes=True)
    except msgspec.ValidationError as error:
        text, _, where = str(error).partition(" - at `$")
        raise FrameError(f"{path}{where.rstrip('`')}: {text}") from None


def _vector(data: bytes, span: tuple[int, int], path: str) -> Vector3:
    found = _values(data, *span, _VECTOR)
    x, y, z = (_needed(found, name, f"{path}.") for name in ("x", "y", "z"))
    return Vector3(x, y, z)


def _rotation(data: bytes, span: tuple[int, int], path: str) -> Quaternion:
    found = _values(data, *span, _QUATERNION)
    w, x, y, z = (_needed(found, name, f"{path}.") for name in ("w", "x", "y", "z"))
    return Quaternion(w, x, y, z)


def _radar(data: bytes, span: tuple[int, int], i: int) -> RadarPoint:
    found = _values(data, *span, _RADAR)
    path = f"radar_points[{i}]."
    direction = _vector(data, found["direction"], f"{path}direction") if "direction" in found else None
    position = _vector(data, _needed(found, "position", path), f"{path}position")
    return _held(
        {"position": position, "direction": direction, "size": found.get("size")},
        RadarPoint,
        f"radar_points[{i}]",
    )


def _image(data: bytes, span: tuple[int, int], i: int) -> FrameImage:
    found = _values(data, *span, _IMAGE)
    path = f"images[{i}]."
    url = _needed(found, "image_url", path)
    position = _vector(data, _needed(found, "position", path), f"{path}position")
    heading = unit(f"{path}heading", _rotation(data, _needed(found, "heading", path), f"{path}heading"))
    # Of a oneof the last member on the wire counts.
    given = [name for name in _MODELS if name in found]
    model = max(given, key=lambda name: found[name][0], default=None)
    if model is None:
        raise FrameError(f"images[{i}] has no camera intrinsics")
    inner = _values(data, *_span(found[model]), _MODELS[model])
    fx, fy, cx, cy = (float(_needed(inner, name, f"{path}{model}.")) for name in ("fx", "fy", "cx", "cy"))
    if fx <= 0 or fy <= 0:
        raise FrameError(f"{path}{model}: fx and fy must be greater than 0")
    if not url:
        raise FrameError(f"{path}image_url is required")
    if found.get("scale_factor", 0.0) < 0:
        raise FrameError(f"{path}scale_factor must be at least 0")
    names = [name for name, _ in _MODELS[model].values() if name not in ("fx", "fy", "cx", "cy", "skew")]
    camera = Camera(
        model=model, fx=fx, fy=fy, cx=cx, cy=cy, skew=inner.get("skew", 0.0),
        distortion=Distortion(**{name: inner.get(name, 0.0) for name in names}),
        scale_factor=found.get("scale_factor") or 1.0, position=position, heading=heading,
    )  # fmt: skip
    index = found.get("camera_index", i)
    return FrameImage(
        image_url=url, camera_index=index, camera=camera, priority=found.get("priority", 0), timestamp=found.get("timestamp")
    )  # fmt: skip


_POINT = {
    1: ("x", _FIXED32), 2: ("y", _FIXED32), 3: ("z", _FIXED32), 4: ("i", _FIXED32), 5: ("d", _VARINT), 6: ("t", _FIXED64),
    7: ("is_ground", _VARINT),
}  # fmt: skip


def _points(data: bytes, spans: list[tuple[int, int]]) -> dict[str, Array]:
    """All points as columns, group by group of equal layout."""
    import numpy as np

    n = len(spans)
    bounds = np.array(spans, dtype=np.int64).reshape(n, 2)
    raw = np.frombuffer(data, dtype=np.uint8)
    lengths = bounds[:, 1] - bounds[:, 0]
    columns: dict[str, Array] = {
        "positions": np.empty((n, 3)),
        "intensities": np.full(n, np.nan, dtype=np.float32),
        "devices": np.zeros(n, dtype=np.uint32),
        "times": np.full(n, NO_TIME, dtype=np.int64),
        "ground": np.zeros(n, dtype=np.bool_),
    }
    layouts = 0
    for length in np.unique(lengths).tolist():
        left = np.flatnonzero(lengths == length)
        while len(left):
            layouts += 1
            if layouts > MAX_LAYOUTS:
                raise FrameError(f"points are written in more than {MAX_LAYOUTS} ways")
            rows = raw[bounds[left, 0][:, None] + np.arange(length)[None, :]]
            layout, fixed = _layout(rows[0].tobytes(), int(left[0]))
            # The same tags at the same places, and numbers of the same number of bytes, make the same layout.
            same = np.ones(len(left), dtype=np.bool_)
            for at in fixed:
                same &= rows[:, at] == rows[0, at]
            for f in layout:
                if f.wire == _VARINT:
                    more = rows[:, f.start : f.end] >= 0x80
                    same &= (more == (rows[0, f.start : f.end] >= 0x80)).all(axis=1)
            _cut(rows[same], left[same], layout, columns)
            left = left[~same]
    if not np.isfinite(columns["positions"]).all() or np.isinf(columns["intensities"]).any():
        raise FrameError("points: x, y, z and i must be finite numbers")
    return columns


def _layout(point: bytes, index: int) -> tuple[list[_Field], list[int]]:
    """The fields of one point, and the places of the bytes that are not values."""
    fields = list(_fields(point, 0, len(point)))
    known = {f.number for f in fields if f.number in _POINT and f.wire == _POINT[f.number][1]}
    for number in (1, 2, 3):
        if number not in known:
            raise FrameError(f"points[{index}].{_POINT[number][0]} is required")
    if any(f.number in _POINT and f.wire != _POINT[f.number][1] for f in fields):
        raise FrameError(f"points[{index}] has a field of the wrong wire type")
    inside = {at for f in fields for at in range(f.start, f.end)}
    return fields, [at for at in range(len(point)) if at not in inside]


def _cut(rows: Array, places: Array, layout: list[_Field], columns: dict[str, Array]) -> None:
    import numpy as np

    for f in layout:
        name = _POINT.get(f.number, ("", 0))[0]
        part = np.ascontiguousarray(rows[:, f.start : f.end])
        if name in ("x", "y", "z"):
            columns["positions"][places, "xyz".index(name)] = part.view("<f4")[:, 0]
        elif name == "i":
            columns["intensities"][places] = part.view("<f4")[:, 0]
        elif name == "t":
            times = part.view("<f8")[:, 0]
            if not (np.abs(times) < 2**63).all():
                raise FrameError("points: t is out of range")
            columns["times"][places] = times.astype(np.int64)
        elif name:
            value = np.zeros(len(rows), dtype=np.uint64)
            for k in range(min(part.shape[1], 9)):
                value |= (part[:, k].astype(np.uint64) & np.uint64(0x7F)) << np.uint64(7 * k)
            if name == "d":
                columns["devices"][places] = value.astype(np.uint32)
            else:
                columns["ground"][places] = value != 0
