"""Task templates: what a task of a project must supply and what its answer looks like (task-types-text §11).

A template is made from the project's latest params and follows them, for there is no call that sets one.
"""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec
from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Tx
from steelyard.errors import InvalidRequest, NotFound
from steelyard.projects import queries as q
from steelyard.projects.model import TemplateDoc
from steelyard.projects.read import project_by_name, unknown_project
from steelyard.task_types import TASK_TYPES

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}")
# Tasks bring the attachments; a project's params are complete without them.
_SAMPLE_ATTACHMENTS = [{"type": "text", "content": "-"}]


class Template(Struct, frozen=True):
    """A template as derived: JSON-able objects."""

    variables: dict[str, Any]
    response_schema: dict[str, Any] | None
    auto_onboard_enabled: bool


async def get_template(ctx: Ctx, actor: Actor, name: str) -> TemplateDoc:
    """The template of a project. Raises NotFound, InvalidRequest for a type that has no templates."""
    project = await project_by_name(ctx.db, actor.space_id, name)
    if project is None:
        raise unknown_project()
    task_type = TASK_TYPES.get(project.type)
    if task_type is None or not task_type.has_templates:
        raise InvalidRequest(f"Task templates are not supported for {project.type} projects.")
    found = await q.template(ctx.db, space_id=actor.space_id, project_id=project.id)
    if found is None:
        raise NotFound(f'No task template found for project "{name}".')
    return found


async def follow_params(
    ctx: Ctx, tx: Tx, space_id: int, project_id: str, type_name: str, params: str
) -> None:
    """Brings the template of a project up to its new params, in the transaction that sets them."""
    task_type = TASK_TYPES.get(type_name)
    if task_type is None or not task_type.has_templates:
        return
    template = derive(type_name, params)
    if template is None:
        await q.drop_template(tx, space_id=space_id, project_id=project_id)
        return
    schema = template.response_schema
    await q.put_template(
        tx,
        space_id=space_id,
        project_id=project_id,
        id=ctx.ids.mint(ctx.clock.now()),
        template_variables=msgspec.json.encode(template.variables).decode(),
        response_schema=None if schema is None else msgspec.json.encode(schema).decode(),
        auto_onboard_enabled=template.auto_onboard_enabled,
    )


def derive(type_name: str, params: str) -> Template | None:
    """The template that project params (a JSON object) give, or None when they describe neither variables nor an answer."""
    given = cast("dict[str, Any]", msgspec.json.decode(params))
    declared = given.get("template_variables")
    variables = dict(cast("dict[str, Any]", declared)) if isinstance(declared, dict) else {}
    for name in _mentioned(given):
        variables.setdefault(name, {"type": "string", "required": True})
    schema = _response_schema(type_name, given, variables)
    if schema is None and not variables:
        return None
    return Template(variables, schema, given.get("auto_onboard_enabled") is True)


def _mentioned(value: Any) -> list[str]:
    """The `{{names}}` in any text below `value`, each once, in document order."""
    names: dict[str, None] = {}
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            names.update(dict.fromkeys(_VARIABLE.findall(item)))
        elif isinstance(item, list):
            waiting.extend(reversed(cast("list[Any]", item)))
        elif isinstance(item, dict):
            waiting.extend(reversed(list(cast("dict[str, Any]", item).values())))
    return list(names)


_SAMPLES: dict[str, Any] = {"string": "-", "number": 0, "boolean": True, "array": [], "object": {}}


def _response_schema(
    type_name: str, given: dict[str, Any], variables: dict[str, Any]
) -> dict[str, Any] | None:
    """The schema of an answer; what a task will give for the variables does not change it."""
    task_type = TASK_TYPES[type_name]
    samples: dict[str, Any] = {}
    for name, declared in variables.items():
        known = cast("dict[str, Any]", declared) if isinstance(declared, dict) else {}
        samples[name] = known.get("default", _SAMPLES.get(str(known.get("type")), "-"))
    if task_type.response_schema is None:
        return None
    whole = {**given, "template_variables": samples} if samples else dict(given)
    if not whole.get("attachments"):
        whole["attachments"] = _SAMPLE_ATTACHMENTS
    try:
        return task_type.response_schema(task_type.parse_params(msgspec.json.encode(whole)))
    except (InvalidRequest, RecursionError):
        return None  # params that only a task completes
