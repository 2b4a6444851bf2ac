"""Statements of imports, typed."""

from __future__ import annotations

from msgspec import Struct

from steelyard.db.sqlfile import QueryFile

Q = QueryFile(__name__)


class Holder(Struct, frozen=True):
    """A task that has an id or unique_id already."""

    id: str
    unique_id: str | None


holders = Q.all("holders", Holder)
project_type = Q.value("project_type", str)
adopt_tasks = Q.column("adopt_tasks", str)
