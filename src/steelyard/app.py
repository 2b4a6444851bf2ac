"""The composition root: the only place where a process's parts are constructed."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from steelyard import files, people, users
from steelyard.cpu import CpuPool
from steelyard.ctx import Ctx
from steelyard.db.pool import Database
from steelyard.http.asgi import App
from steelyard.http.surface import all_routes
from steelyard.net import guard
from steelyard.settings import Settings
from steelyard.storage import open_storage
from steelyard.tasks.batcher import IN_FLIGHT, Batcher


def secret_key(settings: Settings) -> bytes:
    """32 bytes that sign links and encrypt secrets; made on the first run and kept with mode 0600 unless the operator sets it."""
    if settings.secret_key is not None:
        return hashlib.sha256(settings.secret_key.encode()).digest()
    path = settings.secret_key_file
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    if not path.exists():
        fd = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(fd, "w") as f:
            f.write(os.urandom(32).hex() + "\n")
            f.flush()
            os.fsync(f.fileno())
        try:
            os.link(fresh, path)  # the first of several starting processes wins
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return bytes.fromhex(path.read_text().strip())


def public_url(settings: Settings) -> str:
    """The base of the URLs we hand out."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme = "https" if settings.tls_cert else "http"
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


async def build_ctx(settings: Settings) -> Ctx:
    """Opens the parts of a process. `settings.database_url` must be set (the supervisor does that for the embedded database)."""
    if settings.database_url is None:
        raise RuntimeError("database_url is not set; the supervisor sets it for the embedded database")
    db = await Database.open(settings.database_url, size=settings.db_pool_size)
    ctx = Ctx(
        db=db,
        settings=settings,
        store=open_storage(settings),
        cpu=CpuPool(2, settings.processing_memory_bytes),
        public_url=public_url(settings),
        secret_key=secret_key(settings),
        shard=settings.shard,
    )
    # One plan for any number of rows: otherwise the creating statement, for which planning is half the work, is planned each time.
    create_db = await Database.open(
        settings.database_url, size=IN_FLIGHT, lock_timeout_ms=250, plan_cache_mode="force_generic_plan"
    )
    ctx.state["create_db"] = create_db
    ctx.state["batcher"] = Batcher(ctx, create_db)
    # Lines of an import wait for nobody's tiles.
    ctx.state["lines_pool"] = CpuPool(1, settings.processing_memory_bytes)
    return ctx


async def close_ctx(ctx: Ctx) -> None:
    """Closes what build_ctx opened, after what is in flight."""
    await guard.close(ctx)
    await ctx.state["create_db"].close()
    await ctx.db.close()
    for pool in (ctx.cpu, ctx.state["lines_pool"]):
        await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)


@asynccontextmanager
async def open_ctx(settings: Settings) -> AsyncGenerator[Ctx]:
    """A Ctx for the length of a block: commands and tests."""
    ctx = await build_ctx(settings)
    try:
        yield ctx
    finally:
        await close_ctx(ctx)


def create_app(settings: Settings) -> App:
    """The ASGI application; it opens its Ctx when the server starts it."""

    async def open_it() -> Ctx:
        ctx = await build_ctx(settings)
        ctx.state["tidying"] = asyncio.create_task(files.tidy_host(ctx))
        return ctx

    async def close_it(ctx: Ctx) -> None:
        ctx.state["tidying"].cancel()
        await close_ctx(ctx)

    return App(all_routes(), open_it, close_it, settings.max_body_bytes)


async def run_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Does jobs until `stop` is set, then finishes those begun."""
    from steelyard.jobs import worker

    async with open_ctx(settings) as ctx:
        await worker.run(ctx, stop)


@asynccontextmanager
async def _starting(settings: Settings, dsn: str) -> AsyncGenerator[Ctx]:
    """A small Ctx for what is done before the servers start."""
    db = await Database.open(dsn, size=1)
    try:
        yield Ctx(
            db=db,
            settings=settings,
            store=open_storage(settings),
            cpu=CpuPool(1, settings.processing_memory_bytes),
            public_url=public_url(settings),
            secret_key=secret_key(settings),
        )
    finally:
        await db.close()


async def first_run(
    settings: Settings, dsn: str, keep: Callable[[users.FirstRun], None]
) -> users.FirstRun | None:
    """Creates the first account, admin and keys on an empty installation; None when there is one already. `keep` is called with the
    secrets before they become valid."""
    async with _starting(settings, dsn) as ctx:
        return await users.bootstrap(ctx, keep)


async def setup_token(settings: Settings, dsn: str) -> str | None:
    """The secret by which the first admin of an empty installation is created in the browser; None when there is an account."""
    async with _starting(settings, dsn) as ctx:
        return await people.new_setup_token(ctx) if await people.needs_setup(ctx) else None
