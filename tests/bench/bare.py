"""The floors: what asyncpg and uvicorn do with nothing of ours in between. Run as processes of their own:

python -m tests.bench.bare insert LOOP DSN CONNECTIONS SECONDS    single-row inserts, each its own commit; prints JSON; LOOP: asyncio or uvloop
python -m tests.bench.bare serve FD DSN same|ready           an ASGI handler: one prepared select, its bytes out
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import uvicorn
import uvloop

from steelyard.ops.serving import Server
from tests.bench.body import example_body

TABLES = """
create table if not exists bare_task (
  space_id bigint not null, id text collate "C" not null, type text not null, params json not null, metadata json not null,
  unique_id text, tags text[], callback_url text, created_at timestamptz not null);
create table if not exists bare_document (id text collate "C" primary key, body bytea not null);
alter table bare_document alter column body set storage external;
"""
"""The plain table of the insert floor has the payload's columns and no index; the documents are stored ready to be sent."""

FILL = """
with ours as (select min(id) as id from steelyard.space where mode = 'live')
insert into bare_document
select t.id, convert_to(steelyard.task_json(t), 'UTF8')
from (select * from steelyard.task where space_id = (select id from ours) order by unique_id limit 2000) t;
insert into bare_document
select 'page', convert_to(string_agg(steelyard.task_json(t), ','), 'UTF8')
from (
  select * from steelyard.task where space_id = (select min(id) from steelyard.space where mode = 'live') order by id desc limit 100
) t;
"""
SELECTS = {
    "same": "select convert_to(steelyard.task_json(t), 'UTF8') from steelyard.task t where t.space_id = 1 and t.id = $1",
    "ready": "select body from bare_document where id = $1",
}
"""What the bare handlers ask: the select that `GET /v1/task/{id}` makes, or bytes that somebody has made ready before."""

_INSERT = "insert into bare_task values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_POOL = 16


async def insert(dsn: str, connections: int, seconds: float) -> None:
    """Prints how many rows were committed a second."""
    sent = msgspec.json.decode(example_body())
    metadata, tags = msgspec.json.encode(sent.pop("metadata")).decode(), sent.pop("tags")
    callback, _ = sent.pop("callback_url"), sent.pop("unique_id")
    params = msgspec.json.encode(sent).decode()
    run = secrets.token_hex(5)
    count = 0

    async def client(number: int) -> None:
        nonlocal count
        connection = await asyncpg.connect(dsn)
        statement = await connection.prepare(_INSERT)
        n = 0
        await ready.wait()
        while time.perf_counter() < end:
            n += 1
            name = f"{run}-{number}-{n}"
            await statement.fetch(
                1, name, "imageannotation", params, metadata, name, tags, callback, datetime.now(UTC)
            )
            count += 1
        await connection.close()

    ready, end = asyncio.Event(), 0.0
    clients = [asyncio.create_task(client(n)) for n in range(connections)]
    await asyncio.sleep(0.5)
    began = time.perf_counter()
    end = began + seconds
    ready.set()
    await asyncio.gather(*clients)
    sys.stdout.write(f'{{"rows":{count},"seconds":{time.perf_counter() - began}}}\n')


class Handler:
    """Answers GET /<id> with the bytes that one prepared select gives for that id."""

    def __init__(self, dsn: str, sql: str):
        self._dsn, self._sql = dsn, sql
        self._free: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        key = scope["path"][1:]
        statement = self._free.pop() if self._free else await self._statement()
        body = b"{}" if key == "healthz" else await statement.fetchval(key)
        self._free.append(statement)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _statement(self) -> Any:
        connection = await asyncpg.connect(self._dsn)
        return await connection.prepare(self._sql)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        self._free = [await self._statement() for _ in range(_POOL)]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


def serve(fd: int, dsn: str, which: str) -> None:
    """Serves until SIGTERM, with the HTTP server and settings of `steelyard serve`."""
    config = uvicorn.Config(
        Handler(dsn, SELECTS[which]), http="httptools", ws="none", lifespan="on", access_log=False, log_config=None,
        server_header=False, proxy_headers=False, timeout_keep_alive=75,
    )  # fmt: skip
    server = Server(config)

    async def main() -> None:
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGTERM, lambda: setattr(server, "should_exit", True)
        )
        await server.serve(sockets=[socket.socket(fileno=fd)])

    uvloop.run(main())


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    if sys.argv[1] == "insert":
        run = uvloop.run if sys.argv[2] == "uvloop" else asyncio.run
        run(insert(sys.argv[3], int(sys.argv[4]), float(sys.argv[5])))
    else:
        serve(int(sys.argv[2]), sys.argv[3], sys.argv[4])
