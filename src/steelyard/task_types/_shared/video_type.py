"""The 2D video types: one behaviour, two forms of annotation file, and a declaration for each type (task-types-2d §9, §10, §13, §15).

A response is `{"annotations": {"url": …}, "events": {"url": …}}`. A submission may carry the content of the files in place of the links; it
is checked in full then. What a link refers to is not read here: checks are pure.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import Issue
from steelyard.task_types._base import (
    RESULT_URL,
    Agreement,
    Answer,
    MediaInfo,
    ResultFile,
    TaskType,
)
from steelyard.task_types._shared.common import is_url
from steelyard.task_types._shared.drawing import AnnotationLink
from steelyard.task_types._shared.file_parts import part_links, stored_parts
from steelyard.task_types._shared.legacy import NO_LABEL
from steelyard.task_types._shared.nesting import too_deep
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section
from steelyard.task_types._shared.shape_agreement import ATTRIBUTES, OBJECTS, similarity_of
from steelyard.task_types._shared.video_answers import (
    FrameChecker,
    ObjectScores,
    VideoMaker,
    canonical_objects,
    check_video_links,
    content_of,
    is_link,
    unreadable,
    with_labels,
)
from steelyard.task_types._shared.video_events import (
    EventChecker,
    canonical_events,
    event_agreement,
    read_events,
)
from steelyard.task_types._shared.video_files import (
    AnnotationFile,
    FormOptions,
    Placed,
    ShapesByFrame,
)
from steelyard.task_types._shared.video_params import (
    ASSUMED_RATE,
    VIDEO_SECTIONS,
    Sample,
    VideoFileLink,
    VideoParams,
    base_annotations_url,
    is_restricted,
    prelabel_urls,
    video_attachments,
    video_frame,
    video_hypothesis,
    video_rules,
)
from steelyard.task_types._shared.video_prelabels import identified, read_prelabels, video_faults

Sampling = Callable[[Any, MediaInfo], list[Sample]]


class VideoResponse(Struct, kw_only=True):
    """Files of annotations and events; links between objects where the task declares any."""

    annotations: Annotated[VideoFileLink, Meta(description="A JSON file.")]
    events: Annotated[VideoFileLink | None, Meta(description="A JSON file.")] = None
    links: list[AnnotationLink] | None = None


class Video:
    """The behaviour of one video type.

    `sampling` lists the frames to annotate; `options` says what the form of the annotation file depends on; `events_always` whether a
    response has events even where none are declared; `tolerance` by how many frames moments may differ; `rate` the annotated frames per
    second.
    """

    def __init__(
        self,
        name: str,
        params: type[VideoParams],
        *,
        source: Section,
        taxonomy: Section,
        form: AnnotationFile,
        sampling: Sampling,
        options: Callable[[Any, MediaInfo], FormOptions],
        rules: Sequence[Rule] = (),
        events_always: bool = False,
        tolerance: Callable[[Any], float] = lambda _: 1.0,
        rate: Callable[[Any, MediaInfo], float] = lambda p, media: (
            p.frame_rate or media.frame_rate or ASSUMED_RATE
        ),
        defaults: Callable[[Any], dict[str, Any]] = lambda _: {},
    ) -> None:
        self.form = form
        self.sampling = sampling
        self._options = options
        self.events_always = events_always
        self.tolerance = tolerance
        self.rate = rate
        self.defaults = defaults
        self.parse = ParamsParser(params, (source, taxonomy, *VIDEO_SECTIONS), (*rules, *video_rules(name)))

    def options(self, params: VideoParams, media: MediaInfo = MediaInfo()) -> FormOptions:
        """What the form of the file depends on."""
        found = self._options(params, media)
        geometries = params.geometries.labels() if params.geometries else {}
        filler = {kind: next(iter(labels), NO_LABEL) for kind, labels in geometries.items()}
        return msgspec.structs.replace(
            found, filler=filler, images=len(params.images) if not params.video else 0
        )

    def check(self, params: VideoParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
        """`check_response`."""
        if too_deep(data):
            return [Issue("", "is nested too deeply")], data
        try:
            document = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
            return [Issue("", str(error))], data
        if not isinstance(document, dict):
            return [Issue("", "must be an object")], data
        given = cast("dict[str, Any]", document)
        done = dict(given)
        issues, placed = self._check_annotations(params, given, done, media)
        issues += self._check_events(params, given, done, media)
        if given.get("links") is not None or params.links:
            checker = FrameChecker(params, video_frame(params, media))
            found, links = check_video_links(checker, given.get("links") or [], placed)
            issues += found
            done["links"] = msgspec.to_builtins(links)
        if issues:
            return issues, data
        return [], data if done == given else msgspec.json.encode(done)

    def _check_annotations(
        self, params: VideoParams, given: dict[str, Any], done: dict[str, Any], media: MediaInfo
    ) -> tuple[list[Issue], list[Placed] | None]:
        part = given.get("annotations")
        if part is None:
            return [Issue("annotations", "is required")], None
        if is_link(part):
            found = _linked("annotations", part, media)
            if isinstance(found, list):
                return found, None
            part = found.content
        options = self.options(params, media)
        issues, placed = self.form.parse(part, options)
        checker = FrameChecker(params, video_frame(params, media), self._supplied(params, media, options))
        issues += checker.check_all(placed)
        if not issues:
            done["annotations"] = self.form.rebuild(part, placed, options)
        return issues, placed

    def _supplied(self, params: VideoParams, media: MediaInfo, options: FormOptions) -> ShapesByFrame | None:
        """The base annotations, None where there are none or their file is not at hand."""
        content = media.files.get(base_annotations_url(params) or "")
        if content is None:
            return None
        known = params.geometries.labels() if params.geometries else {}
        return with_labels(read_prelabels(self.form, msgspec.json.decode(content), known), options.filler)

    def _check_events(
        self, params: VideoParams, given: dict[str, Any], done: dict[str, Any], media: MediaInfo
    ) -> list[Issue]:
        part = given.get("events")
        events = EventChecker(params)
        if part is None:
            return [Issue("events", "is required")] if events.labels else []
        if is_link(part):
            found = _linked("events", part, media)
            if isinstance(found, list):
                return found
            part = found.content
        options = self.options(params, media)
        issues, done["events"] = events.check(part, options.images or options.last, options.time)
        return issues

    def check_media(self, params: VideoParams, media: MediaInfo) -> list[Issue]:
        """`check_media`."""
        return video_faults(params, media, self.form, self.options(params, media), self.rate(params, media))

    def starting(self, params: VideoParams, media: MediaInfo) -> Answer | None:
        """`starting`: pre-labels of which some came without a uuid, with the one by which answers are held to them (§1.4)."""
        for path, url in prelabel_urls(params):
            content = media.files.get(url)
            if content is None or path.endswith(".events.url"):
                continue
            document = msgspec.json.decode(content)
            named = identified(document)
            if named is document:
                return None
            response: dict[str, Any] = {"annotations": _link("annotations")}
            events = getattr(params.hypothesis, "events", None)
            if events is not None:
                response["events"] = {"url": events.url}
            return Answer(response, (_file("annotations", named),))
        return None

    def check_expected(self, params: VideoParams, data: bytes, media: MediaInfo) -> list[Issue]:
        """`check_expected`: links, or contents whose shapes have labels of the task; nothing has to be complete."""
        if too_deep(data):
            return [Issue("", "is nested too deeply")]
        try:
            document = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
            return [Issue("", str(error))]
        given = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
        part = given.get("annotations")
        if part is None:
            return [Issue("annotations", "is required")]
        if is_link(part):
            found = _linked("annotations", part, media)
            if isinstance(found, list):
                return found
            part = found.content
        issues, placed = self.form.parse(part, self.options(params, media))
        known = params.geometries.labels() if params.geometries else {}
        for one in placed:
            kind = str(type(one.shape).__struct_config__.tag)
            if kind not in known:
                issues.append(Issue(f"{one.path}.type", f'"{kind}" is not one of the task\'s geometries'))
            elif one.shape.label not in known[kind]:
                issues.append(Issue(f"{one.path}.label", "is not one of the task's labels"))
        return issues

    def test_answer(self, params: VideoParams, seed: str, media: MediaInfo) -> Answer:
        """`test_answer`: moving shapes and an event of every label, as files."""
        samples = self.sampling(params, media)
        maker = VideoMaker(FrameChecker(params, video_frame(params, media)), seed)
        content = self.form.write(maker.shapes(samples), samples, self.options(params, media))
        files = [_file("annotations", content)]
        response: dict[str, Any] = {"annotations": _link("annotations")}
        events = EventChecker(params)
        if events.labels or self.events_always:
            rng = random.Random(f"{seed} events")  # noqa: S311
            files.append(_file("events", events.make(rng, samples)))
            response["events"] = _link("events")
        if params.links:
            response["links"] = maker.links
        return Answer(response, tuple(files))

    def agreement(
        self, params: VideoParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
    ) -> Agreement:
        """`agreement`: 80 % objects and events, 20 % attributes where any are declared (§18.5, §18.6)."""
        one, other = self._shapes(params, a), self._shapes(params, b)
        lengths = [self.form.length(content_of(x.get("annotations"))) for x in (a, b)]
        partial = lengths[0] != lengths[1]
        if partial:
            common = min(n for n in lengths if n is not None)
            one, other = ({n: s for n, s in x.items() if n < common} for x in (one, other))
        local = {k: d for k, d in (params.annotation_attributes or {}).items() if not d.is_global}
        diagonal = math.hypot(media.width, media.height)
        scores = ObjectScores(local, one, other, diagonal, similarity_of(params.geometries))
        checker = EventChecker(params)
        first, second = _events(a.get("events")), _events(b.get("events"))
        events, answered = event_agreement(checker, first, second, self.tolerance(params))
        objects = (scores.objects + events) / 2 if checker.labels else scores.objects
        answered += scores.attributes
        attributes = sum(answered) / len(answered) if answered else None
        detail: dict[str, Any] = {
            "objects": round(scores.objects, 6),
            "detection": round(scores.detection, 6),
            "identity": round(scores.identity, 6),
            "precision": round(scores.precision, 6),
            "recall": round(scores.recall, 6),
            "pairs": sorted(map(list, scores.partner.items())),
        }
        if checker.labels:
            detail["events"] = round(events, 6)
        if attributes is not None:
            detail["attributes"] = round(attributes, 6)
        if partial:
            detail["partial"] = True
        total = objects if attributes is None else OBJECTS * objects + ATTRIBUTES * attributes
        return Agreement(min(1.0, max(0.0, total)), detail)

    def _shapes(self, params: VideoParams, response: dict[str, Any]) -> ShapesByFrame:
        content = content_of(response.get("annotations"))
        if content is None:
            raise unreadable("annotations", "the file's content is missing")
        try:
            return with_labels(self.form.read(content), self.options(params).filler)
        except (msgspec.DecodeError, ValueError, KeyError, TypeError) as error:
            raise unreadable("annotations", str(error)) from None

    def canonical(self, response: dict[str, Any]) -> Any:
        """`canonical`: objects and events; a link where the content is not at hand."""
        annotations, events = response.get("annotations"), response.get("events")
        found = content_of(annotations)
        happened = content_of(events)
        return {
            "annotations": annotations if found is None else canonical_objects(self.form.read(found)),
            "events": events if happened is None else canonical_events(read_events(happened)),
        }

    def summarize(self, params: VideoParams, response: dict[str, Any]) -> dict[str, Any]:
        """`summarize`: counts of what is at hand; of a link only that it is there."""
        found = content_of(response.get("annotations"))
        happened = content_of(response.get("events"))
        summary: dict[str, Any] = {}
        if found is not None:
            shapes = self.form.read(found)
            objects = {s.uuid: s.label for frame in shapes.values() for s in frame}
            summary |= {
                "objects": len(objects),
                "frames": len(shapes),
                "annotations": sum(map(len, shapes.values())),
                "labels": dict(Counter(label for label in objects.values() if label is not None)),
            }
        if happened is not None:
            events = read_events(happened)
            summary |= {"events": len(events), "event_labels": dict(Counter(e.label for e in events))}
        files = [name for name in ("annotations", "events") if is_link(response.get(name))]
        return {**summary, "files": files} if files else summary


class _Content(Struct, frozen=True):
    """What a link's file holds."""

    content: Any


