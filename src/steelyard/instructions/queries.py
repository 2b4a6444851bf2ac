"""The queries of instructions, typed."""

from __future__ import annotations

from steelyard.db.sqlfile import QueryFile
from steelyard.instructions.model import PictureRow, VersionInfo, VersionRow, WorkRow

Q = QueryFile(__name__)

lock_project = Q.value("lock_project", str)
add_version = Q.value("add_version", int)
version = Q.opt("version", VersionRow)
versions = Q.all("versions", VersionInfo)
read_version = Q.value("read_version", int)
mark_read = Q.value("mark_read", int)
for_work = Q.opt("for_work", WorkRow)
pictures = Q.all("pictures", PictureRow)
works_on = Q.value("works_on", bool)
