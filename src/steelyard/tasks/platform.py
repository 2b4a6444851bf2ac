"""The platform-level parameters of a creation (platform-api §8.2), decoded and checked."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw, Struct

from steelyard.errors import InvalidRequest, parameter

MAX_METADATA_BYTES = 10 * 1024
MAX_TAGS = 5
MAX_INDEXED_BYTES = 2600
"""An index of PostgreSQL takes at most 2704 bytes; 1024 characters may be more than that."""
_EMAIL = re.compile(r"^[^@\s<>\"':]+@[^@\s<>\"':]+\.[^@\s<>\"':]+$|^[^@\s<>\"':]+@localhost$")
_URL = re.compile(r"^https?://[^\s/?#]+[^\s]*$", re.IGNORECASE)
_URGENCIES = frozenset(("immediate", "day", "week", "standard"))


class PlatformParams(Struct):
    """Decoded platform-level values; `metadata` stays as sent (JSON bytes)."""

    callback_url: str | None = None
    metadata: bytes = b"{}"
    unique_id: str | None = None
    clear_unique_id_on_error: bool = False
    tags: list[str] | None = None
    priority: int | None = None
    urgency: str = "standard"


class _Given(Struct):
    """The same values before they are checked, read in one go; what was not given has some value or other."""

    callback_url: str = ""
    metadata: Raw = Raw(b"{}")
    unique_id: str = ""
    clear_unique_id_on_error: bool = False
    tags: Raw = Raw(b"[]")
    priority: int = 10
    urgency: str = "standard"


_read = msgspec.json.Decoder(_Given, strict=False).decode


def decode_platform(given: dict[str, Raw]) -> PlatformParams:
    """Checks and decodes; raises InvalidRequest naming the parameter."""
    try:
        values = _read(msgspec.json.encode(given))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _first_wrong(given) from None
    if values.urgency not in _URGENCIES:
        raise parameter("urgency", "must be one of standard, day, week, immediate")
    return PlatformParams(
        callback_url=check_callback(values.callback_url) if "callback_url" in given else None,
        metadata=check_metadata(bytes(values.metadata)) if "metadata" in given else b"{}",
        unique_id=check_unique_id(values.unique_id) if "unique_id" in given else None,
        clear_unique_id_on_error=values.clear_unique_id_on_error,
        tags=_tags(bytes(values.tags)) if "tags" in given else None,
        priority=check_priority(values.priority) if "priority" in given else None,
        urgency=values.urgency,
    )


_WANTED: dict[str, tuple[Any, str]] = {
    "callback_url": (str, "a string"),
    "unique_id": (str, "a string"),
    "tags": (Any, "an array of strings"),
    "priority": (int, "an integer between 10 and 30"),
    "clear_unique_id_on_error": (bool, "a boolean"),
    "urgency": (str, "a string"),
}


def _first_wrong(given: dict[str, Raw]) -> InvalidRequest:
    for key, raw in given.items():
        kind, wanted = _WANTED.get(key, (Any, "a value"))
        try:
            msgspec.json.decode(raw, type=kind, strict=False)
        except RecursionError:
            return parameter(key, "is nested too deeply")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return parameter(key, f"must be {wanted}")
    return InvalidRequest("The platform's parameters cannot be read.")


def _tags(raw: bytes) -> list[str]:
    try:
        return list(_short_tags(raw)) if len(raw) < 500 else check_tags(msgspec.json.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _first_wrong({"tags": Raw(raw)}) from None


@lru_cache(256)  # tasks that come together tend to have the same
def _short_tags(raw: bytes) -> tuple[str, ...]:
    return tuple(check_tags(msgspec.json.decode(raw)))


@lru_cache(256)  # tasks that come together call back to the same place
def check_callback(text: str, key: str = "callback_url") -> str | None:
    """An absolute http(s) URL or an e-mail address; "" means none. Raises InvalidRequest (2D spec, C3)."""
    if not text:
        return None
    if len(text) > 2048 or not (_URL.match(text) or _EMAIL.match(text)):
        raise InvalidRequest(f"{key} must be an absolute http(s) URL or an e-mail address.")
    return text


def check_metadata(raw: bytes) -> bytes:
    """A JSON object of at most 10 KB. Raises InvalidRequest (2D spec, M1).

    Kept as sent, unless only the client's way of writing it (escapes of letters beyond ASCII, white space) takes it over the limit;
    then it is kept in its shortest form.
    """
    if MAX_METADATA_BYTES < len(raw) <= 8 * MAX_METADATA_BYTES and raw[:1] == b"{":
        try:
            raw = msgspec.json.encode(msgspec.json.decode(raw))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise InvalidRequest("metadata must be an object no larger than 10 KB.") from None
    if raw[:1] != b"{" or len(raw) > MAX_METADATA_BYTES:
        raise InvalidRequest("metadata must be an object no larger than 10 KB.")
    return raw


def check_unique_id(text: str) -> str:
    """1-1024 characters, and no more than fit into an index."""
    if not 1 <= len(text) <= 1024 or not (text.isascii() or len(text.encode()) <= MAX_INDEXED_BYTES):
        raise parameter(
            "unique_id", f"must be a string of 1 to 1024 characters, at most {MAX_INDEXED_BYTES} bytes"
        )
    return text


def _is_tag(t: Any) -> bool:
    if not isinstance(t, str) or not t.strip():
        return False
    return len(t) * 4 <= MAX_INDEXED_BYTES or (len(t) <= 1024 and len(t.encode()) <= MAX_INDEXED_BYTES)


def check_tags(value: Any) -> list[str]:
    """At most 5 distinct non-blank strings, order kept; a bare string is one tag. Raises InvalidRequest (2D spec, M2)."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(map(_is_tag, items)):
        raise InvalidRequest("tags must be an array of at most 5 non-empty strings.")
    tags = list(dict.fromkeys(items))
    if len(tags) > MAX_TAGS:
        raise InvalidRequest("tags must be an array of at most 5 non-empty strings.")
    return tags


def check_priority(number: int) -> int:
    """An integer 10-30, higher is sooner."""
    if not 10 <= number <= 30:
        raise parameter("priority", "must be an integer between 10 and 30")
    return number
