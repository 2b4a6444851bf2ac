"""Load: wrk with `load.lua`, or, where wrk is missing, a plainer generator of our own that is slower itself and says so."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

_SCRIPT = Path(__file__).with_name("load.lua")
HINT = "wrk is not installed; figures come from a generator in Python, which is the slower part itself. Install it: apt-get install wrk"


class Target(Struct, frozen=True):
    """Where to send requests: a port of this machine, and the Authorization header to send."""

    port: int
    auth: str | None = None


class Figures(Struct, frozen=True):
    """One run's outcome; `refused` are answers outside 200-399, `broken` connections that failed."""

    requests: int
    seconds: float
    bytes: int
    refused: int
    broken: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class LoadError(Exception):
    """The load could not be applied, or was answered with errors: the figures would mean nothing."""


def have_wrk() -> bool:
    """Whether wrk can be used."""
    return shutil.which("wrk") is not None


async def load(
    target: Target, paths: Sequence[str], *, clients: int, seconds: float, body: bytes | None = None
) -> Figures:
    """Sends requests over `clients` connections, one at a time on each. Raises LoadError on any refused or broken request."""
    run = secrets.token_hex(5)
    apply = _wrk if have_wrk() else _plain
    figures = await apply(target, paths, clients, seconds, body, run)
    if figures.refused or figures.broken or not figures.requests:
        raise LoadError(
            f"{figures.refused} of {figures.requests} answers were errors, {figures.broken} connections broke ({paths[0]})"
        )
    return figures


async def _wrk(
    target: Target, paths: Sequence[str], clients: int, seconds: float, body: bytes | None, run: str
) -> Figures:
    with tempfile.TemporaryDirectory(prefix="steelyard-bench-") as scratch:
        env = {**os.environ, "BENCH_RUN": run, "BENCH_PATHS": f"{scratch}/paths"}
        Path(scratch, "paths").write_text("\n".join(paths) + "\n")
        if target.auth is not None:
            env["BENCH_AUTH"] = target.auth
        if body is not None:
            Path(scratch, "body").write_bytes(body)
            env["BENCH_BODY"] = f"{scratch}/body"
        # wrk takes whole seconds; its one thread keeps 64 connections busy with a fraction of a core.
        process = await asyncio.create_subprocess_exec(
            *("wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout", "30s"),
            *("-s", str(_SCRIPT), f"http://127.0.0.1:{target.port}"),
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    for line in said.splitlines():
        if line.startswith(b"RESULT "):
            return msgspec.json.decode(line[7:], type=Figures)
    raise LoadError(f"wrk said: {said.decode(errors='replace')}")


async def _plain(
    target: Target, paths: Sequence[str], clients: int, seconds: float, body: bytes | None, run: str
) -> Figures:
    names = itertools.count()
    taken: list[float] = []
    refused = received = 0
    end = time.perf_counter() + seconds
    auth = f"Authorization: {target.auth}\r\n" if target.auth else ""

    async def client() -> None:
        nonlocal refused, received
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        while time.perf_counter() < end:
            n = next(names)
            path = paths[n % len(paths)]
            if body is None:
                message = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{auth}\r\n".encode()
            else:
                sent = body.replace(b"@ID@", f"{run}-{n}".encode())
                kind = f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n"
                message = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{auth}{kind}\r\n".encode() + sent
            began = time.perf_counter()
            writer.write(message)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            received += len(head) + len(await reader.readexactly(length))
            taken.append((time.perf_counter() - began) * 1000)
            refused += not 200 <= int(head[9:12]) < 400
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    spent = time.perf_counter() - began
    taken.sort()
    p99 = taken[int(len(taken) * 0.99)]
    return Figures(len(taken), spent, received, refused, 0, median(taken), p99, taken[-1])
