"""Shapes: corners, checks, clamping, canonical forms, similarity."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from steelyard.errors import InvalidRequest
from steelyard.geometry import (
    GEOMETRIES,
    BoxAnnotation,
    BoxGeometry,
    CuboidAnnotation,
    CuboidGeometry,
    EllipseAnnotation,
    EllipseGeometry,
    Frame,
    LineAnnotation,
    LineGeometry,
    PointAnnotation,
    PolygonAnnotation,
    PolygonGeometry,
    Vertex,
)
from steelyard.geometry.cuboid import CameraRotation, CuboidVertex
from steelyard.geometry.overlap import assign
from steelyard.geometry.perspective import FACE, SIDE, CameraIntrinsics, SpacePoint


def polygon(*points: tuple[float, float]) -> PolygonAnnotation:
    return PolygonAnnotation(vertices=[Vertex(x, y) for x, y in points])


def line(*points: tuple[float, float]) -> LineAnnotation:
    return LineAnnotation(vertices=[Vertex(x, y) for x, y in points])


def test_a_rotated_box_has_the_corners_of_the_specifications_example():
    box = BoxGeometry(can_rotate=True).complete(
        BoxAnnotation(left=400, top=220, width=120, height=60, rotation=0.5236)
    )
    found = [(round(v.x, 2), round(v.y, 2)) for v in box.vertices or []]
    assert found == [(423.04, 194.02), (526.96, 254.02), (496.96, 305.98), (393.04, 245.98)]


def test_an_upright_box_of_a_task_with_rotation_gets_rotation_zero_and_corners():
    box = BoxGeometry(can_rotate=True).complete(BoxAnnotation(left=1, top=2, width=3, height=4))
    assert box.rotation == 0
    assert box.vertices == [Vertex(1, 2), Vertex(4, 2), Vertex(4, 6), Vertex(1, 6)]


@pytest.mark.parametrize("turns", [-3, -1, 1, 5])
def test_rotation_is_normalised_to_half_a_turn_either_way(turns: int):
    box = BoxAnnotation(left=0, top=0, width=2, height=1).turned(0.5 + turns * 2 * math.pi)
    assert box.rotation == pytest.approx(0.5)
    assert BoxAnnotation(left=0, top=0, width=2, height=1).turned(-math.pi).rotation == pytest.approx(math.pi)


def test_integer_pixels_round_both_edges_half_up_and_keep_a_pixel():
    box = BoxGeometry(integer_pixels=True).complete(BoxAnnotation(left=0.5, top=1.4, width=2.2, height=0.1))
    assert (box.left, box.top, box.width, box.height) == (1, 1, 2, 1)


def test_a_box_narrower_than_the_minimum_is_refused_and_an_equal_one_is_not():
    limits = BoxGeometry(min_width=10, min_height=5)
    assert list(limits.problems(BoxAnnotation(left=0, top=0, width=10, height=5))) == []
    assert list(limits.problems(BoxAnnotation(left=0, top=0, width=9.9, height=5))) == [
        "is narrower than min_width 10"
    ]
    assert list(limits.problems(BoxAnnotation(left=0, top=0, width=10, height=0)))


def test_a_rotated_box_is_refused_where_boxes_may_not_rotate():
    assert list(BoxGeometry().problems(BoxAnnotation(left=0, top=0, width=1, height=1, rotation=0.1)))


def test_a_maximum_under_its_minimum_is_refused():
    with pytest.raises(InvalidRequest, match="max_width"):
        BoxGeometry(min_width=10, max_width=9).check("geometries.box", [])


def test_polygons_need_three_distinct_vertices_whatever_the_request_says():
    limits = PolygonGeometry(min_vertices=1, max_vertices=4)
    assert list(limits.problems(polygon((0, 0), (1, 0), (1, 0))))
    assert list(limits.problems(polygon((0, 0), (1, 0), (1, 1)))) == []
    assert list(limits.problems(polygon((0, 0), (1, 0), (1, 1), (0, 1), (0, 0.5)))) == [
        "must have at most 4 vertices"
    ]


def test_the_old_spelling_of_max_vertices_counts():
    assert list(LineGeometry(max_vertives=2).problems(line((0, 0), (1, 0), (2, 0))))


def test_an_ellipse_must_have_crossing_axes_at_a_right_angle():
    limits = EllipseGeometry()
    ends = [(300, 180), (340, 225), (300, 270), (260, 225)]
    good = EllipseAnnotation(vertices=[Vertex(x, y) for x, y in ends])
    assert list(limits.problems(good)) == []
    assert list(limits.problems(EllipseAnnotation(vertices=good.vertices[:3])))
    bent = [Vertex(310, 180), *good.vertices[1:]]
    assert list(limits.problems(EllipseAnnotation(vertices=bent)))
    flat = [Vertex(300, 225), good.vertices[1], Vertex(300, 225), good.vertices[3]]
    assert list(limits.problems(EllipseAnnotation(vertices=flat))) == ["must have two axes longer than 0"]


def cuboid(**moved: tuple[float, float]) -> CuboidAnnotation:
    corners = {
        "face-topleft": (120, 210), "face-bottomleft": (120, 330), "face-topright": (260, 210),
        "face-bottomright": (260, 330), "side-topcorner": (341, 196), "side-bottomcorner": (341, 301),
    }  # fmt: skip
    return CuboidAnnotation(vertices=[CuboidVertex(description=k, x=x, y=y) for k, (x, y) in corners.items()])  # type: ignore[arg-type]


def test_cuboid_edges_follow_from_the_corners_in_published_order():
    done = CuboidGeometry().complete(cuboid())
    assert [e.description for e in done.edges or []] == [
        "face-top", "face-right", "face-bottom", "face-left", "side-bottom", "side-top",
    ]  # fmt: skip
    side = (done.edges or [])[-1]
    assert (side.x1, side.y1, side.x2, side.y2) == (260, 210, 341, 196)


def test_a_cuboid_needs_its_face_and_either_both_side_corners_or_none():
    limits = CuboidGeometry(min_width=200)
    assert list(limits.problems(cuboid())) == []
    only_face = CuboidAnnotation(vertices=[v for v in cuboid().vertices if v.description in FACE])
    assert list(limits.problems(only_face)) == ["is narrower than min_width 200"]
    assert list(limits.problems(CuboidAnnotation(vertices=cuboid().vertices[:5])))


CAMERA = CameraIntrinsics(fx=900, fy=910, cx=640, cy=360, skew=2, scalefactor=2)
"""Of an image that was shrunk to half its size."""


def solid(yaw: float) -> list[tuple[float, float, float]]:
    """Corners of a cuboid before the camera, face first, each face top left, bottom left, top right, bottom right."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    flat = [(x, y, z) for z in (-2.0, 2.0) for x in (-1.0, 1.0) for y in (-0.75, 0.75)]
    return [(cos * x + sin * z + 1.2, y + 0.4, 9 - sin * x + cos * z) for x, y, z in flat]


