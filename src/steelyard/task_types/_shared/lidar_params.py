"""Params that the lidar types share: frames, labels, attributes, pre-labels, and the task they build on (task-types-lidar §1, §6, §7)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue, NotFound, parameter
from steelyard.task_types._base import AttachmentRef, MediaInfo, SourceTask
from steelyard.task_types._shared.common import (
    NO_ATTACHMENT,
    AttachmentUrl,
    CommonParams,
    check_address,
    is_url,
)
from steelyard.task_types._shared.drawing import ATTRIBUTE_RULES, label_rules
from steelyard.task_types._shared.parsing import Rule, Section, Violation, first_violation, joi
from steelyard.taxonomy.attributes import Attributes, check_attributes
from steelyard.taxonomy.labels import LabelList, check_labels, leaves

MAX_FRAMES = 500

Positive = Annotated[float, Meta(ge=1e-9, le=1e6)]
"""Greater than 0; the bounds only keep out scales at which no coordinate could be written down."""

FrameIndex = Annotated[int, Meta(ge=0, le=2**31 - 1)]
FrameUrls = Annotated[list[AttachmentUrl], Meta(min_length=1)]


class LidarParams(CommonParams, kw_only=True):
    """What every lidar type takes beside its frames."""

    meters_per_unit: Annotated[
        Positive | None, Meta(description="Metres in one unit of the coordinates; default 1.")
    ] = None
    max_distance_meters: Annotated[
        Positive | None, Meta(description="Objects farther from the device need not be labeled.")
    ] = None
    annotation_attributes: Annotated[
        Attributes | None,
        Meta(description="Attributes of annotations; `static` ones have one value a track."),
    ] = None
    condition_mode: Annotated[
        Literal["or", "and"] | None,
        Meta(
            description="How `attribute_conditions` combine: one of them (`or`, the default) or all (`and`)."
        ),
    ] = None
    base_annotations: Annotated[
        Any, Meta(description="Editable pre-labels: the response file's JSON, its URL, or `{url}`.")
    ] = None
    hypothesis: Annotated[Any, Meta(description="The same as `base_annotations`, as `{annotations: …}`.")] = (
        None
    )


class FrameParams(LidarParams, kw_only=True):
    """Params of types that always work on frames."""

    attachment_type: Annotated[
        Literal["json", "protobuf"] | None, Meta(description="Encoding of the frames; `json` when absent.")
    ] = None


class SourceParams(FrameParams, kw_only=True):
    """Params of types that can build on a completed `lidarannotation` task."""

    lidar_task: Annotated[
        Annotated[str, Meta(min_length=1, max_length=128)] | None,
        Meta(description="Id of a completed `lidarannotation` task; frames and cuboids come from it."),
    ] = None
    lidar_task_frames: Annotated[
        list[FrameIndex] | None,
        Meta(description="Indexes into its `attachments`, in the order of the answer; all when absent."),
    ] = None


def lidar_words(v: Violation) -> str:
    """The wording of the lidar types (task-types-lidar §1.4), the general one for what its catalogue leaves out."""
    match v.kind:
        case "missing":
            return f"{v.where} is required"
        case "type":
            return f"{v.where} {v.problem}"
        case "value" if v.expected.startswith("must be one of "):
            return f"{v.where} must be one of: {v.expected.removeprefix('must be one of ')}"
        case _:
            return joi(v)


def refused(path: str, message: str, problem: str | None = None) -> InvalidRequest:
    """A 400 in the catalogue's words."""
    return InvalidRequest(message, issues=[Issue(path, problem or message)])


def check_frame_urls(params: Any) -> None:
    """Not too many frames, and every one a URL that some store could hold."""
    if len(params.attachments or ()) > MAX_FRAMES:
        raise parameter("attachments", f"must have at most {MAX_FRAMES} entries")
    for i, url in enumerate(params.attachments or ()):
        if not is_url(url):
            raise refused(f"attachments[{i}]", f"attachments[{i}] is not a valid URL", "is not a valid URL")
        check_address(url, f"attachments[{i}]")


def check_label_list(labels: LabelList | None, path: str) -> list[str]:
    """The leaves of a non-empty label tree; raises InvalidRequest for empty trees, duplicate leaves and depth."""
    names = leaves(labels)
    if not names:
        raise refused(path, f"{path} must contain at least one element", "must contain at least one element")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise refused(
                path, f'{path} contains duplicate leaf label "{name}"', "contains a duplicate label"
            )
        seen.add(name)
    return check_labels(labels, path)


def check_lidar_labels(params: Any) -> None:
    """§6.1."""
    check_label_list(params.labels, "labels")


