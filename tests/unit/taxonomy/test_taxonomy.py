"""Labels, attribute definitions, conditions, and answers to them."""

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steelyard.errors import InvalidRequest
from steelyard.taxonomy.answers import Questionnaire, Size
from steelyard.taxonomy.attributes import Attributes, check_attributes, order
from steelyard.taxonomy.labels import LabelList, check_labels, leaves, walk

TREE = [
    "buoy",
    {"choice": "vessel", "instance_label": True, "subchoices": [
        "dinghy", {"choice": "cargo", "display": "Cargo"},
        {"choice": "ferry", "instance_label": False, "subchoices": ["ferry_small", "ferry_large"]}]},
    {"choice": "person", "subchoices": []},
]  # fmt: skip


def labels(value: Any) -> Any:
    return msgspec.convert(value, LabelList, strict=False)


def attributes(**definitions: Any) -> Attributes:
    return msgspec.convert(definitions, Attributes, strict=False)


def test_leaves_are_those_without_children_in_document_order():
    assert leaves(labels(TREE)) == ["buoy", "dinghy", "cargo", "ferry_small", "ferry_large", "person"]
    assert check_labels(labels(TREE), "labels") == leaves(labels(TREE))
    assert leaves(labels("single")) == ["single"]


def test_instance_labels_are_inherited_until_a_level_says_otherwise():
    assert {leaf.name for leaf in walk(labels(TREE)) if leaf.instance} == {"vessel", "dinghy", "cargo"}
    assert {leaf.name for leaf in walk(labels(TREE)) if not leaf.selectable} == {"vessel", "ferry"}


def test_the_same_leaf_under_two_parents_is_refused():
    with pytest.raises(InvalidRequest, match='labels: duplicate label "a"'):
        check_labels(labels(["a", {"choice": "b", "subchoices": ["a"]}]), "labels")


def test_a_parent_may_be_called_like_a_leaf():
    assert check_labels(labels([{"choice": "a", "subchoices": ["a"]}]), "labels") == ["a"]


def test_attributes_come_after_those_their_conditions_look_at():
    found = attributes(
        a={"choices": ["x"], "conditions": {"attribute_conditions": [{"b": "x"}]}},
        b={"choices": ["x"], "conditions": {"attribute_conditions": [{"c": "x"}]}},
        c={"choices": ["x"]},
    )
    assert order(found) == ["c", "b", "a"]


def test_a_long_chain_of_conditions_needs_no_deep_stack():
    chain = {
        f"k{i}": {"choices": ["x"], "conditions": {"attribute_conditions": [{f"k{i + 1}": "x"}]}}
        for i in range(3000)
    }
    assert order(attributes(**chain, k3000={"choices": ["x"]}))[0] == "k3000"


def test_a_cycle_is_refused():
    one = {"choices": ["x"], "conditions": {"attribute_conditions": [{"a": "x"}]}}
    with pytest.raises(InvalidRequest, match=r"annotation_attributes\.a\.conditions form a cycle"):
        check_attributes(attributes(a=one), ["l"], has_sized_shape=True)


CONDITIONAL = {
    "kind": {"choices": ["car", "truck", "van"], "allow_multiple": True, "required": False},
    "doors": {"type": "number", "max": 5},
    "extra": {
        "choices": ["y", "n"],
        "conditions": {
            "label_condition": {"label": "vehicle"},
            "attribute_conditions": [{"kind": ["truck", "van"]}, {"doors": "4"}],
        },
    },
}


@pytest.mark.parametrize(
    ("label", "answers", "mode", "shown"),
    [
        ("vehicle", {"kind": ["car", "van"]}, "or", True),
        ("vehicle", {"kind": ["car"]}, "or", False),
        ("vehicle", {"doors": 4}, "or", True),
        ("vehicle", {"doors": 4.0}, "or", True),
        ("vehicle", {"doors": 4}, "and", False),
        ("vehicle", {"doors": 4, "kind": ["van"]}, "and", True),
        ("tree", {"doors": 4}, "or", False),
    ],
)
def test_conditions_are_or_ed_unless_the_project_says_and(label: str, answers: Any, mode: Any, shown: bool):
    questions = Questionnaire(attributes(**CONDITIONAL), combine=mode)
    assert ("extra" in questions.shown(label, answers, None)) == shown


