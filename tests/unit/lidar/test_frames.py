"""Frames from JSON and protobuf: the same content, the specification's defaults and refusals (task-types-lidar §3, §4)."""

import copy
import gzip
import json
import math
import os
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.lidar.cameras import Camera, project, to_camera
from steelyard.lidar.frames import NO_TIME, Frame, FrameError, read_frame, seconds
from steelyard.lidar.pose import Quaternion, Vector3

F32 = st.floats(-1000, 1000, width=32)

EXAMPLE: dict[str, Any] = {
    "device_position": {"x": 12.5, "y": -3.0, "z": 0.1},
    "device_heading": {"w": 0.9239, "x": 0, "y": 0, "z": 0.3827},
    "device_gps_pose": {"lat": 48.137, "lon": 11.575, "bearing": 45},
    "timestamp": 1700000000000000000,
    "points": [
        {"x": 14.1, "y": 2.2, "z": 0.4, "i": 0.31, "d": 0, "t": 1700000000003000001},
        {"x": 14.2, "y": 2.2, "z": 0.0, "i": 0.05, "is_ground": True, "d": 2.0, "t": None},
    ],
    "point_colors": [1, 2, 3, 250, 251, 255],
    "radar_points": [{"position": {"x": 15, "y": 2, "z": 0.5}, "direction": {"x": -3.1, "y": 0, "z": 0}, "size": 0.7}],
    "images": [
        {
            "image_url": "https://files.example/cam0/000.jpg", "fx": 1010.2, "fy": 1009.8, "cx": 642.1, "cy": 358.7,
            "k1": -0.21, "k2": 0.04, "scale_factor": 0, "position": {"x": 12.5, "y": -2.2, "z": 1.6},
            "heading": {"w": 0.6533, "x": -0.6533, "y": -0.2706, "z": 0.2706}, "metadata": {"free": 1},
        }
    ],
}  # fmt: skip


def parsed(document: Any) -> Frame:
    return read_frame(json.dumps(document).encode())


def changed(path: str, value: Any) -> Any:
    document = copy.deepcopy(EXAMPLE)
    *steps, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    holder: Any = document
    for step in steps:
        holder = holder[step]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return document


def test_a_frame_keeps_order_exact_times_and_fills_in_defaults():
    frame = parsed(EXAMPLE)
    assert frame.positions.tolist() == [[14.1, 2.2, 0.4], [14.2, 2.2, 0.0]]
    assert frame.times.tolist() == [1700000000003000001, NO_TIME]
    assert frame.devices.tolist() == [0, 2]
    assert frame.ground.tolist() == [False, True]
    assert frame.colors.tolist() == [[1, 2, 3], [250, 251, 255]]
    assert frame.radar[0].direction == Vector3(-3.1, 0, 0)
    image = frame.images[0]
    assert (image.camera_index, image.priority) == (0, 0)
    assert (image.camera.model, image.camera.scale_factor, image.camera.distortion.k1) == (
        "brown_conrady",
        1.0,
        -0.21,
    )
    assert frame.gps is not None
    assert frame.gps.lon == 11.575


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([1_700_000_000_000_000_000, 1_700_000_000_100_000_000], [0, 0.1]),
        ([1_700_000_000_000_000, 1_700_000_000_100_000], [0, 0.1]),
        ([1_700_000_000_000, 1_700_000_000_100], [0, 0.1]),
        ([5, 5.5, 7], [0, 0.5, 2]),
        ([1_700_000_000, None, 7], [0, 1, 2]),
        ([], []),
    ],
)
def test_the_unit_of_times_follows_from_their_size(given: list[Any], expected: list[float]):
    assert seconds(given) == pytest.approx(expected)


def test_gzipped_files_are_read_and_broken_ones_refused():
    data = gzip.compress(json.dumps(EXAMPLE).encode())
    assert len(read_frame(data).positions) == 2
    for broken in (data[:-9], b"\x1f\x8bno"):
        with pytest.raises(FrameError):
            read_frame(broken)


