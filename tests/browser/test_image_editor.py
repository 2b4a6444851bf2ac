"""The image editor in a real browser: every geometry drawn by real pointer and key events, and the answer that the API then returns."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import LABELER, OpenPage, assign, axe
from tests.sdk.conftest import Server

GEOMETRIES = {
    "box": {"objects_to_annotate": ["cup", "saucer"], "min_width": 10, "min_height": 10},
    "polygon": {"objects_to_annotate": ["table"]},
    "line": {"objects_to_annotate": ["edge"]},
    "point": {"objects_to_annotate": ["highlight"]},
    "ellipse": {"objects_to_annotate": ["rim"]},
    "cuboid": {"objects_to_annotate": ["sugar"]},
}
Work = Callable[[str, dict[str, Any]], tuple[str, str]]


@pytest.fixture
def work(server: Server) -> Work:
    """Creates a project of a type with one task for the labeler; its name and the task's id."""

    def make(task_type: str, params: dict[str, Any]) -> tuple[str, str]:
        name = f"image-{secrets.token_hex(4)}"
        client = server.client(server.keys.live)
        made = server.call("POST", "/v1/projects", json={"type": task_type, "name": name, "params": {}})
        assert made.status_code == 200, made.text
        assign(server, name, LABELER)
        body = {
            "instruction": "Mark what you see.",
            "attachment": client.photo,
            "callback_url": "http://www.example.com/callback",
            "project": name,
            **params,
        }
        made = server.call("POST", f"/v1/task/{task_type}", json=body)
        assert made.status_code == 200, made.text
        task_id = made.json()["task_id"]
        # Until its files have been fetched a task is offered to nobody.
        lease = server.claim(task_id)
        assert server.call("POST", f"/api/work/{lease}/release", json={}).ok
        return name, task_id

    return make


class Canvas:
    """The canvas by image coordinates: where they are on the screen follows from the view that fits the image."""

    def __init__(self, page: Page, width: int, height: int) -> None:
        self.page = page
        self.place = page.get_by_test_id("image-canvas")
        expect(self.place).to_have_attribute("data-ready", "true")
        box = self.place.bounding_box()
        assert box is not None
        self.scale = min((box["width"] - 32) / width, (box["height"] - 32) / height)
        self.left = box["x"] + (box["width"] - width * self.scale) / 2
        self.top = box["y"] + (box["height"] - height * self.scale) / 2

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.left + x * self.scale, self.top + y * self.scale

    def click(self, *places: tuple[float, float]) -> None:
        for place in places:
            self.page.mouse.click(*self.at(*place))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end), steps=6)
        self.page.mouse.up()


def opened(open_page: OpenPage, page_path: str) -> tuple[Page, Canvas]:
    page = open_page(page_path, email=LABELER)
    try:
        return page, Canvas(page, *SIZE)
    finally:
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/opened-{secrets.token_hex(2)}.png")


SHOTS = os.environ.get("STEELYARD_SHOTS")
SIZE = (600, 400)


def near(got: Any, wanted: Any, by: float = 3) -> bool:
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(k in got and near(got[k], v, by) for k, v in wanted.items())
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(near(g, w, by) for g, w in zip(got, wanted, strict=True))
    if isinstance(wanted, int | float) and not isinstance(wanted, bool):
        return isinstance(got, int | float) and abs(got - wanted) <= by
    return got == wanted


def corners(*places: tuple[float, float]) -> list[dict[str, float]]:
    return [{"x": x, "y": y} for x, y in places]


