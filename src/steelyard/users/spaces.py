"""What an operator sets for one mode of an account (platform-api §16, §17)."""

from __future__ import annotations

import secrets

from steelyard.ctx import Ctx, Mode
from steelyard.users import queries as q
from steelyard.users.members import find_account, record_act
from steelyard.users.model import SpaceSettings


async def space_settings(ctx: Ctx, account: str) -> list[SpaceSettings]:
    """Both modes of an account. Raises NotFound."""
    found = await find_account(ctx.db, account)
    return await q.spaces_of_account(ctx.db, account_id=found.id)


async def set_space(
    ctx: Ctx,
    account: str,
    mode: Mode,
    *,
    callback_url: str | None = None,
    secure_result_urls: bool | None = None,
    new_callback_auth_key: bool = False,
    by: str = "system",
) -> None:
    """Changes what is given; `callback_url` "" removes the default. Acts on new tasks within a second. Raises NotFound."""
    async with ctx.db.tx() as tx:
        found = await find_account(tx, account)
        await q.set_space(
            tx,
            account_id=found.id,
            mode=mode,
            callback_url=callback_url,
            secure_result_urls=secure_result_urls,
            callback_auth_key=f"{mode}_{secrets.token_hex(16)}" if new_callback_auth_key else None,
        )
        await record_act(tx, found.id, by, "account.changed", mode=mode)
