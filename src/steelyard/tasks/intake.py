"""Answers on their way in, whoever gives them: their files are read, their type checks them, what is a file on the wire is stored.

All of it happens before the transaction that the answer goes in with; files of an answer that comes to nothing are collected later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor
from steelyard.errors import InvalidRequest, Issue, NotFound, TooLarge
from steelyard.ids import new_uuid
from steelyard.storage import Spooled
from steelyard.storage.books import keep_recorded
from steelyard.task_types import TASK_TYPES, FileLink, MediaInfo, ResultFile, Turn
from steelyard.tasks.contents import MAX_CONTENT_BYTES, UPLOAD_URL, Q, read_contents, unpacked
from steelyard.tasks.facts import answered_media, media_info
from steelyard.tasks.model import ResultFileRow
from steelyard.tasks.results import store_files
from steelyard.tasks.sources import source_task

MAX_RESPONSE_BYTES = 10 * 1024 * 1024
"""Of the answer itself; what is larger goes into files."""
_OFF_LOOP_BYTES = 256 * 1024


class InvalidResponse(InvalidRequest):
    """The answer breaks rules of its task type; `issues` has all of them."""

    code = "invalid-response"


class Subject(Struct, frozen=True):
    """What an answer is about: the task that its files will hang on, its type and params (JSON), and what is known of its media.

    `secure`: URLs of files want a key (platform-api §16). `frames`: the stored objects of its lidar frames (sha256).
    """

    space_id: int
    task_id: str
    type: str
    params: bytes
    media: MediaInfo = MediaInfo()
    secure: bool = False
    frames: tuple[str | None, ...] = ()


class OneTurn(Struct, frozen=True):
    """The answer to be taken need not be whole: it goes one turn, at least, further than `earlier` (JSON bytes)."""

    earlier: bytes | None


class TakenAnswer(Struct, frozen=True):
    """A checked answer as it is stored (JSON bytes), the rows of its files for `keep_files` in the same transaction, and the turn that
    comes after it."""

    response: bytes
    files: list[ResultFileRow] = []
    turn: Turn | None = None


class _TaskRow(Struct, frozen=True):
    type: str
    params: str
    secure_result_urls: bool
    pages: str | None


class _PrelabelFile(Struct, frozen=True):
    url: str
    sha256: str


class _Page(Struct, frozen=True):
    width: float
    height: float


_answered_task = Q.opt("answered_task", _TaskRow)
_prelabel_files = Q.all("prelabel_files", _PrelabelFile)
_add_result_files = Q.exec("add_result_files")
_insert_answer_upload = Q.exec("insert_answer_upload")
forget_answer_uploads = Q.value("forget_answer_uploads", int)


async def subject_of(ctx: Ctx, space_id: int, task_id: str) -> Subject:
    """What an answer to this task is about. Raises NotFound."""
    task = await _answered_task(ctx.db, space_id=space_id, task_id=task_id)
    if task is None:
        raise NotFound("Task with that ID not found.")
    rows = await answered_media(ctx.db, space_id=space_id, task_id=task_id)
    media = media_info(rows)
    if task.pages is not None:
        pages = msgspec.json.decode(task.pages, type=list[_Page])
        media = msgspec.structs.replace(media, pages=tuple((page.width, page.height) for page in pages))
    frames = {row.frame: row.sha256 for row in rows if row.media == "lidar" and row.frame is not None}
    return Subject(
        space_id,
        task_id,
        task.type,
        task.params.encode(),
        media,
        secure=task.secure_result_urls,
        frames=tuple(frames.get(n) for n in range(len(media.frames))),
    )


async def media_of(ctx: Ctx, space_id: int, task_id: str) -> MediaInfo:
    """What is known of the stored files of a task."""
    return media_info(await answered_media(ctx.db, space_id=space_id, task_id=task_id))


async def take_answer(
    ctx: Ctx, subject: Subject, response: bytes, *, member_id: int | None = None, turn: OneTurn | None = None
) -> TakenAnswer:
    """The answer (JSON bytes) checked and ready to be stored; its files are stored already.

    `member_id`: whose parts sent before it may be used; None: anybody's. Raises InvalidResponse with every issue, TooLarge.
    """
    if len(response) > MAX_RESPONSE_BYTES:
        raise TooLarge(f"A response may hold at most {MAX_RESPONSE_BYTES} bytes.")
    links = await _run(ctx, len(response), _links, subject.type, response)
    contents, issues = await read_contents(ctx, subject.space_id, subject.task_id, links, member_id=member_id)
    if issues:
        raise InvalidResponse(summary_of(issues), issues=issues)
    kind, frames = TASK_TYPES[subject.type], subject.frames
    if kind.held_to_prelabels is not None and kind.held_to_prelabels(kind.parse_params(subject.params)):
        contents |= await _prelabels(ctx, subject)
    media = msgspec.structs.replace(subject.media, files=contents) if contents else subject.media
    if kind.source is not None:
        params = kind.parse_params(subject.params)
        media = await _on_source(ctx, subject, kind.source(params), media)
    if any(frames):
        frames = frames if kind.needs_frames(kind.parse_params(subject.params)) else ()
    size = len(response) + len(subject.params) + sum(map(len, contents.values()))
    heavy = size if not contents and not frames and media.source is None else max(size, _OFF_LOOP_BYTES + 1)
    async with stored_files(ctx, frames) as paths:
        issues, stored, files = await _run(
            ctx, heavy, _check, subject.type, subject.params, response, media, paths, turn
        )
    if issues:
        raise InvalidResponse(summary_of(issues), issues=issues)
    rows: list[ResultFileRow] = []
    if files:
        stored, rows = await store_files(ctx, subject.task_id, stored, files, secure=subject.secure)
    following = None
    if kind.next_turn is not None:
        following = kind.next_turn(kind.parse_params(subject.params), stored)
    return TakenAnswer(stored, rows, following)


async def _prelabels(ctx: Ctx, subject: Subject) -> dict[str, bytes]:
    """Contents of the files of its pre-labels by URL, as they were when it was prepared; raises InvalidResponse where one is gone."""
    files = await _prelabel_files(ctx.db, space_id=subject.space_id, task_id=subject.task_id)
    try:
        return {file.url: unpacked(await ctx.store.get(file.sha256), MAX_CONTENT_BYTES) for file in files}
    except NotFound:
        issue = Issue("", "cannot be checked: the file of the task's pre-labels is gone")
        raise InvalidResponse(issue.message, issues=[issue]) from None


async def keep_files(tx: Executor, space_id: int, task_id: str, files: Sequence[ResultFileRow]) -> None:
    """The rows of an answer's files; belongs into the transaction that stores the answer."""
    if files:
        await _add_result_files(
            tx,
            space_id=space_id,
            task_id=task_id,
            ids=[f.id for f in files],
            tokens=[f.token for f in files],
            names=[f.name for f in files],
            sha256s=[f.sha256 for f in files],
            content_types=[f.content_type for f in files],
        )


