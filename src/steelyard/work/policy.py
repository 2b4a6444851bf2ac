"""Who may take which work, as data. Claims read it; the documentation shows it."""

from __future__ import annotations

from typing import Literal

from steelyard.ctx import Actor, Role
from steelyard.errors import Forbidden

Reach = Literal["assigned", "space"]

REACH: dict[Role, Reach] = {
    "admin": "space",
    "manager": "space",
    "member": "space",
    "labeler": "assigned",
}
"""`space`: every project of the space and tasks without a project. `assigned`: projects that the member is assigned to, and of their
batches those without groups or with a group that the member is in."""

MOST_LEASES = 20
"""Leases that one member may hold at once, so that nobody hoards a queue."""


def reach_of(actor: Actor) -> Reach:
    """How far an actor may see the queue. Raises Forbidden for labelers outside the live space (platform-api §2.2)."""
    reach = REACH.get(actor.role)
    if reach is None:
        raise Forbidden("This role does not work on tasks.")
    if reach == "assigned" and actor.is_test:
        raise Forbidden("Labelers work in live mode only.")
    return reach
