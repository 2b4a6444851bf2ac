"""How alike answers are, by the metric of their task type: computed in the process pool, files of answers put in place of their URLs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from steelyard import tasks
from steelyard.ctx import Ctx
from steelyard.task_types import TASK_TYPES, FileLink, MediaInfo


class Score(Struct, frozen=True):
    """How alike two answers are: `score` in 0..1, `detail` as JSON text."""

    score: float
    detail: str


async def compare(
    ctx: Ctx,
    space_id: int,
    type_name: str,
    params: bytes,
    answers: Sequence[bytes],
    pairs: Sequence[tuple[int, int]],
    media: MediaInfo = MediaInfo(),
) -> list[Score]:
    """The agreement of some pairs of answers (JSON bytes; pairs are indices into `answers`).

    A pair that the type's metric fails on scores 0 and says so in its detail: a task must not be stuck for it. A detail holds no more
    than the metric says. Raises InvalidResponse when a file that an answer refers to cannot be read: no score is better than a wrong one,
    and a job tries again.
    """
    loop = asyncio.get_running_loop()
    links = await loop.run_in_executor(ctx.cpu, _links, type_name, list(answers))
    # Stored answers hold no parts "sent before", so no task is named.
    contents, issues = await tasks.read_contents(ctx, space_id, "", links)
    if issues:
        raise tasks.InvalidResponse(tasks.summary_of(issues), issues=issues)
    return await loop.run_in_executor(
        ctx.cpu, _compare, type_name, params, list(answers), contents, list(pairs), media
    )


def _links(type_name: str, answers: list[bytes]) -> list[FileLink]:
    task_type = TASK_TYPES[type_name]
    return [link for answer in answers for link in task_type.file_links(msgspec.json.decode(answer))]


def _compare(
    type_name: str,
    params: bytes,
    answers: list[bytes],
    contents: dict[str, bytes],
    pairs: list[tuple[int, int]],
    media: MediaInfo,
) -> list[Score]:
    task_type = TASK_TYPES[type_name]
    parsed = task_type.parse_params(params)
    decoded = [_with_files(msgspec.json.decode(answer), contents) for answer in answers]
    scores: list[Score] = []
    for a, b in pairs:
        try:
            found = task_type.agreement(parsed, decoded[a], decoded[b], media)
            detail = msgspec.json.encode(found.detail).decode()
            scores.append(Score(min(1.0, max(0.0, float(found.score))), detail))
        except Exception as e:
            reason = f"{type(e).__name__}: {e}"[:500].replace("\0", "")
            scores.append(Score(0.0, msgspec.json.encode({"error": reason}).decode()))
    return scores


def _with_files(value: Any, contents: dict[str, bytes]) -> Any:
    """The answer with the content of files in place of their URLs."""
    if not contents:
        return value
    if isinstance(value, str):
        return contents.get(value, value)
    if isinstance(value, list):
        return [_with_files(item, contents) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {k: _with_files(v, contents) for k, v in cast("dict[str, Any]", value).items()}
    return value
