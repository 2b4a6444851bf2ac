-- Claiming and doing work. A lease is fenced by its token and by the database's clock: every write repeats both conditions.

-- name: claim_next
-- Leases the most urgent slot that a member may work on, in one statement. Each project is probed twice by index (never leased, then
-- lapsed), `depth` rows deep without locks; the first of all candidates that nobody else is locking is leased, its lapsed attempt closed,
-- a new one opened. `seen` tells an empty queue (0) from a contested one (try again deeper). What the member gave back lately comes last.
with scope as materialized (
  select p.id
  from project p
  where not :assigned_only::boolean and p.space_id = :space_id and (:projects::text[] is null or p.name = any (:projects))
  union all
  select ''
  where not :assigned_only::boolean and :projects::text[] is null
  union all
  select a.project_id
  from assignment a
  join project p on p.space_id = a.space_id and p.id = a.project_id
  where :assigned_only::boolean and a.space_id = :space_id and a.member_id = :member_id
    and (:projects::text[] is null or p.name = any (:projects))
),
open_to_me as materialized (
  select bg.batch_id
  from batch_group bg
  where :assigned_only::boolean and bg.space_id = :space_id and (
    bg.member_id = :member_id
    or bg.group_id in (select gm.group_id from work_group_member gm where gm.space_id = :space_id and gm.member_id = :member_id))
),
candidate as materialized (
  select c.id, c.priority, c.task_id, c.skipped
  from scope
  cross join lateral (
    select s.id, s.priority, s.task_id, (
      select true from attempt a
      where a.slot_id = s.id and a.member_id = :member_id and a.state = 'released'
        and a.ended_at > steelyard.now() - interval '1 hour' limit 1) is not null as skipped
    from slot s
    where s.space_id = :space_id and s.project_id = scope.id and s.done_at is null and s.claimable and s.lease_token is null
      and (:types::text[] is null or (
        select t.type from task t where t.space_id = s.space_id and t.id = s.task_id) = any (:types))
      and (not :assigned_only::boolean or s.batch_id is null
        or s.batch_id in (select batch_id from open_to_me)
        or (select true from batch_group bg where bg.space_id = s.space_id and bg.batch_id = s.batch_id limit 1) is null)
      and (
        select true from attempt a join slot o on o.id = a.slot_id
        where a.space_id = s.space_id and a.task_id = s.task_id and a.member_id = :member_id and o.step = s.step
          and (a.state = 'submitted' or (a.state = 'open' and a.slot_id <> s.id)) limit 1) is null
    order by s.priority desc, s.task_id
    limit :depth) c
  where :task_id::text is null
  union all
  select c.id, c.priority, c.task_id, c.skipped
  from scope
  cross join lateral (
    select s.id, s.priority, s.task_id, false as skipped
    from slot s
    where s.space_id = :space_id and s.project_id = scope.id and s.done_at is null and s.claimable and s.lease_token is not null
      and s.lease_expires_at <= steelyard.now()
      and (:types::text[] is null or (
        select t.type from task t where t.space_id = s.space_id and t.id = s.task_id) = any (:types))
      and (not :assigned_only::boolean or s.batch_id is null
        or s.batch_id in (select batch_id from open_to_me)
        or (select true from batch_group bg where bg.space_id = s.space_id and bg.batch_id = s.batch_id limit 1) is null)
      and (
        select true from attempt a join slot o on o.id = a.slot_id
        where a.space_id = s.space_id and a.task_id = s.task_id and a.member_id = :member_id and o.step = s.step
          and (a.state = 'submitted' or (a.state = 'open' and a.slot_id <> s.id)) limit 1) is null
    order by s.lease_expires_at
    limit :depth) c
  where :task_id::text is null
  union all
  select s.id, s.priority, s.task_id, false
  from slot s
  where :task_id::text is not null and s.space_id = :space_id and s.task_id = :task_id and s.project_id in (select id from scope)
    and s.done_at is null and s.claimable and (s.lease_token is null or s.lease_expires_at <= steelyard.now())
    and (not :assigned_only::boolean
      or (select true from attempt a where a.slot_id = s.id and a.member_id = :member_id limit 1) is not null)
    and (
      select true from attempt a join slot o on o.id = a.slot_id
      where a.space_id = s.space_id and a.task_id = s.task_id and a.member_id = :member_id and o.step = s.step
        and (a.state = 'submitted' or (a.state = 'open' and a.slot_id <> s.id)) limit 1) is null
),
shortlist as materialized (
  select id, skipped
  from candidate
  order by skipped, priority desc, task_id
  limit 8 * :depth
),
picked as (
  select s.id, s.lease_token
  from shortlist c
  join slot s on s.id = c.id
  where s.done_at is null and s.claimable and (s.lease_token is null or s.lease_expires_at <= steelyard.now())
  order by c.skipped, s.priority desc, s.task_id
  limit 1
  for update of s skip locked
),
lapsed as (
  update attempt a
  set state = 'lapsed', ended_at = steelyard.now()
  from picked p
  where a.slot_id = p.id and a.lease_token = p.lease_token and a.state = 'open'
),
leased as (
  update slot s
  set lease_token = s.id || '-' || :secret::text, lease_member_id = :member_id, lease_expires_at = steelyard.now() + :lasts::interval
  from picked p
  where s.id = p.id
  returning s.id, s.space_id, s.task_id, s.lease_token
),
opened as (
  insert into attempt (space_id, slot_id, task_id, member_id, lease_token, state, claimed_at)
  select l.space_id, l.id, l.task_id, :member_id, l.lease_token, 'open', steelyard.now()
  from leased l
)
select l.id as slot_id, l.task_id, l.lease_token, c.seen
from (select count(*) as seen from candidate) c
left join leased l on true;

