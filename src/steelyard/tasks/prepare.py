"""Job `prepare_task`: fetches a task's attachments, then queues the task, or puts it into `error` (platform-api §3.4, §25.1).

What may pass by itself (server errors, timeouts, refused connections) is tried `attachment_tries` times with growing pauses before
the task errors; what was fetched in earlier rounds is kept. Everything else is final at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct, structs

from steelyard import derived
from steelyard.ctx import Ctx
from steelyard.db.outbox import wake
from steelyard.db.pool import Tx
from steelyard.derived.pyramid import FROM_PX
from steelyard.jobs.specs import PrepareTask, RetryLater
from steelyard.task_types import TASK_TYPES, AttachmentRef, SourceTask
from steelyard.tasks.examining import AT_ONCE, all_of, examine
from steelyard.tasks.facts import frame_facts
from steelyard.tasks.fetching import IMPORT_POLL_S, Outcome, Q, fetch
from steelyard.tasks.pages import Pages, keep_pages, read_pages
from steelyard.tasks.saving import FRAME_IMAGE, SaveAttachments
from steelyard.tasks.sources import source_id, source_task
from steelyard.tasks.starting import keep_start, starting_answer
from steelyard.tasks.transitions import fail_task, lock, queue_task

_PLAYED = ("video", "audio", "pdf")
_IMPORT_TRIES = 300
_MOST_DETAILS = 1000
_ERROR = "One or more attachments could not be downloaded."
OWN_ERROR = b'{"error":"The attachments could not be processed because of an error of this server."}'
"""The `response` when we failed, not an attachment: none is at fault, so none is named."""


class _TaskRow(Struct, frozen=True):
    type: str
    params: str
    secure_result_urls: bool


class _StoredRow(Struct, frozen=True):
    url: str
    media: str
    sha256: str
    size_bytes: int
    mime_type: str
    width: int | None
    height: int | None


_task_to_prepare = Q.opt("task_to_prepare", _TaskRow)
_stored_attachments = Q.all("stored_attachments", _StoredRow)


async def prepare_task(ctx: Ctx, args: PrepareTask) -> None:
    """Does nothing for a task that is not `preparing` any more (cancelled, or prepared by an earlier run)."""
    space_id, task_id = args.space_id, args.task_id
    task = await _task_to_prepare(ctx.db, space_id=space_id, task_id=task_id)
    if task is None:
        return
    kind = TASK_TYPES[task.type]
    params = kind.parse_params(task.params.encode())
    refs = list(kind.attachments(params))
    named, source, known = source_id(kind, params), None, dict[tuple[str, str], Outcome]()
    if named is not None:
        source, _ = await source_task(ctx, space_id, named, files=True)
        if source is not None:
            refs += kind.source_files(params, source)
            known = await _stored(ctx, space_id, named)
    saved = await at_hand(ctx, args, task.type, task.params.encode(), refs, known, source)
    refs, results = saved.refs, saved.results
    response = error_response(refs, results)
    pages = Pages()
    if response is None:
        pages = await read_pages(ctx, args.task_id, task.type, refs, results, secure=task.secure_result_urls)

    start = None
    if response is None:
        start = await starting_answer(
            ctx, args, task.type, task.params.encode(), saved, source, task.secure_result_urls
        )

    large = {
        r.sha256: derived.DeriveMedia(r.sha256, r.mime_type)
        for r in results
        if r.sha256 and r.mime_type and max(r.width or 0, r.height or 0) > FROM_PX
    }

    async def decide(tx: Tx) -> None:
        await saved(tx)
        await derived.promise(tx, list(large.values()))
        if response is None:
            if await queue_task(ctx, tx, space_id, task_id):
                await keep_pages(tx, space_id, task_id, pages)
                if start is not None:
                    await keep_start(tx, space_id, task_id, start)
        else:
            await fail_task(ctx, tx, space_id, task_id, response)

    await ctx.db.transact(decide)
    wake(ctx)


async def fail_unprepared(ctx: Ctx, args: PrepareTask) -> None:
    """After the last try that ended by our own error: the task goes to `error` instead of waiting for ever. Others are left alone."""

    async def decide(tx: Tx) -> None:
        # `fail_task` takes queued tasks too; an earlier run may have queued this one without its job learning of it.
        await lock(tx, args.space_id, args.task_id)
        if await _task_to_prepare(tx, space_id=args.space_id, task_id=args.task_id) is not None:
            await fail_task(ctx, tx, args.space_id, args.task_id, OWN_ERROR)

    await ctx.db.transact(decide)
    wake(ctx)


async def _stored(ctx: Ctx, space_id: int, task_id: str) -> dict[tuple[str, str], Outcome]:
    """What a task has stored already, by (url, media)."""
    return {
        (row.url, row.media): Outcome(
            "stored",
            200,
            sha256=row.sha256,
            size_bytes=row.size_bytes,
            mime_type=row.mime_type,
            width=row.width,
            height=row.height,
        )
        for row in await _stored_attachments(ctx.db, space_id=space_id, task_id=task_id)
    }


async def at_hand(
    ctx: Ctx,
    args: PrepareTask,
    type_name: str,
    params: bytes,
    refs: Sequence[AttachmentRef],
    known: Mapping[tuple[str, str], Outcome] = MappingProxyType({}),
    source: SourceTask | None = None,
) -> SaveAttachments:
    """What came of the files of a task (`params`: JSON) once they were fetched and its type has looked at them; after them the camera images
    that its frames name. Raises RetryLater, what is fetched so far being noted, when another round may do better.
    """
    outcomes = await fetch_all(ctx, args, refs, known)
    saved = SaveAttachments(
        args.space_id, args.task_id, refs, [outcomes[(ref.url, ref.media)] for ref in refs]
    )
    await _or_again(ctx, args, saved)
    saved = structs.replace(saved, results=await examine(ctx, type_name, params, refs, saved.results, source))
    images = frame_images(refs, saved.results)
    if images:
        outcomes = await fetch_all(ctx, args, images, known)
        found = [outcomes[(ref.url, ref.media)] for ref in images]
        saved = structs.replace(saved, refs=[*refs, *images], results=[*saved.results, *found])
        await _or_again(ctx, args, saved)
    return saved


async def _or_again(ctx: Ctx, args: PrepareTask, saved: SaveAttachments) -> None:
    if (again := next_round(ctx, args, saved.results)) is not None:
        await saved(ctx.db)
        raise again


def frame_images(refs: Sequence[AttachmentRef], results: Sequence[Outcome]) -> list[AttachmentRef]:
    """The camera images that lidar frames name (task-types-lidar §3.1); none while a file is at fault."""
    if any(result.state == "failed" for result in results):
        return []
    return [
        AttachmentRef(f"{ref.path}.images[{n}].image_url", url, FRAME_IMAGE, "image", ref.frame)
        for ref, result in zip(refs, results, strict=True)
        if ref.media == "lidar" and (facts := frame_facts(result.detail)) is not None
        for n, url in enumerate(facts.images)
    ]


async def fetch_all(
    ctx: Ctx,
    args: PrepareTask,
    refs: Sequence[AttachmentRef],
    known: Mapping[tuple[str, str], Outcome] = MappingProxyType({}),
) -> dict[tuple[str, str], Outcome]:
    """Outcome by (url, media); equal ones are fetched once, those of earlier rounds and those that are `known` not again."""
    wanted = {(ref.url, ref.media) for ref in refs}
    outcomes = {key: outcome for key, outcome in known.items() if key in wanted}
    if args.tries > 0:
        outcomes |= await _stored(ctx, args.space_id, args.task_id)
    missing = {(ref.url, ref.media): ref for ref in refs if (ref.url, ref.media) not in outcomes}
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(key: tuple[str, str], ref: AttachmentRef) -> None:
        async with gate:
            outcomes[key] = await fetch(ctx, args.space_id, ref)

    await all_of(one(key, ref) for key, ref in missing.items())
    await _played(ctx, outcomes)
    return outcomes


async def _played(ctx: Ctx, outcomes: dict[tuple[str, str], Outcome]) -> None:
    """Recordings and documents are made ready for the workbench now, which shows whether they can be decoded at all."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(key: tuple[str, str], found: Outcome) -> None:
        assert found.sha256 is not None and found.mime_type is not None
        async with gate:
            made = await derived.ensure(ctx, found.sha256, found.mime_type, key[1])
        if made is not None and made.problem is not None:
            outcomes[key] = Outcome("failed", 200, made.problem)
        elif made is not None:
            outcomes[key] = structs.replace(found, detail=made.detail)

    await all_of(
        one(key, found)
        for key, found in outcomes.items()
        if key[1] in _PLAYED and found.sha256 is not None and found.mime_type is not None
    )


