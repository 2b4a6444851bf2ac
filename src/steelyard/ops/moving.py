"""`steelyard import --from-server`: everything of another Scale-compatible server through its API.

Projects come with every version of their params and ontology, batches with their metadata, priority and state, tasks with their answers and the files
that the other server keeps for them; at the end both servers are asked for their counts, which must agree. Run it again at any time: what is here already stays as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from msgspec import Struct

from steelyard.net.guard import GuardedClient
from steelyard.net.operator import Server, ServerFailed
from steelyard.ops.copying import Copier, NotCopied
from steelyard.ops.importing import Outcome, path_of

Say = Callable[[str], None]
Progress = Callable[[int, int], None]
_STATUSES = ("pending", "completed", "canceled", "error")
_OWN = frozenset(["version", "created_at"])
_PROJECT = ("rapid", "studio", "pipeline", "consensus_attempts", "datasetId")
_AHEAD = 2000
_NOTHING: Mapping[str, str] = {}


class Difference(Struct, frozen=True):
    """A count that the two servers do not agree on."""

    what: str
    there: int
    here: int


async def move(
    source: Server,
    here: Server,
    *,
    unchecked: bool,
    dry_run: bool,
    say: Say,
    progress: Progress,
    allow_networks: tuple[str, ...] = (),
) -> tuple[Outcome, list[Difference]]:
    """Copies all of `source`; files of its tasks that lie elsewhere only from public addresses and `allow_networks`. A task whose
    file cannot be copied is refused, or taken in without it if `unchecked`. With `dry_run`, only tells what there is and whether its tasks could be taken in. Raises ServerFailed."""
    projects, new_projects = await _projects(source, here, dry_run, say)
    batches, new_batches = await _batches(source, here, dry_run, say)
    # A dry run has made none of the new ones; tasks of theirs are judged without them.
    absent = {"project": new_projects, "batch": new_batches} if dry_run else {}
    guarded = GuardedClient(allow_networks)
    try:
        with TemporaryDirectory(prefix="steelyard-import-") as folder:
            copier = Copier(source, here, guarded, Path(folder))
            outcome = await _tasks(source, here, copier, unchecked, absent, dry_run, progress)
            if not dry_run:
                await copier.rest([p["name"] for p in projects], say)
    finally:
        await guarded.close()
    if dry_run:
        return outcome, []
    if copier.wanted:
        say(f"{copier.copied:,} of {copier.wanted:,} files of tasks are here")
    others, others_here = copier.others
    if others:
        say(f"{others_here:,} of {others:,} files that no task refers to are here")
    for batch in batches:
        await _finalize(here, batch, projects)
    differences = await _differences(source, here, [p["name"] for p in projects])
    if copier.copied != copier.wanted:
        differences.append(Difference("files of tasks", copier.wanted, copier.copied))
    if others != others_here:
        differences.append(Difference("files that no task refers to", others, others_here))
    return outcome, differences


async def _projects(
    source: Server, here: Server, dry_run: bool, say: Say
) -> tuple[list[dict[str, Any]], set[str]]:
    """All of them, and the names of those that are new here."""
    new: set[str] = set()
    answer = await source.get("/v1/projects")
    found: list[dict[str, Any]] = answer if isinstance(answer, list) else answer["docs"]
    known = {p["name"]: p for p in await here.get("/v1/projects")}
    for project in found:
        name = project["name"]
        versions, ontologies = _versions(project), project.get("ontologyHistory") or []
        mine = known.get(name)
        if mine is None:
            say(f"project {name}")
            new.add(name)
            if dry_run:
                continue
            body: dict[str, Any] = {"name": name, "type": project["type"], "params": versions[0]}
            body |= {k: project[k] for k in _PROJECT if project.get(k)}
            mine = await here.post("/v1/projects", body)
        had = _versions(mine)
        # A project that has gone its own way here, or that somebody here has made, stays as it is.
        if dry_run or had != versions[: len(had)]:
            continue
        for params in versions[len(had) :]:
            await here.post(path_of("projects", name) + "/setParams", params)
        for entry in ontologies[len(mine.get("ontologyHistory") or []) :]:
            named = {k: entry[k] for k in ("name", "ontology") if entry.get(k) is not None}
            await here.post(path_of("projects", name) + "/setOntology", named)
    return found, new


def _versions(project: dict[str, Any]) -> list[dict[str, Any]]:
    """The params of each version, oldest first."""
    history = project.get("param_history") or [{}]
    return [{k: v for k, v in entry.items() if k not in _OWN} for entry in history]


async def _pages(
    source: Server, path: str, also: Mapping[str, str] = _NOTHING
) -> AsyncIterator[list[dict[str, Any]]]:
    token, offset = "", 0
    while True:
        params = {"limit": "100", **also} | ({"next_token": token} if token else {"offset": str(offset)})
        page = await source.get(path, params)
        yield page["docs"]
        offset += len(page["docs"])
        token = page.get("next_token") or ""
        if not page.get("has_more") or not page["docs"]:
            return


async def _batches(
    source: Server, here: Server, dry_run: bool, say: Say
) -> tuple[list[dict[str, Any]], set[str]]:
    """All of them, and the names of those that are new here."""
    new: set[str] = set()
    found = [b async for page in _pages(source, "/v1/batches") for b in page]
    for batch in found:
        try:
            await here.get(path_of("batches", batch["name"]))
            continue
        except ServerFailed as e:
            if e.answer != 404:
                raise
        say(f"batch {batch['name']}")
        new.add(batch["name"])
        if dry_run:
            continue
        body = {"name": batch["name"], "project": batch["project"], "callback": batch.get("callback") or ""}
        for key in ("calibration_batch", "self_label_batch"):
            if batch.get(key):
                body[key] = batch[key]
        await here.post("/v1/batches", body)
        if batch.get("metadata"):
            await here.post(path_of("batches", batch["name"]) + "/setMetadata", batch["metadata"])
        if batch.get("priority"):
            await here.post(
                path_of("batches", batch["name"]) + "/prioritize", {"priority": batch["priority"]}
            )
    return found, new


async def _finalize(here: Server, batch: dict[str, Any], projects: list[dict[str, Any]]) -> None:
    kinds = {p["name"] for p in projects if p.get("rapid") or p.get("studio")}
    if batch.get("status") == "staging" or batch["project"] not in kinds:
        return
    mine = await here.get(path_of("batches", batch["name"]))
    if mine["status"] == "staging":
        await here.post(path_of("batches", batch["name"]) + "/finalize")


async def _tasks(
    source: Server,
    here: Server,
    copier: Copier,
    unchecked: bool,
    absent: dict[str, set[str]],
    dry_run: bool,
    progress: Progress,
) -> Outcome:
    first = await source.get("/v1/tasks", {"limit": "1"})
    total: int = first["total"]
    outcome = Outcome()
    params = {k: "true" for k, v in (("unchecked", unchecked), ("dry_run", dry_run)) if v}
    # Read ahead by a bounded number of tasks; a chunk is answered before the next is asked of it.
    waiting: list[bytes] = []
    done = 0

    async def flush() -> None:
        nonlocal done, waiting
        pieces, waiting = waiting, []

        async def body() -> AsyncIterator[bytes]:
            yield b"".join(pieces)

        tally: dict[str, Any] = {}
        async for line in here.send_lines("/api/tasks/import", body(), params):
            answer = msgspec.json.decode(line)
            if "complete" in answer:
                tally = answer
            else:
                answer["line"] += done
                outcome.add(answer)
        if not tally.get("complete"):
            raise ServerFailed(tally.get("error") or "The server ended its answer early.")
        done += len(pieces)
        progress(done, max(total, done))

    async def own(task: dict[str, Any]) -> dict[str, Any] | None:
        try:
            return task if dry_run else await copier.rewritten(task)
        except NotCopied as e:
            if unchecked:
                return task
            outcome.refuse(f"task {task.get('task_id')}: {e}")
            return None

    async for page in _pages(source, "/v1/tasks", {"include_attachment_url": "true"}):
        for task in await asyncio.gather(*(own(t) for t in page)):
            if task is not None:
                kept = {k: v for k, v in task.items() if k not in absent or v not in absent[k]}
                waiting.append(msgspec.json.encode(kept) + b"\n")
        if len(waiting) >= _AHEAD:
            await flush()
    if waiting:
        await flush()
    return outcome


async def _differences(source: Server, here: Server, projects: list[str]) -> list[Difference]:
    async def total(server: Server, query: dict[str, str]) -> int:
        page = await server.get("/v1/tasks", {"limit": "1", **query})
        return page["total"]

    queries: list[tuple[str, dict[str, str]]] = [("all tasks", {})]
    queries += [(f"{p}, {s}", {"project": p, "status": s}) for p in projects for s in _STATUSES]
    out: list[Difference] = []
    for what, query in queries:
        there, mine = await asyncio.gather(total(source, query), total(here, query))
        if there != mine:
            out.append(Difference(what, there, mine))
    return out
