"""Pictures of every page of the console in light and dark: `make screenshots` writes them to docs/images/.

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
    "audits": "/console/audits",
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


def _fill(server: Server) -> None:
    """A few projects, batches and tasks, some of them answered."""

    def ask(method: str, path: str, **more: object) -> dict[str, object]:
        answer = server.call(method, path, **more)
        assert answer.ok, answer.text
        return answer.json() if "json" in answer.headers["content-type"] and "nd" not in path else {}

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
    for _ in range(40):
        claimed = server.call("POST", "/api/work/claim", json={"projects": [TICKETS]}).json()
        if token := claimed["lease_token"]:
            answer = {
                "response": {"category": draw.choice(["Billing", "Bug"])},
                "active_seconds": draw.randint(8, 60),
            }
            ask("POST", f"/api/work/{token}/submit", json=answer)
    ask("POST", "/api/transfers", json={"kind": "export", "project": TICKETS})


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_of_every_page(filled: Server, open_page: OpenPage, scheme: str) -> None:
    page = open_page("/", MANAGER, color_scheme=scheme)
    for name, path in PAGES.items():
        page.goto(path)
        _settled(page)
        _keep(page, f"{name}-{scheme}")
    page = open_page("/login", color_scheme=scheme)
    _settled(page)
    _keep(page, f"login-{scheme}")
    page = open_page("/", LABELER, color_scheme=scheme)
    _settled(page)
    _keep(page, f"contributor-{scheme}")
    page = open_page("/console/tasks", MANAGER, color_scheme=scheme, locale="ar")
    _settled(page)
    _keep(page, f"tasks-arabic-{scheme}")
