"""Params of the types in which shapes are drawn on an image: geometries, attributes, links, pre-labels, layers (task-types-2d §3–6)."""

from __future__ import annotations

from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.geometry import (
    GEOMETRIES,
    BoxAnnotation,
    BoxGeometry,
    CuboidAnnotation,
    CuboidGeometry,
    EllipseAnnotation,
    EllipseGeometry,
    GeometryLimits,
    LineAnnotation,
    LineGeometry,
    PointAnnotation,
    PointGeometry,
    PolygonAnnotation,
    PolygonGeometry,
)
from steelyard.task_types._base import MediaInfo
from steelyard.task_types._shared.image import ImageParams
from steelyard.task_types._shared.parsing import (
    Rule,
    Section,
    Violation,
    first_violation,
    read_response,
    shorten,
)
from steelyard.taxonomy.attributes import Attributes, AttributeValue, check_attributes
from steelyard.taxonomy.labels import check_labels, leaves

AnyShape = (
    BoxAnnotation
    | PolygonAnnotation
    | LineAnnotation
    | PointAnnotation
    | CuboidAnnotation
    | EllipseAnnotation
)


class Geometries(Struct, kw_only=True, forbid_unknown_fields=True):
    """The geometries that may be drawn, each with its labels. A null or label-less one is not offered."""

    box: BoxGeometry | None = None
    polygon: PolygonGeometry | None = None
    line: LineGeometry | None = None
    point: PointGeometry | None = None
    cuboid: CuboidGeometry | None = None
    ellipse: EllipseGeometry | None = None

    def declared(self) -> dict[str, GeometryLimits]:
        """Those that are there, by name."""
        found = {name: getattr(self, name) for name in GEOMETRIES}
        return {name: limits for name, limits in found.items() if limits is not None}

    def labels(self) -> dict[str, list[str]]:
        """Leaves of each declared geometry."""
        return {name: leaves(limits.objects_to_annotate) for name, limits in self.declared().items()}


class LinkRule(Struct, kw_only=True):
    """Which annotations a link may join; an absent list means any label."""

    is_bidirectional: bool | None = None
    from_allowed_labels: list[str] | str | None = None
    to_allowed_labels: list[str] | str | None = None

    def allows(self, source: str | None, target: str | None) -> bool:
        """Whether a link may go from one label to the other, either way when bidirectional."""

        def fits(allowed: list[str] | str | None, label: str | None) -> bool:
            return not allowed or label == allowed or (isinstance(allowed, list) and label in allowed)

        forward = fits(self.from_allowed_labels, source) and fits(self.to_allowed_labels, target)
        back = fits(self.from_allowed_labels, target) and fits(self.to_allowed_labels, source)
        return forward or (bool(self.is_bidirectional) and back)


LinkRules = dict[str, LinkRule | list[LinkRule]]


class AnnotationLink(Struct, kw_only=True, rename={"source": "from", "target": "to"}):
    """A relation between two annotations of a response, by their uuids."""

    uuid: str | None = None
    label: str
    source: str
    target: str
    is_bidirectional: bool | None = None


class PreLabels(Struct, kw_only=True):
    """Pre-labels in the form of a response. Annotations may lack `uuid` and, with a single geometry declared, `type`."""

    annotations: list[Any]
    global_attributes: dict[str, AttributeValue] | None = None
    links: list[AnnotationLink] | None = None


class Layers(Struct, kw_only=True, forbid_unknown_fields=True):
    """Read-only drawings under the labels, per geometry; labels are free text."""

    boxes: list[Any] | None = None
    polygons: list[Any] | None = None
    lines: list[Any] | None = None
    points: list[Any] | None = None
    cuboids: list[Any] | None = None
    ellipses: list[Any] | None = None


class DrawingParams(ImageParams, kw_only=True):
    """Params of the types that draw shapes on one image."""

    geometries: Annotated[Geometries, Meta(description="What may be drawn and how it is called.")]
    annotation_attributes: Annotated[
        Attributes | None, Meta(description="Attributes of annotations and, if global, of the scene.")
    ] = None
    links: Annotated[LinkRules | None, Meta(description="Relations between annotations, by link label.")] = (
        None
    )
    hypothesis: Annotated[PreLabels | None, Meta(description="Editable pre-labels.")] = None
    base_annotations: Annotated[
        PreLabels | None, Meta(description="Pre-labels whose editing can be restricted.")
    ] = None
    can_add_base_annotations: bool | None = None
    can_edit_base_annotations: bool | None = None
    can_edit_base_annotation_labels: bool | None = None
    can_delete_base_annotations: bool | None = None
    layers: Annotated[
        Layers | None, Meta(description="Drawings under the labels, never part of the answer.")
    ] = None


