"""How alike two answers made of shapes are (task-types-2d §18), and their canonical form."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from steelyard.geometry import BoxAnnotation, Shape
from steelyard.task_types._base import Agreement, MediaInfo
from steelyard.task_types._shared.drawing import AnyShape, DrawingParams, Geometries
from steelyard.task_types._shared.drawing_answers import DrawingResponse
from steelyard.task_types._shared.textscore import text_similarity
from steelyard.taxonomy.answers import Size
from steelyard.taxonomy.attributes import AttributeDefinition

OBJECTS, ATTRIBUTES = 0.8, 0.2

Pair = tuple[int, int, float]
Similar = Callable[[Shape, Shape, float], float]


def drawing_agreement(
    params: DrawingParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """Object score 2·Σ similarity ÷ (n₁ + n₂), and attributes on matched pairs for 20 % where any are declared.

    `media` gives the image's diagonal, on which tolerances of lines and points depend; unknown, they take their least value.
    """
    first = msgspec.convert(a, DrawingResponse, strict=False)
    second = msgspec.convert(b, DrawingResponse, strict=False)
    diagonal = math.hypot(media.width, media.height)
    base = _base_uuids(params)
    similar = similarity_of(params.geometries)
    pairs = match_shapes(first.annotations, second.annotations, diagonal, base, similar)
    total = len(first.annotations) + len(second.annotations)
    objects = 2 * sum(s for _, _, s in pairs) / total if total else 1.0
    attributes = _attributes(params, first, second, pairs)
    score = objects if attributes is None else OBJECTS * objects + ATTRIBUTES * attributes
    detail: dict[str, Any] = {
        "objects": round(objects, 6),
        "precision": round(len(pairs) / len(first.annotations), 6) if first.annotations else 1.0,
        "recall": round(len(pairs) / len(second.annotations), 6) if second.annotations else 1.0,
        "pairs": [[first.annotations[i].uuid, second.annotations[j].uuid, round(s, 6)] for i, j, s in pairs],
        "labels": _per_label(first.annotations, second.annotations, pairs),
        "relabeled": _relabeled(first.annotations, second.annotations, pairs, diagonal, similar),
    }
    if attributes is not None:
        detail["attributes"] = round(attributes, 6)
    return Agreement(min(1.0, max(0.0, score)), detail)


def similarity_of(geometries: Geometries | None) -> Similar:
    """How alike two shapes of a task are."""
    boxes = geometries.box if geometries is not None else None
    return _within_a_pixel if boxes is not None and boxes.integer_pixels else _similarity


def _similarity(a: Shape, b: Shape, diagonal: float) -> float:
    return a.similarity(b, diagonal)


def _within_a_pixel(a: Shape, b: Shape, diagonal: float) -> float:
    """The same where boxes are returned in whole pixels: edges that are a pixel apart count as one (§18.2)."""
    if not isinstance(a, BoxAnnotation) or not isinstance(b, BoxAnnotation) or a.rotation or b.rotation:
        return _similarity(a, b, diagonal)
    return max(a.similarity(b.snapped(a), diagonal), b.similarity(a.snapped(b), diagonal))


def match_shapes(
    a: Sequence[AnyShape],
    b: Sequence[AnyShape],
    diagonal: float,
    base: frozenset[str] = frozenset(),
    similar: Similar = _similarity,
) -> list[Pair]:
    """One-to-one pairs of equal geometry and label with the greatest total similarity; base annotations match by uuid."""
    pairs: list[Pair] = []
    by_uuid = {str(s.uuid): j for j, s in enumerate(b) if s.uuid in base}
    for i, shape in enumerate(a):
        j = by_uuid.get(str(shape.uuid))
        if j is not None and type(b[j]) is type(shape) and b[j].label == shape.label:
            pairs.append((i, j, similar(shape, b[j], diagonal)))
    used_a, used_b = {i for i, _, _ in pairs}, {j for _, j, _ in pairs}
    groups: dict[tuple[type[Shape], str | None], tuple[list[int], list[int]]] = {}
    for side, shapes, used in ((0, a, used_a), (1, b, used_b)):
        for n, shape in enumerate(shapes):
            if n not in used:
                groups.setdefault((type(shape), shape.label), ([], []))[side].append(n)
    for rows, columns in groups.values():
        pairs += _assign(a, b, rows, columns, diagonal, similar)
    return sorted(pairs)


def _assign(
    a: Sequence[AnyShape],
    b: Sequence[AnyShape],
    rows: list[int],
    columns: list[int],
    diagonal: float,
    similar: Similar,
) -> list[Pair]:
    if not rows or not columns:
        return []
    from steelyard.geometry.overlap import assign

    real = [[similar(a[i], b[j], diagonal) for j in columns] for i in rows]
    # Among equal totals the nearer centres win; the term is far below any similarity that matters.
    tuned = [
        [s - 1e-9 * min(1.0, math.dist(a[i].centre(), b[j].centre()) / 1e5) if a[i].matches(s) else 0.0
         for s, j in zip(row, columns, strict=True)]
        for row, i in zip(real, rows, strict=True)
    ]  # fmt: skip
    return [(rows[r], columns[c], real[r][c]) for r, c in assign(tuned) if a[rows[r]].matches(real[r][c])]


def _per_label(
    a: Sequence[AnyShape], b: Sequence[AnyShape], pairs: Sequence[Pair]
) -> dict[str, dict[str, int]]:
    first, second = Counter(s.label for s in a), Counter(s.label for s in b)
    matched = Counter(a[i].label for i, _, _ in pairs)
    names = dict.fromkeys([*first, *second])
    return {str(n): {"a": first[n], "b": second[n], "matched": matched[n]} for n in names}


def _relabeled(
    a: Sequence[AnyShape], b: Sequence[AnyShape], pairs: Sequence[Pair], diagonal: float, similar: Similar
) -> list[list[Any]]:
    """Right shape, wrong label: what a second pass without labels pairs up among the unmatched."""
    used_a, used_b = {i for i, _, _ in pairs}, {j for _, j, _ in pairs}
    found: list[Pair] = []
    for kind in dict.fromkeys(type(s) for s in a):
        rows = [i for i, s in enumerate(a) if i not in used_a and type(s) is kind]
        columns = [j for j, s in enumerate(b) if j not in used_b and type(s) is kind]
        found += _assign(a, b, rows, columns, diagonal, similar)
    return [[a[i].uuid, b[j].uuid, a[i].label, b[j].label] for i, j, _ in found]


def _attributes(
    params: DrawingParams, a: DrawingResponse, b: DrawingResponse, pairs: Sequence[Pair]
) -> float | None:
    """Mean over attributes that one side answered, on matched pairs and on the scene; None when there is nothing to compare."""
    declared = params.annotation_attributes or {}
    partner = {a.annotations[i].uuid: b.annotations[j].uuid for i, j, _ in pairs}
    scores: list[float] = []
    for i, j, _ in pairs:
        first, second = a.annotations[i], b.annotations[j]
        scores += _compare(declared, first.attributes or {}, second.attributes or {}, partner, first.size())
    scores += _compare(declared, a.global_attributes, b.global_attributes, partner, None)
    if params.links:
        scores += _links(a, b, partner)
    return sum(scores) / len(scores) if scores else None


def _compare(
    declared: Mapping[str, AttributeDefinition],
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    partner: Mapping[str | None, str | None],
    size: Size | None,
) -> list[float]:
    return [
        attribute_score(d, a.get(key), b.get(key), partner, size)
        for key, d in declared.items()
        if a.get(key) is not None or b.get(key) is not None
    ]


def attribute_score(
    d: AttributeDefinition,
    a: Any,
    b: Any,
    partner: Mapping[str | None, str | None] | None = None,
    size: Size | None = None,
) -> float:
    """How alike two answers to one attribute are, 0 to 1 (§18.4); `partner` maps uuids of `a` to their matches in `b`."""
    if a is None or b is None:
        return 0.0
    try:
        match d.type:
            case "category" if isinstance(a, list) and isinstance(b, list):
                first, second = set(a), set(b)
                return len(first & second) / len(first | second) if first | second else 1.0
            case "number":
                return float(abs(a - b) <= (1.0 if d.step is None else d.step) / 2)
            case "angle":
                turn = abs(a - b) % 360
                return 1.0 - min(turn, 360 - turn) / 180
            case "text":
                return text_similarity(str(a), str(b))
            case "x_line":
                return float(abs(a - b) <= max(2.0, 0.02 * (size.width if size else 0)))
            case "y_line":
                return float(abs(a - b) <= max(2.0, 0.02 * (size.height if size else 0)))
            case "linked":
                return float((partner or {}).get(str(a)) == b)
            case _:
                return float(a == b)
    except TypeError:  # an answer of another type than declared agrees with nothing
        return 0.0


def _links(a: DrawingResponse, b: DrawingResponse, partner: Mapping[str | None, str | None]) -> list[float]:
    def key(label: str, source: Any, target: Any, both: bool | None) -> tuple[Any, ...]:
        return (label, frozenset((source, target))) if both else (label, source, target)

    first = {key(x.label, partner.get(x.source), partner.get(x.target), x.is_bidirectional) for x in a.links}
    second = {key(x.label, x.source, x.target, x.is_bidirectional) for x in b.links}
    if not a.links and not b.links:
        return []
    return [len(first & second) / max(len(first | second), 1)]


def _base_uuids(params: DrawingParams) -> frozenset[str]:
    base = params.base_annotations
    given: Sequence[Any] = base.annotations if base else ()
    return frozenset(str(x["uuid"]) for x in given if isinstance(x, dict) and x.get("uuid"))


def canonical_drawing(response: dict[str, Any]) -> dict[str, Any]:
    """The response without identities, order, derived values and excess digits (§18.2)."""
    parsed = msgspec.convert(response, DrawingResponse, strict=False)
    shapes = [_canonical(shape) for shape in parsed.annotations]
    order = sorted(range(len(shapes)), key=lambda i: msgspec.json.encode(shapes[i], order="sorted"))
    place = {str(parsed.annotations[i].uuid): f"@{n}" for n, i in enumerate(order)}

    def resolve(answers: dict[str, Any]) -> dict[str, Any]:
        return {k: place.get(str(v), v) for k, v in sorted(answers.items())}

    links = [
        [link.label, *_ends(place.get(link.source, ""), place.get(link.target, ""), link.is_bidirectional)]
        for link in parsed.links
    ]
    return {
        "annotations": [
            {**shapes[i], "attributes": resolve(dict(parsed.annotations[i].attributes or {}))} for i in order
        ],
        "global_attributes": resolve(dict(parsed.global_attributes)),
        "links": sorted(links, key=str),
    }


def _canonical(shape: Shape) -> dict[str, Any]:
    return {"type": type(shape).__struct_config__.tag, "label": shape.label, **shape.canonical()}


def _ends(source: Any, target: Any, both: bool | None) -> list[Any]:
    return sorted((source, target), key=str) if both else [source, target]
