"""Which frames of a video are annotated (task-types-2d §9.2, §10.3)."""

from __future__ import annotations

import math
from typing import Any

from steelyard.geometry.shape import half_up
from steelyard.task_types._base import MediaInfo
from steelyard.task_types._shared.video_files import FormOptions
from steelyard.task_types._shared.video_params import ASSUMED_RATE, MAX_FRAMES, Sample


def _span(params: Any, media: MediaInfo) -> tuple[float, float, float]:
    """Start, end and length of the video in seconds; an unknown video is as long as the span needs, at least 1 s."""
    start = params.start_time or 0.0
    length = media.duration_s or max(start + (params.duration_time or 1.0), 1.0)
    end = min(length, start + params.duration_time) if params.duration_time is not None else length
    return start, end, length


def frame_samples(params: Any, media: MediaInfo) -> list[Sample]:
    """Frames of `videoannotation`: every image, or 1-based source frames at `frame_rate`; at most 3,000, at least one."""
    if params.images:
        rate = params.frame_rate or 1.0
        return [Sample(n, n / rate) for n in range(1, len(params.images) + 1)]
    start, end, length = _span(params, media)
    fps = media.frame_rate or ASSUMED_RATE
    rate = min(params.frame_rate or fps, fps)
    count = media.frame_count or max(1, math.ceil(length * fps - 1e-6))
    samples: list[Sample] = []
    for k in range(MAX_FRAMES):
        at = start + k / rate
        if samples and at >= end - 1e-9:
            break
        key = min(1 + half_up(at * fps), count)
        if not samples or key > samples[-1].key:
            samples.append(Sample(key, at))
    return samples


def annotation_rate(params: Any) -> float:
    """Annotated frames per second of the playback types."""
    return getattr(params, "annotation_frame_rate", None) or params.frame_rate or 1.0


def playback_samples(params: Any, media: MediaInfo) -> list[Sample]:
    """Frames of `videoplaybackannotation`: `key` n·fps ÷ rate counted from the start; the frame at time 0 is none. At least one."""
    rate = annotation_rate(params)
    if params.images and not params.video:
        return [Sample(n, n / rate) for n in range(1, len(params.images) + 1)]
    fps = video_rate(params, media) or ASSUMED_RATE
    start, end, length = _span(params, media)
    rate = min(rate, fps)
    last = max(1, math.floor(min(end, length) * fps + 1e-6))
    samples: list[Sample] = []
    for n in range(1, MAX_FRAMES + 1):
        key = half_up(n * fps / rate + start * fps)
        if key > last:
            break
        if not samples or key > samples[-1].key:
            samples.append(Sample(key, key / fps))
    return samples or [Sample(last, last / fps)]


def video_rate(params: Any, media: MediaInfo) -> float | None:
    """Frames per second of the video itself, None while it has not been probed."""
    return getattr(params, "video_frame_rate", None) or media.frame_rate


def last_key(params: Any, media: MediaInfo) -> int | None:
    """The last source frame of the span, None where the video's own rate or the end is not known."""
    fps = video_rate(params, media)
    if not params.video or fps is None or (params.duration_time is None and media.duration_s is None):
        return None
    _, end, _ = _span(params, media)
    last = max(1, math.floor(end * fps + 1e-6))
    return min(last, media.frame_count) if media.frame_count else last


def frames_options(params: Any, media: MediaInfo, *, labelled: bool = True) -> FormOptions:
    """What the form by frame depends on: of a probed video, how many frames it has and the last that an event may lie on."""
    if not params.video:
        return FormOptions(labelled=labelled, rate=params.frame_rate or 1.0)
    rate = media.frame_rate
    if rate is None or media.duration_s is None:
        return FormOptions(labelled=labelled, rate=rate, origin=1)
    frames = len(frame_samples(params, media))
    return FormOptions(labelled=labelled, frames=frames, last=last_key(params, media), rate=rate, origin=1)


def playback_keys(params: Any, media: MediaInfo) -> frozenset[int] | None:
    """Keys that may carry shapes, None while the video's own rate or the end of the span is not known."""
    if not params.video or video_rate(params, media) is None:
        return None
    if media.duration_s is None and params.duration_time is None:
        return None
    samples = playback_samples(params, media)
    return None if len(samples) >= MAX_FRAMES else frozenset(s.key for s in samples)
