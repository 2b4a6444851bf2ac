"""Callbacks, bulk creation and export: rates of one worker or server process, on a database of their own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp
import asyncpg
import msgspec
from msgspec import Struct

from steelyard.ops.supervisor import Child
from steelyard.settings import Settings
from tests.bench.body import example_body
from tests.bench.report import Report, Row
from tests.bench.stack import Servers

_EVENTS = """
with target as (select id from steelyard.space where mode = 'live' order by id limit 1),
made as (
  insert into steelyard.callback_event (space_id, task_id, kind, target, payload, created_at)
  select t.id, substr(md5(n::text || $1), 1, 24), 'completed', $1, $2::text::json, clock_timestamp()
  from target t, generate_series(1, $3::int) n
  returning id)
insert into steelyard.job (queue, kind, args, run_at)
select 'callbacks', 'send_callback', json_build_object('event_id', id), now() from made
"""


class MovingEffort(Struct, frozen=True):
    """How much to move."""

    events: int = 30_000
    dead: int = 10_000
    seconds: float = 10
    lines: int = 40_000
    rounds: int = 3


@asynccontextmanager
async def receiver(log: Path) -> AsyncGenerator[str]:
    """Counts what arrives, in a process of its own; its address. `log` gets a line of `n` and time for every body that has an n."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as sock:
        sock.set_inheritable(True)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.moving", str(sock.fileno()), str(log)),
            pass_fds=[sock.fileno()],
        )
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}/"
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def worker(dsn: str, folder: Path) -> AsyncGenerator[Child]:
    """One worker process."""
    settings = Settings(
        data_dir=folder, database_url=dsn, allow_networks=("127.0.0.0/8",), drain_seconds=1, log_level="error"
    )
    child = Child("worker", ["worker"], settings.to_env())
    child.start()
    try:
        yield child
    finally:
        child.signal(15)
        while child.ended() is None:
            await asyncio.sleep(0.05)


async def _pending(db: Any) -> int:
    return await db.fetchval("select count(*) from steelyard.callback_event where state = 'pending'")


async def callbacks(report: Report, effort: MovingEffort, dsn: str, folder: Path) -> None:
    """Delivery to a receiver that answers at once; then beside 10,000 events for a host that accepts and says nothing."""
    report.heading("Callbacks (one worker process; receiver, worker and database share the machine)")
    payload = msgspec.json.encode({"task_id": "x", "task": msgspec.json.decode(example_body())}).decode()
    db = await asyncpg.connect(dsn)
    folder.mkdir(exist_ok=True)
    async with receiver(folder / "arrivals") as url:
        rates: list[float] = []
        async with worker(dsn, folder):
            await db.execute(_EVENTS, url, payload, 500)
            while await _pending(db):
                await asyncio.sleep(0.05)
            for n in range(effort.rounds):
                await db.execute(_EVENTS, f"{url}{n}", payload, effort.events)
                await db.execute("analyze steelyard.job; analyze steelyard.callback_event")
                began = time.monotonic()
                while await _pending(db):
                    await asyncio.sleep(0.05)
                rates.append(effort.events / (time.monotonic() - began))
        report.add(
            Row(
                case="callbacks delivered, 1.5 kB",
                value=median(rates),
                unit="per s",
                target=3000,
                bound="at least",
                judged="value",
                rounds=rates,
            )
        )
        with socket.create_server(("127.0.0.1", 0), backlog=4096) as silent:
            dead = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            await db.execute(_EVENTS, dead, payload, effort.dead)
            async with worker(dsn, folder):
                delays = await _beside(db, url, folder / "arrivals", effort.seconds)
        ordered = sorted(delays)
        report.add(
            Row(
                case=f"first try p95 beside {effort.dead:,} for a silent host",
                value=quantiles(ordered, n=20)[-1],
                unit="s",
                target=2,
                bound="at most",
                judged="value",
                rounds=[ordered[0], median(ordered), ordered[-1]],
            )
        )
    await db.execute("delete from steelyard.job; delete from steelyard.callback_event")
    await db.close()


