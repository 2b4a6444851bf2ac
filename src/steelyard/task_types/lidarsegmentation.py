"""A label for every point of a recording, from scratch or starting from a task's cuboids (task-types-lidar §8)."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import Agreement, Answer, MediaInfo, TaskType
from steelyard.task_types._shared.common import NO_ATTACHMENT
from steelyard.task_types._shared.drawing import label_rules
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
from steelyard.task_types._shared.lidar_cuboids import CUBOID_FILE, CuboidChecker
from steelyard.task_types._shared.lidar_params import (
    LIDAR_RULES,
    UNITS_SECTION,
    FrameUrls,
    Prelabel,
    SourceParams,
    attribute_check,
    build_on,
    check_frame_count,
    check_frame_urls,
    check_label_list,
    check_source_params,
    frame_refs,
    lidar_words,
    linked_prelabels,
    prelabel,
    prelabel_content,
    raise_first,
    refused,
    source_of,
    told_as,
)
from steelyard.task_types._shared.lidar_source import (
    encoding_of,
    examine_frame,
    frame_encoding,
    frame_total,
    labels_by_uuid,
    source_cuboids,
    source_frames,
)
from steelyard.task_types._shared.lidar_start import segmented_start
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section
from steelyard.task_types._shared.shape_agreement import ATTRIBUTES, OBJECTS, attribute_score
from steelyard.taxonomy.answers import Questionnaire
from steelyard.taxonomy.attributes import AttributeValue
from steelyard.taxonomy.labels import LabelList, leaves, walk

ObjectIndex = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class LidarSegmentationParams(SourceParams, kw_only=True):
    """Frames, or a completed cuboid task, and the labels of points. `instance_label: true` separates the things of a label."""

    attachments: Annotated[
        FrameUrls | None, Meta(description="URLs of the frames, in time order; not with `lidar_task`.")
    ] = None
    labels: Annotated[LabelList | None, Meta(description="Label tree; only leaves may be chosen.")] = None
    segmentation_labels: Annotated[LabelList | None, Meta(description="Another name of `labels`.")] = None
    allow_unlabeled: Annotated[
        bool | None, Meta(description="Points may stay unlabeled (index 0); default true.")
    ] = None


class LidarSegmentationResponse(Struct, kw_only=True):
    """Object indexes of all points; the cuboids too where the task builds on some."""

    point_segmentations: LidarFileLink
    annotations: LidarFileLink | None = None


class PointObject(Struct, kw_only=True, omit_defaults=True):
    """What an index stands for: the points of a label, or one instance of it. `index` is the 1-based position in the list."""

    label: str
    index: Annotated[int, Meta(ge=1, le=2**32 - 1)]
    instance: bool | None = None
    uuid: Annotated[str | None, Meta(description="Of the source task's cuboid.")] = None
    attributes: dict[str, AttributeValue] | None = None


class PointSegmentation(Struct, kw_only=True):
    """The `point_segmentations` file."""

    objects: list[PointObject]
    point_objects: list[list[ObjectIndex]]


_FILE = msgspec.json.Decoder(PointSegmentation)


def _labels(params: Any) -> LabelList | None:
    return params.labels if params.labels is not None else params.segmentation_labels


def _names(params: Any) -> list[str]:
    return leaves(_labels(params))


def _instances(params: Any) -> dict[str, bool]:
    """Leaves in declared order → whether they are told apart by instance."""
    return {leaf.name: leaf.instance for leaf in walk(_labels(params)) if leaf.selectable}


def _check_frames(params: Any) -> None:
    if params.attachments is not None and params.lidar_task is not None:
        raise refused("attachments", "specify either attachments or lidar_task, not both")
    if params.attachments is None and params.lidar_task is None:
        raise refused("attachments", NO_ATTACHMENT, "is required")
    check_frame_urls(params)
    check_source_params(params)


def _check_labels(params: Any) -> None:
    if params.labels is not None and params.segmentation_labels is not None:
        raise refused("labels", "specify either labels or segmentation_labels, not both")
    if _labels(params) is None:
        raise refused("labels", "labels is required", "is required")
    check_label_list(_labels(params), "labels" if params.labels is not None else "segmentation_labels")


def _questions(params: Any) -> Questionnaire:
    return Questionnaire(params.annotation_attributes, combine=params.condition_mode or "or")


def _check_content(
    params: Any, path: str, given: PointSegmentation, media: MediaInfo, complete: bool = True
) -> tuple[list[Issue], bool]:
    """Issues of a segmentation, and whether answers were dropped that do not apply."""
    issues: list[Issue] = []
    source = labels_by_uuid(source_cuboids(params, media))
    known, questions = _instances(params), _questions(params)
    changed = False
    for i, entry in enumerate(given.objects):
        where = f"{path}.objects[{i}]"
        if entry.index != i + 1:
            issues.append(Issue(f"{where}.index", f"must be {i + 1}, its position in the list"))
        # Objects of the source task's cuboids carry its labels, which are known where its answer is at hand.
        foreign = (
            params.lidar_task is not None and entry.instance and (source is None or entry.uuid in source)
        )
        if source is not None and entry.uuid in source and source[entry.uuid] != entry.label:
            issues.append(Issue(f"{where}.label", f'must be "{source[entry.uuid]}", the label of its cuboid'))
        elif entry.label not in known and not foreign:
            issues.append(Issue(f"{where}.label", "is not one of the task's labels"))
        if entry.instance:
            found, kept = questions.check(
                f"{where}.attributes", entry.label, entry.attributes or {}, complete=complete
            )
            issues += found
            if kept != (entry.attributes or {}):
                entry.attributes, changed = kept, True
        elif entry.attributes:
            issues.append(Issue(f"{where}.attributes", "are for instances only"))
        elif known.get(entry.label):
            issues.append(Issue(f"{where}.instance", "must be true, the label has instances"))
    issues += _repeated(path, given.objects)
    expected = frame_total(params, media)
    frames = given.point_objects
    if expected is not None and len(frames) != expected:
        return [
            *issues,
            Issue(f"{path}.point_objects", f"must have {expected} frames, has {len(frames)}"),
        ], changed
    n = len(given.objects)
    all_labeled = complete and params.allow_unlabeled is False
    for f, indexes in enumerate(frames):
        facts = media.frames[f] if f < len(media.frames) else None
        if facts is not None and len(indexes) != facts.points:
            problem = f"must have {facts.points} indexes, one for each point of the frame, has {len(indexes)}"
            issues.append(Issue(f"{path}.point_objects[{f}]", problem))
            continue
        if indexes and max(indexes) > n:
            issues.append(
                Issue(f"{path}.point_objects[{f}]", f"has index {max(indexes)}, there are {n} objects")
            )
        left = _unlabeled(params, f, indexes, media) if all_labeled and indexes and min(indexes) == 0 else 0
        if left:
            issues.append(Issue(f"{path}.point_objects[{f}]", f"leaves {left} points unlabeled"))
    return issues, changed


def _unlabeled(params: Any, f: int, indexes: list[int], media: MediaInfo) -> int:
    """How many points of a frame lack a label that they must have: those within `max_distance_meters`, as far as the frame can be read."""
    import numpy as np

    from steelyard.lidar.frames import read_frame

    if params.max_distance_meters is None:
        return indexes.count(0)
    content = media.frame(f)
    if content is None:
        return 0
    frame = read_frame(content, encoding_of(params, content))
    at = frame.device_position
    apart = np.linalg.norm(frame.positions - np.array([at.x, at.y, at.z]), axis=1)
    near = apart * (params.meters_per_unit or 1.0) <= params.max_distance_meters
    return int((near & (np.fromiter(indexes, np.uint32, len(indexes)) == 0)).sum())


def _repeated(path: str, objects: Sequence[PointObject]) -> list[Issue]:
    plain = Counter(entry.label for entry in objects if not entry.instance)
    uuids = Counter(entry.uuid for entry in objects if entry.uuid)
    return [Issue(f"{path}.objects", f'"{label}" is there twice, without instances') for label, n in plain.items() if n > 1] + [
        Issue(f"{path}.objects", f'uuid "{key}" is used more than once') for key, n in uuids.items() if n > 1
    ]  # fmt: skip


def _prelabels(params: Any) -> dict[str, Any] | None:
    found = prelabel(params)
    if found is None:
        return None
    if found.url is not None:
        return {"point_segmentations": {"url": found.url}}
    return {"point_segmentations": msgspec.to_builtins(_checked(params, found, found.content, MediaInfo()))}


def _checked(params: Any, found: Prelabel, content: Any, media: MediaInfo) -> PointSegmentation:
    """Pre-labels as a segmentation; raises InvalidRequest."""
    told: dict[str, str] = {}
    if isinstance(content, dict):
        given = cast("dict[str, Any]", content)
        # The prose of the original documentation uses other keys than its sample; both are taken.
        keys = {key: key if key in given else other for key, other in _OTHER_KEYS.items()}
        content = {key: given.get(used) for key, used in keys.items()}
        told = {f"{found.path}.{key}": f"{found.path}.{used}" for key, used in keys.items() if used in given}
    with told_as(told):
        parsed = prelabel_content(found, PointSegmentation, content)
        check_frame_count(found, len(parsed.point_objects), frame_total(params, media))
        raise_first(_check_content(params, found.path, parsed, media, complete=False)[0])
    return parsed


_OTHER_KEYS = {"objects": "labels", "point_objects": "point_labels"}


_parse = ParamsParser(
    LidarSegmentationParams,
    (
        Section(("attachments", "attachment_type", "lidar_task", "lidar_task_frames"), _check_frames),
        Section(("labels", "segmentation_labels"), _check_labels),
        UNITS_SECTION,
        Section(("annotation_attributes",), attribute_check(_names)),
        Section(("allow_unlabeled",)),
        Section(("base_annotations", "hypothesis"), _prelabels),
    ),
    (
        Rule("segmentation_labels", "segmentation_labels must be an array of labels", ("type", "value")),
        *label_rules("segmentation_labels"),
        *LIDAR_RULES,
    ),
    lidar_words,
)


def _check(params: LidarSegmentationParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    parts = read_parts(data, media, ("point_segmentations",), ("annotations",))
    if isinstance(parts, list):
        return parts, data
    issues: list[Issue] = []
    changes: dict[str, Any] = {}
    inline = parts["point_segmentations"]
    if inline is not None:
        content, issues = read_content(_FILE, inline, ("point_segmentations",))
        if not issues:
            issues, changed = _check_content(params, "point_segmentations", content, media)
            changes |= {"point_segmentations": content} if changed else {}
    cuboids = parts.get("annotations")
    if cuboids is not None:
        frames, problems = read_content(CUBOID_FILE, cuboids, ("annotations",))
        if not problems:
            # Their labels and attributes are those of the task they come from.
            checker = CuboidChecker(None, None, meters_per_unit=params.meters_per_unit or 1.0, tilt=None)
            given = [dict(c.attributes or {}) for frame in frames for c in frame.cuboids]
            for frame in frames:
                for cuboid in frame.cuboids:
                    cuboid.attributes = {}
            problems, done, changed = checker.check("annotations", frames, frame_total(params, media))
            for cuboid, answers in zip((c for frame in done for c in frame.cuboids), given, strict=True):
                cuboid.attributes = answers
            changes |= {"annotations": done} if changed else {}
        issues = issues + problems
    return issues, data if issues else patched(data, changes)


def segmentation_answer(params: LidarSegmentationParams, seed: str, points: Sequence[int]) -> dict[str, Any]:
    """A made-up answer with its file inline; `points` are the numbers of points of the frames, 0 where one cannot be read."""
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    known, questions = _instances(params), _questions(params)
    objects = [
        PointObject(label=label, index=i) for i, label in enumerate((k for k, v in known.items() if not v), 1)
    ]
    for label in (label for label, instance in known.items() if instance):
        for _ in range(rng.randint(1, 2)):
            answers = questions.make(rng, label) or None
            identity = str(uuid.UUID(int=rng.getrandbits(128), version=4))
            objects.append(
                PointObject(label=label, index=len(objects) + 1, instance=True, uuid=identity, attributes=answers)
            )  # fmt: skip
    frames: list[list[int]] = []
    for n in points:
        cut = n if params.allow_unlabeled is False else rng.randint(n // 2, n)
        frames.append(
            [min(len(objects), 1 + i * len(objects) // max(1, cut)) for i in range(cut)] + [0] * (n - cut)
        )
    return {
        "point_segmentations": msgspec.to_builtins(PointSegmentation(objects=objects, point_objects=frames))
    }


def _test_answer(params: LidarSegmentationParams, seed: str, media: MediaInfo) -> Answer:
    """Indexes for the points of the frames that can be read; of the others nothing is known, and they count as having none."""
    total = frame_total(params, media) or 1
    known = [media.frames[n] if n < len(media.frames) else None for n in range(total)]
    answer = segmentation_answer(params, seed, [0 if facts is None else facts.points for facts in known])
    cuboids = source_cuboids(params, media)
    return as_files(answer if cuboids is None else {**answer, "annotations": cuboids})


def _result_files(params: LidarSegmentationParams, data: bytes, media: MediaInfo) -> Answer:
    """Its own file, and the cuboids that the task builds on (§8.2), as they are where the answer does not bring them along."""
    answer = stored_parts("point_segmentations", "annotations")(params, data, media)
    cuboids = None if "annotations" in answer.response else source_cuboids(params, media)
    if cuboids is None:
        return answer
    more = as_files({"annotations": cuboids})
    return Answer({**answer.response, **more.response}, (*answer.files, *more.files))


def _agreement(
    params: LidarSegmentationParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """Mean over labels in either answer of IoU, for instance labels of panoptic quality; attributes of matches for 20 %.

    `point_segmentations` must be inline, or its `url` the file's bytes.
    """
    from steelyard.lidar.points import class_scores, confusion

    one, other = (compared(x, "point_segmentations", PointSegmentation) for x in (a, b))
    try:
        counts = confusion(one.point_objects, other.point_objects)
    except ValueError as error:
        raise InvalidRequest(str(error), issues=[Issue("point_segmentations", str(error))]) from None
    instances = frozenset(o.label for x in (one, other) for o in x.objects if o.instance)
    names = [{o.index: o.label for o in x.objects} for x in (one, other)]
    scores, matches = class_scores(counts, names[0], names[1], instances)
    objects = sum(scores.values()) / len(scores) if scores else 1.0
    detail: dict[str, Any] = {
        "objects": round(objects, 6),
        "labels": {k: round(v, 6) for k, v in scores.items()},
        "pairs": [list(pair) for pair in matches],
    }
    answered = [
        attribute_score(d, first.get(key), second.get(key))
        for i, j in matches
        for first, second in [
            ((one.objects[i - 1].attributes or {}), (other.objects[j - 1].attributes or {}))
        ]
        for key, d in (params.annotation_attributes or {}).items()
        if first.get(key) is not None or second.get(key) is not None
    ]
    if not answered:
        return Agreement(objects, detail)
    attributes = sum(answered) / len(answered)
    score = OBJECTS * objects + ATTRIBUTES * attributes
    return Agreement(score, {**detail, "attributes": round(attributes, 6)})


def _canonical(response: dict[str, Any]) -> Any:
    """Indexes renumbered by their first point, so that the order of objects does not matter; objects without points as a set."""
    content = content_of(response.get("point_segmentations"))
    if content is None:
        return {"point_segmentations": None}
    given = msgspec.convert(content, PointSegmentation, strict=False)
    number = {0: 0}
    frames = [[number.setdefault(i, len(number)) for i in indexes] for indexes in given.point_objects]

    def plain(entry: PointObject) -> list[Any]:
        return [entry.label, bool(entry.instance), dict(sorted((entry.attributes or {}).items()))]

    used = {number[o.index]: plain(o) for o in given.objects if o.index in number}
    unused = sorted((plain(o) for o in given.objects if o.index not in number), key=str)
    return {
        "objects": [used.get(i) for i in range(1, len(number))],
        "unused": unused,
        "point_objects": frames,
    }


def _summarize(_: Any, response: dict[str, Any]) -> dict[str, Any]:
    content = content_of(response.get("point_segmentations"))
    if not isinstance(content, dict):
        return {"objects": 0}
    given = msgspec.convert(content, PointSegmentation, strict=False)
    counts: Counter[int] = Counter()
    for indexes in given.point_objects:
        counts.update(indexes)
    points: Counter[str] = Counter()
    for entry in given.objects:
        points[entry.label] += counts[entry.index]
    return {
        "frames": len(given.point_objects),
        "objects": len(given.objects),
        "instances": sum(1 for o in given.objects if o.instance),
        "points": dict(points),
        "unlabeled": counts[0],
    }


TASK_TYPE = TaskType(
    title="Lidar segmentation",
    description="A label for every point of a recording, by instance where asked for.",
    params=LidarSegmentationParams,
    response=LidarSegmentationResponse,
    parse_params=_parse,
    attachments=frame_refs,
    check_response=_check,
    file_links=part_links("point_segmentations", "annotations"),
    result_files=_result_files,
    source_files=source_frames,
    examine=examine_frame,
    frame_encoding=frame_encoding,
    check_media=linked_prelabels(_checked),
    needs_frames=lambda params: params.allow_unlabeled is False and params.max_distance_meters is not None,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    hypothesis=_prelabels,
    starting=segmented_start,
    source=source_of,
    build_on=build_on,
)
