"""`steelyard backup` and `restore`: one tar file with the database, the stored files and the secret key.

    database.dump       pg_dump's custom format, our schema
    secret-key          when it is kept in the data folder
    files/…             when files are kept in a local folder
    manifest.json       last: versions, and each member's size and SHA-256

The database is dumped before the files are read. A file is stored before the row that names it, and its name is its
content's hash, so every file that the dump names is there and whole. The manifest comes last, so that a backup that was
cut short is recognised.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct

from steelyard import __version__
from steelyard.db import embedded
from steelyard.db.datadir import make_data_dir
from steelyard.db.migrate import migrate, migration_names
from steelyard.db.pool import Database
from steelyard.ops import pgtools, queries
from steelyard.settings import Settings

Say = Callable[[str], None]
_FORMAT = 1
_DUMP, _KEY, _FILES, _MANIFEST = "database.dump", "secret-key", "files/", "manifest.json"
_FILE_NAME = re.compile(r"files/(?!.*(?:^|/)\.\.?(?:/|$))[^/\0][^\0]*")


class BackupError(Exception):
    """The backup cannot be made or used; the message says why."""


class Member(Struct, frozen=True):
    """A file in the backup."""

    size_bytes: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What a backup says of itself."""

    format: int
    steelyard: str
    created_at: datetime
    migrations: list[str]
    local_files: bool
    members: dict[str, Member]


async def back_up(settings: Settings, target: Path, say: Say) -> Manifest:
    """Write a backup to `target`, which must not exist. The server may be running."""
    _refuse_target(target)
    partial = target.with_name(target.name + ".partial")
    folder = local_files(settings)
    try:
        async with _connected(settings, say) as (dsn, db):
            if not await queries.table_exists(db, name="migration"):
                raise BackupError("The database is empty; there is nothing to back up.")
            names = [row.name for row in await queries.applied_migrations(db)]
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".steelyard-backup-") as scratch:
                dumped = Path(scratch) / _DUMP
                say("Dumping the database")
                await pgtools.dump(dsn, dumped, await _major(db))
                say(
                    "Copying the files"
                    if folder
                    else "The files are in an object store, which this backup leaves out"
                )
                manifest = await asyncio.to_thread(_write, partial, settings, dumped, folder, names)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


async def restore(settings: Settings, source: Path, say: Say, *, force: bool = False) -> Manifest:
    """Make the installation what it was at the backup, then migrate it to this version.

    Raises `BackupError`, with nothing changed, when the backup is damaged or newer, when a server runs, or when the
    installation holds data and `force` is not given.
    """
    say("Checking the backup")
    manifest = await asyncio.to_thread(check, source)
    if unknown := sorted(set(manifest.migrations) - set(migration_names())):
        raise BackupError(
            f"The backup was made by a newer Steelyard ({manifest.steelyard}; it has {unknown[0]})."
        )
    folder = local_files(settings)
    if manifest.local_files and folder is None:
        raise BackupError(
            "The backup holds files, but STEELYARD_STORAGE_URL names an object store; unset it to restore."
        )
    make_data_dir(settings.data_dir)
    holder = embedded.lock_holder(settings.data_dir)
    if holder is not None and holder.purpose == "up":
        raise BackupError(f"Steelyard is running here (process {holder.pid}); stop it first.")
    async with _connected(settings, say) as (dsn, db):
        await _refuse_if_used(db, settings, folder, force=force)
        with contextlib.ExitStack() as stack:
            scratch = Path(
                stack.enter_context(tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".restore-"))
            )
            staged = folder.with_name(f".{folder.name}.restoring") if folder is not None else None
            if staged is not None:
                shutil.rmtree(staged, ignore_errors=True)
                stack.callback(shutil.rmtree, staged, ignore_errors=True)
            say("Unpacking")
            await asyncio.to_thread(_unpack, source, scratch, staged)
            say("Restoring the database")
            await pgtools.replace_with(dsn, scratch / _DUMP, await _major(db))
            await asyncio.to_thread(_put_in_place, scratch, staged, folder, settings)
        await migrate(dsn, progress=say)
    return manifest


def check(source: Path) -> Manifest:
    """Read the whole backup and compare it with its manifest. Raises `BackupError`."""
    seen: dict[str, Member] = {}
    manifest: Manifest | None = None
    try:
        for info, content in _members(source):
            if info.name == _MANIFEST:
                manifest = _manifest(content.read())
            else:
                seen[info.name] = Member(info.size, _digest(content))
    except tarfile.TarError as error:
        raise BackupError(f"{source} cannot be read as a backup: {error}.") from None
    if manifest is None:
        raise BackupError(f"{source} is not a whole backup: its manifest is missing.")
    if seen != manifest.members:
        wrong = sorted(set(seen.items()) ^ set(manifest.members.items()), key=lambda entry: entry[0])
        raise BackupError(f"{source} is damaged: {wrong[0][0]} is not what the manifest says.")
    return manifest


def local_files(settings: Settings) -> Path | None:
    """The folder that files are kept in; None for an object store."""
    parts = urlsplit(settings.storage)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


@asynccontextmanager
async def _connected(settings: Settings, say: Say) -> AsyncGenerator[tuple[str, Database]]:
    async with embedded.database(settings, say) as dsn:
        db = await Database.open(dsn, size=1, statement_timeout_ms=0)
        try:
            yield dsn, db
        finally:
            await db.close()


