"""Frames: one sweep of a recording with poses and cameras, from JSON (task-types-lidar §3). Heavy: arrays by numpy.

Arrays keep the order of the points: their index is the point's id. Missing optional values of single points: intensity NaN, device 0,
time −1, ground false.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.lidar.cameras import FRAME_MODELS, Camera, Distortion
from steelyard.lidar.pose import IDENTITY, Quaternion, Vector3

Array = Any

NO_TIME = -1
MAX_BYTES = 512 * 1024 * 1024
MAX_IMAGES = 100
"""Cameras of one frame: every image is fetched, and no file may have us send requests without end."""
MAX_URL = 8192


class FrameError(ValueError):
    """A file is no frame; the message says why, in the words of §3 and §4."""


class GpsPose(Struct, frozen=True, kw_only=True):
    """Where the device was: degrees; bearing clockwise from north."""

    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    bearing: Annotated[float, Meta(ge=0, le=360)] | None = None


class RadarPoint(Struct, frozen=True, kw_only=True):
    """A radar return; the length of `direction` is its speed."""

    position: Vector3
    direction: Vector3 | None = None
    size: Annotated[float, Meta(ge=0)] | None = None


class FrameImage(Struct, frozen=True, kw_only=True):
    """The image of one camera. `camera_index` is stable over frames; the camera's pose is its own moment's."""

    image_url: str
    camera_index: int
    camera: Camera
    priority: int = 0
    timestamp: float | int | None = None


class Frame(Struct, frozen=True, kw_only=True):
    """One frame. `positions` float64 (n, 3); `intensities` float32 (n,), `devices` uint32, `times` int64 (ns), `ground` bool;
    `colors` uint8 (n, 3) or None."""

    device_position: Vector3
    device_heading: Quaternion
    positions: Array
    intensities: Array
    devices: Array
    times: Array
    ground: Array
    colors: Array = None
    gps: GpsPose | None = None
    radar: tuple[RadarPoint, ...] = ()
    images: tuple[FrameImage, ...] = ()
    timestamp: float | int | None = None


def seconds(timestamps: Sequence[float | int | None]) -> list[float]:
    """Times of frames in seconds after the first: the unit follows from their size (§3.1).

    If any is missing, indexes stand in for all of them, so that the order never breaks.
    """
    if any(t is None for t in timestamps):
        return [float(i) for i in range(len(timestamps))]
    given = [t for t in timestamps if t is not None]
    largest = max(map(abs, given), default=0)
    scale = 1e-9 if largest > 1e17 else 1e-6 if largest > 1e14 else 1e-3 if largest > 1e11 else 1.0
    return [float(t - given[0]) * scale for t in given]


def inflate(data: bytes, limit: int = MAX_BYTES) -> bytes:
    """The content of a file that may be gzipped; raises FrameError if it is broken or larger than `limit` bytes."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        decoder = zlib.decompressobj(wbits=31)
        found = decoder.decompress(data, limit)
        if not decoder.eof:
            raise FrameError("gzip data is incomplete or too large")
    except zlib.error as error:
        raise FrameError(f"gzip data is broken: {error}") from None
    return found


class _PointJson(Struct, gc=False):
    x: float
    y: float
    z: float
    i: float | None = None
    d: float | None = None
    t: int | float | None = None
    is_ground: bool | None = None


class _ImageJson(Struct, kw_only=True):
    image_url: Annotated[str, Meta(min_length=1)]
    position: Vector3
    heading: Quaternion
    fx: Annotated[float, Meta(gt=0)]
    fy: Annotated[float, Meta(gt=0)]
    cx: float
    cy: float
    camera_model: str | None = None
    skew: float | None = None
    k1: float | None = None
    k2: float | None = None
    p1: float | None = None
    p2: float | None = None
    k3: float | None = None
    k4: float | None = None
    k5: float | None = None
    k6: float | None = None
    lx: float | None = None
    ly: float | None = None
    xi: float | None = None
    scale_factor: Annotated[float, Meta(ge=0)] | None = None
    priority: float | None = None
    camera_index: Annotated[float, Meta(ge=-(2**31), le=2**31)] | None = None
    timestamp: float | int | None = None


class _GpsJson(Struct, kw_only=True):
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    long: Annotated[float, Meta(ge=-180, le=180)] | None = None
    bearing: Annotated[float, Meta(ge=0, le=360)] | None = None


class _FrameJson(Struct, kw_only=True):
    device_position: Vector3
    device_heading: Quaternion | None = None
    device_gps_pose: _GpsJson | None = None
    points: list[_PointJson]
    point_colors: list[int] | None = None
    radar_points: list[RadarPoint] | None = None
    images: list[_ImageJson] | None = None
    timestamp: float | int | None = None


_DECODER = msgspec.json.Decoder(_FrameJson)


def read_frame(data: bytes, encoding: Literal["json", "protobuf"] = "json") -> Frame:
    """A frame from a file's bytes, gzipped or not; raises FrameError."""
    content = inflate(data)
    if encoding == "protobuf":
        from steelyard.lidar.protobuf import read_protobuf

        return read_protobuf(content)
    try:
        given = _DECODER.decode(content)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        raise FrameError(_why(content, error)) from None
    return _assemble(given)


