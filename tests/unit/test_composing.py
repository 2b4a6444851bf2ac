"""Each short cut of a creation comes to what the plain way comes to, mistakes included."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from steelyard.clock import wire_time
from steelyard.errors import InvalidRequest, parameter
from steelyard.ids import IdSource, first_id_at
from steelyard.jsontext import check_text
from steelyard.task_types import TASK_TYPES
from steelyard.task_types._shared.parsing import ParamsParser
from steelyard.tasks import platform
from steelyard.tasks.compose import Targets, assemble, check_request
from steelyard.tasks.model import BatchTarget, ProjectDefaults
from tests.unit.task_types.strategies import valid_params

MANY = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1))


def told(f: Any, *args: Any) -> Any:
    """The result, or the mistake in the words that the client reads."""
    try:
        return f(*args)
    except InvalidRequest as error:
        return error.message, error.issues


VALUES = {
    "callback_url": ['"https://a.example/"', '"a@b.example"', '"nowhere"', '""', "1"],
    "metadata": ["{}", '{"a":[1]}', "[]", '"{}"', '{"a":"%s"}' % ("x" * 11_000)],
    "unique_id": ['"a"', '""', '"\\u00e4"', json.dumps("ä" * 1024), json.dumps("\N{PILE OF POO}" * 700), "7"],
    "clear_unique_id_on_error": ["true", '"false"', "3"],
    "tags": [
        '["a","b","a"]', '"a"', "[]", '[" "]', "[1]", "{}", '["a", "b","c","d","e","f"]', "7",
        json.dumps(["a", "b"] * 300), "[" * 3000 + "]" * 3000,
    ],
    "priority": ["10", '"30"', "31", "10.5", "true"],
    "urgency": ['"day"', '"week"', '"soon"', "[]"],
}  # fmt: skip


def one_by_one(given: dict[str, Raw]) -> platform.PlatformParams:
    """What `decode_platform` has to come to: all types, in the order of the request, then each value."""
    found: dict[str, Any] = {}
    for key, raw in given.items():
        kind, wanted = platform._WANTED.get(key, (Any, "a value"))
        try:
            found[key] = msgspec.json.decode(raw, type=kind, strict=False)
        except RecursionError:
            raise parameter(key, "is nested too deeply") from None
        except msgspec.DecodeError:
            raise parameter(key, f"must be {wanted}") from None
    if found.get("urgency", "day") not in ("immediate", "day", "week", "standard"):
        raise parameter("urgency", "must be one of standard, day, week, immediate")
    checks: dict[str, Any] = {
        "callback_url": platform.check_callback,
        "metadata": lambda _: platform.check_metadata(bytes(given["metadata"])),
        "unique_id": platform.check_unique_id,
        "tags": platform.check_tags,
        "priority": platform.check_priority,
    }
    return platform.PlatformParams(**{k: checks.get(k, lambda v: v)(found[k]) for k in VALUES if k in found})


@MANY
@given(data=st.data())
def test_the_platforms_params_are_read_together_as_one_by_one(data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.sampled_from(sorted(VALUES)), unique=True))
    sent = {key: Raw(data.draw(st.sampled_from(VALUES[key])).encode()) for key in keys}
    assert told(platform.decode_platform, sent) == told(one_by_one, sent)
    assert told(platform.decode_platform, sent) == told(one_by_one, sent)  # remembered, it is still the same


def test_tags_that_are_remembered_are_not_shared() -> None:
    sent = {"tags": Raw(b'["a","b"]')}
    changed = platform.decode_platform(sent).tags
    assert changed is not None
    changed.append("c")
    assert platform.decode_platform(sent).tags == ["a", "b"]


ALIKE = [
    n for n, t in TASK_TYPES.items() if isinstance(t.parse_params, ParamsParser) and t.parse_params.alike
]


@pytest.mark.parametrize("name", ALIKE)
@settings(MANY, max_examples=25)
@given(data=st.data())
def test_params_whose_alike_ones_passed_before_are_read_as_anew(name: str, data: st.DataObject) -> None:
    warm: Any = TASK_TYPES[name].parse_params
    cold = ParamsParser(warm.params, warm.sections, [rule for rule, _ in warm._rules], warm._general)
    document = data.draw(valid_params(name))
    sent = msgspec.json.encode(document)
    anew, again = cold(sent), cold(sent)
    assert type(again) is warm.params
    assert again == anew
    key = data.draw(st.sampled_from(msgspec.structs.fields(warm.params))).encode_name
    broken = msgspec.json.encode({**document, key: data.draw(st.sampled_from([None, 7, "x", [], {"a": {}}]))})
    fresh = ParamsParser(warm.params, warm.sections, [rule for rule, _ in warm._rules], warm._general)
    assert told(cold, broken) == told(fresh, broken)


@MANY
@given(
    instruction=TEXT,
    url=st.none() | TEXT,
    project=st.none() | st.tuples(TEXT, st.integers(-1, 50)),
    batch=st.none() | TEXT,
    is_test=st.booleans(),
)
def test_the_head_is_what_encoding_its_members_gives(
    instruction: str, url: str | None, project: tuple[str, int] | None, batch: str | None, is_test: bool
) -> None:
    kind = TASK_TYPES["imageannotation"]
    body = {
        "instruction": Raw(msgspec.json.encode(instruction)),
        "attachment": Raw(b'"https://a.example/1.png"'),
        "geometries": Raw(b'{"box":{"objects_to_annotate":["a"]}}'),
    }
    checked = check_request(kind, body, None)
    checked.platform.callback_url = url
    version = project[1] if project else 0
    target = ProjectDefaults("p1", project[0], "t", "standard", version, 7, False, {}) if project else None
    targets = Targets(
        target, BatchTarget("b1", batch, "staging", "p", None, False) if batch is not None else None
    )
    created = datetime(2026, 3, 14, tzinfo=UTC)
    task = assemble(
        "imageannotation", kind, checked, targets, task_id="6" * 24, created_at=created,
        created=wire_time(created), params_json=checked.merged.params_json, is_test=is_test,
    )  # fmt: skip
    members: dict[str, Any] = {
        "task_id": "6" * 24,
        "created_at": "2026-03-14T00:00:00.000Z",
        "type": "imageannotation",
        "instruction": instruction,
        **({} if url is None else {"callback_url": url}),
        **({} if project is None else {"project": project[0]}),
        **({} if batch is None else {"batch": batch}),
        "is_test": is_test,
        "urgency": "standard",
        "processed_attachments": [],
        **({} if project is None else {"project_param_version": version, "projectId": "p1"}),
    }
    assert b"{%b}" % task.head == msgspec.json.encode(members)


@MANY
@given(times=st.lists(TIMES, min_size=1), shard=st.integers(0, 0xFFFF))
def test_ids_hold_their_time_and_process_and_never_go_back(times: list[datetime], shard: int) -> None:
    source = IdSource(shard)
    latest = ""
    for moment in (t.replace(tzinfo=UTC) for t in times):
        made = source.mint(moment)
        assert len(made) == 24
        assert made[13:17] == f"{shard:04x}"
        assert made[:13] >= latest
        if first_id_at(moment)[:13] >= latest:
            assert made[:13] == first_id_at(moment)[:13]
        latest = made[:13]


@MANY
@given(times=st.lists(TIMES, min_size=1, max_size=4), hours=st.integers(-12, 12))
def test_times_on_the_wire_are_utc_cut_to_the_millisecond(times: list[datetime], hours: int) -> None:
    for moment in (t.replace(tzinfo=UTC) for t in times):
        plain = moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        assert wire_time(moment) == plain
        assert wire_time(moment.astimezone(timezone(timedelta(hours=hours)))) == plain


@MANY
@given(
    parts=st.lists(st.sampled_from([b"a", b"\\", b"\\u0000", b"u0000", b"\\n", b"\xc3\xa4", b"\xff", b"\0"]))
)
def test_text_is_refused_where_its_value_could_not_be_stored(parts: list[bytes]) -> None:
    raw = b'"' + b"".join(parts) + b'"'
    try:
        storable = "\0" not in json.loads(raw)
    except UnicodeDecodeError:
        storable = False
    except ValueError:  # no JSON, which others refuse
        return
    assert (told(check_text, raw) is None) == storable
