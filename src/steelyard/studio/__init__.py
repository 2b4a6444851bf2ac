"""Studio: teams that label for themselves — assignments, groups, the order of batches (platform-api §22)."""

from steelyard.studio.assignments import add_assignments, list_assignments, remove_assignments
from steelyard.studio.batches import list_studio_batches, reset_batch_order, set_batch_groups, set_batch_order
from steelyard.studio.groups import change_group, create_group, list_groups
from steelyard.studio.model import Group, GroupWorker, StudioBatch

__all__ = [
    "Group",
    "GroupWorker",
    "StudioBatch",
    "add_assignments",
    "change_group",
    "create_group",
    "list_assignments",
    "list_groups",
    "list_studio_batches",
    "remove_assignments",
    "reset_batch_order",
    "set_batch_groups",
    "set_batch_order",
]
