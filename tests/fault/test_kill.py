"""SIGKILL of every part in the middle of creations: nothing acknowledged is lost, nothing is made twice, everybody is told."""

from __future__ import annotations

import asyncio
import os
import random
import re
import secrets
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from msgspec import Struct

from tests.api.builders import image_task
from tests.fault.stack import (
    Receiver,
    Stack,
    assert_counters_are_exact,
    assert_keys_point_at_tasks,
    connected,
    settle,
)

CREATES, CLIENTS, KILLS_EACH = 2000, 48, 5
PARTS = ("server", "worker", "postgres")
_HOLDER = re.compile(r"different task \(([0-9a-f]{24})\)\.$")
_MISMATCH = "is already in use for a different request."


class Create(Struct):
    """One logical create: what is sent again and again until it is answered."""

    number: int
    mode: str
    body: dict[str, Any]
    key: str | None
    group: str | None = None
    """Requests of a group collide: `u…` on one unique_id, `k…` on one key with one body, `x…` on one key with different bodies."""
    task_id: str | None = None
    refused: bool = False
    tries: int = 0


def _plan(rng: random.Random, url: str) -> list[Create]:
    creates: list[Create] = []
    for number in range(CREATES):
        mode = rng.choice(["live", "test"])
        body = image_task(metadata={"n": number}, callback_url=f"{url}/cb")
        body["attachment"] = f"{url}/missing.png"  # live tasks end in error, and that is called back, too
        if rng.random() < 0.5:
            body["batch"] = "b"
        key, group = None, None
        kind = rng.random()
        if kind < 0.35:
            body["unique_id"] = f"u/{number}"
        elif kind < 0.6:
            key = f"key-{number}"
        elif kind < 0.75:
            body["unique_id"], key = f"u/{number}", f"key-{number}"
        else:
            group = f"{rng.choice('ukx')}{number // 12}{mode}"  # neighbours collide, so that they are in flight together
            if group[0] == "u":
                body["unique_id"] = group
            else:
                key = group
            if group[0] == "k":
                body["metadata"] = {"group": group}
                body.pop("batch", None)
        creates.append(Create(number, mode, body, key, group))
    return creates


class _Pace:
    """Lets requests begin only up to a number that rises with the kills, so that every kill meets many in flight."""

    def __init__(self) -> None:
        self.allowed, self.acknowledged = 0, 0
        self._changed = asyncio.Event()

    def allow(self, number: int) -> None:
        self.allowed = max(self.allowed, number)
        self._changed.set()
        self._changed = asyncio.Event()

    async def admitted(self, number: int) -> None:
        while number >= self.allowed:
            await self._changed.wait()


async def _until_answered(client: aiohttp.ClientSession, create: Create) -> None:
    headers = {"Idempotency-Key": create.key} if create.key else {}
    while True:
        create.tries += 1
        try:
            async with client.post("/v1/task/imageannotation", json=create.body, headers=headers) as answer:
                status, said = answer.status, await answer.json()
        except TimeoutError:
            raise AssertionError(f"a request hung: {create}") from None
        except (aiohttp.ClientError, OSError):
            await asyncio.sleep(0.05)
            continue
        if status == 200:
            create.task_id = said["task_id"]
            return
        if status == 409 and (holder := _HOLDER.search(said["error"])):
            create.task_id, create.refused = holder[1], True
            return
        if status == 409 and said["error"].endswith(_MISMATCH):
            create.refused = True
            return
        assert status in (429, 500, 502, 503, 504), (status, said)
        assert status != 500, said
        await asyncio.sleep(0.05)


@pytest.mark.fault
async def test_creates_survive_the_death_of_every_part(tmp_path: Path) -> None:
    seed = int(os.environ.get("STEELYARD_TEST_SEED") or secrets.randbits(32))
    print(f"seed {seed}: STEELYARD_TEST_SEED={seed} repeats this run")
    rng = random.Random(seed)
    kills = [part for part in PARTS for _ in range(KILLS_EACH)]
    rng.shuffle(kills)
    stack, receiver = Stack(tmp_path / "data"), Receiver()
    async with receiver.serving():
        try:
            await stack.start()
            creates = _plan(rng, receiver.url)
            began = time.monotonic()
            await _run(stack, creates, kills, rng)
            answered = time.monotonic()
            await settle(stack, killed=True)
            print(
                f"answered after {answered - began:.0f} s, settled after {time.monotonic() - answered:.0f} s more"
            )
            await _check(stack, receiver, creates)
        except BaseException as e:
            e.add_note(f"seed {seed}\n{stack.log.read_text()[-3000:]}")
            raise
        finally:
            await stack.stop()


