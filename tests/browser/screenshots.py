"""Pictures of every page of the console and of the editors, in light, dark and Arabic: `make screenshots` writes them to docs/images/, and the page
that shows them, docs/guide/screens.md.

They are taken from a server of its own on a database of its own, filled through the API as a customer and contributors would.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.conftest import LABELER, MANAGER, PASSWORD, ROOT, OpenPage, assign, offered
from tests.browser.test_console_people import (  # noqa: F401  (fixtures)
    ADMIN,
    Aside,
    aside,
    clear,
    empty,
    provider,
    token_of,
)
from tests.browser.test_review import answer
from tests.sdk.conftest import Server, serving

Ask = Callable[..., dict[str, Any]]
IMAGES = ROOT / "docs" / "images"
LARGEST_BYTES = 150_000
EXAMPLE = {"en-US": "Fill in an example", "ar": "املأ بمثال"}
DEMO = "Demo project"
NAMES = "Names in reports"
TICKETS = "Support tickets"
STREETS = "Street scenes"
PAGES = {
    "home": "/",
    "projects": "/console/projects",
    "new-project": "/console/projects/new",
    "project-params": f"/console/projects/{STREETS}?tab=params",
    "project-workflow": f"/console/projects/{STREETS}?tab=workflow",
    "project-instructions": f"/console/projects/{STREETS}?tab=instructions",
    "batches": "/console/batches",
    "tasks": "/console/tasks",
    "in-hand": "/console/in-hand",
    "audits": f"/console/audits?project={DEMO}",
    "transfers": "/console/transfers",
    "people": "/console/people",
    "figures": "/console/figures",
    "quality": "/console/quality",
    "callbacks": "/console/callbacks",
    "keys": "/console/keys",
    "log": "/console/log",
    "health": "/console/health",
    "settings": "/console/settings",
    "getting-started": "/console/start",
    "nowhere-in-console": "/console/nowhere",
}
# Addresses that a task, a link or an account must be there for first, and those before signing in.
OTHERS = {
    "task": "/console/tasks/{task}",
    "audit-task": "/console/audits/{audited}",
    "setup": "/setup",
    "login": "/login",
    "invited": "/invite/{invitation}",
    "reset": "/reset/{reset}",
    "link-used": "/reset/{used}",
    "nowhere": "/nowhere",
}
MARKET, MILLS, CARGO, SHOPS, SCENES, REVIEWED = (
    "Market stalls",
    "Two translations",
    "Cargo lists",
    "Shops",
    "Scenes in words",
    "Cups on tables",
)
EDITORS = {
    "editor-image": f"/work?project={DEMO}",
    "editor-text": f"/work?project={NAMES}",
    "editor-form": f"/work?project={TICKETS}",
    "editor-collection": f"/work?project={MARKET}",
    "editor-comparison": f"/work?project={MILLS}",
    "editor-transcription": f"/work?project={CARGO}",
    "editor-datacollection": f"/work?project={SHOPS}",
    "editor-json": f"/work?project={SCENES}",
    "review": f"/work?project={REVIEWED}",
}
TITLES = {
    "new-project": "A new project",
    "project-params": "Params of a project and what changed",
    "project-workflow": "How a project's work is done",
    "project-instructions": "Instructions",
    "in-hand": "Work in hand",
    "audit-task": "An audit in the editor",
    "task": "One task",
    "getting-started": "Getting started",
    "login": "Signing in",
    "contributor": "A contributor's home",
    "editor-image": "The image editor, with boxes to check",
    "editor-form": "Categorization",
    "editor-collection": "Text collection: a form with conditions",
    "editor-comparison": "Comparison",
    "editor-transcription": "Transcription",
    "editor-datacollection": "Data collection",
    "editor-json": "A type without an editor of its own",
    "review": "A review: two answers over each other",
    "task-drawer": "A task beside the table",
    "keys-of-commands": "Commands and their keys",
    "groups": "Groups",
    "nowhere": "An address that is none",
    "nowhere-in-console": "An address of the console that is none",
    "for-leads": "A page of the console, for somebody who labels",
    "invited": "An invitation",
    "setup": "The first run, without an admin yet",
    "setup-ready": "The first run: the admin and the keys are there",
    "setup-start": "The first run: the first lines with its address and key",
    "sign-in-by-provider": "Signing in, with an identity provider",
    "forgotten": "A forgotten password",
    "reset": "A new password by a link",
    "session-over": "An ended session, over what is open",
    "link-used": "A link that was used",
    "editor-text": "The text editor",
    "keys": "API keys",
    "log": "Audit log",
    "health": "System health",
    "transfers": "Imports and exports",
}


class _Hooks(BaseHTTPRequestHandler):
    """A customer's server that takes most callbacks."""

    def do_POST(self) -> None:
        refused = self.path.endswith("gone")
        self.send_response(410 if refused else 200)
        self.end_headers()
        self.wfile.write(b"There is nobody here." if refused else b"thank you")

    def log_message(self, *_: Any) -> None:
        return


