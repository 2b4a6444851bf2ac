"""The cases. Every comparison is between figures of the same run, whose rounds alternate so that a slow moment hits both sides."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any
from urllib.parse import quote

import aiohttp
import asyncpg
import msgspec
from msgspec import Struct

from tests.bench.body import example_body
from tests.bench.load import Figures, Target, load
from tests.bench.report import Report, Row
from tests.bench.stack import Servers

CREATE = ["/v1/task/imageannotation"]


class Stored(Struct):
    """A database with a past, and the servers on it."""

    name: str
    tasks: int
    dsn: str
    servers: Servers


class Effort(Struct, frozen=True):
    """How long to measure: seconds of one measurement, and rounds."""

    create_s: float = 4
    create_rounds: int = 3
    read_s: float = 2
    list_rounds: int = 5


async def bare_inserts(loop: str, dsn: str, connections: int, seconds: float) -> float:
    """Rows a second of bare.py in a process of its own, on asyncio's own event loop or on uvloop."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bare", "insert", loop, dsn, str(connections), str(seconds)),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    result = msgspec.json.decode(said)
    return result["rows"] / result["seconds"]


LOOPS = ("asyncio", "uvloop")


async def creates(report: Report, effort: Effort, db: Stored) -> None:
    """Creating by 1, 16 and 64 clients beside bare inserts over 1 and 16 connections.

    Two floors: asyncpg on asyncio's event loop, beside which the targets are judged, and on uvloop, which our own servers run on. Which of
    them the targets were meant for is not written down; on a quiet machine they came out within 6 % of each other.
    """
    report.heading(f"Creating ({effort.create_rounds} rounds, each: bare inserts, then the servers)")
    os.sync()  # what filling the databases and building left to be written would stand before the first commits
    body = example_body()
    with_project = example_body(project="project 1", batch="batch 20")
    bare: dict[tuple[str, int], list[float]] = {(loop, n): [] for n in (1, 16) for loop in LOOPS}
    made: dict[tuple[int, bool], list[Figures]] = {}
    for _ in range(effort.create_rounds):
        for connections in (16, 1):
            for loop in LOOPS:
                rate = await bare_inserts(loop, db.dsn, connections, effort.create_s)
                bare[loop, connections].append(rate)
            for clients in (16, 64) if connections == 16 else (1,):
                for batched in (False, True):
                    sent = with_project if batched else body
                    got = await load(
                        db.servers.target, CREATE, clients=clients, seconds=effort.create_s, body=sent
                    )
                    made.setdefault((clients, batched), []).append(got)
    for (loop, n), rates in bare.items():
        name = f"bare insert + commit on {loop}, {n} connection{'s' if n > 1 else ''}"
        report.add(Row(name, median(rates), "/s", rounds=rates))
    targets = {1: 0.33, 16: 0.4, 64: 0.6}
    for (clients, batched), figures in sorted(made.items()):
        rates = [f.rate for f in figures]
        connections = 1 if clients == 1 else 16
        name = f"create, {clients} client{'s' if clients > 1 else ''}" + (
            " (project and batch)" if batched else ""
        )
        for loop in LOOPS:
            # Paired: each measurement is divided by the bare inserts of its own round.
            ratio = median(rate / floor for rate, floor in zip(rates, bare[loop, connections], strict=True))
            target = targets[clients] if loop == LOOPS[0] and not batched else None
            of = f"bare on {loop} over {connections}"
            report.add(
                Row(name, median(rates), "/s", of, ratio, target, "at least" if target else "", rounds=rates)
            )
        p99s = [f.p99_ms for f in figures]
        limit = 20.0 if clients == 16 and not batched else None
        bound = "at most" if limit else ""
        report.add(Row(name + ", p99", median(p99s), "ms", "", None, limit, bound, "value", p99s))
    memory = db.servers.private_mib()
    report.add(
        Row(
            "private memory of a server process", max(memory), "MiB", "", None, 60, "at most", "value", memory
        )
    )


