"""Backup, restore, doctor and the account verbs, through the command line and on real data."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Generator
from pathlib import Path

import pytest

from steelyard.app import open_ctx
from steelyard.db import embedded
from steelyard.db.pglock import FolderLock
from steelyard.db.pool import Database
from steelyard.ops import backup, doctor
from steelyard.settings import Settings
from tests.conftest import database_folder

BASE_ENV = {name: value for name, value in os.environ.items() if not name.startswith("STEELYARD_")}


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """In memory where there is room: each installation here is a database whose files are made and synchronised."""
    folder = database_folder(tmp_path_factory)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def steelyard(*arguments: str, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "steelyard", *arguments],
        env={**BASE_ENV, **env},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == code, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done


def quiet(_line: str) -> None:
    pass


async def fill(settings: Settings, content: bytes) -> tuple[str, str]:
    """An account with a key and one stored file in an installation that does not run; the key and the file's hash."""
    folder = ("--data-dir", str(settings.data_dir))
    async with embedded.database(settings) as dsn, open_ctx(with_dsn(settings, dsn)) as ctx:
        steelyard("accounts", "create", "Acme", "--admin", "ops@acme.example", *folder)
        made = steelyard("keys", "create", "--account", "Acme", "--mode", "live", "--json", *folder)
        blob = await ctx.store.put(content)
    return json.loads(made.stdout)["key"], blob.sha256


def with_dsn(settings: Settings, dsn: str) -> Settings:
    return Settings(data_dir=settings.data_dir, database_url=dsn, db_pool_size=2)


async def key_hashes(settings: Settings) -> list[bytes]:
    async with embedded.database(settings) as dsn:
        db = await Database.open(dsn, size=1)
        try:
            return [row[0] for row in await db.fetch("select sha256 from api_key order by id")]
        finally:
            await db.close()


