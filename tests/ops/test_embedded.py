"""The embedded database against real servers in temporary folders."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

import steelyard
from steelyard.db import pgbinaries, pgprocess
from steelyard.db.datadir import DatabaseError, passwords_of
from steelyard.db.embedded import EmbeddedPostgres, database, lock_holder, running_dsn, with_embedded
from steelyard.settings import Settings

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root to become somebody else")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="relies on /proc and the parent-death signal")


async def query(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def until(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="steelyard-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


async def test_a_new_cluster_is_durable_checksummed_utf8_and_reachable_only_with_a_password(tmp_path):
    server = EmbeddedPostgres(tmp_path / "data")
    dsn = await server.start()
    try:
        for name, expected in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "server_encoding": "UTF8",
            "jit": "off",
            "TimeZone": "UTC",
        }.items():
            assert await query(dsn, f"select current_setting('{name}')") == expected, name
        locale = "select datlocprovider::text || ' ' || datlocale from pg_database where datname = current_database()"
        assert await query(dsn, locale) == "b C.UTF-8"
        assert await query(dsn, "select rolsuper from pg_roles where rolname = current_user") is False
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(dsn.replace("steelyard:", "steelyard:wrong"))
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(
                host=str(server.home / "run"), user="postgres", database="postgres", password=""
            )
        modes = {
            p.name: p.stat().st_mode & 0o777 for p in [tmp_path / "data", *(tmp_path / "data").iterdir()]
        }
        assert {name: mode for name, mode in modes.items() if mode & 0o077} == {}
        assert (server.home / "run").stat().st_mode & 0o777 == 0o700
    finally:
        await server.stop()


async def test_rows_are_there_after_a_stop_and_a_second_start(tmp_path):
    async with with_embedded(tmp_path) as dsn:
        await query(dsn, "create table kept as select generate_series(1, 100) as n")
        assert await running_dsn(tmp_path) == dsn
    assert await running_dsn(tmp_path) is None
    said: list[str] = []
    server = EmbeddedPostgres(tmp_path, durable=False)
    second = await server.start(said.append)
    assert await query(second, "select count(*) from kept") == 100
    await server.stop()
    assert not any("Creating" in line for line in said)
    assert second == dsn


async def test_a_killed_server_is_started_again_with_everything_that_was_committed(tmp_path):
    server = EmbeddedPostgres(tmp_path)
    said: list[str] = []
    dsn = await server.start()
    watching = asyncio.create_task(server.watch(said.append))
    try:
        await query(dsn, "create table kept (n int)")
        for n in range(3):
            await query(dsn, f"insert into kept values ({n})")
            busy = await asyncpg.connect(dsn)
            sleeping = asyncio.create_task(busy.execute("select pg_sleep(60)"))
            await asyncio.sleep(0.1)
            pid = server.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await until(lambda pid=pid: server.pid not in (None, pid))
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await sleeping
            busy.terminate()
            await until(lambda n=n: said.count("PostgreSQL is back") == n + 1)
            assert await query(dsn, "select count(*) from kept") == n + 1
        assert "signal SIGKILL" in said[0]
        assert not any("does not start" in line for line in said), said
    finally:
        await server.stop()
        await watching


async def test_a_second_keeper_of_one_data_folder_is_refused_and_told_who_has_it(tmp_path):
    async with with_embedded(tmp_path) as dsn:
        with pytest.raises(DatabaseError, match=f"in use by another steelyard process.*{os.getpid()}"):
            await EmbeddedPostgres(tmp_path).start()
        assert await query(dsn, "select 1") == 1


async def test_a_command_uses_the_running_server_and_leaves_it_running(tmp_path):
    async with with_embedded(tmp_path) as dsn:
        async with database(Settings(data_dir=tmp_path)) as address:
            assert address == dsn
        assert await query(dsn, "select 1") == 1


async def test_commands_share_a_server_that_one_of_them_started_and_the_last_one_stops_it(tmp_path):
    settings = Settings(data_dir=tmp_path)

    async def command(seconds: float) -> str:
        async with database(settings) as dsn:
            await query(dsn, f"select pg_sleep({seconds})")
            assert await query(dsn, "select 1") == 1
            return dsn

    addresses = await asyncio.gather(*(command(0.1 * n) for n in range(1, 7)))
    assert len(set(addresses)) == 1
    assert lock_holder(tmp_path) is None
    assert await running_dsn(tmp_path) is None


async def test_a_server_waits_for_a_command_to_finish_with_the_database(tmp_path):
    said: list[str] = []
    async with database(Settings(data_dir=tmp_path)) as first:
        server = EmbeddedPostgres(tmp_path)
        starting = asyncio.create_task(server.start(said.append))
        await asyncio.sleep(0.5)
        assert not starting.done()
        assert await query(first, "select 1") == 1
    assert await query(await starting, "select 1") == 1
    assert any("Waiting for the command" in line for line in said)
    await server.stop()


async def test_a_pid_file_that_names_a_stranger_does_not_keep_the_server_from_starting(tmp_path):
    async with with_embedded(tmp_path):
        pass
    pid_file = tmp_path / "pg18" / "data" / "postmaster.pid"
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        pid_file.write_text(f"{stranger.pid}\n/elsewhere\n1\n5432\n/tmp\n\n\nready\n")
        async with with_embedded(tmp_path) as dsn:
            assert await query(dsn, "select 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_an_initialisation_that_was_interrupted_is_begun_again(tmp_path):
    (tmp_path / "pg18.new" / "data").mkdir(parents=True)
    (tmp_path / "pg18.new" / "data" / "PG_VERSION").write_text("18\n")
    async with with_embedded(tmp_path) as dsn:
        assert await query(dsn, "select 1") == 1
    assert not (tmp_path / "pg18.new").exists()


async def test_a_data_folder_with_a_long_path_gets_a_private_socket_folder_elsewhere(tmp_path):
    folder = tmp_path / ("long-" * 20) / ("ümläut " * 10) / "data"
    async with with_embedded(folder) as dsn:
        assert await query(dsn, "select 1") == 1
        assert await running_dsn(folder) == dsn
        socket_dir = Path(json.loads((folder / "database.json").read_text())["socket_dir"])
        assert not socket_dir.is_relative_to(folder)
        assert socket_dir.stat().st_mode & 0o777 == 0o700
    assert not socket_dir.exists()


async def test_a_start_that_fails_says_what_the_server_said_and_leaves_nothing_behind(tmp_path):
    async with with_embedded(tmp_path):
        pass
    (tmp_path / "pg18" / "data" / "local.conf").write_text("max_connections = many\n")
    server = EmbeddedPostgres(tmp_path)
    with pytest.raises(DatabaseError, match="max_connections"):
        await server.start()
    assert lock_holder(tmp_path) is None
    assert pgprocess.working_in(tmp_path / "pg18" / "data") == []


async def test_a_data_folder_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseError, match=r"Cannot write to the data folder .*STEELYARD_DATA_DIR"):
        await EmbeddedPostgres(tmp_path / "file" / "data").start()


KEEPER = textwrap.dedent("""
    import asyncio, sys
    from steelyard.db.embedded import EmbeddedPostgres

    async def main():
        server = EmbeddedPostgres(sys.argv[1])
        print(await server.start(), flush=True)
        await asyncio.sleep(600)

    asyncio.run(main())
