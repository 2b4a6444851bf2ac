"""Batch completion under concurrency (platform-api §17.4)."""

from __future__ import annotations

import asyncio
import json

import pytest

from steelyard.batches.settle import settle_batch
from steelyard.ctx import Ctx
from steelyard.jobs.specs import SettleBatch
from steelyard.jobs.worker import drain
from steelyard.tasks import complete_task

from .helpers import Receiver, make_space, make_task, rows, serving


async def make_batch(
    ctx: Ctx, space: int, *, status: str = "in_progress", callback: str = "", name: str = "cows"
) -> str:
    project, batch = ctx.ids.mint(ctx.clock.now()), ctx.ids.mint(ctx.clock.now())
    await ctx.db.execute(
        """
        insert into project (space_id, id, name, type, kind, created_at, updated_at)
        values ($1, $2, $2, 'imageannotation', 'standard', steelyard.now(), steelyard.now())
        """,
        space,
        project,
    )
    await ctx.db.execute(
        """
        insert into batch (space_id, id, project_id, name, status, callback, created_at, updated_at, completed_at)
        values ($1, $2, $3, $4, $5, $6, steelyard.now(), steelyard.now(), case when $5 = 'completed' then steelyard.now() end)
        """,
        space,
        batch,
        project,
        name,
        status,
        callback,
    )
    return batch


async def count(ctx: Ctx, space: int, batch: str, status: str, n: int, shard: int = 0) -> None:
    await ctx.db.execute(
        """
        insert into task_count values ($1, 'b', $2, 'imageannotation', $3, $4, $5)
        on conflict (space_id, scope, scope_id, type, status, shard) do update set n = task_count.n + excluded.n
        """,
        space,
        batch,
        status,
        shard,
        n,
    )


async def test_a_batch_completes_when_nothing_is_pending_and_its_owner_is_told_once(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver()
    async with serving(receiver) as url:
        batch = await make_batch(ctx, space, callback=url + "/batch", name='cows "week 1"')
        await count(ctx, space, batch, "completed", 41)
        await count(ctx, space, batch, "canceled", 2)
        await count(ctx, space, batch, "pending", 7, shard=0)
        await count(ctx, space, batch, "pending", -7, shard=1)
        for _ in range(3):
            await settle_batch(ctx, SettleBatch(space, batch))
        await drain(ctx)
    [(path, headers, body)] = receiver.got
    assert (path, headers["scale-callback-auth"]) == ("/batch", "auth-live-acme")
    assert json.loads(body) == {
        "batch": 'cows "week 1"',
        "status": "completed",
        "stats": {"completed": 41, "canceled": 2},
    }
    [row] = await rows(ctx, "select status, completed_at from batch")
    assert row["status"] == "completed"
    assert row["completed_at"] is not None


@pytest.mark.parametrize("status", ["staging", "paused", "cancelled"])
async def test_other_batches_are_left_alone(ctx: Ctx, status: str) -> None:
    space = await make_space(ctx)
    batch = await make_batch(ctx, space, status=status, callback="http://127.0.0.1:9/")
    await count(ctx, space, batch, "completed", 1)
    await settle_batch(ctx, SettleBatch(space, batch))
    assert await ctx.db.fetchval("select status from batch") == status
    assert await ctx.db.fetchval("select count(*) from callback_event") == 0


@pytest.mark.parametrize("counts", [{}, {"pending": 1, "completed": 5}])
async def test_an_empty_or_unfinished_batch_stays_in_progress(ctx: Ctx, counts: dict[str, int]) -> None:
    space = await make_space(ctx)
    batch = await make_batch(ctx, space)
    for status, n in counts.items():
        await count(ctx, space, batch, status, n)
    await settle_batch(ctx, SettleBatch(space, batch))
    assert await ctx.db.fetchval("select status from batch") == "in_progress"


async def test_a_batch_with_new_tasks_reopens_and_tells_again_when_it_completes_again(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver()
    async with serving(receiver) as url:
        batch = await make_batch(ctx, space, status="completed", callback=url)
        await count(ctx, space, batch, "completed", 1)
        await count(ctx, space, batch, "pending", 1)
        await settle_batch(ctx, SettleBatch(space, batch))
        assert await rows(ctx, "select status, completed_at from batch") == [
            {"status": "in_progress", "completed_at": None}
        ]
        await count(ctx, space, batch, "pending", -1)
        await count(ctx, space, batch, "completed", 1)
        await settle_batch(ctx, SettleBatch(space, batch))
        await drain(ctx)
    assert [json.loads(body)["stats"] for _, _, body in receiver.got] == [{"completed": 2}]


async def test_simultaneous_last_completions_give_one_batch_callback_with_right_counts(ctx: Ctx) -> None:
    space, receiver, n = await make_space(ctx), Receiver(), 200
    async with serving(receiver) as url:
        batch = await make_batch(ctx, space, callback=url)
        tasks = [await make_task(ctx, space, stage="queued", batch_id=batch) for _ in range(n)]
        await count(ctx, space, batch, "pending", n)

        async def complete(task: str) -> None:
            async with ctx.db.tx() as tx:
                assert await complete_task(
                    ctx, tx, space, task, b'{"annotations":[]}', origin="labeled", author="me"
                )

        settling = asyncio.Event()

        async def settle_all_the_time() -> None:
            while not settling.is_set():
                await drain(ctx)
                await asyncio.sleep(0)

        settler = asyncio.create_task(settle_all_the_time())
        await asyncio.gather(*(complete(t) for t in tasks))
        settling.set()
        await settler
        await drain(ctx)
    assert [json.loads(body) for _, _, body in receiver.got] == [
        {"batch": "cows", "status": "completed", "stats": {"completed": n}}
    ]
    assert await ctx.db.fetchval("select status from batch") == "completed"


async def test_a_batch_that_is_gone_or_in_another_space_is_no_error(ctx: Ctx) -> None:
    live, test = await make_space(ctx), await make_space(ctx, mode="test")
    batch = await make_batch(ctx, live)
    await count(ctx, test, batch, "completed", 1)
    await settle_batch(ctx, SettleBatch(test, batch))
    await settle_batch(ctx, SettleBatch(live, "0" * 24))
    assert await ctx.db.fetchval("select status from batch") == "in_progress"
