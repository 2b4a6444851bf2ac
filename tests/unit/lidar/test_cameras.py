"""Camera models against the specification's vectors (task-types-lidar §5.5, §2), and projection of cuboids."""

import math
import time
from typing import Any

import numpy as np
import pytest

from steelyard.lidar.cameras import (
    Camera,
    Distortion,
    convex_hull,
    distortion_of,
    project,
    project_camera,
    project_cuboid,
)
from steelyard.lidar.cuboid import Cuboid
from steelyard.lidar.pose import Quaternion, Vector3

A, B = (1.2, -0.4, 6.0), (-3.0, 0.9, 4.0)
BROWN = {"k1": -0.2, "k2": 0.05, "p1": 0.001, "p2": -0.002, "k3": -0.004}
VECTORS: list[tuple[str, dict[str, float], tuple[float, float], tuple[float, float]]] = [
    ("brown_conrady", {}, (800.0, 306.0), (40.0, 542.25)),
    ("brown_conrady", BROWN, (798.373, 306.561), (99.800, 524.285)),
    ("brown_conrady", {**BROWN, "k4": 0.01, "k5": -0.02, "k6": 0.001}, (798.309, 306.583), (99.177, 524.473)),
    ("fisheye", {"k1": -0.02, "k2": 0.004, "k3": -0.001, "k4": 0.0002}, (797.556, 306.825), (135.107, 513.361)),
    ("omnidirectional", {"xi": 0.8, "k1": -0.1, "k2": 0.02, "p1": 0.0005, "p2": -0.0007}, (727.886, 330.341), (346.473, 449.194)),
    ("cylindrical", {}, (797.916, 307.049), (125.199, 505.800)),
    ("equirectangular", {}, (797.916, 307.124), (125.199, 504.255)),
    ("mod_equi_fish", {"k2": 0.01, "k3": -0.003, "k4": 0.001}, (797.755, 306.758), (129.073, 515.194)),
    ("mod_kannala", {"k1": 0.01, "k2": -0.003, "k3": 0.001, "k4": -0.0002}, (797.758, 306.757), (128.947, 515.232)),
]  # fmt: skip


def camera(model: str = "brown_conrady", **more: Any) -> Camera:
    return Camera(model=model, **({"fx": 800.0, "fy": 810.0, "cx": 640.0, "cy": 360.0} | more))


@pytest.mark.parametrize(("model", "coefficients", "a", "b"), VECTORS)
def test_models_give_the_pixels_of_the_specification(
    model: str, coefficients: dict[str, float], a: tuple[float, float], b: tuple[float, float]
):
    pixels, ok = project_camera(camera(model, distortion=Distortion(**coefficients)), [A, B])
    assert ok.all()
    assert np.abs(pixels - [a, b]).max() < 6e-4


@pytest.mark.parametrize("model", [row[0] for row in VECTORS])
def test_a_point_on_the_optical_axis_falls_on_the_principal_point(model: str):
    pixels, ok = project_camera(camera(model), [(0.0, 0.0, 5.0)])
    assert ok.tolist() == [True]
    assert pixels[0].tolist() == [640.0, 360.0]


def test_points_behind_the_camera_are_seen_only_by_models_that_can():
    behind = [(1.0, 0.2, -0.5)]
    seen = {
        m: bool(project_camera(camera(m), behind)[1][0]) for m in ("brown_conrady", "fisheye", "cylindrical")
    }
    assert seen == {"brown_conrady": False, "fisheye": True, "cylindrical": True}
    assert not project_camera(camera("mod_kannala"), behind)[1][0]
    assert not project_camera(camera("omnidirectional", distortion=Distortion(xi=0.2)), [(0.1, 0.0, -5.0)])[
        1
    ][0]


