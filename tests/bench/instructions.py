"""`python -m tests.bench.instructions`: instructions that a server process runs for one create, its statement left out; counted by callgrind,
so that a change of one part in a hundred shows on any machine. Needs valgrind; takes two minutes. BENCH_KEEP names a folder for callgrind's files.

The child feeds requests to the protocol as the event loop would, sixteen at a time as under load, into a transport that keeps nothing;
the insert answers at once. Two lengths are counted and divided by what lies between them, so that start and warming up cancel out.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TOGETHER = 16
SHORT, LONG = 40, 480
"""Rounds of `TOGETHER` creates."""
_KEY = "live_" + "0" * 32


class _Nowhere(asyncio.Transport):
    """A connection that counts answers."""

    answers = 0

    def write(self, data: Any) -> None:
        if not data.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(bytes(data).decode())
        _Nowhere.answers += 1

    def is_closing(self) -> bool:
        return False

    def resume_reading(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default


async def child(rounds: int) -> None:
    """Answers `rounds` times `TOGETHER` creates."""
    import uvicorn
    from uvicorn.server import ServerState

    from steelyard.ctx import Actor, Ctx
    from steelyard.db.remembered import Remembered
    from steelyard.http.asgi import App
    from steelyard.http.protocol import Protocol
    from steelyard.http.surface import all_routes
    from steelyard.settings import Settings
    from steelyard.tasks import batcher
    from steelyard.tasks.queries import SpaceDefaults
    from tests.bench.body import example_body

    async def inserted(ctx: Ctx, on: Any, actor: Actor, tasks: list[Any]) -> set[str]:
        return {t.id for t in tasks}

    batcher.insert_tasks = inserted  # the one part that would need a database
    nothing: Any = None
    ctx = Ctx(nothing, Settings(), nothing, nothing, "http://127.0.0.1", b"")
    auth = b"Basic " + base64.b64encode(_KEY.encode() + b":")
    for name, key, value in (
        ("auth", auth, Actor(1, 1, "live", 1, "a@example.com", "admin")),
        ("spaces", 1, SpaceDefaults(None, False, False)),
    ):
        known: Remembered[Any, Any] = Remembered(nothing, 1e9)
        known.put(key, value)
        ctx.state[name] = known
    ctx.state["batcher"] = batcher.Batcher(ctx, nothing)

    async def opened() -> Ctx:
        return ctx

    async def closed(ctx: Ctx) -> None:
        pass

    app = App(all_routes(), opened, closed, 1 << 30)
    app.ctx = ctx
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    config.load()
    state = ServerState()
    connections: list[Protocol] = []
    for _ in range(TOGETHER):
        connection = Protocol(config=config, server_state=state, app_state={})
        connection.connection_made(_Nowhere())
        connections.append(connection)
    gc.collect()
    gc.freeze()  # as `ops/serving.py`
    body, number = example_body(), 0
    for _ in range(rounds):
        wanted = _Nowhere.answers + TOGETHER
        for connection in connections:
            number += 1
            sent = body.replace(b"@ID@", b"3f5a77c01b-0-%d" % (7919 + number))
            connection.data_received(
                b"POST /v1/task/imageannotation HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: %b\r\n"
                b"Host: 127.0.0.1:8000\r\nContent-Length: %d\r\n\r\n%b" % (auth, len(sent), sent)
            )
        while _Nowhere.answers < wanted:
            await asyncio.sleep(0)


def count(rounds: int, folder: Path) -> int:
    """Instructions of a child of so many rounds."""
    said = subprocess.run(
        [
            *("valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/{rounds}"),
            *(sys.executable, "-m", "tests.bench.instructions", str(rounds)),
        ],
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    found = re.search(r"Collected : (\d+)", said)
    assert found is not None, said
    return int(found[1])


def main() -> None:
    """Counts and prints."""
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not installed: apt-get install valgrind")
    with tempfile.TemporaryDirectory(prefix="steelyard-bench-") as scratch:
        folder = Path(os.environ.get("BENCH_KEEP") or scratch)
        few, many = (count(rounds, folder) for rounds in (SHORT, LONG))
    print(f"{(many - few) // ((LONG - SHORT) * TOGETHER):,} instructions a create, without its statement")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        import uvloop

        uvloop.run(child(int(sys.argv[1])))
    else:
        main()
