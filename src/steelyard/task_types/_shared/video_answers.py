"""Answers about videos: objects on frames, in files (task-types-2d §9 to §11, §17, §18.5)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from steelyard.errors import InvalidRequest, Issue
from steelyard.geometry import Frame, Shape
from steelyard.geometry.track import ShapeKey, ShapeTrack, shifted
from steelyard.task_types._shared.drawing import (
    AnnotationLink,
    AnyShape,
    DrawingParams,
    Geometries,
    editing,
)
from steelyard.task_types._shared.drawing_answers import DrawingChecker, DrawingMaker, same_shape
from steelyard.task_types._shared.parsing import first_violation
from steelyard.task_types._shared.shape_agreement import Similar, attribute_score, match_shapes
from steelyard.task_types._shared.video_files import Placed, ShapesByFrame
from steelyard.task_types._shared.video_params import Sample, VideoParams
from steelyard.taxonomy.attributes import AttributeDefinition

MAX_SPAN = 100
"""Frames over which a made-up object is seen at most."""

MAX_POINTS = 20_000
"""Points that a made-up object has over all its frames, unless a single one has more."""


class FrameChecker(DrawingChecker):
    """Checks shapes on the frames of one video; `supplied`: its base annotations, None where there are none or they are not at hand."""

    def __init__(self, params: VideoParams, frame: Frame, supplied: ShapesByFrame | None = None) -> None:
        attributes = {k: d for k, d in (params.annotation_attributes or {}).items() if not d.is_global}
        drawing = DrawingParams(
            attachment="frame",
            geometries=params.geometries or Geometries(),
            annotation_attributes=attributes or None,
            links=params.links,
        )
        super().__init__(drawing, frame, params.condition_mode or "or")
        self.may_add, self.may_edit, self.may_relabel, self.may_delete = editing(params)
        self.has_base = supplied is not None
        self.supplied = {
            (n, str(shape.uuid)): shape for n, shapes in (supplied or {}).items() for shape in shapes
        }
        self.base = {uuid: shape for (_, uuid), shape in self.supplied.items()}

    def check_all(self, placed: list[Placed]) -> list[Issue]:
        """Issues of all shapes (S1 to S6, S12); completes the shapes in place."""
        issues: list[Issue] = []
        objects: dict[str, AnyShape] = {}
        constant = [k for k, d in self.questions.ordered if d.is_global_per_track]
        seen: set[tuple[int, str]] = set()
        for one in placed:
            found, one.shape = self._shape(one.path, one.shape, {})
            issues += found
            uuid = str(one.shape.uuid)
            if (one.frame, uuid) in seen:
                issues.append(Issue(f"{one.path}.uuid", "is used more than once in this frame"))
            seen.add((one.frame, uuid))
            first = objects.setdefault(uuid, one.shape)
            if type(first) is not type(one.shape):
                issues.append(Issue(f"{one.path}.type", "of an object must be the same in all frames"))
            if first.label != one.shape.label:
                issues.append(Issue(f"{one.path}.label", "of an object must be the same in all frames"))
            issues += (
                Issue(f"{one.path}.attributes.{k}", "must be the same in all frames")
                for k in constant
                if (first.attributes or {}).get(k) != (one.shape.attributes or {}).get(k)
            )
        issues += self._held(placed) if self.has_base else ()
        return issues + list(self._linked(placed, objects))

    def _held(self, placed: Sequence[Placed]) -> Iterator[Issue]:
        """What may not be done to base annotations (S7 to S10). An object that may not be edited is as it was in all its frames, or, if it
        may be deleted, in none."""
        there = {str(one.shape.uuid) for one in placed}
        for one in placed:
            uuid = str(one.shape.uuid)
            object_, base = self.base.get(uuid), self.supplied.get((one.frame, uuid))
            if object_ is None:
                if not self.may_add:
                    yield Issue(one.path, "must not be added to the base annotations")
                continue
            if not self.may_relabel and one.shape.label != object_.label:
                yield Issue(f"{one.path}.label", "of a base annotation must not change")
            if not self.may_edit and (
                base is None or not same_shape(one.shape, base) or not self._as_supplied(one.shape, base)
            ):
                yield Issue(one.path, "is a base annotation and must not change")
        if not self.may_edit:
            kept = {(one.frame, str(one.shape.uuid)) for one in placed}
            for n, uuid in self.supplied:
                if uuid in there and (n, uuid) not in kept:
                    yield Issue("annotations", f'base annotation "{uuid}" must not be removed from frame {n}')
        if not self.may_delete:
            for uuid in self.base:
                if uuid not in there:
                    yield Issue("annotations", f'base annotation "{uuid}" must not be deleted')

    def _linked(self, placed: Sequence[Placed], objects: Mapping[str, AnyShape]) -> Iterator[Issue]:
        linked = {key: d for key, d in self.questions.ordered if d.type == "linked"}
        for one in placed if linked else ():
            for key, d in linked.items():
                value = (one.shape.attributes or {}).get(key)
                if value is None:
                    continue
                target = objects.get(str(value))
                if target is None or target.uuid == one.shape.uuid or target.label not in d.targets:
                    problem = "must be the uuid of another object with an allowed label"
                    yield Issue(f"{one.path}.attributes.{key}", problem)


class VideoMaker:
    """Makes up the objects of one video: shapes of a drawing that move from a first to a last frame."""

    def __init__(self, checker: FrameChecker, seed: str) -> None:
        self.checker = checker
        self.rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
        self.drawing = DrawingMaker(checker, seed)
        self.links: list[dict[str, Any]] = self.drawing.answer()["links"]

    def shapes(self, samples: Sequence[Sample]) -> ShapesByFrame:
        """Shapes by position in `samples`."""
        found: ShapesByFrame = {}
        for shape in self.drawing.shapes:
            limits = self.checker.limits[str(type(shape).__struct_config__.tag)]
            first = self.rng.randrange((len(samples) + 1) // 2)
            span = max(1, min(MAX_SPAN, MAX_POINTS // len(shape.points())))
            last = min(first + span - 1, self.rng.randrange(first, len(samples)))
            keys = [ShapeKey(first, shape), ShapeKey(last, self._moved(shape))]
            for n, drawn in (
                ShapeTrack(keys if last > first else keys[:1]).over(range(first, last + 1)).items()
            ):
                found.setdefault(n, []).append(cast("AnyShape", limits.complete(drawn.rounded())))
        return found

    def _moved(self, shape: Shape) -> Shape:
        """The shape elsewhere in the frame, by whole pixels."""
        points, frame = shape.points(), self.checker.frame
        xs, ys = [x for x, _ in points], [y for _, y in points]
        dx = self._shift(min(xs) - frame.left, frame.right - max(xs))
        dy = self._shift(min(ys) - frame.top, frame.bottom - max(ys))
        return shifted(shape, dx, dy)

    def _shift(self, before: float, after: float) -> int:
        return self.rng.randint(-int(min(20.0, max(before, 0.0))), int(min(20.0, max(after, 0.0))))


def check_video_links(
    checker: FrameChecker, links: Any, placed: Sequence[Placed] | None
) -> tuple[list[Issue], list[AnnotationLink]]:
    """Issues of links between objects, and the links completed; `placed` None where the objects are not known."""
    violation = first_violation(list[AnnotationLink], links, ("links",), strict=True)
    if violation is not None:
        return [violation.issue()], []
    labels = None if placed is None else {str(p.shape.uuid): p.shape.label for p in placed}
    return checker.check_links(msgspec.convert(links, list[AnnotationLink]), labels)


def content_of(part: Any) -> Any:
    """The content of a part of a response: inline, or the bytes in place of a URL; None where there is only a URL."""
    found = cast("dict[str, Any]", part)["url"] if is_link(part) else part
    if isinstance(found, str):
        return None
    if isinstance(found, bytes | bytearray | memoryview):
        try:
            return msgspec.json.decode(found)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise unreadable("the file", str(error)) from None
    return found


def is_link(part: Any) -> bool:
    """Whether a part of a response refers to a file."""
    return isinstance(part, dict) and isinstance(
        cast("dict[str, Any]", part).get("url"), str | bytes | bytearray | memoryview
    )


def unreadable(part: str, why: str) -> InvalidRequest:
    """A comparison cannot be made because a file's content is missing or no such file."""
    return InvalidRequest(f"{part} cannot be compared: {why}.", issues=[Issue(part, why)])


