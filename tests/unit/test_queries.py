"""Every query of the package prepared against the real schema: names, parameters and columns agree with what Python expects."""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest

import steelyard
from steelyard.ctx import Actor, Ctx
from steelyard.db.sqlfile import ALL_QUERIES, Column, Exec, Value
from steelyard.tasks import TaskFilter, insert, list_tasks
from steelyard.tasks.list import encode_token

for _module in pkgutil.walk_packages(steelyard.__path__, "steelyard."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)

_KINDS = {
    str: {"text", "varchar", "name", "json", "char"},
    int: {"int2", "int4", "int8"},
    bool: {"bool"},
    float: {"float4", "float8", "numeric"},
    bytes: {"bytea"},
    datetime: {"timestamptz"},
}


@pytest.fixture
async def connection(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection that sees what the pool's connections see."""
    opened = await asyncpg.connect(dsn, server_settings={"search_path": "steelyard"})
    yield opened
    await opened.close()


def _accepts(wanted: Any, given: str) -> bool:
    """Whether a column of the PostgreSQL type `given` decodes to the Python type `wanted`; what is no plain type is not judged."""
    info = msgspec.inspect.type_info(wanted)
    options = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    plain = {
        msgspec.inspect.StrType: str,
        msgspec.inspect.IntType: int,
        msgspec.inspect.BoolType: bool,
        msgspec.inspect.FloatType: float,
        msgspec.inspect.BytesType: bytes,
        msgspec.inspect.DateTimeType: datetime,
    }
    known = [plain[type(o)] for o in options if type(o) in plain]
    return not known or any(given in _KINDS[k] for k in known)


async def test_every_query_prepares_and_its_columns_are_the_fields_of_its_struct(
    connection: asyncpg.Connection,
) -> None:
    assert len(ALL_QUERIES) > 50
    wrong: list[str] = []
    for name, query in ALL_QUERIES.items():
        try:
            prepared = await connection.prepare(query.sql)
        except asyncpg.PostgresError as e:
            wrong.append(f"{name}: {e}")
            continue
        columns = prepared.get_attributes()
        if len(prepared.get_parameters()) != len(query.params):
            wrong.append(f"{name}: takes {query.params}, PostgreSQL sees {prepared.get_parameters()}")
        if isinstance(query, Exec):
            continue
        if isinstance(query, Value | Column):
            if len(columns) != 1 or not _accepts(query.row, columns[0].type.name):
                wrong.append(f"{name}: {columns} for {query.row}")
            continue
        fields = msgspec.structs.fields(query.row)
        if [c.name for c in columns] != [f.name for f in fields]:
            wrong.append(f"{name}: columns {[c.name for c in columns]}, fields {[f.name for f in fields]}")
            continue
        wrong += [
            f"{name}.{f.name}: {c.type.name} for {f.type}"
            for c, f in zip(columns, fields, strict=True)
            if not _accepts(f.type, c.type.name)
        ]
    assert not wrong, "\n".join(wrong)


async def test_every_variant_of_the_creating_statement_prepares(connection: asyncpg.Connection) -> None:
    switches = list(inspect.signature(insert._Shape).parameters)
    every = [
        insert._Shape(*chosen)
        for chosen in itertools.product((False, True), repeat=len(switches))
        if not {"single", "alike"}
        <= (on := set(itertools.compress(switches, chosen)))  # one task is not like others
        and ("batch" in on or "reopens" not in on)
    ]
    seen: set[str] = set()
    for shape in every:
        sql = insert._statement(shape).sql
        prepared = await connection.prepare(sql)
        assert [a.name for a in prepared.get_attributes()] == ["id"]
        seen.add(sql)
    assert len(seen) == len(every)


_WHEN = datetime(2021, 4, 25, tzinfo=UTC)
_FILTERS: list[dict[str, Any]] = [
    {"type": "imageannotation"},
    {"status": ["pending"]},
    {"status": ["pending", "error"]},
    {"customer_review_status": ["pending"]},
    {"customer_review_status": ["accepted", "pending"]},
    {"unique_id": ["a", "b,c"]},
    {"tags": ["x"]},
    {"created_after": _WHEN, "created_before": _WHEN},
    {"completed_after": _WHEN},
    {"completed_before": _WHEN},
    {"updated_after": _WHEN, "updated_before": _WHEN},
    {"project": "p"},
    {"batch": "b"},
]
_PAGING: list[dict[str, Any]] = [
    {},
    {"offset": 3},
    {"token": encode_token("6" * 24), "limit": 7},
    {"limited_response": True},
    {"include_attachment_url": True},
    {"include_attachment_url": True, "limited_response": True, "offset": 1},
]


async def test_every_combination_of_two_filters_and_a_way_of_paging_is_a_statement_that_runs(
    ctx: Ctx, live_actor: Actor
) -> None:
    await ctx.db.execute(
        "insert into project (space_id, id, name, type, kind, created_at, updated_at)"
        " values ($1, $2, 'p', 'imageannotation', 'standard', now(), now())",
        live_actor.space_id,
        "a" * 24,
    )
    await ctx.db.execute(
        "insert into batch (space_id, id, project_id, name, status, created_at, updated_at)"
        " values ($1, $2, $3, 'b', 'in_progress', now(), now())",
        live_actor.space_id,
        "b" * 24,
        "a" * 24,
    )
    combined = [{}, *_FILTERS, *(a | b for a, b in itertools.combinations(_FILTERS, 2))]
    everything: dict[str, Any] = {}
    for one in _FILTERS:
        everything |= one
    combined.append(everything)
    for number, filters in enumerate(combined):
        ways = _PAGING if len(filters) <= 1 else [_PAGING[number % len(_PAGING)]]
        for paging in ways:
            page = msgspec.json.decode(
                await list_tasks(ctx, live_actor, TaskFilter(**{"limit": 5, **filters, **paging}))
            )
            assert page["docs"] == []
            assert page["total"] == 0