def _assemble(given: _FrameJson) -> Frame:
    import numpy as np

    points = given.points
    n = len(points)
    positions = np.empty((n, 3))
    for column, name in enumerate(("x", "y", "z")):
        positions[:, column] = np.fromiter((getattr(p, name) for p in points), np.float64, n)
    intensities = np.fromiter((math.nan if p.i is None else p.i for p in points), np.float32, n)
    devices = np.fromiter((p.d or 0 for p in points), np.float64, n)
    if n and (devices.min() < 0 or devices.max() >= 2**32 or (devices % 1).any()):
        raise FrameError("points: d must be an integer of at least 0")
    try:
        times = np.fromiter((NO_TIME if p.t is None else int(p.t) for p in points), np.int64, n)
    except (OverflowError, ValueError):
        raise FrameError("points: t is out of range") from None
    ground = np.fromiter((bool(p.is_ground) for p in points), np.bool_, n)
    gps = given.device_gps_pose
    lon = None if gps is None else gps.lon if gps.lon is not None else gps.long
    return Frame(
        device_position=given.device_position,
        device_heading=unit("device_heading", given.device_heading),
        positions=positions,
        intensities=intensities,
        devices=devices.astype(np.uint32),
        times=times,
        ground=ground,
        colors=_colors(given.point_colors, n),
        gps=None if gps is None else GpsPose(lat=gps.lat, lon=lon, bearing=gps.bearing),
        radar=tuple(given.radar_points or ()),
        images=numbered([_image(i, image) for i, image in enumerate(given.images or ())]),
        timestamp=given.timestamp,
    )


def _colors(given: list[int] | None, n: int) -> Array:
    import numpy as np

    if given is None:
        return None
    if len(given) != 3 * n:
        raise FrameError("point_colors must have 3 values per point")
    if given and (min(given) < 0 or max(given) > 255):
        raise FrameError("point_colors must be between 0 and 255")
    return np.array(given, dtype=np.uint8).reshape(n, 3)


def unit(path: str, heading: Quaternion | None) -> Quaternion:
    """A heading as a rotation, the identity where there is none; raises FrameError with its place."""
    if heading is None:
        return IDENTITY
    try:
        return heading.normalised()
    except ValueError as error:
        raise FrameError(f"{path}: {error}") from None


def _image(i: int, given: _ImageJson) -> FrameImage:
    model = given.camera_model or "brown_conrady"
    if model not in FRAME_MODELS:
        raise FrameError(f'images[{i}]: unsupported camera_model "{model}"')
    if any(v is not None and not float(v).is_integer() for v in (given.camera_index, given.priority)):
        raise FrameError(f"images[{i}]: camera_index and priority must be integers")
    names = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "lx", "ly", "xi")
    camera = Camera(
        model=model, fx=given.fx, fy=given.fy, cx=given.cx, cy=given.cy, skew=given.skew or 0.0,
        distortion=Distortion(**{name: getattr(given, name) or 0.0 for name in names}),
        scale_factor=given.scale_factor or 1.0, position=given.position,
        heading=unit(f"images[{i}].heading", given.heading),
    )  # fmt: skip
    index = i if given.camera_index is None else int(given.camera_index)
    return FrameImage(
        image_url=given.image_url, camera_index=index, camera=camera, priority=int(given.priority or 0), timestamp=given.timestamp
    )  # fmt: skip


def numbered(images: list[FrameImage]) -> tuple[FrameImage, ...]:
    """The images; raises FrameError where two have one `camera_index`, there are more than MAX_IMAGES, or a URL is none that can be kept."""
    if len(images) > MAX_IMAGES:
        raise FrameError(f"images must have at most {MAX_IMAGES} entries")
    seen: set[int] = set()
    for i, image in enumerate(images):
        if "\0" in image.image_url or len(image.image_url) > MAX_URL:
            raise FrameError(f"images[{i}].image_url is not a valid URL")
        if image.camera_index in seen:
            raise FrameError(f"images[{i}].camera_index {image.camera_index} repeated")
        seen.add(image.camera_index)
    return tuple(images)


def _why(content: bytes, cause: Exception) -> str:
    """The first place that does not fit, with its index: the decoder's own message has none."""
    try:
        document: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        return str(error)
    if not isinstance(document, dict):
        return "must be a JSON object"
    given = cast("dict[str, Any]", document)
    for key, hint in (("points", _PointJson), ("radar_points", RadarPoint), ("images", _ImageJson)):
        items = given.get(key)
        for i, item in enumerate(cast("list[Any]", items) if isinstance(items, list) else []):
            try:
                msgspec.convert(item, hint)
            except (msgspec.ValidationError, OverflowError, ValueError) as error:
                return _worded(f"{key}[{i}]", str(error))
    return _worded("", str(cause))


def _worded(path: str, message: str) -> str:
    text, _, where = message.partition(" - at `$")
    where = where.rstrip("`")
    field = text.removeprefix("Object missing required field `").rstrip("`")
    if field != text.rstrip("`"):
        place = f"{path}{where}.{field}".lstrip(".")
        return f"{place} is required"
    place = f"{path}{where}".lstrip(".")
    return f"{place}: {text}" if place else text
