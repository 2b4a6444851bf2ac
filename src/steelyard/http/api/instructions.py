"""Instructions of a project: for its leads to write, for contributors to read."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from steelyard import instructions
from steelyard.clock import wire_time
from steelyard.http.multipart import read_upload
from steelyard.http.route import LEAD, WORKER, Call, Routes

routes = Routes("api", "Instructions")

_MAX_PICTURE_BYTES = 20 * 2**20
_PICTURE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "PNG, JPEG, GIF or WebP, at most 20 MiB.",
        }
    },
}


class InstructionsQuery(Struct, kw_only=True):
    """Which version; the latest unless given."""

    version: Annotated[int, Meta(ge=1, le=2_000_000_000)] | None = None


class WriteInstructions(Struct, kw_only=True):
    """CommonMark with tables. Pictures are those uploaded for the project; HTML is shown as text."""

    markdown: Annotated[str, Meta(max_length=instructions.MAX_MARKDOWN)]


class InstructionsVersion(Struct, kw_only=True):
    """A version with its text. `version` 0: nothing was written yet. `html` is sanitised; its pictures' links last a day."""

    version: int
    markdown: str
    html: str
    created_by: str | None
    created_at: str | None
    read_version: Annotated[int, Meta(description="The version that the caller has read last; 0 for none.")]
    changed: Annotated[bool, Meta(description="There is a newer version than that.")]


class InstructionsVersionInfo(Struct, kw_only=True):
    """A version without its text."""

    version: int
    created_by: str
    created_at: str
    size: Annotated[int, Meta(description="Characters.")]


class InstructionsVersions(Struct, kw_only=True):
    """Every version, newest first."""

    items: list[InstructionsVersionInfo]


class ReadInstructions(Struct, kw_only=True):
    """The version that was read."""

    version: Annotated[int, Meta(ge=1, le=2_000_000_000)]


class InstructionsRead(Struct, kw_only=True):
    """The version that the caller has read last."""

    read_version: int


class InstructionsPicture(Struct, kw_only=True):
    """An uploaded picture and the Markdown that shows it."""

    id: str
    source: str
    markdown: str


def _wire(found: instructions.Instructions) -> InstructionsVersion:
    return InstructionsVersion(
        version=found.version,
        markdown=found.markdown,
        html=found.html,
        created_by=found.created_by,
        created_at=None if found.created_at is None else wire_time(found.created_at),
        read_version=found.read_version,
        changed=found.version > found.read_version,
    )


@routes.get(
    "/api/projects/{name}/instructions",
    query=InstructionsQuery,
    response=InstructionsVersion,
    access=WORKER,
    errors=(404,),
)
async def get_instructions(call: Call) -> InstructionsVersion:
    """Get the instructions of a project

    Labelers see those of projects that they are assigned to or have worked on.
    """
    return _wire(await instructions.get_instructions(call.ctx, call.actor, call.path[0], call.query.version))


@routes.put(
    "/api/projects/{name}/instructions",
    body=WriteInstructions,
    response=InstructionsVersion,
    access=LEAD,
    errors=(404,),
)
async def set_instructions(call: Call) -> InstructionsVersion:
    """Write a new version of a project's instructions

    The same text again makes no version.
    """
    return _wire(await instructions.set_instructions(call.ctx, call.actor, call.path[0], call.body.markdown))


@routes.get(
    "/api/projects/{name}/instructions/versions", response=InstructionsVersions, access=LEAD, errors=(404,)
)
async def list_instructions(call: Call) -> InstructionsVersions:
    """List the versions of a project's instructions"""
    found = await instructions.list_versions(call.ctx, call.actor, call.path[0])
    return InstructionsVersions(
        items=[
            InstructionsVersionInfo(
                version=v.version, created_by=v.created_by, created_at=wire_time(v.created_at), size=v.size
            )
            for v in found
        ]
    )


@routes.post(
    "/api/projects/{name}/instructions/read",
    body=ReadInstructions,
    response=InstructionsRead,
    access=WORKER,
    errors=(404,),
)
async def read_instructions(call: Call) -> InstructionsRead:
    """Note that the caller has read a version"""
    read = await instructions.mark_read(call.ctx, call.actor, call.path[0], call.body.version)
    return InstructionsRead(read_version=read)


@routes.post(
    "/api/projects/{name}/instructions/pictures",
    body="stream",
    body_schema=_PICTURE_SCHEMA,
    response=InstructionsPicture,
    access=LEAD,
    errors=(400, 404),
)
async def add_instructions_picture(call: Call) -> InstructionsPicture:
    """Upload a picture for a project's instructions"""
    async with read_upload(call, max_file_bytes=_MAX_PICTURE_BYTES) as form:
        row, source = await instructions.add_picture(
            call.ctx, call.actor, call.path[0], form.file, form.declared_type
        )
    return InstructionsPicture(id=row.id, source=source, markdown=f"![]({source})")
