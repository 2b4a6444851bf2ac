"""Changes of a task's stage. Each takes an open transaction and, with the change, moves the exact counters, writes the timeline, fixes the
callback and promises the batch's settling. Lock order everywhere: slots, then the batch (shared), then the task, then counters.

All return False, having changed nothing, when the task is not in a stage that allows the verb.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from steelyard.ctx import Ctx
from steelyard.db.pool import Tx
from steelyard.tasks import dependents
from steelyard.tasks import queries as q
from steelyard.tasks.stages import sources, target

PREFERENCE = timedelta(hours=24)
"""How long work that was sent back waits for its author before others are offered it."""


async def queue_task(ctx: Ctx, tx: Tx, space_id: int, task_id: str) -> bool:
    """Attachments are ready: the task is offered to contributors."""
    # Held before the slot is made: it would miss a batch that is just being started or paused.
    await q.share_batch(tx, space_id=space_id, task_id=task_id)
    round_number = await q.set_queued(tx, space_id=space_id, task_id=task_id, from_stages=sources("prepared"))
    if round_number is None:
        return False
    await open_step(tx, space_id, task_id, round_number=round_number, first=round_number == 0)
    await note(tx, space_id, task_id, "queued", "steelyard")
    return True


async def open_step(
    tx: Tx,
    space_id: int,
    task_id: str,
    *,
    round_number: int = 0,
    step: int = 0,
    count: int | None = None,
    only_member_id: int | None = None,
    first: bool = False,
    again: bool = False,
    binding: bool = False,
) -> None:
    """Offers a step of a task: labeling (0) by `count` people (None: the project's overlap) or a review stage; to one member only for a
    while, if one is named and still there. `first`: to models before people, if the project wants that; `again`: for a while not to
    those who have done it before, if there are others. `binding`: not for a while but for good, whoever else there is (one who has left the
    project is not waited for)."""
    await q.open_slot(
        tx,
        space_id=space_id,
        task_id=task_id,
        round=round_number,
        step=step,
        count=count,
        only_member_id=only_member_id,
        reserved_for=PREFERENCE,
        first=first,
        again=again,
        binding=binding,
    )


async def fail_task(ctx: Ctx, tx: Tx, space_id: int, task_id: str, response: bytes) -> bool:
    """Attachments could not be processed: `error`, with `response` as platform-api §3.4, the unique_id freed if that was asked for."""
    await q.lock_slots(tx, space_id=space_id, task_id=task_id)
    await q.share_batch(tx, space_id=space_id, task_id=task_id)
    before = await q.lock_task(tx, space_id=space_id, task_id=task_id)
    changed = await q.set_error(
        tx, space_id=space_id, task_id=task_id, response=response.decode(), from_stages=sources("fail")
    )
    if before is None or changed is None:
        return False
    await _ended(ctx, tx, space_id, task_id, before, "error", "steelyard")
    return True


async def lock(tx: Tx, space_id: int, task_id: str) -> q.TaskState | None:
    """The task, held until the transaction ends, and its batch held against settling. Slots that are needed are locked before."""
    await q.share_batch(tx, space_id=space_id, task_id=task_id)
    return await q.lock_task(tx, space_id=space_id, task_id=task_id)


async def complete_task(
    ctx: Ctx,
    tx: Tx,
    space_id: int,
    task_id: str,
    response: bytes,
    *,
    origin: str,
    author: str,
    author_id: int | None = None,
) -> bool:
    """The answer is in: `completed`, a new response version, the callback. `response` is the checked answer as JSON bytes."""
    before = await lock(tx, space_id, task_id)
    if before is None:
        return False
    text = response.decode()
    version = await q.set_completed(
        tx, space_id=space_id, task_id=task_id, response=text, from_stages=sources("complete")
    )
    if version is None:
        return False
    await add_final_version(
        tx, space_id, task_id, version, text, origin=origin, author=author, author_id=author_id
    )
    await _ended(ctx, tx, space_id, task_id, before, "completed", author)
    return True


async def finish_task(
    ctx: Ctx, tx: Tx, space_id: int, task_id: str, before: q.TaskState, author: str
) -> bool:
    """The latest version of the answer, reviewed to the end, becomes the task's: `completed`, the callback. The task is locked."""
    version = await q.set_finished(tx, space_id=space_id, task_id=task_id, from_stages=sources("complete"))
    if version is None:
        return False
    await _ended(ctx, tx, space_id, task_id, before, "completed", author)
    return True


async def add_version(
    tx: Tx,
    space_id: int,
    task_id: str,
    response: bytes,
    *,
    origin: str,
    author: str,
    author_id: int | None = None,
    base_version: int | None = None,
    difference: bytes | None = None,
) -> int | None:
    """Keeps an answer that is not final, without showing it to the customer; its number, None when the task has ended meanwhile."""
    version = await q.next_version(tx, space_id=space_id, task_id=task_id, from_stages=sources("complete"))
    if version is not None:
        await add_final_version(
            tx,
            space_id,
            task_id,
            version,
            response.decode(),
            origin=origin,
            author=author,
            author_id=author_id,
            base_version=base_version,
            difference=difference,
        )
    return version


async def add_final_version(
    tx: Tx,
    space_id: int,
    task_id: str,
    version: int,
    response: str,
    *,
    origin: str,
    author: str,
    author_id: int | None,
    base_version: int | None = None,
    difference: bytes | None = None,
) -> None:
    """Keeps the answer of a version whose number the task has taken."""
    await q.add_response_version(
        tx,
        space_id=space_id,
        task_id=task_id,
        version=version,
        origin=origin,
        author=author,
        author_id=author_id,
        response=response,
        base_version=base_version,
        difference=None if difference is None else difference.decode(),
    )


async def move(tx: Tx, space_id: int, task_id: str, verb: str) -> bool:
    """From one pending stage to another, by a verb of the table."""
    found = await q.set_stage(
        tx, space_id=space_id, task_id=task_id, stage=target(verb), from_stages=sources(verb)
    )
    return found is not None


async def recall_locked(
    ctx: Ctx,
    tx: Tx,
    space_id: int,
    task_id: str,
    before: q.TaskState,
    actor: str,
    *,
    kind: str,
    reason: str | None,
) -> bool:
    """A completed task is worked on again from the start: `pending`, a new round of slots, the counters, a callback (platform-api §7).

    The caller has locked the task by `lock`. Its answer stays as a version.
    """
    if await q.set_recalled(tx, space_id=space_id, task_id=task_id, from_stages=sources("recall")) is None:
        return False
    last = await q.latest_round(tx, space_id=space_id, task_id=task_id)
    await open_step(tx, space_id, task_id, round_number=(last or 0) + 1, again=True)
    await note(tx, space_id, task_id, kind, actor, {"reason": reason} if reason else None)
    await q.announce(tx, space_id=space_id, task_id=task_id, kind="recalled")
    await _count(ctx, tx, space_id, before, "pending")
    return True


async def reprocess_locked(
    ctx: Ctx, tx: Tx, space_id: int, task_id: str, before: q.TaskState, actor: str
) -> bool:
    """A task in `error` is prepared anew: `pending`, its dependents wait again, the counters. The caller has locked the task by `lock`
    and promises the preparing."""
    if (
        await q.set_preparing(tx, space_id=space_id, task_id=task_id, from_stages=sources("reprocess"))
        is None
    ):
        return False
    if before.has_dependents:
        await dependents.revive(tx, space_id, task_id)
    await note(tx, space_id, task_id, "reprocessed", actor)
    await _count(ctx, tx, space_id, before, "pending")
    return True


async def cancel_locked(
    ctx: Ctx,
    tx: Tx,
    space_id: int,
    task_id: str,
    before: q.TaskState,
    actor: str,
    *,
    clear_unique_id: bool,
    verb: str = "cancel",
) -> bool:
    """Cancels a task whose slots, batch and row the caller has locked; by the verb `withdraw` also one that people work on."""
    changed = await q.set_canceled(
        tx, space_id=space_id, task_id=task_id, clear_unique_id=clear_unique_id, from_stages=sources(verb)
    )
    if changed is None:
        return False
    await _ended(ctx, tx, space_id, task_id, before, "canceled", actor)
    return True


async def start_work(tx: Tx, space_id: int, task_id: str, actor: str, *, review: bool = False) -> bool:
    """A contributor has claimed it; from now on it cannot be canceled by the customer."""
    verb = "start_review" if review else "start_work"
    begun = await q.begin_work(
        tx,
        space_id=space_id,
        task_id=task_id,
        actor=actor,
        detail='{"stage":"review"}' if review else None,
        stage=target(verb),
        from_stages=sources(verb),
    )
    return begun is not None


async def stop_work(
    tx: Tx,
    space_id: int,
    task_id: str,
    actor: str,
    *,
    review: bool = False,
    kind: str = "released",
    detail: dict[str, object] | None = None,
) -> None:
    """The lease was given back; the task is offered again."""
    await note(tx, space_id, task_id, kind, actor, detail)
    verb = "stop_review" if review else "stop_work"
    await q.set_idle(tx, space_id=space_id, task_id=task_id, stage=target(verb), from_stages=sources(verb))


async def set_priority(tx: Tx, space_id: int, task_id: str, priority: int, actor: str) -> bool:
    """A pending task's own priority, 10 to 30; its slots are locked."""
    if await q.set_task_priority(tx, space_id=space_id, task_id=task_id, priority=priority) is None:
        return False
    await note(tx, space_id, task_id, "prioritized", actor, {"priority": priority})
    return True


async def lock_many(tx: Tx, space_id: int, task_ids: list[str]) -> None:
    """Locks what a change of several tasks needs before it locks each of them: their open slots, then their batches."""
    await q.lock_many_slots(tx, space_id=space_id, task_ids=task_ids)
    await q.share_many_batches(tx, space_id=space_id, task_ids=task_ids)


async def note(
    tx: Tx, space_id: int, task_id: str, kind: str, actor: str, detail: dict[str, object] | None = None
) -> None:
    """A row of the task's timeline."""
    text = None if detail is None else msgspec.json.encode(detail).decode()
    await q.note_event(tx, space_id=space_id, task_id=task_id, kind=kind, actor=actor, detail=text)


async def _ended(
    ctx: Ctx, tx: Tx, space_id: int, task_id: str, before: q.TaskState, status: str, actor: str
) -> None:
    """What every final transition has in common."""
    await q.close_slots(tx, space_id=space_id, task_id=task_id)
    await note(tx, space_id, task_id, status, actor)
    if before.has_dependents:
        if status == "completed":
            await dependents.promise(tx, space_id, task_id)
        else:
            await dependents.drop(tx, space_id, task_id)
    if status != "canceled":  # a cancel is not announced (platform-api §11)
        await q.announce(tx, space_id=space_id, task_id=task_id, kind=status)
    await _count(ctx, tx, space_id, before, status)


async def _count(ctx: Ctx, tx: Tx, space_id: int, before: q.TaskState, status: str) -> None:
    """One task from the status that it had to another, in the counters and, promised, in its batch."""
    if before.batch_id is not None:
        await q.promise_settle(tx, space_id=space_id, batch_id=before.batch_id)
    await q.move_count(
        tx,
        space_id=space_id,
        batch_id=before.batch_id,
        project_id=before.project_id,
        type=before.type,
        shard=ctx.shard,
        was=before.status,
        is_now=status,
    )
