"""The batches feature's queries, one typed line each."""

from __future__ import annotations

from steelyard.batches.model import Batch, BatchRow, CountersRow, LockedBatch
from steelyard.db.sqlfile import QueryFile

Q = QueryFile(__name__)

batch_by_name = Q.opt("batch_by_name", BatchRow)
batch = Q.opt("batch", Batch)
insert_batch = Q.exec("insert_batch")
lock_slots = Q.column("lock_slots", int)
lock_batch = Q.opt("lock_batch", LockedBatch)
start_batch = Q.exec("start_batch")
open_slots = Q.exec("open_slots")
set_paused = Q.exec("set_paused")
close_slots = Q.exec("close_slots")
set_metadata = Q.exec("set_metadata")
set_priority = Q.exec("set_priority")
set_task_priorities = Q.exec("set_task_priorities")
set_slot_priorities = Q.exec("set_slot_priorities")
counters = Q.all("counters", CountersRow)
