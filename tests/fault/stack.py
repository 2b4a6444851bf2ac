"""A whole installation as it runs in earnest (supervisor, durable PostgreSQL, two servers, a worker), to be killed piece by piece."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from aiohttp import web

from steelyard.db.embedded import running_dsn

_ENV = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}


def _png() -> bytes:
    """A black picture of 100 x 100 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)
    content = zlib.compress(bytes(301 * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


_PICTURE = _png()


class Receiver:
    """A customer's host: takes callbacks at /cb…, has a picture at /picture.png and nothing else."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.delay_s = 0.0
        self.url = ""

    def times(self, key: str) -> Counter[str]:
        """How often each value of a payload's key has come."""
        return Counter(payload[key] for payload in self.got if key in payload)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/picture.png":
            return web.Response(body=_PICTURE, content_type="image/png")
        if not request.path.startswith("/cb"):
            return web.Response(status=404)
        self.got.append(json.loads(await request.read()))
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        return web.Response(text="thanks")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Receiver]:
        """Serves on a free local port."""
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{tail:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()


class Stack:
    """`steelyard up` on a folder. `start`, `kill`, `stop`; everything it prints goes to a file."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        self.url = self.live_key = self.test_key = ""
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    async def start(self, **env: str) -> None:
        """Starts it and waits until it answers."""
        self.starts += 1
        mark = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "steelyard",
                    "up",
                    "--port",
                    "0",
                    "--data-dir",
                    str(self.folder),
                    "--workers",
                    "2",
                ],
                env={
                    **_ENV,
                    "STEELYARD_ALLOW_NETWORKS": "127.0.0.0/8",
                    "STEELYARD_ATTACHMENT_RETRY_SECONDS": "0.2",
                    **env,
                },
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        async with asyncio.timeout(120):
            while "Ctrl-C stops it" not in (said := self.log.read_text()[mark:]):
                assert self._process.poll() is None, said
                await asyncio.sleep(0.05)
        found = re.search(r"running at (\S+)", said)
        assert found, said
        self.url = found[1]
        for name, pattern in (("live_key", r"Live key +(\S+)"), ("test_key", r"Test key +(\S+)")):
            if key := re.search(pattern, said):
                setattr(self, name, key[1])

    async def dsn(self) -> str:
        """The database's address; waits until it answers."""
        async with asyncio.timeout(60):
            while (dsn := await running_dsn(self.folder)) is None:
                await asyncio.sleep(0.05)
        return dsn

    def pids(self, what: str) -> list[int]:
        """Process ids of the `server`s, the `worker` or the `postgres`."""
        assert self._process is not None
        if what == "postgres":
            with suppress(OSError, ValueError, IndexError):
                pid = int((self.folder / "pg18/data/postmaster.pid").read_text().split("\n", 1)[0])
                return [pid] if _alive(pid) else []
            return []
        word = {"server": b"serve", "worker": b"worker"}[what]
        found: list[int] = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError, IndexError, ValueError):
                pid = int(entry.name)
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                if word in arguments and str(self._process.pid).encode() in arguments and _alive(pid):
                    found.append(pid)
        return found

    async def kill(self, what: str, pick: int = 0) -> None:
        """SIGKILL to one process; returns at once."""
        async with asyncio.timeout(60):
            while not (pids := self.pids(what)):
                await asyncio.sleep(0.02)
        os.kill(sorted(pids)[pick % len(pids)], signal.SIGKILL)

    async def whole(self) -> None:
        """Waits until every part runs and the database answers."""
        async with asyncio.timeout(90):
            while len(self.pids("server")) < 2 or not self.pids("worker"):
                await asyncio.sleep(0.05)
        await self.dsn()

    def tell(self, number: int) -> None:
        """A signal to the supervisor."""
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self, seconds: float = 90) -> int:
        """The supervisor's exit code, once it ended."""
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while (code := self._process.poll()) is None:
            assert time.monotonic() < deadline, self.log.read_text()[-4000:]
            await asyncio.sleep(0.05)
        return code

    async def stop(self) -> None:
        """Ends whatever runs."""
        if self._process is not None and self._process.poll() is None:
            self.tell(signal.SIGTERM)
            try:
                await self.ended()
            finally:
                self._process.kill()
                self._process.wait()

    def session(self, key: str, **more: Any) -> aiohttp.ClientSession:
        """A client."""
        return aiohttp.ClientSession(
            self.url,
            headers={"Authorization": f"Bearer {key}"},
            connector=aiohttp.TCPConnector(limit=0, **more),
            timeout=aiohttp.ClientTimeout(total=25),
        )


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@asynccontextmanager
async def connected(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the test's own to the stack's database."""
    connection = await asyncpg.connect(await stack.dsn(), server_settings={"search_path": "steelyard"})
    try:
        yield connection
    finally:
        await connection.close()


async def settle(stack: Stack, seconds: float = 90, *, killed: bool = False) -> None:
    """Waits until no job is left to do. What a killed worker held is due when its lease ends; with `killed` we do not wait for that."""
    async with asyncio.timeout(seconds), connected(stack) as db:
        while True:
            left = await db.fetch(
                "select kind, last_error, failed_at from job where kind in ('prepare_task', 'send_callback', 'settle_batch')"
            )
            assert not [r for r in left if r["failed_at"]], left
            if not left:
                return
            await asyncio.sleep(0.5)
            if killed:
                await db.execute(
                    "update job set run_at = steelyard.now()"
                    " where kind in ('prepare_task', 'send_callback', 'settle_batch') and run_at > steelyard.now()"
                )


async def assert_counters_are_exact(db: asyncpg.Connection) -> None:
    """The counters equal a recount of the tasks, in every scope."""
    counted = await db.fetch(
        "select space_id, scope, scope_id, type, status, sum(n)::bigint as n from task_count"
        " group by space_id, scope, scope_id, type, status having sum(n) <> 0"
    )
    real = await db.fetch(
        "select t.space_id, s.scope, s.scope_id, t.type, t.status, count(*) as n from task t"
        " cross join lateral (values ('s', ''), ('p', t.project_id), ('b', t.batch_id)) as s (scope, scope_id)"
        " where s.scope_id is not null group by t.space_id, s.scope, s.scope_id, t.type, t.status"
    )
    assert {tuple(r) for r in counted} == {tuple(r) for r in real}


async def assert_keys_point_at_tasks(db: asyncpg.Connection) -> None:
    """Every stored success names a task that is there."""
    stray = await db.fetch(
        "select k.key from idempotency_key k where k.status = 200 and not exists (select 1 from task t"
        " where t.space_id = k.space_id and t.id = convert_from(k.body, 'UTF8')::json->>'task_id')"
    )
    assert not stray
