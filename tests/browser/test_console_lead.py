"""A lead's way through the console: signing in, a project by the form, a batch, tasks made by the SDK, results and their export."""

from __future__ import annotations

import json
import re
import secrets
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Page, expect
from scaleapi.tasks import TaskType

from tests.browser import screenshots
from tests.browser.conftest import (
    LABELER,
    MANAGER,
    PASSWORD,
    ROOT,
    OpenPage,
    assign,
    axe,
    in_both_schemes,
    sign_in,
)
from tests.browser.task_rows import fill, scrolled
from tests.sdk.conftest import Server, eventually, serving

ATTACK = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
PAGES = (
    "/",
    "/console/projects",
    "/console/projects/new",
    "/console/batches",
    "/console/tasks",
    "/console/in-hand",
    "/console/audits",
    "/console/transfers",
    "/console/people",
    "/console/figures",
    "/console/quality",
    "/console/callbacks",
    "/console/keys",
    "/console/log",
    "/console/health",
    "/console/settings",
    "/console/start",
)


def settle(page: Page) -> None:
    """Waits until the page has its heading and nothing is being fetched."""
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_load_state("networkidle")


def test_a_lead_goes_from_signing_in_to_exported_results(server: Server, open_page: OpenPage) -> None:
    name = f"Tickets {secrets.token_hex(4)}"
    page = open_page("/console/projects/new")
    # Whoever is not signed in is asked first, and then stands where they wanted to go.
    page.get_by_label("E-mail address").fill(MANAGER)
    page.get_by_role("textbox", name="Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="New project")).to_be_visible()

    page.get_by_label("Name", exact=False).first.fill(name)
    page.get_by_role("combobox", name="Type", exact=True).click()
    page.get_by_role("option", name="categorization", exact=True).click()
    page.get_by_label("Instruction").fill("Say what it is about.")
    page.get_by_role("tab", name="JSON").click()
    params = {
        "instruction": "Say what it is about.",
        "attachment_type": "text",
        "categories": ["Bug", "Bill"],
    }
    page.get_by_role("textbox", name="Params").fill(json.dumps(params))
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()

    page.goto("/console/batches")
    page.get_by_role("button", name="New batch").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Project").click()
    page.get_by_role("option", name=name).click()
    dialog.get_by_label("Name").fill(name + " batch")
    dialog.get_by_role("button", name="Create").click()
    expect(page.get_by_role("link", name=name + " batch")).to_be_visible()

    task = server.client(server.keys.live).create_task(
        TaskType.Categorization,
        project=name,
        batch=name + " batch",
        instruction="Which?",
        attachment="It crashed.",
    )
    server.client(server.keys.live).finalize_batch(name + " batch")
    server.complete(task.id, {"category": "Bug"})

    page.goto(f"/console/tasks?project={name}&status=completed")
    page.get_by_role("button", name=task.id).click()
    expect(page.get_by_role("dialog").get_by_role("region", name="Response")).to_contain_text("Bug")
    axe(page)
    page.keyboard.press("Escape")

    page.goto("/console/transfers")
    page.get_by_role("button", name="New export").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Project").click()
    page.get_by_role("option", name=name).click()
    dialog.get_by_role("button", name="Start").click()
    link = page.get_by_role("link", name="Download").first
    expect(link).to_be_visible(timeout=30_000)
    with page.expect_download() as download:
        link.click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["task_id"] for line in lines] == [task.id]
    expect(page.get_by_role("row").filter(has=link)).to_contain_text("Done 1,")

    page.goto("/console/figures")
    page.get_by_text("By project", exact=True).click()
    page.get_by_role("button", name=name).click()
    expect(page.get_by_role("row").filter(has_text=name)).to_contain_text("100")
    bars = page.get_by_role("img", name="Answers per day").locator("title")
    expect(bars).to_have_count(30)
    assert [bar.split(": ")[1] for bar in bars.all_text_contents()] == ["0"] * 29 + ["1"]


