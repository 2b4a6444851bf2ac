-- Files made from other files, by the content that they are made from.

-- name: derived_by_source
-- What was made from a file; a look at it keeps it from being swept. The row is written once an hour at most: tiles are asked for by the hundred.
with looked_at as (
  update derived
  set used_at = steelyard.now()
  where source_sha256 = :source_sha256 and used_at < steelyard.now() - interval '1 hour'
)
select sha256, detail::text as detail, parts::text as parts, problem
from derived
where source_sha256 = :source_sha256;

-- name: being_derived
-- Of some files those from which a worker is making something just now.
select distinct args ->> 'sha256'
from job
where queue = 'derived' and failed_at is null and run_at > steelyard.now() and attempts > 0 and args ->> 'sha256' = any(:sha256s::text[]);

-- name: put_derived
-- Notes what was made from a file.
insert into derived (source_sha256, sha256, detail, parts, problem, size_bytes, made_at, used_at)
values (:source_sha256, :sha256, :detail::json, :parts::json, :problem, :size_bytes, steelyard.now(), steelyard.now())
on conflict (source_sha256) do update
set sha256 = excluded.sha256, detail = excluded.detail, parts = excluded.parts, problem = excluded.problem,
  size_bytes = excluded.size_bytes, made_at = excluded.made_at, used_at = excluded.used_at;

-- name: views_of_task
-- The stored attachments of a task in document order, with what was made from them. Those of an evaluation or training task are its own or
-- those of the task that it was made from.
select a.path, a.role, a.media, a.sha256, a.size_bytes,
  coalesce(a.mime_type, 'application/octet-stream') as mime_type, a.width, a.height, d.detail::text as detail, d.problem
from attachment a
left join derived d on d.source_sha256 = a.sha256
where a.space_id = :space_id and a.state = 'stored' and a.sha256 is not null and a.task_id = coalesce(
  (
    select coalesce(t.source_task_id, t.id)
    from quality_offer o
    join quality_task t on t.space_id = o.space_id and t.id = o.quality_task_id
    where o.space_id = :space_id and o.task_id = :task_id),
  :task_id)
order by a.ordinal;

-- name: derived_size
-- Bytes of all derived files.
select coalesce(sum(size_bytes), 0)::bigint from derived;

-- name: derived_figures
-- What derived files there are, and how many files nothing could be made from.
select coalesce(sum(size_bytes), 0)::bigint as size_bytes, count(*) filter (where sha256 is not null) as files,
  count(*) filter (where problem is not null) as problems
from derived;

-- name: least_used
-- The derived files that nobody has looked at for longest.
select source_sha256, sha256, size_bytes
from derived
where sha256 is not null
order by used_at
limit :n;

-- name: forget_derived
-- Takes derived files off the books; they are made again when asked for.
delete from derived where source_sha256 = any (:sources::text[]);

-- name: still_used
-- Of some stored objects those that something else refers to: an equal file that somebody uploaded, or another source's derived file.
select b.sha256
from unnest(:sha256s::text[]) as b (sha256)
where exists (select from derived d where d.sha256 = b.sha256)
  or exists (select from blob f where f.sha256 = b.sha256);
