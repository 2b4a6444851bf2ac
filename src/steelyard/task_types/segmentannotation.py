"""Label every pixel of an image, things of some labels one by one (task-types-2d §8)."""

from __future__ import annotations

import random
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct, field

from steelyard.errors import InvalidRequest, Issue, parameter
from steelyard.task_types._base import Agreement, Answer, AttachmentRef, FileLink, MediaInfo, TaskType
from steelyard.task_types._shared.common import AttachmentUrl, check_address
from steelyard.task_types._shared.drawing import ATTRIBUTE_RULES, label_rules
from steelyard.task_types._shared.image import IMAGE_SECTION, ImageParams, image_attachments, image_rules
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section, read_response, shorten
from steelyard.task_types._shared.segment_masks import (
    MAX_SEGMENTS,
    Painted,
    mask_issues,
    mask_problem,
    renumbered,
)
from steelyard.task_types._shared.segments import (
    Segment,
    class_scores,
    decode_index,
    encode_segments,
    label_color,
    make_raster,
)
from steelyard.task_types._shared.shape_agreement import ATTRIBUTES, OBJECTS, attribute_score
from steelyard.taxonomy.answers import Questionnaire
from steelyard.taxonomy.attributes import Attributes, AttributeValue, check_attributes
from steelyard.taxonomy.labels import LabelList, check_labels, walk

MAX_LABELS = 50

SegmentIndex = Annotated[int, Meta(ge=1, le=2**24 - 1)]


class SegmentEntry(Struct, kw_only=True):
    """One index of the mask: the pixels of a label, or of one instance of it."""

    index: Annotated[SegmentIndex, Meta(description="Unique in the response; 0 is unlabelled.")]
    color: Annotated[
        Annotated[str, Meta(pattern="^#[0-9a-f]{6}$")] | None, Meta(description="Not unique.")
    ] = None
    num_pixels: Annotated[Annotated[int, Meta(ge=0)] | None, Meta(description="Pixels of this index.")] = (
        field(default=None, name="numPixels")
    )
    attributes: Annotated[dict[str, AttributeValue] | None, Meta(description="Of instances.")] = None


LabelMapping = dict[str, SegmentEntry | list[SegmentEntry]]


class SegmentCombined(Struct, kw_only=True):
    """URLs of PNGs of the whole image. `indexedImage` is the authoritative mask."""

    image: Annotated[str | None, Meta(description="RGBA, painted in the colours of the labels.")] = None
    indexed_image: Annotated[str, Meta(min_length=1, description="One channel; pixel = index.")] = field(
        name="indexedImage"
    )
    extended_indexed_image: Annotated[str | None, Meta(description="RGBA; index = R + 256·G + 65536·B.")] = (
        field(default=None, name="extendedIndexedImage")
    )


class SegmentFiles(Struct, kw_only=True):
    """URLs of the masks, together and by label."""

    combined: SegmentCombined
    labeled: Annotated[
        dict[str, str | list[str | None] | None] | None,
        Meta(
            description="RGBA with the pixels of one label; arrays for instances; null for labels without pixels."
        ),
    ] = None
    unlabeled: Annotated[str | None, Meta(description="Opaque black where nothing is labelled.")] = None


class SegmentAnnotationResponse(Struct, kw_only=True):
    """The mapping of labels to mask indexes, and the masks."""

    label_mapping: LabelMapping = field(name="labelMapping")
    annotations: SegmentFiles
    global_attributes: dict[str, AttributeValue] = {}


class SegmentHypothesisCombined(Struct, kw_only=True):
    """Where the mask of the pre-labels is."""

    indexed_image: AttachmentUrl = field(name="indexedImage")


class SegmentHypothesisFiles(Struct, kw_only=True):
    """Files of the pre-labels."""

    combined: SegmentHypothesisCombined


class SegmentHypothesis(Struct, kw_only=True):
    """Pre-labels: the mapping and an indexed mask."""

    label_mapping: LabelMapping = field(name="labelMapping")
    annotations: SegmentHypothesisFiles
    global_attributes: dict[str, Any] | None = None


