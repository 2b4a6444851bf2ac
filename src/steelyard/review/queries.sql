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

-- name: add_comments
-- Remarks on a version of a task's answer.
insert into task_comment (space_id, task_id, version, annotation_id, at, text, author, author_id, created_at)
select :space_id, :task_id, :version, c.annotation_id, c.at::json, c.text, :author, :author_id, steelyard.now()
from unnest(:annotation_ids::text[], :ats::text[], :texts::text[]) with ordinality as c (annotation_id, at, text, n)
order by c.n;

-- name: comments
-- The remarks on a task's answers, oldest first; the first 1000.
select id, task_id, version, annotation_id, at::text as at, text, author, created_at, resolved_at
from task_comment
where space_id = :space_id and task_id = :task_id and (not :open_only::boolean or resolved_at is null)
order by id
limit 1000;

-- name: resolve_comments
-- What was said of earlier versions is settled by the acceptance of a later one.
update task_comment
set resolved_at = steelyard.now()
where space_id = :space_id and task_id = :task_id and version < :before and resolved_at is null;

-- name: version
-- One version of an answer.
select version, origin, author, author_id, response::text as response, base_version, difference::text as difference, created_at
from response_version
where space_id = :space_id and task_id = :task_id and version = :version;

-- name: versions
-- All versions of a task's answer, oldest first.
select version, origin, author, author_id, response::text as response, base_version, difference::text as difference, created_at
from response_version
where space_id = :space_id and task_id = :task_id
order by version;

-- name: labeler_of
-- Who labeled what a version goes back to: the author of the latest one up to it that no reviewer made.
select author_id
from response_version
where space_id = :space_id and task_id = :task_id and version <= :version and origin in ('labeled', 'merged')
order by version desc
limit 1;

-- name: answers_of_round
-- The answers that people have given in a round, in the order in which they began.
select coalesce(a.answer, a.response)::text
from attempt a
join slot o on o.id = a.slot_id
where a.space_id = :space_id and a.task_id = :task_id and a.state = 'submitted' and o.round = :round and o.step = 0
order by a.id;

-- name: previous_response
-- The answer that a round of one labeler starts from; none in a round of several.
select v.response::text
from response_version v
where v.space_id = :space_id and v.task_id = :task_id and v.version = :version and (
  select count(*)
  from slot s
  where s.space_id = v.space_id and s.task_id = v.task_id and s.round = :round and s.step = 0) = 1;
