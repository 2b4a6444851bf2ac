"""Job `prepare_quality_task`: fetches the attachments of a quality task made by API as those of any task, then offers it or says what failed."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from msgspec import structs

from steelyard.ctx import Ctx
from steelyard.db.pool import Tx
from steelyard.errors import Issue
from steelyard.jobs.specs import PrepareTask
from steelyard.quality import queries as q
from steelyard.task_types import TASK_TYPES, MediaInfo
from steelyard.tasks.contents import read_contents
from steelyard.tasks.examining import media_of_files
from steelyard.tasks.prepare import OWN_ERROR, at_hand, error_response


async def prepare_quality_task(ctx: Ctx, args: PrepareTask) -> None:
    """Does nothing for one that is prepared already."""
    task = await q.task_to_prepare(ctx.db, space_id=args.space_id, id=args.task_id)
    if task is None:
        return
    kind = TASK_TYPES[task.type]
    refs = list(kind.attachments(kind.parse_params(task.params.encode())))
    saved = await at_hand(ctx, args, task.type, task.params.encode(), refs)
    refs, results = saved.refs, saved.results
    failed = error_response(refs, results)
    if failed is None:
        media = media_of_files(refs, results)
        failed = await _check_expected(
            ctx, args, task.type, task.params, task.expected_response.encode(), media
        )

    async def decide(tx: Tx) -> None:
        await saved(tx)
        await q.set_prepared(
            tx,
            space_id=args.space_id,
            id=args.task_id,
            state="ready" if failed is None else "failed",
            error=None if failed is None else failed.decode(),
        )

    await ctx.db.transact(decide)


async def _check_expected(
    ctx: Ctx, args: PrepareTask, type_name: str, params: str, expected: bytes, media: MediaInfo
) -> bytes | None:
    """Checks the known answer once more, now against the media and with the files that it refers to; what is wrong as the task's error."""
    links = TASK_TYPES[type_name].file_links(msgspec.json.decode(expected))
    contents, issues = await read_contents(ctx, args.space_id, args.task_id, links)
    if not issues:
        media = structs.replace(media, files=contents)
        issues = await asyncio.get_running_loop().run_in_executor(
            ctx.cpu, _expected_issues, type_name, params, expected, media
        )
    if not issues:
        return None
    path = f"expected_response.{issues[0].path}".rstrip(".")
    return msgspec.json.encode({"error": f'Parameter is invalid, reason: "{path}" {issues[0].message}'})


def _expected_issues(type_name: str, params: str, expected: bytes, media: MediaInfo) -> list[Issue]:
    kind = TASK_TYPES[type_name]
    parsed: Any = kind.parse_params(params.encode())
    if kind.check_expected is not None:
        return kind.check_expected(parsed, expected, media)
    return kind.check_response(parsed, expected, media)[0]


async def fail_unprepared_quality_task(ctx: Ctx, args: PrepareTask) -> None:
    """After the last try that ended by our own error; one that is prepared is left alone."""
    await q.set_prepared(
        ctx.db, space_id=args.space_id, id=args.task_id, state="failed", error=OWN_ERROR.decode()
    )
