"""`document_pages` (task-types-text §8.3): the pages of a task's documents, known once these are at hand."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from steelyard.cpu import FileFatal, look_into
from steelyard.ctx import Ctx
from steelyard.db.pool import Tx
from steelyard.media.pages import page_sizes
from steelyard.task_types import TASK_TYPES, AttachmentRef, MediaInfo
from steelyard.tasks import queries as q
from steelyard.tasks.fetching import Outcome

MADE_UP = (850, 1100)
"""A page of a document that is not read, as made-up answers take it to be. Pixels."""


class DocumentPage(Struct, frozen=True):
    """A page on the wire. Units: pixels; `attachment_index` counts the task's attachments from 0."""

    width: float
    height: float
    attachment_index: int


async def read_pages(
    ctx: Ctx, type_name: str, refs: Sequence[AttachmentRef], results: Sequence[Outcome]
) -> list[DocumentPage]:
    """The pages of stored documents in their order; none for types that have no pages."""
    if not TASK_TYPES[type_name].has_pages:
        return []
    found: list[DocumentPage] = []
    index = -1
    for ref, result in zip(refs, results, strict=True):
        if ref.role != "attachment":
            continue
        index += 1
        if result.sha256 is None:
            continue
        try:
            async with ctx.store.as_file(result.sha256) as path:
                sizes = await look_into(ctx, page_sizes, str(path))
        except FileFatal:
            sizes = []
        found += [DocumentPage(width, height, index) for width, height in sizes]
    return found


async def keep_pages(tx: Tx, space_id: int, task_id: str, pages: Sequence[DocumentPage]) -> None:
    """Shows the pages on the task from now on."""
    if pages:
        await q.add_to_head(tx, space_id=space_id, task_id=task_id, members=_member(pages).decode())


def made_up_pages(media: MediaInfo, documents: int) -> bytes:
    """The member of a test task: a page of every document, the first in its true size where that is known. JSON without braces."""
    first = (media.width, media.height) if media.width and media.height else MADE_UP
    sizes = [first, *[MADE_UP] * (documents - 1)]
    return _member([DocumentPage(width, height, n) for n, (width, height) in enumerate(sizes)])


def _member(pages: Sequence[DocumentPage]) -> bytes:
    return msgspec.json.encode({"document_pages": pages})[1:-1]
