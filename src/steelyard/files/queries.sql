-- name: insert_file
-- A new file, stored or to be imported.
insert into file (
  space_id, id, display_name, reference_id, metadata, mime_type, size_bytes, sha256, source_url, state, created_at, updated_at)
values (
  :space_id, :id, :display_name, :reference_id, :metadata::json, :mime_type, :size_bytes, :sha256, :source_url, :state,
  steelyard.now(), steelyard.now());

-- name: add_to_project
-- Puts a file into a project; nothing when it is there already.
insert into file_project (space_id, file_id, project_id)
values (:space_id, :file_id, :project_id)
on conflict do nothing;

-- name: touch_file
-- Notes that something about a file changed.
update file
set updated_at = steelyard.now()
where space_id = :space_id and id = :id;

-- name: file_by_id
-- One file.
select
  f.id, f.display_name, f.reference_id, f.metadata, f.mime_type, f.size_bytes, f.sha256, f.state, f.created_at, f.updated_at,
  array(
    select p.name
    from file_project fp
    join project p on p.space_id = fp.space_id and p.id = fp.project_id
    where fp.space_id = f.space_id and fp.file_id = f.id
    order by p.id
  ) as project_names
from file f
where f.space_id = :space_id and f.id = :id;

-- name: id_by_reference
-- The file with this reference id.
select id from file where space_id = :space_id and reference_id = :reference_id;

-- name: same_upload
-- The stored file that has this reference id and this content, held for a change.
select id
from file
where space_id = :space_id and reference_id = :reference_id and sha256 = :sha256 and state = 'stored'
for no key update;

-- name: files_of_project
-- A page of a project's files, newest first; `metadata` filters by equality of each of its keys.
select
  f.id, f.display_name, f.reference_id, f.metadata, f.mime_type, f.size_bytes, f.sha256, f.state, f.created_at, f.updated_at,
  array(
    select p.name
    from file_project fp
    join project p on p.space_id = fp.space_id and p.id = fp.project_id
    where fp.space_id = f.space_id and fp.file_id = f.id
    order by p.id
  ) as project_names
from file_project within
join file f on f.space_id = within.space_id and f.id = within.file_id
where
  within.space_id = :space_id and within.project_id = :project_id
  and within.file_id < :before
  and (:metadata::jsonb is null or not exists (
    select 1
    from jsonb_each(:metadata::jsonb) wanted
    where (f.metadata::jsonb -> wanted.key) is distinct from wanted.value))
order by within.file_id desc
limit :n;

-- name: count_files
-- How many files of a project there are, under the same filter.
select count(*)
from file_project within
join file f on f.space_id = within.space_id and f.id = within.file_id
where
  within.space_id = :space_id and within.project_id = :project_id
  and (:metadata::jsonb is null or not exists (
    select 1
    from jsonb_each(:metadata::jsonb) wanted
    where (f.metadata::jsonb -> wanted.key) is distinct from wanted.value));

-- name: files_of_no_project
-- A page of the files that are in no project, newest first.
select
  f.id, f.display_name, f.reference_id, f.metadata, f.mime_type, f.size_bytes, f.sha256, f.state, f.created_at, f.updated_at,
  array[]::text[] as project_names
from file f
where f.space_id = :space_id and f.id < :before
  and not exists (select 1 from file_project fp where fp.space_id = f.space_id and fp.file_id = f.id)
order by f.id desc
limit :n;

-- name: count_files_of_no_project
-- How many those are.
select count(*)
from file f
where f.space_id = :space_id
  and not exists (select 1 from file_project fp where fp.space_id = f.space_id and fp.file_id = f.id);

-- name: file_to_import
-- A file whose import is not decided yet.
select source_url
from file
where space_id = :space_id and id = :id and state = 'importing' and source_url is not null;

-- name: set_imported
-- An import has succeeded.
update file
set
  state = 'stored', sha256 = :sha256, size_bytes = :size_bytes, mime_type = :mime_type, failure_status = null,
  updated_at = steelyard.now()
where space_id = :space_id and id = :id and state = 'importing';

