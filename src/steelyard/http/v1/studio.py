"""Studio (platform-api §22)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from steelyard import studio
from steelyard.errors import parameter
from steelyard.http.route import DATA, PEOPLE, Call, Routes

routes = Routes("v1", "Studio")

Emails = Annotated[list[str], Meta(max_length=10_000, description="E-mail addresses of teammates.")]


class StudioAssignment(Struct, kw_only=True):
    """Every address with every project."""

    emails: Emails
    projects: Annotated[list[str], Meta(max_length=10_000, description="Project names.")]


class CreateStudioGroup(Struct, kw_only=True):
    """A group of members who are assigned to the project."""

    emails: Emails
    name: Annotated[str, Meta(min_length=1, max_length=255)]


class ChangeStudioGroup(Struct, kw_only=True):
    """Who comes and who goes."""

    add_emails: Emails | None = None
    remove_emails: Emails | None = None


class StudioBatchGroups(Struct, kw_only=True):
    """The groups that work on a batch; a teammate's e-mail address names the group of that one person."""

    groups: Annotated[list[str], Meta(max_length=10_000)]


class StudioBatchName(Struct, kw_only=True):
    """One batch of the order."""

    name: str


class StudioOrder(Struct, kw_only=True):
    """All pending batches, the most urgent first. `groups` is another client's name for `batches`."""

    batches: Annotated[list[StudioBatchName], Meta(max_length=100_000)] | None = None
    groups: Annotated[list[StudioBatchName], Meta(max_length=100_000)] | None = None


class WireStudioWorker(Struct):
    """Somebody in a group."""

    id: str
    email: str


class WireStudioGroup(Struct):
    """People who work together. `isSingleton`: the implicit group of one person."""

    id: str
    name: str
    numWorkers: int
    isSingleton: bool
    workers: list[WireStudioWorker]


class WireStudioBatch(Struct, kw_only=True):
    """A batch of a studio project; `total` and `completed` count its tasks."""

    id: str
    name: str
    projectId: str
    projectName: str
    batchType: Literal["Production", "Calibration"]
    studioPriority: int | UnsetType = UNSET
    total: int
    completed: int
    groups: list[str]


def _group(group: studio.Group) -> WireStudioGroup:
    workers = [WireStudioWorker(w.id, w.email) for w in group.workers]
    return WireStudioGroup(group.id, group.name, len(workers), group.is_singleton, workers)


def _batch(batch: studio.StudioBatch) -> WireStudioBatch:
    return WireStudioBatch(
        id=batch.id,
        name=batch.name,
        projectId=batch.project_id,
        projectName=batch.project_name,
        batchType="Calibration" if batch.calibration_batch else "Production",
        studioPriority=UNSET if batch.studio_priority is None else batch.studio_priority,
        total=batch.total,
        completed=batch.completed,
        groups=batch.groups,
    )


@routes.get("/v1/studio/assignments", response=dict[str, list[str]], access=DATA)
async def list_assignments(call: Call) -> dict[str, list[str]]:
    """List the projects that each teammate is assigned to"""
    return await studio.list_assignments(call.ctx, call.actor)


@routes.post(
    "/v1/studio/assignments/add",
    body=StudioAssignment,
    response=dict[str, list[str]],
    access=PEOPLE,
    errors=(403,),
)
async def add_assignments(call: Call) -> dict[str, list[str]]:
    """Assign teammates to projects"""
    return await studio.add_assignments(call.ctx, call.actor, call.body.emails, call.body.projects)


@routes.post(
    "/v1/studio/assignments/remove",
    body=StudioAssignment,
    response=dict[str, list[str]],
    access=PEOPLE,
    errors=(403,),
)
async def remove_assignments(call: Call) -> dict[str, list[str]]:
    """Take assignments back

    Places in the groups of those projects go with them.
    """
    return await studio.remove_assignments(call.ctx, call.actor, call.body.emails, call.body.projects)


@routes.get(
    "/v1/studio/projects/{project}/groups", response=list[WireStudioGroup], access=DATA, errors=(404,)
)
async def list_groups(call: Call) -> list[WireStudioGroup]:
    """List the groups of a project

    Stored groups first, then the group of one of each assigned teammate.
    """
    return [_group(g) for g in await studio.list_groups(call.ctx, call.actor, call.path[0])]


@routes.post(
    "/v1/studio/projects/{project}/groups",
    body=CreateStudioGroup,
    response=WireStudioGroup,
    access=PEOPLE,
    errors=(403, 404, 409),
    idempotent=True,
)
async def create_group(call: Call) -> WireStudioGroup:
    """Create a group in a project"""
    body: CreateStudioGroup = call.body
    return _group(await studio.create_group(call.ctx, call.actor, call.path[0], body.name, body.emails))


@routes.put(
    "/v1/studio/projects/{project}/groups/{group}",
    body=ChangeStudioGroup,
    response=WireStudioGroup,
    access=PEOPLE,
    errors=(403, 404),
)
async def change_group(call: Call) -> WireStudioGroup:
    """Add people to a group and remove others"""
    body: ChangeStudioGroup = call.body
    project, group = call.path
    return _group(
        await studio.change_group(
            call.ctx, call.actor, project, group, body.add_emails or [], body.remove_emails or []
        )
    )


@routes.get("/v1/studio/batches", response=list[WireStudioBatch], access=DATA)
async def list_studio_batches(call: Call) -> list[WireStudioBatch]:
    """List the pending batches of studio projects in order of priority"""
    return [_batch(b) for b in await studio.list_studio_batches(call.ctx, call.actor)]


@routes.put(
    "/v1/studio/batches/{batch}",
    body=StudioBatchGroups,
    response=WireStudioBatch,
    access=PEOPLE,
    errors=(403, 404),
)
async def set_batch_groups(call: Call) -> WireStudioBatch:
    """Set the groups that work on a batch"""
    return _batch(await studio.set_batch_groups(call.ctx, call.actor, call.path[0], call.body.groups))


@routes.post(
    "/v1/studio/batches/set_priorities",
    body=StudioOrder,
    response=list[WireStudioBatch],
    access=PEOPLE,
    errors=(403,),
)
async def set_priorities(call: Call) -> list[WireStudioBatch]:
    """Set the order of all pending batches"""
    order = call.body.batches if call.body.batches is not None else call.body.groups
    if order is None:
        raise parameter("batches", "is required")
    names = [batch.name for batch in order]
    return [_batch(b) for b in await studio.set_batch_order(call.ctx, call.actor, names)]


@routes.post(
    "/v1/studio/batches/reset_priorities", response=list[WireStudioBatch], access=PEOPLE, errors=(403,)
)
async def reset_priorities(call: Call) -> list[WireStudioBatch]:
    """Go back to the default order: calibration batches first, then the oldest"""
    return [_batch(b) for b in await studio.reset_batch_order(call.ctx, call.actor)]
