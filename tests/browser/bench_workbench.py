"""Speed of the workbench in headless Chromium (`make bench-web`): a text of 1 MB with 1,000 spans opens, the next task comes after a submission.

Servers take texts of 100,000 characters at most (task-types-text §2), so the large one is put into the answer of `/api/work/claim` here; its time
runs from that answer's last byte to the painted text. The next task is one of a real server; its time runs from the key to its paint.
"""

from __future__ import annotations

import json
import random
import statistics
from typing import Any

from playwright.sync_api import Page, expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import LABELER, OpenPage, assign, offered
from tests.browser.test_every_type import Offers, leased
from tests.sdk.conftest import Namer, Server

CHARACTERS, SPANS, ROUNDS = 1_000_000, 1_000, 5
# Resolves when something that `until` finds has been painted: milliseconds of the page's clock.
_PAINTED = """(until) => new Promise((resolve) => {
  const find = new Function("return " + until);
  const look = () => {
    if (!find()) return requestAnimationFrame(look);
    const channel = new MessageChannel();
    channel.port1.onmessage = () => resolve(performance.now());
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };
  look();
})"""


def document() -> dict[str, Any]:
    """Params: English words in lines of about 90 letters, every thousandth letter a name; spans are its pre-labels."""
    draw = random.Random(5)
    words = [
        "the",
        "mill",
        "by",
        "river",
        "was",
        "sold",
        "with",
        "all",
        "land",
        "to",
        "Ines",
        "of",
        "Oban",
        "in",
        "spring",
    ]
    text, line = "", ""
    parts: list[str] = []
    size = 0
    while size < CHARACTERS:
        line = " ".join(draw.choices(words, k=18))
        parts.append(line)
        size += len(line) + 1
    text = "\n".join(parts)[:CHARACTERS]
    spans = []
    for i in range(SPANS):
        start = i * (CHARACTERS // SPANS) + draw.randrange(400)
        end = start + draw.randrange(4, 60)
        spans.append(
            {"id": f"s{i}", "start": start, "end": end, "text": text[start:end], "label": f"label {i % 8}"}
        )
    links = [
        {"id": f"l{i}", "source_ref": f"s{i}", "target_ref": f"s{i + 1}", "name": "near"}
        for i in range(0, 200, 2)
    ]
    return {
        "text": text,
        "labels": [{"name": f"label {i}"} for i in range(8)],
        "relationships": [{"name": "near", "is_directed": True}],
        "hypothesis": {"annotations": spans, "relationships": links},
    }  # fmt: skip


def report(case: str, found: list[float], target: float) -> None:
    figures = {
        "case": case,
        "ms": [round(ms) for ms in found],
        "median ms": round(statistics.median(found)),
        "target ms": target,
        "met": statistics.median(found) < target,
    }
    print(json.dumps(figures))


def test_a_text_of_a_megabyte_opens(open_page: OpenPage) -> None:
    page = open_page("/login")
    page.context.request.post("/api/login", data={"email": LABELER, "password": "correct horse battery"})
    offers = Offers(page)
    small = leased("namedentityrecognition", lambda given: given, "label")
    large = {**small, "task": {**small["task"], "params": document(), "project": "large"}}
    offers.open(small)
    found: list[float] = []
    for i in range(ROUNDS):
        page.evaluate("performance.clearResourceTimings()")
        offers.work = {
            **large,
            "lease_token": f"1-large{i}",
            "task": {**large["task"], "task_id": f"large{i}"},
        }
        page.get_by_label("More", exact=True).click()
        page.get_by_role("menuitem", name="Give back without a reason").click()
        painted = page.evaluate(_PAINTED, "document.querySelector('[data-spans=s0]')")
        answered = page.evaluate(
            "Math.max(...performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/claim')).map((e) => e.responseEnd))"
        )
        found.append(painted - answered)
        offers.open(small)
    report(f"a text of {CHARACTERS:,} characters with {SPANS:,} spans opens", found, 500)
    offers.open(large)
    _scroll(page)


def _scroll(page: Page) -> None:
    """Scrolls to the end in steps: frames per second and blocks that are in the page at once."""
    result = page.evaluate(
        """async () => {
          const view = document.querySelector('.steelyard-text');
          const gaps = [];
          let last = performance.now(), blocks = 0;
          for (let i = 0; i < 120; i++) {
            view.scrollTop += view.scrollHeight / 121;
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            gaps.push(now - last);
            last = now;
            blocks = Math.max(blocks, document.querySelectorAll('[data-block]').length);
          }
          gaps.sort((a, b) => a - b);
          return { blocks, p50: gaps[60], p95: gaps[114] };
        }"""
    )
    print(json.dumps({"case": "scrolling through it", "blocks at once": result["blocks"],
                      "frame gap ms p50": round(result["p50"], 1), "frame gap ms p95": round(result["p95"], 1)}))  # fmt: skip


def test_the_next_task_comes_after_a_submission(server: Server, open_page: OpenPage, fresh: Namer) -> None:
    project = fresh("stream")
    server.client(server.keys.live).create_project(project, TaskType.Categorization)
    assign(server, project, LABELER)
    task_id = ""
    for i in range(ROUNDS + 3):
        body = {
            "project": project,
            "instruction": "?",
            "attachment": f"Ticket {i}",
            "attachment_type": "text",
            "categories": ["A", "B"],
        }
        task_id = server.call("POST", "/v1/task/categorization", json=body).json()["task_id"]
    offered(server, task_id)
    page = open_page(f"/work?project={project}", LABELER)
    expect(page.get_by_role("radio", name="A")).to_be_visible()
    found: list[float] = []
    for i in range(ROUNDS + 1):
        page.wait_for_timeout(1500)  # a person takes longer, and the next task is fetched meanwhile
        page.keyboard.press("1")
        page.evaluate(
            "addEventListener('keydown', () => { window.pressed = performance.now() }, { capture: true, once: true })"
        )
        page.keyboard.press("Control+Enter")
        painted = page.evaluate(
            _PAINTED,
            f"document.body.innerText.includes('{i + 1} done') && document.querySelector('[data-field] input:not(:checked)') && !document.querySelector('[data-field] input:checked')",
        )
        found.append(painted - page.evaluate("window.pressed"))
    report("the next task after a submission", found[1:], 300)
