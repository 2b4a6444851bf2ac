"""Two hundred contributors in processes of their own, some of which are killed, as is a server: each slot is done once, whoever is late keeps
the draft, no task is stuck, and the counts add up at every moment."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from steelyard import users
from steelyard.app import open_ctx
from steelyard.settings import Settings
from tests.api.builders import image_task
from tests.fault.stack import Receiver, Stack, assert_counters_are_exact, connected

pytestmark = pytest.mark.fault

PEOPLE, PROCESSES = 200, 5
TASKS, BROKEN, CANCELED = 90, 8, 8
LEASE_S = 3.0
_COUNTED = """
select scope, scope_id, sum(n)::int as n
from task_count where scope <> 's' group by scope, scope_id
union all
select scope, scope_id, -count(*)::int
from (select 'p' as scope, project_id as scope_id from task union all select 'b', batch_id from task) t
group by scope, scope_id
"""


class Clients:
    """A process with its share of the contributors."""

    def __init__(self, url: str, keys: dict[int, str], notes: Path):
        self.url, self.keys, self.notes = url, keys, notes
        self.lives = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seed: int) -> None:
        self.lives += 1
        with self.notes.with_suffix(".err").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.fault.clients", self.url, str(seed), str(self.notes)],
                stdin=subprocess.PIPE,
                stderr=said,
            )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(self.keys).encode())
        self.process.stdin.close()

    def kill(self) -> None:
        """SIGKILL: no goodbye, whatever they hold."""
        assert self.process is not None
        assert self.process.poll() is None, self.notes.with_suffix(".err").read_text()
        self.process.kill()
        self.process.wait()


class Watch:
    """What goes on beside the contributors: time that runs faster, and a reader of the counts."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.looks = 0
        self.over = asyncio.Event()

    async def hurry(self) -> None:
        """Leases of ten minutes end after three seconds without a sign of life."""
        async with connected(self.stack) as db:
            while not self.over.is_set():
                await db.execute(
                    "update slot set lease_expires_at = steelyard.now() where done_at is null"
                    " and lease_expires_at between steelyard.now() and steelyard.now() + $1 * interval '1 second'",
                    600 - LEASE_S,
                )
                await db.execute("update slot set only_until = steelyard.now() where only_until is not null")
                await asyncio.sleep(0.3)

    async def count(self) -> None:
        """created = pending + completed + canceled + error, per project and batch, in one look each."""
        async with connected(self.stack) as db:
            while not self.over.is_set():
                sums: Counter[tuple[str, str]] = Counter()
                for row in await db.fetch(_COUNTED):
                    sums[row["scope"], row["scope_id"]] += row["n"]
                assert not [at for at, n in sums.items() if n], sums
                self.looks += 1
                await asyncio.sleep(0.05)


async def _make(stack: Stack, receiver: Receiver) -> list[str]:
    """Tasks of two batches of two projects; some have no picture to be had."""
    async with stack.session(stack.live_key) as lead:

        async def ok(method: str, path: str, body: Any) -> Any:
            async with lead.request(method, path, json=body) as answer:
                said = await answer.json()
                assert answer.status == 200, said
                return said

        workflow = {"overlap": 2, "review_stages": [{"sample": 0.5}], "skip_limit": 100}
        for name in ("p", "q"):
            await ok("POST", "/v1/projects", {"name": name, "type": "imageannotation"})
            await ok("PUT", f"/api/projects/{name}/workflow", workflow)
            await ok("POST", "/v1/batches", {"name": name, "project": name})

        async def one(n: int) -> str:
            where = f"{receiver.url}/{'nothing' if n < BROKEN else 'picture'}.png"
            body = image_task(batch="pq"[n % 2], attachment=where, callback_url=None)
            return (await ok("POST", "/v1/task/imageannotation", body))["task_id"]

        return [await one(n) for n in range(TASKS + BROKEN + CANCELED)]


async def _cancel(stack: Stack, task_ids: list[str]) -> None:
    """In the middle of everything, whether or not somebody works on them."""
    async with stack.session(stack.live_key) as lead:
        for name in ("p", "q"):
            change = {"verb": "cancel", "begun": True, "filter": {"project": name, "unique_id": task_ids}}
            async with lead.post("/api/bulk-changes", json=change) as answer:
                assert answer.status == 200, await answer.text()


async def _people(stack: Stack) -> dict[int, str]:
    settings = Settings(data_dir=stack.folder, database_url=await stack.dsn(), db_pool_size=4)
    keys: dict[int, str] = {}
    async with open_ctx(settings) as ctx:
        for n in range(PEOPLE):
            email = f"w{n}@main.example"
            made = await users.create_member(ctx, "main", email, "member" if n % 4 else "manager")
            keys[made.id] = (await users.create_key(ctx, "main", "live", member_email=email)).key
    return keys


