-- Keys that a member has given to commands of the workbench.
alter table member add column hotkeys json not null default '{}';