async def gets(report: Report, effort: Effort, db: Stored, same: Target, ready: Target) -> None:
    """Reading one task, and a page, beside the bare handlers."""
    report.heading("Reading, beside bare ASGI handlers on the same HTTP server")
    connection = await asyncpg.connect(db.dsn)
    try:
        rows = await connection.fetch("select id from bare_document where id <> 'page'")
    finally:
        await connection.close()
    ids = [r[0] for r in rows]
    figures = await _rounds(
        effort.create_rounds,
        {
            "same": lambda: load(same, ["/" + i for i in ids], clients=16, seconds=effort.read_s),
            "ready": lambda: load(ready, ["/" + i for i in ids], clients=16, seconds=effort.read_s),
            "get": lambda: load(
                db.servers.target, ["/v1/task/" + i for i in ids], clients=16, seconds=effort.read_s
            ),
            "page of bytes": lambda: load(ready, ["/page"], clients=8, seconds=effort.read_s),
            "page": lambda: load(db.servers.target, ["/v1/tasks"], clients=8, seconds=effort.read_s),
        },
    )
    rate = {name: median(f.rate for f in runs) for name, runs in figures.items()}
    report.add(Row("bare: the same select, 16 clients", rate["same"], "/s"))
    report.add(Row("bare: select of bytes stored ready, 16 clients", rate["ready"], "/s"))
    report.add(
        Row(
            "get by id, 16 clients",
            rate["get"],
            "/s",
            "bare, same select",
            _paired(figures, "get", "same"),
            0.65,
            "at least",
        )
    )
    report.add(
        Row(
            "get by id, 16 clients",
            rate["get"],
            "/s",
            "bare, bytes stored ready",
            _paired(figures, "get", "ready"),
        )
    )
    p99 = median(f.p99_ms for f in figures["get"])
    report.add(Row("get by id, 16 clients, p99", p99, "ms"))
    report.add(Row("bare: a page's bytes stored ready, 8 clients", rate["page of bytes"], "/s"))
    ratio = _paired(figures, "page", "page of bytes")
    report.add(
        Row("page of 100 unfiltered, 8 clients", rate["page"], "pages/s", "bare, bytes stored ready", ratio, 800, "at least", "value")
    )  # fmt: skip
    ratio = _paired(figures, "page", "same")
    report.add(
        Row("page of 100 unfiltered, 8 clients", rate["page"], "pages/s", "bare get, same select", ratio)
    )
    memory = db.servers.private_mib()
    report.add(
        Row(
            "private memory of a server process", max(memory), "MiB", "", None, 60, "at most", "value", memory
        )
    )


FILTERS = {
    "unfiltered": "",
    "project and status": "project=project 1&status=completed",
    "batch": "batch=batch 1",
    "type": "type=textcollection",
}


async def lists(report: Report, effort: Effort, small: Stored, large: Stored) -> None:
    """p99 of pages with many tasks stored and with few, first and half-way page; four clients."""
    report.heading(
        f"Pages of 100 with exact total: p99 with {large.tasks:,} tasks stored and with {small.tasks:,} ({effort.list_rounds} rounds)"
    )
    runs: dict[str, Callable[[], Awaitable[Figures]]] = {}
    for name, query in FILTERS.items():
        for db in (small, large):
            half = await _half_way(db, query)
            for where, path in (("first", _path(query)), ("half-way", half)):
                runs[f"{name}, {where} page|{db.name}"] = _load(db.servers.target, path, effort.read_s / 2)
    figures = await _rounds(effort.list_rounds, runs)
    for name in FILTERS:
        for where in ("first", "half-way"):
            case = f"{name}, {where} page"
            few = median(f.p99_ms for f in figures[f"{case}|{small.name}"])
            many = median(f.p99_ms for f in figures[f"{case}|{large.name}"])
            report.add(
                Row(case + ", p99", many, "ms", f"with few ({few:.2f} ms)", many / few, 1.5, "at most")
            )


FREE = {
    "tag": "tags=route-3",
    "a day of 120": "created_after={from}&created_before={to}",
    "review status": "customer_review_status=rejected",
    "review pending": "customer_review_status=pending",
    "unique_id": "unique_id=stored-{n}",
}


async def free_totals(report: Report, small: Stored, large: Stored) -> None:
    """What an exact total costs where no counter knows it: one client, the median of five requests."""
    report.heading("Pages whose total is counted (one request at a time)")
    for name, query in FREE.items():
        for db in (small, large):
            filled = query.format(**await _examples(db))
            page, total = await _one(db.servers.target, _path(filled))
            taken = sorted([page] + [(await _one(db.servers.target, _path(filled)))[0] for _ in range(4)])
            report.add(Row(f"{name}: {total:,} of {db.tasks:,} match", taken[2] * 1000, "ms"))


