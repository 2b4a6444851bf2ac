"""Chat components that judge responses: ratings, preferences, rankings, rubrics (task-types-text §10.2, §13.2)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, ClassVar, cast

import msgspec
from msgspec import Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._shared.chat_kinds import (
    Anything,
    Checked,
    FormKind,
    Instructions,
    Kind,
    ModelResponses,
    Rewrite,
    Spans,
    Turn,
    Writing,
    misfit,
)
from steelyard.task_types._shared.chat_params import DEFAULT_SCALE, ChatComponent, ChatCriterion
from steelyard.task_types._shared.form_compare import _ranking as ranking_score
from steelyard.task_types._shared.parsing import shorten
from steelyard.task_types._shared.values import bad, missing

WHOLE = "_"
"""Key of a rating that is about the turn or thread, not about one response."""


def _near(a: float, b: float, low: float, high: float) -> float:
    return max(0.0, 1.0 - abs(a - b) / (high - low)) if high > low else float(a == b)


class Rating(Kind):
    """Numbers on scales, for each response or once for the turn or thread."""

    name = "Rating"

    def check_params(self, c: ChatComponent, path: str, media: Sequence[str]) -> None:
        if c.target not in (None, "response", "turn", "thread"):
            raise bad(f"{path}.target", "must be one of response, turn, thread")
        if not c.dimensions:
            raise missing(f"{path}.dimensions")
        seen: set[str] = set()
        for i, dimension in enumerate(c.dimensions):
            if dimension.key in seen:
                message = f'Duplicate dimension key "{shorten(dimension.key)}".'
                raise InvalidRequest(message, issues=[Issue(f"{path}.dimensions[{i}].key", "duplicate")])
            seen.add(dimension.key)
            values = dimension.possible_values
            if values is not None and (len(values) < 2 or len(set(values)) < len(values)):
                raise bad(
                    f"{path}.dimensions[{i}].possible_values", "must contain at least 2 distinct values"
                )

    def _keys(self, c: ChatComponent, turn: Turn) -> list[str]:
        return list(turn.sources) if c.target in (None, "response") else [WHOLE]

    def shown(self, c: ChatComponent, turn: Turn) -> bool:
        return bool(self._keys(c, turn))

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        issues = misfit(dict[str, dict[str, int]], output, path)
        if issues:
            return issues, output
        given = cast("dict[str, dict[str, int]]", output)
        keys = self._keys(c, turn)
        dimensions = {d.key: d for d in c.dimensions or ()}
        for key, scores in given.items():
            if key not in keys:
                issues.append(Issue(f"{path}.{key}", "is no response of this turn"))
                continue
            for name, score in scores.items():
                where = f"{path}.{key}.{name}"
                if name not in dimensions:
                    issues.append(Issue(where, "is no dimension of this rating"))
                elif score not in dimensions[name].values:
                    allowed = ", ".join(map(str, dimensions[name].values))
                    issues.append(Issue(where, f"must be one of {shorten(allowed)}"))
        if complete:
            issues += [
                Issue(f"{path}.{key}.{name}", "is required")
                for key in keys
                for name in dimensions
                if name not in given.get(key, {})
            ]
        return issues, output

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        return {key: {d.key: rng.choice(d.values) for d in c.dimensions or ()} for key in self._keys(c, turn)}

    def scores(self, c: ChatComponent, turns: tuple[Turn, Turn], a: Any, b: Any) -> dict[str, float] | None:
        first, second = turns
        whole = c.target in ("turn", "thread")
        if whole and (first.prompt, first.sources) != (second.prompt, second.sources):
            return None
        one, other = a or {}, b or {}
        found: dict[str, float] = {}
        for key in dict.fromkeys([*one, *other]):
            # Numbers for different texts say nothing about each other.
            if not whole and first.sources.get(key) != second.sources.get(key):
                continue
            for d in c.dimensions or ():
                x, y = one.get(key, {}).get(d.key), other.get(key, {}).get(d.key)
                if x is not None and y is not None:
                    found[f"{key}.{d.key}"] = _near(x, y, min(d.values), max(d.values))
                elif x is not None or y is not None:
                    found[f"{key}.{d.key}"] = 0.0
        return found or None

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        scores = {d.key: {"enum": d.values} for d in c.dimensions or ()}
        rated = {
            "type": "object",
            "properties": scores,
            "required": list(scores),
            "additionalProperties": False,
        }
        return {"type": "object", "additionalProperties": rated}


class ChatPreference(Struct, kw_only=True):
    """The better response, and by how much."""

    selected_model_id: str
    likert_value: int


class Preference(Kind):
    """Which response is better."""

    name = "Preference"
    needs = 2

    def check_params(self, c: ChatComponent, path: str, media: Sequence[str]) -> None:
        for i, label in enumerate(c.labels or ()):
            if not isinstance(label, str):
                raise InvalidRequest(
                    f"Invalid parameter {path}.labels[{i}]: expected string.",
                    issues=[Issue(f"{path}.labels[{i}]", "must be a string")],
                )
        if c.labels and len(c.labels) > (c.scale or DEFAULT_SCALE):
            raise bad(f"{path}.labels", "must not be more than the steps of the scale")

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        issues = misfit(ChatPreference, output, path)
        if issues:
            return issues, output
        given = cast("dict[str, Any]", output)
        if given["selected_model_id"] not in turn.sources:
            issues.append(Issue(f"{path}.selected_model_id", "is no response of this turn"))
        if not 1 <= given["likert_value"] <= (c.scale or DEFAULT_SCALE):
            issues.append(Issue(f"{path}.likert_value", f"must be from 1 to {c.scale or DEFAULT_SCALE}"))
        return issues, output

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        chosen = turn.selected or rng.choice(list(turn.sources))
        return {"selected_model_id": chosen, "likert_value": rng.randint(1, c.scale or DEFAULT_SCALE)}

    def scores(self, c: ChatComponent, turns: tuple[Turn, Turn], a: Any, b: Any) -> dict[str, float] | None:
        if turns[0].sources != turns[1].sources:
            return None
        if a is None or b is None:
            return {"preference": 0.0}
        same = float(a["selected_model_id"] == b["selected_model_id"])
        near = _near(a["likert_value"], b["likert_value"], 1, c.scale or DEFAULT_SCALE)
        return {"preference": 0.5 * same + 0.5 * near}

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        likert = {"type": "integer", "minimum": 1, "maximum": c.scale or DEFAULT_SCALE}
        return {
            "type": "object",
            "properties": {"selected_model_id": {"type": "string"}, "likert_value": likert},
            "required": ["selected_model_id", "likert_value"],
            "additionalProperties": False,
        }


class Ranking(Kind):
    """The responses, or after several conversations the threads, best first."""

    name = "Ranking"
    needs = 2

    def _options(self, turn: Turn) -> list[list[str]]:
        return [options for options in (list(turn.sources), turn.threads) if len(options) >= self.needs]

    def shown(self, c: ChatComponent, turn: Turn) -> bool:
        return bool(self._options(turn))

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        issues = misfit(list[str | list[str]], output, path)
        if issues:
            return issues, output
        groups = cast("list[str | list[str]]", output)
        flat = [v for group in groups for v in (group if isinstance(group, list) else [group])]
        if any(isinstance(group, list) for group in groups) and not c.allow_ties:
            issues.append(Issue(path, "must not hold ties"))
        elif [] in groups:
            issues.append(Issue(path, "must not hold empty places"))
        elif sorted(flat) not in [sorted(options) for options in self._options(turn)]:
            issues.append(Issue(path, "must rank every response once"))
        return issues, output

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        options = (self._options(turn))[-1]
        return rng.sample(options, len(options))

    def scores(self, c: ChatComponent, turns: tuple[Turn, Turn], a: Any, b: Any) -> dict[str, float] | None:
        if turns[0].sources != turns[1].sources:
            return None
        return {"ranking": 0.0 if a is None or b is None else ranking_score(a, b)}

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        item: dict[str, Any] = {"type": "string"}
        if c.allow_ties:
            item = {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}
        return {"type": "array", "items": item, "minItems": self.needs}


class ChatCriterionScore(Struct, kw_only=True):
    """How far a response meets a criterion, 0 to 1."""

    criterion_definition_id: str
    score: float


class ChatRubricEvaluation(Struct, kw_only=True, omit_defaults=True):
    """The scores of one response; the sums are completed."""

    criteria_evaluations: list[ChatCriterionScore]
    total_score: float | None = None
    percentage: float | None = None


class ChatRubric(Struct, kw_only=True, omit_defaults=True):
    """Criteria and how each response meets them."""

    criteria_definitions: list[ChatCriterion] | None = None
    evaluations: dict[str, ChatRubricEvaluation]


class Rubric(Kind):
    """Scores by criteria with weights."""

    name = "Rubric"
    needs = 1

    def check_params(self, c: ChatComponent, path: str, media: Sequence[str]) -> None:
        if not c.criteria and not c.editable:
            raise missing(f"{path}.criteria")
        problem = self._twice(c.criteria or ())
        if problem is not None:
            message = f'Duplicate criterion id "{shorten(problem)}".'
            raise InvalidRequest(message, issues=[Issue(f"{path}.criteria", "duplicate id")])

    @staticmethod
    def _twice(criteria: Sequence[ChatCriterion]) -> str | None:
        seen: set[str] = set()
        for one in criteria:
            if one.id in seen:
                return one.id
            seen.add(one.id)
        return None

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        issues = misfit(ChatRubric, output, path)
        if issues:
            return issues, output
        given = msgspec.convert(output, ChatRubric, strict=True)
        own = given.criteria_definitions
        criteria = c.criteria or [] if own is None else own
        if not c.editable and criteria != (c.criteria or []):
            issues.append(Issue(f"{path}.criteria_definitions", "must be those of the task"))
        if not criteria or self._twice(criteria) is not None:
            issues.append(Issue(f"{path}.criteria_definitions", "must hold criteria with ids of their own"))
        known = {one.id for one in criteria}
        for key, evaluation in given.evaluations.items():
            where = f"{path}.evaluations.{key}"
            if key not in turn.sources:
                issues.append(Issue(where, "is no response of this turn"))
            scored = [s.criterion_definition_id for s in evaluation.criteria_evaluations]
            if len(set(scored)) < len(scored) or not known.issuperset(scored):
                issues.append(Issue(where, "must score criteria of the rubric, each once"))
            elif complete and len(scored) < len(known):
                issues.append(Issue(where, "must score every criterion"))
            if any(not 0 <= s.score <= 1 for s in evaluation.criteria_evaluations):
                issues.append(Issue(where, "must have scores from 0 to 1"))
        if complete:
            issues += [
                Issue(f"{path}.evaluations.{key}", "is required")
                for key in turn.sources
                if key not in given.evaluations
            ]
        return issues, output if issues else self._summed(criteria, given)

    @staticmethod
    def _summed(criteria: Sequence[ChatCriterion], given: ChatRubric) -> Any:
        weights = {one.id: one.weight for one in criteria}
        most = sum(weight for weight in weights.values() if weight > 0)
        given.criteria_definitions = list(criteria)
        for evaluation in given.evaluations.values():
            total = sum(s.score * weights[s.criterion_definition_id] for s in evaluation.criteria_evaluations)
            evaluation.total_score = round(total, 6)
            evaluation.percentage = round(100 * total / most, 2) if most else 0.0
        return msgspec.to_builtins(given)

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        criteria = c.criteria or [ChatCriterion(id="c1", criterion="Answers the question.")]
        evaluations = {
            key: ChatRubricEvaluation(
                criteria_evaluations=[
                    ChatCriterionScore(criterion_definition_id=one.id, score=float(rng.randint(0, 1)))
                    for one in criteria
                ]
            )
            for key in turn.sources
        }
        return self._summed(criteria, ChatRubric(criteria_definitions=criteria, evaluations=evaluations))

    def scores(self, c: ChatComponent, turns: tuple[Turn, Turn], a: Any, b: Any) -> dict[str, float] | None:
        if turns[0].sources != turns[1].sources:
            return None
        one, other = _rubric_scores(a), _rubric_scores(b)
        return {
            f"{key}.{criterion}": max(0.0, 1.0 - abs(one[key, criterion] - other[key, criterion]))
            if (key, criterion) in one and (key, criterion) in other
            else 0.0
            for key, criterion in dict.fromkeys([*one, *other])
        } or None

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        score = {
            "type": "object",
            "properties": {
                "criterion_definition_id": {"type": "string"},
                "score": {"type": "number", "minimum": 0, "maximum": 1},
            },
            "required": ["criterion_definition_id", "score"],
        }
        evaluation = {
            "type": "object",
            "properties": {
                "criteria_evaluations": {"type": "array", "items": score},
                "total_score": {"type": "number"},
                "percentage": {"type": "number"},
            },
            "required": ["criteria_evaluations"],
        }
        return {
            "type": "object",
            "properties": {
                "criteria_definitions": {"type": "array", "items": {"type": "object"}},
                "evaluations": {"type": "object", "additionalProperties": evaluation},
            },
            "required": ["evaluations"],
            "additionalProperties": False,
        }


def _rubric_scores(output: Any) -> dict[tuple[str, str], float]:
    return {
        (key, score["criterion_definition_id"]): score["score"]
        for key, evaluation in ((output or {}).get("evaluations") or {}).items()
        for score in evaluation["criteria_evaluations"]
    }


class Kinds:
    """The known kinds by type word."""

    known: ClassVar[dict[str, Kind]] = {
        kind.name: kind
        for kind in (
            Instructions(), Writing("PromptInput"), ModelResponses(), Rating(), Preference(), Ranking(), Rewrite(),
            Writing("Justification"), FormKind(), Rubric(), Spans(),
        )
    }  # fmt: skip
    other: ClassVar[Kind] = Anything()

    @classmethod
    def of(cls, c: ChatComponent) -> Kind:
        """The kind of a component; `Anything` for a word that is not known."""
        return cls.known.get(c.type, cls.other)
