-- Signed callbacks, their ledger's lists and replays; transfers.
alter table steelyard.space add column callback_signing_secret text not null default (
  'whsec_' || encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'));

alter table steelyard.callback_event add column replays integer not null default 0;
create index callback_event_by_space on steelyard.callback_event (space_id, id);
create index callback_event_dead on steelyard.callback_event (space_id, id) where state in ('failed', 'undeliverable');

create table steelyard.transfer (
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
