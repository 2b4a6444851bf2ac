"""How alike answers are, by the metric of their task type: computed in the process pool, files of answers put in place of their URLs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from steelyard.ctx import Ctx
from steelyard.task_types import TASK_TYPES, MediaInfo
from steelyard.work import queries as q


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
    than the metric says.
    """
    contents = await _files(ctx, space_id, answers)
    return await asyncio.get_running_loop().run_in_executor(
        ctx.cpu, _compare, type_name, params, list(answers), contents, list(pairs), media
    )


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


async def _files(ctx: Ctx, space_id: int, answers: Sequence[bytes]) -> dict[str, bytes]:
    """URL → content of the files that answers of this space refer to."""
    base = re.escape(ctx.public_url.encode())
    pattern = re.compile(base + rb"/(?:results/([\w-]+)|v1/task/[0-9a-f]+/response_url/([\w-]+))")
    urls: dict[str, tuple[str | None, str | None]] = {}
    for answer in answers:
        for match in pattern.finditer(answer.replace(b"\\/", b"/")):
            token, file_id = (None if part is None else part.decode() for part in match.groups())
            urls[match[0].decode()] = (token, file_id)
    if not urls:
        return {}
    rows = await q.result_files(
        ctx.db,
        space_id=space_id,
        tokens=[token for token, _ in urls.values() if token],
        ids=[file_id for _, file_id in urls.values() if file_id],
    )
    by_name = {name: row.sha256 for row in rows for name in (row.token, row.id)}
    found: dict[str, bytes] = {}
    for url, (token, file_id) in urls.items():
        sha256 = by_name.get(token or file_id or "")
        if sha256 is not None:
            found[url] = await ctx.store.get(sha256)
    return found


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
