"""An alias of `videoplaybackannotation` under another name (task-types-2d §15)."""

from __future__ import annotations

from steelyard.task_types._shared.playback import PlaybackParams, playback_type
from steelyard.task_types._shared.video_type import VideoResponse


class Federal2dVideoAnnotationParams(PlaybackParams, kw_only=True):
    """As of `videoplaybackannotation`."""


class Federal2dVideoAnnotationResponse(VideoResponse, kw_only=True):
    """As of `videoplaybackannotation`."""


TASK_TYPE = playback_type(
    "federal2dvideoannotation",
    Federal2dVideoAnnotationParams,
    Federal2dVideoAnnotationResponse,
    "Federal 2D video annotation",
    "Objects with their tracks, and events, in a video with sound.",
)
