"""Reading instructions: for their editors, and for whoever is about to work."""

from __future__ import annotations

import asyncio

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor
from steelyard.errors import NotFound
from steelyard.instructions import queries as q
from steelyard.instructions.model import Instructions, ShownInstructions, VersionInfo
from steelyard.instructions.render import picture_ids, rendered, with_pictures
from steelyard.media.tokens import media_token
from steelyard.projects import project_by_name
from steelyard.projects.read import unknown_project

PICTURES_LAST_S = 24 * 3600
_LONG = 20_000
"""Characters from which rendering is given a thread."""


async def project_id(on: Executor, actor: Actor, name: str) -> str:
    """The project of a name. Raises NotFound, for labelers also where they never worked and are not assigned."""
    found = await project_by_name(on, actor.space_id, name)
    if found is None or (
        actor.role == "labeler"
        and not await q.works_on(on, space_id=actor.space_id, project_id=found.id, member_id=actor.member_id)
    ):
        raise unknown_project()
    return found.id


async def html_of(ctx: Ctx, space_id: int, markdown: str) -> str:
    """The HTML of a text with links to its pictures, which last a day."""
    if len(markdown) > _LONG:
        html = await asyncio.to_thread(rendered, markdown)
    else:
        html = rendered(markdown)
    ids = picture_ids(html)
    if not ids:
        return html
    links: dict[str, str] = {}
    for picture in await q.pictures(ctx.db, space_id=space_id, ids=ids):
        links[picture.id] = (
            f"/media/{media_token(ctx, space_id, picture.sha256, picture.mime_type, PICTURES_LAST_S)}"
        )
    return with_pictures(html, links)


async def get_instructions(ctx: Ctx, actor: Actor, project: str, version: int | None = None) -> Instructions:
    """A version of a project's instructions, the latest unless said; version 0 when none was ever written. Raises NotFound."""
    where = {"space_id": actor.space_id, "project_id": await project_id(ctx.db, actor, project)}
    found = await q.version(ctx.db, **where, version=version)
    read = await q.read_version(ctx.db, **where, member_id=actor.member_id) or 0
    if found is None:
        if version:
            raise NotFound("The instructions have no such version.")
        return Instructions(0, "", "", None, None, read)
    html = await html_of(ctx, actor.space_id, found.markdown)
    return Instructions(found.version, found.markdown, html, found.created_by, found.created_at, read)


async def list_versions(ctx: Ctx, actor: Actor, project: str) -> list[VersionInfo]:
    """Every version without its text, newest first. Raises NotFound."""
    at = await project_id(ctx.db, actor, project)
    return await q.versions(ctx.db, space_id=actor.space_id, project_id=at)


async def for_work(
    ctx: Ctx, actor: Actor, project_id: str | None, instruction: str = ""
) -> ShownInstructions | None:
    """What to show beside a task: the project's instructions, or else the task's own text through the same pipeline; None without both.

    `project_id`: the task's project; `instruction`: the text in force for the task. `changed`: a newer version than the one this member
    has read; never so for a task's own text.
    """
    if project_id:
        found = await q.for_work(
            ctx.db, space_id=actor.space_id, project_id=project_id, member_id=actor.member_id
        )
        if found is not None and found.markdown.strip():
            html = await html_of(ctx, actor.space_id, found.markdown)
            return ShownInstructions(found.version, found.version > found.read_version, html)
    if not instruction.strip():
        return None
    return ShownInstructions(0, False, await html_of(ctx, actor.space_id, instruction))
