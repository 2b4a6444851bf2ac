"""The creating statement: tasks, jobs, counters, callbacks and finished idempotency rows in one.

It is composed of named pieces of queries.sql because what has nothing to do still costs its start-up: tasks without a project, a batch or
a key, which are born pending, need no locks, no look at other tables, and fourteen columns of input instead of twenty-three, of which what is alike in all rows is sent once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor
from steelyard.db.sqlfile import numbered
from steelyard.jobs.specs import PREPARE_BULK_QUEUE, PREPARE_TASK_QUEUE
from steelyard.tasks.idempotency import KEPT
from steelyard.tasks.model import NewTask
from steelyard.tasks.queries import Q


class _Shape(Struct, frozen=True):
    """What the tasks of one statement have in common: each true field adds its pieces and columns."""

    test: bool
    project: bool
    batch: bool
    reopens: bool
    key: bool
    files: bool
    dependents: bool
    single: bool
    """One task alone: its columns are plain parameters, and nothing has to be grouped. A lone client's creates are such."""
    alike: bool
    """All are equal in what tasks that come together tend to have in common; that is sent once."""


def array_literal(items: list[str] | None) -> str | None:
    """A text[] literal; arrays of arrays cannot be unnested by row."""
    if not items:
        return None if items is None else "{}"
    return '{"' + '","'.join([t.replace("\\", "\\\\").replace('"', '\\"') for t in items]) + '"}'


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8")


_Getter = Callable[[NewTask], Any]
_COLUMNS: dict[str, tuple[str, str, _Getter]] = {
    # name: (the field of _Shape that needs it or "", type, value)
    "id": ("", "text", attrgetter("id")),
    "type": ("", "text", attrgetter("type")),
    "priority": ("", "int", attrgetter("priority")),
    "own_priority": ("", "boolean", attrgetter("own_priority")),
    "clear_unique_id_on_error": ("", "boolean", attrgetter("clear_unique_id_on_error")),
    "head": ("", "text", lambda t: t.head.decode()),
    "params": ("", "text", lambda t: t.params.decode()),
    "metadata": ("", "text", lambda t: t.metadata.decode()),
    "unique_id": ("", "text", attrgetter("unique_id")),
    "tags": ("", "text", lambda t: array_literal(t.tags)),
    "callback_url": ("", "text", attrgetter("callback_url")),
    "attachment_urls": ("", "text", lambda t: array_literal(t.attachment_urls or None)),
    "created_at": ("", "timestamptz", attrgetter("created_at")),
    "project_id": ("project", "text", attrgetter("project_id")),
    "project_version": ("project", "int", attrgetter("project_version")),
    "batch_id": ("batch", "text", attrgetter("batch_id")),
    "batch_priority": ("batch", "int", attrgetter("batch_priority")),
    "exclusive": ("batch", "boolean", attrgetter("exclusive")),
    "response": ("test", "text", lambda t: _text(t.response)),
    "completed_at": ("test", "timestamptz", attrgetter("completed_at")),
    "callback_payload": (
        "test",
        "text",
        lambda t: _text(t.callback_payload()) if t.completed_at and t.callback_url else None,
    ),
    "dependents": ("dependents", "text", lambda t: _text(t.dependents_json())),
    "idem_key": ("key", "text", attrgetter("key")),
    "idem_mark": ("key", "bytea", attrgetter("key_mark")),
    "idem_body": ("key", "bytea", lambda t: t.wire() if t.key else None),
}


_ALIKE = (
    "type",
    "priority",
    "own_priority",
    "clear_unique_id_on_error",
    "callback_url",
    "project_id",
    "project_version",
    "batch_id",
    "batch_priority",
    "exclusive",
)
_in_common = attrgetter(*_ALIKE)


class _Statement(Struct, frozen=True):
    sql: str
    columns: list[_Getter]
    others: list[str]
    """The parameters after the columns, by name."""
    once: int
    """The first so many columns are one value for all tasks."""