def test_a_frame_without_points_and_everything_optional_is_read():
    frame = parsed({"device_position": {"x": 0, "y": 0, "z": 0}, "points": []})
    assert frame.positions.shape == (0, 3)
    assert frame.device_heading == Quaternion(1, 0, 0, 0)
    assert frame.images == ()


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("points", ..., "points is required"),
        ("device_position", ..., "device_position is required"),
        ("points.1.z", ..., "points[1].z is required"),
        ("points.1.x", "far", "points[1].x: Expected `float`, got `str`"),
        ("points.0.d", -1, "points: d must be an integer of at least 0"),
        ("points.0.d", 0.5, "points: d must be an integer of at least 0"),
        ("point_colors", [1, 2, 3], "point_colors must have 3 values per point"),
        ("point_colors", [1, 2, 3, 4, 5, 256], "point_colors must be between 0 and 255"),
        ("images.0.image_url", ..., "images[0].image_url is required"),
        (
            "images.0.heading",
            {"w": 0, "x": 0, "y": 0, "z": 0},
            "images[0].heading: quaternion has norm 0, expected 1",
        ),
        ("images.0.camera_model", "pinhole", 'images[0]: unsupported camera_model "pinhole"'),
        ("images.0.fx", 0, "images[0].fx: Expected `float` > 0.0"),
        (
            "device_heading",
            {"w": 2, "x": 0, "y": 0, "z": 0},
            "device_heading: quaternion has norm 2, expected 1",
        ),
        ("images", [EXAMPLE["images"][0] | {"camera_index": 3}] * 2, "images[1].camera_index 3 repeated"),
        ("device_gps_pose.lat", 91, "device_gps_pose.lat: Expected `float` <= 90.0"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(path: str, value: Any, why: str):
    with pytest.raises(FrameError) as caught:
        parsed(changed(path, value))
    assert str(caught.value) == why


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b'{"points": [NaN]}', b"\xff", b"[" * 100_000])
def test_files_that_are_no_frame_are_refused(data: bytes):
    with pytest.raises(FrameError):
        read_frame(data)


def varint(n: int) -> bytes:
    n &= 2**64 - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes([*out, n])


def put(number: int, value: Any) -> bytes:
    """One protobuf field: float, ("double", x), int or bool, str or bytes."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, tuple):
        return varint(number << 3 | 1) + struct.pack("<d", value[1])
    if isinstance(value, int):
        return varint(number << 3) + varint(int(value))
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def message(*values: Any) -> bytes:
    return b"".join(put(i, v) for i, v in enumerate(values, 1) if v is not None)


def vector(v: dict[str, float]) -> bytes:
    return message(*(float(v[k]) for k in ("w", "x", "y", "z") if k in v))


def as_protobuf(document: dict[str, Any]) -> bytes:
    """A Frame's JSON as a LidarFrame message."""
    out = put(1, vector(document["device_position"])) + put(2, vector(document["device_heading"]))
    gps = document["device_gps_pose"]
    out += put(3, message(*(float(gps[k]) for k in ("lat", "lon", "bearing"))))
    points: list[bytes] = []
    for p in document["points"]:
        i, d, t, ground = p.get("i"), p.get("d"), p.get("t"), p.get("is_ground")
        head = (float(p["x"]), float(p["y"]), float(p["z"]), None if i is None else float(i))
        points.append(
            put(
                4,
                message(
                    *head, None if d is None else int(d), None if t is None else ("double", float(t)), ground
                ),
            )
        )
    out += b"".join(points)
    for r in document["radar_points"]:
        out += put(5, message(vector(r["position"]), vector(r["direction"]), float(r["size"])))
    for image in document["images"]:
        inner = message(*(float(image[k]) for k in ("fx", "fy", "cx", "cy")), None, image["k1"], image["k2"])
        body = (
            put(2, image["image_url"]) + put(3, vector(image["position"])) + put(4, vector(image["heading"]))
        )
        out += put(6, body + put(8, inner))
    return out + put(7, ("double", float(document["timestamp"])))


