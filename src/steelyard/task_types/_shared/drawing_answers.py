"""Answers made of shapes on an image: checked at submit (task-types-2d §17), made up for test mode, summed up."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from steelyard.errors import Issue
from steelyard.geometry import GEOMETRIES, Frame, GeometryLimits, Shape
from steelyard.geometry.shape import OVERSHOOT
from steelyard.task_types._base import Answer, MediaInfo
from steelyard.task_types._shared.drawing import (
    AnnotationLink,
    AnyShape,
    DrawingParams,
    LinkRule,
    editing,
    shapes_of,
)
from steelyard.task_types._shared.nesting import too_deep
from steelyard.task_types._shared.parsing import first_violation
from steelyard.taxonomy.answers import Questionnaire
from steelyard.taxonomy.attributes import AttributeValue


class DrawingResponse(Struct, kw_only=True):
    """Shapes with labels and attributes, answers about the whole scene, and links between annotations."""

    annotations: Annotated[
        list[AnyShape], Meta(description="In order of creation; `[]` when nothing was found.")
    ]
    global_attributes: dict[str, AttributeValue] = {}
    links: list[AnnotationLink] = []


_DECODER = msgspec.json.Decoder(DrawingResponse)


class DrawingChecker:
    """Checks answers against one task's params."""

    def __init__(self, params: DrawingParams, frame: Frame, combine: Any = "or") -> None:
        self.params = params
        self.frame = frame
        self.limits = params.geometries.declared()
        self.labels = params.geometries.labels()
        self.known = {name: frozenset(labels) for name, labels in self.labels.items()}
        self.questions = Questionnaire(params.annotation_attributes, combine=combine)
        self.scene = Questionnaire(params.annotation_attributes, scene=True, combine=combine)
        self.may_add, self.may_edit, self.may_relabel, self.may_delete = editing(params)
        base = params.base_annotations
        self.base: dict[str, AnyShape] = (
            {str(s.uuid): s for s in shapes_of(base, params.geometries, "base_annotations.annotations")}
            if base is not None
            else {}
        )
        self.has_base = base is not None

    def check(self, response: DrawingResponse) -> tuple[list[Issue], DrawingResponse]:
        """All issues, and the response with everything completed that an answer must carry."""
        issues, kept = self.scene.check("global_attributes", None, response.global_attributes)
        shapes: list[AnyShape] = []
        for i, shape in enumerate(response.annotations):
            found, done = self._shape(f"annotations[{i}]", shape, kept)
            issues += found
            shapes.append(done)
        by_uuid = {str(s.uuid): s for s in shapes}
        if len(by_uuid) < len(shapes):
            issues += _repeated(shapes)
        issues += self._base_issues(shapes, by_uuid)
        issues += self._targets(shapes, by_uuid)
        found, links = [], response.links
        if links:
            found, links = self.check_links(links, {key: s.label for key, s in by_uuid.items()})
        return issues + found, DrawingResponse(annotations=shapes, global_attributes=kept, links=links)

    def _shape(self, path: str, shape: AnyShape, scene: Mapping[str, Any]) -> tuple[list[Issue], AnyShape]:
        kind = _kind(shape)
        limits = self.limits.get(kind)
        if limits is None:
            return [Issue(f"{path}.type", f'"{kind}" is not one of the task\'s geometries')], shape
        issues: list[Issue] = []
        if shape.label not in self.known[kind]:
            issues.append(Issue(f"{path}.label", "is not one of the task's labels"))
        base = self.base.get(shape.uuid) if shape.uuid else None
        if base is not None and not self.may_edit:
            # Frozen as supplied: minima and required attributes were not the contributor's to keep.
            return issues, shape
        issues += (Issue(path, problem) for problem in limits.problems(shape))
        outside = self.frame.overshoot(shape.points())
        if outside > OVERSHOOT + 1e-6:
            issues.append(Issue(path, "lies outside the image"))
        elif outside > 0:
            shape = shape.clamped(self.frame)
        if shape.uuid is None:
            shape = replace(shape, uuid=str(uuid.uuid4()))
        if not issues:
            done = cast("AnyShape", limits.complete(shape.rounded()))
            if done is not shape:  # what has four decimals may have no extent left
                issues += (Issue(path, problem) for problem in limits.problems(done))
            shape = done
        given = shape.attributes or {}
        if given or self.questions.ordered:
            found, answers = self.questions.check(
                f"{path}.attributes", shape.label, given, size=shape.size(), context=scene
            )
            issues += found
            if answers != given or shape.attributes is None:
                shape = replace(shape, attributes=answers)
        return issues, shape

    def _base_issues(self, shapes: list[AnyShape], by_uuid: dict[str, AnyShape]) -> list[Issue]:
        if not self.has_base:
            return []
        issues: list[Issue] = []
        for i, shape in enumerate(shapes):
            base = self.base.get(str(shape.uuid))
            if base is None:
                if not self.may_add:
                    issues.append(Issue(f"annotations[{i}]", "must not be added to the base annotations"))
                continue
            if not self.may_relabel and shape.label != base.label:
                issues.append(Issue(f"annotations[{i}].label", "of a base annotation must not change"))
            if not self.may_edit and not (same_shape(shape, base) and self._as_supplied(shape, base)):
                issues.append(Issue(f"annotations[{i}]", "is a base annotation and must not change"))
        if not self.may_delete:
            gone = [key for key in self.base if key not in by_uuid]
            issues += (Issue("annotations", f'base annotation "{key}" must not be deleted') for key in gone)
        return issues

    def _as_supplied(self, shape: AnyShape, base: AnyShape) -> bool:
        """Whether the attributes are those supplied, as they came or as they are shown: without unknown, hidden and illegal ones."""
        given, supplied = shape.attributes or {}, base.attributes or {}
        if given == supplied:
            return True
        known = self.params.base_annotations
        scene = known.global_attributes if known else None
        _, shown = self.questions.check(
            "", base.label, supplied, size=base.size(), context=scene, complete=False
        )
        return given == shown

    def _targets(self, shapes: list[AnyShape], by_uuid: dict[str, AnyShape]) -> list[Issue]:
        linked = {key: d for key, d in self.questions.ordered if d.type == "linked"}
        issues: list[Issue] = []
        for i, shape in enumerate(shapes) if linked else ():
            for key, d in linked.items():
                value = (shape.attributes or {}).get(key)
                if value is None:
                    continue
                target = by_uuid.get(str(value))
                if target is None or target is shape or target.label not in d.targets:
                    issues.append(
                        Issue(
                            f"annotations[{i}].attributes.{key}",
                            "must be the uuid of another annotation with an allowed label",
                        )
                    )
        return issues

    def check_links(
        self, links: list[AnnotationLink], labels: Mapping[str, str | None] | None
    ) -> tuple[list[Issue], list[AnnotationLink]]:
        """Issues, and the links with their uuid and direction. `labels`: of what may be linked, by uuid; None where that is not known."""
        issues: list[Issue] = []
        kept: list[AnnotationLink] = []
        seen: set[tuple[str, str, str]] = set()
        for i, link in enumerate(links):
            problem, both_ways = self._link_problem(link, labels)
            ends = (link.source, link.target)
            first, second = sorted(ends) if both_ways else ends
            key = (link.label, first, second)
            if problem is None and key in seen:
                problem = "is there twice"
            if problem:
                issues.append(Issue(f"links[{i}]", problem))
                continue
            seen.add(key)
            if link.uuid is None or link.is_bidirectional is not both_ways:
                link = replace(link, uuid=link.uuid or str(uuid.uuid4()), is_bidirectional=both_ways)
            kept.append(link)
        return issues, kept

    def _link_problem(
        self, link: AnnotationLink, labels: Mapping[str, str | None] | None
    ) -> tuple[str | None, bool]:
        """What is wrong with a link, and whether the rule that allows it makes no difference between its ends."""
        rules = link_rules(self.params).get(link.label)
        if rules is None:
            return "has a label that the task does not declare", False
        ends = (link.source, link.target)
        if link.source == link.target or (labels is not None and not all(end in labels for end in ends)):
            return "must join two different annotations of the response", False
        allowing = rules
        if labels is not None:
            allowing = [rule for rule in rules if rule.allows(labels[link.source], labels[link.target])]
        if not allowing:
            return "joins labels that it may not join", False
        if any(bool(rule.is_bidirectional) is link.is_bidirectional for rule in allowing):
            return None, bool(link.is_bidirectional)
        return None, bool(allowing[0].is_bidirectional)


