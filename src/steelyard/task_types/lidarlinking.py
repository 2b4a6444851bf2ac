"""Shapes in camera images, each tied to a cuboid of a completed lidar task (task-types-lidar §9)."""

from __future__ import annotations

import math
import random
import uuid
from collections import Counter
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.geometry import GEOMETRIES, Frame
from steelyard.task_types._base import Agreement, Answer, MediaInfo, SourceTask, TaskType
from steelyard.task_types._shared.drawing import AnyShape, Geometries, drawing_rules
from steelyard.task_types._shared.drawing_answers import DrawingResponse
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
from steelyard.task_types._shared.lidar_cuboids import CuboidFile
from steelyard.task_types._shared.lidar_linking import (
    LINKING_FILE,
    CameraIndex,
    CameraResponse,
    LinkingChecker,
    LinkingFile,
    LinkingFrame,
    cameras_of,
    known_labels,
    offered,
    questions_of,
    walk_shapes,
)
from steelyard.task_types._shared.lidar_params import (
    LIDAR_RULES,
    UNITS_SECTION,
    Prelabel,
    SourceParams,
    build_on,
    check_cameras,
    check_frame_count,
    check_label_list,
    check_source_params,
    lidar_words,
    linked_prelabels,
    prelabel,
    prelabel_content,
    prelabel_refs,
    raise_first,
    refused,
    source_labels,
    source_of,
)
from steelyard.task_types._shared.lidar_source import (
    examine_frame,
    frame_encoding,
    frame_total,
    labels_by_uuid,
    source_cuboids,
    source_frames,
)
from steelyard.task_types._shared.lidar_start import linked_frames, linked_start
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section
from steelyard.task_types._shared.shape_agreement import (
    ATTRIBUTES,
    OBJECTS,
    attribute_score,
    canonical_drawing,
    match_shapes,
)
from steelyard.taxonomy.attributes import check_attributes
from steelyard.taxonomy.labels import LabelList, check_labels, leaves

Pixels = Annotated[int, Meta(ge=0, le=100_000_000)]

_STAND_IN = "object"
"""The label of made-up shapes where the labels are the source task's, which are not known here."""


class LidarLinkingParams(SourceParams, kw_only=True):
    """The completed cuboid task, and what to draw in its images."""

    attachments: Annotated[Any, Meta(description="Not to be given: frames come from `lidar_task`.")] = None
    annotation_type: Annotated[
        Literal["imageannotation", "annotation", "polygonannotation"] | None,
        Meta(description="`annotation`: boxes only; `polygonannotation`: polygons only."),
    ] = None
    geometries: Annotated[
        Geometries | None, Meta(description="What may be drawn; boxes of the source's labels when absent.")
    ] = None
    labels: Annotated[
        LabelList | None, Meta(description="Labels of further objects; those of the source when absent.")
    ] = None
    camera_ids: Annotated[
        list[CameraIndex] | None, Meta(description="Cameras to label, by `camera_index`; all when absent.")
    ] = None
    min_width: Annotated[Pixels | None, Meta(description="Narrower boxes are not pre-filled.")] = None
    min_height: Annotated[Pixels | None, Meta(description="Lower boxes are not pre-filled.")] = None


class LidarLinkingResponse(Struct, kw_only=True):
    """The shapes: a JSON array with `{camera_responses: [{camera_used, annotations}]}` for each frame."""

    annotations: LidarFileLink


def _check_source(params: Any) -> None:
    if params.attachments is not None:
        raise refused("attachments", "specify either attachments or lidar_task, not both")
    if params.lidar_task is None:
        raise refused("lidar_task", "lidar_task is required", "is required")
    check_source_params(params)


def _check_geometries(params: Any) -> None:
    declared = cast("Geometries | None", params.geometries)
    if declared is None:
        return
    for name, limits in declared.declared().items():
        path = f"geometries.{name}.objects_to_annotate"
        if leaves(limits.objects_to_annotate):
            check_label_list(limits.objects_to_annotate, path)
        limits.check(f"geometries.{name}", check_labels(limits.objects_to_annotate, path))


