"""Document answers: decoded and completed at submit, made up for test mode, compared and summarised (task-types-text §8.3, §13.2)."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from typing import Any, cast

import msgspec

from steelyard.errors import Issue
from steelyard.geometry.overlap import area_iou, assign
from steelyard.task_types._base import Agreement, Answer, MediaInfo
from steelyard.task_types._shared.documents import (
    DocumentAnnotation,
    DocumentFeature,
    DocumentLocation,
    DocumentPoint,
    DocumentResponse,
    annotation_issues,
    by_label,
    completed,
)
from steelyard.task_types._shared.parsing import read_response
from steelyard.task_types._shared.single import mean
from steelyard.task_types._shared.textscore import normalized, text_similarity
from steelyard.task_types._shared.values import decimal, exact, make_text

# Two annotations of a page and label are the same thing from this overlap on.
SAME_IOU = 0.5
LINK_WEIGHT = 0.5
# A letter page at 100 dpi stands in for one whose size is unknown.
PAGE = (850, 1100)

_RESPONSE = msgspec.json.Decoder(DocumentResponse)


def check_document(params: Any, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    """`check_response` of the document types."""
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    issues = list(annotation_issues(params, response.annotations, media, complete=True))
    if issues:
        return issues, data
    done = completed(params, response.annotations, lambda _: str(uuid.uuid4()))
    return [], data if done == response.annotations else msgspec.json.encode(
        DocumentResponse(annotations=done)
    )


def document_hypothesis(params: Any) -> dict[str, Any] | None:
    """The pre-labels, completed; ids depend on their places only."""
    if params.hypothesis is None:
        return None
    given = params.hypothesis.annotations
    done = completed(params, given, lambda i: str(uuid.uuid5(uuid.NAMESPACE_OID, f"prelabel {i}")))
    return cast("dict[str, Any]", msgspec.to_builtins(DocumentResponse(annotations=done)))


def make_document_answer(params: Any, seed: str, media: MediaInfo, confidence: bool = False) -> Answer:
    """One annotation per labelled feature on the first page, children inside their blocks' lines."""
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    page = (media.width, media.height) if media.width and media.height else PAGE
    features = by_label(params)
    made: list[DocumentAnnotation] = []
    for n, (label, feature) in enumerate(features.items()):
        a = DocumentAnnotation(
            uuid=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            page=0,
            label=label,
            text=_text(rng, feature),
            location=_place(rng, n, len(features), page, params.geometry or "box"),
        )
        if feature.has("checkbox"):
            a.checked = rng.random() < 0.5
        if confidence:
            a.confidence = round(rng.uniform(0.9, 1.0), 3)
        made.append(a)
    done = completed(params, made, str)
    return Answer(cast("dict[str, Any]", msgspec.to_builtins(DocumentResponse(annotations=done))))


def _text(rng: random.Random, feature: DocumentFeature) -> str:
    if feature.type != "text":
        return ""
    if feature.has("money"):
        return f"{rng.randint(1, 999)}.{rng.randint(0, 99):02}"
    if feature.has("date"):
        return f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    return make_text(rng, None, None, None) or ""


def _place(rng: random.Random, n: int, count: int, page: tuple[int, int], geometry: str) -> DocumentLocation:
    """A line of its own for each feature."""
    width, height = page
    line = height / max(count, 10)
    left, top = width * rng.uniform(0.05, 0.2), (n + 0.1) * line
    w, h = width * rng.uniform(0.3, 0.6), line * 0.8
    if geometry == "box":
        return DocumentLocation(type="box", left=_tidy(left), top=_tidy(top), width=_tidy(w), height=_tidy(h))
    corners = [(left, top), (left + w, top + h * 0.1), (left + w, top + h), (left, top + h * 0.9)]
    return DocumentLocation(
        type="polygon", vertices=[DocumentPoint(x=_tidy(x), y=_tidy(y)) for x, y in corners]
    )


def _tidy(value: float) -> float:
    # Many features on a tiny picture: rounding must not make a size vanish.
    return round(value, 4) if value > 0.01 else value


def _parsed(response: dict[str, Any]) -> list[DocumentAnnotation]:
    return msgspec.convert(response, DocumentResponse, strict=False).annotations


