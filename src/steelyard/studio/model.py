"""What studio passes around."""

from __future__ import annotations

from msgspec import Struct

from steelyard.ctx import Role


class AssignmentRow(Struct, frozen=True):
    email: str
    projects: list[str]


class Person(Struct, frozen=True):
    """A member as studio sees one; `public_id` is the wire's id."""

    id: int
    public_id: str
    email: str
    role: Role


class Named(Struct, frozen=True):
    id: str
    name: str


class GroupMemberRow(Struct, frozen=True):
    group_id: str
    public_id: str
    email: str


class GroupWorker(Struct, frozen=True):
    """Somebody in a group."""

    id: str
    email: str


class Group(Struct, frozen=True):
    """People who work together; `is_singleton`: the implicit group of one assigned person, named by the e-mail."""

    id: str
    name: str
    is_singleton: bool
    workers: list[GroupWorker]


class StudioBatch(Struct, frozen=True):
    """A batch of a studio project with its place in the order (None: default) and its task counts."""

    id: str
    name: str
    project_id: str
    project_name: str
    calibration_batch: bool
    studio_priority: int | None
    total: int
    completed: int
    groups: list[str]
