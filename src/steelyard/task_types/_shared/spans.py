"""Labeled spans of a text and links between them: wire Structs, lookups and checks (task-types-text §2.2 to §2.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from steelyard.errors import Issue
from steelyard.task_types._shared.parsing import shorten
from steelyard.task_types._shared.values import bad
from steelyard.taxonomy.answers import is_number

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


def walk_labels(labels: list[NerLabel], path: str, depth: int = 1) -> Iterator[tuple[str, NerLabel]]:
    """All labels in document order with their paths; raises InvalidRequest when nested too deeply."""
    if depth > MAX_DEPTH:
        raise bad(path, f"labels may be nested at most {MAX_DEPTH} levels deep")
    for i, label in enumerate(labels):
        yield f"{path}[{i}]", label
        if label.children:
            yield from walk_labels(label.children, f"{path}[{i}].children", depth + 1)


def labels_by_name(labels: list[NerLabel]) -> dict[str, NerLabel]:
    """All labels of a tree, parents included."""
    return {label.name: label for _, label in walk_labels(labels, "labels")}


def below(label: NerLabel) -> set[str]:
    """Names of a label and of all its descendants."""
    return {label.name} | {name for child in label.children or () for name in below(child)}


def span_problem(span: NerSpan, text: str, known: Mapping[str, NerLabel]) -> str | None:
    """What is wrong with a span of this text, None if nothing."""
    if span.end <= span.start:
        return "end must be greater than start"
    if span.end > len(text):
        return "span is outside the text"
    if span.text is not None and span.text != text[span.start : span.end]:
        return "text does not match the span"
    if span.label not in known:
        return f'unknown label "{shorten(span.label)}"'
    return None


def attribute_issues(label: NerLabel, span: NerSpan, path: str) -> Iterator[Issue]:
    """Required answers that are missing and answers that are not legal."""
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


def duplicates(spans: list[NerSpan]) -> Iterator[Issue]:
    """Spans with the place and label of another, and ids used twice."""
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


def overlaps(spans: list[NerSpan]) -> Iterator[Issue]:
    """Spans that start before an earlier one ends."""
    order = sorted(range(len(spans)), key=lambda i: (spans[i].start, spans[i].end))
    reach = 0
    for i in order:
        if spans[i].start < reach:
            yield Issue(f"annotations[{i}]", "overlaps another span")
        reach = max(reach, spans[i].end)


def link_issues(
    definitions: Sequence[NerRelationshipDefinition],
    spans: Sequence[NerSpan],
    links: Sequence[NerRelationship],
    known: Mapping[str, NerLabel],
) -> Iterator[Issue]:
    """Links without both ends, that fit no definition, or that are there twice."""
    by_id = {span.id: span for span in spans if span.id is not None}
    seen: set[tuple[str | None, str, str]] = set()
    for i, link in enumerate(links):
        path = f"relationships[{i}]"
        source, target = by_id.get(link.source_ref), by_id.get(link.target_ref)
        if source is None or target is None:
            yield Issue(path, "refers to a span that is not there")
            continue
        if source is target:
            yield Issue(path, "must join two different spans")
            continue
        found = next((d for d in definitions if link_fits(d, link.name, source, target, known)), None)
        if found is None:
            yield Issue(path, "fits no relationship of this task")
            continue
        ends = (link.source_ref, link.target_ref)
        first, second = ends if found.is_directed else sorted(ends)
        key = (link.name, first, second)
        if key in seen:
            yield Issue(path, "is there twice")
        seen.add(key)


def link_fits(
    d: NerRelationshipDefinition,
    name: str | None,
    source: NerSpan,
    target: NerSpan,
    known: Mapping[str, NerLabel],
) -> bool:
    """Whether two spans may be linked under this definition and name; either way round when undirected."""
    if d.name != name:
        return False

    def under(wanted: str | None, span: NerSpan) -> bool:
        return wanted is None or (wanted in known and span.label in below(known[wanted]))

    if under(d.source_label, source) and under(d.target_label, target):
        return True
    return not d.is_directed and under(d.source_label, target) and under(d.target_label, source)
