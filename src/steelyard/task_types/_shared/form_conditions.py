"""Visibility of form fields: the grammar of `conditions`, its checks and its evaluation (task-types-text §1.6).

Condition = Clause | [Condition, …]       array = OR
Clause    = {key: Test | Condition, …}    object = AND; key is a field_id, "not", "and" or "or"
Test      = {"choices" | "value": v or [v, …], "equals": v, "not": Test, "answered": bool, "min": n, "max": n} | v | [v, …]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from steelyard.task_types._shared.form_fields import FormField, typed, walk
from steelyard.task_types._shared.parsing import shorten
from steelyard.task_types._shared.values import bad, decimal, exact

MAX_DEPTH = 10
# Evaluation recurses along chains of conditions; this keeps it far from Python's own limit.
MAX_CHAIN = 50

_CHOSEN = ("category", "select", "ranking_order")
_TESTS = ("choices", "value", "equals", "not", "answered", "min", "max")


class Form:
    """The fields of a task by id, with what contains them."""

    def __init__(self, fields: Sequence[FormField]) -> None:
        self.fields = list(fields)
        self.by_id: dict[str, FormField] = {}
        self.paths: dict[str, str] = {}
        self.parents: dict[str, FormField | None] = {}
        for path, field in walk(fields):
            self.by_id[field.field_id] = field
            self.paths[field.field_id] = path
            self.parents.setdefault(field.field_id, None)
            for child in field.children:
                self.parents[child.field_id] = field

    def chain(self, field_id: str) -> list[FormField]:
        """The containers around a field from the outside in, then the field itself."""
        found: list[FormField] = []
        field: FormField | None = self.by_id[field_id]
        while field is not None:
            found.append(field)
            field = self.parents[field.field_id]
        return found[::-1]


def check_conditions(form: Form) -> None:
    """Raise InvalidRequest for unknown fields, choices or tests, and for cycles."""
    edges: dict[str, set[str]] = {}
    for field_id, field in form.by_id.items():
        refs = (
            set(_references(form, field.conditions, f"{form.paths[field_id]}.conditions", 1))
            if field.conditions
            else set[str]()
        )
        parent = form.parents[field_id]
        edges[field_id] = refs | ({parent.field_id} if parent is not None else set())
    depth: dict[str, int] = {}
    for start in edges:
        _measure(start, edges, depth)


def _measure(start: str, edges: Mapping[str, set[str]], depth: dict[str, int]) -> None:
    """Longest chain from each field, by an explicit stack; refuses cycles and chains that are too long."""
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        key, leaving = stack.pop()
        if leaving:
            depth[key] = 1 + max((depth[other] for other in edges[key]), default=0)
            if depth[key] > MAX_CHAIN:
                raise bad("fields", f"conditions form a chain of more than {MAX_CHAIN} fields")
        elif key not in depth:
            depth[key] = 0
            stack.append((key, True))
            for other in edges[key]:
                if depth.get(other) == 0:
                    raise bad("fields", "conditions form a cycle")
                stack.append((other, False))


def _references(form: Form, condition: Any, path: str, level: int) -> Iterator[str]:
    if level > MAX_DEPTH:
        raise bad(path, "nested too deeply")
    if isinstance(condition, list):
        for one in cast("list[Any]", condition):
            yield from _references(form, one, path, level + 1)
        return
    if not isinstance(condition, dict):
        raise bad(path, "a condition must be an object or an array of objects")
    for key, value in cast("dict[str, Any]", condition).items():
        if key in ("not", "and", "or"):
            yield from _references(form, value, path, level + 1)
            continue
        field = form.by_id.get(key)
        if field is None:
            raise bad(path, f'unknown field_id "{shorten(key)}"')
        _check_test(field, value, path, level)
        yield key


def _check_test(field: FormField, test: Any, path: str, level: int) -> None:
    if level > MAX_DEPTH:
        raise bad(path, "nested too deeply")
    if not isinstance(test, dict):
        _check_values(field, test, path)
        return
    for key, value in cast("dict[str, Any]", test).items():
        if key not in _TESTS:
            raise bad(path, f'unknown test "{shorten(key)}"')
        if key == "not":
            _check_test(field, value, path, level + 1)
        elif key == "answered":
            if not isinstance(value, bool):
                raise bad(path, "answered must be true or false")
        elif key in ("min", "max"):
            if decimal(value) is None:
                raise bad(path, f"{key} must be a number")
        elif key != "equals":
            _check_values(field, value, path)
        elif any(isinstance(part, dict | list) for part in _listed(value)):
            raise bad(path, "equals must be a value or an array of values")


def _check_values(field: FormField, wanted: Any, path: str) -> None:
    allowed = {typed(v) for v in field.values()} if field.kind in _CHOSEN else set[tuple[str, Any]]()
    for value in _listed(wanted):
        if isinstance(value, dict | list) or value is None:
            raise bad(path, "choices must be strings, numbers or booleans")
        if field.kind in _CHOSEN:
            if typed(value) not in allowed:
                shown = shorten(msgspec.json.encode(value).decode())
                raise bad(path, f'unknown choice {shown} for field "{field.field_id}"')
        elif field.kind == "boolean" and not isinstance(value, bool):
            shown = shorten(msgspec.json.encode(value).decode())
            raise bad(path, f'unknown choice {shown} for field "{field.field_id}"')


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


class Scope:
    """The answers of one level of a form (the top, or one item of a container) while visibility is worked out."""

    def __init__(
        self, form: Form, fields: Sequence[FormField], answers: Mapping[str, Any], parent: Scope | None = None
    ) -> None:
        self.form = form
        self.fields = {field.field_id: field for field in fields}
        self.answers = answers
        self.parent = parent
        self._shown: dict[str, bool] = {}

    def shown(self, field: FormField) -> bool:
        """Whether the field is visible, given the answers that are visible themselves."""
        if field.field_id not in self._shown:
            self._shown[field.field_id] = not field.conditions or self._holds(field.conditions)
        return self._shown[field.field_id]

    def inside(self, field: FormField, item: Mapping[str, Any]) -> Scope:
        """The scope of one answer of a container."""
        return Scope(self.form, field.children, item, self)

    def given(self, field: FormField) -> list[Any]:
        """The separate answers of a visible field that say something; empty when hidden."""
        return separate(field, self.answers.get(field.field_id)) if self.shown(field) else []

    def lookup(self, field_id: str) -> list[Any]:
        """Answers of a field from here: a sibling first, then outwards, else wherever it is."""
        scope: Scope | None = self
        top = self
        while scope is not None:
            if field_id in scope.fields:
                return scope.given(scope.fields[field_id])
            top, scope = scope, scope.parent
        return _gather(top, self.form.chain(field_id))

    def _holds(self, condition: Any) -> bool:
        if isinstance(condition, list):
            return any(self._holds(one) for one in cast("list[Any]", condition))
        return all(self._clause(key, value) for key, value in cast("dict[str, Any]", condition).items())

    def _clause(self, key: str, value: Any) -> bool:
        if key == "not":
            return not self._holds(value)
        if key == "and":
            return all(self._holds(one) for one in _listed(value))
        if key == "or":
            return any(self._holds(one) for one in _listed(value))
        return _passes(self.form.by_id[key], self.lookup(key), value)


def _gather(scope: Scope, chain: Sequence[FormField]) -> list[Any]:
    answers = scope.given(chain[0])
    if len(chain) == 1:
        return answers
    items = [cast("dict[str, Any]", item) for item in answers if isinstance(item, dict)]
    return [value for item in items for value in _gather(scope.inside(chain[0], item), chain[1:])]


def separate(field: FormField, raw: Any) -> list[Any]:
    """The separate answers in a raw value, without those that say nothing (null, blank text, no choice, empty object)."""
    values = cast("list[Any]", raw) if field.most > 1 and isinstance(raw, list) else [raw]
    return [v for v in values if not (v is None or v in ([], {}) or (isinstance(v, str) and not v.strip()))]


def _passes(field: FormField, answers: Sequence[Any], test: Any) -> bool:
    if not isinstance(test, dict):
        return _any_of(field, answers, test)
    for key, value in cast("dict[str, Any]", test).items():
        match key:
            case "not":
                met = not _passes(field, answers, value)
            case "answered":
                met = bool(answers) == value
            case "equals":
                met = any(_same(field, answer, value) for answer in answers)
            case "min" | "max":
                met = any(_bounded(answer, key, value) for answer in answers)
            case _:
                met = _any_of(field, answers, value)
        if not met:
            return False
    return True


def _any_of(field: FormField, answers: Sequence[Any], wanted: Any) -> bool:
    options = {_key(field, value) for value in _listed(wanted)}
    return any(_key(field, part) in options for answer in answers for part in _flat(answer))


def _flat(answer: Any) -> Iterator[Any]:
    if isinstance(answer, list):
        for part in cast("list[Any]", answer):
            yield from _flat(part)
    elif not isinstance(answer, dict):
        yield answer


def _same(field: FormField, answer: Any, wanted: Any) -> bool:
    one, other = [_key(field, v) for v in _flat(answer)], [_key(field, v) for v in _flat(wanted)]
    return one == other


def _key(field: FormField, value: Any) -> tuple[str, Any]:
    if field.kind == "number":
        number = decimal(value)
        return ("number", exact(number)) if number is not None else ("other", str(value))
    return typed(value)


def _bounded(answer: Any, key: str, limit: Any) -> bool:
    number, bound = decimal(answer), decimal(limit)
    if number is None or bound is None:
        return False
    return exact(number) >= exact(bound) if key == "min" else exact(number) <= exact(bound)