def attribute_check(labels: Callable[[Any], list[str]]) -> Callable[[Any], None]:
    """The check of `annotation_attributes`, given where the leaf labels are. No lidar shape has offsets (§6.2)."""

    def check(params: Any) -> None:
        check_attributes(cast("Attributes | None", params.annotation_attributes), labels(params), False)

    return check


def label_names(params: Any) -> list[str]:
    """The leaves of `labels`."""
    return leaves(params.labels)


def check_source_params(params: Any) -> None:
    """`lidar_task_frames` needs a `lidar_task` and must not repeat itself; whether they exist is for the platform to see (§8.1)."""
    frames = cast("list[int] | None", params.lidar_task_frames)
    if frames is None:
        return
    if params.lidar_task is None:
        raise refused("lidar_task", "lidar_task is required", "is required with lidar_task_frames")
    if not frames:
        raise refused("lidar_task_frames", "lidar_task_frames must contain at least one element")
    seen: set[int] = set()
    for n in frames:
        if n in seen:
            raise _bad_frame(n)
        seen.add(n)


def _bad_frame(n: int) -> InvalidRequest:
    return refused("lidar_task_frames", f"lidar_task_frames contains invalid frame index {n}")


def source_of(params: SourceParams) -> str | None:
    """The task that `lidar_task` names."""
    return params.lidar_task


def build_on(params: SourceParams, found: SourceTask | None) -> dict[str, Any]:
    """What a task takes over from its source (§8.1). Raises NotFound or InvalidRequest unless that can be built upon (§1.4)."""
    name = params.lidar_task
    if found is None:
        raise NotFound(f"lidar_task {name} not found")
    if found.type != "lidarannotation":
        raise refused("lidar_task", f"lidar_task {name} is not a lidarannotation task")
    if found.status != "completed":
        raise refused("lidar_task", f"lidar_task {name} must be completed")
    given = msgspec.json.decode(found.params, type=_SourceParams, strict=False)
    for n in params.lidar_task_frames or ():
        if n >= len(given.attachments):
            raise _bad_frame(n)
    scales = {"meters_per_unit": given.meters_per_unit, "max_distance_meters": given.max_distance_meters}
    return {key: value for key, value in scales.items() if value is not None}


def check_cameras(params: SourceParams, found: SourceTask) -> None:
    """Raise InvalidRequest where the frames of the source are known to have no images (§9.1)."""
    frames = [
        found.frames[n] for n in params.lidar_task_frames or range(len(found.frames)) if n < len(found.frames)
    ]
    if frames and all(frame is not None and not frame.cameras for frame in frames):
        raise refused("lidar_task", f"lidar_task {params.lidar_task} has no camera images")


class _SourceParams(Struct):
    attachments: list[Any]
    meters_per_unit: float | None = None
    max_distance_meters: float | None = None


def source_labels(found: SourceTask) -> LabelList:
    """The labels of the source task, as they were sent."""
    return msgspec.json.decode(found.params, type=dict[str, Any])["labels"]


def frame_refs(params: Any) -> list[AttachmentRef]:
    """The frames in time order, then a pre-label file."""
    refs = [
        AttachmentRef(f"attachments[{i}]", url, media="lidar", frame=i)
        for i, url in enumerate(cast("list[str] | None", params.attachments) or ())
    ]
    return refs + prelabel_refs(params)


class Prelabel(Struct, frozen=True):
    """Pre-labels: where they stand in the params, and their URL or their content."""

    path: str
    url: str | None
    content: Any


def prelabel(params: Any) -> Prelabel | None:
    """The pre-labels of a task, whichever way they came (§14); raises InvalidRequest if that is none of the ways."""
    base, hypothesis = params.base_annotations, params.hypothesis
    if base is not None and hypothesis is not None:
        raise refused("hypothesis", "specify either base_annotations or hypothesis, not both")
    if base is None and hypothesis is None:
        return None
    path, given = "base_annotations", base
    if hypothesis is not None:
        if not isinstance(hypothesis, dict):
            raise refused("hypothesis", "hypothesis must be an object")
        path, given = "hypothesis.annotations", cast("dict[str, Any]", hypothesis).get("annotations")
        if given is None:
            raise refused(path, f"{path} is required", "is required")
    url: Any = None
    if isinstance(given, str):
        url = given
    elif isinstance(given, dict) and "url" in given:
        path, url = f"{path}.url", cast("dict[str, Any]", given)["url"]
    else:
        return Prelabel(path, None, given)
    if not isinstance(url, str) or not is_url(url):
        raise refused(path, f"{path} is not a valid URL", "is not a valid URL")
    check_address(url, path)
    return Prelabel(path, url, None)


