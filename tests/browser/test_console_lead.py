"""A lead's way through the console: signing in, a project by the form, a batch, tasks made by the SDK, results and their export."""

from __future__ import annotations

import json
import secrets
from urllib.parse import quote

from playwright.sync_api import Page, expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import MANAGER, PASSWORD, OpenPage, axe, in_both_schemes, sign_in
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
    client.create_project(
        name,
        TaskType.Categorization,
        params={"attachment_type": "text", "categories": [attack, "b"], "instruction": attack},
    )
    task = client.create_task(
        TaskType.Categorization,
        project=name,
        instruction=attack,
        attachment=attack,
        metadata={attack: attack},
        tags=[attack],
        unique_id=name,
    )
    done = server.call("PUT", "/api/projects/" + _quoted(name) + "/instructions", json={"markdown": attack})
    assert done.ok, done.text
    page = open_page("/console/projects", MANAGER)
    settle(page)
    for path in (
        "/",
        "/console/projects",
        f"/console/projects/{_quoted(name)}",
        f"/console/projects/{_quoted(name)}?tab=params",
        f"/console/projects/{_quoted(name)}?tab=instructions",
        f"/console/tasks?project={_quoted(name)}",
        f"/console/tasks/{task.id}",
        "/console/audits",
        "/console/log",
    ):
        page.goto(path)
        settle(page)
        assert page.evaluate("window.hacked") is None, path
        assert page.locator("img[src='x']").count() == 0, path


def test_the_task_table_scrolls_over_many_tasks_without_a_gap(server: Server, open_page: OpenPage) -> None:
    name = f"Many {secrets.token_hex(4)}"
    fill(server, name, 1000)
    page = open_page(f"/console/tasks?project={_quoted(name)}", MANAGER)
    table = page.get_by_test_id("task-table")
    expect(page.get_by_test_id("task-total")).to_contain_text("1,000")
    expect(table.locator("[data-index='0']")).to_be_visible()
    found = scrolled(page, 100)
    assert (found["gaps"], found["seen"]) == ([], 1000)
    assert table.get_by_role("row").count() < 200  # the others are not in the page


def _quoted(text: str) -> str:
    return quote(text, safe="")
