"""Statements of transfers, typed."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from steelyard.db.sqlfile import QueryFile

Q = QueryFile(__name__)


class TransferRow(Struct, frozen=True):
    """A transfer as people see it. `options` and `problems` are JSON; `position` is in bytes of an import's file."""

    id: str
    kind: str
    state: str
    options: str
    lines: int
    done: int
    existing: int
    refused: int
    total: int | None
    position: int
    problems: str
    sha256: str | None
    size_bytes: int | None
    error: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class Begun(Struct, frozen=True):
    """Where a worker goes on; `problems` is how many are noted already."""

    kind: str
    options: str
    position: int
    created_by: str
    problems: int


class SpaceOf(Struct, frozen=True):
    """The account and mode of a space."""

    account_id: int
    mode: str


class FileContent(Struct, frozen=True):
    """What a stored file holds."""

    sha256: str
    size_bytes: int


insert_transfer = Q.exec("insert_transfer")
one_transfer = Q.opt("one_transfer", TransferRow)
list_transfers = Q.all("list_transfers", TransferRow)
begin_transfer = Q.opt("begin_transfer", Begun)
progress = Q.value("progress", bool)
restart = Q.exec("restart")
end_transfer = Q.exec("end_transfer")
cancel_transfer = Q.value("cancel_transfer", bool)
account_of_space = Q.one("account_of_space", SpaceOf)
stored_file = Q.opt("stored_file", FileContent)
