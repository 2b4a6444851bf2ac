-- name: batch_by_name
-- A batch and what matters of its project.
select
  b.id, b.name, b.project_id, p.name as project_name, p.kind as project_kind, p.archived as project_archived, b.status,
  b.calibration_batch, b.self_label_batch, b.priority, b.archived
from batch b
join project p on p.space_id = b.space_id and p.id = b.project_id
where b.space_id = :space_id and b.name = :name;

-- name: batch
-- One batch by name.
select
  b.id, b.name, b.project_id, p.name as project_name, b.status, b.callback, b.metadata, b.calibration_batch, b.self_label_batch,
  b.priority, b.archived, b.created_at, b.updated_at, b.completed_at
from batch b
join project p on p.space_id = b.space_id and p.id = b.project_id
where b.space_id = :space_id and b.name = :name;

-- name: list_head
-- The list's columns; listing.py adds clauses. $1 space.
select
  b.id, b.name, b.project_id, p.name as project_name, b.status, b.callback, b.metadata, b.calibration_batch, b.self_label_batch,
  b.priority, b.archived, b.created_at, b.updated_at, b.completed_at
from batch b
join project p on p.space_id = b.space_id and p.id = b.project_id
where b.space_id = $1

-- name: count_head
-- The list's total; listing.py adds the same clauses. $1 space.
select count(*)
from batch b
where b.space_id = $1

-- name: insert_batch
-- A new batch of a project that is not archived; the project row is held so that this stays true.
with project_held as (
  select p.id, p.kind
  from project p
  where p.space_id = :space_id and p.id = :project_id and not p.archived
  for key share
)
insert into batch (
  space_id, id, project_id, name, status, callback, metadata, calibration_batch, self_label_batch, created_at, updated_at)
select
  :space_id, :id, h.id, :name, case when h.kind = 'standard' then 'in_progress' else 'staging' end, :callback, :metadata::json,
  :calibration_batch, :self_label_batch, steelyard.now(), steelyard.now()
from project_held h;

-- name: lock_batch
-- Holds a batch for a change. Who creates or ends a task of it holds it shared, so what follows sees all of that or none.
select b.id, b.status, p.kind as project_kind
from batch b
join project p on p.space_id = b.space_id and p.id = b.project_id
where b.space_id = :space_id and b.name = :name
for update of b;

-- name: start_batch
-- Staging is over.
update batch
set status = 'in_progress', updated_at = steelyard.now()
where space_id = :space_id and id = :id;

-- name: lock_slots
-- Holds the open work of a batch. Slots come first, then the batch, then tasks, in every transaction that takes several.
select s.id
from slot s
where
  s.space_id = :space_id and s.batch_id = (select id from batch where space_id = :space_id and name = :name)
  and s.done_at is null
order by s.id
for update;

-- name: open_slots
-- Offers the work of a batch to contributors.
update slot
set claimable = true
where space_id = :space_id and batch_id = :batch_id and done_at is null and not claimable;

-- name: set_paused
-- A batch stops being offered, or is offered again.
update batch
set status = case when :paused::boolean then 'paused' else 'in_progress' end, updated_at = steelyard.now()
where space_id = :space_id and id = :id;

-- name: close_slots
-- Takes the work of a batch out of the queue. Leases that are held go on: what somebody has begun may be submitted.
update slot
set claimable = false
where space_id = :space_id and batch_id = :batch_id and done_at is null and claimable;

-- name: set_metadata
-- Replaces the metadata of a batch.
update batch
set metadata = :metadata::json, updated_at = steelyard.now()
where space_id = :space_id and name = :name;

-- name: set_priority
-- Sets the priority of a batch.
update batch
set priority = :priority, updated_at = steelyard.now()
where space_id = :space_id and id = :id;

-- name: set_task_priorities
-- Hands a batch's priority to its tasks that have none of their own.
update task
set priority = :priority, updated_at = steelyard.now()
where space_id = :space_id and batch_id = :batch_id and not own_priority and priority <> :priority;

-- name: set_slot_priorities
-- The same for their open work.
update slot s
set priority = steelyard.slot_priority(:priority::smallint, b.studio_priority, b.calibration_batch)
from task t
join batch b on b.space_id = t.space_id and b.id = t.batch_id
where
  s.space_id = :space_id and s.batch_id = :batch_id and s.done_at is null
  and t.space_id = s.space_id and t.id = s.task_id and not t.own_priority;

-- name: counters
-- Tasks by status of some batches, from the exact counters; batches without tasks are missing.
select
  scope_id as batch_id,
  coalesce(sum(n) filter (where status = 'pending'), 0)::bigint as pending,
  coalesce(sum(n) filter (where status = 'completed'), 0)::bigint as completed,
  coalesce(sum(n) filter (where status = 'error'), 0)::bigint as error,
  coalesce(sum(n) filter (where status = 'canceled'), 0)::bigint as canceled
from task_count
where space_id = :space_id and scope = 'b' and scope_id = any(:ids::text[])
group by scope_id;
