"""What a task inherits from its project (platform-api §8.3): top-level keys only, the request's win; the stored params are composed here,
byte for byte from what was sent."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from msgspec import Raw, Struct

from steelyard.errors import InvalidRequest, Issue, parameter

PLATFORM_KEYS = frozenset(
    [
        "project",
        "batch",
        "instruction",
        "callback_url",
        "metadata",
        "unique_id",
        "clear_unique_id_on_error",
        "tags",
        "priority",
        "project_version",
        "project_param_version",
        "urgency",
    ]
)
"""Keys that belong to the task object, never repeated inside its `params` (platform-api §8.2)."""
NEVER_INHERITED = frozenset(
    ["project", "batch", "unique_id", "metadata", "tags", "project_version", "project_param_version"]
)

_NULL = Raw(b"null")
_EMPTY = Raw(b'""')
_encode = msgspec.json.encode
_read_text = msgspec.json.Decoder(str).decode
_keys: dict[str, bytes] = {}


def _opening(key: str) -> bytes:
    """What stands before a member's value, with the comma before it."""
    name = _keys.get(key)
    if name is None:
        name = b"," + _encode(key) + b":"
        if len(_keys) < 5000:
            _keys[key] = name
    return name


class Merged(Struct, frozen=True):
    """The outcome: `params_json` is the JSON object to validate and store, `platform` the other raw platform-level values in force
    (JSON null removed), `instruction` the effective text ("" if none)."""

    params_json: bytes
    platform: dict[str, Raw]
    instruction: str


def merge(request: dict[str, Raw], project_params: dict[str, Raw], kind: str) -> Merged:
    """Lays the request over the project's params. `kind` is the project's kind: in a `rapid` project a task's instruction replaces the
    project's, in others the project's text is appended after a blank line. JSON null in the request means "not given".

    Raises InvalidRequest when an instruction is not text.
    """
    members: list[bytes | Raw] = [b"{"]
    add = members.append
    platform: dict[str, Raw] = {}
    for key, value in request.items():
        if key in PLATFORM_KEYS:
            if value != _NULL:
                platform[key] = value
        elif key not in project_params:
            add(_keys.get(key) or _opening(key))
            add(value)
        elif value != _NULL:
            declared = project_params[key]
            if key == "template_variables" and declared != _NULL:
                value = _variables(value, declared)
            add(_opening(key))
            add(value)
    if platform.get("callback_url") == _EMPTY:
        del platform["callback_url"]
    own = _text(platform.pop("instruction", None))
    for key, value in project_params.items():
        if value == _NULL:
            continue
        if key not in PLATFORM_KEYS:
            if request.get(key, _NULL) == _NULL:
                add(_opening(key))
                add(value)
        elif key not in NEVER_INHERITED and key != "instruction" and key not in platform:
            platform[key] = value
    base = _text(project_params.get("instruction"))
    instruction = own or base if kind == "rapid" or not (own and base) else f"{own}\n\n{base}"
    if len(members) > 1:
        members[1] = members[1][1:]  # no comma before the first
    add(b"}")
    return Merged(b"".join(members), platform, instruction)


_WORDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _variables(given: Raw, declared: Raw) -> bytes:
    """A task's values for the variables that its project declares (task-types-text §10.1): a value has the declared type; of what is not
    given the declaration stays, whose default then counts, if it has any.

    Raises InvalidRequest. What is no object is left for the task's type to refuse.
    """
    values: Any = msgspec.json.decode(given)
    known: Any = msgspec.json.decode(declared)
    if not isinstance(values, dict) or not isinstance(known, dict):
        return bytes(given)
    for name, value in cast("dict[str, Any]", values).items():
        declaration: Any = cast("dict[str, Any]", known).get(name)
        wanted = cast("dict[str, Any]", declaration).get("type") if isinstance(declaration, dict) else None
        types = _WORDS.get(wanted) if isinstance(wanted, str) else None
        if types is None or value is None or value == declaration:
            continue
        if not isinstance(value, types) or (isinstance(value, bool) and wanted != "boolean"):
            issue = Issue(f"template_variables.{name}", f"must be of type {wanted}")
            raise InvalidRequest(
                f"Invalid template variable {name[:100]}: expected {wanted}.", issues=[issue]
            )
    filled = {k: v for k, v in cast("dict[str, Any]", values).items() if v is not None}
    return _encode({**cast("dict[str, Any]", known), **filled})


def add_defaults(params_json: bytes, present: dict[str, Raw], defaults: dict[str, Any]) -> bytes:
    """Appends the defaults that a type's specification wants echoed, for keys that neither the request nor the project gave; a JSON null
    was not given, and makes room for its default."""
    nulls = [k for k in defaults if present.get(k) == _NULL]
    if nulls:
        given = msgspec.json.decode(params_json, type=dict[str, Raw])
        nulls = [k for k in nulls if given.get(k) == _NULL]  # the project may have given a value
        params_json = _encode({k: v for k, v in given.items() if k not in nulls})
    members = [_opening(k) + _encode(v) for k, v in defaults.items() if k not in present or k in nulls]
    if not members:
        return params_json
    head = params_json[:-1]
    return b"%b%b}" % (head, b"".join(members)[len(head) == 1 :])


def _text(raw: Raw | None) -> str:
    if raw is None or raw == _NULL:
        return ""
    try:
        return _read_text(raw)
    except msgspec.ValidationError:
        raise parameter("instruction", "must be a string") from None
