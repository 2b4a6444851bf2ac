-- The host that has the pieces of an upload, for whoever asks another one.
alter table upload add column host text collate "C";
