"""How alike two answers to a form are (task-types-text §13), their canonical form, and the JSON Schema of an answer (§11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from steelyard.task_types._shared.form_fields import FormField, typed
from steelyard.task_types._shared.textscore import normalized, text_similarity
from steelyard.task_types._shared.values import decimal, exact


def compare_fields(
    fields: Sequence[FormField], a: Mapping[str, Any], b: Mapping[str, Any]
) -> dict[str, float]:
    """Score of every field that either answer has, by id. Free writing (`generative`) has none."""
    return {
        field.field_id: compare_field(field, a.get(field.field_id), b.get(field.field_id))
        for field in fields
        if not field.generative and (a.get(field.field_id) is not None or b.get(field.field_id) is not None)
    }


def compare_field(field: FormField, a: Any, b: Any) -> float:
    """Score of one field, 0 to 1; an answer on one side only scores 0."""
    if a is None or b is None:
        return 0.0
    if field.most <= 1:
        return _one(field, a, b)
    first, second = _listed(a), _listed(b)
    if not first or not second:
        return float(not first and not second)
    from steelyard.geometry.overlap import assign

    scores = [[_one(field, x, y) for y in second] for x in first]
    return sum(scores[i][j] for i, j in assign(scores)) / max(len(first), len(second))


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _one(field: FormField, a: Any, b: Any) -> float:
    match field.kind:
        case "text":
            return text_similarity(str(a), str(b))
        case "number":
            return _number(field, a, b)
        case "category" | "select":
            return _jaccard({typed(v) for v in _listed(a)}, {typed(v) for v in _listed(b)})
        case "ranking_order":
            return _ranking(a, b)
        case "time_range":
            return _temporal(a, b)
        case "field_set" | "form":
            if not isinstance(a, dict) or not isinstance(b, dict):
                return 0.0
            one, other = cast("dict[str, Any]", a), cast("dict[str, Any]", b)
            scores = compare_fields(field.children, one, other)
            return sum(scores.values()) / len(scores) if scores else 1.0
        case _:
            return float(typed(a) == typed(b))


def _jaccard(a: set[Any], b: set[Any]) -> float:
    return len(a & b) / len(a | b) if a or b else 1.0


def _number(field: FormField, a: Any, b: Any) -> float:
    first, second = decimal(a), decimal(b)
    if first is None or second is None:
        return 0.0
    apart = abs(exact(first) - exact(second))
    low, high = field.bounds()
    if low is not None and high is not None and high > low:
        return max(0.0, 1.0 - float(apart / (exact(high) - exact(low))))
    return float(apart == 0)


def _temporal(a: Any, b: Any) -> float:
    try:
        shared = max(0.0, min(a["end"], b["end"]) - max(a["start"], b["start"]))
        union = (a["end"] - a["start"]) + (b["end"] - b["start"]) - shared
        same = a.get("attachment_index") == b.get("attachment_index")
    except (TypeError, KeyError):
        return 0.0
    return float(shared / union) if union > 0 and same else 0.0


def _ranking(a: Any, b: Any) -> float:
    """(1 + Kendall τ-b) ÷ 2 over the options that both rank."""
    first, second = _places(a), _places(b)
    shared = [key for key in first if key in second]
    concordant, ties_a, ties_b, pairs = 0, 0, 0, 0
    for i, x in enumerate(shared):
        for y in shared[i + 1 :]:
            one, other = first[x] - first[y], second[x] - second[y]
            pairs += 1
            ties_a += one == 0
            ties_b += other == 0
            concordant += (one * other > 0) - (one * other < 0)
    if ties_a == pairs or ties_b == pairs:
        return 1.0 if ties_a == ties_b else 0.5
    tau = concordant / (((pairs - ties_a) * (pairs - ties_b)) ** 0.5)
    return (1 + tau) / 2


def _places(ranking: Any) -> dict[tuple[str, Any], int]:
    return {typed(v): place for place, group in enumerate(_listed(ranking)) for v in _listed(group)}


def canonical_answers(value: Any) -> Any:
    """Answers so that equal ones are equal: keys sorted, texts normalised, sets of choices in order."""
    if isinstance(value, dict):
        return {k: canonical_answers(v) for k, v in sorted(cast("dict[str, Any]", value).items())}
    if isinstance(value, list):
        return [canonical_answers(v) for v in cast("list[Any]", value)]
    if isinstance(value, str):
        number = decimal(value)
        return str(exact(number)) if number is not None else normalized(value)
    return value


def answer_schema(field: FormField) -> dict[str, Any]:
    """JSON Schema of a field's value in `annotations`."""
    one = _one_schema(field)
    if field.most <= 1:
        return one
    return {"type": "array", "items": one, "minItems": field.least, "maxItems": field.most}


def fields_schema(fields: Sequence[FormField]) -> dict[str, Any]:
    """JSON Schema of an object of answers; required are the fields that must be answered and are always visible."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field.field_id: {"title": field.title, **answer_schema(field)} for field in fields},
        "additionalProperties": False,
    }
    required = [field.field_id for field in fields if field.required and not field.conditions]
    return {**schema, "required": required} if required else schema


_FORMATS = {"date": "date", "datetime": "date-time", "time": "time"}


def _one_schema(field: FormField) -> dict[str, Any]:
    match field.kind:
        case "text":
            limits = {
                "minLength": field.min_characters,
                "maxLength": field.max_characters,
                "pattern": _whole(field.regex),
            }
            return {"type": "string", **{k: v for k, v in limits.items() if v is not None}}
        case "number":
            return {"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$"}
        case "boolean":
            return {"type": "boolean"}
        case "datetime":
            return {"type": "string", "format": _FORMATS[field.format or "date"]}
        case "category" | "select":
            low = 1 if field.min_choices is None else field.min_choices
            items = {"enum": field.values()}
            return {
                "type": "array",
                "items": items,
                "minItems": low,
                "maxItems": field.max_choices or 1,
                "uniqueItems": True,
            }
        case "ranking_order":
            n = len(field.values())
            place: dict[str, Any] = {"enum": field.values()}
            if field.allow_ties:
                return {
                    "type": "array",
                    "items": {"type": "array", "items": place, "minItems": 1},
                    "maxItems": n,
                }
            return {"type": "array", "items": place, "minItems": n, "maxItems": n, "uniqueItems": True}
        case "time_range":
            numbers = {"start": {"type": "number"}, "end": {"type": "number"}}
            return {
                "type": "object",
                "properties": {**numbers, "attachment_index": {"type": "integer"}},
                "required": ["start", "end"],
                "additionalProperties": False,
            }
        case _:
            return fields_schema(field.children)


def _whole(regex: str | None) -> str | None:
    return None if regex is None else f"^(?:{regex})$"
