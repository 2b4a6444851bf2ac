"""A package that is installed beside Steelyard adds a task type; nothing else changes (architecture: one module per type)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from steelyard import tasks
from steelyard.ctx import Ctx
from steelyard.settings import Settings
from tests.conftest import Keys

ROOT = Path(__file__).parents[2]
RECORDING = "https://assets.example.org/tower.wav"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder as `pip install --target` leaves it: the metadata of a package with one entry point."""
    info = tmp_path / "packages" / "bell_count-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bell-count\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[steelyard.task_types]\nbellcount = tests.api.bellcount:TASK_TYPE\n"
    )
    return info.parent


@pytest.fixture
def address(package: Path, dsn: str, ctx: Ctx, tmp_path: Path) -> Generator[str]:
    """A server process on the test's database that has the package on its path."""
    with socket.socket() as sock, (tmp_path / "server.log").open("wb") as out:
        sock.bind(("127.0.0.1", 0))
        sock.listen(64)
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        settings = Settings(data_dir=tmp_path, database_url=dsn, db_pool_size=2, public_url=url)
        command = [sys.executable, "-m", "steelyard", "serve", "--listen-fd", str(sock.fileno())]
        process = subprocess.Popen(
            [*command, "--parent", str(os.getpid())],
            env={**os.environ, **settings.to_env(), "PYTHONPATH": f"{package}{os.pathsep}{ROOT}"},
            pass_fds=[sock.fileno()],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + 60
            while True:
                assert process.poll() is None, (tmp_path / "server.log").read_text()
                try:
                    if httpx.get(url + "/healthz", timeout=5).status_code == 200:
                        break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, (tmp_path / "server.log").read_text()
                    time.sleep(0.05)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()
                process.wait()


async def test_a_type_from_an_entry_point_is_created_described_and_checked(
    address: str, keys: Keys, ctx: Ctx
) -> None:
    body = {"attachment": RECORDING, "most": 6, "instruction": "Count."}
    async with (
        httpx.AsyncClient(base_url=address, auth=(keys.test, "")) as test,
        httpx.AsyncClient(base_url=address, auth=(keys.live, "")) as live,
    ):
        made = (await test.post("/v1/task/bellcount", json=body)).json()
        assert (made["type"], made["status"], made["params"]) == (
            "bellcount",
            "completed",
            {"attachment": RECORDING, "most": 6},
        )
        assert 1 <= made["response"]["bells"] <= 6
        listed = (await test.get("/v1/tasks", params={"type": "bellcount"})).json()
        assert [task["task_id"] for task in listed["docs"]] == [made["task_id"]]

        refused = await test.post("/v1/task/bellcount", json={**body, "most": 0})
        assert refused.status_code == 400
        assert "$.most" in refused.text

        described = (await live.get("/openapi.json")).json()
        create = described["paths"]["/v1/task/bellcount"]["post"]
        assert create["summary"] == "Create a task: Bell count"
        assert "BellCountResponse" in described["components"]["schemas"]

        project = {"type": "bellcount", "name": "tower", "params": {"attachment": RECORDING}}
        assert (await live.post("/v1/projects", json=project)).status_code == 200
        task = (await live.post("/v1/task/bellcount", json={"project": "tower", "most": 3})).json()
        space = await ctx.db.fetchval("select space_id from task where id = $1", task["task_id"])
        async with ctx.db.tx() as tx:
            assert await tasks.queue_task(ctx, tx, space, task["task_id"])
        lease = (await live.post("/api/work/claim", json={"types": ["bellcount"]})).json()
        submit = f"/api/work/{lease['lease_token']}/submit"
        for bells, status in ((4, 400), (3, 200)):
            answered = await live.post(submit, json={"response": {"bells": bells}})
            assert answered.status_code == status, answered.text
            assert ("must be at most 3" in answered.text) == (status == 400)
