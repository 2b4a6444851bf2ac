"""Races between processes: last completions of a batch, creations against a finalize, one name or key wanted by many; and draining."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from steelyard import users
from steelyard.app import open_ctx
from steelyard.settings import Settings
from steelyard.work import MOST_LEASES
from tests.api.builders import image_task
from tests.fault.stack import (
    Receiver,
    Stack,
    assert_counters_are_exact,
    assert_keys_point_at_tasks,
    connected,
    settle,
)

pytestmark = pytest.mark.fault


class Pair:
    """An installation with two more servers that have an address each, so that a test decides who gets a request."""

    def __init__(self, stack: Stack, receiver: Receiver, urls: list[str], settings: Settings):
        self.stack, self.receiver, self.urls, self.settings = stack, receiver, urls, settings
        self._sessions: dict[str, list[aiohttp.ClientSession]] = {}

    def sessions(self, key: str) -> list[aiohttp.ClientSession]:
        """A client of each of the two servers."""
        if key not in self._sessions:
            self._sessions[key] = self._open(key)
        return self._sessions[key]

    async def close(self) -> None:
        for session in (s for both in self._sessions.values() for s in both):
            await session.close()

    def _open(self, key: str) -> list[aiohttp.ClientSession]:
        return [
            aiohttp.ClientSession(
                url,
                headers={"Authorization": f"Bearer {key}"},
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=60),
            )
            for url in self.urls
        ]


@pytest.fixture(scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Pair]:
    stack, receiver = Stack(tmp_path_factory.mktemp("races") / "data"), Receiver()
    processes: list[subprocess.Popen[bytes]] = []
    async with receiver.serving():
        try:
            await stack.start()
            settings = Settings(
                data_dir=stack.folder,
                database_url=await stack.dsn(),
                db_pool_size=6,
                allow_networks=("127.0.0.0/8",),
            )
            urls: list[str] = []
            for shard in (5, 6):
                with socket.create_server(("127.0.0.1", 0), backlog=512) as sock, stack.log.open("ab") as out:
                    urls.append(f"http://127.0.0.1:{sock.getsockname()[1]}")
                    own = msgspec.structs.replace(settings, shard=shard, port=sock.getsockname()[1])
                    processes.append(
                        subprocess.Popen(
                            [
                                *(sys.executable, "-m", "steelyard", "serve"),
                                *("--listen-fd", str(sock.fileno()), "--parent", str(os.getpid())),
                            ],
                            env={**os.environ, **own.to_env()},
                            pass_fds=[sock.fileno()],
                            stdout=out,
                            stderr=subprocess.STDOUT,
                        )
                    )
            made = Pair(stack, receiver, urls, settings)
            yield made
            await made.close()
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                assert await asyncio.to_thread(process.wait, 40) == 0
            await stack.stop()


async def _ask(
    client: aiohttp.ClientSession, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    async with client.request(method, path, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def _ok(client: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> Any:
    status, said = await _ask(client, method, path, body)
    assert status == 200, said
    return said


async def test_two_hundred_last_completions_at_once_make_one_batch_callback(pair: Pair) -> None:
    size = 200
    clients = pair.sessions(pair.stack.live_key)
    live = clients[0]
    await _ok(live, "POST", "/v1/projects", {"name": "many", "type": "imageannotation"})
    batch = {"name": "many", "project": "many", "callback": f"{pair.receiver.url}/cb/batch"}
    await _ok(live, "POST", "/v1/batches", batch)
    body = image_task(
        batch="many",
        attachment=f"{pair.receiver.url}/picture.png",
        callback_url=f"{pair.receiver.url}/cb/task",
    )
    made = await asyncio.gather(
        *(_ok(clients[n % 2], "POST", "/v1/task/imageannotation", body) for n in range(size))
    )
    ids = {task["task_id"] for task in made}
    async with connected(pair.stack) as db, asyncio.timeout(60):
        while (
            await db.fetchval(
                "select count(*) from slot s join task t on t.id = s.task_id where t.id = any($1)", list(ids)
            )
            < size
        ):
            await asyncio.sleep(0.1)
    async with open_ctx(pair.settings) as ctx:
        keys: list[str] = []
        for n in range(size // MOST_LEASES):
            await users.create_member(ctx, "main", f"worker{n}@main.example", "member")
            keys.append(
                (await users.create_key(ctx, "main", "live", member_email=f"worker{n}@main.example")).key
            )
    people = [pair.sessions(key) for key in keys]
    leases: list[tuple[int, str]] = []
    for n, person in enumerate(people):
        for _ in range(MOST_LEASES):
            claimed = await _ok(person[0], "POST", "/api/work/claim", {"project": "many"})
            leases.append((n, claimed["lease_token"]))
    box = {"type": "box", "label": "Big Cow", "left": 0, "top": 0, "width": 40, "height": 30}
    answer = {"response": {"annotations": [{**box, "uuid": "00000000-0000-4000-8000-000000000000"}]}}
    done = await asyncio.gather(
        *(
            _ask(people[n][k % 2], "POST", f"/api/work/{token}/submit", answer)
            for k, (n, token) in enumerate(leases)
        )
    )
    assert Counter(status for status, _ in done) == {200: size}, [d for d in done if d[0] != 200][:3]
    await settle(pair.stack)
    status = await _ok(live, "GET", "/v1/batches/many/status")
    assert status == {"status": "completed", "pending": 0, "completed": size, "error": 0, "canceled": 0}
    told = [p for p in pair.receiver.got if p.get("batch") == "many"]
    assert told == [{"batch": "many", "status": "completed", "stats": {"completed": size}}]
    assert {t: n for t, n in pair.receiver.times("task_id").items() if t in ids} == dict.fromkeys(ids, 1)
    async with connected(pair.stack) as db:
        assert await db.fetchval("select count(*) from callback_event where batch_id is not null") == 1
        await assert_counters_are_exact(db)


async def test_two_servers_reopen_a_completed_batch_at_once_and_neither_stands_in_the_others_way(
    pair: Pair,
) -> None:
    clients = pair.sessions(pair.stack.live_key)
    await _ok(clients[0], "POST", "/v1/projects", {"name": "again", "type": "imageannotation"})
    await _ok(clients[0], "POST", "/v1/batches", {"name": "again", "project": "again"})
    body = image_task(batch="again", attachment=f"{pair.receiver.url}/picture.png")
    first = await _ok(clients[0], "POST", "/v1/task/imageannotation", body)
    await _ok(clients[0], "POST", f"/v1/task/{first['task_id']}/cancel")
    async with asyncio.timeout(30):
        while (await _ok(clients[1], "GET", "/v1/batches/again"))["status"] != "completed":
            await asyncio.sleep(0.02)

    def gave_up() -> int:
        said = (pair.stack.folder / "pg18.log").read_text()
        return said.count("deadlock detected") + said.count("due to lock timeout")

    before = gave_up()
    async with connected(pair.stack) as db:
        async with db.transaction():  # until both have looked at the batch, neither can change it
            await db.execute("select from batch where name = 'again' for share")
            making = [
                asyncio.create_task(_ok(client, "POST", "/v1/task/imageannotation", body))
                for client in clients
            ]
            async with asyncio.timeout(10):
                while await db.fetchval("select count(*) from pg_locks where not granted") < 2:
                    await asyncio.sleep(0.01)
        await asyncio.gather(*making)
    assert (await _ok(clients[0], "GET", "/v1/batches/again"))["status"] == "in_progress"
    assert gave_up() == before


async def _finalize_race(
    clients: list[aiohttp.ClientSession], name: str, body: dict[str, Any], pause_s: float
) -> tuple[int, int]:
    """40 creations race with the finalize of a batch, 8 more follow it. How many were admitted, and how many refused."""
    finalized = asyncio.Event()

    async def create(n: int) -> tuple[int, Any]:
        if n >= 40:
            await finalized.wait()
        else:
            await asyncio.sleep(n % 20 * 0.001)
        return await _ask(clients[n % 2], "POST", "/v1/task/imageannotation", body)

    async def finalize() -> int:
        await asyncio.sleep(pause_s)
        await _ok(clients[0], "POST", f"/v1/batches/{name}/finalize")
        counts = await _ok(clients[1], "GET", f"/v1/batches/{name}/status")
        finalized.set()
        return sum(counts[s] for s in ("pending", "completed", "error", "canceled"))

    ending = asyncio.create_task(finalize())
    answers = await asyncio.gather(*(create(n) for n in range(48)))
    counted = await ending
    assert {status for status, _ in answers[40:]} == {400}
    assert {status for status, _ in answers} <= {200, 400}, answers
    made = 1 + sum(status == 200 for status, _ in answers)
    assert counted == made, "a task was admitted after the finalize"
    listed = await _ok(clients[0], "GET", f"/v1/tasks?batch={name}&limit=100")
    assert listed["total"] == len(listed["docs"]) == made
    return made, 49 - made


@pytest.mark.parametrize("kind", ["rapid", "studio"])
async def test_no_create_is_admitted_after_the_finalize_of_a_batch(pair: Pair, kind: str) -> None:
    for mode, key in (("live", pair.stack.live_key), ("test", pair.stack.test_key)):
        clients = pair.sessions(key)
        await _ok(clients[0], "POST", "/v1/projects", {"name": kind, "type": "imageannotation", kind: True})
        admitted, refused = 0, 0
        for round_number in range(6):
            name = f"{kind} {round_number}"
            body = image_task(batch=name, attachment=f"{pair.receiver.url}/picture.png")
            await _ok(clients[0], "POST", "/v1/batches", {"name": name, "project": kind})
            await _ok(clients[0], "POST", "/v1/task/imageannotation", body)
            made = await _finalize_race(clients, name, body, 0.004 * (round_number + 1))
            admitted, refused = admitted + made[0], refused + made[1]
        assert admitted > 6, f"no race took place in {mode} mode"
        assert refused > 6 * 8, f"no race took place in {mode} mode"
    async with connected(pair.stack) as db:
        await assert_counters_are_exact(db)


async def test_sixteen_clients_on_two_servers_make_one_task_of_one_unique_id(pair: Pair) -> None:
    for key in (pair.stack.live_key, pair.stack.test_key):
        clients = pair.sessions(key)
        for round_number in range(15):
            body = image_task(unique_id=f"race {round_number}", attachment=f"{pair.receiver.url}/picture.png")
            answers = await asyncio.gather(
                *(_ask(clients[n % 2], "POST", "/v1/task/imageannotation", body) for n in range(16))
            )
            assert Counter(status for status, _ in answers) == {200: 1, 409: 15}
            made = next(said["task_id"] for status, said in answers if status == 200)
            assert all(said["error"].endswith(f"({made}).") for status, said in answers if status == 409)
    async with connected(pair.stack) as db:
        await assert_counters_are_exact(db)


@pytest.mark.parametrize("same", [True, False], ids=["one request", "different requests"])
async def test_sixteen_clients_on_two_servers_make_one_task_of_one_key(pair: Pair, same: bool) -> None:
    for key in (pair.stack.live_key, pair.stack.test_key):
        clients = pair.sessions(key)
        for round_number in range(15):
            name = f"race-{same}-{round_number}"
            answers = await asyncio.gather(
                *(
                    _ask(
                        clients[n % 2],
                        "POST",
                        "/v1/task/imageannotation",
                        image_task(tags=[name], metadata={"n": 0 if same else n // 2}),
                        **{"Idempotency-Key": name},
                    )
                    for n in range(16)
                )
            )
            made = {said["task_id"] for status, said in answers if status == 200}
            assert len(made) == 1, answers
            assert {status for status, _ in answers} <= ({200, 429} if same else {200, 409, 429})
            listed = await _ok(clients[0], "GET", f"/v1/tasks?tags={name}")
            assert [t["task_id"] for t in listed["docs"]] == list(made)
    async with connected(pair.stack) as db:
        await assert_keys_point_at_tasks(db)
        await assert_counters_are_exact(db)


async def test_sixteen_clients_on_two_servers_make_one_project_of_one_key(pair: Pair) -> None:
    clients = pair.sessions(pair.stack.live_key)
    for round_number in range(10):
        body = {"name": f"keyed-{round_number}", "type": "imageannotation"}
        answers = await asyncio.gather(
            *(
                _ask(clients[n % 2], "POST", "/v1/projects", body, **{"Idempotency-Key": body["name"]})
                for n in range(16)
            )
        )
        assert {status for status, _ in answers} <= {200, 429}
        assert len({said["id"] for status, said in answers if status == 200}) == 1


async def _create_until_refused(
    stack: Stack, receiver: Receiver, results: Counter[str], ids: list[str]
) -> None:
    """Creates with a new connection each, for one that is kept open may be closed at any time while it is idle."""
    body = image_task(attachment=f"{receiver.url}/picture.png", callback_url=f"{receiver.url}/cb")
    async with stack.session(stack.test_key, force_close=True) as client:
        while True:
            try:
                async with client.post("/v1/task/imageannotation", json=body) as answer:
                    said = await answer.json()
                    results[str(answer.status)] += 1
                    ids.append(said["task_id"])
            except aiohttp.ClientConnectorError:
                results["refused"] += 1
                return
            except aiohttp.ClientError as e:
                results[f"cut: {type(e).__name__}"] += 1
                return


async def test_draining_cuts_no_request_and_loses_no_job(tmp_path: Path) -> None:
    stack, receiver = Stack(tmp_path / "data"), Receiver()
    async with receiver.serving():
        receiver.delay_s = 0.3
        try:
            await stack.start()
            results: Counter[str] = Counter()
            ids: list[str] = []
            clients = [
                asyncio.create_task(_create_until_refused(stack, receiver, results, ids)) for _ in range(24)
            ]
            async with asyncio.timeout(60):
                while results["200"] < 300 or len(receiver.got) < 20:
                    await asyncio.sleep(0.01)
            stack.tell(signal.SIGTERM)
            async with asyncio.timeout(60):
                await asyncio.gather(*clients)
            assert await stack.ended() == 0
            assert set(results) == {"200", "refused"}, results
            seen = len(receiver.got)
            await stack.start()
            async with connected(stack) as db:
                there = {r["id"] for r in await db.fetch("select id from task")}
                assert there == set(ids), "made without an answer, or answered without being made"
                await assert_counters_are_exact(db)
            receiver.delay_s = 0.0
            await settle(stack)
            assert seen < len(ids)
            assert receiver.times("task_id") == Counter(ids), (
                "each callback exactly once: no delivery was cut"
            )
            async with connected(stack) as db:
                assert await db.fetchval("select count(*) from callback_attempt") == len(ids)
        except BaseException as e:
            e.add_note(stack.log.read_text()[-3000:])
            raise
        finally:
            await stack.stop()
