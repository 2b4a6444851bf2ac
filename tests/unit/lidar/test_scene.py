"""Sensor fusion scenes: the container's golden bytes, each row of the validator's table, poses (task-types-lidar §12)."""

import copy
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from steelyard.lidar import jsonbinary
from steelyard.lidar.annotations import SceneCuboid, ScenePath, cuboid_of, row_at
from steelyard.lidar.jsonbinary import ContainerError
from steelyard.lidar.scene import Poses, SceneError, read_scene

GOLDEN = bytes.fromhex(
    "00000000 00000000 0000803f 00000040 00004040 00008040 0000a040 00000000 01020000".replace(" ", "")
)
STILL = {"timestamps": [0], "values": [[0, 0, 0, 0, 0, 0, 1]]}


def lidar(**more: Any) -> dict[str, Any]:
    points = {
        "positions": np.array([[0, 1, 2], [3, 4, 5]], dtype=np.float32),
        "intensities": np.array([1, 2], dtype=np.uint8),
    }
    return {
        "id": "top",
        "type": "lidar",
        "poses": STILL,
        "frames": [{"timestamp": 0, "points": points}],
        **more,
    }


def camera(**more: Any) -> dict[str, Any]:
    inner = {"fx": 800, "fy": 810, "cx": 320, "cy": 240, "width": 640, "height": 480, "distortion": None}
    image = {"timestamp": 0, "content": np.frombuffer(b"\xff\xd8\xff", dtype=np.uint8)}
    return {"id": "cam", "type": "camera", "poses": STILL, "intrinsics": inner, "images": [image], **more}


def scene(*sensors: Any, **more: Any) -> dict[str, Any]:
    return {"version": "1.0", "sensors": list(sensors or (lidar(),)), **more}


def read(document: dict[str, Any]) -> Any:
    return read_scene(jsonbinary.encode(document))


def test_the_binary_section_is_the_golden_one():
    data = jsonbinary.encode(scene())
    at = data.index(b"\0")
    assert data[at:] == GOLDEN
    assert at % 4 == 0
    assert data[at - 1 : at] == b" "
    items = json.loads(data[:at])["$items"]
    assert [(i["offset"], i["length"], i["dtype"], i["shape"]) for i in items] == [
        (4, 24, "float32", [2, 3]),
        (32, 2, "uint8", [2]),
    ]


ARRAYS = hnp.arrays(
    st.sampled_from([np.dtype(d) for d in jsonbinary.DTYPES]),
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=0),
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5).filter(lambda k: k != "$items"),
                       st.lists(ARRAYS | st.integers(-(2**50), 2**50), max_size=3), max_size=3))  # fmt: skip
def test_what_was_encoded_comes_back(document: dict[str, Any]):
    found = jsonbinary.decode(jsonbinary.encode(document))
    assert found.keys() == document.keys()
    for key, values in document.items():
        for a, b in zip(values, found[key], strict=True):
            if isinstance(a, int):
                assert a == b
            else:
                assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def test_the_published_library_and_ours_read_each_other():
    library = pytest.importorskip("scale_json_binary")
    ours, theirs = jsonbinary.encode(scene()), library.dumps(scene())
    assert theirs[theirs.index(b"\0") :] == ours[ours.index(b"\0") :]
    for found in (jsonbinary.decode(theirs), library.loads(ours)):
        points = found["sensors"][0]["frames"][0]["points"]
        assert points["positions"].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert points["intensities"].tolist() == [1, 2]


def container(items: Any, rest: str = '"a":[{"b":""}]', binary: bytes = GOLDEN) -> bytes:
    return (f'{{{rest},"$items":{json.dumps(items)}}}').encode() + b" " + binary


ITEM = {"keys": ["a", 0, "b"], "length": 24, "offset": 4, "dtype": "float32", "shape": [2, 3]}


