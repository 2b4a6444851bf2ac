-- The pieces insert_* are composed by insert.py, which puts `input` before them: a row a task, whose columns it names.

-- name: insert_batch_lock
-- A completed batch is not among them: to reopen it would mean to ask for more than the lock in hand, which two cannot do at once.
locked_batch as materialized (
  select b.id, b.status, b.priority
  from batch b
  where b.space_id = :space_id and b.id in (select batch_id from input) and b.status <> 'completed'
  order by b.id
  for share
)

-- name: insert_batch_lock_to_reopen
locked_batch as materialized (
  select b.id, b.status, b.priority
  from batch b
  where b.space_id = :space_id and b.id in (select batch_id from input)
  order by b.id
  for no key update
)

-- name: insert_batch_condition
and (i.batch_id is null or exists (
  select 1 from locked_batch l
  where l.id = i.batch_id and l.status <> 'cancelled' and (not i.exclusive or l.status = 'staging')
    and l.priority is not distinct from i.batch_priority))

-- name: insert_project_condition
and (i.project_id is null or exists (
  select 1 from project p
  where p.space_id = :space_id and p.id = i.project_id and p.version = i.project_version and not p.archived))

-- name: insert_key_condition
-- Of two statements that bring one key at once the second does not wait for the first: it is refused.
and (i.idem_key is null or (
  pg_try_advisory_xact_lock(hashtextextended(i.idem_key, :space_id))
  and not exists (select 1 from idempotency_key k where k.space_id = :space_id and k.key = i.idem_key)))

-- name: insert_task
ins as (
  insert into task (
    space_id, id, type, project_id, batch_id, status, stage, priority, own_priority, clear_unique_id_on_error, head, params, metadata,
    unique_id, tags, callback_url, attachment_urls, response, response_version, dependents, created_at, updated_at, completed_at,
    created_by)
  select
    :space_id, i.id, i.type, i.project_id, i.batch_id,
    case when i.completed_at is null then 'pending' else 'completed' end,
    case when i.completed_at is null then 'preparing' else 'completed' end,
    i.priority, i.own_priority, i.clear_unique_id_on_error, i.head, i.params::json, i.metadata::json,
    i.unique_id, i.tags::text[], i.callback_url, i.attachment_urls::text[], i.response::json,
    case when i.completed_at is null then 0 else 1 end, i.dependents::json,
    i.created_at, coalesce(i.completed_at, i.created_at), i.completed_at, :actor
  from input i
  where true
    /* project */
    /* batch */
    /* key */
  on conflict (space_id, unique_id) where unique_id is not null do nothing
  returning id, type, project_id, batch_id, status, created_at
)

-- name: insert_job
jobs as (
  insert into job (queue, kind, args, run_at)
  select :queue::text, 'prepare_task', json_build_object('space_id', :space_id::bigint, 'task_id', ins.id), steelyard.now()
  from ins
)

-- name: insert_answer
answers as (
  insert into response_version (space_id, task_id, version, origin, author, response, created_at)
  select :space_id, ins.id, 1, 'made', 'steelyard', i.response::json, i.completed_at
  from ins join input i using (id)
),
told as (
  insert into callback_event (space_id, task_id, kind, target, payload, created_at)
  select :space_id, ins.id, 'completed', i.callback_url, i.callback_payload::json, i.completed_at
  from ins join input i using (id)
  where i.callback_payload is not null
  returning id
),
jobs as (
  insert into job (queue, kind, args, run_at)
  select 'callbacks', 'send_callback', json_build_object('event_id', told.id), steelyard.now()
  from told
)

-- name: insert_settle
settled as (
  insert into job (queue, kind, args, dedupe_key, run_at)
  select distinct on (ins.batch_id)
    'default', 'settle_batch', json_build_object('space_id', :space_id::bigint, 'batch_id', ins.batch_id),
    'settle:' || :space_id::bigint || ':' || ins.batch_id, steelyard.now()
  from ins
  where ins.batch_id is not null
  order by ins.batch_id
  on conflict (dedupe_key) where dedupe_key is not null do nothing
)

