"""Every task type in the workbench: what customers and contributors write is shown and never runs, and axe finds nothing serious, light and dark.

The page, its editors and its policy are the real ones. The answers of `/api/work` are put together here from the types' fixtures, with a payload
in every text: stricter than any server, for no validation lessens them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import LABELER, ROOT, OpenPage, axe
from tests.sdk.conftest import PHOTOS

FIXTURES = ROOT / "fixtures" / "task-types"
TYPES = sorted(path.name for path in FIXTURES.iterdir() if (path / "valid").is_dir())
EDITORS = [
    path.name
    for path in (ROOT / "web" / "src" / "task-types").iterdir()
    if path.name[0].isalpha() and path.is_dir()
]
PAYLOAD = (
    "\"'><img src=x onerror=\"window.ran='img'\"><script>window.ran='script'</script><svg onload=\"window.ran='svg'\">"
    "<a href=\"javascript:window.ran='a'\">a</a> [m](javascript:window.ran='md') {{constructor.constructor('window.ran=1')()}}"
)  # fmt: skip
# What decides how a task is shown: with a payload in it nothing would be.
STRUCTURE = frozenset(
    ("type", "kind", "attachment_type", "geometry", "format", "mode", "id", "uuid", "field_id", "key", "annotation_id")
)  # fmt: skip


def fixture(kind: str) -> dict[str, Any]:
    """The richest valid task of a type: params and response."""
    found = sorted((FIXTURES / kind / "valid").glob("*.json"), key=lambda path: path.stat().st_size)
    return json.loads(
        max((p for p in found if p.stat().st_size < 60_000), key=lambda p: p.stat().st_size).read_text(
            "utf-8"
        )
    )


def poisoned(value: Any, key: str = "") -> Any:
    """The same with the payload in every text but those that decide how it is shown."""
    if isinstance(value, dict):
        return {k: poisoned(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(one, key) for one in value]
    if isinstance(value, str) and key not in STRUCTURE:
        return value + PAYLOAD
    return value


def leased(kind: str, change: Callable[[Any], Any], stage: str) -> dict[str, Any]:
    """Work of a type as the server offers it."""
    task = fixture(kind)
    params, response = change(task["params"]), change(task.get("response"))
    text = change("Look here.")
    remark = {"id": 1, "version": 1, "annotation_id": None, "at": None, "text": text, "author": text}
    return {
        "slot": {"id": 1, "step": 1 if stage == "review" else 0, "number": 0},
        "stage": stage,
        "lease_token": f"1-{kind}{stage}",
        "lease_expires_at": "2100-01-01T00:00:00.000Z",
        "task": {
            "task_id": f"{kind}{stage}{'x' if change is poisoned else ''}",
            "type": kind,
            "instruction": text,
            "params": params,
            "project": f"{kind} {stage}",
            "batch": text,
        },
        "review": {
            "response": response,
            "previous_response": response,
            "version": 2,
            "answers": [{"label": text, "response": response}],
            "comments": [{**remark, "created_at": "2026-01-01T00:00:00.000Z", "resolved_at": None}],
        }
        if stage == "review" and response is not None
        else None,
        "media": [
            {"path": "attachment", "url": "/media/picture", "role": "attachment", "media": "image", "mime_type": "image/jpeg", "width": 600, "height": 400, "size_bytes": 1}
        ],
    }  # fmt: skip


class Offers:
    """Stands in for `/api/work`: offers one piece of work."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.work: dict[str, Any] = {}
        page.route("**/api/work", lambda route: route.fulfill(json={"leases": []}))
        page.route("**/api/work/claim", lambda route: route.fulfill(json=self.work))
        page.route("**/release", lambda route: route.fulfill(json={"result": "success"}))
        page.route("**/media/picture", lambda route: route.fulfill(path=str(Path(PHOTOS) / "coffee.jpg")))

    def open(self, work: dict[str, Any]) -> None:
        first, self.work = not self.work, work
        if first:
            self.page.goto("/work?task_id=1")
        else:
            self.page.keyboard.press("Escape")
            self.page.get_by_label("More", exact=True).click()
            self.page.get_by_role("menuitem", name="Give back without a reason").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(work["task"]["project"])
        expect(self.page.locator("main#main > :not(style)").first).to_be_visible()


def test_what_anybody_writes_never_runs_in_any_type(open_page: OpenPage) -> None:
    page = open_page("/login")
    page.context.request.post("/api/login", data={"email": LABELER, "password": "correct horse battery"})
    offers = Offers(page)
    assert len(TYPES) == 32
    for kind in TYPES:
        for stage in ("label", "review") if kind in EDITORS else ("review",):
            offers.open(leased(kind, poisoned, stage))
            expect(page.get_by_text("Look here.").first).to_be_visible()
            if kind in EDITORS and stage == "label":
                page.keyboard.press("F1")  # the names of commands are customers' words, too
                expect(page.get_by_role("dialog")).to_be_visible()
                page.keyboard.press("Escape")
                expect(page.get_by_role("dialog")).to_be_hidden()
            found = page.evaluate(
                "() => [window.ran ?? null, document.querySelectorAll('img[src=x], svg[onload], a[href^=javascript]').length]"
            )
            assert found == [None, 0], (kind, stage, found)


def test_axe_finds_nothing_serious_in_any_editor(open_page: OpenPage) -> None:
    page = open_page("/login")
    page.context.request.post("/api/login", data={"email": LABELER, "password": "correct horse battery"})
    offers = Offers(page)
    for kind in sorted(
        {*EDITORS, "chat", "lidarannotation"} - {"annotation", "pointannotation", "polygonannotation"}
    ):
        offers.open(leased(kind, lambda given: given, "review"))
        page.add_style_tag(content="* { transition: none !important }")  # colours half-way are nobody's
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_function(
                "s => matchMedia(`(prefers-color-scheme: ${s})`).matches && document.documentElement.dataset.mantineColorScheme === s",
                arg=scheme,
            )
            try:
                axe(page)
            except AssertionError as error:
                raise AssertionError(f"{kind}, {scheme}: {error}") from None
