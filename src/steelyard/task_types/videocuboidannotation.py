"""Cuboids in perspective on the frames of a video: the legacy form of `videoannotation` (task-types-2d §13)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from steelyard.geometry.cuboid import CameraIntrinsics, CameraRotation
from steelyard.task_types._shared.legacy_video import LegacyVideoParams, legacy_video_type
from steelyard.task_types._shared.video_type import VideoResponse
from steelyard.taxonomy.attributes import Number


class VideoCuboidAnnotationParams(LegacyVideoParams, kw_only=True):
    """Which cuboids to draw on the frames of which video."""

    camera_intrinsics: CameraIntrinsics | None = None
    camera_rotation_quaternion: CameraRotation | None = None
    camera_height: Annotated[Number | None, Meta(description="Metres above ground; negative is legal.")] = (
        None
    )


class VideoCuboidAnnotationResponse(VideoResponse, kw_only=True):
    """`annotations.url`: an array with one object of annotations per frame."""


TASK_TYPE = legacy_video_type(
    "videocuboidannotation",
    "cuboid",
    ("min_width", "min_height", "camera_intrinsics", "camera_rotation_quaternion", "camera_height"),
    VideoCuboidAnnotationParams,
    VideoCuboidAnnotationResponse,
    "Video cuboid annotation (legacy)",
    "Cuboids in perspective on the frames of a video. New projects use videoannotation.",
)