def link_rules(params: DrawingParams) -> dict[str, list[LinkRule]]:
    """Rules by link label, always as lists of alternatives."""
    return {k: v if isinstance(v, list) else [v] for k, v in (params.links or {}).items()}


def check_drawing(checker: DrawingChecker, data: bytes) -> tuple[list[Issue], bytes]:
    """`check_response` for answers of this kind: issues, and the bytes to store (as given unless something was completed)."""
    if too_deep(data):
        return [Issue("", "is nested too deeply")], data
    try:
        response = _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        return _misfits(data, error), data
    issues, done = checker.check(response)
    if issues:
        return issues, data
    changes = [
        i for i, (a, b) in enumerate(zip(response.annotations, done.annotations, strict=True)) if a is not b
    ]
    kept = done.links == response.links and done.global_attributes == response.global_attributes
    if not changes and kept and b'"links"' in data and b'"global_attributes"' in data:
        return [], data
    # Patched rather than encoded anew: keys of extensions stay as they were sent.
    document: dict[str, Any] = msgspec.json.decode(data)
    for i in changes:
        document["annotations"][i] |= cast("dict[str, Any]", msgspec.to_builtins(done.annotations[i]))
    document["global_attributes"] = done.global_attributes
    document["links"] = done.links
    return [], msgspec.json.encode(document)