def check_geometries(params: Any) -> None:
    """Catalogue entries G1, G4, G7 to G11 and L2 to L5."""
    declared = cast("Geometries", params.geometries).declared()
    if not declared:
        raise InvalidRequest(_G1, issues=[Issue("geometries", "must hold a geometry")])
    found = False
    for name, limits in declared.items():
        labels = check_labels(limits.objects_to_annotate, f"geometries.{name}.objects_to_annotate")
        limits.check(f"geometries.{name}", labels)
        found = found or bool(labels)
    if not found:
        message = "geometries must define at least one label in objects_to_annotate."
        raise InvalidRequest(message, issues=[Issue("geometries", "must define at least one label")])


def check_drawing_attributes(params: Any) -> None:
    """Catalogue entries A3 to A10 and, because it looks at an attribute, G9."""
    geometries = cast("Geometries", params.geometries)
    attributes = cast("Attributes | None", params.annotation_attributes)
    if attributes:
        declared = geometries.declared()
        sized = any(GEOMETRIES[name].sized for name in declared)
        check_attributes(attributes, _all_labels(geometries), sized)
    for i, connection in enumerate((geometries.point and geometries.point.connections) or ()):
        name = connection.connection_attribute
        if name is not None and (name not in (attributes or {}) or (attributes or {})[name].type != "linked"):
            path = f"geometries.point.connections[{i}].connection_attribute"
            problem = 'must name an attribute of type "linked"'
            raise InvalidRequest(f"{path} {problem}.", issues=[Issue(path, problem)])


def check_links(params: Any) -> None:
    """Catalogue entry K2."""
    links = cast("LinkRules | None", params.links)
    if not links:
        return
    known = _all_labels(params.geometries)
    for key, rules in links.items():
        for rule in rules if isinstance(rules, list) else [rules]:
            for side in (rule.from_allowed_labels, rule.to_allowed_labels):
                for label in [side] if isinstance(side, str) else side or ():
                    if label not in known:
                        message = f'links.{key} refers to unknown label "{shorten(label)}".'
                        raise InvalidRequest(
                            message, issues=[Issue(f"links.{key}", "refers to an unknown label")]
                        )


def check_prelabels(params: Any) -> None:
    """Catalogue entries H1 and H3 to H8."""
    if params.hypothesis is not None and params.base_annotations is not None:
        message = "hypothesis and base_annotations cannot be used together."
        raise InvalidRequest(message, issues=[Issue("hypothesis", "cannot be used with base_annotations")])
    for name in ("hypothesis", "base_annotations"):
        given = cast("PreLabels | None", getattr(params, name))
        if given is None:
            continue
        shapes_of(given, params.geometries, f"{name}.annotations")
        attributes = cast("Attributes | None", params.annotation_attributes) or {}
        for key in given.global_attributes or ():
            if key not in attributes or not attributes[key].is_global:
                path = f"{name}.global_attributes.{key}"
                problem = "is not a global attribute of this task"
                raise InvalidRequest(f"{path} {problem}.", issues=[Issue(path, problem)])
    layers = cast("Layers | None", params.layers)
    if layers is None:
        return
    for geometry in GEOMETRIES.values():
        for i, item in enumerate(getattr(layers, geometry.layer) or ()):
            misfit = _misfit(geometry.name, item)
            if misfit is not None:
                raise _no_annotation(f"layers.{geometry.layer}[{i}]", geometry.name, misfit)


def layer_problem(given: Any) -> str | None:
    """Why a JSON value is no object of layers, None if it is one. Labels are free text."""
    if not isinstance(given, dict):
        return " must be an object"
    kinds = {geometry.layer: geometry.name for geometry in GEOMETRIES.values()}
    for key, items in cast("dict[str, Any]", given).items():
        if items is None:
            continue
        if key not in kinds:
            return f".{shorten(key)} is no layer; there are {', '.join(kinds)}"
        if not isinstance(items, list):
            return f".{key} must be an array of annotations"
        for i, item in enumerate(cast("list[Any]", items)):
            misfit = _misfit(kinds[key], item)
            if misfit is not None:
                return f".{key}[{i}] is no {kinds[key]}: {_why(misfit)}"
    return None


_EXPECTED = msgspec.json.Decoder(PreLabels, strict=False)


