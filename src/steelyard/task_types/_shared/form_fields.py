"""Fields of a form and the rules for their definitions (task-types-text §1.3 to §1.5)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._shared.parsing import shorten
from steelyard.task_types._shared.values import (
    Characters,
    MaxCharacters,
    Step,
    bad,
    check_number_rules,
    check_text_rules,
    decimal,
    missing,
)
from steelyard.taxonomy.attributes import Number

ChoiceValue = str | int | float | bool

KINDS = (
    "text", "boolean", "number", "datetime", "category", "select", "ranking_order", "time_range", "field_set", "form",
)  # fmt: skip
_ALIASES = {"ranking": "ranking_order", "fieldset": "field_set"}
MAX_NESTING = 20
MAX_LEAST_SIZE = 200_000
"""Characters (roughly) of the smallest complete answer; more than that nobody could give."""


class FormChoice(Struct, kw_only=True):
    """One choice. With `subchoices` it is navigation only and cannot be selected."""

    label: Annotated[str, Meta(description="Shown text.")]
    value: Annotated[ChoiceValue, Meta(description="Returned value; compared with its type.")]
    hint: str | None = None
    subchoices: list[FormChoice] | None = None


class FormField(Struct, kw_only=True):
    """One field of a form. Which of the keys count depends on `type`."""

    type: Annotated[
        str,
        Meta(
            description="text, boolean, number, datetime, category, select, ranking_order (or ranking), time_range, field_set, form.",
            examples=["text", "category", "field_set"],
        ),
    ]
    field_id: Annotated[
        str, Meta(min_length=1, max_length=256, description="Key of the answer; unique in the task.")
    ]
    title: Annotated[str, Meta(min_length=1)]
    description: str | None = None
    hint: str | None = None
    required: Annotated[bool | None, Meta(description="Must be answered while visible.")] = None
    min_responses_required: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None, Meta(description="Separate answers at least; default 1.")
    ] = None
    max_responses_required: Annotated[
        int | None,
        Meta(description="Separate answers at most; above 1 the answer is an array. Default 1, at most 100."),
    ] = None
    conditions: Annotated[
        list[Any] | dict[str, Any] | None,
        Meta(
            description="Visibility: an object AND-s its members, an array OR-s its elements, `not` negates."
        ),
    ] = None
    # text
    min_characters: Characters | None = None
    max_characters: MaxCharacters | None = None
    regex: Annotated[str | None, Meta(description="`text`: must match as a whole.")] = None
    multiline: bool | None = None
    placeholder: str | None = None
    generative: Annotated[
        bool | None, Meta(description="`text`: free writing, never scored by comparison.")
    ] = None
    # number (numbers) and datetime (strings in the field's format)
    min: Number | str | None = None
    max: Number | str | None = None
    step: Step | None = None
    use_slider: bool | None = None
    prefix: str | None = None
    suffix: str | None = None
    format: Annotated[str | None, Meta(description="`datetime`: date, datetime or time.")] = None
    # category, select, ranking
    choices: list[FormChoice] | None = None
    min_choices: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    max_choices: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    options: Annotated[list[FormChoice] | None, Meta(description="Ranking: other name of `choices`.")] = None
    num_options: Annotated[
        Annotated[int, Meta(ge=2, le=100)] | None, Meta(description="Ranking: makes options 1 to n.")
    ] = None
    option_label: str | None = None
    first_label: str | None = None
    last_label: str | None = None
    allow_ties: bool | None = None
    # time_range
    attachment_index: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    min_duration: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    max_duration: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    # field_set, form
    fields: list[FormField] | None = None
    inline: bool | None = None

    @property
    def kind(self) -> str:
        """The canonical type word."""
        word = self.type.lower()
        return _ALIASES.get(word, word)

    @property
    def least(self) -> int:
        """Separate answers at least, once there is one."""
        return self.min_responses_required or 1

    @property
    def most(self) -> int:
        """Separate answers at most; above 1 the answer is an array."""
        return self.max_responses_required or 1

    @property
    def children(self) -> list[FormField]:
        """The fields inside a container."""
        return self.fields or []

    @property
    def is_container(self) -> bool:
        """Whether answers are objects of its children's answers."""
        return self.kind in ("field_set", "form")

    def bounds(self) -> tuple[float | None, float | None]:
        """`min` and `max` of a number field."""
        return _number(self.min), _number(self.max)

    def values(self) -> list[ChoiceValue]:
        """What may be selected or has to be ranked, in document order."""
        if self.kind == "ranking_order" and not self.ranked:
            return list(range(1, (self.num_options or 0) + 1))
        return [choice.value for choice in _leaves(self.ranked)]

    @property
    def ranked(self) -> list[FormChoice]:
        """`choices`, or its alias of ranking fields."""
        return self.choices or self.options or []


