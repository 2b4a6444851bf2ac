"""Whatever comes in, a type answers with InvalidParams or issues, never with another exception."""

import copy
import json
import os
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.errors import NotEnabled
from steelyard.task_types import TASK_TYPES, InvalidParams, MediaInfo

FIXTURES = Path(__file__).parents[3] / "fixtures" / "task-types"
FUZZ = bool(os.environ.get("STEELYARD_FUZZ"))
QUIET = settings(
    max_examples=2_000 if FUZZ else 50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

HOSTILE: list[Any] = [
    None, True, False, 0, -1, 1, 2, 0.5, -0.0, 10**30, -(10**30), 1e308, -1e308, 5e-324, "", " ", "a", "nan", "inf", "-inf",
    "1e999", "true", "null", "\x00", "\ud7ff\ue000", "𝔘" * 300, "(a+)+$", "x" * 20_000, [], {}, [[]], [None], {"": None},
    {"a": 1}, [1, "a", {}], {"choice": 1}, "100", "1.5", [["a"]], {"type": "x"}, 2**31, 2**63, 2**64, "9" * 400,
]  # fmt: skip


def valid(name: str, part: str) -> list[Any]:
    return [json.loads(p.read_text())[part] for p in sorted((FIXTURES / name / "valid").glob("*.json"))]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            found += places(item, (*path, i))
    return found


def mutated(document: Any, rng: random.Random) -> Any:
    """A copy with one to three values replaced, removed, doubled, renamed or moved somewhere else."""
    document = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        path = rng.choice(places(document))
        if not path:
            continue
        holder = document
        for step in path[:-1]:
            holder = holder[step]
        match rng.randrange(6):
            case 0 | 1 | 2:
                holder[path[-1]] = copy.deepcopy(rng.choice(HOSTILE))
            case 3:
                del holder[path[-1]]
            case 4 if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[path[-1]]))
            case 4:
                holder[rng.choice(["", "x", "type", "conditions", "\x00"])] = holder.pop(path[-1])
            case _:
                other: Any = document
                for step in rng.choice(places(document)):
                    other = other[step]
                holder[path[-1]] = copy.deepcopy(other)
    return document


@pytest.mark.parametrize("name", TASK_TYPES)
@QUIET
@given(seed=st.integers(min_value=0, max_value=2**63))
def test_mutated_params_are_refused_or_answered_validly(name: str, seed: int):
    task_type = TASK_TYPES[name]
    rng = random.Random(seed)
    data = msgspec.json.encode(mutated(rng.choice(valid(name, "params")), rng))
    try:
        params = task_type.parse_params(data)
    except (InvalidParams, NotEnabled) as error:
        assert error.message
        return
    list(task_type.attachments(params))
    task_type.default_params(params)
    task_type.hypothesis(params)
    task_type.needs_instruction(params)
    if task_type.response_schema is not None:
        msgspec.json.encode(task_type.response_schema(params))
    # An undeletable base annotation that is too large for a known image leaves no legal answer.
    sizes = (
        [MediaInfo(640, 480, 12.5), MediaInfo(1, 1)]
        if getattr(params, "base_annotations", None) is None
        else []
    )
    media = rng.choice([MediaInfo(), *sizes])
    answer = task_type.test_answer(params, str(seed), media)
    issues, _ = task_type.check_response(params, msgspec.json.encode(answer.response), media)
    assert issues == [], (data, answer.response)


@pytest.mark.parametrize("name", TASK_TYPES)
@QUIET
@given(seed=st.integers(min_value=0, max_value=2**63))
def test_mutated_responses_give_issues_and_never_raise(name: str, seed: int):
    task_type = TASK_TYPES[name]
    rng = random.Random(seed)
    n = rng.randrange(len(valid(name, "params")))
    params = task_type.parse_params(msgspec.json.encode(valid(name, "params")[n]))
    data = msgspec.json.encode(mutated(valid(name, "response")[n], rng))
    issues, stored = task_type.check_response(
        params, data, rng.choice([MediaInfo(), MediaInfo(640, 480, 3.0)])
    )
    if task_type.check_expected is not None:
        assert isinstance(task_type.check_expected(params, data, MediaInfo()), list)
    if not issues:
        again, same = task_type.check_response(params, stored, MediaInfo())
        assert again == []
        assert json.loads(same) == json.loads(stored)
        task_type.canonical(json.loads(stored))
        task_type.summarize(params, json.loads(stored))


@pytest.mark.parametrize("name", TASK_TYPES)
@QUIET
@given(data=st.binary(max_size=300))
def test_any_bytes_give_issues_and_invalid_params(name: str, data: bytes):
    task_type = TASK_TYPES[name]
    with pytest.raises(InvalidParams):
        task_type.parse_params(data)
    params = task_type.parse_params(msgspec.json.encode(valid(name, "params")[0]))
    assert task_type.check_response(params, data, MediaInfo())[0]


DEEP = [
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" * 900 + b"]" * 900,
    b'{"attachment":"x","labels":' + b"[" * 900 + b"]" * 900 + b"}",
]


@pytest.mark.parametrize("data", DEEP)
@pytest.mark.parametrize("name", TASK_TYPES)
def test_deep_nesting_ends_in_invalid_params_and_issues(name: str, data: bytes):
    task_type = TASK_TYPES[name]
    with pytest.raises(InvalidParams):
        task_type.parse_params(data)
    params = task_type.parse_params(msgspec.json.encode(valid(name, "params")[0]))
    assert task_type.check_response(params, data, MediaInfo())[0]


@pytest.mark.parametrize("name", TASK_TYPES)
def test_deep_nesting_inside_any_parameter_ends_in_invalid_params_or_is_kept(name: str):
    task_type = TASK_TYPES[name]
    for params in valid(name, "params"):
        for key in [*params, "unknown"]:
            for opening, closing in (
                ("[", "]"),
                ('{"subchoices":[', "]}"),
                ('{"fields":[', "]}"),
                ('{"not":', "}"),
            ):
                for depth in (30, 400, 2_000):
                    inner = opening * depth + "1" + closing * depth
                    rest = {k: v for k, v in params.items() if k != key}
                    data = (
                        json.dumps({**rest, key: None})
                        .replace(f'"{key}": null', f'"{key}": {inner}')
                        .encode()
                    )
                    try:
                        parsed = task_type.parse_params(data)
                    except InvalidParams:
                        continue
                    task_type.test_answer(parsed, "1", MediaInfo())
