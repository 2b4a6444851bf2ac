"""Answers that are files: content into storage, its addresses into the response (platform-api §16, secure result URLs)."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from steelyard.ctx import Ctx
from steelyard.db.pool import Executor
from steelyard.ids import new_uuid, secret_token
from steelyard.storage import record_blob
from steelyard.task_types import RESULT_URL, Answer
from steelyard.tasks.model import ResultFileRow

_SECURE = "select secure_result_urls from space where id = $1"
_INSERT = """
insert into result_file (space_id, task_id, id, token, name, sha256, content_type, created_at)
select $1, $2, id, token, name, sha256, content_type, steelyard.now()
from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) as f (id, token, name, sha256, content_type)
on conflict (space_id, task_id, id) do nothing
"""


async def store_answer(
    ctx: Ctx, space_id: int, task_id: str, answer: Answer
) -> tuple[bytes, list[ResultFileRow]]:
    """Stores the answer's files; → the response as JSON bytes with real URLs, and the rows to insert with it.

    To be called before the transaction that stores the response. A URL contains an unguessable token, or, if the space has
    `secure_result_urls`, names the file so that only the space's key opens it. Without files nothing is read or written.
    """
    if not answer.files:
        return msgspec.json.encode(answer.response), []
    secure = bool(await ctx.db.fetchval(_SECURE, space_id))
    rows: list[ResultFileRow] = []
    urls: dict[str, str] = {}
    for file in answer.files:
        blob = await ctx.store.put(file.content)
        await record_blob(ctx.db, blob, file.content_type)
        row = ResultFileRow(
            id=new_uuid(),
            token=secret_token(),
            name=file.name,
            sha256=blob.sha256,
            content_type=file.content_type,
        )
        rows.append(row)
        path = f"/v1/task/{task_id}/response_url/{row.id}" if secure else f"/results/{row.token}"
        urls[RESULT_URL + file.name] = ctx.public_url + path
    return msgspec.json.encode(_with_urls(answer.response, urls)), rows


def _with_urls(value: Any, urls: dict[str, str]) -> Any:
    if isinstance(value, str):
        return urls.get(value, value)
    if isinstance(value, dict):
        return {k: _with_urls(v, urls) for k, v in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_with_urls(v, urls) for v in cast("list[Any]", value)]
    return value


async def insert_result_files(on: Executor, space_id: int, task_id: str, rows: list[ResultFileRow]) -> None:
    """Writes the rows of an answer's files, in the transaction that stores the answer."""
    if rows:
        await on.execute(
            _INSERT,
            space_id,
            task_id,
            [r.id for r in rows],
            [r.token for r in rows],
            [r.name for r in rows],
            [r.sha256 for r in rows],
            [r.content_type for r in rows],
        )
