"""From JSON bytes to typed params: one decode when all is well, a careful search for the first mistake when not.

The fast path is a msgspec decoder plus the type's own cross-checks. Only when that fails is the document decoded to plain objects and
walked section by section in the order that the specification gives, so that the client reads the first problem in the catalogue's words.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from msgspec import Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import InvalidParams
from steelyard.task_types._shared.nesting import too_deep

P = TypeVar("P", bound=Struct)

_REMEMBERED_BYTES = 256 * 1024
"""What is remembered of params that passed, per type, in bytes of JSON; the values read from it take several times that. Larger ones than a quarter of it are read and checked anew each time."""

Path = tuple[str | int, ...]
Kind = Literal["missing", "type", "value", "limit", "unknown"]
"""`limit` is a number over our own upper bound: the catalogue has no words for those."""


class Violation(Struct, frozen=True):
    """The first thing that does not fit its type: where, what was there, and what would have been right."""

    path: Path
    kind: Kind
    expected: str
    """"type": the expected type with its article ("an integer"); "value": what it must be ("must be at least 0")."""
    value: Any = None

    @property
    def where(self) -> str:
        """The path as clients write it: `fields[2].choices[0].value`."""
        return join(self.path)

    @property
    def problem(self) -> str:
        """What is wrong, without the path: "must be an integer"."""
        match self.kind:
            case "missing":
                return "is required"
            case "unknown":
                return "is not allowed"
            case "type":
                return f"must be {self.expected}"
            case _:
                return self.expected

    def issue(self) -> Issue:
        """The same as an issue."""
        return Issue(self.where, self.problem)


class Rule(Struct, frozen=True):
    """A catalogue message for violations at a place.

    `at` is a dotted path whose parts may be `*` (any key), `#` (any index), `a|b` (alternatives), a final `**` (anything below) or
    a leading `**` (at any depth).
    `text` may use {path}, {parent}, {k} (the part at the first `*`), {p} (last key), {i} (first index) and {v} (the value).
    """

    at: str
    text: str
    kinds: tuple[Kind, ...] = ("missing", "type", "value", "unknown")


class Section(Struct, frozen=True):
    """Params that belong together: their names, and the cross-check to run when all of them have the right types.

    The check may look at this and earlier sections only; it raises InvalidRequest. `alike`: its params tend to be the same from task to
    task, such as a taxonomy, and the check looks at params of such sections alone, so that what passed once is neither read nor checked
    again: such params are shared between tasks, and nobody may change them.
    """

    names: tuple[str, ...]
    check: Callable[[Any], object] | None = None
    alike: bool = False


_ARTICLE = re.compile(r"\ban? ")


def joi(v: Violation) -> str:
    """The general wording of a violation (platform-api §3.3)."""
    return f'Parameter is invalid, reason: "{v.where}" {v.problem}'


def plain(v: Violation) -> str:
    """The wording of the text, document and audio types (task-types-text §0.3)."""
    match v.kind:
        case "missing":
            return f"Missing required parameter: {v.where}."
        case "unknown":
            return f"Invalid parameter {v.where}: not allowed."
        case "type":
            return f"Invalid parameter {v.where}: expected {_ARTICLE.sub('', v.expected)}."
        case "value" | "limit":
            return f"Invalid parameter {v.where}: {v.expected}."


class ParamsParser(Generic[P]):
    """`parse_params` of a task type. Sections come in the order in which problems are reported; the rest of the params follows."""

    def __init__(
        self,
        params: type[P],
        sections: Sequence[Section] = (),
        rules: Sequence[Rule] = (),
        general: Callable[[Violation], str] = joi,
    ) -> None:
        self.params = params
        self._decoder = msgspec.json.Decoder(params, strict=False)
        named = {name for section in sections for name in section.names}
        self._hints = {
            field.encode_name: hint
            for field, hint in zip(msgspec.structs.fields(params), _field_hints(params).values(), strict=True)
        }
        rest = tuple(name for name in self._hints if name not in named)
        self.sections = (*sections, Section(rest)) if rest else tuple(sections)
        self._checks = [section.check for section in sections if section.check]
        self._own_checks = [section.check for section in sections if section.check and not section.alike]
        self.alike = tuple(name for section in sections if section.alike for name in section.names)
        self._read_own = _all_but(params, self.alike) if self.alike else None
        self._passed: dict[bytes, list[tuple[str, Any]]] = {}
        self._passed_bytes = 0
        self._rules = [(rule, _compile(rule.at)) for rule in rules]
        self._general = general
        self._required = {f.encode_name for f in msgspec.structs.fields(params) if f.required}
        self._defaults = {
            f.encode_name: _default(f) for f in msgspec.structs.fields(params) if not f.required
        }

    def __call__(self, data: bytes) -> P:
        """The typed params; raises InvalidParams."""
        if too_deep(data):
            raise InvalidParams(_TOO_DEEP)
        params, mark = self._recall(data)
        known = params is not None
        if params is None:
            try:
                params = self._decoder.decode(data)
            except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
                raise self._explain(data, error) from None
        try:
            for check in self._own_checks if known else self._checks:
                check(params)
        except RecursionError:
            raise InvalidParams(_TOO_DEEP) from None
        except InvalidRequest as error:
            raise InvalidParams(error.message, issues=error.issues) from None
        if not known and mark is not None and len(mark) <= _REMEMBERED_BYTES // 4:
            if self._passed_bytes > _REMEMBERED_BYTES:
                self._passed.clear()
                self._passed_bytes = 0
            self._passed[mark] = [(name, getattr(params, name)) for name in self.alike]
            self._passed_bytes += len(mark)
        return params

    def check_given(self, data: bytes, pending: AbstractSet[str]) -> None:
        """Checks params (a JSON object) of which those in `pending` are still to come: types of all that is there, and what the checks of
        sections say that rest on nothing pending. Raises InvalidParams."""
        if too_deep(data):
            raise InvalidParams(_TOO_DEEP)
        try:
            found = self._search(msgspec.json.decode(data), pending)
        except (RecursionError, OverflowError):
            raise InvalidParams(_TOO_DEEP) from None
        if found is not None:
            raise found

    def _recall(self, data: bytes) -> tuple[P | None, bytes | None]:
        """The typed params, if those of them that tend to be the same passed before, and the bytes of these, under which they are remembered.

        They are read once and then shared by all params in which they stand with the same bytes.
        """
        if self._read_own is None:
            return None, None
        try:
            params = self._read_own(data)
        except (msgspec.DecodeError, RecursionError, ValueError, OverflowError):
            return None, None  # the decoder of all params says what is wrong
        mark = b"\0".join([getattr(params, name) for name in self.alike])
        passed = self._passed.get(mark)
        if passed is None:
            return None, mark
        for name, value in passed:
            setattr(params, name, value)
        params.__class__ = self.params  # it differed in the types of these only
        return params, mark

    def message(self, violation: Violation) -> str:
        """The catalogue's text for a violation, the general wording where it has none."""
        for rule, pattern in self._rules:
            if violation.kind in rule.kinds and _fits(pattern, violation.path):
                return _fill(rule.text, pattern, violation)
        return self._general(violation)

    def _explain(self, data: bytes, cause: Exception) -> InvalidParams:
        try:
            document = msgspec.json.decode(data)
            return self._search(document) or InvalidParams(f"Parameter is invalid, reason: {cause}")
        except RecursionError:
            return InvalidParams(_TOO_DEEP)
        except (msgspec.DecodeError, ValueError, OverflowError) as error:
            return InvalidParams(f"Parameter is invalid, reason: {error}")

    def _search(self, document: Any, pending: AbstractSet[str] = frozenset()) -> InvalidParams | None:
        if not isinstance(document, dict):
            return InvalidParams("Request body must be a JSON object.")
        given = cast("dict[str, Any]", document)
        seen = types.SimpleNamespace(**self._defaults)
        complete = alike_complete = True  # what a section's check may look at
        for section in self.sections:
            complete = complete and pending.isdisjoint(section.names)
            if section.alike:
                alike_complete = alike_complete and pending.isdisjoint(section.names)
            for name in section.names:
                if name in pending:
                    continue
                violation = self._violation(name, given)
                if violation is not None:
                    return InvalidParams(self.message(violation), issues=[violation.issue()])
                if given.get(name) is not None:
                    setattr(seen, name, msgspec.convert(given[name], self._hints[name], strict=False))
            if section.check is not None and (complete or (section.alike and alike_complete)):
                try:
                    section.check(seen)
                except InvalidRequest as error:
                    return InvalidParams(error.message, issues=error.issues)
        return None

    def _violation(self, name: str, given: dict[str, Any]) -> Violation | None:
        if given.get(name) is None:
            return Violation((name,), "missing", "") if name in self._required else None
        return first_violation(self._hints[name], given[name], (name,))


