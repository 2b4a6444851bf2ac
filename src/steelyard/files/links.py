"""Links to stored content that need no key and end after a while: the store's own where the operator wants that and it has them, else ours."""

from __future__ import annotations

from collections.abc import Mapping

from steelyard.ctx import Ctx
from steelyard.media.tokens import media_url


async def links_to(ctx: Ctx, space_id: int, files: Mapping[str, str], lifetime_s: float) -> dict[str, str]:
    """Links by hash; `files`: MIME types by hash. Raises Unavailable when the store is asked and does not answer."""
    links: dict[str, str] = {}
    if ctx.settings.storage_links == "store":
        links = await ctx.store.signed_urls(files, lifetime_s)
    return {
        sha256: links.get(sha256) or media_url(ctx, space_id, sha256, mime, lifetime_s)
        for sha256, mime in files.items()
    }