-- name: insert_reopen
reopened as (
  update batch b
  set status = 'in_progress', completed_at = null, updated_at = steelyard.now()
  from locked_batch l
  where b.space_id = :space_id and b.id = l.id and l.status = 'completed'
    and exists (select 1 from ins where ins.batch_id = l.id)
)

-- name: insert_key
keys as (
  insert into idempotency_key (space_id, key, member_id, request_sha256, state, status, body, created_at, expires_at)
  select :space_id, i.idem_key, :member_id, i.idem_mark, 'done', 200, i.idem_body, steelyard.now(), steelyard.now() + :kept::interval
  from ins join input i using (id)
  where i.idem_key is not null
  order by i.idem_key
)

-- name: insert_result_file
files as (
  insert into result_file (space_id, task_id, id, token, name, sha256, content_type, created_at)
  select :space_id, f.task_id, f.id, f.token, f.name, f.sha256, f.content_type, steelyard.now()
  from unnest(
    :file_task_ids::text[], :file_ids::text[], :file_tokens::text[], :file_names::text[], :file_sha256s::text[], :file_types::text[])
    as f (task_id, id, token, name, sha256, content_type)
  join ins on ins.id = f.task_id
)

-- name: insert_dependent
dependents as (
  insert into dependent (space_id, root_task_id, ordinal, type, waits_for_audit, body, unique_id)
  select :space_id, d.root, d.ordinal, d.type, d.waits, d.body::json, d.unique_id
  from unnest(
    :dependent_roots::text[], :dependent_ordinals::int[], :dependent_types::text[], :dependent_waits::boolean[], :dependent_bodies::text[],
    :dependent_unique_ids::text[])
    as d (root, ordinal, type, waits, body, unique_id)
  join ins on ins.id = d.root
)

-- name: insert_dependent_job
dependent_jobs as (
  insert into job (queue, kind, args, run_at)
  select 'default', 'create_dependents', json_build_object('space_id', :space_id::bigint, 'task_id', ins.id), steelyard.now()
  from ins
  where exists (
    select from unnest(:dependent_roots::text[], :dependent_waits::boolean[]) as d (root, waits) where d.root = ins.id and not d.waits)
)

-- name: insert_count
counts as (
  insert into task_count (space_id, scope, scope_id, type, status, shard, n)
  select :space_id, s.scope, s.scope_id, ins.type, ins.status, :shard, count(*)
  from ins
  cross join lateral (values /* scopes */) as s (scope, scope_id)
  where s.scope_id is not null
  group by s.scope, s.scope_id, ins.type, ins.status
  order by s.scope, s.scope_id, ins.type, ins.status
  on conflict (space_id, scope, scope_id, type, status, shard) do update set n = task_count.n + excluded.n
)

-- name: insert_count_of_one
-- The scopes come in the order in which insert_count sorts them: two statements never wait for each other's counters.
counts as (
  insert into task_count (space_id, scope, scope_id, type, status, shard, n)
  select :space_id, s.scope, s.scope_id, ins.type, ins.status, :shard, 1
  from ins
  cross join lateral (values /* scopes */) as s (scope, scope_id)
  where s.scope_id is not null
  on conflict (space_id, scope, scope_id, type, status, shard) do update set n = task_count.n + 1
)

-- name: project_defaults
-- A project with the params of one version; latest when :version is null.
select p.id, p.name, p.type, p.kind, v.version, p.version as latest, p.archived, v.params::text as params
from project p
join project_version v on v.space_id = p.space_id and v.project_id = p.id and v.version = coalesce(:version::int, p.version)
where p.space_id = :space_id and p.name = :name

-- name: project_exists
-- Whether a project of that name exists, for telling an unknown version from an unknown project.
select true from project where space_id = :space_id and name = :name

-- name: batch_targets
-- Batches as creation sees them; `n` is the place in the lists.
select i.n::int, b.id, b.name, b.status, p.name as project_name, b.priority::int, b.calibration_batch as rapid_calibration
from unnest(:space_ids::bigint[], :names::text[]) with ordinality as i (space_id, name, n)
join batch b on b.space_id = i.space_id and b.name = i.name
join project p on p.space_id = b.space_id and p.id = b.project_id

-- name: named_ids
-- Ids behind the names in a filter; null where there is no such object.
select
  (select p.id from project p where p.space_id = :space_id and p.name = :project::text) as project_id,
  b.id as batch_id, b.project_id as batch_project_id
