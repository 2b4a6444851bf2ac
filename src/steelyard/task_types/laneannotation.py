"""Lane markings on one image: `imageannotation` whose lines run from the bottom of the image to the top (task-types-2d §14)."""

from __future__ import annotations

from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, structs

from steelyard.errors import Issue
from steelyard.geometry.path import VertexCount, VertexLimit
from steelyard.task_types._base import Answer, MediaInfo, TaskType
from steelyard.task_types._shared.drawing import (
    ATTRIBUTE_SECTION,
    LINK_SECTION,
    PRELABEL_SECTION,
    Geometries,
    check_geometries,
    drawing_rules,
    expected_issues,
)
from steelyard.task_types._shared.drawing_answers import (
    DrawingResponse,
    check_drawing,
    make_drawing,
    summarize_drawing,
)
from steelyard.task_types._shared.drawing_hypothesis import drawing_hypothesis
from steelyard.task_types._shared.image import IMAGE_SECTION, image_attachments, image_rules
from steelyard.task_types._shared.legacy import (
    TAXONOMY_RULES,
    Examples,
    TopLabels,
    Urgency,
    top_level_geometry,
)
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section
from steelyard.task_types._shared.shape_agreement import canonical_drawing, drawing_agreement
from steelyard.task_types.imageannotation import ImageAnnotationParams, padded_checker

_SETTINGS = ("min_vertices", "max_vertices", "max_vertives", "splines")


class LaneAnnotationParams(ImageAnnotationParams, kw_only=True):
    """Which lanes to draw: `geometries`, or the labels of lines at the top level."""

    geometries: Annotated[Geometries | None, Meta(description="What may be drawn and how it is called.")] = (  # pyright: ignore[reportIncompatibleVariableOverride]
        None
    )
    objects_to_annotate: TopLabels = None
    with_labels: Annotated[bool | None, Meta(description="Stored; lanes always carry their label.")] = None
    examples: Examples = None
    urgency: Urgency = None
    min_vertices: Annotated[VertexCount | None, Meta(description="Default 1.")] = None
    max_vertices: Annotated[VertexLimit | None, Meta(description="Default and null: no limit.")] = None
    max_vertives: Annotated[VertexLimit | None, Meta(description="Old spelling of `max_vertices`.")] = None
    splines: Annotated[
        bool | None, Meta(description="Vertices are knots of a centripetal Catmull-Rom curve.")
    ] = None


class LaneAnnotationResponse(DrawingResponse, kw_only=True):
    """Lanes on the image, vertices from its bottom to its top, with global answers and links."""


def _check_taxonomy(params: Any) -> None:
    """From here on the params have geometries, declared or made of the labels at the top level."""
    if params.geometries is None:
        params.geometries = top_level_geometry(params, "line", _SETTINGS)
    check_geometries(params)


_parse = ParamsParser(
    LaneAnnotationParams,
    (
        IMAGE_SECTION,
        Section(("geometries", "objects_to_annotate", *_SETTINGS), _check_taxonomy),
        # The labels may come from elsewhere than these sections, so each task is checked.
        structs.replace(ATTRIBUTE_SECTION, alike=False),
        structs.replace(LINK_SECTION, alike=False),
        PRELABEL_SECTION,
    ),
    (
        *image_rules("laneannotation"),
        *drawing_rules("laneannotation"),
        *TAXONOMY_RULES,
        Rule("padding|paddingX|paddingY", "{path} must be an integer greater than or equal to 0."),
    ),
)


def _upward(annotations: list[Any]) -> bool:
    """Turns lines that run downwards; whether any did."""
    turned = False
    for item in annotations:
        vertices = item["vertices"] if item["type"] == "line" else []
        if vertices and vertices[0]["y"] < vertices[-1]["y"]:
            vertices.reverse()
            turned = True
    return turned


def _check(params: LaneAnnotationParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    issues, stored = check_drawing(padded_checker(params, media), data)
    if issues:
        return issues, stored
    document: dict[str, Any] = msgspec.json.decode(stored)
    turned = not _frozen(params) and _upward(document["annotations"])
    return [], msgspec.json.encode(document) if turned else stored


def _frozen(params: LaneAnnotationParams) -> bool:
    """Base annotations that may not be edited keep their direction, too."""
    return params.base_annotations is not None and params.can_edit_base_annotations is False


def _test_answer(params: LaneAnnotationParams, seed: str, media: MediaInfo) -> Answer:
    answer = make_drawing(padded_checker(params, media), seed)
    if not _frozen(params):
        _upward(cast("list[Any]", answer.response["annotations"]))
    return answer


TASK_TYPE = TaskType(
    title="Lane annotation",
    description="Lane markings on one image, as lines from the bottom to the top.",
    params=LaneAnnotationParams,
    response=LaneAnnotationResponse,
    parse_params=_parse,
    attachments=image_attachments,
    check_response=_check,
    check_expected=expected_issues,
    test_answer=_test_answer,
    agreement=drawing_agreement,
    canonical=canonical_drawing,
    summarize=summarize_drawing,
    hypothesis=drawing_hypothesis,
)
