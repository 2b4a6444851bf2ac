"""The task that another builds on (task-types-lidar §8.1): what it asked, what was answered, and what is known of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from steelyard.ctx import Ctx
from steelyard.errors import Issue
from steelyard.ids import is_wire_id
from steelyard.task_types import TASK_TYPES, SourceTask, TaskType
from steelyard.tasks import queries as q
from steelyard.tasks.contents import read_contents
from steelyard.tasks.facts import answered_media, media_info


def source_id(task_type: TaskType[Any, Any], params: Any) -> str | None:
    """The task that typed params name as theirs to build on."""
    return None if task_type.source is None else task_type.source(params)


async def source_task(
    ctx: Ctx, space_id: int, task_id: str, *, files: bool = False
) -> tuple[SourceTask | None, Sequence[Issue]]:
    """That task, None where there is none; with `files` the contents of its answer's files, too, and why some cannot be had."""
    row = await q.source_task(ctx.db, space_id=space_id, id=task_id) if is_wire_id(task_id) else None
    if row is None:
        return None, []
    frames = media_info(await answered_media(ctx.db, space_id=space_id, task_id=task_id)).frames
    answer = None if row.response is None else row.response.encode()
    found = SourceTask(row.type, row.status, row.params.encode(), answer, frames)
    if not files or answer is None or row.status != "completed" or row.type not in TASK_TYPES:
        return found, []
    links = TASK_TYPES[row.type].file_links(msgspec.json.decode(answer))
    contents, issues = await read_contents(ctx, space_id, task_id, links)
    return msgspec.structs.replace(found, files=contents), issues
