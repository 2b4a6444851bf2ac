"""The kinds of chat components: their params, outputs, made-up outputs, comparison and schema (task-types-text §10.2, §13.2)."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._shared.chat_params import ChatComponent
from steelyard.task_types._shared.form_answers import AnswerChecker, AnswerMaker
from steelyard.task_types._shared.form_compare import compare_fields, fields_schema
from steelyard.task_types._shared.form_conditions import Form, check_conditions
from steelyard.task_types._shared.form_fields import check_fields, walk
from steelyard.task_types._shared.parsing import first_violation, shorten
from steelyard.task_types._shared.spans import (
    NerAttribute,
    NerLabel,
    NerSpan,
    attribute_issues,
    duplicates,
    labels_by_name,
    span_problem,
    walk_labels,
)
from steelyard.task_types._shared.textscore import MAX_UNITS, edit_distance
from steelyard.task_types._shared.values import bad, check_text_rules, make_text, missing, text_problem


class Turn(Struct):
    """What a component can see: the prompt and the responses of its turn, and what a ranking may order besides."""

    prompt: str = ""
    sources: dict[str, str] = {}
    threads: list[str] = []
    media: list[str] = []
    selected: str | None = None


Checked = tuple[list[Issue], Any]


class Kind:
    """A kind of component. `needs`: how many responses there must be for it to be shown."""

    name: ClassVar[str] = ""
    needs: ClassVar[int] = 0

    def check_params(self, c: ChatComponent, path: str, media: Sequence[str]) -> None:
        """Raise InvalidRequest on the first broken rule."""

    def least(self, c: ChatComponent) -> int:
        """Characters, roughly, of the smallest output."""
        return 1

    def shown(self, c: ChatComponent, turn: Turn) -> bool:
        """Whether there is anything to do for it in this turn."""
        return len(turn.sources) >= self.needs

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        """Issues of an output, and the output to store."""
        raise NotImplementedError

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        """A legal output."""
        raise NotImplementedError

    def scores(self, c: ChatComponent, turns: tuple[Turn, Turn], a: Any, b: Any) -> dict[str, float] | None:
        """Scores of two outputs by unit (None on one side: 0); None where they cannot be compared."""
        return None

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        """JSON Schema of an output."""
        return {}


class Anything(Kind):
    """A kind that is not known here: kept as it is."""

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        return [], output

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        return {"text": make_text(rng, None, None, None)}


class Instructions(Kind):
    """Something to read; its output is empty."""

    name = "Instructions"

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        return ([] if output == "" else [Issue(path, "must be empty")]), ""

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        return ""

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        return {"const": ""}


class Writing(Kind):
    """A text by the contributor: a prompt or a justification."""

    def __init__(self, name: str) -> None:
        self.name = name  # pyright: ignore[reportAttributeAccessIssue]

    def check_params(self, c: ChatComponent, path: str, media: Sequence[str]) -> None:
        check_text_rules(path, c.min_characters, c.max_characters, None)

    def least(self, c: ChatComponent) -> int:
        return max(1, c.min_characters or 0)

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        low = c.min_characters if complete else None
        problem = text_problem(output, low, c.max_characters, None)
        if problem is None and complete and not output.strip():
            problem = "must not be empty"
        return ([Issue(path, problem)] if problem else []), output

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        return make_text(rng, c.min_characters, c.max_characters, None)

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        limits = {"minLength": c.min_characters, "maxLength": c.max_characters}
        return {"type": "string", **{k: v for k, v in limits.items() if v is not None}}


class ChatModelResponse(Struct, kw_only=True, omit_defaults=True):
    """One response of a model."""

    source_id: str
    text: str
    model_parameters: dict[str, Any] | None = None


class ModelResponses(Kind):
    """Responses to the prompt."""

    name = "ModelResponses"

    def least(self, c: ChatComponent) -> int:
        return c.num_responses or 1

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        issues = misfit(list[ChatModelResponse], output, path)
        if issues:
            return issues, output
        given = msgspec.convert(output, list[ChatModelResponse], strict=True)
        seen: set[str] = set()
        for i, one in enumerate(given):
            if not one.source_id.strip() or one.source_id in seen:
                issues.append(Issue(f"{path}[{i}].source_id", "must be unique and not empty"))
            seen.add(one.source_id)
            if complete and not one.text.strip():
                issues.append(Issue(f"{path}[{i}].text", "must not be empty"))
        wanted = c.num_responses or 1
        if len(given) > wanted or (complete and len(given) < wanted):
            issues.append(Issue(path, f"must hold {wanted} responses"))
        return issues, output

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        free = (f"model_{n}" for n in itertools.count() if f"model_{n}" not in turn.sources)
        return [
            {"source_id": next(free), "text": make_text(rng, None, None, None)}
            for _ in range(c.num_responses or 1)
        ]

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        item = {
            "type": "object",
            "properties": {
                "source_id": {"type": "string", "minLength": 1},
                "text": {"type": "string"},
                "model_parameters": {"type": "object"},
            },
            "required": ["source_id", "text"],
            "additionalProperties": False,
        }
        n = c.num_responses or 1
        return {"type": "array", "items": item, "minItems": n, "maxItems": n}


def responses_in(output: Any) -> dict[str, str]:
    """The texts in an output of ModelResponses by source id; what does not fit is left out."""
    found: dict[str, str] = {}
    for one in cast("list[Any]", output) if isinstance(output, list) else ():
        if (
            isinstance(one, dict)
            and isinstance(one.get("source_id"), str)
            and isinstance(one.get("text"), str)
        ):
            found[one["source_id"]] = one["text"]
    return found


def misfit(kind: Any, value: Any, path: str) -> list[Issue]:
    """Why a plain value does not fit a type, as no or one issue."""
    found = first_violation(kind, value, strict=True)
    if found is None:
        return []
    where = found.where
    joined = path if not where else f"{path}{where}" if where.startswith("[") else f"{path}.{where}"
    return [Issue(joined, found.problem)]


class Rewrite(Kind):
    """Better versions of responses."""

    name = "Rewrite"
    needs = 1

    def check_params(self, c: ChatComponent, path: str, media: Sequence[str]) -> None:
        if c.target not in (None, "selected", "all"):
            raise bad(f"{path}.target", "must be selected or all")

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        issues = misfit(dict[str, str], output, path)
        if issues:
            return issues, output
        given = cast("dict[str, str]", output)
        for key, text in given.items():
            if key not in turn.sources:
                issues.append(Issue(f"{path}.{key}", "is no response of this turn"))
            elif complete and not text.strip():
                issues.append(Issue(f"{path}.{key}", "must not be empty"))
            elif complete and c.min_change_ratio and changed(turn.sources[key], text) < c.min_change_ratio:
                issues.append(
                    Issue(f"{path}.{key}", f"must change at least {c.min_change_ratio:.0%} of the words")
                )
        if complete and c.target == "all":
            issues += [Issue(f"{path}.{key}", "is required") for key in turn.sources if key not in given]
        elif complete:
            if len(given) != 1:
                issues.append(Issue(path, "must rewrite one response"))
            elif turn.selected is not None and turn.selected not in given:
                issues.append(Issue(path, "must rewrite the selected response"))
        return issues, output

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        keys = list(turn.sources) if c.target == "all" else [turn.selected or rng.choice(list(turn.sources))]
        return {key: _unlike(turn.sources[key], rng) for key in keys}

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "string"}}


def changed(before: str, after: str) -> float:
    """Share of words that differ, of the longer text."""
    one, other = before.split()[:MAX_UNITS], after.split()[:MAX_UNITS]
    longest = max(len(one), len(other))
    return edit_distance(one, other) / longest if longest else 0.0


def _unlike(text: str, rng: random.Random) -> str:
    words = set(text.split())
    number = rng.randint(0, 99)
    while f"rewritten-{number}" in words:
        number += 1
    return f"rewritten-{number}"


class FormKind(Kind):
    """A form of fields."""

    name = "Form"

    def check_params(self, c: ChatComponent, path: str, media: Sequence[str]) -> None:
        if not c.fields:
            raise missing(f"{path}.fields")
        try:
            check_fields(c.fields, media)
            check_conditions(Form(c.fields))
        except InvalidRequest as error:
            message = error.message.replace("parameter: fields", f"parameter: {path}.fields", 1)
            message = message.replace("parameter fields", f"parameter {path}.fields", 1)
            issues = [Issue(f"{path}.{issue.path}", issue.message) for issue in error.issues]
            raise InvalidRequest(message, issues=issues) from None

    def least(self, c: ChatComponent) -> int:
        return sum(f.min_characters or 1 for _, f in walk(c.fields or ()))

    def _checker(self, c: ChatComponent, turn: Turn) -> AnswerChecker:
        playable = [i for i, kind in enumerate(turn.media) if kind in ("audio", "video")]
        return AnswerChecker(Form(c.fields or ()), playable)

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        if not isinstance(output, dict):
            return [Issue(path, "must be an object")], output
        issues, cleaned = self._checker(c, turn).check(cast("dict[str, Any]", output), complete=complete)
        return [Issue(path + i.path.removeprefix("annotations"), i.message) for i in issues], cleaned

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        checker = self._checker(c, turn)
        return checker.check(AnswerMaker(checker, rng).level(c.fields or ()))[1]

    def scores(self, c: ChatComponent, turns: tuple[Turn, Turn], a: Any, b: Any) -> dict[str, float] | None:
        return compare_fields(c.fields or (), _object(a), _object(b)) or None

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        return fields_schema(c.fields or ())


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


class Spans(Kind):
    """Labeled parts of responses or of the prompt."""

    name = "Spans"
    needs = 1

    def check_params(self, c: ChatComponent, path: str, media: Sequence[str]) -> None:
        if c.target not in (None, "response", "prompt"):
            raise bad(f"{path}.target", "must be response or prompt")
        if not c.labels:
            raise missing(f"{path}.labels")
        seen: set[str] = set()
        for where, label in walk_labels(self._labels(c), f"{path}.labels"):
            if not label.name.strip():
                raise bad(f"{where}.name", "must not be empty")
            if label.name in seen:
                raise InvalidRequest(
                    f'Duplicate label name "{shorten(label.name)}".', issues=[Issue(where, "duplicate")]
                )
            seen.add(label.name)
            for key, attribute in (label.attributes or {}).items():
                if attribute.type == "category" and not attribute.values:
                    raise missing(f"{where}.attributes.{key}.choices")

    @staticmethod
    def _labels(c: ChatComponent) -> list[NerLabel]:
        return [NerLabel(name=one) if isinstance(one, str) else one for one in c.labels or ()]

    @staticmethod
    def _texts(c: ChatComponent, turn: Turn) -> dict[str, str]:
        return turn.sources if c.target != "prompt" else {"user": turn.prompt} if turn.prompt else {}

    def shown(self, c: ChatComponent, turn: Turn) -> bool:
        return bool(self._texts(c, turn))

    def check(self, c: ChatComponent, turn: Turn, output: Any, path: str, complete: bool) -> Checked:
        issues = misfit(dict[str, list[NerSpan]], output, path)
        if issues:
            return issues, output
        texts = self._texts(c, turn)
        known = labels_by_name(self._labels(c))
        cleaned: dict[str, list[NerSpan]] = {}
        for key, spans in msgspec.convert(output, dict[str, list[NerSpan]], strict=True).items():
            if key not in texts:
                issues.append(Issue(f"{path}.{key}", "is no text of this turn"))
                continue
            issues += self._issues(spans, texts[key], known, f"{path}.{key}")
            cleaned[key] = [
                replace(s, id=s.id or str(uuid.uuid4()), text=texts[key][s.start : s.end]) for s in spans
            ]
        return issues, output if issues else msgspec.to_builtins(cleaned)

    @staticmethod
    def _issues(spans: list[NerSpan], text: str, known: dict[str, NerLabel], path: str) -> Iterator[Issue]:
        for i, span in enumerate(spans):
            problem = span_problem(span, text, known)
            if problem:
                yield Issue(f"{path}[{i}]", problem)
            else:
                yield from attribute_issues(known[span.label], span, f"{path}[{i}].attributes")
        for issue in duplicates(spans):
            yield Issue(path + issue.path.removeprefix("annotations"), issue.message)

    def make(self, c: ChatComponent, turn: Turn, rng: random.Random) -> Any:
        labels = list(labels_by_name(self._labels(c)).values())
        made: dict[str, Any] = {}
        for key, text in self._texts(c, turn).items():
            word = (text.split() or [text])[0]
            if not word:
                continue
            start = text.index(word)
            label = rng.choice(labels)
            span: dict[str, Any] = {
                "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                "start": start,
                "end": start + len(word),
                "text": word,
                "label": label.name,
            }
            if label.attributes:
                span["attributes"] = {k: _attribute(rng, d) for k, d in label.attributes.items()}
            made[key] = [span]
        return made

    def scores(self, c: ChatComponent, turns: tuple[Turn, Turn], a: Any, b: Any) -> dict[str, float] | None:
        if self._texts(c, turns[0]) != self._texts(c, turns[1]):
            return None
        one, other = _span_keys(a), _span_keys(b)
        total = len(one) + len(other)
        return {"spans": 2 * len(one & other) / total if total else 1.0}

    def schema(self, c: ChatComponent) -> dict[str, Any]:
        span = {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "start": {"type": "integer", "minimum": 0},
                "end": {"type": "integer", "minimum": 0},
                "text": {"type": "string"},
                "label": {"enum": list(labels_by_name(self._labels(c)))},
                "attributes": {"type": "object"},
            },
            "required": ["start", "end", "label"],
            "additionalProperties": False,
        }
        return {"type": "object", "additionalProperties": {"type": "array", "items": span}}


def _attribute(rng: random.Random, d: NerAttribute) -> Any:
    match d.type:
        case "category":
            choice = rng.choice(d.values)
            return [choice] if d.allow_multiple else choice
        case "text":
            return "test response"
        case "number":
            return rng.randint(1, 9)
        case "boolean":
            return rng.random() < 0.5


def _span_keys(output: Any) -> set[tuple[Any, ...]]:
    found: set[tuple[Any, ...]] = set()
    for key, spans in _object(output).items():
        for span in spans if isinstance(spans, list) else ():
            found.add((key, span.get("start"), span.get("end"), span.get("label")))
    return found
