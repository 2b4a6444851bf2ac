"""A file of the web, received in full."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

from steelyard.ctx import Ctx
from steelyard.net import guard
from steelyard.storage import Spooled

_BEGINNINGS = 3


@asynccontextmanager
async def received(ctx: Ctx, url: str, *, max_bytes: int) -> AsyncGenerator[tuple[Spooled, str]]:
    """(the file, the MIME type that the server says) for the length of a block; one that changes while it comes is begun anew.

    Raises guard.FetchFailed. The connection is free and its time limit over before the block begins.
    """
    beginnings = 0
    async with AsyncExitStack() as stack:
        while True:
            beginnings += 1
            try:
                async with guard.client(ctx).get(
                    url, max_bytes=max_bytes, timeout_s=ctx.settings.attachment_timeout_seconds
                ) as download:
                    spooled = await stack.enter_async_context(ctx.store.spool(download.chunks()))
                break
            except guard.Changed:
                if beginnings == _BEGINNINGS:
                    raise
        yield spooled, download.content_type
