"""What backup and doctor ask the database, typed."""

from __future__ import annotations

from msgspec import Struct

from steelyard.db.sqlfile import QueryFile

Q = QueryFile(__name__)


class FailedJobs(Struct, frozen=True):
    kind: str
    jobs: int
    last_error: str | None


class LateJobs(Struct, frozen=True):
    queue: str
    jobs: int
    oldest_s: float


class SeenProcesses(Struct, frozen=True):
    kind: str
    processes: int


class BlockedCallbacks(Struct, frozen=True):
    events: int
    target: str | None


class FailedCallbacks(Struct, frozen=True):
    state: str
    events: int


class MigrationName(Struct, frozen=True):
    name: str


server_version = Q.value("server_version", int)
table_exists = Q.value("table_exists", bool)
count_accounts = Q.value("count_accounts", int)
applied_migrations = Q.all("applied_migrations", MigrationName)
failed_jobs = Q.all("failed_jobs", FailedJobs)
late_jobs = Q.all("late_jobs", LateJobs)
seen_processes = Q.all("seen_processes", SeenProcesses)
blocked_callbacks = Q.one("blocked_callbacks", BlockedCallbacks)
failed_callbacks = Q.all("failed_callbacks", FailedCallbacks)
