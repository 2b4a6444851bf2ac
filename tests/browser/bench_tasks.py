"""The task table over a million tasks in headless Chromium (`make bench-web`): scrolling through thousands of rows, a screenful a frame, and
looking at every step whether the rows in sight are there and without a gap. The rows are made inside PostgreSQL, as those of `make bench`.

Needs a built bundle; `BENCH_TASKS` sets another number.
"""

from __future__ import annotations

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
from playwright.sync_api import expect

from tests.browser.conftest import MANAGER, OpenPage
from tests.sdk.conftest import Server

TASKS = int(os.environ.get("BENCH_TASKS", "1000000"))
STEPS = 200

_FILL = """
insert into task (
  space_id, id, type, project_id, status, stage, priority, own_priority, head, params, metadata, unique_id, tags, attachment_urls,
  created_at, updated_at, created_by)
select $1, id, 'categorization', $2, 'canceled', 'canceled', 10, false,
  '"task_id":"' || id || '","created_at":"' || steelyard.wire_time(at) || '","type":"categorization","instruction":"Which?",'
    || '"is_test":false,"urgency":"standard","processed_attachments":[]',
  '{"attachment_type":"text","attachment":"It crashed."}'::json, '{}'::json, 'table-' || n, array['many'], '{}', at, at, 0
from (
  select n, lpad(to_hex(n), 24, '0') as id, steelyard.now() - make_interval(secs => ($3::int - n) / 10.0) as at
  from generate_series(1, $3::int) n) made
"""
# The table asks the counters how many there are: the server moves them in the statement that makes a task.
_COUNT = """
insert into task_count (space_id, scope, scope_id, type, status, shard, n)
values ($1, 's', '', 'categorization', 'canceled', 0, $3::int), ($1, 'p', $2, 'categorization', 'canceled', 0, $3::int)
on conflict on constraint task_count_pk do update set n = task_count.n + excluded.n
"""
# Scrolls by a screenful a frame and notes every step at which a row in sight was missing, and the time between frames.
_SCROLL = """async (steps) => {
  const box = document.querySelector('[data-testid="task-table"]');
  const frames = [], gaps = [];
  let waited = 0, before = performance.now();
  for (let step = 0; step < steps; step++) {
    const room = () => box.scrollTop + 2 * box.clientHeight <= box.scrollHeight;
    const asked = performance.now();
    while (!room() && performance.now() - asked < 5000) await new Promise(requestAnimationFrame);
    waited += performance.now() - asked;
    box.scrollBy(0, box.clientHeight);
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - before);
    before = now;
    const edge = box.getBoundingClientRect();
    const seen = [...box.querySelectorAll("[data-index]")].filter((row) => {
      const at = row.getBoundingClientRect();
      return at.bottom > edge.top + 40 && at.top < edge.bottom;
    }).map((row) => Number(row.dataset.index)).sort((a, b) => a - b);
    const whole = seen.length > 0 && seen.every((n, i) => i === 0 || n === seen[i - 1] + 1);
    const enough = seen.length * 36 >= box.clientHeight - 80;
    if (!whole || !enough) gaps.push([step, seen.length]);
  }
  return { frames, gaps, waited, last: Math.max(...[...box.querySelectorAll("[data-index]")].map((r) => Number(r.dataset.index))) };
}"""


async def _fill(dsn: str) -> None:
    connection = await asyncpg.connect(
        dsn, server_settings={"search_path": "steelyard", "synchronous_commit": "off"}
    )
    try:
        space, project = await connection.fetchrow("select space_id, id from project where name = 'Table'")
        await connection.execute(_FILL, space, project, TASKS, timeout=600)
        await connection.execute(_COUNT, space, project, TASKS)
        await connection.execute("vacuum analyze task", timeout=600)
    finally:
        await connection.close()


def test_scrolling_over_a_million_tasks(server: Server, open_page: OpenPage) -> None:
    made = {
        "name": "Table",
        "type": "categorization",
        "params": {"attachment_type": "text", "categories": ["a", "b"]},
    }
    assert server.call("POST", "/v1/projects", json=made).ok
    dsn = server.settings.database_url
    assert dsn is not None
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _fill(dsn)).result()
    page = open_page("/console/tasks?project=Table", MANAGER)
    expect(page.get_by_test_id("task-total")).to_contain_text(f"{TASKS:,}", timeout=60_000)
    page.wait_for_timeout(1500)
    found: dict[str, Any] = page.evaluate(_SCROLL, STEPS)
    frames = sorted(found["frames"])
    print(
        json.dumps(
            {
                "case": f"task table over {TASKS:,} tasks",
                "screenfuls scrolled": STEPS,
                "rows reached": found["last"] + 1,
                "steps with a gap": len(found["gaps"]),
                "ms a step p50": round(frames[len(frames) // 2], 1),
                "ms a step p95": round(frames[int(len(frames) * 0.95)], 1),
                "ms waited for rows in all": round(found["waited"]),
            }
        )
    )
    assert found["gaps"] == []
