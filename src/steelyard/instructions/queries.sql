-- Instructions of projects and who has read which version.

-- name: lock_project
-- A project, held against other writers of its instructions.
select id from project where space_id = :space_id and name = :name for no key update;

-- name: add_version
-- The next version; none when the text is that of the latest.
insert into instruction_version (space_id, project_id, version, markdown, created_by, created_at)
select
  :space_id, :project_id::text,
  coalesce((select max(version) from instruction_version where space_id = :space_id and project_id = :project_id), 0) + 1,
  :markdown::text, :created_by, steelyard.now()
where :markdown::text is distinct from (
  select markdown from instruction_version
  where space_id = :space_id and project_id = :project_id
  order by version desc limit 1)
returning version;

-- name: version
-- One version, the latest unless said.
select version, markdown, created_by, created_at
from instruction_version
where space_id = :space_id and project_id = :project_id and (:version::integer is null or version = :version)
order by version desc
limit 1;

-- name: versions
-- Every version without its text, newest first.
select version, created_by, created_at, length(markdown) as size
from instruction_version
where space_id = :space_id and project_id = :project_id
order by version desc
limit 1000;

-- name: read_version
-- The version that a member has read last, 0 for none.
select coalesce(max(version), 0)
from instruction_read
where space_id = :space_id and project_id = :project_id and member_id = :member_id;

-- name: mark_read
-- Notes that a member has read a version that exists; never an older one over a newer. No row: there is no such version.
insert into instruction_read (space_id, project_id, member_id, version, read_at)
select space_id, project_id, :member_id, version, steelyard.now()
from instruction_version
where space_id = :space_id and project_id = :project_id and version = :version
on conflict (space_id, project_id, member_id) do update
set version = greatest(instruction_read.version, excluded.version),
  read_at = case when excluded.version > instruction_read.version then excluded.read_at else instruction_read.read_at end
returning version;

-- name: for_work
-- The latest version of a project, with what the member has read.
select v.version, v.markdown, coalesce(r.version, 0) as read_version
from instruction_version v
left join instruction_read r on r.space_id = v.space_id and r.project_id = v.project_id and r.member_id = :member_id
where v.space_id = :space_id and v.project_id = :project_id
order by v.version desc
limit 1;

-- name: pictures
-- The stored pictures among some files of a space.
select id, sha256, mime_type
from file
where space_id = :space_id and id = any (:ids::text[]) and state = 'stored' and mime_type like 'image/%';

-- name: works_on
-- Whether a member is assigned to a project or had work of it lately.
select exists (
    select from assignment
    where space_id = :space_id and project_id = :project_id and member_id = :member_id)
  or exists (
    select
    from (
      select space_id, task_id from attempt
      where member_id = :member_id
      order by claimed_at desc
      limit 100) a
    join task t on t.space_id = a.space_id and t.id = a.task_id
    where t.space_id = :space_id and t.project_id = :project_id);