def seen(point: tuple[float, float, float]) -> tuple[float, float]:
    x, y = point[0] / point[2], point[1] / point[2]
    return (900 * x + 2 * y + 640) / 2, (910 * y + 360) / 2


@pytest.mark.parametrize(("yaw", "side"), [(0.5, 6), (-0.5, 4)])
def test_a_cuboid_before_a_known_camera_gets_its_corners_in_the_image_and_in_space(yaw: float, side: int):
    corners = solid(yaw)
    pixels = [seen(p) for p in corners]
    drawn = zip((*FACE, *SIDE), [*pixels[:4], *pixels[side : side + 2]], strict=True)
    shape = CuboidAnnotation(vertices=[CuboidVertex(description=k, x=x, y=y) for k, (x, y) in drawn])  # type: ignore[arg-type]
    limits = CuboidGeometry(
        camera_intrinsics=CAMERA, camera_rotation_quaternion=CameraRotation(w=1, x=0, y=0, z=0), camera_height=-1.6
    )  # fmt: skip
    done = limits.complete(shape)
    assert [(v.x, v.y) for v in done.points_2d or []] == [pytest.approx(p, abs=1e-3) for p in pixels]
    mean = sum(z for _, _, z in corners) / 8
    assert [(p.x, p.y, p.z) for p in done.points_3d or []] == [
        pytest.approx((x / mean, y / mean, z / mean), abs=1e-5) for x, y, z in corners
    ]
    assert limits.complete(done) is done
    metres = replace(done, points_3d=[SpacePoint(*p) for p in corners])
    assert limits.complete(metres) is metres  # who knows the ground has a scale
    assert replace(limits, camera_height=None).complete(shape).points_3d is None  # a part of a camera is none


def test_a_drawing_that_shows_no_cuboid_gets_no_corners_in_space():
    camera = CuboidGeometry(
        camera_intrinsics=CAMERA, camera_rotation_quaternion=CameraRotation(w=1, x=0, y=0, z=0), camera_height=1
    )  # fmt: skip
    crossed = [replace(v, x=0, y=0) if v.description == "face-topleft" else v for v in cuboid().vertices]
    crossed = [replace(v, x=0, y=1) if v.description == "face-bottomright" else v for v in crossed]
    assert camera.complete(CuboidAnnotation(vertices=crossed)).points_3d is None
    only_face = [v for v in cuboid().vertices if v.description in FACE]
    assert camera.complete(CuboidAnnotation(vertices=only_face)).points_3d is None


def test_a_greatest_size_counts_for_every_geometry_that_has_one():
    triangle = polygon((1, 1), (30, 5), (2, 20))
    upright = EllipseAnnotation(vertices=[Vertex(10, 0), Vertex(30, 10), Vertex(10, 20), Vertex(-10, 10)])
    assert list(PolygonGeometry(max_width=28).problems(triangle)) == ["is wider than max_width 28"]
    assert list(LineGeometry(max_height=18).problems(line((1, 1), (2, 20)))) == [
        "is higher than max_height 18"
    ]
    assert list(EllipseGeometry(max_width=39, max_height=20).problems(upright)) == [
        "is wider than max_width 39"
    ]
    assert list(PolygonGeometry(max_width=29, max_height=19).problems(triangle)) == []


