"""Writing instructions, adding their pictures, noting what was read."""

from __future__ import annotations

from steelyard.ctx import Actor, Ctx
from steelyard.errors import InvalidRequest, NotFound
from steelyard.files import FileDetails, FileRow, add_upload, attachment_url
from steelyard.instructions import queries as q
from steelyard.instructions.model import Instructions
from steelyard.instructions.read import get_instructions, project_id
from steelyard.instructions.render import check_markdown
from steelyard.projects.read import unknown_project
from steelyard.storage import Spooled
from steelyard.users import record_act


async def set_instructions(ctx: Ctx, actor: Actor, project: str, markdown: str) -> Instructions:
    """A new version of a project's instructions; the same text again makes none. Raises NotFound, InvalidRequest."""
    text = check_markdown(markdown)
    async with ctx.db.tx() as tx:
        at = None
        if "\x00" not in project:
            at = await q.lock_project(tx, space_id=actor.space_id, name=project)
        if at is None:
            raise unknown_project()
        version = await q.add_version(
            tx, space_id=actor.space_id, project_id=at, markdown=text, created_by=actor.email
        )
        if version is not None:
            await record_act(
                tx,
                actor.account_id,
                actor.email,
                "instructions.changed",
                mode=actor.mode,
                project=project,
                version=version,
            )
    return await get_instructions(ctx, actor, project)


async def mark_read(ctx: Ctx, actor: Actor, project: str, version: int) -> int:
    """Notes that the caller has read a version; the version last read. Raises NotFound."""
    at = await project_id(ctx.db, actor, project)
    read = await q.mark_read(
        ctx.db, space_id=actor.space_id, project_id=at, member_id=actor.member_id, version=version
    )
    if read is None:
        raise NotFound("The instructions have no such version.")
    return read


async def add_picture(
    ctx: Ctx, actor: Actor, project: str, spooled: Spooled, declared_type: str
) -> tuple[FileRow, str]:
    """A picture for the instructions of a project, and the Markdown source that shows it. Raises NotFound, and InvalidRequest for what
    is no picture that browsers show."""
    details = FileDetails(project_name=project)
    if not _is_picture(spooled.head):
        raise InvalidRequest("The file is not a picture (PNG, JPEG, GIF or WebP).")
    row = await add_upload(ctx, actor, details, spooled, declared_type)
    return row, attachment_url(actor, row.id)


def _is_picture(head: bytes) -> bool:
    return head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")) or (
        head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    )
