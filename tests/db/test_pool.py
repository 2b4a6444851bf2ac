"""The pool when connections die under it."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

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


async def test_connections_that_died_while_nobody_used_them_fail_no_statement_and_no_transaction(
    dsn: str,
) -> None:
    """The server's goodbye has arrived, the end of the connection has not: it waits in a proxy."""
    where = urlsplit(dsn)
    said_goodbye: list[asyncio.Event] = []
    holding = True

    async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = asyncio.Event()
        said_goodbye.append(ended)
        if folder := parse_qs(where.query).get("host"):
            up_reader, up_writer = await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.5432")
        else:
            up_reader, up_writer = await asyncio.open_connection(where.hostname, where.port)

        async def up() -> None:
            while data := await reader.read(65_536):
                up_writer.write(data)
            up_writer.close()

        sending = asyncio.create_task(up())
        while data := await up_reader.read(65_536):
            writer.write(data)
        ended.set()
        if holding:
            await sending  # until the pool gives it up
        writer.close()

    proxy = await asyncio.start_server(through, "127.0.0.1", 0)
    people, port = where.netloc.rpartition("@")[0], proxy.sockets[0].getsockname()[1]
    through_proxy = where._replace(netloc=f"{people}@127.0.0.1:{port}", query="").geturl()
    async with proxy, asyncio.timeout(20):
        db = await Database.open(through_proxy, size=3)
        try:
            for use in ("statements", "transactions"):
                holding = True
                await asyncio.gather(*(db.fetchval("select pg_sleep(0.02)") for _ in range(3)))
                begun = said_goodbye[:]
                await _end_all(dsn)
                await asyncio.gather(*(e.wait() for e in begun))
                holding = False
                if use == "statements":
                    assert await asyncio.gather(*(db.fetchval("select 1") for _ in range(12))) == [1] * 12
                else:
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