async def growth(report: Report, effort: Effort, small: Stored, large: Stored) -> None:
    """Creating with many stored beside creating with few."""
    report.heading("Creating with a past (16 clients)")
    body = example_body(project="project 1", batch="batch 20")
    figures = await _rounds(
        effort.create_rounds,
        {
            db.name: _load(db.servers.target, CREATE[0], effort.create_s, clients=16, body=body)
            for db in (small, large)
        },
    )
    few, many = figures[small.name], figures[large.name]
    ratio = median(f.rate / m.rate for f, m in zip(few, many, strict=True))
    rate = median(m.rate for m in many)
    of = f"time with {small.tasks:,}"
    rounds = [m.rate for m in many]
    report.add(
        Row(f"create with {large.tasks:,} stored", rate, "/s", of, ratio, 1.2, "at most", rounds=rounds)
    )
    report.add(
        Row(
            f"create with {small.tasks:,} stored",
            median(f.rate for f in few),
            "/s",
            rounds=[f.rate for f in few],
        )
    )


def _load(
    target: Target, path: str, seconds: float, clients: int = 4, body: bytes | None = None
) -> Callable[[], Awaitable[Figures]]:
    return lambda: load(target, [path], clients=clients, seconds=seconds, body=body)


async def _rounds(rounds: int, runs: dict[str, Callable[[], Awaitable[Figures]]]) -> dict[str, list[Figures]]:
    """Each measurement once a round."""
    figures: dict[str, list[Figures]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            figures[name].append(await run())
    return figures


def _paired(figures: dict[str, list[Figures]], name: str, of: str) -> float:
    return median(a.rate / b.rate for a, b in zip(figures[name], figures[of], strict=True))


def _path(query: str, **more: str) -> str:
    parts = [p for p in query.split("&") if p] + [f"{k}={v}" for k, v in more.items()]
    return "/v1/tasks" + ("?" + "&".join(quote(p, safe="=:,") for p in parts) if parts else "")


async def _one(target: Target, path: str) -> tuple[float, int]:
    """Seconds and total of one page."""
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(headers={"Authorization": target.auth or ""}) as session:
        began = loop.time()
        async with session.get(f"http://127.0.0.1:{target.port}{path}") as answer:
            raw = await answer.read()
            assert answer.status == 200, raw
        return loop.time() - began, msgspec.json.decode(raw)["total"]


async def _half_way(db: Stored, query: str) -> str:
    """The path of the page in the middle: its token is that of the task in the middle."""
    from steelyard.tasks.list import encode_token

    _, total = await _one(db.servers.target, _path(query))
    clauses, args = ["space_id = (select min(id) from steelyard.space where mode = 'live')"], list[Any]()
    for part in filter(None, query.split("&")):
        key, _, value = part.partition("=")
        args.append(value)
        if key in ("project", "batch"):
            clauses.append(
                f"{key}_id = (select x.id from steelyard.{key} x where x.space_id = task.space_id and x.name = ${len(args)})"
            )
        else:
            clauses.append(f"{key} = ${len(args)}")
    connection = await asyncpg.connect(db.dsn)
    try:
        middle = await connection.fetchval(
            f"select id from steelyard.task where {' and '.join(clauses)} order by id desc offset {total // 2} limit 1",
            *args,
        )
    finally:
        await connection.close()
    return _path(query, next_token=encode_token(middle))


async def _examples(db: Stored) -> dict[str, str]:
    connection = await asyncpg.connect(db.dsn)
    try:
        row = await connection.fetchrow(
            "select created_at, unique_id from steelyard.task where space_id = (select min(id) from steelyard.space where mode = 'live') "
            "order by id offset 500 limit 1"
        )
        day = await connection.fetchval("select $1::timestamptz + interval '60 days'", row["created_at"])
        end = await connection.fetchval("select $1::timestamptz + interval '61 days'", row["created_at"])
    finally:
        await connection.close()
    return {
        "from": day.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "to": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "n": row["unique_id"].removeprefix("stored-"),
    }
