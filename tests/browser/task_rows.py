"""Many rows for the task table, and a way down through them that notices every gap; for a journey and for `make bench-web`."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
from playwright.sync_api import Page

from tests.sdk.conftest import Server

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
# Scrolls by a screenful a frame and notes every step at which a row in sight was missing, and the time between frames. Chromium in software now and
# then stops to draw a page for good: its compositor waits for tiles that none of its threads makes. That is told, for nothing else would end.
_SCROLL = """async (steps) => {
  const box = document.querySelector('[data-testid="task-table"]');
  const frames = [], gaps = [], every = new Set();
  const whole_list = (Number(box.getAttribute("aria-rowcount")) - 1) * 36;
  let stalled = false;
  const frame = () => new Promise((go) => {
    const late = setTimeout(() => { stalled = true; go(); }, 10000);
    requestAnimationFrame(() => { clearTimeout(late); go(); });
  });
  const sight = () => {
    const edge = box.getBoundingClientRect();
    return [...box.querySelectorAll("[data-index]")].filter((row) => {
      const at = row.getBoundingClientRect();
      return at.bottom > edge.top + 36 && at.top < edge.bottom;
    }).map((row) => Number(row.dataset.index)).sort((a, b) => a - b);
  };
  for (const n of sight()) every.add(n);
  let waited = 0, before = performance.now();
  for (let step = 0; step < steps; step++) {
    const room = () => box.scrollTop + 2 * box.clientHeight <= box.scrollHeight || box.scrollHeight >= whole_list;
    const asked = performance.now();
    while (!room() && performance.now() - asked < 5000) await frame();
    waited += performance.now() - asked;
    box.scrollBy(0, box.clientHeight);
    await frame();
    await frame();
    if (stalled) return { stalled };
    const now = performance.now();
    frames.push(now - before);
    before = now;
    const seen = sight();
    for (const n of seen) every.add(n);
    const whole = seen.length > 0 && seen.every((n, i) => i === 0 || n === seen[i - 1] + 1);
    const enough = seen.length * 36 >= box.clientHeight - 80;
    if (!whole || !enough) gaps.push([step, seen.length]);
    if (box.scrollHeight >= whole_list && box.scrollTop + box.clientHeight >= box.scrollHeight - 1) break;
  }
  return { frames, gaps, waited, seen: every.size, last: Math.max(...every) };
}"""


def fill(server: Server, project: str, tasks: int) -> None:
    """Makes a project with canceled tasks inside PostgreSQL, as `make bench` does."""
    made = {
        "name": project,
        "type": "categorization",
        "params": {"attachment_type": "text", "categories": ["a", "b"]},
    }
    assert server.call("POST", "/v1/projects", json=made).ok
    with ThreadPoolExecutor(1) as thread:  # Playwright's loop counts as running in this one
        thread.submit(asyncio.run, _fill(server, project, tasks)).result()


async def _fill(server: Server, project: str, tasks: int) -> None:
    assert server.settings.database_url is not None
    connection = await asyncpg.connect(
        server.settings.database_url,
        server_settings={"search_path": "steelyard", "synchronous_commit": "off"},
    )
    try:
        space, number = await connection.fetchrow("select space_id, id from project where name = $1", project)
        await connection.execute(_FILL, space, number, tasks, timeout=600)
        await connection.execute(_COUNT, space, number, tasks)
        await connection.execute("vacuum analyze task", timeout=600)
    finally:
        await connection.close()


def scrolled(page: Page, steps: int) -> dict[str, Any]:
    """Scrolls down: `frames` (ms between steps), `gaps` (steps at which a row was missing), `waited` (ms for
    rows), `seen` (how many rows), `last` (index of a row), `stalls` (how often the browser had stopped drawing and the page was opened anew).
    Stops at the end."""
    address = page.url
    for stalls in range(5):
        found = page.evaluate(_SCROLL, steps)
        if not found.get("stalled"):
            return {**found, "stalls": stalls}
        page.goto("about:blank")  # another renderer
        page.goto(address)
        page.wait_for_selector('[data-testid="task-table"] [data-index]')
    raise AssertionError("the browser stopped drawing five times")
