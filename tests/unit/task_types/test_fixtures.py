"""Every registered type against the golden cases in fixtures/task-types/<type>."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from steelyard.task_types import TASK_TYPES, InvalidParams, MediaInfo
from steelyard.task_types._shared.parsing import ParamsParser

FIXTURES = Path(__file__).parents[3] / "fixtures" / "task-types"


def cases(kind: str) -> list[Any]:
    found = [(name, path) for name in TASK_TYPES for path in sorted((FIXTURES / name / kind).glob("*.json"))]
    return [
        pytest.param(name, json.loads(path.read_text()), id=f"{name}/{path.stem}") for name, path in found
    ]


def _has_alike(name: str) -> bool:
    return bool(getattr(TASK_TYPES[name].parse_params, "alike", ()))


VALID, INVALID = cases("valid"), cases("invalid")


@pytest.mark.parametrize("name", TASK_TYPES)
def test_every_type_has_at_least_three_valid_and_eight_invalid_cases(name: str):
    assert len(list((FIXTURES / name / "valid").glob("*.json"))) >= 3
    assert len(list((FIXTURES / name / "invalid").glob("*.json"))) >= 8


@pytest.mark.parametrize(("name", "case"), VALID)
def test_valid_params_are_accepted(name: str, case: dict[str, Any]):
    task_type = TASK_TYPES[name]
    params = task_type.parse_params(msgspec.json.encode(case["params"]))
    assert isinstance(params, task_type.params)
    assert isinstance(task_type.default_params(params), dict)
    for ref in task_type.attachments(params):
        assert ref.url
        assert ref.path.split(".")[0].split("[")[0] in case["params"]


@pytest.mark.parametrize(("name", "case"), [c for c in VALID if _has_alike(c.values[0])])
def test_checks_that_run_once_for_params_that_are_alike_look_at_those_alone(name: str, case: dict[str, Any]):
    parser = cast("ParamsParser[Any]", TASK_TYPES[name].parse_params)
    params = parser(msgspec.json.encode(case["params"]))
    alike = SimpleNamespace(**{key: getattr(params, key) for key in parser.alike})
    for section in parser.sections:
        if section.alike and section.check:
            section.check(alike)  # an attribute that is missing here would go unnoticed in the next task


def test_params_that_passed_once_do_not_let_others_pass():
    task_type = TASK_TYPES["imageannotation"]
    good = json.loads(next((FIXTURES / "imageannotation" / "valid").glob("*.json")).read_text())["params"]
    for _ in range(2):
        task_type.parse_params(msgspec.json.encode(good))
        with pytest.raises(InvalidParams, match="duplicate label"):
            task_type.parse_params(
                msgspec.json.encode({**good, "geometries": {"box": {"objects_to_annotate": ["car", "car"]}}})
            )


@pytest.mark.parametrize(("name", "case"), VALID)
def test_valid_responses_pass_unchanged(name: str, case: dict[str, Any]):
    task_type = TASK_TYPES[name]
    params = task_type.parse_params(msgspec.json.encode(case["params"]))
    issues, stored = task_type.check_response(params, msgspec.json.encode(case["response"]), MediaInfo())
    assert issues == []
    kept = json.loads(stored)
    assert kept == case["response"]
    assert task_type.canonical(kept) == task_type.canonical(case["response"])
    assert isinstance(task_type.summarize(params, kept), dict)


@pytest.mark.parametrize(("name", "case"), INVALID)
def test_invalid_params_are_refused_in_the_words_of_the_catalogue(name: str, case: dict[str, Any]):
    with pytest.raises(InvalidParams) as caught:
        TASK_TYPES[name].parse_params(msgspec.json.encode(case["params"]))
    assert caught.value.message == case["error"]
    assert caught.value.status == 400


@pytest.mark.parametrize(("name", "case"), VALID)
def test_a_prelabel_is_a_response_that_can_be_shown(name: str, case: dict[str, Any]):
    task_type = TASK_TYPES[name]
    params = task_type.parse_params(msgspec.json.encode(case["params"]))
    found = task_type.hypothesis(params)
    given = case["params"].get("hypothesis") or case["params"].get("base_annotations")
    assert (found is None) == (given is None)
    assert found == task_type.hypothesis(params)


@pytest.mark.parametrize(("name", "case"), VALID)
def test_an_expected_response_may_be_the_response_itself(name: str, case: dict[str, Any]):
    task_type = TASK_TYPES[name]
    if task_type.check_expected is not None:
        params = task_type.parse_params(msgspec.json.encode(case["params"]))
        assert task_type.check_expected(params, msgspec.json.encode(case["response"]), MediaInfo()) == []
