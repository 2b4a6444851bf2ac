"""Receivers that misbehave and a worker that is killed again and again: every event is delivered or a dead letter, in order per task."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import socket
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
from aiohttp import web

from steelyard.ctx import Ctx
from steelyard.settings import Settings

from .helpers import make_space, rows, serving, shift

THOROUGH = bool(os.environ.get("STEELYARD_FUZZ") or os.environ.get("BENCH"))
EVENTS = 20_000 if THOROUGH else 240
PER_TASK = 4
HANG_S = 12.0

_EVENTS = """
with made as (
  insert into callback_event (space_id, task_id, kind, target, payload, created_at)
  select $1, lpad(to_hex(case when (n / $4) % 20 = 0 then 1000000 + n else n / $4 end), 24, '0'), 'completed', case when (n / $4) % 20 = 0 then $3 else $2 end,
    json_build_object('n', n), steelyard.now()
  from generate_series(0, $5::int - 1) n
  order by n
  returning id)
insert into job (queue, kind, args, run_at)
select 'callbacks', 'send_callback', json_build_object('event_id', id), steelyard.now() from made order by random()
"""


_OPEN = "select count(*) from callback_event where state = 'pending' and target <> $1"
_DUE = (
    "select count(*) from job where queue = 'callbacks' and run_at <= steelyard.now() + interval '35 seconds'"
)


class Moody:
    """Answers one in five with 500, now and then redirects, closes the connection, or hangs."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.accepted: dict[int, float] = {}
        self.tries = 0
        self.moods: dict[str, int] = defaultdict(int)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.tries += 1
        n = (await request.json())["n"]
        draw = self.rng.random()
        if draw < 0.20:
            mood = "failing"
        elif draw < 0.22:
            mood = "redirecting"
        elif draw < 0.24:
            mood = "closing"
        elif draw < 0.245:
            mood = "hanging"
        else:
            mood = "good"
        self.moods[mood] += 1
        if mood == "failing":
            return web.Response(status=500)
        if mood == "redirecting":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        if mood == "closing":
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if mood == "hanging":
            await asyncio.sleep(HANG_S)
        elif n not in self.accepted:
            self.accepted[n] = time.monotonic()
        return web.Response(status=200)


def _start(dsn: str, folder: Path) -> asyncio.Task[asyncio.subprocess.Process]:
    settings = Settings(
        data_dir=folder, database_url=dsn, allow_networks=("127.0.0.0/8",), log_level="error", db_pool_size=6
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("STEELYARD_")} | settings.to_env()
    return asyncio.ensure_future(
        asyncio.create_subprocess_exec(sys.executable, "-m", "steelyard", "worker", env=env)
    )


@pytest.mark.fault
async def test_every_event_is_delivered_or_a_dead_letter_and_none_out_of_order(
    ctx: Ctx, dsn: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("STEELYARD_TEST_SEED") or secrets.randbits(32))
    print(f"seed {seed}")
    space, receiver, kills = await make_space(ctx), Moody(random.Random(seed)), 0
    with socket.create_server(("127.0.0.1", 0)) as probe:
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}/"
    async with serving(receiver) as url:
        await ctx.db.execute(_EVENTS, space, url + "/", closed, PER_TASK, EVENTS)
        worker = await _start(dsn, tmp_path)
        began = time.monotonic()
        try:
            async with asyncio.timeout(1800 if THOROUGH else 300):
                while await ctx.db.fetchval(_OPEN, closed):
                    seen = receiver.tries
                    for _ in range(
                        100
                    ):  # until it is in the middle of its work, or has to wait for time to pass
                        await asyncio.sleep(0.1)
                        if receiver.tries - seen >= EVENTS // 6:
                            break
                        if not await ctx.db.fetchval(_DUE):
                            break
                    worker.send_signal(signal.SIGKILL)
                    await worker.wait()
                    kills += 1
                    await shift(ctx, 1200)  # leases of the dead and pauses between tries
                    worker = await _start(dsn, tmp_path)
                while await ctx.db.fetchval("select count(*) from callback_event where state = 'pending'"):
                    await shift(ctx, 4.1 * 3600)
                    await asyncio.sleep(0.8)
        finally:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()
    print(f"{receiver.tries} tries, {kills} kills, {dict(receiver.moods)}, {time.monotonic() - began:.0f} s")
    assert kills >= 3
    states = await rows(
        ctx,
        "select state, target = $1 as closed, count(*)::int as n from callback_event group by 1, 2",
        closed,
    )
    dead = EVENTS // PER_TASK // 20 * PER_TASK
    assert sorted((r["state"], r["closed"], r["n"]) for r in states) == [
        ("delivered", False, EVENTS - dead),
        ("failed", True, dead),
    ]
    numbers = [n for n in range(EVENTS) if (n // PER_TASK) % 20]
    assert sorted(receiver.accepted) == numbers, "delivered means that the receiver said so"
    for n in numbers:
        if n % PER_TASK:
            assert receiver.accepted[n - 1] <= receiver.accepted[n], (
                f"event {n} overtook its predecessor (seed {seed})"
            )
    unexplained = await ctx.db.fetchval(
        """
        select count(*) from callback_event e
        where e.state = 'delivered' and not exists (
            select from callback_attempt a where a.event_id = e.id and a.status_code = 200)
          or e.state = 'failed' and (select count(*) from callback_attempt a where a.event_id = e.id) < 21
        """
    )
    assert unexplained == 0
    assert await ctx.db.fetchval("select count(*) from job where queue = 'callbacks'") == 0
