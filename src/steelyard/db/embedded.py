"""The bundled PostgreSQL in the data folder, from its first start to its recovery after a power cut.

Layout, below the data folder:

    pg18/                   mode 0700, named after the major version: data/ is the cluster, run/ holds the socket
    pg18.log                what the server says
    database-secret.json    mode 0600: the passwords of `postgres` (superuser) and `steelyard` (ours, no superuser)
    database.lock           locked by the one process that looks after the server
    database.users          locked, shared, by one-off commands that use it: who started it for itself waits for them
    database.json           where the socket is, for other processes

**As root.** PostgreSQL refuses root, so the server runs as an unprivileged user, which may be unable to reach the data
folder (root's home has mode 0700), and the modes of folders above are not ours to widen. It does not need to: we open
`pg18/` as root, hand the open folder to the server, and call it `/proc/self/fd/<n>`. Such a path leads to the folder
itself, without a look at what lies above; and as a process and its forks keep the descriptor, the server finds
everything below it for as long as it runs. The data stays in the data folder, and only `pg18/` changes owner.

**The socket.** The system allows 107 bytes for a socket's path. If the data folder's path is too long, the socket goes
into a fresh folder of mode 0700 in the temporary folder, and `database.json` says where.

**Who stops it.** The server is a child of the process that looks after it and gets a fast shutdown from the kernel when
that process dies in whatever way. It has a session of its own, so that Ctrl-C in a terminal reaches us alone: the
server must outlive the requests in flight.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from steelyard.db import external, pgbinaries, pgdisk, pglog, pgprocess
from steelyard.db.datadir import DATABASE, ROLE, answers, dsn_of, make_data_dir, passwords_of, write_private
from steelyard.db.pgbinaries import MAJOR, DatabaseError
from steelyard.db.pglock import FolderLock, Holder
from steelyard.settings import Settings

Progress = Callable[[str], None]
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_MAX = (
    100  # the system's limit is 107 bytes on Linux, 103 on macOS; the lock file beside it adds 5
)
_LOG_MAX_BYTES = 20 * 1024 * 1024


def _quiet(_line: str) -> None:
    """The progress of those who do not ask."""


class EmbeddedPostgres:
    """One server in one data folder. `start()`, then `watch()` beside other work, then `stop()`."""

    def __init__(
        self,
        data_dir: Path | str,
        *,
        durable: bool = True,
        user: str | None = None,
        purpose: str = "up",
        lock_wait_s: float = 60,
    ) -> None:
        """`durable=False` gives up fsync (tests only). `user`: whom to run as when we are root. `purpose` is what
        others read when they find the folder taken; a `command` is waited for (`lock_wait_s`), an `up` is not."""
        self.data_dir = Path(data_dir).absolute()
        self.home = self.data_dir / f"pg{MAJOR}"
        self.log_file = self.data_dir / f"pg{MAJOR}.log"
        self._durable = durable
        self._user = user
        self._lock = FolderLock(self.data_dir / "database.lock", purpose)
        self._lock_wait_s = lock_wait_s
        self._owner: pgbinaries.Owner | None = None
        self._installation: Path | None = None
        self._home_fd: int | None = None
        self._socket_dir: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._stopping = False
        self.dsn = ""
        """Address for asyncpg and libpq; set by `start()`."""

    @property
    def pid(self) -> int | None:
        """Process id of the server (the postmaster), for tests and messages."""
        return self._server.pid if self._server else None

    async def start(self, progress: Progress = _quiet) -> str:
        """Initialise if need be, start, recover for as long as it takes, and return the address once queries answer.

        Raises `DatabaseError`; then nothing is left running.
        """
        make_data_dir(self.data_dir)
        await self._take_lock(progress)
        try:
            (self.data_dir / "database.json").unlink(missing_ok=True)  # of a keeper that was killed
            self._owner = pgbinaries.choose_owner(self.home, self._user)
            self._installation = await asyncio.to_thread(pgbinaries.server_installation, self._owner)
            passwords = passwords_of(self.data_dir, create=not self.home.exists())
            if not self.home.exists():
                progress(f"Creating the database in {self.home} (once)")
                await asyncio.to_thread(self._initialise, passwords["postgres"])
            await asyncio.to_thread(self._open_home)
            await self._settle_previous(progress)
            self._place_socket()
            self._configure()
            progress("Starting PostgreSQL")
            await self._launch(passwords, progress)
            await self._ensure_role(passwords)
            self._announce()
        except BaseException:
            await self.stop()
            raise
        self.dsn = dsn_of(ROLE, passwords[ROLE], DATABASE, self._client_socket_dir())
        return self.dsn

    async def watch(self, progress: Progress = _quiet) -> None:
        """Runs until `stop()`: starts the server again whenever it dies. Cancel it freely."""
        pause_s = 0.2
        while not self._stopping:
            began = time.monotonic()
            while self._server is not None and self._server.poll() is None:
                await asyncio.sleep(0.1)
                if time.monotonic() - began > 60:
                    pause_s = 0.2
            if self._stopping or self._server is None:
                return
            progress(f"PostgreSQL ended ({_how(self._server.returncode)}); starting it again")
            try:
                await self._settle_previous(progress)
                await self._launch(passwords_of(self.data_dir, create=False), progress)
                progress("PostgreSQL is back")
            except (DatabaseError, OSError) as error:
                if self._stopping:
                    return
                pause_s = min(pause_s * 2, 15)
                progress(f"PostgreSQL does not start: {error}\nTrying again in {pause_s:.1f} s")
                await asyncio.sleep(pause_s)

    async def spare_commits(self) -> None:
        """Runs beside `watch()` until cancelled: does ahead of time what commits would have to wait for, see `pgdisk`."""
        if not self._durable:
            return
        data = self.home / "data"
        superuser = passwords_of(self.data_dir, create=False)["postgres"]
        # A server that goes away meanwhile has its segments made after the next start.
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await pgdisk.make_segments(
                dsn_of("postgres", superuser, "postgres", self._client_socket_dir()), data
            )
        await pgdisk.WriteBack(data).run()

    async def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk. Waits until it ended."""
        self._stopping = True
        server = self._server
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGINT)
            began = time.monotonic()
            while server.poll() is None:
                if time.monotonic() - began > 120:
                    server.send_signal(signal.SIGQUIT)  # without a checkpoint: the next start recovers
                    began = time.monotonic()
                await asyncio.sleep(0.02)
        self._server = None
        if self._lock.held:
            (self.data_dir / "database.json").unlink(missing_ok=True)
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
            self._socket_dir = None
        if self._home_fd is not None:
            os.close(self._home_fd)
            self._home_fd = None
        self._lock.release()

    # -- the steps of a start -----------------------------------------------------------------------------------------

    async def _take_lock(self, progress: Progress) -> None:
        deadline = time.monotonic() + self._lock_wait_s
        told = False
        while (holder := self._lock.try_take()) is not None:
            if holder.purpose != "command" or time.monotonic() > deadline:
                raise DatabaseError(
                    f"The data folder {self.data_dir} is in use by another steelyard process "
                    f"(process {holder.pid}, {holder.purpose}). Stop that one first, or choose another folder with "
                    "--data-dir or STEELYARD_DATA_DIR."
                )
            if not told:
                progress(f"Waiting for the command of process {holder.pid} to finish with the database")
                told = True
            await asyncio.sleep(0.1)
        self._stopping = False

    def _initialise(self, superuser_password: str) -> None:
        """initdb beside the final name, then a rename: an interrupted attempt leaves nothing that looks whole."""
        others = [p.name for p in self.data_dir.glob("pg[0-9][0-9]") if (p / "data" / "PG_VERSION").exists()]
        if others:
            raise DatabaseError(
                f"The data folder holds a database of another major version ({', '.join(others)}; this Steelyard runs "
                f"{MAJOR}). Back it up with the Steelyard that made it, then restore the backup with this one."
            )
        fresh = self.home.with_name(self.home.name + ".new")
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        (fresh / "run").mkdir(mode=0o700)
        password_file = fresh / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(superuser_password + "\n")
        self._give_away(fresh, fresh / "run", password_file)
        descriptor = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY)
        scratch: str | None = None
        try:
            installation = self._installation or pgbinaries.bundled()
            if not pgbinaries.has_name(self._owner.uid if self._owner else os.geteuid()):
                scratch = tempfile.mkdtemp(prefix="steelyard-initdb-")
                Path(scratch).chmod(0o755)
                installation = pgbinaries.anonymous_installation(Path(scratch))
            base = self._server_path(fresh, descriptor)
            arguments = [
                f"--pgdata={base}/data",
                "--username=postgres",
                f"--pwfile={base}/password",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--data-checksums",
                "--no-instructions",
                *([] if self._durable else ["--no-sync"]),
            ]
            done = pgprocess.run(
                installation / "bin" / "initdb", arguments, owner=self._owner, keep=descriptor
            )
            if done.returncode != 0:
                raise DatabaseError(
                    f"initdb could not create the database in {self.home}:\n{done.stdout.strip()}"
                )
            password_file.unlink()
            fresh.rename(self.home)
        finally:
            os.close(descriptor)
            if scratch is not None:
                shutil.rmtree(scratch, ignore_errors=True)

    def _open_home(self) -> None:
        if self._owner is not None and self.home.stat().st_uid != self._owner.uid:
            self._give_away(self.home, *self.home.rglob("*"))
        try:
            if self._home_fd is None:
                self._home_fd = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY)
            mode = self.home.stat().st_mode & 0o777
            if mode & 0o077:
                self.home.chmod(0o700)
            version = (self.home / "data" / "PG_VERSION").read_text().strip()
        except PermissionError as error:
            raise DatabaseError(
                f"{error.filename} belongs to another user (id {self.home.stat().st_uid}); start Steelyard as that user or "
                "as root."
            ) from None
        except FileNotFoundError as error:
            raise DatabaseError(
                f"{error.filename} is missing: the database in {self.home} is damaged."
            ) from None
        if version != str(MAJOR):
            raise DatabaseError(f"The database in {self.home} is of version {version}, not {MAJOR}.")

    async def _settle_previous(self, progress: Progress) -> None:
        """Before a start: no server and no left-over of one may still run on this cluster.

        We hold the lock, so a running server has lost the process that looked after it. Its pid file may also name a
        process that has nothing to do with us (after a reboot, or in a container where numbers start anew).
        """
        data = self.home / "data"
        began, told = time.monotonic(), 0.0
        while (pid := pgprocess.postmaster(data)) is not None:
            waited = time.monotonic() - began
            if told == 0.0 or waited - told > 5:
                progress(f"Waiting for the previous PostgreSQL (process {pid}) to end")
                told = waited or 0.001
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT if waited > 60 else signal.SIGINT)
            await asyncio.sleep(0.05)
        (data / "postmaster.pid").unlink(missing_ok=True)
        while stragglers := pgprocess.working_in(data):
            # Backends of a killed postmaster end by themselves only when they next look up from their query.
            for pid in stragglers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.05)

    def _place_socket(self) -> None:
        run = self.home / "run"
        if not run.exists():
            run.mkdir(mode=0o700)
            self._give_away(run)
        if len(os.fsencode(run / _SOCKET_NAME)) > _SOCKET_PATH_MAX:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="steelyard-"))
            self._give_away(self._socket_dir)

    def _announce(self) -> None:
        """Only now do others find the server: our role is there, and so is our database."""
        state = {"socket_dir": str(self._client_socket_dir()), "supervisor": os.getpid()}
        write_private(self.data_dir / "database.json", json.dumps(state))

    def _configure(self) -> None:
        assert self._home_fd is not None
        base = self._server_path(self.home, self._home_fd)
        local = (self.home / "data" / "local.conf").exists()
        text = pgprocess.configuration(
            str(self._socket_dir or f"{base}/run"), durable=self._durable, local=local
        )
        hba = "# Written at each start. TCP is off; over the socket everybody needs a password.\nlocal all all scram-sha-256\n"
        for name, content in (("postgresql.conf", text), ("pg_hba.conf", hba)):
            path = self.home / "data" / name
            write_private(path, content)
            self._give_away(path)

    async def _launch(self, passwords: dict[str, str], progress: Progress) -> None:
        """Start the server and wait, without a limit while it lives, until it answers a query."""
        assert self._home_fd is not None and self._installation is not None
        if self.log_file.exists() and self.log_file.stat().st_size > _LOG_MAX_BYTES:
            self.log_file.replace(self.log_file.with_name(self.log_file.name + ".1"))
        base = self._server_path(self.home, self._home_fd)
        log_fd = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            log_start = os.fstat(log_fd).st_size
            self._server = pgprocess.spawn_server(
                self._installation / "bin" / "postgres",
                f"{base}/data",
                owner=self._owner,
                keep=self._home_fd,
                log=log_fd,
            )
        finally:
            os.close(log_fd)
        began, told = time.monotonic(), 0.0
        while True:
            if self._server.poll() is not None:
                how = _how(self._server.returncode)
                raise DatabaseError(
                    f"PostgreSQL did not start ({how}). It said:\n{pglog.tail(self.log_file, log_start)}"
                )
            if await answers(
                dsn_of("postgres", passwords["postgres"], "postgres", self._client_socket_dir())
            ):
                return
            waited = time.monotonic() - began
            if waited - told > 2:
                told = waited
                progress(f"PostgreSQL is starting ({waited:.0f} s){pglog.recovery(self.log_file, log_start)}")
            await asyncio.sleep(
                0.02 if waited < 1 else 0.25
            )  # each refused try is a line in the server's log

    async def _ensure_role(self, passwords: dict[str, str]) -> None:
        """Our role owns our database and may clone it (tests do), see statistics and stop queries; no more."""
        password = passwords[ROLE]
        assert password.isalnum()  # it is spliced into SQL, for CREATE ROLE takes no parameters
        admin = await asyncpg.connect(
            dsn_of("postgres", passwords["postgres"], "postgres", self._client_socket_dir())
        )
        try:
            if not await admin.fetchval("select 1 from pg_roles where rolname = $1", ROLE):
                await admin.execute(f"create role {ROLE} login createdb password '{password}'")
                await admin.execute(f"grant pg_monitor, pg_checkpoint, pg_signal_backend to {ROLE}")
            if not await admin.fetchval("select 1 from pg_database where datname = $1", DATABASE):
                await admin.execute(f"create database {DATABASE} owner {ROLE}")
                await admin.execute("revoke connect on database postgres from public")
        finally:
            await admin.close()

    # -- small parts --------------------------------------------------------------------------------------------------

    def _server_path(self, folder: Path, descriptor: int) -> str:
        """What the server calls `folder`: its path, or, under another user, the open descriptor (see above)."""
        return str(folder) if self._owner is None else f"/proc/self/fd/{descriptor}"

    def _client_socket_dir(self) -> Path:
        return self._socket_dir or self.home / "run"

    def _give_away(self, *paths: Path) -> None:
        if self._owner is not None:
            for path in paths:
                os.chown(path, self._owner.uid, self._owner.gid, follow_symlinks=False)


