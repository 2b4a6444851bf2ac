"""`python -m tests.bench`: measures and prints; `bench-results.json` gets the same figures.

BENCH_TASKS    tasks stored in the large database (1,000,000; about 1 minute and 3 GB a million)
BENCH_QUICK=1  100,000 instead and short rounds: two minutes, coarse figures
BENCH_DIR      where the database lies while measuring (the temporary folder)
BENCH_ONLY     comma-separated: types, figures, claims, creates, gets, lists, free, growth, callbacks, bulk, export, upload
BENCH_OUT      where the figures go (bench-results.json)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from pathlib import Path

import asyncpg

from steelyard.db.embedded import with_embedded
from tests.bench import bare, cases, claims, figures, moving, types, uploads
from tests.bench.load import HINT, have_wrk
from tests.bench.report import Report
from tests.bench.seed import seed
from tests.bench.stack import bare_servers, first_account, new_database, steelyard_servers

QUICK = bool(os.environ.get("BENCH_QUICK"))
TASKS = int(os.environ.get("BENCH_TASKS") or (100_000 if QUICK else 1_000_000))
FEW = 10_000
ONLY = set(filter(None, os.environ.get("BENCH_ONLY", "").split(",")))
OUT = Path(os.environ.get("BENCH_OUT") or "bench-results.json")


def say(line: str) -> None:
    """Progress."""
    print(line, flush=True)


async def main() -> None:
    """One run."""
    report = Report(
        {"tasks": TASKS, "few": FEW, "generator": "wrk" if have_wrk() else "python", "quick": QUICK}
    )
    if _wanted("types"):
        types.measure(report, 3 if QUICK else types.ROUNDS)
    if _only("types"):  # needs no database
        report.write(OUT)
        say(f"\nWritten to {OUT}")
        return
    if not have_wrk():
        say(HINT)
    effort = cases.Effort(2, 2, 2, 3) if QUICK else cases.Effort()
    with tempfile.TemporaryDirectory(prefix="steelyard-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        root = Path(folder)
        root.chmod(0o755)  # as root, PostgreSQL runs as another user
        async with (
            with_embedded(root / "database", durable=True) as dsn,
            contextlib.AsyncExitStack() as stack,
        ):
            if _wanted("figures"):
                database = await new_database(dsn, "bench_figures")
                await figures.measure(report, database, root / "figures", TASKS)
            if _only("figures"):
                report.write(OUT)
                return
            if _wanted("upload"):
                await uploads.measure(
                    report, dsn, root / "upload", uploads.SIZE // 8 if QUICK else uploads.SIZE
                )
            if _only("upload"):
                report.write(OUT)
                say(f"\nWritten to {OUT}")
                return
            if _wanted("claims"):
                rounds, seconds = (3, 5.0) if QUICK else (5, 8.0)
                await claims.claims(report, dsn, root, FEW, TASKS, rounds, seconds)
            if _only("claims"):
                report.write(OUT)
                say(f"\nWritten to {OUT}")
                return
            stored: list[cases.Stored] = []
            for name, tasks in (("few", FEW), ("many", TASKS)):
                say(f"Storing {tasks:,} tasks")
                database = await new_database(dsn, f"bench_{name}")
                key = await first_account(database, root / name)
                await seed(database, tasks, say)
                servers = await stack.enter_async_context(steelyard_servers(database, root / name, key))
                stored.append(cases.Stored(name, tasks, database, servers))
            few, many = stored
            await _bare_tables(few.dsn)
            await _bare_tables(many.dsn)
            if _wanted("gets"):
                async with bare_servers(many.dsn, "same") as same, bare_servers(many.dsn, "ready") as ready:
                    await cases.gets(report, effort, many, same.target, ready.target)
            if _wanted("lists"):
                await cases.lists(report, effort, few, many)
            if _wanted("free"):
                await cases.free_totals(report, few, many)
            if _wanted("growth"):
                await cases.growth(report, effort, few, many)
            if _wanted("creates"):
                await cases.creates(report, effort, few)
            mover = moving.MovingEffort(5_000, 10_000, 5, 10_000, 2) if QUICK else moving.MovingEffort()
            if _wanted("bulk"):
                await moving.bulk(report, mover, few.dsn, few.servers)
            if _wanted("export"):
                await moving.export(report, many.servers, many.tasks)
            if _wanted("callbacks"):
                await moving.callbacks(report, mover, few.dsn, root / "worker")
            report.write(OUT)
            say(f"\nWritten to {OUT}")


def _wanted(name: str) -> bool:
    return not ONLY or name in ONLY


def _only(name: str) -> bool:
    return len(ONLY) == 1 and name in ONLY


async def _bare_tables(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(bare.TABLES)
        await connection.execute(bare.FILL)
    finally:
        await connection.close()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(130)
