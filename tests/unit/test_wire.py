"""The two composers of the task object (Python's for the answer of a creation, SQL's for every read) give the same bytes; pages never
skip or repeat."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.clock import wire_time
from steelyard.ctx import Actor, Ctx
from steelyard.tasks import TaskFilter, list_tasks
from steelyard.tasks.insert import insert_tasks
from steelyard.tasks.model import NewDependent, NewTask

_SETTINGS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
_ODD = st.sampled_from(
    [
        '"',
        "\\",
        "\\u0041",
        "\x01\x1f\x7f\x80",
        "\u2028\u2029",
        "</script>",
        "{,}",
        "'",
        "😀",
        "\ufeff",
        "\t\b\f\r\n",
    ]
)
_WORDS = st.lists(_TEXT | _ODD, min_size=1, max_size=3).map("".join)
_NAMES = _WORDS.filter(lambda t: 1 <= len(t.encode()) <= 1024)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=8,
)
_TIMES = st.integers(0, 4_000_000_000_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)


@st.composite
def _objects(draw: st.DrawFn) -> bytes:
    """A JSON object as some client might write it: with or without blanks and escapes."""
    value = draw(st.dictionaries(_WORDS, _VALUES, max_size=4))
    text = json.dumps(
        value,
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 1])),
        separators=draw(st.sampled_from([None, (",", ":")])),
    )
    return text.encode()


@st.composite
def _tasks(draw: st.DrawFn) -> dict[str, Any]:
    created = draw(_TIMES)
    return {
        "created_at": created,
        "completed_at": draw(st.integers(0, 10_000).map(lambda ms: created + timedelta(milliseconds=ms))),
        "params": draw(_objects()),
        "metadata": draw(_objects()),
        "response": draw(_objects()),
        "instruction": draw(_WORDS),
        "unique_id": draw(st.none() | _NAMES),
        "tags": draw(st.none() | st.lists(_NAMES, max_size=5, unique=True)),
        "callback_url": draw(st.none() | _WORDS),
        "attachment_urls": draw(st.lists(_WORDS, max_size=2)),
        "priority": draw(st.integers(10, 30)),
        "dependents": [
            NewDependent(i, name, draw(st.booleans()), draw(_objects()), None)
            for i, name in enumerate(draw(st.lists(_NAMES, max_size=2)))
        ],
    }


def _new(ctx: Ctx, drawn: dict[str, Any], *, test: bool) -> NewTask:
    values = dict(drawn)
    task_id = ctx.ids.mint(ctx.clock.now())
    members = {
        "task_id": task_id,
        "created_at": wire_time(values["created_at"]),
        "instruction": values.pop("instruction"),
        "callback_url": values["callback_url"],
    }
    if not test:
        del values["completed_at"], values["response"]
    created = wire_time(values["created_at"])
    head = msgspec.json.encode(members)[1:-1]
    return NewTask(id=task_id, type="imageannotation", created=created, head=head, **values)


@_SETTINGS
@given(drawn=_tasks())
async def test_the_answer_of_a_creation_is_byte_for_byte_what_the_database_composes(
    ctx: Ctx, live_actor: Actor, test_actor: Actor, drawn: dict[str, Any]
) -> None:
    for actor in (live_actor, test_actor):
        task = _new(ctx, drawn, test=actor.is_test)
        task.key, task.key_mark = task.id, b"m" * 32
        await ctx.db.execute("delete from task where space_id = $1", actor.space_id)
        assert await insert_tasks(ctx, ctx.db, actor, [task]) == {task.id}
        row = await ctx.db.fetchrow(
            "select steelyard.task_json(t) as doc, t.tags, t.attachment_urls, k.body, e.payload::text as payload"
            " from task t"
            " join idempotency_key k on k.space_id = t.space_id and k.key = t.id"
            " left join callback_event e on e.space_id = t.space_id and e.task_id = t.id"
            " where t.space_id = $1 and t.id = $2",
            actor.space_id,
            task.id,
        )
        assert row["doc"].encode() == task.wire()
        assert row["body"] == task.wire()
        assert row["tags"] == task.tags
        assert row["attachment_urls"] == (task.attachment_urls or None)
        read = json.loads(task.wire())
        assert read["params"] == json.loads(drawn["params"])
        assert read.get("unique_id") == drawn["unique_id"]
        if actor.is_test and drawn["callback_url"]:
            assert row["payload"].encode() == task.callback_payload()
            assert json.loads(row["payload"])["task"] == read


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    before=st.integers(0, 9),
    limit=st.integers(1, 4),
    between=st.lists(st.lists(st.sampled_from(["new", "late"]), max_size=4), max_size=12),
)
async def test_pages_neither_skip_nor_repeat_whatever_is_inserted_between_them(
    ctx: Ctx, live_actor: Actor, before: int, limit: int, between: list[list[str]]
) -> None:
    """`late`: the insert of a slower process, whose id is older than some that have been listed already."""
    await ctx.db.execute("delete from task where space_id = $1", live_actor.space_id)
    await ctx.db.execute("delete from task_count where space_id = $1", live_actor.space_id)

    async def insert(how: str) -> str:
        now = ctx.clock.now() - timedelta(seconds=0 if how == "new" else 3600)
        task_id = ctx.ids.mint(now) if how == "new" else f"{int(now.timestamp()):08x}{ctx.ids.mint(now)[8:]}"
        task = NewTask(
            id=task_id,
            type="imageannotation",
            created_at=now.replace(microsecond=0),
            created=wire_time(now.replace(microsecond=0)),
            head=b'"task_id":"%s"' % task_id.encode(),
            params=b"{}",
            metadata=b"{}",
        )
        assert await insert_tasks(ctx, ctx.db, live_actor, [task])
        return task_id

    old = [await insert("new") for _ in range(before)]
    count, seen, token = before, [], ""
    steps = iter(between)
    for _ in range(60):
        page = msgspec.json.decode(
            await list_tasks(ctx, live_actor, TaskFilter(limit=limit, token=token or None))
        )
        assert page["total"] == count
        assert len(page["docs"]) <= limit
        seen += [d["task_id"] for d in page["docs"]]
        if not page["has_more"]:
            assert "next_token" not in page
            break
        token = page["next_token"]
        for how in next(steps, []):
            await insert(how)
            count += 1
    else:
        raise AssertionError("the pages do not end")
    assert seen == sorted(set(seen), reverse=True)
    assert [s for s in seen if s in set(old)] == old[::-1]
