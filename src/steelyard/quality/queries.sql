-- name: insert_quality_task
-- A new quality task.
insert into quality_task (
  space_id, id, kind, type, project_id, instruction, params, metadata, expected_response, initial_response, created_at, state,
  created_by)
values (
  :space_id, :id, :kind, :type, :project_id, :instruction, :params::json, :metadata::json, :expected_response::json,
  :initial_response::json, steelyard.now(), :state, :created_by);

-- name: quality_task
-- One quality task.
select
  t.id, t.kind, t.type, p.name as project, t.instruction, t.params, t.metadata, t.expected_response, t.initial_response, t.created_at
from quality_task t
join project p on p.space_id = t.space_id and p.id = t.project_id
where t.space_id = :space_id and t.id = :id;

-- name: task_to_prepare
-- A quality task whose attachments are still to be fetched.
select type, params::text as params, expected_response::text as expected_response
from quality_task
where space_id = :space_id and id = :id and state = 'preparing';

-- name: set_prepared
-- Its attachments are there, or cannot be had.
update quality_task set state = :state, error = :error where space_id = :space_id and id = :id and state = 'preparing';

-- name: attempts
-- A page of attempts at quality tasks, newest first.
select a.id, m.email as labeler_email, a.quality_task_id, t.kind as quality_task_type, a.score, a.passed, a.created_at
from quality_attempt a
join quality_task t on t.space_id = a.space_id and t.id = a.quality_task_id
join member m on m.id = a.member_id
where
  a.space_id = :space_id
  and (:task_ids::text[] is null or a.quality_task_id = any(:task_ids::text[]))
  and (:emails::text[] is null or lower(m.email) = any(:emails::text[]))
  and a.id < :before
order by a.id desc
limit :n;

-- name: count_attempts
-- How many attempts there are, under the same filter.
select count(*)
from quality_attempt a
join member m on m.id = a.member_id
where
  a.space_id = :space_id
  and (:task_ids::text[] is null or a.quality_task_id = any(:task_ids::text[]))
  and (:emails::text[] is null or lower(m.email) = any(:emails::text[]));

-- name: training_gates
-- Projects that want a member trained before production work, or did when the member came.
select
  g.project_id, g.required, g.passed::integer as passed, g.state,
  exists (
    select from slot s
    where s.only_member_id = :member_id and s.space_id = :space_id and s.project_id = g.project_id and s.kind = 'training'
      and s.done_at is null) as is_open
from (
  select
    w.project_id, coalesce((w.settings ->> 'training_required')::integer, 0) as required, m.state,
    (
      select count(*)
      from quality_attempt a
      join quality_task t on t.space_id = a.space_id and t.id = a.quality_task_id
      where a.space_id = :space_id and a.member_id = :member_id and a.passed and t.kind = 'training' and t.project_id = w.project_id) as passed
  from project_workflow w
  join project p on p.space_id = w.space_id and p.id = w.project_id
  left join member_project_state m on m.space_id = w.space_id and m.member_id = :member_id and m.project_id = w.project_id
  where w.space_id = :space_id
    and (m.state = 'training' or (m.state is null and (w.settings ->> 'training_required')::integer > 0))
    and (:projects::text[] is null or p.name = any (:projects))
    and (not :assigned_only::boolean or exists (
      select from assignment a where a.space_id = w.space_id and a.member_id = :member_id and a.project_id = w.project_id))
) g
order by g.project_id;

-- name: set_state
-- What a member may do in a project.
insert into member_project_state (space_id, member_id, project_id, state, reason, updated_at)
values (:space_id, :member_id, :project_id, :state, :reason, steelyard.now())
on conflict (space_id, member_id, project_id) do update
set state = excluded.state, reason = excluded.reason, updated_at = excluded.updated_at;

-- name: next_training_task
-- The training task that a member has been shown least often.
select t.id, t.type, p.name as project, t.instruction, t.params::text as params, t.metadata::text as metadata, null::text as initial_response
from quality_task t
join project p on p.space_id = t.space_id and p.id = t.project_id
where t.space_id = :space_id and t.project_id = :project_id and t.kind = 'training' and t.state = 'ready' and t.archived_at is null
order by (
  select count(*) from quality_offer o where o.space_id = t.space_id and o.member_id = :member_id and o.quality_task_id = t.id), t.id
