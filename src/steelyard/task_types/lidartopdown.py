"""Polygons, lines and points on a recording or an aerial image seen from above (task-types-lidar §10)."""

from __future__ import annotations

import math
import random
import uuid
from collections import Counter
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.geometry import GEOMETRIES, Frame, GeometryLimits, LineGeometry, PointGeometry, PolygonGeometry
from steelyard.geometry.shape import OVERSHOOT
from steelyard.task_types._base import Agreement, Answer, AttachmentRef, MediaInfo, TaskType
from steelyard.task_types._shared.common import NO_ATTACHMENT, AttachmentUrl, check_address, is_url
from steelyard.task_types._shared.drawing import AnyShape, drawing_rules
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
from steelyard.task_types._shared.image import ContextAttachment
from steelyard.task_types._shared.lidar_cuboids import Identity, Real
from steelyard.task_types._shared.lidar_params import (
    LIDAR_RULES,
    UNITS_SECTION,
    FrameUrls,
    LidarParams,
    Prelabel,
    check_frame_urls,
    check_label_list,
    frame_refs,
    lidar_words,
    linked_prelabels,
    prelabel,
    prelabel_content,
    raise_first,
    refused,
    told_as,
)
from steelyard.task_types._shared.lidar_source import examine_frame, frame_encoding
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section, first_violation
from steelyard.task_types._shared.shape_agreement import (
    ATTRIBUTES,
    OBJECTS,
    attribute_score,
    canonical_drawing,
    match_shapes,
)
from steelyard.taxonomy.answers import Questionnaire
from steelyard.taxonomy.attributes import check_attributes
from steelyard.taxonomy.labels import check_labels, leaves

METERS_PER_PIXEL = 0.05


class TopdownGeometries(Struct, kw_only=True, forbid_unknown_fields=True):
    """The geometries that may be drawn, each with its labels. A null one is not offered."""

    polygon: PolygonGeometry | None = None
    line: LineGeometry | None = None
    point: PointGeometry | None = None

    def declared(self) -> dict[str, GeometryLimits]:
        """Those that are there, by name."""
        found: dict[str, GeometryLimits | None] = {
            "polygon": self.polygon,
            "line": self.line,
            "point": self.point,
        }
        return {name: limits for name, limits in found.items() if limits is not None}


class LidarTopdownParams(LidarParams, kw_only=True):
    """Frames, or one aerial image, and what to draw on them."""

    attachments: Annotated[
        FrameUrls | None, Meta(description="URLs of the frames, in time order; not with `attachment`.")
    ] = None
    attachment: Annotated[
        AttachmentUrl | Annotated[list[AttachmentUrl], Meta(min_length=1)] | None,
        Meta(description="URL of an aerial image, or an array of just that."),
    ] = None
    attachment_type: Annotated[
        Literal["json", "protobuf", "image"] | None,
        Meta(description="`json` (default) or `protobuf` for frames, `image` for an aerial image."),
    ] = None
    context_attachments: Annotated[
        list[ContextAttachment] | None, Meta(description="Reference images, not to be labeled.")
    ] = None
    geometries: Annotated[TopdownGeometries, Meta(description="What may be drawn and how it is called.")]
    meters_per_pixel: Annotated[
        Annotated[float, Meta(ge=0.01, le=1)] | None,
        Meta(description="Resolution of the picture made from frames; default 0.05."),
    ] = None

    @property
    def aerial(self) -> str | None:
        """URL of the aerial image, None where the picture is made from frames."""
        given = self.attachment
        return given[0] if isinstance(given, list) else given


class LidarTopdownResponse(Struct, kw_only=True):
    """The shapes: a JSON object with `annotations`, and with `tile` where the picture was made from frames."""

    annotations: LidarFileLink


class TileOrigin(Struct, kw_only=True):
    """The world position of a tile's top left corner, input units."""

    x: Real
    y: Real