-- name: set_import_failed
-- An import has failed for good.
update file
set state = 'failed', failure_status = :failure_status, updated_at = steelyard.now()
where space_id = :space_id and id = :id and state = 'importing';

-- name: result_by_token
-- A file of an answer by the unguessable part of its URL, which is all that its reader has.
select sha256, content_type as mime_type, name
from result_file
where token = :token;

-- name: result_of_task
-- A file of an answer by its id, for readers who have a key of the space.
select sha256, content_type as mime_type, name
from result_file
where space_id = :space_id and task_id = :task_id and id = :id;

-- name: insert_upload
-- An upload that is to come, unless the space has as many under way as it may; the number of rows tells.
insert into upload (space_id, id, length, details, mime_type, sha256, host, created_at, expires_at)
select :space_id, :id, :length, :details::json, :mime_type, :sha256, :host, steelyard.now(), steelyard.now() + make_interval(secs => :lifetime_s)
where (select count(*) from (
  select from upload where space_id = :space_id and file_id is null and expires_at > steelyard.now() limit :most) as open) < :most;

-- name: upload_by_id
-- An upload under way or ended.
select id, length, details::text as details, mime_type, sha256, kept, file_id, host, expires_at
from upload
where space_id = :space_id and id = :id and expires_at > steelyard.now();

-- name: open_uploads
-- Uploads under way, the last one first; as many as a space may have.
select id, length, details::text as details, mime_type, sha256, kept, file_id, host, expires_at
from upload
where space_id = :space_id and file_id is null and expires_at > steelyard.now()
order by created_at desc, id;

-- name: extend_upload
-- An upload has got on.
update upload
set expires_at = steelyard.now() + make_interval(secs => :lifetime_s)
where space_id = :space_id and id = :id;

-- name: note_kept
-- All of an upload has come.
update upload set kept = :kept where space_id = :space_id and id = :id;

-- name: set_upload_file
-- An upload has become a file.
update upload set file_id = :file_id where space_id = :space_id and id = :id;

-- name: delete_upload
-- An upload that is not wanted any more.
with gone as (
  delete from upload where space_id = :space_id and id = :id returning kept
)
update blob set touched_at = steelyard.now() where sha256 in (select kept from gone) and touched_at is null;

-- name: uploads_on_the_books
-- Which of these uploads are not forgotten.
select id from upload where id = any(:ids::text[]);

-- name: expired_uploads
-- One batch of uploads whose time is over, taken off the books.
with gone as (
  delete from upload
  where (space_id, id) in (select space_id, id from upload where expires_at <= steelyard.now() limit 500 for update skip locked)
  returning id, kept
),
touched as (
  update blob set touched_at = steelyard.now() where sha256 in (select kept from gone) and touched_at is null
)
select id from gone;

-- name: settle_blobs
-- Of content that was promised a while ago: what something refers to needs no look any more, the rest is marked for removal and returned.
-- The tables are gone through once, for none has an index by content: it would cost every task more than this costs now and then.
with old as materialized (
  select sha256 from blob
  where touched_at < steelyard.now() - :age::interval and removing_at is null
  order by touched_at
  limit :most
  for update skip locked
),
used as materialized (
  select sha256 from file where sha256 in (select sha256 from old)
  union select sha256 from attachment where sha256 in (select sha256 from old)
  union select sha256 from result_file where sha256 in (select sha256 from old)
  union select sha256 from answer_upload where sha256 in (select sha256 from old)
  union select sha256 from transfer where sha256 in (select sha256 from old)
  union select kept from upload where kept in (select sha256 from old)
  union select sha256 from derived where sha256 in (select sha256 from old)
),
settled as (
  update blob set touched_at = null where sha256 in (select sha256 from used)
),
marked as (
  update blob set removing_at = steelyard.now()
  where sha256 in (select sha256 from old) and sha256 not in (select sha256 from used)
)
select count(*)::integer from old;

-- name: blobs_to_remove
-- Content that is marked for removal.
select sha256 from blob where removing_at is not null limit 500;

-- name: forget_blobs
-- It is gone.
delete from blob where sha256 = any(:sha256s::text[]) and removing_at is not null;
