"""Nothing that was done in the workbench is lost: reload, crash, a network that is away for longer than the lease, an ended session, two windows."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from playwright.sync_api import Error, Page, expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import LABELER, MANAGER, PASSWORD, OpenPage, assign, offered, response_of, sql
from tests.sdk.conftest import Namer, Server


def make_tasks(server: Server, fresh: Namer, n: int = 1) -> tuple[str, list[str]]:
    """A project with tasks that the labeler may do: (its name, the tasks' ids in the order of the queue)."""
    project = fresh("kept")
    server.client(server.keys.live).create_project(project, TaskType.DataCollection)
    assign(server, project, LABELER)
    ids: list[str] = []
    for i in range(n):
        body = {
            "instruction": "Find it out.",
            "attachment": f"Halcyon {i + 1}",
            "attachment_type": "text",
            "fields": {"phone": "Telephone"},
        }
        made = server.call("POST", "/v1/task/datacollection", json={"project": project, **body})
        assert made.ok, made.text
        ids.append(made.json()["task_id"])
    for task_id in ids:
        offered(server, task_id)
    return project, ids


def lapse(server: Server, task_id: str, left: str = "0 seconds") -> None:
    """Half an hour goes by without a sign of life: the lease on a task ends, or soon does."""
    sql(
        server,
        "update slot set lease_expires_at = steelyard.now() + $2::text::interval where task_id = $1 and done_at is null",
        task_id,
        left,
    )


def enter(page: Page, text: str) -> None:
    page.get_by_label("Telephone").fill(text)


def state(page: Page, name: str) -> None:
    expect(page.locator(f"[data-save-state={name}]")).to_be_visible()


def empty(page: Page) -> None:
    expect(page.get_by_role("heading", name="Nothing to do right now")).to_be_visible()


def phone(server: Server, task_id: str) -> Any:
    return response_of(server, task_id)["fields"]["phone"]


def test_reloads_and_crashes_take_nothing_away_and_lead_back_to_the_same_task(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    project, ids = make_tasks(server, fresh, 3)
    page = open_page(f"/work?project={project}", LABELER)
    expect(page.get_by_label("Telephone")).to_be_visible()
    first = page.frame_locator("iframe").get_by_text("Halcyon")
    shown = first.inner_text()
    expect(page.get_by_role("button", name="Submit")).to_be_visible()
    page.wait_for_function("performance.getEntriesByName(location.origin + '/api/work/claim').length > 1")
    enter(page, "555")
    state(page, "saved")
    # the next task is leased already; a reload stays with this one
    page.reload()
    expect(page.get_by_label("Telephone")).to_have_value("555")
    assert first.inner_text() == shown
    # what the server does not have is on the device when the program dies
    page.route("**/draft", lambda route: route.abort())
    enter(page, "555 0100")
    state(page, "local")
    expect(page.get_by_text("Saved on this device")).to_be_visible()
    with contextlib.suppress(Error):
        page.goto("chrome://crash")
    page.close()
    page = open_page(f"/work?project={project}", context=page.context)
    expect(page.get_by_label("Telephone")).to_have_value("555 0100")
    state(page, "saved")
    # submitting leads to the tasks that were leased before, each once
    for n in (2, 3, 0):
        page.keyboard.press("Control+Enter")
        if n:
            expect(page.get_by_text(f"{n - 1} done")).to_be_visible()
            expect(page.get_by_label("Telephone")).to_have_value("")
            enter(page, str(n))
    empty(page)
    assert sorted(phone(server, task_id) for task_id in ids) == ["2", "3", "555 0100"]


def test_half_an_hour_without_a_network_shows_both_versions_and_loses_none(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    project, (task_id,) = make_tasks(server, fresh)
    train = open_page(f"/work?project={project}", LABELER)
    enter(train, "before the tunnel")
    state(train, "saved")
    train.context.set_offline(True)
    enter(train, "in the tunnel")
    state(train, "local")
    lapse(server, task_id)
    # meanwhile the same person goes on at home
    home = open_page(f"/work?project={project}", LABELER)
    expect(home.get_by_label("Telephone")).to_have_value("before the tunnel")
    enter(home, "at home")
    state(home, "saved")
    train.context.set_offline(False)
    dialog = train.get_by_role("dialog")
    expect(dialog.get_by_label("Telephone").first).to_have_value("in the tunnel")
    expect(dialog.get_by_label("Telephone").last).to_have_value("at home")
    state(train, "conflict")
    dialog.get_by_role("button", name="Take this one").click()
    expect(train.get_by_label("Telephone")).to_have_value("at home")
    train.get_by_role("button", name="Undo").click()
    expect(train.get_by_label("Telephone")).to_have_value("in the tunnel")
    state(train, "saved")
    # the device at home hears of it with its next change
    enter(home, "at home, later")
    expect(home.get_by_role("dialog").get_by_label("Telephone").last).to_have_value("in the tunnel")
    home.get_by_role("button", name="Keep this one").click()
    state(home, "saved")
    home.keyboard.press("Control+Enter")
    empty(home)
    assert phone(server, task_id) == "at home, later"
    # what was done on the train is said to be too late, and is still there
    enter(train, "never sent")
    state(train, "lease-lost")
    expect(train.get_by_label("Telephone")).to_have_value("never sent")
    train.get_by_role("button", name="Ask for it again").click()
    expect(train.get_by_role("alert").get_by_text("What you did stays on this device")).to_be_visible()


def test_an_ended_session_is_taken_up_again_over_whatever_is_open(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    project, (task_id,) = make_tasks(server, fresh)
    page = open_page(f"/work?project={project}", LABELER)
    enter(page, "555")
    state(page, "saved")
    # shortly before its end the lease is counted down; a sign of life renews it
    lapse(server, task_id, "100 seconds")
    page.reload()
    expect(page.locator("[data-left]")).to_have_text(re.compile(r"1:[0-3]\d left"))
    page.context.set_offline(True)
    page.context.set_offline(False)
    expect(page.locator("[data-left]")).to_have_count(0)
    enter(page, "555 01")
    state(page, "saved")
    page.context.clear_cookies()
    enter(page, "555 0100")
    page.keyboard.press(
        "Alt+i"
    )  # a drawer lies over the page when the answer comes that the session has ended
    dialog = page.get_by_role("dialog", name="Please sign in again")
    expect(dialog).to_be_visible()
    state(page, "signed-out")
    dialog.get_by_role("textbox", name="Password").fill("wrong one")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_role("textbox", name="Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_be_hidden()
    state(page, "saved")
    page.keyboard.press("Escape")
    # a submission that meets the end of the session arrives after signing in
    page.context.clear_cookies()
    page.get_by_role("button", name="Submit").click()
    dialog.get_by_role("textbox", name="Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    empty(page)
    assert phone(server, task_id) == "555 0100"


def test_of_two_windows_the_newer_goes_on_and_the_other_says_so(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    project, (task_id,) = make_tasks(server, fresh)
    first = open_page(f"/work?project={project}", LABELER)
    enter(first, "typed a moment ago")
    second = open_page(f"/work?project={project}", context=first.context)
    expect(second.get_by_label("Telephone")).to_have_value("typed a moment ago")
    expect(first.get_by_role("heading", name="You went on in another window")).to_be_visible()
    enter(second, "in the second")
    first.get_by_role("button", name="Go on here").click()
    expect(first.get_by_label("Telephone")).to_have_value("in the second")
    expect(second.get_by_role("heading", name="You went on in another window")).to_be_visible()
    first.get_by_role("button", name="Submit").click()
    empty(first)
    second.get_by_role("button", name="Go on here").click()
    empty(second)
    assert phone(server, task_id) == "in the second"


def test_a_task_in_stages_goes_from_one_person_to_the_next_with_what_was_answered_before(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    project = fresh("stages")
    assert server.call("POST", "/v1/projects", json={"name": project, "type": "multistage"}).ok
    assign(server, project, LABELER)
    text = {
        "attachments": [{"type": "text", "content": "The ferry from Oban."}],
        "fields": [{"type": "text", "field_id": "s", "title": "Summary", "required": True}],
    }
    names = {
        "id": "names", "type": "namedentityrecognition", "params": {"labels": [{"name": "place"}]}, "assignee": "different",
        "inputs": {"text": "{{stages.draft.response.annotations.s}}"},
    }  # fmt: skip
    stages = [{"id": "draft", "type": "textcollection", "params": text}, names]
    body = {"project": project, "instruction": "Find it out.", "stages": stages}
    made = server.call("POST", "/v1/task/multistage", json=body)
    assert made.ok, made.text
    task_id = made.json()["task_id"]
    offered(server, task_id)

    page = open_page(f"/work?project={project}", LABELER)
    answer = page.get_by_role("textbox", name="Answer")
    draft = {"id": "draft", "type": "textcollection", "response": {"annotations": {}}}
    answer.fill(json.dumps({"stages": [draft]}, indent=1))
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-json-issue]")).to_contain_text("stages[0].response")
    draft["response"] = {"annotations": {"s": "Oban pier"}}
    answer.fill(json.dumps({"stages": [draft]}))
    page.keyboard.press("Control+Enter")
    empty(page)

    page = open_page(f"/work?project={project}", MANAGER)
    answer = page.get_by_role("textbox", name="Answer")
    expect(answer).to_have_value(re.compile("Oban pier"))
    whole = json.loads(answer.input_value())
    assert whole == {"stages": [draft]}
    found = {"start": 0, "end": 4, "text": "Oban", "label": "place"}
    answered = {"annotations": [found], "relationships": []}
    whole["stages"].append({"id": "names", "type": "namedentityrecognition", "response": answered})
    answer.fill(json.dumps(whole))
    page.keyboard.press("Control+Enter")
    empty(page)
    done = response_of(server, task_id)["stages"]
    assert done[0] == draft
    assert done[1]["response"]["annotations"][0].items() >= found.items()
