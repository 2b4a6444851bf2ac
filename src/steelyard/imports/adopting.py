"""Lines that are task objects, of an export or of another Scale-compatible server: tasks with what became of them.

A task keeps its id (when it is one that could have been made here at its `created_at`; else it gets one made from its own, which stays in
`original_task_id`), its times, its answer, its audits, and members that we do not know. Its project and batch must be here under the same
names; `projectId` and `is_test` become those of this place, `project_param_version` too where the project has no such version here. Pending tasks are prepared and offered for work like
new ones. Nobody is told of anything.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct

from steelyard.clock import wire_time
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor
from steelyard.errors import InvalidRequest, NotFound, SteelyardError, parameter
from steelyard.ids import first_id_at, is_wire_id
from steelyard.imports import queries as q
from steelyard.imports.lines import Line, LineResult, decode, refused, unhurried
from steelyard.tasks import queries as tasks_q
from steelyard.tasks.create import find_type
from steelyard.tasks.downloads import file_id_of
from steelyard.tasks.insert import array_literal
from steelyard.tasks.model import ResultFileRow
from steelyard.tasks.platform import (
    check_callback,
    check_metadata,
    check_priority,
    check_tags,
    check_unique_id,
)
from steelyard.tasks.results import answer_file, answer_url

_STATUSES = ("pending", "completed", "canceled", "error")
_REVIEWS = ("accepted", "fixed", "commented", "rejected")
_REVIEW_MEMBERS = (
    "customer_review_comments",
    "customer_reviewed_by",
    "customer_audited_at",
    "customer_audit_time_secs",
)
_CHANGING = frozenset(
    [
        *(
            "params",
            "status",
            "priority",
            "work_started",
            "updated_at",
            "completed_at",
            "metadata",
            "unique_id",
            "tags",
        ),
        *(
            "callback_succeeded",
            "callback_completed",
            "response",
            "audits",
            "customer_review_status",
            "prior_responses",
        ),
        *("dependents", "attachmentS3Downloads"),
        *_REVIEW_MEMBERS,
    ]
)
"""Members that are columns of their own; all others are the part that never changes."""
_NEAR_S = 2.5
_OURS = re.compile(r'"(scaledata://[^"\\]{1,200})"')
_NULL = Raw(b"null")
_encode = msgspec.json.encode


class _Place(Struct, frozen=True):
    """A project and batch of this server."""

    project_id: str | None
    project_version: int
    batch_id: str | None


class _Adopted(Struct):
    line: Line
    row: dict[str, Any] | None = None
    files: list[ResultFileRow] = []
    result: LineResult | None = None


class Adopting:
    """Stores task objects. `unchecked`: finished tasks whose params do not satisfy their type are taken all the same."""

    def __init__(self, ctx: Ctx, actor: Actor, *, unchecked: bool = False):
        self._ctx, self._actor, self._unchecked = ctx, actor, unchecked

    async def prepare(self, lines: list[Line]) -> list[_Adopted]:
        """Checks every line."""
        places: dict[tuple[str, str | None, str | None], _Place | SteelyardError] = {}
        out: list[_Adopted] = []
        async for line in unhurried(lines):
            item = _Adopted(line)
            out.append(item)
            try:
                item.row = await self._row(decode(line), places)
            except SteelyardError as e:
                item.result = refused(line, e)
        await self._take_files(out)
        return out

    async def _take_files(self, items: list[_Adopted]) -> None:
        """Files of ours (`scaledata://`) that answers refer to become files of the answers."""
        named = [
            (item, addresses)
            for item in items
            if item.row is not None and (addresses := set(_OURS.findall(item.row["responses"] or "")))
        ]
        if not named:
            return
        ids = {file_id_of(address) or "" for _, addresses in named for address in addresses}
        found = await tasks_q.stored_files(self._ctx.db, space_id=self._actor.space_id, ids=sorted(ids))
        files = {f.id: f for f in found}
        space = await tasks_q.space_defaults(self._ctx.db, space_id=self._actor.space_id)
        for item, addresses in named:
            assert item.row is not None
            for address in sorted(addresses):
                file = files.get(file_id_of(address) or "")
                if file is not None:
                    made = answer_file(file.sha256, file.mime_type or "application/octet-stream", file.id)
                    url = answer_url(self._ctx, item.row["ids"], made, secure=space.secure_result_urls)
                    item.row["responses"] = item.row["responses"].replace(f'"{address}"', f'"{url}"')
                    item.files.append(made)
                elif not self._unchecked:
                    error = InvalidRequest(f"The answer's file {address} is not here.")
                    item.row, item.result = None, refused(item.line, error)
                    break

    async def _row(self, task: dict[str, Raw], places: dict[Any, _Place | SteelyardError]) -> dict[str, Any]:
        task = {k: v for k, v in task.items() if v != _NULL}
        kind = _as(task, "type", str)
        status = _as(task, "status", str)
        if kind is None or status not in _STATUSES:
            raise parameter("status" if kind else "type", "must be that of a task object")
        task_type = find_type(kind)
        created_at = _time(task, "created_at")
        original = _as(task, "task_id", str)
        if created_at is None or not original:
            raise parameter("created_at" if original else "task_id", "is required in a task object")
        updated_at = _time(task, "updated_at") or created_at
        completed_at = _time(task, "completed_at")
        params = bytes(task.get("params", Raw(b"{}")))
        response = task.get("response")
        if params[:1] != b"{" or (response is not None and bytes(response)[:1] != b"{"):
            raise InvalidRequest("params and response must be objects.")
        if status == "completed":
            if response is None:
                raise parameter("response", "is required in a completed task")
            completed_at = completed_at or updated_at
        attachments: list[str] = []
        try:
            parsed = task_type.parse_params(params)
            attachments = [a.url for a in task_type.attachments(parsed) if a.role == "attachment"]
        except SteelyardError:
            if status == "pending" or not self._unchecked:
                raise
        names = (kind, _as(task, "project", str), _as(task, "batch", str))
        place = places.get(names)
        if place is None:
            try:
                place = await self._place(*names)
            except SteelyardError as e:
                place = e
            places[names] = place
        if isinstance(place, SteelyardError):
            raise place
        task_id = _id_for(original, created_at)
        review = _as(task, "customer_review_status", str)
        tags = task.get("tags")
        callback_url = _as(task, "callback_url", str)
        reviewed = [f'"{k}":{bytes(task[k]).decode()}' for k in _REVIEW_MEMBERS if k in task]
        return {
            "ids": task_id,
            "types": kind,
            "project_ids": place.project_id,
            "batch_ids": place.batch_id,
            "statuses": status,
            "priorities": check_priority(_as(task, "priority", int) or 0) if "priority" in task else 10,
            "work_starteds": status != "pending" and bool(_as(task, "work_started", bool)),
            "callback_succeededs": _as(task, "callback_succeeded", bool),
            "heads": self._head(task, task_id, original, created_at, place),
            "params": params.decode(),
            "metadatas": check_metadata(bytes(task.get("metadata", Raw(b"{}")))).decode(),
            "unique_ids": check_unique_id(_as(task, "unique_id", str) or "") if "unique_id" in task else None,
            "tags": array_literal(check_tags(msgspec.json.decode(tags))) if tags is not None else None,
            "callback_urls": check_callback(callback_url) if callback_url else None,
            "attachment_urls": array_literal(attachments or None),
            "responses": bytes(response).decode() if response is not None else None,
            "audits": _json(task, "audits"),
            "review_statuses": review if review in _REVIEWS else None,
            "review_members": ",".join(reviewed) or None,
            "prior_responses": _json(task, "prior_responses"),
            "dependents": _json(task, "dependents") if status != "pending" else None,
            "created_ats": created_at,
            "updated_ats": updated_at,
            "completed_ats": completed_at,
        }

    def _head(
        self, task: dict[str, Raw], task_id: str, original: str, created_at: datetime, place: _Place
    ) -> str:
        ours: dict[str, Any] = {"task_id": task_id, "created_at": wire_time(created_at)}
        ours["is_test"] = self._actor.is_test
        if place.project_id is not None:
            theirs = _as(task, "project_param_version", int)
            known = theirs is not None and -1 <= theirs <= place.project_version
            ours |= {
                "project_param_version": theirs if known else place.project_version,
                "projectId": place.project_id,
            }
        else:
            task = {k: v for k, v in task.items() if k not in ("project_param_version", "projectId")}
        members = {k: v for k, v in task.items() if k not in _CHANGING} | ours
        members.setdefault("instruction", "")
        if task_id != original:
            members["original_task_id"] = original
        return _encode(members)[1:-1].decode()

    async def _place(self, kind: str, project: str | None, batch: str | None) -> _Place:
        space_id, batch_id = self._actor.space_id, None
        if batch is not None:
            found = await tasks_q.batch_targets(self._ctx.db, space_ids=[space_id], names=[batch])
            if not found:
                raise NotFound(f'There is no batch "{batch}" here; create it first.')
            batch_id = found[0].id
            if project is not None and project != found[0].project_name:
                raise InvalidRequest(f'The batch "{batch}" belongs to another project here.')
            project = found[0].project_name
        if project is None:
            return _Place(None, 0, None)
        row = await tasks_q.project_defaults(self._ctx.db, space_id=space_id, name=project, version=None)
        if row is None:
            raise NotFound(f'There is no project "{project}" here; create it first.')
        if row.type != kind:
            raise InvalidRequest(f'The project "{project}" takes {row.type} tasks here, not {kind}.')
        return _Place(row.id, row.version, batch_id)

    async def write(self, prepared: list[_Adopted], on: Executor | None = None) -> list[LineResult]:
        """By one statement."""
        rows = [i.row for i in prepared if i.row is not None]
        created: set[str] = set()
        if rows:
            rows.sort(key=lambda r: (r["unique_ids"] or "", r["ids"]))
            files = [(i.row["ids"], f) for i in prepared if i.row is not None for f in i.files]
            created = set(
                await q.adopt_tasks(
                    on or self._ctx.db,
                    space_id=self._actor.space_id,
                    actor=self._actor.email,
                    shard=self._ctx.shard,
                    file_task_ids=[task_id for task_id, _ in files],
                    file_ids=[f.id for _, f in files],
                    file_tokens=[f.token for _, f in files],
                    file_names=[f.name for _, f in files],
                    file_sha256s=[f.sha256 for _, f in files],
                    file_types=[f.content_type for _, f in files],
                    **{column: [r[column] for r in rows] for column in rows[0]},
                )
            )
        others = [r for r in rows if r["ids"] not in created]
        there: dict[str, str] = {}
        if others:
            for held in await q.holders(
                on or self._ctx.db,
                space_id=self._actor.space_id,
                ids=[r["ids"] for r in others],
                unique_ids=[r["unique_ids"] for r in others if r["unique_ids"]],
            ):
                there[held.id] = held.id
                if held.unique_id is not None:
                    there[f"u:{held.unique_id}"] = held.id
        results: list[LineResult] = []
        seen: set[str] = set()
        for item in prepared:
            row = item.row
            if row is None:
                results += [item.result] if item.result else []
                continue
            task_id = row["ids"]
            new = task_id in created and task_id not in seen
            seen.add(task_id)
            if task_id not in created:
                task_id = there.get(task_id) or there.get(f"u:{row['unique_ids']}")
            results.append(
                LineResult(
                    line=item.line.number,
                    result="created" if new else "existing",
                    task_id=task_id,
                    unique_id=row["unique_ids"],
                )
            )
        return results

    def judge(self, prepared: list[_Adopted]) -> list[LineResult]:
        """For a dry run."""
        return [i.result or LineResult(line=i.line.number, result="valid") for i in prepared]

    async def write_singly(self, prepared: list[_Adopted]) -> list[LineResult]:
        """Row by row; a bad one is refused alone."""
        out: list[LineResult] = []
        for item in prepared:
            if item.row is None:
                out += [item.result] if item.result else []
                continue
            try:
                out += await self.write([item])
            except SteelyardError as e:
                if e.status >= 500:
                    raise
                out.append(refused(item.line, e))
        return out


def _id_for(original: str, created_at: datetime) -> str:
    """The id to keep a task under: its own if ids of its second begin so, because lists and filters by time go by ids."""
    if is_wire_id(original):
        second = int(original[:8], 16)
        if abs(second - created_at.timestamp()) <= _NEAR_S:
            return original
    return first_id_at(created_at)[:13].ljust(13, "0") + hashlib.sha256(original.encode()).hexdigest()[:11]


def _as(task: dict[str, Raw], key: str, kind: Any) -> Any:
    raw = task.get(key)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError:
        raise parameter(key, "is not what a task object has there") from None


def _time(task: dict[str, Raw], key: str) -> datetime | None:
    found: datetime | None = _as(task, key, datetime)
    if found is None:
        return None
    found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    if found.year < 1970:
        raise parameter(key, "must be a time since 1970")
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def _json(task: dict[str, Raw], key: str) -> str | None:
    raw = task.get(key)
    return None if raw is None else bytes(raw).decode()