limit 1;

-- name: count_turn
-- Counts a member's latest claim if it is of labeling work in a project with evaluation tasks and was not counted before.
with last as (
  select a.id, a.task_id, s.project_id, s.batch_id, s.kind, s.priority
  from attempt a
  join slot s on s.id = a.slot_id
  where a.member_id = :member_id and a.space_id = :space_id
  order by a.claimed_at desc, a.id desc
  limit 1
),
rated as (
  select l.id, l.task_id, l.project_id, l.batch_id, l.priority, (w.settings ->> 'evaluation_rate')::double precision as rate
  from last l
  join project_workflow w on w.space_id = :space_id and w.project_id = l.project_id
  where l.kind in ('label', 'prelabel', 'evaluation') and (w.settings ->> 'evaluation_rate')::double precision > 0
),
counted as (
  insert into quality_turn as t (space_id, member_id, project_id, turn, last_attempt_id)
  select :space_id, :member_id, r.project_id, 1, r.id
  from rated r
  on conflict (space_id, member_id, project_id) do update
  set turn = t.turn + 1, last_attempt_id = excluded.last_attempt_id
  where t.last_attempt_id < excluded.last_attempt_id
  returning project_id, turn
)
select r.project_id, c.turn, r.rate, r.task_id, r.batch_id, r.priority::integer as priority
from counted c
join rated r on r.project_id = c.project_id;

-- name: looks
-- The task object that a contributor was shown under an id.
select coalesce(o.type, t.type) as type, coalesce(o.document::text, steelyard.task_json(t)) as document
from (select 1) one
left join quality_offer o on o.space_id = :space_id and o.task_id = :task_id
left join task t on t.space_id = :space_id and t.id = :task_id;

-- name: taken_names
-- Those of some unique_ids that tasks have.
select unique_id from task where space_id = :space_id and unique_id = any (:names::text[]);

-- name: next_evaluation_task
-- An evaluation task that a member has not had, and whose answer it has not given itself, in an order of the member's own. Where models label
-- before people, people see it with a pre-label if the work claimed last (`after_task_id`) had one, and without if that had none.
select t.id, t.type, p.name as project, t.instruction, t.params::text as params, t.metadata::text as metadata, i.initial::text as initial_response
from quality_task t
join project p on p.space_id = t.space_id and p.id = t.project_id
cross join (
  select
    m.kind = 'human' and w.settings -> 'prelabel' ->> 'wait_seconds' is not null as prelabels,
    exists (
      select from slot s join attempt a on a.slot_id = s.id and a.state = 'submitted'
      where s.space_id = :space_id and s.task_id = :after_task_id and s.round = 0 and s.step = -1 and s.number = 0)
    or exists (
      select from quality_offer o
      where o.space_id = :space_id and o.task_id = :after_task_id and o.document -> 'params' -> 'hypothesis' is not null) as shown
  from member m
  left join project_workflow w on w.space_id = :space_id and w.project_id = :project_id
  where m.id = :member_id) l
left join slot ps on l.prelabels and ps.space_id = t.space_id and ps.task_id = t.source_task_id and ps.round = 0 and ps.step = -1 and ps.number = 0
left join attempt pa on pa.slot_id = ps.id and pa.state = 'submitted'
cross join lateral (
  select case when not l.prelabels then t.initial_response when l.shown then coalesce(t.initial_response, pa.answer, pa.response) end as initial) i
where t.space_id = :space_id and t.project_id = :project_id and t.kind = 'evaluation' and t.type = :type and t.state = 'ready'
  and t.archived_at is null and (not l.prelabels or not l.shown or i.initial is not null)
  and not exists (
    select from quality_offer o where o.space_id = t.space_id and o.member_id = :member_id and o.quality_task_id = t.id)
  and not exists (
    select from attempt a
    where t.source_task_id is not null and a.space_id = t.space_id and a.task_id = t.source_task_id and a.member_id = :member_id)
order by md5(t.id || :salt::text)
limit 1;

