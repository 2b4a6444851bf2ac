-- name: task_status
-- The status of the task that an audit is about.
select status
from task
where space_id = :space_id and id = :id;

-- name: insert_audit
-- A new fixless audit; `body` is what the customer said.
insert into fixless_audit (space_id, id, task_id, body, created_by, created_at)
values (:space_id, :id, :task_id, :body::json, :created_by, steelyard.now())
returning created_at;

-- name: audits_of_task
-- Fixless audits of a task, newest first.
select id, task_id, body, created_by, created_at
from fixless_audit
where space_id = :space_id and task_id = :task_id
order by id desc;

-- name: audit_by_id
-- One fixless audit.
select id, task_id, body, created_by, created_at
from fixless_audit
where space_id = :space_id and id = :id;
