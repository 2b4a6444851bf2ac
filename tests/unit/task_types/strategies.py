"""Random params of task types: values drawn from the type information of the params Structs, seeded with the valid fixtures.

The rules between fields are known to the types alone. Valid params are therefore grown: from a fixture, by changes that fit the
Structs, of which those are kept that `parse_params` accepts.
"""

import copy
import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect as mi

from steelyard.errors import NotEnabled
from steelyard.task_types import TASK_TYPES, InvalidParams

FIXTURES = Path(__file__).parents[3] / "fixtures" / "task-types"
FUZZ = bool(os.environ.get("STEELYARD_FUZZ"))
"""Set by `make fuzz`: many more examples."""

Draw = Callable[[st.SearchStrategy[Any]], Any]
Path_ = tuple[str | int, ...]

WORDS = ["a", "b", "car", "Größe", "x y", "0", "https://assets.example.org/1.png"]


@cache
def fixtures(name: str) -> list[Any]:
    """The params of a type's valid cases; not to be changed."""
    return [json.loads(p.read_text())["params"] for p in sorted((FIXTURES / name / "valid").glob("*.json"))]


def scalars(value: Any) -> Iterator[str]:
    """Every string in a document, keys included: what its references may name."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item)
    elif isinstance(value, str):
        yield value


def parts(value: Any) -> Iterator[Any]:
    """A document and everything in it."""
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(item)


@cache
def seen_in(name: str) -> tuple[list[str], list[Any]]:
    """The strings and the parts of a type's fixtures."""
    documents = fixtures(name)
    words = sorted({*WORDS, *(word for document in documents for word in scalars(document))})
    return words, [part for document in documents for part in parts(document)]


@cache
def params_kind(name: str) -> mi.Type:
    """The type information of a type's params."""
    return mi.type_info(TASK_TYPES[name].params)


class Values:
    """Draws JSON values that fit a type; strings come from the fixtures often enough to be meant."""

    def __init__(self, draw: Draw, name: str) -> None:
        self._draw = draw
        self._words, self._parts = seen_in(name)

    def of(self, kind: mi.Type, depth: int = 0) -> Any:
        """A value of the type; deeper ones are smaller."""
        draw = self._draw
        match kind:
            case mi.Metadata():
                return self.of(kind.type, depth)
            case mi.UnionType():
                plain = [t for t in kind.types if not isinstance(t, mi.NoneType)]
                if kind.includes_none and draw(st.integers(0, 9)) == 0:
                    return None
                if depth > 3:
                    plain = [t for t in plain if not isinstance(t, (mi.StructType, mi.ListType))] or plain
                return self.of(draw(st.sampled_from(plain)), depth)
            case mi.StructType():
                return self._struct(kind, depth)
            case mi.ListType():
                least = kind.min_length or 0
                most = least if depth > 3 else min(least + 3, kind.max_length or 99)
                return [self.of(kind.item_type, depth + 1) for _ in range(draw(st.integers(least, most)))]
            case mi.DictType():
                count = 0 if depth > 3 else draw(st.integers(kind.min_length or 0, 3))
                return {
                    self.of(kind.key_type, depth + 1): self.of(kind.value_type, depth + 1)
                    for _ in range(count)
                }
            case mi.LiteralType():
                return draw(st.sampled_from(kind.values))
            case mi.StrType():
                return self._string(kind)
            case mi.BoolType():
                return draw(st.booleans())
            case mi.IntType():
                return self._number(kind, st.integers)
            case mi.FloatType():
                return self._number(kind, lambda low, high: st.floats(low, high, allow_nan=False))
            case mi.NoneType():
                return None
            case _:
                return copy.deepcopy(draw(st.sampled_from(self._parts)))

    def _struct(self, kind: mi.StructType, depth: int) -> dict[str, Any]:
        optional = [f for f in kind.fields if not f.required]
        chosen: list[mi.Field] = []
        if optional and depth < 4:
            chosen = self._draw(st.lists(st.sampled_from(optional), max_size=3, unique_by=lambda f: f.name))
        fields = [f for f in kind.fields if f.required] + chosen
        made = {f.encode_name: self.of(f.type, depth + 1) for f in fields}
        return {kind.tag_field: kind.tag, **made} if kind.tag_field else made

    def _string(self, kind: mi.StrType) -> str:
        text = self._draw(st.one_of(st.sampled_from(self._words), st.text(max_size=12)))
        least = kind.min_length or 0
        return (text + "x" * (least - len(text)))[: kind.max_length]

    def _number(self, kind: mi.IntType | mi.FloatType, between: Any) -> Any:
        low = kind.ge if kind.ge is not None else kind.gt + 1 if kind.gt is not None else -(10**9)
        high = kind.le if kind.le is not None else kind.lt - 1 if kind.lt is not None else 10**9
        common = [n for n in (0, 1, 2, 3, 10) if low <= n <= high]
        value = self._draw(st.one_of(st.sampled_from([*common, low, high]), between(low, high)))
        return str(value) if self._draw(st.integers(0, 9)) == 0 else value