def _check_labels(params: Any) -> None:
    if params.labels is not None:
        check_label_list(params.labels, "labels")


def _check_attributes(params: Any) -> None:
    if params.annotation_attributes is None:
        return
    known = known_labels(params)
    sized = any(GEOMETRIES[name].sized for name in known)
    if any(labels is None for labels in known.values()):
        # Any label may be the source's, so what a condition names cannot be unknown.
        named = [
            label for d in params.annotation_attributes.values() for label in (*(d.labels or ()), *d.targets)
        ]
        check_attributes(params.annotation_attributes, set(named), sized)
        return
    check_attributes(
        params.annotation_attributes, {label for labels in known.values() for label in labels or ()}, sized
    )


def _check_cameras(params: Any) -> None:
    found = cast("list[int] | None", params.camera_ids)
    if found is None:
        return
    if not found:
        raise refused("camera_ids", "camera_ids must contain at least one element")
    if len(set(found)) < len(found):
        raise refused("camera_ids", "camera_ids must not repeat a camera")


def _prelabels(params: Any) -> dict[str, Any] | None:
    found = prelabel(params)
    if found is None:
        return None
    if found.url is not None:
        return {"annotations": {"url": found.url}}
    return {"annotations": msgspec.to_builtins(_checked(params, found, found.content, MediaInfo()))}


def _checked(params: Any, found: Prelabel, content: Any, media: MediaInfo) -> LinkingFile:
    """Pre-labels as frames; raises InvalidRequest."""
    frames = prelabel_content(found, LinkingFile, content)
    check_frame_count(found, len(frames), frame_total(params, media))
    # The checker completes in place what belongs to the params.
    frames = [
        LinkingFrame(
            camera_responses=[
                CameraResponse(camera_used=c.camera_used, annotations=list(c.annotations))
                for c in frame.camera_responses
            ]
        )
        for frame in frames
    ]
    issues, _ = LinkingChecker(params, media, complete=False).check(found.path, frames)
    raise_first(issues)
    return frames


def _check_prelabels(params: Any) -> None:
    _prelabels(params)


_parse = ParamsParser(
    LidarLinkingParams,
    (
        Section(("attachments", "attachment_type", "lidar_task", "lidar_task_frames"), _check_source),
        Section(("annotation_type",)),
        Section(("geometries",), _check_geometries),
        Section(("labels",), _check_labels),
        UNITS_SECTION,
        Section(("annotation_attributes",), _check_attributes),
        Section(("camera_ids",), _check_cameras),
        Section(("min_width", "min_height")),
        Section(("base_annotations", "hypothesis"), _check_prelabels),
    ),
    (
        Rule("camera_ids", "camera_ids must be an array of integers", ("type",)),
        Rule("camera_ids.#", "camera_ids must be an array of integers"),
        *LIDAR_RULES,
        *drawing_rules("lidarlinking"),
    ),
    lidar_words,
)


def _build_on(params: LidarLinkingParams, found: SourceTask | None) -> dict[str, Any]:
    """Its labels, too, where the request has none (§9.1)."""
    taken = build_on(params, found)
    if found is not None:
        check_cameras(params, found)
    given = any(limits is not None for limits in known_labels(params).values())
    return taken if given or found is None else {**taken, "labels": source_labels(found)}


