"""Rules for single typed values: texts and decimals, shared by the forms and the categorization questions (task-types-text §1.5)."""

from __future__ import annotations

import random
import re
from fractions import Fraction
from typing import Annotated, Any

from msgspec import Meta

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._shared.pattern import MAX_SUBJECT, UnsupportedPattern, compile_pattern

Characters = Annotated[int, Meta(ge=0, le=100_000)]
MaxCharacters = Annotated[int, Meta(ge=1, le=100_000_000)]
Step = Annotated[float, Meta(gt=0, le=1e15)]

_DECIMAL = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?")


def bad(path: str, reason: str) -> InvalidRequest:
    """A bad value in the wording of the text types."""
    return InvalidRequest(f"Invalid parameter {path}: {reason}.", issues=[Issue(path, reason)])


def missing(path: str) -> InvalidRequest:
    """A missing parameter in the wording of the text types."""
    return InvalidRequest(f"Missing required parameter: {path}.", issues=[Issue(path, "is required")])


def check_text_rules(path: str, low: int | None, high: int | None, regex: str | None) -> None:
    """Raise InvalidRequest where the rules for a text contradict each other or the pattern cannot be used."""
    if low is not None and high is not None and low > high:
        raise bad(f"{path}.min_characters", "must not exceed max_characters")
    if not regex:  # an empty one asks for nothing
        return
    try:
        compile_pattern(regex)
    except UnsupportedPattern as error:
        raise bad(f"{path}.regex", str(error)) from None
    if low is not None and low > MAX_SUBJECT:
        raise bad(f"{path}.min_characters", f"must be at most {MAX_SUBJECT} beside a regex")


def check_number_rules(path: str, low: float | None, high: float | None) -> None:
    """Raise InvalidRequest if min exceeds max."""
    if low is not None and high is not None and low > high:
        raise bad(f"{path}.max", "must be at least min")


def text_problem(value: Any, low: int | None, high: int | None, regex: str | None) -> str | None:
    """What is wrong with a text, None if nothing."""
    if not isinstance(value, str):
        return "must be a string"
    if low is not None and len(value) < low:
        return f"must have at least {low} characters"
    if high is not None and len(value) > high:
        return f"must have at most {high} characters"
    if regex and not compile_pattern(regex).matches(value):
        return "does not match the required pattern"
    return None


def decimal(value: Any) -> str | None:
    """A number as the decimal string that is stored: strings as typed, JSON numbers written out; None if it is no number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return value if _DECIMAL.fullmatch(value) else None
    if isinstance(value, int):
        return str(value) if abs(value) < 10**400 else None
    if isinstance(value, float):
        text = format_float(value)
        return text if _DECIMAL.fullmatch(text) else None
    return None


def format_float(value: float) -> str:
    """The shortest decimal that gives the number back, without an exponent."""
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    mantissa, exponent = text.split("e")
    digits = mantissa.lstrip("-").replace(".", "").rstrip("0") or "0"
    point = len(mantissa.lstrip("-").split(".")[0]) + int(exponent)
    sign = "-" if value < 0 else ""
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def exact(value: float | str) -> Fraction:
    """The decimal that a number is written as, exactly."""
    return Fraction(value if isinstance(value, str) else repr(value))


def number_problem(value: str, low: float | None, high: float | None, step: float | None) -> str | None:
    """What is wrong with a decimal string, None if nothing."""
    number = exact(value)
    if low is not None and number < exact(low):
        return f"must be at least {low:g}"
    if high is not None and number > exact(high):
        return f"must be at most {high:g}"
    if step is not None and (number - exact(low or 0.0)) % exact(step) != 0:
        return f"must be a multiple of {step:g}" + (f" from {low:g}" if low else "")
    return None


def make_decimal(rng: random.Random, low: float | None, high: float | None, step: float | None) -> str | None:
    """A legal decimal, None if there is none."""
    base = exact(low or 0.0)
    stride = exact(step) if step is not None else Fraction(1)
    if high is None:
        number = base + rng.randint(0, 9) * stride
    elif exact(high) >= base:
        number = base + rng.randint(0, int(min(Fraction(9), (exact(high) - base) / stride))) * stride
    elif low is None:
        number = base + ((exact(high) - base) // stride) * stride
    else:
        return None
    text = format_float(float(number))
    if exact(text) != number or number_problem(text, low, high, step):
        text = format_float(low if low is not None else high if high is not None and step is None else 0.0)
    return None if number_problem(text, low, high, step) else text


def make_text(rng: random.Random, low: int | None, high: int | None, regex: str | None) -> str | None:
    """A legal text that is not blank, None if none was found."""
    most = 10_000_000 if high is None else high
    if regex:
        text = compile_pattern(regex).example(rng, max(1, low or 0), most)
        return text if text and text.strip() else None
    text = rng.choice(("test response", "sample answer", "made-up text"))
    if low is not None and len(text) < low:
        text = (text + " ") * (low // len(text) + 1)
        text = text[:low].rstrip().ljust(low, ".")
    return text[:most].strip() or "t"
