"""From bytes to typed values: query strings, JSON and form bodies, times. Every refusal is a 400 in the wire's words."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct, inspect

from steelyard.errors import InvalidRequest, parameter
from steelyard.jsontext import check_text

_TRUE = {"true", "1"}
_FALSE = {"false", "0"}
_LOST_PLUS = re.compile(r"^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (\d\d:?\d\d)$")
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
"""A part of a form's key. It ends at the next bracket of either kind: a search for the closing one would go to the end from each "["."""
_AT = re.compile(r" - at `(.*)`$")


def parse_time(text: str, name: str) -> datetime:
    """A time filter in any of the accepted forms (platform-api §1.3); no offset means UTC. Raises InvalidRequest.

    Digits beyond the millisecond are dropped, for our own times have none: whoever notes the time to the microsecond, creates a
    task and asks for everything since must find it.
    """
    text = text.strip().upper()  # RFC 3339 allows `t` and `z`
    lost = _LOST_PLUS.match(text)
    if lost:  # a `+` of an unescaped query string arrives as a space
        text = f"{lost[1]}+{lost[2]}"
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise parameter(
            name, "must be an ISO 8601 time such as 2021-04-25 or 2021-04-25T03:14:15-07:00"
        ) from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class _Field(Struct, frozen=True):
    name: str
    kind: str
    minimum: int | float | None = None
    maximum: int | float | None = None


class QueryBinder:
    """Binds a query string to a Struct: empty values mean absent, the last of repeated single values counts, lists may be comma-joined,
    repeated, or `name[]`. List fields receive the raw values as sent, for ids may contain commas (trap 20); see `split_list`."""

    def __init__(self, struct: type[Struct]):
        self.struct = struct
        self.fields: dict[str, _Field] = {}
        for field in msgspec.structs.fields(struct):
            info = inspect.type_info(field.type)
            self.fields[field.encode_name] = _describe(field.name, info)

    def bind(self, query: bytes) -> Struct:
        if not query:
            return self.struct()
        values: dict[str, list[str]] = {}
        try:
            pairs = parse_qsl(
                query.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="strict"
            )
        except (UnicodeDecodeError, ValueError):
            raise InvalidRequest("The query string is not valid UTF-8.") from None
        for key, value in pairs:
            if value:
                if "\x00" in value:
                    raise parameter(key, "must not contain NUL characters")
                values.setdefault(key.removesuffix("[]"), []).append(value)
        bound: dict[str, Any] = {}
        for key, given in values.items():
            field = self.fields.get(key)
            if field is not None:
                bound[field.name] = given if field.kind == "list" else _single(key, field, given[-1])
        return self.struct(**bound)


def _describe(name: str, info: Any) -> _Field:
    info = _bare(info)
    options = info.types if isinstance(info, inspect.UnionType) else (info,)
    for option in map(_bare, options):
        if isinstance(option, inspect.ListType):
            return _Field(name, "list")
        if isinstance(option, inspect.BoolType):
            return _Field(name, "bool")
        if isinstance(option, inspect.IntType):
            return _Field(name, "int", option.ge, option.le)
        if isinstance(option, inspect.FloatType):
            return _Field(name, "float", option.ge, option.le)
        if isinstance(option, inspect.DateTimeType):
            return _Field(name, "time")
    return _Field(name, "str")


def _bare(info: Any) -> Any:
    """The type beneath a description."""
    return info.type if isinstance(info, inspect.Metadata) else info


def _single(key: str, field: _Field, text: str) -> Any:
    if field.kind == "bool":
        lowered = text.lower()
        if lowered in _TRUE:
            return True
        if lowered in _FALSE:
            return False
        raise parameter(key, "must be true or false")
    if field.kind == "int":
        limits = (
            f"between {field.minimum} and {field.maximum}"
            if field.maximum is not None
            else f"of at least {field.minimum}"
        )
        try:
            number = int(text) if len(text) < 20 else None
        except ValueError:
            number = None
        too_small = number is not None and field.minimum is not None and number < field.minimum
        too_large = number is not None and field.maximum is not None and number > field.maximum
        if number is None or too_small or too_large or abs(number) >= 2**62:
            raise parameter(
                key, f"must be an integer {limits}" if field.minimum is not None else "must be an integer"
            )
        return number
    if field.kind == "float":
        return _fraction(key, field, text)
    if field.kind == "time":
        return parse_time(text, key)
    return text