def expected_issues(params: DrawingParams, data: bytes, media: MediaInfo = MediaInfo()) -> list[Issue]:
    """`check_expected`: the rules of pre-labels, not those of submissions (§18.0); the first problem only."""
    given = read_response(_EXPECTED, data)
    if isinstance(given, list):
        return given
    try:
        shapes_of(given, params.geometries, "annotations")
    except InvalidRequest as error:
        return list(error.issues)
    attributes = params.annotation_attributes or {}
    strangers = [
        k for k in given.global_attributes or () if k not in attributes or not attributes[k].is_global
    ]
    return [Issue(f"global_attributes.{k}", "is not a global attribute of this task") for k in strangers]


def shapes_of(given: PreLabels, geometries: Geometries, path: str) -> list[AnyShape]:
    """Pre-labels as shapes; raises InvalidRequest with catalogue entries H3 to H6.

    A missing uuid is the place in the list, in the form of a uuid: the same whenever it is asked for, and the same that the browser takes.
    """
    labels = {name: frozenset(found) for name, found in geometries.labels().items()}
    shapes: list[AnyShape] = []
    taken: set[str] = set()
    for i, item in enumerate(given.annotations):
        shape = _shape(item, i, labels, path)
        if shape.uuid is not None and shape.uuid in taken:
            raise _broken(path, i, f'.uuid "{shorten(shape.uuid)}" is used more than once.')
        if shape.uuid is not None:
            taken.add(shape.uuid)
        shapes.append(shape)
    for i, shape in enumerate(shapes):
        if shape.uuid is None:
            shape.uuid = place_uuid(i)
    return shapes


def place_uuid(i: int, frame: int = 0) -> str:
    """The identity of the i-th pre-label (from 0) of a frame that came without one; `placeId` of the image editor's wire.ts is its twin."""
    return f"00000000-0000-4000-8{frame:03x}-{i:012x}"


_G1 = "geometries must be an object with at least one of: box, polygon, line, point, cuboid, ellipse."


def _shape(item: Any, i: int, labels: dict[str, frozenset[str]], path: str) -> AnyShape:
    if not isinstance(item, dict):
        raise _broken(path, i, " is not a valid annotation: must be an object.")
    found = cast("dict[str, Any]", item)
    kind = found.get("type")
    if kind is None and len(labels) == 1:
        kind = next(iter(labels))
    if kind is None:
        raise _broken(path, i, " is not a valid annotation: type is required.")
    if not isinstance(kind, str) or kind not in labels:
        raise _broken(path, i, f'.type "{shorten(kind)}" is not one of the task\'s geometries.')
    misfit = _misfit(kind, found)
    if misfit is not None:
        raise _no_annotation(f"{path}[{i}]", kind, misfit)
    shape = cast("AnyShape", msgspec.convert({**found, "type": kind}, GEOMETRIES[kind].shape, strict=False))
    if shape.label not in labels[kind]:
        raise _broken(path, i, f'.label "{shorten(found.get("label"))}" is not one of the task\'s labels.')
    return shape


def _broken(path: str, i: int, text: str) -> InvalidRequest:
    """`text` follows the annotation's place: ` is …` or `.key is …`."""
    key, _, problem = text.partition(" ")
    return InvalidRequest(f"{path}[{i}]{text}", issues=[Issue(f"{path}[{i}]{key}", problem.rstrip("."))])


def _misfit(kind: str, item: Any) -> Violation | None:
    """What makes a value no annotation of this geometry, None if it is one; its own `type` is not looked at."""
    if not isinstance(item, dict):
        return Violation((), "type", "an object")
    return first_violation(GEOMETRIES[kind].shape, {**cast("dict[str, Any]", item), "type": kind})


def _why(misfit: Violation) -> str:
    return f"{misfit.where} {misfit.problem}".lstrip()


def _no_annotation(place: str, kind: str, misfit: Violation) -> InvalidRequest:
    """Catalogue entry H3."""
    issue = Issue(f"{place}.{misfit.where}".rstrip("."), misfit.problem)
    return InvalidRequest(f"{place} is not a valid {kind} annotation: {_why(misfit)}.", issues=[issue])


def _all_labels(geometries: Geometries) -> set[str]:
    return {label for labels in geometries.labels().values() for label in labels}


GEOMETRY_SECTION = Section(("geometries",), check_geometries, alike=True)
ATTRIBUTE_SECTION = Section(("annotation_attributes",), check_drawing_attributes, alike=True)
LINK_SECTION = Section(("links",), check_links, alike=True)
PRELABEL_SECTION = Section(
    (
        "hypothesis", "base_annotations", "can_add_base_annotations", "can_edit_base_annotations",
        "can_edit_base_annotation_labels", "can_delete_base_annotations", "layers",
    ),
    check_prelabels,
)  # fmt: skip