-- name: held_by
-- The leases that a member holds now, the newest first.
select s.id as slot_id, s.task_id, s.lease_token, s.lease_expires_at
from attempt a
join slot s on s.id = a.slot_id and s.lease_token = a.lease_token
where a.member_id = :member_id and a.space_id = :space_id and a.state = 'open' and s.space_id = a.space_id
  and a.claimed_at > steelyard.now() - interval '30 days'
  and s.done_at is null and s.lease_expires_at > steelyard.now()
order by a.claimed_at desc, a.id desc
limit 100;

-- name: unknown_projects
-- Those of some names that are no project of the space.
select n.name
from unnest(:names::text[]) n (name)
where not exists (select from project p where p.space_id = :space_id and p.name = n.name);

-- name: held_work
-- What the holder of a valid lease works on: the wire's task object, and the draft if there is one.
select
  s.id as slot_id, s.step, s.number, s.task_id, s.lease_token, s.lease_expires_at, steelyard.task_json(t) as task,
  d.revision, d.body::text as body
from slot s
join task t on t.space_id = s.space_id and t.id = s.task_id
left join draft d on d.space_id = s.space_id and d.task_id = s.task_id and d.step = s.step and d.member_id = s.lease_member_id
where s.id = :slot_id and s.space_id = :space_id and s.lease_token = :lease_token and s.lease_member_id = :member_id
  and s.done_at is null and s.lease_expires_at > steelyard.now();

-- name: attempt_state
-- What became of a lease; no row when the member never held it.
select state, task_id, response::text as response
from attempt
where slot_id = :slot_id and member_id = :member_id and lease_token = :lease_token and space_id = :space_id;

-- name: extend
-- A sign of life: the lease starts again from now; the seconds worked so far are noted.
with held as (
  update slot
  set lease_expires_at = steelyard.now() + :lasts::interval
  where id = :slot_id and space_id = :space_id and lease_token = :lease_token and lease_member_id = :member_id
    and done_at is null and lease_expires_at > steelyard.now()
  returning id, lease_expires_at
),
noted as (
  update attempt a
  set active_seconds = greatest(a.active_seconds, :active_seconds::integer)
  from held h
  where :active_seconds::integer is not null and a.slot_id = h.id and a.lease_token = :lease_token and a.state = 'open'
)
select lease_expires_at from held;

