"""`attachmentS3Downloads` (platform-api §10.5): time-limited, unauthenticated URLs of our copies of a task's attachments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from steelyard.ctx import Actor, Ctx
from steelyard.files.links import links_to
from steelyard.tasks import queries as q

LIFETIME_S = 24 * 3600
_UNKNOWN = "application/octet-stream"


def file_id_of(url: str) -> str | None:
    """The file id inside `scaledata://<owner>/<uuid>`, else None."""
    if not url.startswith("scaledata://"):
        return None
    return url.rsplit("/", 1)[-1].lower()


async def with_downloads(ctx: Ctx, actor: Actor, rows: Sequence[q.TaskWithCopies]) -> list[bytes]:
    """Task documents with the key `attachmentS3Downloads`. `rows`: doc, attachment_urls, stored (JSON array of [url, sha256, mime])."""
    copies: list[list[tuple[str, str | None, str | None]]] = []
    wanted: set[str] = set()
    for row in rows:
        stored: list[tuple[str, str | None, str | None]]
        if row.stored:
            stored = [tuple(entry) for entry in msgspec.json.decode(row.stored)]
        else:
            stored = [(url, None, None) for url in row.attachment_urls or ()]
        wanted.update(f for url, sha, _ in stored if sha is None and (f := file_id_of(url)))
        copies.append(stored)
    files: dict[str, q.StoredFile] = {}
    if wanted:
        found = await q.stored_files(ctx.db, space_id=actor.space_id, ids=sorted(wanted))
        files = {f.id: f for f in found}
    kinds = {
        sha256: mime or _UNKNOWN for stored in copies for _, sha256, mime in stored if sha256 is not None
    }
    kinds |= {f.sha256: f.mime_type or _UNKNOWN for f in files.values()}
    links = await links_to(ctx, actor.space_id, kinds, LIFETIME_S)
    return [
        row.doc.encode()[:-1] + b',"attachmentS3Downloads":' + _entries(links, entry, files) + b"}"
        for row, entry in zip(rows, copies, strict=True)
    ]


def _entries(
    links: Mapping[str, str],
    copies: list[tuple[str, str | None, str | None]],
    files: Mapping[str, q.StoredFile],
) -> bytes:
    entries: list[dict[str, Any]] = []
    for url, sha256, mime in copies:
        if sha256 is None and (held := files.get(file_id_of(url) or "")) is not None:
            sha256, mime = held.sha256, held.mime_type
        if sha256 is not None:
            link = links[sha256]
            metadata = {"mimeType": mime or _UNKNOWN}
        elif url.startswith(("http://", "https://")):
            link, metadata = url, {}
        else:
            continue
        entries += [
            {"attachmentURL": url, "s3URL": link, "isConvertedImage": converted, "metadata": metadata}
            for converted in (False, True)
        ]
    return msgspec.json.encode(entries)