async def _all_done(db: asyncpg.Connection, watching: list[asyncio.Task[None]], end: float) -> None:
    while await db.fetchval("select count(*) from task where status = 'pending'"):
        for task in watching:
            if task.done():
                task.result()
        stuck = "select id, stage, status from task where status = 'pending'"
        assert time.monotonic() < end, await db.fetch(stuck)
        await asyncio.sleep(0.3)


async def test_two_hundred_people_do_every_slot_once_and_strand_nothing_though_they_are_killed(
    tmp_path: Path,
) -> None:
    stack, receiver, dice = Stack(tmp_path / "data"), Receiver(), random.Random(7)
    clients: list[Clients] = []
    async with receiver.serving():
        try:
            await stack.start()
            keys = await _people(stack)
            numbers = sorted(keys)
            for n in range(PROCESSES):
                share = {m: keys[m] for m in numbers[n::PROCESSES]}
                clients.append(Clients(stack.url, share, tmp_path / f"clients{n}.jsonl"))
            watch = Watch(stack)
            async with connected(stack) as db:
                watching = [asyncio.create_task(watch.hurry()), asyncio.create_task(watch.count())]
                for n, group in enumerate(clients):
                    group.start(n)
                made = await _make(stack, receiver)
                await _cancel_some(stack, db, made)
                for turn in range(4):  # kills while they work
                    await asyncio.sleep(1.5)
                    victim = clients[dice.randrange(PROCESSES)]
                    victim.kill()
                    if turn == 1:
                        await stack.kill("server", turn)
                    victim.start(10 + turn)
                await _all_done(db, watching, time.monotonic() + 90)
                watch.over.set()
                await asyncio.gather(*watching)
                assert watch.looks > 20
                for group in clients:
                    group.kill()
                await _judge(db, clients, made)
        except BaseException as e:
            e.add_note(stack.log.read_text()[-2000:])
            raise
        finally:
            for group in clients:
                if group.process is not None and group.process.poll() is None:
                    group.process.kill()
            await stack.stop()


async def _cancel_some(stack: Stack, db: asyncpg.Connection, made: list[str]) -> None:
    doomed = made[-CANCELED:]
    await db.execute("update task set unique_id = id where id = any($1)", doomed)
    await _cancel(stack, doomed)


async def _judge(db: asyncpg.Connection, clients: list[Clients], made: list[str]) -> None:
    """What is left when all is quiet."""
    notes = [json.loads(line) for c in clients for line in c.notes.read_text().splitlines()]
    told = Counter(note["what"] for note in notes)
    assert {"submitted", "late", "vanished", "release", "skip", "reviewed"} <= set(told), told
    ended = {
        r["status"]: r["n"] for r in await db.fetch("select status, count(*)::int as n from task group by 1")
    }
    assert set(ended) == {"completed", "error", "canceled"}, ended
    assert ended["error"] == BROKEN
    assert 0 < ended["canceled"] <= CANCELED
    assert sum(ended.values()) == len(made)
    assert await db.fetchval("select count(*) from slot where done_at is null") == 0
    twice = "select slot_id from attempt where state = 'submitted' group by slot_id having count(*) > 1"
    assert not await db.fetch(twice)
    accepted = Counter((n["slot"]) for n in notes if n["what"] in ("submitted", "reviewed"))
    assert not [slot for slot, times in accepted.items() if times > 1], "two people were told of one slot"
    done = {r["slot_id"] for r in await db.fetch("select slot_id from attempt where state = 'submitted'")}
    assert set(accepted) <= done, "an answer was acknowledged and is not there"
    same = (
        "select 1 from attempt a join slot o on o.id = a.slot_id where a.state = 'submitted'"
        " group by a.task_id, o.round, o.step, a.member_id having count(*) > 1"
    )
    assert not await db.fetch(same), "somebody had two slots of one step"
    own = (
        "select 1 from attempt r join slot ro on ro.id = r.slot_id join attempt l on l.task_id = r.task_id and l.member_id = r.member_id"
        " join slot lo on lo.id = l.slot_id where r.verdict is not null and l.state = 'submitted' and lo.step = 0 and lo.round <= ro.round"
    )
    assert not await db.fetch(own), "somebody reviewed their own work"
    late = [n for n in notes if n["what"] == "late" and n.get("drafted")]
    assert late, "nobody was late with a draft"
    for note in late:
        kept = "select count(*) from draft where member_id = $1 and task_id = $2"
        answered = (
            "select count(*) from attempt where member_id = $1 and task_id = $2 and state = 'submitted'"
        )
        assert await db.fetchval(kept, note["who"], note["task"]) or await db.fetchval(
            answered, note["who"], note["task"]
        ), note
    await assert_counters_are_exact(db)
