"""Review in the browser: sent back with a remark, done better, corrected, accepted."""

from __future__ import annotations

from typing import Any

import requests
from playwright.sync_api import Page, expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import LABELER, MANAGER, PASSWORD, OpenPage, assign, axe, offered, response_of
from tests.sdk.conftest import Namer, Server


def make_task(server: Server, fresh: Namer, **workflow: Any) -> tuple[str, str]:
    """A task of a project with that workflow: (project, task id)."""
    project = fresh("reviewed")
    server.client(server.keys.live).create_project(project, TaskType.DataCollection)
    assign(server, project, LABELER)
    done = server.call("PUT", f"/api/projects/{project}/workflow", json=workflow)
    assert done.ok, done.text
    body = {
        "instruction": "Find it out.",
        "attachment": "Halcyon, Oban",
        "attachment_type": "text",
        "fields": {"phone": "Telephone"},
    }
    made = server.call("POST", "/v1/task/datacollection", json={"project": project, **body})
    assert made.ok, made.text
    offered(server, made.json()["task_id"])
    return project, made.json()["task_id"]


def answer(server: Server, task_id: str, text: str) -> None:
    """The labeler's answer by the API."""
    session = requests.Session()
    signed = session.post(
        server.url + "/api/login", json={"email": LABELER, "password": PASSWORD}, timeout=20
    )
    session.headers["X-CSRF-Token"] = signed.json()["csrf_token"]
    project = server.call("GET", f"/v1/task/{task_id}").json()["project"]
    claimed = session.post(server.url + "/api/work/claim", json={"project": project}, timeout=20).json()
    done = session.post(
        f"{server.url}/api/work/{claimed['lease_token']}/submit",
        json={"response": {"fields": {"phone": text}}},
        timeout=20,
    )
    assert done.ok, done.text


def empty(page: Page) -> None:
    expect(page.get_by_role("heading", name="Nothing to do right now")).to_be_visible()


def test_an_answer_is_sent_back_with_a_remark_done_better_and_accepted(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    project, task_id = make_task(server, fresh, review_stages=[{"sample": 1}])
    answer(server, task_id, "555")
    review = open_page(f"/work?project={project}", MANAGER)
    expect(review.get_by_text("Review", exact=True)).to_be_visible()
    expect(review.get_by_label("Telephone")).to_have_value("555")
    send_back = review.get_by_role("button", name="Send back")
    expect(send_back).to_have_attribute("aria-disabled", "true")
    review.get_by_label("Remark on the whole answer").fill("The area code is missing.")
    review.get_by_role("button", name="Add remark").click()
    axe(review)
    send_back.click()
    empty(review)

    label = open_page(f"/work?project={project}", LABELER)
    expect(label.get_by_text("The area code is missing.")).to_be_visible()
    expect(label.get_by_label("Telephone")).to_have_value("555")
    label.get_by_label("Telephone").fill("01631 555")
    label.keyboard.press("Control+Enter")
    empty(label)

    review.get_by_role("button", name="Look again").click()
    expect(review.get_by_label("Telephone")).to_have_value("01631 555")
    review.get_by_role("heading", level=1).click()
    review.keyboard.press("Shift+A")
    empty(review)
    assert response_of(server, task_id)["fields"] == {"phone": "01631 555"}


def test_a_reviewer_corrects_an_answer(server: Server, open_page: OpenPage, fresh: Namer) -> None:
    project, task_id = make_task(server, fresh, review_stages=[{"sample": 1}])
    answer(server, task_id, "555")
    review = open_page(f"/work?project={project}", MANAGER)
    expect(review.get_by_role("button", name="Submit my fix")).to_have_attribute("aria-disabled", "true")
    review.get_by_label("Telephone").fill("01631 555")
    expect(review.get_by_role("button", name="Accept")).to_have_attribute("aria-disabled", "true")
    review.get_by_role("button", name="Submit my fix").click()
    empty(review)
    assert response_of(server, task_id)["fields"] == {"phone": "01631 555"}
    versions = server.call("GET", f"/api/tasks/{task_id}/versions").json()
    assert [v["origin"] for v in versions.get("items", versions)][-1] in ("fixed", "reviewed")


def test_no_two_commands_share_keys_and_own_keys_are_taken(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    project, _ = make_task(server, fresh)
    page = open_page(f"/work?project={project}", LABELER)
    expect(page.get_by_label("Telephone")).to_be_visible()
    page.keyboard.press("F1")
    sheet = page.get_by_role("dialog")
    keys = sheet.locator("[data-command] kbd").all_inner_texts()
    shared = {key for key in keys if keys.count(key) > 1 and key != "–"}
    assert shared == set()
    sheet.get_by_role("button", name="Change keys of Skip").click()
    page.keyboard.press("Control+z")
    expect(sheet.get_by_text("belongs to “Undo”")).to_be_visible()
    page.keyboard.press("Alt+k")
    expect(sheet.locator("[data-command='task.skip'] kbd")).to_have_text("Alt+K")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("Alt+k")
    expect(page.get_by_role("dialog", name="Skip this task")).to_be_visible()
