"""Task types: one module each, found by their presence; third parties add theirs by the entry-point group `steelyard.task_types`."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from typing import Any

from steelyard.task_types._base import (
    KNOWN_TYPES,
    PRELABEL_ROLES,
    RESULT_URL,
    Agreement,
    Answer,
    AttachmentRef,
    DependentDef,
    Dependents,
    FileLink,
    FrameFacts,
    InvalidParams,
    MediaInfo,
    ResultFile,
    SourceTask,
    TaskType,
    Turn,
    Unreadable,
)

__all__ = [
    "KNOWN_TYPES",
    "PRELABEL_ROLES",
    "RESULT_URL",
    "TASK_TYPES",
    "Agreement",
    "Answer",
    "AttachmentRef",
    "DependentDef",
    "Dependents",
    "FileLink",
    "FrameFacts",
    "InvalidParams",
    "MediaInfo",
    "ResultFile",
    "SourceTask",
    "TaskType",
    "Turn",
    "Unreadable",
]


def _find() -> dict[str, TaskType[Any, Any]]:
    found: dict[str, TaskType[Any, Any]] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            found[module.name] = importlib.import_module(f"{__name__}.{module.name}").TASK_TYPE
    for point in entry_points(group="steelyard.task_types"):
        found[point.name] = point.load()
    return found


TASK_TYPES: dict[str, TaskType[Any, Any]] = _find()