@cache
def _statement(shape: _Shape) -> _Statement:
    present = [n for n, (need, _, _) in _COLUMNS.items() if not need or getattr(shape, need)]
    absent = [n for n in _COLUMNS if n not in present]
    once = [n for n in present if shape.single or (shape.alike and n in _ALIKE)]
    each = [n for n in present if n not in once]
    values = [f":{n}::{_COLUMNS[n][1]} as {n}" for n in once]
    values += [f"null::{_COLUMNS[n][1]} as {n}" for n in absent]
    if each:
        arrays = ", ".join(f":{n}::{_COLUMNS[n][1]}[]" for n in each)
        source = f"select {', '.join([*values, 'i.*'])} from unnest({arrays}) as i ({', '.join(each)})"  # noqa: S608  # names of our own
    else:
        source = f"select {', '.join(values)}"
    pieces = [f"input as ({source})"]
    if shape.batch:
        pieces.append(Q.text("insert_batch_lock_to_reopen" if shape.reopens else "insert_batch_lock"))
    task = Q.text("insert_task")
    for name in ("project", "batch", "key"):
        condition = Q.text(f"insert_{name}_condition") if getattr(shape, name) else ""
        task = task.replace(f"/* {name} */", condition)
    pieces.append(task)
    pieces.append(Q.text("insert_answer" if shape.test else "insert_job"))
    if shape.batch:
        if shape.reopens:
            pieces.append(Q.text("insert_reopen"))
        if shape.test:  # its tasks are done as soon as they are there
            pieces.append(Q.text("insert_settle"))
    if shape.key:
        pieces.append(Q.text("insert_key"))
    if shape.files:
        pieces.append(Q.text("insert_result_file"))
    if shape.dependents:
        pieces.append(Q.text("insert_dependent"))
        if shape.test:
            pieces.append(Q.text("insert_dependent_job"))
    scopes = ["('b', ins.batch_id)"] if shape.batch else []
    if shape.project:
        scopes.append("('p', ins.project_id)")
    scopes.append("('s', '')")
    count = Q.text("insert_count_of_one" if shape.single else "insert_count")
    pieces.append(count.replace("/* scopes */", ", ".join(scopes)))
    body = ",\n".join(pieces)
    for name, kind in (
        ("space_id", "bigint"),
        ("member_id", "bigint"),
        ("shard", "smallint"),
        ("actor", "text"),
        ("queue", "text"),
    ):
        body = body.replace(f":{name}::{kind}", f":{name}").replace(f":{name}", f":{name}::{kind}")
    sql, names = numbered(f"with {body}\nselect id from ins")
    columns = [*once, *each]
    assert list(names[: len(columns)]) == columns
    return _Statement(sql, [_COLUMNS[n][2] for n in columns], list(names[len(columns) :]), len(once))


async def insert_tasks(
    ctx: Ctx, on: Executor, actor: Actor, tasks: list[NewTask], *, bulk: bool = False
) -> set[str]:
    """Inserts tasks of one space; returns the ids that were created. The others lost a unique_id or key, or their project or batch moved on.

    What comes in `bulk` is prepared beside single creates, which never wait for it.
    Raises ConstraintBroken when an idempotency key, or the unique_id of a dependent, is taken at the same moment: nothing of the
    statement remains.
    """
    files = [(t.id, f) for t in tasks for f in t.result_files]
    declared = [(t.id, d) for t in tasks for d in t.dependents]
    statement = _statement(
        _Shape(
            test=actor.is_test,
            project=any(t.project_id is not None for t in tasks),
            batch=any(t.batch_id is not None for t in tasks),
            reopens=any(t.reopens for t in tasks),
            key=any(t.key is not None for t in tasks),
            files=bool(files),
            dependents=bool(declared),
            single=len(tasks) == 1,
            alike=len(tasks) > 1 and len(set(map(_in_common, tasks))) == 1,
        )
    )
    others: dict[str, Any] = {
        "space_id": actor.space_id,
        "shard": ctx.shard,
        "actor": actor.email,
        "member_id": actor.member_id,
        "kept": KEPT,
        "queue": PREPARE_BULK_QUEUE if bulk else PREPARE_TASK_QUEUE,
    }
    if files:
        others |= {
            "file_task_ids": [task_id for task_id, _ in files],
            "file_ids": [f.id for _, f in files],
            "file_tokens": [f.token for _, f in files],
            "file_names": [f.name for _, f in files],
            "file_sha256s": [f.sha256 for _, f in files],
            "file_types": [f.content_type for _, f in files],
        }
    if declared:
        others |= {
            "dependent_roots": [task_id for task_id, _ in declared],
            "dependent_ordinals": [d.ordinal for _, d in declared],
            "dependent_types": [d.type for _, d in declared],
            "dependent_waits": [d.waits_for_audit for _, d in declared],
            "dependent_bodies": [d.body.decode() for _, d in declared],
            "dependent_unique_ids": [d.unique_id for _, d in declared],
        }
    first, once = tasks[0], statement.once
    columns: list[Any] = [value(first) for value in statement.columns[:once]]
    columns += [list(map(value, tasks)) for value in statement.columns[once:]]
    rows = await on.fetch(statement.sql, *columns, *(others[n] for n in statement.others))
    return {r[0] for r in rows}
