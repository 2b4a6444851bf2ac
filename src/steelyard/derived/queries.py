"""The queries of derived files, typed."""

from __future__ import annotations

from msgspec import Struct

from steelyard.db.sqlfile import QueryFile
from steelyard.derived.model import DerivedRow, ViewRow

Q = QueryFile(__name__)


class UsedRow(Struct, frozen=True):
    """A derived object and what it takes."""

    source_sha256: str
    sha256: str
    size_bytes: int


class DerivedFigures(Struct, frozen=True):
    """Bytes and number of derived files; files that nothing could be made from."""

    size_bytes: int
    files: int
    problems: int


derived_figures = Q.one("derived_figures", DerivedFigures)
derived_by_source = Q.opt("derived_by_source", DerivedRow)
being_derived = Q.column("being_derived", str)
put_derived = Q.exec("put_derived")
views_of_task = Q.all("views_of_task", ViewRow)
derived_size = Q.value("derived_size", int)
least_used = Q.all("least_used", UsedRow)
forget_derived = Q.exec("forget_derived")
still_used = Q.column("still_used", str)
