"""Boxes, polygons, lines, points, ellipses and cuboids on one image (task-types-2d §7)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from steelyard.errors import Issue
from steelyard.task_types._base import Answer, MediaInfo, TaskType
from steelyard.task_types._shared.drawing import (
    ATTRIBUTE_SECTION,
    GEOMETRY_SECTION,
    LINK_SECTION,
    PRELABEL_SECTION,
    DrawingParams,
    drawing_rules,
    expected_issues,
)
from steelyard.task_types._shared.drawing_answers import (
    DrawingChecker,
    DrawingResponse,
    check_drawing,
    frame_of,
    make_drawing,
    summarize_drawing,
)
from steelyard.task_types._shared.drawing_hypothesis import drawing_hypothesis
from steelyard.task_types._shared.image import IMAGE_SECTION, image_attachments, image_rules
from steelyard.task_types._shared.parsing import ParamsParser, Rule
from steelyard.task_types._shared.shape_agreement import canonical_drawing, drawing_agreement

Padding = Annotated[int, Meta(ge=0, le=1_000_000)]


class ImageAnnotationParams(DrawingParams, kw_only=True):
    """What to draw on which image, with attributes, links and pre-labels."""

    padding: Annotated[Padding | None, Meta(description="Pixels added on all four sides.")] = None
    paddingX: Annotated[Padding | None, Meta(description="Left and right; overrides `padding`.")] = None
    paddingY: Annotated[Padding | None, Meta(description="Top and bottom; overrides `padding`.")] = None


class ImageAnnotationResponse(DrawingResponse, kw_only=True):
    """Annotations on the image, answers about the whole scene, and links between annotations."""


_parse = ParamsParser(
    ImageAnnotationParams,
    (IMAGE_SECTION, GEOMETRY_SECTION, ATTRIBUTE_SECTION, LINK_SECTION, PRELABEL_SECTION),
    (
        *image_rules("imageannotation"),
        *drawing_rules("imageannotation"),
        Rule("padding|paddingX|paddingY", "{path} must be an integer greater than or equal to 0."),
    ),
)


def padded_checker(params: ImageAnnotationParams, media: MediaInfo) -> DrawingChecker:
    """The checker of answers on the image with its padding (task-types-2d §7)."""
    both = params.padding or 0
    pad_x = both if params.paddingX is None else params.paddingX
    pad_y = both if params.paddingY is None else params.paddingY
    return DrawingChecker(params, frame_of(media, pad_x, pad_y), params.condition_mode or "or")


def _check(params: ImageAnnotationParams, response: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    return check_drawing(padded_checker(params, media), response)


def _test_answer(params: ImageAnnotationParams, seed: str, media: MediaInfo) -> Answer:
    return make_drawing(padded_checker(params, media), seed)


TASK_TYPE = TaskType(
    title="Image annotation",
    description="Boxes, polygons, lines, points, ellipses and cuboids on one image.",
    params=ImageAnnotationParams,
    response=ImageAnnotationResponse,
    parse_params=_parse,
    attachments=image_attachments,
    check_response=_check,
    check_expected=expected_issues,
    test_answer=_test_answer,
    agreement=drawing_agreement,
    canonical=canonical_drawing,
    summarize=summarize_drawing,
    hypothesis=drawing_hypothesis,
    quality_tasks=True,
)