class SegmentAnnotationParams(ImageParams, kw_only=True):
    """The image and the labels for its pixels; `instance_label: true` separates the things of a label."""

    labels: Annotated[LabelList, Meta(description="At most 50 leaves, those of `instance_labels` included.")]
    instance_labels: Annotated[
        list[str] | str | None, Meta(description="Older way to name instance labels.")
    ] = None
    allow_unlabeled: Annotated[
        bool | None, Meta(description="Pixels may stay unlabelled; default false.")
    ] = None
    allow_parent_labels: Annotated[
        bool | None, Meta(description="Labels with children may be painted, too.")
    ] = None
    annotation_attributes: Annotated[
        Attributes | None, Meta(description="Attributes of instances and, if global, of the scene.")
    ] = None
    hypothesis: Annotated[SegmentHypothesis | None, Meta(description="Editable pre-labels.")] = None


def paintable(params: Any) -> dict[str, bool]:
    """Labels that may be painted, in declaration order → whether they are segmented by instance."""
    extra = params.instance_labels
    named = [extra] if isinstance(extra, str) else extra or []
    found: dict[str, bool] = {}
    for leaf in walk(params.labels):
        if leaf.selectable or params.allow_parent_labels:
            found[leaf.name] = leaf.instance or leaf.name in named
    for name in named:
        found.setdefault(name, True)
    return found


def _check_labels(params: Any) -> None:
    if not params.labels:
        raise InvalidRequest(_L7, issues=[Issue("labels", "must not be empty")])
    check_labels(params.labels, "labels")
    extra = params.instance_labels
    check_labels([extra] if isinstance(extra, str) else list(extra or ()), "instance_labels")
    if len(paintable(params)) > MAX_LABELS:
        issues = [Issue("labels", "too many labels")]
        raise InvalidRequest("labels may contain at most 50 labels.", issues=issues)


def _check_attributes(params: Any) -> None:
    attributes = cast("Attributes | None", params.annotation_attributes)
    for key, definition in (attributes or {}).items():
        if definition.type == "linked":
            # Instances of a mask have no uuid that a link could name.
            path = f"annotation_attributes.{key}.type"
            issues = [Issue(path, "is not supported")]
            raise InvalidRequest(f'{path} "linked" is not supported.', issues=issues)
    check_attributes(attributes, paintable(params), has_sized_shape=False)


def _check_hypothesis(params: Any) -> None:
    if params.hypothesis is not None:
        _check_prelabels(params, params.hypothesis)


def _check_expected(params: SegmentAnnotationParams, data: bytes, media: MediaInfo) -> list[Issue]:
    expected = read_response(_EXPECTED, data)
    if isinstance(expected, list):
        return expected
    try:
        _check_prelabels(params, expected)
    except InvalidRequest as error:
        return list(error.issues)
    problem = _mask_fault(expected, media)
    return [] if problem is None else [Issue("annotations.combined.indexedImage", problem)]


def _check_prelabels(params: Any, given: SegmentHypothesis) -> None:
    known = paintable(params)
    for label in given.label_mapping:
        if label not in known:
            message = f'hypothesis.labelMapping label "{shorten(label)}" is not one of the task\'s labels.'
            raise InvalidRequest(message, issues=[Issue("hypothesis.labelMapping", "unknown label")])
    for label, entries in given.label_mapping.items():
        if isinstance(entries, list) and len(entries) != 1 and not known[label]:
            raise parameter(f"hypothesis.labelMapping.{label}", "must be one object: it has no instances")
    indexes = [entry.index for _, entry in _entries(given.label_mapping)]
    if len(set(indexes)) < len(indexes):
        raise InvalidRequest(_H9, issues=[Issue("hypothesis.labelMapping", "indexes must be unique")])
    check_address(given.annotations.combined.indexed_image, _MASK)
    attributes = cast("Attributes | None", params.annotation_attributes) or {}
    for key in given.global_attributes or ():
        if key not in attributes or not attributes[key].is_global:
            path = f"hypothesis.global_attributes.{key}"
            problem = "is not a global attribute of this task"
            raise InvalidRequest(f"{path} {problem}.", issues=[Issue(path, problem)])


