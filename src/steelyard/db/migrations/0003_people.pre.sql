-- People: model contributors, named and scoped keys, links for passwords, identities, first admin; instructions; an ordered audit log.
alter table member
  add column kind text not null default 'human' constraint member_kind_known check (kind in ('human', 'model')),
  add column former_role text;
alter table api_key
  add column name text not null default '',
  add column scope text not null default 'full' constraint api_key_scope_known check (scope in ('full', 'data', 'read', 'work'));

create table member_link (
  token_sha256 bytea constraint member_link_pk primary key,
  member_id bigint not null references member,
  purpose text not null constraint member_link_purpose_known check (purpose in ('invite', 'reset')),
  created_at timestamptz not null default steelyard.now(),
  expires_at timestamptz not null
);
create index member_link_by_member on member_link (member_id);

create table member_identity (
  issuer text not null,
  subject text not null,
  member_id bigint not null references member,
  created_at timestamptz not null default steelyard.now(),
  constraint member_identity_pk primary key (issuer, subject, member_id)
);
create index member_identity_by_member on member_identity (member_id);

create table setup_token (
  one boolean not null default true constraint setup_token_pk primary key constraint setup_token_single check (one),
  token_sha256 bytea not null,
  created_at timestamptz not null default steelyard.now()
);

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

alter table audit_log add column id bigint generated always as identity;
create function steelyard.refuse_change() returns trigger
  language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end
$$;
create trigger audit_log_append_only before update or delete on audit_log
  for each row execute function steelyard.refuse_change();