def in_floats(value: Any) -> Any:
    """JSON with the values that protobuf's float32 fields have."""
    if isinstance(value, dict):
        return {
            k: float(np.float64(v)) if k in ("t", "timestamp") and v is not None else in_floats(v)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [in_floats(v) for v in value]
    return float(np.float32(value)) if isinstance(value, float) else value


def assert_equal(a: Frame, b: Frame) -> None:
    for name in ("positions", "intensities", "devices", "times", "ground"):
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name
    assert (a.device_position, a.device_heading, a.gps, a.radar, a.images) == (
        b.device_position,
        b.device_heading,
        b.gps,
        b.radar,
        b.images,
    )


def test_protobuf_and_json_of_one_frame_give_equal_content():
    document = in_floats({k: v for k, v in EXAMPLE.items() if k != "point_colors"})
    assert_equal(read_frame(as_protobuf(document), "protobuf"), parsed(document))


POINTS = st.fixed_dictionaries(
    {"x": F32, "y": F32, "z": F32},
    optional={
        "i": F32,
        "d": st.integers(0, 2**32 - 1),
        "t": st.integers(0, 2**53),
        "is_ground": st.booleans(),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(POINTS, max_size=30))
def test_points_of_any_mix_of_fields_are_the_same_in_both_encodings(points: list[dict[str, Any]]):
    document = in_floats({**EXAMPLE, "points": points, "point_colors": None})
    assert_equal(read_frame(as_protobuf(document), "protobuf"), parsed(document))


def test_unknown_protobuf_fields_are_skipped():
    document = in_floats({k: v for k, v in EXAMPLE.items() if k != "point_colors"})
    point = message(1.0, 2.0, 3.0) + put(20, "new") + put(21, 7)
    extended = as_protobuf(document) + put(8, b"extra") + put(33, 5) + put(4, point)
    assert read_frame(extended, "protobuf").positions[-1].tolist() == [1, 2, 3]


HEAD = put(1, message(0.0, 0.0, 0.0))
IMAGE = (
    put(2, "https://x.example/a.jpg") + put(3, message(0.0, 0.0, 0.0)) + put(4, message(1.0, 0.0, 0.0, 0.0))
)
PINHOLE = message(900.0, 900.0, 640.0, 360.0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "device_position is required"),
        (HEAD + put(4, message(1.0, 2.0)), "points[0].z is required"),
        (HEAD + put(6, IMAGE), "images[0] has no camera intrinsics"),
        (HEAD + put(6, put(2, "a")), "images[0].position is required"),
        (HEAD + b"\x07", "unknown wire type"),
        (HEAD + b"\x22\x7f", "truncated message"),
        (HEAD + b"\xff" * 12, "truncated or overlong number"),
        (put(1, 5), "device_position has the wrong wire type"),
        (HEAD + put(4, message(math.nan, 0.0, 0.0)), "points: x, y, z and i must be finite numbers"),
        # What JSON frames may not hold, these may not either.
        (HEAD + put(3, message(91.0, 0.0, 0.0)), "device_gps_pose.lat: Expected `float` <= 90.0"),
        (
            HEAD + put(5, put(1, message(0.0, 0.0, 0.0)) + put(3, -1.0)),
            "radar_points[0].size: Expected `float` >= 0.0",
        ),
        (HEAD + put(6, IMAGE + put(8, PINHOLE) + put(5, -2.0)), "images[0].scale_factor must be at least 0"),
        (HEAD + put(6, IMAGE + put(8, PINHOLE) + put(2, "")), "images[0].image_url is required"),
    ],
)
def test_broken_protobuf_is_refused_with_its_place(data: bytes, why: str):
    with pytest.raises(FrameError) as caught:
        read_frame(data, "protobuf")
    assert str(caught.value) == why


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_frame_or_a_frame_error(data: bytes):
    for content in (data, HEAD + data):
        try:
            read_frame(content, "protobuf")
        except FrameError as error:
            assert str(error)


def test_a_hundred_thousand_points_are_read_in_both_encodings_in_seconds():
    rng = np.random.default_rng(3)
    points = [
        {"x": float(x), "y": float(y), "z": float(z), "i": 0.5}
        for x, y, z in rng.normal(size=(100_000, 3)).astype(np.float32)
    ]
    document = {**EXAMPLE, "points": points, "point_colors": None}
    body, wire = json.dumps(document).encode(), as_protobuf(document)
    for data, encoding in ((body, "json"), (wire, "protobuf")):
        start = time.perf_counter()
        assert len(read_frame(data, encoding).positions) == 100_000  # type: ignore[arg-type]
        assert time.perf_counter() - start < 3


DRIVE = Path(os.environ.get("STEELYARD_TEST_DRIVE", "/nonexistent"))
"""A recorded drive as laid out in the public repository scaleapi/scale-lidar-toolkit, `scale_format/data`."""


@pytest.mark.skipif(not DRIVE.exists(), reason="STEELYARD_TEST_DRIVE names no recorded drive")
def test_a_recorded_sweep_falls_onto_its_camera_image():
    ply = (DRIVE / "pointcloud/1.ply").read_bytes()
    body = ply[ply.index(b"end_header\n") + 11 :]
    ego = np.frombuffer(body, "<f4")[: len(body) // 16 * 4].reshape(-1, 4)[:, :3].astype(np.float64)
    camera = {
        k: json.loads((DRIVE / f"cameras/front_camera/{k}.json").read_text())
        for k in ("extrinsics", "intrinsics")
    }
    pose, inner = camera["extrinsics"], camera["intrinsics"]
    seen = Camera(
        fx=inner["fx"], fy=inner["fy"], cx=inner["cx"], cy=inner["cy"], width=1920, height=1080,
        position=vector3(pose["position"]), heading=quaternion(pose["heading"]),
    )  # fmt: skip
    pixels, visible = project(seen, ego)
    assert len(ego) == 168_814
    assert int((visible & (to_camera(seen, ego)[:, 2] > 0.1)).sum()) == 68_121
    assert np.isfinite(pixels[visible]).all()


def vector3(given: Any) -> Vector3:
    return Vector3(*(given[k] for k in "xyz")) if isinstance(given, dict) else Vector3(*given)


def quaternion(given: Any) -> Quaternion:
    return Quaternion(*(given[k] for k in "wxyz")) if isinstance(given, dict) else Quaternion(*given)
