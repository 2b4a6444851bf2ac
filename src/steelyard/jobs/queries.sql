-- name: claim
-- Takes up to :limit due jobs of a queue: the lease is run_at pushed forward; another worker's locked rows are skipped.
update job
set run_at = steelyard.now() + make_interval(secs => :lease_s),
  attempts = attempts + 1,
  dedupe_key = null
where id = any(array(
  select id
  from job
  where queue = :queue and failed_at is null and run_at <= steelyard.now()
  order by run_at
  limit :limit
  for update skip locked))
returning id, kind, args::text, attempts;

-- name: extend
-- Pushes the leases of running jobs forward; `attempts` is the fence: a job taken over meanwhile is not ours any more.
update job j
set run_at = steelyard.now() + make_interval(secs => :lease_s)
from unnest(:ids::bigint[], :attempts::integer[]) as mine (id, attempts)
where j.id = mine.id and j.attempts = mine.attempts and j.failed_at is null;

-- name: delete_done
-- Jobs that succeeded.
delete from job
where id = any(:ids::bigint[]);

-- name: put_off
-- Gives a claimed job back: run again later, perhaps with new arguments, without counting the run.
update job j
set run_at = steelyard.now() + make_interval(secs => p.after_s),
  attempts = greatest(j.attempts - 1, 0),
  last_error = coalesce(p.reason, j.last_error),
  args = coalesce(p.args::json, j.args),
  dedupe_key = case
    when p.dedupe_key is null or exists (select from job o where o.dedupe_key = p.dedupe_key) then null
    else p.dedupe_key end
from unnest(:ids::bigint[], :attempts::integer[], :after_s::float8[], :reasons::text[], :args::text[], :dedupe_keys::text[])
  as p (id, attempts, after_s, reason, args, dedupe_key)
where j.id = p.id and j.attempts = p.attempts;

-- name: retry
-- After an unexpected failure: again after the policy's delay.
update job
set run_at = steelyard.now() + make_interval(secs => :after_s), last_error = :error
where id = :id and attempts = :attempts;

-- name: fail
-- Exhausted or hopeless: stays visible with its error.
update job
set failed_at = steelyard.now(), last_error = :error
where id = :id and attempts = :attempts;

-- name: seed_periodic
-- The rows of periodic jobs that are neither waiting nor running.
insert into job (queue, kind, dedupe_key)
select 'periodic', k, 'periodic:' || k
from unnest(:kinds::text[]) k
where not exists (select from job where queue = 'periodic' and kind = k and failed_at is null)
on conflict (dedupe_key) where dedupe_key is not null do nothing;

-- name: repeat
-- A periodic job's next run.
update job
set run_at = steelyard.now() + make_interval(secs => :after_s),
  attempts = 0, dedupe_key = 'periodic:' || kind, last_error = :error
where id = :id;

-- name: heartbeat
-- A worker says that it is alive.
insert into process (id, kind, started_at, seen_at)
values (:id, 'worker', steelyard.now(), steelyard.now())
on conflict (id) do update set seen_at = excluded.seen_at;

-- name: goodbye
-- A worker has stopped.
delete from process
where id = :id;

-- name: live_workers
-- How many workers have been seen in the last :within_s seconds.
select count(*)
from process
where kind = 'worker' and seen_at > steelyard.now() - make_interval(secs => :within_s);

-- name: expire_idempotency_keys
-- One batch of idempotency keys past their time.
delete from idempotency_key
where (space_id, key) in (
  select space_id, key from idempotency_key where expires_at < steelyard.now() order by expires_at limit 2000 for update skip locked);

-- name: expire_sessions
-- One batch of sessions past their time.
delete from session
where token_sha256 in (select token_sha256 from session where expires_at < steelyard.now() limit 2000 for update skip locked);

-- name: make_partitions
-- This month's partitions and the three after it.
select steelyard.ensure_partitions(3)::text;

-- name: forget_processes
-- Processes that ended without a goodbye.
delete from process
where seen_at < steelyard.now() - interval '1 hour';

-- name: tidy_reservations
-- Work that was kept for its author long enough is offered to everybody.
with over as (
  select id
  from slot
  where done_at is null and only_member_id is not null and only_until <= steelyard.now()
    and (lease_token is null or lease_expires_at <= steelyard.now())
  order by id
  limit 500
  for update skip locked)
update slot s
set only_member_id = null, only_until = null
from over o
where s.id = o.id;

-- name: tidy_leases
-- Leases that lapsed a minute ago: the attempt is closed, the slot free, the task shown as queued again. Claims do not wait for this.
with lapsed as (
  select id, space_id, task_id, lease_token
  from slot
  where done_at is null and claimable and lease_token is not null and lease_expires_at < steelyard.now() - interval '1 minute'
  order by id
  limit 500
  for update skip locked),
freed as (
  update slot s
  set lease_token = null, lease_member_id = null, lease_expires_at = null
  from lapsed l
  where s.id = l.id
  returning s.space_id, s.task_id),
closed as (
  update attempt a
  set state = 'lapsed', ended_at = steelyard.now()
  from lapsed l
  where a.slot_id = l.id and a.lease_token = l.lease_token and a.state = 'open'
  returning a.id)
update task t
set stage = case t.stage when 'labeling' then 'queued' else 'review_queued' end
from (select distinct space_id, task_id from freed) f
where t.space_id = f.space_id and t.id = f.task_id and t.stage in ('labeling', 'reviewing')
  and not exists (
    select from slot s
    where s.space_id = t.space_id and s.task_id = t.id and s.done_at is null
      and s.lease_expires_at >= steelyard.now() - interval '1 minute');
