"""The quality feature's queries, one typed line each."""

from __future__ import annotations

from steelyard.db.sqlfile import QueryFile
from steelyard.quality.model import (
    AttemptRow,
    Changed,
    Chosen,
    Feedback,
    Gate,
    Known,
    Listed,
    Looks,
    MemberQuality,
    Offered,
    QualityTask,
    Recent,
    Requeueable,
    Source,
    ToPrepare,
    ToScore,
    Turn,
)

Q = QueryFile(__name__)

insert_quality_task = Q.exec("insert_quality_task")
quality_task = Q.opt("quality_task", QualityTask)
task_to_prepare = Q.opt("task_to_prepare", ToPrepare)
set_prepared = Q.exec("set_prepared")
attempts = Q.all("attempts", AttemptRow)
count_attempts = Q.value("count_attempts", int)
training_gates = Q.all("training_gates", Gate)
set_state = Q.exec("set_state")
next_training_task = Q.opt("next_training_task", Chosen)
count_turn = Q.opt("count_turn", Turn)
looks = Q.one("looks", Looks)
taken_names = Q.column("taken_names", str)
next_evaluation_task = Q.opt("next_evaluation_task", Chosen)
open_offer = Q.exec("open_offer")
offered = Q.one("offered", Offered)
known = Q.one("known", Known)
attempt_of = Q.value("attempt_of", int)
to_score = Q.opt("to_score", ToScore)
insert_attempt = Q.exec("insert_attempt")
recent_scores = Q.one("recent_scores", Recent)
pause_active = Q.opt("pause_active", Changed)
free_reservations = Q.exec("free_reservations")
feedback = Q.opt("feedback", Feedback)
make_from_task = Q.value("make_from_task", str)
task_to_copy = Q.opt("task_to_copy", Source)
listed = Q.all("listed", Listed)
set_archived = Q.value("set_archived", str)
drop_open_offers = Q.exec("drop_open_offers")
member_qualities = Q.all("member_qualities", MemberQuality)
member_id = Q.value("member_id", int)
requeueable = Q.all("requeueable", Requeueable)
count_requeueable = Q.value("count_requeueable", int)
withdraw_answer = Q.exec("withdraw_answer")
close_reviews = Q.exec("close_reviews")
