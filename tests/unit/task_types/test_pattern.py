"""Customers' patterns: the same verdicts as Python's engine, in bounded time."""

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.task_types._shared.pattern import Pattern, UnsupportedPattern

PATTERNS = [
    "", "abc", "a|bc|", "(ab)*c+", "[a-c]{2,3}x?", "[^a]b", ".+", "^a.*b$", "(a|b){2}", r"\d{2}-\w+", r"\s*\S", "(?:a+b)+?",
    "a{0,3}", "((a|b)c?)*", "[\\d_]+", "a**"[:2], "(a+)+$", "[a-]", "\\.", "(?P<x>a)b",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(source=st.sampled_from(PATTERNS), text=st.text(alphabet="abcx0123456789_- \n.", max_size=8))
def test_a_whole_match_is_the_same_as_pythons(source: str, text: str):
    # `$` before a final line break is the one difference: ours is the end of the text.
    expected = re.fullmatch(source.replace("$", r"\Z"), text) is not None
    assert Pattern(source).matches(text) == expected


@pytest.mark.parametrize("source", PATTERNS)
def test_examples_match(source: str):
    for seed in range(10):
        text = Pattern(source).example(random.Random(seed))
        assert text is not None
        assert re.fullmatch(source, text)


@pytest.mark.parametrize("source", ["(a+)+$", "(a|aa)*$", "a*a*a*a*a*a*b", "(.*)(.*)(.*)(.*)(.*)x"])
def test_patterns_that_make_other_engines_hang_are_matched_at_once(source: str):
    started = time.process_time()
    assert not Pattern(source).matches("a" * 1500 + "!")
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "source", ["(", "(?=a)", r"(a)\1", r"\bfoo", "(?i)a", "a{1000}", "(((a{40}){40}){40})", "x" * 501, "a++"]
)
def test_what_an_automaton_cannot_do_is_refused(source: str):
    with pytest.raises(UnsupportedPattern):
        Pattern(source)
