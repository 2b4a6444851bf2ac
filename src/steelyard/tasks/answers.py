"""Made-up answers of test mode: true to the very params, inside the picture where it can be known, repeatable by the task's id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from msgspec import structs

from steelyard.cpu import FileFatal, look_into
from steelyard.ctx import Ctx
from steelyard.task_types import (
    TASK_TYPES,
    Answer,
    AttachmentRef,
    FrameFacts,
    MediaInfo,
    SourceTask,
    TaskType,
    Unreadable,
)
from steelyard.tasks.fetching import file_content, measure_file
from steelyard.tasks.intake import reader_of, stored_files

MAX_FRAMES = 20
"""Frames that a made-up answer is made from: the creation waits for it."""

MAX_HEAVY_PIXELS = 16_000_000
"""Larger pictures are treated as unknown by types that paint: a made-up map is not worth a gigabyte."""


async def make_answer(
    ctx: Ctx,
    space_id: int,
    type_name: str,
    task_type: TaskType[Any, Any],
    params: Any,
    params_json: bytes,
    seed: str,
    source: SourceTask | None = None,
) -> Answer:
    """The answer; made in the process pool when the type needs numeric libraries.

    Attachments of test tasks are not fetched (platform-api §2.2), but a file that was uploaded here is measured. `source`: the task that
    this one builds on, with its files; its frames are read where they were uploaded.
    """
    media = await media_of_request(ctx, space_id, task_type, params)
    if source is not None:
        media = structs.replace(media, source=source)
        answer = await _with_frames(ctx, space_id, type_name, params, params_json, seed, media)
        if answer is not None:
            return answer
    if not task_type.heavy_test_answer:
        return task_type.test_answer(params, seed, media)
    if media.width * media.height > MAX_HEAVY_PIXELS:
        media = MediaInfo(source=source)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(ctx.cpu, _answer_in_pool, type_name, params_json, seed, media)


async def _with_frames(
    ctx: Ctx, space_id: int, type_name: str, params: Any, params_json: bytes, seed: str, media: MediaInfo
) -> Answer | None:
    """The same with the frames of the source and the sizes of their images; None where none of them is a file of this space, or reading
    them takes more time or memory than it may."""
    assert media.source is not None
    refs = [ref for ref in TASK_TYPES[type_name].source_files(params, media.source) if ref.frame is not None]
    shas: list[str | None] = [None] * (1 + max((ref.frame or 0 for ref in refs), default=-1))
    for ref in refs[:MAX_FRAMES]:
        shas[ref.frame or 0] = await file_content(ctx, space_id, ref)
    if not any(shas):
        return None
    async with stored_files(ctx, shas) as paths:
        try:
            facts = await look_into(ctx, _frame_facts, type_name, params_json, refs, paths)
            images = dict[str, tuple[int, int]]()
            for url in dict.fromkeys(url for fact in facts if fact is not None for url in fact.images):
                size = await measure_file(ctx, space_id, AttachmentRef("", url, media="image"))
                if size.width:
                    images[url] = (size.width, size.height)
            media = structs.replace(media, frames=facts, images=images)
            return await look_into(ctx, _answer_in_pool, type_name, params_json, seed, media, paths)
        except FileFatal:
            return None


def _frame_facts(
    type_name: str, params_json: bytes, refs: Sequence[AttachmentRef], paths: Sequence[str | None]
) -> tuple[FrameFacts | None, ...]:
    """What is known of every frame; None for one that is not at hand, or no frame."""
    kind = TASK_TYPES[type_name]
    assert kind.examine is not None
    params, read = kind.parse_params(params_json), reader_of(paths)
    facts: list[FrameFacts | None] = [None] * len(paths)
    for ref in refs:
        content = read(ref.frame or 0)
        with suppress(Unreadable):
            facts[ref.frame or 0] = None if content is None else kind.examine(params, ref, content)
    return tuple(facts)


async def media_of_request(ctx: Ctx, space_id: int, task_type: TaskType[Any, Any], params: Any) -> MediaInfo:
    """What is known of a task's media without fetching anything."""
    first = next((a for a in task_type.attachments(params) if a.role == "attachment"), None)
    return MediaInfo() if first is None else await measure_file(ctx, space_id, first)


def _answer_in_pool(
    type_name: str, params_json: bytes, seed: str, media: MediaInfo, paths: Sequence[str | None] = ()
) -> Answer:
    """`paths`: of lidar frames."""
    task_type = TASK_TYPES[type_name]
    media = structs.replace(media, frame=reader_of(paths))
    return task_type.test_answer(task_type.parse_params(params_json), seed, media)
