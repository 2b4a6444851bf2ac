-- Claiming and doing work. A lease is fenced by its token and by the database's clock: every write repeats both conditions.

-- name: one_at_a_time
-- Claims of one member, and whatever takes work away from that member, happen one after the other: the statement after this one sees
-- what was committed before it, so nobody gets two slots of one task's step and caps hold.
select pg_advisory_xact_lock(23117, (:member_id::bigint % 2147483647)::integer)::text;

-- name: begin_claim
-- The same, for a claim: whether the space has known-answer tasks to offer. The statements of the transaction are planned once for each
-- connection: planning a claim anew takes as long as the claim.
select concat(
    pg_advisory_xact_lock(23117, (:member_id::bigint % 2147483647)::integer), set_config('plan_cache_mode', 'force_generic_plan', true)
  ) is not null
  and (
    exists (
      select from project_workflow w
      where w.space_id = :space_id
        and ((w.settings ->> 'evaluation_rate')::double precision > 0 or (w.settings ->> 'training_required')::integer > 0))
    or exists (
      select from member_project_state s where s.space_id = :space_id and s.member_id = :member_id and s.state = 'training'));

-- name: claim_next
-- Leases the most urgent slot that a member may work on, in one statement. The lanes of projects that begin with the most urgent slots
-- (`near`) are read by index, `depth` rows deep without locks, as are lapsed leases; the most urgent of all are looked into (`front`): no work of one's own is
-- reviewed, nobody answers twice, and a reviewer labels only what enough other people could review. The first that nobody else is locking is
-- leased, its lapsed attempt closed, a new one opened. `seen` tells an empty queue (0) from a contested one (try again deeper; `last` looks
-- as far as it takes). What is reserved for the member comes first; then, and only if nothing else lies deeper, what the member did before,
-- and at the very end what it gave back.
with me as materialized (
  select m.id, m.account_id, m.kind = 'model' as is_model, m.role in ('admin', 'manager', 'member') as may_review
  from member m
  where m.id = :member_id and m.role <> 'disabled'
),
mine as materialized (
  select s.project_id, count(*) as n
  from slot s
  where s.lease_member_id = :member_id and s.space_id = :space_id and s.done_at is null and s.lease_token is not null
    and s.lease_expires_at > steelyard.now()
  group by s.project_id
),
reach as materialized (
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
gated as materialized (
  select
    r.id, coalesce(g.state, 'active') as state,
    coalesce(m.n, 0) >= coalesce((w.settings ->> 'open_cap')::integer, 20) as is_full,
    case when w.settings ->> 'daily_cap' is null then false
      else (
        select count(*) from (
          select 1 from attempt a join slot o on o.id = a.slot_id
          where a.member_id = :member_id and a.space_id = :space_id and a.state = 'submitted' and o.project_id = r.id
            and a.ended_at > steelyard.now() - interval '24 hours'
          limit (w.settings ->> 'daily_cap')::integer) d) >= (w.settings ->> 'daily_cap')::integer
      end as is_spent,
    coalesce((w.settings ->> 'review_first')::boolean, false) as review_first,
    w.settings -> 'prelabel' ->> 'wait_seconds' is not null as prelabels,
    coalesce((w.settings -> 'prelabel' ->> 'models_vote')::boolean, false) as models_vote,
    case when json_array_length(w.settings -> 'review_stages') > 0 and me.may_review then w.settings -> 'review_stages' end as stages
  from reach r
  cross join me
  left join project_workflow w on w.space_id = :space_id and w.project_id = r.id
  left join member_project_state g on g.space_id = :space_id and g.member_id = :member_id and g.project_id = r.id
  left join mine m on m.project_id = r.id
),
scope as materialized (
  select g.id, l.lane, g.review_first, g.stages
  from gated g
  cross join me
  cross join unnest(:lanes::text[]) as l (lane)
  where g.state = 'active' and not g.is_full and not g.is_spent
    and case when me.is_model then l.lane = 'prelabel' or not g.prelabels or g.models_vote else l.lane <> 'prelabel' end
),
open_to_me as materialized (
  select bg.batch_id
  from batch_group bg
  where :assigned_only::boolean and bg.space_id = :space_id and (
    bg.member_id = :member_id
    or bg.group_id in (select gm.group_id from work_group_member gm where gm.space_id = :space_id and gm.member_id = :member_id))
),
near as materialized (
  select scope.id, scope.lane, scope.review_first, scope.stages
  from scope
  cross join lateral (
    select s.priority, s.postponed_at, s.task_id
    from slot s
    where s.space_id = :space_id and s.project_id = scope.id and s.lane = scope.lane and s.done_at is null and s.claimable
      and s.lease_token is null
    order by s.priority desc, s.postponed_at nulls first, s.task_id
    limit 1) h
  where :task_id::text is null
  order by scope.review_first and scope.lane = 'review' desc, h.priority desc, h.postponed_at nulls first, h.task_id
  limit case when :last::boolean or :types::text[] is not null or :kinds::text[] is not null or :assigned_only::boolean and exists (
    select from batch_group bg where bg.space_id = :space_id) then null else 2 * :depth end
),
seen as materialized (
  select c.id, c.priority, c.postponed_at, c.task_id, c.kind, c.step, c.round, c.avoid_until, near.stages, false as reserved,
    c.kind = 'review' and near.review_first as ahead
  from near
  cross join lateral (
    select s.id, s.priority, s.postponed_at, s.task_id, s.kind, s.step, s.round, s.avoid_until
    from slot s
    where s.space_id = :space_id and s.project_id = near.id and s.lane = near.lane and s.done_at is null and s.claimable
      and s.lease_token is null
      and (:kinds::text[] is null or s.kind = any (:kinds))
      and (:types::text[] is null or (
        select t.type from task t where t.space_id = s.space_id and t.id = s.task_id) = any (:types))
      and (not :assigned_only::boolean or s.batch_id is null
        or s.batch_id in (select batch_id from open_to_me)
        or (select true from batch_group bg where bg.space_id = s.space_id and bg.batch_id = s.batch_id limit 1) is null)
      and (not :last::boolean or (
        select true from attempt a join slot o on o.id = a.slot_id
        where a.space_id = s.space_id and a.task_id = s.task_id and a.member_id = :member_id and (
          (o.step = s.step and o.round = s.round and (a.state = 'submitted' or (a.state = 'open' and a.slot_id <> s.id)))
          or (o.step < s.step and a.state = 'submitted')) limit 1) is null)
    order by s.priority desc, s.postponed_at nulls first, s.task_id
    limit :depth) c
  where :task_id::text is null
  union all
  select c.id, c.priority, c.postponed_at, c.task_id, c.kind, c.step, c.round, c.avoid_until, scope.stages, false,
    c.kind = 'review' and scope.review_first
  from scope
  cross join lateral (
    select s.id, s.priority, s.postponed_at, s.task_id, s.kind, s.step, s.round, s.avoid_until
    from slot s
    where s.space_id = :space_id and s.project_id = scope.id and s.lane = scope.lane and s.done_at is null and s.claimable
      and s.lease_token is not null and s.lease_expires_at <= steelyard.now()
      and (:kinds::text[] is null or s.kind = any (:kinds))
      and (:types::text[] is null or (
        select t.type from task t where t.space_id = s.space_id and t.id = s.task_id) = any (:types))
      and (not :assigned_only::boolean or s.batch_id is null
        or s.batch_id in (select batch_id from open_to_me)
        or (select true from batch_group bg where bg.space_id = s.space_id and bg.batch_id = s.batch_id limit 1) is null)
    order by s.lease_expires_at
    limit :depth) c
  where :task_id::text is null
  union all
  select s.id, s.priority, s.postponed_at, s.task_id, s.kind, s.step, s.round, null, null, true, false
  from slot s
  left join project_workflow w on w.space_id = s.space_id and w.project_id = s.project_id
  left join member_project_state g on g.space_id = s.space_id and g.member_id = :member_id and g.project_id = s.project_id
  left join mine m on m.project_id = s.project_id
  where s.only_member_id = :member_id and s.space_id = :space_id and s.done_at is null and s.claimable
    and (s.lease_token is null or s.lease_expires_at <= steelyard.now())
    and (:task_id::text is null or s.task_id = :task_id)
    and (:projects::text[] is null or s.project_id in (select id from reach))
    and (:kinds::text[] is null or s.kind = any (:kinds))
    and (g.state is null or g.state = 'active' or (g.state = 'training' and s.kind = 'training'))
    and coalesce(m.n, 0) < coalesce((w.settings ->> 'open_cap')::integer, 20)
    and exists (select from me where s.kind <> 'review' or me.may_review)
    and (s.kind in ('evaluation', 'training') or :types::text[] is null or (
      select t.type from task t where t.space_id = s.space_id and t.id = s.task_id) = any (:types))
  union all
  select s.id, s.priority, s.postponed_at, s.task_id, s.kind, s.step, s.round, s.avoid_until, scope.stages, true, false
  from slot s
  join scope on scope.id = s.project_id and scope.lane = s.lane
  where :task_id::text is not null and s.space_id = :space_id and s.task_id = :task_id and s.only_member_id is null
    and s.done_at is null and s.claimable and (s.lease_token is null or s.lease_expires_at <= steelyard.now())
    and (:kinds::text[] is null or s.kind = any (:kinds))
    and (not :assigned_only::boolean
      or (select true from attempt a where a.slot_id = s.id and a.member_id = :member_id limit 1) is not null)
),
front as materialized (
  select *
  from seen
  order by reserved desc, ahead desc, priority desc, postponed_at nulls first, task_id, id
  limit 8 * :depth
),
candidate as materialized (
  select
    f.id, f.priority, f.postponed_at, f.task_id, f.reserved, f.ahead, had.back,
    f.stages is not null and f.kind = 'label' and not had.before and (
      -- people who could review it, without those who have labeled it and without me
      (
        select count(*)
        from member m
        cross join me
        where m.account_id = me.account_id and m.id <> me.id and m.role in ('admin', 'manager', 'member') and m.kind = 'human'
          and m.invited_until is null
          and not exists (
            select from member_project_state g join slot o on o.id = f.id
            where g.space_id = o.space_id and g.member_id = m.id and g.project_id = o.project_id and g.state <> 'active')
          and not exists (
            select from attempt a
            where a.space_id = :space_id and a.task_id = f.task_id and a.member_id = m.id and a.state in ('submitted', 'open')))
      < (
        select count(*)
        from json_array_elements(f.stages) with ordinality as st (stage, number)
        where steelyard.chosen(f.task_id, 'review:' || st.number, coalesce((st.stage ->> 'sample')::double precision, 1)))
    ) as strands
  from front f
  cross join lateral (
    select
      coalesce(bool_or(
        (o.step = f.step and o.round = f.round and (a.state = 'submitted' or (a.state = 'open' and a.slot_id <> f.id)))
        or (o.step < f.step and a.state = 'submitted')), false) as part,
      coalesce(bool_or(o.step = f.step and a.state in ('submitted', 'withdrawn')), false) as before,
      coalesce(max(case
        when a.slot_id = f.id and a.state in ('released', 'skipped') and a.ended_at > steelyard.now() - interval '1 hour' then 2
        when not f.reserved and o.step = f.step and a.state in ('submitted', 'withdrawn') then 1
      end), 0) as back
    from attempt a
    join slot o on o.id = a.slot_id
    where a.space_id = :space_id and a.task_id = f.task_id and a.member_id = :member_id) had
  where not had.part
    -- what is to be done again goes to others for a while, if there are others (leads may label, but no labeler waits for them)
    -- (for ever where that is binding)
    and (f.avoid_until is null or not had.before or f.avoid_until <= steelyard.now() or f.avoid_until <> 'infinity' and not exists (
      select from member m
      cross join me
      join slot o on o.id = f.id
      where m.account_id = me.account_id and m.id <> me.id and m.kind = 'human' and m.invited_until is null
        and case m.role
          when 'disabled' then false
          when 'labeler' then o.kind = 'label' and exists (
            select from assignment a where a.space_id = o.space_id and a.member_id = m.id and a.project_id = o.project_id)
          else me.may_review end
        and not exists (
          select from member_project_state g
          where g.space_id = o.space_id and g.member_id = m.id and g.project_id = o.project_id and g.state <> 'active')
        and not exists (
          select from attempt a
          where a.space_id = o.space_id and a.task_id = o.task_id and a.member_id = m.id and a.state in ('submitted', 'open', 'withdrawn'))))
),
shortlist as materialized (
  select id, reserved, back, ahead
  from candidate
  where not strands and (back = 0 or :last::boolean or (select count(*) from seen) < :depth)
  order by back, reserved desc, ahead desc, priority desc, postponed_at nulls first, task_id, id
  limit 8 * :depth
),
picked as (
  select s.id, s.lease_token
  from shortlist c
  join slot s on s.id = c.id
  where s.done_at is null and s.claimable and (s.lease_token is null or s.lease_expires_at <= steelyard.now())
    and (s.only_member_id is null or s.only_member_id = :member_id)
  order by c.back, c.reserved desc, c.ahead desc, s.priority desc, s.postponed_at nulls first, s.task_id, s.id
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
  update slot
  set lease_token = slot.id || '-' || :secret::text, lease_member_id = :member_id,
    lease_expires_at = steelyard.now() + coalesce((
    select (w.settings ->> 'lease_seconds')::integer from project_workflow w
    where w.space_id = slot.space_id and w.project_id = slot.project_id), 600) * interval '1 second'
  from picked p
  where slot.id = p.id
  returning slot.id, slot.space_id, slot.task_id, slot.lease_token, slot.kind
),
opened as (
  insert into attempt (space_id, slot_id, task_id, member_id, lease_token, state, claimed_at)
  select l.space_id, l.id, l.task_id, :member_id, l.lease_token, 'open', steelyard.now()
  from leased l
)
select
  l.id as slot_id, l.task_id, l.lease_token, l.kind, c.seen,
  case
    when l.id is not null then null
    when g.n = 0 then 'empty'
    when g.paused = g.n then 'paused'
    when g.training = g.n then 'training'
    when g.is_full then 'open-cap'
    when g.is_spent then 'daily-cap'
    when (select bool_or(strands) from candidate) then 'only-reviewer'
    else 'empty'
  end as nothing
from (select count(*) as seen from seen) c
cross join (
  select
    count(*) as n, count(*) filter (where state = 'paused') as paused, count(*) filter (where state = 'training') as training,
    bool_or(is_full) as is_full, bool_or(is_spent) as is_spent
  from gated) g
left join leased l on true;

-- name: hold_task
-- Claims of one task by people who may review it settle one after the other: the statement after this one sees the leases of those before.
select pg_advisory_xact_lock(23118, hashtext(:space_id::bigint || ':' || :task_id::text))::text;

-- name: strands
-- Whether a lease just taken for labeling leaves too few people for the task's stages of review: the condition of the same name in
-- `claim_next`, which cannot see leases of another transaction that is not committed yet.
select
  not exists (
    select from attempt a join slot o on o.id = a.slot_id
    where a.space_id = s.space_id and a.task_id = s.task_id and a.member_id = :member_id and o.step = s.step
      and a.state in ('submitted', 'withdrawn'))
  and (
    select count(*)
    from member m
    where m.account_id = sp.account_id and m.id <> :member_id and m.role in ('admin', 'manager', 'member') and m.kind = 'human'
      and m.invited_until is null
      and not exists (
        select from member_project_state g
        where g.space_id = s.space_id and g.member_id = m.id and g.project_id = s.project_id and g.state <> 'active')
      and not exists (
        select from attempt a
        where a.space_id = s.space_id and a.task_id = s.task_id and a.member_id = m.id and a.state in ('submitted', 'open')))
  < (
    select count(*)
    from json_array_elements(w.settings -> 'review_stages') with ordinality as st (stage, number)
    where steelyard.chosen(s.task_id, 'review:' || st.number, coalesce((st.stage ->> 'sample')::double precision, 1)))
from slot s
join space sp on sp.id = s.space_id
join project_workflow w on w.space_id = s.space_id and w.project_id = s.project_id
where s.id = :slot_id and s.space_id = :space_id and s.only_member_id is null and json_array_length(w.settings -> 'review_stages') > 0;

-- name: held_by
-- The leases that a member holds now, the newest first.
select s.id as slot_id, s.task_id, s.lease_token, s.lease_expires_at
from slot s
join attempt a on a.slot_id = s.id and a.member_id = s.lease_member_id and a.lease_token = s.lease_token
where s.lease_member_id = :member_id and s.space_id = :space_id and s.done_at is null and s.lease_token is not null
  and s.lease_expires_at > steelyard.now()
order by a.claimed_at desc, a.id desc
limit 100;

-- name: unknown_projects
-- Those of some names that are no project of the space.
select n.name
from unnest(:names::text[]) n (name)
where not exists (select from project p where p.space_id = :space_id and p.name = n.name);

-- name: held_work
-- What the holder of a valid lease works on: the wire's task object (none for a kind that is no task), the draft if there is one, and the
-- answer to start from: a model's, else what the task's type has made.
select
  s.id as slot_id, s.step, s.number, s.round, s.kind, s.task_id, s.project_id, s.lease_token, s.lease_expires_at,
  steelyard.task_json(t) as task, coalesce(t.response_version, 0) as version, d.revision, d.body::text as body,
  extract(epoch from coalesce((
    select (w.settings ->> 'lease_seconds')::integer from project_workflow w
    where w.space_id = s.space_id and w.project_id = s.project_id), 600) * interval '1 second')::integer as lease_seconds,
  coalesce(pa.answer, pa.response, sa.response)::text as prelabel
from slot s
left join task t on s.kind not in ('evaluation', 'training') and t.space_id = s.space_id and t.id = s.task_id
left join slot ps on s.kind = 'label' and ps.space_id = s.space_id and ps.task_id = s.task_id and ps.round = 0 and ps.step = -1
  and ps.number = 0 and ps.done_at is not null
left join attempt pa on pa.slot_id = ps.id and pa.state = 'submitted'
left join starting_answer sa on s.kind = 'label' and sa.space_id = s.space_id and sa.task_id = s.task_id
left join draft d on d.space_id = s.space_id and d.task_id = s.task_id and d.step = s.step and d.member_id = s.lease_member_id
where s.id = :slot_id and s.space_id = :space_id and s.lease_token = :lease_token and s.lease_member_id = :member_id
  and s.done_at is null and s.lease_expires_at > steelyard.now();

-- name: attempt_state
-- What became of a lease; no row when the member never held it.
select a.state, a.task_id, a.response::text as response, a.verdict, case when t.status in ('pending', 'completed') then t.status end as status
from attempt a
left join task t on t.space_id = a.space_id and t.id = a.task_id
where a.slot_id = :slot_id and a.member_id = :member_id and a.lease_token = :lease_token and a.space_id = :space_id;

-- name: extend
-- A sign of life: the lease starts again from now; the seconds worked so far are noted.
with held as (
  update slot
  set lease_expires_at = steelyard.now() + coalesce((
    select (w.settings ->> 'lease_seconds')::integer from project_workflow w
    where w.space_id = slot.space_id and w.project_id = slot.project_id), 600) * interval '1 second'
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
  set lease_expires_at = steelyard.now() + coalesce((
    select (w.settings ->> 'lease_seconds')::integer from project_workflow w
    where w.space_id = slot.space_id and w.project_id = slot.project_id), 600) * interval '1 second'
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
-- What a valid lease is about.
select s.kind, s.step, s.round, s.task_id, s.project_id, t.response_version as version
from slot s
left join task t on s.kind not in ('evaluation', 'training') and t.space_id = s.space_id and t.id = s.task_id
where s.id = :slot_id and s.space_id = :space_id and s.lease_token = :lease_token and s.lease_member_id = :member_id
  and s.done_at is null and s.lease_expires_at > steelyard.now();

-- name: finish_slot
-- The fence of a submission: the slot is done if the lease still holds. Another slot of the step that waits for the same member is for
-- everybody again: nobody answers twice.
with done as (
  update slot
  set done_at = steelyard.now()
  where id = :slot_id and space_id = :space_id and lease_token = :lease_token and lease_member_id = :member_id
    and done_at is null and lease_expires_at > steelyard.now()
  returning id, space_id, task_id, step, round
),
others as (
  update slot s
  set only_member_id = null, only_until = null
  from done d
  where s.space_id = d.space_id and s.task_id = d.task_id and s.step = d.step and s.round = d.round and s.id <> d.id
    and s.only_member_id = :member_id and s.done_at is null
)
select task_id from done;

-- name: finish_attempt
-- The answer as it was submitted, which stays for good; the draft has served.
with ended as (
  update attempt
  set state = 'submitted', ended_at = steelyard.now(), response = :response::json, answer = :answer::json, verdict = :verdict,
    active_seconds = greatest(active_seconds, coalesce(:active_seconds::integer, 0))
  where slot_id = :slot_id and member_id = :member_id and lease_token = :lease_token and space_id = :space_id
  returning space_id, task_id, slot_id, member_id
)
delete from draft d
using ended e
join slot s on s.id = e.slot_id
where d.space_id = e.space_id and d.task_id = e.task_id and d.step = s.step and d.member_id = e.member_id;

-- name: give_back
-- Gives a lease back: the slot is free at once, the attempt ended as `released` or `skipped`. A skip puts the slot behind the others of its
-- priority, at the limit of skips it is escalated; a prelabel that is skipped is done without.
with held as (
  select s.id, coalesce((
    select (w.settings ->> 'skip_limit')::integer from project_workflow w
    where w.space_id = s.space_id and w.project_id = s.project_id), 3) as skip_limit
  from slot s
  where s.id = :slot_id and s.space_id = :space_id and s.lease_token = :lease_token and s.lease_member_id = :member_id
    and s.done_at is null and s.lease_expires_at > steelyard.now()
  for no key update of s
),
ended as (
  update attempt a
  set state = :state, ended_at = steelyard.now(), reason = :reason, active_seconds = greatest(active_seconds, :active_seconds::integer)
  from held h
  where a.slot_id = h.id and a.lease_token = :lease_token and a.member_id = :member_id
)
update slot s
set lease_token = null, lease_member_id = null, lease_expires_at = null,
  skips = s.skips + case when :state = 'skipped' then 1 else 0 end,
  postponed_at = case when :state = 'skipped' then steelyard.now() else s.postponed_at end,
  done_at = case when :state = 'skipped' and s.kind = 'prelabel' then steelyard.now() end,
  only_member_id = case when :state = 'skipped' and s.kind not in ('evaluation', 'training') then null else s.only_member_id end,
  escalated = s.escalated or (:state = 'skipped' and s.kind in ('label', 'review') and s.skips + 1 >= h.skip_limit)
from held h
where s.id = h.id
returning s.task_id, s.kind, s.skips::integer, s.escalated;

-- name: workflow_settings
-- The settings of a project; none: the defaults.
select settings::text
from project_workflow
where space_id = :space_id and project_id = :project_id;

-- name: store_workflow
-- Replaces the settings of a project.
insert into project_workflow (space_id, project_id, settings, updated_at, updated_by)
values (:space_id, :project_id, :settings::json, steelyard.now(), :updated_by)
on conflict (space_id, project_id) do update
set settings = excluded.settings, updated_at = excluded.updated_at, updated_by = excluded.updated_by;

-- name: step_state
-- How many slots a step of a task has in a round, and how many of them wait for an answer.
select count(*)::integer as slots, (count(*) filter (where done_at is null))::integer as undone
from slot
where space_id = :space_id and task_id = :task_id and round = :round and step = :step;

-- name: works_on
-- Whether a member holds work on a task just now.
select true
from slot
where space_id = :space_id and task_id = :task_id and lease_member_id = :member_id and done_at is null and lease_expires_at > steelyard.now()
limit 1;

-- name: answer_so_far
-- The answer that a labeler's part of a task builds on (null: none yet).
select v.response::text as response
from task t
left join response_version v on v.space_id = t.space_id and v.task_id = t.id and v.version = t.response_version and :round::integer > 0
where t.space_id = :space_id and t.id = :task_id;

-- name: answerers
-- How many people answer each part of a task: as many as were asked for at the time, in the round that asked for most.
select max(r.n)::integer
from (
  select count(*) as n from slot where space_id = :space_id and task_id = :task_id and step = 0 and kind = 'label' group by round) r;

-- name: sent_back_from
-- The review stage that sent a round's answer back.
select o.step::integer
from attempt a
join slot o on o.id = a.slot_id
where a.space_id = :space_id and a.task_id = :task_id and a.verdict = 'send_back' and o.round = :round
limit 1;

-- name: promise_merge
-- All answers of a step are in: a job will compare them.
insert into job (queue, kind, args, dedupe_key, run_at)
values ('default', 'merge_answers',
  json_build_object('space_id', :space_id::bigint, 'task_id', :task_id::text, 'round', :round::integer),
  'merge:' || :space_id::bigint || ':' || :task_id::text, steelyard.now())
on conflict (dedupe_key) where dedupe_key is not null do nothing;

-- name: free_leases
-- All leases of a member end; the work is offered again at once.
with held as (
  select s.id, s.lease_token
  from slot s
  where s.lease_member_id = :member_id and s.done_at is null and s.lease_token is not null
  order by s.id
  for no key update
),
ended as (
  update attempt a
  set state = 'withdrawn', ended_at = steelyard.now()
  from held h
  where a.slot_id = h.id and a.lease_token = h.lease_token and a.state = 'open'
)
update slot s
set lease_token = null, lease_member_id = null, lease_expires_at = null
from held h
where s.id = h.id
returning s.space_id, s.task_id, s.kind;

-- name: drop_reservations
-- Nothing waits for a member any more; quality tasks, made for that member alone, end.
update slot
set only_member_id = case when kind not in ('evaluation', 'training') then null else only_member_id end, only_until = null,
  done_at = case when kind not in ('evaluation', 'training') then done_at else steelyard.now() end,
  claimable = claimable and kind not in ('evaluation', 'training')
where only_member_id = :member_id and done_at is null;

-- name: end_prelabel
-- People wait for a model no longer. `forced`: whether or not one is working on it just now, or the time is up.
with ended as (
  update slot s
  set done_at = steelyard.now(), claimable = false
  from (
    select id, lease_token
    from slot
    where space_id = :space_id and task_id = :task_id and round = 0 and step = -1 and number = 0 and done_at is null
      and (:forced::boolean or ((lease_token is null or lease_expires_at <= steelyard.now()) and only_until <= steelyard.now()))
    for no key update) p
  where s.id = p.id
  returning s.id, p.lease_token
),
withdrawn as (
  update attempt a
  set state = 'withdrawn', ended_at = steelyard.now(), reason = 'prelabel'
  from ended e
  where a.slot_id = e.id and a.lease_token = e.lease_token and a.state = 'open'
)
select id from ended;

-- name: overdue_prelabels
-- Tasks for which no model has answered in time.
select space_id, task_id
from slot
where kind = 'prelabel' and done_at is null and only_until <= steelyard.now()
  and (lease_token is null or lease_expires_at <= steelyard.now())
order by only_until
limit 200;

-- name: hurry_prelabels
-- A project waits for models no longer.
update slot
set only_until = steelyard.now()
where kind = 'prelabel' and done_at is null and space_id = :space_id and project_id = :project_id;

-- name: project_to_merge
-- The project ('' for none) of a task all of whose answers of a round are in.
select coalesce(t.project_id, '')
from task t
where t.space_id = :space_id and t.id = :task_id and t.status = 'pending' and (
  select count(*) > 1 and count(*) = count(s.done_at)
  from slot s
  where s.space_id = t.space_id and s.task_id = t.id and s.round = :round and s.step = 0);

-- name: given_answers
-- The answers of a round as they were stored, in the order in which they were begun.
select a.id as attempt_id, a.member_id, m.email, coalesce(a.answer, a.response)::text as answer
from attempt a
join slot o on o.id = a.slot_id
join member m on m.id = a.member_id
where a.space_id = :space_id and a.task_id = :task_id and a.state = 'submitted' and o.round = :round and o.step = 0
order by a.id;

-- name: add_agreements
-- How alike every two answers are.
insert into answer_agreement (space_id, task_id, attempt_a, attempt_b, round, score, detail, created_at)
select :space_id, :task_id, p.a, p.b, :round, p.score, p.detail::json, steelyard.now()
from unnest(:attempts_a::bigint[], :attempts_b::bigint[], :scores::double precision[], :details::text[]) as p (a, b, score, detail)
on conflict do nothing;

-- name: holders
-- Leases that are held now, by slot.
select
  s.id as slot_id, s.task_id, t.type, p.name as project, b.name as batch, s.kind, s.step::integer, m.email, a.claimed_at,
  s.lease_expires_at, a.active_seconds
from slot s
join member m on m.id = s.lease_member_id
join attempt a on a.slot_id = s.id and a.member_id = s.lease_member_id and a.lease_token = s.lease_token
left join task t on s.kind not in ('evaluation', 'training') and t.space_id = s.space_id and t.id = s.task_id
left join project p on p.space_id = s.space_id and p.id = s.project_id
left join batch b on b.space_id = s.space_id and b.id = s.batch_id
where s.space_id = :space_id and s.done_at is null and s.lease_token is not null and s.lease_expires_at > steelyard.now()
  and s.id > :after and (:project::text is null or p.name = :project) and (:email::text is null or lower(m.email) = :email)
order by s.id
limit :limit;

-- name: escalated
-- Open work that several people have skipped, by slot.
select
  s.id as slot_id, s.task_id, t.type, p.name as project, b.name as batch, s.kind, s.skips::integer,
  array(
    select a.reason from attempt a
    where a.slot_id = s.id and a.state = 'skipped' and a.reason is not null
    order by a.id desc limit 10) as reasons, t.created_at
from slot s
join task t on t.space_id = s.space_id and t.id = s.task_id
left join project p on p.space_id = s.space_id and p.id = s.project_id
left join batch b on b.space_id = s.space_id and b.id = s.batch_id
where s.space_id = :space_id and s.escalated and s.done_at is null and s.id > :after
  and (:project::text is null or p.name = :project)
order by s.id
limit :limit;

-- name: end_lease
-- Takes a lease from its holder; the slot is free at once.
with held as (
  select s.id, s.lease_token, s.lease_member_id
  from slot s
  where s.id = :slot_id and s.space_id = :space_id and s.done_at is null and s.lease_token is not null
    and s.lease_expires_at > steelyard.now()
  for no key update
),
ended as (
  update attempt a
  set state = 'withdrawn', ended_at = steelyard.now(), reason = :reason
  from held h
  where a.slot_id = h.id and a.lease_token = h.lease_token and a.state = 'open'
)
update slot s
set lease_token = null, lease_member_id = null, lease_expires_at = null
from held h
join member m on m.id = h.lease_member_id
where s.id = h.id
returning s.task_id, s.kind, m.email;

-- name: open_slots_of_task
-- The open work of a task, held, and whether a member has had a part that forbids it.
select s.id, s.kind, case when s.lease_expires_at > steelyard.now() then s.lease_token end as lease_token, s.lease_member_id,
  s.only_member_id, (
    select true
    from attempt a
    join slot o on o.id = a.slot_id
    where a.space_id = s.space_id and a.task_id = s.task_id and a.member_id = :member_id and (
      (o.step = s.step and o.round = s.round and a.slot_id <> s.id and a.state in ('submitted', 'open'))
      or (o.step < s.step and a.state = 'submitted'))
    limit 1) is not null as has_part
from slot s
where s.space_id = :space_id and s.task_id = :task_id and s.done_at is null and s.kind in ('label', 'review')
order by s.id
for no key update of s;

-- name: reserve
-- For one member only, until it is done or given to somebody else.
update slot
set only_member_id = :member_id, only_until = null, escalated = false, postponed_at = null
where id = :slot_id;

-- name: task_stage
-- Where a task is.
select stage from task where space_id = :space_id and id = :task_id;

-- name: latest_author
-- Who made the latest version of a task's answer.
select v.author
from task t
join response_version v on v.space_id = t.space_id and v.task_id = t.id and v.version = t.response_version
where t.space_id = :space_id and t.id = :task_id;

-- name: add_bulk
-- A change of many tasks that is about to begin.
insert into bulk_change (space_id, id, verb, filter, args, state, total, created_by, created_at)
values (:space_id, :id, :verb, :filter::json, :args::json, 'running', :total, :created_by, steelyard.now());

-- name: bulk
-- How far a change of many tasks has come.
select id, verb, filter::text as filter, args::text as args, state, total, seen, changed, cursor, error, created_by, created_at, ended_at
from bulk_change
where space_id = :space_id and id = :id;

-- name: lock_bulk
-- The same, held against another run of its job.
select id, verb, filter::text as filter, args::text as args, state, total, seen, changed, cursor, error, created_by, created_at, ended_at
from bulk_change
where space_id = :space_id and id = :id
for update;

-- name: bulks
-- Changes of many tasks, newest first.
select id, verb, filter::text as filter, args::text as args, state, total, seen, changed, cursor, error, created_by, created_at, ended_at
from bulk_change
where space_id = :space_id and (:before::text is null or id < :before)
order by id desc
limit :limit;

-- name: move_bulk
-- A piece of it is done.
update bulk_change
set seen = seen + :seen, changed = changed + :changed, cursor = coalesce(:cursor, cursor),
  state = case when :done::boolean then 'done' else state end, ended_at = case when :done::boolean then steelyard.now() end
where space_id = :space_id and id = :id;
