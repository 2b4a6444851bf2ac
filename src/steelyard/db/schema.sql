-- The whole schema: the best place to start reading. A new database is made from this file; a change goes here and into
-- migrations/NNNN_what.pre.sql (or .post.sql), and a test proves that both roads lead to the same schema.
--
-- Conventions: `space` = account x mode; every table of customers' objects has space_id first in its key, so that no query can reach
-- another account or mode by mistake. Wire ids are 24 hex characters in creation order, compared bytewise. `json` holds documents as the
-- customer sent them; they are spliced into answers unparsed. Times have millisecond precision, as on the wire.

create schema if not exists steelyard;
set local search_path = steelyard;

-- The one source of time in SQL; tests replace it to move leases and retries without sleeping.
create function steelyard.now() returns timestamptz
  language sql stable parallel safe
  return date_trunc('milliseconds', statement_timestamp());

-- 2021-06-23T09:09:34.752Z
create function steelyard.wire_time(t timestamptz) returns text
  language sql immutable strict parallel safe
  return to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

create table migration (
  name text constraint migration_pk primary key,
  applied_at timestamptz not null default clock_timestamp()
);

---------------------------------------------------------------------------------------------------------------- people

create table account (
  id bigint generated always as identity constraint account_pk primary key,
  name text not null constraint account_name_unique unique,
  created_at timestamptz not null default steelyard.now()
);

