"""Finding stored content by the links that we hand out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.errors import NotFound
from steelyard.files import queries as q
from steelyard.media.tokens import opened

Reader = Callable[[], Awaitable[int | None]]


class Content(Struct, frozen=True):
    """A stored object as it may be sent. `name` is a file name for downloads."""

    sha256: str
    mime_type: str
    name: str
    size_bytes: int


async def media_by_token(ctx: Ctx, token: str, who: Reader) -> Content:
    """The object of a signed link. Raises NotFound for a link that is forged, damaged, past its time or handed to somebody else."""
    said = await opened(ctx, token, who)
    if said is None:
        raise NotFound("File not found.")
    return await _content(ctx, said.sha256, said.mime_type, said.sha256[:16])


async def result_by_token(ctx: Ctx, token: str) -> Content:
    """A file of an answer by its unguessable link. Raises NotFound."""
    found = None if "\x00" in token else await q.result_by_token(ctx.db, token=token)
    if found is None:
        raise NotFound("File not found.")
    return await _content(ctx, found.sha256, found.mime_type, found.name)


async def result_of_task(ctx: Ctx, actor: Actor, task_id: str, file_id: str) -> Content:
    """A file of an answer in the caller's space. Raises NotFound for an unknown pair."""
    found = None
    if "\x00" not in task_id + file_id:
        found = await q.result_of_task(ctx.db, space_id=actor.space_id, task_id=task_id, id=file_id)
    if found is None:
        raise NotFound("File not found.")
    return await _content(ctx, found.sha256, found.mime_type, found.name)


async def _content(ctx: Ctx, sha256: str, mime_type: str, name: str) -> Content:
    size = await ctx.store.head(sha256)
    if size is None:
        raise NotFound("File not found.")
    return Content(sha256, mime_type, name, size)
