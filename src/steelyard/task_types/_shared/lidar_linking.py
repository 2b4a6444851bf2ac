"""What a `lidarlinking` task may draw, and the checks of its answers (task-types-lidar §9)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import Issue
from steelyard.geometry import GEOMETRIES, BoxGeometry, GeometryLimits, PolygonGeometry
from steelyard.task_types._base import MediaInfo
from steelyard.task_types._shared.drawing import AnyShape, Geometries
from steelyard.task_types._shared.lidar_source import frame_total, labels_by_uuid, source_cuboids
from steelyard.task_types._shared.parsing import first_violation
from steelyard.taxonomy.answers import Questionnaire
from steelyard.taxonomy.labels import leaves

CameraIndex = Annotated[int, Meta(ge=0, le=2**31 - 1)]

_ONLY = {"annotation": "box", "polygonannotation": "polygon"}
"""Annotation types with one geometry."""


class CameraResponse(Struct, kw_only=True):
    """Shapes in the image of one camera. Each has `cuboid_uuid` in place of `uuid`, and `not_in_lidar`."""

    camera_used: CameraIndex
    annotations: list[dict[str, Any]]


class LinkingFrame(Struct, kw_only=True):
    """The cameras of one frame."""

    camera_responses: list[CameraResponse]


LinkingFile = list[LinkingFrame]
LINKING_FILE = msgspec.json.Decoder(LinkingFile)


class _Identity(Struct, kw_only=True):
    cuboid_uuid: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    not_in_lidar: bool | None = None


def offered(params: Any) -> dict[str, GeometryLimits]:
    """Geometries that may be drawn, by name: those declared, as far as `annotation_type` has them, else the type's own."""
    only = _ONLY.get(params.annotation_type or "")
    declared = cast("Geometries | None", params.geometries)
    found = declared.declared() if declared else {}
    kept = {name: limits for name, limits in found.items() if only in (None, name)}
    if kept:
        return kept
    if only == "polygon":
        return {"polygon": PolygonGeometry(objects_to_annotate=params.labels)}
    return {"box": BoxGeometry(objects_to_annotate=params.labels)}


def known_labels(params: Any) -> dict[str, list[str] | None]:
    """Labels by geometry; None where they are the source's. Those of `labels` may be drawn in any."""
    extra = leaves(params.labels)
    found: dict[str, list[str] | None] = {}
    for name, limits in offered(params).items():
        own = leaves(limits.objects_to_annotate)
        found[name] = list(dict.fromkeys([*own, *extra])) or None
    return found


def questions_of(params: Any) -> Questionnaire:
    return Questionnaire(params.annotation_attributes, combine=params.condition_mode or "or")