-- A world of its own: projects, batches, tasks and files of one mode are invisible in the other (platform-api 2.2).
create table space (
  id bigint generated always as identity constraint space_pk primary key,
  account_id bigint not null references account,
  mode text not null constraint space_mode_known check (mode in ('live', 'test')),
  callback_auth_key text not null,
  default_callback_url text,
  secure_result_urls boolean not null default false,
  -- signs callbacks as Standard Webhooks want it: 32 bytes, of which 244 bits are random
  callback_signing_secret text not null default (
    'whsec_' || encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64')),
  constraint space_account_mode_unique unique (account_id, mode)
);

-- A teammate (platform-api 21). `invited_until` is set exactly while an invitation is open.
create table member (
  id bigint generated always as identity constraint member_pk primary key,
  public_id text collate "C" not null constraint member_public_id_unique unique,
  account_id bigint not null references account,
  email text not null,
  role text not null constraint member_role_known check (role in ('admin', 'manager', 'member', 'labeler', 'disabled')),
  company text,
  first_name text,
  last_name text,
  disable_rapid_emails boolean not null default false,
  password_hash text,
  invited_until timestamptz,
  created_at timestamptz not null default steelyard.now(),
  updated_at timestamptz not null default steelyard.now(),
  -- a model is a program that works by API key alone
  kind text not null default 'human' constraint member_kind_known check (kind in ('human', 'model')),
  -- what a disabled member was, to become it again
  former_role text,
  -- keys of the workbench's commands that the member has changed: command → keys
  hotkeys json not null default '{}'
);
create unique index member_email_unique on member (account_id, lower(email));
create unique index member_one_admin on member (account_id) where role = 'admin';

-- Keys are random, so their SHA-256 is enough; `hint` is what people may see again.
create table api_key (
  id bigint generated always as identity constraint api_key_pk primary key,
  space_id bigint not null references space,
  member_id bigint not null references member,
  hint text not null,
  sha256 bytea not null constraint api_key_sha256_unique unique,
  created_at timestamptz not null default steelyard.now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  name text not null default '',
  -- what the key may do of what its member may
  scope text not null default 'full' constraint api_key_scope_known check (scope in ('full', 'data', 'read', 'work'))
);

-- Links by which somebody sets a password: an invitation accepted, a password forgotten. Used once: then all links of the member go.
create table member_link (
  token_sha256 bytea constraint member_link_pk primary key,
  member_id bigint not null references member,
  purpose text not null constraint member_link_purpose_known check (purpose in ('invite', 'reset')),
  created_at timestamptz not null default steelyard.now(),
  expires_at timestamptz not null
);
create index member_link_by_member on member_link (member_id);

-- Who a member is at the operator's identity provider.
create table member_identity (
  issuer text not null,
  subject text not null,
  member_id bigint not null references member,
  created_at timestamptz not null default steelyard.now(),
  constraint member_identity_pk primary key (issuer, subject, member_id)
);
create index member_identity_by_member on member_identity (member_id);

-- The secret that lets whoever reads the console of an empty installation, and nobody else, create its first admin.
create table setup_token (
  one boolean not null default true constraint setup_token_pk primary key constraint setup_token_single check (one),
  token_sha256 bytea not null,
  created_at timestamptz not null default steelyard.now()
);

create table session (
  token_sha256 bytea constraint session_pk primary key,
  member_id bigint not null references member,
  csrf_token text not null,
  created_at timestamptz not null default steelyard.now(),
  expires_at timestamptz not null
);

-- Encrypted with the key in the data directory (or STEELYARD_SECRET_KEY).
create table secret (
  account_id bigint not null references account,
  name text not null,
  ciphertext bytea not null,
  updated_at timestamptz not null default steelyard.now(),
  constraint secret_pk primary key (account_id, name)
);

---------------------------------------------------------------------------------------------------- projects and batches

create table project (
  space_id bigint not null references space,
  id text collate "C" not null,
  name text not null,
  type text not null,
  kind text not null constraint project_kind_known check (kind in ('standard', 'rapid', 'studio')),
  version integer not null default 0,
  archived boolean not null default false,
  pipeline text,
  consensus_attempts integer,
  dataset_id text,
  created_by text,
  created_with text not null default 'api',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint project_pk primary key (space_id, id),
  constraint project_name_unique unique (space_id, name)
);

-- One row a version of the project's default params (platform-api 19.1); `params` without `version` and `created_at`.
create table project_version (
  space_id bigint not null,
  project_id text collate "C" not null,
  version integer not null,
  params json not null,
  created_at timestamptz not null,
  constraint project_version_pk primary key (space_id, project_id, version),
  constraint project_version_project_fk foreign key (space_id, project_id) references project
);

create table project_ontology (
  space_id bigint not null,
  project_id text collate "C" not null,
  version integer not null,
  name text,
  ontology json not null,
  created_at timestamptz not null,
  constraint project_ontology_pk primary key (space_id, project_id, version),
  constraint project_ontology_project_fk foreign key (space_id, project_id) references project
);

-- What contributors read before they work: Markdown, a version for every change, and which version each of them has read last.
create table instruction_version (
  space_id bigint not null,
  project_id text collate "C" not null,
  version integer not null,
  markdown text not null,
  created_by text not null,
  created_at timestamptz not null,
  constraint instruction_version_pk primary key (space_id, project_id, version),
  constraint instruction_version_project_fk foreign key (space_id, project_id) references project
);
create table instruction_read (
  space_id bigint not null,
  project_id text collate "C" not null,
  member_id bigint not null references member,
  version integer not null,
  read_at timestamptz not null,
  constraint instruction_read_pk primary key (space_id, project_id, member_id)
);

create table task_template (
  space_id bigint not null,
  project_id text collate "C" not null,
  id text collate "C" not null,
  version integer not null default 0,
  template_variables json not null,
  response_schema json,
  auto_onboard_enabled boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint task_template_pk primary key (space_id, project_id),
  constraint task_template_project_fk foreign key (space_id, project_id) references project
);

create table batch (
  space_id bigint not null,
  id text collate "C" not null,
  project_id text collate "C" not null,
  name text not null,
  status text not null
    constraint batch_status_known check (status in ('staging', 'in_progress', 'completed', 'paused', 'cancelled')),
  callback text not null default '',
  metadata json not null default '{}',
  calibration_batch boolean not null default false,
  self_label_batch boolean not null default false,
  priority smallint constraint batch_priority_range check (priority between 10 and 30),
  studio_priority integer,
  archived boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  completed_at timestamptz,
  last_audited_at timestamptz,
  constraint batch_pk primary key (space_id, id),
  constraint batch_name_unique unique (space_id, name),
  constraint batch_project_fk foreign key (space_id, project_id) references project,
  constraint batch_completed_has_time check ((status = 'completed') = (completed_at is not null))
);
create index batch_by_project on batch (space_id, project_id, id);

----------------------------------------------------------------------------------------------------------------- tasks

-- What holds for every task. One function, because PostgreSQL reads each check constraint from its stored text anew for every statement:
-- six of them, with their lists of words, were a sixth of the time of a lone create.
create function steelyard.task_is_sound(
  status text, stage text, priority smallint, customer_review_status text, completed_at timestamptz, answered boolean) returns boolean
  language plpgsql immutable parallel safe as $$
begin
  return status = coalesce(
      case
        when stage in ('preparing', 'queued', 'labeling', 'review_queued', 'reviewing') then 'pending'
        when stage in ('completed', 'canceled', 'error') then stage
      end, '')
    and priority between 10 and 30
    and (customer_review_status is null or customer_review_status in ('accepted', 'fixed', 'commented', 'rejected'))
    and (status <> 'completed' or (completed_at is not null and answered));
end
$$;

-- `head` is the part of the wire document that never changes after creation, as JSON members without braces; `params` and `metadata`
-- are what was sent. No foreign keys: they cost 25-40 % of the hot insert; projects and batches are never deleted.
-- That rows were added alone is no reason to vacuum, as it is by default: every task changes soon after, which is one, and so each page
-- would be gone over and logged whole twice (8-13 µs of processor time a task).
create table task (
  space_id bigint not null,
  id text collate "C" not null,
  type text not null,
  project_id text collate "C",
  batch_id text collate "C",
  status text not null,
  stage text not null,
  priority smallint not null default 10,
  own_priority boolean not null default false,
  work_started boolean not null default false,
  clear_unique_id_on_error boolean not null default false,
  callback_succeeded boolean,
  head text not null,
  params json not null,
  metadata json not null,
  unique_id text,
  tags text[],
  callback_url text,
  attachment_urls text[],
  response json,
  response_version integer not null default 0,
  audits json,
  customer_review_status text,
  -- customer_review_comments, customer_reviewed_by, customer_audited_at ... as JSON members without braces
  review_members text,
  prior_responses json,
  -- the states of its rows in `dependent` as the wire shows them, rendered by whoever changes one
  dependents json,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  completed_at timestamptz,
  -- who created it, an e-mail address; null for tasks of another server
  created_by text,
  constraint task_pk primary key (space_id, id),
  constraint task_is_sound check (
    steelyard.task_is_sound(status, stage, priority, customer_review_status, completed_at, response is not null))
) with (toast_tuple_target = 4096, fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_insert_threshold = -1);

create unique index task_unique_id_unique on task (space_id, unique_id) where unique_id is not null;
create index task_by_project on task (space_id, project_id, id) where project_id is not null;
create index task_by_project_status on task (space_id, project_id, status, id) where project_id is not null;
create index task_by_batch on task (space_id, batch_id, id) where batch_id is not null;
create index task_by_status on task (space_id, status, id);
create index task_by_type on task (space_id, type, id);
create index task_by_updated on task (space_id, updated_at);
create index task_by_completed on task (space_id, completed_at) where completed_at is not null;
create index task_to_be_reviewed on task (space_id, id) where status = 'completed' and customer_review_status is null;
create index task_by_review on task (space_id, customer_review_status, id) where customer_review_status is not null;

-- Built-in functions in PL/pgSQL: a subselect in SQL costs an executor start for every row. A tag that holds
-- the separator yields other keys, the same for task and question; the listing compares the tags themselves as well.
create function steelyard.tag_keys(space_id bigint, tags text[]) returns text[]
  language plpgsql immutable parallel safe as $$
begin
  return string_to_array(
    space_id::text || ':' || array_to_string(tags, e'\x1f' || space_id::text || ':'), e'\x1f');
end
$$;
create index task_by_tag on task using gin (steelyard.tag_keys(space_id, tags)) where tags is not null;

-- The wire's task object (platform-api 6). Inlined by the planner, so a page costs one pass over its rows.
create function steelyard.task_json(t task) returns text
  language sql stable parallel safe
  return '{' || t.head || ',"params":' || t.params
    || ',"status":"' || t.status || '","priority":' || t.priority
    || ',"work_started":' || t.work_started
    || ',"updated_at":"' || steelyard.wire_time(t.updated_at) || '"'
    || case when t.completed_at is null then '' else ',"completed_at":"' || steelyard.wire_time(t.completed_at) || '"' end
    || ',"metadata":' || t.metadata
    || case when t.unique_id is null then '' else ',"unique_id":' || to_json(t.unique_id) end
    || case when t.tags is null then '' else ',"tags":' || array_to_json(t.tags) end
    || case when t.callback_succeeded is null then ''
         else ',"callback_succeeded":' || t.callback_succeeded || ',"callback_completed":' || t.callback_succeeded end
    || case when t.response is null then '' else ',"response":' || t.response end
    || case when t.audits is null then '' else ',"audits":' || t.audits end
    || case when t.customer_review_status is null then ''
         else ',"customer_review_status":"' || t.customer_review_status || '"' end
    || case when t.review_members is null then '' else ',' || t.review_members end
    || case when t.prior_responses is null then '' else ',"prior_responses":' || t.prior_responses end
    || case when t.dependents is null then '' else ',"dependents":' || t.dependents end
    || '}';

-- Exact counters, moved in the statement that changes a task. scope: 's' whole space (scope_id ''), 'p' a project, 'b' a batch.
-- `shard` keeps processes from queueing for one row; single shards may be negative, only sums mean anything.
create table task_count (
  space_id bigint not null,
  scope text collate "C" not null,
  scope_id text collate "C" not null,
  type text not null,
  status text not null,
  shard smallint not null,
  n bigint not null,
  constraint task_count_pk primary key (space_id, scope, scope_id, type, status, shard)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

-- Answers are versions, never overwritten. origin: labeled, merged (best of several), reviewed (fixed by a reviewer), fixed (by the customer),
-- made (test mode). `base_version`, `difference`: of a fix, what it was made from and which parts it changed.
create table response_version (
  space_id bigint not null,
  task_id text collate "C" not null,
  version integer not null,
  origin text not null,
  author text not null,
  response json not null,
  created_at timestamptz not null,
  author_id bigint,
  base_version integer,
  difference json,
  constraint response_version_pk primary key (space_id, task_id, version)
);

-- Files that are part of an answer (segmentation maps ...); `token` is the unguessable part of their URL.
create table result_file (
  space_id bigint not null,
  task_id text collate "C" not null,
  id text collate "C" not null,
  token text collate "C" not null constraint result_file_token_unique unique,
  name text not null,
  sha256 text collate "C" not null,
  content_type text not null,
  created_at timestamptz not null,
  constraint result_file_pk primary key (space_id, task_id, id)
);

-- Large parts of an answer that are sent before it (masks, annotation files); the answer refers to them by `steelyard-upload:<id>`. Only the
-- member who sent one may use it, for the task that it was sent for.
create table answer_upload (
  space_id bigint not null,
  id text collate "C" not null,
  task_id text collate "C" not null,
  member_id bigint not null references member,
  sha256 text collate "C" not null,
  size_bytes bigint not null,
  content_type text not null,
  created_at timestamptz not null,
  constraint answer_upload_pk primary key (space_id, id)
);
create index answer_upload_by_age on answer_upload (created_at);

-- What people start from where a task's type makes that itself (cuboids seen in camera images): an answer, its files in `result_file`.
create table starting_answer (
  space_id bigint not null,
  task_id text collate "C" not null,
  response json not null,
  constraint starting_answer_pk primary key (space_id, task_id)
);

-- The files of a task. `facts`: what reading a recording, a lidar frame or a scene showed that answers are checked with.
create table attachment (
  space_id bigint not null,
  task_id text collate "C" not null,
  ordinal integer not null,
  path text not null,
  role text not null,
  url text not null,
  media text not null,
  frame integer,
  state text not null constraint attachment_state_known check (state in ('stored', 'failed')),
  status_code integer,
  message text,
  sha256 text collate "C",
  size_bytes bigint,
  mime_type text,
  width integer,
  height integer,
  facts json,
  constraint attachment_pk primary key (space_id, task_id, ordinal)
);

-- Tasks that a task declared to be created from its answer (task-types-lidar 11). `body` is the request, with the root's id filled in; it is
-- created when the root is completed and `waits_for_audit` is false. Whoever changes a row holds its root's row. Its `unique_id` is
-- reserved while it waits.
create table dependent (
  space_id bigint not null,
  root_task_id text collate "C" not null,
  ordinal integer not null,
  type text not null,
  state text not null default 'waiting' constraint dependent_state_known check (state in ('waiting', 'created', 'failed', 'dropped')),
  waits_for_audit boolean not null,
  body json not null,
  task_id text collate "C",
  error text,
  unique_id text collate "C",
  constraint dependent_pk primary key (space_id, root_task_id, ordinal),
  constraint dependent_state_agrees check (
    (state = 'created') = (task_id is not null) and (state = 'failed') = (error is not null))
);
create unique index dependent_name on dependent (space_id, unique_id) where unique_id is not null and state = 'waiting';

-- First answers to requests that carried an Idempotency-Key (platform-api 9.2). Creations of tasks write `done` rows in the creating
-- statement; other creations claim a `processing` row first, fenced by `token`, which may be taken over once it has expired.
create table idempotency_key (
  space_id bigint not null,
  key text collate "C" not null,
  member_id bigint not null,
  request_sha256 bytea not null,
  state text not null constraint idempotency_state_known check (state in ('processing', 'done')),
  token text,
  status smallint,
  body bytea,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint idempotency_key_pk primary key (space_id, key),
  constraint idempotency_done_has_answer check (state <> 'done' or (status is not null and body is not null))
);
create index idempotency_key_expiry on idempotency_key (expires_at);

-- The timeline of every task. Partitioned by month; steelyard.ensure_partitions() makes the months ahead.
create table task_event (
  space_id bigint not null,
  task_id text collate "C" not null,
  at timestamptz not null,
  kind text not null,
  actor text,
  detail json
) partition by range (at);
create index task_event_by_task on task_event (space_id, task_id, at);
create table task_event_default partition of task_event default;

-- Administrative acts, append-only.
create table audit_log (
  account_id bigint not null,
  at timestamptz not null,
  actor text not null,
  action text not null,
  detail json,
  id bigint generated always as identity
) partition by range (at);
create index audit_log_by_account on audit_log (account_id, at);
create table audit_log_default partition of audit_log default;
create function steelyard.refuse_change() returns trigger
  language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end
$$;
create trigger audit_log_append_only before update or delete on audit_log
  for each row execute function steelyard.refuse_change();

------------------------------------------------------------------------------------------------------------------ work

-- The order in which work is offered: the studio order of batches first (calibration batches lead by default), the task's priority within.
create function steelyard.slot_priority(task_priority smallint, studio_priority integer, calibration_batch boolean) returns smallint
  language sql immutable parallel safe
  return (task_priority + case
    when studio_priority is not null then 32 * (1000 - least(studio_priority, 999))
    when calibration_batch then 32
    else 0 end)::smallint;

-- Whether a task is in a sample: by its id alone, so the same at every time (work.chosen says the same).
create function steelyard.chosen(task_id text, what text, share double precision) returns boolean
  language sql immutable parallel safe
  return ('x' || substr(md5(task_id || ':' || what), 1, 8))::bit(32)::bigint < share * 4294967296;

-- How the work of a project is done: work.Workflow as JSON. No row: the defaults.
create table project_workflow (
  space_id bigint not null,
  project_id text collate "C" not null,
  settings json not null,
  updated_at timestamptz not null,
  updated_by text not null,
  constraint project_workflow_pk primary key (space_id, project_id),
  constraint project_workflow_project_fk foreign key (space_id, project_id) references project
);

-- Whether a member gets work of a project: `paused` none, `training` only training tasks. No row: active.
create table member_project_state (
  space_id bigint not null,
  member_id bigint not null references member,
  project_id text collate "C" not null,
  state text not null constraint member_project_state_known check (state in ('active', 'paused', 'training')),
  reason text,
  updated_at timestamptz not null default steelyard.now(),
  constraint member_project_state_pk primary key (space_id, member_id, project_id),
  constraint member_project_state_project_fk foreign key (space_id, project_id) references project
);

-- One claimable piece of work: the queue's row and the lease's home. `claimable` is false while the batch is staging or paused. Step 0 is
-- labeling (`number` 0..overlap-1), steps 1.. are the review stages, step -1 a model's prelabel, for which people wait until `only_until`; a
-- task that is sent back or recalled starts a new `round`, not offered to those who had it until `avoid_until` if others could do it. Of kind
-- `evaluation` and `training`, `task_id` is a quality_task's. `only_member_id`: reserved for one member, until `only_until` if that is set.
-- `lane`: which of a project's queues it waits in, `own` being those of single members. `postponed_at`: skipped, so at the end of its priority.
create table slot (
  id bigint generated always as identity constraint slot_pk primary key,
  space_id bigint not null,
  task_id text collate "C" not null,
  project_id text collate "C" not null default '',
  batch_id text collate "C",
  step smallint not null default 0,
  number smallint not null default 0,
  priority smallint not null default 10,
  claimable boolean not null default true,
  lease_token text collate "C",
  lease_member_id bigint,
  lease_expires_at timestamptz,
  done_at timestamptz,
  kind text not null default 'label' constraint slot_kind_known check (kind in ('label', 'review', 'prelabel', 'evaluation', 'training')),
  round smallint not null default 0,
  only_member_id bigint,
  only_until timestamptz,
  skips smallint not null default 0,
  postponed_at timestamptz,
  escalated boolean not null default false,
  lane text collate "C" generated always as (case
    when only_member_id is not null then 'own' when kind = 'prelabel' then 'prelabel' when escalated then 'escalated'
    when kind = 'review' then 'review' else 'label' end) stored,
  avoid_until timestamptz,
  constraint slot_step_number_unique unique (space_id, task_id, round, step, number),
  constraint slot_lease_whole check (
    (lease_token is null) = (lease_member_id is null) and (lease_token is null) = (lease_expires_at is null))
) with (fillfactor = 70);
create index slot_never_leased on slot (space_id, project_id, lane, priority desc, postponed_at nulls first, task_id)
  where done_at is null and claimable and lease_token is null;
create index slot_leased on slot (space_id, project_id, lane, lease_expires_at)
  where done_at is null and claimable and lease_token is not null;
create index slot_reserved on slot (only_member_id) where done_at is null and only_member_id is not null;
create index slot_held on slot (lease_member_id) where done_at is null and lease_token is not null;
create index slot_prelabel on slot (only_until) where kind = 'prelabel' and done_at is null;
create index slot_by_batch on slot (space_id, batch_id) where batch_id is not null and done_at is null;

-- One contributor's go at a slot: history, never reused. `response` is what was sent, `answer` what was stored where that differs, `verdict` a
-- reviewer's, `reason` why it was skipped or taken away.
create table attempt (
  id bigint generated always as identity constraint attempt_pk primary key,
  space_id bigint not null,
  slot_id bigint not null,
  task_id text collate "C" not null,
  member_id bigint not null,
  lease_token text collate "C" not null,
  state text not null constraint attempt_state_known check (
    state in ('open', 'submitted', 'released', 'skipped', 'lapsed', 'withdrawn')),
  claimed_at timestamptz not null,
  ended_at timestamptz,
  active_seconds integer not null default 0,
  response json,
  answer json,
  verdict text constraint attempt_verdict_known check (verdict in ('accept', 'fix', 'send_back')),
  reason text,
  constraint attempt_one_a_slot_and_member unique (slot_id, member_id, lease_token)
);
create index attempt_by_member on attempt (member_id, claimed_at);
create index attempt_by_task on attempt (space_id, task_id);
create index attempt_submitted on attempt (member_id, ended_at) where state = 'submitted';

-- How alike two answers to one task are by its type's metric (0..1); the attempts in order of their ids.
create table answer_agreement (
  space_id bigint not null,
  task_id text collate "C" not null,
  attempt_a bigint not null,
  attempt_b bigint not null,
  round smallint not null,
  score double precision not null,
  detail json not null,
  created_at timestamptz not null,
  constraint answer_agreement_pk primary key (space_id, task_id, attempt_a, attempt_b)
);

-- Remarks on a version of an answer, pinned to an annotation or a place (`at`, the workbench's own JSON) where they have one.
create table task_comment (
  id bigint generated always as identity constraint task_comment_pk primary key,
  space_id bigint not null,
  task_id text collate "C" not null,
  version integer not null,
  annotation_id text,
  at json,
  text text not null,
  author text not null,
  author_id bigint not null,
  created_at timestamptz not null,
  resolved_at timestamptz
);
create index task_comment_by_task on task_comment (space_id, task_id, id);

-- A change of many tasks at once, done by a job in pieces; `filter` as in the listing, `cursor` the last task looked at.
create table bulk_change (
  space_id bigint not null,
  id text collate "C" not null,
  verb text not null constraint bulk_change_verb_known check (verb in ('cancel', 'prioritize', 'recall', 'tag', 'untag')),
  filter json not null,
  args json not null,
  state text not null constraint bulk_change_state_known check (state in ('running', 'done', 'failed')),
  total bigint not null,
  seen bigint not null default 0,
  changed bigint not null default 0,
  cursor text collate "C",
  error text,
  created_by text not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  constraint bulk_change_pk primary key (space_id, id)
);

-- Work in progress; survives lease loss and reload. A change based on an older revision gets 409 with both.
create table draft (
  space_id bigint not null,
  task_id text collate "C" not null,
  step smallint not null default 0,
  member_id bigint not null,
  revision integer not null,
  body json not null,
  updated_at timestamptz not null,
  constraint draft_pk primary key (space_id, task_id, step, member_id)
);

create table assignment (
  space_id bigint not null references space,
  member_id bigint not null references member,
  project_id text collate "C" not null,
  created_at timestamptz not null default steelyard.now(),
  constraint assignment_pk primary key (space_id, member_id, project_id),
  constraint assignment_project_fk foreign key (space_id, project_id) references project
);

-- A studio group. A person's own implicit group (isSingleton) is not stored; see studio/groups.
create table work_group (
  space_id bigint not null,
  id text collate "C" not null,
  project_id text collate "C" not null,
  name text not null,
  created_at timestamptz not null,
  constraint work_group_pk primary key (space_id, id),
  constraint work_group_name_unique unique (space_id, project_id, name),
  constraint work_group_project_fk foreign key (space_id, project_id) references project
);
create table work_group_member (
  space_id bigint not null,
  group_id text collate "C" not null,
  member_id bigint not null references member,
  constraint work_group_member_pk primary key (space_id, group_id, member_id),
  constraint work_group_member_group_fk foreign key (space_id, group_id) references work_group
);
-- Who may work on a studio batch: a group, or one person.
create table batch_group (
  space_id bigint not null,
  batch_id text collate "C" not null,
  group_id text collate "C",
  member_id bigint references member,
  constraint batch_group_unique unique nulls not distinct (space_id, batch_id, group_id, member_id),
  constraint batch_group_batch_fk foreign key (space_id, batch_id) references batch,
  constraint batch_group_one_target check ((group_id is null) <> (member_id is null))
);

-- Known-answer tasks (platform-api 23). `preparing` until their attachments are stored; those made from a completed task share its attachments.
create table quality_task (
  space_id bigint not null,
  id text collate "C" not null,
  kind text not null constraint quality_task_kind_known check (kind in ('evaluation', 'training')),
  type text not null,
  project_id text collate "C" not null,
  instruction text not null,
  params json not null,
  metadata json not null,
  expected_response json not null,
  initial_response json,
  created_at timestamptz not null,
  state text not null default 'ready' constraint quality_task_state_known check (state in ('preparing', 'ready', 'failed')),
  error text,
  source_task_id text collate "C",
  created_by text,
  archived_at timestamptz,
  constraint quality_task_pk primary key (space_id, id)
);
create index quality_task_by_project on quality_task (space_id, project_id, kind, id);

-- `attempt_id`: the go at a slot that was scored. `detail`: what the type's metric says besides the score.
create table quality_attempt (
  space_id bigint not null,
  id text collate "C" not null,
  quality_task_id text collate "C" not null,
  member_id bigint not null references member,
  response json not null,
  score double precision not null,
  passed boolean not null,
  created_at timestamptz not null,
  attempt_id bigint constraint quality_attempt_scored_once unique,
  detail json,
  constraint quality_attempt_pk primary key (space_id, id)
);
create index quality_attempt_by_task on quality_attempt (space_id, quality_task_id, id);
create index quality_attempt_by_member on quality_attempt (space_id, member_id, id);

-- A quality task as one member is shown it: under an id of its own, `document` being the task object. `task_id` is also its slot's and drafts'.
create table quality_offer (
  space_id bigint not null,
  task_id text collate "C" not null,
  quality_task_id text collate "C" not null,
  member_id bigint not null,
  kind text not null,
  type text not null,
  document json not null,
  created_at timestamptz not null,
  constraint quality_offer_pk primary key (space_id, task_id)
);
create unique index quality_offer_evaluated_once on quality_offer (space_id, member_id, quality_task_id) where kind = 'evaluation';
create index quality_offer_by_member on quality_offer (space_id, member_id, quality_task_id);

-- How many pieces of labeling work a member has claimed in a project, up to which attempt: decides when an evaluation task is due.
create table quality_turn (
  space_id bigint not null,
  member_id bigint not null,
  project_id text collate "C" not null,
  turn bigint not null,
  last_attempt_id bigint not null,
  constraint quality_turn_pk primary key (space_id, member_id, project_id)
) with (fillfactor = 70);

-- Audits made of feedback items instead of a corrected response (platform-api 24).
create table fixless_audit (
  space_id bigint not null,
  id text collate "C" not null,
  task_id text collate "C" not null,
  body json not null,
  created_by text not null,
  created_at timestamptz not null,
  constraint fixless_audit_pk primary key (space_id, id)
);
create index fixless_audit_by_task on fixless_audit (space_id, task_id, id);

--------------------------------------------------------------------------------------------------------------- figures

-- What people did, by day (UTC), member, project and batch ('' is none; member 0: what no single member did). Kept by the triggers below, in
-- the transactions that change the sources: they add rows to figure_delta, which nobody waits for; a job moves those into figure_day, and
-- readers add up both. What each column counts: figures/model.py. Sums of integers are kept in eight bytes each, which lets PostgreSQL group
-- years of days in memory.
create table figure_day (
  space_id bigint not null,
  day date not null,
  member_id bigint not null,
  project_id text collate "C" not null,
  batch_id text collate "C" not null,
  completed integer not null default 0,
  labels integer not null default 0,
  label_seconds integer not null default 0,
  rework integer not null default 0,
  skips integer not null default 0,
  accepted integer not null default 0,
  fixed integer not null default 0,
  sent_back integer not null default 0,
  reviews integer not null default 0,
  review_seconds integer not null default 0,
  evaluations integer not null default 0,
  trainings integer not null default 0,
  quality_seconds integer not null default 0,
  scored integer not null default 0,
  passed integer not null default 0,
  score_millionths bigint not null default 0,
  trained integer not null default 0,
  constraint figure_day_pk primary key (space_id, day, member_id, project_id, batch_id)
) with (fillfactor = 80);
create index figure_day_by_member on figure_day (space_id, member_id, day);

create table figure_delta (
  id bigint generated always as identity constraint figure_delta_pk primary key,
  space_id bigint not null,
  day date not null,
  member_id bigint not null,
  project_id text collate "C" not null,
  batch_id text collate "C" not null,
  completed integer not null default 0,
  labels integer not null default 0,
  label_seconds integer not null default 0,
  rework integer not null default 0,
  skips integer not null default 0,
  accepted integer not null default 0,
  fixed integer not null default 0,
  sent_back integer not null default 0,
  reviews integer not null default 0,
  review_seconds integer not null default 0,
  evaluations integer not null default 0,
  trainings integer not null default 0,
  quality_seconds integer not null default 0,
  scored integer not null default 0,
  passed integer not null default 0,
  score_millionths bigint not null default 0,
  trained integer not null default 0
) with (autovacuum_vacuum_scale_factor = 0.05);

create function steelyard.utc_day(t timestamptz) returns date
  language sql immutable strict parallel safe
  return (t at time zone 'UTC')::date;

-- A go at a slot has ended: its time, and what came of it. A verdict goes to the author of the answer that was reviewed.
create function steelyard.figure_attempt() returns trigger
  language plpgsql as $$
declare
  slot steelyard.slot;
  author bigint;
begin
  select s.* into slot from steelyard.slot s where s.id = new.slot_id;
  if slot.kind in ('label', 'prelabel') then
    insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, labels, label_seconds, rework, skips)
    values (
      new.space_id, steelyard.utc_day(new.ended_at), new.member_id, slot.project_id, coalesce(slot.batch_id, ''),
      (new.state = 'submitted')::int, new.active_seconds,
      (new.state = 'submitted' and slot.round > 0 and exists (
        select from steelyard.attempt a
        join steelyard.slot o on o.id = a.slot_id
        where a.space_id = new.space_id and a.task_id = new.task_id and a.member_id = new.member_id and a.ended_at is not null
          and a.id < new.id and o.kind = 'label' and o.round < slot.round and a.response is not null))::int,
      (new.state = 'skipped')::int);
  elsif slot.kind = 'review' then
    insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, reviews, review_seconds, skips)
    values (
      new.space_id, steelyard.utc_day(new.ended_at), new.member_id, slot.project_id, coalesce(slot.batch_id, ''),
      (new.state = 'submitted')::int, new.active_seconds, (new.state = 'skipped')::int);
    if new.state = 'submitted' and new.verdict is not null then
      select v.author_id into author
      from steelyard.response_version v
      where v.space_id = new.space_id and v.task_id = new.task_id and v.origin in ('labeled', 'merged') and v.created_at <= new.ended_at
      order by v.version desc
      limit 1;
      insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, accepted, fixed, sent_back)
      values (
        new.space_id, steelyard.utc_day(new.ended_at), coalesce(author, 0), slot.project_id, coalesce(slot.batch_id, ''),
        (new.verdict = 'accept')::int, (new.verdict = 'fix')::int, (new.verdict = 'send_back')::int);
    end if;
  elsif slot.kind in ('evaluation', 'training') then
    insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, evaluations, trainings, quality_seconds, skips)
    values (
      new.space_id, steelyard.utc_day(new.ended_at), new.member_id, slot.project_id, '',
      (new.state = 'submitted' and slot.kind = 'evaluation')::int, (new.state = 'submitted' and slot.kind = 'training')::int,
      new.active_seconds, (new.state = 'skipped')::int);
  end if;
  return null;
