"""Boxes on the frames of a video: the legacy form of `videoannotation` (task-types-2d §13)."""

from __future__ import annotations

from steelyard.task_types._shared.legacy_video import LegacyVideoParams, legacy_video_type
from steelyard.task_types._shared.video_type import VideoResponse


class VideoBoxAnnotationParams(LegacyVideoParams, kw_only=True):
    """Which boxes to draw on the frames of which video."""


class VideoBoxAnnotationResponse(VideoResponse, kw_only=True):
    """`annotations.url`: an array with one object of annotations per frame."""


TASK_TYPE = legacy_video_type(
    "videoboxannotation",
    "box",
    ("min_width", "min_height"),
    VideoBoxAnnotationParams,
    VideoBoxAnnotationResponse,
    "Video box annotation (legacy)",
    "Boxes on the frames of a video. New projects use videoannotation.",
)
