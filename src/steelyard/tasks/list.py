"""Listing tasks (platform-api §10.2-10.5): keyset pages built inside PostgreSQL, with exact totals.

Totals under the filters that the counters know (project, batch, type, status, alone or together) are read from `task_count`; any other
filter counts the matching rows. The WHERE clause is composed of named clauses, so that each combination gets a plan on its own index.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from steelyard.clock import wire_time
from steelyard.ctx import Actor, Ctx
from steelyard.errors import parameter
from steelyard.ids import first_id_at, is_wire_id
from steelyard.tasks import queries as q
from steelyard.tasks.downloads import with_downloads

STATUSES = ("pending", "completed", "canceled", "error")
REVIEW_STATUSES = ("accepted", "fixed", "commented", "rejected", "pending")
_MS = timedelta(milliseconds=1)


class TaskFilter(Struct, kw_only=True):
    """What to list. Lists are alternatives; everything given must hold. Times are inclusive bounds."""

    project: str | None = None
    batch: str | None = None
    type: str | None = None
    status: list[str] = []
    customer_review_status: list[str] = []
    unique_id: list[str] = []
    tags: list[str] = []
    task_ids: list[str] = []
    created_after: datetime | None = None
    created_before: datetime | None = None
    completed_after: datetime | None = None
    completed_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    limit: int = 100
    offset: int = 0
    token: str | None = None
    include_attachment_url: bool = False
    limited_response: bool = False


class _Where:
    """Named clauses with their parameters."""

    def __init__(self, space_id: int):
        self.args: list[Any] = [space_id]
        self.clauses = ["t.space_id = $1"]

    def param(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def add(self, clause: str, value: Any) -> None:
        self.clauses.append(clause.replace("?", self.param(value)))

    def text(self) -> str:
        return " and ".join(self.clauses)


def encode_token(task_id: str) -> str:
    """The position after a task: standard base64 of compact JSON, as Scale's (platform-api §10.3)."""
    at = wire_time(_time_of(task_id))
    raw = msgspec.json.encode({"task_id": task_id, "created_at": at})
    return base64.urlsafe_b64encode(raw).decode()


def decode_token(token: str) -> str:
    """The id after which a page begins. Raises InvalidRequest."""
    try:
        raw = base64.b64decode(
            token.replace("-", "+").replace("_", "/") + "=" * (-len(token) % 4), validate=True
        )
        task_id = msgspec.json.decode(raw, type=dict[str, str])["task_id"]
    except (binascii.Error, ValueError, KeyError, msgspec.DecodeError, RecursionError):
        task_id = ""
    if not is_wire_id(task_id):
        raise parameter("next_token", "must be a token of an earlier page")
    return task_id


def _time_of(task_id: str) -> datetime:
    seconds, micros = int(task_id[:8], 16), int(task_id[8:13], 16)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)


