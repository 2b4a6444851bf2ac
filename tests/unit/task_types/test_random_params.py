"""Params that nobody thought of: answers made for them pass the type's own check, and mistakes in any field are told by its path."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect as mi

from steelyard.task_types import RESULT_URL, TASK_TYPES, Answer, InvalidParams, MediaInfo
from steelyard.task_types._shared.parsing import join
from tests.unit.task_types.strategies import (
    FUZZ,
    declared_in,
    fields_in,
    fixtures,
    full,
    holds_objects,
    owners_in,
    params_kind,
    parts,
    replaced,
    untyped_in,
    valid_params,
)

MANY = settings(
    max_examples=200 if FUZZ else 20,
    deadline=None,
    derandomize=not FUZZ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
MEDIA = [MediaInfo(), MediaInfo(640, 480, 12.5), MediaInfo(31, 900, 0.4)]


def substance(answer: Answer) -> int:
    """How many values an answer holds, those in its JSON files included; other files count as one."""
    files = {RESULT_URL + f.name: f for f in answer.files}

    def count(value: Any) -> int:
        if isinstance(value, dict):
            return sum(count(v) for v in value.values())
        if isinstance(value, list):
            return sum(count(v) for v in value)
        if isinstance(value, str) and value in files:
            file = files[value]
            return count(json.loads(file.content)) if file.content_type == "application/json" else 1
        return 0 if value is None or value == "" else 1

    return count(answer.response)


def nothing_fits(document: dict[str, Any], media: MediaInfo) -> bool:
    """Whether nothing may be drawn, or nothing smaller than what an image of that size has room for."""
    if document.get("can_add_base_annotations") is False:
        return True
    asked = [part for part in parts(document) if isinstance(part, dict)]
    return media.width > 0 and any(
        float(part.get("min_width") or 0) > media.width or float(part.get("min_height") or 0) > media.height
        for part in asked
    )


@pytest.mark.parametrize("name", TASK_TYPES)
def test_answers_to_random_valid_params_pass_the_types_own_check_and_are_not_empty(name: str):
    task_type = TASK_TYPES[name]

    @MANY
    @given(document=valid_params(name), seed=st.integers(0, 999), media=st.sampled_from(MEDIA))
    def holds(document: dict[str, Any], seed: int, media: MediaInfo) -> None:
        params = task_type.parse_params(msgspec.json.encode(document))
        if document.get("base_annotations"):
            media = MediaInfo()  # what must not be deleted may be larger than an image of a known size
        answer = task_type.test_answer(params, str(seed), media)
        issues, stored = task_type.check_response(params, msgspec.json.encode(answer.response), media)
        assert issues == [], document
        assert substance(answer) > 0 or nothing_fits(document, media), document
        json.loads(stored)

    holds()


WRONG: dict[str, Any] = {
    "object": {"wrong": 1},
    "array": [[{}]],
    "string": "wrong",
    "number": 5.25,
    "boolean": True,
}


def json_kinds(kind: mi.Type) -> set[str]:
    """Which JSON types fit, coercions included: a wrong one is in `WRONG` and not here."""
    match kind:
        case mi.Metadata():
            return json_kinds(kind.type)
        case mi.UnionType():
            return {found for option in kind.types for found in json_kinds(option)}
        case mi.StructType() | mi.DictType():
            return {"object"}
        case mi.ListType():
            return {"array"}
        case mi.StrType() | mi.LiteralType():
            return {"string"}
        case mi.IntType() | mi.FloatType():
            return {"number"}
        case mi.BoolType():
            return {"boolean"}
        case mi.NoneType():
            return set()
        case _:
            return set(WRONG)


def json_kind_of(value: Any) -> set[str]:
    """Which JSON types may stand where this value does; a number may be a string."""
    match value:
        case None:
            return {"number"}
        case bool():
            return {"boolean"}
        case int() | float():
            return {"number"}
        case str():
            return {"string", "number"} if re.fullmatch(r"-?[0-9.]+", value) else {"string"}
        case list():
            return {"array"}
        case _:
            return {"object"}


def told(name: str, document: Any, path: tuple[Any, ...], wrong: Iterable[str], place: str) -> Iterator[str]:
    """Wrong JSON types at a path that the type takes, or tells without the place."""
    for value in (WRONG[key] for key in wrong):
        try:
            TASK_TYPES[name].parse_params(msgspec.json.encode(replaced(document, path, value)))
        except InvalidParams as error:
            named = [part for part in path if isinstance(part, str)]
            exact = any(issue.path.startswith(place) for issue in error.issues)
            if not exact or not any(key in error.message for key in named):
                yield f"{path} = {value!r}: {error.message}"
        else:
            yield f"{path} = {value!r}: accepted"


def mistakes(name: str, document: Any, tried: set[Any], under: tuple[Any, ...] = ()) -> Iterator[str]:
    """Changes of one field to a wrong JSON type of which the type does not tell the path."""
    for path, field in fields_in(params_kind(name), document):
        if path in tried or path[: len(under)] != under:
            continue
        tried.add(path)
        yield from told(name, document, path, WRONG.keys() - json_kinds(field.type), join(path))


@pytest.mark.parametrize("name", TASK_TYPES)
def test_a_wrong_json_type_in_any_field_is_told_with_its_path(name: str):
    tried: set[Any] = set()
    for document in fixtures(name):
        assert list(mistakes(name, document, tried)) == []
    assert len(tried) >= 5


@pytest.mark.parametrize("name", TASK_TYPES)
def test_a_wrong_json_type_in_objects_that_no_fixture_has_is_told_with_its_path(name: str):
    silent: list[str] = []
    tried: set[Any] = set()
    document = fixtures(name)[0]
    for path, field in list(fields_in(params_kind(name), document)):
        if holds_objects(field.type):
            silent += mistakes(name, replaced(document, path, full(field.type)), tried, path)
    assert silent == []


@pytest.mark.parametrize("name", TASK_TYPES)
def test_the_tests_of_wrong_json_types_reach_every_field_of_every_object(name: str):
    kind, document = params_kind(name), fixtures(name)[0]
    seen = set[tuple[type, str]]()
    for one in fixtures(name):
        seen |= owners_in(kind, one)
    for path, field in fields_in(kind, document):
        if holds_objects(field.type):
            seen |= owners_in(kind, replaced(document, path, full(field.type)))
    assert declared_in(kind) - seen == set()


CHECKED_ELSEWHERE = {"template_variables", "stages", "dependents"}
"""Free values, stages (each by its own type once it comes) and dependent tasks (each as a request of its own)."""


@pytest.mark.parametrize("name", TASK_TYPES)
def test_a_wrong_json_type_inside_prelabels_layers_and_conditions_is_told_with_its_path(name: str):
    silent: list[str] = []
    tried: set[Any] = set()
    for document in fixtures(name):
        for place, path, value in untyped_in(params_kind(name), document):
            shape = tuple("#" if isinstance(part, int) else part for part in path)
            if shape in tried or path[0] in CHECKED_ELSEWHERE:
                continue
            tried.add(shape)
            # Conditions and answers of forms are told by their field; choices and answers to attributes may have several types.
            of_form = "fields" in place or (name == "textcollection" and path[0] == "hypothesis")
            wrong = {"object"} if "attributes" in path[:-1] or of_form else WRONG.keys()
            silent += told(
                name, document, path, wrong - json_kind_of(value), join(place[:3] if of_form else path)
            )
    assert silent == []