async def _beside(db: Any, url: str, arrivals: Path, seconds: float) -> list[float]:
    """How long 20 events a second take from being written to arriving, once the worker has seen what was queued before."""
    for _ in range(600):
        due = await db.fetchval(
            "select count(*) from steelyard.job where queue = 'callbacks' and run_at <= steelyard.now()"
        )
        if due < 1000:
            break
        await asyncio.sleep(0.1)
    sent: dict[int, float] = {}
    began = time.time()
    n = 0
    while time.time() < began + seconds:
        n += 1
        sent[n] = time.time()
        await db.execute(_EVENTS, f"{url}late/{n}", f'{{"n":{n}}}', 1)
        await asyncio.sleep(max(0.0, began + n / 20 - time.time()))
    for _ in range(600):
        lines = arrivals.read_text().split("\n")[:-1] if arrivals.exists() else []
        if len(lines) >= n:
            break
        await asyncio.sleep(0.1)
    arrived = {int(line.split()[0]): float(line.split()[1]) for line in reversed(lines)}
    return [arrived.get(k, time.time()) - at for k, at in sent.items()]


_PICTURE = b"000000118342.jpg"  # every task has one of its own
_COPY = """
create table if not exists steelyard.copied (like steelyard.bare_task);
create table steelyard.copied_task (like steelyard.task including all);
create table steelyard.copied_job (like steelyard.job including all);
"""
_MADE = {
    "task": "select t.* from steelyard.task t where t.unique_id like 'r{round}-%'",
    "job": """select j.* from steelyard.job j join steelyard.task t on t.id = j.args ->> 'task_id'
      where j.kind = 'prepare_task' and t.unique_id like 'r{round}-%'""",
}
"""What a round made, as COPY can write it again."""


async def bulk(report: Report, effort: MovingEffort, dsn: str, servers: Servers) -> None:
    """NDJSON into one server process, beside COPY, 1,000 rows each: of the values sent, into a table without indexes, and of the very rows
    that were made, into tables with all that ours have."""
    report.heading(f"Bulk creation ({effort.rounds} rounds of {effort.lines:,} lines, alternating)")
    db = await asyncpg.connect(dsn)
    await db.execute(_COPY)
    copied: list[float] = []
    same: list[float] = []
    created: list[float] = []
    headers = {"Authorization": servers.target.auth or ""}
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{servers.target.port}", headers=headers, timeout=aiohttp.ClientTimeout(total=None)
    ) as http:
        for round_ in range(effort.rounds):
            copied.append(await _copy(db, effort.lines))
            line = example_body(type="imageannotation") + b"\n"

            async def body(line: bytes = line, run: int = round_) -> Any:
                for n in range(0, effort.lines, 200):
                    yield b"".join(
                        line.replace(b"@ID@", b"r%d-%d" % (run, k)).replace(_PICTURE, b"%012d.jpg" % k)
                        for k in range(n, n + 200)
                    )

            began = time.monotonic()
            async with http.post("/api/tasks/bulk", data=body()) as answer:
                said = await answer.read()
            took = time.monotonic() - began
            tally = msgspec.json.decode(said[said.rstrip().rfind(b"\n") + 1 :])
            assert tally["created"] == effort.lines, tally
            created.append(effort.lines / took)
            same.append(await _copy_made(db, round_, effort.lines))
    report.add(
        Row(case="COPY of the values sent, no index", value=median(copied), unit="rows/s", rounds=copied)
    )
    report.add(
        Row(case="COPY of the rows made, tables as ours", value=median(same), unit="tasks/s", rounds=same)
    )
    report.add(
        Row(
            case="bulk creation of 1.5 kB tasks",
            value=median(created),
            unit="per s",
            of="COPY, no index",
            ratio=median(created) / median(copied),
            target=0.25,
            bound="at least",
            rounds=created,
        )
    )
    report.add(
        Row(
            case="bulk creation of 1.5 kB tasks",
            value=median(created),
            unit="per s",
            of="COPY, same rows",
            ratio=median(created) / median(same),
            target=0.25,
            bound="at least",
            rounds=created,
        )
    )
    await db.execute("drop table steelyard.copied, steelyard.copied_task, steelyard.copied_job")
    await db.close()


