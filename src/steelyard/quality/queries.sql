-- name: insert_quality_task
-- A new quality task.
insert into quality_task (
  space_id, id, kind, type, project_id, instruction, params, metadata, expected_response, initial_response, created_at)
values (
  :space_id, :id, :kind, :type, :project_id, :instruction, :params::json, :metadata::json, :expected_response::json,
  :initial_response::json, steelyard.now());

-- name: quality_task
-- One quality task.
select
  t.id, t.kind, t.type, p.name as project, t.instruction, t.params, t.metadata, t.expected_response, t.initial_response, t.created_at
from quality_task t
join project p on p.space_id = t.space_id and p.id = t.project_id
where t.space_id = :space_id and t.id = :id;

-- name: attempts
-- A page of attempts at quality tasks, newest first.
select a.id, m.email as labeler_email, a.quality_task_id, t.kind as quality_task_type, a.score, a.passed, a.created_at
from quality_attempt a
join quality_task t on t.space_id = a.space_id and t.id = a.quality_task_id
join member m on m.id = a.member_id
where
  a.space_id = :space_id
  and (:task_ids::text[] is null or a.quality_task_id = any(:task_ids::text[]))
  and (:emails::text[] is null or lower(m.email) = any(:emails::text[]))
  and a.id < :before
order by a.id desc
limit :n;

-- name: count_attempts
-- How many attempts there are, under the same filter.
select count(*)
from quality_attempt a
join member m on m.id = a.member_id
where
  a.space_id = :space_id
  and (:task_ids::text[] is null or a.quality_task_id = any(:task_ids::text[]))
  and (:emails::text[] is null or lower(m.email) = any(:emails::text[]));
