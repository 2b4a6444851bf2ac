"""Params of the 2D video types: where the frames come from, what to draw, events, pre-labels in files (task-types-2d §9 to §11)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.geometry import Frame
from steelyard.task_types._base import AttachmentRef, MediaInfo
from steelyard.task_types._shared.common import NO_ATTACHMENT, AttachmentUrl, CommonParams, check_address
from steelyard.task_types._shared.drawing import (
    Geometries,
    LinkRules,
    check_drawing_attributes,
    check_geometries,
    check_links,
    drawing_rules,
    editing,
)
from steelyard.task_types._shared.drawing_answers import frame_of
from steelyard.task_types._shared.image import ContextAttachment
from steelyard.task_types._shared.parsing import Rule, Section
from steelyard.taxonomy.attributes import Attributes
from steelyard.taxonomy.labels import LabelList, check_labels, leaves

MAX_FRAMES = 3000

ASSUMED_RATE = 30.0
"""Frames per second of a video that has not been probed."""

Rate = Annotated[float, Meta(gt=1e-4, le=1e6)]
"""Frames per second. Nobody annotates less than a frame in three hours, and times stay finite."""

Padding = Annotated[int, Meta(ge=0, le=1_000_000)]


class VideoFileLink(Struct, kw_only=True):
    """A JSON file, by its address."""

    url: AttachmentUrl


class VideoHypothesis(Struct, kw_only=True):
    """Pre-labels in the files of a response."""

    annotations: VideoFileLink
    events: VideoFileLink | None = None


class VideoBaseAnnotations(Struct, kw_only=True):
    """The same as base annotations; `{"url": …}` is short for annotations alone."""

    annotations: VideoFileLink | None = None
    events: VideoFileLink | None = None
    url: AttachmentUrl | None = None


class VideoParams(CommonParams, kw_only=True):
    """Common to all 2D video types."""

    attachment: Annotated[
        Annotated[str, Meta(max_length=16_384)] | None, Meta(description="URL of a video: mp4, webm or ogg.")
    ] = None
    attachments: Annotated[
        list[AttachmentUrl] | AttachmentUrl | None,
        Meta(
            description="URLs of the frames as images, in temporal order; a single one counts as a list of one."
        ),
    ] = None
    attachment_type: Annotated[
        Literal["image", "video"] | None, Meta(description="By default what is given.")
    ] = None
    context_attachments: Annotated[
        list[ContextAttachment] | None, Meta(description="Reference images, not to be labeled.")
    ] = None
    condition_mode: Annotated[
        Literal["or", "and"] | None,
        Meta(
            description="How `attribute_conditions` combine: one of them (`or`, the default) or all (`and`)."
        ),
    ] = None
    geometries: Annotated[Geometries | None, Meta(description="What may be drawn and how it is called.")] = (
        None
    )
    annotation_attributes: Annotated[
        Attributes | None, Meta(description="Attributes per frame and, if global, of events.")
    ] = None
    links: Annotated[LinkRules | None, Meta(description="Relations between objects, by link label.")] = None
    events_to_annotate: Annotated[
        LabelList | None, Meta(description="Events to mark, in picture or sound.")
    ] = None
    frame_rate: Annotated[Rate | None, Meta(description="Annotated frames per second.")] = None
    start_time: Annotated[
        Annotated[float, Meta(ge=0, le=1e6)] | None, Meta(description="Seconds; default 0.")
    ] = None
    duration_time: Annotated[
        Annotated[float, Meta(gt=0, le=1e6)] | None, Meta(description="Seconds; default to the end.")
    ] = None
    padding: Annotated[Padding | None, Meta(description="Pixels added on all four sides.")] = None
    paddingX: Annotated[Padding | None, Meta(description="Left and right; overrides `padding`.")] = None
    paddingY: Annotated[Padding | None, Meta(description="Top and bottom; overrides `padding`.")] = None
    hypothesis: Annotated[VideoHypothesis | None, Meta(description="Editable pre-labels.")] = None
    base_annotations: Annotated[
        VideoBaseAnnotations | None, Meta(description="Pre-labels whose editing can be restricted.")
    ] = None
    can_add_base_annotations: bool | None = None
    can_edit_base_annotations: bool | None = None
    can_edit_base_annotation_labels: bool | None = None
    can_delete_base_annotations: bool | None = None
    layers: Annotated[
        VideoFileLink | None, Meta(description="A JSON array of layers, one for each frame.")
    ] = None

    @property
    def video(self) -> str | None:
        """The video's address; an empty one counts as absent."""
        return self.attachment or None

    @property
    def images(self) -> list[str]:
        """Addresses of the frames, none for a video."""
        found = self.attachments or []
        return [found] if isinstance(found, str) else found


