-- name: task_to_prepare
-- A task whose attachments are still to be fetched.
select t.type, t.params::text as params, s.secure_result_urls
from task t
join space s on s.id = t.space_id
where t.space_id = :space_id and t.id = :task_id and t.stage = 'preparing';

-- name: stored_attachments
-- What earlier rounds of this task have fetched already.
select url, media, sha256, size_bytes, mime_type, width, height
from attachment
where space_id = :space_id and task_id = :task_id and state = 'stored';

-- name: file_by_id
-- An uploaded or imported file of the same space.
select state, sha256, size_bytes, mime_type, failure_status
from file
where space_id = :space_id and id = :file_id;

-- name: save_attachments
-- The outcome for every attachment of a task so far.
insert into attachment (
  space_id, task_id, ordinal, path, role, url, media, frame, state, status_code, message, sha256, size_bytes, mime_type, width, height,
  facts)
select :space_id, :task_id, ordinal, path, role, url, media, frame, state, status_code, message, sha256, size_bytes, mime_type, width,
  height, facts::json
from unnest(
  :ordinals::integer[], :paths::text[], :roles::text[], :urls::text[], :medias::text[], :frames::integer[], :states::text[],
  :status_codes::integer[], :messages::text[], :sha256s::text[], :sizes::bigint[], :mime_types::text[], :widths::integer[],
  :heights::integer[], :facts::text[])
  as a (ordinal, path, role, url, media, frame, state, status_code, message, sha256, size_bytes, mime_type, width, height, facts)
order by ordinal
on conflict (space_id, task_id, ordinal) do update
set path = excluded.path, role = excluded.role, url = excluded.url, media = excluded.media, frame = excluded.frame,
  state = excluded.state, status_code = excluded.status_code, message = excluded.message, sha256 = excluded.sha256,
  size_bytes = excluded.size_bytes, mime_type = excluded.mime_type, width = excluded.width, height = excluded.height,
  facts = excluded.facts;

-- name: put_starting_answer
-- What people start from, as a task's type has made it.
insert into starting_answer (space_id, task_id, response)
values (:space_id, :task_id, :response::json)
on conflict (space_id, task_id) do update set response = excluded.response;

-- name: account_of
-- The name of a space's account.
select account.name
from space join account on account.id = space.account_id
where space.id = :space_id;