class Tile(Struct, kw_only=True):
    """Where the picture lies in the world: `u = (x − x0)·mpu/mpp`, `v = (y1 − y)·mpu/mpp` (§10.2)."""

    origin: TileOrigin
    meters_per_pixel: Annotated[float, Meta(gt=0)]
    width: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]


class TopdownFile(Struct, kw_only=True):
    """Shapes in world coordinates (with `z`), or in pixels of the aerial image."""

    annotations: list[dict[str, Any]]
    tile: Tile | None = None


class _Identity(Struct, kw_only=True):
    uuid: Identity | None = None


class _Height(Struct, kw_only=True):
    z: Real | None = None


_FILE = msgspec.json.Decoder(TopdownFile)


def _check_media(params: Any) -> None:
    aerial = params.attachment
    if aerial is not None and params.attachments is not None:
        raise refused("attachment", "specify either attachments or attachment, not both")
    if aerial is None and params.attachments is None:
        raise refused("attachments", NO_ATTACHMENT, "is required")
    allowed = ("image",) if aerial is not None else ("json", "protobuf")
    if params.attachment_type is not None and params.attachment_type not in allowed:
        raise refused("attachment_type", f"attachment_type must be one of: {', '.join(allowed)}")
    check_frame_urls(params)
    if isinstance(aerial, list) and len(cast("list[str]", aerial)) != 1:
        raise refused("attachment", "attachment must contain exactly one url")
    for url in cast("list[str]", aerial) if isinstance(aerial, list) else [aerial] if aerial else []:
        if not is_url(url):
            raise refused("attachment", "attachment is not a valid URL", "is not a valid URL")
        check_address(url, "attachment")
    for i, context in enumerate(cast("list[ContextAttachment] | None", params.context_attachments) or ()):
        check_address(context.attachment, f"context_attachments[{i}].attachment")


def _check_geometries(params: Any) -> None:
    declared = cast("TopdownGeometries", params.geometries).declared()
    if not declared:
        raise refused("geometries", "geometries must contain at least one element")
    for name, limits in declared.items():
        path = f"geometries.{name}.objects_to_annotate"
        if leaves(limits.objects_to_annotate):
            check_label_list(limits.objects_to_annotate, path)
        limits.check(f"geometries.{name}", check_labels(limits.objects_to_annotate, path))
    if not any(leaves(limits.objects_to_annotate) for limits in declared.values()):
        message = "geometries must define at least one label in objects_to_annotate."
        raise refused("geometries", message)


def _labels(params: Any) -> dict[str, list[str]]:
    declared = cast("TopdownGeometries", params.geometries).declared()
    return {name: leaves(limits.objects_to_annotate) for name, limits in declared.items()}


def _check_attributes(params: Any) -> None:
    labels = {label for found in _labels(params).values() for label in found}
    check_attributes(params.annotation_attributes, labels, False)