def test_indexes_may_be_numeric_strings_and_types_may_be_missing():
    found = jsonbinary.decode(container([{**ITEM, "keys": ["a", "0", "b"]}]))["a"][0]["b"]
    assert found.tolist() == [[0, 1, 2], [3, 4, 5]]
    raw = jsonbinary.decode(container([{"keys": ["a", 0, "b"], "length": 2, "offset": 32}]))["a"][0]["b"]
    assert raw.tolist() == [1, 2]


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1}',
        b"[] \0\0\0\0",
        b'{"a":1} \0\0\0\0',
        b"{ \0\0\0\0",
        container([{**ITEM, "length": 400}]),
        container([{**ITEM, "offset": -4}]),
        container([{**ITEM, "shape": [2, 4]}]),
        container([{**ITEM, "shape": [-2, -3]}]),
        container([{**ITEM, "dtype": "object"}]),
        container([{**ITEM, "keys": []}]),
        container([{**ITEM, "keys": ["a", 1, "b"]}]),
        container([{**ITEM, "keys": ["a", -1, "b"]}]),
        container([{**ITEM, "keys": ["z"]}]),
        container([{**ITEM, "keys": ["a"] * 65}]),
        container("none"),
    ],
)
def test_containers_that_lie_are_refused(data: bytes):
    with pytest.raises(ContainerError):
        jsonbinary.decode(data)


def test_a_scene_is_read_alike_from_its_container_and_from_plain_json():
    found = read(scene(lidar(), camera()))
    plain = copy.deepcopy(scene(lidar()))
    points = plain["sensors"][0]["frames"][0]["points"]
    points.update({k: v.tolist() for k, v in points.items()})
    same = read_scene(json.dumps(plain).encode())
    sweep, other = found.sensors[0].sweeps[0], same.sensors[0].sweeps[0]
    for a, b in ((sweep.positions, other.positions), (sweep.values, other.values)):
        assert (a.dtype, a.tolist()) == (b.dtype, b.tolist())
    assert found.sensors[1].pictures[0].content.tobytes() == b"\xff\xd8\xff"
    assert found.sensors[1].camera_at(5).width == 640


def frames(*stamps: int) -> list[dict[str, Any]]:
    return [{"timestamp": t, "points": {"positions": np.zeros((1, 3), dtype=np.float32)}} for t in stamps]


def points(**more: Any) -> list[dict[str, Any]]:
    base = {"positions": np.zeros((2, 3), dtype=np.float32)}
    return [{"timestamp": 50, "points": {**base, **more}}]


U8, F32 = np.uint8, np.float32
VIDEO = {"timestamps": [0, 50_000], "content": np.zeros(4, dtype=np.uint8), "fps": 20}


@pytest.mark.parametrize(
    ("document", "path", "error"),
    [
        ({"sensors": []}, [], "version is required"),
        (scene(version="2.0"), ["version"], 'unsupported scene version "2.0"'),
        ({"version": "1.0", "sensors": {}}, ["sensors"], "sensors must be an array"),
        (scene(lidar(), lidar()), ["sensors", 1, "id"], "duplicate sensor id top"),
        (scene(time_unit="hours"), ["time_unit"], "time_unit must be microseconds"),
        (scene(time_offset=-1), ["time_offset"], "time_offset must not be negative"),
        (scene(lidar(frames=frames(-5, 100_000))), ["sensors", 0, "frames"], "timestamps: negative value"),
        (scene(lidar(frames=frames(5, 5))), ["sensors", 0, "frames"], "timestamps: not strictly increasing"),
        (scene(lidar(frames=frames(100_000_001))), ["sensors", 0, "frames"], "timestamps: not relative to time_offset (first is 100000001)"),
        (scene(lidar(frames=frames(0, 5_000))), ["sensors", 0, "frames"], "frame rate 200 Hz exceeds 100 Hz"),
        (scene(lidar(frames=[])), ["sensors", 0], "frames: at least one required"),
        (scene(lidar(frames=points(positions=np.zeros((2, 3))))), ["sensors", 0, "frames", 0, "points"], "positions: expected float32 array of shape (n,3)"),
        (scene(lidar(frames=points(colors=np.zeros((2, 4), dtype=U8)))), ["sensors", 0, "frames", 0, "points"], "colors: expected uint8 array of shape (2,3)"),
        (scene(lidar(frames=points(intensities=np.zeros(3, dtype=U8)))), ["sensors", 0, "frames", 0, "points"], "intensities: expected 2 uint8 values"),
        (scene(lidar(frames=points(timestamps=np.zeros(2, dtype=np.int64)))), ["sensors", 0, "frames", 0, "points"], "timestamps: expected 2 uint32 or uint64 values"),
        (scene(lidar(frames=points(timestamps=np.array([60, 49], dtype=np.uint32)))), ["sensors", 0, "frames", 0, "points"], "frame timestamp 50 is after first point timestamp 49"),
        (scene(lidar(type="radar", frames=points(directions=np.zeros((2, 2), dtype=F32)))), ["sensors", 0, "frames", 0, "points"], "directions: expected float32 array of shape (2,3)"),
        (scene(lidar(type="radar", frames=points(lengths=np.zeros(1, dtype=F32)))), ["sensors", 0, "frames", 0, "points"], "lengths: expected 2 float32 values"),
        (scene(camera(images=None)), ["sensors", 0], "camera needs exactly one of video, images"),
        (scene(camera(video=VIDEO)), ["sensors", 0], "camera needs exactly one of video, images"),
        (scene(lidar(type="sonar")), ["sensors", 0, "type"], 'unknown sensor type "sonar"'),
        (scene(lidar(coordinates="ego")), ["sensors", 0], "ego coordinates require an odometry sensor"),
        (scene(lidar(poses={"timestamps": [], "values": []})), ["sensors", 0, "poses"], "must not be empty"),
        (scene(lidar(poses={"timestamps": [0, 1], "values": STILL["values"]})), ["sensors", 0, "poses"], "has 2 timestamps and 1 values"),
        (scene(annotations=[{"id": 1, "type": "cuboid", "path": {"timestamps": [0], "values": [[1, 2]]}}]), ["annotations", 0, "path.values[0]"], "must have 9 numbers, has 2"),
    ],
)  # fmt: skip
def test_each_check_of_the_validator_has_its_words_and_place(
    document: dict[str, Any], path: list[Any], error: str
):
    with pytest.raises(SceneError) as caught:
        read(document)
    assert [(p.path, p.errors) for p in caught.value.problems] == [(path, [error])]


