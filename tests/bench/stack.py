"""The installation under test: server processes as `steelyard up` starts them, on databases of the embedded PostgreSQL."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import sys
import urllib.request
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec

from steelyard import users
from steelyard.app import open_ctx
from steelyard.db.migrate import migrate
from steelyard.ops.listening import listen
from steelyard.ops.supervisor import Child
from steelyard.settings import Settings
from tests.bench.load import Target

PROCESSES = 2
Say = Callable[[str], None]


class Servers:
    """Server processes behind one listening socket."""

    def __init__(self, target: Target, children: Sequence[Child]):
        self.target = target
        self._children = children

    def private_mib(self) -> list[float]:
        """Memory that belongs to each process alone, MiB (USS: private clean and dirty pages)."""
        return [_private_kib(child.pid) / 1024 for child in self._children if child.pid is not None]

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        return [child.pid for child in self._children if child.pid is not None]


def _private_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def with_database(dsn: str, name: str) -> str:
    """The address of another database on the same server."""
    head, _, query = dsn.partition("?")
    return head.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")


async def new_database(dsn: str, name: str) -> str:
    """Creates and migrates a database; its address."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"create database {name}")
    finally:
        await connection.close()
    made = with_database(dsn, name)
    await migrate(made)
    return made


async def first_account(dsn: str, folder: Path) -> str:
    """Makes the first account of a database; its live API key."""
    async with open_ctx(Settings(data_dir=folder, database_url=dsn, db_pool_size=2)) as ctx:
        made = await users.bootstrap(ctx)
        assert made is not None
        return made.live_key


@asynccontextmanager
async def steelyard_servers(dsn: str, folder: Path, key: str) -> AsyncGenerator[Servers]:
    """Two server processes on a database."""
    settings = Settings(data_dir=folder, database_url=dsn, port=0, workers=PROCESSES)
    with contextlib.closing(listen(settings)) as sock:
        port = sock.getsockname()[1]
        settings = msgspec.structs.replace(settings, port=port)
        children = [
            Child(
                f"server-{n}",
                ["serve", "--listen-fd", str(sock.fileno())],
                msgspec.structs.replace(settings, shard=n).to_env(),
                keep=[sock.fileno()],
            )
            for n in range(PROCESSES)
        ]
        auth = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        async with _running(children, sock, "/healthz"):
            yield Servers(Target(port, auth), children)


@asynccontextmanager
async def bare_servers(dsn: str, which: str) -> AsyncGenerator[Servers]:
    """Two processes of the bare handler, see bare.py, with the same settings of the same HTTP server."""
    with contextlib.closing(listen(Settings(port=0))) as sock:
        children = [_BareChild(sock, dsn, which, n) for n in range(PROCESSES)]
        async with _running(children, sock, "/healthz"):
            yield Servers(Target(sock.getsockname()[1]), children)


class _BareChild(Child):
    def __init__(self, sock: socket.socket, dsn: str, which: str, number: int):
        super().__init__(f"bare-{number}", [], {}, keep=[sock.fileno()])
        self._arguments = [sys.executable, "-m", "tests.bench.bare", "serve", str(sock.fileno()), dsn, which]


@asynccontextmanager
async def _running(children: Sequence[Child], sock: socket.socket, path: str) -> AsyncGenerator[None]:
    for child in children:
        child.start()
    try:
        await asyncio.to_thread(_until_answering, sock.getsockname()[1], path)
        await asyncio.sleep(1.5)  # one answers; the others are as quick
        yield
    finally:
        for child in children:
            child.signal(15)
        while any(child.ended() is None for child in children):
            await asyncio.sleep(0.02)


def _until_answering(port: int, path: str) -> None:
    for _ in range(600):
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1),
        ):
            return
        import time

        time.sleep(0.1)
    raise TimeoutError("the server processes do not answer")
