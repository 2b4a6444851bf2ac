"""Shapes on the frames of a video or of a sequence of images, one entry per frame (task-types-2d §9)."""

from __future__ import annotations

from steelyard.task_types._shared.video_files import FramesFile
from steelyard.task_types._shared.video_params import (
    EITHER_SOURCE,
    VIDEO_TAXONOMY,
    VideoParams,
    source_defaults,
)
from steelyard.task_types._shared.video_sampling import frame_samples, frames_options
from steelyard.task_types._shared.video_type import Video, VideoResponse, video_type


class VideoAnnotationParams(VideoParams, kw_only=True):
    """What to draw on the frames of which video."""


class VideoAnnotationResponse(VideoResponse, kw_only=True):
    """`annotations.url`: an array with one object of annotations per frame."""


TASK_TYPE = video_type(
    Video(
        "videoannotation",
        VideoAnnotationParams,
        source=EITHER_SOURCE,
        taxonomy=VIDEO_TAXONOMY,
        form=FramesFile(),
        sampling=frame_samples,
        options=frames_options,
        defaults=source_defaults,
    ),
    VideoAnnotationParams,
    VideoAnnotationResponse,
    "Video annotation",
    "Boxes, polygons, lines, points, ellipses and cuboids on the frames of a video, and events.",
)
