"""Creating evaluation and training tasks."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from steelyard import work
from steelyard.batches import batch_by_name
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import enqueue, wake
from steelyard.errors import InvalidRequest, Issue, NotFound, parameter
from steelyard.jobs.specs import PREPARE_QUALITY_TASK, PREPARE_TASK_QUEUE, PrepareTask
from steelyard.projects import ProjectRow, project_by_name
from steelyard.quality import queries as q
from steelyard.quality.model import Kind, QualityTask
from steelyard.task_types import TASK_TYPES, InvalidParams, MediaInfo, TaskType
from steelyard.tasks.inherit import Merged, add_defaults, merge
from steelyard.tasks.platform import decode_platform
from steelyard.tasks.targets import name_in, version_in

_NULL = Raw(b"null")
_OWN = ("expected_response", "initial_response")
_INHERIT_NOTHING = -1


class _Checked(Struct, frozen=True):
    merged: Merged
    params: str
    metadata: str
    expected: str
    initial: str | None


async def create_quality_task(
    ctx: Ctx, actor: Actor, kind: Kind, type_name: str, body: dict[str, Raw]
) -> QualityTask:
    """A task with a known answer, in a Rapid project. `body`: the values of a normal creation and `expected_response`, as sent.

    Raises InvalidRequest (also for types and projects that have no quality tasks), NotFound.
    """
    task_type = TASK_TYPES.get(type_name)
    if task_type is None or not task_type.quality_tasks:
        raise InvalidRequest(f"{kind.capitalize()} tasks are not supported for {type_name}.")
    project = await _project(ctx, actor, body)
    if project.type != type_name:
        raise InvalidRequest(f'The project "{project.name}" is for {project.type} tasks.')
    if project.kind != "rapid":
        raise InvalidRequest(f"{kind.capitalize()} tasks belong to Rapid projects.")
    if project.archived:
        raise InvalidRequest(f'The project "{project.name}" is archived.')
    checked = _check(kind, task_type, project, body)
    task_id = ctx.ids.mint(ctx.clock.now())
    has_files = bool(task_type.attachments(task_type.parse_params(checked.params.encode())))
    async with ctx.db.tx() as tx:
        if has_files:
            await enqueue(
                tx, PREPARE_QUALITY_TASK, PrepareTask(actor.space_id, task_id), queue=PREPARE_TASK_QUEUE
            )
        await q.insert_quality_task(
            tx,
            space_id=actor.space_id,
            id=task_id,
            kind=kind,
            type=type_name,
            project_id=project.id,
            instruction=checked.merged.instruction,
            params=checked.params,
            metadata=checked.metadata,
            expected_response=checked.expected,
            initial_response=checked.initial,
            state="preparing" if has_files else "ready",
            created_by=actor.email,
        )
        made = await q.quality_task(tx, space_id=actor.space_id, id=task_id)
    assert made is not None
    wake(ctx)
    return made


async def _project(ctx: Ctx, actor: Actor, body: dict[str, Raw]) -> ProjectRow:
    """The project that the request names, itself or by a batch, with the params of the version asked for."""
    name, batch_name = name_in(body, "project"), name_in(body, "batch")
    if batch_name is not None:
        batch = await batch_by_name(ctx.db, actor.space_id, batch_name)
        if batch is None:
            raise NotFound("Batch with that name not found.")
        if name is not None and name != batch.project_name:
            raise InvalidRequest(f'The batch "{batch_name}" belongs to the project "{batch.project_name}".')
        name = batch.project_name
    if name is None:
        raise parameter("project", "is required")
    version = version_in(body)
    wanted = None if version == _INHERIT_NOTHING else version
    project = await project_by_name(ctx.db, actor.space_id, name, wanted)
    if project is None:
        raise NotFound("Project with that name not found.")
    if version == _INHERIT_NOTHING:
        return msgspec.structs.replace(project, params="{}")
    if project.params is None:
        raise parameter("project_version", "is no version of the project")
    return project


def _check(kind: Kind, task_type: TaskType[Any, Any], project: ProjectRow, body: dict[str, Raw]) -> _Checked:
    inherited = msgspec.json.decode(project.params or "{}", type=dict[str, Raw])
    request = {key: value for key, value in body.items() if key not in _OWN}
    merged = merge(request, inherited, project.kind)
    params = task_type.parse_params(merged.params_json)
    if not merged.instruction and task_type.needs_instruction(params):
        raise InvalidParams("Missing required parameter: instruction.")
    platform = decode_platform(merged.platform)
    if task_type.check_metadata is not None:
        task_type.check_metadata(msgspec.json.decode(platform.metadata))
    expected = _object(body, "expected_response")
    if expected is None:
        raise InvalidRequest("Missing required parameter: expected_response.")
    initial = _object(body, "initial_response")
    if initial is not None and kind == "training":
        raise parameter("initial_response", "is only for evaluation tasks")
    check_expected(task_type, params, expected)
    if initial is not None:
        check_initial(task_type, merged.params_json, initial)
    defaults = task_type.default_params(params)
    return _Checked(
        merged=merged,
        params=add_defaults(merged.params_json, {**inherited, **request}, defaults).decode(),
        metadata=platform.metadata.decode(),
        expected=expected.decode(),
        initial=None if initial is None else initial.decode(),
    )


def check_expected(task_type: TaskType[Any, Any], params: Any, response: bytes) -> None:
    """Raises InvalidParams when an expected response (JSON bytes) breaks the type's rules."""
    if task_type.check_expected is not None:
        issues = task_type.check_expected(params, response, MediaInfo())
    else:
        issues = task_type.check_response(params, response, MediaInfo())[0]
    _refuse("expected_response", issues)


def check_initial(task_type: TaskType[Any, Any], params_json: bytes, initial: bytes) -> None:
    """An initial response need not be complete: what holds for pre-labels holds for it. Raises InvalidParams."""
    try:
        work.check_hypothesis(task_type, params_json, initial.decode())
    except InvalidRequest as e:
        raise InvalidParams(e.message.replace("hypothesis", "initial_response")) from None


def _refuse(name: str, issues: list[Issue]) -> None:
    """Raises InvalidParams for the first issue, listing all, with paths below the parameter."""
    if not issues:
        return
    below = [Issue(_below(name, issue.path), issue.message) for issue in issues]
    first = below[0]
    raise InvalidParams(f'Parameter is invalid, reason: "{first.path}" {first.message}', issues=below)


def _below(name: str, path: str) -> str:
    return f"{name}.{path}" if path and not path.startswith("[") else f"{name}{path}"


def _object(body: dict[str, Raw], key: str) -> bytes | None:
    raw = body.get(key)
    if raw is None or raw == _NULL:
        return None
    if bytes(raw)[:1] != b"{":
        raise parameter(key, "must be an object")
    return bytes(raw)
