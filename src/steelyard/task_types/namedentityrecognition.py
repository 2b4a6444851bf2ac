"""Spans of a text with labels, and links between pairs of spans (task-types-text §2)."""

from __future__ import annotations

import random
import re
import uuid
from collections import Counter
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import Agreement, Answer, MediaInfo, TaskType
from steelyard.task_types._shared.common import CommonParams
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section, plain, read_response, shorten
from steelyard.task_types._shared.spans import (
    NerAttribute,
    NerLabel,
    NerRelationship,
    NerRelationshipDefinition,
    NerSpan,
    attribute_issues,
    duplicates,
    labels_by_name,
    link_fits,
    link_issues,
    overlaps,
    span_problem,
    walk_labels,
)
from steelyard.task_types._shared.values import bad

MAX_TEXT = 100_000


class NamedEntityRecognitionResponse(Struct, kw_only=True):
    """Spans, ordered by start and then longer first, and the links between them."""

    annotations: list[NerSpan]
    relationships: list[NerRelationship] = []


class NamedEntityRecognitionParams(CommonParams, kw_only=True):
    """The text, the labels for its spans and the kinds of links between them."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    labels: Annotated[list[NerLabel], Meta(min_length=1)]
    relationships: list[NerRelationshipDefinition] | None = None
    merge_newlines: Annotated[bool | None, Meta(description="Single line breaks are shown as spaces.")] = None
    allow_overlap: Annotated[bool | None, Meta(description="Spans may overlap or nest; default true.")] = None
    hypothesis: Annotated[NamedEntityRecognitionResponse | None, Meta(description="Pre-labels.")] = None


def _check_text(params: Any) -> None:
    if params.text.isspace():
        raise bad("text", "must not be empty")


def _check_labels(params: Any) -> None:
    seen: set[str] = set()
    for path, label in walk_labels(params.labels, "labels"):
        if label.name.isspace():
            raise bad(f"{path}.name", "must not be empty")
        if label.name in seen:
            raise InvalidRequest(
                f'Duplicate label name "{label.name}".', issues=[Issue(f"{path}.name", "duplicate")]
            )
        seen.add(label.name)
        for key, attribute in (label.attributes or {}).items():
            if attribute.type == "category" and not attribute.values:
                where = f"{path}.attributes.{key}.choices"
                raise InvalidRequest(
                    f"Missing required parameter: {where}.", issues=[Issue(where, "is required")]
                )


def _check_relationships(params: Any) -> None:
    definitions = cast("list[NerRelationshipDefinition]", params.relationships or [])
    named = [d.name is not None for d in definitions]
    if any(named) and not all(named):
        message = "Relationships must be either all named or all unnamed."
        raise InvalidRequest(message, issues=[Issue("relationships", "must be all named or all unnamed")])
    known = labels_by_name(params.labels)
    seen: set[str] = set()
    for i, d in enumerate(definitions):
        path = f"relationships[{i}]"
        if d.name is None:
            for key in ("display_name", "is_directed"):
                if getattr(d, key) is not None:
                    raise bad(f"{path}.{key}", "not allowed for unnamed relationships")
        else:
            if not d.name.strip():
                raise bad(f"{path}.name", "required for named relationships")
            if not (d.display_name or "").strip():
                raise bad(f"{path}.display_name", "required for named relationships")
            if d.name in seen:
                raise InvalidRequest(
                    f'Duplicate relationship name "{d.name}".', issues=[Issue(path, "duplicate")]
                )
            seen.add(d.name)
        for key in ("source_label", "target_label"):
            label = getattr(d, key)
            if label is not None and label not in known:
                raise bad(f"{path}.{key}", f'unknown label "{shorten(label)}"')


def _check_hypothesis(params: Any) -> None:
    given = cast("NamedEntityRecognitionResponse | None", params.hypothesis)
    if given is None:
        return
    known = labels_by_name(params.labels)
    ids = {span.id for span in given.annotations if span.id is not None}
    for i, span in enumerate(given.annotations):
        problem = span_problem(span, params.text, known)
        if problem:
            raise bad(f"hypothesis.annotations[{i}]", problem)
    for i, link in enumerate(given.relationships):
        for key in ("source_ref", "target_ref"):
            if getattr(link, key) not in ids:
                reason = f'no annotation with id "{shorten(getattr(link, key))}"'
                raise bad(f"hypothesis.relationships[{i}].{key}", reason)


_parse = ParamsParser(
    NamedEntityRecognitionParams,
    (
        Section(("text",), _check_text),
        Section(("labels",), _check_labels),
        Section(("relationships",), _check_relationships),
        Section(("merge_newlines", "allow_overlap")),
        Section(("hypothesis",), _check_hypothesis),
    ),
    (
        Rule("text", "Invalid parameter text: must not be empty.", ("value",)),
        Rule("labels", "Invalid parameter labels: must contain at least one label.", ("value",)),
        Rule(
            "responses_required",
            "Invalid parameter responses_required: must be between 1 and 100.",
            ("value", "limit"),
        ),
    ),
    general=plain,
)

_RESPONSE = msgspec.json.Decoder(NamedEntityRecognitionResponse)


def _check(params: NamedEntityRecognitionParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    known = labels_by_name(params.labels)
    issues: list[Issue] = []
    for i, span in enumerate(response.annotations):
        problem = span_problem(span, params.text, known)
        if problem:
            issues.append(Issue(f"annotations[{i}]", problem))
        else:
            issues += attribute_issues(known[span.label], span, f"annotations[{i}].attributes")
    issues += duplicates(response.annotations)
    if params.allow_overlap is False:
        issues += overlaps(response.annotations)
    issues += link_issues(params.relationships or (), response.annotations, response.relationships, known)
    return (issues, data) if issues else ([], _completed(params.text, response, data))


def _completed(text: str, response: NamedEntityRecognitionResponse, data: bytes) -> bytes:
    """The bytes to store: ids and covered texts filled in, `relationships` there, spans by start, longer first; as given if that was so."""
    places = [(s.start, -s.end) for s in response.annotations]
    complete = all(s.id is not None and s.text is not None for s in response.annotations)
    if (
        complete
        and places == sorted(places)
        and all(r.id is not None for r in response.relationships)
        and b'"relationships"' in data
    ):
        return data
    spans = [
        replace(s, id=s.id or str(uuid.uuid4()), text=text[s.start : s.end], attributes=s.attributes or None)
        for s in sorted(response.annotations, key=lambda s: (s.start, -s.end))
    ]
    links = [r if r.id else replace(r, id=str(uuid.uuid4())) for r in response.relationships]
    return msgspec.json.encode(NamedEntityRecognitionResponse(annotations=spans, relationships=links))


def _made_value(rng: random.Random, d: NerAttribute) -> Any:
    match d.type:
        case "category" if d.allow_multiple:
            return [rng.choice(d.values)]
        case "category":
            return rng.choice(d.values)
        case "text":
            return "test response"
        case "number":
            return rng.randint(1, 9)
        case "boolean":
            return rng.random() < 0.5


def _test_answer(params: NamedEntityRecognitionParams, seed: str, media: MediaInfo) -> Answer:
    """Some words with labels (no two at one place), and a link where two of them fit one."""
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    known = labels_by_name(params.labels)
    words = [m.span() for m in re.finditer(r"\S+", params.text[:20_000])] or [(0, len(params.text))]
    picked = sorted(rng.sample(words, min(len(words), rng.randint(2, 4))))
    names = list(known)
    wanted = list(params.relationships or ())
    labels = [rng.choice(names) for _ in picked]
    if wanted and len(picked) > 1:
        labels[0] = wanted[0].source_label or labels[0]
        labels[1] = wanted[0].target_label or labels[1]

    def uid() -> str:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))

    spans = [
        NerSpan(
            id=uid(), start=start, end=end, text=params.text[start:end], label=name,
            attributes={k: _made_value(rng, d) for k, d in (known[name].attributes or {}).items()} or None,
        )
        for (start, end), name in zip(picked, labels, strict=True)
    ]  # fmt: skip
    links: list[NerRelationship] = []
    if wanted and len(spans) > 1 and link_fits(wanted[0], wanted[0].name, spans[0], spans[1], known):
        links.append(
            NerRelationship(
                id=uid(), source_ref=str(spans[0].id), target_ref=str(spans[1].id), name=wanted[0].name
            )
        )
    made = NamedEntityRecognitionResponse(annotations=spans, relationships=links)
    return Answer(cast("dict[str, Any]", msgspec.to_builtins(made)))


SpanKey = tuple[int, int, str]


def _keys(response: NamedEntityRecognitionResponse) -> dict[str | None, SpanKey]:
    return {s.id: (s.start, s.end, s.label) for s in response.annotations}


def _link_keys(params: Any, response: NamedEntityRecognitionResponse) -> set[tuple[Any, ...]]:
    keys = _keys(response)
    directed = {d.name for d in params.relationships or () if d.is_directed}
    found: set[tuple[Any, ...]] = set()
    for link in response.relationships:
        ends = (keys.get(link.source_ref), keys.get(link.target_ref))
        found.add((link.name, ends if link.name in directed else frozenset(ends)))
    return found


def _f1(a: set[Any], b: set[Any]) -> float:
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0


def _agreement(
    params: NamedEntityRecognitionParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """F1 over exact spans; attributes of matched spans weigh a quarter of that, links a half (task-types-text §13.2)."""
    first = msgspec.convert(a, NamedEntityRecognitionResponse, strict=False)
    second = msgspec.convert(b, NamedEntityRecognitionResponse, strict=False)
    keys_a = {k: s for s in first.annotations for k in [(s.start, s.end, s.label)]}
    keys_b = {k: s for s in second.annotations for k in [(s.start, s.end, s.label)]}
    parts = [("spans", _f1(set(keys_a), set(keys_b)), 1.0)]
    equal: list[float] = []
    for key in keys_a.keys() & keys_b.keys():
        one, other = keys_a[key].attributes or {}, keys_b[key].attributes or {}
        equal += [float(one.get(k) == other.get(k)) for k in one.keys() | other.keys()]
    if equal:
        parts.append(("attributes", sum(equal) / len(equal), 0.25))
    if first.relationships or second.relationships:
        parts.append(("relationships", _f1(_link_keys(params, first), _link_keys(params, second)), 0.5))
    score = sum(value * weight for _, value, weight in parts) / sum(weight for _, _, weight in parts)
    labels = dict.fromkeys([*(k[2] for k in keys_a), *(k[2] for k in keys_b)])
    per_label = {
        name: round(_f1({k for k in keys_a if k[2] == name}, {k for k in keys_b if k[2] == name}), 6)
        for name in labels
    }
    return Agreement(score, {**{name: round(value, 6) for name, value, _ in parts}, "labels": per_label})


def _canonical(response: dict[str, Any]) -> dict[str, Any]:
    parsed = msgspec.convert(response, NamedEntityRecognitionResponse, strict=False)
    keys = _keys(parsed)
    spans = sorted(
        ([s.start, s.end, s.label, dict(sorted((s.attributes or {}).items()))] for s in parsed.annotations),
        key=str,
    )
    links = [[r.name, keys.get(r.source_ref), keys.get(r.target_ref)] for r in parsed.relationships]
    return {"annotations": spans, "relationships": sorted(links, key=str)}


def _summarize(params: NamedEntityRecognitionParams, response: dict[str, Any]) -> dict[str, Any]:
    spans = [s for s in response.get("annotations") or () if isinstance(s, dict)]
    return {
        "annotations": len(spans),
        "labels": dict(Counter(str(s.get("label")) for s in spans)),
        "relationships": len(response.get("relationships") or ()),
    }


def _hypothesis(params: NamedEntityRecognitionParams) -> dict[str, Any] | None:
    given = params.hypothesis
    if given is None:
        return None
    spans = [
        replace(
            s,
            id=s.id or str(uuid.uuid5(uuid.NAMESPACE_OID, f"{i} {s.start} {s.end} {s.label}")),
            text=params.text[s.start : s.end],
        )
        for i, s in enumerate(given.annotations)
    ]
    whole = NamedEntityRecognitionResponse(annotations=spans, relationships=given.relationships)
    return cast("dict[str, Any]", msgspec.to_builtins(whole))


TASK_TYPE = TaskType(
    title="Named entity recognition",
    description="Labeled spans of a text and links between them.",
    params=NamedEntityRecognitionParams,
    response=NamedEntityRecognitionResponse,
    parse_params=_parse,
    attachments=lambda _: (),
    check_response=_check,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    hypothesis=_hypothesis,
    quality_tasks=True,
)
