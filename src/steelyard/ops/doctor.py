"""`steelyard doctor`: looks at an installation and says in words what is wrong and what to do about it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from msgspec import Struct

from steelyard import work
from steelyard.db import embedded
from steelyard.db.datadir import DatabaseError, make_data_dir, out_of_reach
from steelyard.db.migrate import migration_names
from steelyard.db.pool import Database
from steelyard.errors import SteelyardError
from steelyard.ops import queries
from steelyard.ops.backup import local_files
from steelyard.settings import Settings

GIB = 1024**3
_LATE_S = 300.0
_WAIT_S = 15.0  # for a database that its keeper cannot start: then we tell what it said


class Finding(Struct, frozen=True):
    """One thing looked at. `problem` makes the exit code 1; `note` is worth knowing."""

    about: str
    state: Literal["ok", "note", "problem"]
    message: str


async def examine(settings: Settings) -> list[Finding]:
    """Every check, in the order in which to mend things."""
    try:
        found = [_data_dir(settings), _secret_key(settings), *_disk(settings)]
    except PermissionError as error:
        return [Finding("data folder", "problem", out_of_reach(error))]
    if found[0].state == "problem" and settings.database_url is None:
        return found
    try:
        async with _database(settings) as db:
            found.append(await _version(db, settings))
            migrations = await _migrations(db)
            found.append(migrations)
            if migrations.state != "problem":
                found += await _processes(db, settings)
                found += await _jobs(db)
                found += await _callbacks(db)
                found += await stranded_work(db)
    except (SteelyardError, DatabaseError) as error:
        message = error.message if isinstance(error, SteelyardError) else str(error)
        if not message.startswith("STEELYARD_DATABASE_URL"):
            where = "STEELYARD_DATABASE_URL" if settings.database_url else settings.data_dir
            message = f"The database of {where} cannot be used: {message}"
        found.append(Finding("database", "problem", message))
    return found


@asynccontextmanager
async def _database(settings: Settings) -> AsyncGenerator[Database]:
    async with embedded.database(settings, wait_s=_WAIT_S) as dsn:
        db = await Database.open(dsn, size=1)
        try:
            yield db
        finally:
            await db.close()


def _data_dir(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    if not folder.exists():
        return Finding("data folder", "problem", f"There is no {folder} yet; `steelyard up` makes it.")
    try:
        make_data_dir(folder)
    except DatabaseError as error:
        return Finding("data folder", "problem", str(error))
    if folder.stat().st_mode & 0o077:
        mode = oct(folder.stat().st_mode & 0o777)[2:]
        return Finding(
            "data folder",
            "note",
            f"{folder} can be entered by other users (mode {mode}); `chmod 700` closes it.",
        )
    return Finding("data folder", "ok", f"{folder} is ours and writable.")


def _secret_key(settings: Settings) -> Finding:
    path = settings.secret_key_file
    if settings.secret_key is not None:
        return Finding("secret key", "ok", "It is set by STEELYARD_SECRET_KEY.")
    if not path.exists():
        return Finding("secret key", "note", f"There is no {path} yet; the first start makes it.")
    return _private("secret key", path)


def _private(about: str, path: Path) -> Finding:
    status = path.stat()
    if status.st_mode & 0o077:
        mode = oct(status.st_mode & 0o777)[2:]
        return Finding(
            about, "problem", f"{path} can be read by other users (mode {mode}): `chmod 600 {path}`."
        )
    if not os.access(path, os.R_OK):
        return Finding(about, "problem", f"{path} belongs to user id {status.st_uid}, and we cannot read it.")
    return Finding(about, "ok", f"{path} is private.")


def _disk(settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    places = {"disk of the data folder": settings.data_dir, "disk of the files": local_files(settings)}
    seen: set[int] = set()
    for about, path in places.items():
        if path is None:
            continue
        existing = next(parent for parent in [path.absolute(), *path.absolute().parents] if parent.exists())
        if existing.stat().st_dev in seen:
            continue
        seen.add(existing.stat().st_dev)
        usage = shutil.disk_usage(existing)
        text = f"{usage.free / GIB:.1f} GiB of {usage.total / GIB:.1f} GiB are free at {existing}."
        if usage.free < GIB:
            found.append(Finding(about, "problem", f"{text} PostgreSQL stops when it is full: make room."))
        elif usage.free < usage.total / 20:
            found.append(Finding(about, "note", text))
        else:
            found.append(Finding(about, "ok", text))
    return found


async def _version(db: Database, settings: Settings) -> Finding:
    number = await queries.server_version(db) or 0
    which = "the one of STEELYARD_DATABASE_URL" if settings.database_url else "the embedded one"
    text = f"PostgreSQL {number // 10000}.{number % 10000} ({which}) answers."
    if number < 180000:
        return Finding("database", "problem", f"{text} Steelyard needs version 18 or newer.")
    return Finding("database", "ok", text)


async def _migrations(db: Database) -> Finding:
    shipped = migration_names()
    if not await queries.table_exists(db, name="migration"):
        return Finding("migrations", "problem", "The database has no tables yet: run `steelyard migrate`.")
    applied = {row.name for row in await queries.applied_migrations(db)}
    missing = [name for name in shipped if name not in applied]
    if missing:
        return Finding(
            "migrations", "problem", f"Not applied: {', '.join(missing)}. Run `steelyard migrate`."
        )
    if unknown := sorted(applied - set(shipped)):
        return Finding(
            "migrations",
            "problem",
            f"The database was migrated by a newer Steelyard (it has {unknown[0]}): update this one.",
        )
    return Finding(
        "migrations", "ok", f"All {len(shipped)} applied." if shipped else "The schema is current."
    )


async def _processes(db: Database, settings: Settings) -> list[Finding]:
    seen = {row.kind: row.processes for row in await queries.seen_processes(db, within_s=60.0)}
    holder = embedded.lock_holder(settings.data_dir) if settings.database_url is None else None
    running = settings.database_url is not None or (holder is not None and holder.purpose == "up")
    if seen:
        text = ", ".join(f"{count} × {kind}" for kind, count in seen.items())
        state = "ok" if "worker" in seen else "problem"
        advice = (
            ""
            if "worker" in seen
            else " No worker: callbacks and attachments wait. Start `steelyard worker`."
        )
        return [Finding("processes", state, f"Seen in the last minute: {text}.{advice}")]
    if running:
        return [
            Finding(
                "processes",
                "problem",
                "No worker reported in the last minute: callbacks and attachments wait for one.",
            )
        ]
    return [Finding("processes", "note", "Steelyard is not running.")]


async def _jobs(db: Database) -> list[Finding]:
    found: list[Finding] = []
    for row in await queries.failed_jobs(db):
        said = (row.last_error or "no reason recorded").strip().splitlines()[-1][:200]
        found.append(
            Finding("jobs", "problem", f"{row.jobs} {row.kind} jobs were given up. The last one said: {said}")
        )
    found += [
        Finding(
            "jobs",
            "problem",
            f"{row.jobs} jobs of the queue {row.queue} should have begun; the oldest waits for {_time(row.oldest_s)}. "
            "Is a worker running?",
        )
        for row in await queries.late_jobs(db, late_s=_LATE_S)
    ]
    return found or [Finding("jobs", "ok", "None late, none given up.")]


async def _callbacks(db: Database) -> list[Finding]:
    found: list[Finding] = []
    blocked = await queries.blocked_callbacks(db)
    if blocked.events:
        found.append(
            Finding(
                "callbacks",
                "problem",
                f"{blocked.events} callbacks of the last day were refused because their address is in a private network "
                f"(for instance {blocked.target}). If that is meant, list the network in STEELYARD_ALLOW_NETWORKS.",
            )
        )
    for row in await queries.failed_callbacks(db):
        what = "were given up after the last try" if row.state == "failed" else "could not be sent at all"
        found.append(Finding("callbacks", "note", f"{row.events} callbacks of the last week {what}."))
    return found or [Finding("callbacks", "ok", "None refused, none given up.")]


async def stranded_work(db: Database) -> list[Finding]:
    """Whether there is somebody for all work that waits."""
    found = [
        Finding(
            "work",
            "problem",
            f"{row.tasks} tasks {f'of the project {row.project}' if row.project else 'without a project'} are stuck "
            f"(for instance {row.example}). {row.why}",
        )
        for row in await work.stranded(db, None)
    ]
    return found or [Finding("work", "ok", "There is somebody for all of it.")]


def _time(seconds: float) -> str:
    if seconds < 7200:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 172800 else f"{seconds / 86400:.0f} days"
