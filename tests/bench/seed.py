"""A stored past: any number of tasks of 1,000 accounts, made inside PostgreSQL.

Sizes are skewed: the measured account has two fifths of everything, the others share the rest by Zipf's law, so the smallest hold a task
or none. Rows of all accounts lie mixed in order of time, as they would have come. Within an account: 20 projects and 100 batches of
skewed sizes, three types, four statuses, tags on half, audits on a tenth of what is completed, a unique_id on every task.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import asyncpg
import msgspec

from tests.bench.body import example_params

ACCOUNTS = 1000
PROJECTS, BATCHES = 20, 100
_SLOTS = 10_000
_SHARE = 0.4

Say = Callable[[str], None]

_PEOPLE = """
with made as (
  insert into account (name) select 'customer ' || n from generate_series(2, $1::int) n returning id
)
insert into space (account_id, mode, callback_auth_key) select id, 'live', 'bench' from made
"""

_PROJECTS = """
insert into project (space_id, id, name, type, kind, version, created_at, updated_at)
select s.id, lpad(to_hex(p), 24, '0'), 'project ' || p, 'imageannotation', 'standard', 0, steelyard.now(), steelyard.now()
from space s cross join generate_series(1, $1::int) p where s.mode = 'live'
"""
_VERSIONS = """
insert into project_version (space_id, project_id, version, params, created_at)
select space_id, id, 0, '{}', created_at from project
"""
_BATCHES = """
insert into batch (space_id, id, project_id, name, status, created_at, updated_at)
select s.id, lpad(to_hex(b), 24, '0'), lpad(to_hex(1 + b % $2::int), 24, '0'), 'batch ' || b, 'in_progress', steelyard.now(),
  steelyard.now()
from space s cross join generate_series(1, $1::int) b where s.mode = 'live'
"""

# One row a number n: who, where, what. h1..h5 are independent and even; x^2 of an even number makes the skew.
_TASKS = """
insert into task (
  space_id, id, type, project_id, batch_id, status, stage, priority, own_priority, head, params, metadata, unique_id, tags, callback_url,
  attachment_urls, response, response_version, customer_review_status, created_at, updated_at, completed_at,
  created_by)
select space_id, id, type, project_id, case when project_id is not null then batch_id end, status, case status when 'pending' then 'queued' else status end,
  10, false,
  '"task_id":"' || id || '","created_at":"' || steelyard.wire_time(at) || '","type":"' || type
    || '","instruction":"Draw a box around each object.","callback_url":"https://hooks.example.com/steelyard/tasks","is_test":false,'
    || '"urgency":"standard","processed_attachments":[]',
  $5::json, ('{"drive":"2026-03-14","frame":' || n || ',"weather":"overcast","city":"Ghent"}')::json, 'stored-' || n,
  case when n % 2 = 0 then array['route-' || h1 % 50, 'camera-' || h2 % 4] end,
  'https://hooks.example.com/steelyard/tasks', array['https://images.example.com/' || n || '.jpg'],
  case when status = 'completed' then $6::json end, (status = 'completed')::int,
  case when status = 'completed' and h3 % 10 = 0 then case when h4 % 4 = 0 then 'rejected' else 'accepted' end end,
  at, case when status = 'completed' then at + interval '1 hour' else at end, case when status = 'completed' then at + interval '1 hour' end,
  'seed@example.com'