-- name: open_offer
-- A slot reserved for a member, and what is shown in it.
with shown as (
  insert into quality_offer (space_id, task_id, quality_task_id, member_id, kind, type, document, created_at)
  values (:space_id, :task_id, :quality_task_id, :member_id, :kind, :type, :document::json, steelyard.now())
)
insert into slot (space_id, task_id, project_id, batch_id, priority, kind, only_member_id)
values (:space_id, :task_id, :project_id, :batch_id, :priority, :kind, :member_id);

-- name: offered
-- What is shown under a lease, and since when.
select o.document::text as document, steelyard.wire_time(a.claimed_at) as claimed_at
from quality_offer o
join attempt a on a.space_id = o.space_id and a.task_id = o.task_id and a.lease_token = :lease_token
where o.space_id = :space_id and o.task_id = :task_id;

-- name: known
-- What an answer is checked against. Attachments are those of the task that the quality task was made from, or its own.
select t.type, t.params::text as params, coalesce(t.source_task_id, t.id) as media_of, sp.secure_result_urls as secure
from quality_offer o
join space sp on sp.id = o.space_id
join quality_task t on t.space_id = o.space_id and t.id = o.quality_task_id
where o.space_id = :space_id and o.task_id = :task_id;

-- name: attempt_of
-- The attempt of a lease.
select id from attempt where space_id = :space_id and slot_id = :slot_id and lease_token = :lease_token;

-- name: to_score
-- A submitted answer to a quality task that has no score yet.
select
  t.id as quality_task_id, t.kind, t.type, t.params::text as params, t.expected_response::text as expected_response,
  case when o.document -> 'params' -> 'hypothesis' is not null then t.initial_response end::text as initial_response,
  coalesce(a.answer, a.response)::text as answer, t.project_id, a.member_id, coalesce(m.width, 0) as width, coalesce(m.height, 0) as height
from attempt a
join quality_offer o on o.space_id = a.space_id and o.task_id = a.task_id
join quality_task t on t.space_id = o.space_id and t.id = o.quality_task_id
left join lateral (
  select x.width, x.height
  from attachment x
  where x.space_id = t.space_id and x.task_id = coalesce(t.source_task_id, t.id) and x.role = 'attachment'
  order by x.ordinal
  limit 1) m on true
where a.id = :attempt_id and a.space_id = :space_id and a.state = 'submitted'
  and not exists (select from quality_attempt s where s.attempt_id = a.id);

-- name: insert_attempt
-- A score; none if the answer has one.
insert into quality_attempt (space_id, id, quality_task_id, member_id, response, score, passed, created_at, attempt_id, detail)
values (
  :space_id, :id, :quality_task_id, :member_id, :response::json, :score, :passed, steelyard.now(), :attempt_id, :detail::json)
on conflict (attempt_id) do nothing;

-- name: recent_scores
-- The latest evaluation scores of a member in a project since it was last let in.
select count(*)::integer as n, avg(r.score) as mean
from (
  select a.score
  from quality_attempt a
  join quality_task t on t.space_id = a.space_id and t.id = a.quality_task_id
  where a.space_id = :space_id and a.member_id = :member_id and t.project_id = :project_id and t.kind = 'evaluation'
    and a.created_at > coalesce((
      select s.updated_at from member_project_state s
      where s.space_id = :space_id and s.member_id = :member_id and s.project_id = :project_id and s.state = 'active'), '-infinity')
  order by a.id desc
  limit :window) r;

-- name: pause_active
-- Pauses a member in a project; no row if that was so already.
with changed as (
  insert into member_project_state as s (space_id, member_id, project_id, state, reason, updated_at)
  values (:space_id, :member_id, :project_id, 'paused', :reason, steelyard.now())
  on conflict (space_id, member_id, project_id) do update
  set state = 'paused', reason = excluded.reason, updated_at = excluded.updated_at
  where s.state <> 'paused'
  returning space_id, member_id, project_id
)
select sp.account_id, sp.mode, m.email, p.name as project
from changed c
join space sp on sp.id = c.space_id
join member m on m.id = c.member_id
join project p on p.space_id = c.space_id and p.id = c.project_id;

-- name: free_reservations
-- What waits for a member who gets no more work of a project goes to the others; leases that are held are left alone.
update slot
set only_member_id = null, only_until = null
where only_member_id = :member_id and space_id = :space_id and project_id = :project_id and done_at is null and kind in ('label', 'review')
  and (lease_token is null or lease_expires_at <= steelyard.now());

