"""The legacy image types (task-types-2d §12): one geometry each, its settings at the top level of the params, and answers without
`uuid` and `type`. A type declares its geometry and its settings; everything is checked as a drawing of that one geometry.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.geometry import GEOMETRIES, GeometryLimits
from steelyard.task_types._base import Agreement, Answer, MediaInfo, TaskType
from steelyard.task_types._shared.drawing import (
    ATTRIBUTE_RULES,
    DrawingParams,
    Geometries,
    Layers,
    PreLabels,
    check_prelabels,
    label_rules,
)
from steelyard.task_types._shared.drawing_answers import (
    DrawingChecker,
    DrawingMaker,
    check_drawing,
    frame_of,
    summarize_drawing,
)
from steelyard.task_types._shared.drawing_hypothesis import drawing_hypothesis
from steelyard.task_types._shared.image import IMAGE_SECTION, ImageParams, image_attachments, image_rules
from steelyard.task_types._shared.nesting import too_deep
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section
from steelyard.task_types._shared.shape_agreement import canonical_drawing, drawing_agreement
from steelyard.taxonomy.attributes import Attributes, AttributeValue, check_attributes
from steelyard.taxonomy.labels import LabelList, check_labels, leaves


class Example(Struct, kw_only=True):
    """A picture shown with the instructions: how to do it, or how not to."""

    correct: bool
    image: str
    explanation: str


TopLabels = Annotated[LabelList | None, Meta(description="Labels of the one geometry.")]
WithLabels = Annotated[bool | None, Meta(description="Default true; when false, annotations carry no label.")]
Examples = Annotated[list[Example] | None, Meta(description="Shown with the instructions.")]
Urgency = Annotated[
    Literal["immediate", "day", "week", "standard"] | None, Meta(description="Stored; without effect.")
]


class LegacyImageParams(ImageParams, kw_only=True):
    """Params of the types that draw one geometry on one image."""

    objects_to_annotate: TopLabels = None
    with_labels: WithLabels = None
    examples: Examples = None
    urgency: Urgency = None
    annotation_attributes: Annotated[Attributes | None, Meta(description="Attributes of annotations.")] = None
    hypothesis: Annotated[
        PreLabels | None, Meta(description="Editable pre-labels; `type` may be missing.")
    ] = None
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
    legacy_annotation_ids: Annotated[
        bool | None,
        Meta(
            description="Answers carry `uuid` and `type`, as they do anyway with linked attributes or base annotations."
        ),
    ] = None


class LegacyAnnotation(Struct, kw_only=True, omit_defaults=True):
    """What every annotation of a legacy answer may carry beside its geometry."""

    uuid: Annotated[str | None, Meta(description="With `legacy_annotation_ids`.")] = None
    type: Annotated[str | None, Meta(description="With `legacy_annotation_ids`.")] = None
    label: Annotated[str | None, Meta(description="Absent when `with_labels` is false.")] = None
    attributes: dict[str, AttributeValue] | None = None


class LegacyResponse(Struct, kw_only=True):
    """Base of the answers; subclasses say of what the `annotations` are."""

    global_attributes: Annotated[
        dict[str, AttributeValue] | None, Meta(description="Present when global attributes are declared.")
    ] = None


NO_LABEL = "object"
"""The label that unlabelled annotations have inside."""

_L7 = "objects_to_annotate must be a non-empty array of labels."
_MINIMUM = "{path} must be an integer greater than or equal to "
_VERTICES = "{path} must be null or at least min_vertices."
_X1 = "examples must be an array of objects with correct, image and explanation."

TAXONOMY_RULES: tuple[Rule, ...] = (
    Rule("objects_to_annotate", _L7),
    *label_rules("objects_to_annotate"),
    Rule("min_width|min_height|min_annotations|max_annotations", _MINIMUM + "0."),
    Rule("min_vertices", _MINIMUM + "1."),
    Rule("max_vertices|max_vertives", _VERTICES),
    Rule(
        "camera_intrinsics.**",
        "camera_intrinsics must contain numeric fx, fy, cx and cy, with fx and fy non-zero.",
    ),
    Rule(
        "camera_rotation_quaternion.**",
        "camera_rotation_quaternion must contain numeric w, x, y and z and must not be all zero.",
    ),
    Rule("examples.**", _X1),
)
"""Catalogue messages for settings at the top level."""


def top_level_geometry(
    params: Any, geometry: str, settings: tuple[str, ...], *, unlabelled: bool = False
) -> Geometries:
    """The one geometry that top-level settings stand for; raises InvalidRequest with L1 to L7, G7, G10 or G11.

    With `unlabelled`, labels may be missing.
    """
    labels = check_labels(params.objects_to_annotate, "objects_to_annotate")
    if not labels and not unlabelled:
        raise InvalidRequest(_L7, issues=[Issue("objects_to_annotate", "must not be empty")])
    found = _limits(params, geometry, settings)
    try:
        found.check("", labels)
    except InvalidRequest as error:  # its paths begin with that of the geometry, which is empty here
        message = error.message.removeprefix(".").replace('".', '"', 1)
        issues = [Issue(issue.path.lstrip("."), issue.message) for issue in error.issues]
        raise InvalidRequest(message, issues=issues) from None
    return _of_one(geometry, found)


def _of_one(geometry: str, limits: GeometryLimits) -> Geometries:
    return Geometries(**cast("dict[str, Any]", {geometry: limits}))


def _limits(params: Any, geometry: str, settings: tuple[str, ...]) -> GeometryLimits:
    labels: LabelList = params.objects_to_annotate if leaves(params.objects_to_annotate) else NO_LABEL
    return GEOMETRIES[geometry].limits(
        objects_to_annotate=labels, **{name: getattr(params, name) for name in settings}
    )


class LegacyImage:
    """The behaviour of one legacy image type: `settings` are the params of its geometry, `keys` those of an answer's annotation."""

    def __init__(
        self,
        name: str,
        geometry: str,
        params: type[LegacyImageParams],
        *,
        settings: tuple[str, ...] = (),
        keys: tuple[str, ...],
        defaults: dict[str, Any] | None = None,
    ) -> None:
        self.geometry = geometry
        self.settings = settings
        self.keys = keys
        self.defaults = defaults or {}
        self.parse = ParamsParser(
            params,
            (
                IMAGE_SECTION,
                Section(("with_labels", "objects_to_annotate", *settings), self._check_taxonomy),
                Section(("annotation_attributes",), self._check_attributes),
                Section(
                    (
                        "hypothesis", "base_annotations", "can_add_base_annotations", "can_edit_base_annotations",
                        "can_edit_base_annotation_labels", "can_delete_base_annotations", "layers",
                    ),
                    self._check_prelabels,
                ),
                Section(("min_annotations", "max_annotations"), _check_counts)
                if "max_annotations" in self.defaults
                else Section(("examples",)),
            ),
            (
                *image_rules(name),
                *TAXONOMY_RULES,
                *ATTRIBUTE_RULES,
                Rule("hypothesis", "hypothesis.annotations is required."),
                Rule("hypothesis.annotations", "hypothesis.annotations is required."),
                Rule("base_annotations", "base_annotations.annotations is required."),
                Rule("base_annotations.annotations", "base_annotations.annotations is required."),
                Rule("layers.*", "layers.{k} must be an array of annotations."),
            ),
        )  # fmt: skip

    def _check_taxonomy(self, params: Any) -> None:
        unlabelled = params.with_labels is False
        top_level_geometry(params, self.geometry, self.settings, unlabelled=unlabelled)

    def _check_attributes(self, params: Any) -> None:
        labels = set(leaves(params.objects_to_annotate))
        check_attributes(params.annotation_attributes, labels, GEOMETRIES[self.geometry].sized)

    def _check_prelabels(self, params: Any) -> None:
        check_prelabels(
            SimpleNamespace(
                geometries=self._geometries(params),
                annotation_attributes=params.annotation_attributes,
                hypothesis=self._labelled(params, params.hypothesis),
                base_annotations=self._labelled(params, params.base_annotations),
                layers=params.layers,
            )
        )

    def _geometries(self, params: Any) -> Geometries:
        return _of_one(self.geometry, _limits(params, self.geometry, self.settings))

    def _labelled(self, params: Any, given: PreLabels | None) -> PreLabels | None:
        if given is None or params.with_labels is not False:
            return given
        label = self._some_label(params)
        annotations = [
            {**cast("dict[str, Any]", a), "label": label} if isinstance(a, dict) else a
            for a in given.annotations
        ]
        return msgspec.structs.replace(given, annotations=annotations)

    def _some_label(self, params: Any) -> str:
        return next(iter(leaves(params.objects_to_annotate)), NO_LABEL)

    def drawing(self, params: LegacyImageParams) -> DrawingParams:
        """The same task in the form of its modern successor."""
        return DrawingParams(
            attachment=params.attachment,
            condition_mode=params.condition_mode,
            geometries=self._geometries(params),
            annotation_attributes=params.annotation_attributes,
            hypothesis=self._labelled(params, params.hypothesis),
            base_annotations=self._labelled(params, params.base_annotations),
            can_add_base_annotations=params.can_add_base_annotations,
            can_edit_base_annotations=params.can_edit_base_annotations,
            can_edit_base_annotation_labels=params.can_edit_base_annotation_labels,
            can_delete_base_annotations=params.can_delete_base_annotations,
        )

    def _checker(self, params: LegacyImageParams, media: MediaInfo) -> DrawingChecker:
        return DrawingChecker(self.drawing(params), frame_of(media), params.condition_mode or "or")

    def full(self, response: dict[str, Any], label: str | None = None) -> dict[str, Any]:
        """A legacy answer as one of `imageannotation`: every annotation has its type and a label."""

        def one(item: Any) -> Any:
            if not isinstance(item, dict):
                return item
            found = cast("dict[str, Any]", item)
            known = {
                "type": found.get("type") or self.geometry,
                "label": label or found.get("label") or NO_LABEL,
            }
            return {**found, **known}

        items = response.get("annotations")
        return {
            "annotations": [one(a) for a in cast("list[Any]", items)] if isinstance(items, list) else items,
            "global_attributes": response.get("global_attributes") or {},
            "links": [],
        }

    def wire(self, params: LegacyImageParams, response: dict[str, Any]) -> dict[str, Any]:
        """An answer of `imageannotation` with the keys of this type only (§12.2)."""
        declared = params.annotation_attributes or {}
        linked = any(d.type == "linked" for d in declared.values())
        ids = params.legacy_annotation_ids or linked or params.base_annotations is not None
        keys = (*(("uuid", "type") if ids else ()), *self.keys)
        annotations: list[dict[str, Any]] = []
        for given in response["annotations"]:
            kept = {key: given[key] for key in keys if given.get(key) is not None}
            if params.with_labels is not False:
                kept["label"] = given["label"]
            if declared:
                kept["attributes"] = given.get("attributes") or {}
            annotations.append(kept)
        result: dict[str, Any] = {"annotations": annotations}
        if any(d.is_global for d in declared.values()):
            result["global_attributes"] = response.get("global_attributes") or {}
        return result

    def check(self, params: LegacyImageParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
        """`check_response`."""
        if too_deep(data):
            return [Issue("", "is nested too deeply")], data
        try:
            document = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
            return [Issue("", str(error))], data
        if not isinstance(document, dict):
            return [Issue("annotations", "must be an array")], data
        given = cast("dict[str, Any]", document)
        label = self._some_label(params) if params.with_labels is False else None
        missing = [
            Issue(f"annotations[{i}].label", "is required")
            for i, item in enumerate(_items(given) if label is None else ())
            if not item.get("label")
        ]
        checker = self._checker(params, media)
        issues, stored = check_drawing(checker, msgspec.json.encode(self.full(given, label)))
        told = {issue.path for issue in missing}
        issues = missing + [issue for issue in issues if issue.path not in told]
        issues = issues or _count_issues(checker, params, len(given["annotations"]))
        if issues:
            return issues, data
        kept = self.wire(params, msgspec.json.decode(stored))
        return [], data if kept == given else msgspec.json.encode(kept)

    def test_answer(self, params: LegacyImageParams, seed: str, media: MediaInfo) -> Answer:
        """`test_answer`."""
        checker = self._checker(params, media)
        made = DrawingMaker(checker, seed).answer()
        least, most = _count_limits(checker, params)
        base = set(checker.base)
        more = 0
        while len(made["annotations"]) < least:
            more += 1
            extra = DrawingMaker(checker, f"{seed} {more}").answer()["annotations"]
            made["annotations"] += [a for a in extra if a["uuid"] not in base]
        if most is not None:
            # Base annotations come first, so that they stay.
            made["annotations"] = made["annotations"][:most]
        return Answer(self.wire(params, made))

    def agreement(
        self,
        params: LegacyImageParams,
        a: dict[str, Any],
        b: dict[str, Any],
        media: MediaInfo = MediaInfo(),
    ) -> Agreement:
        """`agreement`: as of drawings."""
        return drawing_agreement(self.drawing(params), self.full(a), self.full(b), media)

    def canonical(self, response: dict[str, Any]) -> Any:
        """`canonical`: as of drawings, so that legacy and modern answers compare."""
        return canonical_drawing(self.full(response))

    def summarize(self, params: LegacyImageParams, response: dict[str, Any]) -> dict[str, Any]:
        """`summarize`."""
        return summarize_drawing(params, self.full(response))

    def hypothesis(self, params: LegacyImageParams) -> dict[str, Any] | None:
        """`hypothesis`: with identities, which the workbench needs."""
        return drawing_hypothesis(self.drawing(params))

    def default_params(self, _: LegacyImageParams) -> dict[str, Any]:
        """`default_params`: what this type echoes."""
        return dict(self.defaults)


def _items(response: dict[str, Any]) -> list[dict[str, Any]]:
    items: Any = response.get("annotations")
    return (
        [a if isinstance(a, dict) else {} for a in cast("list[Any]", items)]
        if isinstance(items, list)
        else []
    )


def _check_counts(params: Any) -> None:
    low, high = params.min_annotations or 0, params.max_annotations or 0
    if 0 < high < low:
        problem = "must be 0 or at least min_annotations"
        raise InvalidRequest(f"max_annotations {problem}.", issues=[Issue("max_annotations", problem)])


def _count_limits(checker: DrawingChecker, params: Any) -> tuple[int, int | None]:
    """The fewest and most annotations; limits that base annotations or the size of the image make impossible do not count."""
    least = getattr(params, "min_annotations", None) or 0
    most = getattr(params, "max_annotations", None) or None
    if least:
        import random

        rng = random.Random(0)  # noqa: S311
        possible = all(limits.make(rng, checker.frame) is not None for limits in checker.limits.values())
        least = least if possible and (checker.may_add or not checker.has_base) else 0
    if most is not None and not checker.may_delete:
        most = max(most, len(checker.base))
    return least, most


def _count_issues(checker: DrawingChecker, params: Any, n: int) -> list[Issue]:
    least, most = _count_limits(checker, params)
    if n < least:
        return [Issue("annotations", f"must have at least {least} entries")]
    if most is not None and n > most:
        return [Issue("annotations", f"must have at most {most} entries")]
    return []


def legacy_image_type(
    kind: LegacyImage, params: type[LegacyImageParams], response: type[LegacyResponse], title: str, text: str
) -> TaskType[Any, Any]:
    """The declaration of one of these types."""
    return TaskType(
        title=title,
        description=text,
        params=params,
        response=response,
        parse_params=kind.parse,
        default_params=kind.default_params,
        attachments=image_attachments,
        check_response=kind.check,
        test_answer=kind.test_answer,
        agreement=kind.agreement,
        canonical=kind.canonical,
        summarize=kind.summarize,
        hypothesis=kind.hypothesis,
    )
