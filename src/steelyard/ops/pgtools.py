"""pg_dump and psql as child processes, their passwords in the environment rather than where `ps` shows them."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from steelyard.db.pgbinaries import MAJOR, DatabaseError, program
from steelyard.db.pgrelay import spoken_plainly

SCHEMA = "steelyard"


async def dump(dsn: str, target: Path, server_major: int) -> None:
    """Our schema and all it holds, as of one moment, in pg_dump's compressed custom format."""
    arguments = [
        "--format=custom",
        f"--schema={SCHEMA}",
        f"--exclude-table-data={SCHEMA}.process",  # who runs now: nobody does where it is restored
        "--no-owner",
        "--no-privileges",
        f"--file={target}",
    ]
    async with spoken_plainly(dsn) as plain:
        await _run([_tool("pg_dump", server_major), *arguments], plain)


async def replace_with(dsn: str, dumped: Path, server_major: int) -> None:
    """Put the dump in the place of our schema, in one transaction: afterwards there is the one or the other, whole."""
    script = dumped.with_suffix(".sql")
    arguments = ["--no-owner", "--no-privileges", f"--file={script}", str(dumped)]
    await _run([_tool("pg_restore", server_major), *arguments], None)
    try:
        async with spoken_plainly(dsn) as plain:
            await _run(
                [
                    _tool("psql", server_major),
                    "--no-psqlrc",
                    "--quiet",
                    "--single-transaction",
                    "--set=ON_ERROR_STOP=1",
                    "--output=/dev/null",
                    f"--command=set client_min_messages = warning; drop schema if exists {SCHEMA} cascade",
                    f"--file={script}",
                ],
                plain,
            )
    finally:
        script.unlink(missing_ok=True)


def _tool(name: str, server_major: int) -> str:
    """The bundled program; for a newer server, which it would refuse, the one installed beside that server."""
    if server_major <= MAJOR:
        return program(name)
    found = shutil.which(name)
    if found is None:
        raise DatabaseError(f"The server is PostgreSQL {server_major}: put its {name} on the PATH.")
    return found


async def _run(command: Sequence[str], dsn: str | None) -> None:
    env = {**os.environ, "LC_ALL": "C"}
    if dsn is not None:
        parts = urlsplit(dsn)
        if parts.password is not None:
            env["PGPASSWORD"] = unquote(parts.password)
            user, _, place = parts.netloc.rpartition("@")
            dsn = urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{place}"))
        command = [*command, f"--dbname={dsn}"]
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        name = Path(command[0]).name
        raise DatabaseError(f"{name} failed (exit code {done.returncode}):\n{done.stderr.strip()[-2000:]}")
