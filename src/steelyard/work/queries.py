"""The queries of work, typed."""

from __future__ import annotations

from datetime import datetime

from steelyard.db.sqlfile import QueryFile
from steelyard.work.model import AttemptState, CheckRow, ClaimRow, Draft, Held, SavedRow, Work

Q = QueryFile(__name__)

claim_next = Q.one("claim_next", ClaimRow)
held_by = Q.all("held_by", Held)
unknown_projects = Q.column("unknown_projects", str)
held_work = Q.opt("held_work", Work)
attempt_state = Q.opt("attempt_state", AttemptState)
extend = Q.value("extend", datetime)
save_draft = Q.opt("save_draft", SavedRow)
draft = Q.opt("draft", Draft)
work_to_check = Q.opt("work_to_check", CheckRow)
finish_slot = Q.value("finish_slot", str)
finish_attempt = Q.exec("finish_attempt")
release_slot = Q.value("release_slot", str)