def _floor_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _later(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return moment


async def list_tasks(ctx: Ctx, actor: Actor, wanted: TaskFilter) -> bytes:
    """A page of task objects as the wire's JSON envelope, newest first. Raises InvalidRequest for a bad token."""
    after = decode_token(wanted.token) if wanted.token else None
    where = _Where(actor.space_id)
    ids = await _ids(ctx, actor, wanted)
    if ids is None:
        return _envelope([], 0, wanted, None)
    project_id, batch_id = ids
    counted = _clauses(where, wanted, project_id, batch_id)
    total_sql, args = _total(where, wanted, project_id, batch_id, counted)
    page = _Where(actor.space_id)
    page.args, page.clauses = list(args), list(where.clauses)
    if after is not None:
        page.add("t.id < ?", after)
    document = _LIMITED if wanted.limited_response else "steelyard.task_json(t)"
    offset = f" offset {page.param(wanted.offset)}" if wanted.offset and after is None else ""
    limit = page.param(wanted.limit)
    if wanted.include_attachment_url and not wanted.limited_response:
        sql = _ROWS.format(document=document, where=page.text(), limit=limit, offset=offset, total=total_sql)
        rows = await ctx.db.fetch(sql, *page.args)
        if rows:
            total = rows[0]["total"]
        else:
            alone, args = _total(where, wanted, project_id, batch_id, counted, reads_tasks=False)
            total = await ctx.db.fetchval(f"select {alone}", *args)
        more = len(rows) > wanted.limit
        rows = rows[: wanted.limit]
        docs = await with_downloads(
            ctx, actor, [q.TaskWithCopies(r["doc"], r["attachment_urls"], r["stored"]) for r in rows]
        )
        return _envelope(docs, total, wanted, rows[-1]["id"] if more else None)
    sql = _PAGE.format(document=document, where=page.text(), limit=limit, offset=offset, total=total_sql)
    row = await ctx.db.fetchrow(sql, *page.args)
    body, got, last, total = row
    return _envelope([body] if body else [], total, wanted, last if got > wanted.limit else None)


async def conditions(ctx: Ctx, actor: Actor, wanted: TaskFilter) -> tuple[str, list[Any]] | None:
    """The filters as a WHERE clause on `task t`, with its parameters; None when they name a project or batch that does not exist."""
    where = _Where(actor.space_id)
    ids = await _ids(ctx, actor, wanted)
    if ids is None:
        return None
    _clauses(where, wanted, *ids)
    return where.text(), where.args


async def list_ids(ctx: Ctx, actor: Actor, wanted: TaskFilter, *, below: str | None, limit: int) -> list[str]:
    """Ids of matching tasks, newest first, starting below one; paging members of the filter do not count."""
    found = await conditions(ctx, actor, wanted)
    if found is None:
        return []
    where, args = found
    args = [*args, below or "g", limit]  # "g" sorts after every hex digit
    sql = f"select t.id from task t where {where} and t.id < ${len(args) - 1} order by t.id desc limit ${len(args)}"  # noqa: S608 - our own clauses
    return [row[0] for row in await ctx.db.fetch(sql, *args)]


async def count_tasks(ctx: Ctx, actor: Actor, wanted: TaskFilter) -> int:
    """How many tasks match."""
    ids = await _ids(ctx, actor, wanted)
    if ids is None:
        return 0
    where = _Where(actor.space_id)
    counted = _clauses(where, wanted, *ids)
    total, args = _total(where, wanted, *ids, counted, reads_tasks=not counted)
    return await ctx.db.fetchval(f"select {total}", *args)


_PAGE = """
with page as (
  select t.id, {document} as doc
  from task t
  where {where}
  order by t.id desc
  limit {limit}::int + 1{offset}
), numbered as (
  select id, doc, row_number() over (order by id desc) as n
  from page
)
select convert_to(string_agg(doc, ',' order by n) filter (where n <= {limit}::int), 'UTF8'), count(*),
  min(id) filter (where n <= {limit}::int), {total}
from numbered
"""

_ROWS = """
select t.id, {document} as doc, t.attachment_urls,
  (select json_agg(json_build_array(a.url, a.sha256, a.mime_type) order by a.ordinal)::text
   from attachment a
   where a.space_id = t.space_id and a.task_id = t.id and a.role = 'attachment') as stored,
  {total} as total
from task t
where {where}
order by t.id desc
limit {limit}::int + 1{offset}
"""

_LIMITED = """
  '{"task_id":"' || t.id || '","status":"' || t.status || '","metadata":' || t.metadata || ',"project":'
  || coalesce((select to_json(p.name)::text from project p where p.space_id = t.space_id and p.id = t.project_id), 'null')
  || ',"otherVersion":null}'"""


async def _ids(ctx: Ctx, actor: Actor, wanted: TaskFilter) -> tuple[str | None, str | None] | None:
    """Ids of the named project and batch; None when one does not exist, which is an empty page."""
    if wanted.project is None and wanted.batch is None:
        return None, None
    row = await q.named_ids(ctx.db, space_id=actor.space_id, project=wanted.project, batch=wanted.batch)
    if wanted.project is not None and row.project_id is None:
        return None
    if wanted.batch is not None and row.batch_id is None:
        return None
    if wanted.project is not None and wanted.batch is not None and row.batch_project_id != row.project_id:
        return None
    return row.project_id, row.batch_id


def _clauses(where: _Where, wanted: TaskFilter, project_id: str | None, batch_id: str | None) -> bool:
    """Adds the clauses of all filters; True when the counters know the total."""
    counted = True
    if batch_id is not None:
        where.add("t.batch_id = ?", batch_id)
    elif project_id is not None:
        where.add("t.project_id = ?", project_id)
    if wanted.type is not None:
        where.add("t.type = ?", wanted.type)
    if len(wanted.status) == 1:
        where.add("t.status = ?", wanted.status[0])
    elif wanted.status:
        where.add("t.status = any(?::text[])", wanted.status)
    if wanted.created_after is not None:
        bound = _floor_ms(wanted.created_after)
        bound = bound if bound == wanted.created_after else _later(bound, _MS)
        where.add("t.id >= ?", first_id_at(bound))
        counted = False
    if wanted.created_before is not None:
        where.add("t.id < ?", first_id_at(_later(_floor_ms(wanted.created_before), _MS)))
        counted = False
    for clause, value in (
        ("t.completed_at >= ?", wanted.completed_after),
        ("t.completed_at <= ?", wanted.completed_before),
        ("t.updated_at >= ?", wanted.updated_after),
        ("t.updated_at <= ?", wanted.updated_before),
    ):
        if value is not None:
            where.add(clause, value)
            counted = False
    if wanted.customer_review_status:
        counted = False
        real = [s for s in wanted.customer_review_status if s != "pending"]
        options = [f"t.customer_review_status = any({where.param(real)}::text[])"] if real else []
        if "pending" in wanted.customer_review_status:
            options.append("(t.status = 'completed' and t.customer_review_status is null)")
        where.clauses.append("(" + " or ".join(options) + ")")
    if wanted.unique_id:
        where.add("t.unique_id = any(?::text[])", wanted.unique_id)
        counted = False
    if wanted.task_ids:
        where.add("t.id = any(?::text[])", wanted.task_ids)
        counted = False
    if wanted.tags:
        tags = f"{where.param(wanted.tags)}::text[]"
        where.clauses.append(
            f"t.tags is not null and steelyard.tag_keys(t.space_id, t.tags) && steelyard.tag_keys($1, {tags}) and t.tags && {tags}"
        )
        counted = False
    return counted


def _total(
    where: _Where,
    wanted: TaskFilter,
    project_id: str | None,
    batch_id: str | None,
    counted: bool,
    reads_tasks: bool = True,
) -> tuple[str, list[Any]]:
    """The total as a scalar subquery, and all parameters of the statement around it, which reads tasks or nothing else:
    PostgreSQL refuses a parameter that no part of the statement mentions."""
    if not counted:
        # Clauses are our own text; every value is a parameter.
        return f"(select count(*) from task t where {where.text()})", where.args  # noqa: S608
    scope, scope_id = ("b", batch_id) if batch_id else ("p", project_id) if project_id else ("s", "")
    counter = _Where(0)
    counter.args, counter.clauses = list(where.args if reads_tasks else where.args[:1]), ["c.space_id = $1"]
    counter.add("c.scope = ?", scope)
    counter.add("c.scope_id = ?", scope_id)
    if wanted.type is not None:
        counter.add("c.type = ?", wanted.type)
    if wanted.status:
        counter.add("c.status = any(?::text[])", wanted.status)
    return f"(select coalesce(sum(c.n), 0)::bigint from task_count c where {counter.text()})", counter.args  # noqa: S608


def _envelope(docs: list[bytes], total: int, wanted: TaskFilter, last: str | None) -> bytes:
    offset = wanted.offset if wanted.token is None else 0
    tail = b"" if last is None else b',"next_token":"%s"' % encode_token(last).encode()
    return b'{"docs":[%s],"total":%d,"limit":%d,"offset":%d,"has_more":%s%s}' % (
        b",".join(docs),
        total,
        wanted.limit,
        offset,
        b"false" if last is None else b"true",
        tail,
    )