async def add_answer_upload(ctx: Ctx, actor: Actor, task_id: str, spooled: Spooled, content_type: str) -> str:
    """Stores a large part of an answer that is still to come; the URL by which the answer refers to it."""
    blob = await keep_recorded(ctx.store, ctx.db, spooled, content_type)
    upload_id = new_uuid()
    await _insert_answer_upload(
        ctx.db,
        space_id=actor.space_id,
        id=upload_id,
        task_id=task_id,
        member_id=actor.member_id,
        sha256=blob.sha256,
        size_bytes=blob.size_bytes,
        content_type=content_type,
    )
    return UPLOAD_URL + upload_id


def summary_of(issues: Sequence[Issue]) -> str:
    """The first issue, and how many more there are."""
    first = f"{issues[0].path}: {issues[0].message}" if issues[0].path else issues[0].message
    return first if len(issues) == 1 else f"{first} (and {len(issues) - 1} more)"


async def _run(ctx: Ctx, size: int, work: Any, *given: Any) -> Any:
    """Off the event loop when there is much to do."""
    if size <= _OFF_LOOP_BYTES:
        return work(*given)
    return await asyncio.get_running_loop().run_in_executor(ctx.cpu, work, *given)


def _links(type_name: str, response: bytes) -> list[FileLink]:
    task_type = TASK_TYPES[type_name]
    if task_type.result_files is None:
        return []
    try:
        given: Any = msgspec.json.decode(response)
    except (msgspec.DecodeError, RecursionError, ValueError, OverflowError):
        return []  # the check says what is wrong with it
    return list(task_type.file_links(given)) if isinstance(given, dict) else []


async def _on_source(ctx: Ctx, subject: Subject, named: str | None, media: MediaInfo) -> MediaInfo:
    if named is None:
        return media
    source, issues = await source_task(ctx, subject.space_id, named, files=True)
    if issues:
        raise InvalidResponse(f"lidar_task {named}: {summary_of(issues)}", issues=issues)
    return msgspec.structs.replace(media, source=source)


@asynccontextmanager
async def stored_files(ctx: Ctx, sha256s: Sequence[str | None]) -> AsyncGenerator[list[str | None]]:
    """Paths of stored objects, None for those that are gone; copies of what lies elsewhere, for the time being."""
    async with AsyncExitStack() as stack:
        paths: list[str | None] = []
        for sha256 in sha256s:
            try:
                path = None if sha256 is None else await stack.enter_async_context(ctx.store.as_file(sha256))
            except NotFound:
                path = None
            paths.append(None if path is None else str(path))
        yield paths


def reader_of(paths: Sequence[str | None]) -> Callable[[int], bytes | None]:
    """`MediaInfo.frame` for the paths of lidar frames."""

    def read(n: int) -> bytes | None:
        path = paths[n] if n < len(paths) else None
        try:
            return None if path is None else Path(path).read_bytes()
        except FileNotFoundError:
            return None

    return read


def _check(
    type_name: str,
    params: bytes,
    response: bytes,
    media: MediaInfo,
    frames: Sequence[str | None] = (),
    turn: OneTurn | None = None,
) -> tuple[list[Issue], bytes, tuple[ResultFile, ...]]:
    """All issues of an answer, or the answer as JSON bytes to store with its files. `frames`: paths of lidar frames."""
    task_type = TASK_TYPES[type_name]
    if frames:
        media = msgspec.structs.replace(media, frame=reader_of(frames))
    parsed = task_type.parse_params(params)
    if turn is not None and task_type.check_turn is not None:
        issues, stored = task_type.check_turn(parsed, turn.earlier, response, media)
    else:
        issues, stored = task_type.check_response(parsed, response, media)
    if issues or task_type.result_files is None:
        return issues, stored, ()
    answer = task_type.result_files(parsed, stored, media)
    return [], msgspec.json.encode(answer.response), answer.files