def test_what_the_published_library_refuses_without_need_is_taken():
    wide = points(timestamps=np.array([60, 70], dtype=np.uint64))
    cloud = {"id": 2, "type": "points", "points": {"positions": np.zeros((4, 3), dtype=np.float32)}}
    odometer = {"id": "gps", "type": "gps", "poses": STILL}
    found = read(
        scene(lidar(frames=wide, coordinates="ego"), cloud, odometer, camera(images=None, video=VIDEO))
    )
    assert [s.type for s in found.sensors] == ["lidar", "points", "gps", "camera"]
    assert found.sensors[0].ego
    assert found.sensors[3].video_times == (0, 50_000)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(max_size=8), lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(["version", "sensors", "type", "id", "frames", "points", "poses", "annotations"]), x, max_size=4)).map(lambda d: json.dumps(d).encode()))  # fmt: skip
def test_any_bytes_are_a_scene_or_a_scene_error(data: bytes):
    try:
        read_scene(data)
    except SceneError as error:
        assert error.problems


def test_poses_between_two_are_linear_in_place_and_on_the_arc_in_rotation():
    half = math.sqrt(0.5)
    poses = Poses([0, 100], [[0, 0, 0, 0, 0, 0, 1], [10, 0, 2, 0, 0, half, half]])
    place, turned = poses.at(50)
    assert place == (5, 0, 1)
    assert 2 * math.atan2(turned.z, turned.w) == pytest.approx(math.pi / 4)
    assert poses.at(-10)[0] == (0, 0, 0)
    assert poses.at(1_000)[0] == (10, 0, 2)


def track(*rows: list[float], stationary: bool = False) -> SceneCuboid:
    times = [100 * i for i in range(len(rows))]
    return SceneCuboid(id="c", path=ScenePath(timestamps=times, values=list(rows)), stationary=stationary)


def test_cuboids_turn_along_the_shorter_arc_and_live_from_first_to_last_row():
    moving = track([1, 2, 3, 0, 0, 0, 0, 0, 170], [1, 2, 3, 4, 0, 0, 0, 0, -170])
    row = row_at(moving, 50)
    assert row is not None
    assert row[3:] == pytest.approx([2, 0, 0, 0, 0, 180])
    assert row_at(moving, 101) is None
    assert row_at(track([1.0] * 9, stationary=True), 10**9) == [1.0] * 9


@settings(max_examples=60, deadline=None)
@given(st.floats(-80, 80), st.floats(-80, 80), st.floats(-179, 179))
def test_scene_angles_are_extrinsic_z_y_x_in_degrees(roll: float, pitch: float, yaw: float):
    def turn(axis: int, degrees: float) -> Any:
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        m = np.eye(3)
        m[i, i], m[i, j], m[j, i], m[j, j] = c, -s, s, c
        return m

    expected = turn(0, roll) @ turn(1, pitch) @ turn(2, yaw)
    assert np.allclose(cuboid_of([1, 2, 3, 0, 0, 0, roll, pitch, yaw]).axes(), expected, atol=1e-6)