def _fill(server: Server, hooks: str) -> None:
    """A few projects, batches and tasks, some of them answered."""

    def ask(method: str, path: str, **more: object) -> dict[str, Any]:
        answer = server.call(method, path, **more)
        assert answer.ok, answer.text
        return answer.json() if answer.headers["content-type"].startswith("application/json") else {}

    labels = ["car", "truck", "bicycle", "person"]
    box = {"objects_to_annotate": labels, "min_width": 5}
    ask(
        "POST",
        "/v1/projects",
        json={"name": STREETS, "type": "imageannotation", "params": {"geometries": {"box": box}}},
    )
    box = {"objects_to_annotate": [*labels, "scooter"], "min_width": 8}
    ask("POST", f"/v1/projects/{STREETS}/setParams", json={"geometries": {"box": box}})
    text = "# Draw what moves\n\n* Every **vehicle** and person that is at least 8 pixels wide.\n* Leave out reflections.\n"
    ask("PUT", f"/api/projects/{STREETS}/instructions", json={"markdown": text})
    ask(
        "POST",
        "/v1/projects",
        json={
            "name": TICKETS,
            "type": "categorization",
            "studio": True,
            "params": {"attachment_type": "text", "categories": ["Billing", "Bug", "Feature"]},
        },
    )
    for week in ("week 1", "week 2"):
        ask("POST", "/v1/batches", json={"project": TICKETS, "name": f"Tickets, {week}"})
    draw = random.Random(1)
    words = [
        "invoice",
        "wrong",
        "app",
        "crashes",
        "login",
        "reset",
        "export",
        "slow",
        "refund",
        "missing",
        "dark",
        "mode",
    ]
    lines = [
        {
            "unique_id": f"ticket-{n}",
            "batch": f"Tickets, week {1 + n % 2}",
            "instruction": "What is the ticket about?",
            "attachment": " ".join(draw.choices(words, k=12)),
            "tags": draw.sample(["urgent", "eu", "us"], k=draw.randint(0, 2)),
            **({} if n % 3 else {"callback_url": f"{hooks}/{'gone' if n % 7 == 0 else 'labels'}"}),
        }
        for n in range(200)
    ]
    ask(
        "POST",
        "/api/tasks/bulk",
        params={"type": "categorization", "project": TICKETS},
        data="\n".join(json.dumps(line) for line in lines),
        headers={"content-type": "application/x-ndjson"},
    )
    for week in ("week 1", "week 2"):
        ask("POST", f"/v1/batches/Tickets, {week}/finalize", json={})
    assign(server, TICKETS, LABELER)
    tickets = server.call("GET", "/v1/tasks", params={"project": TICKETS, "limit": 40}).json()["docs"]
    for ticket in tickets:
        token = server.claim(ticket["task_id"])
        answer = {
            "response": {"category": draw.choice(["Billing", "Bug"])},
            "active_seconds": draw.randint(8, 60),
        }
        ask("POST", f"/api/work/{token}/submit", json=answer)
    for ticket in tickets[:6]:
        path = f"/api/tasks/{ticket['task_id']}/make-quality-task"
        ask("POST", path, json={"kind": "evaluation"})
    emails = ["grace@main.example", "ines@main.example", "tomas@main.example"]
    ask("POST", "/api/members/invite", json={"emails": emails, "role": "labeler"})
    waiting = server.call("GET", "/v1/tasks", params={"project": TICKETS, "status": "pending", "limit": 2})
    for ticket in waiting.json()["docs"]:
        server.claim(ticket["task_id"])
    ask("POST", "/api/transfers", json={"kind": "export", "project": TICKETS})
    ask("POST", "/api/demo")
    demo = ask("GET", "/v1/tasks", params={"project": DEMO})["docs"]
    assert isinstance(demo, list)
    boxes = json.loads((ROOT / "examples" / "photos" / "boxes.json").read_text())
    for task in demo:
        if (file := task["metadata"]["file"]) != "cat.jpg":
            server.complete(task["task_id"], {"annotations": [{"type": "box", **box} for box in boxes[file]]})
    _fill_editors(server, ask)