_LABEL_TEXT = '{parent}: label must be a string or an object with a "choice".'
_CHOICE_TEXT = "choice must be a non-empty string of at most 256 characters."


def label_rules(*lists: str) -> tuple[Rule, ...]:
    """Catalogue entries L1 and L2 for label lists at these places, down to the depth that is allowed."""
    rules: list[Rule] = []
    for place in lists:
        at = place
        for _ in range(11):
            rules.append(
                Rule(f"{at}.#", '{path}: label must be a string or an object with a "choice".', ("type",))
            )
            rules.append(Rule(f"{at}.#", "{path}: " + _CHOICE_TEXT, ("value",)))
            rules.append(Rule(f"{at}.#.choice", _LABEL_TEXT, ("missing",)))
            rules.append(Rule(f"{at}.#.choice", "{parent}: " + _CHOICE_TEXT))
            at += ".#.subchoices"
    return tuple(rules)


ATTRIBUTE_RULES: tuple[Rule, ...] = (
    Rule("annotation_attributes", "annotation_attributes must be an object keyed by non-empty strings."),
    Rule(
        "annotation_attributes.*",
        "annotation_attributes must be an object keyed by non-empty strings.",
        kinds=("value",),
    ),
    Rule("annotation_attributes.*.type", 'annotation_attributes.{k}.type "{v}" is not supported.'),
    Rule("annotation_attributes.*.choices", "annotation_attributes.{k}.choices must be a non-empty array."),
    Rule(
        "annotation_attributes.*.allow_multiple|required|global",
        "annotation_attributes.{k}.{p} must be a boolean.",
    ),
    Rule("annotation_attributes.*.conditions.is_global", "annotation_attributes.{k}.{p} must be a boolean."),
    Rule(
        "annotation_attributes.*.allowed_labels.**",
        "annotation_attributes.{k}.allowed_labels must be a non-empty array of leaf labels.",
    ),
    *label_rules("annotation_attributes.*.choices"),
)


def drawing_rules(task_type: str) -> tuple[Rule, ...]:
    """Catalogue messages for `DrawingParams`."""
    least = "geometries.{k}.{p} must be an integer greater than or equal to "
    return (
        Rule("geometries", _G1),
        Rule("geometries.*", f"geometries.{{k}} is not a supported geometry for {task_type}.", ("unknown",)),
        Rule("geometries.*", "geometries.{k} must be an object."),
        Rule("geometries.*.min_width|min_height", least + "0."),
        Rule("geometries.*.min_vertices", least + "1."),
        Rule(
            "geometries.*.max_vertices", "geometries.{k}.max_vertices must be null or at least min_vertices."
        ),
        Rule(
            "geometries.*.max_vertives", "geometries.{k}.max_vertices must be null or at least min_vertices."
        ),
        Rule(
            "geometries.point.connections.#.pair.**",
            "geometries.point.connections[{i}].pair must hold exactly two labels from objects_to_annotate.",
        ),
        Rule(
            "geometries.point.connections.#.connection_attribute",
            'geometries.point.connections[{i}].connection_attribute must name an attribute of type "linked".',
        ),
        Rule(
            "geometries.cuboid.camera_intrinsics.**",
            "camera_intrinsics must contain numeric fx, fy, cx and cy, with fx and fy non-zero.",
        ),
        Rule(
            "geometries.cuboid.camera_rotation_quaternion.**",
            "camera_rotation_quaternion must contain numeric w, x, y and z and must not be all zero.",
        ),
        *label_rules("geometries.*.objects_to_annotate"),
        *ATTRIBUTE_RULES,
        Rule("links", "links must be an object keyed by link label."),
        Rule("links.*", "links.{k} must be an object or an array of objects.", ("type", "value")),
        Rule("links.*.#", "links.{k} must be an object or an array of objects.", ("type",)),
        Rule("hypothesis", "hypothesis.annotations is required."),
        Rule("hypothesis.annotations", "hypothesis.annotations is required."),
        Rule("base_annotations", "base_annotations.annotations is required."),
        Rule("base_annotations.annotations", "base_annotations.annotations is required."),
        Rule("layers.*", "layers.{k} must be an array of annotations."),
    )


def editing(params: Any) -> tuple[bool, bool, bool, bool]:
    """Whether base annotations of a drawing or a video may be added to, edited, relabeled, deleted (defaults of task-types-2d §6.3)."""
    edit = params.can_edit_base_annotations is not False
    relabel = (
        edit if params.can_edit_base_annotation_labels is None else params.can_edit_base_annotation_labels
    )
    return (
        params.can_add_base_annotations is not False,
        edit,
        relabel,
        params.can_delete_base_annotations is not False,
    )