def _number(value: float | str | None) -> float | None:
    return float(value) if value is not None else None


MAX_CHOICE_DEPTH = 50


def _check_depth(path: str, choices: Sequence[FormChoice]) -> None:
    level = list(choices)
    for _ in range(MAX_CHOICE_DEPTH):
        level = [child for choice in level for child in choice.subchoices or ()]
        if not level:
            return
    raise bad(f"{path}.choices", f"may be nested at most {MAX_CHOICE_DEPTH} levels deep")


def _leaves(choices: Sequence[FormChoice]) -> Iterator[FormChoice]:
    for choice in choices:
        if choice.subchoices:
            yield from _leaves(choice.subchoices)
        else:
            yield choice


def typed(value: Any) -> tuple[str, Any]:
    """A key under which choice values are equal only with their JSON type: `1`, `"1"` and `true` differ."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | float):
        return ("number", value)
    return ("string", value)


def walk(
    fields: Sequence[FormField], path: str = "fields", depth: int = 1
) -> Iterator[tuple[str, FormField]]:
    """All fields in document order with their paths."""
    for i, field in enumerate(fields):
        yield f"{path}[{i}]", field
        if field.fields:
            if depth >= MAX_NESTING:
                raise bad(f"{path}[{i}].fields", f"may be nested at most {MAX_NESTING} levels deep")
            yield from walk(field.fields, f"{path}[{i}].fields", depth + 1)


def check_fields(fields: Sequence[FormField], media: Sequence[str]) -> None:
    """Raise InvalidRequest on the first broken rule; `media` are the types of the task's attachments."""
    seen: set[str] = set()
    for path, field in walk(fields):
        if field.kind not in KINDS:
            raise bad(f"{path}.type", f'unknown field type "{shorten(field.type)}"')
        if not field.field_id.strip():
            raise bad(f"{path}.field_id", "must not be empty")
        if field.field_id in seen:
            message = f'Duplicate field_id "{field.field_id}".'
            raise InvalidRequest(message, issues=[Issue(f"{path}.field_id", "is used more than once")])
        seen.add(field.field_id)
        if not field.title.strip():
            raise bad(f"{path}.title", "must not be empty")
        if not field.least <= field.most <= 100:
            raise bad(f"{path}.max_responses_required", "must be between min_responses_required and 100")
        _CHECKS.get(field.kind, _nothing)(path, field, media)
    forms = [field.kind == "form" for field in fields]
    if any(forms) and not all(forms):
        raise bad("fields", "form fields cannot be mixed with other fields")
    if sum(_least_size(field) for field in fields) > MAX_LEAST_SIZE:
        raise bad("fields", "ask for more answers than anybody could give")


def _nothing(path: str, field: FormField, media: Sequence[str]) -> None:
    pass


def _least_size(field: FormField) -> int:
    one = sum(map(_least_size, field.children)) if field.children else max(1, field.min_characters or 0)
    return min(field.least * one, MAX_LEAST_SIZE + 1)


def _check_text(path: str, field: FormField, media: Sequence[str]) -> None:
    check_text_rules(path, field.min_characters, field.max_characters, field.regex)


def _check_number(path: str, field: FormField, media: Sequence[str]) -> None:
    for key in ("min", "max"):
        value = getattr(field, key)
        if isinstance(value, str) and (decimal(value) is None or len(value) > 50):
            raise _expected(f"{path}.{key}", "number")
    low, high = field.bounds()
    check_number_rules(path, low, high)
    if field.use_slider and (low is None or high is None):
        raise bad(f"{path}.use_slider", "needs both min and max")


def _expected(path: str, what: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid parameter {path}: expected {what}.", issues=[Issue(path, f"must be a {what}")]
    )


def _check_datetime(path: str, field: FormField, media: Sequence[str]) -> None:
    if field.format is not None and field.format not in MOMENTS:
        raise bad(f"{path}.format", f"must be one of {', '.join(MOMENTS)}")
    for key in ("min", "max"):
        value = getattr(field, key)
        if value is not None and not is_moment(value, field.format):
            raise bad(
                f"{path}.{key}",
                f"must be a {field.format or 'date'} like {MOMENTS[field.format or 'date'][1]}",
            )
    if field.min is not None and field.max is not None and str(field.min) > str(field.max):
        raise bad(f"{path}.max", "must be at least min")


