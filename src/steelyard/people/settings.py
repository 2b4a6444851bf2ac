"""What is set for the space that the caller acts in."""

from __future__ import annotations

from steelyard import users
from steelyard.ctx import Actor, Ctx
from steelyard.people import queries as q
from steelyard.tasks.platform import check_callback


async def get_settings(ctx: Ctx, actor: Actor) -> users.SpaceSettings:
    """The settings of the caller's space."""
    return await q.space_settings(ctx.db, space_id=actor.space_id)


async def change_settings(
    ctx: Ctx,
    actor: Actor,
    *,
    callback_url: str | None = None,
    secure_result_urls: bool | None = None,
    new_callback_auth_key: bool = False,
) -> users.SpaceSettings:
    """Changes what is given; `callback_url` "" removes the default. Raises InvalidRequest."""
    if callback_url:
        check_callback(callback_url)
    account = await users.find_account(ctx.db, actor.account_id)
    await users.set_space(
        ctx,
        account.name,
        actor.mode,
        callback_url=callback_url,
        secure_result_urls=secure_result_urls,
        new_callback_auth_key=new_callback_auth_key,
        by=actor.email,
    )
    return await get_settings(ctx, actor)
