"""Lines that are bodies of `POST /v1/task/{type}`: the checks, the uniqueness and the statement of single creates, a chunk at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw, Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import ConstraintBroken, Executor, Tx
from steelyard.errors import SteelyardError, parameter
from steelyard.imports import queries as q
from steelyard.imports.composing import Ground, Naming, compose_lines, composed, naming
from steelyard.imports.lines import Line, LineResult, decode, refused, unhurried
from steelyard.tasks.change import taken
from steelyard.tasks.compose import Targets
from steelyard.tasks.create import create_task, default_callback, find_type, new_task, reserved
from steelyard.tasks.insert import insert_tasks
from steelyard.tasks.model import NewTask
from steelyard.tasks.targets import find_targets

_NAMINGS = 32
"""Of so many ways to name type, project and batch the lines are made in the pool."""
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
        self._known: dict[Naming, tuple[str, dict[str, Raw]]] = {}
        if type is not None:
            find_type(type)

    async def prepare(self, lines: list[Line]) -> list[_Checked]:
        """Checks every line as a single create would be."""
        made = await self._in_pool(lines)
        targets: dict[Naming, Targets | SteelyardError] = {}
        types: dict[str, str | None] = {}
        checked = [_Checked(line, task=task) for line, task in zip(lines, made, strict=True)]
        async for item in unhurried([i for i in checked if i.task is None]):
            try:
                body = decode(item.line)
                at = naming(body)
                item.type, item.body = await self._read(body, types)
                # Looked up once a chunk; the statement refuses a row whose project or batch has moved on since.
                found = targets.get(at)
                if found is None:
                    try:
                        found = await find_targets(self._ctx, self._actor, item.type, item.body, fresh=False)
                        self._remember(at, item)
                    except SteelyardError as e:
                        found = e
                    targets[at] = found
                if isinstance(found, SteelyardError):
                    raise found
                item.task = await new_task(self._ctx, self._actor, item.type, item.body, targets=found)
            except SteelyardError as e:
                item.result = refused(item.line, e)
        await self._refuse_reserved(checked)
        return checked

    async def _refuse_reserved(self, checked: list[_Checked]) -> None:
        """The process pool knows nothing of names that wait for dependent tasks."""
        named = {i.task.unique_id: i for i in checked if i.task is not None and i.task.unique_id is not None}
        for name, root_id in (await reserved(self._ctx, self._actor, list(named))).items():
            named[name].task, named[name].result = None, refused(named[name].line, taken(name, root_id))

    def _remember(self, at: Naming, item: _Checked) -> None:
        if len(self._known) < _NAMINGS:
            self._known[at] = (item.type, {k: Raw(v) for k, v in item.body.items() if k in _TARGET_KEYS})

    async def _in_pool(self, lines: list[Line]) -> list[NewTask | None]:
        """What the process pool makes of a chunk; None where the line is to be looked at here.

        The first chunk is not sent there: it shows what the lines are about, and few lines are not worth a process.
        """
        nothing: list[NewTask | None] = [None] * len(lines)
        if not self._known or self._actor.is_test:
            return nothing
        grounds: dict[Naming, Ground] = {}
        for at, (type_name, body) in self._known.items():
            try:
                found = await find_targets(self._ctx, self._actor, type_name, body, fresh=False)
            except SteelyardError:
                continue
            grounds[at] = Ground(type_name, found)
        now = self._ctx.clock.now()
        work = partial(
            compose_lines,
            [line.raw for line in lines],
            self._ctx.ids.mint_many(now, len(lines)),
            now.replace(microsecond=now.microsecond // 1000 * 1000),
            grounds,
            await default_callback(self._ctx, self._actor),
        )
        try:
            pool = self._ctx.state["lines_pool"]
            return composed(await asyncio.get_running_loop().run_in_executor(pool, work))
        except BrokenProcessPool:
            return nothing

    async def _read(self, body: dict[str, Raw], types: dict[str, str | None]) -> tuple[str, dict[str, Raw]]:
        """A line's type, and its body with what goes for all lines."""
        name = await self._type_of(body, types)
        if "project" not in body and "batch" not in body:
            for key, value in (("project", self._project), ("batch", self._batch)):
                if value is not None:
                    body[key] = Raw(msgspec.json.encode(value))
        return name, body

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
            if not item.type:
                item.type, item.body = await self._read(decode(item.line), {})
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