def _mask_fault(given: SegmentHypothesis | None, media: MediaInfo) -> str | None:
    """Why the mask of pre-labels is none of the image; indexes that the mapping lacks count as unlabelled (§8.5)."""
    mask = media.files.get(given.annotations.combined.indexed_image) if given else None
    return None if mask is None else mask_problem(mask, media)


def _check_media(params: SegmentAnnotationParams, media: MediaInfo) -> list[Issue]:
    problem = _mask_fault(params.hypothesis, media)
    return [] if problem is None else [Issue(_MASK, f"{_MASK} {problem}")]


def _entries(mapping: LabelMapping) -> list[tuple[str, SegmentEntry]]:
    return [
        (label, entry)
        for label, entries in mapping.items()
        for entry in (entries if isinstance(entries, list) else [entries])
    ]


_MASK = "hypothesis.annotations.combined.indexedImage"
_L7 = "labels must be a non-empty array of labels."
_H9 = "hypothesis.labelMapping indexes must be unique integers of at least 1."
_H10 = "hypothesis must contain labelMapping and annotations.combined.indexedImage."

_parse = ParamsParser(
    SegmentAnnotationParams,
    (
        IMAGE_SECTION,
        Section(("labels", "instance_labels", "allow_parent_labels"), _check_labels),
        Section(("annotation_attributes",), _check_attributes),
        Section(("hypothesis",), _check_hypothesis),
    ),
    (
        *image_rules("segmentannotation"),
        Rule("labels", _L7),
        Rule("instance_labels", "instance_labels must be a non-empty array of labels."),
        *label_rules("labels"),
        *ATTRIBUTE_RULES,
        Rule("hypothesis.labelMapping", _H10, ("missing", "type")),
        Rule("hypothesis.labelMapping.*.index", _H9),
        Rule("hypothesis.labelMapping.*.#.index", _H9),
        Rule("hypothesis.annotations.**", _H10),
        Rule("hypothesis", _H10),
    ),
)

_EXPECTED = msgspec.json.Decoder(SegmentHypothesis, strict=False)
_RESPONSE = msgspec.json.Decoder(SegmentAnnotationResponse)


def _questions(params: Any, scene: bool) -> Questionnaire:
    return Questionnaire(params.annotation_attributes, scene=scene, combine=params.condition_mode or "or")


