"""Quality: tasks with a known right answer, and how contributors did on them (platform-api §23)."""

from steelyard.quality.attempts import AttemptFilter, AttemptPage, list_attempts
from steelyard.quality.create import create_quality_task
from steelyard.quality.model import AttemptRow, Kind, QualityTask

__all__ = [
    "AttemptFilter",
    "AttemptPage",
    "AttemptRow",
    "Kind",
    "QualityTask",
    "create_quality_task",
    "list_attempts",
]