def check(
    definitions: Any, answers: Any, label: str = "l", size: Size | None = None
) -> tuple[list[str], Any]:
    issues, kept = Questionnaire(attributes(**definitions)).check("attributes", label, answers, size=size)
    return [f"{i.path} {i.message}" for i in issues], kept


def test_a_visible_category_must_be_answered_and_other_types_need_not():
    definitions = {"c": {"choices": ["x"]}, "n": {"type": "number"}, "t": {"type": "text"}}
    assert check(definitions, {})[0] == ["attributes.c is required"]
    assert check({"c": {"choices": ["x"], "required": False}}, {}) == ([], {})
    assert check({"n": {"type": "number", "required": True}}, {})[0] == ["attributes.n is required"]


def test_a_hidden_answer_is_dropped_together_with_what_depends_on_it():
    definitions = {
        "a": {"choices": ["x", "y"], "conditions": {"label_condition": {"label": "m"}}},
        "b": {"choices": ["z"], "conditions": {"attribute_conditions": [{"a": "x"}]}},
    }
    assert check(definitions, {"a": "x", "b": "z"}, label="m") == ([], {"a": "x", "b": "z"})
    assert check(definitions, {"a": "x", "b": "z"}, label="l") == ([], {})


@pytest.mark.parametrize(
    ("definition", "value", "fine"),
    [
        ({"choices": ["x", "y"]}, "x", True),
        ({"choices": ["x", "y"]}, ["x"], False),
        ({"choices": ["x", {"choice": "p", "subchoices": ["y"]}]}, "p", False),
        ({"choices": ["x", "y"], "allow_multiple": True}, ["x", "y"], True),
        ({"choices": ["x", "y"], "allow_multiple": True}, ["x", "x"], False),
        ({"choices": ["x", "y"], "allow_multiple": True}, "x", False),
        ({"type": "number", "min": 1, "max": 3}, 2, True),
        ({"type": "number", "min": 1, "max": 3}, 2.5, False),
        ({"type": "number", "min": 1, "max": 3}, 4, False),
        ({"type": "number", "min": 0.1, "step": 0.1}, 0.7, True),
        ({"type": "number"}, True, False),
        ({"type": "number"}, "2", False),
        ({"type": "angle"}, 361, False),
        ({"type": "text"}, "x" * 10_001, False),
        ({"type": "x_line"}, 20, True),
        ({"type": "x_line"}, 20.5, False),
        ({"type": "y_line"}, 11, False),
    ],
)
def test_answers_must_be_legal_values_of_their_type(definition: Any, value: Any, fine: bool):
    issues, _ = check({"k": definition}, {"k": value}, size=Size(20, 10))
    assert (issues == []) == fine


def test_a_full_turn_is_stored_as_zero_and_lines_need_a_shape_with_sides():
    assert check({"k": {"type": "angle"}}, {"k": 360})[1] == {"k": 0}
    assert check({"k": {"type": "x_line"}}, {"k": 1}, size=None) == ([], {})


def test_an_unknown_attribute_is_an_issue():
    assert check({}, {"zz": 1})[0] == ["attributes.zz is no attribute of this task"]


numbers = st.floats(-1e15, 1e15, allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(
    low=numbers | st.none(),
    high=numbers | st.none(),
    step=st.floats(1e-12, 1e15) | st.none(),
    seed=st.integers(),
)
def test_made_up_numbers_are_legal_for_any_limits(
    low: float | None, high: float | None, step: float | None, seed: int
):
    if low is not None and high is not None and low > high:
        low, high = high, low
    definition = {"type": "number", "min": low, "max": high, "step": step, "required": True}
    questions = Questionnaire(attributes(k=definition))
    answers = questions.make(random.Random(seed), "l")
    issues, _ = questions.check("attributes", "l", answers)
    impossible = low is None and high is not None and high < 0
    assert not issues or impossible, (definition, answers)
