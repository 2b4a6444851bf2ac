"""Bringing a database to this version's schema."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest

from steelyard.db import migrate as module
from steelyard.db.migrate import migrate, migration_names, missing_migrations

BASELINE = Path(__file__).with_name("baseline.sql")
"""The schema before the first migration: what installations older than 0002 hold."""

_SHAPE = """
select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '')
from information_schema.columns where table_schema = 'steelyard' order by 1
"""


@pytest.fixture
async def empty(postgres: str) -> AsyncGenerator[str]:
    """The DSN of an empty database."""
    name = f"m_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres)
    await connection.execute(f"create database {name}")
    head, _, query = postgres.partition("?")
    yield head.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")
    await connection.execute(f"drop database {name} with (force)")
    await connection.close()


async def _shape(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [r[0] for r in await connection.fetch(_SHAPE)]
    finally:
        await connection.close()


async def test_an_empty_database_gets_the_whole_schema_and_a_second_run_changes_nothing(empty: str) -> None:
    assert (await missing_migrations(empty))[0] == "schema.sql"
    assert await migrate(empty) == 1
    shape = await _shape(empty)
    assert any(line.startswith("task.unique_id text") for line in shape)
    assert await migrate(empty) == 0
    assert await missing_migrations(empty) == []
    assert await _shape(empty) == shape


async def test_processes_that_start_together_migrate_once(empty: str) -> None:
    assert sorted(await asyncio.gather(*(migrate(empty) for _ in range(6)))) == [0, 0, 0, 0, 0, 1]


async def test_an_older_database_gets_what_it_lacks_in_order_and_all_or_nothing(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(empty)
    monkeypatch.setattr(module, "_folder", lambda: tmp_path)
    (tmp_path / "0002_second.pre.sql").write_text("alter table task add column second integer")
    (tmp_path / "0002_second.post.sql").write_text("alter table task drop column second")
    (tmp_path / "0003_third.pre.sql").write_text("alter table task add column third integer; select 1 / 0")
    steps: list[str] = []
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty, progress=steps.append)
    assert steps == [
        f"Migration {n}" for n in ("0002_second.pre.sql", "0002_second.post.sql", "0003_third.pre.sql")
    ]
    assert await missing_migrations(empty) == ["0003_third.pre.sql"]
    assert not any(".third " in line or ".second " in line for line in await _shape(empty))


_CATALOG = {
    "columns": """
        select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
          || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || ' ' || coalesce(a.attidentity::text, '')
          || ' ' || coalesce(l.collname, '')
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        left join pg_collation l on l.oid = a.attcollation
        where c.relnamespace = 'steelyard'::regnamespace and c.relkind in ('r', 'p', 'v')""",
    "constraints": """
        select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        from pg_constraint where connamespace = 'steelyard'::regnamespace""",
    "indexes": "select indexdef from pg_indexes where schemaname = 'steelyard'",
    "functions": """
        select pg_get_functiondef(oid) from pg_proc where pronamespace = 'steelyard'::regnamespace""",
    "options": """
        select relname || ' ' || coalesce(array_to_string(reloptions, ','), '')
        from pg_class where relnamespace = 'steelyard'::regnamespace and relkind in ('r', 'p')""",
}


async def _catalog(dsn: str) -> dict[str, list[str]]:
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "steelyard"})
    try:
        return {
            what: sorted(re.sub(r"\s+", " ", row[0]) for row in await connection.fetch(sql))
            for what, sql in _CATALOG.items()
        }
    finally:
        await connection.close()


async def test_the_schema_equals_the_baseline_with_all_migrations(empty: str, postgres: str) -> None:
    other = f"m_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(postgres)
    await connection.execute(f"create database {other}")
    head, _, query = postgres.partition("?")
    grown = head.rsplit("/", 1)[0] + "/" + other + (f"?{query}" if query else "")
    try:
        old = await asyncpg.connect(grown)
        async with old.transaction():
            await old.execute(BASELINE.read_text(encoding="utf-8"))
        await old.close()
        assert await migrate(grown) == len(migration_names())
        await migrate(empty)
        made, migrated = await _catalog(empty), await _catalog(grown)
        for what, expected in made.items():
            assert sorted(set(expected) ^ set(migrated[what])) == [], what
    finally:
        await connection.execute(f"drop database {other} with (force)")
        await connection.close()


async def test_events_of_this_and_the_coming_months_have_partitions(empty: str) -> None:
    await migrate(empty)
    connection = await asyncpg.connect(empty)
    try:
        await connection.execute(
            "insert into steelyard.task_event (space_id, task_id, at, kind) "
            "select 1, 'x', now() + make_interval(months => m), 'test' from generate_series(0, 3) m"
        )
        assert await connection.fetchval("select count(*) from steelyard.task_event_default") == 0
    finally:
        await connection.close()