end
$$;
create trigger attempt_figures after update of state on attempt
  for each row when (old.state = 'open' and new.state <> 'open')
  execute function steelyard.figure_attempt();

-- A go at a quality task was scored.
create function steelyard.figure_score() returns trigger
  language plpgsql as $$
begin
  insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, scored, passed, score_millionths, trained)
  select
    new.space_id, steelyard.utc_day(new.created_at), new.member_id, q.project_id, '',
    (q.kind = 'evaluation')::int, (q.kind = 'evaluation' and new.passed)::int,
    case when q.kind = 'evaluation' then round(new.score * 1e6)::bigint else 0 end, (q.kind = 'training' and new.passed)::int
  from steelyard.quality_task q
  where q.space_id = new.space_id and q.id = new.quality_task_id;
  return null;
end
$$;
create trigger quality_attempt_figures after insert on quality_attempt
  for each row execute function steelyard.figure_score();

-- A task became completed, or is completed no more.
create function steelyard.figure_task() returns trigger
  language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.status = 'completed' then
    insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, completed)
    values (old.space_id, steelyard.utc_day(old.completed_at), 0, coalesce(old.project_id, ''), coalesce(old.batch_id, ''), -1);
  end if;
  if new.status = 'completed' then
    insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, completed)
    values (new.space_id, steelyard.utc_day(new.completed_at), 0, coalesce(new.project_id, ''), coalesce(new.batch_id, ''), 1);
  end if;
  return null;