def _fraction(key: str, field: _Field, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    low = -math.inf if field.minimum is None else field.minimum
    high = math.inf if field.maximum is None else field.maximum
    if not math.isfinite(number) or not low <= number <= high:
        raise parameter(key, f"must be a number between {low} and {high}")
    return number


def split_list(values: list[str]) -> list[str]:
    """The distinct parts of a list-valued parameter: each value split at its commas, empty parts dropped, order kept."""
    parts = (part for value in values for part in value.split(","))
    return list(dict.fromkeys(part for part in parts if part))


def split_with_whole(values: list[str]) -> list[str]:
    """As split_list, plus each raw value itself, for values that contain commas (trap 20)."""
    return list(dict.fromkeys([*split_list(values), *values]))


def json_body(raw: bytes, content_type: bytes | None, *, empty: bytes) -> bytes:
    """The body as JSON bytes: forms are converted, an empty body is `empty` (platform-api §1.2)."""
    if (
        content_type is not None
        and content_type.lower().startswith(b"application/x-www-form-urlencoded")
        and raw
        and not _is_document(raw)
    ):
        raw = form_to_json(raw)
    elif not raw.strip():
        return empty
    check_text(raw)
    return raw


def _is_document(raw: bytes) -> bool:
    """Whether what calls itself a form is a JSON object or array: curl's -d says so of everything."""
    if raw.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def decode(decoder: Any, raw: bytes, *, wants_array: bool = False) -> Any:
    """Decodes by a msgspec decoder, with the first problem told by its path in the customer's JSON."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as e:
        raise _explain(str(e), wants_array) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidRequest("The request body is not valid JSON.") from None
    except RecursionError:
        raise InvalidRequest("The request body is nested too deeply.") from None


def _explain(message: str, wants_array: bool) -> InvalidRequest:
    where = _AT.search(message)
    problem = _AT.sub("", message)
    path = where[1].removeprefix("$").lstrip(".") if where else ""
    missing = re.search(r"missing required field `(\w+)`", problem)
    if missing:
        return parameter(f"{path}.{missing[1]}".lstrip("."), "is required")
    if not path and ("`object`" in problem or "`array`" in problem):
        return InvalidRequest(f"Request body must be a JSON {'array' if wants_array else 'object'}.")
    return parameter(path or "body", problem[:1].lower() + problem[1:].replace("`", ""))


def form_to_json(raw: bytes) -> bytes:
    """An urlencoded body as JSON: repeated keys and `a[]` become arrays, `a[b]=c` objects, values that are JSON objects or arrays are
    taken as such, `true`/`false` as booleans; numbers stay strings and are converted by the parameter's type."""
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise InvalidRequest("The form body is not valid UTF-8.") from None
    tree: dict[str, Any] = {}
    for key, text in pairs:
        path = [key.split("[", 1)[0], *_BRACKETED.findall(key)]
        if len(path) > 32:
            raise InvalidRequest("The form body is nested too deeply.")
        _put(tree, path, text if key in _PLAIN_TEXT else _form_value(text))
    return msgspec.json.encode(tree)


_PLAIN_TEXT = frozenset(
    [
        "instruction",
        "callback_url",
        "callback",
        "unique_id",
        "project",
        "batch",
        "name",
        "attachment",
        "attachment_type",
        "text",
        "comments",
    ]
)
"""Parameters of a form that are text whatever they look like: "true", "[1, 2]"."""


def _form_value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if text[:1] in "[{" and text[:1]:
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return text
    return text


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    node = tree
    for i, key in enumerate(path[:-1]):
        if path[i + 1] == "":  # a[]: the array ends the path
            held = node.get(key)
            if isinstance(held, list):
                held.append(value)
            else:
                node[key] = [value] if held is None else [held, value]
            return
        child = node.get(key)
        if not isinstance(child, dict):
            child = node[key] = {}
        node = child
    last = path[-1]
    if last in node:
        held = node[last]
        if isinstance(held, list):
            held.append(value)
        else:
            node[last] = [held, value]
    else:
        node[last] = value


def is_list(kind: Any) -> bool:
    """Whether a body type wants a top-level array."""
    origin = get_origin(kind)
    return origin is list or any(get_origin(a) is list for a in get_args(kind))
