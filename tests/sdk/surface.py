"""What the official client offers, found by looking at it, and which of it this installation does not do yet."""

from __future__ import annotations

import enum
import importlib
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import scaleapi
from scaleapi import (
    api,
    batches,
    evaluation_tasks,
    files,
    projects,
    quality_tasks,
    studio,
    tasks,
    teams,
    training_tasks,
)
from scaleapi.api_client.v2 import V2Api

_MODULES: tuple[ModuleType, ...] = (
    scaleapi,
    tasks,
    batches,
    projects,
    files,
    teams,
    studio,
    quality_tasks,
    evaluation_tasks,
    training_tasks,
    api,
)

V2_REASON = "belongs to the v2 API, which is not implemented"

# Public names of the v1 client that do not work here, each with the reason that docs/compatibility.md shows.
GAPS: dict[str, str] = {"ScaleClient.v2_get_tasks": V2_REASON}


def _methods(cls: type[Any]) -> list[str]:
    return [name for name, _ in inspect.getmembers(cls, inspect.isroutine) if not name.startswith("_")]


def v1_surface() -> list[str]:
    """Every public method of every class of the v1 client as `Class.method`; `Class` alone for one without methods."""
    names: list[str] = []
    for module in _MODULES:
        for cls in vars(module).values():
            own = inspect.isclass(cls) and cls.__module__ == module.__name__
            if not own or issubclass(cls, (tuple, enum.Enum)):
                continue
            methods = [m for m in _methods(cls) if not hasattr(list, m)]
            names += [f"{cls.__name__}.{m}" for m in methods] or [cls.__name__]
    return names


def v2_surface() -> list[str]:
    """The operations of the bundled v2 client, without their raw-response variants."""
    suffixes = ("_with_http_info", "_without_preload_content")
    return [f"ScaleClient.v2.{m}" for m in _methods(V2Api) if not m.endswith(suffixes)]


def covered() -> dict[str, list[str]]:
    """Public name → the tests that prove it, read from the `covers` marks of the test modules."""
    found: dict[str, list[str]] = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"{__package__}.{path.stem}")
        for name, test in vars(module).items():
            if name.startswith("test_"):
                for mark in getattr(test, "pytestmark", []):
                    for proved in _names(mark):
                        found.setdefault(proved, []).append(name)
    return found


def _names(mark: Any) -> list[str]:
    """Names in a `covers` mark, or in those of the single parameters of a parametrised test."""
    if mark.name == "covers":
        return list(mark.args)
    if mark.name == "parametrize":
        parameters = (p for p in mark.args[1] if hasattr(p, "marks"))
        return [name for p in parameters for m in p.marks for name in _names(m)]
    return []