REPORT = "Ada Lovelace was born in London and corresponded with Charles Babbage about his Analytical Engine. Her mother, Lady Byron, had her taught mathematics by Mary Somerville, who introduced her to Babbage in 1833."


def _span(number: int, label: str, text: str) -> dict[str, Any]:
    start = REPORT.index(text)
    return {"id": f"s{number}", "label": label, "text": text, "start": start, "end": start + len(text)}


def _fill_editors(server: Server, ask: Ask) -> None:
    """A task for each editor, with a first answer where a type takes one."""
    spans = [
        _span(1, "person", "Ada Lovelace"),
        _span(2, "place", "London"),
        _span(3, "person", "Charles Babbage"),
        _span(4, "machine", "Analytical Engine"),
        _span(5, "person", "Mary Somerville"),
    ]
    links = [("born", 1, 2), ("built", 3, 4)]
    tasks: list[tuple[str, str, dict[str, Any]]] = [
        (
            NAMES,
            "namedentityrecognition",
            {
                "instruction": "Mark every person, place and machine.",
                "text": REPORT,
                "labels": [
                    {"name": name, "display_name": name.capitalize()}
                    for name in ("person", "place", "machine")
                ],
                "relationships": [
                    {"name": "born", "display_name": "born in", "source_label": "person", "target_label": "place", "is_directed": True},
                    {"name": "built", "display_name": "designed", "source_label": "person", "target_label": "machine", "is_directed": True},
                ],
                "hypothesis": {
                    "annotations": spans,
                    "relationships": [
                        {"id": f"r{n}", "name": name, "source_ref": f"s{source}", "target_ref": f"s{target}"}
                        for n, (name, source, target) in enumerate(links)
                    ],
                },
            },
        ),
        (
            MARKET,
            "textcollection",
            {
                "instruction": "Describe the stall in the picture.",
                "attachments": [{"type": "image", "content": f"{server.photos}/coffee.jpg"}],
                "fields": [
                    {"type": "category", "field_id": "stall", "title": "What is sold here?", "required": True, "choices": [{"label": "Food", "value": "food", "subchoices": [{"label": "Coffee", "value": "coffee"}, {"label": "Fish", "value": "fish"}]}, {"label": "Cloth", "value": "cloth"}]},
                    {"type": "text", "field_id": "kind", "title": "Which kind of coffee?", "conditions": {"stall": "coffee"}, "required": True},
                    {"type": "number", "field_id": "price", "title": "Price", "min": 0, "max": 100, "step": 0.5},
                    {"type": "boolean", "field_id": "open", "title": "Is it open?"},
                    {"type": "ranking_order", "field_id": "order", "title": "Rank the three", "num_options": 3},
                    {"type": "field_set", "field_id": "people", "title": "People", "max_responses_required": 3, "fields": [{"type": "text", "field_id": "name", "title": "Name"}, {"type": "datetime", "field_id": "born", "title": "Born"}]},
                ],
            },
        ),
        (
            MILLS,
            "comparison",
            {
                "instruction": "Which translation reads better?",
                "attachments": ["The mill stands by the river, and its wheel has not turned for years.", "By the river the mill stood; for years its wheel had not been turning."],
                "attachment_type": "text",
                "choices": ["first", "second"],
                "fields": {"why": "Why?"},
            },
        ),
        (
            CARGO,
            "transcription",
            {
                "instruction": "Copy every line of the list.",
                "attachment": "Brig Halcyon, Oban\n\nwool, 40 bales\nslate, 12 crates\nherring, 85 barrels",
                "attachment_type": "text",
                "fields": {"ship": "Ship"},
                "repeatable_fields": {"cargo": "What", "bales": "How many"},
            },
        ),
        (
            SHOPS,
            "datacollection",
            {
                "instruction": "Find the shop's telephone and hours.",
                "attachment": "Halcyon Books, 3 Harbour Street, Oban",
                "attachment_type": "text",
                "fields": {"phone": "Telephone", "hours": "Opening hours"},
            },
        ),
        (SCENES, "chat", _fixture("chat")),
    ]  # fmt: skip
    for project, kind, params in tasks:
        ask("POST", "/v1/projects", json={"name": project, "type": kind, "params": {}})
        ask("POST", f"/v1/task/{kind}", json={"project": project, **params})
    _fill_review(server, ask)