def _check(params: LidarLinkingParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    parts = read_parts(data, media, ("annotations",))
    if isinstance(parts, list):
        return parts, data
    inline = parts["annotations"]
    if inline is None:
        return [], data
    frames, problems = read_content(LINKING_FILE, inline, ("annotations",))
    if problems:
        return problems, data
    issues, changed = LinkingChecker(params, media).check("annotations", frames)
    return issues, patched(data, {"annotations": frames}) if changed and not issues else data


def _test_answer(params: LidarLinkingParams, seed: str, media: MediaInfo) -> Answer:
    """Every cuboid of the source in every camera that shows it, where the frames and the sizes of their images are at hand; and shapes in the
    first camera, of cuboids that no camera shows and that have the label, else of things that no cuboid has. Heavy with the frames."""
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    limits, known, questions = offered(params), known_labels(params), questions_of(params)
    made: list[tuple[str, dict[str, Any]]] = []
    seen = _seen(params, media, rng)
    shown = {str(item["cuboid_uuid"]) for items in seen.values() for item in items}
    free = {
        k: label for k, label in _seen_throughout(source_cuboids(params, media)).items() if k not in shown
    }

    def add(kind: str, label: str, identity: str) -> None:
        cuboid = next((key for key, found in free.items() if found == label), None)
        if cuboid is not None:
            identity = cuboid
            del free[cuboid]
        shape = limits[kind].make(rng, Frame.of(media.width, media.height))
        if shape is None:
            return
        done = limits[kind].complete(
            shape.named(identity, label, questions.make(rng, label, size=shape.size()))
        )
        plain: dict[str, Any] = msgspec.to_builtins(done)
        plain.pop("uuid", None)
        made.append(
            (
                kind,
                {
                    "cuboid_uuid": identity,
                    **plain,
                    "not_in_lidar": cuboid is None,
                    "attributes": plain.get("attributes", {}),
                },
            )
        )

    def identity() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    for kind in limits:
        for _ in range(rng.randint(1, 2)):
            add(kind, rng.choice(known[kind] or [_STAND_IN]), identity())
    linked = [(key, d) for key, d in questions.ordered if d.type == "linked"]
    done = 0
    while linked and done < len(made):
        item = made[done][1]
        done += 1
        shape = cast("AnyShape", msgspec.convert(item, GEOMETRIES[item["type"]].shape))
        shown = questions.shown(item["label"], item["attributes"], shape.size())
        for key, d in linked:
            if key not in shown:
                continue
            fits = [x for _, x in made if x is not item and x["label"] in d.targets]
            if not fits and d.must_answer:
                kind = next((k for k in limits if known[k] is None or d.targets[0] in (known[k] or ())), None)
                if kind is not None:
                    add(kind, d.targets[0], identity())
                    fits = [made[-1][1]]
            if fits:
                item["attributes"][key] = fits[0]["cuboid_uuid"]
    shapes = [item for _, item in made]
    frames: list[Any] = []
    for n in range(frame_total(params, media) or 1):
        cameras = cameras_of(params, media, n) or sorted(params.camera_ids or [0])
        found = [
            {"camera_used": c, "annotations": [*seen.get((n, c), ()), *(shapes if c == cameras[0] else ())]}
            for c in cameras
        ]
        frames.append({"camera_responses": found})
    return as_files({"annotations": frames})


def _seen(
    params: LidarLinkingParams, media: MediaInfo, rng: random.Random
) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """Shapes of the source's cuboids by frame and camera, their attributes made up; without those that break a rule of the task."""
    checker, found = LinkingChecker(params, media), dict[tuple[int, int], list[dict[str, Any]]]()
    frames = linked_frames(params, media) or []
    for n, frame in enumerate(frames):
        for camera in frame.camera_responses:
            for item in camera.annotations:
                shape = cast("AnyShape", msgspec.convert(item, GEOMETRIES[item["type"]].shape))
                item["attributes"] = checker.questions.make(rng, item["label"], size=shape.size())
            found[n, camera.camera_used] = [
                item for item in camera.annotations if not checker.check_shape("", item)[0]
            ]
    return found


def _seen_throughout(frames: CuboidFile | None) -> dict[str, str]:
    """Labels of the cuboids that are there in every frame, by uuid."""
    labels = labels_by_uuid(frames) or {}
    seen = Counter(str(c.uuid) for frame in frames or () for c in frame.cuboids)
    return {key: label for key, label in labels.items() if seen[key] == len(frames or ())}


def _images(frames: LinkingFile) -> dict[tuple[int, int], list[AnyShape]]:
    """Shapes by frame and camera, with their cuboid's uuid as identity."""
    found: dict[tuple[int, int], list[AnyShape]] = {}
    for f, frame in enumerate(frames):
        for camera in frame.camera_responses:
            plain = [{**item, "uuid": item.get("cuboid_uuid")} for item in camera.annotations]
            shapes = msgspec.convert({"annotations": plain}, DrawingResponse, strict=False).annotations
            found.setdefault((f, camera.camera_used), []).extend(shapes)
    return found


def _agreement(
    params: LidarLinkingParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """2·Σ similarity ÷ (n₁ + n₂) over all images; attributes on matched pairs for 20 %. `annotations` inline or with the file's bytes."""
    one, other = (_images_of(x) for x in (a, b))
    diagonal = math.hypot(media.width, media.height)
    total = sum(map(len, one.values())) + sum(map(len, other.values()))
    similar, matched, answered = 0.0, 0, list[float]()
    for key in dict.fromkeys([*one, *other]):
        first, second = one.get(key, []), other.get(key, [])
        for i, j, score in match_shapes(first, second, diagonal):
            similar += score
            matched += 1
            x, y = first[i].attributes or {}, second[j].attributes or {}
            answered += [
                # The same cuboid has the same uuid in both answers.
                attribute_score(
                    d, x.get(k), y.get(k), {str(x.get(k)): cast("str | None", x.get(k))}, first[i].size()
                )
                for k, d in (params.annotation_attributes or {}).items()
                if x.get(k) is not None or y.get(k) is not None
            ]
    objects = 2 * similar / total if total else 1.0
    detail: dict[str, Any] = {"objects": round(objects, 6), "matched": matched}
    if not answered:
        return Agreement(min(1.0, objects), detail)
    attributes = sum(answered) / len(answered)
    score = min(1.0, OBJECTS * objects + ATTRIBUTES * attributes)
    return Agreement(score, {**detail, "attributes": round(attributes, 6)})


def _images_of(response: dict[str, Any]) -> dict[tuple[int, int], list[AnyShape]]:
    try:
        return _images(compared(response, "annotations", LinkingFile))
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"annotations cannot be read: {error}") from None


def _canonical(response: dict[str, Any]) -> Any:
    content = content_of(response.get("annotations"))
    if content is None:
        return {"annotations": None}
    frames = msgspec.convert(content, LinkingFile, strict=False)
    found: list[Any] = []
    for frame in frames:
        cameras: list[Any] = []
        for camera in sorted(frame.camera_responses, key=lambda c: c.camera_used):
            plain = [{**item, "uuid": item.get("cuboid_uuid")} for item in camera.annotations]
            drawn = canonical_drawing({"annotations": plain})["annotations"]
            cameras.append({"camera_used": camera.camera_used, "annotations": drawn})
        found.append(cameras)
    return {"annotations": found}


def _summarize(_: Any, response: dict[str, Any]) -> dict[str, Any]:
    content = content_of(response.get("annotations"))
    if not isinstance(content, list):
        return {"annotations": 0}
    frames = msgspec.convert(content, LinkingFile, strict=False)
    items = [item for _, item in walk_shapes("", frames)]
    return {
        "frames": len(frames),
        "annotations": len(items),
        "objects": len({item.get("cuboid_uuid") for item in items}),
        "not_in_lidar": sum(1 for item in items if item.get("not_in_lidar")),
        "labels": dict(Counter(str(item.get("label")) for item in items)),
    }


TASK_TYPE = TaskType(
    title="Lidar linking",
    description="Shapes in the camera images of a recording, each tied to a cuboid of a completed lidar task.",
    params=LidarLinkingParams,
    response=LidarLinkingResponse,
    parse_params=_parse,
    attachments=prelabel_refs,
    check_response=_check,
    file_links=part_links("annotations"),
    result_files=stored_parts("annotations"),
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    hypothesis=_prelabels,
    starting=linked_start,
    source=source_of,
    build_on=_build_on,
    source_files=source_frames,
    examine=examine_frame,
    frame_encoding=frame_encoding,
    check_media=linked_prelabels(_checked),
)