async def running_dsn(data_dir: Path | str) -> str | None:
    """The address of the server that runs in this data folder; None when none answers. `PermissionError`: it is another user's."""
    dsn = _announced(Path(data_dir).absolute())  # noqa: ASYNC240  # two small local files
    return dsn if dsn is not None and await answers(dsn) else None


def _announced(folder: Path) -> str | None:
    """The address that the server's keeper wrote down."""
    try:
        state = json.loads((folder / "database.json").read_text())
        return dsn_of(ROLE, passwords_of(folder, create=False)[ROLE], DATABASE, Path(state["socket_dir"]))
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, DatabaseError):
        return None


@asynccontextmanager
async def database(
    settings: Settings, progress: Progress = _quiet, *, wait_s: float = 600
) -> AsyncGenerator[str]:
    """The database's address for a one-off command: `database_url`, else the running server, else one started for us.

    A server that we started is stopped afterwards, once no other command uses it. One that another process looks after
    is waited for, as it may be recovering; after `wait_s` seconds `DatabaseError` says what it last said.
    """
    if settings.database_url is not None:
        await external.see_to(settings.database_url)
        yield settings.database_url
        return
    make_data_dir(settings.data_dir)
    users = FolderLock(settings.data_dir / "database.users", "command")
    await _until(users.try_take_shared)  # not while somebody's server is being stopped
    server: EmbeddedPostgres | None = None
    try:
        dsn = await running_dsn(settings.data_dir)
        if dsn is None:
            server = EmbeddedPostgres(settings.data_dir, user=settings.embedded_user, purpose="command")
            dsn = await _start_or_join(server, progress, wait_s)
        yield dsn
    finally:
        users.release()
        if server is not None:
            if server.pid is not None:
                await _until(lambda: users.try_take() is None)
            await server.stop()
            users.release()


