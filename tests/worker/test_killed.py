"""What a killed worker had begun is done by another."""

from __future__ import annotations

import asyncio
import signal
import sys

import asyncpg
import pytest

from steelyard.ctx import Ctx
from steelyard.jobs.worker import LEASE_S, drain, run

from .helpers import Receiver, make_event, make_space, make_task, rows, serving, shift

WORKER = """
import asyncio
from steelyard.app import run_worker
from steelyard.settings import Settings
asyncio.run(run_worker(Settings.from_env(), asyncio.Event()))
"""


@pytest.mark.fault
async def test_callbacks_of_a_killed_worker_are_delivered_by_the_next_one(ctx: Ctx) -> None:
    space, receiver, n = await make_space(ctx), Receiver(delay_s=30), 40
    async with serving(receiver) as url:
        tasks = [await make_task(ctx, space) for _ in range(n)]
        for number, task in enumerate(tasks):
            await make_event(ctx, space, url, task_id=task, payload=str(number))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, env=ctx.settings.to_env()
        )
        try:
            async with asyncio.timeout(20):
                while len(receiver.got) < 4:
                    await asyncio.sleep(0.05)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        receiver.delay_s = 0
        assert await ctx.db.fetchval("select count(*) from callback_attempt") == 0
        await shift(ctx, LEASE_S + 5)
        while await rows(ctx, "select id from callback_event where state = 'pending'"):
            await drain(ctx)
            await shift(ctx, 5)
    assert {body for _, _, body in receiver.got} == {str(i).encode() for i in range(n)}
    assert await ctx.db.fetchval("select count(*) from task where callback_succeeded") == n
    assert await ctx.db.fetchval("select count(*) from job where queue = 'callbacks'") == 0


@pytest.mark.fault
async def test_a_worker_survives_the_loss_of_its_database_connections(ctx: Ctx, dsn: str) -> None:
    space, receiver, n = await make_space(ctx), Receiver(delay_s=0.02), 300
    stop = asyncio.Event()
    admin = await asyncpg.connect(dsn)
    async with serving(receiver) as url:
        for number in range(n):
            await make_event(ctx, space, url, payload=str(number))
        worker = asyncio.create_task(run(ctx, stop))
        for _ in range(8):
            await asyncio.sleep(0.1)
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()"
            )
        async with asyncio.timeout(60):
            while await admin.fetchval(
                "select count(*) from steelyard.callback_event where state = 'pending'"
            ):
                await asyncio.sleep(0.2)
                # outcomes that could not be written are tried again when their leases pass
                await admin.execute("update steelyard.clock_offset set by = by + interval '5 seconds'")
        stop.set()
        await worker
    await admin.close()
    assert {body for _, _, body in receiver.got} == {str(i).encode() for i in range(n)}