from (select 1) one
left join batch b on b.space_id = :space_id and b.name = :batch::text

-- name: stored_files
-- Where the files behind scaledata:// addresses lie.
select id, sha256, mime_type from file where space_id = :space_id and id = any(:ids::text[]) and state = 'stored'

-- name: space_defaults
-- What every task of a space falls back to, and whether declared tasks wait there that have a name.
select s.default_callback_url, s.secure_result_urls, exists (
  select from dependent d where d.space_id = s.id and d.state = 'waiting' and d.unique_id is not null) as reserves_names
from space s
where s.id = :space_id

-- name: add_to_head
-- Members that are known once a task has been prepared and never change after that.
update task set head = head || ',' || :members::text where space_id = :space_id and id = :task_id

-- name: source_task
-- A task that another wants to build on.
select type, status, params::text as params, response::text as response from task where space_id = :space_id and id = :id

-- name: holder_of_unique_id
-- The task that has a unique_id.
select id from task where space_id = :space_id and unique_id = :unique_id

-- name: key_row
-- An idempotency key; one whose time is over is forgotten on the spot, whatever the periodic sweep has done.
with gone as (
  delete from idempotency_key where space_id = :space_id and key = :key and expires_at <= steelyard.now()
)
select member_id, request_sha256, state, status::int, body
from idempotency_key
where space_id = :space_id and key = :key and expires_at > steelyard.now()

-- name: key_is_free
-- False while a creation with this key is in flight, wherever.
select pg_try_advisory_xact_lock(hashtextextended(:key, :space_id))

-- name: store_key
-- A first answer that created nothing.
insert into idempotency_key (space_id, key, member_id, request_sha256, state, status, body, created_at, expires_at)
values (:space_id, :key, :member_id, :request_sha256, 'done', :status::smallint, :body, steelyard.now(), steelyard.now() + :kept::interval)
on conflict (space_id, key) do update
set member_id = excluded.member_id, request_sha256 = excluded.request_sha256, state = 'done', token = null,
  status = excluded.status, body = excluded.body, created_at = excluded.created_at, expires_at = excluded.expires_at
where idempotency_key.expires_at <= steelyard.now()
returning true

-- name: claim_key
-- Claims a free or expired key for a request about to run.
insert into idempotency_key (space_id, key, member_id, request_sha256, state, token, created_at, expires_at)
values (:space_id, :key, :member_id, :request_sha256, 'processing', :token, steelyard.now(), steelyard.now() + :lease::interval)
on conflict (space_id, key) do update
set member_id = excluded.member_id, request_sha256 = excluded.request_sha256, state = 'processing', token = excluded.token,
  status = null, body = null, created_at = excluded.created_at, expires_at = excluded.expires_at
where idempotency_key.expires_at <= steelyard.now()
returning true

-- name: finish_key
-- Stores the answer of a claimed key, unless the claim was taken over.
update idempotency_key
set state = 'done', status = :status::smallint, body = :body, token = null, expires_at = steelyard.now() + :kept::interval
where space_id = :space_id and key = :key and token = :token

-- name: forget_key
-- Frees a claimed key.
delete from idempotency_key where space_id = :space_id and key = :key and token = :token

-- name: task_json_by_id
-- The wire's task object, as bytes: it is sent on as it is.
select convert_to(steelyard.task_json(t), 'UTF8') from task t where t.space_id = :space_id and t.id = :task_id

-- name: task_with_copies
-- The task object with what is needed to sign the addresses of its attachments' copies.
select steelyard.task_json(t) as doc, t.attachment_urls,
  (select json_agg(json_build_array(a.url, a.sha256, a.mime_type) order by a.ordinal)::text
   from attachment a
   where a.space_id = t.space_id and a.task_id = t.id and a.role = 'attachment') as stored
from task t
where t.space_id = :space_id and t.id = :task_id

-- name: lock_task
-- A task's state, locked until the transaction ends.
select type, project_id, batch_id, status, stage, work_started, unique_id, tags, audits::text as audits, review_members,
  customer_review_status, response_version, callback_url, clear_unique_id_on_error, dependents is not null as has_dependents
