"""What the journeys of the image editor share: tasks to work on, the canvas by image coordinates, answers."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import LABELER, OpenPage, assign
from tests.sdk.conftest import Server

PHOTO = (600, 400)
Work = Callable[..., tuple[str, str]]


def worker(server: Server) -> Work:
    """Makes a project of a type with one task for the labeler, or one more task of a project: its name and the task's id."""

    def make(task_type: str, params: dict[str, Any], project: str | None = None) -> tuple[str, str]:
        name = project or f"image-{secrets.token_hex(4)}"
        client = server.client(server.keys.live)
        if project is None:
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
    """The canvas by image coordinates: where they are on the screen follows from the view that fits the image, turned or not."""

    def __init__(self, page: Page, width: float, height: float, *, padding: float = 0) -> None:
        self.page = page
        self.place = page.get_by_test_id("image-canvas")
        expect(self.place).to_have_attribute("data-ready", "true")
        self.size = (width, height)
        self.padding = padding
        self.turned(0)

    def turned(self, quarters: int) -> Canvas:
        """From now on the view is turned by so many quarters clockwise."""
        box = self.place.bounding_box()
        assert box is not None
        self.quarters = quarters
        width, height = (side + 2 * self.padding for side in self.size)
        if quarters % 2:
            width, height = height, width
        self.scale = min((box["width"] - 32) / width, (box["height"] - 32) / height)
        self.middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        return self

    def at(self, x: float, y: float) -> tuple[float, float]:
        dx, dy = (x - self.size[0] / 2) * self.scale, (y - self.size[1] / 2) * self.scale
        for _ in range(self.quarters % 4):
            dx, dy = -dy, dx
        return self.middle[0] + dx, self.middle[1] + dy

    def image(self, x: float, y: float) -> tuple[float, float]:
        """The place of the image at one of the screen."""
        dx, dy = (x - self.middle[0]) / self.scale, (y - self.middle[1]) / self.scale
        for _ in range(-self.quarters % 4):
            dx, dy = -dy, dx
        return self.size[0] / 2 + dx, self.size[1] / 2 + dy

    def click(self, *places: tuple[float, float], hold: str | None = None) -> None:
        if hold is not None:
            self.page.keyboard.down(hold)
        for place in places:
            self.page.mouse.click(*self.at(*place))
        if hold is not None:
            self.page.keyboard.up(hold)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.stroke(self.at(*start), self.at(*end))

    def stroke(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drags from one place of the screen to another."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=6)
        self.page.mouse.up()

    def objects(self, count: int) -> None:
        """Waits until the list has so many objects."""
        name = f"{count} object" if count == 1 else f"{count} objects"
        expect(self.page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def opened(
    open_page: OpenPage, project: str, size: tuple[float, float] = PHOTO, **more: Any
) -> tuple[Page, Canvas]:
    page = open_page(f"/work?project={project}", email=LABELER)
    return page, Canvas(page, *size, **more)


def near(got: Any, wanted: Any, by: float = 3) -> bool:
    """Whether an answer is what was drawn, to so many pixels; keys that are not asked for do not count."""
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
