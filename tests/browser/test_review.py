"""Review in the browser: compared, sent back with a remark, done better, corrected, accepted; and what training tasks tell."""

from __future__ import annotations

import os
import uuid
from typing import Any

import requests
from playwright.sync_api import Page, expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import LABELER, MANAGER, PASSWORD, OpenPage, assign, axe, offered, response_of
from tests.sdk.conftest import Namer, Server, eventually

FORM = {
    "instruction": "Find it out.",
    "attachment": "Halcyon, Oban",
    "attachment_type": "text",
    "fields": {"phone": "Telephone"},
}


def make_task(
    server: Server, fresh: Namer, kind: TaskType = TaskType.DataCollection, body: Any = FORM, **workflow: Any
) -> tuple[str, str]:
    """A task of a project with that workflow: (project, task id)."""
    project = fresh("reviewed")
    rapid = "training_required" in workflow
    server.client(server.keys.live).create_project(project, kind, rapid=rapid)
    assign(server, project, LABELER)
    done = server.call("PUT", f"/api/projects/{project}/workflow", json=workflow)
    assert done.ok, done.text
    where: dict[str, Any] = {"project": project}
    if rapid:
        where["batch"] = fresh("batch")
        assert server.call("POST", "/v1/batches", json={"project": project, "name": where["batch"]}).ok
    made = server.call("POST", f"/v1/task/{kind.value}", json={**where, **body})
    assert made.ok, made.text
    if rapid:
        assert server.call("POST", f"/v1/batches/{where['batch']}/finalize", json={}).ok
    offered(server, made.json()["task_id"])
    return project, made.json()["task_id"]


def answer(server: Server, task_id: str, response: Any) -> None:
    """The labeler's answer by the API."""
    session = requests.Session()
    signed = session.post(
        server.url + "/api/login", json={"email": LABELER, "password": PASSWORD}, timeout=20
    )
    session.headers["X-CSRF-Token"] = signed.json()["csrf_token"]
    project = server.call("GET", f"/v1/task/{task_id}").json()["project"]
    claimed = session.post(server.url + "/api/work/claim", json={"project": project}, timeout=20).json()
    done = session.post(
        f"{server.url}/api/work/{claimed['lease_token']}/submit", json={"response": response}, timeout=20
    )
    assert done.ok, done.text


def empty(page: Page) -> None:
    expect(page.get_by_role("heading", name="Nothing to do right now")).to_be_visible()