from (
  select n, h1, h2, h3, h4,
    ($4::bigint[])[1 + (n * 7919) % $3::int] as space_id,
    lpad(to_hex(floor(extract(epoch from at))::bigint), 8, '0') || lpad(to_hex((extract(microseconds from at)::bigint % 1000000)), 5, '0')
      || 'beef' || lpad(to_hex(n), 7, '0') as id,
    case when h1 % 10 < 7 then 'imageannotation' when h1 % 10 < 9 then 'categorization' else 'textcollection' end as type,
    case when h2 % 10 > 0 then lpad(to_hex(1 + floor($7::int * ((h3 % 1000) / 1000.0) ^ 2)::int), 24, '0') end as project_id,
    case when h4 % 2 = 0 then lpad(to_hex(1 + floor($8::int * ((h5 % 1000) / 1000.0) ^ 2)::int), 24, '0') end as batch_id,
    case when h5 % 100 < 60 then 'completed' when h5 % 100 < 95 then 'pending' when h5 % 100 < 98 then 'canceled' else 'error' end as status,
    at
  from (
    select n, date_trunc('milliseconds', $9::timestamptz + n * $10::interval) as at,
      abs(hashint8(n * 5 + 1)::bigint) as h1, abs(hashint8(n * 5 + 2)::bigint) as h2, abs(hashint8(n * 5 + 3)::bigint) as h3,
      abs(hashint8(n * 5 + 4)::bigint) as h4, abs(hashint8(n * 5 + 5)::bigint) as h5
    from generate_series($1::bigint, $2::bigint) n
  ) numbers
) rows
"""

_COUNTS = """
insert into task_count (space_id, scope, scope_id, type, status, shard, n)
select space_id, 's', '', type, status, 0, count(*) from task group by space_id, type, status
union all
select space_id, 'p', project_id, type, status, 0, count(*) from task where project_id is not null group by space_id, project_id, type, status
union all
select space_id, 'b', batch_id, type, status, 0, count(*) from task where batch_id is not null group by space_id, batch_id, type, status
"""

_INDEXES = """
select c.relname, pg_get_indexdef(i.indexrelid) as definition
from pg_index i join pg_class c on c.oid = i.indexrelid
where i.indrelid = 'steelyard.task'::regclass and not i.indisprimary
"""


def _who(first: int, others: list[int]) -> list[int]:
    """Space ids by slot; a task's slot decides whose it is."""
    slots = [first] * int(_SLOTS * _SHARE)
    harmonic = sum(1 / k for k in range(1, len(others) + 1))
    rest = _SLOTS - len(slots)
    for k, space in enumerate(others, start=1):
        slots += [space] * max(1, math.floor(rest / k / harmonic))
    return slots[:_SLOTS]


async def seed(dsn: str, tasks: int, say: Say) -> None:
    """Fills a migrated database that has its first account. About 1 minute and 3 GB a million tasks."""
    began = time.perf_counter()
    connection = await asyncpg.connect(
        dsn,
        server_settings={
            "search_path": "steelyard",
            "synchronous_commit": "off",
            "maintenance_work_mem": "256MB",
        },
    )
    try:
        first = await connection.fetchval("select min(id) from space where mode = 'live'")
        await connection.execute(_PEOPLE, ACCOUNTS)
        rows = await connection.fetch(
            "select id from space where mode = 'live' and id <> $1 order by id", first
        )
        slots = _who(first, [r[0] for r in rows])
        await connection.execute(_PROJECTS, PROJECTS)
        await connection.execute(_VERSIONS)
        await connection.execute(_BATCHES, BATCHES, PROJECTS)
        params, response = example_params(), {"annotations": [_box(n) for n in range(3)]}
        params.pop("instruction")
        indexes = await connection.fetch(_INDEXES)
        for index in indexes:
            await connection.execute(f'drop index steelyard."{index["relname"]}"')
        span = "interval '120 days'"
        base, step = await connection.fetchrow(
            f"select steelyard.now() - {span} - interval '1 day', {span} / $1::bigint", tasks
        )
        chunk = 100_000
        for start in range(1, tasks + 1, chunk):
            end = min(tasks, start + chunk - 1)
            await connection.execute(
                _TASKS, start, end, len(slots), slots,
                msgspec.json.encode(params).decode(), msgspec.json.encode(response).decode(),
                PROJECTS, BATCHES, base, step,
            )  # fmt: skip
            if end % 500_000 == 0:
                say(f"  {end:,} of {tasks:,} tasks after {time.perf_counter() - began:.0f} s")
        for index in indexes:
            await connection.execute(index["definition"])
        await connection.execute(_COUNTS)
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()
    say(f"  {tasks:,} tasks in {time.perf_counter() - began:.0f} s")


def _box(n: int) -> dict[str, object]:
    return {
        "uuid": f"00000000-0000-4000-8000-{n:012}",
        "type": "box",
        "label": "car",
        "left": 812 + n,
        "top": 431,
        "width": 164,
        "height": 97,
        "attributes": {"occlusion": "0%", "moving": "yes"},
    }
