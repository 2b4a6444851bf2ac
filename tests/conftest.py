"""Shared fixtures: one embedded PostgreSQL per run, a database cloned from a migrated template per test, the application in-process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import hypothesis
import pytest

from steelyard import users
from steelyard.app import build_ctx, close_ctx
from steelyard.clock import ShiftedClock
from steelyard.cpu import CpuPool
from steelyard.ctx import Actor, Ctx
from steelyard.db.embedded import with_embedded
from steelyard.db.migrate import migrate
from steelyard.http.asgi import App
from steelyard.http.surface import all_routes
from steelyard.settings import Settings

# Tests start hundreds of processes: where Python is told to store no bytecode, each of them would compile every module anew (a second).
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The same examples in every run, so that a red run means a change did it; `make fuzz` and STEELYARD_TEST_RANDOM=1 draw fresh ones.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
if not (os.environ.get("STEELYARD_FUZZ") or os.environ.get("STEELYARD_TEST_RANDOM")):
    hypothesis.settings.load_profile("repeatable")


_HERE = Path(__file__).parent
# Long tests that mostly wait come first, so that others compute beside them and none of them is left alone at the end.
_ORDER = {"fault": 0, "ops": 1, "sdk": 2, "worker": 3, "browser": 4}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _ORDER.get(item.path.relative_to(_HERE).parts[0], len(_ORDER)))


def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` means: one more than there are processors, for a third of a process's time is waiting."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


@dataclass(frozen=True)
class Keys:
    """Keys of the template database: two accounts with both modes; `member` and `labeler` belong to the first."""

    live: str
    test: str
    other_live: str
    other_test: str
    manager_live: str
    labeler_live: str


@dataclass(frozen=True)
class Template:
    """The migrated database that tests clone."""

    dsn: str
    name: str
    keys: Keys


def _with_database(dsn: str, name: str) -> str:
    head, _, query = dsn.partition("?")
    return head.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")


_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 * 2**30
MEMORY_BYTES = Settings().processing_memory_bytes


def database_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run's database lies: in memory where there is room, for copying a database means making hundreds of files, which takes ten
    times as long on a disk. Tests of durability have servers of their own."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES:
        return Path(tempfile.mkdtemp(prefix="steelyard-test-", dir=_MEMORY))
    return tmp_path_factory.mktemp("pg")


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    """The DSN of the run's PostgreSQL 18."""
    folder = database_folder(tmp_path_factory)
    try:
        async with with_embedded(folder) as dsn:
            yield dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def template(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A migrated database with two accounts."""
    name = "steelyard_template"
    await _execute(postgres, f"create database {name}")
    dsn = _with_database(postgres, name)
    await migrate(dsn)
    ctx = await build_ctx(_settings(dsn, tmp_path_factory.mktemp("template")))
    try:
        first = await users.bootstrap(ctx)
        assert first is not None
        await users.create_account(ctx, "other")
        await users.create_member(ctx, "other", "boss@other.example", "admin")
        await users.create_member(ctx, "main", "manager@main.example", "manager", "correct horse battery")
        await users.create_member(ctx, "main", "labeler@main.example", "labeler", "correct horse battery")
        keys = Keys(
            first.live_key,
            first.test_key,
            (await users.create_key(ctx, "other", "live")).key,
            (await users.create_key(ctx, "other", "test")).key,
            (await users.create_key(ctx, "main", "live", member_email="manager@main.example")).key,
            (await users.create_key(ctx, "main", "live", member_email="labeler@main.example")).key,
        )
    finally:
        await close_ctx(ctx)
    return Template(postgres, name, keys)


def _settings(dsn: str, folder: Path, **more: object) -> Settings:
    return Settings(
        data_dir=folder,
        database_url=dsn,
        db_pool_size=6,
        public_url="http://steelyard.test",
        allow_networks=("127.0.0.0/8", "::1/128"),
        **more,  # pyright: ignore[reportArgumentType]
    )


@pytest.fixture
def keys(template: Template) -> Keys:
    """API keys of both accounts."""
    return template.keys


@pytest.fixture(scope="session")
async def clones(template: Template) -> AsyncGenerator[asyncio.Queue[str]]:
    """Names of fresh copies of the template. Two are made ahead, while tests run: making one takes longer than most tests."""
    ready: asyncio.Queue[str] = asyncio.Queue(2)
    connection = await asyncpg.connect(template.dsn)

    async def make() -> None:
        while True:
            name = f"t_{secrets.token_hex(6)}"
            await connection.execute(f"create database {name} template {template.name} strategy file_copy")
            await ready.put(name)

    making = asyncio.create_task(make())
    yield ready
    making.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await making
    await connection.close()


@pytest.fixture
async def dsn(template: Template, clones: asyncio.Queue[str]) -> AsyncGenerator[str]:
    """A database of the test's own."""
    name = await clones.get()
    yield _with_database(template.dsn, name)
    await _execute(template.dsn, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def pools() -> Generator[tuple[CpuPool, CpuPool]]:
    """The process pools that the tests' ctx share, for starting a process takes a second. What breaks them takes some of its own."""
    kept = CpuPool(2, MEMORY_BYTES), CpuPool(1, MEMORY_BYTES)
    yield kept
    for pool in kept:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def sharing(ctx: Ctx, pools: tuple[CpuPool, CpuPool]) -> Generator[None]:
    """Gives a ctx these process pools until the block ends; its own have no processes before their first use."""
    own = ctx.cpu, ctx.state["lines_pool"]
    ctx.cpu, ctx.state["lines_pool"] = pools
    yield
    ctx.cpu, ctx.state["lines_pool"] = own


@pytest.fixture
async def ctx(dsn: str, tmp_path: Path, pools: tuple[CpuPool, CpuPool]) -> AsyncGenerator[Ctx]:
    """A process's parts on the test's database; `ctx.clock` is a ShiftedClock."""
    built = await build_ctx(_settings(dsn, tmp_path))
    built.clock = ShiftedClock()
    with sharing(built, pools):
        yield built
    await close_ctx(built)


@pytest.fixture
async def app(ctx: Ctx) -> App:
    """The application on that ctx."""

    async def opened() -> Ctx:
        return ctx

    async def closed(_: Ctx) -> None:
        return None

    made = App(all_routes(), opened, closed, ctx.settings.max_body_bytes)
    made.ctx = ctx
    ctx.state["app"] = made
    return made


ClientFor = Callable[[str | None], httpx.AsyncClient]


@pytest.fixture
async def client_for(app: App) -> AsyncGenerator[ClientFor]:
    """Makes in-process clients that authenticate with a key (None: with nothing)."""
    made: list[httpx.AsyncClient] = []

    def make(key: str | None) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=True),
            base_url="http://steelyard.test",
            auth=None if key is None else httpx.BasicAuth(key, ""),
        )
        made.append(client)
        return client

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
def live(client_for: ClientFor, keys: Keys) -> httpx.AsyncClient:
    """A client with the first account's live key."""
    return client_for(keys.live)


@pytest.fixture
def test(client_for: ClientFor, keys: Keys) -> httpx.AsyncClient:
    """A client with the first account's test key."""
    return client_for(keys.test)


@pytest.fixture
def other(client_for: ClientFor, keys: Keys) -> httpx.AsyncClient:
    """A client with the second account's live key."""
    return client_for(keys.other_live)


async def _actor(ctx: Ctx, key: str) -> Actor:
    import hashlib

    actor = await users.actor_by_key(ctx, hashlib.sha256(key.encode()).digest())
    assert actor is not None
    return actor


@pytest.fixture
async def live_actor(ctx: Ctx, keys: Keys) -> Actor:
    """The first account's admin in live mode."""
    return await _actor(ctx, keys.live)


@pytest.fixture
async def test_actor(ctx: Ctx, keys: Keys) -> Actor:
    """The first account's admin in test mode."""
    return await _actor(ctx, keys.test)
