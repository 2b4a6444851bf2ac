"""What a member keeps for itself."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from steelyard import people
from steelyard.http.route import SELF, Call, Routes

routes = Routes("api", "Session")

Command = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Keys = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^[^\x00]*$")]], Meta(max_length=5)
]


class PersonalKeys(Struct, kw_only=True):
    """Keys of the workbench's commands: command → up to five keys (`"Ctrl+K"`); an empty list takes them away. Commands that are missing
    have the keys that they come with."""

    keys: Annotated[dict[Command, Keys], Meta(max_length=500)]


@routes.get("/api/me/keys", response=PersonalKeys, access=SELF)
async def get_hotkeys(call: Call) -> PersonalKeys:
    """Get the keys that I have given to commands"""
    return PersonalKeys(keys=await people.get_hotkeys(call.ctx, call.actor))


@routes.put("/api/me/keys", body=PersonalKeys, response=PersonalKeys, access=SELF)
async def set_hotkeys(call: Call) -> PersonalKeys:
    """Replace the keys that I have given to commands"""
    return PersonalKeys(keys=await people.set_hotkeys(call.ctx, call.actor, call.body.keys))