def source_defaults(params: Any) -> dict[str, Any]:
    """What to echo as `attachment_type` where it is not given; readers number frames by it (task-types-2d §9.1, §20)."""
    return {"attachment_type": "video" if params.video else "image"}


class Sample(Struct, frozen=True):
    """A frame to annotate: its number as events and tracks count it (from 1), and its time in seconds."""

    key: int
    timestamp: float


def _one_source(params: Any) -> None:
    """Attachment rules of `videoannotation`: either a video or its frames."""
    _listed(params)
    video, images = params.attachment or None, params.attachments
    if video is None and images is None:
        raise InvalidRequest(NO_ATTACHMENT, issues=[Issue("attachment", "is required")])
    if images == [] and video is None:
        raise InvalidRequest(_V2, issues=[Issue("attachments", "must not be empty")])
    if (video and images) or (params.attachment_type == ("image" if video else "video")):
        raise InvalidRequest(_V1, issues=[Issue("attachment_type", "does not fit what is attached")])
    _check_addresses(params)


def _any_source(params: Any) -> None:
    """Attachment rules of `videoplaybackannotation`: a video, images, or both."""
    _listed(params)
    if not params.attachment and params.attachments is None:
        raise InvalidRequest(NO_ATTACHMENT, issues=[Issue("attachment", "is required")])
    if params.attachments == [] and not params.attachment:
        raise InvalidRequest(_V2, issues=[Issue("attachments", "must not be empty")])
    _check_addresses(params)


def _listed(params: Any) -> None:
    """Forms have no arrays of one."""
    if isinstance(params.attachments, str):
        params.attachments = [params.attachments]


def _check_addresses(params: Any) -> None:
    if params.attachment:
        check_address(params.attachment, "attachment")
    for i, url in enumerate(params.attachments or ()):
        check_address(url, f"attachments[{i}]")
    own = {params.attachment, *(params.attachments or ())}
    for i, context in enumerate(params.context_attachments or ()):
        path = f"context_attachments[{i}].attachment"
        if context.attachment in own:
            problem = "must differ from the task attachment"
            raise InvalidRequest(f"{path} {problem}.", issues=[Issue(path, problem)])
        check_address(context.attachment, path)
    n = len(params.attachments or ())
    if n > MAX_FRAMES:
        message = f"This task would annotate {n} frames; the limit is {MAX_FRAMES}."
        raise InvalidRequest(
            message, issues=[Issue("attachments", f"must have at most {MAX_FRAMES} entries")]
        )


def check_taxonomy(params: Any) -> None:
    """Catalogue entries G1 to G11 and L1 to L5, also for events."""
    if params.geometries is None:
        params.geometries = Geometries()
    check_geometries(params)
    check_events(params)


def check_events(params: Any) -> None:
    """Names of events follow the rules of labels, told in their own words."""
    if any(not name.strip() for name in leaves(params.events_to_annotate)):
        raise InvalidRequest(_E1, issues=[Issue("events_to_annotate", "must not hold blank names")])
    check_labels(params.events_to_annotate, "events_to_annotate")


def check_video_attributes(params: Any) -> None:
    """Catalogue entries A3 to A10; a label condition of a global attribute names events (§3.5)."""
    check_drawing_attributes(params)
    events = set(leaves(params.events_to_annotate))
    for key, d in (cast("Attributes | None", params.annotation_attributes) or {}).items():
        for label in event_labels(d) or ():
            if label not in events:
                path = f"annotation_attributes.{key}.conditions"
                message = f'{path} refers to unknown label "{label}".'
                raise InvalidRequest(message, issues=[Issue(path, "refers to an unknown label")])


def event_labels(d: Any) -> list[str] | None:
    """Events that a global attribute is restricted to, None for all."""
    condition = d.conditions.label_condition if d.is_global and d.conditions else None
    if condition is None:
        return None
    return [condition.label] if isinstance(condition.label, str) else condition.label


def _check_prelabels(params: Any) -> None:
    if params.hypothesis is not None and params.base_annotations is not None:
        message = "hypothesis and base_annotations cannot be used together."
        raise InvalidRequest(message, issues=[Issue("hypothesis", "cannot be used with base_annotations")])
    base = params.base_annotations
    if base is not None and base.annotations is None and base.url is None:
        message = "base_annotations.annotations.url is required."
        raise InvalidRequest(message, issues=[Issue("base_annotations.annotations.url", "is required")])
    for path, url in prelabel_urls(params):
        check_address(url, path)


def base_annotations_url(params: Any) -> str | None:
    """The address of the file of base annotations."""
    base = cast("VideoBaseAnnotations | None", params.base_annotations)
    if base is None:
        return None
    return base.annotations.url if base.annotations is not None else base.url


