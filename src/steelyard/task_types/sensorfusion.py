"""Cuboids, points, shapes and events on a sensor fusion scene (task-types-lidar §13)."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.lidar.annotations import (
    IN_IMAGES,
    AnyAnnotation,
    PathAnnotation,
    SceneAnnotation,
    SceneId,
    SceneLink,
    kind_of,
    problems,
)
from steelyard.task_types._base import Agreement, Answer, AttachmentRef, MediaInfo, TaskType, Unreadable
from steelyard.task_types._shared.common import NO_ATTACHMENT, AttachmentUrl, CommonParams
from steelyard.task_types._shared.drawing import label_rules
from steelyard.task_types._shared.file_parts import (
    LidarFileLink,
    as_files,
    compared,
    content_of,
    part_links,
    read_content,
    read_parts,
    stored_parts,
)
from steelyard.task_types._shared.lidar_params import check_frame_urls, check_label_list, lidar_words, refused
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section
from steelyard.task_types._shared.scene_compare import match_annotations, object_score
from steelyard.task_types._shared.shape_agreement import ATTRIBUTES, OBJECTS, attribute_score
from steelyard.taxonomy.answers import Questionnaire
from steelyard.taxonomy.attributes import Attributes, check_attributes
from steelyard.taxonomy.labels import LabelList, leaves

DefinitionType = Literal[
    "cuboid", "point_segmentation", "point", "polygon_topdown", "point_topdown", "polyline", "polygon",
    "box_2d", "polygon_2d", "polyline_2d", "point_2d", "link", "event",
]  # fmt: skip

_ALIAS = {"labeled_points": "point_segmentation"}
_HELPERS = ("object", "attributes")
"""Types that need no definition: they group and describe others."""


class AnnotationDefinition(Struct, kw_only=True):
    """One kind of annotation to make. Without `labels` any label may be given."""

    type: DefinitionType
    labels: Annotated[LabelList | None, Meta(description="Label tree; only leaves may be chosen.")] = None
    attributes: Annotated[Attributes | None, Meta(description="Attributes of these annotations.")] = None
    sensors: Annotated[
        list[SceneId] | None, Meta(description="Sensors to annotate in, by id; all when absent.")
    ] = None
    stationary: Annotated[bool | None, Meta(description="All are stationary (true) or none is (false).")] = (
        None
    )


class SensorFusionParams(CommonParams, kw_only=True):
    """One scene and what to annotate in it."""

    attachments: Annotated[list[AttachmentUrl], Meta(description="The URL of the scene, just one.")]
    scene_format: Annotated[Literal["sensor_fusion"], Meta(description="`sensor_fusion`.")]
    annotation_definition: Annotated[
        list[AnnotationDefinition], Meta(min_length=1, description="What to annotate.")
    ]
    is_frameless: Annotated[
        bool | None, Meta(description="Annotate on the continuous clock instead of per sweep; default false.")
    ] = None
    condition_mode: Literal["or", "and"] | None = None


class SensorFusionResponse(Struct, kw_only=True):
    """The annotations: a JSON scene without sensors."""

    annotations: LidarFileLink


class SceneAnnotationsFile(Struct, kw_only=True):
    """The file: `version`, the clock, and the annotations in it."""

    version: str = "1.0"
    time_unit: str = "microseconds"
    time_offset: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    annotations: list[AnyAnnotation]


_FILE = msgspec.json.Decoder(SceneAnnotationsFile)


def _check_scene(params: Any) -> None:
    if len(params.attachments) != 1:
        raise refused("attachments", "attachments must contain exactly one url")
    check_frame_urls(params)


def _check_definitions(params: Any) -> None:
    for i, definition in enumerate(cast("list[AnnotationDefinition]", params.annotation_definition)):
        path = f"annotation_definition[{i}]"
        if definition.labels is not None:
            check_label_list(definition.labels, f"{path}.labels")
        known = leaves(definition.labels)
        if definition.labels is None:
            every = (definition.attributes or {}).values()
            known = [label for d in every for label in (*(d.labels or ()), *d.targets)]
        try:
            check_attributes(definition.attributes, known, definition.type == "box_2d")
        except InvalidRequest as error:
            text = error.message.replace("annotation_attributes.", f"{path}.attributes.", 1)
            issues = [
                Issue(x.path.replace("annotation_attributes.", f"{path}.attributes.", 1), x.message)
                for x in error.issues
            ]
            raise InvalidRequest(text, issues=issues) from None


def _examine(params: SensorFusionParams, ref: AttachmentRef, content: bytes) -> None:
    """Raises Unreadable with every problem of the scene."""
    from steelyard.lidar.scene import SceneError, read_scene

    try:
        read_scene(content)
    except SceneError as error:
        details = {".".join(["attachments.0", *map(str, p.path)]): p.errors for p in error.problems}
        raise Unreadable(f"attachment 0 is not a valid sensor_fusion file: {error}", details) from None


_parse = ParamsParser(
    SensorFusionParams,
    (
        Section(("attachments",), _check_scene),
        Section(("scene_format",)),
        Section(("annotation_definition",), _check_definitions),
        Section(("is_frameless",)),
    ),
    (
        Rule("attachments", NO_ATTACHMENT, ("missing",)),
        Rule("attachments", "attachments must be an array of strings", ("type",)),
        Rule("attachments.#", "attachments must be an array of strings", ("type",)),
        Rule("attachments.#", "attachments[{i}] is not a valid URL", ("value", "limit")),
        Rule("annotation_definition", "annotation_definition must be an array of objects", ("type",)),
        Rule("annotation_definition", "annotation_definition must contain at least one element", ("value",)),
        Rule("annotation_definition.#", "annotation_definition must be an array of objects", ("type",)),
        *label_rules("annotation_definition.#.labels"),
    ),
    lidar_words,
)  # fmt: skip


class _Checker:
    """Checks annotations against the definitions."""

    def __init__(self, params: SensorFusionParams) -> None:
        self.by_type: dict[str, list[AnnotationDefinition]] = {}
        for definition in params.annotation_definition:
            self.by_type.setdefault(definition.type, []).append(definition)
        self.combine: Any = params.condition_mode or "or"
        self.questions = {
            id(d): Questionnaire(d.attributes, combine=self.combine) for d in params.annotation_definition
        }

    def check(self, path: str, given: SceneAnnotationsFile) -> list[Issue]:
        """All issues."""
        issues: list[Issue] = []
        if not given.version.startswith(("1.0", "5.1")):
            issues.append(Issue(f"{path}.version", "unsupported scene version"))
        if given.time_unit not in ("microseconds", "nanoseconds"):
            issues.append(Issue(f"{path}.time_unit", "must be microseconds"))
        by_id: dict[Any, SceneAnnotation] = {}
        for i, annotation in enumerate(given.annotations):
            where = f"{path}.annotations[{i}]"
            if annotation.id in by_id:
                issues.append(Issue(f"{where}.id", "is used more than once"))
            by_id[annotation.id] = annotation
            issues += (Issue(f"{where}.{place}", problem) for place, problem in problems(annotation))
            issues += self._defined(where, annotation)
        for i, annotation in enumerate(given.annotations):
            if isinstance(annotation, SceneLink):
                ends = (annotation.from_id, annotation.to_id)
                if ends[0] == ends[1] or any(end not in by_id for end in ends):
                    issues.append(
                        Issue(f"{path}.annotations[{i}]", "must join two different annotations of the file")
                    )
        return issues

    def definition(self, annotation: SceneAnnotation) -> AnnotationDefinition | None:
        """The first definition that has the annotation's type and label."""
        kind = kind_of(annotation)
        found = self.by_type.get(_ALIAS.get(kind, kind), [])
        return next((d for d in found if d.labels is None or annotation.label in leaves(d.labels)), None)

    def _defined(self, path: str, annotation: SceneAnnotation) -> list[Issue]:
        kind = kind_of(annotation)
        if kind in _HELPERS:
            return []
        if _ALIAS.get(kind, kind) not in self.by_type:
            return [Issue(f"{path}.type", f'"{kind}" is not one of the task\'s types')]
        definition = self.definition(annotation)
        if definition is None:
            return [Issue(f"{path}.label", "is not one of the task's labels")]
        issues: list[Issue] = []
        sensor = getattr(annotation, "sensor_id", None)
        if definition.sensors and sensor is not None and sensor not in definition.sensors:
            issues.append(Issue(f"{path}.sensor_id", "is not one of the definition's sensors"))
        if (
            isinstance(annotation, PathAnnotation)
            and definition.stationary is not None
            and annotation.stationary != definition.stationary
        ):
            issues.append(Issue(f"{path}.stationary", f"must be {str(definition.stationary).lower()}"))
        return issues + self._answers(path, annotation, self.questions[id(definition)])

    def _answers(self, path: str, annotation: SceneAnnotation, questions: Questionnaire) -> list[Issue]:
        """Every value that an attribute takes must be legal beside the first values of the others."""
        given = annotation.attributes or []
        first = {a.name: a.values[0] for a in reversed(given) if a.values}
        found, _ = questions.check(f"{path}.attributes", annotation.label, first)
        issues = list(found)
        for i, a in enumerate(given):
            for n, value in enumerate(a.values[1:], 1):
                wrong, _ = questions.check("", annotation.label, {**first, a.name: value}, complete=False)
                issues += [
                    Issue(f"{path}.attributes[{i}].values[{n}]", x.message)
                    for x in wrong
                    if x.path == f".{a.name}"
                ]
        return issues


