-- name: insert_transfer
-- New work, with the job that does it.
with made as (
  insert into transfer (space_id, id, kind, options, total, created_by, created_at, updated_at)
  values (:space_id, :id, :kind, :options::json, :total::bigint, :created_by, steelyard.now(), steelyard.now())
  returning space_id, id)
insert into job (queue, kind, args, run_at)
select 'default', 'run_transfer', json_build_object('space_id', space_id, 'transfer_id', id), steelyard.now()
from made;

-- name: one_transfer
-- A transfer as people see it.
select id, kind, state, options::text as options, lines, done, existing, refused, total, position,
  problems::text as problems, sha256, size_bytes, error, created_by, created_at, updated_at, finished_at
from transfer
where space_id = :space_id and id = :id;

-- name: list_transfers
-- A page, newest first.
select id, kind, state, options::text as options, lines, done, existing, refused, total, position,
  problems::text as problems, sha256, size_bytes, error, created_by, created_at, updated_at, finished_at
from transfer
where space_id = :space_id and id < :before::text
order by id desc
limit :limit::int;

-- name: begin_transfer
-- What a worker needs to go on; no row when it has ended.
update transfer
set state = 'running', updated_at = steelyard.now()
where space_id = :space_id and id = :id and state in ('waiting', 'running')
returning kind, options::text as options, position, created_by, json_array_length(problems) as problems;

-- name: progress
-- One step's outcome; no row when another worker has gone on from the same position, or somebody has cancelled it.
update transfer
set position = :to_position::bigint, lines = lines + :lines::bigint, done = done + :done::bigint, existing = existing + :existing::bigint,
  refused = refused + :refused::bigint, updated_at = steelyard.now(),
  problems = case when :problems::text = '[]' then problems
    else (select json_agg(p) from (
      select p from json_array_elements(problems) p union all select p from json_array_elements(:problems::json) p) x) end
where space_id = :space_id and id = :id and state = 'running' and position = :from_position::bigint
returning true;

-- name: restart
-- An export begins anew: what an interrupted one wrote is gone.
update transfer
set position = 0, lines = 0, done = 0, updated_at = steelyard.now()
where space_id = :space_id and id = :id and state = 'running';

-- name: end_transfer
-- Done or failed.
update transfer
set state = :state, error = :error::text, sha256 = :sha256::text, size_bytes = :size_bytes::bigint,
  finished_at = steelyard.now(), updated_at = steelyard.now()
where space_id = :space_id and id = :id and state = 'running';

-- name: cancel_transfer
-- What has been done stays done.
update transfer
set state = 'canceled', finished_at = steelyard.now(), updated_at = steelyard.now()
where space_id = :space_id and id = :id and state in ('waiting', 'running')
returning true;

-- name: account_of_space
-- On whose behalf a worker acts.
select account_id, mode from space where id = :space_id;

-- name: stored_file
-- The content of an uploaded file.
select sha256, size_bytes from file where space_id = :space_id and id = :id and state = 'stored';
