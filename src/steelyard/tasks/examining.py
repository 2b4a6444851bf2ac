"""What only a task's type can tell about its fetched files: lidar frames are read, pre-labels and layers that came by URL are checked.

A frame or scene is read in the process pool while what the workbench shows is made from it, and what that showed is all that is needed;
only one that it made nothing of is read again, for its type has the better words. A recording is never in memory as a whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from steelyard import derived
from steelyard.cpu import FileFatal, look_into
from steelyard.ctx import Ctx
from steelyard.errors import Issue, NotFound
from steelyard.task_types import (
    PRELABEL_ROLES,
    TASK_TYPES,
    AttachmentRef,
    FrameFacts,
    MediaInfo,
    SourceTask,
    TaskType,
    Unreadable,
)
from steelyard.tasks.contents import MAX_CONTENT_BYTES, unpacked
from steelyard.tasks.facts import Cloud, FileFacts, media_info
from steelyard.tasks.fetching import Outcome

AT_ONCE = 4
"""Files of one task that are fetched or read at the same time."""
_READ = ("lidar", "scene")


async def examine(
    ctx: Ctx,
    type_name: str,
    params: bytes,
    refs: Sequence[AttachmentRef],
    results: Sequence[Outcome],
    source: SourceTask | None = None,
) -> list[Outcome]:
    """The outcomes with what reading the files showed; a file that is not what it should be has failed. Pre-labels and what files say
    together are looked at when nothing else is at fault.

    `params`: JSON bytes. `source`: the task that this one builds on.
    """
    found, gate = list(results), asyncio.Semaphore(AT_ONCE)

    async def read(n: int) -> None:
        async with gate:
            found[n] = await _read(ctx, type_name, params, refs[n], results[n])

    await all_of(
        read(n)
        for n, (ref, result) in enumerate(zip(refs, results, strict=True))
        if ref.media in _READ and result.sha256 is not None and result.detail is None
    )
    if any(result.state == "failed" for result in found):
        return found
    contents, issues = await prelabels(ctx, refs, found)
    if not issues:
        media = structs.replace(media_of_files(refs, found), files=contents, source=source)
        issues = await asyncio.get_running_loop().run_in_executor(ctx.cpu, _check, type_name, params, media)
    for issue in issues:
        n = _at_fault(refs, issue.path)
        if n is not None and found[n].state != "failed":
            found[n] = Outcome("failed", found[n].status_code, issue.message)
    return found


async def all_of(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Does these side by side; raises what one of them raised first."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in list(work):
                group.create_task(each)
    except BaseExceptionGroup as failures:
        # the worker tells outages from mistakes by the exception's type
        raise failures.exceptions[0] from None


def media_of_files(refs: Sequence[AttachmentRef], results: Sequence[Outcome]) -> MediaInfo:
    """What stored files tell together."""
    return media_info([_facts(*pair) for pair in zip(refs, results, strict=True)])


def _facts(ref: AttachmentRef, result: Outcome) -> FileFacts:
    return FileFacts(
        ref.role, ref.media, ref.frame, result.width, result.height, result.sha256, result.detail
    )


async def _read(ctx: Ctx, type_name: str, params: bytes, ref: AttachmentRef, result: Outcome) -> Outcome:
    sha256, kind = result.sha256 or "", TASK_TYPES[type_name]
    made = await derived.ensure(ctx, sha256, result.mime_type or "", ref.media)
    if made is None:
        return result
    if made.problem is None and _is_known(kind, params, ref, made.detail):
        return structs.replace(result, detail=made.detail)
    problem, details, facts = made.problem, dict[str, list[str]](), None
    if kind.examine is not None:
        async with ctx.store.as_file(sha256) as source:
            try:
                own, details, facts = await look_into(ctx, _examine, type_name, params, ref, str(source))
            except FileFatal as fatal:
                own = str(fatal)
        problem = own or problem
    if problem is not None:
        return Outcome("failed", result.status_code, problem, details=details)
    if facts is None:
        return structs.replace(result, detail=made.detail)
    shown = {
        **msgspec.json.decode(made.detail),
        **structs.asdict(facts),
        "kind": "frame",
        "points": [facts.points],
    }
    return structs.replace(result, detail=msgspec.json.encode(shown).decode())


def _is_known(kind: TaskType[Any, Any], params: bytes, ref: AttachmentRef, detail: str) -> bool:
    """Whether a file was read as what its task says it is."""
    read = msgspec.json.decode(detail, type=Cloud)
    if ref.media == "scene":
        return read.kind == "scene"
    wanted = kind.frame_encoding(kind.parse_params(params))
    return read.kind == "frame" and read.images is not None and wanted in (None, read.encoding)


def _examine(
    type_name: str, params: bytes, ref: AttachmentRef, path: str
) -> tuple[str | None, dict[str, list[str]], FrameFacts | None]:
    kind = TASK_TYPES[type_name]
    assert kind.examine is not None
    try:
        return None, {}, kind.examine(kind.parse_params(params), ref, Path(path).read_bytes())
    except Unreadable as problem:
        return str(problem), problem.details, None


async def prelabels(
    ctx: Ctx, refs: Sequence[AttachmentRef], results: Sequence[Outcome]
) -> tuple[dict[str, bytes], list[Issue]]:
    """Contents of pre-labels and layers by URL, unpacked, or why they cannot be read."""
    contents: dict[str, bytes] = {}
    left = MAX_CONTENT_BYTES
    for ref, result in zip(refs, results, strict=True):
        if ref.role not in PRELABEL_ROLES or result.sha256 is None or ref.url in contents:
            continue
        if (result.size_bytes or 0) > left:
            return {}, [
                Issue(ref.path, f"is too large: pre-labels may hold {MAX_CONTENT_BYTES} bytes together")
            ]
        try:
            contents[ref.url] = unpacked(await ctx.store.get(result.sha256), left)
        except NotFound:
            return {}, [Issue(ref.path, f"{ref.path} is gone")]
        except ValueError as problem:
            return {}, [Issue(ref.path, f"{ref.path} {problem}")]
        left -= len(contents[ref.url])
    return contents, []


def _check(type_name: str, params: bytes, media: MediaInfo) -> list[Issue]:
    kind = TASK_TYPES[type_name]
    parsed: Any = kind.parse_params(params)
    return kind.check_media(parsed, media)


def _at_fault(refs: Sequence[AttachmentRef], path: str) -> int | None:
    """The file that an issue is about: the one whose path its own begins with, else the first."""
    below = [n for n, ref in enumerate(refs) if path.startswith(ref.path)]
    return max(below, key=lambda n: len(refs[n].path), default=0 if refs else None)
