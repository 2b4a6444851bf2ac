"""Cuboids in 3D, tracked over the frames of a lidar recording (task-types-lidar §7)."""

from __future__ import annotations

from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue, under
from steelyard.lidar.frames import read_frame
from steelyard.task_types._base import Agreement, Answer, DependentDef, Dependents, MediaInfo, TaskType
from steelyard.task_types._shared.file_parts import (
    LidarFileLink,
    as_files,
    compared,
    content_of,
    part_links,
    patched,
    read_content,
    read_parts,
    stored_parts,
)
from steelyard.task_types._shared.lidar_cuboids import (
    CUBOID_FILE,
    CuboidChecker,
    CuboidFile,
    CuboidMaker,
    canonical_cuboids,
    cuboid_agreement,
    measured,
    number_tracks,
    summarize_cuboids,
)
from steelyard.task_types._shared.lidar_params import (
    FRAMES_SECTION,
    LABELS_SECTION,
    LIDAR_RULES,
    UNITS_SECTION,
    FrameParams,
    FrameUrls,
    Prelabel,
    attribute_check,
    check_frame_count,
    frame_count,
    frame_refs,
    label_names,
    lidar_words,
    linked_prelabels,
    prelabel,
    prelabel_content,
    raise_first,
    refused,
)
from steelyard.task_types._shared.lidar_source import encoding_of, examine_frame, frame_encoding
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section, first_violation
from steelyard.task_types.lidarlinking import TASK_TYPE as LINKING
from steelyard.task_types.lidarsegmentation import TASK_TYPE as SEGMENTATION
from steelyard.taxonomy.labels import LabelList


class LidarDependents(Struct, kw_only=True):
    """Tasks to create once this one is completed."""

    defs: Annotated[
        list[dict[str, Any]],
        Meta(
            min_length=1,
            description="Requests of `lidarlinking` or `lidarsegmentation` tasks, each with its `type`.",
        ),
    ]
    require_audit: Annotated[
        bool | None, Meta(description="Wait until a customer audit accepts or fixes the result.")
    ] = None


class LidarAnnotationParams(FrameParams, kw_only=True):
    """Frames in time order and what to draw cuboids around."""

    attachments: Annotated[FrameUrls, Meta(description="URLs of the frames, in time order.")]
    labels: Annotated[LabelList, Meta(description="Label tree; only leaves may be chosen.")]
    pitch_and_roll_enabled: Annotated[
        bool | None, Meta(description="Cuboids have `pitch` and `roll`, too.")
    ] = None
    dependents: Annotated[
        LidarDependents | None, Meta(description="Tasks to create from this one's result.")
    ] = None


class LidarAnnotationResponse(Struct, kw_only=True):
    """The cuboids: a JSON array with `{cuboids: […]}` for each frame."""

    annotations: LidarFileLink


def _checker(params: LidarAnnotationParams, complete: bool = True) -> CuboidChecker:
    return CuboidChecker(
        label_names(params),
        params.annotation_attributes,
        meters_per_unit=params.meters_per_unit or 1.0,
        tilt=bool(params.pitch_and_roll_enabled),
        combine=params.condition_mode or "or",
        complete=complete,
    )


def _prelabels(params: Any) -> dict[str, Any] | None:
    """Pre-labels in the form of a response; raises InvalidRequest if they do not fit the task."""
    found = prelabel(params)
    if found is None:
        return None
    if found.url is not None:
        return {"annotations": {"url": found.url}}
    return {"annotations": msgspec.to_builtins(_checked(params, found, found.content, MediaInfo()))}


def _checked(params: Any, found: Prelabel, content: Any, media: MediaInfo) -> CuboidFile:
    """Pre-labels as cuboids; raises InvalidRequest."""
    frames = prelabel_content(found, CuboidFile, content)
    check_frame_count(found, len(frames), frame_count(params))
    number_tracks(frames)
    issues, done, _ = _checker(params, complete=False).check(found.path, frames, None)
    raise_first(issues)
    return done


def _check_prelabels(params: Any) -> None:
    _prelabels(params)


class _DependentDef(Struct, kw_only=True):
    """What the platform wants to find in a request, as far as types go (§1.2)."""

    project: str | None = None
    batch: str | None = None
    instruction: str | None = None
    callback_url: str | None = None
    metadata: dict[str, Any] | None = None
    unique_id: Annotated[str, Meta(max_length=1024)] | None = None
    clear_unique_id_on_error: bool | None = None
    tags: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(max_length=5)] | None = None
    priority: Annotated[int, Meta(ge=10, le=30)] | None = None


_DEPENDENTS: dict[str, TaskType[Any, Any]] = {"lidarlinking": LINKING, "lidarsegmentation": SEGMENTATION}
_SOURCE = "0" * 24