def edit(source: Path, target: Path, change) -> None:
    """Copy a tar file, letting `change(name, content)` return other content, or None to leave a member out."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for info in old:
            file = old.extractfile(info)
            assert file is not None
            content = change(info.name, file.read())
            if content is not None:
                info.size = len(content)
                new.addfile(info, io.BytesIO(content))


async def test_a_backup_restored_elsewhere_has_the_rows_the_files_and_the_secret_key(tmp_path):
    old, new = Settings(data_dir=tmp_path / "old"), Settings(data_dir=tmp_path / "new")
    content = os.urandom(300_000)
    key, sha256 = await fill(old, content)
    file = tmp_path / "backup.tar"
    said = steelyard("backup", str(file), "--data-dir", str(old.data_dir)).stdout
    assert "Dumping the database" in said
    assert file.stat().st_mode & 0o777 == 0o600
    steelyard("restore", str(file), "--data-dir", str(new.data_dir))
    assert await key_hashes(new) == [hashlib.sha256(key.encode()).digest()]
    assert new.secret_key_file.read_bytes() == old.secret_key_file.read_bytes()
    assert new.secret_key_file.stat().st_mode & 0o777 == 0o600
    async with embedded.database(new) as dsn, open_ctx(with_dsn(new, dsn)) as ctx:
        assert await ctx.store.get(sha256) == content
    listed = json.loads(
        steelyard("keys", "list", "--account", "Acme", "--json", "--data-dir", str(new.data_dir)).stdout
    )
    assert [row["mode"] for row in listed] == ["live"]


async def test_restoring_over_an_installation_in_use_needs_force_and_then_replaces_everything(tmp_path):
    first, second = Settings(data_dir=tmp_path / "first"), Settings(data_dir=tmp_path / "second")
    key, kept = await fill(first, b"first")
    other, gone = await fill(second, b"second")
    file = tmp_path / "backup.tar"
    await backup.back_up(first, file, quiet)
    with pytest.raises(backup.BackupError, match="accounts in the database"):
        await backup.restore(second, file, quiet)
    assert await key_hashes(second) == [hashlib.sha256(other.encode()).digest()]
    await backup.restore(second, file, quiet, force=True)
    assert await key_hashes(second) == [hashlib.sha256(key.encode()).digest()]
    names = {path.name for path in (second.data_dir / "files").rglob("*") if path.is_file()}
    assert kept in names
    assert gone not in names


async def test_a_damaged_or_foreign_backup_is_refused_before_anything_changes(tmp_path):
    settings, target = Settings(data_dir=tmp_path / "old"), Settings(data_dir=tmp_path / "new")
    await fill(settings, b"a file of some length")
    good = tmp_path / "good.tar"
    await backup.back_up(settings, good, quiet)

    def flipped(name: str, content: bytes) -> bytes:
        return content[:-1] + bytes([content[-1] ^ 1]) if name.startswith("files/") else content

    def newer(name: str, content: bytes) -> bytes:
        if name != "manifest.json":
            return content
        manifest = json.loads(content)
        manifest["migrations"].append("9999_future.pre.sql")
        return json.dumps(manifest).encode()

    cases = {
        "is damaged": lambda path: edit(good, path, flipped),
        "manifest is missing": lambda path: edit(
            good, path, lambda n, c: None if n == "manifest.json" else c
        ),
        "cannot be read|not a whole": lambda path: path.write_bytes(
            good.read_bytes()[: good.stat().st_size // 2]
        ),
        "newer Steelyard": lambda path: edit(good, path, newer),
        "is not a backup of Steelyard": _escaping,
        "There is no file": lambda path: None,
    }
    for number, (message, make) in enumerate(cases.items()):
        path = tmp_path / f"bad{number}.tar"
        make(path)
        with pytest.raises(backup.BackupError, match=message):
            await backup.restore(target, path, quiet, force=True)
    assert not target.data_dir.exists()
    assert not (tmp_path / "escaped").exists()


def _escaping(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("files/../../escaped")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))


async def test_a_backup_never_overwrites_and_an_empty_installation_has_none(tmp_path):
    (tmp_path / "there.tar").write_text("")
    settings = Settings(data_dir=tmp_path / "data")
    with pytest.raises(backup.BackupError, match="exists"):
        await backup.back_up(settings, tmp_path / "there.tar", quiet)
    with pytest.raises(backup.BackupError, match="nothing to back up"):
        await backup.back_up(settings, tmp_path / "new.tar", quiet)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "there.tar"]


async def test_accounts_and_keys_by_command_line(tmp_path):
    folder = ["--data-dir", str(tmp_path)]
    made = json.loads(
        steelyard("accounts", "create", "Acme", "--admin", "a@acme.example", "--json", *folder).stdout
    )
    assert made["name"] == "Acme"
    assert len(made["password"]) > 15
    async with embedded.database(Settings(data_dir=tmp_path)):  # that command started the database for itself
        assert (
            "There is an account 'Acme' already"
            in steelyard("accounts", "create", "Acme", *folder, code=1).stderr
        )
        assert [a["name"] for a in json.loads(steelyard("accounts", "list", "--json", *folder).stdout)] == [
            "Acme"
        ]
        key = json.loads(
            steelyard("keys", "create", "--account", "Acme", "--mode", "test", "--json", *folder).stdout
        )
        assert key["key"].startswith("test_")
        assert (
            "no account"
            in steelyard("keys", "create", "--account", "Nobody", "--mode", "test", *folder, code=1).stderr
        )
        user = steelyard(
            "users", "create", "ada@example.org", "--account", "Acme", "--role", "labeler", *folder
        ).stdout
        assert "ada@example.org" in user
        assert (
            "e-mail address"
            in steelyard("users", "create", "ada", "--account", "Acme", *folder, code=1).stderr
        )
        steelyard("keys", "revoke", str(key["id"]), "--account", "Acme", *folder)
        listed = json.loads(steelyard("keys", "list", "--account", "Acme", "--json", *folder).stdout)
        assert listed[0]["revoked_at"] is not None
        assert key["key"] not in json.dumps(listed)


async def test_doctor_finds_nothing_wrong_with_a_healthy_installation_and_says_what_is_wrong_with_a_sick_one(
    tmp_path,
):
    settings = Settings(data_dir=tmp_path / "data")
    await fill(settings, b"x")
    healthy = json.loads(steelyard("doctor", "--json", "--data-dir", str(settings.data_dir)).stdout)
    assert healthy["ok"] is True
    assert {finding["about"] for finding in healthy["findings"]} >= {
        "data folder",
        "secret key",
        "database",
        "jobs",
    }
    settings.secret_key_file.chmod(0o644)
    async with embedded.database(settings) as dsn:
        db = await Database.open(dsn, size=1)
        await db.execute(
            "insert into job (kind, run_at) values ('send_callback', steelyard.now() - interval '1 hour')"
        )
        await db.execute(
            "insert into job (kind, failed_at, last_error) values ('prepare_task', steelyard.now(), 'boom')"
        )
        await db.execute("""
            with event as (
              insert into callback_event (space_id, kind, target, payload, created_at)
              values (1, 'task', 'http://10.1.2.3/hook', '{}', steelyard.now()) returning id)
            insert into callback_attempt (event_id, at, duration_ms, error)
            select id, steelyard.now(), 1, 'blocked_address' from event
        """)
        sick = await doctor.examine(settings)
        await db.execute("insert into migration (name) values ('9999_future.pre.sql')")
        ahead = {finding.about: finding.message for finding in await doctor.examine(settings)}
        await db.close()
    assert "newer Steelyard" in ahead["migrations"]
    problems = {finding.about: finding.message for finding in sick if finding.state == "problem"}
    assert "chmod 600" in problems["secret key"]
    said = " ".join(finding.message for finding in sick if finding.about == "jobs")
    assert "1 prepare_task jobs were given up. The last one said: boom" in said
    assert "the oldest waits for 60 minutes" in said
    assert "STEELYARD_ALLOW_NETWORKS" in problems["callbacks"]
    assert "http://10.1.2.3/hook" in problems["callbacks"]
    assert "PROBLEM" in steelyard("doctor", "--data-dir", str(settings.data_dir), code=1).stdout


async def test_doctor_explains_a_database_that_cannot_be_reached_and_a_folder_that_is_missing(tmp_path):
    away = Settings(data_dir=tmp_path, database_url="postgresql://u:p@127.0.0.1:9/none")
    found = {finding.about: finding for finding in await doctor.examine(away)}
    assert found["database"].state == "problem"
    assert "STEELYARD_DATABASE_URL" in found["database"].message
    missing = await doctor.examine(Settings(data_dir=tmp_path / "none"))
    assert "steelyard up" in missing[0].message
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
async def test_doctor_tells_another_user_that_the_folder_is_not_theirs(tmp_path):
    tmp_path.chmod(0o700)
    os.seteuid(65534)
    try:
        found = await doctor.examine(Settings(data_dir=tmp_path / "data"))
    finally:
        os.seteuid(0)
    assert [finding.state for finding in found] == ["problem"]
    assert "out of reach for user id 65534" in found[0].message


async def test_doctor_tells_at_once_what_a_database_said_that_its_keeper_cannot_start(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_WAIT_S", 0.0)
    lock = FolderLock(tmp_path / "database.lock", "up")
    assert lock.try_take() is None
    (tmp_path / "pg18.log").write_text(
        "FATAL:  could not write to file: No space left on device\n"
        + "FATAL:  the database system is starting up\nLOG:  database system is shut down\n" * 9
    )
    found = {finding.about: finding for finding in await doctor.examine(Settings(data_dir=tmp_path))}
    lock.release()
    assert found["database"].state == "problem"
    assert "(up) looks after it" in found["database"].message
    assert "No space left on device" in found["database"].message
