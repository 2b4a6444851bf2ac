"""Lines on one image: the legacy form of `imageannotation` (task-types-2d §12)."""

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


class LineAnnotationParams(LegacyImageParams, kw_only=True):
    """Which lines to draw on which image."""

    min_vertices: Annotated[VertexCount | None, Meta(description="Default 1.")] = None
    max_vertices: Annotated[VertexLimit | None, Meta(description="Default and null: no limit.")] = None
    max_vertives: Annotated[VertexLimit | None, Meta(description="Old spelling of `max_vertices`.")] = None
    splines: Annotated[
        bool | None, Meta(description="Vertices are knots of a centripetal Catmull-Rom curve; default false.")
    ] = None


class LegacyLine(LegacyAnnotation, kw_only=True):
    """An open line: vertices in drawing order."""

    vertices: list[Vertex]


class LineAnnotationResponse(LegacyResponse, kw_only=True):
    """Lines in order of creation."""

    annotations: list[LegacyLine]


TASK_TYPE = legacy_image_type(
    LegacyImage(
        "lineannotation",
        "line",
        LineAnnotationParams,
        settings=("min_vertices", "max_vertices", "max_vertives", "splines"),
        keys=("vertices",),
        defaults={"splines": False},
    ),
    LineAnnotationParams,
    LineAnnotationResponse,
    "Line annotation (legacy)",
    "Lines on one image. New projects use imageannotation.",
)
