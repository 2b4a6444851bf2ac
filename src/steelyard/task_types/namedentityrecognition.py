"""Spans of a text with labels, and links between pairs of spans (task-types-text §2)."""

from __future__ import annotations

import random
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import Agreement, Answer, MediaInfo, TaskType
from steelyard.task_types._shared.common import CommonParams
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section, plain, read_response, shorten
from steelyard.taxonomy.answers import is_number

MAX_TEXT = 100_000
MAX_DEPTH = 10

AttributeAnswer = str | int | float | bool | list[str | int | float | bool] | None


class NerChoice(Struct, kw_only=True):
    """A choice with a shown text of its own."""

    value: Annotated[str, Meta(min_length=1)]
    label: str | None = None


class NerAttribute(Struct, kw_only=True):
    """An attribute of the spans of one label."""

    type: Literal["category", "text", "number", "boolean"] = "category"
    description: str | None = None
    choices: list[str | NerChoice] | None = None
    allow_multiple: bool | None = None
    required: bool | None = None

    @property
    def values(self) -> list[str]:
        """What may be answered, for a category."""
        return [c if isinstance(c, str) else c.value for c in self.choices or ()]


class NerLabel(Struct, kw_only=True):
    """A label; its children are labels, too, and a label with children may be used itself."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    description: str | None = None
    display_name: str | None = None
    children: list[NerLabel] | None = None
    attributes: dict[str, NerAttribute] | None = None
    color: Annotated[
        Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")] | None, Meta(description="`#rrggbb`.")
    ] = None


class NerRelationshipDefinition(Struct, kw_only=True):
    """A kind of link between spans. Without `name` it is unnamed; several unnamed ones are alternatives."""

    name: str | None = None
    display_name: str | None = None
    is_directed: bool | None = None
    source_label: Annotated[
        str | None, Meta(description="The source span has this label or one below it.")
    ] = None
    target_label: Annotated[str | None, Meta(description="The same for the target span.")] = None


class NerSpan(Struct, kw_only=True, omit_defaults=True):
    """A labeled part of the text: half-open, counted in Unicode code points."""

    id: Annotated[Annotated[str, Meta(min_length=1, max_length=128)] | None, Meta(description="Unique.")] = (
        None
    )
    start: Annotated[int, Meta(ge=0, le=2**31)]
    end: Annotated[int, Meta(ge=0, le=2**31, description="Index after the last character.")]
    text: Annotated[str | None, Meta(description="The covered text; completed when missing.")] = None
    label: str
    attributes: dict[str, AttributeAnswer] | None = None


class NerRelationship(Struct, kw_only=True, omit_defaults=True):
    """A link from one span to another, by their ids."""

    id: str | None = None
    source_ref: str
    target_ref: str
    name: str | None = None


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


def _bad(path: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid parameter {path}: {reason}.", issues=[Issue(path, reason)])


def _check_text(params: Any) -> None:
    if params.text.isspace():
        raise _bad("text", "must not be empty")


def _walk(labels: list[NerLabel], path: str, depth: int = 1) -> Iterator[tuple[str, NerLabel]]:
    if depth > MAX_DEPTH:
        raise _bad(path, f"labels may be nested at most {MAX_DEPTH} levels deep")
    for i, label in enumerate(labels):
        yield f"{path}[{i}]", label
        if label.children:
            yield from _walk(label.children, f"{path}[{i}].children", depth + 1)


def _labels(params: Any) -> dict[str, NerLabel]:
    return {label.name: label for _, label in _walk(params.labels, "labels")}


def _below(label: NerLabel) -> set[str]:
    return {label.name} | {name for child in label.children or () for name in _below(child)}


def _check_labels(params: Any) -> None:
    seen: set[str] = set()
    for path, label in _walk(params.labels, "labels"):
        if label.name.isspace():
            raise _bad(f"{path}.name", "must not be empty")
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
    known = _labels(params)
    seen: set[str] = set()
    for i, d in enumerate(definitions):
        path = f"relationships[{i}]"
        if d.name is None:
            for key in ("display_name", "is_directed"):
                if getattr(d, key) is not None:
                    raise _bad(f"{path}.{key}", "not allowed for unnamed relationships")
        else:
            if not d.name.strip():
                raise _bad(f"{path}.name", "required for named relationships")
            if not (d.display_name or "").strip():
                raise _bad(f"{path}.display_name", "required for named relationships")
            if d.name in seen:
                raise InvalidRequest(
                    f'Duplicate relationship name "{d.name}".', issues=[Issue(path, "duplicate")]
                )
            seen.add(d.name)
        for key in ("source_label", "target_label"):
            label = getattr(d, key)
            if label is not None and label not in known:
                raise _bad(f"{path}.{key}", f'unknown label "{shorten(label)}"')


def _check_hypothesis(params: Any) -> None:
    given = cast("NamedEntityRecognitionResponse | None", params.hypothesis)
    if given is None:
        return
    known = _labels(params)
    ids = {span.id for span in given.annotations if span.id is not None}
    for i, span in enumerate(given.annotations):
        problem = _span_problem(span, params.text, known)
        if problem:
            raise _bad(f"hypothesis.annotations[{i}]", problem)
    for i, link in enumerate(given.relationships):
        for key in ("source_ref", "target_ref"):
            if getattr(link, key) not in ids:
                reason = f'no annotation with id "{shorten(getattr(link, key))}"'
                raise _bad(f"hypothesis.relationships[{i}].{key}", reason)


def _span_problem(span: NerSpan, text: str, known: dict[str, NerLabel]) -> str | None:
    if span.end <= span.start:
        return "end must be greater than start"
    if span.end > len(text):
        return "span is outside the text"
    if span.text is not None and span.text != text[span.start : span.end]:
        return "text does not match the span"
    if span.label not in known:
        return f'unknown label "{shorten(span.label)}"'
    return None


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
    known = _labels(params)
    issues: list[Issue] = []
    for i, span in enumerate(response.annotations):
        problem = _span_problem(span, params.text, known)
        if problem:
            issues.append(Issue(f"annotations[{i}]", problem))
        else:
            issues += _attribute_issues(known[span.label], span, f"annotations[{i}].attributes")
    issues += _duplicates(response.annotations)
    if params.allow_overlap is False:
        issues += _overlaps(response.annotations)
    issues += _link_issues(params, response, known)
    return (issues, data) if issues else ([], _completed(params.text, response, data))


def _attribute_issues(label: NerLabel, span: NerSpan, path: str) -> Iterator[Issue]:
    defined = label.attributes or {}
    given = span.attributes or {}
    for key, d in defined.items():
        value = given.get(key)
        if value is None or value in ("", []):
            if d.required:
                yield Issue(f"{path}.{key}", "is required")
        elif not _legal(d, value):
            yield Issue(f"{path}.{key}", f"is no legal {d.type} answer")
    for key in given:
        if key not in defined:
            yield Issue(f"{path}.{key}", "is no attribute of this label")


def _legal(d: NerAttribute, value: Any) -> bool:
    match d.type:
        case "category" if d.allow_multiple:
            return (
                isinstance(value, list)
                and len(set(map(str, value))) == len(value)
                and all(v in d.values for v in value)
            )
        case "category":
            return isinstance(value, str) and value in d.values
        case "text":
            return isinstance(value, str)
        case "number":
            return is_number(value)
        case "boolean":
            return isinstance(value, bool)


def _duplicates(spans: list[NerSpan]) -> Iterator[Issue]:
    keys: set[tuple[int, int, str]] = set()
    ids: set[str] = set()
    for i, span in enumerate(spans):
        key = (span.start, span.end, span.label)
        if key in keys:
            yield Issue(f"annotations[{i}]", "is there twice")
        keys.add(key)
        if span.id is not None:
            if span.id in ids:
                yield Issue(f"annotations[{i}].id", "is used more than once")
            ids.add(span.id)


def _overlaps(spans: list[NerSpan]) -> Iterator[Issue]:
    order = sorted(range(len(spans)), key=lambda i: (spans[i].start, spans[i].end))
    reach = 0
    for i in order:
        if spans[i].start < reach:
            yield Issue(f"annotations[{i}]", "overlaps another span")
        reach = max(reach, spans[i].end)


def _link_issues(
    params: NamedEntityRecognitionParams, response: NamedEntityRecognitionResponse, known: dict[str, NerLabel]
) -> Iterator[Issue]:
    spans = {span.id: span for span in response.annotations if span.id is not None}
    seen: set[tuple[str | None, str, str]] = set()
    for i, link in enumerate(response.relationships):
        path = f"relationships[{i}]"
        source, target = spans.get(link.source_ref), spans.get(link.target_ref)
        if source is None or target is None:
            yield Issue(path, "refers to a span that is not there")
            continue
        if source is target:
            yield Issue(path, "must join two different spans")
            continue
        found = next(
            (d for d in params.relationships or () if _fits(d, link.name, source, target, known)), None
        )
        if found is None:
            yield Issue(path, "fits no relationship of this task")
            continue
        ends = (link.source_ref, link.target_ref)
        first, second = ends if found.is_directed else sorted(ends)
        key = (link.name, first, second)
        if key in seen:
            yield Issue(path, "is there twice")
        seen.add(key)


def _fits(
    d: NerRelationshipDefinition,
    name: str | None,
    source: NerSpan,
    target: NerSpan,
    known: dict[str, NerLabel],
) -> bool:
    if d.name != name:
        return False

    def under(wanted: str | None, span: NerSpan) -> bool:
        return wanted is None or (wanted in known and span.label in _below(known[wanted]))

    if under(d.source_label, source) and under(d.target_label, target):
        return True
    return not d.is_directed and under(d.source_label, target) and under(d.target_label, source)


def _completed(text: str, response: NamedEntityRecognitionResponse, data: bytes) -> bytes:
    """The bytes to store: ids and covered texts filled in, `relationships` there; as given if all of that was."""
    complete = all(s.id is not None and s.text is not None for s in response.annotations)
    if complete and all(r.id is not None for r in response.relationships) and b'"relationships"' in data:
        return data
    spans = [
        replace(s, id=s.id or str(uuid.uuid4()), text=text[s.start : s.end], attributes=s.attributes or None)
        for s in response.annotations
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
    known = _labels(params)
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
    if wanted and len(spans) > 1 and _fits(wanted[0], wanted[0].name, spans[0], spans[1], known):
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