def _fixture(kind: str) -> dict[str, Any]:
    """The params of the smallest valid task of a type, but for files to be fetched."""
    found = (ROOT / "fixtures" / "task-types" / kind / "valid").glob("*.json")
    small = min(found, key=lambda path: (path.stat().st_size, path))
    params = json.loads(small.read_text("utf-8"))["params"]
    return {**params, "attachments": [one for one in params["attachments"] if one["type"] == "text"]}


def _fill_review(server: Server, ask: Ask) -> None:
    """A picture that two people have answered, waiting for a reviewer."""
    ask("POST", "/v1/projects", json={"name": REVIEWED, "type": "imageannotation", "params": {}})
    workflow = ask("GET", f"/api/projects/{REVIEWED}/workflow")
    workflow |= {"overlap": 2, "review_stages": [{"sample": 1}]}
    ask("PUT", f"/api/projects/{REVIEWED}/workflow", json=workflow)
    assign(server, REVIEWED, LABELER)
    task = ask(
        "POST",
        "/v1/task/imageannotation",
        json={
            "project": REVIEWED,
            "instruction": "Mark the cup and the saucer.",
            "attachment": f"{server.photos}/coffee.jpg",
            "geometries": {"box": {"objects_to_annotate": ["cup", "saucer"]}},
        },
    )["task_id"]

    def boxes(by: int) -> dict[str, Any]:
        placed = (("cup", 180, 70, 260, 210), ("saucer", 90, 160, 430, 190))
        return {
            "annotations": [
                {"type": "box", "label": label, "left": x + by, "top": y, "width": w, "height": h}
                for label, x, y, w, h in placed
            ]
        }

    offered(server, str(task))
    answer(server, str(task), boxes(0))
    server.complete(str(task), boxes(14))


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[Server]:
    with serving(_Hooks) as hooks:
        _fill(server, hooks)
        yield server


def _keep(page: Page, name: str) -> None:
    """Writes what is shown as a small WebP, with less quality where it would be too large."""
    shown = Image.open(io.BytesIO(page.screenshot()))
    for quality in (80, 65, 50, 30):
        packed = io.BytesIO()
        shown.save(packed, "WEBP", quality=quality, method=6)
        if packed.tell() < LARGEST_BYTES:
            break
    IMAGES.mkdir(parents=True, exist_ok=True)
    Path(IMAGES / f"{name}.webp").write_bytes(packed.getvalue())


def _settled(page: Page) -> None:
    page.locator("h1").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)


def _task_ids(server: Server, project: str, status: str) -> list[str]:
    query = {"project": project, "status": status}
    return [task["task_id"] for task in server.call("GET", "/v1/tasks", params=query).json()["docs"]]