def _check(params: SensorFusionParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    parts = read_parts(data, media, ("annotations",))
    if isinstance(parts, list):
        return parts, data
    inline = parts["annotations"]
    if inline is None:
        return [], data
    given, issues = read_content(_FILE, inline, ("annotations",))
    return issues or _Checker(params).check("annotations", given), data


_LINK_KEYS = ("is_bidirectional", "from_id", "to_id")


def _static(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "timestamps": [0], "values": [value], "static": True}


class _Maker:
    """Makes up one or two annotations of every definition, a second long, and what links need."""

    def __init__(self, params: SensorFusionParams, seed: str) -> None:
        self.rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
        self.params = params
        self.checker = _Checker(params)
        self.made: list[dict[str, Any]] = []
        self.sources: list[AnnotationDefinition | None] = []

    def annotations(self) -> list[dict[str, Any]]:
        """All of them, as plain objects; links come last."""
        links = [d for d in self.params.annotation_definition if d.type == "link"]
        for definition in self.params.annotation_definition:
            if definition.type != "link":
                for _ in range(self.rng.randint(1, 2)):
                    self._add(definition)
        while links and len(self.made) < 2:
            self.made.append({"id": self._id(), "type": "object"})
            self.sources.append(None)
        for definition in links:
            ends = self.rng.sample([x["id"] for x in self.made], 2)
            self._add(definition, is_bidirectional=False, from_id=ends[0], to_id=ends[1])
        self._connect()
        return self.made

    def _connect(self) -> None:
        """Answer `linked` attributes, making targets that are needed and missing."""
        done = 0
        while done < len(self.made):
            item, definition = self.made[done], self.sources[done]
            done += 1
            if definition is None:
                continue
            questions = self.checker.questions[id(definition)]
            known = {a["name"]: a["values"][0] for a in item.get("attributes", ())}
            shown = questions.shown(item["label"], known, None)
            for key, d in questions.ordered:
                if d.type != "linked" or key not in shown:
                    continue
                fits = [x for x in self.made if x is not item and x.get("label") in d.targets]
                if not fits and d.must_answer:
                    self._add(definition, label=d.targets[0], **{k: item[k] for k in _LINK_KEYS if k in item})
                    fits = self.made[-1:]
                if fits:
                    item.setdefault("attributes", []).append(_static(key, fits[0]["id"]))

    def _id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def _add(self, definition: AnnotationDefinition, label: str = "", **more: Any) -> None:
        label = label or self.rng.choice(leaves(definition.labels) or ["object"])
        answers = self.checker.questions[id(definition)].make(self.rng, label)
        made: dict[str, Any] = {"id": self._id(), "type": definition.type, "label": label, **more}
        if definition.type in IN_IMAGES or definition.sensors:
            made["sensor_id"] = (definition.sensors or ["camera"])[0]
        if definition.type == "event":
            made |= {"start": self.rng.randrange(1_000_000), "duration": self.rng.randrange(1, 1_000_000)}
        elif definition.type == "point_segmentation":
            made.pop("sensor_id", None)
            ids = sorted(self.rng.sample(range(1000), self.rng.randint(5, 20)))
            sensor = (definition.sensors or ["lidar"])[0]
            made |= {
                "is_instance": False,
                "labeled_points": [{"sensor_id": sensor, "sensor_frame": 0, "point_ids": ids}],
            }
        elif definition.type != "link":
            made |= self._path(definition)
        if answers:
            made["attributes"] = [_static(k, v) for k, v in answers.items()]
        self.sources.append(definition)
        self.made.append(made)

    def _path(self, definition: AnnotationDefinition) -> dict[str, Any]:
        stationary = (
            definition.type.endswith("_topdown") if definition.stationary is None else definition.stationary
        )
        start = self._row(definition.type)
        if stationary:
            return {"path": {"timestamps": [0], "values": [start]}, "stationary": True}
        end = list(start)
        place = {"cuboid": (3, 5), "box_2d": (0, 2)}.get(definition.type, (0, len(end)))
        for i in range(*place):
            end[i] = round(end[i] + self.rng.uniform(0, 2), 3)
        return {"path": {"timestamps": [0, 1_000_000], "values": [start, end]}, "stationary": False}

    def _row(self, kind: str) -> list[float]:
        def near(spread: float) -> float:
            return round(self.rng.uniform(0, spread), 3)

        if kind == "cuboid":
            size = [round(self.rng.uniform(0.6, 4), 3) for _ in range(3)]
            return [*size, near(40), near(40), near(2), 0.0, 0.0, near(180)]
        if kind == "box_2d":
            return [near(400), near(300), near(100) + 10, near(80) + 10]
        corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
        corners = (
            corners[:1]
            if kind.startswith("point")
            else corners[:2]
            if kind.startswith("polyline")
            else corners
        )
        scale = 50.0 if kind.endswith("_2d") else 4.0
        x, y = near(300 if kind.endswith("_2d") else 30), near(200 if kind.endswith("_2d") else 30)
        tail = [] if kind.endswith("_2d") else [0.0]
        return [v for u, w in corners for v in (round(x + scale * u, 3), round(y + scale * w, 3), *tail)]


def _test_answer(params: SensorFusionParams, seed: str, media: MediaInfo) -> Answer:
    content = {
        "version": "1.0",
        "time_unit": "microseconds",
        "annotations": _Maker(params, seed).annotations(),
    }
    return as_files({"annotations": content})


def _agreement(
    params: SensorFusionParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """Annotations matched by type and label, compared over time; attributes of matches for 20 %. `annotations` inline or as bytes."""
    one, other = (_compared(x) for x in (a, b))
    pairs = match_annotations(one, other)
    objects, detail = object_score(one, other, pairs)
    checker = _Checker(params)
    partner: dict[str | None, str | None] = {str(one[i].id): str(other[j].id) for i, j, _ in pairs}
    scores: list[float] = []
    for i, j, _ in pairs:
        definition = checker.definition(one[i])
        x, y = ({p.name: p.values for p in side.attributes or () if p.values} for side in (one[i], other[j]))
        for key, d in (definition.attributes or {}).items() if definition else ():
            if key in x or key in y:
                first, second = x.get(key, [None]), y.get(key, [None])
                scores.append(
                    float(first == second)
                    if len(first) + len(second) > 2
                    else attribute_score(d, first[0], second[0], partner)
                )
    if not scores:
        return Agreement(objects, detail)
    attributes = sum(scores) / len(scores)
    score = min(1.0, OBJECTS * objects + ATTRIBUTES * attributes)
    return Agreement(score, {**detail, "attributes": round(attributes, 6)})


def _compared(response: dict[str, Any]) -> Sequence[SceneAnnotation]:
    return cast("SceneAnnotationsFile", compared(response, "annotations", SceneAnnotationsFile)).annotations


def _canonical(response: dict[str, Any]) -> Any:
    """Annotations without ids and in order; links and parents by the place of what they name."""
    content = content_of(response.get("annotations"))
    if content is None:
        return {"annotations": None}
    given = msgspec.convert(content, SceneAnnotationsFile, strict=False)
    plain: list[tuple[str, Any, dict[str, Any]]] = []
    for annotation in given.annotations:
        found: dict[str, Any] = msgspec.to_builtins(annotation)
        names = {k: found.pop(k, None) for k in ("id", "parent_id", "from_id", "to_id")}
        found["attributes"] = sorted(found.get("attributes") or [], key=lambda a: str(a["name"]))
        plain.append((msgspec.json.encode(found, order="sorted").decode(), names, found))
    plain.sort(key=lambda item: item[0])
    number = {names["id"]: n for n, (_, names, _) in enumerate(plain)}
    return {
        "annotations": [
            {
                **found,
                **{
                    k: number.get(names[k]) for k in ("parent_id", "from_id", "to_id") if names[k] is not None
                },
            }
            for _, names, found in plain
        ]
    }


def _summarize(_: Any, response: dict[str, Any]) -> dict[str, Any]:
    content = content_of(response.get("annotations"))
    if not isinstance(content, dict):
        return {"annotations": 0}
    given = msgspec.convert(content, SceneAnnotationsFile, strict=False).annotations
    return {
        "annotations": len(given),
        "types": dict(Counter(kind_of(x) for x in given)),
        "labels": dict(Counter(str(x.label) for x in given if x.label is not None)),
    }


TASK_TYPE = TaskType(
    title="Sensor fusion",
    description="Cuboids, points, shapes and events on one scene of lidar, radar and cameras with their own clocks.",
    params=SensorFusionParams,
    response=SensorFusionResponse,
    parse_params=_parse,
    attachments=lambda params: [AttachmentRef("attachments[0]", params.attachments[0], media="scene")],
    examine=_examine,
    check_response=_check,
    file_links=part_links("annotations"),
    result_files=stored_parts("annotations"),
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    needs_project="project is required",
    needs_instruction=lambda _: True,
)
