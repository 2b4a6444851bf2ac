"""Cuboids in perspective on one image: the legacy form of `imageannotation` (task-types-2d §12)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from steelyard.geometry.cuboid import CameraIntrinsics, CameraRotation, CuboidEdge, CuboidVertex
from steelyard.geometry.shape import Minimum
from steelyard.task_types._shared.legacy import (
    LegacyAnnotation,
    LegacyImage,
    LegacyImageParams,
    LegacyResponse,
    legacy_image_type,
)
from steelyard.taxonomy.attributes import Number

# Bounded so that a request cannot ask for a made-up answer of any size.
Count = Annotated[int, Meta(ge=0, le=1000)]


class CuboidAnnotationParams(LegacyImageParams, kw_only=True):
    """Which cuboids to draw on which image."""

    min_width: Annotated[Minimum | None, Meta(description="Pixels over all vertices; default 0.")] = None
    min_height: Annotated[Minimum | None, Meta(description="Pixels over all vertices; default 0.")] = None
    min_annotations: Annotated[Count | None, Meta(description="Default 0.")] = None
    max_annotations: Annotated[Count | None, Meta(description="Default 0: no limit.")] = None
    camera_intrinsics: CameraIntrinsics | None = None
    camera_rotation_quaternion: CameraRotation | None = None
    camera_height: Annotated[Number | None, Meta(description="Metres above ground; negative is legal.")] = (
        None
    )


class LegacyCuboid(LegacyAnnotation, kw_only=True):
    """A cuboid: named corners and the edges between them."""

    vertices: list[CuboidVertex]
    edges: list[CuboidEdge] | None = None
    points_2d: list[Any] | None = None
    points_3d: list[Any] | None = None


class CuboidAnnotationResponse(LegacyResponse, kw_only=True):
    """Cuboids in order of creation."""

    annotations: list[LegacyCuboid]


TASK_TYPE = legacy_image_type(
    LegacyImage(
        "cuboidannotation",
        "cuboid",
        CuboidAnnotationParams,
        settings=(
            "min_width", "min_height", "camera_intrinsics", "camera_rotation_quaternion", "camera_height",
        ),
        keys=("vertices", "edges", "points_2d", "points_3d"),
        defaults={"with_labels": True, "min_annotations": 0, "max_annotations": 0},
    ),
    CuboidAnnotationParams,
    CuboidAnnotationResponse,
    "Cuboid annotation (legacy)",
    "Cuboids in perspective on one image. New projects use imageannotation.",
)  # fmt: skip