def _check(params: SegmentAnnotationParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    issues, scene = _questions(params, scene=True).check(
        "global_attributes", None, response.global_attributes
    )
    questions = _questions(params, scene=False)
    known = paintable(params)
    taken: set[int] = set()
    for label, entries in response.label_mapping.items():
        path = f"labelMapping.{label}"
        if label not in known:
            issues.append(Issue(path, "is not one of the task's labels"))
            continue
        if isinstance(entries, list) != known[label]:
            issues.append(
                Issue(path, "must be an array of instances" if known[label] else "must be one object")
            )
            continue
        for i, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            where = f"{path}[{i}]" if known[label] else path
            if entry.index in taken:
                issues.append(Issue(f"{where}.index", "is used more than once"))
            taken.add(entry.index)
            if known[label]:
                found, kept = questions.check(
                    f"{where}.attributes", label, entry.attributes or {}, context=scene
                )
                issues += found
                if kept != (entry.attributes or {}):
                    entry.attributes = kept
    if len(taken) > MAX_SEGMENTS:
        issues.append(Issue("labelMapping", f"must not have more than {MAX_SEGMENTS} indexes"))
    mask = media.files.get(response.annotations.combined.indexed_image)
    if mask is not None:
        issues += mask_issues(mask, taken, media, all_labeled=not params.allow_unlabeled)
    else:
        issues += _told(params, response, known, media)
    if issues:
        return issues, data
    return [], _stored(data, response, scene)


def _told(
    params: SegmentAnnotationParams,
    response: SegmentAnnotationResponse,
    known: dict[str, bool],
    media: MediaInfo,
) -> list[Issue]:
    """What is wrong with an answer whose mask is not at hand, as far as its mapping tells: missing labels, unlabelled pixels (S11)."""
    mapping = response.label_mapping
    issues = [
        Issue(f"labelMapping.{label}", "is required, used or not")
        for label, instance in known.items()
        if not instance and label not in mapping
    ]
    counts = [entry.num_pixels for _, entry in _entries(mapping)]
    if not params.allow_unlabeled and media.width and media.height and all(n is not None for n in counts):
        left = media.width * media.height - sum(n or 0 for n in counts)
        if left > 0:
            issues.append(Issue("annotations", f"leave {left} pixels unlabelled"))
    return issues


def _result_files(params: SegmentAnnotationParams, data: bytes, media: MediaInfo) -> Answer:
    """Every file of the response from the one mask; an answer whose mask is not at hand stays as it is."""
    response = _RESPONSE.decode(data)
    mask = media.files.get(response.annotations.combined.indexed_image)
    if mask is None:
        return Answer(msgspec.json.decode(data))
    known = paintable(params)
    painted = [
        Painted(label, e.index, e.color, e.attributes) for label, e in _entries(response.label_mapping)
    ]
    raster, segments = renumbered(mask, painted, known)
    stored, files = encode_segments(raster, segments, [label for label in known if not known[label]])
    return Answer({**stored, "global_attributes": response.global_attributes}, tuple(files))


def _file_links(response: dict[str, Any]) -> list[FileLink]:
    """The mask; the other pictures are made from it."""
    try:
        url = response["annotations"]["combined"]["indexedImage"]
    except (KeyError, TypeError, IndexError):
        return []
    return (
        [FileLink(("annotations", "combined", "indexedImage"), url)] if isinstance(url, str) and url else []
    )


def _stored(data: bytes, response: SegmentAnnotationResponse, scene: dict[str, Any]) -> bytes:
    document: dict[str, Any] = msgspec.json.decode(data)
    mapping = cast("dict[str, Any]", msgspec.to_builtins(response.label_mapping))
    changed = scene != response.global_attributes
    for label, entries in mapping.items():
        given = document["labelMapping"][label]
        pairs = zip(given, entries, strict=True) if isinstance(given, list) else [(given, entries)]
        for old, new in cast("list[tuple[dict[str, Any], dict[str, Any]]]", list(pairs)):
            if (old.get("attributes") or {}) != (new["attributes"] or {}):
                old["attributes"] = new["attributes"]
                changed = True
    if not changed:
        return data
    document["global_attributes"] = scene
    return msgspec.json.encode(document)


def _test_answer(params: SegmentAnnotationParams, seed: str, media: MediaInfo) -> Answer:
    """Rectangular regions, one of every label and one or two of every instance label."""
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    known = paintable(params)
    scene = _questions(params, scene=True).make(rng, None)
    questions = _questions(params, scene=False)
    position = {label: i for i, label in enumerate(known)}
    segments = [
        Segment(i, label, False, label_color(position[label], len(known)))
        for i, label in enumerate((label for label in known if not known[label]), 1)
    ]
    for label in (label for label in known if known[label]):
        for shade in range(rng.randint(1, 2)):
            color = label_color(position[label], len(known), shade)
            answers = questions.make(rng, label, context=scene) or None
            segments.append(Segment(len(segments) + 1, label, True, color, answers))
    width, height = media.width or 100, media.height or 100
    indexes = [s.index for s in segments] + ([0] if params.allow_unlabeled else [])
    raster = make_raster(rng, width, height, indexes)
    response, files = encode_segments(raster, segments, [label for label in known if not known[label]])
    return Answer({**response, "global_attributes": scene}, tuple(files))


def _agreement(
    params: SegmentAnnotationParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """Mean over classes in either answer of IoU, for instance labels of panoptic quality; attributes of matched instances 20 %.

    `annotations.combined.indexedImage` must hold the PNG's content: bytes or a `data:` URL.
    """
    known = paintable(params)
    first, second = _indexes(a), _indexes(b)
    both = {**first, **second}
    labels = {label: (list(first.get(label, ())), list(second.get(label, ()))) for label in both}
    masks = [decode_index(_mask(x)) for x in (a, b)]
    instances = frozenset(label for label in labels if known.get(label))
    scores, matches = class_scores(masks[0], masks[1], labels, instances)
    objects = sum(scores.values()) / len(scores) if scores else 1.0
    attributes = _attribute_agreement(params, a, b, matches)
    score = objects if attributes is None else OBJECTS * objects + ATTRIBUTES * attributes
    rounded = {k: round(v, 6) for k, v in scores.items()}
    detail: dict[str, Any] = {"objects": round(objects, 6), "labels": rounded}
    if attributes is not None:
        detail["attributes"] = round(attributes, 6)
    return Agreement(score, {**detail, "pairs": [list(pair) for pair in matches]})


def _mask(response: dict[str, Any]) -> Any:
    return ((response.get("annotations") or {}).get("combined") or {}).get("indexedImage")


def _mapping(response: dict[str, Any]) -> LabelMapping:
    return msgspec.convert(response.get("labelMapping") or {}, LabelMapping, strict=False)


def _indexes(response: dict[str, Any]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for label, entry in _entries(_mapping(response)):
        found.setdefault(label, []).append(entry.index)
    return found


def _attribute_agreement(
    params: SegmentAnnotationParams, a: dict[str, Any], b: dict[str, Any], matches: list[tuple[int, int]]
) -> float | None:
    declared = params.annotation_attributes or {}
    first = {entry.index: entry.attributes or {} for _, entry in _entries(_mapping(a))}
    second = {entry.index: entry.attributes or {} for _, entry in _entries(_mapping(b))}
    pairs = [(first.get(i, {}), second.get(j, {})) for i, j in matches]
    pairs.append((a.get("global_attributes") or {}, b.get("global_attributes") or {}))
    scores = [
        attribute_score(d, one.get(key), other.get(key))
        for one, other in pairs
        for key, d in declared.items()
        if one.get(key) is not None or other.get(key) is not None
    ]
    return sum(scores) / len(scores) if scores else None


def _canonical(response: dict[str, Any]) -> dict[str, Any]:
    """Labels with the attributes of their instances; indexes, colours, counts and URLs say nothing about equality."""
    labels: dict[str, list[Any]] = {}
    for label, entry in _entries(_mapping(response)):
        labels.setdefault(label, []).append(dict(sorted((entry.attributes or {}).items())))
    return {
        "labels": {label: sorted(found, key=str) for label, found in sorted(labels.items())},
        "global_attributes": dict(sorted((response.get("global_attributes") or {}).items())),
    }


def _summarize(params: SegmentAnnotationParams, response: dict[str, Any]) -> dict[str, Any]:
    entries = _entries(_mapping(response))
    pixels: dict[str, int] = {}
    for label, entry in entries:
        pixels[label] = pixels.get(label, 0) + (entry.num_pixels or 0)
    known = paintable(params)
    return {
        "segments": len(entries),
        "instances": sum(1 for label, _ in entries if known.get(label)),
        "pixels": pixels,
    }


def _attachments(params: SegmentAnnotationParams) -> list[AttachmentRef]:
    refs = image_attachments(params)
    if params.hypothesis is not None:
        url = params.hypothesis.annotations.combined.indexed_image
        refs.append(AttachmentRef(_MASK, url, role="hypothesis", media="image"))
    return refs


def _hypothesis(params: SegmentAnnotationParams) -> dict[str, Any] | None:
    given = params.hypothesis
    return None if given is None else cast("dict[str, Any]", msgspec.to_builtins(given))


TASK_TYPE = TaskType(
    title="Semantic segmentation",
    description="A label for every pixel of an image, by instance where asked for.",
    params=SegmentAnnotationParams,
    response=SegmentAnnotationResponse,
    parse_params=_parse,
    attachments=_attachments,
    check_media=_check_media,
    check_response=_check,
    file_links=_file_links,
    result_files=_result_files,
    check_expected=_check_expected,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    hypothesis=_hypothesis,
    quality_tasks=True,
    heavy_test_answer=True,
)
