"""Groups of people within a project. Every assigned member is a group of one as well, which is not stored (platform-api §22)."""

from __future__ import annotations

from collections.abc import Sequence

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import ConstraintBroken, Executor, Tx
from steelyard.errors import Conflict, InvalidRequest, NotFound, parameter
from steelyard.studio import find
from steelyard.studio import queries as q
from steelyard.studio.model import Group, GroupWorker, Person
from steelyard.users import record_act


async def _stored(on: Executor, actor: Actor, project_id: str) -> list[Group]:
    groups = await q.groups(on, space_id=actor.space_id, project_id=project_id)
    workers: dict[str, list[GroupWorker]] = {group.id: [] for group in groups}
    for row in await q.group_members(on, space_id=actor.space_id, project_id=project_id):
        if row.group_id in workers:
            workers[row.group_id].append(GroupWorker(row.public_id, row.email))
    return [Group(g.id, g.name, is_singleton=False, workers=workers[g.id]) for g in groups]


def singleton(person: Person) -> Group:
    """The implicit group of one person, named by the e-mail address."""
    return Group(
        person.public_id,
        person.email,
        is_singleton=True,
        workers=[GroupWorker(person.public_id, person.email)],
    )


async def list_groups(ctx: Ctx, actor: Actor, project_name: str) -> list[Group]:
    """The groups of a project, oldest first, then the group of one of each assigned member. Raises NotFound."""
    project = await find.project(ctx.db, actor, project_name)
    stored = await _stored(ctx.db, actor, project.id)
    assigned = await q.assigned_members(ctx.db, space_id=actor.space_id, project_id=project.id)
    return [*stored, *(singleton(person) for person in assigned)]


async def create_group(ctx: Ctx, actor: Actor, project_name: str, name: str, emails: Sequence[str]) -> Group:
    """A new group of members who are assigned to the project.

    Raises NotFound for the project, InvalidRequest for unknown or unassigned members, Conflict for a taken name, which every
    teammate's e-mail address is.
    """
    if not 1 <= len(name) <= 255 or not name.strip():
        raise parameter("name", "must be a string of 1 to 255 characters")
    group_id = ctx.ids.mint(ctx.clock.now())

    async def work(tx: Tx) -> Group:
        project = await find.project(tx, actor, project_name)
        members = await _assigned(tx, actor, project.id, emails)
        if await q.members_by_email(tx, account_id=actor.account_id, emails=[name.lower()]):
            raise Conflict(f'The group name "{name}" is taken: it is the group of one person.')
        try:
            await q.insert_group(tx, space_id=actor.space_id, id=group_id, project_id=project.id, name=name)
        except ConstraintBroken as e:
            raise Conflict(f'A group with the name "{name}" already exists.') from e
        await q.add_to_group(
            tx, space_id=actor.space_id, group_id=group_id, member_ids=[m.id for m in members]
        )
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "studio.group_created",
            mode=actor.mode,
            project=project_name,
            group=name,
        )
        return await _one(tx, actor, project.id, group_id)

    return await ctx.db.transact(work)


async def change_group(
    ctx: Ctx,
    actor: Actor,
    project_name: str,
    group_name: str,
    add_emails: Sequence[str],
    remove_emails: Sequence[str],
) -> Group:
    """Adds and removes members; who is named in both is removed and added, hence in. Raises NotFound, InvalidRequest."""

    async def work(tx: Tx) -> Group:
        project = await find.project(tx, actor, project_name)
        group = None
        if "\x00" not in group_name:
            group = await q.lock_group(tx, space_id=actor.space_id, project_id=project.id, name=group_name)
        if group is None:
            raise NotFound("Group with that name not found.")
        added = await _assigned(tx, actor, project.id, add_emails)
        removed = await find.people(tx, actor, remove_emails)
        where = {"space_id": actor.space_id, "group_id": group.id}
        await q.remove_from_group(tx, **where, member_ids=[m.id for m in removed])
        await q.add_to_group(tx, **where, member_ids=[m.id for m in added])
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "studio.group_changed",
            mode=actor.mode,
            project=project_name,
            group=group_name,
            added=[m.email for m in added],
            removed=[m.email for m in removed],
        )
        return await _one(tx, actor, project.id, group.id)

    return await ctx.db.transact(work)


async def _assigned(tx: Tx, actor: Actor, project_id: str, emails: Sequence[str]) -> list[Person]:
    members = await find.people(tx, actor, emails)
    held = await q.hold_assignments(
        tx, space_id=actor.space_id, project_id=project_id, member_ids=[m.id for m in members]
    )
    for member in members:
        if member.id not in held:
            raise InvalidRequest(f"{member.email} is not assigned to this project.")
    return members


async def _one(tx: Tx, actor: Actor, project_id: str, group_id: str) -> Group:
    for group in await _stored(tx, actor, project_id):
        if group.id == group_id:
            return group
    raise NotFound("Group with that name not found.")
