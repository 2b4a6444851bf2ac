"""Polygons on one image: the legacy form of `imageannotation` (task-types-2d §12)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from steelyard.geometry import Vertex
from steelyard.geometry.path import VertexCount, VertexLimit
from steelyard.task_types._shared.legacy import (
    LegacyAnnotation,
    LegacyImage,
    LegacyImageParams,
    LegacyResponse,
    legacy_image_type,
)


class PolygonAnnotationParams(LegacyImageParams, kw_only=True):
    """Which polygons to draw on which image."""

    min_vertices: Annotated[VertexCount | None, Meta(description="Default 1.")] = None
    max_vertices: Annotated[VertexLimit | None, Meta(description="Default and null: no limit.")] = None


class LegacyPolygon(LegacyAnnotation, kw_only=True):
    """A polygon: vertices in drawing order, implicitly closed."""

    vertices: list[Vertex]


class PolygonAnnotationResponse(LegacyResponse, kw_only=True):
    """Polygons in order of creation."""

    annotations: list[LegacyPolygon]


TASK_TYPE = legacy_image_type(
    LegacyImage(
        "polygonannotation",
        "polygon",
        PolygonAnnotationParams,
        settings=("min_vertices", "max_vertices"),
        keys=("vertices",),
    ),
    PolygonAnnotationParams,
    PolygonAnnotationResponse,
    "Polygon annotation (legacy)",
    "Polygons on one image. New projects use imageannotation.",
)
