"""Projects (platform-api §19)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from steelyard import projects
from steelyard.clock import wire_time
from steelyard.errors import parameter
from steelyard.http.route import DATA, Call, Routes

routes = Routes("v1", "Projects")


class CreateProject(Struct, kw_only=True):
    """A new project. Its `params` are inherited by every task of it."""

    type: Annotated[str, Meta(description="Task type of all its tasks.")]
    name: Annotated[str, Meta(description="Unique; 1 to 255 characters.")]
    params: dict[str, Raw] | None = None
    rapid: bool | None = None
    studio: bool | None = None
    self_serve: Annotated[bool | None, Meta(description="Older name of `rapid`.")] = None
    pipeline: Literal["standard_task", "consensus_task"] | None = None
    consensus_attempts: Annotated[int, Meta(ge=1, le=100)] | None = None
    dataset_id: str | None = field(default=None, name="datasetId")


class ListProjects(Struct, kw_only=True):
    """Filters of the list."""

    archived: bool | None = None


class SetOntology(Struct, kw_only=True):
    """An ontology: choices are strings or objects with `choice`, `description` and `subchoices`."""

    ontology: list[Raw]
    name: str | None = None


class WireProject(
    Struct, kw_only=True, rename={"ontology_history": "ontologyHistory", "dataset_id": "datasetId"}
):
    """A project with all versions of its params."""

    id: str
    name: str
    type: str
    created_at: str
    updated_at: str
    param_history: Annotated[
        list[Raw],
        Meta(
            description="Oldest first; each the params of a version with `version` and `created_at` beside them."
        ),
    ]
    ontology_history: list[Raw] | UnsetType = UNSET
    rapid: bool
    studio: bool
    project_type: Literal["standard", "rapid", "studio"] = field(name="projectType")
    archived: bool
    pipeline: str | UnsetType = UNSET
    consensus_attempts: int | UnsetType = UNSET
    dataset_id: str | UnsetType = UNSET
    created_by: str | UnsetType = UNSET
    created_with: str


class WireTemplate(Struct, kw_only=True):
    """What a task of the project must or may supply, and what its answer looks like."""

    id: str
    version: int
    created_at: str
    updated_at: str
    template_variables: Raw
    response_schema: Raw | UnsetType = UNSET
    auto_onboard_enabled: bool


def _entry(version: int, created_at: str, params: str) -> Raw:
    """One entry of `param_history`: the params, which are stored as a bare JSON object, between our two keys."""
    rest = "}" if params == "{}" else "," + params[1:]
    return Raw(f'{{"version":{version},"created_at":"{created_at}"{rest}')


def _ontology(entry: projects.OntologyVersion) -> Raw:
    named = "" if entry.name is None else f'"name":{msgspec.json.encode(entry.name).decode()},'
    return Raw(
        f'{{"version":{entry.version},{named}"created_at":"{wire_time(entry.created_at)}","ontology":{entry.ontology}}}'
    )


def wire_project(doc: projects.ProjectDoc) -> WireProject:
    """A project as sent."""
    row = doc.project
    return WireProject(
        id=row.id,
        name=row.name,
        type=row.type,
        created_at=wire_time(row.created_at),
        updated_at=wire_time(row.updated_at),
        param_history=[_entry(v.version, wire_time(v.created_at), v.params) for v in doc.versions],
        ontology_history=[_ontology(o) for o in doc.ontologies] or UNSET,
        rapid=row.kind == "rapid",
        studio=row.kind == "studio",
        project_type=row.kind,
        archived=row.archived,
        pipeline=row.pipeline or UNSET,
        consensus_attempts=row.consensus_attempts or UNSET,
        dataset_id=UNSET if row.dataset_id is None else row.dataset_id,
        created_by=UNSET if row.created_by is None else row.created_by,
        created_with=row.created_with,
    )


@routes.post(
    "/v1/projects",
    body=CreateProject,
    response=WireProject,
    access=DATA,
    errors=(402, 409),
    idempotent=True,
)
async def create_project(call: Call) -> WireProject:
    """Create a project"""
    body: CreateProject = call.body
    rapid = bool(body.rapid or body.self_serve)
    if rapid and body.studio:
        raise parameter("studio", "cannot be true together with rapid")
    new = projects.NewProject(
        name=body.name,
        type=body.type,
        kind="rapid" if rapid else "studio" if body.studio else "standard",
        params=body.params or {},
        pipeline=body.pipeline,
        consensus_attempts=body.consensus_attempts,
        dataset_id=body.dataset_id,
    )
    return wire_project(await projects.create_project(call.ctx, call.actor, new))


@routes.get("/v1/projects", query=ListProjects, response=list[WireProject], access=DATA)
async def list_projects(call: Call) -> list[WireProject]:
    """List all projects, newest first"""
    query: ListProjects = call.query
    found = await projects.list_projects(call.ctx, call.actor, archived=query.archived)
    return [wire_project(doc) for doc in found]


@routes.get("/v1/projects/{name}", response=WireProject, access=DATA, errors=(404,))
async def get_project(call: Call) -> WireProject:
    """Get a project"""
    return wire_project(await projects.get_project(call.ctx, call.actor, call.path[0]))


@routes.post(
    "/v1/projects/{name}/setParams",
    body=dict[str, Raw],
    response=WireProject,
    access=DATA,
    errors=(404,),
)
async def set_project_params(call: Call) -> WireProject:
    """Add a version of a project's params

    Every key but `patch` is a parameter. `patch: true` lays them over the latest version, otherwise they replace it.
    """
    given: dict[str, Raw] = dict(call.body)
    patch = _patch(given.pop("patch", None))
    return wire_project(await projects.set_params(call.ctx, call.actor, call.path[0], given, patch=patch))


def _patch(raw: Raw | None) -> bool:
    if raw is None:
        return False
    try:
        return bool(msgspec.json.decode(raw, type=bool | None, strict=False))
    except msgspec.DecodeError:
        raise parameter("patch", "must be a boolean") from None


@routes.post(
    "/v1/projects/{name}/setOntology",
    body=SetOntology,
    response=WireProject,
    access=DATA,
    errors=(404,),
)
async def set_project_ontology(call: Call) -> WireProject:
    """Add a version of a project's ontology"""
    body: SetOntology = call.body
    ontology = b"[" + b",".join(bytes(choice) for choice in body.ontology) + b"]"
    doc = await projects.set_ontology(call.ctx, call.actor, call.path[0], ontology, body.name)
    return wire_project(doc)


@routes.get("/v1/projects/{name}/taskTemplates", response=WireTemplate, access=DATA, errors=(400, 404))
async def get_task_template(call: Call) -> WireTemplate:
    """Get the task template of a project"""
    found = await projects.get_template(call.ctx, call.actor, call.path[0])
    return WireTemplate(
        id=found.id,
        version=found.version,
        created_at=wire_time(found.created_at),
        updated_at=wire_time(found.updated_at),
        template_variables=Raw(found.template_variables),
        response_schema=UNSET if found.response_schema is None else Raw(found.response_schema),
        auto_onboard_enabled=found.auto_onboard_enabled,
    )