def _check_dependents(params: Any) -> None:
    """Every def as if posted, minus the task it builds on (§11.2)."""
    dependents = cast("LidarDependents | None", params.dependents)
    taken: set[str] = set()
    for i, given in enumerate(dependents.defs if dependents else ()):
        path = f"dependents.defs[{i}]"
        kind = given.get("type")
        found = _DEPENDENTS.get(kind) if isinstance(kind, str) else None
        if found is None:
            raise refused(f"{path}.type", f"{path}.type must be one of: {', '.join(_DEPENDENTS)}")
        if given.get("lidar_task") is not None:
            raise refused(f"{path}.lidar_task", f"{path}.lidar_task is not allowed")
        violation = first_violation(_DependentDef, given)
        if violation is not None:
            raise under(path, InvalidRequest(lidar_words(violation), issues=[violation.issue()]))
        unique_id = cast("str | None", given.get("unique_id"))
        if unique_id is not None and unique_id in taken:
            raise refused(f"{path}.unique_id", f"{path}.unique_id is used more than once")
        taken |= {unique_id} if unique_id is not None else set()
        if given.get("project") is not None or given.get("batch") is not None:
            continue  # the rest of its params is the project's, which the platform adds before it checks the def
        try:
            found.parse_params(msgspec.json.encode({**given, "lidar_task": _SOURCE}))
        except InvalidRequest as error:
            raise under(path, error) from None


def _dependents(params: LidarAnnotationParams) -> Dependents | None:
    given = params.dependents
    if given is None:
        return None
    defs = tuple(
        DependentDef(
            type=d["type"],
            body=msgspec.json.encode({k: v for k, v in d.items() if k not in ("type", "lidar_task")}),
            link="lidar_task",
            path=f"dependents.defs[{i}]",
        )
        for i, d in enumerate(given.defs)
    )
    return Dependents(defs, bool(given.require_audit))


_parse = ParamsParser(
    LidarAnnotationParams,
    (
        FRAMES_SECTION,
        LABELS_SECTION,
        UNITS_SECTION,
        Section(("annotation_attributes",), attribute_check(label_names)),
        Section(("pitch_and_roll_enabled",)),
        Section(("dependents",), _check_dependents),
        Section(("base_annotations", "hypothesis"), _check_prelabels),
    ),
    (
        Rule("dependents.defs", "dependents.defs is required"),
        *LIDAR_RULES,
    ),
    lidar_words,
)


def _check(params: LidarAnnotationParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    parts = read_parts(data, media, ("annotations",))
    if isinstance(parts, list):
        return parts, data
    inline = parts["annotations"]
    if inline is None:
        return [], data
    frames, problems = read_content(CUBOID_FILE, inline, ("annotations",))
    if problems:
        return problems, data
    issues, done, changed = _checker(params).check("annotations", frames, len(params.attachments))
    return issues, patched(data, {"annotations": done}) if changed and not issues else data


def _result_files(params: LidarAnnotationParams, data: bytes, media: MediaInfo) -> Answer:
    """The file with what only the frames tell (§7.2); as it was given where its content is not at hand."""
    parts = read_parts(data, media, ("annotations",))
    content = None if isinstance(parts, list) else parts["annotations"]
    if content is None:
        return stored_parts("annotations")(params, data, media)
    cuboids = CUBOID_FILE.decode(content)

    def frame(n: int) -> tuple[Any, tuple[float, float, float]] | None:
        found = media.frame(n)
        if found is None:
            return None
        read = read_frame(found, encoding_of(params, found))
        at = read.device_position
        return read.positions, (at.x, at.y, at.z)

    measured(cuboids, frame, params.meters_per_unit or 1.0)
    return as_files({"annotations": cuboids})


def _test_answer(params: LidarAnnotationParams, seed: str, media: MediaInfo) -> Answer:
    maker = CuboidMaker(_checker(params), label_names(params), len(params.attachments), seed)
    return as_files({"annotations": maker.make()})


def _agreement(
    params: LidarAnnotationParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """`annotations` must be inline, or its `url` the file's bytes."""
    one, other = (compared(x, "annotations", CuboidFile) for x in (a, b))
    return cuboid_agreement(params.annotation_attributes, one, other)


def _canonical(response: dict[str, Any]) -> Any:
    content = content_of(response.get("annotations"))
    if content is None:
        return {"annotations": None}
    return {"annotations": canonical_cuboids(msgspec.convert(content, CuboidFile, strict=False))}


TASK_TYPE = TaskType(
    title="Lidar cuboids",
    description="3D cuboids around objects in point clouds, tracked over the frames of a recording.",
    params=LidarAnnotationParams,
    response=LidarAnnotationResponse,
    parse_params=_parse,
    attachments=frame_refs,
    check_response=_check,
    file_links=part_links("annotations"),
    result_files=_result_files,
    examine=examine_frame,
    frame_encoding=frame_encoding,
    check_media=linked_prelabels(_checked),
    needs_frames=lambda _: True,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=lambda _, response: summarize_cuboids(content_of(response.get("annotations"))),
    hypothesis=_prelabels,
    dependents=_dependents,
)