def _overlaps(a: list[DocumentLocation], b: list[DocumentLocation]) -> Any:
    """Intersection over union of every pair, as an array of len(a) × len(b)."""
    import numpy as np

    one, other = (np.array([place.bounds() for place in places], dtype=float) for places in (a, b))
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0.0, None).prod(axis=2)
    areas = [(side[:, 2:] - side[:, :2]).prod(axis=1) for side in (one, other)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    overlaps = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    for i, j in np.argwhere(shared > 0) if any(p.type == "polygon" for p in (*a, *b)) else ():
        if a[i].type == "polygon" or b[j].type == "polygon":
            overlaps[i, j] = area_iou(a[i].corners(), b[j].corners())
    return overlaps


def _matched(a: list[DocumentAnnotation], b: list[DocumentAnnotation]) -> list[tuple[int, int]]:
    """Pairs of indexes: same page and label, overlap of at least a half, best in total."""
    import numpy as np

    groups: dict[tuple[int, str], tuple[list[int], list[int]]] = {}
    for side, found in enumerate((a, b)):
        for i, one in enumerate(found):
            groups.setdefault((one.page, one.label), ([], []))[side].append(i)
    pairs: list[tuple[int, int]] = []
    for left, right in groups.values():
        if left and right:
            rated = _overlaps([a[i].location for i in left], [b[j].location for j in right])
            rated = np.where(rated >= SAME_IOU, rated, 0.0)
            pairs += [(left[r], right[c]) for r, c in assign(rated.tolist()) if rated[r, c] > 0]
    return pairs


def document_agreement(
    params: Any, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """F1 of matched annotations times the mean likeness of what they say; links weigh a half of that."""
    first, second = _parsed(a), _parsed(b)
    features = by_label(params)
    pairs = _matched(first, second)
    total = len(first) + len(second)
    f1 = 2 * len(pairs) / total if total else 1.0
    contents = mean([_content(features.get(first[i].label), first[i], second[j]) for i, j in pairs])
    parts = [("annotations", f1 * contents, 1.0)]
    one, other = _links(features, first), _links(features, second)
    if one or other:
        names = {str(second[j].uuid): str(first[i].uuid) for i, j in pairs}
        renamed = {
            _link(key.unordered, names.get(key.source), names.get(key.target), n)
            for n, key in enumerate(other)
        }
        mine = {_link(key.unordered, key.source, key.target, -1) for key in one}
        parts.append(("links", 2 * len(mine & renamed) / (len(mine) + len(renamed)), LINK_WEIGHT))
    score = sum(value * weight for _, value, weight in parts) / sum(weight for _, _, weight in parts)
    labels = Counter(first[i].label for i, _ in pairs)
    detail: dict[str, Any] = {name: round(value, 6) for name, value, _ in parts}
    detail["f1"], detail["content"] = round(f1, 6), round(contents, 6)
    detail["labels"] = {
        label: {
            "a": sum(1 for x in first if x.label == label),
            "b": sum(1 for x in second if x.label == label),
            "matched": labels[label],
        }
        for label in dict.fromkeys([*(x.label for x in first), *(x.label for x in second)])
    }
    return Agreement(score, detail)


def _content(feature: DocumentFeature | None, a: DocumentAnnotation, b: DocumentAnnotation) -> float:
    if feature is not None and feature.has("checkbox"):
        return float(a.checked == b.checked)
    if a.money and b.money and a.money.amount and b.money.amount:
        one, other = decimal(a.money.amount), decimal(b.money.amount)
        return float(one is not None and other is not None and exact(one) == exact(other))
    if a.date and b.date and a.date.parsed and b.date.parsed:
        parts = ((a.date.year, b.date.year), (a.date.month, b.date.month), (a.date.day, b.date.day))
        return mean([float(x == y) for x, y in parts])
    return text_similarity(a.text or "", b.text or "")


class _Key(msgspec.Struct, frozen=True):
    unordered: bool
    source: str
    target: str


def _links(features: dict[str, DocumentFeature], annotations: list[DocumentAnnotation]) -> set[_Key]:
    """Links by uuid; a key and its value refer to each other, which is one link."""
    by_id = {str(a.uuid): a for a in annotations if a.uuid is not None}
    found: set[_Key] = set()
    for a in by_id.values():
        for ref in a.ref_ids():
            other = by_id.get(ref)
            if other is None:
                continue
            one, two = features.get(a.label), features.get(other.label)
            paired = bool(one and two and {"key", "value"} <= {*(one.flags or ()), *(two.flags or ())})
            ends = sorted((str(a.uuid), ref)) if paired else [str(a.uuid), ref]
            found.add(_Key(paired, ends[0], ends[1]))
    return found


def _link(unordered: bool, source: str | None, target: str | None, n: int) -> Any:
    """A comparable link; one with an unmatched end equals no other."""
    if source is None or target is None:
        return n
    return frozenset((source, target)) if unordered else (source, target)


def canonical_document(response: dict[str, Any]) -> list[Any]:
    """Annotations in reading order without ids; links by what they join."""
    found = _parsed(response)
    keys = {str(a.uuid): _key(a) for a in found}
    return sorted(
        ([*_key(a), sorted(str(keys.get(ref)) for ref in a.ref_ids()), a.checked] for a in found), key=str
    )


def _key(a: DocumentAnnotation) -> list[Any]:
    corners = [[round(x, 2), round(y, 2)] for x, y in a.location.corners()]
    return [a.page, corners, a.label, normalized(a.text or "")]


def summarize_document(params: Any, response: dict[str, Any]) -> dict[str, Any]:
    """Counts of annotations, by label, and of pages that have some."""
    found = [a for a in response.get("annotations") or () if isinstance(a, dict)]
    return {
        "annotations": len(found),
        "labels": dict(Counter(str(a.get("label")) for a in found)),
        "pages": len({a.get("page") for a in found}),
    }
