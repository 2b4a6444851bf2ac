"""Who may do what (platform-api §21), as data: the routes' access classes, the console and the documentation read the same table."""

from __future__ import annotations

from typing import Literal

from steelyard.ctx import Role

Act = Literal["people", "settings", "data", "work", "lead", "self"]

POLICY: dict[Act, frozenset[Role]] = {
    "people": frozenset(("admin", "manager")),  # invite, change roles, assignments, groups
    "settings": frozenset(("admin", "manager")),  # API keys, callbacks' secret, audit log, health
    "data": frozenset(("admin", "manager", "member")),  # projects, batches, tasks, files, audits
    "work": frozenset(("admin", "manager", "member", "labeler")),  # claim and submit
    "lead": frozenset(("admin", "manager")),  # studio batches and priorities, quality
    "self": frozenset(("admin", "manager", "member", "labeler")),  # who am I, my password, sign out
}
"""Act → roles. `disabled` appears nowhere: such members are not even authenticated."""

GRANTABLE: frozenset[Role] = frozenset(("labeler", "member", "manager"))
"""Roles that an invitation or a role change may give; there is exactly one admin for good."""

TEST_MODE_ROLES: frozenset[Role] = frozenset(("admin", "manager", "member"))
"""Labelers see the live space only: test tasks are never shown to them (platform-api §2.2)."""


def sees_test_mode(role: Role) -> bool:
    """Whether a role may act in the test mode."""
    return role in TEST_MODE_ROLES


def may(role: Role, act: Act) -> bool:
    """Whether a role allows an act."""
    return role in POLICY[act]