async def _run(stack: Stack, creates: list[Create], kills: list[str], rng: random.Random) -> None:
    pace = _Pace()
    step = len(creates) // (len(kills) + 1)
    waiting = iter(creates)
    sessions = {m: stack.session(k) for m, k in (("live", stack.live_key), ("test", stack.test_key))}
    for session in sessions.values():
        async with session.post("/v1/projects", json={"name": "p", "type": "imageannotation"}) as answer:
            assert answer.status == 200
        async with session.post("/v1/batches", json={"name": "b", "project": "p"}) as answer:
            assert answer.status == 200

    async def client() -> None:
        for create in waiting:
            await pace.admitted(create.number)
            await _until_answered(sessions[create.mode], create)
            pace.acknowledged += 1

    async def killer() -> list[int]:
        between: list[int] = []
        before = 0
        for number, part in enumerate(kills):
            pace.allow((number + 1) * step)
            async with asyncio.timeout(90):
                while pace.acknowledged < (number + 1) * step - 2 * CLIENTS:
                    await asyncio.sleep(0.002)
            await stack.whole()
            await asyncio.sleep(rng.random() * 0.01)
            between.append(pace.acknowledged - before)
            before = pace.acknowledged
            await stack.kill(part, rng.randrange(2))
        pace.allow(len(creates))
        return between

    async with asyncio.timeout(180):
        try:
            async with asyncio.TaskGroup() as group:
                killing = group.create_task(killer())
                for _ in range(CLIENTS):
                    group.create_task(client())
        finally:
            for session in sessions.values():
                await session.close()
    between = killing.result()
    print(f"{Counter(kills)}; acknowledged before each: {between}; tries: {sum(c.tries for c in creates)}")
    assert min(between) >= 20
    assert sum(c.tries for c in creates) > len(creates), "no kill was felt"
    await stack.whole()


async def _check(stack: Stack, receiver: Receiver, creates: list[Create]) -> None:
    async with connected(stack) as db:
        rows = await db.fetch(
            "select t.id, s.mode, t.metadata::text as metadata, t.unique_id, t.status, t.callback_succeeded"
            " from task t join space s on s.id = t.space_id"
        )
        there = {r["id"] for r in rows}
        assert all(c.task_id or c.refused for c in creates)
        lost = [c for c in creates if c.task_id is not None and c.task_id not in there]
        assert not lost, "acknowledged, but not there"

        made: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            made[msgspec.json.encode(msgspec.json.decode(row["metadata"])).decode()].append(row["id"])
        for create in creates:
            if create.group is None:
                assert made[f'{{"n":{create.number}}}'] == [create.task_id], create
        groups: dict[str, list[Create]] = defaultdict(list)
        for create in creates:
            if create.group is not None:
                groups[create.group].append(create)
        for name, members in groups.items():
            ids = {i for c in members for i in made[_metadata(c)]}
            assert len(ids) == 1, (name, members)
            assert {c.task_id for c in members if c.task_id} == ids, (name, members)
            if name[0] == "k":
                assert not any(c.refused for c in members), members
            else:
                winners = [c for c in members if made[_metadata(c)]]
                assert len(winners) == 1, members
                assert all(c.refused for c in members if c is not winners[0]), members
        expected = sum(c.group is None for c in creates) + len(groups)
        assert len(rows) == expected
        assert len(groups) > 50

        await assert_keys_point_at_tasks(db)
        await assert_counters_are_exact(db)
        assert {(r["mode"], r["status"]) for r in rows} == {("live", "error"), ("test", "completed")}
        told = receiver.times("task_id")
        assert there == set(told), (
            "every callback is delivered at least once, and none of a task that is not there"
        )
        assert all(r["callback_succeeded"] for r in rows)
        states = await db.fetch(
            "select state, count(*) as n from callback_event where task_id is not null group by 1"
        )
        assert {r["state"]: r["n"] for r in states} == {"delivered": expected}
        print(f"{expected} tasks, {sum(told.values())} callbacks delivered")


def _metadata(create: Create) -> str:
    value = create.body["metadata"]
    return f'{{"group":"{create.group}"}}' if "group" in value else f'{{"n":{create.number}}}'
