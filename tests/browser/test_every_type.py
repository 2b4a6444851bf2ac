"""Every task type in the workbench: what customers and contributors write is shown and never runs, and axe finds nothing serious, light and dark.

The page, its editors and its policy are the real ones. The answers of `/api/work` are put together here from the types' fixtures, with a payload
in every text: stricter than any server, for no validation lessens them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, Route, expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import (
    LABELER,
    ROOT,
    OpenPage,
    assign,
    in_both_schemes,
    offered,
    response_of,
    sign_in,
)
from tests.browser.recordings import film, tone
from tests.sdk.conftest import PHOTOS, Namer, Server

FIXTURES = ROOT / "fixtures" / "task-types"
TYPES = sorted(path.name for path in FIXTURES.iterdir() if (path / "valid").is_dir())
EDITORS = [
    path.name
    for path in (ROOT / "web" / "src" / "task-types").iterdir()
    if path.name[0].isalpha() and path.is_dir()
]
# The older image types are one editor; so are the types without one of their own, which share the JSON editor.
LEGACY = frozenset(
    ("annotation", "polygonannotation", "lineannotation", "laneannotation", "pointannotation", "cuboidannotation")
)  # fmt: skip
JSON_TYPES = [kind for kind in TYPES if kind not in EDITORS]
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


def offering(open_page: OpenPage, **more: Any) -> Offers:
    page = open_page("/login", **more)
    sign_in(page.context, LABELER)
    return Offers(page)


def unharmed(page: Page) -> None:
    """Nothing of a payload ran, or is there to run."""
    found = page.evaluate(
        "() => [window.ran ?? null, document.querySelectorAll('img[src=x], svg[onload], a[href^=javascript]').length]"
    )
    assert found == [None, 0]


def test_what_anybody_writes_never_runs_in_any_type(open_page: OpenPage) -> None:
    offers = offering(open_page)
    page = offers.page
    assert len(TYPES) == 32
    for kind in [*EDITORS, "chat"]:
        for stage in ("label", "review") if kind not in {*LEGACY, "chat"} else ("review",):
            work = leased(kind, poisoned, stage)
            if kind == "chat":  # with the params of all that are shown as it is
                task = work["task"]
                task["params"] = {
                    f"{one} {name}": value
                    for one in JSON_TYPES
                    for name, value in poisoned(fixture(one)["params"]).items()
                }
            offers.open(work)
            expect(page.get_by_text("Look here.").first).to_be_visible()
            if kind in EDITORS and (stage == "label" or kind in LEGACY):
                page.keyboard.press("F1")  # the names of commands are customers' words, too
                expect(page.get_by_role("dialog")).to_be_visible()
                page.keyboard.press("Escape")
                expect(page.get_by_role("dialog")).to_be_hidden()
            unharmed(page)
    expect(page.locator("[data-param]")).to_have_count(len(task["params"]))


def test_files_of_every_kind_are_shown_and_nothing_in_them_runs_or_loads(
    open_page: OpenPage, tmp_path: Path
) -> None:
    # the policy stops what the parser meets before it is taken out
    offers = offering(open_page, expected=("Executing inline event handler violates",))
    page = offers.page
    evil = (
        "# Heading\n"
        + PAYLOAD
        + "<form action='/x'><button>b</button></form><img src='https://evil.example/a.png'><style>@import '/x'</style>"
    )
    tone(tmp_path / "tone.wav")
    Image.new("RGB", (40, 30), "navy").save(tmp_path / "page.png")
    (tmp_path / "evil.txt").write_text(evil)
    film(tmp_path / "film.mp4", frames=10)
    page.route(
        "**/media/made/*",
        lambda route: route.fulfill(path=str(tmp_path / route.request.url.rsplit("/", 1)[1])),
    )
    files = {
        "image": "page.png",
        "text": "evil.txt",
        "html": "evil.txt",
        "pdf": "page.png",
        "audio": "tone.wav",
        "video": "film.mp4",
        "website": "evil.txt",
    }
    work = leased("chat", lambda given: given, "label")
    work["media"] = [
        {
            "path": kind,
            "url": f"/media/made/{name}",
            "role": "attachment",
            "media": kind,
            "mime_type": "x/y",
            "size_bytes": 1,
        }
        for kind, name in files.items()
    ]
    work["media"][3]["derived"] = {"pages": [{"image": "/media/made/page.png", "text": "the first page"}]}
    offers.open(work)
    shown = page.locator("[data-attachment]")
    expect(shown).to_have_count(len(files))
    for at, element in ((0, "img"), (3, "img")):
        assert (
            shown.nth(at).locator(element).evaluate("async (e) => (await e.decode(), e.naturalWidth)") == 40
        )
    for at, element, length in ((4, "audio", 1.0), (5, "video", 0.4)):
        player = shown.nth(at).locator(element)
        player.evaluate("(e) => e.readyState > 0 || new Promise((go) => { e.onloadedmetadata = go; })")
        assert abs(player.evaluate("(e) => e.duration") - length) < 0.1
    words = shown.nth(1).frame_locator("iframe")
    expect(words.get_by_role("heading", name="Heading")).to_be_visible()
    expect(words.get_by_text("<script>")).to_be_visible()  # HTML in Markdown is text
    page_of = shown.nth(2).frame_locator("iframe")
    expect(page_of.get_by_text("# Heading")).to_be_visible()
    expect(
        page_of.locator("script, form, button, svg, body style, img[src], [onerror], [href^=javascript]")
    ).to_have_count(0)
    for frame in page.locator("[data-attachment] iframe").all():
        expect(frame).to_have_attribute("sandbox", "")
    link = shown.nth(6).get_by_role("link")
    expect(link).to_have_attribute("rel", "noreferrer noopener")
    expect(link).to_have_attribute("target", "_blank")
    unharmed(page)


def test_a_type_without_an_editor_is_answered_as_json_and_told_by_line_what_is_wrong(
    open_page: OpenPage,
) -> None:
    offers = offering(open_page)
    page = offers.page
    offers.open(leased("chat", lambda given: given, "label"))
    sent: list[Any] = []

    def refuse(route: Route) -> None:
        sent.append(route.request.post_data_json)
        issue = {"path": "annotations.turns[1]", "message": "An answer is missing."}
        route.fulfill(
            status=400, json={"code": "invalid-response", "detail": "It is invalid.", "issues": [issue]}
        )

    page.route("**/submit", refuse)
    page.route("**/draft", lambda route: route.fulfill(json={"revision": 1}))
    answer = page.get_by_role("textbox", name="Answer")
    answer.fill('{"annotations": ')
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-json-issue]")).to_have_count(1)  # it is no JSON: nothing is sent
    assert sent == []
    answer.fill('{\n"annotations": {"turns": [\n1,\n2]}}')
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-json-issue]")).to_contain_text(
        "Line 4: annotations.turns[1]: An answer is missing."
    )
    assert answer.evaluate("(field) => field.value.slice(field.selectionStart, field.selectionEnd)") == "2"
    assert sent[0]["response"] == {"annotations": {"turns": [1, 2]}}


def test_a_type_without_an_editor_goes_all_the_way(server: Server, open_page: OpenPage, fresh: Namer) -> None:
    project = fresh("chat")
    server.client(server.keys.live).create_project(project, TaskType.Chat)
    assign(server, project, LABELER)
    given = json.loads((FIXTURES / "chat" / "valid" / "form-in-turns.json").read_text("utf-8"))
    params = {**given["params"], "attachments": [{"type": "text", "content": "See page **4**."}]}
    made = server.call("POST", "/v1/task/chat", json={"project": project, "instruction": "Ask.", **params})
    assert made.ok, made.text
    offered(server, made.json()["task_id"])
    page = open_page(f"/work?project={project}", LABELER)
    answer = page.get_by_role("textbox", name="Answer")
    expect(page.get_by_role("region", name="attachments")).to_contain_text("See page **4**.")
    text = json.dumps(given["response"], indent=1)
    answer.fill(text)
    answer.blur()
    page.keyboard.press("Control+z")
    expect(answer).not_to_have_value(text)
    page.keyboard.press("Control+Shift+z")
    expect(answer).to_have_value(text)
    expect(page.locator("[data-save-state=saved]")).to_be_visible()
    page.reload()
    expect(answer).to_have_value(text)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Nothing to do right now")).to_be_visible()
    outputs = [one["output"] for one in response_of(server, made.json()["task_id"])["responses"]]
    assert outputs == [one["output"] for one in given["response"]["responses"]]


def test_axe_finds_nothing_serious_in_any_editor(open_page: OpenPage) -> None:
    offers = offering(open_page)
    page = offers.page
    for kind in sorted({*EDITORS, "chat"} - LEGACY | {"cuboidannotation"}):
        offers.open(leased(kind, lambda given: given, "review"))
        try:
            in_both_schemes(page)
        except AssertionError as error:
            raise AssertionError(f"{kind}: {error}") from None