async def _refuse_if_used(db: Database, settings: Settings, folder: Path | None, *, force: bool) -> None:
    if await queries.table_exists(db, name="process"):
        for seen in await queries.seen_processes(db, within_s=30.0):
            raise BackupError(
                f"A {seen.kind} process uses this database; stop it (and wait half a minute) first."
            )
    if force:
        return
    used = _kept(settings, folder)
    if await queries.table_exists(db, name="account") and await queries.count_accounts(db):
        used.append("accounts in the database")
    if used:
        raise BackupError(f"This installation has {', '.join(used)}. --force replaces them by the backup's.")


def _refuse_target(target: Path) -> None:
    if target.exists():
        raise BackupError(f"{target} exists; choose another name.")
    if not target.parent.is_dir():
        raise BackupError(f"There is no folder {target.parent}.")


def _kept(settings: Settings, folder: Path | None) -> list[str]:
    """What the data folder holds that a restore would replace, in words."""
    used: list[str] = []
    if folder is not None and folder.is_dir() and next(_stored(folder), None) is not None:
        used.append(f"files in {folder}")
    if settings.secret_key_file.exists():
        used.append(f"a key in {settings.secret_key_file}")
    return used


async def _major(db: Database) -> int:
    return (await queries.server_version(db) or 0) // 10000


def _write(
    partial: Path, settings: Settings, dumped: Path, folder: Path | None, names: list[str]
) -> Manifest:
    members: dict[str, Member] = {}
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with (
        os.fdopen(descriptor, "wb") as raw,
        tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        _add(tar, members, _DUMP, dumped)
        if settings.secret_key is None and settings.secret_key_file.exists():
            _add(tar, members, _KEY, settings.secret_key_file)
        for path in _stored(folder) if folder is not None else ():
            with contextlib.suppress(
                FileNotFoundError
            ):  # removed since we listed it: no row of the dump names it
                _add(tar, members, _FILES + path.relative_to(folder).as_posix() if folder else "", path)
        manifest = Manifest(_FORMAT, __version__, datetime.now(UTC), names, folder is not None, members)
        text = msgspec.json.format(msgspec.json.encode(manifest))
        info = tarfile.TarInfo(_MANIFEST)
        info.size, info.mode = len(text), 0o600
        tar.addfile(info, io.BytesIO(text))
        raw.flush()
        os.fsync(raw.fileno())
    return manifest


class _Hashing(io.RawIOBase):
    """A file that hashes what is read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


def _add(tar: tarfile.TarFile, members: dict[str, Member], name: str, path: Path) -> None:
    with path.open("rb") as file:
        info = tarfile.TarInfo(name)
        stat = os.fstat(file.fileno())
        info.size, info.mode, info.mtime = stat.st_size, 0o600, int(stat.st_mtime)
        hashing = _Hashing(file)
        tar.addfile(info, hashing)  # pyright: ignore[reportArgumentType]  # addfile only reads
        members[name] = Member(info.size, hashing.hash.hexdigest())


def _stored(folder: Path) -> Iterator[Path]:
    """Every stored file; `tmp/` holds what is being received."""
    for root, folders, files in os.walk(folder):
        if Path(root) == folder and "tmp" in folders:
            folders.remove("tmp")
        folders.sort()
        yield from (Path(root) / name for name in sorted(files) if "#" not in name)


def _members(source: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """The members, which must all be plain files of names that we write."""
    try:
        with tarfile.open(source, mode="r:") as tar:
            for info in tar:
                content = tar.extractfile(info) if info.isreg() else None
                if content is None or not (
                    info.name in (_DUMP, _KEY, _MANIFEST) or _FILE_NAME.fullmatch(info.name)
                ):
                    raise BackupError(f"{source} is not a backup of Steelyard: it holds “{info.name}”.")
                yield info, content
    except FileNotFoundError:
        raise BackupError(f"There is no file {source}.") from None
    except (tarfile.TarError, OSError) as error:
        raise BackupError(f"{source} cannot be read as a backup: {error}.") from None


def _manifest(raw: bytes) -> Manifest:
    try:
        found = msgspec.json.decode(raw, type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupError(f"The backup's manifest is not valid: {error}.") from None
    if found.format != _FORMAT:
        raise BackupError(f"The backup has format {found.format}; this Steelyard reads format {_FORMAT}.")
    return found


def _digest(content: IO[bytes]) -> str:
    found = hashlib.sha256()
    while block := content.read(1 << 20):
        found.update(block)
    return found.hexdigest()


def _unpack(source: Path, scratch: Path, staged: Path | None) -> None:
    if staged is not None:
        staged.mkdir(parents=True)
    for info, content in _members(source):
        if info.name.startswith(_FILES):
            assert staged is not None
            path = staged / info.name.removeprefix(_FILES)
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            path = scratch / info.name
        with path.open("wb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())


def _put_in_place(scratch: Path, staged: Path | None, folder: Path | None, settings: Settings) -> None:
    if staged is not None and folder is not None:
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        staged.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    if (scratch / _KEY).exists():
        (scratch / _KEY).chmod(0o600)
        (scratch / _KEY).replace(settings.secret_key_file)
