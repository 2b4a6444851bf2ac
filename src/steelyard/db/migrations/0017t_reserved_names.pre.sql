-- The names of declared tasks are reserved while these wait; of several that were declared with one name, the oldest has it.
alter table dependent add column unique_id text collate "C";
update dependent d
set unique_id = f.unique_id
from (
  select distinct on (space_id, body ->> 'unique_id') space_id, root_task_id, ordinal, body ->> 'unique_id' as unique_id
  from dependent
  where state = 'waiting' and body ->> 'unique_id' is not null
  order by space_id, body ->> 'unique_id', root_task_id, ordinal) f
where d.space_id = f.space_id and d.root_task_id = f.root_task_id and d.ordinal = f.ordinal;
create unique index dependent_name on dependent (space_id, unique_id) where unique_id is not null and state = 'waiting';
