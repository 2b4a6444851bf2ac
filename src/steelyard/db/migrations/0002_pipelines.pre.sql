-- Pipelines: kinds and rounds of work, review, comments, skipping, workflow settings of projects.
create table project_workflow (
  space_id bigint not null,
  project_id text collate "C" not null,
  settings json not null,
  updated_at timestamptz not null,
  updated_by text not null,
  constraint project_workflow_pk primary key (space_id, project_id),
  constraint project_workflow_project_fk foreign key (space_id, project_id) references project
);
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

alter table slot
  add column kind text not null default 'label' constraint slot_kind_known check (kind in ('label', 'review', 'evaluation', 'training')),
  add column round smallint not null default 0,
  add column only_member_id bigint,
  add column only_until timestamptz,
  add column skips smallint not null default 0,
  add column postponed_at timestamptz,
  add column escalated boolean not null default false;
alter table slot
  add column lane text collate "C" generated always as (case
    when only_member_id is not null then 'own' when escalated then 'escalated' when kind = 'review' then 'review' else 'label' end) stored,
  drop constraint slot_step_number_unique,
  add constraint slot_step_number_unique unique (space_id, task_id, round, step, number);
drop index slot_never_leased;
create index slot_never_leased on slot (space_id, project_id, lane, priority desc, postponed_at nulls first, task_id)
  where done_at is null and claimable and lease_token is null;
drop index slot_leased;
create index slot_leased on slot (space_id, project_id, lane, lease_expires_at)
  where done_at is null and claimable and lease_token is not null;
create index slot_reserved on slot (only_member_id) where done_at is null and only_member_id is not null;
create index slot_held on slot (lease_member_id) where done_at is null and lease_token is not null;

alter table attempt
  drop constraint attempt_state_known,
  add constraint attempt_state_known check (state in ('open', 'submitted', 'released', 'skipped', 'lapsed', 'withdrawn')),
  add column answer json,
  add column verdict text constraint attempt_verdict_known check (verdict in ('accept', 'fix', 'send_back')),
  add column reason text;
create index attempt_submitted on attempt (member_id, ended_at) where state = 'submitted';

alter table response_version
  add column author_id bigint,
  add column base_version integer,
  add column difference json;

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

create table bulk_change (
  space_id bigint not null,
  id text collate "C" not null,
  verb text not null constraint bulk_change_verb_known check (verb in ('cancel', 'prioritize', 'recall')),
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

create function chosen(task_id text, what text, share double precision) returns boolean
  language sql immutable parallel safe
  return ('x' || substr(md5(task_id || ':' || what), 1, 8))::bit(32)::bigint < share * 4294967296;