-- name: feedback
-- The score of a member's answer to a training task.
select
  a.task_id, s.score, s.passed, t.expected_response::text as expected_response, s.response::text as response, s.detail::text as detail
from attempt a
join quality_attempt s on s.attempt_id = a.id
join quality_task t on t.space_id = s.space_id and t.id = s.quality_task_id
where a.space_id = :space_id and a.member_id = :member_id and a.slot_id = :slot_id and a.lease_token = :lease_token and t.kind = 'training';

-- name: make_from_task
-- A quality task with the content of a completed task of a project, whose answer is the expected one unless another is given.
insert into quality_task (
  space_id, id, kind, type, project_id, instruction, params, metadata, expected_response, initial_response, created_at, source_task_id,
  created_by)
select
  t.space_id, :id, :kind, t.type, t.project_id, coalesce(('{' || t.head || '}')::json ->> 'instruction', ''), t.params, t.metadata,
  coalesce(:expected_response::json, t.response), :initial_response::json, steelyard.now(), t.id, :created_by
from task t
where t.space_id = :space_id and t.id = :task_id and t.status = 'completed' and t.project_id is not null
returning id;

-- name: task_to_copy
-- What making a quality task from a task depends on.
select t.status, t.project_id, t.type, t.params::text as params, coalesce(m.width, 0) as width, coalesce(m.height, 0) as height
from task t
left join lateral (
  select a.width, a.height
  from attachment a
  where a.space_id = t.space_id and a.task_id = t.id and a.role = 'attachment'
  order by a.ordinal
  limit 1) m on true
where t.space_id = :space_id and t.id = :task_id;

-- name: listed
-- Quality tasks with how people did on them, newest first.
select
  t.id, t.kind, t.type, p.name as project, t.state, t.error, t.source_task_id, t.created_by, t.created_at, t.archived_at,
  (select count(*) from quality_offer o where o.space_id = t.space_id and o.quality_task_id = t.id)::integer as offered,
  coalesce(s.answered, 0) as answered, coalesce(s.passed, 0) as passed, s.mean_score
from quality_task t
join project p on p.space_id = t.space_id and p.id = t.project_id
left join lateral (
  select count(*)::integer as answered, (count(*) filter (where a.passed))::integer as passed, avg(a.score) as mean_score
  from quality_attempt a
  where a.space_id = t.space_id and a.quality_task_id = t.id) s on true
where t.space_id = :space_id
  and (:project::text is null or p.name = :project)
  and (:kind::text is null or t.kind = :kind)
  and (:archived::boolean is null or (t.archived_at is not null) = :archived)
  and (:id::text is null or t.id = :id)
  and t.id < :before
order by t.id desc
limit :n;

-- name: set_archived
-- Takes a quality task out of use, or puts it back.
update quality_task
set archived_at = case when :archived::boolean then coalesce(archived_at, steelyard.now()) end
where space_id = :space_id and id = :id
returning kind;

-- name: drop_open_offers
-- Nobody is to be given an archived task; leases that are held are left alone.
update slot s
set done_at = steelyard.now(), claimable = false
from quality_offer o
where o.space_id = :space_id and o.quality_task_id = :id and s.space_id = o.space_id and s.task_id = o.task_id and s.done_at is null
  and (s.lease_token is null or s.lease_expires_at <= steelyard.now());

-- name: member_qualities
-- Members who work, have worked or may work in a project, in order of address.
select
  m.public_id as member_id, m.email, coalesce(s.state, case when required > 0 then 'training' else 'active' end) as state, s.reason,
  s.updated_at as since, coalesce(e.n, 0) as evaluations, e.mean as mean_score, coalesce(r.n, 0) as recent_evaluations,
  r.mean as recent_mean_score, coalesce(e.trained, 0) as trainings_passed, required as trainings_required
from member m
cross join (
  select
    coalesce((w.settings ->> 'training_required')::integer, 0) as required,
    coalesce((w.settings ->> 'evaluation_window')::integer, 20) as recent_window
  from (select 1) one
  left join project_workflow w on w.space_id = :space_id and w.project_id = :project_id) w