def next_round(ctx: Ctx, args: PrepareTask, results: Sequence[Outcome]) -> RetryLater | None:
    """The next round, if every failure may pass by itself and rounds are left; None when the outcome is final."""
    failures = [r for r in results if r.state == "failed"]
    if not failures or not all(r.transient for r in failures):
        return None
    following = structs.replace(args, tries=args.tries + 1)
    if all(r.importing for r in failures):
        if args.tries < _IMPORT_TRIES:
            return RetryLater(IMPORT_POLL_S, failures[0].message, args=following)
        return None
    if args.tries + 1 >= ctx.settings.attachment_tries:
        return None
    return RetryLater(
        ctx.settings.attachment_retry_seconds * 4.0**args.tries, failures[0].message, args=following
    )


def error_response(refs: Sequence[AttachmentRef], results: Sequence[Outcome]) -> bytes | None:
    """The `response` of a task whose attachments failed (platform-api §3.4), None if none did.

    `details` lists what else is wrong with files that were fetched. Each failure once, in document order. Frames of a sequence that were
    fetched but cannot be used, and those with a camera image that cannot, stand under `frames`, one entry a frame. `message` says why
    wherever there is more to say than a status.
    """
    attachments: list[dict[str, Any]] = []
    frames: dict[int, dict[str, Any]] = {}
    details: list[dict[str, Any]] = []
    for ref, result in zip(refs, results, strict=True):
        if result.state != "failed":
            continue
        item: dict[str, Any] = {"statusCode": result.status_code, "url": ref.url}
        details += [{"path": path, "errors": errors} for path, errors in result.details.items()]
        if ref.frame is not None and ref.role == FRAME_IMAGE:
            said = result.message or f"HTTP {result.status_code}"
            place = ref.path.removeprefix("lidar_task.").partition(".")[2]
            done = "use" if result.status_code == 200 else "fetch"
            entry = {"frame": ref.frame, "message": f"could not {done} {place}: {said}", "attachment": item}
            frames.setdefault(ref.frame, entry)
            details.append({"path": ref.path.replace("[", ".").replace("]", ""), "errors": [said]})
        elif ref.frame is not None and result.status_code == 200:
            entry = {"frame": ref.frame, "message": result.message or "", "attachment": item}
            frames.setdefault(ref.frame, entry)
        else:
            if result.message:
                item["message"] = result.message
            if item not in attachments:
                attachments.append(item)
    if not attachments and not frames:
        return None
    response: dict[str, Any] = {"error": _ERROR}
    if attachments:
        response["attachments"] = attachments
    if frames:
        response["frames"] = list(frames.values())
    if details:
        response["details"] = details[:_MOST_DETAILS]
    return msgspec.json.encode(response)
