"""Answers to attributes: checked at submit (task-types-2d §3.2, §17 S6) and made up for test mode."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeGuard

from msgspec import Struct

from steelyard.errors import Issue
from steelyard.taxonomy.attributes import AttributeDefinition, Attributes, holds, order
from steelyard.taxonomy.labels import leaves

MAX_TEXT = 10_000


class Questionnaire:
    """The attributes of one scope (annotations or the whole scene), prepared for many answers.

    `combine` is the project's `condition_mode`. Conditions may look at answers of the other scope through `context`.
    """

    def __init__(
        self, attributes: Attributes | None, *, scene: bool = False, combine: Literal["or", "and"] = "or"
    ) -> None:
        every = attributes or {}
        self.combine: Literal["or", "and"] = combine
        self.ordered: list[tuple[str, AttributeDefinition]] = [
            (key, every[key]) for key in order(every) if every[key].is_global == scene
        ]
        self.definitions = dict(self.ordered)
        self.leaves = {key: leaves(d.choices) for key, d in self.ordered if d.type == "category"}

    def shown(self, label: str | None, answers: Mapping[str, Any], size: Size | None) -> list[str]:
        """Keys that apply, given the label, the answers so far and whether the shape has a width and height."""
        return [key for key, d in self.ordered if self._applies(d, label, answers, size)]

    def _applies(
        self, d: AttributeDefinition, label: str | None, answers: Mapping[str, Any], size: Size | None
    ) -> bool:
        if d.type in ("x_line", "y_line") and size is None:
            return False
        return holds(d, label, answers, self.combine)

    def check(
        self,
        path: str,
        label: str | None,
        answers: Mapping[str, Any],
        *,
        size: Size | None = None,
        context: Mapping[str, Any] | None = None,
        complete: bool = True,
    ) -> tuple[list[Issue], dict[str, Any]]:
        """Issues, and the answers that apply (a hidden attribute's value is dropped) as they are kept.

        With `complete` false (pre-labels) nothing has to be answered.
        """
        issues: list[Issue] = []
        kept: dict[str, Any] = {}
        known = {**(context or {}), **kept} if context else kept
        for key, d in self.ordered:
            if not self._applies(d, label, known, size):
                continue
            value = answers.get(key)
            if value is None or (d.type == "text" and isinstance(value, str) and not value.strip()):
                if complete and d.must_answer:
                    issues.append(Issue(f"{path}.{key}", "is required"))
                continue
            problem = self._problem(key, d, value, size)
            if problem:
                issues.append(Issue(f"{path}.{key}", problem))
                continue
            kept[key] = self._stored(key, d, value)
            if known is not kept:
                known[key] = kept[key]
        issues.extend(
            Issue(f"{path}.{key}", "is no attribute of this task")
            for key in answers
            if key not in self.definitions
        )
        return issues, kept

    def _stored(self, key: str, d: AttributeDefinition, value: Any) -> Any:
        """A legal answer as it is kept: several choices in declared order, a whole turn as none."""
        if d.type == "category" and d.allow_multiple and len(value) > 1:
            return [choice for choice in self.leaves[key] if choice in value]
        return 0 if d.type == "angle" and value == 360 else value

    def _problem(self, key: str, d: AttributeDefinition, value: Any, size: Size | None) -> str | None:
        match d.type:
            case "category":
                return _category_problem(d, self.leaves[key], value)
            case "text":
                if not isinstance(value, str):
                    return "must be a string"
                return f"must have at most {MAX_TEXT} characters" if len(value) > MAX_TEXT else None
            case "linked":
                return None if isinstance(value, str) and value else "must be the uuid of an annotation"
            case "number":
                return _number_problem(d, value)
            case "angle":
                return _range_problem(value, 0, 360)
            case "x_line":
                return _range_problem(value, 0, size.width if size else math.inf)
            case "y_line":
                return _range_problem(value, 0, size.height if size else math.inf)

    def make(
        self,
        rng: random.Random,
        label: str | None,
        *,
        size: Size | None = None,
        context: Mapping[str, Any] | None = None,
        keep: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Made-up answers for everything that applies, except `linked`, whose targets the caller has to choose.

        Legal values in `keep` (of a pre-label) stay.
        """
        answers: dict[str, Any] = {}
        known = dict(context or {})
        for key, d in self.ordered:
            if not self._applies(d, label, known, size):
                continue
            given = keep.get(key) if keep else None
            if given is not None and not self._problem(key, d, given, size):
                known[key] = answers[key] = given
            elif d.type != "linked":
                known[key] = answers[key] = make_value(rng, d, self.leaves.get(key, []), size)
        return answers


class Size(Struct, frozen=True):
    """Width and height of a shape in pixels, for offsets inside it."""

    width: float
    height: float


def is_number(value: Any) -> TypeGuard[int | float]:
    """A finite JSON number (a boolean is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _category_problem(d: AttributeDefinition, allowed: Sequence[str], value: Any) -> str | None:
    if not d.allow_multiple:
        return None if isinstance(value, str) and value in allowed else "must be one of the choices"
    if not isinstance(value, list) or not value:
        return "must be a non-empty array of choices"
    if any(not isinstance(v, str) or v not in allowed for v in value):
        return "must hold choices only"
    return "must not hold a choice twice" if len(set(value)) != len(value) else None


def _number_problem(d: AttributeDefinition, value: Any) -> str | None:
    low = -math.inf if d.min is None else d.min
    high = math.inf if d.max is None else d.max
    problem = _range_problem(value, low, high)
    if problem:
        return problem
    step = 1.0 if d.step is None else d.step
    quotient = (value - (d.min or 0.0)) / step
    # Beyond 2**52 steps every float is a whole number of them.
    if math.isfinite(quotient) and abs(quotient - round(quotient)) > 1e-9 * max(1.0, abs(quotient)):
        return f"must be a multiple of {step:g}" + (f" from {d.min:g}" if d.min else "")
    return None


def _range_problem(value: Any, low: float, high: float) -> str | None:
    if not is_number(value):
        return "must be a number"
    if not low <= value <= high:
        return f"must be between {low:g} and {high:g}"
    return None


def make_value(rng: random.Random, d: AttributeDefinition, choices: Sequence[str], size: Size | None) -> Any:
    """One legal value of any type but `linked`."""
    match d.type:
        case "category":
            if d.allow_multiple:
                picked = set(rng.sample(choices, rng.randint(1, min(3, len(choices)))))
                return [choice for choice in choices if choice in picked]
            return rng.choice(choices)
        case "number":
            return _make_number(rng, d)
        case "angle":
            return rng.randrange(360)
        case "x_line":
            return round(rng.random() * (size.width if size else 0), 1)
        case "y_line":
            return round(rng.random() * (size.height if size else 0), 1)
        case _:
            return rng.choice(("test response", "made-up answer", "sample text"))


def _make_number(rng: random.Random, d: AttributeDefinition) -> float | int:
    step = 1.0 if d.step is None else d.step
    base = d.min or 0.0
    if d.max is None:
        steps = rng.randint(0, 20)
    elif d.max >= base:
        steps = rng.randint(0, int(min(20.0, (d.max - base) / step)))
    else:
        steps = math.floor(d.max / step)
    value = base + steps * step
    # Rounding first for looks; the limits themselves where the arithmetic of floats leaves the grid.
    tries = [round(value, 9), value, d.min, d.max, 0.0]
    found = next((v for v in tries if v is not None and not _number_problem(d, v)), value)
    return int(found) if float(found).is_integer() else found
