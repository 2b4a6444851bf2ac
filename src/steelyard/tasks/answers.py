"""Made-up answers of test mode: true to the very params, inside the picture where it can be known, repeatable by the task's id."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import structs

from steelyard.ctx import Ctx
from steelyard.task_types import TASK_TYPES, Answer, MediaInfo, SourceTask, TaskType
from steelyard.tasks.fetching import measure_file

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
    this one builds on, with its files.
    """
    media = await media_of_request(ctx, space_id, task_type, params)
    if source is not None:
        media = structs.replace(media, source=source)
    if not task_type.heavy_test_answer:
        return task_type.test_answer(params, seed, media)
    if media.width * media.height > MAX_HEAVY_PIXELS:
        media = MediaInfo(source=source)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(ctx.cpu, _answer_in_pool, type_name, params_json, seed, media)


async def media_of_request(ctx: Ctx, space_id: int, task_type: TaskType[Any, Any], params: Any) -> MediaInfo:
    """What is known of a task's media without fetching anything."""
    first = next((a for a in task_type.attachments(params) if a.role == "attachment"), None)
    return MediaInfo() if first is None else await measure_file(ctx, space_id, first)


def _answer_in_pool(type_name: str, params_json: bytes, seed: str, media: MediaInfo) -> Answer:
    task_type = TASK_TYPES[type_name]
    return task_type.test_answer(task_type.parse_params(params_json), seed, media)
