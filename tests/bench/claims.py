"""Claiming by a hundred contributors at once, with many pending tasks and with few, while an import creates at full speed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from pathlib import Path
from statistics import median, quantiles

import aiohttp
import asyncpg
from msgspec import Struct

from steelyard import users
from steelyard.app import open_ctx
from steelyard.settings import Settings
from tests.bench.body import example_body
from tests.bench.load import Figures, load
from tests.bench.report import Report, Row
from tests.bench.stack import Servers, first_account, new_database, steelyard_servers

PEOPLE, PROJECTS = 100, 50
CREATORS = 16

_SEED = """
with made as (
  insert into project (space_id, id, name, type, kind, version, created_at, updated_at)
  select $1, lpad(to_hex(p), 24, '0'), 'project ' || p, 'imageannotation', 'standard', 0, steelyard.now(), steelyard.now()
  from generate_series(1, $2::int) p
  returning space_id, id
)
insert into project_version (space_id, project_id, version, params, created_at)
select space_id, id, 0, '{}', steelyard.now() from made
"""
_TASKS = """
insert into task (space_id, id, type, project_id, status, stage, priority, head, params, metadata, created_at, updated_at)
select $1, '650000000' || lpad(to_hex(n), 15, '0'), 'imageannotation', lpad(to_hex(1 + n % $2::int), 24, '0'), 'pending', 'queued',
  10 + n % 21, '"task_id":"x"', $4::json, '{}', steelyard.now(), steelyard.now()
