-- name: project_by_name
-- A project with the params of its latest version, or of the version asked for.
select p.id, p.name, p.type, p.kind, p.version, p.archived, v.params
from project p
left join project_version v
  on v.space_id = p.space_id and v.project_id = p.id and v.version = coalesce(:version::int, p.version)
where p.space_id = :space_id and p.name = :name;

-- name: project
-- One project by name.
select
  id, name, type, kind, archived, pipeline, consensus_attempts, dataset_id, created_by, created_with, created_at, updated_at
from project
where space_id = :space_id and name = :name;

-- name: projects
-- All projects of a space, newest first, or only the archived, or only the others.
select
  id, name, type, kind, archived, pipeline, consensus_attempts, dataset_id, created_by, created_with, created_at, updated_at
from project
where space_id = :space_id and (:archived::boolean is null or archived = :archived)
order by id desc;

-- name: versions
-- Every version of the params of some projects.
select project_id, version, params, created_at
from project_version
where space_id = :space_id and project_id = any(:ids::text[])
order by project_id, version;

-- name: ontologies
-- Every version of the ontologies of some projects.
select project_id, version, name, ontology, created_at
from project_ontology
where space_id = :space_id and project_id = any(:ids::text[])
order by project_id, version;

-- name: insert_project
-- A new project at version 0.
insert into project (
  space_id, id, name, type, kind, pipeline, consensus_attempts, dataset_id, created_by, created_with, created_at, updated_at)
values (
  :space_id, :id, :name, :type, :kind, :pipeline, :consensus_attempts, :dataset_id, :created_by, :created_with,
  steelyard.now(), steelyard.now());

-- name: insert_version
-- The version of a project's params that the project row names as its latest, of the time when it was made so.
insert into project_version (space_id, project_id, version, params, created_at)
select p.space_id, p.id, p.version, :params::json, p.updated_at
from project p
where p.space_id = :space_id and p.id = :project_id;

-- name: lock_project
-- Holds a project for a change of its params or ontology; readers and new batches are not held up.
select id, type, version
from project
where space_id = :space_id and name = :name
for no key update;

-- name: set_version
-- Makes a version the latest.
update project
set version = :version, updated_at = steelyard.now()
where space_id = :space_id and id = :id;

-- name: version_params
-- The params of one version.
select params::text
from project_version
where space_id = :space_id and project_id = :project_id and version = :version;

-- name: append_ontology
-- The next version of a project's ontology.
insert into project_ontology (space_id, project_id, version, name, ontology, created_at)
select :space_id, :project_id, coalesce(max(version) + 1, 0), :name::text, :ontology::json, steelyard.now()
from project_ontology
where space_id = :space_id and project_id = :project_id;

-- name: touch_project
-- Notes that something about a project changed.
update project
set updated_at = steelyard.now()
where space_id = :space_id and id = :id;

-- name: set_archived
-- Puts a project aside, or back.
update project
set archived = :archived, updated_at = case when archived = :archived then updated_at else steelyard.now() end
where space_id = :space_id and id = :id;

-- name: template
-- The task template of a project.
select id, version, template_variables, response_schema, auto_onboard_enabled, created_at, updated_at
from task_template
where space_id = :space_id and project_id = :project_id;

-- name: put_template
-- Sets the template of a project; the version grows only when something changed.
insert into task_template as t (
  space_id, project_id, id, template_variables, response_schema, auto_onboard_enabled, created_at, updated_at)
values (
  :space_id, :project_id, :id, :template_variables::json, :response_schema::json, :auto_onboard_enabled,
  steelyard.now(), steelyard.now())
on conflict (space_id, project_id) do update
set
  version = t.version + 1, template_variables = excluded.template_variables, response_schema = excluded.response_schema,
  auto_onboard_enabled = excluded.auto_onboard_enabled, updated_at = excluded.updated_at
where
  (t.template_variables::text, t.response_schema::text, t.auto_onboard_enabled)
  is distinct from (excluded.template_variables::text, excluded.response_schema::text, excluded.auto_onboard_enabled);

-- name: drop_template
-- Removes the template of a project whose params no longer give one.
delete from task_template
where space_id = :space_id and project_id = :project_id;
