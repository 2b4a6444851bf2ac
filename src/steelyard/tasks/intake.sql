-- Answers on their way in: what they are about, and the files that they refer to.

-- name: answered_task
-- What an answer to a task is checked against, and whether its files are to be read with a key.
select t.type, t.params::text as params, s.secure_result_urls,
  case when t.head like '%"document_pages":%' then (('{' || t.head || '}')::json -> 'document_pages')::text end as pages
from task t
join space s on s.id = t.space_id
where t.space_id = :space_id and t.id = :task_id;

-- name: insert_answer_upload
-- A part of an answer that was sent before it.
insert into answer_upload (space_id, id, task_id, member_id, sha256, size_bytes, content_type, created_at)
values (:space_id, :id, :task_id, :member_id, :sha256, :size_bytes, :content_type, steelyard.now());

-- name: answer_upload
-- A part that was sent for this task.
select sha256, size_bytes
from answer_upload
where space_id = :space_id and id = :id and task_id = :task_id and (:member_id::bigint is null or member_id = :member_id);

-- name: forget_answer_uploads
-- One batch of parts that have served; what answers took from them has rows of its own.
with gone as (
  delete from answer_upload
  where (space_id, id) in (
    select space_id, id from answer_upload where created_at < steelyard.now() - interval '14 days' limit 2000 for update skip locked)
  returning sha256
),
touched as (
  update blob set touched_at = steelyard.now() where sha256 in (select sha256 from gone) and touched_at is null
)
select count(*) from gone;

-- name: result_by_token
-- A file of an earlier answer of the same space, by its public URL.
select r.sha256, b.size_bytes
from result_file r
join blob b on b.sha256 = r.sha256
where r.space_id = :space_id and r.token = :token;

-- name: result_by_id
-- A file of an earlier answer, by its URL for readers with a key.
select r.sha256, b.size_bytes
from result_file r
join blob b on b.sha256 = r.sha256
where r.space_id = :space_id and r.task_id = :task_id and r.id = :id;

-- name: uploaded_file
-- The content of an uploaded or imported file of the same space.
select sha256, size_bytes
from file
where space_id = :space_id and id = :id and state = 'stored';

-- name: prelabel_files
-- The files of a task's pre-labels as they were fetched.
select url, sha256
from attachment
where space_id = :space_id and task_id = :task_id and role = 'hypothesis' and state = 'stored' and sha256 is not null;

-- name: add_result_files
-- The files of an answer that goes in with the same transaction.
insert into result_file (space_id, task_id, id, token, name, sha256, content_type, created_at)
select :space_id, :task_id, f.id, f.token, f.name, f.sha256, f.content_type, steelyard.now()
from unnest(:ids::text[], :tokens::text[], :names::text[], :sha256s::text[], :content_types::text[])
  as f (id, token, name, sha256, content_type);