def test_every_page_is_free_of_serious_barriers_in_light_and_dark(
    server: Server, open_page: OpenPage
) -> None:
    page = open_page("/login")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    in_both_schemes(page)
    sign_in(page.context, MANAGER)
    for path in PAGES:
        page.goto(path)
        settle(page)
        tabs = page.get_by_role("main").get_by_role("tab")
        # the first of them is open; the forms of a new project are looked at while one is made
        for tab in [None, *tabs.all()[1:]] if path != "/console/projects/new" else [None]:
            if tab is not None:
                tab.click()
                settle(page)
            try:
                in_both_schemes(page)
            except AssertionError as error:
                raise AssertionError(f"{path} {tab and tab.inner_text()}: {error}") from None
    for path, rail in (("/consoles/projects", 0), ("/console/nothing/here", 1)):
        page.goto(path)
        expect(page.get_by_role("heading", name="There is no such page", level=1)).to_be_visible()
        expect(page.get_by_role("main")).to_contain_text(path)
        expect(page.get_by_role("navigation", name="Navigation")).to_have_count(rail)
        in_both_schemes(page)
    page.get_by_role("link", name="To the home page").click()
    expect(page).to_have_url(f"{server.url}/")


def test_every_address_of_the_application_has_its_pictures() -> None:
    app = ROOT / "web" / "src" / "app"
    sources = "".join((app / name).read_text("utf-8") for name in ("routes.tsx", "consoleRoutes.tsx"))
    found = re.findall(r'(?:path: |\bat\(\s*)"(/[^"]*)"', sources)
    shown = {**screenshots.PAGES, **screenshots.EDITORS, **screenshots.OTHERS}
    assert len(found) > 20
    for address in found:
        pattern = re.sub(r"\$\w*", "[^/]+", address)
        names = [name for name, path in shown.items() if re.fullmatch(pattern, path.split("?")[0])]
        files = [f"{name}-{scheme}.webp" for name in names for scheme in ("light", "dark", "arabic")]
        assert names, f"no picture of {address}"
        assert [file for file in files if not (screenshots.IMAGES / file).exists()] == []


def _attacked(server: Server, attack: str, webhook: str) -> tuple[str, list[str]]:
    """A project in which every name and text that anybody can give holds an attack; its name, and the ids of two tasks."""
    name = f"{attack}{secrets.token_hex(3)}"
    client = server.client(server.keys.live)
    params = {"attachment_type": "text", "categories": [attack, "b"], "instruction": attack}
    client.create_project(name, TaskType.Categorization, params=params)

    def ask(method: str, path: str, body: object = None) -> Any:
        done = server.call(method, path, json=body)
        assert done.ok, done.text
        return done.json()

    where = _quoted(name)
    ask("POST", f"/v1/projects/{where}/setParams", {**params, "categories": [attack, f"{attack}2"]})
    ask("PUT", f"/api/projects/{where}/instructions", {"markdown": attack})
    workflow = ask("GET", f"/api/projects/{where}/workflow")
    ask("PUT", f"/api/projects/{where}/workflow", {**workflow, "skip_limit": 1})
    ask("POST", "/v1/batches", {"project": name, "name": name})
    task, skipped = [
        client.create_task(
            TaskType.Categorization,
            project=name,
            batch=name,
            instruction=attack,
            attachment=attack,
            metadata={attack: attack},
            tags=[attack],
            unique_id=f"{name}{n}",
            callback_url=webhook,
        ).id
        for n in range(2)
    ]
    ask("POST", f"/v1/batches/{where}/finalize")
    # people: the names they give themselves, groups, keys, programs; no address is one
    email = f"x{secrets.token_hex(4)}@main.example"
    [link] = ask("POST", "/api/members/invite", {"emails": [email], "role": "labeler"})["items"]
    own = {"password": PASSWORD, "first_name": attack, "last_name": attack}
    ask("POST", f"/api/links/{link['url'].rsplit('/', 1)[1]}", own)
    refused = {"emails": [f'"{attack}"@main.example'], "role": "labeler"}
    assert server.call("POST", "/api/members/invite", json=refused).status_code == 400
    assign(server, name, LABELER, email)
    ask("POST", f"/v1/studio/projects/{where}/groups", {"name": attack, "emails": [email]})
    ask("POST", "/api/keys", {"name": attack})
    ask("POST", "/api/transfers", {"kind": "export", "project": name})
    # work: an answer with remarks, a reason, and what the customer's own server answers
    server.complete(task, {"category": attack})
    pin = {"text": attack, "annotation_id": attack}
    ask("POST", f"/api/tasks/{task}/audit", {"result": "commented", "comments": attack, "pins": [pin]})
    ask("POST", f"/api/work/{server.claim(skipped)}/skip", {"reason": attack})
    return name, [task, skipped]


