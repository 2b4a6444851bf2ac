"""A PostgreSQL of the operator's own, over TCP, with TLS or without: what does not fit is told, and what fits is backed up and restored."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
import trustme

from steelyard.db import external
from steelyard.db.datadir import DatabaseError, dsn_of, passwords_of
from steelyard.db.embedded import with_embedded
from steelyard.db.migrate import migrate
from steelyard.db.pool import Database
from steelyard.errors import Unavailable
from steelyard.ops import pgtools

PASSWORD = "p@ss:w/ö%rd"


class Front:
    """TCP in front of the embedded server, which listens on a socket only, with TLS in the way of PostgreSQL's protocol."""

    def __init__(self, socket_file: Path, authority: trustme.CA) -> None:
        self._socket_file = str(socket_file)
        self.tls: ssl.SSLContext | None = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self.tls)
        self.encrypted = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            first = await reader.readexactly(8)
            if first == struct.pack("!ii", 8, 80877103):
                writer.write(b"S" if self.tls else b"N")
                if self.tls:
                    await writer.start_tls(self.tls)
                    self.encrypted += 1
                first = b""
            elif self.tls:  # as `hostssl` lines alone do
                said = b"SFATAL\0C28000\0Mno pg_hba.conf entry, no encryption\0\0"
                writer.write(b"E" + struct.pack("!i", len(said) + 4) + said)
                await writer.drain()
                return
            there, back = await asyncio.open_unix_connection(self._socket_file)
            back.write(first)
            await asyncio.gather(_copy(reader, back), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def own_server(folder: Path) -> AsyncGenerator[tuple[Front, str, asyncpg.Connection]]:
    """The front, the address of its server up to the database's name, and a superuser's connection."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    async with with_embedded(folder):
        run = folder / "pg18" / "run"
        front = Front(run / ".s.PGSQL.5432", authority)
        secret = passwords_of(folder, create=False)["postgres"]
        admin = await asyncpg.connect(dsn_of("postgres", secret, "postgres", run))
        await admin.execute(f"create role labelapp login password '{PASSWORD}'")
        await admin.execute("grant connect on database postgres to labelapp")
        listening = await asyncio.start_server(front.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        try:
            yield front, f"postgresql://labelapp:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/", admin
        finally:
            listening.close()
            await admin.close()


async def test_what_does_not_fit_is_told_with_what_to_do(tmp_path):
    async with own_server(tmp_path) as (front, base, admin):
        for name, how in {
            "good": "owner labelapp",
            "latin": "owner labelapp encoding 'LATIN1' template template0 locale_provider libc locale 'C'",
            "theirs": "",
        }.items():
            await admin.execute(f"create database {name} {how}")

        async def said(address: str) -> str:
            with pytest.raises(DatabaseError) as refused:
                await external.see_to(address)
            message = str(refused.value)
            assert message.startswith("STEELYARD_DATABASE_URL: ")
            assert "ö" not in message and "w/" not in message  # no part of the password
            return message

        encrypted = f"?sslmode=verify-full&sslrootcert={tmp_path}/ca.pem"
        await external.see_to(base + "good" + encrypted)
        assert "certificate is not trusted" in await said(
            base + "good?sslmode=verify-full&sslrootcert=" + _another(tmp_path)
        )
        assert "no encryption" in await said(base + "good?sslmode=disable")
        front.tls = None
        assert "rejected SSL upgrade" in await said(base + "good" + encrypted)
        await external.see_to(base + "good")
        assert "percent-encoded" in await said(base.replace(quote(PASSWORD, safe=""), "wrong") + "good")
        assert "percent-encoded" in await said(base.replace(quote(PASSWORD, safe=""), PASSWORD) + "good")
        assert "create database NAME" in await said(base + "none")
        assert "LATIN1; Steelyard needs UTF8" in await said(base + "latin")
        assert "grant create on database theirs to labelapp" in await said(base + "theirs")
        assert "sslmode" in await said(base + "good?sslmode=perhaps")
        assert "Connect call failed" in await said("postgresql://u:p@127.0.0.1:9/x")


async def test_requests_are_answered_with_503_while_the_servers_password_is_another(tmp_path):
    async with own_server(tmp_path) as (front, base, admin):
        front.tls = None
        db = await Database.open(base + "postgres", size=1)
        assert await db.fetchval("select 1") == 1
        await admin.execute("alter role labelapp password 'another'")
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'labelapp'"
        )
        with pytest.raises(Unavailable):
            await db.fetchval("select 1")
        await admin.execute(f"alter role labelapp password '{PASSWORD}'")
        assert await db.fetchval("select 1") == 1
        await db.close()


def _another(folder: Path) -> str:
    path = folder / "another.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return str(path)


async def test_a_database_that_demands_tls_is_backed_up_and_restored(tmp_path):
    async with own_server(tmp_path) as (front, base, admin):
        encrypted = f"?sslmode=verify-full&sslrootcert={tmp_path}/ca.pem"
        for name in ("one", "two"):
            await admin.execute(f"create database {name} owner labelapp")
        await migrate(base + "one" + encrypted)
        source = await asyncpg.connect(base + "one" + encrypted)
        await source.execute("insert into steelyard.account (name, created_at) values ('Acme', now())")
        await source.execute("insert into steelyard.process values ('a', 'worker', now(), now())")
        await source.close()
        before = front.encrypted
        await pgtools.dump(base + "one" + encrypted, tmp_path / "dump", 18)
        await pgtools.replace_with(base + "two" + encrypted, tmp_path / "dump", 18)
        assert (
            front.encrypted >= before + 4
        )  # ours to ask the way, theirs to do the work, for each of two programs
        restored = await asyncpg.connect(base + "two" + encrypted)
        assert await restored.fetchval("select name from steelyard.account") == "Acme"
        assert await restored.fetchval("select count(*) from steelyard.process") == 0  # nobody runs there yet
        await restored.close()
