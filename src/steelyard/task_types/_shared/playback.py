"""`videoplaybackannotation` and its aliases: video with sound, annotations by object (task-types-2d §10, §15)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from steelyard.task_types._base import MediaInfo, TaskType
from steelyard.task_types._shared.legacy import WithLabels
from steelyard.task_types._shared.video_files import FormOptions, PlaybackFile
from steelyard.task_types._shared.video_params import (
    ANY_SOURCE,
    ASSUMED_RATE,
    VIDEO_TAXONOMY,
    Rate,
    VideoParams,
)
from steelyard.task_types._shared.video_sampling import (
    annotation_rate,
    last_key,
    playback_keys,
    playback_samples,
    video_rate,
)
from steelyard.task_types._shared.video_type import Video, VideoResponse, video_type


class PlaybackParams(VideoParams, kw_only=True):
    """Common to the playback types; `frame_rate` is 1 by default."""

    annotation_frame_rate: Annotated[
        Rate | None, Meta(description="Annotated frames per second; default `frame_rate`, then 1.")
    ] = None
    video_frame_rate: Annotated[
        Rate | None, Meta(description="Frames per second of the video itself, where the file says otherwise.")
    ] = None
    with_labels: WithLabels = None
    playback_box_xy_alias: Annotated[
        bool | None, Meta(description="Boxes also carry `x` and `y`; default true.")
    ] = None


def _options(params: Any, media: MediaInfo) -> FormOptions:
    images_only = params.images and not params.video
    return FormOptions(
        labelled=params.with_labels is not False,
        keys=playback_keys(params, media),
        last=last_key(params, media),
        xy_alias=params.playback_box_xy_alias is not False,
        rate=annotation_rate(params) if images_only else video_rate(params, media),
    )


def _tolerance(params: Any) -> float:
    if params.images and not params.video:
        return 1.0
    return max(1.0, (params.video_frame_rate or ASSUMED_RATE) / annotation_rate(params))


def playback_type(
    name: str,
    params: type[PlaybackParams],
    response: type[VideoResponse],
    title: str,
    text: str,
    *,
    quality_tasks: bool = False,
) -> TaskType[Any, Any]:
    """The declaration of a playback type."""
    kind = Video(
        name,
        params,
        source=ANY_SOURCE,
        taxonomy=VIDEO_TAXONOMY,
        form=PlaybackFile(),
        sampling=playback_samples,
        options=_options,
        events_always=True,
        tolerance=_tolerance,
        rate=lambda params, _: annotation_rate(params),
    )
    return video_type(kind, params, response, title, text, quality_tasks=quality_tasks)
