"""Who may do what (platform-api §21), as data: the routes' access classes, the console and the documentation read the same table."""

from __future__ import annotations

from typing import Literal

from steelyard.ctx import Role, Scope

Act = Literal["people", "settings", "data", "work", "lead", "self", "files"]

POLICY: dict[Act, frozenset[Role]] = {
    "people": frozenset(("admin", "manager")),  # invite, change roles, assignments, groups
    "settings": frozenset(("admin", "manager")),  # API keys, callbacks' secret, audit log, health
    "data": frozenset(("admin", "manager", "member")),  # projects, batches, tasks, files, audits
    "work": frozenset(("admin", "manager", "member", "labeler")),  # claim and submit
    "lead": frozenset(("admin", "manager")),  # studio batches and priorities, quality
    "self": frozenset(("admin", "manager", "member", "labeler")),  # who am I, my password, sign out
    "files": frozenset(
        ("admin", "manager", "member", "labeler")
    ),  # files of responses: of all with "data", else of one's own work
}
"""Act → roles. `disabled` appears nowhere: such members are not even authenticated."""

SCOPES: dict[Scope, frozenset[Act]] = {
    "full": frozenset(POLICY),
    "data": frozenset(("data", "files", "self")),  # a pipeline that creates tasks and takes answers
    "read": frozenset(("data", "files", "people", "lead", "self")),  # reports: what is safe (GET) of them
    "work": frozenset(("work", "files", "self")),  # a program that labels
}
"""Scope of an API key → acts. A key never reaches beyond its member's role."""

GRANTABLE: frozenset[Role] = frozenset(("labeler", "member", "manager"))
"""Roles that an invitation or a role change may give; there is exactly one admin for good."""

TEST_MODE_ROLES: frozenset[Role] = frozenset(("admin", "manager", "member"))
"""Labelers see the live space only: test tasks are never shown to them (platform-api §2.2)."""


def within(scope: Scope, act: Act, *, safe: bool) -> bool:
    """Whether a key of this scope reaches an act; `safe`: it only reads."""
    return act in SCOPES[scope] and (safe or scope != "read")


def sees_test_mode(role: Role) -> bool:
    """Whether a role may act in the test mode."""
    return role in TEST_MODE_ROLES


def may(role: Role, act: Act) -> bool:
    """Whether a role allows an act."""
    return role in POLICY[act]
