"""The answer that people start from where a task's type makes that itself: made when the task is prepared, handed out with the work."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import structs

from steelyard.cpu import FileFatal, look_into
from steelyard.ctx import Ctx
from steelyard.db.pool import Tx
from steelyard.jobs.specs import PrepareTask
from steelyard.task_types import TASK_TYPES, Answer, MediaInfo, SourceTask
from steelyard.tasks.examining import media_of_files, prelabels
from steelyard.tasks.fetching import Q
from steelyard.tasks.intake import TakenAnswer, keep_files, reader_of, stored_files
from steelyard.tasks.results import store_answer
from steelyard.tasks.saving import FRAME_IMAGE, SaveAttachments

_put_starting_answer = Q.exec("put_starting_answer")


async def starting_answer(
    ctx: Ctx,
    args: PrepareTask,
    type_name: str,
    params: bytes,
    saved: SaveAttachments,
    source: SourceTask | None,
    secure: bool,
) -> TakenAnswer | None:
    """It, with its files stored, or None: people then start from nothing, as they do when making it takes more time or memory than it may.

    `params`: JSON; `source`: the task that this one builds on; `secure`: URLs of files want a key.
    """
    if TASK_TYPES[type_name].starting is None:
        return None
    pairs = list(zip(saved.refs, saved.results, strict=True))
    contents, _ = await prelabels(ctx, saved.refs, saved.results)
    media = structs.replace(
        media_of_files(saved.refs, saved.results),
        files=contents,
        source=source,
        images={
            ref.url: (result.width, result.height)
            for ref, result in pairs
            if ref.role == FRAME_IMAGE and result.width and result.height
        },
    )
    frames = {
        ref.frame: result.sha256 for ref, result in pairs if ref.media == "lidar" and ref.frame is not None
    }
    shas = [frames.get(n) for n in range(len(media.frames))]
    async with stored_files(ctx, shas) as paths:
        try:
            answer = await look_into(ctx, _start, type_name, params, media, paths)
        except FileFatal:
            return None
    if answer is None:
        return None
    response, files = await store_answer(ctx, args.task_id, answer, secure=secure)
    return TakenAnswer(response, files)


def _start(type_name: str, params: bytes, media: MediaInfo, paths: Sequence[str | None]) -> Answer | None:
    kind = TASK_TYPES[type_name]
    assert kind.starting is not None
    return kind.starting(kind.parse_params(params), msgspec.structs.replace(media, frame=reader_of(paths)))


async def keep_start(tx: Tx, space_id: int, task_id: str, start: TakenAnswer) -> None:
    """Hands it out with the task from now on."""
    await _put_starting_answer(tx, space_id=space_id, task_id=task_id, response=start.response.decode())
    await keep_files(tx, space_id, task_id, start.files)
