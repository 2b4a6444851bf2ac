"""Boxes on one image: the legacy form of `imageannotation` (task-types-2d §12)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from steelyard.geometry.shape import Coordinate, Minimum
from steelyard.task_types._shared.legacy import (
    LegacyAnnotation,
    LegacyImage,
    LegacyImageParams,
    LegacyResponse,
    legacy_image_type,
)


class AnnotationParams(LegacyImageParams, kw_only=True):
    """Which boxes to draw on which image."""

    min_width: Annotated[Minimum | None, Meta(description="Pixels; default 0.")] = None
    min_height: Annotated[Minimum | None, Meta(description="Pixels; default 0.")] = None


class LegacyBox(LegacyAnnotation, kw_only=True):
    """A box: distances from the image's left and top border, and sides, in pixels."""

    left: Coordinate
    top: Coordinate
    width: Coordinate
    height: Coordinate


class AnnotationResponse(LegacyResponse, kw_only=True):
    """Boxes in order of creation."""

    annotations: list[LegacyBox]


TASK_TYPE = legacy_image_type(
    LegacyImage(
        "annotation",
        "box",
        AnnotationParams,
        settings=("min_width", "min_height"),
        keys=("left", "top", "width", "height"),
        defaults={"min_width": 0, "min_height": 0},
    ),
    AnnotationParams,
    AnnotationResponse,
    "Box annotation (legacy)",
    "Boxes on one image. New projects use imageannotation.",
)
