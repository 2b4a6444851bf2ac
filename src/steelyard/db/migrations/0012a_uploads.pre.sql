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
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint upload_pk primary key (space_id, id)
);
create index upload_by_expiry on upload (expires_at);
