-- name: holders
-- Tasks that have one of these ids or unique_ids.
select id, unique_id from task where space_id = :space_id and id = any(:ids::text[])
union
select id, unique_id from task where space_id = :space_id and unique_id = any(:unique_ids::text[]);

-- name: project_type
-- The type of a project's tasks.
select type from project where space_id = :space_id and name = :name;

-- name: adopt_tasks
-- Task objects of another server, or of an export, with what became of them; nobody is told of it again. Returns the ids that are new.
with input as (
  select *
  from unnest(
    :ids::text[], :types::text[], :project_ids::text[], :batch_ids::text[], :statuses::text[], :priorities::int[],
    :work_starteds::boolean[], :callback_succeededs::boolean[], :heads::text[], :params::text[], :metadatas::text[],
    :unique_ids::text[], :tags::text[], :callback_urls::text[], :attachment_urls::text[], :responses::text[], :audits::text[],
    :review_statuses::text[], :review_members::text[], :prior_responses::text[], :dependents::text[], :created_ats::timestamptz[],
    :updated_ats::timestamptz[], :completed_ats::timestamptz[])
    as i (
      id, type, project_id, batch_id, status, priority, work_started, callback_succeeded, head, params, metadata, unique_id, tags,
      callback_url, attachment_urls, response, audits, review_status, review_members, prior_responses, dependents, created_at,
      updated_at, completed_at)),
ins as (
  insert into task (
    space_id, id, type, project_id, batch_id, status, stage, priority, own_priority, work_started, callback_succeeded, head, params,
    metadata, unique_id, tags, callback_url, attachment_urls, response, response_version, audits, customer_review_status,
    review_members, prior_responses, dependents, created_at, updated_at, completed_at)
  select
    :space_id, i.id, i.type, i.project_id, i.batch_id, i.status, case i.status when 'pending' then 'preparing' else i.status end,
    i.priority, true, i.work_started, i.callback_succeeded, i.head, i.params::json, i.metadata::json, i.unique_id, i.tags::text[],
    i.callback_url, i.attachment_urls::text[], i.response::json, case when i.status = 'completed' then 1 else 0 end, i.audits::json,
    i.review_status, i.review_members, i.prior_responses::json, i.dependents::json, i.created_at, i.updated_at, i.completed_at
  from input i
  on conflict do nothing
  returning id, type, project_id, batch_id, status),
answers as (
  insert into response_version (space_id, task_id, version, origin, author, response, created_at)
  select :space_id, ins.id, 1, 'imported', :actor, i.response::json, i.completed_at
  from ins
  join input i using (id)
  where ins.status = 'completed'),
files as (
  insert into result_file (space_id, task_id, id, token, name, sha256, content_type, created_at)
  select :space_id, f.task_id, f.id, f.token, f.name, f.sha256, f.content_type, steelyard.now()
  from unnest(
    :file_task_ids::text[], :file_ids::text[], :file_tokens::text[], :file_names::text[], :file_sha256s::text[], :file_types::text[])
    as f (task_id, id, token, name, sha256, content_type)
  join ins on ins.id = f.task_id),
jobs as (
  insert into job (queue, kind, args, run_at)
  select 'bulk', 'prepare_task', json_build_object('space_id', :space_id::bigint, 'task_id', ins.id), steelyard.now()
  from ins
  where ins.status = 'pending'),
settled as (
  insert into job (queue, kind, args, dedupe_key, run_at)
  select distinct on (ins.batch_id)
    'default', 'settle_batch', json_build_object('space_id', :space_id::bigint, 'batch_id', ins.batch_id),
    'settle:' || :space_id::bigint || ':' || ins.batch_id, steelyard.now()
  from ins
  where ins.batch_id is not null
  order by ins.batch_id
  on conflict (dedupe_key) where dedupe_key is not null do nothing),
events as (
  insert into task_event (space_id, task_id, at, kind, actor)
  select :space_id, ins.id, steelyard.now(), 'imported', :actor
  from ins),
counts as (
  insert into task_count (space_id, scope, scope_id, type, status, shard, n)
  select :space_id, s.scope, s.scope_id, ins.type, ins.status, :shard::smallint, count(*)
  from ins
  cross join lateral (values ('s', ''), ('p', ins.project_id), ('b', ins.batch_id)) as s (scope, scope_id)
  where s.scope_id is not null
  group by s.scope, s.scope_id, ins.type, ins.status
  order by s.scope, s.scope_id, ins.type, ins.status
  on conflict (space_id, scope, scope_id, type, status, shard) do update set n = task_count.n + excluded.n)
select id from ins;
