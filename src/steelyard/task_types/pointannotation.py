"""Points on one image: the legacy form of `imageannotation` (task-types-2d §12)."""

from __future__ import annotations

from steelyard.geometry.shape import Coordinate
from steelyard.task_types._shared.legacy import (
    LegacyAnnotation,
    LegacyImage,
    LegacyImageParams,
    LegacyResponse,
    legacy_image_type,
)


class PointAnnotationParams(LegacyImageParams, kw_only=True):
    """Which points to set on which image."""


class LegacyPoint(LegacyAnnotation, kw_only=True):
    """A point, in pixels."""

    x: Coordinate
    y: Coordinate


class PointAnnotationResponse(LegacyResponse, kw_only=True):
    """Points in order of creation."""

    annotations: list[LegacyPoint]


TASK_TYPE = legacy_image_type(
    LegacyImage("pointannotation", "point", PointAnnotationParams, keys=("x", "y")),
    PointAnnotationParams,
    PointAnnotationResponse,
    "Point annotation (legacy)",
    "Points on one image. New projects use imageannotation.",
)
