"""Quality: tasks with a known right answer, mixed into the work, and how contributors did on them (platform-api §23)."""

from steelyard import work
from steelyard.quality.attempts import AttemptFilter, AttemptPage, list_attempts
from steelyard.quality.create import create_quality_task
from steelyard.quality.manage import archive, list_quality_tasks, make_from_task
from steelyard.quality.members import list_members, set_member_state
from steelyard.quality.model import AttemptRow, Feedback, Kind, Listed, MemberQuality, QualityTask
from steelyard.quality.offer import offer, view
from steelyard.quality.requeue import requeue_work
from steelyard.quality.score import feedback, submit

work.KINDS.offer, work.KINDS.view, work.KINDS.submit = offer, view, submit

__all__ = [
    "AttemptFilter",
    "AttemptPage",
    "AttemptRow",
    "Feedback",
    "Kind",
    "Listed",
    "MemberQuality",
    "QualityTask",
    "archive",
    "create_quality_task",
    "feedback",
    "list_attempts",
    "list_members",
    "list_quality_tasks",
    "make_from_task",
    "requeue_work",
    "set_member_state",
]