-- name: save_draft
-- Stores a draft based on the current revision, and extends the lease. No row: the lease is lost; no revision: the base is stale.
with held as (
  update slot
  set lease_expires_at = steelyard.now() + :lasts::interval
  where id = :slot_id and space_id = :space_id and lease_token = :lease_token and lease_member_id = :member_id
    and done_at is null and lease_expires_at > steelyard.now()
  returning space_id, task_id, step, lease_expires_at
),
saved as (
  insert into draft (space_id, task_id, step, member_id, revision, body, updated_at)
  select h.space_id, h.task_id, h.step, :member_id, 1, :body::json, steelyard.now()
  from held h
  where :base_revision::integer = 0 or exists (
    select from draft d
    where d.space_id = h.space_id and d.task_id = h.task_id and d.step = h.step and d.member_id = :member_id)
  on conflict (space_id, task_id, step, member_id) do update
  set revision = draft.revision + 1, body = excluded.body, updated_at = excluded.updated_at
  where draft.revision = :base_revision::integer
  returning revision
)
select h.task_id, h.step, h.lease_expires_at, s.revision
from held h
left join saved s on true;

-- name: draft
-- A member's draft of a step.
select revision, body::text as body
from draft
where space_id = :space_id and task_id = :task_id and step = :step and member_id = :member_id;

-- name: work_to_check
-- What an answer is checked against: type, params, and the size of the task's own picture if it is known.
select
  t.type, t.params::text as params, coalesce(m.width, 0) as width, coalesce(m.height, 0) as height
from slot s
join task t on t.space_id = s.space_id and t.id = s.task_id
left join lateral (
  select a.width, a.height
  from attachment a
  where a.space_id = t.space_id and a.task_id = t.id and a.role = 'attachment'
  order by a.ordinal
  limit 1) m on true
where s.id = :slot_id and s.space_id = :space_id and s.lease_token = :lease_token and s.lease_member_id = :member_id
  and s.done_at is null and s.lease_expires_at > steelyard.now();

-- name: finish_slot
-- The fence of a submission: the slot is done if the lease still holds.
update slot
set done_at = steelyard.now()
where id = :slot_id and space_id = :space_id and lease_token = :lease_token and lease_member_id = :member_id
  and done_at is null and lease_expires_at > steelyard.now()
returning task_id;

-- name: finish_attempt
-- The answer as it was submitted, which stays for good; the draft has served.
with ended as (
  update attempt
  set state = 'submitted', ended_at = steelyard.now(), response = :response::json,
    active_seconds = greatest(active_seconds, coalesce(:active_seconds::integer, 0))
  where slot_id = :slot_id and member_id = :member_id and lease_token = :lease_token and space_id = :space_id
  returning space_id, task_id, slot_id, member_id
)
delete from draft d
using ended e
join slot s on s.id = e.slot_id
where d.space_id = e.space_id and d.task_id = e.task_id and d.step = s.step and d.member_id = e.member_id;

-- name: release_slot
-- Gives a lease back: the slot is free at once, the attempt ended.
with held as (
  select id
  from slot
  where id = :slot_id and space_id = :space_id and lease_token = :lease_token and lease_member_id = :member_id
    and done_at is null and lease_expires_at > steelyard.now()
  for no key update
),
ended as (
  update attempt a
  set state = 'released', ended_at = steelyard.now()
  from held h
  where a.slot_id = h.id and a.lease_token = :lease_token and a.member_id = :member_id
)
update slot s
set lease_token = null, lease_member_id = null, lease_expires_at = null
from held h
where s.id = h.id
returning s.task_id;
