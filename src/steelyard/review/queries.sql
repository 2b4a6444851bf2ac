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
-- The answer that a round starts from, and whether the round is one labeler's.
select v.response::text as response, (
  select count(*) = 1
  from slot s
  where s.space_id = v.space_id and s.task_id = v.task_id and s.round = :round and s.step = 0) as alone
from response_version v
where v.space_id = :space_id and v.task_id = :task_id and v.version = :version;

-- name: events
-- The timeline of a task, oldest first. That it was created stands in the task itself: an event more would cost each create a tenth.
select e.at, e.kind, e.actor, e.detail
from (
  select 0 as first, created_at as at, 'created' as kind, created_by as actor, null as detail
  from task
  where space_id = :space_id and id = :task_id and created_by is not null
  union all
  select 1, at, kind, actor, detail::text
  from task_event
  where space_id = :space_id and task_id = :task_id) e
order by e.at, e.first
offset :offset
limit :limit;

-- name: attempts
-- Who did what on a task, oldest first.
select a.id, m.email, o.kind, o.step::integer, o.round::integer, a.state, a.claimed_at, a.ended_at, a.active_seconds, a.verdict, a.reason,
  coalesce(a.answer, a.response)::text as response
from attempt a
join slot o on o.id = a.slot_id
join member m on m.id = a.member_id
where a.space_id = :space_id and a.task_id = :task_id
order by a.id
limit 1000;

-- name: agreements
-- How alike the answers of several people to a task are.
select attempt_a, attempt_b, round::integer, score, detail::text as detail
from answer_agreement
where space_id = :space_id and task_id = :task_id
order by attempt_a, attempt_b;

-- name: audit_queue
-- Completed tasks of the sample whose answer nobody has audited, newest first.
select t.id, t.type, p.name as project, b.name as batch, t.completed_at, t.response_version as version, t.customer_review_status
from task t
left join project p on p.space_id = t.space_id and p.id = t.project_id
left join batch b on b.space_id = t.space_id and b.id = t.batch_id
left join project_workflow w on w.space_id = t.space_id and w.project_id = t.project_id
where t.space_id = :space_id and t.status = 'completed' and (:before::text is null or t.id < :before)
  and (:project::text is null or t.project_id = (select id from project where space_id = :space_id and name = :project))
  and (:batch::text is null or t.batch_id = (select id from batch where space_id = :space_id and name = :batch))
  and steelyard.chosen(t.id, 'audit', coalesce(:sample::double precision, (w.settings ->> 'audit_sample')::double precision, 0))
  and (t.customer_review_status is null
    or (('{' || t.review_members || '}')::json ->> 'customer_audited_at')::timestamptz < t.completed_at)
order by t.id desc
limit :limit;

-- name: task_to_audit
-- The answer that a customer's verdict is about.
select response::text as response, response_version as version
from task
where space_id = :space_id and id = :task_id;
