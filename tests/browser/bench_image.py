"""Speed of the image editor in headless Chromium (`make bench-web`): frames while panning and zooming over an 8,000 × 8,000 picture with 2,000
polygons, from input to paint, and dragging one of 10,000 shapes.

A hand of its own moves the mouse 125 times a second, as real ones do, and waits for nothing; the wheel is turned once a frame. What comes of it
is read from the browser's own trace (trace.py): frames with something new on the screen, the way of every input until it was seen, the main
thread's work for a frame. Needs a built bundle.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import math
import os
import random
import statistics
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import async_playwright
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import LABELER, OpenPage, assign
from tests.browser.trace import Event, Trace
from tests.sdk.conftest import Server

SIDE = 8000

FRAMES_PER_S = 50
INPUT_MS = 50
DRAG_MS = 16
HAND_MS = 8


@pytest.fixture(autouse=True, scope="module")
def renderer(browser: Browser) -> None:
    """Says what draws."""
    info = browser.new_browser_cdp_session().send("SystemInfo.getInfo")
    features = info["gpu"].get("featureStatus", {})
    print(f"\nChromium {browser.version}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    print({name: features.get(name) for name in ("gpu_compositing", "2d_canvas", "rasterization")})


class Hand:
    """Moves the mouse of a page from a thread of its own, at an even pace whatever the page does with it."""

    def __init__(self, port: int, url: str) -> None:
        self.port = port
        self.url = url

    def play(self, events: Iterator[Event]) -> None:
        failed: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self._play(events))
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]

    async def _play(self, events: Iterator[Event]) -> None:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{self.port}")
            page = next(p for c in browser.contexts for p in c.pages if p.url == self.url)
            session = await page.context.new_cdp_session(page)
            loop = asyncio.get_running_loop()
            start = loop.time()
            sent: list[asyncio.Task[Any]] = []
            for i, event in enumerate(events):
                await asyncio.sleep(max(0, start + i * HAND_MS / 1000 - loop.time()))
                sent.append(asyncio.create_task(session.send("Input.dispatchMouseEvent", event)))
            await asyncio.gather(*sent)


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


def at(sorted_values: list[float], share: float) -> float:
    return round(sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))], 1)


def gesture(page: Page, hand: Hand | Wheel, name: str, events: Iterator[Event]) -> dict[str, Any]:
    """Plays a gesture under the trace; frames a second and milliseconds."""
    trace = Trace(page)
    hand.play(events)
    trace.end()
    latencies, nothing = trace.latencies()
    start, end = latencies[0][0], latencies[-1][0]
    drawn = trace.frames(start, end)
    gaps = sorted(b - a for a, b in itertools.pairwise(drawn))
    waits = sorted(wait for _, wait in latencies)
    work = trace.work(start, end)
    result = {
        "case": name,
        "frames per second": round(1000 * len(drawn) / (end - start), 1),
        "frame gap ms p50": at(gaps, 0.5),
        "frame gap ms p95": at(gaps, 0.95),
        "input to paint ms p50": at(waits, 0.5),
        "input to paint ms p95": at(waits, 0.95),
        "main thread ms a frame p50": round(statistics.median(work), 1),
        "main thread ms a frame p95": at(work, 0.95),
        "inputs": len(waits),
        "inputs that changed nothing": nothing,
    }
    print(json.dumps(result))
    return result


def mouse(kind: str, x: float, y: float, button: str = "none", **more: Any) -> Event:
    buttons = {"none": 0, "left": 1, "middle": 4}[button]
    if kind == "mouseReleased":
        buttons = 0
    clicks = 1 if kind in ("mousePressed", "mouseReleased") else 0
    return {"type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": clicks, **more}


def dragging(x: float, y: float, width: float, height: float, button: str, moves: int) -> Iterator[Event]:
    """Round and round within so many pixels of a place, whole pixels as a mouse has them."""
    yield mouse("mouseMoved", x, y)
    yield mouse("mousePressed", x, y, button)
    for i in range(moves):
        yield mouse(
            "mouseMoved",
            round(x + width * math.sin(i / 40)),
            round(y + height * math.sin(i / 55)),
            button,
        )
    yield mouse("mouseReleased", x, y, button)


class Wheel:
    """Turns the wheel by the browser's own means: in by a factor of about eighteen and out again, three times.

    Wheel events of the debugging protocol are each a gesture of its own, which the browser neither joins nor hurries; those of a hand are one.
    """

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)

    def play(self, events: Iterator[Event]) -> None:
        for event in events:
            self.session.send("Input.synthesizeScrollGesture", event)


def zooming(x: float, y: float, turns: int) -> Iterator[Event]:
    for i in range(turns):
        yield {
            "x": x,
            "y": y,
            "yDistance": -1800 if i % 2 else 1800,
            "speed": 2400,
            "gestureSourceType": "mouse",
            "preventFling": True,
        }


def test_pan_and_zoom_over_2000_polygons(server: Server, open_page: OpenPage, debugging_port: int) -> None:
    page = opened(open_page, task(server, 2000))
    hand = Hand(debugging_port, page.url)
    results = [
        gesture(page, hand, "pan", dragging(600, 450, 250, 180, "middle", 500)),
        gesture(page, Wheel(page), "zoom", zooming(600, 450, 6)),
    ]
    for result in results:
        assert result["frames per second"] >= FRAMES_PER_S, result
        assert result["input to paint ms p95"] < INPUT_MS, result


def test_drag_one_of_10000(server: Server, open_page: OpenPage, debugging_port: int) -> None:
    page = opened(open_page, task(server, 10_000))
    page.locator("li[data-record] button").first.click()
    page.keyboard.press("z")
    page.wait_for_timeout(3000)
    box = page.get_by_test_id("image-canvas").bounding_box()
    assert box is not None
    x, y = round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)
    result = gesture(
        page,
        Hand(debugging_port, page.url),
        "drag one of 10,000",
        dragging(x, y, 60, 40, "left", 400),
    )
    assert result["main thread ms a frame p95"] < DRAG_MS, result
    assert result["input to paint ms p95"] < INPUT_MS, result
