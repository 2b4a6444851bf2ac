"""A task's files as the browser gets them, and the parts of derived files by their links."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from steelyard.ctx import Ctx
from steelyard.derived import queries as q
from steelyard.derived.jobs import DeriveMedia, promise
from steelyard.derived.metrics import counted
from steelyard.derived.model import DerivedRow, MediaView, Part, Place, ViewRow
from steelyard.errors import NotFound
from steelyard.media.tokens import media_token, opened

_STEP_S = 6 * 3600
_ADDRESSES = ("thumbnail", "template", "poster", "frames", "image", "peaks", "chunks")
_PARTS = msgspec.json.Decoder(dict[str, tuple[int, int, str]])


def _lifetime_s(ctx: Ctx) -> float:
    """Links end at fixed times of the day, at least six hours ahead: equal files then have equal addresses and stay in the browser's cache."""
    now = ctx.clock.now().timestamp()
    return (int(now // _STEP_S) + 2) * _STEP_S - now


async def views(ctx: Ctx, space_id: int, task_id: str, *, member_id: int | None = None) -> list[MediaView]:
    """The stored attachments of a task in document order. Derived files that are not there are promised and absent until they are made.

    The addresses open for `member_id` alone, unless None.
    """
    rows = await q.views_of_task(ctx.db, space_id=space_id, task_id=task_id)
    missing = {
        row.sha256: DeriveMedia(row.sha256, row.mime_type, row.media) for row in rows if row.detail is None
    }
    if missing:
        await promise(ctx.db, list(missing.values()))
    return [_view(ctx, space_id, row, member_id) for row in rows]


def _view(ctx: Ctx, space_id: int, row: ViewRow, member_id: int | None) -> MediaView:
    token = media_token(ctx, space_id, row.sha256, row.mime_type, _lifetime_s(ctx), member_id=member_id)
    derived = None
    if row.detail is not None:
        detail = msgspec.json.decode(row.detail)
        if row.problem is not None:
            detail["problem"] = row.problem
        derived = msgspec.json.encode(_addressed(detail, f"/media/{token}/derived/"))
    return MediaView(
        path=row.path,
        url=f"/media/{token}",
        role=row.role,
        media=row.media,
        mime_type=row.mime_type,
        width=row.width,
        height=row.height,
        size_bytes=row.size_bytes,
        derived=derived,
    )


def _addressed(value: Any, base: str) -> Any:
    """Names of parts become addresses; they are the strings under keys that say so."""
    if isinstance(value, list):
        return [_addressed(one, base) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base + one if isinstance(one, str) and key in _ADDRESSES else _addressed(one, base)
        for key, one in value.items()
    }


def places(made: DerivedRow) -> dict[str, Place]:
    """Where the parts lie in the object that was made."""
    return msgspec.json.decode(made.parts, type=dict[str, Place])


async def _whoever() -> int | None:
    return None


async def derived_part(
    ctx: Ctx, token: str, name: str, who: Callable[[], Awaitable[int | None]] = _whoever
) -> Part:
    """A part by the signed link of its source. Raises NotFound for links that do not hold and parts that are not (yet) there."""
    said = await opened(ctx, token, who)
    found = None if said is None else await q.derived_by_source(ctx.db, source_sha256=said.sha256)
    place = None if found is None else _PARTS.decode(found.parts).get(name)
    if said is not None:
        counted(ctx).look(hit=found is not None)
    if said is None or found is None or found.sha256 is None or place is None:
        raise NotFound("File not found.")
    offset, length, mime = place
    return Part(said.sha256, found.sha256, offset, length, mime)


async def content_of(ctx: Ctx, part: Part) -> bytes:
    """A part's content. Raises NotFound where somebody has removed the file that it lay in, which is made again when its task is next opened."""
    try:
        return await ctx.store.get_range(part.sha256, part.offset, part.length)
    except NotFound:
        await q.forget_derived(ctx.db, sources=[part.source_sha256])
        raise
