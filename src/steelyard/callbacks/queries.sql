-- name: load_events
-- Events about to be sent, with the secret of their space; `waits`: an earlier event of the same task or batch is not decided yet.
-- Large payloads (by their stored size) are left out, so that many at once do not fill the memory.
select e.id, e.state, e.target, case when pg_column_size(e.payload) <= :large_bytes::integer then e.payload::text end as payload,
  e.attempts, s.callback_auth_key,
  extract(epoch from steelyard.now() - e.created_at)::float8 as age_s,
  case
    when e.task_id is not null then exists (
      select from callback_event p
      where p.space_id = e.space_id and p.task_id = e.task_id and p.id < e.id and p.state = 'pending')
    else exists (
      select from callback_event p
      where p.space_id = e.space_id and p.batch_id = e.batch_id and p.id < e.id and p.state = 'pending')
  end as waits
from callback_event e
join space s on s.id = e.space_id
where e.id = any(:ids::bigint[]);

-- name: payload_of
-- One event's payload.
select payload::text
from callback_event
where id = :id;

-- name: record_attempts
-- Tries and what they decided: the log, the events, the tasks' flag (unless a newer event is pending), and the next event is woken.
with tried as (
  select event_id, duration_ms, status_code, error, body_clip, state
  from unnest(
    :event_ids::bigint[], :durations_ms::integer[], :status_codes::integer[], :errors::text[], :body_clips::text[], :states::text[])
    as o (event_id, duration_ms, status_code, error, body_clip, state)),
logged as (
  insert into callback_attempt (event_id, at, duration_ms, status_code, error, body_clip)
  select event_id, steelyard.now(), duration_ms, status_code, error, body_clip
  from tried),
changed as (
  update callback_event e
  set attempts = e.attempts + 1,
    state = o.state,
    decided_at = case when o.state = 'pending' then null else steelyard.now() end
  from tried o
  where e.id = o.event_id and e.state = 'pending'
  returning e.id, e.space_id, e.task_id, e.batch_id, e.state),
decided as (
  select id, space_id, task_id, batch_id, state
  from changed
  where state <> 'pending'),
flagged as (
  update task t
  set callback_succeeded = (d.state = 'delivered')
  from decided d
  where t.space_id = d.space_id and t.id = d.task_id
    and not exists (
      select from callback_event n
      where n.space_id = d.space_id and n.task_id = d.task_id and n.id > d.id and n.state = 'pending')),
following as (
  select case
    when d.task_id is not null then (
      select n.id
      from callback_event n
      where n.space_id = d.space_id and n.task_id = d.task_id and n.id > d.id and n.state = 'pending'
      order by n.space_id, n.task_id, n.id
      limit 1)
    else (
      select n.id
      from callback_event n
      where n.space_id = d.space_id and n.batch_id = d.batch_id and n.id > d.id and n.state = 'pending'
      order by n.space_id, n.batch_id, n.id
      limit 1)
    end as id
  from decided d)
update job j
set run_at = steelyard.now()
from following f
where f.id is not null and j.dedupe_key = 'callback:' || f.id and j.run_at > steelyard.now();

-- name: clear_overtaken_flags
-- A newer event may have been written while the flag's update waited for that writer, unseen by its snapshot; this one sees it.
update task t
set callback_succeeded = null
from callback_event e
where e.id = any(:ids::bigint[]) and t.space_id = e.space_id and t.id = e.task_id and t.callback_succeeded is not null
  and exists (
    select from callback_event n
    where n.space_id = e.space_id and n.task_id = e.task_id and n.id > e.id and n.state = 'pending');

-- name: lock_for_resend
-- The task whose current callback is to be sent again.
select t.status, coalesce(t.callback_url, s.default_callback_url, '') as target
from task t
join space s on s.id = t.space_id
where t.space_id = :space_id and t.id = :task_id
for no key update of t;

-- name: reset_flag
-- A new event makes the flag absent until it is decided.
update task
set callback_succeeded = null
where space_id = :space_id and id = :task_id;

-- name: insert_resend
-- A new event with the task as it is now.
insert into callback_event (space_id, task_id, kind, target, payload, created_at)
select t.space_id, t.id, 'resend', :target,
  ('{"task_id":"' || t.id || '","status":"' || t.status || '","response":' || coalesce(t.response::text, '{}')
    || ',"task":' || steelyard.task_json(t) || '}')::json,
  steelyard.now()
from task t
where t.space_id = :space_id and t.id = :task_id
returning id;

-- name: hasten
-- Deliveries of a task that wait for their next try are tried now.
update job
set run_at = steelyard.now()
where dedupe_key in (
  select 'callback:' || e.id
  from callback_event e
  where e.space_id = :space_id and e.task_id = :task_id and e.state = 'pending');
