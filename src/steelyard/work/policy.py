"""Who may take which work, as data. Claims read it; the documentation shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from steelyard.ctx import Actor, Role
from steelyard.errors import Forbidden
from steelyard.work.model import Stage

Reach = Literal["assigned", "space"]

REACH: dict[Role, Reach] = {
    "admin": "space",
    "manager": "space",
    "member": "space",
    "labeler": "assigned",
}
"""`space`: every project of the space and tasks without a project. `assigned`: projects that the member is assigned to, and of their
batches those without groups or with a group that the member is in."""

LANES: dict[Role, list[str]] = {
    "admin": ["label", "review", "escalated"],
    "manager": ["label", "review", "escalated"],
    "member": ["label", "review", "escalated"],
    "labeler": ["label", "prelabel"],
}
"""Which of a project's queues a role is offered: `escalated` are tasks that several people have skipped, `prelabel` is for models alone. What
is reserved for one member is offered to that member whatever the role."""


def kinds_of(stages: Sequence[Stage]) -> list[str]:
    """The kinds of work that a claim narrowed to some stages looks for. Training comes before all of them; evaluation tasks pass for labeling."""
    return [*stages, "training", *(["evaluation"] if {"label", "prelabel"} & set(stages) else [])]


MOST_LEASES = 20
"""Leases of one project that one member may hold at once unless the project says otherwise, so that nobody hoards a queue."""


def reach_of(actor: Actor) -> Reach:
    """How far an actor may see the queue. Raises Forbidden for labelers outside the live space (platform-api §2.2)."""
    reach = REACH.get(actor.role)
    if reach is None:
        raise Forbidden("This role does not work on tasks.")
    if reach == "assigned" and actor.is_test:
        raise Forbidden("Labelers work in live mode only.")
    return reach
