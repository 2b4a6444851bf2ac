"""Receivers that are real servers, and builders of the rows that the worker works on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue
from steelyard.jobs.specs import SendCallback

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A real HTTP server on a free local port that answers everything by `handler`; yields its base URL."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@dataclass
class Receiver:
    """Takes callbacks and remembers them; `status` is what it answers, `delay_s` how slowly."""

    status: int = 200
    delay_s: float = 0.0
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.got.append((request.path, dict(request.headers), await request.read()))
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return web.Response(status=self.status, text="thanks")


async def make_space(
    ctx: Ctx, *, mode: str = "live", name: str = "acme", default_url: str | None = None
) -> int:
    """An account with one space; its id."""
    account = await ctx.db.fetchval(
        "insert into account (name) values ($1) on conflict (name) do update set name = excluded.name returning id",
        name,
    )
    return await ctx.db.fetchval(
        "insert into space (account_id, mode, callback_auth_key, default_callback_url) values ($1, $2, $3, $4) returning id",
        account,
        mode,
        f"auth-{mode}-{name}",
        default_url,
    )


async def make_task(
    ctx: Ctx,
    space_id: int,
    *,
    params: str = "{}",
    type: str = "imageannotation",
    stage: str = "preparing",
    status: str = "pending",
    callback_url: str | None = None,
    batch_id: str | None = None,
    response: str | None = None,
) -> str:
    """A task row with its counters; its id."""
    task_id = ctx.ids.mint(ctx.clock.now())
    await ctx.db.execute(
        """
        insert into task (space_id, id, type, status, stage, head, params, metadata, callback_url, batch_id, response, created_at,
          updated_at, completed_at)
        values ($1, $2, $3, $4, $5, '"task_id":"' || $2 || '"', $6::text::json, '{}', $7, $8, $9::text::json, steelyard.now(),
          steelyard.now(), case when $4 = 'completed' then steelyard.now() end)
        """,
        space_id,
        task_id,
        type,
        status,
        stage,
        params,
        callback_url,
        batch_id,
        response,
    )
    return task_id


async def make_event(
    ctx: Ctx,
    space_id: int,
    target: str,
    *,
    task_id: str | None = None,
    payload: str = '{"n": 1}',
    job: bool = True,
) -> int:
    """A pending callback event with its job; its id."""
    event_id = await ctx.db.fetchval(
        """
        insert into callback_event (space_id, task_id, kind, target, payload, created_at)
        values ($1, $2, 'completed', $3, $4::text::json, steelyard.now()) returning id
        """,
        space_id,
        task_id,
        target,
        payload,
    )
    if job:
        await enqueue(ctx.db, "send_callback", SendCallback(event_id), queue="callbacks")
    return event_id


async def shift(ctx: Ctx, seconds: float) -> None:
    """Moves the database's time forward, as seen from everything that waits."""
    await ctx.db.execute("update clock_offset set by = by + make_interval(secs => $1)", float(seconds))


async def rows(ctx: Ctx, sql: str, *args: Any) -> list[dict[str, Any]]:
    """A query's rows as dicts."""
    return [dict(r) for r in await ctx.db.fetch(sql, *args)]
