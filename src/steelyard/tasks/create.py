"""Creating a task (platform-api §8), in the specification's order of checks: type, project and batch, merged parameters, unique_id, insert."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from steelyard.clock import wire_time
from steelyard.ctx import Actor, Ctx
from steelyard.db.remembered import Remembered
from steelyard.errors import Conflict, NotEnabled, NotFound, SteelyardError, under
from steelyard.task_types import KNOWN_TYPES, TASK_TYPES, Dependents, TaskType
from steelyard.tasks import idempotency
from steelyard.tasks import queries as q
from steelyard.tasks.answers import make_answer, media_of_request
from steelyard.tasks.batcher import batcher_of
from steelyard.tasks.change import taken
from steelyard.tasks.compose import Checked, Targets, assemble, check_request, stored_params
from steelyard.tasks.dependents import reservations
from steelyard.tasks.idempotency import Stored
from steelyard.tasks.model import NewDependent, NewTask
from steelyard.tasks.pages import made_up_pages
from steelyard.tasks.results import store_answer
from steelyard.tasks.sources import source_id, source_task
from steelyard.tasks.targets import find_targets, known_targets

_TRIES = 6
_SPACE_TTL_S = 1.0
_encode = msgspec.json.encode

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
    """Creates as `create_task` does where nothing has to be looked up before the insert, which is nearly always so where creates come in a
    stream. False: ask `create_task`.

    `tell` is called once the insert is over, in whose turn of the event loop it is: with the task object, with the error, or with None when
    the row was refused; `create_task` then finds out why. It must not raise. Raises what `create_task` raises for a request that is wrong.
    """
    task_type, targets = TASK_TYPES.get(type_name), known_targets(ctx, actor, type_name, body)
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