def test_the_first_vertex_of_a_polygon_is_not_repeated():
    done = PolygonGeometry().complete(polygon((1, 1), (9, 1), (9, 9), (1, 1), (1, 1)))
    assert done.vertices == [Vertex(1, 1), Vertex(9, 1), Vertex(9, 9)]


def test_overshoot_is_measured_from_the_padded_image_and_clamped():
    frame = Frame.of(100, 50, pad_x=10)
    assert frame.overshoot([(-10, 0), (110, 50)]) == 0
    assert frame.overshoot([(110.4, 0)]) == pytest.approx(0.4)
    assert PointAnnotation(x=110.4, y=-0.2).clamped(frame) == PointAnnotation(x=110, y=0)
    assert Frame.of(0, 0).overshoot([(1e6, 1e6)]) == 0


def test_polygons_that_differ_only_in_start_and_direction_are_canonically_equal():
    one = polygon((0, 0), (4, 0), (4, 3), (4, 3), (0, 3))
    other = polygon((4, 3), (4, 0), (0, 0), (0, 3))
    assert one.canonical() == other.canonical()
    assert one.canonical() != polygon((0, 0), (4, 0), (4, 3)).canonical()


def test_lines_are_canonically_equal_in_both_directions():
    assert line((0, 0), (1, 1), (2, 0)).canonical() == line((2, 0), (1, 1), (0, 0)).canonical()


def test_box_similarity_is_intersection_over_union():
    box = BoxAnnotation(left=0, top=0, width=10, height=10)
    assert box.similarity(BoxAnnotation(left=5, top=0, width=10, height=10), 0) == pytest.approx(50 / 150)
    assert box.similarity(BoxAnnotation(left=20, top=0, width=10, height=10), 0) == 0
    turned = BoxAnnotation(left=0, top=0, width=10, height=10, rotation=math.pi / 2)
    assert box.similarity(turned, 0) == pytest.approx(1.0)


def test_polygon_similarity_survives_self_intersection():
    square = polygon((0, 0), (10, 0), (10, 10), (0, 10))
    bow_tie = polygon((0, 0), (10, 10), (10, 0), (0, 10))
    assert square.similarity(square, 0) == pytest.approx(1.0)
    assert square.similarity(bow_tie, 0) == pytest.approx(0.5)
    assert square.similarity(polygon((0, 0), (5, 5), (10, 10)), 0) == 0


def test_line_similarity_is_the_f1_of_nearby_points():
    one = line((0, 0), (100, 0))
    assert one.similarity(line((100, 2), (0, 2)), 0) == 1
    assert one.similarity(line((0, 4), (100, 4)), 0) == 0
    assert one.similarity(line((0, 4), (100, 4)), 1000) == 1  # 0.5 % of the diagonal
    assert one.similarity(line((0, 0), (50, 0)), 0) == pytest.approx(2 * 0.53 / 1.53, abs=0.02)


def test_point_similarity_falls_linearly_with_distance():
    point = PointAnnotation(x=0, y=0)
    assert point.similarity(PointAnnotation(x=2.5, y=0), 0) == pytest.approx(0.5)
    assert point.similarity(PointAnnotation(x=2.5, y=0), 1000) == pytest.approx(0.75)
    assert not point.matches(point.similarity(PointAnnotation(x=9, y=0), 0))


def test_ellipse_and_cuboid_are_fully_similar_to_themselves():
    ellipse = EllipseGeometry().make(random.Random(1), Frame.of(640, 480))
    assert ellipse is not None
    assert ellipse.similarity(ellipse, 0) == pytest.approx(1.0)
    assert cuboid().similarity(cuboid(), 0) == pytest.approx(1.0)


def test_assignment_maximises_the_total():
    assert assign([[0.9, 0.8], [0.8, 0.1]]) == [(0, 1), (1, 0)]
    assert assign([]) == []


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(),
    width=st.integers(0, 3000),
    height=st.integers(0, 3000),
    pad=st.integers(0, 50),
    kind=st.sampled_from(sorted(GEOMETRIES)),
    most=st.sampled_from([None, 5, 50]),
)
def test_made_up_shapes_of_every_geometry_lie_inside_and_keep_their_own_rules(
    seed: int, width: int, height: int, pad: int, kind: str, most: int | None
):
    frame = Frame.of(width, height, pad, pad)
    limits = GEOMETRIES[kind].limits(max_width=most, max_height=most)
    shape = limits.make(random.Random(seed), frame)
    assert shape is not None
    done = limits.complete(shape)
    assert list(limits.problems(done)) == []
    assert frame.overshoot(done.points()) <= 1e-4
    assert done.similarity(done, math.hypot(width, height)) == pytest.approx(1.0, abs=1e-6)
    assert limits.complete(done) == done