from task
where space_id = :space_id and id = :task_id
for no key update

-- name: share_batch
-- Serialises a change of a task with the settling of its batch.
select b.id from batch b
where b.space_id = :space_id and b.id = (select t.batch_id from task t where t.space_id = :space_id and t.id = :task_id)
for share

-- name: lock_slots
-- Slots are always locked before their task, as a claim does.
select id from slot where space_id = :space_id and task_id = :task_id order by id for update

-- name: move_count
-- One task from one status to another, in every scope it counts in.
insert into task_count (space_id, scope, scope_id, type, status, shard, n)
select :space_id::bigint, s.scope, s.scope_id, :type::text, m.status, :shard::smallint, m.n
from (values ('b', :batch_id::text), ('p', :project_id::text), ('s', '')) as s (scope, scope_id)
cross join (values (:was::text, -1), (:is_now::text, 1)) as m (status, n)
where s.scope_id is not null
order by s.scope, s.scope_id, m.status
on conflict (space_id, scope, scope_id, type, status, shard) do update set n = task_count.n + excluded.n

-- name: announce
-- Fixes what the customer is to be told about a task as it is now, and promises to send it.
with told as (
  insert into callback_event (space_id, task_id, kind, target, payload, created_at)
  select t.space_id, t.id, :kind::text, t.callback_url,
    ('{"task_id":"' || t.id || '","status":"' || t.status || '","response":' || coalesce(t.response::text, '{}')
      || ',"task":' || steelyard.task_json(t) || '}')::json,
    steelyard.now()
  from task t
  where t.space_id = :space_id and t.id = :task_id and t.callback_url is not null
  returning id
)
insert into job (queue, kind, args, run_at)
select 'callbacks', 'send_callback', json_build_object('event_id', told.id), steelyard.now()
from told

-- name: promise_settle
-- A coalesced promise to look whether a batch is complete.
insert into job (queue, kind, args, dedupe_key, run_at)
values ('default', 'settle_batch', json_build_object('space_id', :space_id::bigint, 'batch_id', :batch_id::text),
  'settle:' || :space_id::bigint || ':' || :batch_id::text, steelyard.now())
on conflict (dedupe_key) where dedupe_key is not null do nothing

-- name: note_event
-- A row of the task's timeline.
insert into task_event (space_id, task_id, at, kind, actor, detail)
values (:space_id, :task_id, steelyard.now(), :kind, :actor, :detail::json)

-- name: set_completed
-- pending → completed.
update task
set status = 'completed', stage = 'completed', response = :response::json, response_version = response_version + 1,
  completed_at = steelyard.now(), updated_at = steelyard.now(), callback_succeeded = null
where space_id = :space_id and id = :task_id and stage = any(:from_stages::text[])
returning response_version

-- name: add_response_version
-- Answers are versions, never overwritten.
insert into response_version (
  space_id, task_id, version, origin, author, author_id, response, base_version, difference, created_at)
values (
  :space_id, :task_id, :version, :origin, :author, :author_id, :response::json, :base_version, :difference::json, steelyard.now())

-- name: next_version
-- An answer that is not final yet: the task's response stays away until it is.
update task set response_version = response_version + 1, updated_at = steelyard.now()
where space_id = :space_id and id = :task_id and stage = any(:from_stages::text[])
returning response_version

-- name: set_finished
-- pending → completed with the latest version as it is.
update task t
set status = 'completed', stage = 'completed', response = v.response, completed_at = steelyard.now(), updated_at = steelyard.now(),
  callback_succeeded = null
from response_version v
where t.space_id = :space_id and t.id = :task_id and t.stage = any(:from_stages::text[])
  and v.space_id = t.space_id and v.task_id = t.id and v.version = t.response_version
returning t.response_version

-- name: set_stage
-- From one pending stage to another.
update task
set stage = :stage, work_started = work_started or :stage in ('labeling', 'reviewing'), updated_at = steelyard.now()
where space_id = :space_id and id = :task_id and stage = any(:from_stages::text[])
returning id

