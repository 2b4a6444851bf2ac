"""Answers that are files on the wire: written to storage before the transaction that refers to them (platform-api §16)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from steelyard.ctx import Ctx
from steelyard.ids import new_uuid, secret_token
from steelyard.storage.books import put_recorded
from steelyard.task_types import RESULT_URL, Answer, ResultFile
from steelyard.tasks.model import ResultFileRow


async def store_answer(
    ctx: Ctx, task_id: str, answer: Answer, *, secure: bool
) -> tuple[bytes, list[ResultFileRow]]:
    """Stores a made answer's files; returns the response as JSON bytes with real URLs, and the rows to insert with it."""
    return await store_files(ctx, task_id, msgspec.json.encode(answer.response), answer.files, secure=secure)


async def store_files(
    ctx: Ctx, task_id: str, response: bytes, files: Sequence[ResultFile], *, secure: bool
) -> tuple[bytes, list[ResultFileRow]]:
    """Stores files of a response (JSON bytes); returns it with real URLs, and the rows to insert with it.

    URLs are unguessable and fetched without a key, or, with `secure`, of the form that wants the account's API key.
    """
    rows: list[ResultFileRow] = []
    for file in files:
        blob = await put_recorded(ctx.store, ctx.db, file.content, file.content_type)
        row = answer_file(blob.sha256, file.content_type, file.name)
        url = answer_url(ctx, task_id, row, secure=secure)
        response = response.replace(msgspec.json.encode(RESULT_URL + file.name), msgspec.json.encode(url))
        rows.append(row)
    return response, rows


def answer_file(sha256: str, content_type: str, name: str) -> ResultFileRow:
    """A new row for stored content that an answer refers to."""
    return ResultFileRow(new_uuid(), secret_token(), name, sha256, content_type)


def answer_url(ctx: Ctx, task_id: str, row: ResultFileRow, *, secure: bool) -> str:
    """Where a file of an answer is read, with the account's API key if `secure`."""
    if secure:
        return f"{ctx.public_url}/v1/task/{task_id}/response_url/{row.id}"
    return f"{ctx.public_url}/results/{row.token}"
