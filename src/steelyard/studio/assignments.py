"""Assignments: which projects a member labels for (platform-api §22)."""

from __future__ import annotations

from collections.abc import Sequence

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor, Tx
from steelyard.studio import find
from steelyard.studio import queries as q
from steelyard.users import record_act


async def _all(on: Executor, actor: Actor) -> dict[str, list[str]]:
    rows = await q.assignments(on, space_id=actor.space_id, account_id=actor.account_id)
    return {row.email: row.projects for row in rows}


async def list_assignments(ctx: Ctx, actor: Actor) -> dict[str, list[str]]:
    """E-mail → project names, of active members and of everybody else who has an assignment."""
    return await _all(ctx.db, actor)


async def add_assignments(
    ctx: Ctx, actor: Actor, emails: Sequence[str], projects: Sequence[str]
) -> dict[str, list[str]]:
    """Assigns each member to each project; the whole mapping afterwards. Raises InvalidRequest for unknown names, changing nothing."""
    return await _change(ctx, actor, emails, projects, add=True)


async def remove_assignments(
    ctx: Ctx, actor: Actor, emails: Sequence[str], projects: Sequence[str]
) -> dict[str, list[str]]:
    """Takes assignments back, and places in the projects' groups with them; the whole mapping afterwards. Raises InvalidRequest."""
    return await _change(ctx, actor, emails, projects, add=False)


async def _change(
    ctx: Ctx, actor: Actor, emails: Sequence[str], projects: Sequence[str], *, add: bool
) -> dict[str, list[str]]:
    async def work(tx: Tx) -> dict[str, list[str]]:
        members = await find.people(tx, actor, emails)
        ids = await find.project_ids(tx, actor, projects)
        change = q.assign if add else q.unassign
        await change(tx, space_id=actor.space_id, member_ids=[m.id for m in members], project_ids=ids)
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "studio.assign" if add else "studio.unassign",
            mode=actor.mode,
            emails=[m.email for m in members],
            projects=list(projects),
        )
        return await _all(tx, actor)

    return await ctx.db.transact(work)
