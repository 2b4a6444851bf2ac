"""Speed of the image editor in headless Chromium (`make bench-web`): frames while panning and zooming over an 8,000 × 8,000 picture with 2,000
polygons, from input to paint, and dragging one of 10,000 shapes.

Frames are those of the page's own `requestAnimationFrame` beside the presented ones of the browser's frame trace (`Tracing`, `DrawFrame`).
Rendering is in software. Needs a built bundle.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import random
import statistics
from typing import Any

from PIL import Image
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import LABELER, OpenPage, assign
from tests.sdk.conftest import Server

SIDE = 8000

_CATEGORIES = (
    "devtools.timeline,disabled-by-default-devtools.timeline,disabled-by-default-devtools.timeline.frame"
)
_RECORD = """() => {
  const record = { frames: [], inputs: [], on: true };
  window.__record = record;
  const frame = (t) => { record.frames.push(t); if (record.on) requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) record.inputs.push(e.duration);
  }).observe({ type: "event", durationThreshold: 16, buffered: false });
}"""


def picture() -> bytes:
    """A picture of noise and gradients that compresses badly, as photographs do."""
    rng = random.Random(1)
    small = Image.effect_noise((1000, 1000), 64).convert("RGB")
    base = small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    base.putpixel((0, 0), (rng.randrange(256), 0, 0))
    out = io.BytesIO()
    base.save(out, "JPEG", quality=80)
    return out.getvalue()


def polygons(n: int, corners: int = 12, side: int = SIDE) -> list[dict[str, Any]]:
    """Polygons strewn over the picture."""
    rng = random.Random(2)
    found: list[dict[str, Any]] = []
    for i in range(n):
        r = rng.uniform(30, 90)
        cx, cy = rng.uniform(r, side - r), rng.uniform(r, side - r)
        vertices = [
            {
                "x": round(cx + r * rng.uniform(0.7, 1) * math.cos(2 * math.pi * k / corners), 1),
                "y": round(cy + r * rng.uniform(0.7, 1) * math.sin(2 * math.pi * k / corners), 1),
            }
            for k in range(corners)
        ]
        found.append({"uuid": f"p{i}", "type": "polygon", "label": f"label {i % 12}", "vertices": vertices})
    return found


def task(server: Server, n: int) -> str:
    """A project with one task: the large picture and so many polygons as pre-labels; its name."""
    name = f"bench-{n}"
    assert server.call(
        "POST", "/v1/projects", json={"type": "imageannotation", "name": name, "params": {}}
    ).ok
    assign(server, name, LABELER)
    file = server.call("POST", "/v1/files/upload", files={"file": ("big.jpg", picture(), "image/jpeg")},
                       data={"project_name": name})  # fmt: skip
    assert file.ok, file.text
    body = {
        "instruction": "Check the polygons.",
        "attachment": file.json()["attachment_url"],
        "callback_url": "http://www.example.com/callback",
        "project": name,
        "geometries": {"polygon": {"objects_to_annotate": [f"label {i}" for i in range(12)]}},
        "hypothesis": {"annotations": polygons(n)},
    }
    made = server.call("POST", "/v1/task/imageannotation", json=body)
    assert made.ok, made.text
    lease = server.claim(made.json()["task_id"])
    assert server.call("POST", f"/api/work/{lease}/release", json={}).ok
    return name


def opened(open_page: OpenPage, project: str) -> Page:
    """The editor with the picture there and everything painted."""
    page = open_page(f"/work?project={project}", email=LABELER)
    expect(page.get_by_test_id("image-canvas")).to_have_attribute("data-ready", "true", timeout=120_000)
    page.wait_for_timeout(6000)
    return page


class Trace:
    """Frames that the compositor presented, by the browser's own trace."""

    def __init__(self, page: Page) -> None:
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.events: list[dict[str, Any]] = []
        self.done = False
        self.session.on("Tracing.dataCollected", lambda e: self.events.extend(e["value"]))
        self.session.on("Tracing.tracingComplete", lambda _: setattr(self, "done", True))
        self.session.send(
            "Tracing.start",
            {"transferMode": "ReportEvents", "categories": _CATEGORIES},
        )

    def presented(self, page: Page) -> list[float]:
        """Times (seconds) at which frames were drawn."""
        self.session.send("Tracing.end")
        while not self.done:
            page.wait_for_timeout(50)
        return sorted({e["ts"] / 1e6 for e in self.events if e.get("name") == "DrawFrame"})


def figures(name: str, page: Page, frames: list[float], seconds: float) -> dict[str, Any]:
    """What a gesture measured: rates and gaps in milliseconds."""
    record = page.evaluate("() => { window.__record.on = false; return window.__record }")
    own = [b - a for a, b in itertools.pairwise(record["frames"])]
    drawn = [1000 * (b - a) for a, b in itertools.pairwise(frames)]
    inputs = sorted(record["inputs"]) or [0.0]
    result = {
        "case": name,
        "presented per second": round(len(frames) / seconds, 1),
        "script frames per second": round(1000 * len(own) / sum(own), 1) if own else 0,
        "frame gap ms p50": round(statistics.median(drawn), 1) if drawn else None,
        "frame gap ms p95": round(sorted(drawn)[int(len(drawn) * 0.95)], 1) if drawn else None,
        "input to paint ms p95 (of those over 16)": round(inputs[int(len(inputs) * 0.95)], 1),
    }
    print(json.dumps(result))
    return result


def gesture(page: Page, name: str, act: Any) -> dict[str, Any]:
    """Runs a gesture under the trace."""
    page.evaluate(_RECORD)
    trace = Trace(page)
    start = page.evaluate("performance.now()")
    act()
    seconds = (page.evaluate("performance.now()") - start) / 1000
    return figures(name, page, trace.presented(page), seconds)


def _pan(page: Page) -> None:
    page.mouse.move(600, 450)
    page.mouse.down(button="middle")
    for i in range(180):
        page.mouse.move(600 + 250 * math.sin(i / 18), 450 + 180 * math.sin(i / 25))
        page.wait_for_timeout(8)
    page.mouse.up(button="middle")


def _zoom(page: Page) -> None:
    page.mouse.move(600, 450)
    for i in range(180):
        page.mouse.wheel(0, -60 if i % 60 < 30 else 60)
        page.wait_for_timeout(8)


def test_pan_and_zoom_over_2000_polygons(server: Server, open_page: OpenPage) -> None:
    page = opened(open_page, task(server, 2000))
    print(page.evaluate("navigator.userAgent"), "software rendering (--disable-gpu)")
    results = [gesture(page, "pan", lambda: _pan(page)), gesture(page, "zoom", lambda: _zoom(page))]
    assert all(r["script frames per second"] > 0 for r in results)


def test_drag_one_of_10000(server: Server, open_page: OpenPage) -> None:
    page = opened(open_page, task(server, 10_000))
    rows = page.locator("li[data-record] button").first
    rows.click()
    page.keyboard.press("z")
    page.wait_for_timeout(3000)
    box = page.get_by_test_id("image-canvas").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def drag() -> None:
        page.mouse.move(x, y)
        page.mouse.down()
        for i in range(120):
            page.mouse.move(x + 60 * math.sin(i / 10), y + 40 * math.sin(i / 14))
            page.wait_for_timeout(8)
        page.mouse.up()

    gesture(page, "drag one of 10,000", drag)
