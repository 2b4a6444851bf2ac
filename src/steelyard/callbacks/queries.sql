-- name: load_events
-- Events about to be sent, with the secret of their space; `waits`: an earlier event of the same task or batch is not decided yet.
-- Large payloads (by their stored size) are left out, so that many at once do not fill the memory.
select e.id, e.state, e.target, case when pg_column_size(e.payload) <= :large_bytes::integer then e.payload::text end as payload,
  e.attempts, s.callback_auth_key, s.callback_signing_secret, e.kind, e.task_id,
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
-- Tries and what they decided: the log, the events, the tasks' flag (unless there is a newer event), and the next event is woken.
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
      where n.space_id = d.space_id and n.task_id = d.task_id and n.id > d.id)),
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

-- name: replay_events
-- Sends events again: pending as at first, their tasks' flag absent if no newer event says otherwise; those that wait are tried now.
with chosen as materialized (
  select id, space_id, task_id, state
  from callback_event
  where space_id = :space_id and id = any(:ids::bigint[])
  order by id
  for update),
changed as (
  update callback_event e
  set state = 'pending', attempts = 0, decided_at = null, replays = e.replays + 1
  from chosen c
  where e.id = c.id and c.state <> 'pending'
  returning e.id, e.space_id, e.task_id),
flagged as (
  update task t
  set callback_succeeded = null
  from changed c
  where t.space_id = c.space_id and t.id = c.task_id and t.callback_succeeded is not null
    and not exists (
      select from callback_event n
      where n.space_id = c.space_id and n.task_id = c.task_id and n.id > c.id)),
hastened as (
  update job
  set run_at = steelyard.now()
  where dedupe_key in (select 'callback:' || id from chosen where state = 'pending') and run_at > steelyard.now()),
promised as (
  insert into job (queue, kind, args, dedupe_key, run_at)
  select 'callbacks', 'send_callback', json_build_object('event_id', id), 'callback:' || id, steelyard.now()
  from changed
  order by id
  on conflict (dedupe_key) where dedupe_key is not null do nothing)
select count(*) from chosen;

-- name: newest_event
-- The last event that a space has.
select coalesce(max(id), 0) from callback_event where space_id = :space_id;

-- name: queue_is_long
-- Whether so many deliveries wait that more of them would hold up new ones.
select count(*) >= :limit::int
from (select from job where queue = 'callbacks' and failed_at is null and run_at <= steelyard.now() limit :limit::int) j;

-- name: one_event
-- An event with what it carries.
select e.id, e.kind, e.task_id, b.name as batch, e.target, e.state, e.attempts, e.replays, e.created_at, e.decided_at,
  a.status_code, a.error, j.run_at as next_try_at, e.payload::text as payload
from callback_event e
left join batch b on b.space_id = e.space_id and b.id = e.batch_id
left join lateral (
  select c.status_code, c.error from callback_attempt c where c.event_id = e.id order by c.id desc limit 1) a on true
left join job j on j.dedupe_key = 'callback:' || e.id and e.state = 'pending' and j.failed_at is null
where e.space_id = :space_id and e.id = :id;

-- name: attempts_of
-- Every try of an event, oldest first.
select at, duration_ms, status_code, error, body_clip
from callback_attempt
where event_id = :event_id
order by id
limit 500;

-- name: settings_of
-- Where callbacks of a space go by default, and the secrets by which receivers know them.
select default_callback_url, callback_auth_key, callback_signing_secret from space where id = :space_id;

-- name: set_settings
-- Changes what is given; an empty address removes the default.
update space
set default_callback_url = case when :url::text is null then default_callback_url else nullif(:url::text, '') end,
  callback_auth_key = coalesce(:auth_key::text, callback_auth_key),
  callback_signing_secret = coalesce(:signing_secret::text, callback_signing_secret)
where id = :space_id
returning default_callback_url, callback_auth_key, callback_signing_secret;

-- name: ledger_figures
-- Of the whole installation: deliveries that wait, ones that ended undelivered, and the age of the oldest that waits.
select
  (select count(*) from callback_event where state = 'pending') as pending,
  (select count(*) from callback_event where state in ('failed', 'undeliverable')) as dead,
  coalesce(extract(epoch from steelyard.now() - (
    select created_at from callback_event where state = 'pending' order by id limit 1)), 0)::float8 as oldest_s;
