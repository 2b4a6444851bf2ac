-- name: lock_batch
-- Excludes creators and completers, who hold the row shared while they write tasks and counters.
select name, status, callback
from batch
where space_id = :space_id and id = :batch_id
for update;

-- name: batch_task_counts
-- Exact task counts of a batch by status.
select status, sum(n)::bigint as n
from task_count
where space_id = :space_id and scope = 'b' and scope_id = :batch_id
group by status
having sum(n) <> 0
order by status;

-- name: complete_batch
-- All tasks are done.
update batch
set status = 'completed', completed_at = steelyard.now(), updated_at = steelyard.now()
where space_id = :space_id and id = :batch_id;

-- name: reopen_batch
-- A completed batch has open tasks again.
update batch
set status = 'in_progress', completed_at = null, updated_at = steelyard.now()
where space_id = :space_id and id = :batch_id;

-- name: announce_batch
-- What the customer is to be told of a batch.
insert into callback_event (space_id, batch_id, kind, target, payload, created_at)
values (:space_id, :batch_id, 'batch_completed', :target, :payload::json, steelyard.now())
returning id;
