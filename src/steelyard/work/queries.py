"""The queries of work, typed."""

from __future__ import annotations

from datetime import datetime

from steelyard.db.sqlfile import QueryFile
from steelyard.work.model import (
    AnswerSoFar,
    AttemptState,
    BulkRow,
    CheckRow,
    ClaimRow,
    Draft,
    EndedLease,
    Escalated,
    Freed,
    GivenAnswer,
    GivenBack,
    Held,
    Holder,
    OpenSlot,
    SavedRow,
    StepState,
    Waiting,
    Work,
)

Q = QueryFile(__name__)

begin_claim = Q.value("begin_claim", bool)
one_at_a_time = Q.value("one_at_a_time", str)
claim_next = Q.one("claim_next", ClaimRow)
hold_task = Q.value("hold_task", str)
strands = Q.value("strands", bool)
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
end_prelabel = Q.value("end_prelabel", int)
overdue_prelabels = Q.all("overdue_prelabels", Waiting)
hurry_prelabels = Q.exec("hurry_prelabels")
project_to_merge = Q.value("project_to_merge", str)
given_answers = Q.all("given_answers", GivenAnswer)
add_agreements = Q.exec("add_agreements")
holders = Q.all("holders", Holder)
escalated = Q.all("escalated", Escalated)
end_lease = Q.opt("end_lease", EndedLease)
open_slots_of_task = Q.all("open_slots_of_task", OpenSlot)
reserve = Q.exec("reserve")
task_stage = Q.value("task_stage", str)
latest_author = Q.value("latest_author", str)
add_bulk = Q.exec("add_bulk")
bulk = Q.opt("bulk", BulkRow)
lock_bulk = Q.opt("lock_bulk", BulkRow)
move_bulk = Q.exec("move_bulk")
bulks = Q.all("bulks", BulkRow)
works_on = Q.value("works_on", bool)
answerers = Q.value("answerers", int)
answer_so_far = Q.opt("answer_so_far", AnswerSoFar)
step_state = Q.one("step_state", StepState)
sent_back_from = Q.value("sent_back_from", int)
promise_merge = Q.exec("promise_merge")
workflow_settings = Q.value("workflow_settings", str)
store_workflow = Q.exec("store_workflow")