left join member_project_state s on s.space_id = :space_id and s.member_id = m.id and s.project_id = :project_id
left join lateral (
  select
    (count(*) filter (where t.kind = 'evaluation'))::integer as n, avg(a.score) filter (where t.kind = 'evaluation') as mean,
    (count(*) filter (where t.kind = 'training' and a.passed))::integer as trained
  from quality_attempt a
  join quality_task t on t.space_id = a.space_id and t.id = a.quality_task_id
  where a.space_id = :space_id and a.member_id = m.id and t.project_id = :project_id) e on true
left join lateral (
  select count(*)::integer as n, avg(x.score) as mean
  from (
    select a.score
    from quality_attempt a
    join quality_task t on t.space_id = a.space_id and t.id = a.quality_task_id
    where a.space_id = :space_id and a.member_id = m.id and t.project_id = :project_id and t.kind = 'evaluation'
      and (s.state is distinct from 'active' or a.created_at > s.updated_at)
    order by a.id desc
    limit w.recent_window) x) r on true
where m.account_id = :account_id and m.role <> 'disabled' and (:member::text is null or m.public_id = :member)
  and (:member::text is not null or s.state is not null or e.n > 0 or e.trained > 0
    or exists (select from assignment a where a.space_id = :space_id and a.member_id = m.id and a.project_id = :project_id))
  and m.email > :after::text
order by m.email
limit :n;

-- name: member_id
-- A member of an account by its public id.
select id from member where account_id = :account_id and public_id = :public_id and role <> 'disabled';

-- name: requeueable
-- Tasks of a project to which a member has submitted the current answer since a time, or one of several that are awaited.
select a.task_id, a.id as attempt_id, s.id as slot_id, s.round::integer as round
from attempt a
join slot s on s.id = a.slot_id
join task t on t.space_id = a.space_id and t.id = a.task_id
where a.member_id = :member_id and a.space_id = :space_id and a.state = 'submitted' and a.ended_at >= :since and s.kind = 'label'
  and s.project_id = :project_id and t.status in ('pending', 'completed') and t.customer_review_status is null
  and s.round = (select max(x.round) from slot x where x.space_id = a.space_id and x.task_id = a.task_id and x.step = 0)
  and (t.stage in ('queued', 'labeling') or :member_id = (
    select v.author_id from response_version v
    where v.space_id = a.space_id and v.task_id = a.task_id and v.origin in ('labeled', 'merged')
    order by v.version desc limit 1))
  and a.task_id > :after::text and (:task_id::text is null or a.task_id = :task_id)
order by a.task_id
limit :n;

-- name: count_requeueable
-- How many there are.
select count(*)
from attempt a
join slot s on s.id = a.slot_id
join task t on t.space_id = a.space_id and t.id = a.task_id
where a.member_id = :member_id and a.space_id = :space_id and a.state = 'submitted' and a.ended_at >= :since and s.kind = 'label'
  and s.project_id = :project_id and t.status in ('pending', 'completed') and t.customer_review_status is null
  and s.round = (select max(x.round) from slot x where x.space_id = a.space_id and x.task_id = a.task_id and x.step = 0)
  and (t.stage in ('queued', 'labeling') or :member_id = (
    select v.author_id from response_version v
    where v.space_id = a.space_id and v.task_id = a.task_id and v.origin in ('labeled', 'merged')
    order by v.version desc limit 1));

-- name: withdraw_answer
-- A submitted answer does not count any more; its slot is open for others.
with gone as (
  update attempt set state = 'withdrawn', reason = 'quality' where id = :attempt_id
)
update slot
set done_at = null, lease_token = null, lease_member_id = null, lease_expires_at = null, only_member_id = null,
  avoid_until = steelyard.now() + interval '24 hours'
where id = :slot_id;

-- name: close_reviews
-- The answer under review is given anew: nobody is to review the old one.
with closed as (
  update slot
  set done_at = steelyard.now(), claimable = false
  where space_id = :space_id and task_id = :task_id and kind = 'review' and done_at is null
  returning id, lease_token
)
update attempt a
set state = 'withdrawn', ended_at = steelyard.now(), reason = 'quality'
from closed c
where a.slot_id = c.id and a.lease_token = c.lease_token and a.state = 'open';
