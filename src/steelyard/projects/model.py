"""What the projects feature passes around."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

Kind = Literal["standard", "rapid", "studio"]


class ProjectRow(Struct, frozen=True):
    """A project and the params of one of its versions; `params` is None when it has no such version."""

    id: str
    name: str
    type: str
    kind: Kind
    version: int
    """The latest version, which grows with every change of the params."""
    archived: bool
    params: str | None


class Project(Struct, frozen=True):
    """The columns of a project."""

    id: str
    name: str
    type: str
    kind: Kind
    archived: bool
    pipeline: str | None
    consensus_attempts: int | None
    dataset_id: str | None
    created_by: str | None
    created_with: str
    created_at: datetime
    updated_at: datetime


class Version(Struct, frozen=True):
    """One version of the params: a JSON object as sent."""

    project_id: str
    version: int
    params: str
    created_at: datetime


class Ontology(Struct, frozen=True):
    """One version of the ontology: a JSON array as sent."""

    project_id: str
    version: int
    name: str | None
    ontology: str
    created_at: datetime


class ProjectDoc(Struct, frozen=True):
    """A project with its whole history, oldest version first."""

    project: Project
    versions: list[Version]
    ontologies: list[Ontology]


class Locked(Struct, frozen=True):
    """A project held for a change."""

    id: str
    type: str
    version: int


class TemplateDoc(Struct, frozen=True):
    """A task template; `template_variables` and `response_schema` are JSON objects."""

    id: str
    version: int
    template_variables: str
    response_schema: str | None
    auto_onboard_enabled: bool
    created_at: datetime
    updated_at: datetime
