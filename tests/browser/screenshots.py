"""Pictures of every page of the console and of the editors, in light and dark: `make screenshots` writes them to docs/images/, and the page
that shows them, docs/guide/screens.md.

They are taken from a server of its own on a database of its own, filled through the API as a customer and contributors would.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.browser.conftest import LABELER, MANAGER, ROOT, OpenPage, assign
from tests.sdk.conftest import Server

IMAGES = ROOT / "docs" / "images"
LARGEST_BYTES = 150_000
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
}
EDITORS = {
    "editor-image": f"/work?project={DEMO}",
    "editor-form": f"/work?project={TICKETS}",
    "editor-text": f"/work?project={NAMES}",
}
MAIN = ("home", "new-project", "batches", "tasks", "audits", "figures", "settings")
"""Pages that are looked at from right to left, too."""
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
    "editor-form": "The form editor",
    "editor-text": "The text editor",
    "keys": "API keys",
    "log": "Audit log",
    "health": "System health",
    "transfers": "Imports and exports",
}


def _fill(server: Server) -> None:
    """A few projects, batches and tasks, some of them answered."""

    def ask(method: str, path: str, **more: object) -> dict[str, object]:
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
    ask(
        "POST",
        "/v1/task/namedentityrecognition",
        json={
            "project": _names(server),
            "instruction": "Mark every person and place.",
            "text": "Ada Lovelace was born in London and corresponded with Charles Babbage about his Analytical Engine.",
            "labels": [
                {"name": "person", "display_name": "Person"},
                {"name": "place", "display_name": "Place"},
            ],
        },
    )


def _names(server: Server) -> str:
    made = server.call(
        "POST", "/v1/projects", json={"name": NAMES, "type": "namedentityrecognition", "params": {}}
    )
    assert made.ok, made.text
    return NAMES


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[Server]:
    _fill(server)
    yield server


def _keep(page: Page, name: str) -> None:
    """Writes what is shown as a small WebP, with less quality where it would be too large."""
    shown = Image.open(io.BytesIO(page.screenshot()))
    for quality in (85, 70, 50, 30):
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_of_every_page(filled: Server, open_page: OpenPage, scheme: str) -> None:
    [audited, *_] = _task_ids(filled, DEMO, "completed")
    one_task = _task_ids(filled, TICKETS, "completed")[0]
    pages = {
        **PAGES,
        "task": f"/console/tasks/{one_task}",
        "audit-task": f"/console/audits/{audited}",
        **EDITORS,
    }
    page = open_page("/", MANAGER, color_scheme=scheme)
    for name, path in pages.items():
        page.goto(path)
        _settled(page)
        if name == "new-project":
            page.get_by_role("button", name="Fill in an example").click()
            page.wait_for_timeout(1500)
        if name in ("editor-image", "audit-task"):
            page.locator("[data-testid=image-canvas][data-ready=true]").wait_for()
            page.wait_for_timeout(500)
        _keep(page, f"{name}-{scheme}")
    page = open_page("/login", color_scheme=scheme)
    _settled(page)
    _keep(page, f"login-{scheme}")
    page = open_page("/", LABELER, color_scheme=scheme)
    _settled(page)
    _keep(page, f"contributor-{scheme}")
    page = open_page("/", MANAGER, color_scheme=scheme, locale="ar")
    for name in MAIN:
        page.goto(PAGES[name])
        _settled(page)
        _keep(page, f"{name}-arabic-{scheme}")
    _show([*pages, "login", "contributor"])


def _show(names: list[str]) -> None:
    """Writes the page with all pictures."""
    lines = [
        "# Screens",
        "",
        "Every page of the console and the editors, in light and dark, as `make screenshots` takes them from a server that it fills through the API.",
    ]
    for name in names:
        title = TITLES.get(name, name.replace("-", " ").capitalize())
        lines += [
            "",
            f"## {title}",
            "",
            *(_picture(f"{name}-{scheme}", title) for scheme in ("light", "dark")),
        ]
    lines += ["", "## From right to left", ""]
    lines += [_picture(f"{name}-arabic-light", f"{name}, Arabic") for name in MAIN]
    (ROOT / "docs" / "guide" / "screens.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _picture(file: str, text: str) -> str:
    return f"![{text}](../images/{file}.webp)"