def places_in(kind: mi.Type, value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, mi.Type, Any]]:
    """Every value in the document with its path and type, an object once for each Struct that it may be."""
    match kind:
        case mi.Metadata():
            yield from places_in(kind.type, value, path)
        case mi.UnionType():
            for option in kind.types:
                yield from places_in(option, value, path)
        case mi.StructType() if isinstance(value, dict):
            if kind.tag_field and value.get(kind.tag_field) != kind.tag:
                return
            yield path, kind, value
            for field in kind.fields:
                if field.encode_name in value:
                    yield from places_in(field.type, value[field.encode_name], (*path, field.encode_name))
        case mi.ListType() if isinstance(value, list):
            for i, item in enumerate(value):
                yield from places_in(kind.item_type, item, (*path, i))
        case mi.DictType() if isinstance(value, dict):
            for key, item in value.items():
                yield from places_in(kind.value_type, item, (*path, key))
        case mi.StructType() | mi.ListType() | mi.DictType():
            return
        case _:
            yield path, kind, value


def fields_in(kind: mi.Type, value: Any) -> Iterator[tuple[Path_, mi.Field]]:
    """Every field that an object in the document has or could have, with its path."""
    for path, struct, _ in places_in(kind, value):
        for field in struct.fields if isinstance(struct, mi.StructType) else ():
            yield (*path, field.encode_name), field


def owners_in(kind: mi.Type, value: Any) -> set[tuple[type, str]]:
    """Every field that an object in the document has or could have, with the Struct that it is of."""
    found = [struct for _, struct, _ in places_in(kind, value) if isinstance(struct, mi.StructType)]
    return {(struct.cls, field.encode_name) for struct in found for field in struct.fields}


def declared_in(kind: mi.Type, known: frozenset[type] = frozenset()) -> set[tuple[type, str]]:
    """Every field of every Struct that values of a type may hold."""
    match kind:
        case mi.Metadata():
            return declared_in(kind.type, known)
        case mi.UnionType():
            return {found for option in kind.types for found in declared_in(option, known)}
        case mi.ListType():
            return declared_in(kind.item_type, known)
        case mi.DictType():
            return declared_in(kind.value_type, known)
        case mi.StructType() if kind.cls not in known:
            inner = {found for field in kind.fields for found in declared_in(field.type, known | {kind.cls})}
            return inner | {(kind.cls, field.encode_name) for field in kind.fields}
        case _:
            return set()


def untyped_in(kind: mi.Type, value: Any) -> Iterator[tuple[Path_, Path_, Any]]:
    """Everything inside values that no Struct describes: the path of such a value, the path inside, what is there."""

    def below(item: Any, path: Path_) -> Iterator[tuple[Path_, Any]]:
        yield path, item
        for key, part in (
            item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        ):
            yield from below(part, (*path, key))

    for place, found, item in places_in(kind, value):
        if isinstance(found, mi.AnyType):
            for path, part in below(item, place):
                yield place, path, part


def replaced(document: Any, path: Path_, value: Any) -> Any:
    """A copy with another value at the path; `...` removes what is there."""
    changed = copy.deepcopy(document)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    if value is ...:
        holder.pop(path[-1], None)
    else:
        holder[path[-1]] = value
    return changed


def full(kind: mi.Type, depth: int = 0) -> Any:
    """A value of a type with every object that it may hold, down to some depth; the rules between fields are not looked at."""
    match kind:
        case mi.Metadata():
            return full(kind.type, depth)
        case mi.UnionType():
            options = [option for option in kind.types if not isinstance(option, mi.NoneType)]
            return full(max(options, key=holds_objects), depth)
        case mi.StructType():
            used = [f for f in kind.fields if f.required or (depth < 5 and holds_objects(f.type))]
            made = {f.encode_name: full(f.type, depth + 1) for f in used}
            return {kind.tag_field: kind.tag, **made} if kind.tag_field else made
        case mi.ListType():
            return [full(kind.item_type, depth + 1) for _ in range(max(1, kind.min_length or 0))]
        case mi.DictType():
            return {"a": full(kind.value_type, depth + 1)}
        case mi.LiteralType():
            return kind.values[0]
        case mi.StrType():
            return "a" * max(1, kind.min_length or 0)
        case mi.IntType() | mi.FloatType():
            return max(1, kind.ge or 0)
        case mi.BoolType():
            return True
        case _:
            return "a"


def holds_objects(kind: mi.Type) -> bool:
    """Whether values of a type may have fields."""
    match kind:
        case mi.Metadata():
            return holds_objects(kind.type)
        case mi.UnionType():
            return any(holds_objects(option) for option in kind.types)
        case mi.ListType():
            return holds_objects(kind.item_type)
        case mi.DictType():
            return holds_objects(kind.value_type)
        case _:
            return isinstance(kind, mi.StructType)


def accepted(name: str, document: Any) -> bool:
    """Whether a type takes the params."""
    try:
        TASK_TYPES[name].parse_params(msgspec.json.encode(document))
    except (InvalidParams, NotEnabled):
        return False
    return True


@st.composite
def valid_params(draw: Draw, name: str) -> dict[str, Any]:
    """Params that the type accepts: a fixture with up to eight changes."""
    kind = params_kind(name)
    values = Values(draw, name)
    document = draw(st.sampled_from(fixtures(name)))
    for _ in range(draw(st.integers(0, 8))):
        path, field = draw(st.sampled_from(list(fields_in(kind, document))))
        value = ... if draw(st.integers(0, 4)) == 0 else values.of(field.type)
        changed = replaced(document, path, value)
        if accepted(name, changed):
            document = changed
    return document
