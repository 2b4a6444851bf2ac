"""Events of a video: moments and spans with a label (task-types-2d §11)."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from steelyard.errors import Issue
from steelyard.task_types._shared.parsing import first_violation
from steelyard.task_types._shared.shape_agreement import attribute_score
from steelyard.task_types._shared.video_params import Sample, VideoParams, event_labels
from steelyard.taxonomy.answers import Questionnaire
from steelyard.taxonomy.attributes import Attributes, AttributeValue
from steelyard.taxonomy.labels import leaves

FrameNumber = Annotated[int, Meta(ge=0, le=2**53)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]


class VideoEvent(Struct, kw_only=True, omit_defaults=True):
    """A moment (`point`) or a span (`range`, both ends included); frames as the annotations count them, times in seconds."""

    label: str
    type: Literal["point", "range"]
    start: FrameNumber
    end: FrameNumber | None = None
    startTime: Seconds | None = None
    endTime: Seconds | None = None
    attributes: dict[str, AttributeValue] | None = None

    @property
    def last(self) -> int:
        """The last frame."""
        return self.start if self.end is None else self.end


class EventFile(Struct, kw_only=True):
    """The events file."""

    events: list[VideoEvent]


class EventChecker:
    """Checks and makes up the events of one task."""

    def __init__(self, params: VideoParams) -> None:
        self.labels = leaves(params.events_to_annotate)
        self._combine: Literal["or", "and"] = params.condition_mode or "or"
        self._shared: dict[tuple[str, ...], Questionnaire] = {}
        declared = {
            k: d
            for k, d in (params.annotation_attributes or {}).items()
            if d.is_global and d.type != "linked"
        }
        self.questions = {label: self._of_label(label, declared) for label in self.labels}
        self.definitions = declared

    def _of_label(self, label: str, declared: Attributes) -> Questionnaire:
        """Events with the same attributes share one questionnaire."""
        allowed = {k: event_labels(d) for k, d in declared.items()}
        mine = tuple(k for k, labels in allowed.items() if labels is None or label in labels)
        if mine not in self._shared:
            attributes = {k: declared[k] for k in mine}
            self._shared[mine] = Questionnaire(attributes, scene=True, combine=self._combine)
        return self._shared[mine]

    def check(
        self, content: Any, most: int | None, time: Callable[[int], float | None] = lambda _: None
    ) -> tuple[list[Issue], Any]:
        """Issues (S13) and the file in its final form; `most` is the last frame, None when unknown, `time` when a frame is seen."""
        given: Any = {"events": content} if isinstance(content, list) else content
        if not isinstance(given, dict):
            return [Issue("events", "must be an object")], content
        violation = first_violation(EventFile, given, strict=True)
        if violation is not None:
            return [violation.issue()], content
        issues: list[Issue] = []
        kept: list[tuple[VideoEvent, dict[str, Any]]] = []
        events = msgspec.convert(given, EventFile).events
        for i, (event, plain) in enumerate(
            zip(events, cast("list[dict[str, Any]]", given["events"]), strict=True)
        ):
            path = f"events[{i}]"
            found, done = self._one(path, event, most)
            issues += found
            done = _timed(done, time)
            extra = {k: v for k, v in plain.items() if k not in VideoEvent.__struct_fields__}
            kept.append((done, extra))
        if issues:
            return issues, content
        kept.sort(key=lambda pair: (pair[0].start, pair[0].label))
        return [], {**given, "events": [{**msgspec.to_builtins(e), **extra} for e, extra in kept]}

    def _one(self, path: str, event: VideoEvent, most: int | None) -> tuple[list[Issue], VideoEvent]:
        issues: list[Issue] = []
        if event.label not in self.questions:
            return [Issue(f"{path}.label", "is not one of the task's events")], event
        if event.type == "range" and event.end is None:
            issues.append(Issue(f"{path}.end", "is required"))
        elif event.type == "range" and event.last < event.start:
            issues.append(Issue(f"{path}.end", "must not lie before start"))
        if event.start < 1 or (most is not None and event.last > most):
            issues.append(Issue(path, "lies outside the annotated frames"))
        if event.type == "point" or event.end == event.start:
            event = replace(event, type="point", end=None, endTime=None)
        found, answers = self.questions[event.label].check(
            f"{path}.attributes", event.label, event.attributes or {}
        )
        if answers != (event.attributes or {}):
            event = replace(event, attributes=answers or None)
        return issues + found, event

    def make(self, rng: random.Random, samples: Sequence[Sample]) -> dict[str, Any]:
        """One event of every label, as a file."""
        events: list[VideoEvent] = []
        for label in self.labels:
            first = rng.randrange(len(samples))
            last = rng.randrange(first, len(samples))
            one, other = samples[first], samples[last]
            event = VideoEvent(label=label, type="point", start=one.key, startTime=round(one.timestamp, 4))
            if other.key > one.key:
                event = replace(event, type="range", end=other.key, endTime=round(other.timestamp, 4))
            answers = self.questions[label].make(rng, label)
            events.append(replace(event, attributes=answers or None))
        events.sort(key=lambda e: (e.start, e.label))
        return {"events": msgspec.to_builtins(events)}


def _timed(event: VideoEvent, time: Callable[[int], float | None]) -> VideoEvent:
    """The event with the times that its frames have, where it came without."""
    if event.startTime is None:
        event = replace(event, startTime=time(event.start))
    if event.end is not None and event.endTime is None:
        event = replace(event, endTime=time(event.end))
    return event


def read_events(content: Any) -> list[VideoEvent]:
    """Events of a file, leniently; raises msgspec.ValidationError."""
    given: Any = {"events": content} if isinstance(content, list) else content
    return msgspec.convert(given, EventFile, strict=False).events


def event_agreement(
    checker: EventChecker, a: Sequence[VideoEvent], b: Sequence[VideoEvent], tolerance: float
) -> tuple[float, list[float]]:
    """2·matches ÷ (n₁ + n₂), and scores of the matches' attributes (§18.4). Ranges match from a temporal IoU of 0.5, points
    within `tolerance` frames. Heavy."""
    from steelyard.geometry.overlap import assign

    similar = [
        [
            _similarity(x, y, tolerance) if (x.label, x.type) == (y.label, y.type) else 0.0
            for y in b
        ]
        for x in a
    ]  # fmt: skip
    pairs = [(i, j) for i, j in assign(similar) if similar[i][j] >= 0.5] if a and b else []
    scores: list[float] = []
    for i, j in pairs:
        one, other = a[i].attributes or {}, b[j].attributes or {}
        scores += [
            attribute_score(d, one.get(k), other.get(k))
            for k, d in checker.definitions.items()
            if one.get(k) is not None or other.get(k) is not None
        ]
    return (2 * len(pairs) / (len(a) + len(b)) if a or b else 1.0), scores


def _similarity(a: VideoEvent, b: VideoEvent, tolerance: float) -> float:
    if a.type == "point":
        away = abs(a.start - b.start)
        return 1.0 - 0.5 * away / max(tolerance, 1e-9) if away <= tolerance else 0.0
    shared = min(a.last, b.last) - max(a.start, b.start) + 1
    union = max(a.last, b.last) - min(a.start, b.start) + 1
    return max(0, shared) / union


def canonical_events(events: Sequence[VideoEvent]) -> list[dict[str, Any]]:
    """Events without times, in order."""
    plain = [
        {
            "label": e.label, "start": e.start, "end": e.last, "attributes": dict(sorted((e.attributes or {}).items())),
        }
        for e in events
    ]  # fmt: skip
    return sorted(plain, key=lambda e: (cast("int", e["start"]), str(e["label"]), str(e)))
