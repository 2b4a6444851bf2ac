"""What only fetched files show about a video task: spans beyond the video's end, frames of different sizes, pre-labels and layers (task-types-2d
§6.4, §6.5, §9.1)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from steelyard.errors import Issue
from steelyard.task_types._base import MediaInfo
from steelyard.task_types._shared.drawing import layer_problem, place_uuid
from steelyard.task_types._shared.video_events import EventChecker, read_events
from steelyard.task_types._shared.video_files import AnnotationFile, FormOptions, ShapesByFrame
from steelyard.task_types._shared.video_params import MAX_FRAMES, VideoParams, prelabel_urls


def video_faults(
    params: VideoParams, media: MediaInfo, form: AnnotationFile, options: FormOptions, rate: float
) -> list[Issue]:
    """`check_media` of the video types. `options`: of the media as they are; `rate`: annotated frames per second."""
    found = list(_span_faults(params, media, rate) if params.video else _size_faults(media))
    for path, url in prelabel_urls(params):
        content = media.files.get(url)
        if content is None:
            continue
        kind = "events" if path.endswith(".events.url") else "annotations"
        try:
            document = msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
            found.append(Issue(path, f"{path} is not a JSON file: {error}"))
            continue
        problem = (
            _event_fault(params, document)
            if kind == "events"
            else _shape_fault(params, document, form, options)
        )
        if problem is not None:
            found.append(Issue(path, f"{path}: {problem}"))
    if params.layers is not None and (content := media.files.get(params.layers.url)) is not None:
        problem = _layer_fault(content, options.images or options.frames)
        found += [] if problem is None else [Issue("layers.url", f"layers.url {problem}")]
    return found


def _span_faults(params: VideoParams, media: MediaInfo, rate: float) -> Iterator[Issue]:
    if media.duration_s is None:
        return
    start = params.start_time or 0.0
    if start >= media.duration_s:
        yield Issue("attachment", "start_time must be a number of seconds within the video.")
        return
    end = (
        media.duration_s
        if params.duration_time is None
        else min(media.duration_s, start + params.duration_time)
    )
    frames = math.ceil((end - start) * min(rate, media.frame_rate or rate) - 1e-6)
    if frames > MAX_FRAMES:
        yield Issue("attachment", f"This task would annotate {frames} frames; the limit is {MAX_FRAMES}.")


def _size_faults(media: MediaInfo) -> Iterator[Issue]:
    first = media.sizes[0] if media.sizes else (0, 0)
    for n, size in enumerate(media.sizes):
        if all(first) and all(size) and size != first:
            both = "{} × {} pixels, the first frame {} × {}".format(*size, *first)
            yield Issue(f"attachments[{n}]", f"attachments[{n}] has {both}.")


def _shape_fault(
    params: VideoParams, document: Any, form: AnnotationFile, options: FormOptions
) -> str | None:
    """The first thing wrong with a file of pre-labels: no such file, other frames, geometries or labels than the task's."""
    known = params.geometries.labels() if params.geometries else {}
    try:
        length = form.length(document)
        shapes = read_prelabels(form, document, known)
    except (msgspec.ValidationError, ValueError, KeyError, TypeError, OverflowError) as error:
        return f"is not a file of annotations: {error}"
    # The frames of a video may be counted a little differently elsewhere; what goes beyond its end is lost for certain.
    if length is not None and (length > options.frames > 0 or (options.images and length != options.images)):
        return f"has {length} frames, the task has {options.images or options.frames}"
    for frame, found in shapes.items():
        for shape in found:
            kind = str(type(shape).__struct_config__.tag)
            where = f"the {kind} {shape.uuid or ''}".strip() + f" in frame {frame}"
            if kind not in known:
                return f"{where} is not one of the task's geometries"
            if shape.label not in known[kind] and options.labelled:
                return f'{where} has the label "{shape.label}", which is not one of the task\'s labels'
    return None


def read_prelabels(form: AnnotationFile, document: Any, known: Mapping[str, Any]) -> ShapesByFrame:
    """Shapes of a file of pre-labels; raises as `form.read`. `known`: the task's geometries."""
    document = identified(document)
    return form.read(_with_types(document, next(iter(known))) if len(known) == 1 else document)


def identified(document: Any) -> Any:
    """The form by frame where every annotation has a uuid; the very same document if none lacks one.

    One that came without is an object of its own: nothing says which others it is in other frames.
    """

    def lacks(item: Any) -> bool:
        return isinstance(item, dict) and cast("dict[str, Any]", item).get("uuid") is None

    if not any(lacks(item) for items in _by_frame(document) for item in items):
        return document
    return [
        {
            **frame,
            "annotations": [{**x, "uuid": place_uuid(i, n)} if lacks(x) else x for i, x in enumerate(items)],
        }
        if items
        else frame
        for n, (frame, items) in enumerate(zip(document, _by_frame(document), strict=True))
    ]


def _by_frame(document: Any) -> list[list[Any]]:
    """The annotations of each frame of a document that is in the form by frame; lists are empty where it is not as it should be."""
    if not isinstance(document, list):
        return []
    frames = cast("list[Any]", document)
    found = [cast("dict[str, Any]", f).get("annotations") if isinstance(f, dict) else None for f in frames]
    return [cast("list[Any]", items) if isinstance(items, list) else [] for items in found]


def _with_types(document: Any, kind: str) -> Any:
    """The form by frame, whose shapes need not say their type where there is only one."""

    def typed(item: Any) -> Any:
        return {"type": kind, **cast("dict[str, Any]", item)} if isinstance(item, dict) else item

    if not isinstance(document, list):
        return document
    return [
        {**cast("dict[str, Any]", frame), "annotations": [typed(item) for item in frame["annotations"]]}
        if isinstance(frame, dict) and isinstance(frame.get("annotations"), list)
        else frame
        for frame in cast("list[Any]", document)
    ]


def _event_fault(params: VideoParams, document: Any) -> str | None:
    checker = EventChecker(params)
    try:
        events = read_events(document)
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        return f"is not a file of events: {error}"
    strangers = [event.label for event in events if event.label not in checker.labels]
    return f'has the event "{strangers[0]}", which is not one of the task\'s events' if strangers else None


def _layer_fault(content: bytes, frames: int) -> str | None:
    try:
        document: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        return f"is not a JSON file: {error}"
    if not isinstance(document, list):
        return "must be an array with one object of layers per frame"
    given = cast("list[Any]", document)
    if frames and len(given) != frames:
        return f"has {len(given)} frames, the task has {frames}"
    for n, layers in enumerate(given):
        problem = layer_problem(layers)
        if problem is not None:
            return f"[{n}]{problem}"
    return None
