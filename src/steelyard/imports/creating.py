"""Lines that are bodies of `POST /v1/task/{type}`: the checks, the uniqueness and the statement of single creates, a chunk at a time."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import ConstraintBroken, Executor, Tx
from steelyard.errors import SteelyardError, parameter
from steelyard.imports import queries as q
from steelyard.imports.lines import Line, LineResult, decode, refused, unhurried
from steelyard.tasks.create import Targets, create_task, find_targets, find_type, new_task
from steelyard.tasks.insert import insert_tasks
from steelyard.tasks.model import NewTask

_TARGET_KEYS = ("project", "batch", "project_version", "project_param_version")


class _Checked(Struct):
    """A line on its way: either its task, with what it was made from, or its outcome."""

    line: Line
    type: str = ""
    body: dict[str, Raw] = {}
    task: NewTask | None = None
    result: LineResult | None = None


class Creating:
    """Creates tasks from lines. A line's `type`, `project` and `batch` win over the defaults; a project alone says the type."""

    def __init__(
        self,
        ctx: Ctx,
        actor: Actor,
        *,
        type: str | None = None,
        project: str | None = None,
        batch: str | None = None,
    ):
        self._ctx, self._actor = ctx, actor
        self._type, self._project, self._batch = type, project, batch
        if type is not None:
            find_type(type)

    async def prepare(self, lines: list[Line]) -> list[_Checked]:
        """Checks every line as a single create would be."""
        targets: dict[tuple[bytes, ...], Targets | SteelyardError] = {}
        types: dict[str, str | None] = {}
        checked: list[_Checked] = []
        async for line in unhurried(lines):
            item = _Checked(line)
            checked.append(item)
            try:
                item.body = decode(line)
                item.type = await self._type_of(item.body, types)
                self._add_defaults(item.body)
                # Looked up once a chunk; the statement refuses a row whose project or batch has moved on since.
                at = (item.type.encode(), *(bytes(item.body.get(k, b"")) for k in _TARGET_KEYS))
                found = targets.get(at)
                if found is None:
                    try:
                        found = await find_targets(self._ctx, self._actor, item.type, item.body, fresh=False)
                    except SteelyardError as e:
                        found = e
                    targets[at] = found
                if isinstance(found, SteelyardError):
                    raise found
                item.task = await new_task(self._ctx, self._actor, item.type, item.body, targets=found)
            except SteelyardError as e:
                item.result = refused(line, e)
        return checked

    def _add_defaults(self, body: dict[str, Raw]) -> None:
        if "project" not in body and "batch" not in body:
            for key, value in (("project", self._project), ("batch", self._batch)):
                if value is not None:
                    body[key] = Raw(msgspec.json.encode(value))

    async def _type_of(self, body: dict[str, Raw], types: dict[str, str | None]) -> str:
        raw = body.pop("type", None)
        if raw is not None:
            name = _text(raw, "type")
        elif self._type is not None:
            name = self._type
        else:
            project = _text(body["project"], "project") if "project" in body else self._project
            if project is not None and project not in types:
                types[project] = await q.project_type(
                    self._ctx.db, space_id=self._actor.space_id, name=project
                )
            name = types.get(project) if project is not None else None
            if name is None:
                raise parameter(
                    "type", "must be given, in the line or for all of them, unless a project says it"
                )
        find_type(name)
        return name

    async def write(self, prepared: list[_Checked], on: Executor | None = None) -> list[LineResult]:
        """Inserts by one statement, rows in the order of their unique_id as everybody's; what was refused is looked into."""
        tasks = sorted((i.task for i in prepared if i.task is not None), key=lambda t: t.unique_id or "")
        created: set[str] = set()
        if tasks:
            created = await insert_tasks(self._ctx, on or self._ctx.db, self._actor, tasks, bulk=True)
        missing = [
            i.task.unique_id
            for i in prepared
            if i.task is not None and i.task.id not in created and i.task.unique_id is not None
        ]
        held: dict[str | None, str] = {}
        if missing:
            found = await q.holders(
                on or self._ctx.db, space_id=self._actor.space_id, ids=[], unique_ids=missing
            )
            held = {h.unique_id: h.id for h in found}
        results: list[LineResult | None] = []
        for item in prepared:
            task, result = item.task, item.result
            if task is not None and task.id in created:
                result = _outcome(item.line, "created", task.id, task)
            elif task is not None and task.unique_id is not None and task.unique_id in held:
                result = _outcome(item.line, "existing", held[task.unique_id], task)
            results.append(result)
        if isinstance(on, Tx) and None in results:
            raise ConstraintBroken("moved_on")  # looking into it would wait for what this transaction holds
        return [r or await self._alone(i) for r, i in zip(results, prepared, strict=True)]

    def judge(self, prepared: list[_Checked]) -> list[LineResult]:
        """For a dry run."""
        return [i.result or LineResult(line=i.line.number, result="valid") for i in prepared]

    async def write_singly(self, prepared: list[_Checked]) -> list[LineResult]:
        """Row by row."""
        return [i.result or await self._alone(i) for i in prepared]

    async def _alone(self, item: _Checked) -> LineResult:
        """One line by the road of single creates, which tells what is the matter with it."""
        try:
            stored = await create_task(self._ctx, self._actor, item.type, item.body)
        except SteelyardError as e:
            if e.status == 409 and item.task is not None and item.task.unique_id is not None:
                found = await q.holders(
                    self._ctx.db,
                    space_id=self._actor.space_id,
                    ids=[],
                    unique_ids=[item.task.unique_id],
                )
                if found:
                    return _outcome(item.line, "existing", found[0].id, item.task)
            return refused(item.line, e)
        task_id = msgspec.json.decode(stored.body, type=dict[str, Raw])["task_id"]
        return _outcome(item.line, "created", msgspec.json.decode(task_id, type=str), item.task)


def _outcome(line: Line, result: Any, task_id: str, task: NewTask | None) -> LineResult:
    return LineResult(
        line=line.number, result=result, task_id=task_id, unique_id=task.unique_id if task else None
    )


def _text(raw: Raw, key: str) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.ValidationError:
        raise parameter(key, "must be a string") from None