async def _copy(db: Any, rows: int) -> float:
    sent = msgspec.json.decode(example_body())
    metadata, tags = msgspec.json.encode(sent.pop("metadata")).decode(), sent.pop("tags")
    callback, _ = sent.pop("callback_url"), sent.pop("unique_id")
    params = msgspec.json.encode(sent).decode()
    at = await db.fetchval("select now()")
    began = time.monotonic()
    for n in range(0, rows, 1000):
        await db.copy_records_to_table(
            "copied",
            schema_name="steelyard",
            records=[
                (1, f"{n + k:024x}", "imageannotation", params, metadata, f"c-{n + k}", tags, callback, at)
                for k in range(1000)
            ],
        )
    return rows / (time.monotonic() - began)


async def _copy_made(db: Any, round_: int, rows: int) -> float:
    """COPY of what bulk creation has just made: tasks and jobs, all columns, all indexes; nobody counts, checks or answers anything."""
    took = 0.0
    await db.execute("analyze steelyard.task; analyze steelyard.job")  # or the join below may take minutes
    for table, made in _MADE.items():
        out = io.BytesIO()
        await db.copy_from_query(made.format(round=round_), output=out)
        lines = out.getvalue().splitlines(keepends=True)
        assert len(lines) == rows, (table, len(lines))
        pieces = [b"".join(lines[n : n + 1000]) for n in range(0, rows, 1000)]
        began = time.monotonic()
        for piece in pieces:
            await db.copy_to_table(f"copied_{table}", schema_name="steelyard", source=io.BytesIO(piece))
        took += time.monotonic() - began
        await db.execute(f"truncate steelyard.copied_{table}")
    return rows / took


async def export(report: Report, servers: Servers, stored: int) -> None:
    """All tasks of the measured account by one request; memory of the process that serves it."""
    report.heading("Export")
    before = max(servers.private_mib())
    highest, stop = before, asyncio.Event()

    async def watch() -> None:
        nonlocal highest
        while not stop.is_set():
            highest = max(highest, *servers.private_mib())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await stop.wait()

    watching = asyncio.create_task(watch())
    headers = {"Authorization": servers.target.auth or ""}
    lines = size = 0
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{servers.target.port}", headers=headers, timeout=aiohttp.ClientTimeout(total=None)
    ) as http:
        began = time.monotonic()
        async with http.get("/api/export") as answer:
            async for piece in answer.content.iter_any():
                lines += piece.count(b"\n")
                size += len(piece)
        took = time.monotonic() - began
    stop.set()
    await watching
    report.add(
        Row(
            case=f"export of {lines:,} tasks (of {stored:,}), {size / lines:,.0f} bytes each",
            value=lines / took,
            unit="per s",
            target=20_000,
            bound="at least",
            judged="value",
        )
    )
    report.add(
        Row(
            case="memory of the server process at most",
            value=highest,
            unit="MiB",
            target=300,
            bound="at most",
            judged="value",
            rounds=[before, highest],
        )
    )


def receive(fd: int, log: str) -> None:
    """The receiver's process: answers 200 to whatever has a Content-Length."""
    import uvloop

    out = Path(log).open("a", buffering=1)  # noqa: SIM115
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    class Http(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self._transport, self._data = transport, bytearray()

        def data_received(self, data: bytes) -> None:
            self._data += data
            while (end := self._data.find(b"\r\n\r\n")) >= 0:
                head = bytes(self._data[:end]).lower()
                at = head.find(b"content-length:")
                length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
                if len(self._data) < end + 4 + length:
                    return
                body = bytes(self._data[end + 4 : end + 4 + length])
                del self._data[: end + 4 + length]
                if body.startswith(b'{"n":'):
                    out.write(f"{int(body[5:-1])} {time.time()}\n")
                self._transport.write(reply)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Http, sock=socket.socket(fileno=fd), backlog=1024)
        await server.serve_forever()

    uvloop.run(main())


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    with contextlib.suppress(KeyboardInterrupt):
        receive(int(sys.argv[1]), sys.argv[2])
