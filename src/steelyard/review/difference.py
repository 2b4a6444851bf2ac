"""What a fix has changed in an answer: pure, the same for every task type."""

from __future__ import annotations

from typing import Any, cast

import msgspec


def difference(before: bytes, after: bytes) -> bytes:
    """The parts of two answers (JSON objects) that differ, as JSON: `{key: {added, removed, changed}}` with the ids of annotations for
    lists whose items have a `uuid` or `id`, `{key: "changed"}` for everything else."""
    a, b = msgspec.json.decode(before), msgspec.json.decode(after)
    found: dict[str, Any] = {}
    for key in dict.fromkeys([*a, *b]):
        old, new = a.get(key), b.get(key)
        if old == new:
            continue
        olds, news = _by_id(old), _by_id(new)
        if olds is None or news is None:
            found[key] = "added" if key not in a else "removed" if key not in b else "changed"
            continue
        found[key] = {
            "added": [i for i in news if i not in olds],
            "removed": [i for i in olds if i not in news],
            "changed": [i for i in news if i in olds and news[i] != olds[i]],
        }
    return msgspec.json.encode(found)


def _by_id(value: Any) -> dict[str, Any] | None:
    """The items of a list by their id; None where there is no list or items have no id of their own."""
    if value is None:
        return {}
    if not isinstance(value, list):
        return None
    items: dict[str, Any] = {}
    for item in cast("list[Any]", value):
        if not isinstance(item, dict):
            return None
        fields = cast("dict[str, Any]", item)
        found = fields.get("uuid", fields.get("id"))
        if not isinstance(found, str) or found in items:
            return None
        items[found] = fields
    return items
