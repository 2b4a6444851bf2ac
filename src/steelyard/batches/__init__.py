"""Batches: tasks that are delivered together (platform-api §18)."""

from steelyard.batches.edit import (
    NewBatch,
    create_batch,
    finalize_batch,
    pause_batch,
    prioritize_batch,
    resume_batch,
    set_batch_metadata,
)
from steelyard.batches.model import Batch, BatchRow, Counters
from steelyard.batches.read import (
    BatchFilter,
    BatchPage,
    batch_by_name,
    check_status,
    count_tasks,
    count_tasks_of,
    get_batch,
    list_batches,
)

__all__ = [
    "Batch",
    "BatchFilter",
    "BatchPage",
    "BatchRow",
    "Counters",
    "NewBatch",
    "batch_by_name",
    "check_status",
    "count_tasks",
    "count_tasks_of",
    "create_batch",
    "finalize_batch",
    "get_batch",
    "list_batches",
    "pause_batch",
    "prioritize_batch",
    "resume_batch",
    "set_batch_metadata",
]