class ObjectScores:
    """How alike two sets of objects over frames are (§18.5): detection by frame, tracks by one assignment of all objects."""

    def __init__(
        self,
        attributes: Mapping[str, AttributeDefinition],
        a: ShapesByFrame,
        b: ShapesByFrame,
        diagonal: float,
        similar: Similar,
    ) -> None:
        total = similarity = matched = 0.0
        together: Counter[tuple[str, str]] = Counter()
        pairs: list[tuple[AnyShape, AnyShape]] = []
        for frame in sorted({*a, *b}):
            one, other = a.get(frame, []), b.get(frame, [])
            total += len(one) + len(other)
            for i, j, score in match_shapes(one, other, diagonal, similar=similar):
                similarity += score
                matched += 1
                together[str(one[i].uuid), str(other[j].uuid)] += 1
                pairs.append((one[i], other[j]))
        counts = sum(map(len, a.values())), sum(map(len, b.values()))
        self.detection = 2 * similarity / total if total else 1.0
        self.precision = matched / counts[0] if counts[0] else 1.0
        self.recall = matched / counts[1] if counts[1] else 1.0
        self.partner = _assign(together)
        self.identity = 2 * sum(together[pair] for pair in self.partner.items()) / total if total else 1.0
        self.attributes = [
            attribute_score(
                d, x.get(key), y.get(key), cast("Mapping[str | None, str | None]", self.partner), size
            )
            for x, y, size in ((p.attributes or {}, q.attributes or {}, p.size()) for p, q in pairs)
            for key, d in attributes.items()
            if x.get(key) is not None or y.get(key) is not None
        ]

    @property
    def objects(self) -> float:
        """The mean of detection and identity."""
        return (self.detection + self.identity) / 2


