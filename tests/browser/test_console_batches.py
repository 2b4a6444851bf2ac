"""Batches, files of tasks and the system's state in the console; and the console by keys alone."""

from __future__ import annotations

import json
import secrets
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import MANAGER, PASSWORD, OpenPage, axe, sql
from tests.sdk.conftest import Server, eventually

ATTACK = '<img src=x onerror="window.hacked=1">'


def studio(server: Server, *batches: str) -> str:
    """A studio project with batches of one task each."""
    name = f"Batches {secrets.token_hex(4)}"
    params = {"attachment_type": "text", "categories": ["Bug", "Bill"]}
    made = {"name": name, "type": "categorization", "params": params, "studio": True}
    assert server.call("POST", "/v1/projects", json=made).ok
    for batch in batches:
        body: dict[str, Any] = {"project": name, "name": f"{name} {batch}"}
        assert server.call("POST", "/v1/batches", json=body).ok
        task = {
            "project": name,
            "batch": f"{name} {batch}",
            "instruction": "Which?",
            "attachment": "A ticket",
        }
        assert server.call("POST", "/v1/task/categorization", json=task).ok
    return name


def test_batches_are_finalized_paused_resumed_and_put_in_order_by_drag_and_by_keys(
    server: Server, open_page: OpenPage
) -> None:
    name = studio(server, "first", "second")
    first, second = f"{name} first", f"{name} second"
    page = open_page("/console/batches", MANAGER)
    page.get_by_role("search").get_by_role("combobox", name="Project").click()
    page.get_by_role("option", name=name).click()
    rows = page.get_by_role("row").filter(has_text=name)
    expect(rows).to_have_count(2)
    row = rows.filter(has_text=first)
    for verb, state, status in (
        ("Finalize", "In work", "in_progress"),
        ("Pause", "Paused", "paused"),
        ("Resume", "In work", "in_progress"),
    ):
        row.get_by_role("button", name="Actions for").click()
        page.get_by_role("menuitem", name=verb).click()
        expect(row).to_contain_text(state)
        assert server.call("GET", f"/v1/batches/{first}").json()["status"] == status

    page.get_by_role("tab", name="Order of work").click()
    lines = page.get_by_role("main").get_by_role("listitem").filter(has_text=name)
    expect(lines.first).to_contain_text(first)
    lines.last.drag_to(lines.first)
    expect(lines.first).to_contain_text(second)

    def order() -> list[str]:
        found = server.call("GET", "/v1/studio/batches").json()
        return [batch["name"] for batch in found if batch["name"] in (first, second)]

    eventually(lambda: order() == [second, first])
    page.get_by_role("button", name=f"Move {second} down").focus()
    page.keyboard.press("Enter")
    expect(lines.first).to_contain_text(first)
    eventually(lambda: order() == [first, second])


def test_a_file_of_tasks_comes_in_over_a_connection_that_breaks_and_goes_out_again(
    server: Server, open_page: OpenPage
) -> None:
    name = studio(server)
    tasks: list[dict[str, Any]] = [
        {"instruction": "Which?", "attachment": f"Ticket {i}", "unique_id": f"{name} {i}"} for i in range(3)
    ]
    tasks.append({"instruction": "Which?", "categories": ATTACK, "attachment": ATTACK})
    lines = "\n".join(json.dumps(task) for task in tasks)
    page = open_page("/console/transfers", MANAGER)
    page.get_by_role("button", name="Create tasks from a file").click()
    dialog = page.get_by_role("dialog")
    page.locator("input[type=file]").set_input_files(
        {"name": "tasks.ndjson", "mimeType": "application/x-ndjson", "buffer": lines.encode()}
    )
    dialog.get_by_role("combobox", name="Project").click()
    page.get_by_role("option", name=name).click()
    pieces: list[str] = []

    def once(route: Route) -> None:
        pieces.append(route.request.method)
        if pieces.count("PATCH") == 1 and route.request.method == "PATCH":
            route.abort()
        else:
            route.continue_()

    page.route("**/api/uploads/*", once)
    dialog.get_by_role("button", name="Start").click()
    expect(dialog.get_by_label("Sending tasks.ndjson")).to_have_attribute("aria-valuenow", "0")
    expect(dialog).to_be_hidden()
    assert pieces[:3] == [
        "PATCH",
        "HEAD",
        "PATCH",
    ]  # it asks how far the file has come, and goes on from there
    row = page.get_by_role("row").filter(has_text="Done 3, existing 0, refused 1")
    expect(row).to_be_visible(timeout=20_000)
    expect(row).to_contain_text("Line 4")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src='x']").count() == 0
    axe(page)
    found = server.call("GET", "/v1/tasks", params={"project": name}).json()["docs"]
    assert sorted(task["unique_id"] for task in found) == [f"{name} {i}" for i in range(3)]


