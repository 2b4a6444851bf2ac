"""`steelyard import`: tasks from NDJSON, from a folder of pictures, and from another Scale-compatible server."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from steelyard.net.operator import Server, ServerFailed

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is, in the unit of the source."""
_TRIES = 8
_PIECE = 256 * 1024
_PICTURES = frozenset((".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"))


class Outcome(Struct):
    """What became of an import; `refusals` are its first ones."""

    created: int = 0
    existing: int = 0
    valid: int = 0
    refused: int = 0
    refusals: list[str] = []

    def add(self, result: dict[str, Any]) -> None:
        """Counts one line's result."""
        kind = result["result"]
        setattr(self, kind, getattr(self, kind) + 1)
        if kind == "refused":
            self._explain(f"line {result['line']}: {result.get('error')}")

    def refuse(self, why: str) -> None:
        """Counts something that was not even sent."""
        self.refused += 1
        self._explain(why)

    def _explain(self, why: str) -> None:
        if len(self.refusals) < 50:
            self.refusals.append(why)


class _Lines:
    """The lines of a source on their way: which have been answered, so that a broken connection goes on after them."""

    def __init__(self, lines: Iterator[tuple[bytes, int]]):
        self._lines = lines
        self.unanswered: deque[tuple[bytes, int]] = deque()
        self.done = 0
        self._again: deque[tuple[bytes, int]] = deque()

    def restart(self) -> None:
        """What was sent and not answered is sent again first."""
        self._again = self.unanswered + self._again
        self.unanswered = deque()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Lines in pieces of a fair size."""
        held, size = list[bytes](), 0
        while True:
            item = self._again.popleft() if self._again else next(self._lines, None)
            if item is None:
                break
            self.unanswered.append(item)
            held.append(item[0] + b"\n")
            size += len(item[0])
            if size >= _PIECE:
                yield b"".join(held)
                held, size = [], 0
        if held:
            yield b"".join(held)

    def answered(self) -> None:
        """The oldest is dealt with."""
        self.done = self.unanswered.popleft()[1]


async def send(
    server: Server,
    path: str,
    params: Mapping[str, str],
    lines: Iterator[tuple[bytes, int]],
    *,
    total: int,
    progress: Progress,
    pause_s: float = 1.0,
) -> Outcome:
    """Sends lines, each with the position that it brings us to, until all are answered. Lines without a `unique_id` whose answers were
    lost with a connection are created again. Raises ServerFailed."""
    outcome, source, failures = Outcome(), _Lines(lines), 0
    while True:
        complete: bool | None = None
        error = "The server ended its answer early."
        try:
            async for line in server.send_lines(path, source.pieces(), params):
                answer = msgspec.json.decode(line)
                if "complete" in answer:
                    complete, error = answer["complete"], answer.get("error") or error
                    continue
                outcome.add(answer)
                source.answered()
                failures = 0
                progress(source.done, total)
        except ServerFailed as e:
            if e.answer not in (None, 502, 503, 504):
                raise
            error = e.message
        if complete:
            return outcome
        failures += 1
        if failures >= _TRIES:
            raise ServerFailed(error)
        await asyncio.sleep(min(pause_s * 2**failures, 30))
        source.restart()


def lines_of(path: Path, *, name_lines: bool = False) -> Iterator[tuple[bytes, int]]:
    """The lines of an NDJSON file that are not blank, and where each ends. `name_lines`: those without a `unique_id` get one made from
    their content, so that the file can be sent again; equal lines are then one task."""
    with path.open("rb") as file:
        at = 0
        for raw in file:
            at += len(raw)
            line = raw.strip()
            if not line:
                continue
            yield (_named(line) if name_lines else line), at


def _named(line: bytes) -> bytes:
    if not line.startswith(b"{") or b'"unique_id"' in line:
        return line
    name = hashlib.sha256(line).hexdigest()[:32]
    rest = line[1:].lstrip()
    return b'{"unique_id":"import:' + name.encode() + b'"' + (b"," if rest != b"}" else b"") + rest


async def from_file(
    server: Server,
    path: Path,
    params: Mapping[str, str],
    *,
    objects: bool,
    name_lines: bool,
    progress: Progress,
) -> Outcome:
    """Bodies of creations, or `objects`: tasks of an export. Progress is in bytes."""
    return await send(
        server,
        "/api/tasks/import" if objects else "/api/tasks/bulk",
        params,
        lines_of(path, name_lines=name_lines and not objects),
        total=path.stat().st_size,
        progress=progress,
    )


async def from_folder(
    server: Server,
    folder: Path,
    project: str,
    *,
    batch: str | None,
    extra: Mapping[str, Any],
    dry_run: bool,
    progress: Progress,
) -> Outcome:
    """One task for each picture below a folder, with the project's params and `extra`. Its `unique_id` is the project's name and the
    picture's path, so that what is there already is not uploaded again. Progress is in pictures."""
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _PICTURES and p.is_file())
    outcome = Outcome()
    done = 0
    for begin in range(0, len(found), 25):
        some = {f"{project}/{p.relative_to(folder).as_posix()}": p for p in found[begin : begin + 25]}
        page = await server.get("/v1/tasks", [("limit", "100"), *(("unique_id", name) for name in some)])
        there = {t.get("unique_id") for t in page["docs"]}
        bodies: list[tuple[bytes, int]] = []
        for name, picture in some.items():
            done += 1
            if name in there:
                outcome.existing += 1
                continue
            if dry_run:
                outcome.valid += 1
                continue
            content = await asyncio.to_thread(picture.read_bytes)
            stored = await server.upload("/v1/files/upload", picture.name, content, {"project_name": project})
            body = {
                "attachment": stored["attachment_url"],
                "attachment_type": "image",
                **extra,
                "unique_id": name,
                "project": project,
                **({"batch": batch} if batch else {}),
                "metadata": {"path": picture.relative_to(folder).as_posix()},
            }
            bodies.append((msgspec.json.encode(body), done))
        if bodies:
            sent = await send(
                server,
                "/api/tasks/bulk",
                {},
                iter(bodies),
                total=len(found),
                progress=_silent,
            )
            outcome.created += sent.created
            outcome.existing += sent.existing
            outcome.refused += sent.refused
            outcome.refusals += sent.refusals
        progress(done, len(found))
    return outcome


def _silent(done: int, total: int) -> None:
    pass


def path_of(kind: str, name: str) -> str:
    """The path of a named object."""
    return f"/v1/{kind}/{quote(name, safe='')}"