def _linked(name: str, part: Any, media: MediaInfo) -> _Content | list[Issue]:
    """The content of a link's file; issues, or none, where there is nothing to read."""
    content = media.files.get(part["url"]) if isinstance(part["url"], str) else None
    if content is None:
        return _link_issues(name, part)
    try:
        return _Content(msgspec.json.decode(content))
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        return [Issue(f"{name}.url", f"is not a JSON file: {error}")]


def _link_issues(name: str, part: Any) -> list[Issue]:
    url = part["url"]
    if isinstance(url, str) and (is_url(url) or url.startswith(RESULT_URL)):
        return []
    return [Issue(f"{name}.url", "must be a URL")]


def _link(name: str) -> dict[str, str]:
    return {"url": f"{RESULT_URL}{name}.json"}


def _file(name: str, content: Any) -> ResultFile:
    return ResultFile(f"{name}.json", msgspec.json.encode(content), "application/json")


def _events(part: Any) -> list[Any]:
    if part is None:
        return []
    content = content_of(part)
    if content is None:
        raise unreadable("events", "the file's content is missing")
    try:
        return list(read_events(content))
    except (msgspec.DecodeError, ValueError) as error:
        raise unreadable("events", str(error)) from None


def video_type(
    kind: Video,
    params: type[VideoParams],
    response: type[VideoResponse],
    title: str,
    text: str,
    *,
    quality_tasks: bool = False,
) -> TaskType[Any, Any]:
    """The declaration of one of these types."""
    return TaskType(
        title=title,
        description=text,
        params=params,
        response=response,
        parse_params=kind.parse,
        default_params=kind.defaults,
        attachments=video_attachments,
        check_media=kind.check_media,
        check_response=kind.check,
        held_to_prelabels=is_restricted,
        file_links=part_links("annotations", "events"),
        result_files=stored_parts("annotations", "events"),
        check_expected=kind.check_expected,
        test_answer=kind.test_answer,
        agreement=kind.agreement,
        canonical=kind.canonical,
        summarize=kind.summarize,
        hypothesis=video_hypothesis,
        starting=kind.starting,
        quality_tasks=quality_tasks,
    )
