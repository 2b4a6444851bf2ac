"""Making tasks of lines in the process pool, where most of what a line costs is spent: reading, merging and checking it.

Only what is plain is made here. A line that is not (it is wrong, builds on another task, declares others) is left to the process that asked,
which finds the same and can say why, or can look up what it takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from steelyard.clock import wire_time
from steelyard.errors import SteelyardError
from steelyard.jsontext import check_text
from steelyard.task_types import TASK_TYPES
from steelyard.tasks.compose import Targets, assemble, check_request, stored_params
from steelyard.tasks.model import NewTask
from steelyard.tasks.sources import source_id

_NAMING = ("type", "project", "batch", "project_version", "project_param_version")
_read = msgspec.json.Decoder(dict[str, Raw]).decode
_made = msgspec.msgpack.Decoder(list[NewTask | None])


class Ground(Struct, frozen=True):
    """What the lines of one naming are made on."""

    type: str
    targets: Targets


Naming = tuple[bytes, ...]


def naming(body: Mapping[str, Raw]) -> Naming:
    """What a line says of its type, project and batch, as sent."""
    return tuple([bytes(body.get(key, b"")) for key in _NAMING])


def compose_lines(
    lines: Sequence[bytes],
    ids: Sequence[str],
    created_at: datetime,
    grounds: Mapping[Naming, Ground],
    callback_url: str | None,
) -> bytes:
    """A live task, or nothing, for every line; as `composed` reads it. `created_at`: whole milliseconds; `callback_url`: for tasks without."""
    created = wire_time(created_at)
    return msgspec.msgpack.encode(
        [
            _compose(line, task_id, created_at, created, grounds, callback_url)
            for line, task_id in zip(lines, ids, strict=True)
        ]
    )


def composed(made: bytes) -> list[NewTask | None]:
    """What `compose_lines` made."""
    return _made.decode(made)


def _compose(
    line: bytes,
    task_id: str,
    created_at: datetime,
    created: str,
    grounds: Mapping[Naming, Ground],
    callback_url: str | None,
) -> NewTask | None:
    try:
        check_text(line)
        body = _read(line)
        ground = grounds.get(naming(body))
        if ground is None:
            return None
        body.pop("type", None)
        task_type, project = TASK_TYPES[ground.type], ground.targets.project
        checked = check_request(task_type, body, project)
    except (SteelyardError, msgspec.DecodeError, RecursionError):
        return None
    if source_id(task_type, checked.params) is not None or task_type.dependents(checked.params) is not None:
        return None
    if checked.platform.callback_url is None:
        checked.platform.callback_url = callback_url
    return assemble(
        ground.type,
        task_type,
        checked,
        ground.targets,
        task_id=task_id,
        created_at=created_at,
        created=created,
        params_json=stored_params(checked, body, project, task_type.default_params(checked.params)),
        is_test=False,
    )
