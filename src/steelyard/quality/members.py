"""Contributors of a project: how good they are, letting them in and keeping them out."""

from __future__ import annotations

from steelyard import users
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor, Tx
from steelyard.errors import NotFound
from steelyard.projects import project_by_name
from steelyard.quality import queries as q
from steelyard.quality.model import MemberQuality, State
from steelyard.work import one_at_a_time


async def list_members(
    ctx: Ctx, actor: Actor, project: str, *, limit: int = 100, after: str = ""
) -> list[MemberQuality]:
    """Who works or may work in a project, in order of address; `after`: the last address of the page before. Raises NotFound."""
    project_id = await find_project(ctx.db, actor, project)
    return await _qualities(ctx.db, actor, project_id, None, after, limit)


async def set_member_state(
    ctx: Ctx, actor: Actor, project: str, member: str, state: State, reason: str | None = None
) -> MemberQuality:
    """Lets a member (public id) into a project's work or keeps it out. Let in, it is judged by what it does from now on; what it holds when
    paused it may finish. Raises NotFound."""

    async def work(tx: Tx) -> MemberQuality:
        project_id = await find_project(tx, actor, project)
        member_id = await find_member(tx, actor, member)
        await one_at_a_time(tx, member_id=member_id)
        await q.set_state(
            tx,
            space_id=actor.space_id,
            member_id=member_id,
            project_id=project_id,
            state=state,
            reason=reason,
        )
        if state == "paused":
            await q.free_reservations(tx, space_id=actor.space_id, member_id=member_id, project_id=project_id)
        (found,) = await _qualities(tx, actor, project_id, member, "", 1)
        await users.record_act(
            tx,
            actor.account_id,
            actor.email,
            "member.paused" if state == "paused" else "member.unpaused",
            mode=actor.mode,
            email=found.email,
            project=project,
            reason=reason,
        )
        return found

    return await ctx.db.transact(work)


async def _qualities(
    on: Executor, actor: Actor, project_id: str, member: str | None, after: str, limit: int
) -> list[MemberQuality]:
    return await q.member_qualities(
        on,
        space_id=actor.space_id,
        account_id=actor.account_id,
        project_id=project_id,
        member=member,
        after=after,
        n=limit,
    )


async def find_project(on: Executor, actor: Actor, name: str) -> str:
    """The id of a project. Raises NotFound."""
    found = await project_by_name(on, actor.space_id, name)
    if found is None:
        raise NotFound("Project with that name not found.")
    return found.id


async def find_member(on: Executor, actor: Actor, public_id: str) -> int:
    """The internal id of a member who is not disabled. Raises NotFound."""
    found = await q.member_id(on, account_id=actor.account_id, public_id=public_id)
    if found is None:
        raise NotFound("There is no such member.")
    return found
