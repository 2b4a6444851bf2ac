"""JSON-binary: a JSON header with typed arrays behind it (task-types-lidar §12.6). Heavy: arrays are numpy's."""

from __future__ import annotations

import math
from typing import Any, cast

import msgspec
from msgspec import Struct

Array = Any

MAX_ITEMS = 1_000_000
MAX_DEPTH = 64
DTYPES = (
    "float32", "float64", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
)  # fmt: skip


class ContainerError(ValueError):
    """The bytes are no JSON-binary container; the message says why."""


class _Item(Struct):
    keys: list[str | int]
    length: int
    offset: int
    dtype: str | None = None
    shape: list[int] | None = None


def is_container(data: bytes) -> bool:
    """Whether bytes are a JSON-binary container rather than plain JSON, which has no NUL byte."""
    return b"\0" in data


def decode(data: bytes) -> dict[str, Any]:
    """The object with arrays in their places (little-endian copies), raw items as 1-D uint8. Raises ContainerError."""
    end = data.find(b"\0")
    if end < 0:
        raise ContainerError("no binary section")
    try:
        header: Any = msgspec.json.decode(data[:end])
        if not isinstance(header, dict):
            raise ContainerError("header is not an object")
        document = cast("dict[str, Any]", header)
        if "$items" not in document:
            raise ContainerError("$items is missing")
        items = msgspec.convert(document.pop("$items"), list[_Item])
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError) as error:
        raise (
            error if isinstance(error, ContainerError) else ContainerError(f"header is broken: {error}")
        ) from None
    if len(items) > MAX_ITEMS:
        raise ContainerError(f"more than {MAX_ITEMS} items")
    binary = memoryview(data)[end:]
    for n, item in enumerate(items):
        try:
            _place(document, item.keys, _array(binary, item))
        except ContainerError as error:
            raise ContainerError(f"$items[{n}]: {error}") from None
    return document


def _array(binary: memoryview, item: _Item) -> Array:
    import numpy as np

    if item.offset < 0 or item.length < 0 or item.offset + item.length > len(binary):
        raise ContainerError("lies beyond the end")
    if item.dtype is not None and item.dtype not in DTYPES:
        raise ContainerError(f'unknown dtype "{item.dtype}"')
    kind = np.dtype(item.dtype or "uint8").newbyteorder("<")
    shape = item.shape if item.shape is not None else [item.length // kind.itemsize]
    if any(side < 0 for side in shape) or math.prod(shape) * kind.itemsize != item.length:
        raise ContainerError("length does not fit dtype and shape")
    found = np.frombuffer(binary[item.offset : item.offset + item.length], dtype=kind)
    return found.reshape(shape).copy()


def _place(document: dict[str, Any], keys: list[str | int], value: Array) -> None:
    if not keys or len(keys) > MAX_DEPTH:
        raise ContainerError("has no path, or too deep a one")
    holder: Any = document
    for depth, key in enumerate(keys):
        step: Any = key
        if isinstance(holder, list):
            listed = cast("list[Any]", holder)
            # Indexes may come as numbers or as numeric strings.
            if isinstance(key, str):
                step = int(key) if key.isascii() and key.isdigit() and len(key) < 10 else -1
            if not 0 <= step < len(listed):
                raise ContainerError("names a place that does not exist")
        elif not isinstance(holder, dict) or str(key) not in holder:
            raise ContainerError("names a place that does not exist")
        else:
            step = str(key)
        if depth == len(keys) - 1:
            holder[step] = value
        else:
            holder = holder[step]


def encode(document: dict[str, Any]) -> bytes:
    """A container from an object with numpy arrays anywhere in it."""
    import numpy as np

    items: list[dict[str, Any]] = []
    parts: list[bytes] = [b"\0\0\0\0"]
    at = 4

    def taken(value: Any, keys: list[str | int]) -> Any:
        nonlocal at
        if isinstance(value, np.ndarray):
            raw = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<")).tobytes()
            items.append(
                {
                    "keys": keys,
                    "length": len(raw),
                    "offset": at,
                    "dtype": value.dtype.name,
                    "shape": list(value.shape),
                }
            )
            padding = 4 - len(raw) % 4
            parts.extend((raw, b"\0" * padding))
            at += len(raw) + padding
            return ""
        if isinstance(value, dict):
            return {k: taken(v, [*keys, k]) for k, v in cast("dict[str, Any]", value).items()}
        if isinstance(value, list | tuple):
            return [taken(v, [*keys, i]) for i, v in enumerate(cast("list[Any]", value))]
        return value

    header = msgspec.json.encode({**taken(document, []), "$items": items})
    return header + b" " * (4 - len(header) % 4) + b"".join(parts)
