-- That a task was created stands in the task, no longer in an event of its own.
alter table task add column created_by text;
update task t set created_by = e.actor
from task_event e
where e.space_id = t.space_id and e.task_id = t.id and e.kind = 'created';
delete from task_event where kind = 'created';
