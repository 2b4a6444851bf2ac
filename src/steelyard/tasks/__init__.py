"""Tasks: create, read, list, change, and the transitions that other features ask for."""

from steelyard.tasks.change import (
    audit_task,
    cancel_task,
    change_tags,
    clear_unique_id,
    get_task,
    get_task_with_downloads,
    set_metadata,
    set_unique_id,
)
from steelyard.tasks.create import create_task, find_type
from steelyard.tasks.dependents import audited
from steelyard.tasks.list import TaskFilter, list_tasks
from steelyard.tasks.spawn import change_dependents, create_dependents, force_dependents
from steelyard.tasks.transitions import (
    add_version,
    cancel_locked,
    complete_task,
    fail_task,
    finish_task,
    lock,
    move,
    note,
    open_step,
    queue_task,
    recall_locked,
    start_work,
    stop_work,
)

__all__ = [
    "TaskFilter",
    "add_version",
    "audit_task",
    "audited",
    "cancel_locked",
    "cancel_task",
    "change_dependents",
    "change_tags",
    "clear_unique_id",
    "complete_task",
    "create_dependents",
    "create_task",
    "fail_task",
    "find_type",
    "finish_task",
    "force_dependents",
    "get_task",
    "get_task_with_downloads",
    "list_tasks",
    "lock",
    "move",
    "note",
    "open_step",
    "queue_task",
    "recall_locked",
    "set_metadata",
    "set_unique_id",
    "start_work",
    "stop_work",
]
