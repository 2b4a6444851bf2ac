"""`steelyard up` and `steelyard serve`: the whole installation, or only its HTTP servers, in one command."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
import ssl
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from steelyard.db import external
from steelyard.db.datadir import DatabaseError, make_data_dir, write_private
from steelyard.db.embedded import EmbeddedPostgres, running_dsn
from steelyard.ops.listening import address_of, admit_no_more, listen, local_address
from steelyard.ops.supervisor import Child, Supervisor
from steelyard.settings import Settings
from steelyard.users.model import FirstRun

Say = Callable[[str], None]
T = TypeVar("T")
_CAPTION = re.compile(r"\s{2,}")


class _Signals:
    """SIGINT and SIGTERM: the first one stops, a second one stops waiting."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._told)

    def _told(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()


async def up(settings: Settings, say: Say, *, make_admin: bool = True) -> None:
    """Database, migrations, first run, servers and worker, until told to stop; then the same in reverse.

    Raises `ListenError`, `DatabaseError`, `ChildFailed`, with nothing left running.
    """
    make_data_dir(settings.data_dir)
    settings = msgspec.structs.replace(settings, data_dir=settings.data_dir.absolute())
    signals = _Signals()
    with contextlib.closing(listen(settings)) as sock:
        settings = msgspec.structs.replace(settings, port=sock.getsockname()[1])
        server = (
            None
            if settings.database_url
            else EmbeddedPostgres(settings.data_dir, user=settings.embedded_user)
        )
        try:
            if server is not None:
                dsn = await _unless_stopped(server.start(say), signals)
                if dsn is None:
                    return
                settings = msgspec.structs.replace(settings, database_url=dsn)
            elif await _unless_stopped(_reachable(settings), signals) is None:
                return
            lines = await _unless_stopped(_prepare(settings, say, make_admin=make_admin), signals)
            if lines is None:
                return
            children = [
                *_servers(settings, sock),
                Child("worker", ["worker"], _env(settings, settings.workers)),
            ]
            background = [server.watch(say), server.spare_commits()] if server is not None else []
            await _run(settings, sock, children, signals, say, lines, background)
        finally:
            if server is not None and server.pid is not None:
                say("Stopping PostgreSQL")
                await server.stop()
    say("Stopped")


async def serve(settings: Settings, say: Say) -> None:
    """Only the HTTP servers, on a database that runs already."""
    settings = await with_database(settings)
    signals = _Signals()
    with contextlib.closing(listen(settings)) as sock:
        settings = msgspec.structs.replace(settings, port=sock.getsockname()[1])
        await _run(
            settings, sock, _servers(settings, sock), signals, say, [f"Serving at {address_of(settings)}"], []
        )
    say("Stopped")


async def _reachable(settings: Settings) -> bool:
    """True once the operator's own database was found fit; `DatabaseError` otherwise."""
    assert settings.database_url is not None
    await external.see_to(settings.database_url)
    return True


async def with_database(settings: Settings) -> Settings:
    """The settings with the address of a database that runs and has every migration; `DatabaseError` otherwise."""
    from steelyard.db.migrate import missing_migrations

    dsn = settings.database_url or await running_dsn(settings.data_dir)
    if dsn is None:
        raise DatabaseError(
            f"No database runs in {settings.data_dir}, and STEELYARD_DATABASE_URL is not set. `steelyard up` starts "
            "everything, database included."
        )
    if settings.database_url:
        await external.see_to(dsn)
    if missing := await missing_migrations(dsn):
        raise DatabaseError(
            f"The database lacks {len(missing)} migration(s) ({missing[0]} …); run `steelyard migrate`."
        )
    return msgspec.structs.replace(settings, database_url=dsn)


async def _prepare(settings: Settings, say: Say, *, make_admin: bool = True) -> list[str]:
    """Migrations and the first run; the lines to show once everything answers."""
    from steelyard import app
    from steelyard.db.migrate import migrate

    assert settings.database_url is not None
    await migrate(settings.database_url, progress=say)
    kept = settings.data_dir / "first-run.txt"
    address = address_of(settings)

    def shown(first: FirstRun) -> list[str]:
        return [
            f"Steelyard is running at {address}",
            f"  Login      {first.email}",
            f"  Password   {first.password}",
            f"  Live key   {first.live_key}",
            f"  Test key   {first.test_key}",
        ]

    if not make_admin:
        token = await app.setup_token(settings, settings.database_url)
        if token is None:
            return [f"Steelyard is running at {address}"]
        return [  # behind the #, where no server and no log sees it
            f"Steelyard is running at {address}",
            f"  Create the admin   {address}/setup#{token}",
            f"  Setup token        {token}",
        ]
    first = await app.first_run(
        settings, settings.database_url, lambda made: write_private(kept, "\n".join(shown(made)) + "\n")
    )
    if first is not None:
        return [*shown(first), f"  (kept in {kept}, which only you can read)"]
    lines = [f"Steelyard is running at {address}"]
    if kept.exists():
        return [*lines, f"  Login and keys of the first run are in {kept}"]
    return [*lines, "  New keys: steelyard keys create --account NAME --mode live"]


def read_first_run(data_dir: Path) -> dict[str, str]:
    """What `first-run.txt` keeps, by its captions (`Login`, `Password`, `Live key`, `Test key`); empty without the file."""
    try:
        lines = (data_dir / "first-run.txt").read_text().splitlines()[1:]
    except FileNotFoundError:
        return {}
    return dict(_CAPTION.split(line.strip(), maxsplit=1) for line in lines if _CAPTION.search(line.strip()))


async def _run(
    settings: Settings,
    sock: socket.socket,
    children: list[Child],
    signals: _Signals,
    say: Say,
    lines: list[str],
    background: Sequence[Coroutine[Any, Any, None]],
) -> None:
    """Start the children, show `lines` when they answer, look after them until told to stop, drain them."""
    supervisor = Supervisor(children, say, settings.drain_seconds)
    tasks = [asyncio.ensure_future(coroutine) for coroutine in background]
    supervisor.start()
    keeping = asyncio.ensure_future(supervisor.keep())
    stopping = asyncio.ensure_future(signals.stop.wait())
    answering = asyncio.ensure_future(_until_answering(settings, say))
    try:
        await asyncio.wait({keeping, stopping, answering}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done() and not stopping.done():
            supervisor.ready()
            say("\n".join([*lines, "  Ctrl-C stops it"]))
            await asyncio.wait({keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            say("Stopping: finishing requests and jobs in flight (again to stop at once)")
    finally:
        for task in (keeping, stopping, answering):
            task.cancel()
        admit_no_more(sock)
        sock.close()  # the children close theirs: from then on a connection is refused instead of waiting in vain
        ended = await asyncio.gather(keeping, stopping, answering, return_exceptions=True)
        await supervisor.drain(signals.hurry)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(ended[0], ExceptionGroup):
        raise ended[0].exceptions[0]


def _servers(settings: Settings, sock: socket.socket) -> list[Child]:
    _empty_metrics_dir(settings)
    arguments = ["serve", "--listen-fd", str(sock.fileno())]
    return [
        Child(f"server-{index}", arguments, _env(settings, index), keep=[sock.fileno()])
        for index in range(settings.workers)
    ]


def _env(settings: Settings, shard: int) -> dict[str, str]:
    env = msgspec.structs.replace(settings, shard=shard).to_env()
    # So that /metrics of any server process tells the sum over all of them and over the worker.
    env["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics_dir(settings))
    return env


def _metrics_dir(settings: Settings) -> Path:
    return settings.data_dir.absolute() / "metrics"


def _empty_metrics_dir(settings: Settings) -> None:
    """Measurements begin anew with the supervisor; its children share this folder."""
    folder = _metrics_dir(settings)
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink(missing_ok=True)


async def _unless_stopped(work: Coroutine[Any, Any, T], signals: _Signals) -> T | None:
    """The result of `work`; None, with the work cancelled, when we are told to stop first."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(signals.stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
    return None


async def _until_answering(settings: Settings, say: Say) -> None:
    """Until a server process answers `GET /healthz`."""
    target = urlsplit(local_address(settings))
    context: ssl.SSLContext | None = None
    if target.scheme == "https":  # we ask ourselves, by an address that the certificate need not name
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    waited = 0.0
    while True:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(target.hostname, target.port, ssl=context)
                try:
                    writer.write(
                        f"GET /healthz HTTP/1.1\r\nhost: {target.netloc}\r\nconnection: close\r\n\r\n".encode()
                    )
                    if b" 200 " in await reader.readline():
                        return
                finally:
                    writer.close()
        await asyncio.sleep(0.1)
        waited += 0.1
        if waited >= 5:
            say("Waiting for the server processes to answer")
            waited = 0.0