def completed(server: Server, task_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while True:
        task = server.call("GET", f"/v1/task/{task_id}").json()
        if task["status"] == "completed":
            return task["response"]
        assert time.monotonic() < deadline, json.dumps(task)[:2000]
        time.sleep(0.1)


def test_every_geometry_is_drawn_changed_kept_over_a_reload_and_submitted(
    server: Server, open_page: OpenPage, work: Work
):
    project, task_id = work("imageannotation", {"geometries": GEOMETRIES})
    page, canvas = opened(open_page, f"/work?project={project}")

    page.keyboard.press("b")
    canvas.drag((60, 60), (200, 160))
    page.keyboard.press("2")
    page.keyboard.press("p")
    canvas.click((250, 60), (340, 70), (330, 150), (250, 60))
    page.keyboard.press("y")
    canvas.click((60, 300), (140, 340), (220, 300))
    page.keyboard.press("Enter")
    page.keyboard.press("o")
    canvas.click((400, 80))
    page.keyboard.press("e")
    canvas.drag((420, 140), (520, 200))
    page.keyboard.press("c")
    canvas.drag((300, 240), (400, 340))
    page.keyboard.press("v")
    expect(page.get_by_role("heading", name="6 objects")).to_be_visible()

    # a polygon's vertex is moved, the move undone and done again
    canvas.click((300, 80))
    canvas.drag((330, 150), (350, 180))
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()

    page.reload()
    canvas = Canvas(page, *SIZE)
    expect(page.get_by_role("heading", name="6 objects")).to_be_visible()
    page.keyboard.press("b")
    canvas.drag((60, 200), (120, 260))
    page.keyboard.press("Control+z")
    expect(page.get_by_role("heading", name="6 objects")).to_be_visible()
    page.keyboard.press("Control+Enter")

    response = completed(server, task_id)
    by_type = {a["type"]: a for a in response["annotations"]}
    assert len(response["annotations"]) == 6
    assert near(by_type["box"], {"label": "saucer", "left": 60, "top": 60, "width": 140, "height": 100})
    assert near(by_type["polygon"]["vertices"], corners((250, 60), (340, 70), (350, 180)))
    assert near(by_type["line"]["vertices"], corners((60, 300), (140, 340), (220, 300)))
    assert near(by_type["point"], {"label": "highlight", "x": 400, "y": 80})
    assert near(by_type["ellipse"]["vertices"], corners((470, 140), (520, 170), (470, 200), (420, 170)))
    assert {v["description"] for v in by_type["cuboid"]["vertices"]} >= {"face-topleft", "side-topcorner"}
    assert response["links"] == [] and response["global_attributes"] == {}


def test_what_is_selected_is_seen_with_its_handles(server: Server, open_page: OpenPage, work: Work):
    name, _ = work("imageannotation", {"geometries": {"box": {"objects_to_annotate": ["cup"]}}})
    page, canvas = opened(open_page, f"/work?project={name}")
    page.mouse.move(*canvas.at(300, 350))
    x, y = canvas.at(100, 100)
    clip = {"x": x - 6, "y": y - 6, "width": 12, "height": 12}
    before = page.screenshot(clip=clip)
    page.keyboard.press("b")
    canvas.drag((100, 100), (200, 200))
    page.keyboard.press("v")
    page.mouse.move(*canvas.at(300, 350))
    expect(page.get_by_text("1 object")).to_be_visible()
    # the handle at the corner is white: it lies over the picture and the resting shapes, not beneath them
    from PIL import Image

    seen = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    assert min(seen.getpixel((6, 6))) > 240  # pyright: ignore[reportArgumentType]
    assert page.screenshot(clip=clip) != before


def test_a_task_is_done_by_keys_alone(server: Server, open_page: OpenPage, work: Work):
    attributes = {"full": {"choices": ["yes", "no"]}, "occluded": {"choices": ["yes", "no"]}}
    project, task_id = work(
        "imageannotation",
        {"geometries": {"box": GEOMETRIES["box"]}, "annotation_attributes": attributes},
    )
    page, canvas = opened(open_page, f"/work?project={project}")
    canvas.place.focus()
    page.keyboard.press("b")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 object")).to_be_visible()
    page.keyboard.press("v")
    page.keyboard.press("2")
    page.keyboard.press("q")
    page.keyboard.press("Shift+ArrowLeft")
    page.get_by_role("radiogroup", name="full").get_by_label("yes").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    (box,) = completed(server, task_id)["annotations"]
    assert box["label"] == "saucer"
    assert box["attributes"] == {"full": "yes", "occluded": "yes"}
    assert box["width"] > 50


def test_prelabels_are_accepted_or_rejected_and_too_small_boxes_refused(
    server: Server, open_page: OpenPage, work: Work
):
    hypothesis = {
        "annotations": [
            {"type": "box", "label": "cup", "left": 40 + 150 * i, "top": 40, "width": 100, "height": 80}
            for i in range(3)
        ]
    }
    project, task_id = work("imageannotation", {"geometries": GEOMETRIES, "hypothesis": hypothesis})
    page, canvas = opened(open_page, f"/work?project={project}")
    expect(page.get_by_text("3 proposals to look at")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Reject: cup 2")).click()
    page.get_by_role("button", name="Accept all").click()
    page.keyboard.press("b")
    canvas.drag((300, 300), (305, 360))
    expect(page.get_by_test_id("image-notice")).to_contain_text("Too narrow")
    page.keyboard.press("Control+Enter")
    boxes = completed(server, task_id)["annotations"]
    assert sorted(b["left"] for b in boxes) == [40, 340]


def test_nothing_serious_is_found_by_axe(server: Server, open_page: OpenPage, work: Work):
    attributes = {
        "full": {"choices": ["yes", "no"]},
        "tilt": {"type": "angle"},
        "note": {"type": "text"},
        "weather": {"choices": ["sun", "rain"], "conditions": {"is_global": True}},
    }
    project, _ = work("imageannotation", {"geometries": GEOMETRIES, "annotation_attributes": attributes})
    page, canvas = opened(open_page, f"/work?project={project}")
    axe(page)
    page.keyboard.press("b")
    canvas.drag((60, 60), (200, 160))
    page.keyboard.press("v")
    axe(page)


@pytest.mark.parametrize(
    ("task_type", "key", "draw"),
    [
        ("annotation", "b", "drag"),
        ("polygonannotation", "p", "clicks"),
        ("lineannotation", "y", "clicks"),
        ("pointannotation", "o", "click"),
        ("cuboidannotation", "c", "drag"),
        ("laneannotation", "y", "clicks"),
    ],
)
def test_legacy_types_are_labeled_and_accepted(
    server: Server, open_page: OpenPage, work: Work, task_type: str, key: str, draw: str
):
    project, task_id = work(task_type, {"objects_to_annotate": ["cup"]})
    page, canvas = opened(open_page, f"/work?project={project}")
    page.keyboard.press(key)
    if draw == "drag":
        canvas.drag((100, 100), (220, 200))
    elif draw == "click":
        canvas.click((100, 100))
    else:
        canvas.click((100, 100), (200, 110), (220, 200))
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 object")).to_be_visible()
    page.keyboard.press("Control+Enter")
    (annotation,) = completed(server, task_id)["annotations"]
    assert annotation["label"] == "cup"