from generate_series(1, $3::int) n
"""
_SLOTS = """
insert into slot (space_id, task_id, project_id, priority)
select space_id, id, project_id, priority from task order by id
"""
_COUNTS = """
insert into task_count (space_id, scope, scope_id, type, status, shard, n)
select space_id, 's', '', type, status, 0, count(*) from task group by space_id, type, status
union all
select space_id, 'p', project_id, type, status, 0, count(*) from task group by space_id, project_id, type, status
"""
_PARAMS = '{"attachment_type":"image","attachment":"https://images.example.com/1.jpg","geometries":{"box":{"objects_to_annotate":["car"]}}}'
_ANSWER = {
    "response": {
        "annotations": [
            {"type": "box", "label": "car", "left": 0, "top": 0, "width": 40, "height": 30, "uuid": "a"}
        ]
    }
}


class Crowded(Struct):
    """A database with pending tasks, the servers on it, and the keys of its contributors."""

    pending: int
    dsn: str
    servers: Servers
    keys: list[str]


class Claimed(Struct):
    """One round: latencies of claims in ms, how many each contributor got, and the import beside them."""

    taken_ms: list[float]
    by_person: Counter[int]
    created: Figures

    @property
    def p99(self) -> float:
        return quantiles(self.taken_ms, n=100)[98]


async def prepare(
    dsn: str, folder: Path, name: str, pending: int, stack: contextlib.AsyncExitStack
) -> Crowded:
    """Stores so many pending tasks in 50 projects, and makes 100 labelers who are assigned to all of them."""
    database = await new_database(dsn, f"claims_{name}")
    folder.mkdir(parents=True, exist_ok=True)
    key = await first_account(database, folder)
    connection = await asyncpg.connect(
        database, server_settings={"search_path": "steelyard", "synchronous_commit": "off"}, timeout=60
    )
    space = await connection.fetchval("select min(id) from space where mode = 'live'")
    await connection.execute(_SEED, space, PROJECTS)
    await connection.execute(_TASKS, space, PROJECTS, pending, _PARAMS, timeout=1200)
    await connection.execute(_SLOTS, timeout=1200)
    await connection.execute(_COUNTS, timeout=1200)
    keys: list[str] = []
    async with open_ctx(Settings(data_dir=folder, database_url=database, db_pool_size=2)) as ctx:
        account = (await users.list_accounts(ctx))[0]
        for n in range(PEOPLE):
            email = f"person{n}@example.com"
            await users.create_member(ctx, account.name, email, "labeler")
            keys.append((await users.create_key(ctx, account.name, "live", member_email=email)).key)
    await connection.execute(
        "insert into assignment (space_id, member_id, project_id)"
        " select p.space_id, m.id, p.id from project p cross join member m where m.role = 'labeler'"
    )
    await connection.execute("vacuum analyze", timeout=1200)
    await connection.close()
    servers = await stack.enter_async_context(steelyard_servers(database, folder, key))
    return Crowded(pending, database, servers, keys)


async def _person(base: str, number: int, key: str, until: float, round_: Claimed) -> None:
    async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {key}"}) as session:
        while time.perf_counter() < until:
            began = time.perf_counter()
            async with session.post("/api/work/claim", json={}) as answer:
                lease = await answer.json()
                assert answer.status == 200, lease
            round_.taken_ms.append((time.perf_counter() - began) * 1000)
            assert lease["slot"] is not None, "the queue ran dry"
            round_.by_person[number] += 1
            async with session.post(f"/api/work/{lease['lease_token']}/submit", json=_ANSWER) as answer:
                assert answer.status == 200, await answer.text()


async def measure(db: Crowded, seconds: float) -> Claimed:
    """One round of claiming and submitting while tasks are created."""
    round_ = Claimed([], Counter(), Figures(0, 1, 0, 0, 0, 0, 0, 0))
    base = f"http://127.0.0.1:{db.servers.target.port}"
    creating = asyncio.create_task(
        load(
            db.servers.target,
            ["/v1/task/imageannotation"],
            clients=CREATORS,
            seconds=seconds,
            body=example_body(project="project 1"),
        )
    )
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_person(base, n, key, until, round_) for n, key in enumerate(db.keys)))
    round_.created = await creating
    return round_


async def double_leases(db: Crowded) -> int:
    """Slots that two people hold or have done."""
    connection = await asyncpg.connect(db.dsn, server_settings={"search_path": "steelyard"})
    try:
        return await connection.fetchval(
            "select count(*) from (select slot_id from attempt where state in ('open', 'submitted')"
            " group by slot_id having count(*) > 1) twice"
        )
    finally:
        await connection.close()


async def claims(
    report: Report, dsn: str, root: Path, few: int, many: int, rounds: int, seconds: float
) -> None:
    """p99 of claims with `many` pending beside `few`; no slot twice; nobody left out."""
    report.heading(
        f"Claiming by {PEOPLE} contributors at once in {PROJECTS} projects while an import creates: {many:,} and {few:,} pending"
    )
    async with contextlib.AsyncExitStack() as stack:
        dbs = {
            name: await prepare(dsn, root / f"claims-{name}", name, pending, stack)
            for name, pending in (("few", few), ("many", many))
        }
        runs: dict[str, list[Claimed]] = {name: [] for name in dbs}
        for name in dbs:
            await measure(dbs[name], min(2, seconds))  # connections, plans and caches
        for _ in range(rounds):
            for name, db in dbs.items():
                runs[name].append(await measure(db, seconds))
        p99 = {name: median(r.p99 for r in done) for name, done in runs.items()}
        ratio = median(m.p99 / f.p99 for m, f in zip(runs["many"], runs["few"], strict=True))
        of = f"with {few:,} ({p99['few']:.1f} ms)"
        report.add(Row(f"claim with {many:,} pending, p99", p99["many"], "ms", of, ratio, 1.5, "at most"))
        for name, db in dbs.items():
            everyone = [sum(r.by_person[n] for r in runs[name]) for n in range(PEOPLE)]
            rate = median(len(r.taken_ms) / seconds for r in runs[name])
            report.add(Row(f"claims and submissions with {db.pending:,} pending", rate, "/s"))
            made = median(r.created.rate for r in runs[name])
            report.add(Row(f"created beside them with {db.pending:,} pending", made, "/s"))
            least = min(everyone) / median(everyone)
            report.add(
                Row(
                    f"who got least, of the median ({db.pending:,})",
                    least,
                    "",
                    "",
                    None,
                    0.5,
                    "at least",
                    "value",
                )
            )
            twice = float(await double_leases(db))
            report.add(
                Row(f"slots leased twice ({db.pending:,})", twice, "", "", None, 0, "at most", "value")
            )
