-- Content that nothing refers to is taken away; what there is already is looked at once.
alter table blob add column touched_at timestamptz default now(), add column removing_at timestamptz;
alter table blob alter column touched_at drop default;
create index blob_touched on blob (touched_at) where touched_at is not null;
create index blob_removing on blob (sha256) where removing_at is not null;
