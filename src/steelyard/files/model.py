"""What the files feature passes around."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Literal

from msgspec import Struct

from steelyard.ctx import Actor, Ctx

State = Literal["stored", "importing", "failed"]


class FileRow(Struct, frozen=True):
    """A file with the names of its projects; `metadata` is a JSON object as sent."""

    id: str
    display_name: str | None
    reference_id: str | None
    metadata: str | None
    mime_type: str | None
    size_bytes: int | None
    sha256: str | None
    state: State
    created_at: datetime
    updated_at: datetime
    project_names: list[str]


class ImportRow(Struct, frozen=True):
    """A file whose import is under way."""

    source_url: str


class UploadRow(Struct, frozen=True):
    """An upload under way, or ended (`file_id`); `details` is a FileDetails as JSON, `sha256` what the client says the content will have,
    `host` where its pieces lie."""

    id: str
    length: int
    details: str
    mime_type: str
    sha256: str | None
    kept: str | None
    file_id: str | None
    host: str | None
    expires_at: datetime


class ImportFile(Struct, frozen=True):
    """Arguments of the job `import_file`; `tries` counts earlier tries."""

    space_id: int
    file_id: str
    tries: int = 0


IMPORT_FILE, IMPORT_FILE_QUEUE = "import_file", "attachments"


def new_file_id(ctx: Ctx) -> str:
    """A UUID (version 8) in creation order: the 24 digits of a wire id and six random ones."""
    h = ctx.ids.mint(ctx.clock.now())
    return f"{h[:8]}-{h[8:12]}-8{h[12:15]}-8{h[15:18]}-{h[18:]}{secrets.token_hex(3)}"


def attachment_url(actor: Actor, file_id: str) -> str:
    """The URL that may stand wherever a task parameter expects an attachment."""
    return f"scaledata://{actor.account_id}/{file_id}"