end
$$;
create trigger task_figures_born after insert on task
  for each row when (new.completed_at is not null)
  execute function steelyard.figure_task();
create trigger task_figures after update of status, completed_at on task
  for each row when (
    (old.status = 'completed') <> (new.status = 'completed')
    or (new.status = 'completed' and old.completed_at is distinct from new.completed_at))
  execute function steelyard.figure_task();

----------------------------------------------------------------------------------------------------------------- files

-- What storage holds, by content. `touched_at`: when it was last promised, null once something was seen to refer to it; whoever drops such a
-- reference touches it again. `removing_at` while it is taken away, because nothing refers to it.
create table blob (
  sha256 text collate "C" constraint blob_pk primary key,
  size_bytes bigint not null,
  mime_type text not null,
  created_at timestamptz not null default steelyard.now(),
  touched_at timestamptz,
  removing_at timestamptz
);
create index blob_touched on blob (touched_at) where touched_at is not null;
create index blob_removing on blob (sha256) where removing_at is not null;

-- What is made from a stored file for showing it (thumbnail, tiles, frame times, page images): one object for each source, `parts` says where in
-- it a part lies (name → offset, length, type). May be deleted at any time: it is made again when it is next asked for.
create table derived (
  source_sha256 text collate "C" constraint derived_pk primary key,
  sha256 text collate "C",
  detail json not null,
  parts json not null,
  problem text,
  size_bytes bigint not null,
  made_at timestamptz not null,
  used_at timestamptz not null
);
create index derived_by_use on derived (used_at);

