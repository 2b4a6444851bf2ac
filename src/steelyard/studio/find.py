"""From the names and addresses of a request to rows, or a refusal that says which one is unknown."""

from __future__ import annotations

from collections.abc import Sequence

from steelyard.ctx import Actor
from steelyard.db.pool import Executor
from steelyard.errors import InvalidRequest, NotFound
from steelyard.studio import queries as q
from steelyard.studio.model import Named, Person


async def people(on: Executor, actor: Actor, emails: Sequence[str]) -> list[Person]:
    """The members behind some addresses, each once, in order of id. Raises InvalidRequest for an unknown one."""
    wanted = list(dict.fromkeys(email.strip().lower() for email in emails))
    found = await q.members_by_email(on, account_id=actor.account_id, emails=wanted)
    known = {person.email.lower() for person in found}
    for email in wanted:
        if email not in known:
            raise InvalidRequest(f"{email} is not a teammate.")
    return found


async def project_ids(on: Executor, actor: Actor, names: Sequence[str]) -> list[str]:
    """The ids of some projects. Raises InvalidRequest for an unknown name."""
    found = await q.projects_by_name(on, space_id=actor.space_id, names=list(dict.fromkeys(names)))
    known = {project.name for project in found}
    for name in names:
        if name not in known:
            raise InvalidRequest(f'There is no project "{name}".')
    return [project.id for project in found]


async def project(on: Executor, actor: Actor, name: str) -> Named:
    """The project of a path. Raises NotFound."""
    found = await q.projects_by_name(on, space_id=actor.space_id, names=[name]) if "\x00" not in name else []
    if not found:
        raise NotFound("Project with that name not found.")
    return found[0]
