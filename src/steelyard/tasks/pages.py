"""`document_pages` (task-types-text §8.3): the pages of a task's documents, known once these are at hand."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from steelyard import derived
from steelyard.cpu import FileFatal, look_into
from steelyard.ctx import Ctx
from steelyard.db.pool import Tx
from steelyard.errors import NotFound
from steelyard.media.pages import draw_frame, page_sizes
from steelyard.storage.books import put_recorded
from steelyard.task_types import TASK_TYPES, AttachmentRef, MediaInfo
from steelyard.tasks import queries as q
from steelyard.tasks.fetching import Outcome
from steelyard.tasks.intake import keep_files
from steelyard.tasks.model import ResultFileRow
from steelyard.tasks.results import answer_file, answer_url

MADE_UP = (850, 1100)
"""A page of a document that is not read, as made-up answers take it to be. Pixels."""


class DocumentPage(Struct, frozen=True, omit_defaults=True):
    """A page on the wire. Units: pixels; `attachment_index` counts the task's attachments from 0; `url` is that of its image, which may be
    smaller, with the same sides in proportion, and is missing where there is none."""

    width: float
    height: float
    attachment_index: int
    url: str | None = None


class Pages(Struct, frozen=True):
    """The pages of a task and the files of their images."""

    pages: list[DocumentPage] = []
    files: list[ResultFileRow] = []


async def read_pages(
    ctx: Ctx,
    task_id: str,
    type_name: str,
    refs: Sequence[AttachmentRef],
    results: Sequence[Outcome],
    *,
    secure: bool,
) -> Pages:
    """The pages of stored documents in their order; none for types that have no pages. `secure`: URLs of files want a key."""
    found = Pages([], [])
    if not TASK_TYPES[type_name].has_pages:
        return found
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
        for n, (width, height) in enumerate(sizes):
            image = await _image(ctx, result, n)
            url = None if image is None else answer_url(ctx, task_id, image, secure=secure)
            found.pages.append(DocumentPage(width, height, index, url))
            found.files.extend([] if image is None else [image])
    return found


async def _image(ctx: Ctx, document: Outcome, n: int) -> ResultFileRow | None:
    """The stored image of page `n`, None where there is none. A picture is its own page; pages of PDF files are what the workbench shows."""
    sha256, mime = document.sha256 or "", document.mime_type or ""
    try:
        if mime == "application/pdf":
            content = await _drawn(ctx, sha256, mime, n)
        elif mime == "image/tiff":
            async with ctx.store.as_file(sha256) as path:
                content = await look_into(ctx, draw_frame, str(path), n)
        else:
            return answer_file(sha256, mime, f"page-{n}") if mime.startswith("image/") else None
    except (FileFatal, NotFound):
        return None
    if content is None:
        return None
    blob = await put_recorded(ctx.store, ctx.db, content, "image/jpeg")
    return answer_file(blob.sha256, "image/jpeg", f"page-{n}.jpg")


async def _drawn(ctx: Ctx, sha256: str, mime: str, n: int) -> bytes | None:
    made = await derived.ensure(ctx, sha256, mime, "any")
    place = None if made is None or made.sha256 is None else derived.places(made).get(f"page-{n}.jpg")
    if made is None or made.sha256 is None or place is None:
        return None
    return await ctx.store.get_range(made.sha256, place.offset, place.length)


async def keep_pages(tx: Tx, space_id: int, task_id: str, found: Pages) -> None:
    """Shows the pages on the task from now on."""
    if found.pages:
        await q.add_to_head(tx, space_id=space_id, task_id=task_id, members=_member(found.pages).decode())
        await keep_files(tx, space_id, task_id, found.files)


def made_up_pages(media: MediaInfo, documents: int) -> bytes:
    """The member of a test task: a page of every document, the first in its true size where that is known. JSON without braces."""
    first = (media.width, media.height) if media.width and media.height else MADE_UP
    sizes = [first, *[MADE_UP] * (documents - 1)]
    return _member([DocumentPage(width, height, n) for n, (width, height) in enumerate(sizes)])


def _member(pages: Sequence[DocumentPage]) -> bytes:
    return msgspec.json.encode({"document_pages": pages})[1:-1]
