"""Cuboids drawn in perspective on an image (task-types-2d §4.6): one full face and the far corners of one side."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from steelyard.errors import InvalidRequest, Issue
from steelyard.geometry.perspective import FACE, SIDE, CameraIntrinsics, SpacePoint, alike, near, solid_of
from steelyard.geometry.shape import Coordinate, Frame, GeometryLimits, Minimum, Shape, Vertex, tidy
from steelyard.taxonomy.answers import Size
from steelyard.taxonomy.attributes import Number

CornerName = Literal[
    "face-topleft",
    "face-bottomleft",
    "face-topright",
    "face-bottomright",
    "side-topcorner",
    "side-bottomcorner",
]
EdgeName = Literal["face-top", "face-right", "face-bottom", "face-left", "side-bottom", "side-top"]


class CameraRotation(Struct, kw_only=True):
    """Rotation of the camera relative to the world as a quaternion; the camera's z is the optical axis."""

    w: Number
    x: Number
    y: Number
    z: Number


class CuboidGeometry(GeometryLimits, kw_only=True):
    """Cuboids to draw: labels, least extent, and the camera for perspective-corrected 3D."""

    min_height: Annotated[Minimum | None, Meta(description="Pixels over all vertices; default 0.")] = None
    min_width: Annotated[Minimum | None, Meta(description="Pixels over all vertices; default 0.")] = None
    camera_intrinsics: CameraIntrinsics | None = None
    camera_rotation_quaternion: CameraRotation | None = None
    camera_height: Annotated[Number | None, Meta(description="Metres above ground; negative is legal.")] = (
        None
    )

    def check(self, path: str, labels: Sequence[str]) -> None:
        self.check_sizes(path, (self.min_width, self.min_height))
        camera = self.camera_intrinsics
        if camera is not None and (camera.fx == 0 or camera.fy == 0):
            problem = "must contain numeric fx, fy, cx and cy, with fx and fy non-zero"
            where = f"{path}.camera_intrinsics"
            raise InvalidRequest(f"camera_intrinsics {problem}.", issues=[Issue(where, problem)])
        turn = self.camera_rotation_quaternion
        if turn is not None and turn.w == turn.x == turn.y == turn.z == 0:
            problem = "must contain numeric w, x, y and z and must not be all zero"
            where = f"{path}.camera_rotation_quaternion"
            raise InvalidRequest(f"camera_rotation_quaternion {problem}.", issues=[Issue(where, problem)])

    def make(self, rng: random.Random, frame: Frame) -> CuboidAnnotation | None:
        least_w, least_h = max(4, self.min_width or 0), max(4, self.min_height or 0)
        area = frame.drawing_area(least_w, least_h)
        if area is None:
            area = frame.drawing_area(max(1, self.min_width or 0), max(1, self.min_height or 0))
            if area is None:
                return None
            least_w, least_h = max(1, self.min_width or 0), max(1, self.min_height or 0)
        wide = min(area.width, self.max_width) if self.max_width and self.max_width > 0 else area.width
        high = min(area.height, self.max_height) if self.max_height and self.max_height > 0 else area.height
        width = max(float(least_w), wide * rng.uniform(0.3, 0.6)) if wide > least_w else float(least_w)
        height = max(float(least_h), high * rng.uniform(0.3, 0.6)) if high > least_h else float(least_h)
        width, height = min(width, area.width), min(height, area.height)
        left = area.left + (area.width - width) * rng.random()
        top = area.top + (area.height - height) * rng.random()
        face, lift = width * 0.6, height * 0.1
        corners = {
            "face-topleft": (left, top + lift), "face-bottomleft": (left, top + height),
            "face-topright": (left + face, top + lift), "face-bottomright": (left + face, top + height),
            "side-topcorner": (left + width, top), "side-bottomcorner": (left + width, top + height - 2 * lift),
        }  # fmt: skip
        if rng.random() < 0.5:  # the left side is visible instead
            corners = {
                name.replace("left", "#").replace("right", "left").replace("#", "right"): (
                    2 * left + width - x,
                    y,
                )
                for name, (x, y) in corners.items()
            }
        vertices = [
            CuboidVertex(description=name, x=tidy(corners[name][0]), y=tidy(corners[name][1]))
            for name in (*FACE, *SIDE)
        ]
        return self.complete(CuboidAnnotation(vertices=vertices))

    def problems(self, shape: CuboidAnnotation) -> Iterator[str]:
        names = [v.description for v in shape.vertices]
        if len(set(names)) != len(names) or set(names) not in ({*FACE}, {*FACE, *SIDE}):
            yield "must have the four face vertices, alone or with both side corners, each once"
            return
        size = shape.size()
        if size.width <= 0 or size.height <= 0:
            yield "must have a width and height greater than 0"
        yield from self.size_problems(size.width, size.height, (self.min_width, self.min_height))

    def complete(self, shape: CuboidAnnotation) -> CuboidAnnotation:
        edges = shape.derived_edges()
        if edges is not None and shape.edges != edges:
            shape = replace(shape, edges=edges)
        camera = self.camera_intrinsics
        if camera is None or self.camera_rotation_quaternion is None or self.camera_height is None:
            return shape
        solid = solid_of({str(v.description): (v.x, v.y) for v in shape.vertices}, camera)
        if solid is None or (near(shape.points_2d, solid[0]) and alike(shape.points_3d, solid[1])):
            return shape
        return replace(shape, points_2d=solid[0], points_3d=solid[1])