class _Checker:
    """Checks shapes against one task's params; completes what an answer must carry."""

    def __init__(self, params: Any, frame: Frame, complete: bool = True) -> None:
        self.limits = cast("TopdownGeometries", params.geometries).declared()
        self.labels = _labels(params)
        self.questions = Questionnaire(params.annotation_attributes, combine=params.condition_mode or "or")
        self.frame = frame
        self.world = params.attachment is None
        self.complete = complete

    def check(self, path: str, given: TopdownFile) -> tuple[list[Issue], bool]:
        """Issues, and whether anything was completed in place."""
        issues: list[Issue] = []
        changed = False
        if given.tile is not None and not self.world:
            issues.append(Issue(f"{path}.tile", "is for pictures made from frames only"))
        labels: dict[str, Any] = {}
        for i, item in enumerate(given.annotations):
            where = f"{path}.annotations[{i}]"
            found, done = self._shape(where, item)
            issues += found
            if done != item:
                given.annotations[i], changed = done, True
            key = str(done.get("uuid"))
            if key in labels:
                issues.append(Issue(f"{where}.uuid", "is used more than once"))
            labels[key] = done.get("label")
        linked = {key: d for key, d in self.questions.ordered if d.type == "linked"}
        for i, item in enumerate(given.annotations if linked and not issues else ()):
            for key, d in linked.items():
                target = (item.get("attributes") or {}).get(key)
                if target is not None and (
                    target == item.get("uuid") or labels.get(str(target)) not in d.targets
                ):
                    where = f"{path}.annotations[{i}].attributes.{key}"
                    issues.append(
                        Issue(where, "must be the uuid of another annotation with an allowed label")
                    )
        return issues, changed

    def _shape(self, path: str, item: dict[str, Any]) -> tuple[list[Issue], dict[str, Any]]:
        kind = item.get("type")
        if kind is None and not self.complete and len(self.limits) == 1:
            kind = next(iter(self.limits))
        if not isinstance(kind, str) or kind not in self.limits:
            return [Issue(f"{path}.type", "must be one of " + ", ".join(self.limits))], item
        plain = {**item, "type": kind}
        vertices: Any = item.get("vertices") if kind != "point" else [item]
        violation = first_violation(GEOMETRIES[kind].shape, plain, strict=self.complete)
        violation = violation or first_violation(_Identity, plain, strict=self.complete)
        violation = violation or first_violation(list[_Height], vertices, ("vertices",), strict=self.complete)
        if violation is not None:
            return [Issue(f"{path}.{violation.where}" if violation.where else path, violation.problem)], item
        done = dict(plain)
        closing = kind == "polygon" and len(vertices) > 1 and _flat(vertices[0]) == _flat(vertices[-1])
        if closing:
            done["vertices"] = vertices[:-1]
        shape = cast("AnyShape", msgspec.convert(done, GEOMETRIES[kind].shape, strict=self.complete))
        issues = [Issue(path, problem) for problem in self.limits[kind].problems(shape)]
        if not self.world and self.complete and self.frame.overshoot(shape.points()) > OVERSHOOT + 1e-6:
            issues.append(Issue(path, "lies outside the image"))
        if shape.label not in self.labels[kind]:
            issues.append(Issue(f"{path}.label", "is not one of the task's labels"))
        given = shape.attributes or {}
        found, answers = self.questions.check(
            f"{path}.attributes", shape.label, given, complete=self.complete
        )
        if item.get("uuid") is None:
            done["uuid"] = str(uuid.uuid4() if self.complete else uuid.uuid5(_PLACE, path))
        if answers != given or item.get("attributes") is None:
            done["attributes"] = answers
        return issues + found, done


_PLACE = uuid.UUID("5c1f9b52-2c6b-4d58-8a5e-0b7f4f5d8e61")


def _flat(vertex: Any) -> tuple[Any, Any]:
    return vertex.get("x"), vertex.get("y")


def _frame(params: Any, media: MediaInfo) -> Frame:
    return Frame() if params.attachment is None else Frame.of(media.width, media.height)


def _prelabels(params: Any) -> dict[str, Any] | None:
    found = prelabel(params)
    if found is None:
        return None
    if found.url is not None:
        return {"annotations": {"url": found.url}}
    return {"annotations": _plain(_checked(params, found, found.content, MediaInfo()))}


def _checked(params: Any, found: Prelabel, content: Any, media: MediaInfo) -> TopdownFile:
    """Pre-labels as shapes; raises InvalidRequest."""
    bare = isinstance(content, list)
    content = {"annotations": content} if bare else content
    with told_as({f"{found.path}.annotations": found.path} if bare else {}):
        given = prelabel_content(found, TopdownFile, content)
        given = TopdownFile(annotations=list(given.annotations), tile=given.tile)
        issues, _ = _Checker(params, Frame(), complete=False).check(found.path, given)
        raise_first(issues)
    return given


def _plain(given: TopdownFile) -> dict[str, Any]:
    return {k: v for k, v in cast("dict[str, Any]", msgspec.to_builtins(given)).items() if v is not None}