def _all_but(params: type[P], names: Sequence[str]) -> Callable[[bytes], P]:
    """Reads params, those of these names as they stand in the JSON (b"" for one that is absent)."""
    raw = [(name, msgspec.Raw, msgspec.Raw(b"")) for name in names]
    partly = msgspec.defstruct(params.__name__, raw, bases=(params,), kw_only=True)
    return cast("Callable[[bytes], P]", msgspec.json.Decoder(partly, strict=False).decode)


_TOO_DEEP = "Parameter is invalid, reason: the parameters are nested too deeply"


def first_violation(hint: Any, value: Any, path: Path = (), strict: bool = False) -> Violation | None:
    """The first place in document order where a plain JSON value does not fit a type, None if all does."""
    try:
        msgspec.convert(value, hint, strict=strict)
    except (msgspec.ValidationError, OverflowError, ValueError) as error:
        problem = str(error)
    else:
        return None
    if isinstance(value, dict):
        found = _in_object(hint, cast("dict[str, Any]", value), path, strict)
    elif isinstance(value, list):
        found = _in_array(hint, cast("list[Any]", value), path, strict)
    else:
        found = None
    return found or _leaf(hint, value, path, problem)


def _in_object(hint: Any, value: dict[str, Any], path: Path, strict: bool) -> Violation | None:
    for member in _members(hint):
        if isinstance(member, type) and issubclass(member, Struct):
            return _in_struct(member, value, path, strict)
        if get_origin(member) is dict:
            key_hint, value_hint = get_args(member)
            for key, item in value.items():
                if first_violation(key_hint, key):
                    return Violation((*path, key), "value", "must be a legal key", key)
                found = first_violation(value_hint, item, (*path, key), strict)
                if found:
                    return found
    return None


