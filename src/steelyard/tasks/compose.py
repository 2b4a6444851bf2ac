"""From a request to a task's row, as far as nothing has to be looked up: pure, so that lines by the thousand are made into tasks in the
process pool as well."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types import TaskType
from steelyard.tasks.inherit import Merged, add_defaults, merge
from steelyard.tasks.model import BatchTarget, NewTask, ProjectDefaults
from steelyard.tasks.platform import PlatformParams, decode_platform

NOTHING: dict[str, Raw] = {}
_encode = msgspec.json.encode


class Targets(Struct, frozen=True):
    """The project and batch of a creation."""

    project: ProjectDefaults | None = None
    batch: BatchTarget | None = None


class Checked(Struct, frozen=True):
    """What a request and its project come to, what the type makes of it, and the platform-level values."""

    merged: Merged
    params: Any
    platform: PlatformParams


def check_request(
    task_type: TaskType[Any, Any], body: dict[str, Raw], project: ProjectDefaults | None
) -> Checked:
    """The checks of a creation that need its request and project only. Raises InvalidRequest."""
    if project is None and task_type.needs_project is not None:
        raise InvalidRequest(task_type.needs_project, issues=[Issue("project", "is required")])
    merged = merge(body, project.params if project else NOTHING, project.kind if project else "standard")
    params = task_type.parse_params(merged.params_json)
    if not merged.instruction and task_type.needs_instruction(params):
        raise InvalidRequest("Missing required parameter: instruction.")
    platform = decode_platform(merged.platform)
    if task_type.check_metadata is not None:
        task_type.check_metadata(msgspec.json.decode(platform.metadata))
    return Checked(merged, params, platform)


def stored_params(
    checked: Checked, body: dict[str, Raw], project: ProjectDefaults | None, defaults: dict[str, Any]
) -> bytes:
    """The params as they are stored: as sent, with the `defaults` that the type's specification wants echoed."""
    if not defaults:
        return checked.merged.params_json
    present = body if project is None else {**project.params, **body}
    return add_defaults(checked.merged.params_json, present, defaults)


def assemble(
    type_name: str,
    task_type: TaskType[Any, Any],
    checked: Checked,
    targets: Targets,
    *,
    task_id: str,
    created_at: datetime,
    created: str,
    params_json: bytes,
    is_test: bool,
) -> NewTask:
    """The row of a checked request. `created_at`: whole milliseconds; `created`: as the wire has it."""
    platform, project, batch = checked.platform, targets.project, targets.batch
    # The members that never change, as JSON without braces.
    head = b'"task_id":"%b","created_at":"%b","type":"%b","instruction":%b' % (
        task_id.encode(),
        created.encode(),
        type_name.encode(),
        _encode(checked.merged.instruction),
    )
    if platform.callback_url is not None:
        head += b',"callback_url":' + _encode(platform.callback_url)
    if project is not None:
        head += b',"project":' + _encode(project.name)
    if batch is not None:
        head += b',"batch":' + _encode(batch.name)
    head += b',"is_test":%b,"urgency":"%b","processed_attachments":[]' % (
        b"true" if is_test else b"false",
        platform.urgency.encode(),
    )
    if project is not None:
        head += b',"project_param_version":%d,"projectId":%b' % (project.version, _encode(project.id))
    own = platform.priority
    # Beyond fifteen keyword arguments Python packs a dict first, four times as slow: what few tasks have comes after.
    task = NewTask(
        id=task_id,
        type=type_name,
        created_at=created_at,
        created=created,
        head=head,
        params=params_json,
        metadata=platform.metadata,
        priority=10 if own is None else own,
        own_priority=own is not None,
        clear_unique_id_on_error=platform.clear_unique_id_on_error,
        unique_id=platform.unique_id,
        tags=platform.tags,
        callback_url=platform.callback_url,
        attachment_urls=[a.url for a in task_type.attachments(checked.params) if a.role == "attachment"],
    )
    if project is not None:
        task.project_id, task.project_version = project.id, project.latest
    if batch is not None:
        task.batch_id, task.batch_priority = batch.id, batch.priority
        task.exclusive = project is not None and project.kind != "standard"
        task.reopens = batch.status == "completed"
        if own is None and batch.priority:
            task.priority = batch.priority
    return task