create table file (
  space_id bigint not null references space,
  id text collate "C" not null,
  display_name text,
  reference_id text,
  metadata json,
  mime_type text,
  size_bytes bigint,
  sha256 text collate "C",
  source_url text,
  state text not null constraint file_state_known check (state in ('stored', 'importing', 'failed')),
  failure_status integer,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint file_pk primary key (space_id, id),
  constraint file_reference_id_unique unique (space_id, reference_id),
  constraint file_stored_has_content check (state <> 'stored' or sha256 is not null)
);
create table file_project (
  space_id bigint not null,
  file_id text collate "C" not null,
  project_id text collate "C" not null,
  constraint file_project_pk primary key (space_id, project_id, file_id),
  constraint file_project_file_fk foreign key (space_id, file_id) references file,
  constraint file_project_project_fk foreign key (space_id, project_id) references project
);
create index file_project_by_file on file_project (space_id, file_id);

-- Uploads under way (tus). What has come lies in a file of the host's; its length is the truth about the offset. `kept` is the content's SHA-256 once
-- all of it has come, noted before it is stored.
create table upload (
  space_id bigint not null references space,
  id text collate "C" not null,
  length bigint not null,
  details json not null,
  mime_type text not null,
  sha256 text collate "C",
  kept text collate "C",
  file_id text collate "C",
  host text collate "C",
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint upload_pk primary key (space_id, id)
);
create index upload_by_expiry on upload (expires_at);

