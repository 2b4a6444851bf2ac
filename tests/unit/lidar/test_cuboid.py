"""3D cuboids: conventions, containment and overlap, checked against sampling and symmetry."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.lidar.cuboid import Cuboid, iou

sizes = st.floats(0.5, 6)
angles = st.floats(-math.pi, math.pi)
offsets = st.floats(-3, 3)


@st.composite
def cuboids(draw: st.DrawFn, tilted: bool = True) -> Cuboid:
    position = (draw(offsets), draw(offsets), draw(offsets))
    dimensions = (draw(sizes), draw(sizes), draw(sizes))
    tilt = (draw(st.floats(-1.2, 1.2)), draw(st.floats(-1.2, 1.2))) if tilted else (0.0, 0.0)
    return Cuboid(position, dimensions, draw(angles), *tilt)


def test_yaw_turns_the_length_from_y_to_minus_x():
    points = np.array([[0, 1.9, 0], [1.9, 0, 0], [-1.9, 0, 0]])
    flat = Cuboid((0, 0, 0), (2, 4, 1.5))
    assert flat.contains(points).tolist() == [True, False, False]
    assert Cuboid((0, 0, 0), (2, 4, 1.5), math.pi / 2).contains(points).tolist() == [False, True, True]


def test_positive_pitch_lowers_the_nose_and_positive_roll_lifts_the_left():
    nose_down = Cuboid((0, 0, 0), (2, 4, 1.5), 0.0, 0.3).axes()
    front = [row[1] for row in nose_down]
    assert front[1] > 0
    assert front[2] < 0
    rolled = Cuboid((0, 0, 0), (2, 4, 1.5), 0.0, 0.0, 0.3).axes()
    right = [row[0] for row in rolled]
    assert right[0] > 0
    assert right[2] < 0


@settings(max_examples=100, deadline=None)
@given(cuboids())
def test_axes_are_a_right_handed_rotation_and_a_tiny_tilt_changes_little(cuboid: Cuboid):
    axes = np.asarray(cuboid.axes())
    assert np.allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    assert np.linalg.det(axes) == pytest.approx(1)
    level = Cuboid(cuboid.position, cuboid.dimensions, cuboid.yaw)
    almost = Cuboid(cuboid.position, cuboid.dimensions, cuboid.yaw, 1e-9, 1e-9)
    assert np.allclose(level.corners(), almost.corners(), atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(cuboids(), cuboids())
def test_iou_is_symmetric_between_0_and_1_and_1_with_itself(a: Cuboid, b: Cuboid):
    assert iou(a, a) == pytest.approx(1.0, abs=1e-6)
    assert 0.0 <= iou(a, b) <= 1.0 + 1e-9
    assert iou(a, b) == pytest.approx(iou(b, a), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(cuboids(), cuboids())
def test_iou_is_what_sampling_finds(a: Cuboid, b: Cuboid):
    corners = np.asarray(a.corners() + b.corners())
    low, high = corners.min(axis=0), corners.max(axis=0)
    points = np.random.default_rng(7).uniform(low, high, size=(60_000, 3))
    first, second = a.contains(points), b.contains(points)
    union = (first | second).sum()
    found = (first & second).sum() / union if union else 0.0
    assert iou(a, b) == pytest.approx(found, abs=0.05)


@settings(max_examples=60, deadline=None)
@given(cuboids(tilted=False), cuboids(tilted=False), angles, offsets)
def test_iou_does_not_change_when_both_are_moved_and_turned_alike(
    a: Cuboid, b: Cuboid, turn: float, shift: float
):
    def moved(c: Cuboid) -> Cuboid:
        x, y, z = c.position
        cos, sin = math.cos(turn), math.sin(turn)
        place = (x * cos - y * sin + shift, x * sin + y * cos, z + shift)
        return Cuboid(place, c.dimensions, c.yaw + turn)

    assert iou(moved(a), moved(b)) == pytest.approx(iou(a, b), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(cuboids(tilted=False), cuboids(tilted=False))
def test_the_way_for_tilted_cuboids_agrees_with_the_one_for_upright_ones(a: Cuboid, b: Cuboid):
    tilted = Cuboid(a.position, a.dimensions, a.yaw, 1e-9, 0.0)
    assert iou(tilted, b) == pytest.approx(iou(a, b), abs=1e-5)


def test_known_overlaps():
    unit = Cuboid((0, 0, 0), (2, 2, 2))
    assert iou(unit, Cuboid((1, 0, 0), (2, 2, 2))) == pytest.approx(1 / 3)
    assert iou(unit, Cuboid((0, 0, 2.5), (2, 2, 2))) == 0
    octagon = 8 * (math.sqrt(2) - 1)
    assert iou(unit, Cuboid((0, 0, 0), (2, 2, 2), math.pi / 4)) == pytest.approx(octagon / (8 - octagon))