def is_restricted(params: Any) -> bool:
    """Whether there are base annotations of which not everything may be done."""
    return params.base_annotations is not None and not all(editing(params))


def prelabel_urls(params: Any) -> list[tuple[str, str]]:
    """Places and addresses of pre-label files."""
    found: list[tuple[str, str]] = []
    for name in ("hypothesis", "base_annotations"):
        given = getattr(params, name)
        for part in ("annotations", "events"):
            link = getattr(given, part, None)
            if link is not None:
                found.append((f"{name}.{part}.url", link.url))
    base = params.base_annotations
    if base is not None and base.annotations is None and base.url is not None:
        found.append(("base_annotations.url", base.url))
    return found


_V1 = 'Use attachments with attachment_type "image" and attachment with attachment_type "video", not both.'
_V2 = "attachments must be a non-empty array of URLs."
_E1 = "events_to_annotate must be an array of non-empty strings."

_SOURCE = ("attachment", "attachments", "attachment_type", "context_attachments")
EITHER_SOURCE = Section(_SOURCE, _one_source)
ANY_SOURCE = Section(_SOURCE, _any_source)
VIDEO_TAXONOMY = Section(("geometries", "events_to_annotate"), check_taxonomy)
VIDEO_SECTIONS = (
    Section(("annotation_attributes",), check_video_attributes),
    Section(("links",), check_links),
    Section(
        (
            "hypothesis", "base_annotations", "can_add_base_annotations", "can_edit_base_annotations",
            "can_edit_base_annotation_labels", "can_delete_base_annotations", "layers",
        ),
        _check_prelabels,
    ),
)  # fmt: skip


def video_rules(task_type: str) -> tuple[Rule, ...]:
    """Catalogue messages for `VideoParams`."""
    url = "{k}.annotations.url is required."
    return (
        Rule("attachments.**", _V2),
        Rule(
            "attachment_type",
            f'attachment_type "{{v}}" is not supported for {task_type}; expected one of: image, video.',
        ),
        Rule(
            "context_attachments.#.**", 'context_attachments[{i}] must be an object with an "attachment" URL.'
        ),
        Rule("events_to_annotate.**", _E1),
        Rule("hypothesis", url.replace("{k}", "hypothesis")),
        Rule("hypothesis.annotations.**", url.replace("{k}", "hypothesis")),
        Rule("base_annotations", url.replace("{k}", "base_annotations")),
        Rule("base_annotations.annotations.**", url.replace("{k}", "base_annotations")),
        Rule("frame_rate|annotation_frame_rate|video_frame_rate", "{path} must be a number greater than 0."),
        Rule("start_time", "start_time must be a number of seconds within the video."),
        Rule("duration_time", "duration_time must be a number of seconds greater than 0."),
        Rule("padding|paddingX|paddingY", "{path} must be an integer greater than or equal to 0."),
        Rule("layers.**", "layers.url must be the URL of a JSON file."),
        *drawing_rules(task_type),
    )


def video_attachments(params: VideoParams) -> list[AttachmentRef]:
    """The video, its frames, context, then files of pre-labels and layers."""
    refs: list[AttachmentRef] = []
    if params.video is not None:
        refs.append(AttachmentRef("attachment", params.video, media="video"))
    refs += [
        AttachmentRef(f"attachments[{i}]", url, media="image", frame=i) for i, url in enumerate(params.images)
    ]
    refs += [
        AttachmentRef(
            f"context_attachments[{i}].attachment", context.attachment, role="context", media="image"
        )
        for i, context in enumerate(params.context_attachments or ())
    ]
    refs += [AttachmentRef(path, url, role="hypothesis") for path, url in prelabel_urls(params)]
    if params.layers is not None:
        refs.append(AttachmentRef("layers.url", params.layers.url, role="layers"))
    return refs


def video_hypothesis(params: VideoParams) -> dict[str, Any] | None:
    """The files of pre-labels in the form of a response."""
    given = params.hypothesis or params.base_annotations
    if given is None:
        return None
    short = params.base_annotations.url if params.base_annotations else None
    annotations = given.annotations.url if given.annotations else short
    found: dict[str, Any] = {"annotations": {"url": annotations}}
    if given.events is not None:
        found["events"] = {"url": given.events.url}
    return found


def video_frame(params: VideoParams, media: MediaInfo) -> Frame:
    """Where shapes may lie."""
    both = params.padding or 0
    pad_x = both if params.paddingX is None else params.paddingX
    pad_y = both if params.paddingY is None else params.paddingY
    return frame_of(media, pad_x, pad_y)
