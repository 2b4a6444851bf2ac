"""Geometries of annotations on images: wire Structs with their checks, measures and made-up examples. Pure.

`GEOMETRIES` maps the wire name to the limits that a request may set and the shape that an answer holds; whoever works with several
geometries goes through it and never branches on names.
"""

from __future__ import annotations

from msgspec import Struct

from steelyard.geometry.box import BoxAnnotation, BoxGeometry
from steelyard.geometry.cuboid import CuboidAnnotation, CuboidGeometry
from steelyard.geometry.ellipse import EllipseAnnotation, EllipseGeometry
from steelyard.geometry.path import LineAnnotation, LineGeometry, PolygonAnnotation, PolygonGeometry
from steelyard.geometry.point import PointAnnotation, PointGeometry
from steelyard.geometry.shape import Frame, GeometryLimits, Shape, Vertex

__all__ = [
    "GEOMETRIES",
    "BoxAnnotation",
    "BoxGeometry",
    "CuboidAnnotation",
    "CuboidGeometry",
    "EllipseAnnotation",
    "EllipseGeometry",
    "Frame",
    "Geometry",
    "GeometryLimits",
    "LineAnnotation",
    "LineGeometry",
    "PointAnnotation",
    "PointGeometry",
    "PolygonAnnotation",
    "PolygonGeometry",
    "Shape",
    "Vertex",
]


class Geometry(Struct, frozen=True):
    """One kind of shape: `layer` is its key in read-only layers, `sized` whether it has a width and height to measure in."""

    name: str
    layer: str
    limits: type[GeometryLimits]
    shape: type[Shape]
    sized: bool = False


GEOMETRIES: dict[str, Geometry] = {
    g.name: g
    for g in (
        Geometry("box", "boxes", BoxGeometry, BoxAnnotation, sized=True),
        Geometry("polygon", "polygons", PolygonGeometry, PolygonAnnotation),
        Geometry("line", "lines", LineGeometry, LineAnnotation),
        Geometry("point", "points", PointGeometry, PointAnnotation),
        Geometry("cuboid", "cuboids", CuboidGeometry, CuboidAnnotation, sized=True),
        Geometry("ellipse", "ellipses", EllipseGeometry, EllipseAnnotation),
    )
}
