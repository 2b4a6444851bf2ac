"""Objects and events in a video that is played with its sound (task-types-2d §10)."""

from __future__ import annotations

from steelyard.task_types._shared.playback import PlaybackParams, playback_type
from steelyard.task_types._shared.video_type import VideoResponse


class VideoPlaybackAnnotationParams(PlaybackParams, kw_only=True):
    """What to draw in which video, and which events to mark."""


class VideoPlaybackAnnotationResponse(VideoResponse, kw_only=True):
    """`annotations.url`: tracks by uuid; `events.url`: events."""


TASK_TYPE = playback_type(
    "videoplaybackannotation",
    VideoPlaybackAnnotationParams,
    VideoPlaybackAnnotationResponse,
    "Video playback annotation",
    "Objects with their tracks, and events, in a video with sound.",
    quality_tasks=True,
)
