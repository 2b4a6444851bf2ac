"""The creating statement: tasks, jobs, events, counters, callbacks and finished idempotency rows in one.

It is composed of named pieces of queries.sql because a piece that has nothing to do still costs its start-up: a batch of plain live tasks
needs no lock on a batch row, no keys and no answers.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor
from steelyard.tasks.idempotency import KEPT
from steelyard.tasks.model import NewTask
from steelyard.tasks.queries import Q


@cache
def _statement(test: bool, batched: bool, keyed: bool, with_files: bool) -> str:
    names = ["insert_input"]
    if batched:
        names.append("insert_batch_lock")
    names.append("insert_task")
    names.append("insert_answer" if test else "insert_job")
    if batched:
        names.append("insert_settle" if test else "insert_reopen")
    if keyed:
        names.append("insert_key")
    if with_files:
        names.append("insert_result_file")
    names += ["insert_event", "insert_count"]
    body = ",\n".join(Q.text(n) for n in names)
    body = body.replace("/* batch */", Q.text("insert_batch_condition") if batched else "")
    body = body.replace("/* key */", Q.text("insert_key_condition") if keyed else "")
    return f"with {body}\nselect id from ins"


def _array(items: list[str] | None) -> str | None:
    """A text[] literal; arrays of arrays cannot be unnested by row."""
    if not items:
        return None if items is None else "{}"
    return "{" + ",".join('"' + t.replace("\\", "\\\\").replace('"', '\\"') + '"' for t in items) + "}"


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8")


async def insert_tasks(ctx: Ctx, on: Executor, actor: Actor, tasks: list[NewTask]) -> set[str]:
    """Inserts tasks of one space; returns the ids that were created. The others lost a unique_id or key, or their project or batch moved on.

    Raises ConstraintBroken when an idempotency key is taken at the same moment: nothing of the statement remains.
    """
    test = actor.is_test
    batched = any(t.batch_id is not None for t in tasks)
    keyed = any(t.key is not None for t in tasks)
    with_files = any(t.result_files for t in tasks)
    columns: list[list[Any]] = [
        [t.id for t in tasks],
        [t.type for t in tasks],
        [t.project_id for t in tasks],
        [t.project_version for t in tasks],
        [t.batch_id for t in tasks],
        [t.exclusive for t in tasks],
        [t.priority for t in tasks],
        [t.own_priority for t in tasks],
        [t.clear_unique_id_on_error for t in tasks],
        [t.head.decode() for t in tasks],
        [t.params.decode() for t in tasks],
        [t.metadata.decode() for t in tasks],
        [t.unique_id for t in tasks],
        [_array(t.tags) for t in tasks],
        [t.callback_url for t in tasks],
        [_array(t.attachment_urls or None) for t in tasks],
        [_text(t.response) for t in tasks],
        [t.created_at for t in tasks],
        [t.completed_at for t in tasks],
        [t.key for t in tasks],
        [t.key_mark for t in tasks],
        [t.wire() if t.key else None for t in tasks],
        [_text(t.callback_payload()) if t.completed_at and t.callback_url else None for t in tasks],
    ]
    args: list[Any] = [actor.space_id, *columns, ctx.shard, actor.member_id, KEPT, actor.email]
    if with_files:
        files = [(t.id, f) for t in tasks for f in t.result_files]
        args += [
            [task_id for task_id, _ in files],
            [f.id for _, f in files],
            [f.token for _, f in files],
            [f.name for _, f in files],
            [f.sha256 for _, f in files],
            [f.content_type for _, f in files],
        ]
    rows = await on.fetch(_statement(test, batched, keyed, with_files), *args)
    return {r[0] for r in rows}