_parse = ParamsParser(
    LidarTopdownParams,
    (
        Section(("attachments", "attachment", "attachment_type", "context_attachments"), _check_media),
        Section(("geometries",), _check_geometries),
        Section(("annotation_attributes",), _check_attributes),
        UNITS_SECTION,
        Section(("meters_per_pixel",)),
        Section(("base_annotations", "hypothesis"), _prelabels),
    ),
    (
        Rule("attachment", "attachment must be a string", ("type",)),
        Rule("attachment", "attachment must contain exactly one url", ("value",)),
        Rule("attachment.#", "attachment must be a string", ("type",)),
        Rule("attachment.#", "attachment is not a valid URL"),
        Rule(
            "context_attachments.#.**", 'context_attachments[{i}] must be an object with an "attachment" URL.'
        ),
        Rule("geometries", "geometries is required", ("missing",)),
        Rule("geometries", "geometries must be an object", ("type", "value")),
        Rule("geometries.*", "geometries.{k} is not supported for lidartopdown", ("unknown",)),
        *LIDAR_RULES,
        *drawing_rules("lidartopdown"),
    ),
    lidar_words,
)


def _check(params: LidarTopdownParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    parts = read_parts(data, media, ("annotations",))
    if isinstance(parts, list):
        return parts, data
    inline = parts["annotations"]
    if inline is None:
        return [], data
    given, problems = read_content(_FILE, inline, ("annotations",))
    if problems:
        return problems, data
    issues, changed = _Checker(params, _frame(params, media)).check("annotations", given)
    return issues, patched(data, {"annotations": _plain(given)}) if changed and not issues else data


def _test_answer(params: LidarTopdownParams, seed: str, media: MediaInfo) -> Answer:
    """One or two shapes of every geometry; in a square of 100 units around the world's origin where there is no image."""
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    world = params.attachment is None
    checker = _Checker(params, _frame(params, media))
    area = Frame(-50.0, -50.0, 50.0, 50.0) if world else checker.frame
    made: list[dict[str, Any]] = []

    def add(kind: str, label: str) -> None:
        shape = checker.limits[kind].make(rng, area)
        if shape is not None:
            key = str(uuid.UUID(int=rng.getrandbits(128), version=4))
            named = shape.named(key, label, checker.questions.make(rng, label))
            plain: dict[str, Any] = {"attributes": {}, **cast("dict[str, Any]", msgspec.to_builtins(named))}
            for place in plain.get("vertices", [plain]) if world else ():
                place["z"] = 0.0
            made.append(plain)

    for kind, labels in checker.labels.items():
        for _ in range(rng.randint(1, 2) if labels else 0):
            add(kind, rng.choice(labels))
    linked = [(key, d) for key, d in checker.questions.ordered if d.type == "linked"]
    done = 0
    while linked and done < len(made):
        item = made[done]
        done += 1
        shown = checker.questions.shown(item["label"], item["attributes"], None)
        for key, d in linked:
            if key not in shown:
                continue
            fits = [x for x in made if x is not item and x["label"] in d.targets]
            if not fits and d.must_answer:
                kind = next(k for k, labels in checker.labels.items() if d.targets[0] in labels)
                add(kind, d.targets[0])
                fits = made[-1:]
            if fits:
                item["attributes"][key] = fits[0]["uuid"]
    content: dict[str, Any] = {"annotations": made}
    if world:
        mpp = params.meters_per_pixel or METERS_PER_PIXEL
        side = max(1, min(2**20, math.ceil(120 * (params.meters_per_unit or 1.0) / mpp)))
        origin = {"x": -60, "y": 60}
        content["tile"] = {"origin": origin, "meters_per_pixel": mpp, "width": side, "height": side}
    return as_files({"annotations": content})


def _drawn(params: LidarTopdownParams, response: dict[str, Any]) -> list[AnyShape]:
    """Shapes in pixels: tolerances are pixels, and the world is compared at the resolution that it is shown in."""
    given = cast("TopdownFile", compared(response, "annotations", TopdownFile))
    scale = 1.0
    if params.attachment is None:
        scale = (params.meters_per_unit or 1.0) / (params.meters_per_pixel or METERS_PER_PIXEL)
    try:
        scaled = [_scaled(item, scale) for item in given.annotations]
        return msgspec.convert({"annotations": scaled}, DrawingResponse, strict=False).annotations
    except (msgspec.ValidationError, TypeError) as error:
        raise InvalidRequest(f"annotations cannot be read: {error}") from None


def _scaled(item: dict[str, Any], scale: float) -> dict[str, Any]:
    def place(at: dict[str, Any]) -> dict[str, Any]:
        return {**at, "x": at.get("x", 0) * scale, "y": at.get("y", 0) * scale}

    return {**item, "vertices": [place(v) for v in item["vertices"]]} if "vertices" in item else place(item)


def _agreement(
    params: LidarTopdownParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """2·Σ similarity ÷ (n₁ + n₂), attributes on matched pairs for 20 %. `annotations` inline or with the file's bytes."""
    one, other = _drawn(params, a), _drawn(params, b)
    diagonal = math.hypot(media.width, media.height) if params.attachment is not None else 0.0
    pairs = match_shapes(one, other, diagonal)
    total = len(one) + len(other)
    objects = 2 * sum(s for _, _, s in pairs) / total if total else 1.0
    partner = {one[i].uuid: other[j].uuid for i, j, _ in pairs}
    detail: dict[str, Any] = {
        "objects": round(objects, 6),
        "pairs": [[one[i].uuid, other[j].uuid, round(s, 6)] for i, j, s in pairs],
    }
    answered = [
        attribute_score(d, x.get(key), y.get(key), partner)
        for i, j, _ in pairs
        for x, y in [(one[i].attributes or {}, other[j].attributes or {})]
        for key, d in (params.annotation_attributes or {}).items()
        if x.get(key) is not None or y.get(key) is not None
    ]
    if not answered:
        return Agreement(min(1.0, objects), detail)
    attributes = sum(answered) / len(answered)
    score = min(1.0, OBJECTS * objects + ATTRIBUTES * attributes)
    return Agreement(score, {**detail, "attributes": round(attributes, 6)})


def _canonical(response: dict[str, Any]) -> Any:
    """Shapes without identities, order and heights; the tile says nothing about equality."""
    content = content_of(response.get("annotations"))
    if content is None:
        return {"annotations": None}
    given = msgspec.convert(content, TopdownFile, strict=False)
    return {"annotations": canonical_drawing({"annotations": given.annotations})["annotations"]}


def _summarize(_: Any, response: dict[str, Any]) -> dict[str, Any]:
    content = content_of(response.get("annotations"))
    if not isinstance(content, dict):
        return {"annotations": 0}
    items = msgspec.convert(content, TopdownFile, strict=False).annotations
    return {
        "annotations": len(items),
        "labels": dict(Counter(str(item.get("label")) for item in items)),
        "geometries": dict(Counter(str(item.get("type")) for item in items)),
    }


def _attachments(params: LidarTopdownParams) -> list[AttachmentRef]:
    """The frames or the aerial image, its context, a pre-label file. In lidar mode the frames' own images are the context."""
    if params.aerial is None:
        return frame_refs(params)
    path = "attachment[0]" if isinstance(params.attachment, list) else "attachment"
    refs = [AttachmentRef(path, params.aerial, media="image")]
    refs += [
        AttachmentRef(f"context_attachments[{i}].attachment", c.attachment, role="context", media="image")
        for i, c in enumerate(params.context_attachments or ())
    ]
    return refs + frame_refs(params)


TASK_TYPE = TaskType(
    title="Lidar top-down",
    description="Polygons, lines and points on a recording or an aerial image seen from above.",
    params=LidarTopdownParams,
    response=LidarTopdownResponse,
    parse_params=_parse,
    attachments=_attachments,
    examine=examine_frame,
    frame_encoding=frame_encoding,
    check_media=linked_prelabels(_checked),
    check_response=_check,
    file_links=part_links("annotations"),
    result_files=stored_parts("annotations"),
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    hypothesis=_prelabels,
    needs_project="project is required",
)