class LinkingChecker:
    """Checks the frames of an answer; completes what an answer must carry."""

    def __init__(self, params: Any, media: MediaInfo, complete: bool = True) -> None:
        self.params = params
        self.media = media
        self.cuboids = labels_by_uuid(source_cuboids(params, media))
        self.limits = offered(params)
        self.known = known_labels(params)
        self.cameras = frozenset(cast("list[int] | None", params.camera_ids) or ())
        self.questions = questions_of(params)
        self.complete = complete

    def check(self, path: str, frames: LinkingFile) -> tuple[list[Issue], bool]:
        """Issues, and whether anything was completed in place."""
        expected = frame_total(self.params, self.media)
        if expected is not None and len(frames) != expected:
            return [Issue(path, f"must have {expected} frames, has {len(frames)}")], False
        issues: list[Issue] = []
        changed = False
        labels: dict[str, Any] = {}
        for f, frame in enumerate(frames):
            seen: set[int] = set()
            there = cameras_of(self.params, self.media, f)
            for c, camera in enumerate(frame.camera_responses):
                where = f"{path}[{f}].camera_responses[{c}]"
                if camera.camera_used in seen:
                    issues.append(Issue(f"{where}.camera_used", "is there twice in this frame"))
                seen.add(camera.camera_used)
                if self.cameras and camera.camera_used not in self.cameras:
                    issues.append(Issue(f"{where}.camera_used", "is not one of the task's camera_ids"))
                elif there is not None and camera.camera_used not in there:
                    issues.append(Issue(f"{where}.camera_used", "is no camera of this frame"))
                for a, item in enumerate(camera.annotations):
                    spot = f"{where}.annotations[{a}]"
                    found, done = self.check_shape(spot, item)
                    issues += found
                    if done != item:
                        camera.annotations[a], changed = done, True
                    key = str(done.get("cuboid_uuid"))
                    if not found and labels.setdefault(key, done.get("label")) != done.get("label"):
                        issues.append(Issue(f"{spot}.label", "must be the same wherever the object is seen"))
            if self.complete:
                changed = _every_camera(frame, there) or changed
        issues += self._targets(path, frames, labels) if not issues else []
        return issues, changed

    def check_shape(self, path: str, item: dict[str, Any]) -> tuple[list[Issue], dict[str, Any]]:
        kind = item.get("type")
        if kind is None and not self.complete and len(self.limits) == 1:
            kind = next(iter(self.limits))
        if not isinstance(kind, str) or kind not in self.limits:
            return [Issue(f"{path}.type", "must be one of " + ", ".join(self.limits))], item
        rest = {k: v for k, v in item.items() if k != "uuid"} | {"type": kind}
        strict = self.complete
        violation = first_violation(GEOMETRIES[kind].shape, rest, strict=strict) or first_violation(
            _Identity, rest, strict=strict
        )
        if violation is not None:
            return [Issue(f"{path}.{violation.where}" if violation.where else path, violation.problem)], item
        shape = cast("AnyShape", msgspec.convert(rest, GEOMETRIES[kind].shape, strict=strict))
        issues = [
            Issue(path, problem) for problem in (self.limits[kind].problems(shape) if self.complete else ())
        ]
        labels = self.known[kind]
        if not shape.label:
            issues.append(Issue(f"{path}.label", "is required"))
        elif labels is not None and shape.label not in labels:
            issues.append(Issue(f"{path}.label", "is not one of the task's labels"))
        given = shape.attributes or {}
        found, answers = self.questions.check(
            f"{path}.attributes", shape.label, given, size=shape.size(), complete=self.complete
        )
        issues += found
        done = dict(item)
        done["type"] = kind
        if item.get("cuboid_uuid") is None:
            if not item.get("not_in_lidar") and self.complete:
                issues.append(Issue(f"{path}.cuboid_uuid", "is required, or not_in_lidar must be true"))
            key = uuid.uuid4() if self.complete else uuid.uuid5(_PLACE, path)
            done["cuboid_uuid"] = str(key)
        elif (
            self.cuboids is not None
            and not item.get("not_in_lidar")
            and str(item["cuboid_uuid"]) not in self.cuboids
        ):
            issues.append(
                Issue(f"{path}.cuboid_uuid", "is no cuboid of lidar_task, so not_in_lidar must be true")
            )
        if item.get("not_in_lidar") is None:
            done["not_in_lidar"] = False
        if answers != given or item.get("attributes") is None:
            done["attributes"] = answers
        return issues, done

    def _targets(self, path: str, frames: LinkingFile, labels: dict[str, Any]) -> list[Issue]:
        linked = {key: d for key, d in self.questions.ordered if d.type == "linked"}
        if not linked:
            return []
        return [
            Issue(
                f"{spot}.attributes.{key}", "must be the cuboid_uuid of another object with an allowed label"
            )
            for spot, item in walk_shapes(path, frames)
            for key, d in linked.items()
            if (target := (item.get("attributes") or {}).get(key)) is not None
            and (target == item.get("cuboid_uuid") or labels.get(str(target)) not in d.targets)
        ]


def cameras_of(params: Any, media: MediaInfo, f: int) -> list[int] | None:
    """The cameras to label in a frame, in order; None where they are not known."""
    facts = media.frames[f] if f < len(media.frames) else None
    if facts is None:
        return None
    chosen = cast("list[int] | None", params.camera_ids)
    return [camera for camera in facts.cameras if not chosen or camera in chosen]


def _every_camera(frame: LinkingFrame, there: list[int] | None) -> bool:
    """List every camera of a frame, in order (§9.3); whether that changed anything."""
    before = [c.camera_used for c in frame.camera_responses]
    missing = [n for n in there or () if n not in before]
    frame.camera_responses += [CameraResponse(camera_used=n, annotations=[]) for n in missing]
    frame.camera_responses.sort(key=lambda c: c.camera_used)
    return before != [c.camera_used for c in frame.camera_responses]


_PLACE = uuid.UUID("c2f7a1de-2a0b-4f51-8d58-0d7b6f2f3a10")


def walk_shapes(path: str, frames: LinkingFile) -> Iterator[tuple[str, dict[str, Any]]]:
    for f, frame in enumerate(frames):
        for c, camera in enumerate(frame.camera_responses):
            for a, item in enumerate(camera.annotations):
                yield f"{path}[{f}].camera_responses[{c}].annotations[{a}]", item
