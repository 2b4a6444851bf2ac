"""A lead's way through the console: signing in, a project by the form, a batch, tasks made by the SDK, results and their export."""

from __future__ import annotations

import json
import secrets
from urllib.parse import quote

from playwright.sync_api import Page, expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import LABELER, MANAGER, PASSWORD, OpenPage, assign, axe, in_both_schemes, sign_in
from tests.browser.task_rows import fill, scrolled
from tests.sdk.conftest import Server

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


def test_text_of_customers_never_runs(server: Server, open_page: OpenPage) -> None:
    attack = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    name = f"{attack}{secrets.token_hex(3)}"
    client = server.client(server.keys.live)
    params = {"attachment_type": "text", "categories": [attack, "b"], "instruction": attack}
    client.create_project(name, TaskType.Categorization, params=params)

    def ask(method: str, path: str, **body: object) -> None:
        done = server.call(method, path, json=body)
        assert done.ok, done.text

    ask("POST", f"/v1/projects/{_quoted(name)}/setParams", **{**params, "categories": [attack, f"{attack}2"]})
    ask("POST", "/v1/batches", project=name, name=name)
    ask("PUT", f"/api/projects/{_quoted(name)}/instructions", markdown=attack)
    task = client.create_task(
        TaskType.Categorization,
        project=name,
        batch=name,
        instruction=attack,
        attachment=attack,
        metadata={attack: attack},
        tags=[attack],
        unique_id=name,
    )
    ask("POST", f"/v1/batches/{_quoted(name)}/finalize")
    assign(server, name, LABELER)
    ask("POST", "/api/transfers", kind="export", project=name)
    server.complete(task.id, {"category": attack})
    page = open_page("/console/projects", MANAGER)
    where = f"project={_quoted(name)}"
    for path in (
        "/",
        "/console/projects",
        f"/console/projects/{_quoted(name)}",
        f"/console/batches?{where}",
        f"/console/tasks?{where}",
        f"/console/tasks/{task.id}",
        f"/console/audits?{where}",
        f"/console/audits/{task.id}?{where}",
        "/console/transfers",
        "/console/people",
        "/console/figures",
        "/console/quality",
        "/console/in-hand",
        "/console/callbacks",
        "/console/log",
    ):
        page.goto(path)
        settle(page)
        for tab in [None, *page.get_by_role("main").get_by_role("tab").all()[1:]]:
            if tab is not None:
                tab.click()
                expect(page.get_by_role("tabpanel")).to_be_visible()
                expect(page.locator(".mantine-Loader-root")).to_have_count(0)
            assert page.evaluate("window.hacked") is None, path
            assert page.locator("img[src='x']").count() == 0, path
        if "audits/" in path:  # the names of its commands are customers' words
            page.keyboard.press("F1")
            expect(page.get_by_role("dialog")).to_be_visible()
            assert page.locator("img[src='x']").count() == 0, path


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