def _assign(together: Mapping[tuple[str, str], int]) -> dict[str, str]:
    """One partner for each object such that as many matched frames as possible are theirs."""
    from steelyard.geometry.overlap import assign

    rows = list(dict.fromkeys(a for a, _ in together))
    columns = list(dict.fromkeys(b for _, b in together))
    table = [[float(together.get((a, b), 0)) for b in columns] for a in rows]
    return {rows[i]: columns[j] for i, j in assign(table) if table[i][j] > 0}


def canonical_objects(shapes: ShapesByFrame) -> list[dict[str, Any]]:
    """Objects without identities, sorted; frames with geometry and attributes."""
    objects: dict[str, dict[str, Any]] = {}
    for frame in sorted(shapes):
        for shape in shapes[frame]:
            kind = type(shape).__struct_config__.tag
            track = objects.setdefault(str(shape.uuid), {"type": kind, "label": shape.label, "frames": []})
            track["frames"].append([frame, shape.canonical(), dict(sorted((shape.attributes or {}).items()))])
    order = sorted(objects, key=lambda u: msgspec.json.encode(_anonymous(objects[u], {}), order="sorted"))
    place = {uuid: f"@{n}" for n, uuid in enumerate(order)}
    return [_anonymous(objects[uuid], place) for uuid in order]


def _anonymous(track: dict[str, Any], place: Mapping[str, str]) -> dict[str, Any]:
    """A track whose references to other objects are their places."""
    frames = [
        [n, shape, {k: place.get(str(v), v) for k, v in answers.items()}]
        for n, shape, answers in track["frames"]
    ]
    return {**track, "frames": frames}


def with_labels(shapes: ShapesByFrame, filler: Mapping[str, str]) -> ShapesByFrame:
    """Unlabelled shapes with the label that they have inside."""
    return {
        n: [
            s if s.label is not None else replace(s, label=filler.get(str(type(s).__struct_config__.tag)))
            for s in found
        ]
        for n, found in shapes.items()
    }