def test_the_state_of_the_system_is_shown_and_a_job_that_has_failed_is_tried_again(
    server: Server, open_page: OpenPage
) -> None:
    args = json.dumps({"space_id": 1, "task_id": "f" * 24})
    [[job]] = sql(
        server,
        "insert into job (kind, args, attempts, failed_at, last_error) values ('create_dependents', $1, 3, steelyard.now(), $2) returning id",
        args,
        f"{ATTACK} of the journey",
    )
    page = open_page("/console/health", MANAGER)
    expect(page.get_by_text("Something needs attention")).to_be_visible()
    expect(page.get_by_text("Background jobs have failed: 1.")).to_be_visible()
    kinds = page.get_by_role("table", name="Processes").get_by_role("row")
    expect(kinds.filter(has_text="worker").first).to_be_visible()
    row = page.get_by_role("row").filter(has_text="of the journey")
    expect(row).to_contain_text("create_dependents")
    assert page.locator("img[src='x']").count() == 0
    axe(page)
    row.get_by_role("button", name="Try again").click()
    expect(row).to_have_count(0)
    eventually(lambda: sql(server, "select from job where id = $1", job) == [])
    expect(page.get_by_text("Background jobs have failed")).to_have_count(0)


def walked_to(page: Page, target: Locator, backwards: bool = False) -> None:
    """Moves the focus onto something by Tab alone, as somebody without a pointer does."""
    expect(target).to_be_visible()
    for _ in range(80):
        if target.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
    raise AssertionError(f"Tab does not lead to {target}")


def test_the_console_is_worked_by_keys_alone(server: Server, open_page: OpenPage) -> None:
    other = studio(server, "open")
    name = f"Keys {secrets.token_hex(4)}"
    page = open_page("/login")
    keys = page.keyboard
    walked_to(page, page.get_by_label("E-mail address"))
    keys.type(MANAGER)
    keys.press("Tab")
    walked_to(page, page.get_by_role("textbox", name="Password", exact=True))
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Home", level=1)).to_be_visible()

    walked_to(page, page.get_by_role("navigation").get_by_role("link", name="Projects"))
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Projects", level=1)).to_be_focused()
    walked_to(page, page.get_by_role("link", name="New project"))
    keys.press("Enter")
    walked_to(page, page.get_by_role("textbox", name="Name").first)
    keys.type(name)
    walked_to(page, page.get_by_role("combobox", name="Type", exact=True))
    keys.press("Control+a")
    keys.type("categorization")
    keys.press("ArrowDown")
    keys.press("Enter")
    walked_to(page, page.get_by_role("button", name="Fill in an example"))
    keys.press("Enter")
    walked_to(page, page.get_by_role("button", name="Create project"))
    keys.press("Enter")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_focused()
    assert server.call("GET", f"/v1/projects/{name}").json()["type"] == "categorization"

    page.goto(f"/console/tasks?project={other}")
    task = page.get_by_test_id("task-table").locator("[data-open]")
    expect(task).to_be_visible()
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    keys.press("Enter")
    walked_to(page, task)
    keys.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading").first).to_be_visible()
    keys.press("Escape")
    expect(drawer).to_be_hidden()
    expect(task).to_be_focused()
    walked_to(page, page.get_by_test_id("task-table").get_by_role("checkbox").last, backwards=True)
    keys.press("Space")
    walked_to(page, page.get_by_role("button", name="Add tags"), backwards=True)
    keys.press("Enter")
    expect(drawer.get_by_label("Tags")).to_be_focused()
    keys.type("by key")
    keys.press("Enter")
    walked_to(page, drawer.get_by_role("button", name="Add tags"))
    keys.press("Enter")
    expect(page.get_by_text("Tasks changed: 1")).to_be_visible()
    [found] = server.call("GET", "/v1/tasks", params={"project": other}).json()["docs"]
    assert found["tags"] == ["by key"]
