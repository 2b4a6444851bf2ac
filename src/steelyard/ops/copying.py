"""Files that another server keeps, copied with its tasks: attachments, layers, pre-labels, answers that are files, and what no task refers to.

An address of its own (`scaledata://`, or http on its host), and every file that an answer of a type that we know refers to, becomes an upload
here. What lies on hosts that are neither server's, as most attachments do, stays where it is and is fetched as those of any task.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from steelyard.net.guard import FetchFailed, GuardedClient
from steelyard.net.operator import Server, ServerFailed
from steelyard.ops.uploading import upload_file
from steelyard.task_types import TASK_TYPES

_AT_ONCE = 4
_SMALL = 8 * 2**20
"""Files up to so many bytes are sent by one request."""
_MAX_BYTES = 64 * 2**30
_TIMEOUT_S = 24 * 3600.0
_TRIES = 4
_NAME_PREFIX = "copied:"


class NotCopied(Exception):
    """A file could not be copied; the message says which and why."""


class _Known(Struct):
    """A file as the other server lists it."""

    attachment_url: str
    display_name: str | None = None
    reference_id: str | None = None
    size: int | None = None
    metadata: dict[str, Any] | None = None
    s3URL: str = ""


class Copier:
    """Copies files and rewrites tasks. `folder`: room for four files at a time. `wanted` and `copied` count distinct files of tasks,
    `others` what `rest` found and how much of it is here."""

    def __init__(self, source: Server, here: Server, guarded: GuardedClient, folder: Path):
        self._source, self._here, self._guarded, self._folder = source, here, guarded, folder
        self._origin = urlsplit(source.base)[:2]
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._made: dict[str, asyncio.Future[str]] = {}
        self._listed: dict[str | None, dict[str, _Known]] = {}
        self._placed: set[tuple[str, str | None]] = set()
        self.others = (0, 0)

    @property
    def wanted(self) -> int:
        return len(self._made)

    @property
    def copied(self) -> int:
        return sum(f.done() and not f.cancelled() and f.exception() is None for f in self._made.values())

    async def rest(self, projects: Sequence[str], tell: Callable[[str], None]) -> None:
        """Copies the files of these projects, and those of none, that no task has led to; `tell` is told of those that cannot be copied.

        A server that does not list files is asked for none.
        """
        wanted: list[tuple[str, str | None]] = []
        for project in (*projects, None):
            for address, known in (await self._listing(project)).items():
                if address in self._made and (project is None or self._made[address].exception()):
                    continue
                # What has no size was never fetched there.
                if (address, project) not in self._placed and known.size is not None:
                    wanted.append((address, project))
        done = 0

        async def one(address: str, project: str | None) -> None:
            nonlocal done
            try:
                await self._one(address, address, {}, project)
                done += 1
            except NotCopied as e:
                tell(str(e))

        await asyncio.gather(*(one(address, project) for address, project in wanted))
        self.others = (len(wanted), done)

    def addresses(self, task: Mapping[str, Any]) -> list[str]:
        """What of the other server a task refers to, each address once."""
        found: dict[str, None] = {}
        for key in ("params", "response", "prior_responses"):
            _each_text(task.get(key), lambda text: found.setdefault(text) if self._is_theirs(text) else None)
        kind = TASK_TYPES.get(task.get("type", ""))
        if kind is not None and isinstance(task.get("response"), dict):
            found |= {
                link.url: None for link in kind.file_links(task["response"]) if link.url.startswith("http")
            }
        return list(found)

    async def rewritten(self, task: dict[str, Any]) -> dict[str, Any]:
        """The task with the addresses of the copies. Raises NotCopied."""
        links: dict[str, str] = {
            d["attachmentURL"]: d["s3URL"] for d in reversed(task.get("attachmentS3Downloads") or ())
        }
        task = {k: v for k, v in task.items() if k != "attachmentS3Downloads"}
        wanted = self.addresses(task)
        if not wanted:
            return task
        new = dict(
            zip(wanted, await asyncio.gather(*(self._copy(a, links, task) for a in wanted)), strict=True)
        )
        return {
            k: _replaced(v, new) if k in ("params", "response", "prior_responses") else v
            for k, v in task.items()
        }

    def _is_theirs(self, text: str) -> bool:
        if text.startswith("scaledata://"):
            return True
        try:
            return text.startswith(("http://", "https://")) and urlsplit(text)[:2] == self._origin
        except ValueError:
            return False

    async def _copy(self, address: str, links: Mapping[str, str], task: Mapping[str, Any]) -> str:
        # Signatures in a query differ each time an address is given out.
        identity = address.partition("?")[0] if address.startswith("http") else address
        made = self._made.get(identity)
        if made is None:
            copying = asyncio.ensure_future(self._one(address, identity, links, task.get("project")))
            made = self._made[identity] = copying
        return await asyncio.shield(made)

    async def _one(self, address: str, identity: str, links: Mapping[str, str], project: str | None) -> str:
        self._placed.add((address, project))
        async with self._slots:
            known = (await self._listing(project)).get(address)
            # By this name a copy is found again when the import is repeated.
            name = _NAME_PREFIX + hashlib.sha256(f"{self._source.base} {identity}".encode()).hexdigest()[:40]
            known_as = known.reference_id if known is not None else None
            for reference in filter(None, (known_as, name)):
                there = (await self._here.get("/v1/files", {"reference_id": reference}))["docs"]
                if not there:
                    name = reference
                    break
                if reference == name or (known is not None and there[0]["size"] == known.size):
                    if known is None or project is None or project in there[0]["project_names"]:
                        return there[0]["attachment_url"]
                    name = reference  # sent once more, it is in this project, too
                    break
            link = address
            if address.startswith("scaledata://"):
                link = links.get(address) or await self._link(address)
            if not link.startswith("http"):
                raise NotCopied(f"{address}: the other server gives no address to fetch it from")
            details = {"reference_id": name}
            if project is not None:
                details["project_name"] = project
            if known is not None and known.display_name:
                details["display_name"] = known.display_name
            if known is not None and known.metadata is not None:
                details["metadata"] = msgspec.json.encode(known.metadata).decode()
            path = self._folder / hashlib.sha256(f"{project} {identity}".encode()).hexdigest()
            try:
                kind = await self._fetch(link, path)
                details.setdefault("display_name", urlsplit(link).path.rsplit("/", 1)[-1][:200] or "file")
                return await self._store(path, kind, details)
            except (ServerFailed, FetchFailed) as e:
                raise NotCopied(f"{identity}: {e.message}") from None
            finally:
                path.unlink(missing_ok=True)

    async def _link(self, address: str) -> str:
        """Where a file that is no attachment (a layer, a pre-label, one that no task refers to) can be fetched; "" where the server does not
        tell, as only ours does."""
        query = {"attachment_url": address, "include_attachment_url": "true"}
        try:
            for file in msgspec.convert((await self._source.get("/v1/files", query))["docs"], list[_Known]):
                if file.attachment_url == address:
                    return file.s3URL
        except (ServerFailed, KeyError, msgspec.ValidationError):
            pass
        return ""

    async def _listing(self, project: str | None) -> dict[str, _Known]:
        """What the other server tells of a project's files, or of those in none, by address; nothing where it has no such list."""
        if project not in self._listed:
            found: dict[str, _Known] = {}
            query = {"limit": "100"} | ({"project": project} if project else {"unassigned": "true"})
            try:
                while True:
                    page = await self._source.get("/v1/files", query)
                    for file in msgspec.convert(page["docs"], list[_Known]):
                        found[file.attachment_url] = file
                    if not page.get("has_more") or not page.get("cursor"):
                        break
                    query["cursor"] = page["cursor"]
            except (ServerFailed, KeyError, msgspec.ValidationError):
                pass
            self._listed[project] = found
        return self._listed[project]

    async def _fetch(self, link: str, path: Path) -> str:
        """Its MIME type. On the other server with its key; elsewhere only where anybody's addresses may lead."""
        for attempt in range(_TRIES):
            try:
                with await asyncio.to_thread(path.open, "wb") as file:
                    if urlsplit(link)[:2] == self._origin:
                        async for piece in self._source.download(link):
                            await asyncio.to_thread(file.write, piece)
                        return ""
                    async with self._guarded.get(
                        link, max_bytes=_MAX_BYTES, timeout_s=_TIMEOUT_S
                    ) as download:
                        async for piece in download.chunks():
                            await asyncio.to_thread(file.write, piece)
                    return download.content_type
            except ServerFailed as e:
                if attempt == _TRIES - 1 or e.answer not in (None, 429, 500, 502, 503, 504):
                    raise
            except FetchFailed as e:
                if attempt == _TRIES - 1 or not e.transient:
                    raise
            await asyncio.sleep(2.0**attempt)
        raise AssertionError("unreachable")

    async def _store(self, path: Path, kind: str, details: dict[str, str]) -> str:
        try:
            return await self._sent(path, kind, details)
        except ServerFailed as e:
            if e.answer != 404 or "project_name" not in details:
                raise
        # Its project is not here, so neither will its tasks be in one.
        return await self._sent(path, kind, {k: v for k, v in details.items() if k != "project_name"})

    async def _sent(self, path: Path, kind: str, details: dict[str, str]) -> str:
        if path.stat().st_size <= _SMALL:
            content = await asyncio.to_thread(path.read_bytes)
            name = details["display_name"]
            stored = await self._here.upload("/v1/files/upload", name, content, details, kind or None)
        else:
            stored = await upload_file(
                self._here, path, details, progress=lambda done, total: None, filetype=kind
            )
        return stored["attachment_url"]


def _each_text(value: Any, see: Callable[[str], Any]) -> None:
    if isinstance(value, str):
        see(value)
    elif isinstance(value, dict):
        for inner in value.values():
            _each_text(inner, see)
    elif isinstance(value, list):
        for inner in value:
            _each_text(inner, see)


def _replaced(value: Any, new: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return new.get(value, value)
    if isinstance(value, dict):
        return {k: _replaced(v, new) for k, v in value.items()}
    if isinstance(value, list):
        return [_replaced(v, new) for v in value]
    return value
