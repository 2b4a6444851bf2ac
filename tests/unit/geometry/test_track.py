"""Tracks: key frames, what lies between, hidden spans (task-types-2d §9.5)."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.geometry import (
    BoxAnnotation,
    BoxGeometry,
    CuboidAnnotation,
    CuboidGeometry,
    EllipseAnnotation,
    LineAnnotation,
    PointAnnotation,
    PolygonAnnotation,
    Shape,
    Vertex,
)
from steelyard.geometry.shape import Frame
from steelyard.geometry.track import ShapeKey, ShapeTrack, between, shifted

NUMBER = st.integers(min_value=-500, max_value=500)


def box(left: float, **more: float) -> BoxAnnotation:
    return BoxAnnotation(**{"left": left, "top": 0, "width": 10, "height": 10, **more})


def vertices(*points: tuple[float, float]) -> list[Vertex]:
    return [Vertex(x, y) for x, y in points]


def test_sides_of_a_box_change_linearly_in_the_frame_index():
    track = ShapeTrack([ShapeKey(10, box(0, width=20)), ShapeKey(20, box(100, width=40))])
    found = track.over([9, 10, 12, 15, 20, 21])
    assert list(found) == [10, 12, 15, 20]
    sides = [(b.left, b.width) for b in found.values() if isinstance(b, BoxAnnotation)]
    assert sides == [(0, 20), (20, 24), (50, 30), (100, 40)]


def test_key_frames_may_come_in_any_order_and_the_later_of_two_counts():
    track = ShapeTrack([ShapeKey(4, box(40)), ShapeKey(0, box(1)), ShapeKey(0, box(0))])
    assert track.over([0, 2])[0] == box(0)
    assert track.over([2])[2] == box(20)


def test_an_object_is_absent_while_hidden_and_interpolated_over_the_gap():
    track = ShapeTrack([ShapeKey(0, box(0)), ShapeKey(10, box(100))], hidden=[(3, 5)])
    found = track.over(range(11))
    assert sorted(found) == [0, 1, 2, 6, 7, 8, 9, 10]
    assert found[6] == box(60)


def test_a_single_key_frame_is_seen_on_its_own_frame_only():
    assert list(ShapeTrack([ShapeKey(3, box(0))]).over(range(10))) == [3]
    assert ShapeTrack([]).over(range(10)) == {}


@pytest.mark.parametrize(
    ("start", "end", "middle"),
    [(0.0, math.pi / 2, math.pi / 4), (3.0, -3.0, math.pi), (-3.0, 3.0, math.pi), (0.2, -0.2, 0.0)],
)
def test_rotation_takes_the_shorter_arc_and_the_corners_follow(start: float, end: float, middle: float):
    one, other = (BoxGeometry(can_rotate=True).complete(box(0, rotation=r)) for r in (start, end))
    found = between(one, other, 0.5)
    assert isinstance(found, BoxAnnotation)
    assert found.rotation is not None
    assert math.remainder(found.rotation - middle, 2 * math.pi) == pytest.approx(0, abs=1e-9)
    for vertex, corner in zip(found.vertices or (), found.corners(), strict=True):
        assert (vertex.x, vertex.y) == pytest.approx(corner, abs=1e-4)


def test_a_polygon_moves_by_vertex_and_holds_when_the_count_changes():
    one = PolygonAnnotation(vertices=vertices((0, 0), (10, 0), (0, 10)))
    same = PolygonAnnotation(vertices=vertices((10, 0), (20, 0), (10, 10)))
    more = PolygonAnnotation(vertices=vertices((10, 0), (20, 0), (20, 5), (10, 10)))
    assert between(one, same, 0.5) == PolygonAnnotation(vertices=vertices((5, 0), (15, 0), (5, 10)))
    assert between(one, more, 0.9) == one
    line = LineAnnotation(vertices=vertices((0, 0), (10, 0), (0, 10)))
    assert between(one, line, 0.5) == one


def test_corners_of_a_cuboid_move_by_name_and_its_edges_follow():
    import random

    one = CuboidGeometry().make(random.Random(1), Frame.of(200, 200))
    assert one is not None
    other = shifted(one, 10, 20)
    assert isinstance(other, CuboidAnnotation)
    other.vertices.reverse()
    middle = between(one, other, 0.5)
    assert middle == shifted(one, 5, 10)
    assert isinstance(middle, CuboidAnnotation)
    assert middle.edges == middle.derived_edges()


def test_label_and_attributes_are_those_of_the_key_frame_before():
    one = PointAnnotation(x=0, y=0, uuid="u", label="lamp", attributes={"on": "yes"})
    other = PointAnnotation(x=10, y=0, uuid="u", label="lamp", attributes={"on": "no"})
    found = ShapeTrack([ShapeKey(0, one), ShapeKey(10, other)]).over([9, 10])
    assert found[9].attributes == {"on": "yes"}
    assert found[10].attributes == {"on": "no"}


SHAPES = st.one_of(
    st.builds(box, NUMBER, top=NUMBER),
    st.builds(PointAnnotation, x=NUMBER, y=NUMBER),
    st.builds(
        lambda ps: EllipseAnnotation(vertices=vertices(*ps)),
        st.lists(st.tuples(NUMBER, NUMBER), min_size=4, max_size=4),
    ),
)


@given(shape=SHAPES, dx=NUMBER, dy=NUMBER, ratio=st.floats(min_value=0, max_value=1))
def test_between_a_shape_and_its_shift_lies_a_smaller_shift(shape: Shape, dx: int, dy: int, ratio: float):
    moved = shifted(shape, dx, dy)
    assert between(shape, moved, 0) == shape
    assert between(shape, moved, 1) == moved
    middle = between(shape, moved, ratio)
    for (x, y), (u, v) in zip(shape.points(), middle.points(), strict=True):
        assert u == pytest.approx(x + dx * ratio, abs=2e-4)
        assert v == pytest.approx(y + dy * ratio, abs=2e-4)