def _in_struct(struct: type[Struct], value: dict[str, Any], path: Path, strict: bool) -> Violation | None:
    fields = _fields(struct)
    hints = dict(zip((f.encode_name for f in fields), _field_hints(struct).values(), strict=True))
    for field in fields:
        if field.required and value.get(field.encode_name) is None:
            return Violation((*path, field.encode_name), "missing", "")
    for key, item in value.items():
        if key in hints:
            found = first_violation(hints[key], item, (*path, key), strict)
            if found:
                return found
        elif struct.__struct_config__.forbid_unknown_fields and key != struct.__struct_config__.tag_field:
            return Violation((*path, key), "unknown", "is not allowed", item)
    return None


def _in_array(hint: Any, value: list[Any], path: Path, strict: bool) -> Violation | None:
    for member in _members(hint):
        if get_origin(member) is list:
            (item_hint,) = get_args(member)
            for i, item in enumerate(value):
                found = first_violation(item_hint, item, (*path, i), strict)
                if found:
                    return found
    return None


R = TypeVar("R")


def read_response(decoder: msgspec.json.Decoder[R], data: bytes) -> R | list[Issue]:
    """The typed response, or why the bytes are none."""
    if too_deep(data):
        return [Issue("", "is nested too deeply")]
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        return misfits(decoder.type, data, error)


def misfits(response: Any, data: bytes, cause: Exception) -> list[Issue]:
    """Why the JSON of a response does not fit its type; `cause` is the decoder's own complaint."""
    try:
        violation = first_violation(response, msgspec.json.decode(data), strict=True)
    except RecursionError:
        return [Issue("", "is nested too deeply")]
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        return [Issue("", str(error))]
    if violation is None:
        return [Issue("", str(cause))]
    return [violation.issue()]


_KINDS = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
}
_EXPECTED = re.compile(r"^Expected `([^`]*)`(?:, got `[^`]*`)?(.*)$")


