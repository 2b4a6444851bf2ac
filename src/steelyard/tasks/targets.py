"""The project and the batch that a task is created into: found, checked, and remembered for the creates that follow.

What is remembered may be a moment old. The creating statement refuses a row whose project has another version meanwhile, or whose batch
is not open to it any more or has another priority (`insert_*_condition`); then everything is looked at anew.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from steelyard.ctx import Actor, Ctx
from steelyard.db.coalesce import Coalescer
from steelyard.db.remembered import Remembered
from steelyard.errors import InvalidRequest, NotFound, parameter
from steelyard.tasks import queries as q
from steelyard.tasks.compose import Targets
from steelyard.tasks.model import BatchTarget, ProjectDefaults

_PROJECT_TTL_S = 30.0
_BATCH_TTL_S = 1.0
_OPEN = ("staging", "in_progress", "paused")
_NO_TARGETS = Targets()

_ProjectKey = tuple[int, str, int | None]
_BatchKey = tuple[int, str]


async def find_targets(
    ctx: Ctx, actor: Actor, type_name: str, body: dict[str, Raw], *, fresh: bool
) -> Targets:
    """The project and batch of a creation, checked. Reads are shared between requests; `fresh`: the project too is read now.

    Raises NotFound, InvalidRequest.
    """
    batch_name = name_in(body, "batch")
    project_name = name_in(body, "project")
    version = version_in(body)
    batch = None
    if batch_name is not None:
        batch = await _batch(ctx, actor, batch_name)
        if batch is None:
            raise NotFound("Batch with that name not found.")
        if project_name is not None and project_name != batch.project_name:
            raise InvalidRequest(f'The batch "{batch_name}" belongs to the project "{batch.project_name}".')
        project_name = batch.project_name
    if project_name is None:
        return _NO_TARGETS
    project = await _project(ctx, actor, project_name, version, fresh=fresh)
    if project.type != type_name:
        raise InvalidRequest(f'Project "{project.name}" does not accept tasks of type {type_name}.')
    if project.archived:
        raise InvalidRequest(f'The project "{project.name}" is archived and takes no tasks.')
    if project.kind == "rapid" and batch is None:
        raise InvalidRequest("Tasks of a Rapid project need a batch.")
    if batch is not None:
        if batch.status == "cancelled":
            raise InvalidRequest(f'The batch "{batch.name}" is cancelled and takes no tasks.')
        if project.kind != "standard" and batch.status != "staging":
            raise InvalidRequest(f'The batch "{batch.name}" has been finalized and takes no more tasks.')
    return Targets(project, batch)


def known_targets(ctx: Ctx, actor: Actor, type_name: str, body: dict[str, Raw]) -> Targets | None:
    """As `find_targets`, None where it would have to look them up or would refuse them."""
    batch_name, name, version = name_in(body, "batch"), name_in(body, "project"), version_in(body)
    batch = None
    if batch_name is not None:
        batch = _batches(ctx)[1].known((actor.space_id, batch_name))
        if batch is None or batch.status not in _OPEN or (name is not None and name != batch.project_name):
            return None
        name = batch.project_name
    if name is None:
        return _NO_TARGETS
    project = _projects(ctx).known((actor.space_id, name, version))
    if project is None or project.type != type_name or project.archived:
        return None
    if project.kind != "standard" and (batch is None or batch.status != "staging"):
        return None
    return Targets(project, batch)


def name_in(body: dict[str, Raw], key: str) -> str | None:
    """The name of a project or batch that a request gives, None for none. Raises InvalidRequest."""
    raw = body.get(key)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=str | None) or None
    except msgspec.ValidationError:
        raise parameter(key, "must be a string") from None


def version_in(body: dict[str, Raw]) -> int | None:
    """The version of the project's params that a request asks for by either of its names; -1: inherit nothing. Raises InvalidRequest."""
    for key in ("project_version", "project_param_version"):
        raw = body.get(key)
        if raw is not None:
            try:
                version = msgspec.json.decode(raw, type=int | None, strict=False)
            except (msgspec.DecodeError, RecursionError):
                raise parameter(key, "must be an integer") from None
            if version is not None:
                if not -1 <= version < 2**31:
                    raise parameter(key, "must name an existing version of the project's params, or be -1")
                return version
    return None


async def _batch(ctx: Ctx, actor: Actor, name: str) -> BatchTarget | None:
    """A batch as it is now: requests that ask at the same time share one read, begun after all of them came."""
    reads, held = _batches(ctx)
    at = (actor.space_id, name)
    found = await reads(at)
    if found is None:
        held.forget(at)
    else:
        held.put(at, found)
    return found


def _batches(ctx: Ctx) -> tuple[Coalescer[_BatchKey, BatchTarget | None], Remembered[_BatchKey, BatchTarget]]:
    both: tuple[Coalescer[_BatchKey, BatchTarget | None], Remembered[_BatchKey, BatchTarget]] | None
    both = ctx.state.get("batches")
    if both is None:

        async def read(wanted: list[_BatchKey]) -> list[BatchTarget | None]:
            places = {at: n for n, at in enumerate(dict.fromkeys(wanted), start=1)}
            rows = await q.batch_targets(
                ctx.db, space_ids=[space_id for space_id, _ in places], names=[name for _, name in places]
            )
            found = {
                r.n: BatchTarget(r.id, r.name, r.status, r.project_name, r.priority, r.rapid_calibration)
                for r in rows
            }
            return [found.get(places[at]) for at in wanted]

        reads = Coalescer(read)
        both = ctx.state["batches"] = (reads, Remembered(reads, _BATCH_TTL_S))
    return both


async def _project(ctx: Ctx, actor: Actor, name: str, version: int | None, *, fresh: bool) -> ProjectDefaults:
    projects, at = _projects(ctx), (actor.space_id, name, version)
    if fresh:
        projects.forget(at)
    project = await projects.get(at)
    if project is not None and project.archived:
        # Whether it still is, the insert cannot tell: it is never asked.
        projects.forget(at)
        project = await projects.get(at)
    if project is not None:
        return project
    if version is not None and await q.project_exists(ctx.db, space_id=actor.space_id, name=name):
        raise parameter("project_version", "must name an existing version of the project's params, or be -1")
    raise NotFound("Project with that name not found.")


def _projects(ctx: Ctx) -> Remembered[_ProjectKey, ProjectDefaults]:
    held: Remembered[_ProjectKey, ProjectDefaults] | None = ctx.state.get("projects")
    if held is None:

        async def read(at: _ProjectKey) -> ProjectDefaults | None:
            space_id, name, version = at
            wanted = None if version == -1 else version
            row = await q.project_defaults(ctx.db, space_id=space_id, name=name, version=wanted)
            if row is None:
                return None
            return ProjectDefaults(
                id=row.id,
                name=row.name,
                type=row.type,
                kind=row.kind,
                version=-1 if version == -1 else row.version,
                latest=row.latest,
                archived=row.archived,
                params={} if version == -1 else msgspec.json.decode(row.params, type=dict[str, Raw]),
            )

        held = ctx.state["projects"] = Remembered(read, _PROJECT_TTL_S)
    return held
