"""Reading projects."""

from __future__ import annotations

from collections import defaultdict

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor
from steelyard.errors import NotFound
from steelyard.projects import queries as q
from steelyard.projects.model import Ontology, Project, ProjectDoc, ProjectRow, Version


def unknown_project() -> NotFound:
    """No project of that name in the caller's space."""
    return NotFound("Project with that name not found.")


async def project_by_name(
    on: Executor, space_id: int, name: str, version: int | None = None
) -> ProjectRow | None:
    """A project with the params (JSON text) of its latest version or of the one asked for; None when there is no such project."""
    if "\x00" in name:
        return None
    return await q.project_by_name(on, space_id=space_id, name=name, version=version)


async def get_project(ctx: Ctx, actor: Actor, name: str) -> ProjectDoc:
    """One project with its history. Raises NotFound."""
    return await load(ctx.db, actor.space_id, name)


async def list_projects(ctx: Ctx, actor: Actor, *, archived: bool | None = None) -> list[ProjectDoc]:
    """All projects, newest first; only archived (True) or only unarchived (False) ones if asked."""
    rows = await q.projects(ctx.db, space_id=actor.space_id, archived=archived)
    return await with_history(ctx.db, actor.space_id, rows)


async def load(on: Executor, space_id: int, name: str) -> ProjectDoc:
    """One project with its history. Raises NotFound."""
    row = None if "\x00" in name else await q.project(on, space_id=space_id, name=name)
    if row is None:
        raise unknown_project()
    return (await with_history(on, space_id, [row]))[0]


async def with_history(on: Executor, space_id: int, rows: list[Project]) -> list[ProjectDoc]:
    """The rows with their versions, by two more queries whatever the number of rows."""
    ids = [row.id for row in rows]
    versions: defaultdict[str, list[Version]] = defaultdict(list)
    for version in await q.versions(on, space_id=space_id, ids=ids):
        versions[version.project_id].append(version)
    ontologies: defaultdict[str, list[Ontology]] = defaultdict(list)
    for ontology in await q.ontologies(on, space_id=space_id, ids=ids):
        ontologies[ontology.project_id].append(ontology)
    return [ProjectDoc(row, versions[row.id], ontologies[row.id]) for row in rows]