def _misfits(data: bytes, cause: Exception) -> list[Issue]:
    """Everything in a response that does not fit its types, one issue for each annotation."""
    try:
        document = msgspec.json.decode(data)
    except RecursionError:
        return [Issue("", "is nested too deeply")]
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        return [Issue("", str(error))]
    given = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    if not isinstance(given.get("annotations"), list):
        return [Issue("annotations", "must be an array")]
    issues: list[Issue] = []
    for i, item in enumerate(cast("list[Any]", given["annotations"])):
        kind = cast("dict[str, Any]", item).get("type") if isinstance(item, dict) else None
        if not isinstance(kind, str) or kind not in GEOMETRIES:
            issues.append(Issue(f"annotations[{i}].type", "must be one of " + ", ".join(GEOMETRIES)))
            continue
        violation = first_violation(GEOMETRIES[kind].shape, item, ("annotations", i), strict=True)
        if violation:
            issues.append(violation.issue())
    if issues:
        return issues
    violation = first_violation(DrawingResponse, {**given, "annotations": []}, strict=True)
    return [violation.issue() if violation else Issue("", str(cause))]


def _kind(shape: Shape) -> str:
    return str(type(shape).__struct_config__.tag)


def same_shape(a: Shape, b: Shape) -> bool:
    """Equal geometry, to 1e-6 px."""
    first, second = a.points(), b.points()
    return (
        type(a) is type(b)
        and len(first) == len(second)
        and all(
            abs(x - u) <= 1e-6 and abs(y - v) <= 1e-6 for (x, y), (u, v) in zip(first, second, strict=True)
        )
    )


def _repeated(shapes: list[AnyShape]) -> list[Issue]:
    seen: set[str] = set()
    issues: list[Issue] = []
    for i, shape in enumerate(shapes):
        if str(shape.uuid) in seen:
            issues.append(Issue(f"annotations[{i}].uuid", "is used more than once"))
        seen.add(str(shape.uuid))
    return issues


