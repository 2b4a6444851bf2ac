"""The queries of work, typed."""

from __future__ import annotations

from datetime import datetime

from steelyard.db.sqlfile import QueryFile
from steelyard.work.model import (
    AttemptState,
    CheckRow,
    ClaimRow,
    Draft,
    Freed,
    GivenAnswer,
    GivenBack,
    Held,
    MergeRow,
    ResultFile,
    SavedRow,
    StepState,
    Work,
)

Q = QueryFile(__name__)

one_at_a_time = Q.value("one_at_a_time", str)
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
give_back = Q.opt("give_back", GivenBack)
free_leases = Q.all("free_leases", Freed)
drop_reservations = Q.exec("drop_reservations")
result_files = Q.all("result_files", ResultFile)
task_to_merge = Q.opt("task_to_merge", MergeRow)
given_answers = Q.all("given_answers", GivenAnswer)
add_agreements = Q.exec("add_agreements")
step_state = Q.one("step_state", StepState)
sent_back_from = Q.value("sent_back_from", int)
promise_merge = Q.exec("promise_merge")
workflow_settings = Q.value("workflow_settings", str)
store_workflow = Q.exec("store_workflow")