""")


@linux_only
async def test_the_server_ends_when_its_keeper_is_killed_and_the_next_keeper_takes_over(tmp_path):
    for _ in range(2):
        keeper = subprocess.Popen(
            [sys.executable, "-c", KEEPER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert keeper.stdout is not None
        with contextlib.closing(keeper.stdout):
            dsn = keeper.stdout.readline().strip()
            assert await query(dsn, "select 1") == 1
            keeper.kill()
            keeper.wait()
        async with with_embedded(tmp_path) as second:  # at once, while the old server is still shutting down
            assert await query(second, "select 1") == 1
    await until(lambda: pgprocess.working_in(tmp_path / "pg18" / "data") == [])


def run_as(uid: int, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program as somebody else, by an interpreter that they can reach; skip where there is none."""
    packages = os.pathsep.join(str(Path(module.__file__).parents[1]) for module in (steelyard, asyncpg))
    system = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin")
    for python in filter(None, [sys.executable, system]):
        with contextlib.suppress(PermissionError):
            done = subprocess.run(
                [python, "-c", program, *arguments],
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"},
                user=uid,
                group=uid,
                extra_groups=[],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            if "No module named" not in done.stderr:  # our own sources may be in a private folder too
                return done
    pytest.skip("no Python of this version is in a folder that others may enter")


ONCE = textwrap.dedent("""
    import asyncio, sys, asyncpg
    from steelyard.db.embedded import with_embedded

    async def main():
        async with with_embedded(sys.argv[1]) as dsn:
            connection = await asyncpg.connect(dsn)
            print(await connection.fetchval("select 'answer ' || current_user"))
            await connection.close()

    asyncio.run(main())
""")


@root_only
@pytest.mark.parametrize("uid", [65534, 54321], ids=["user nobody", "an id without a passwd entry"])
def test_an_ordinary_user_can_run_it(open_dir, uid):
    folder = open_dir / "theirs"
    folder.mkdir()
    os.chown(folder, uid, uid)
    for _ in range(2):
        done = run_as(uid, ONCE, str(folder / "data"))
        assert (done.returncode, done.stdout) == (0, "answer steelyard\n"), done.stderr
    assert {path.stat().st_uid for path in (folder / "data").rglob("*")} == {uid}


@root_only
@linux_only
async def test_root_can_keep_data_and_programs_below_private_folders_whose_modes_stay(open_dir, monkeypatch):
    private = open_dir / "home"
    private.mkdir(mode=0o700)
    source = pgbinaries.bundled()
    root = pgbinaries._copy(source, private / "venv")
    monkeypatch.setattr(pgbinaries, "bundled", lambda: root)
    monkeypatch.setattr(pgbinaries, "_COPY_PARENTS", (str(open_dir),))
    for _ in range(2):
        async with with_embedded(private / "project" / "data") as dsn:
            assert await query(dsn, "select 1") == 1
    assert private.stat().st_mode & 0o777 == 0o700
    assert (private.stat().st_uid, (private / "project" / "data").stat().st_uid) == (0, 0)
    assert (private / "project" / "data" / "pg18").stat().st_uid != 0
    assert len(list((open_dir / "steelyard-programs").iterdir())) == 1


@root_only
async def test_a_folder_begun_by_an_ordinary_user_goes_on_as_that_user_when_root_starts_it(open_dir):
    folder = open_dir / "theirs"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    done = run_as(65534, ONCE, str(folder / "data"))
    assert done.returncode == 0, done.stderr
    async with with_embedded(folder / "data") as dsn:
        assert await query(dsn, "select 1") == 1
    done = run_as(65534, ONCE, str(folder / "data"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("content", ["", "{", "[]", "5", '{"steelyard": "x"}'])
def test_a_damaged_file_of_passwords_is_told_in_words(tmp_path, content):
    (tmp_path / "database-secret.json").write_text(content)
    with pytest.raises(DatabaseError, match=r"database-secret\.json is damaged"):
        passwords_of(tmp_path, create=False)
