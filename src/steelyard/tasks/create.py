"""Creating a task (platform-api §8), in the specification's order of checks: type, project and batch, merged parameters, unique_id, insert."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from steelyard.clock import wire_time
from steelyard.ctx import Actor, Ctx
from steelyard.db.coalesce import Coalescer
from steelyard.db.remembered import Remembered
from steelyard.errors import (
    Conflict,
    InvalidRequest,
    NotEnabled,
    NotFound,
    SteelyardError,
    parameter,
    under,
)
from steelyard.task_types import KNOWN_TYPES, TASK_TYPES, Dependents, TaskType
from steelyard.tasks import idempotency
from steelyard.tasks import queries as q
from steelyard.tasks.answers import make_answer, media_of_request
from steelyard.tasks.batcher import batcher_of
from steelyard.tasks.change import taken
from steelyard.tasks.compose import Checked, Targets, assemble, check_request, stored_params
from steelyard.tasks.dependents import reservations
from steelyard.tasks.idempotency import Stored
from steelyard.tasks.model import BatchTarget, NewDependent, NewTask, ProjectDefaults
from steelyard.tasks.pages import made_up_pages
from steelyard.tasks.results import store_answer
from steelyard.tasks.sources import source_id, source_task

_TRIES = 6
_PROJECT_TTL_S = 30.0
_SPACE_TTL_S = 1.0
_encode = msgspec.json.encode
_NO_TARGETS = Targets()

Tell = Callable[[bytes | Exception | None], None]


def find_type(name: str) -> TaskType[Any, Any]:
    """The type of a wire name. Raises NotEnabled for one that Scale knows and this installation does not offer, NotFound otherwise."""
    found = TASK_TYPES.get(name)
    if found is not None:
        return found
    if name in KNOWN_TYPES:
        raise NotEnabled(f"Task type {name} is not enabled for this account.")
    raise NotFound("Not found.")  # on the wire, a path that does not exist (task-types-text §14)


async def create_task(
    ctx: Ctx,
    actor: Actor,
    type_name: str,
    body: dict[str, Raw],
    *,
    key: str | None = None,
    key_mark: bytes | None = None,
) -> Stored:
    """Creates a task; the answer's body is the task object as JSON. `body`: the request's top-level values as sent.

    With an idempotency `key`, the answer is stored in the creating statement; when the key turns out to be taken meanwhile, the stored
    answer is returned. In test mode the task is born completed with a made-up answer.

    Raises InvalidRequest, NotFound, NotEnabled, Conflict (unique_id, or the key used for another request), RateLimited (a request with the
    key is in flight in another process).
    """
    find_type(type_name)
    for attempt in range(_TRIES):
        task = await new_task(ctx, actor, type_name, body, fresh=attempt > 0)
        task.key, task.key_mark = key, key_mark
        if await batcher_of(ctx).create(actor, task):
            if any(d.unique_id is not None for d in task.dependents):
                forget_space(ctx, actor.space_id)
            return Stored(200, task.wire())
        if key is not None and key_mark is not None:
            stored = await idempotency.lookup(ctx, actor, key, key_mark)
            if stored is not None:
                return stored
            if not await q.key_is_free(ctx.db, space_id=actor.space_id, key=key):
                raise idempotency.busy()
        if task.unique_id is not None:
            holder = await q.holder_of_unique_id(ctx.db, space_id=actor.space_id, unique_id=task.unique_id)
            if holder is not None:
                raise taken(task.unique_id, holder)
    raise Conflict(
        "The project, batch or unique_id kept changing while the task was being created; try again."
    )


class _Told:
    """Tells what became of a creation; settled by the batcher as a future would be."""

    __slots__ = ("_task", "_tell")

    def __init__(self, task: NewTask, tell: Tell):
        self._task, self._tell = task, tell

    def done(self) -> bool:
        return False

    def set_result(self, created: bool, /) -> None:
        self._tell(self._task.wire() if created else None)

    def set_exception(self, error: Exception, /) -> None:
        self._tell(error)


def create_at_once(ctx: Ctx, actor: Actor, type_name: str, body: dict[str, Raw], tell: Tell) -> bool:
    """Creates as `create_task` does where nothing has to be looked up before the insert, which is nearly always so for tasks without a
    batch. False: ask `create_task`.

    `tell` is called once the insert is over, in whose turn of the event loop it is: with the task object, with the error, or with None when
    the row was refused; `create_task` then finds out why. It must not raise. Raises what `create_task` raises for a request that is wrong.
    """
    task_type, targets = TASK_TYPES.get(type_name), _known_targets(ctx, actor, type_name, body)
    if task_type is None or targets is None or actor.is_test:
        return False
    checked = check_request(task_type, body, targets.project)
    platform, params = checked.platform, checked.params
    if source_id(task_type, params) is not None or task_type.dependents(params) is not None:
        return False
    if platform.callback_url is None or platform.unique_id is not None:
        space = _spaces(ctx).known(actor.space_id)
        if space is None or (platform.unique_id is not None and space.reserves_names):
            return False
        if platform.callback_url is None:
            platform.callback_url = space.default_callback_url
    params_json = stored_params(checked, body, targets.project, task_type.default_params(params))
    task = _assembled(ctx, actor, type_name, task_type, checked, targets, params_json)
    batcher_of(ctx).put(actor, task, _Told(task, tell))
    return True


async def declare(
    ctx: Ctx,
    actor: Actor,
    declared: Dependents,
    task_id: str,
    own_unique_id: str | None,
    *,
    fresh: bool,
    check: bool = True,
) -> list[NewDependent]:
    """The dependents of a task, each checked as if it were posted now (task-types-lidar §11.2); its errors say which def is wrong.

    A unique_id must be free, and is reserved from then on (see `reserved`).
    """
    out: list[NewDependent] = []
    for ordinal, d in enumerate(declared.defs):
        body = msgspec.json.decode(d.body, type=dict[str, Raw])
        body[d.link] = Raw(_encode(task_id))
        name = None
        if check:
            try:
                name = await _checked_name(ctx, actor, d.type, body, task_id, own_unique_id, fresh=fresh)
            except SteelyardError as error:
                raise under(d.path, error) from None
        out.append(NewDependent(ordinal, d.type, declared.require_audit, _encode(body), name))
    return out


async def _checked_name(
    ctx: Ctx,
    actor: Actor,
    type_name: str,
    body: dict[str, Raw],
    root_id: str,
    root_name: str | None,
    *,
    fresh: bool,
) -> str | None:
    """The unique_id of a dependent that would be accepted if it were posted now. Raises as `create_task`."""
    targets = await find_targets(ctx, actor, type_name, body, fresh=fresh)
    name = check_request(find_type(type_name), body, targets.project).platform.unique_id
    if name is not None:
        if name == root_name:
            raise taken(name, root_id)
        holder = await q.holder_of_unique_id(ctx.db, space_id=actor.space_id, unique_id=name)
        holder = holder or (await reservations(ctx.db, actor.space_id, [name], root_id)).get(name)
        if holder is not None:
            raise taken(name, holder)
    return name


async def reserved(ctx: Ctx, actor: Actor, names: list[str], *, besides: str | None = None) -> dict[str, str]:
    """Which of these unique_ids wait for a dependent task, and its root; those of the root `besides` are left out.

    The table is asked only where the space, as it was up to a second ago, reserves any: creation has nothing to pay elsewhere, and what
    another process declares within that second may be taken. Then the dependent finds its name in use and fails (§11.3).
    """
    if not names or not (await _space(ctx, actor)).reserves_names:
        return {}
    return await reservations(ctx.db, actor.space_id, names, besides)


async def new_task(
    ctx: Ctx,
    actor: Actor,
    type_name: str,
    body: dict[str, Raw],
    *,
    fresh: bool = False,
    targets: Targets | None = None,
    root_id: str | None = None,
) -> NewTask:
    """A checked task, ready to be inserted. `fresh`: a first try was refused, look at the project anew; `targets`: as `find_targets`
    found them a moment ago; `root_id`: of the task that declared it. Raises as `create_task`."""
    task_type = find_type(type_name)
    targets = targets or await find_targets(ctx, actor, type_name, body, fresh=fresh)
    checked = check_request(task_type, body, targets.project)
    params = checked.params
    if checked.platform.callback_url is None:
        checked.platform.callback_url = await default_callback(ctx, actor)
    name = checked.platform.unique_id
    if name is not None and (waiting := await reserved(ctx, actor, [name], besides=root_id)):
        raise taken(name, waiting[name])
    defaults = task_type.default_params(params)
    named, source = source_id(task_type, params), None
    if named is not None:
        source, _ = await source_task(ctx, actor.space_id, named, files=actor.is_test)
        defaults = {**defaults, **task_type.build_on(params, source)}
    params_json = stored_params(checked, body, targets.project, defaults)
    if named is not None:
        params = task_type.parse_params(params_json)
        checked = msgspec.structs.replace(checked, params=params)
    task = _assembled(ctx, actor, type_name, task_type, checked, targets, params_json)
    declared = task_type.dependents(params)
    if declared is not None:
        task.dependents = await declare(ctx, actor, declared, task.id, task.unique_id, fresh=fresh)
    if actor.is_test:
        answer = await make_answer(
            ctx, actor.space_id, type_name, task_type, params, params_json, task.id, source
        )
        secure = (await _space(ctx, actor)).secure_result_urls
        task.response, task.result_files = await store_answer(ctx, task.id, answer, secure=secure)
        if task_type.has_pages:
            media = await media_of_request(ctx, actor.space_id, task_type, params)
            task.head += b"," + made_up_pages(media, len(task.attachment_urls))
        done = ctx.clock.now()
        task.completed_at = max(task.created_at, done.replace(microsecond=done.microsecond // 1000 * 1000))
    return task


def _assembled(
    ctx: Ctx,
    actor: Actor,
    type_name: str,
    task_type: TaskType[Any, Any],
    checked: Checked,
    targets: Targets,
    params_json: bytes,
) -> NewTask:
    now = ctx.clock.now()
    created_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return assemble(
        type_name,
        task_type,
        checked,
        targets,
        task_id=ctx.ids.mint(now),
        created_at=created_at,
        created=wire_time(created_at),
        params_json=params_json,
        is_test=actor.is_test,
    )


def _name(body: dict[str, Raw], key: str) -> str | None:
    raw = body.get(key)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=str | None) or None
    except msgspec.ValidationError:
        raise parameter(key, "must be a string") from None


def _version(body: dict[str, Raw]) -> int | None:
    for key in ("project_version", "project_param_version"):
        raw = body.get(key)
        if raw is not None:
            try:
                version = msgspec.json.decode(raw, type=int | None, strict=False)
            except (msgspec.DecodeError, RecursionError):
                raise parameter(key, "must be an integer") from None
            if version is not None:
                if not -1 <= version < 2**31:
                    raise parameter(key, "must name an existing version of the project's params, or be -1")
                return version
    return None


async def find_targets(
    ctx: Ctx, actor: Actor, type_name: str, body: dict[str, Raw], *, fresh: bool
) -> Targets:
    """The project and batch of a creation, checked. Reads are shared between requests; the insert refuses what has changed since."""
    batch_name = _name(body, "batch")
    project_name = _name(body, "project")
    version = _version(body)
    batch = None
    if batch_name is not None:
        batch = await _batch(ctx, actor, batch_name)
        if batch is None:
            raise NotFound("Batch with that name not found.")
        if project_name is not None and project_name != batch.project_name:
            raise InvalidRequest(f'The batch "{batch_name}" belongs to the project "{batch.project_name}".')
        project_name = batch.project_name
    if project_name is None:
        return Targets()
    project = await _project(ctx, actor, project_name, version, fresh=fresh)
    if project.type != type_name:
        raise InvalidRequest(f'Project "{project.name}" does not accept tasks of type {type_name}.')
    if project.archived:
        raise InvalidRequest(f'The project "{project.name}" is archived and takes no tasks.')
    if project.kind == "rapid" and batch is None:
        raise InvalidRequest("Tasks of a Rapid project need a batch.")
    if batch is not None:
        if batch.status == "cancelled":
            raise InvalidRequest(f'The batch "{batch.name}" is cancelled and takes no tasks.')
        if project.kind != "standard" and batch.status != "staging":
            raise InvalidRequest(f'The batch "{batch.name}" has been finalized and takes no more tasks.')
    return Targets(project, batch)


def _known_targets(ctx: Ctx, actor: Actor, type_name: str, body: dict[str, Raw]) -> Targets | None:
    """As `find_targets`, None where it would have to look them up or would refuse them. Batches are looked up each time."""
    if "batch" in body:
        return None
    name, version = _name(body, "project"), _version(body)
    if name is None:
        return _NO_TARGETS
    project = _known_project(ctx, actor, name, version)
    if project is None or project.type != type_name or project.kind != "standard":
        return None
    return Targets(project)


async def _batch(ctx: Ctx, actor: Actor, name: str) -> BatchTarget | None:
    """A batch as it is now: never from a cache, but requests that ask at the same time share one read, begun after all of them came."""
    reads: Coalescer[tuple[int, str], BatchTarget | None] | None = ctx.state.get("batch_reads")
    if reads is None:

        async def read(wanted: list[tuple[int, str]]) -> list[BatchTarget | None]:
            places = {at: n for n, at in enumerate(dict.fromkeys(wanted), start=1)}
            rows = await q.batch_targets(
                ctx.db, space_ids=[space_id for space_id, _ in places], names=[name for _, name in places]
            )
            found = {
                r.n: BatchTarget(r.id, r.name, r.status, r.project_name, r.priority, r.rapid_calibration)
                for r in rows
            }
            return [found.get(places[at]) for at in wanted]

        reads = ctx.state["batch_reads"] = Coalescer(read)
    return await reads((actor.space_id, name))


def _projects(ctx: Ctx) -> dict[tuple[int, str, int | None], tuple[float, ProjectDefaults]]:
    return ctx.state.setdefault("projects", {})


def _known_project(ctx: Ctx, actor: Actor, name: str, version: int | None) -> ProjectDefaults | None:
    held = _projects(ctx).get((actor.space_id, name, version))
    return held[1] if held is not None and held[0] > time.monotonic() else None


async def _project(ctx: Ctx, actor: Actor, name: str, version: int | None, *, fresh: bool) -> ProjectDefaults:
    known = None if fresh else _known_project(ctx, actor, name, version)
    if known is not None:
        return known
    cache = _projects(ctx)
    at = (actor.space_id, name, version)
    wanted = None if version == -1 else version
    row = await q.project_defaults(ctx.db, space_id=actor.space_id, name=name, version=wanted)
    if row is None:
        cache.pop(at, None)
        if version is not None and await q.project_exists(ctx.db, space_id=actor.space_id, name=name):
            raise parameter(
                "project_version", "must name an existing version of the project's params, or be -1"
            )
        raise NotFound("Project with that name not found.")
    project = ProjectDefaults(
        id=row.id,
        name=row.name,
        type=row.type,
        kind=row.kind,
        version=-1 if version == -1 else row.version,
        latest=row.latest,
        archived=row.archived,
        params={} if version == -1 else msgspec.json.decode(row.params, type=dict[str, Raw]),
    )
    if project.archived:  # a change that the insert cannot tell us of: it is never asked
        cache.pop(at, None)
        return project
    if len(cache) > 10_000:
        cache.clear()
    cache[at] = (time.monotonic() + _PROJECT_TTL_S, project)
    return project


async def default_callback(ctx: Ctx, actor: Actor) -> str | None:
    """Where tasks without a `callback_url` call back."""
    return (await _space(ctx, actor)).default_callback_url


def forget_space(ctx: Ctx, space_id: int) -> None:
    """It reserves names now: the next creation here asks."""
    _spaces(ctx).forget(space_id)


def _spaces(ctx: Ctx) -> Remembered[int, q.SpaceDefaults]:
    held: Remembered[int, q.SpaceDefaults] | None = ctx.state.get("spaces")
    if held is None:
        held = Remembered(lambda space_id: q.space_defaults(ctx.db, space_id=space_id), _SPACE_TTL_S)
        ctx.state["spaces"] = held
    return held


async def _space(ctx: Ctx, actor: Actor) -> q.SpaceDefaults:
    found = await _spaces(ctx).get(actor.space_id)
    assert found is not None  # spaces stay
    return found