class _Hostile(BaseHTTPRequestHandler):
    """A customer's server that refuses callbacks with a page that attacks."""

    def do_POST(self) -> None:
        self.send_response(400)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(ATTACK.encode())

    def log_message(self, *_: Any) -> None:
        return


def test_text_of_customers_never_runs(server: Server, open_page: OpenPage) -> None:
    with serving(_Hostile) as webhook:
        name, [task, skipped] = _attacked(server, ATTACK, webhook)
        path = "/api/callbacks"
        seen = {"task_id": task}
        eventually(lambda: server.call("GET", path, params=seen).json()["items"][0]["attempts"])
    page = open_page("/console/projects", MANAGER)
    where = f"project={_quoted(name)}"

    def unharmed(at: str) -> None:
        assert page.evaluate("window.hacked") is None, at
        assert page.locator("img[src='x']").count() == 0, at

    for path in (
        "/",
        "/console/projects",
        f"/console/projects/{_quoted(name)}",
        f"/console/batches?{where}",
        f"/console/tasks?{where}",
        f"/console/tasks/{task}",
        f"/console/audits?{where}",
        f"/console/audits/{task}?{where}",
        "/console/transfers",
        "/console/people",
        "/console/figures",
        "/console/quality",
        "/console/in-hand",
        "/console/callbacks",
        "/console/keys",
        "/console/log",
    ):
        page.goto(path)
        settle(page)
        for tab in [None, *page.get_by_role("main").get_by_role("tab").all()[1:]]:
            if tab is not None:
                tab.click()
                expect(page.get_by_role("tabpanel")).to_be_visible()
                expect(page.locator(".mantine-Loader-root")).to_have_count(0)
            unharmed(path)
        if "audits/" in path:  # the names of its commands are customers' words
            page.keyboard.press("F1")
            expect(page.get_by_role("dialog")).to_be_visible()
            unharmed(path)
        if path.endswith("people"):
            page.get_by_role("tab", name="Groups").click()
            page.get_by_role("combobox", name="Project").fill(name)
            page.get_by_role("option").first.click()
            expect(page.get_by_role("table")).to_contain_text(ATTACK)
            unharmed("groups")
        if path.endswith("in-hand"):
            page.get_by_role("tab", name="Set aside").click()
            expect(page.get_by_role("row").filter(has_text=skipped)).to_contain_text(ATTACK)
            unharmed("skipped")
        if path.endswith("callbacks"):
            page.get_by_role("row").filter(has_text=task).get_by_role("button").first.click()
            expect(page.get_by_role("dialog").locator("pre").first).to_contain_text(ATTACK)
            unharmed("the webhook's reply")
        if path.endswith("keys"):
            expect(page.get_by_role("main")).to_contain_text(ATTACK)


def test_the_task_table_scrolls_over_many_tasks_without_a_gap(server: Server, open_page: OpenPage) -> None:
    name = f"Many {secrets.token_hex(4)}"
    fill(server, name, 500)
    page = open_page(f"/console/tasks?project={_quoted(name)}", MANAGER)
    table = page.get_by_test_id("task-table")
    expect(page.get_by_test_id("task-total")).to_contain_text("500")
    expect(table.locator("[data-index='0']")).to_be_visible()
    found = scrolled(page, 100)
    assert (found["gaps"], found["seen"]) == ([], 500)
    assert table.get_by_role("row").count() < 200  # the others are not in the page


def _quoted(text: str) -> str:
    return quote(text, safe="")