MOMENTS: dict[str, tuple[re.Pattern[str], str]] = {
    "date": (re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), "2024-05-31"),
    "datetime": (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII), "2024-05-31T13:45:00Z"),
    "time": (re.compile(r"\d\d:\d\d:\d\d", re.ASCII), "13:45:00"),
}
"""Formats of `datetime` fields with an example of each."""


def is_moment(value: Any, fmt: str | None) -> bool:
    """Whether a value is a real date, time or both in the given format (default: date)."""
    kind = fmt or "date"
    if not isinstance(value, str) or not MOMENTS[kind][0].fullmatch(value):
        return False
    try:
        if kind == "time":
            dt.time.fromisoformat(value)
        else:
            dt.datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _check_choices(path: str, field: FormField, media: Sequence[str]) -> None:
    if field.choices is None:
        raise missing(f"{path}.choices")
    _check_depth(path, field.choices)
    values = field.values()
    if not values:
        raise bad(f"{path}.choices", "must contain at least one choice")
    _check_distinct(field, path, values)
    low = 1 if field.min_choices is None else field.min_choices
    if (field.max_choices or 1) < low:
        raise bad(f"{path}.max_choices", "must be at least min_choices")
    if low > len(values):
        raise bad(f"{path}.min_choices", "exceeds the number of selectable choices")


def _check_distinct(field: FormField, path: str, values: Sequence[ChoiceValue]) -> None:
    seen: set[tuple[str, Any]] = set()
    for value in values:
        if typed(value) in seen:
            shown = msgspec.json.encode(value).decode()
            message = f'Duplicate choice value {shown} in field "{field.field_id}".'
            raise InvalidRequest(message, issues=[Issue(f"{path}.choices", "duplicate value")])
        seen.add(typed(value))


def _check_ranking(path: str, field: FormField, media: Sequence[str]) -> None:
    if field.ranked:
        for i, choice in enumerate(field.ranked):
            if choice.subchoices:
                raise bad(f"{path}.choices[{i}].subchoices", "not allowed in a ranking")
        if len(field.ranked) < 2:
            raise bad(f"{path}.choices", "must contain at least two choices")
        _check_distinct(field, path, field.values())
    elif field.num_options is None:
        raise missing(f"{path}.choices")


def _check_time_range(path: str, field: FormField, media: Sequence[str]) -> None:
    playable = [i for i, kind in enumerate(media) if kind in ("audio", "video")]
    if not playable or (field.attachment_index is not None and field.attachment_index not in playable):
        raise bad(f"{path}.attachment_index", "must point at an audio or video attachment")
    if (
        field.min_duration is not None
        and field.max_duration is not None
        and field.min_duration > field.max_duration
    ):
        raise bad(f"{path}.max_duration", "must be at least min_duration")
    if field.max_duration == 0:
        raise bad(f"{path}.max_duration", "must be greater than 0")


def _check_field_set(path: str, field: FormField, media: Sequence[str]) -> None:
    if len(field.children) < 2:
        raise bad(f"{path}.fields", "a field_set needs at least 2 fields")
    if field.inline and (
        len(field.children) > 2 or any(c.kind not in ("text", "number") for c in field.children)
    ):
        raise bad(f"{path}.inline", "an inline field_set takes at most 2 text or number fields")
    _no_forms(path, field)


def _check_form(path: str, field: FormField, media: Sequence[str]) -> None:
    if not field.children:
        raise bad(f"{path}.fields", "must contain at least one field")
    if field.most > 1:
        raise bad(f"{path}.max_responses_required", "a form has one answer")
    _no_forms(path, field)


def _no_forms(path: str, field: FormField) -> None:
    for i, child in enumerate(field.children):
        if child.kind == "form":
            raise bad(f"{path}.fields[{i}].type", "forms appear only at the top level")


_CHECKS = {
    "text": _check_text,
    "number": _check_number,
    "datetime": _check_datetime,
    "category": _check_choices,
    "select": _check_choices,
    "ranking_order": _check_ranking,
    "time_range": _check_time_range,
    "field_set": _check_field_set,
    "form": _check_form,
}
