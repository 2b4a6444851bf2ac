"""What the instructions feature passes around."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class VersionRow(Struct, frozen=True):
    version: int
    markdown: str
    created_by: str
    created_at: datetime


class VersionInfo(Struct, frozen=True):
    """A version without its text."""

    version: int
    created_by: str
    created_at: datetime
    size: int


class Instructions(Struct, frozen=True):
    """A version with its text, as source and as safe HTML. Version 0: nothing was written yet."""

    version: int
    markdown: str
    html: str
    created_by: str | None
    created_at: datetime | None
    read_version: int


class ShownInstructions(Struct, frozen=True):
    """What one contributor is shown with a task. Version 0: the task's own text, which the project has none beside."""

    version: int
    changed: bool
    html: str


class WorkRow(Struct, frozen=True):
    version: int
    markdown: str
    read_version: int


class PictureRow(Struct, frozen=True):
    id: str
    sha256: str
    mime_type: str
