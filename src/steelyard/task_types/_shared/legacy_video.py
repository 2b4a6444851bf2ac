"""The legacy video types: `videoannotation` with one geometry whose settings may stand at the top level (task-types-2d §13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta

from steelyard.errors import InvalidRequest, Issue
from steelyard.geometry.shape import Minimum
from steelyard.task_types._base import TaskType
from steelyard.task_types._shared.legacy import (
    TAXONOMY_RULES,
    Examples,
    TopLabels,
    Urgency,
    WithLabels,
    top_level_geometry,
)
from steelyard.task_types._shared.parsing import Section
from steelyard.task_types._shared.video_files import FramesFile
from steelyard.task_types._shared.video_params import (
    EITHER_SOURCE,
    VideoParams,
    check_events,
    check_taxonomy,
    source_defaults,
)
from steelyard.task_types._shared.video_sampling import frame_samples, frames_options
from steelyard.task_types._shared.video_type import Video, VideoResponse, video_type


class LegacyVideoParams(VideoParams, kw_only=True):
    """Labels and sizes of the one geometry at the top level, unless `geometries` holds it."""

    objects_to_annotate: TopLabels = None
    with_labels: WithLabels = None
    examples: Examples = None
    urgency: Urgency = None
    min_width: Annotated[Minimum | None, Meta(description="Pixels; default 0.")] = None
    min_height: Annotated[Minimum | None, Meta(description="Pixels; default 0.")] = None


def _taxonomy(name: str, geometry: str, settings: tuple[str, ...]) -> Callable[[Any], None]:
    def check(params: Any) -> None:
        if params.geometries is None:
            unlabelled = params.with_labels is False
            params.geometries = top_level_geometry(params, geometry, settings, unlabelled=unlabelled)
            check_events(params)
            return
        for other in params.geometries.declared():
            if other != geometry:
                path = f"geometries.{other}"
                message = f"{path} is not a supported geometry for {name}."
                raise InvalidRequest(message, issues=[Issue(path, "is not supported")])
        check_taxonomy(params)

    return check


def legacy_video_type(
    name: str,
    geometry: str,
    settings: tuple[str, ...],
    params: type[LegacyVideoParams],
    response: type[VideoResponse],
    title: str,
    text: str,
) -> TaskType[Any, Any]:
    """The declaration of one of these types; `settings` are the params of its geometry at the top level."""
    kind = Video(
        name,
        params,
        source=EITHER_SOURCE,
        taxonomy=Section(
            ("geometries", "with_labels", "objects_to_annotate", *settings, "events_to_annotate"),
            _taxonomy(name, geometry, settings),
        ),
        form=FramesFile(),
        sampling=frame_samples,
        options=lambda p, media: frames_options(p, media, labelled=p.with_labels is not False),
        rules=TAXONOMY_RULES,
        defaults=source_defaults,
    )
    return video_type(kind, params, response, title, text)