async def _start_or_join(server: EmbeddedPostgres, progress: Progress, wait_s: float) -> str:
    """Start `server`, or use the one that another process is starting at this moment."""
    told = False
    deadline = time.monotonic() + wait_s
    while True:
        holder = server._lock.holder()
        if holder is None:
            try:
                return await server.start(progress)
            except DatabaseError:
                if server._lock.holder() is None:
                    raise
                continue  # somebody was quicker
        if (dsn := await running_dsn(server.data_dir)) is not None:
            return dsn
        if time.monotonic() > deadline:
            raise DatabaseError(
                f"The database does not answer; process {holder.pid} ({holder.purpose}) looks after it. PostgreSQL last said:\n"
                f"{pglog.last_trouble(server.log_file)}"
            )
        if not told:
            progress(f"Waiting for the database, which process {holder.pid} is starting")
            told = True
        await asyncio.sleep(0.1)


async def _until(done: Callable[[], bool]) -> None:
    """Ask again and again; what we wait for are other processes, which cannot set an event of ours."""
    while not done():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


@asynccontextmanager
async def with_embedded(data_dir: Path | str, *, durable: bool = False) -> AsyncGenerator[str]:
    """A server of one's own for tests: its address, and everything stopped afterwards. Not durable unless asked."""
    server = EmbeddedPostgres(data_dir, durable=durable)
    dsn = await server.start()
    sparing = asyncio.create_task(server.spare_commits())
    try:
        yield dsn
    finally:
        sparing.cancel()
        await asyncio.gather(sparing, return_exceptions=True)
        await server.stop()


def lock_holder(data_dir: Path | str) -> Holder | None:
    """The process that looks after the server of this data folder; None when nobody does."""
    path = Path(data_dir).absolute() / "database.lock"
    return FolderLock(path, "command").holder() if path.exists() else None


def _how(code: int | None) -> str:
    return f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
