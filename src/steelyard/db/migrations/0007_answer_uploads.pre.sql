-- Parts of an answer that are sent before it.
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