def _leaf(hint: Any, value: Any, path: Path, problem: str) -> Violation:
    """Turn msgspec's sentence about a value itself into a kind and our words."""
    options = [v for member in _members(hint) if get_origin(member) is Literal for v in get_args(member)]
    if options and problem.startswith("Invalid enum value"):
        return Violation(path, "value", "must be one of " + ", ".join(str(v) for v in options), value)
    match = _EXPECTED.match(problem)
    if match is None:
        return Violation(path, "value", "is out of range" if "range" in problem else "is not valid", value)
    words = [_KINDS.get(word.strip(), word.strip()) for word in match[1].split("|") if word.strip() != "null"]
    rest = match[2].split(" - at ")[0].strip()
    if not rest:
        return Violation(path, "type", " or ".join(words), value)
    return Violation(path, "limit" if rest.startswith("<") else "value", _bound(words[0], rest), value)


def _bound(kind: str, rest: str) -> str:
    rest = rest.replace(".0", "")
    for sign, words in (
        (">=", "greater than or equal to"),
        ("<=", "less than or equal to"),
        (">", "greater than"),
        ("<", "less than"),
    ):
        if rest.startswith(sign):
            return f"must be {kind} {words} {rest[len(sign) :].strip()}"
        if rest.startswith(f"of length {sign}"):
            words = "at least" if sign == ">=" else "at most"
            unit = "entries" if kind == "an array" else "characters"
            number = rest.rsplit(" ", 1)[-1]
            if kind != "an array" and number == "1" and sign == ">=":
                return "must not be empty"
            return f"must have {words} {number} {unit}"
    return "is not valid"


def _members(hint: Any) -> Iterator[Any]:
    """The alternatives of a type with annotations taken off: `Annotated[list[X] | None, …]` gives `list[X]`, `None`."""
    origin = get_origin(hint)
    if origin is Annotated:
        yield from _members(get_args(hint)[0])
    elif origin is Union or origin is types.UnionType:
        for option in get_args(hint):
            yield from _members(option)
    else:
        yield hint


_FIELDS: dict[type[Struct], tuple[msgspec.structs.FieldInfo, ...]] = {}
_HINTS: dict[type[Struct], dict[str, Any]] = {}


def _fields(struct: type[Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """What msgspec finds out anew each time, in a millisecond."""
    if struct not in _FIELDS:
        _FIELDS[struct] = msgspec.structs.fields(struct)
    return _FIELDS[struct]


def _field_hints(struct: type[Struct]) -> dict[str, Any]:
    """Types of the fields by Python name, in field order."""
    if struct not in _HINTS:
        hints = get_type_hints(struct, include_extras=True)
        _HINTS[struct] = {f.name: hints[f.name] for f in msgspec.structs.fields(struct)}
    return _HINTS[struct]


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def join(path: Path) -> str:
    """`("fields", 2, "title")` → `fields[2].title`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def shorten(value: Any, limit: int = 100) -> str:
    """A value for a message: strings as they are, the rest as JSON, cut to a readable length."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _compile(at: str) -> tuple[frozenset[str] | str, ...]:
    return tuple(part if part in ("*", "#", "**") else frozenset(part.split("|")) for part in at.split("."))


def _fits(pattern: tuple[frozenset[str] | str, ...], path: Path) -> bool:
    if pattern[0] == "**":
        path = path[-(len(pattern) - 1) :]
        pattern = pattern[1:]
    for n, part in enumerate(pattern):
        if part == "**":
            return True
        if n >= len(path):
            return False
        if part == "#":
            if not isinstance(path[n], int):
                return False
        elif isinstance(part, frozenset) and path[n] not in part:
            return False
    return len(path) == len(pattern)


def _fill(text: str, pattern: tuple[frozenset[str] | str, ...], violation: Violation) -> str:
    path = violation.path
    wild = next((n for n, part in enumerate(pattern) if part == "*"), None)
    words = {
        "path": violation.where,
        "parent": join(path[:-1]),
        "k": str(path[wild]) if wild is not None and wild < len(path) else "",
        "p": str(next((part for part in reversed(path) if isinstance(part, str)), "")),
        "i": str(next((part for part in path if isinstance(part, int)), "")),
        "v": shorten(violation.value),
    }
    return re.sub(r"\{(\w+)\}", lambda m: words.get(m[1], m[0]), text)
