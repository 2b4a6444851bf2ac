"""A large file uploaded in two pieces (tus): how fast, and by how much the servers' memory rises meanwhile."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.bench.report import Report, Row
from tests.bench.stack import Servers, first_account, new_database, steelyard_servers

MIB = 2**20
SIZE = 4096 * MIB
MOST_MIB = 64
_BLOCK = os.urandom(MIB)


def _block(n: int) -> bytes:
    """The nth MiB of the file."""
    return n.to_bytes(8, "big") + _BLOCK[8:]


async def _pieces(first: int, last: int) -> AsyncIterator[bytes]:
    for n in range(first, last):
        yield _block(n)


def _digest(size: int) -> str:
    digest = hashlib.sha256()
    for n in range(size // MIB):
        digest.update(_block(n))
    return digest.hexdigest()


async def measure(report: Report, dsn: str, folder: Path, size: int = SIZE) -> None:
    """Skipped with a word where there is no room on the disk."""
    report.heading(f"Upload of a file of {size // MIB} MiB in two pieces")
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < 3 * size:
        print(f"  skipped: {folder} has less than {3 * size // MIB} MiB free", flush=True)
        return
    database = await new_database(dsn, "bench_upload")
    key = await first_account(database, folder)
    async with steelyard_servers(database, folder, key) as servers:
        await _upload(report, servers, size, await asyncio.to_thread(_digest, size))


async def _upload(report: Report, servers: Servers, size: int, digest: str) -> None:
    base = f"http://127.0.0.1:{servers.target.port}"
    headers = {"Authorization": servers.target.auth or "", "Tus-Resumable": "1.0.0"}
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
        await _send(http, base, 16 * MIB, None)  # what a first upload loads is no growth
        before, highest = sum(servers.private_mib()), 0.0
        done = asyncio.Event()

        async def watch() -> None:
            nonlocal highest
            while not done.is_set():
                highest = max(highest, sum(servers.private_mib()))
                await asyncio.sleep(0.1)

        watching = asyncio.create_task(watch())
        began = time.perf_counter()
        await _send(http, base, size, digest)
        seconds = time.perf_counter() - began
        done.set()
        await watching
    report.add(
        Row(
            "memory of both servers, rise",
            max(highest - before, 0.0),
            "MiB",
            target=MOST_MIB,
            bound="at most",
            judged="value",
        )
    )
    report.add(Row("received, hashed, stored", size / MIB / seconds, "MiB/s"))


async def _send(http: aiohttp.ClientSession, base: str, size: int, digest: str | None) -> None:
    said = (
        {} if digest is None else {"Upload-Metadata": f"sha256 {base64.b64encode(digest.encode()).decode()}"}
    )
    async with http.post(f"{base}/api/uploads", headers={"Upload-Length": str(size), **said}) as made:
        assert made.status == 201, await made.text()
        where = made.headers["Location"]
    where = f"{base}/api/uploads/{where.rpartition('/')[2]}"
    blocks = size // MIB
    for first, last in ((0, blocks // 2), (blocks // 2, blocks)):
        head = {"Upload-Offset": str(first * MIB), "Content-Type": "application/offset+octet-stream"}
        async with http.patch(where, data=_pieces(first, last), headers=head) as answer:
            assert answer.status == 204, await answer.text()
    async with http.get(where) as answer:
        shown = await answer.json()
    assert shown["file_id"] is not None
    assert shown["length"] == size