def prelabel_content(found: Prelabel, hint: Any, content: Any = None) -> Any:
    """Inline pre-labels as this type, numeric strings counting as numbers; raises InvalidRequest with the place that does not fit."""
    given = found.content if content is None else content
    violation = first_violation(hint, given)
    if violation is not None:
        joint = "." if violation.where and not violation.where.startswith("[") else ""
        raise_first([Issue(f"{found.path}{joint}{violation.where}", violation.problem)])
    return msgspec.convert(given, hint, strict=False)


@contextmanager
def told_as(told: Mapping[str, str]) -> Generator[None]:
    """Tell problems with pre-labels by the paths that these have in the request: `told` maps the path of a part in the response file's own
    form to that."""
    try:
        yield
    except InvalidRequest as error:
        for path, written in told.items():
            if error.issues and error.issues[0].path.startswith(path):
                first = error.issues[0]
                raise_first([Issue(written + first.path.removeprefix(path), first.message)])
        raise


def check_frame_count(found: Prelabel, frames: int, expected: int | None) -> None:
    """Raise InvalidRequest unless pre-labels have as many frames as the task, where that is known."""
    if expected is not None and frames != expected:
        message = f"{found.path} has {frames} frames, task has {expected}"
        raise refused(found.path, message, f"has {frames} frames, task has {expected}")


def prelabel_refs(params: Any) -> list[AttachmentRef]:
    """The file of pre-labels, if they came by URL."""
    found = prelabel(params)
    if found is None or found.url is None:
        return []
    return [AttachmentRef(found.path, found.url, role="hypothesis", media="any")]


def linked_content(found: Prelabel, media: MediaInfo) -> Any:
    """The content of pre-labels that came by URL, None where it is not at hand; raises InvalidRequest if it is no JSON."""
    data = None if found.url is None else media.files.get(found.url)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        raise refused(found.path, f"{found.path} is not a JSON file: {error}") from None


def linked_prelabels(
    check: Callable[[Any, Prelabel, Any, MediaInfo], Any],
) -> Callable[[Any, MediaInfo], list[Issue]]:
    """`check_media` of a type: pre-labels by URL follow the rules of those that stand in the params.

    `check`: (params, where they stand, their content, media) → anything; raises InvalidRequest.
    """

    def found_wrong(params: Any, media: MediaInfo) -> list[Issue]:
        found = prelabel(params)
        try:
            content = None if found is None else linked_content(found, media)
            if found is not None and content is not None:
                check(params, found, content, media)
        except InvalidRequest as error:
            return [Issue(found.path if found else "", error.message)]
        return []

    return found_wrong


def raise_first(issues: list[Issue]) -> None:
    """The first issue of pre-labels as a 400."""
    if issues:
        first = issues[0]
        raise InvalidRequest(f'Parameter is invalid, reason: "{first.path}" {first.message}', issues=[first])


def frame_count(params: Any) -> int | None:
    """How many frames the answer has; None where only the source task knows."""
    attachments = getattr(params, "attachments", None)
    if attachments:
        return len(cast("list[str]", attachments))
    chosen = getattr(params, "lidar_task_frames", None)
    return len(cast("list[int]", chosen)) if chosen else None


FRAMES_SECTION = Section(("attachments", "attachment_type"), check_frame_urls)
LABELS_SECTION = Section(("labels",), check_lidar_labels)
UNITS_SECTION = Section(("meters_per_unit", "max_distance_meters"))

LIDAR_RULES: tuple[Rule, ...] = (
    Rule("attachments", NO_ATTACHMENT, ("missing",)),
    Rule("attachments", "attachments must be an array of strings", ("type",)),
    Rule("attachments", "attachments must contain at least one element", ("value",)),
    Rule("attachments.#", "attachments must be an array of strings", ("type",)),
    Rule("attachments.#", "attachments[{i}] is not a valid URL", ("value", "limit")),
    Rule("meters_per_unit|max_distance_meters", "{path} must be greater than 0", ("value",)),
    Rule("lidar_task", "lidar_task is required", ("value",)),
    Rule("lidar_task_frames", "lidar_task_frames must be an array of integers", ("type",)),
    Rule("lidar_task_frames.#", "lidar_task_frames contains invalid frame index {v}"),
    Rule("lidar_task_frames.#", "lidar_task_frames contains invalid frame index {v}", ("limit",)),
    Rule("labels", "labels must be an array of labels", ("type", "value")),
    *label_rules("labels"),
    *ATTRIBUTE_RULES,
)
