"""The pool when connections die under it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from steelyard.db.pool import Database
from steelyard.errors import InvalidRequest, SteelyardError, Unavailable


async def _end_all(dsn: str) -> None:
    admin = await asyncpg.connect(dsn)
    await admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()"
    )
    await admin.close()


async def test_a_pool_that_loses_its_connections_again_and_again_keeps_its_size(dsn: str) -> None:
    db = await Database.open(dsn, size=3)
    try:
        for _ in range(5):
            async with asyncio.timeout(20):
                await asyncio.gather(*(db.fetchval("select pg_sleep(0.01)") for _ in range(12)))
                await _end_all(dsn)
                answered = 0
                while answered < 12:
                    got = await asyncio.gather(
                        *(db.fetchval("select 1") for _ in range(12)), return_exceptions=True
                    )
                    assert all(g == 1 or isinstance(g, Unavailable) for g in got), got
                    answered = got.count(1)
    finally:
        await db.close()


async def test_connections_that_die_in_use_are_replaced(dsn: str) -> None:
    db = await Database.open(dsn, size=2)
    try:
        for _ in range(4):
            async with asyncio.timeout(20):
                running = [asyncio.create_task(db.fetchval("select pg_sleep(30)")) for _ in range(5)]

                async def in_transaction() -> None:
                    async with db.tx() as tx:
                        await tx.fetchval("select pg_sleep(30)")

                running.append(asyncio.create_task(in_transaction()))
                while not all(t.done() for t in running):
                    await asyncio.sleep(0.05)
                    await _end_all(dsn)
                assert [repr(e) for t in running if not isinstance(e := t.exception(), Unavailable)] == []
        # until the end of the last ones has arrived: before, one use more fails with 503
        await asyncio.sleep(0.3)
        async with asyncio.timeout(20):
            assert await db.fetchval("select 1") == 1
            async with db.tx() as tx:
                assert await tx.fetchval("select 2") == 2
    finally:
        await db.close()


async def test_what_the_driver_cannot_send_is_the_clients_mistake_and_a_wrong_type_ours(dsn: str) -> None:
    db = await Database.open(dsn, size=1)
    try:
        for value in (2**31, -(2**40)):
            with pytest.raises(InvalidRequest):
                await db.fetchval("select $1::int", value)
        with pytest.raises(InvalidRequest):
            await db.fetchval("select $1::text", "\ud800")
        with pytest.raises(InvalidRequest):
            await db.fetchval("select $1::text", "\x00")
        with pytest.raises(asyncpg.DataError) as mistake:
            await db.fetchval("select $1::int", "one")
        assert not isinstance(mistake.value, SteelyardError)
    finally:
        await db.close()