def test_points_beyond_the_monotonic_limit_are_not_visible():
    # 1 + 3·k1·t = 0 at t = r² = 5/3 for k1 = −0.2
    bent = camera(distortion=Distortion(k1=-0.2))
    _, ok = project_camera(bent, [(1.28, 0, 1), (1.30, 0, 1)])
    assert ok.tolist() == [True, False]
    rational = camera(distortion=Distortion(k4=-0.5))
    _, ok = project_camera(rational, [(1.40, 0, 1), (1.42, 0, 1)])
    assert ok.tolist() == [True, False]


HEADINGS: list[tuple[Quaternion, tuple[float, float, float]]] = [
    (Quaternion(0.70711, -0.70711, 0, 0), (0, 1, 0)),
    (Quaternion(0.5, -0.5, 0.5, -0.5), (1, 0, 0)),
    (Quaternion(0, 0, 0.70711, -0.70711), (0, -1, 0)),
    (Quaternion(0, 1, 0, 0), (0, 0, -1)),
]


@pytest.mark.parametrize(("heading", "forward"), HEADINGS)
def test_headings_look_where_the_specification_says(heading: Quaternion, forward: tuple[float, float, float]):
    eye = Vector3(3.0, -2.0, 1.5)
    target = np.asarray(eye.triple()) + 7 * np.asarray(forward)
    pixels, ok = project(
        camera(heading=heading, position=eye), np.array([target, target + np.array([0, 0, 1])])
    )
    assert ok[0]
    assert pixels[0] == pytest.approx([640, 360], abs=1e-3)
    if forward[2] == 0:
        assert pixels[1, 1] < 360  # up in the world is up in the picture


def test_a_stored_image_that_was_shrunk_has_smaller_pixels_and_its_own_borders():
    pixels, ok = project_camera(camera(scale_factor=2.0, width=640, height=360), [A, (-30.0, 0, 6.0)])
    assert pixels[0].tolist() == [400.0, 153.0]
    assert ok.tolist() == [True, False]


def test_a_million_points_are_projected_in_under_half_a_second():
    points = np.random.default_rng(1).normal(size=(1_000_000, 3)) * 30
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        project(camera(distortion=Distortion(**BROWN), width=1920, height=1080), points)
        best = min(best, time.perf_counter() - start)
    assert best < 0.5


FORWARD = Quaternion(0.70711, -0.70711, 0, 0)


def test_a_cuboid_projects_to_the_box_around_its_corners_clamped_to_the_image():
    seen = camera(heading=FORWARD, width=1280, height=720)
    box = project_cuboid(seen, Cuboid((0, 10, 0), (2, 4, 2)))
    assert box == pytest.approx((540, 258.75, 200, 202.5), abs=0.01)  # the face at y = 8
    half_out = project_cuboid(seen, Cuboid((-8, 10, 0), (2, 4, 2)))
    assert half_out is not None
    assert half_out[0] == 0
    assert project_cuboid(seen, Cuboid((0, -10, 0), (2, 4, 2))) is None
    assert project_cuboid(seen, Cuboid((400, 10, 0), (2, 4, 2))) is None


def test_a_cuboid_around_the_camera_is_clipped_at_the_near_plane():
    box = project_cuboid(camera(heading=FORWARD, width=1280, height=720), Cuboid((0, 0, 0), (2, 4, 2)))
    assert box == (0.0, 0.0, 1280.0, 720.0)


def test_a_hull_has_its_corners_only():
    points = [(0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0), (2.0, 1.0), (2.0, 0.0)]
    assert set(convex_hull(points)) == {(0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0)}


def test_positional_coefficients_follow_the_order_of_their_model():
    assert distortion_of("brown_conrady", [1, 2, 3, 4, 5]) == Distortion(k1=1, k2=2, p1=3, p2=4, k3=5)
    assert distortion_of("omnidirectional", [1, 2, 3, 4, 5, 6, 7]) == Distortion(
        k1=1, k2=2, k3=3, k4=4, p1=5, p2=6, xi=7
    )
    with pytest.raises(ValueError, match="at most 4"):
        distortion_of("fisheye", [0] * 5)
    with pytest.raises(ValueError, match="unsupported"):
        distortion_of("kaleidoscope", [])