def test_an_answer_is_sent_back_with_a_remark_done_better_and_accepted(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    project, task_id = make_task(server, fresh, review_stages=[{"sample": 1}])
    answer(server, task_id, {"fields": {"phone": "555"}})
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
    answer(server, task_id, {"fields": {"phone": "555"}})
    review = open_page(f"/work?project={project}", MANAGER)
    expect(review.get_by_role("button", name="Submit my fix")).to_have_attribute("aria-disabled", "true")
    review.get_by_label("Telephone").fill("01631 555")
    expect(review.get_by_role("button", name="Accept")).to_have_attribute("aria-disabled", "true")
    review.get_by_role("button", name="Submit my fix").click()
    empty(review)
    assert response_of(server, task_id)["fields"] == {"phone": "01631 555"}
    versions = server.call("GET", f"/api/tasks/{task_id}/versions").json()
    assert [v["origin"] for v in versions.get("items", versions)][-1] in ("fixed", "reviewed")


def test_a_text_goes_back_with_a_pinned_remark_and_the_next_review_shows_what_was_changed(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    body = {
        "text": "Ines sold the mill to Tomas.",
        "labels": [{"name": "seller"}, {"name": "buyer"}],
        "instruction": "Mark who sells and who buys.",
    }
    project, task_id = make_task(
        server, fresh, TaskType.NamedEntityRecognition, body, review_stages=[{"sample": 1}]
    )
    ines = {"id": str(uuid.uuid4()), "start": 0, "end": 4, "text": "Ines", "label": "buyer"}
    mill = {"id": str(uuid.uuid4()), "start": 14, "end": 18, "text": "mill", "label": "buyer"}
    answer(server, task_id, {"annotations": [ines, mill], "relationships": []})

    review = open_page(f"/work?project={project}", MANAGER)
    text = review.locator("main .steelyard-text")
    text.locator("[data-spans]", has_text="mill").first.click()
    review.keyboard.press("i")
    expect(review.get_by_label("Remark on the selected annotation buyer")).to_be_focused()
    review.keyboard.type("A mill buys nothing.")
    review.keyboard.press("Enter")
    review.keyboard.press("Escape")
    expect(review.get_by_text("A mill buys nothing.")).to_be_visible()
    review.keyboard.press("Shift+X")
    empty(review)

    label = open_page(f"/work?project={project}", LABELER)
    label.locator(".steelyard-remarks").get_by_role("button", name="buyer").click()
    expect(label.locator("[data-selected][data-spans]")).to_have_text("mill")
    label.get_by_role("application").focus()
    label.keyboard.press("Delete")
    label.locator("[data-spans]", has_text="Ines").first.click()
    label.keyboard.press("1")
    label.keyboard.press("Control+Enter")
    empty(label)

    review.get_by_role("button", name="Look again").click()
    expect(text.locator("[data-spans]", has_text="Ines").first).to_be_visible()
    expect(text.locator("[data-change]")).to_have_count(0)
    review.keyboard.press("Shift+D")
    expect(text.locator("[data-change=removed]")).to_have_text("mill")
    expect(text.locator("[data-change=changed]")).to_have_text("Ines")
    axe(review)
    review.keyboard.press("Shift+C")
    beside = review.get_by_role("region", name="the version before")
    expect(beside.locator("[data-spans]", has_text="mill").first).to_be_visible()
    axe(review)
    review.keyboard.press("Shift+C")
    expect(beside).to_be_hidden()
    review.keyboard.down("\\")
    expect(beside.locator("[data-spans]", has_text="mill").first).to_be_visible()
    review.keyboard.up("\\")
    expect(beside).to_be_hidden()
    text.locator("[data-spans]", has_text="Ines").first.click()
    review.keyboard.press("Shift+E")  # nothing was changed: nothing happens
    review.keyboard.press("Control+Shift+ArrowRight")
    review.keyboard.press("Control+Shift+ArrowLeft")
    review.keyboard.press("Control+z")
    review.keyboard.press("Shift+E")
    empty(review)
    (left,) = response_of(server, task_id)["annotations"]
    assert (left["id"], left["label"], left["text"]) == (ines["id"], "seller", "Ines ")


def _differs_while_held(page: Page) -> bool:
    """Whether the canvas shows something else while the key for it is held; afterwards it must be as before."""
    canvas = page.get_by_test_id("image-canvas").first
    page.wait_for_timeout(300)
    before = canvas.screenshot()
    page.keyboard.down("\\")
    page.wait_for_timeout(300)
    held = canvas.screenshot()
    page.keyboard.up("\\")
    page.wait_for_timeout(300)
    assert canvas.screenshot() == before
    return held != before


def test_answers_of_several_people_to_a_picture_are_compared(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    body = {
        "instruction": "Mark the cups.",
        "attachment": f"{server.photos}/coffee.jpg",
        "geometries": {"box": {"objects_to_annotate": ["cup", "saucer"]}},
    }
    project, task_id = make_task(
        server, fresh, TaskType.ImageAnnotation, body, overlap=2, review_stages=[{"sample": 1}]
    )

    def boxes(*placed: tuple[str, int]) -> dict[str, Any]:
        size = {"type": "box", "top": 100, "width": 120, "height": 90}
        return {
            "annotations": [
                {**size, "uuid": str(uuid.uuid4()), "label": label, "left": x} for label, x in placed
            ]
        }

    answer(server, task_id, boxes(("cup", 100), ("saucer", 300)))
    server.complete(task_id, boxes(("cup", 106)))
    eventually(lambda: server.call("GET", f"/api/tasks/{task_id}/versions").json()["items"])
    review = open_page(f"/work?project={project}", MANAGER, viewport={"width": 1280, "height": 720})
    expect(review.get_by_test_id("image-canvas")).to_have_attribute("data-ready", "true")
    bar = review.get_by_role("group", name="Compared with")
    expect(bar.get_by_role("radio", name="contributor")).to_have_count(2)
    # held, the key shows the other answer where this one is, and lets go of it again
    seen: list[bool] = []
    for _ in range(2):
        review.keyboard.press("Shift+D")
        seen.append(_differs_while_held(review))
    assert any(seen), seen
    review.keyboard.press("Shift+C")
    beside = review.locator("[data-compare=other]")
    expect(beside.get_by_test_id("image-canvas")).to_have_attribute("data-ready", "true")
    # there is room for both pictures and for every button, in a small window, too
    widths = [
        box["width"] for place in review.get_by_test_id("image-canvas").all() if (box := place.bounding_box())
    ]
    assert min(widths) > 280, widths
    cut = "(header) => [...header.querySelectorAll('button *')].filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).length"
    assert review.locator("header").evaluate(cut) == 0
    axe(review)
    if shots := os.environ.get("STEELYARD_SHOTS"):
        review.screenshot(path=f"{shots}/review-image.png")
    review.keyboard.press("Shift+C")
    review.locator("li[data-record] button").first.click()
    review.keyboard.press("i")
    review.keyboard.type("Well seen.")
    review.keyboard.press("Enter")
    review.keyboard.press("Escape")
    review.keyboard.press("Shift+A")
    empty(review)
    assert {a["label"] for a in response_of(server, task_id)["annotations"]} <= {"cup", "saucer"}
    remarks = server.call("GET", f"/api/tasks/{task_id}/comments").json()["items"]
    assert [(r["text"], r["annotation_id"] is not None) for r in remarks] == [("Well seen.", True)]


def test_a_training_task_shows_the_right_answer_and_leads_on(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    ticket = {
        "instruction": "What is it about?",
        "attachments": [{"type": "text", "content": "The app crashes."}],
        "fields": [
            {
                "type": "category",
                "field_id": "about",
                "title": "About?",
                "choices": [{"label": word, "value": word} for word in ("Billing", "Bug")],
            }
        ],
    }
    project, task_id = make_task(server, fresh, TaskType.TextCollection, ticket, training_required=1)
    known = {**ticket, "project": project, "expected_response": {"annotations": {"about": ["Bug"]}}}
    made = server.call("POST", "/v1/training_tasks/textcollection", json=known)
    assert made.ok, made.text
    page = open_page(f"/work?project={project}", LABELER)
    expect(page.get_by_text("Training", exact=True)).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Not quite: compare with the right answer")).to_be_visible()
    expect(page.get_by_role("radio", name="Bug")).to_be_checked()
    expect(page.get_by_text("Yours: Billing")).to_be_visible()
    axe(page)
    page.keyboard.press("Enter")  # the next task
    expect(page.get_by_text("Training", exact=True)).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Right")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Submit")).to_be_visible()
    expect(page.get_by_text("Training", exact=True)).to_be_hidden()
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    empty(page)
    assert response_of(server, task_id)["annotations"] == {"about": ["Bug"]}


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
    # the keys are the person's on every device
    other = open_page(f"/work?project={project}", LABELER)
    expect(other.get_by_label("Telephone")).to_be_visible()
    other.keyboard.press("F1")
    sheet = other.get_by_role("dialog")
    expect(sheet.locator("[data-command='task.skip'] kbd")).to_have_text("Alt+K")
    with other.expect_response("**/api/me/keys"):
        sheet.get_by_role("button", name="Back to the defaults").click()
    expect(sheet.locator("[data-command='task.skip'] kbd")).to_have_text("Ctrl+Space")
