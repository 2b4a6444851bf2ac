"""Whole-string matching of customers' regular expressions in bounded time.

Python's own engine backtracks: a pattern such as `(a+)+$` can occupy a server for hours. Here a pattern is parsed by the standard
library, restricted to what a finite automaton can do (no look-around, no back-references), and run by stepping through all states at
once: time is at most states × characters. The same tree yields example strings for made-up answers.
"""

from __future__ import annotations

import importlib
import random
import re
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

MAX_PATTERN = 500
MAX_STATES = 500
MAX_SUBJECT = 2_000
"""Longest text that is matched; longer ones do not match."""

Predicate = Callable[[str], bool]
Step = tuple[str, Any, tuple[int, ...]]

_parser: Any = importlib.import_module("re._parser")  # the parse tree has no public name


class UnsupportedPattern(ValueError):
    """The pattern does not compile or needs more than a finite automaton."""


class Pattern:
    """A compiled pattern. `matches` is a whole-string match; `example` makes up a string that matches, or nearly always."""

    def __init__(self, source: str) -> None:
        if len(source) > MAX_PATTERN:
            raise UnsupportedPattern(f"must have at most {MAX_PATTERN} characters")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree: Any = _parser.parse(source)
        except (re.error, RecursionError, OverflowError, ValueError) as error:
            raise UnsupportedPattern("must be a valid regular expression") from error
        if tree.state.flags & ~re.UNICODE:
            raise UnsupportedPattern("must not set flags")
        self._tree = tree
        self._steps: list[Step] = []
        try:
            self._start = self._compile(tree, self._add("match", None, ()))
        except RecursionError:
            raise UnsupportedPattern("is nested too deeply") from None

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        if len(text) > MAX_SUBJECT:
            return False
        states = self._closure({self._start}, 0, len(text))
        for i, char in enumerate(text):
            reached = {
                n
                for s in states
                if self._steps[s][0] == "char" and self._steps[s][1](char)
                for n in self._steps[s][2]
            }
            if not reached:
                return False
            states = self._closure(reached, i + 1, len(text))
        return any(self._steps[s][0] == "match" for s in states)

    def example(self, rng: random.Random, low: int = 0, high: int = MAX_SUBJECT) -> str | None:
        """A matching string of low to high characters, None if none was found."""
        for attempt in range(60):
            text = self._make(self._tree, rng, attempt)
            if low <= len(text) <= high and self.matches(text):
                return text
        return None

    def _add(self, kind: str, what: Any, targets: tuple[int, ...]) -> int:
        if len(self._steps) >= MAX_STATES:
            raise UnsupportedPattern("is too complex")
        self._steps.append((kind, what, targets))
        return len(self._steps) - 1

    def _compile(self, tree: Any, after: int) -> int:
        for op, value in reversed(list(tree)):
            after = self._compile_one(str(op), value, after)
        return after

    def _compile_one(self, op: str, value: Any, after: int) -> int:
        match op:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                return self._add("char", _predicate(op, value), (after,))
            case "BRANCH":
                return self._add("split", None, tuple(self._compile(branch, after) for branch in value[1]))
            case "SUBPATTERN":
                if value[1] or value[2]:
                    raise UnsupportedPattern("must not set flags")
                return self._compile(value[3], after)
            case "MAX_REPEAT" | "MIN_REPEAT":
                low, high, body = value
                if high == _parser.MAXREPEAT:
                    loop = self._add("split", None, (after,))
                    entry = self._compile(body, loop)
                    self._steps[loop] = ("split", None, (entry, after))
                    after = loop
                elif high > MAX_STATES:
                    raise UnsupportedPattern("is too complex")
                else:
                    for _ in range(high - low):
                        after = self._add("split", None, (self._compile(body, after), after))
                if low > MAX_STATES:
                    raise UnsupportedPattern("is too complex")
                for _ in range(low):
                    after = self._compile(body, after)
                return after
            case "AT":
                if str(value) in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
                    return self._add("begin", None, (after,))
                if str(value) in ("AT_END", "AT_END_STRING"):
                    return self._add("end", None, (after,))
            case _:
                pass
        raise UnsupportedPattern(
            "uses a construct that is not supported (look-around, back-reference, word boundary)"
        )

    def _closure(self, states: set[int], position: int, length: int) -> set[int]:
        found: set[int] = set()
        stack = list(states)
        while stack:
            state = stack.pop()
            if state in found:
                continue
            found.add(state)
            kind, _, targets = self._steps[state]
            if (
                kind == "split"
                or (kind == "begin" and position == 0)
                or (kind == "end" and position == length)
            ):
                stack.extend(targets)
        return found

    def _make(self, tree: Any, rng: random.Random, eagerness: int) -> str:
        parts: list[str] = []
        for op, value in tree:
            match str(op):
                case "LITERAL":
                    parts.append(chr(value))
                case "BRANCH":
                    parts.append(self._make(rng.choice(value[1]), rng, eagerness))
                case "SUBPATTERN":
                    parts.append(self._make(value[3], rng, eagerness))
                case "MAX_REPEAT" | "MIN_REPEAT":
                    low, high, body = value
                    most = min(int(high), low + eagerness * (1 + eagerness // 8))
                    parts += [
                        self._make(body, rng, eagerness) for _ in range(rng.randint(low, max(low, most)))
                    ]
                case "AT":
                    pass
                case name:
                    fits = _predicate(name, value)
                    chosen = _candidates(name, value)
                    parts.append(next((c for c in rng.sample(chosen, len(chosen)) if fits(c)), "?"))
            if sum(map(len, parts)) > 2 * MAX_SUBJECT:
                break
        return "".join(parts)


@lru_cache(maxsize=512)
def compile_pattern(source: str) -> Pattern:
    """A pattern, compiled once; raises UnsupportedPattern."""
    return Pattern(source)


_COMMON = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,-_/:;!?()+*#@&%='\""


def _predicate(op: str, value: Any) -> Predicate:
    match op:
        case "LITERAL":
            return lambda c: ord(c) == value
        case "NOT_LITERAL":
            return lambda c: ord(c) != value
        case "ANY":
            return lambda c: c != "\n"
        case _:
            return _class_predicate(value)


def _class_predicate(items: Any) -> Predicate:
    negated = bool(items) and str(items[0][0]) == "NEGATE"
    tests: list[Predicate] = []
    for op, value in items[1:] if negated else items:
        match str(op):
            case "LITERAL":
                tests.append(lambda c, v=value: ord(c) == v)
            case "RANGE":
                tests.append(lambda c, v=value: v[0] <= ord(c) <= v[1])
            case "CATEGORY" if str(value) in _CATEGORIES:
                tests.append(_CATEGORIES[str(value)])
            case _:
                raise UnsupportedPattern("uses a construct that is not supported")
    if negated:
        return lambda c: not any(test(c) for test in tests)
    return lambda c: any(test(c) for test in tests)


def _word(c: str) -> bool:
    return c.isalnum() or c == "_"


_CATEGORIES: dict[str, Predicate] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_NOT_DIGIT": lambda c: not c.isdecimal(),
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_NOT_SPACE": lambda c: not c.isspace(),
    "CATEGORY_WORD": _word,
    "CATEGORY_NOT_WORD": lambda c: not _word(c),
}


def _candidates(op: str, value: Any) -> str:
    """Characters worth trying for a class: what it names, then common ones."""
    named = ""
    if op == "IN":
        for kind, what in value:
            if str(kind) == "LITERAL":
                named += chr(what)
            elif str(kind) == "RANGE":
                named += "".join(chr(c) for c in range(what[0], min(what[1], what[0] + 60) + 1))
    return named + _COMMON
