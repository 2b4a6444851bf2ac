"""Pre-labels of drawings in the form of a response."""

from __future__ import annotations

from typing import Any

import msgspec

from steelyard.task_types._shared.drawing import DrawingParams, shapes_of
from steelyard.taxonomy.answers import Questionnaire


def drawing_hypothesis(params: DrawingParams) -> dict[str, Any] | None:
    """The hypothesis or the base annotations with identities, without answers that are unknown, hidden or illegal; None without."""
    name = "hypothesis" if params.hypothesis is not None else "base_annotations"
    given = params.hypothesis or params.base_annotations
    if given is None:
        return None
    questions = Questionnaire(params.annotation_attributes, combine=params.condition_mode or "or")
    shapes = shapes_of(given, params.geometries, f"{name}.annotations")
    for shape in shapes:
        # Unknown, hidden and illegal answers are not worth showing.
        _, kept = questions.check(
            "",
            shape.label,
            shape.attributes or {},
            size=shape.size(),
            context=given.global_attributes,
            complete=False,
        )
        shape.attributes = kept or None
    return {
        "annotations": msgspec.to_builtins(shapes),
        "global_attributes": given.global_attributes or {},
        "links": msgspec.to_builtins(given.links or []),
    }