@pytest.mark.parametrize(
    ("scheme", "locale", "name"),
    [("light", "en-US", "light"), ("dark", "en-US", "dark"), ("light", "ar", "arabic")],
    ids=["light", "dark", "arabic"],
)
def test_pictures_of_every_page(
    filled: Server,
    open_page: OpenPage,
    browser: Browser,
    empty: Server,  # noqa: F811
    aside: Aside,  # noqa: F811
    scheme: str,
    locale: str,
    name: str,
) -> None:
    [audited, *_] = _task_ids(filled, DEMO, "completed")
    one_task = _task_ids(filled, TICKETS, "completed")[0]
    pages = {
        **PAGES,
        "task": OTHERS["task"].format(task=one_task),
        "audit-task": OTHERS["audit-task"].format(audited=audited),
        **EDITORS,
    }
    how = {"color_scheme": scheme, "locale": locale}
    page = open_page("/", MANAGER, **how)
    for shot, path in pages.items():
        page.goto(path)
        _settled(page)
        if shot == "new-project":
            page.get_by_role("button", name=EXAMPLE[locale]).click()
            page.wait_for_timeout(1500)
        if shot in ("editor-image", "audit-task", "review"):
            page.locator("[data-testid=image-canvas][data-ready=true]").first.wait_for()
            page.wait_for_timeout(500)
        if shot == "review":  # against what another has answered
            page.keyboard.press("Shift+D")
            page.keyboard.press("Shift+D")
            page.wait_for_timeout(300)
        _keep(page, f"{shot}-{name}")
        if shot == "editor-image":
            page.keyboard.press("F1")
            page.get_by_role("dialog").wait_for()
            page.wait_for_timeout(400)
            _keep(page, f"keys-of-commands-{name}")
        if shot == "tasks":
            page.locator(f"#task-{one_task}").or_(page.locator("[id^=task-]").first).first.click()
            page.get_by_role("dialog").get_by_role("region").first.wait_for()
            _settled(page)
            _keep(page, f"task-drawer-{name}")
        if shot == "people":
            page.get_by_role("tab").nth(2).click()
            _settled(page)
            _keep(page, f"groups-{name}")
    page = open_page("/console/tasks", MANAGER, **how)
    _settled(page)
    page.context.clear_cookies()
    page.locator("nav a[href='/console/figures']").click()
    page.get_by_role("dialog").wait_for()
    page.wait_for_timeout(400)
    _keep(page, f"session-over-{name}")
    invite = {"emails": ["nadia@main.example"], "role": "labeler"}
    link = filled.call("POST", "/api/members/invite", json=invite).json()["items"][0]["url"]
    member = next(
        one for one in filled.call("GET", "/api/members").json()["items"] if one["email"] == LABELER
    )
    reset = filled.call("POST", f"/api/members/{member['id']}/reset_link", json={}).json()["url"]
    links = {"invitation": link.rsplit("/", 1)[1], "reset": reset.rsplit("/", 1)[1]}
    before = ("login", "invited", "reset", "nowhere")
    front: dict[str, tuple[str, str | None]] = {
        **{shot: (OTHERS[shot].format(**links), None) for shot in before},
        "contributor": ("/", LABELER),
        "for-leads": ("/console/tasks", LABELER),
    }
    for shot, (path, email) in front.items():
        page = open_page(path, email, **how)
        _settled(page)
        _keep(page, f"{shot}-{name}")
        if shot == "login":
            page.locator("button[type=submit] ~ button, form ~ button").last.click()
            _settled(page)
            _keep(page, f"forgotten-{name}")
    first = _first_run(browser, empty, aside, name, how)
    more = ["keys-of-commands", "task-drawer", "groups", "session-over", *front, "forgotten"]
    _show([*first, *pages, *more])


def _first_run(
    browser: Browser,
    server: Server,
    aside: Aside,  # noqa: F811
    name: str,
    how: dict[str, str],
) -> list[str]:
    """Pictures of setting up a server that has no account; takes the account away again."""
    token = token_of(server)
    context = browser.new_context(
        base_url=server.url, viewport={"width": 1440, "height": 900}, reduced_motion="reduce", **how
    )
    page = context.new_page()
    page.goto("/")
    _settled(page)
    _keep(page, f"setup-{name}")
    for field, text in zip(page.get_by_role("textbox").all(), (token, "Farm", ADMIN, PASSWORD), strict=True):
        field.fill(str(text))
    page.locator("button[type=submit]").click()
    page.locator("code").first.wait_for()
    _keep(page, f"setup-ready-{name}")
    page.locator("main button:not(:has(~ *))").last.click()
    page.locator("pre").first.wait_for()
    _settled(page)
    _keep(page, f"setup-start-{name}")
    page.context.clear_cookies()
    page.goto("/login")
    _settled(page)
    _keep(page, f"sign-in-by-provider-{name}")
    page.goto(OTHERS["link-used"].format(used="0" * 43))
    page.get_by_role("alert").wait_for()
    _settled(page)
    _keep(page, f"link-used-{name}")
    context.close()
    dsn = server.settings.database_url
    assert dsn is not None
    aside.run(clear(dsn))
    return ["setup", "setup-ready", "setup-start", "sign-in-by-provider", "link-used"]


def _show(names: list[str]) -> None:
    """Writes the page with all pictures."""
    lines = [
        "# Screens",
        "",
        "Every page of the console and the editors, in light, in dark and from right to left in Arabic, as `make screenshots` takes them from a "
        "server that it fills through the API.",
    ]
    for name in names:
        title = TITLES.get(name, name.replace("-", " ").capitalize())
        lines += [
            "",
            f"## {title}",
            "",
            *(_picture(f"{name}-{scheme}", title) for scheme in ("light", "dark", "arabic")),
        ]
    (ROOT / "docs" / "guide" / "screens.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _picture(file: str, text: str) -> str:
    return f"![{text}](../images/{file}.webp)"
