"""Creating the dependent tasks of a completed task, and the two operations on them (task-types-lidar §11.3-11.5).

Exactly once: a child is inserted in the transaction that holds its root's row and turns the dependent's row from `waiting` to `created`,
so of two that want to create it one finds it created. Its params are checked, and in test mode its answer is made, before that.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import wake
from steelyard.db.pool import ConstraintBroken, RetryTransaction, Tx
from steelyard.errors import InvalidRequest, SteelyardError
from steelyard.jobs.specs import CreateDependents
from steelyard.tasks import dependents as d
from steelyard.tasks import queries as q
from steelyard.tasks.change import get_task, not_found, taken
from steelyard.tasks.create import declare, find_type, forget_space, new_task
from steelyard.tasks.insert import insert_tasks
from steelyard.tasks.model import NewTask
from steelyard.tasks.transitions import note

_TRIES = 6
_LONGEST_ERROR = 1000


async def create_dependents(ctx: Ctx, args: CreateDependents) -> None:
    """Job `create_dependents`: creates what may be created now, on behalf of the system."""
    space = await d.space_of(ctx.db, space_id=args.space_id)
    actor = Actor(args.space_id, space.account_id, space.mode, 0, "steelyard", "admin", "system")
    await _create_ready(ctx, actor, args.task_id)


async def _create_ready(ctx: Ctx, actor: Actor, root_id: str) -> None:
    for ready in await d.ready_dependents(ctx.db, space_id=actor.space_id, task_id=root_id):
        await _create(ctx, actor, root_id, ready)
    wake(ctx)


async def _create(ctx: Ctx, actor: Actor, root_id: str, ready: d.ReadyDependent) -> None:
    """One of them; a request that is refused becomes the dependent's error, a server that is busy is the caller's."""
    body = msgspec.json.decode(ready.body, type=dict[str, Raw])
    for attempt in range(_TRIES):
        try:
            outcome: NewTask | str = await new_task(
                ctx, actor, ready.type, body, fresh=attempt > 0, root_id=root_id
            )
        except SteelyardError as e:
            if e.status >= 500:
                raise
            outcome = e.message
        if await _record(ctx, actor, root_id, ready, outcome):
            return
        if isinstance(outcome, NewTask) and outcome.unique_id is not None:
            holder = await q.holder_of_unique_id(ctx.db, space_id=actor.space_id, unique_id=outcome.unique_id)
            if holder is not None:
                await _record(ctx, actor, root_id, ready, taken(outcome.unique_id, holder).message)
                return
    raise RetryTransaction("The project or batch kept changing while a dependent task was being created.")


async def _record(
    ctx: Ctx, actor: Actor, root_id: str, ready: d.ReadyDependent, outcome: NewTask | str
) -> bool:
    """Inserts the child or writes down the error, unless the dependent is not waiting any more. False: the insert was refused."""
    space_id = actor.space_id

    async def work(tx: Tx) -> bool:
        root = await d.lock_root(tx, space_id=space_id, task_id=root_id)
        at = {"space_id": space_id, "task_id": root_id, "ordinal": ready.ordinal}
        if root is None or root.status != "completed" or not await d.still_ready(tx, **at, body=ready.body):
            return True
        detail: dict[str, object] = {"index": ready.ordinal, "type": ready.type}
        if isinstance(outcome, NewTask):
            if not await insert_tasks(ctx, tx, actor, [outcome]):
                return False
            await d.decide(tx, **at, state="created", child_id=outcome.id, error=None)
            await note(
                tx, space_id, root_id, "dependent_created", actor.email, {**detail, "task_id": outcome.id}
            )
        else:
            error = outcome.replace("\0", "")[:_LONGEST_ERROR]
            await d.decide(tx, **at, state="failed", child_id=None, error=error)
            await note(tx, space_id, root_id, "dependent_failed", actor.email, {**detail, "error": error})
        await d.show(tx, space_id, root_id)
        return True

    return await ctx.db.transact(work)


def _declared(root: d.Root | None) -> d.Root:
    if root is None:
        raise not_found()
    if not root.has_dependents:
        raise InvalidRequest("task has no dependents")
    return root


async def force_dependents(ctx: Ctx, actor: Actor, task_id: str) -> bytes:
    """Creates every waiting dependent without an audit; a repeat creates nothing. The root task object as JSON.

    Raises NotFound; InvalidRequest for a task without dependents or one that is not completed.
    """
    space_id = actor.space_id

    async def work(tx: Tx) -> None:
        root = _declared(await d.lock_root(tx, space_id=space_id, task_id=task_id))
        if root.status != "completed":
            raise InvalidRequest(f"task {task_id} must be completed")
        await d.release(tx, space_id, task_id)

    await ctx.db.transact(work)
    await _create_ready(ctx, actor, task_id)
    return await get_task(ctx, actor, task_id)


async def change_dependents(ctx: Ctx, actor: Actor, task_id: str, options: dict[str, Raw]) -> bytes:
    """Other `defs`, another `require_audit`, or both, while nothing has been created; null means "not given". New defs take the place of
    all, failed ones too; without an audit to wait for, those of a completed root are created at once. The root task object as JSON.

    Raises NotFound, Conflict (a unique_id), InvalidRequest.
    """
    space_id = actor.space_id
    given = {k: v for k, v in options.items() if k in ("require_audit", "defs") and v != Raw(b"null")}

    async def locked(tx: Tx) -> d.Root:
        root = _declared(await d.lock_root(tx, space_id=space_id, task_id=task_id))
        states = {row.state for row in await d.dependent_rows(tx, space_id=space_id, task_id=task_id)}
        if "created" in states:
            raise InvalidRequest("dependent tasks were already created")
        if root.status in ("canceled", "error"):
            raise InvalidRequest("dependent tasks were dropped")
        if not given:
            raise InvalidRequest("require_audit or defs is required")
        return root

    for attempt in range(_TRIES):
        root = await ctx.db.transact(locked)
        task_type = find_type(root.type)
        params = msgspec.json.decode(root.params, type=dict[str, Raw])
        declaration = msgspec.json.decode(params["dependents"], type=dict[str, Raw])
        params["dependents"] = Raw(msgspec.json.encode({**declaration, **given}))
        changed = msgspec.json.encode(params)
        found: Any = task_type.dependents(task_type.parse_params(changed))
        audited = root.customer_review_status in ("accepted", "fixed")
        waits = found.require_audit and not audited
        new = await declare(
            ctx, actor, found, task_id, root.unique_id, fresh=attempt > 0, check="defs" in given
        )

        async def work(
            tx: Tx, root: d.Root = root, changed: bytes = changed, waits: bool = waits, new: Any = new
        ) -> bool:
            now = await locked(tx)
            if (now.params, now.customer_review_status) != (root.params, root.customer_review_status):
                return False
            await d.set_declaration(tx, space_id=space_id, task_id=task_id, params=changed.decode())
            if "defs" in given:
                await d.remove_dependents(tx, space_id=space_id, task_id=task_id)
                await d.add_dependents(
                    tx,
                    space_id=space_id,
                    task_id=task_id,
                    ordinals=[n.ordinal for n in new],
                    types=[n.type for n in new],
                    waits=[waits] * len(new),
                    bodies=[n.body.decode() for n in new],
                    unique_ids=[n.unique_id for n in new],
                )
            else:
                await d.set_waits(tx, space_id=space_id, task_id=task_id, waits=waits)
            await d.show(tx, space_id, task_id)
            await note(tx, space_id, task_id, "dependents_changed", actor.email)
            if now.status == "completed":
                await d.promise(tx, space_id, task_id)
            return True

        try:
            done = await ctx.db.transact(work)
        except ConstraintBroken:  # somebody else has just reserved a name: checking again tells who
            continue
        if done:
            forget_space(ctx, space_id)
            await _create_ready(ctx, actor, task_id)
            return await get_task(ctx, actor, task_id)
    raise RetryTransaction("The task kept changing; try again.")
