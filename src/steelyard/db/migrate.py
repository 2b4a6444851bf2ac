"""Brings a database to this version's schema, under an advisory lock so that starting processes may all try.

An empty database gets `schema.sql` at once and every migration is noted as applied; an older one gets the missing
`migrations/*.sql` in order of their names (pre before post of one number), each in its own transaction with short lock limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import resources
from importlib.resources.abc import Traversable

import asyncpg

from steelyard.db.pool import translated

_LOCK = 0x53_54_45_45_4C  # "STEEL"


def migration_names() -> list[str]:
    """Names of the migrations shipped, in the order they are applied."""
    return sorted((f.name for f in _folder().iterdir() if f.name.endswith(".sql")), key=_order)


def _folder() -> Traversable:
    return resources.files("steelyard.db").joinpath("migrations")


def _order(name: str) -> tuple[str, int]:
    return name.split("_", 1)[0], 1 if name.endswith(".post.sql") else 0


async def migrate(dsn: str, *, progress: Callable[[str], None] = lambda _: None) -> int:
    """Applies what is missing; returns how many steps were taken (0: nothing to do). Raises Unavailable without a database."""
    with translated():
        connection = await asyncpg.connect(dsn, server_settings={"timezone": "UTC"})
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        schema = resources.files("steelyard.db").joinpath("schema.sql").read_text(encoding="utf-8")
        if await connection.fetchval("select to_regclass('steelyard.migration')") is None:
            progress("Creating the database schema")
            async with connection.transaction():
                await connection.execute(schema)
                for name in migration_names():
                    await connection.execute("insert into steelyard.migration (name) values ($1)", name)
            return 1
        done = {r[0] for r in await connection.fetch("select name from steelyard.migration")}
        missing = [n for n in migration_names() if n not in done]
        for name in missing:
            progress(f"Migration {name}")
            await _apply(connection, name)
        await connection.execute("select steelyard.ensure_partitions(3)")
        return len(missing)
    finally:
        await connection.close(timeout=5)


async def _apply(connection: asyncpg.Connection, name: str) -> None:
    sql = _folder().joinpath(name).read_text(encoding="utf-8")
    for attempt in range(10):
        try:
            async with connection.transaction():
                await connection.execute("set local lock_timeout = '4s'; set local search_path = steelyard")
                await connection.execute(sql)
                await connection.execute("insert into steelyard.migration (name) values ($1)", name)
        except asyncpg.LockNotAvailableError:
            if attempt == 9:
                raise
            await asyncio.sleep(2)
        else:
            return


async def missing_migrations(dsn: str) -> list[str]:
    """Names not applied yet; every one (and `schema.sql`) when the schema is absent."""
    with translated():
        connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval("select to_regclass('steelyard.migration')") is None:
            return ["schema.sql", *migration_names()]
        done = {r[0] for r in await connection.fetch("select name from steelyard.migration")}
        return [n for n in migration_names() if n not in done]
    finally:
        await connection.close(timeout=5)
