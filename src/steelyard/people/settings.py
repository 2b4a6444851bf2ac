"""What is set for the space that the caller acts in."""

from __future__ import annotations

from steelyard import users
from steelyard.ctx import Actor, Ctx
from steelyard.people import queries as q


async def get_settings(ctx: Ctx, actor: Actor) -> users.SpaceSettings:
    """The settings of the caller's space."""
    return await q.space_settings(ctx.db, space_id=actor.space_id)


async def change_settings(
    ctx: Ctx, actor: Actor, *, secure_result_urls: bool | None = None
) -> users.SpaceSettings:
    """Changes what is given."""
    account = await users.find_account(ctx.db, actor.account_id)
    await users.set_space(
        ctx, account.name, actor.mode, secure_result_urls=secure_result_urls, by=actor.email
    )
    return await get_settings(ctx, actor)
