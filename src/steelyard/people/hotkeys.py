"""The keys that a member has given to commands of the workbench, the same on every device."""

from __future__ import annotations

import msgspec

from steelyard.ctx import Actor, Ctx
from steelyard.people import queries as q

Hotkeys = dict[str, list[str]]
"""Command → keys; an empty list takes a command's keys away, a command that is missing has its own ones."""


async def get_hotkeys(ctx: Ctx, actor: Actor) -> Hotkeys:
    """What the caller has set."""
    stored = await q.hotkeys(ctx.db, member_id=actor.member_id)
    return msgspec.json.decode(stored or "{}", type=Hotkeys)


async def set_hotkeys(ctx: Ctx, actor: Actor, keys: Hotkeys) -> Hotkeys:
    """Replaces what the caller has set."""
    await q.set_hotkeys(ctx.db, member_id=actor.member_id, hotkeys=msgspec.json.encode(keys).decode())
    return keys