--------------------------------------------------------------------------------------------------- jobs and callbacks

-- Work for later, written in the transaction that promises it. A claim pushes `run_at` forward by the lease and clears `dedupe_key`, so
-- that a promise made while the job runs is a new row. Done jobs are deleted; exhausted ones keep `failed_at` and stay visible. It is their
-- going that calls for a vacuum, not their coming.
create table job (
  id bigint generated always as identity constraint job_pk primary key,
  queue text not null default 'default',
  kind text not null,
  args json not null default '{}',
  dedupe_key text,
  run_at timestamptz not null default steelyard.now(),
  attempts integer not null default 0,
  last_error text,
  failed_at timestamptz,
  created_at timestamptz not null default steelyard.now()
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_insert_threshold = -1);
create index job_ready on job (queue, run_at) where failed_at is null;
create unique index job_dedupe on job (dedupe_key) where dedupe_key is not null;

-- What a customer is to be told: fixed when the change was made, never deleted, sent in order of id per task.
create table callback_event (
  id bigint generated always as identity constraint callback_event_pk primary key,
  space_id bigint not null,
  task_id text collate "C",
  batch_id text collate "C",
  kind text not null,
  target text not null,
  payload json not null,
  state text not null default 'pending'
    constraint callback_event_state_known check (state in ('pending', 'delivered', 'failed', 'undeliverable')),
  attempts integer not null default 0,
  created_at timestamptz not null,
  decided_at timestamptz,
  -- times that somebody had it sent again; `attempts` counts from the last of them
  replays integer not null default 0
);
create index callback_event_by_task on callback_event (space_id, task_id, id) where task_id is not null;
create index callback_event_by_batch on callback_event (space_id, batch_id, id) where batch_id is not null;
create index callback_event_open on callback_event (id) where state = 'pending';
create index callback_event_by_space on callback_event (space_id, id);
create index callback_event_dead on callback_event (space_id, id) where state in ('failed', 'undeliverable');

