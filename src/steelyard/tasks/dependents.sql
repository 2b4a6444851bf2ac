-- name: dependent_rows
-- The dependents of a task, in their order.
select ordinal, type, state, task_id, error
from dependent
where space_id = :space_id and root_task_id = :task_id
order by ordinal

-- name: show_dependents
-- Puts their states on the task.
update task set dependents = :dependents::json, updated_at = steelyard.now()
where space_id = :space_id and id = :task_id

-- name: drop_waiting
-- Their root ended without an answer.
update dependent set state = 'dropped'
where space_id = :space_id and root_task_id = :task_id and state = 'waiting'

-- name: revive_dropped
-- Their root, which had ended in error, is prepared again. A name that another declared task waits with meanwhile is gone.
update dependent d
set state = case when o.root_task_id is null then 'waiting' else 'failed' end,
  error = 'The unique_id ("' || d.unique_id || '") is already used for a different task (' || o.root_task_id || ').'
from dependent i
left join dependent o on o.space_id = i.space_id and o.unique_id = i.unique_id and o.state = 'waiting'
where i.space_id = :space_id and i.root_task_id = :task_id and i.state = 'dropped'
  and d.space_id = i.space_id and d.root_task_id = i.root_task_id and d.ordinal = i.ordinal

-- name: reserved_names
-- unique_ids that wait for a dependent task, and their roots.
select unique_id, root_task_id
from dependent
where space_id = :space_id and unique_id = any(:unique_ids::text[]) and state = 'waiting'
  and (:besides::text is null or root_task_id <> :besides)

-- name: release_waiting
-- They need not wait for an audit any more.
update dependent set waits_for_audit = false
where space_id = :space_id and root_task_id = :task_id and state = 'waiting' and waits_for_audit

-- name: set_waits
-- Whether those that wait for their root's answer wait for an audit, too.
update dependent set waits_for_audit = :waits::boolean
where space_id = :space_id and root_task_id = :task_id and state = 'waiting'

-- name: promise_creation
-- A coalesced promise to create what may be created.
insert into job (queue, kind, args, dedupe_key, run_at)
select 'default', 'create_dependents', json_build_object('space_id', :space_id::bigint, 'task_id', :task_id::text),
  'dependents:' || :space_id::bigint || ':' || :task_id::text, steelyard.now()
where exists (
  select from dependent d
  where d.space_id = :space_id and d.root_task_id = :task_id and d.state = 'waiting' and not d.waits_for_audit)
on conflict (dedupe_key) where dedupe_key is not null do nothing

-- name: ready_dependents
-- What may be created now.
select d.ordinal, d.type, d.body::text as body
from dependent d
join task t on t.space_id = d.space_id and t.id = d.root_task_id
where d.space_id = :space_id and d.root_task_id = :task_id and d.state = 'waiting' and not d.waits_for_audit
  and t.status = 'completed'
order by d.ordinal

-- name: lock_root
-- A task that has dependents, locked until the transaction ends.
select type, status, params::text as params, unique_id, customer_review_status, dependents is not null as has_dependents
from task
where space_id = :space_id and id = :task_id
for no key update

-- name: still_ready
-- Whether a dependent may still be created as it was read; its root is locked.
select true
from dependent d
where d.space_id = :space_id and d.root_task_id = :task_id and d.ordinal = :ordinal and d.state = 'waiting' and not d.waits_for_audit
  and d.body::text = :body

-- name: decide
-- Created, or why not.
update dependent set state = :state, task_id = :child_id, error = :error
where space_id = :space_id and root_task_id = :task_id and ordinal = :ordinal

-- name: remove_dependents
-- None has been created.
delete from dependent where space_id = :space_id and root_task_id = :task_id

-- name: add_dependents
-- Others in their place.
insert into dependent (space_id, root_task_id, ordinal, type, waits_for_audit, body, unique_id)
select :space_id, :task_id, d.ordinal, d.type, d.waits, d.body::json, d.unique_id
from unnest(:ordinals::int[], :types::text[], :waits::boolean[], :bodies::text[], :unique_ids::text[])
  as d (ordinal, type, waits, body, unique_id)

-- name: set_declaration
-- The root's params echo what is declared now.
update task set params = :params::json where space_id = :space_id and id = :task_id

-- name: space_of
-- On whose behalf the system creates.
select account_id, mode from space where id = :space_id
