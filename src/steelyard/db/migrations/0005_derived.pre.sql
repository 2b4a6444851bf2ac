-- What is made from stored files for showing them.
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
