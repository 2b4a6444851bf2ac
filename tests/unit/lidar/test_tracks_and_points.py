"""Key frames and what lies between; labels of points as arrays (task-types-lidar §8.2, §16)."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.lidar.cuboid import Cuboid
from steelyard.lidar.points import assign_cuboids, class_scores, confusion, encode_indexes, index_array
from steelyard.lidar.pose import wrap_angle
from steelyard.lidar.tracks import KeyFrame, interpolate

angles = st.floats(-10, 10)


def box(x: float, yaw: float = 0.0, size: float = 2.0) -> Cuboid:
    return Cuboid((x, 0.0, 0.0), (size, size, size), yaw)


def test_between_key_frames_everything_is_linear_and_outside_there_is_nothing():
    found = interpolate([KeyFrame(10, box(8, size=4)), KeyFrame(2, box(0))], [1, 2, 4, 10, 11])
    assert [c and (c.position[0], c.dimensions[0]) for c in found] == [None, (0, 2), (2, 2.5), (8, 4), None]


def test_yaw_takes_the_shorter_arc():
    (middle,) = interpolate([KeyFrame(0, box(0, 3.0)), KeyFrame(2, box(0, -3.0))], [1])
    assert middle is not None
    assert middle.yaw == pytest.approx(math.pi)


@settings(max_examples=100, deadline=None)
@given(angles, angles, st.floats(0.01, 0.99))
def test_no_interpolated_yaw_is_further_from_an_end_than_the_ends_are_apart(a: float, b: float, t: float):
    (found,) = interpolate([KeyFrame(0, box(0, a)), KeyFrame(1, box(0, b))], [t])
    assert found is not None
    apart = abs(wrap_angle(b - a))
    assert abs(wrap_angle(found.yaw - a)) <= apart + 1e-9
    assert abs(wrap_angle(found.yaw - b)) <= apart + 1e-9
    assert -math.pi < found.yaw <= math.pi


def test_points_go_to_the_smallest_cuboid_around_them():
    points = np.array([[0, 0, 0], [1.5, 0, 0], [9, 0, 0]])
    found = assign_cuboids(points, [(7, box(0)), (8, box(0, size=4)), (9, box(20))])
    assert found.tolist() == [7, 8, 0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 70_000), max_size=20), max_size=4))
def test_indexes_are_plain_json_in_order(frames: list[list[int]]):
    assert json.loads(encode_indexes(frames)) == frames
    assert all(index_array(f).dtype == (np.uint32 if f and max(f) > 65535 else np.uint16) for f in frames)


def test_scores_by_class_and_instance():
    a, b = [[1, 1, 2, 2, 3, 3]], [[1, 1, 1, 2, 4, 3]]
    names = {1: "road", 2: "cow", 3: "cow", 4: "cow"}
    scores, pairs = class_scores(confusion(a, b), names, names, frozenset({"cow"}))
    assert scores["road"] == pytest.approx(2 / 3)
    # cow 2 and 2 share one of two points: not over one half, so nothing matches
    assert scores["cow"] == 0
    assert pairs == []
    with pytest.raises(ValueError, match="6 points"):
        confusion(a, [[1]])
