"""Whom a lead may manage: nobody gains rights by it, and nobody takes over a peer."""

from __future__ import annotations

from steelyard.ctx import Actor, Role
from steelyard.errors import Forbidden

_RANK: dict[Role, int] = {"disabled": 0, "labeler": 1, "member": 2, "manager": 3, "admin": 4}


def check_impersonation(actor: Actor, member_id: int, role: Role, what: str) -> None:
    """A link or a key makes its holder that member: only for members below oneself, or oneself. Raises Forbidden."""
    if member_id != actor.member_id and _RANK[role] >= _RANK[actor.role]:
        raise Forbidden(f"Only the admin may {what} of a {role}, and nobody else of the admin.")


def check_change(actor: Actor, member_id: int, role: Role) -> None:
    """Roles and membership: never the admin's, never one's own. Raises Forbidden."""
    if role == "admin":
        raise Forbidden("The admin cannot be changed; there is exactly one for good.")
    if member_id == actor.member_id:
        raise Forbidden("You cannot change your own role or membership.")
