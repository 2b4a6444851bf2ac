"""Sensor fusion scenes: sensors with their own clocks and poses, and annotations (task-types-lidar §12). Heavy: arrays by numpy.

A scene comes as a JSON-binary container or as plain JSON with nested numbers. Timestamps are integers in `time_unit`, relative to
`time_offset`.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from steelyard.lidar import jsonbinary
from steelyard.lidar.annotations import AnyAnnotation, AttributePath, SceneAnnotation, SceneId, problems
from steelyard.lidar.cameras import COEFFICIENTS, Camera, distortion_of
from steelyard.lidar.frames import FrameError, inflate
from steelyard.lidar.pose import Quaternion, Triple, Vector3, slerp

Array = Any
Place = tuple[str | int, ...]

LATEST_START = 100_000_000
"""The first timestamp may be 100 s (in µs) after `time_offset`; a later one was never shifted by it."""

MAX_RATE_HZ = 100.0
ODOMETRY = ("odometry", "gps", "odometer")


class SceneProblem(Struct, frozen=True):
    """What is wrong at one place of a scene, in the shape of the published validator."""

    path: list[str | int]
    errors: list[str]


class SceneError(ValueError):
    """A file is no scene that can be worked with; `problems` has all that was found."""

    def __init__(self, found: Sequence[SceneProblem]) -> None:
        first = found[0]
        where = ".".join(map(str, first.path))
        super().__init__(f"{where}: {first.errors[0]}" if where else first.errors[0])
        self.problems = list(found)


class Poses(Struct, frozen=True):
    """A pose path: sensor → world (or → ego). `values` rows: x y z qx qy qz qw."""

    timestamps: list[int]
    values: list[list[float]]

    def at(self, time: int) -> tuple[Triple, Quaternion]:
        """The pose at a time: position linear, rotation by slerp, clamped to the ends."""
        after = bisect_right(self.timestamps, time)
        if after == 0:
            return _pose(self.values[0])
        (place, turned) = _pose(self.values[after - 1])
        if after == len(self.timestamps) or self.timestamps[after - 1] == time:
            return place, turned
        (next_place, next_turned) = _pose(self.values[after])
        t = (time - self.timestamps[after - 1]) / (self.timestamps[after] - self.timestamps[after - 1])
        x, y, z = (a + t * (b - a) for a, b in zip(place, next_place, strict=True))
        return (x, y, z), slerp(turned, next_turned, t)


def _pose(row: Sequence[float]) -> tuple[Triple, Quaternion]:
    x, y, z, qx, qy, qz, qw = row
    norm = math.hypot(qx, qy, qz, qw)
    return (x, y, z), Quaternion(qw / norm, qx / norm, qy / norm, qz / norm)


class Sweep(Struct, frozen=True):
    """One frame of a lidar or radar. `positions` float32 (n, 3); the rest has n rows or is None (`values`: intensities or lengths)."""

    timestamp: int
    positions: Array
    colors: Array = None
    values: Array = None
    times: Array = None
    directions: Array = None


class Picture(Struct, frozen=True):
    """One image of a camera: encoded bytes uint8 (n,), or raw RGB uint8 (h, w, 3)."""

    timestamp: int
    content: Array


class Sensor(Struct, frozen=True, kw_only=True):
    """One sensor. Lidars and radars have `sweeps`, clouds one with timestamp 0; cameras have pictures, or a video and its times."""

    id: SceneId
    type: str
    parent_id: SceneId | None = None
    poses: Poses | None = None
    ego: bool = False
    sweeps: tuple[Sweep, ...] = ()
    camera: Camera | None = None
    pictures: tuple[Picture, ...] = ()
    video: Array = None
    video_times: tuple[int, ...] = ()
    fps: float | None = None

    def camera_at(self, time: int) -> Camera | None:
        """The camera with its pose at a time; None for other sensors."""
        if self.camera is None or self.poses is None:
            return None
        place, heading = self.poses.at(time)
        return msgspec.structs.replace(self.camera, position=Vector3(*place), heading=heading)


class Scene(Struct, frozen=True, kw_only=True):
    """A whole recording."""

    version: str
    time_unit: str
    time_offset: int | None
    sensors: tuple[Sensor, ...]
    annotations: tuple[SceneAnnotation, ...]
    attributes: tuple[AttributePath, ...]
    metadata: dict[str, Any] | None


def read_scene(data: bytes) -> Scene:
    """A scene from a file's bytes; raises SceneError with every problem that was found."""
    try:
        content = inflate(data)
        document: Any = (
            jsonbinary.decode(content) if jsonbinary.is_container(content) else msgspec.json.decode(content)
        )
    except (FrameError, jsonbinary.ContainerError, msgspec.DecodeError, RecursionError) as error:
        raise SceneError([SceneProblem([], [str(error)])]) from None
    if not isinstance(document, dict):
        raise SceneError([SceneProblem([], ["must be an object"])])
    reader = _Reader()
    try:
        scene = reader.scene(cast("dict[str, Any]", document))
    except RecursionError:
        raise SceneError([SceneProblem([], ["is nested too deeply"])]) from None
    if reader.found or scene is None:
        raise SceneError([SceneProblem(list(path), errors) for path, errors in reader.found.items()])
    return scene


