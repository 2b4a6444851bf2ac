"""The task table over a million tasks in headless Chromium (`make bench-web`): scrolling through thousands of rows, a screenful a frame, and
looking at every step whether the rows in sight are there and without a gap. The rows are made inside PostgreSQL, as those of `make bench`.

Needs a built bundle; `BENCH_TASKS` sets another number.
"""

from __future__ import annotations

import json
import os

from playwright.sync_api import expect

from tests.browser.conftest import MANAGER, OpenPage
from tests.browser.task_rows import fill, scrolled
from tests.sdk.conftest import Server

TASKS = int(os.environ.get("BENCH_TASKS", "1000000"))
STEPS = 200


def test_scrolling_over_a_million_tasks(server: Server, open_page: OpenPage) -> None:
    fill(server, "Table", TASKS)
    page = open_page("/console/tasks?project=Table", MANAGER)
    expect(page.get_by_test_id("task-total")).to_contain_text(f"{TASKS:,}", timeout=60_000)
    page.wait_for_timeout(1500)
    found = scrolled(page, STEPS)
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
                "times the browser stopped drawing": found["stalls"],
            }
        )
    )
    assert found["gaps"] == []
