"""TLS for PostgreSQL's client programs: those that come with us are built without it, and managed databases demand it.

A socket in a private folder is relayed to the server, over TLS as the database's address asks (`sslmode`, `sslrootcert`,
`sslcert`, …); the programs speak plainly to that socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from steelyard.db.datadir import dsn_of

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_BLOCK = 1 << 16


@asynccontextmanager
async def spoken_plainly(dsn: str) -> AsyncGenerator[str]:
    """An address of the same database, for the length of a block, by which programs without TLS reach it."""
    address, params = await _way_to(dsn)
    if isinstance(address, str) or not params.ssl:  # a socket, or TCP with sslmode=disable
        yield dsn
        return
    host, port = address
    with tempfile.TemporaryDirectory(prefix="steelyard-") as folder:  # mode 0700

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.closing(writer), contextlib.suppress(OSError):
                from_server, to_server = await _connect(host, port, params)
                with contextlib.closing(to_server):
                    await asyncio.gather(_pump(reader, to_server), _pump(from_server, writer))

        server = await asyncio.start_unix_server(relay, Path(folder) / ".s.PGSQL.5432")
        try:
            yield dsn_of(
                quote(params.user, safe=""),
                quote(params.password or "", safe=""),
                params.database,
                Path(folder),
            )
        finally:
            server.close()


async def _way_to(dsn: str) -> tuple[str | tuple[str, int], Any]:
    """Where the driver found the server, a socket or host and port, and with which of its `ConnectionParameters`."""
    seen: list[Any] = []
    connection = await asyncpg.connect(dsn, timeout=30)
    try:
        with connection.query_logger(seen.append):
            await connection.execute("select 1")
    finally:
        await connection.close(timeout=5)
    return seen[0].conn_addr, seen[0].conn_params


async def _connect(host: str, port: int, params: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection over TLS, or a plain one where the address leaves that to the server and the server has none."""
    context: ssl.SSLContext = params.ssl
    if params.ssl_negotiation.name == "direct":
        return await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(_SSL_REQUEST)
    if await reader.readexactly(1) == b"S":
        await writer.start_tls(context, server_hostname=host)
    elif params.sslmode.name not in ("allow", "prefer"):
        writer.close()
        raise ConnectionError("the server has no TLS")
    return reader, writer


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    writer.close()
