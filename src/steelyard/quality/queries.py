"""The quality feature's queries, one typed line each."""

from __future__ import annotations

from steelyard.db.sqlfile import QueryFile
from steelyard.quality.model import AttemptRow, QualityTask

Q = QueryFile(__name__)

insert_quality_task = Q.exec("insert_quality_task")
quality_task = Q.opt("quality_task", QualityTask)
attempts = Q.all("attempts", AttemptRow)
count_attempts = Q.value("count_attempts", int)
