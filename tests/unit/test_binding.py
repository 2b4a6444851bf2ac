"""From bytes to values: the odd forms that clients send."""

from __future__ import annotations

import msgspec
import pytest

from steelyard.errors import InvalidRequest
from steelyard.http import binding


def test_a_form_becomes_the_json_that_it_means() -> None:
    form = b"a=1&b[c]=x&b[d][e]=y&l=1&l=2&m[]=3&n=%7B%22k%22%3A1%7D&t=true&broken=%7Bno"
    assert msgspec.json.decode(binding.form_to_json(form)) == {
        "a": "1",
        "b": {"c": "x", "d": {"e": "y"}},
        "l": ["1", "2"],
        "m": ["3"],
        "n": {"k": 1},
        "t": True,
        "broken": "{no",
    }


@pytest.mark.parametrize(
    "raw", [b'{"a":"\x00"}', b'{"a":"\\u0000"}', b'{"a":"\xff"}', b'{"a":' + b"9" * 5000 + b"}"]
)
def test_what_could_not_be_stored_or_read_back_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest):
        binding.check_text(raw)


@pytest.mark.parametrize(
    "raw", [b'{"a":"\\\\u0000"}', b'{"a":"' + b"9" * 5000 + b'"}', '{"a":"ü\U0001f600"}'.encode()]
)
def test_what_only_looks_like_it_is_taken(raw: bytes) -> None:
    binding.check_text(raw)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2021-04-25", "2021-04-25T00:00:00+00:00"),
        ("2021-04-25T03:14:15-07:00", "2021-04-25T10:14:15+00:00"),
        ("2021-04-25T03:14:15 07:00", "2021-04-24T20:14:15+00:00"),
        ("2021-04-25 03:14:15.123Z", "2021-04-25T03:14:15.123000+00:00"),
        ("2021-04-25t03:14:15.123z", "2021-04-25T03:14:15.123000+00:00"),
        ("2021-04-25T03:14:15.123456", "2021-04-25T03:14:15.123000+00:00"),
    ],
)
def test_a_time_is_read_in_every_accepted_form(text: str, utc: str) -> None:
    assert binding.parse_time(text, "start_time").isoformat() == utc


@pytest.mark.parametrize(
    "text", ["yesterday", "2021-13-01", "0001-01-01T00:00:00+14:00", "99999-01-01", "1e9"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="start_time"):
        binding.parse_time(text, "start_time")


def test_list_parameters_are_split_at_commas_and_kept_whole_as_well() -> None:
    assert binding.split_list(["a,b", "b", ""]) == ["a", "b"]
    assert binding.split_with_whole(["s3://x/a,b"]) == ["s3://x/a", "b", "s3://x/a,b"]


def test_texts_of_a_form_stay_texts_whatever_they_look_like() -> None:
    form = b"instruction=true&attachment=%5B1%2C2%5D&text=%7B%22a%22%3A1%7D&categories=%5B%22a%22%5D&allow_multiple=true"
    assert msgspec.json.decode(binding.form_to_json(form)) == {
        "instruction": "true",
        "attachment": "[1,2]",
        "text": '{"a":1}',
        "categories": ["a"],
        "allow_multiple": True,
    }


def test_json_that_curl_calls_a_form_is_taken_as_json() -> None:
    form = b"application/x-www-form-urlencoded"
    assert binding.json_body(b' {"a": [1]}', form, empty=b"{}") == b' {"a": [1]}'
    assert msgspec.json.decode(binding.json_body(b"{a=1", form, empty=b"{}")) == {"{a": "1"}


def test_a_form_is_read_in_the_time_of_its_length() -> None:
    """Brackets that never close and a key that is repeated took the square of it: minutes for what fits into a body."""
    brackets = b"[" * 1_000_000
    assert msgspec.json.decode(binding.form_to_json(brackets + b"=1")) == {"": "1"}
    many = msgspec.json.decode(binding.form_to_json(b"&".join([b"a=1", b"b[]=2"] * 200_000)))
    assert (len(many["a"]), len(many["b"])) == (200_000, 200_000)