-- name: begin_work
-- Somebody has claimed it: on the timeline, and in the stage of working if that is allowed from where it is.
with noted as (
  insert into task_event (space_id, task_id, at, kind, actor, detail)
  values (:space_id, :task_id, steelyard.now(), 'claimed', :actor, :detail::json)
)
update task
set stage = :stage, work_started = true, updated_at = steelyard.now()
where space_id = :space_id and id = :task_id and stage = any(:from_stages::text[])
returning id

-- name: set_recalled
-- completed → pending: the answer stays in its version only (platform-api 7), and what the customer said of it in the audits.
update task
set status = 'pending', stage = 'queued', response = null, completed_at = null, callback_succeeded = null, customer_review_status = null,
  updated_at = steelyard.now()
where space_id = :space_id and id = :task_id and stage = any(:from_stages::text[])
returning id

-- name: latest_round
-- The round that a task's work is in.
select coalesce(max(round), 0)::integer from slot where space_id = :space_id and task_id = :task_id
-- name: set_preparing
-- error → pending: the attachments are fetched again.
update task
set status = 'pending', stage = 'preparing', response = null, callback_succeeded = null, updated_at = steelyard.now()
where space_id = :space_id and id = :task_id and stage = any(:from_stages::text[])
returning id

-- name: set_error
-- Attachment processing failed.
update task
set status = 'error', stage = 'error', response = :response::json, updated_at = steelyard.now(), callback_succeeded = null,
  unique_id = case when clear_unique_id_on_error then null else unique_id end
where space_id = :space_id and id = :task_id and stage = any(:from_stages::text[])
returning id

-- name: set_queued
-- preparing → queued; the round that begins, which is not the first if the task had ended in error while people worked on it.
update task set stage = 'queued', updated_at = steelyard.now()
where space_id = :space_id and id = :task_id and stage = any(:from_stages::text[])
returning coalesce((
  select max(s.round) + 1 from slot s where s.space_id = task.space_id and s.task_id = task.id), 0)::integer

-- name: open_slot
-- The claimable pieces of work of one step of a task, `number` 0 to `count` - 1 (null: the overlap of its project); not claimable while its
-- batch is staging or paused. `first`: where a task begins, which is with a model in projects that let models prelabel.
insert into slot (
  space_id, task_id, project_id, batch_id, priority, claimable, kind, round, step, number, only_member_id, only_until,
  avoid_until)
select t.space_id, t.id, coalesce(t.project_id, ''), t.batch_id,
  steelyard.slot_priority(t.priority, b.studio_priority, b.calibration_batch),
  b.status is null or b.status in ('in_progress', 'completed'),
  case when f.is_prelabel then 'prelabel' when :step::smallint = 0 then 'label' else 'review' end, :round::smallint,
  case when f.is_prelabel then -1 else :step end, n.number, p.id,
  case
    when f.is_prelabel then steelyard.now() + (w.settings -> 'prelabel' ->> 'wait_seconds')::integer * interval '1 second'
    when p.id is not null then u.until
  end,
  case when :again::boolean then u.until end
from task t
left join batch b on b.space_id = t.space_id and b.id = t.batch_id
left join project_workflow w on w.space_id = t.space_id and w.project_id = t.project_id
left join member p on p.id = :only_member_id::bigint and p.role <> 'disabled' and not exists (
  select from member_project_state m
  where m.space_id = t.space_id and m.member_id = p.id and m.project_id = t.project_id and m.state <> 'active')
cross join lateral (
  select :first::boolean and w.settings -> 'prelabel' ->> 'wait_seconds' is not null as is_prelabel) f
cross join lateral (
  select case when :binding::boolean then 'infinity' else steelyard.now() + :reserved_for::interval end as until) u
cross join lateral generate_series(
  0, case when f.is_prelabel then 1 else coalesce(:count::integer, (w.settings ->> 'overlap')::integer, 1) end - 1) as n (number)
where t.space_id = :space_id and t.id = :task_id
on conflict (space_id, task_id, round, step, number) do nothing

-- name: close_slots
-- Nobody may claim or hold work on a task that has ended; who held some is not blamed for it.
with closed as (
  update slot set done_at = steelyard.now(), claimable = false
  where space_id = :space_id and task_id = :task_id and done_at is null and kind not in ('evaluation', 'training')
  returning id, lease_token
)
update attempt a
set state = 'withdrawn', ended_at = steelyard.now()
from closed c
where a.slot_id = c.id and a.lease_token = c.lease_token and a.state = 'open'

