"""Operations on an existing task (platform-api §11-15). Each returns the task object as JSON bytes and raises NotFound for a task that
does not exist in the actor's space."""

from __future__ import annotations

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import ConstraintBroken, Tx
from steelyard.errors import Conflict, InvalidRequest, NotFound
from steelyard.tasks import queries as q
from steelyard.tasks.dependents import reservations
from steelyard.tasks.downloads import with_downloads
from steelyard.tasks.platform import MAX_TAGS
from steelyard.tasks.transitions import cancel_locked


def not_found() -> NotFound:
    """The documented 404 of every task operation."""
    return NotFound("Task with that ID not found.")


def taken(unique_id: str, holder: str) -> Conflict:
    """The documented 409; clients parse the holder's id out of the parentheses."""
    return Conflict(f'The unique_id ("{unique_id}") is already used for a different task ({holder}).')


def _found(document: str | bytes | None) -> bytes:
    if document is None:
        raise not_found()
    return document.encode() if isinstance(document, str) else document


async def get_task(ctx: Ctx, actor: Actor, task_id: str) -> bytes:
    """The task object."""
    return _found(await q.task_json_by_id(ctx.db, space_id=actor.space_id, task_id=task_id))


async def get_task_with_downloads(ctx: Ctx, actor: Actor, task_id: str) -> bytes:
    """The task object with `attachmentS3Downloads` (platform-api §10.5)."""
    row = await q.task_with_copies(ctx.db, space_id=actor.space_id, task_id=task_id)
    if row is None:
        raise not_found()
    return (await with_downloads(ctx, actor, [row]))[0]


async def cancel_task(ctx: Ctx, actor: Actor, task_id: str, *, clear_unique_id: bool) -> bytes:
    """Cancels a pending task on which no work has begun; repeating it is harmless. Raises InvalidRequest in any other state."""
    space_id = actor.space_id

    async def work(tx: Tx) -> bytes:
        await q.lock_slots(tx, space_id=space_id, task_id=task_id)
        await q.share_batch(tx, space_id=space_id, task_id=task_id)
        state = await q.lock_task(tx, space_id=space_id, task_id=task_id)
        if state is None:
            raise not_found()
        if state.status == "canceled":
            if clear_unique_id:
                return _found(await q.clear_unique_id(tx, space_id=space_id, task_id=task_id))
        elif state.status != "pending":
            raise InvalidRequest(f"Only pending tasks can be canceled; this one is {words(state.status)}.")
        elif state.work_started or not await cancel_locked(
            ctx, tx, space_id, task_id, state, actor.email, clear_unique_id=clear_unique_id
        ):
            raise InvalidRequest("This task cannot be canceled: work on it has begun.")
        return _found(await q.task_json_by_id(tx, space_id=space_id, task_id=task_id))

    return await ctx.db.transact(work)


def words(status: str) -> str:
    """A status in a sentence."""
    return "in error" if status == "error" else status


async def set_metadata(ctx: Ctx, actor: Actor, task_id: str, metadata: bytes) -> bytes:
    """Replaces the metadata; `metadata` is a checked JSON object as sent."""
    return _found(
        await q.set_metadata(ctx.db, space_id=actor.space_id, task_id=task_id, metadata=metadata.decode())
    )


async def set_unique_id(
    ctx: Ctx, actor: Actor, task_id: str, unique_id: str, clear_unique_id_on_error: bool | None
) -> bytes:
    """Names a task; the old name becomes free. Raises Conflict naming the holder, or the root of the dependent task it waits for."""
    waiting = await reservations(ctx.db, actor.space_id, [unique_id])
    if waiting:
        raise taken(unique_id, waiting[unique_id])
    for _ in range(3):
        try:
            document = await q.set_unique_id(
                ctx.db,
                space_id=actor.space_id,
                task_id=task_id,
                unique_id=unique_id,
                clear_on_error=clear_unique_id_on_error,
            )
            return _found(document)
        except ConstraintBroken:
            holder = await q.holder_of_unique_id(ctx.db, space_id=actor.space_id, unique_id=unique_id)
            if holder is not None:
                raise taken(unique_id, holder) from None
    raise Conflict("The unique_id changed hands while it was being set; try again.")


async def clear_unique_id(ctx: Ctx, actor: Actor, task_id: str) -> bytes:
    """Frees the unique_id; harmless when there is none."""
    return _found(await q.clear_unique_id(ctx.db, space_id=actor.space_id, task_id=task_id))


def _tags_after(held: list[str] | None, tags: list[str], how: str) -> list[str] | None:
    if how == "set":
        return list(dict.fromkeys(tags))
    if how == "add":
        return list(dict.fromkeys([*(held or []), *tags])) if tags else held
    return [t for t in held if t not in set(tags)] if held is not None else None


async def change_tags(ctx: Ctx, actor: Actor, task_id: str, tags: list[str], how: str) -> bytes:
    """`how`: `add` (existing first, then new ones in order), `set` or `remove`. Raises InvalidRequest beyond five tags."""
    space_id = actor.space_id

    async def work(tx: Tx) -> bytes:
        state = await q.lock_task(tx, space_id=space_id, task_id=task_id)
        if state is None:
            raise not_found()
        held = state.tags
        wanted = _tags_after(held, tags, how)
        if wanted is not None and len(wanted) > MAX_TAGS:
            raise InvalidRequest("tags must be an array of at most 5 non-empty strings.")
        if wanted == held:
            return _found(await q.task_json_by_id(tx, space_id=space_id, task_id=task_id))
        return _found(await q.set_tags(tx, space_id=space_id, task_id=task_id, tags=wanted))

    return await ctx.db.transact(work)


async def retag(tx: Tx, space_id: int, task_id: str, tags: list[str], how: str) -> bool:
    """The same as one of many changes: whether anything changed. A task that would have too many tags keeps those it has."""
    state = await q.lock_task(tx, space_id=space_id, task_id=task_id)
    if state is None:
        return False
    wanted = _tags_after(state.tags, tags, how)
    if wanted == state.tags or (wanted is not None and len(wanted) > MAX_TAGS):
        return False
    return await q.set_tags(tx, space_id=space_id, task_id=task_id, tags=wanted) is not None
