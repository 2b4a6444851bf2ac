"""Tasks as NDJSON in the wire's form, oldest first, in constant memory: pages are made inside PostgreSQL and sent on as bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.errors import parameter
from steelyard.ids import is_wire_id
from steelyard.tasks.list import TaskFilter, conditions

_FIRST_ROWS, _MOST_ROWS = 500, 4000
_PAGE_BYTES = 4 * 1024 * 1024
"""What a page should weigh; its number of rows follows from the pages before."""

_PAGE = """
with page as (
  select t.id, steelyard.task_json(t) as doc
  from task t
  where {where}
  order by t.id
  limit {limit}::int
)
select convert_to(string_agg(doc, e'\\n' order by id) || e'\\n', 'UTF8'), count(*)::int, max(id) from page
"""


class ExportPage(Struct, frozen=True):
    """Some tasks, a line each; `last`: the id of the last of them, to go on after."""

    body: bytes
    count: int
    last: str


async def export_pages(
    ctx: Ctx, actor: Actor, wanted: TaskFilter, *, after: str | None = None
) -> AsyncIterator[ExportPage]:
    """Pages in the order of creation, from the first task `after` that id on. The next page is read while one is used.

    It holds every task that was there when it began and ends with the youngest of them. An id is made a moment before its task is
    there, so one with a smaller id than those sent may follow later: whoever goes on from an export to keep up with new tasks has to
    begin `ids.LATE_S` before its last task. Raises InvalidRequest for an `after` that is no id.
    """
    if after is not None and not is_wire_id(after):
        raise parameter("after", "must be the task_id of the last line that you have")
    found = await conditions(ctx, actor, wanted)
    if found is None:
        return
    text, args = found
    youngest = await ctx.db.fetchval("select max(id) from task where space_id = $1", actor.space_id)
    n = len(args)
    sql = _PAGE.format(where=f"{text} and t.id > ${n + 1} and t.id <= ${n + 2}", limit=f"${n + 3}")

    async def read(after: str, rows: int) -> Any:
        return await ctx.db.fetchrow(sql, *args, after, youngest or "", rows)

    rows = _FIRST_ROWS
    reading = asyncio.create_task(read(after or "", rows))
    try:
        while True:
            body, count, last = await reading
            if not count:
                return
            asked = rows
            rows = max(1, min(_MOST_ROWS, _PAGE_BYTES * count // len(body)))
            if count < asked:
                yield ExportPage(body, count, last)
                return
            reading = asyncio.create_task(read(last, rows))
            yield ExportPage(body, count, last)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