class _Reader:
    """Reads and checks; goes on after problems, so that all of them are reported."""

    def __init__(self) -> None:
        self.found: dict[Place, list[str]] = {}

    def bad(self, path: Place, error: str) -> None:
        self.found.setdefault(path, []).append(error)

    def scene(self, given: dict[str, Any]) -> Scene | None:
        version = given.get("version")
        if version is None:
            self.bad((), "version is required")
        elif not isinstance(version, str) or not version.startswith(("1.0", "5.1")):
            self.bad(("version",), f'unsupported scene version "{str(version)[:40]}"')
        unit = given.get("time_unit") or "microseconds"
        if unit not in ("microseconds", "nanoseconds"):
            self.bad(("time_unit",), "time_unit must be microseconds")
        self.to_us = 1e-3 if unit == "nanoseconds" else 1.0
        offset = given.get("time_offset")
        if offset is not None and not _is_int(offset):
            self.bad(("time_offset",), "must be an integer")
        elif offset is not None and offset < 0:
            self.bad(("time_offset",), "time_offset must not be negative")
        sensors = self._list(given, "sensors")
        found = [s for i, item in enumerate(sensors) if (s := self.sensor(("sensors", i), item)) is not None]
        seen: set[str] = set()
        for i, item in enumerate(sensors):
            key = str(cast("dict[str, Any]", item).get("id")) if isinstance(item, dict) else f"#{i}"
            if key in seen:
                self.bad(("sensors", i, "id"), f"duplicate sensor id {key}")
            seen.add(key)
        self._ego(found)
        annotations = [self.annotation(i, item) for i, item in enumerate(self._list(given, "annotations"))]
        attributes = [
            self._converted(("attributes", i), a, AttributePath)
            for i, a in enumerate(self._list(given, "attributes"))
        ]
        if self.found:
            return None
        return Scene(
            version=str(version), time_unit=str(unit), time_offset=offset, sensors=tuple(found),
            annotations=tuple(annotations), attributes=tuple(attributes), metadata=given.get("metadata"),
        )  # fmt: skip

    def _list(self, given: dict[str, Any], key: str) -> list[Any]:
        found = given.get(key)
        if found is None:
            return []
        if not isinstance(found, list):
            self.bad((key,), f"{key} must be an array")
            return []
        return cast("list[Any]", found)

    def _ego(self, sensors: list[Sensor]) -> None:
        known = {str(s.id) for s in sensors}
        for i, sensor in enumerate(sensors):
            has = any(s.type in ODOMETRY for s in sensors) or str(sensor.parent_id) in known
            if sensor.ego and not has:
                self.bad(("sensors", i), "ego coordinates require an odometry sensor")

    def annotation(self, i: int, given: Any) -> Any:
        path: Place = ("annotations", i)
        found = self._converted(path, _plain(given), AnyAnnotation)
        if found is not None:
            for place, problem in problems(found):
                self.bad((*path, place), problem)
        return found

    def _converted(self, path: Place, given: Any, hint: Any) -> Any:
        try:
            return msgspec.convert(_plain(given), hint)
        except (msgspec.ValidationError, OverflowError, ValueError) as error:
            self.bad(path, str(error))
            return None

    def sensor(self, path: Place, given: Any) -> Sensor | None:
        if not isinstance(given, dict):
            self.bad(path, "must be an object")
            return None
        item = cast("dict[str, Any]", given)
        key, kind = item.get("id"), item.get("type")
        if not isinstance(key, str) and not _is_int(key):
            self.bad(path, "id is required" if key is None else "id must be a string or an integer")
            return None
        common: dict[str, Any] = {"id": key, "type": str(kind), "parent_id": item.get("parent_id")}
        if kind == "points":
            sweep = self.points((*path, "points"), item.get("points"), 0, radar=False)
            return Sensor(**common, sweeps=() if sweep is None else (sweep,))
        if kind not in ("lidar", "radar", "camera", *ODOMETRY):
            self.bad((*path, "type"), f'unknown sensor type "{str(kind)[:40]}"')
            return None
        poses = self.poses((*path, "poses"), item.get("poses"))
        if kind in ODOMETRY:
            return Sensor(**common, poses=poses)
        if kind == "camera":
            return self.camera(path, item, common, poses)
        coordinates = item.get("coordinates") or "world"
        if coordinates not in ("world", "ego"):
            self.bad((*path, "coordinates"), "must be one of world, ego")
        sweeps = self.sweeps(path, item.get("frames"), radar=kind == "radar")
        return Sensor(**common, poses=poses, ego=coordinates == "ego", sweeps=tuple(sweeps))

    def poses(self, path: Place, given: Any) -> Poses | None:
        if not isinstance(given, dict):
            self.bad(path, "is required")
            return None
        found = cast("dict[str, Any]", given)
        times = self.times(path, found.get("timestamps"), content=False)
        rows = self._converted((*path, "values"), found.get("values"), list[list[float]])
        if times is None or rows is None:
            return None
        if not rows:
            self.bad(path, "must not be empty")
        elif len(rows) != len(times):
            self.bad(path, f"has {len(times)} timestamps and {len(rows)} values")
        elif any(
            len(row) != 7 or not math.hypot(*row[3:]) or not all(map(math.isfinite, row)) for row in rows
        ):
            self.bad((*path, "values"), "rows must be x y z qx qy qz qw with a rotation")
        else:
            return Poses(times, rows)
        return None

    def times(self, path: Place, given: Any, *, content: bool) -> list[int] | None:
        """Timestamps that keep the rules; `content`: they pace sweeps or images, whose rate is limited."""
        plain = _plain(given)
        if not isinstance(plain, list) or not all(_is_int(t) for t in cast("list[Any]", plain)):
            self.bad((*path, "timestamps"), "must be an array of integers")
            return None
        times = cast("list[int]", plain)
        if any(t < 0 for t in times):
            self.bad(path, "timestamps: negative value")
        if any(b <= a for a, b in itertools.pairwise(times)):
            self.bad(path, "timestamps: not strictly increasing")
        elif times and times[0] * self.to_us > LATEST_START:
            self.bad(path, f"timestamps: not relative to time_offset (first is {times[0]})")
        if content and len(times) > 1 and times[-1] > times[0]:
            rate = (len(times) - 1) / ((times[-1] - times[0]) * self.to_us / 1e6)
            if rate > MAX_RATE_HZ * (1 + 1e-9):
                self.bad(path, f"frame rate {rate:g} Hz exceeds 100 Hz")
        return times

    def sweeps(self, path: Place, given: Any, *, radar: bool) -> list[Sweep]:
        where: Place = (*path, "frames")
        if not isinstance(given, list) or not given:
            self.bad(path, "frames: at least one required")
            return []
        frames = cast("list[Any]", given)
        stamps = [cast("dict[str, Any]", f).get("timestamp") if isinstance(f, dict) else None for f in frames]
        self.times(where, stamps, content=True)
        found: list[Sweep] = []
        for i, (frame, stamp) in enumerate(zip(frames, stamps, strict=True)):
            points = cast("dict[str, Any]", frame).get("points") if isinstance(frame, dict) else None
            sweep = self.points(
                (*where, i, "points"), points, cast("int", stamp) if _is_int(stamp) else 0, radar=radar
            )
            if sweep is not None:
                found.append(sweep)
        return found

    def points(self, path: Place, given: Any, stamp: int, *, radar: bool) -> Sweep | None:
        item = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        positions = _typed(item.get("positions"), ("float32",))
        if positions is None or positions.ndim != 2 or positions.shape[1] != 3:
            self.bad(path, "positions: expected float32 array of shape (n,3)")
            return None
        n = len(positions)

        def column(key: str, kinds: tuple[str, ...], shape: tuple[int, ...], error: str) -> Array:
            if item.get(key) is None:
                return None
            found = _typed(item[key], kinds)
            if found is None or found.shape != shape:
                self.bad(path, error)
                return None
            return found

        times = column(
            "timestamps", ("uint32", "uint64"), (n,), f"timestamps: expected {n} uint32 or uint64 values"
        )
        if times is not None and n and stamp > int(times.min()):
            self.bad(path, f"frame timestamp {stamp} is after first point timestamp {int(times.min())}")
        colors = column("colors", ("uint8",), (n, 3), f"colors: expected uint8 array of shape ({n},3)")
        if radar:
            directions = column(
                "directions", ("float32",), (n, 3), f"directions: expected float32 array of shape ({n},3)"
            )
            lengths = column("lengths", ("float32",), (n,), f"lengths: expected {n} float32 values")
            return Sweep(stamp, positions, None, lengths, times, directions)
        values = column("intensities", ("uint8",), (n,), f"intensities: expected {n} uint8 values")
        return Sweep(stamp, positions, colors, values, times)

    def camera(
        self, path: Place, item: dict[str, Any], common: dict[str, Any], poses: Poses | None
    ) -> Sensor | None:
        camera = self.intrinsics((*path, "intrinsics"), item.get("intrinsics"))
        video, images = item.get("video"), item.get("images")
        if (video is None) == (images is None):
            self.bad(path, "camera needs exactly one of video, images")
            return None
        if video is not None:
            found = cast("dict[str, Any]", video) if isinstance(video, dict) else {}
            times = self.times((*path, "video"), found.get("timestamps"), content=True)
            content = _bytes(found.get("content"))
            if content is None or content.ndim != 1:
                self.bad((*path, "video", "content"), "expected uint8 bytes")
            fps = found.get("fps")
            fps = float(fps) if isinstance(fps, int | float) else None
            return Sensor(
                **common, poses=poses, camera=camera, video=content, video_times=tuple(times or ()), fps=fps
            )
        listed = cast("list[Any]", images) if isinstance(images, list) else []
        plain = [cast("dict[str, Any]", x) if isinstance(x, dict) else {} for x in listed]
        self.times((*path, "images"), [x.get("timestamp") for x in plain], content=True)
        pictures: list[Picture] = []
        for i, x in enumerate(plain):
            content = _bytes(x.get("content"))
            if content is None or not (content.ndim == 1 or (content.ndim == 3 and content.shape[2] == 3)):
                self.bad(
                    (*path, "images", i, "content"),
                    "expected encoded bytes or an uint8 array of shape (h,w,3)",
                )
            else:
                stamp: Any = x.get("timestamp")
                pictures.append(Picture(stamp if _is_int(stamp) else 0, content))
        return Sensor(**common, poses=poses, camera=camera, pictures=tuple(pictures))

    def intrinsics(self, path: Place, given: Any) -> Camera | None:
        item = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        numbers = [item.get(key) for key in ("fx", "fy", "cx", "cy")]
        if not all(
            isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in numbers
        ):
            self.bad(path, "fx, fy, cx and cy must be numbers")
            return None
        fx, fy, cx, cy = (float(cast("float", v)) for v in numbers)
        width, height = item.get("width"), item.get("height")
        if not _is_int(width) or not _is_int(height) or cast("int", width) <= 0 or cast("int", height) <= 0:
            self.bad(path, "width and height must be integers greater than 0")
            return None
        bent = cast("dict[str, Any]", item.get("distortion") or {"model": "brown_conrady", "params": []})
        model = bent.get("model")
        try:
            params = msgspec.convert(_plain(bent.get("params") or []), list[float])
            found = distortion_of(str(model), params)
        except (msgspec.ValidationError, ValueError) as error:
            self.bad((*path, "distortion"), str(error))
            return None
        return Camera(
            model=str(model) if str(model) in COEFFICIENTS else "brown_conrady", fx=fx, fy=fy, cx=cx, cy=cy,
            distortion=found, width=cast("int", width), height=cast("int", height),
        )  # fmt: skip


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """The same with arrays as lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in cast("dict[str, Any]", value).items()}
    # Lists of numbers are long and hold nothing to convert.
    if isinstance(value, list) and value and not isinstance(value[0], int | float):
        return [_plain(v) for v in cast("list[Any]", value)]
    return value


def _typed(value: Any, kinds: tuple[str, ...]) -> Array:
    """An array of one of these dtypes: as it came, or made from plain numbers that fit; None otherwise."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return value if value.dtype.name in kinds else None
    if not isinstance(value, list):
        return None
    try:
        found = np.array(value)
    except (ValueError, OverflowError):
        return None
    if found.size == 0:
        return np.zeros((0, 3) if kinds == ("float32",) and found.ndim < 2 else found.shape, dtype=kinds[0])
    if found.dtype.kind not in "iuf":
        return None
    if kinds == ("float32",):
        return found.astype(np.float32) if np.isfinite(found).all() else None
    if (found % 1).any() or found.min() < 0:
        return None
    kind = next((k for k in kinds if found.max() <= np.iinfo(k).max), None)
    return None if kind is None else found.astype(kind)


def _bytes(value: Any) -> Array:
    """Media content: an uint8 array, or base64 text in plain JSON."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return value if value.dtype == np.uint8 else None
    if isinstance(value, str):
        try:
            return np.frombuffer(base64.b64decode(value, validate=True), dtype=np.uint8)
        except (binascii.Error, ValueError):
            return None
    return None