class DrawingMaker:
    """Makes up one answer: every geometry drawn, every required attribute answered, all within the limits."""

    def __init__(self, checker: DrawingChecker, seed: str) -> None:
        self.checker = checker
        self.params = checker.params
        self.rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
        self.shapes: list[AnyShape] = []
        self.scene = checker.scene.make(self.rng, None)

    def answer(self) -> dict[str, Any]:
        """The response, as plain objects."""
        checker = self.checker
        self.shapes.extend(self._kept_base())
        if checker.may_add or not checker.has_base:
            for name, limits in checker.limits.items():
                for _ in range(self.rng.randint(1, 2) if checker.labels[name] else 0):
                    self._add(name, limits, self.rng.choice(checker.labels[name]))
        self._connect()
        response = DrawingResponse(annotations=self.shapes, global_attributes=self.scene, links=self._links())
        return cast("dict[str, Any]", msgspec.to_builtins(response))

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def _add(self, name: str, limits: GeometryLimits, label: str) -> AnyShape | None:
        shape = limits.make(self.rng, self.checker.frame)
        if shape is None:
            return None
        answers = self.checker.questions.make(self.rng, label, size=shape.size(), context=self.scene)
        declared = bool(self.checker.questions.ordered)
        made = cast(
            "AnyShape", limits.complete(shape.named(self._uuid(), label, answers if declared else None))
        )
        self.shapes.append(made)
        return made

    def _kept_base(self) -> list[AnyShape]:
        """Supplied annotations stay; where they break a rule and may be changed, they are drawn anew, else left out."""
        kept: list[AnyShape] = []
        for shape in self.checker.base.values():
            if not self.checker.may_edit:
                kept.append(shape)
                continue
            limits = self.checker.limits[_kind(shape)]
            bad = (
                any(limits.problems(shape))
                or any(limits.problems(limits.complete(shape.rounded())))  # may have no extent left
                or self.checker.frame.overshoot(shape.points()) > OVERSHOOT
            )
            drawn = limits.make(self.rng, self.checker.frame) if bad else shape
            if drawn is None:
                if not self.checker.may_delete:  # no legal answer exists; this one is at least complete
                    kept.append(shape)
                continue
            answers = self.checker.questions.make(
                self.rng, shape.label, size=drawn.size(), context=self.scene, keep=shape.attributes
            )
            declared = bool(self.checker.questions.ordered)
            named = drawn.named(str(shape.uuid), str(shape.label), answers if declared else None)
            kept.append(cast("AnyShape", limits.complete(named)))
        return kept

    def _connect(self) -> None:
        """Answer `linked` attributes, drawing targets that are needed and missing."""
        linked = [(key, d) for key, d in self.checker.questions.ordered if d.type == "linked"]
        done = 0
        while linked and done < len(self.shapes):
            shape = self.shapes[done]
            done += 1
            if str(shape.uuid) in self.checker.base and not self.checker.may_edit:
                continue
            answers: dict[str, AttributeValue] = dict(shape.attributes or {})
            shown = self.checker.questions.shown(shape.label, {**self.scene, **answers}, shape.size())
            for key, d in linked:
                if key not in shown:
                    answers.pop(key, None)
                    continue
                targets = [s for s in self.shapes if s is not shape and s.label in d.targets]
                if not targets and d.must_answer:
                    targets = self._add_target(d.targets)
                if targets:
                    answers[key] = self.rng.choice(targets).uuid
                else:
                    answers.pop(key, None)
            shape.attributes = answers

    def _add_target(self, labels: list[str]) -> list[AnyShape]:
        if self.checker.has_base and not self.checker.may_add:
            return []
        for name, limits in self.checker.limits.items():
            for label in labels:
                if label in self.checker.labels[name]:
                    made = self._add(name, limits, label)
                    if made is not None:
                        return [made]
        return []

    def _links(self) -> list[AnnotationLink]:
        """One link of each declared kind where two annotations fit it."""
        links: list[AnnotationLink] = []
        for label, rules in link_rules(self.params).items():
            for rule in rules:
                pair = next(
                    (
                        (a, b)
                        for a in self.shapes
                        for b in self.shapes
                        if a is not b and rule.allows(a.label, b.label)
                    ),
                    None,
                )
                if pair:
                    links.append(
                        AnnotationLink(
                            uuid=self._uuid(), label=label, source=str(pair[0].uuid), target=str(pair[1].uuid),
                            is_bidirectional=bool(rule.is_bidirectional),
                        )
                    )  # fmt: skip
                    break
        return links


def make_drawing(checker: DrawingChecker, seed: str) -> Answer:
    """`test_answer` for answers of this kind."""
    return Answer(DrawingMaker(checker, seed).answer())


def frame_of(media: MediaInfo, pad_x: int = 0, pad_y: int = 0) -> Frame:
    """Where shapes may lie on this image."""
    return Frame.of(media.width, media.height, pad_x, pad_y)


def summarize_drawing(_: Any, response: dict[str, Any]) -> dict[str, Any]:
    """Counts for lists and charts: annotations, by label, by geometry, links."""
    shapes = [a for a in response.get("annotations") or () if isinstance(a, dict)]
    return {
        "annotations": len(shapes),
        "labels": dict(Counter(str(a.get("label")) for a in shapes)),
        "geometries": dict(Counter(str(a.get("type")) for a in shapes)),
        "links": len(response.get("links") or ()),
    }