create table callback_attempt (
  id bigint generated always as identity constraint callback_attempt_pk primary key,
  event_id bigint not null,
  at timestamptz not null,
  duration_ms integer not null,
  status_code integer,
  error text,
  body_clip text
);
create index callback_attempt_by_event on callback_attempt (event_id, id);

-- Work on many objects at once, done by a worker step by step and shown with its progress. `position` is where the next step begins: a
-- step's rows, its counts and its position are written together, so that a killed worker repeats nothing. `problems`: the first ones.
create table transfer (
  space_id bigint not null,
  id text collate "C" not null,
  kind text not null constraint transfer_kind_known check (kind in ('create', 'import', 'export', 'replay')),
  state text not null default 'waiting'
    constraint transfer_state_known check (state in ('waiting', 'running', 'done', 'failed', 'canceled')),
  options json not null,
  position bigint not null default 0,
  lines bigint not null default 0,
  done bigint not null default 0,
  existing bigint not null default 0,
  refused bigint not null default 0,
  total bigint,
  problems json not null default '[]',
  sha256 text collate "C",
  size_bytes bigint,
  error text,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  finished_at timestamptz,
  constraint transfer_pk primary key (space_id, id)
);

-- Processes that are alive: /readyz asks for a worker's recent row.
create table process (
  id text constraint process_pk primary key,
  kind text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null
);

-- Makes the monthly partitions of this month and the `months` after it.
create function steelyard.ensure_partitions(months integer) returns void
  language plpgsql as $$
declare
  parent text;
  first date;
begin
  foreach parent in array array['task_event', 'audit_log'] loop
    for i in 0..months loop
      first := (date_trunc('month', steelyard.now() at time zone 'UTC') + make_interval(months => i))::date;
      execute format(
        'create table if not exists steelyard.%I partition of steelyard.%I for values from (%L) to (%L)',
        parent || to_char(first, '_YYYY_MM'), parent,
        first::timestamp at time zone 'UTC', (first + interval '1 month')::timestamp at time zone 'UTC');
    end loop;
  end loop;
end
$$;
select steelyard.ensure_partitions(3);