-- name: set_idle
-- The stage of waiting, unless somebody else is working on the task just now.
update task t
set stage = :stage, updated_at = steelyard.now()
where t.space_id = :space_id and t.id = :task_id and t.stage = any(:from_stages::text[])
  and not exists (
    select from slot s
    where s.space_id = t.space_id and s.task_id = t.id and s.done_at is null and s.lease_token is not null
      and s.lease_expires_at > steelyard.now())
returning t.id

-- name: set_canceled
-- A pending task on which no work has begun.
update task
set status = 'canceled', stage = 'canceled', updated_at = steelyard.now(),
  unique_id = case when :clear_unique_id::boolean then null else unique_id end
where space_id = :space_id and id = :task_id and stage = any(:from_stages::text[])
returning id

-- name: clear_unique_id
-- Frees the unique_id; `updated_at` moves only if there was one.
update task t
set unique_id = null, updated_at = case when t.unique_id is null then t.updated_at else steelyard.now() end
where t.space_id = :space_id and t.id = :task_id
returning steelyard.task_json(t)

-- name: set_unique_id
-- Names a task; the unique index decides.
update task t
set unique_id = :unique_id, clear_unique_id_on_error = coalesce(:clear_on_error::boolean, t.clear_unique_id_on_error),
  updated_at = steelyard.now()
where t.space_id = :space_id and t.id = :task_id
returning steelyard.task_json(t)

-- name: set_metadata
-- Replaces the metadata.
update task t set metadata = :metadata::json, updated_at = steelyard.now()
where t.space_id = :space_id and t.id = :task_id
returning steelyard.task_json(t)

-- name: set_tags
-- Replaces the tags of a locked task.
update task t set tags = :tags::text[], updated_at = steelyard.now()
where t.space_id = :space_id and t.id = :task_id
returning steelyard.task_json(t)

-- name: set_audited
-- Notes a customer's audit on the task.
update task
set audits = :audits::json, customer_review_status = :result, review_members = :review_members,
  callback_succeeded = case when not :told::boolean then callback_succeeded end,
  updated_at = steelyard.now()
where space_id = :space_id and id = :task_id

-- name: set_fixed
-- The customer's own answer takes the place of the task's.
update task
set response = :response::json, response_version = response_version + 1, updated_at = steelyard.now(),
  prior_responses = (case
    when prior_responses is null then '[' || response::text || ']'
    else left(prior_responses::text, -1) || ',' || response::text || ']' end)::json
where space_id = :space_id and id = :task_id and status = 'completed'
returning response_version

-- name: redoes
-- Whether tasks of a project are done again after a rejection.
select coalesce((settings ->> 'redo_after_rejection')::boolean, false)
from project_workflow
where space_id = :space_id and project_id = :project_id

-- name: touch_batch_audited
-- For the batch filters audited_after and audited_before.
update batch set last_audited_at = :at where space_id = :space_id and id = :batch_id

-- name: lock_many_slots
-- The open work of some tasks, held in the order that everybody keeps.
select id from slot where space_id = :space_id and task_id = any(:task_ids::text[]) and done_at is null order by id for update

-- name: share_many_batches
-- Serialises a change of tasks with the settling of their batches.
select b.id from batch b
where b.space_id = :space_id and b.id in (
  select t.batch_id from task t where t.space_id = :space_id and t.id = any(:task_ids::text[]))
order by b.id
for share

-- name: set_task_priority
-- A priority of a pending task's own, and of its open work.
with changed as (
  update task t
  set priority = :priority::smallint, own_priority = true, updated_at = steelyard.now()
  where t.space_id = :space_id and t.id = :task_id and t.status = 'pending' and (t.priority <> :priority::smallint or not t.own_priority)
  returning t.space_id, t.id, t.batch_id
),
moved as (
  update slot s
  set priority = steelyard.slot_priority(:priority::smallint, b.studio_priority, b.calibration_batch)
  from changed c
  left join batch b on b.space_id = c.space_id and b.id = c.batch_id
  where s.space_id = c.space_id and s.task_id = c.id and s.done_at is null
)
select id from changed
