"""The queries of studio, typed."""

from __future__ import annotations

from steelyard.db.sqlfile import QueryFile
from steelyard.studio.model import AssignmentRow, GroupMemberRow, Named, Person, StudioBatch

Q = QueryFile(__name__)

assignments = Q.all("assignments", AssignmentRow)
members_by_email = Q.all("members_by_email", Person)
projects_by_name = Q.all("projects_by_name", Named)
assign = Q.exec("assign")
unassign = Q.exec("unassign")
hold_assignments = Q.column("hold_assignments", int)
groups = Q.all("groups", Named)
group_members = Q.all("group_members", GroupMemberRow)
assigned_members = Q.all("assigned_members", Person)
insert_group = Q.exec("insert_group")
lock_group = Q.opt("lock_group", Named)
add_to_group = Q.exec("add_to_group")
remove_from_group = Q.exec("remove_from_group")
pending_batches = Q.all("pending_batches", StudioBatch)
studio_batch = Q.opt("studio_batch", StudioBatch)
lock_studio_batch = Q.opt("lock_studio_batch", Named)
lock_pending = Q.all("lock_pending", Named)
clear_batch_groups = Q.exec("clear_batch_groups")
add_batch_groups = Q.exec("add_batch_groups")
set_positions = Q.exec("set_positions")
reprioritise_slots = Q.exec("reprioritise_slots")
