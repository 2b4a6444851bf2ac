-- name: attachments
-- What came of a task's attachments.
select path, role, url, media, frame, state, status_code, message, size_bytes, mime_type, width, height
from attachment
where space_id = :space_id and task_id = :task_id
order by ordinal
limit :limit offset :offset;

-- name: task_exists
-- 1 for a task of the space.
select 1 from task where space_id = :space_id and id = :task_id;
