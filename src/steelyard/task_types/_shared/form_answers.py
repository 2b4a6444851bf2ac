"""Answers to a form: checked and cleaned at submit, unwrapped from pre-labels, made up for test mode (task-types-text §1.5 to §1.9)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from steelyard.errors import Issue
from steelyard.task_types._shared.form_conditions import Form, Scope, separate
from steelyard.task_types._shared.form_fields import MOMENTS, FormField, is_moment, typed
from steelyard.task_types._shared.parsing import shorten
from steelyard.task_types._shared.values import (
    decimal,
    make_decimal,
    make_text,
    number_problem,
    text_problem,
)
from steelyard.taxonomy.answers import is_number


class AnswerChecker:
    """Checks the answers of one form. `playable` are the indexes of audio and video attachments, `duration_s` of the media if known."""

    def __init__(self, form: Form, playable: Sequence[int] = (), duration_s: float | None = None) -> None:
        self.form = form
        self.playable = list(playable)
        self.duration_s = duration_s
        self.issues: list[Issue] = []
        self.complete = True
        self._checks: dict[str, Callable[[str, FormField, Any], Any]] = {
            "text": self._text,
            "boolean": self._boolean,
            "number": self._number,
            "datetime": self._moment,
            "category": self._choices,
            "select": self._choices,
            "ranking_order": self._ranking,
            "time_range": self._time_range,
        }

    def check(
        self, answers: Mapping[str, Any], *, complete: bool = True, strangers: bool = True
    ) -> tuple[list[Issue], dict[str, Any]]:
        """Issues, and the visible answers in the form that is stored.

        With `complete` false nothing has to be answered and no least count holds; `strangers`: unknown keys are issues.
        """
        self.issues, self.complete = [], complete
        cleaned = self._level(
            self.form.fields, answers, "annotations", Scope(self.form, self.form.fields, answers)
        )
        if strangers:
            known = {field.field_id for field in self.form.fields}
            self.issues += (
                Issue(f"annotations.{k}", "is no field of this task") for k in answers if k not in known
            )
        return self.issues, cleaned

    def _level(
        self, fields: Sequence[FormField], answers: Mapping[str, Any], path: str, scope: Scope
    ) -> dict[str, Any]:
        cleaned: dict[str, Any] = {}
        for field in fields:
            if scope.shown(field):
                value = self._field(field, answers.get(field.field_id), f"{path}.{field.field_id}", scope)
                if value is not None:
                    cleaned[field.field_id] = value
        return cleaned

    def _field(self, field: FormField, raw: Any, path: str, scope: Scope) -> Any:
        if raw is not None and field.most > 1 and not isinstance(raw, list):
            self.issues.append(Issue(path, "must be an array of answers"))
            return None
        given = separate(field, raw)
        if not given:
            return self._unanswered(field, path, scope)
        cleaned: list[Any] = []
        for i, value in enumerate(given):
            where = f"{path}[{i}]" if field.most > 1 else path
            if field.is_container:
                one = self._container(field, value, where, scope)
            else:
                one = self._checks[field.kind](where, field, value)
            if one is not None:
                cleaned.append(one)
        if self.complete and len(cleaned) < field.least and cleaned:
            self.issues.append(Issue(path, f"needs at least {field.least} answers"))
        if len(given) > field.most:
            self.issues.append(Issue(path, f"takes at most {field.most} answers"))
        if not cleaned:
            return None
        return cleaned if field.most > 1 else cleaned[0]

    def _unanswered(self, field: FormField, path: str, scope: Scope) -> None:
        if not self.complete:
            return
        if field.kind == "form":
            # Its required children count although nothing was entered in it yet.
            self._level(field.children, {}, path, scope.inside(field, {}))
        elif field.required:
            inner = scope.inside(field, {})
            if not field.is_container or any(inner.shown(child) for child in field.children):
                self.issues.append(Issue(path, "is required"))

    def _container(self, field: FormField, value: Any, path: str, scope: Scope) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            self.issues.append(Issue(path, "must be an object"))
            return None
        item = cast("dict[str, Any]", value)
        known = {child.field_id for child in field.children}
        self.issues += (Issue(f"{path}.{k}", "is no field of this task") for k in item if k not in known)
        return self._level(field.children, item, path, scope.inside(field, item)) or None

    def _problem(self, path: str, problem: str) -> None:
        self.issues.append(Issue(path, problem))

    def _text(self, path: str, field: FormField, value: Any) -> str | None:
        problem = text_problem(value, field.min_characters, field.max_characters, field.regex)
        return self._problem(path, problem) if problem else value

    def _boolean(self, path: str, field: FormField, value: Any) -> bool | None:
        return value if isinstance(value, bool) else self._problem(path, "must be true or false")

    def _number(self, path: str, field: FormField, value: Any) -> str | None:
        number = decimal(value)
        if number is None:
            return self._problem(path, "must be a decimal number")
        problem = number_problem(number, *field.bounds(), field.step)
        return self._problem(path, problem) if problem else number

    def _moment(self, path: str, field: FormField, value: Any) -> str | None:
        if not is_moment(value, field.format):
            kind = field.format or "date"
            return self._problem(path, f"must be a {kind} like {MOMENTS[kind][1]}")
        if field.min is not None and value < str(field.min):
            return self._problem(path, f"must not be before {field.min}")
        if field.max is not None and value > str(field.max):
            return self._problem(path, f"must not be after {field.max}")
        return value

    def _choices(self, path: str, field: FormField, value: Any) -> list[Any] | None:
        if not isinstance(value, list):
            return self._problem(path, "must be an array of choices")
        picked = cast("list[Any]", value)
        allowed = {typed(v) for v in field.values()}
        for one in picked:
            if isinstance(one, list | dict) or typed(one) not in allowed:
                return self._problem(path, f'"{shorten(one)}" is not one of the choices')
        if len({typed(one) for one in picked}) < len(picked):
            return self._problem(path, "must not hold a choice twice")
        low = 1 if field.min_choices is None else field.min_choices
        if len(picked) > (field.max_choices or 1) or (self.complete and len(picked) < low):
            return self._problem(path, f"must hold {low} to {field.max_choices or 1} choices")
        return picked

    def _ranking(self, path: str, field: FormField, value: Any) -> list[Any] | None:
        groups = cast("list[Any]", value) if isinstance(value, list) else []
        tied = all(isinstance(group, list) for group in groups)
        if field.allow_ties and tied:
            flat = [v for group in cast("list[list[Any]]", groups) for v in group]
        else:
            flat = groups
        if any(isinstance(v, list | dict) for v in flat) or any(group == [] for group in groups):
            return self._problem(path, "must be an array of the options, best first")
        if sorted(map(str, map(typed, flat))) != sorted(map(str, map(typed, field.values()))):
            return self._problem(path, "must rank every option once")
        if field.allow_ties and not tied:
            return [[v] for v in flat]
        return groups

    def _time_range(self, path: str, field: FormField, value: Any) -> dict[str, Any] | None:
        span = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        start, end = span.get("start"), span.get("end")
        if not is_number(start) or not is_number(end):
            return self._problem(path, "must have a start and an end in seconds")
        if not 0 <= start < end:
            return self._problem(path, "must start at 0 or later and end after its start")
        if self.duration_s is not None and len(self.playable) == 1 and end > self.duration_s + 0.001:
            return self._problem(path, "must end within the media")
        if field.min_duration is not None and end - start < field.min_duration - 1e-9:
            return self._problem(path, f"must last at least {field.min_duration:g} s")
        if field.max_duration is not None and end - start > field.max_duration + 1e-9:
            return self._problem(path, f"must last at most {field.max_duration:g} s")
        cleaned: dict[str, Any] = {"start": round(start, 3), "end": round(end, 3)}
        index = span.get("attachment_index")
        if index is not None and index not in self.playable:
            return self._problem(path, "must name an audio or video attachment")
        if index is not None or len(self.playable) > 1:
            cleaned["attachment_index"] = index if index is not None else self.default_index(field)
        return cleaned

    def default_index(self, field: FormField) -> int:
        """The attachment that a time range belongs to unless it says otherwise."""
        return field.attachment_index if field.attachment_index is not None else self.playable[0]


def unwrap(
    fields: Sequence[FormField], annotations: Mapping[str, Any], path: str
) -> tuple[list[Issue], dict[str, Any]]:
    """The bare form of answers that may be wrapped as `{"type", "field_id", "response": […]}` (§1.8). Unknown keys stay."""
    by_id = {field.field_id: field for field in fields}
    issues: list[Issue] = []
    bare: dict[str, Any] = {}
    for key, value in annotations.items():
        field = by_id.get(key)
        bare[key] = value if field is None else _unwrap_one(field, value, f"{path}.{key}", issues)
    return issues, bare


def _unwrap_one(field: FormField, value: Any, path: str, issues: list[Issue]) -> Any:
    wrapped = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if not isinstance(wrapped.get("response"), list) or not ("field_id" in wrapped or "type" in wrapped):
        return _unwrap_inside(field, value, path, issues)
    if wrapped.get("field_id", field.field_id) != field.field_id:
        issues.append(Issue(path, f'field_id "{shorten(wrapped["field_id"])}" differs from its key'))
    word = wrapped.get("type", field.type)
    if not isinstance(word, str) or FormField(type=word, field_id="x", title="x").kind != field.kind:
        issues.append(Issue(path, f'type "{shorten(word)}" differs from the field\'s type'))
    answers = [_unwrap_inside(field, one, path, issues) for one in cast("list[Any]", wrapped["response"])]
    if field.kind in ("text", "number", "boolean", "datetime"):
        answers = [_first(one) for one in answers]
    if field.most > 1:
        return answers
    if len(answers) > 1:
        issues.append(Issue(path, "takes one answer"))
    return answers[0] if answers else None


def _first(value: Any) -> Any:
    """`["hello"]` → `"hello"`: scalars arrive in a list of their own sometimes."""
    items = cast("list[Any]", value) if isinstance(value, list) else None
    return items[0] if items is not None and len(items) == 1 else value


def _unwrap_inside(field: FormField, value: Any, path: str, issues: list[Issue]) -> Any:
    if field.is_container and isinstance(value, dict):
        found, bare = unwrap(field.children, cast("dict[str, Any]", value), path)
        issues += found
        return bare
    if field.is_container and field.most > 1 and isinstance(value, list):
        return [_unwrap_inside(field, one, path, issues) for one in cast("list[Any]", value)]
    return value


class AnswerMaker:
    """Makes up an answer to every field, varied by the random source; hidden ones are left out by the checker afterwards."""

    def __init__(self, checker: AnswerChecker, rng: random.Random) -> None:
        self.checker = checker
        self.rng = rng

    def level(self, fields: Sequence[FormField]) -> dict[str, Any]:
        """Answers of these fields by id."""
        made = {field.field_id: self._field(field) for field in fields}
        return {key: value for key, value in made.items() if value is not None}

    def _field(self, field: FormField) -> Any:
        # One more than needed where that cannot multiply through nested sets.
        more = 0 if field.is_container else 1
        count = self.rng.randint(field.least, min(field.most, field.least + more))
        answers = [one for one in (self._one(field) for _ in range(count)) if one is not None]
        if not answers:
            return None
        return answers if field.most > 1 else answers[0]

    def _one(self, field: FormField) -> Any:
        rng = self.rng
        match field.kind:
            case "text":
                return make_text(rng, field.min_characters, field.max_characters, field.regex)
            case "boolean":
                return rng.random() < 0.7
            case "number":
                return make_decimal(rng, *field.bounds(), field.step)
            case "datetime":
                return self._moment(field)
            case "category" | "select":
                values = field.values()
                low = max(1, 1 if field.min_choices is None else field.min_choices)
                picked = set(
                    rng.sample(
                        range(len(values)),
                        rng.randint(low, min(field.max_choices or 1, len(values), low + 1)),
                    )
                )
                return [v for i, v in enumerate(values) if i in picked]
            case "ranking_order":
                values = rng.sample(field.values(), len(field.values()))
                return [[v] for v in values] if field.allow_ties else values
            case "time_range":
                return self._time_range(field)
            case _:
                return self.level(field.children) or None

    def _moment(self, field: FormField) -> str:
        rng = self.rng
        day = f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        clock = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
        made = {"date": day, "time": clock, "datetime": f"{day}T{clock}Z"}[field.format or "date"]
        if field.min is not None:
            made = max(made, str(field.min))
        return min(made, str(field.max)) if field.max is not None else made

    def _time_range(self, field: FormField) -> dict[str, Any]:
        length = max(field.min_duration or 0.0, 1.0)
        if field.max_duration is not None:
            length = min(length, field.max_duration)
        duration = self.checker.duration_s
        if duration is not None and len(self.checker.playable) == 1:
            length = min(length, duration)
        span: dict[str, Any] = {"start": 0, "end": round(length, 3) or 0.001}
        if len(self.checker.playable) > 1:
            span["attachment_index"] = self.checker.default_index(field)
        return span