class CuboidVertex(Struct, kw_only=True):
    """A named corner, in pixels. Readers must go by `description`, not by position."""

    description: CornerName
    x: Coordinate
    y: Coordinate
    type: Literal["vertex"] = "vertex"


class CuboidEdge(Struct, kw_only=True):
    """A named edge between two corners, in pixels."""

    description: EdgeName
    x1: Coordinate
    y1: Coordinate
    x2: Coordinate
    y2: Coordinate
    type: Literal["edge"] = "edge"


class CuboidAnnotation(Shape, kw_only=True, tag="cuboid"):
    """A cuboid: six named corners (four when only one face is visible) and the edges between them."""

    vertices: list[CuboidVertex]
    edges: Annotated[list[CuboidEdge] | None, Meta(description="Derived from the vertices when missing.")] = (
        None
    )
    points_2d: Annotated[
        list[Vertex] | None,
        Meta(
            description="With a known camera, the eight corners as a true cuboid shows them: face, then opposite face, each top left,"
            " bottom left, top right, bottom right."
        ),
    ] = None
    points_3d: Annotated[
        list[SpacePoint] | None,
        Meta(
            description="The same corners in camera coordinates; without a scale of the answer's own their mean depth is 1."
        ),
    ] = None

    def points(self) -> list[tuple[float, float]]:
        return [(v.x, v.y) for v in self.vertices]

    def corners(self, names: Sequence[str]) -> list[tuple[float, float]]:
        """The named corners that are there, in the order of the names."""
        found = {v.description: (v.x, v.y) for v in self.vertices}
        return [found[name] for name in names if name in found]

    def clamped(self, frame: Frame) -> CuboidAnnotation:
        inside = [(v, frame.clamp(v.x, v.y)) for v in self.vertices]
        return replace(self, vertices=[replace(v, x=x, y=y) for v, (x, y) in inside], edges=None)

    def rounded(self) -> CuboidAnnotation:
        if all(v.x == round(v.x, 4) and v.y == round(v.y, 4) for v in self.vertices):
            return self
        return replace(
            self, vertices=[replace(v, x=tidy(v.x), y=tidy(v.y)) for v in self.vertices], edges=None
        )

    def size(self) -> Size:
        xs, ys = [v.x for v in self.vertices], [v.y for v in self.vertices]
        return Size(max(xs) - min(xs), max(ys) - min(ys)) if xs else Size(0, 0)

    def derived_edges(self) -> list[CuboidEdge] | None:
        """All edges, in published order and direction; None while a face corner is missing."""
        at = {str(v.description): (v.x, v.y) for v in self.vertices}
        if not all(name in at for name in FACE):
            return None
        pairs: list[tuple[EdgeName, str, str]] = [
            ("face-top", "face-topleft", "face-topright"),
            ("face-right", "face-topright", "face-bottomright"),
            ("face-bottom", "face-bottomleft", "face-bottomright"),
            ("face-left", "face-topleft", "face-bottomleft"),
        ]
        if all(name in at for name in SIDE):
            middle = sum(at[name][0] for name in FACE) / 4
            near = "right" if at[SIDE[0]][0] >= middle else "left"
            pairs.append(("side-bottom", f"face-bottom{near}", SIDE[1]))
            pairs.append(("side-top", f"face-top{near}", SIDE[0]))
        return [
            CuboidEdge(description=name, x1=at[a][0], y1=at[a][1], x2=at[b][0], y2=at[b][1])
            for name, a, b in pairs
        ]

    def canonical(self) -> dict[str, Any]:
        return {"vertices": {v.description: [tidy(v.x), tidy(v.y)] for v in self.vertices}}

    def similarity(self, other: CuboidAnnotation, diagonal: float) -> float:
        from steelyard.geometry.overlap import area_iou, hull_iou

        ring = ("face-topleft", "face-topright", "face-bottomright", "face-bottomleft")
        faces = area_iou(self.corners(ring), other.corners(ring))
        return 0.5 * faces + 0.5 * hull_iou(self.points(), other.points())
