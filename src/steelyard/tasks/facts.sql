-- What is known of the media of a task.

-- name: answered_media
-- The facts of a task's own files, in document order, with what was found out while things for showing were made from them. Where that was
-- not kept with the file, it is there as long as they are.
select a.role, a.media, a.frame, a.width, a.height, a.sha256, coalesce(a.facts, d.detail)::text as detail
from attachment a
left join derived d on a.facts is null and a.media in ('video', 'audio', 'lidar') and d.source_sha256 = a.sha256
where a.space_id = :space_id and a.task_id = :task_id and a.role = 'attachment' and a.state = 'stored'
order by a.ordinal;
