"""Leading work in the console: who holds what, changes of many tasks, audits in the editor and as cards, files of a task, the demo project."""

from __future__ import annotations

import json
import secrets
from urllib.parse import quote

from playwright.sync_api import Page, expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import LABELER, MANAGER, OpenPage, assign, axe, offered, response_of
from tests.sdk.conftest import Server, eventually

# The share of a stage that the largest of its canvases covers.
SHOWN = """(stage) => {
  const at = stage.getBoundingClientRect();
  const covered = (box) =>
    Math.max(0, Math.min(at.right, box.right) - Math.max(at.left, box.left)) *
    Math.max(0, Math.min(at.bottom, box.bottom) - Math.max(at.top, box.top));
  const canvases = [...stage.querySelectorAll("canvas")];
  return Math.max(...canvases.map((c) => covered(c.getBoundingClientRect()))) / (at.width * at.height);
}"""


def quoted(text: str) -> str:
    return quote(text, safe="")


def project(server: Server, kind: str = "Work", **params: object) -> str:
    """A categorization project."""
    name = f"{kind} {secrets.token_hex(4)}"
    server.client(server.keys.live).create_project(
        name,
        TaskType.Categorization,
        params={"attachment_type": "text", "categories": ["Bug", "Bill"], **params},
    )
    return name


def create(server: Server, name: str, count: int = 1) -> list[str]:
    client = server.client(server.keys.live)
    return [
        client.create_task(
            TaskType.Categorization, project=name, instruction="Which?", attachment=f"Ticket {i}"
        ).id
        for i in range(count)
    ]


def choose(page: Page, name: str, value: str) -> None:
    page.get_by_role("combobox", name=name).click()
    page.get_by_role("option", name=value).click()


def test_a_lead_sees_who_holds_a_task_takes_it_back_and_gives_it_to_somebody(
    server: Server, open_page: OpenPage
) -> None:
    name = project(server)
    [task] = create(server, name)
    assign(server, name, LABELER)
    offered(server, task)
    labeler = open_page(f"/work?project={quoted(name)}", LABELER)
    expect(labeler.get_by_role("button", name="Submit")).to_be_visible()
    page = open_page("/console/in-hand", MANAGER)
    choose(page, "Project", name)
    row = page.get_by_role("row").filter(has_text=task)
    expect(row).to_contain_text(LABELER)
    row.get_by_role("button", name="Take back").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Needed elsewhere")
    axe(page)
    dialog.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("The work is free again.")).to_be_visible()
    expect(row).to_have_count(0)

    page.goto(f"/console/tasks/{task}")
    page.get_by_role("button", name="Give to somebody").click()
    choose(page, "To", MANAGER)
    page.get_by_role("dialog").get_by_role("button", name="Give to somebody").click()
    expect(page.get_by_text(f"The task waits for {MANAGER}.")).to_be_visible()
    page.get_by_role("tab", name="Timeline").click()
    expect(page.get_by_text("Taken back from its holder")).to_be_visible()
    expect(page.get_by_text("Given to somebody")).to_be_visible()


def test_people_are_assigned_to_a_project_and_put_into_a_group(server: Server, open_page: OpenPage) -> None:
    name = project(server)
    path = f"/v1/studio/projects/{quoted(name)}/groups"

    def groups() -> dict[str, list[str]]:
        found = server.call("GET", path).json()
        return {g["name"]: [w["email"] for w in g["workers"]] for g in found if not g["isSingleton"]}

    page = open_page("/console/people", MANAGER)
    page.get_by_role("tab", name="Assignments").click()
    for field, values in (("Members", (LABELER, MANAGER)), ("Projects", (name,))):
        for value in values:
            page.get_by_role("combobox", name=field).fill(value)
            page.get_by_role("option", name=value, exact=True).click()
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Assign", exact=True).click()
    taken = page.get_by_role("button", name=f"{LABELER}: {name}")
    expect(taken).to_be_visible()

    page.get_by_role("tab", name="Groups").click()
    page.get_by_role("combobox", name="Project").fill(name)
    page.get_by_role("option", name=name, exact=True).click()
    page.get_by_label("New group").fill("Night shift")
    page.get_by_role("combobox", name="Members", exact=True).fill(LABELER)
    page.get_by_role("option", name=LABELER, exact=True).click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Create", exact=True).click()
    members = page.get_by_role("combobox", name="Members of Night shift")
    expect(members).to_be_visible()
    assert groups() == {"Night shift": [LABELER]}
    members.fill(MANAGER)
    page.get_by_role("option", name=MANAGER, exact=True).click()
    eventually(lambda: sorted(groups()["Night shift"]) == sorted((LABELER, MANAGER)))

    page.get_by_role("tab", name="Assignments").click()
    taken.click()
    expect(taken).to_have_count(0)
    assert groups() == {"Night shift": [MANAGER]}  # places in groups go with it


def test_work_that_was_set_aside_is_shown_with_the_reasons(server: Server, open_page: OpenPage) -> None:
    name = project(server)
    settings = server.call("GET", f"/api/projects/{quoted(name)}/workflow").json()
    assert server.call("PUT", f"/api/projects/{quoted(name)}/workflow", json={**settings, "skip_limit": 1}).ok
    [task] = create(server, name)
    lease = server.claim(task)
    assert server.call("POST", f"/api/work/{lease}/skip", json={"reason": "It is unreadable"}).ok
    page = open_page("/console/in-hand", MANAGER)
    page.get_by_role("tab", name="Set aside").click()
    choose(page, "Project", name)
    row = page.get_by_role("row").filter(has_text=task)
    expect(row).to_contain_text("It is unreadable")
    axe(page)
    expect(row.get_by_role("link", name="Do it")).to_have_attribute("href", f"/work?task_id={task}")


def test_all_tasks_that_match_a_filter_are_changed_with_a_yes_and_a_count(
    server: Server, open_page: OpenPage
) -> None:
    name = project(server)
    tasks = create(server, name, 3)
    page = open_page(f"/console/tasks?project={quoted(name)}&status=pending", MANAGER)
    page.get_by_role("button", name="Change all 3").click()
    dialog = page.get_by_role("dialog")
    go = dialog.get_by_role("button", name="Set priority")
    expect(go).to_be_disabled()
    dialog.get_by_label("Priority").fill("27")
    dialog.get_by_role("checkbox", name="Yes, change all 3").check()
    axe(page)
    go.click()
    expect(dialog.get_by_text("Looked at 3 of 3, changed 3.")).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()
    client = server.client(server.keys.live)
    assert [server.call("GET", f"/v1/task/{t}").json()["priority"] for t in tasks] == [27] * 3

    for action, left in (("Add tags", [["late"]] * 3), ("Remove tags", [[]] * 3)):
        page.get_by_role("button", name="Change all 3").click()
        choose(page, "Action", action)
        dialog.get_by_role("combobox", name="Tags").fill("late")
        page.keyboard.press("Enter")
        dialog.get_by_role("checkbox", name="Yes, change all 3").check()
        dialog.get_by_role("button", name=action).click()
        expect(dialog.get_by_text("Looked at 3 of 3, changed 3.")).to_be_visible()
        dialog.get_by_role("button", name="Close").last.click()
        assert [server.call("GET", f"/v1/task/{t}").json().get("tags", []) for t in tasks] == left

    page.get_by_role("button", name="Change all 3").click()
    choose(page, "Action", "Cancel tasks")
    dialog.get_by_role("checkbox", name="Yes, change all 3").check()
    dialog.get_by_role("button", name="Cancel tasks").click()
    expect(dialog.get_by_text("changed 3.")).to_be_visible()
    assert {client.get_task(t).status for t in tasks} == {"canceled"}


def test_selected_tasks_are_tagged_untagged_put_in_order_and_canceled(
    server: Server, open_page: OpenPage
) -> None:
    name = project(server)
    tasks = create(server, name, 3)
    client = server.client(server.keys.live)
    page = open_page(f"/console/tasks?project={quoted(name)}", MANAGER)
    bar, dialog = page.get_by_role("region", name="Selected tasks"), page.get_by_role("dialog")

    def select() -> None:
        for task in tasks[:2]:
            page.get_by_role("checkbox", name=f"Select task {task}").check()
        expect(bar).to_contain_text("Selected: 2")

    def told(what: str) -> None:
        expect(page.get_by_text(what).last).to_be_visible()
        expect(bar).to_be_hidden()

    for action, tags in (("Add tags", [["late"], ["late"], []]), ("Remove tags", [[], [], []])):
        select()
        bar.get_by_role("button", name=action).click()
        dialog.get_by_role("combobox", name="Tags").fill("late")
        page.keyboard.press("Enter")
        dialog.get_by_role("button", name=action).click()
        told("Tasks changed: 2")
        assert [server.call("GET", f"/v1/task/{t}").json().get("tags", []) for t in tasks] == tags
    select()
    bar.get_by_role("button", name="Actions").click()
    dialog.get_by_label("Priority").fill("27")
    dialog.get_by_role("checkbox", name="Yes, change all 2").check()
    dialog.get_by_role("button", name="Set priority").click()
    expect(dialog.get_by_text("Looked at 2 of 2, changed 2.")).to_be_visible()
    dialog.get_by_role("button", name="Close").last.click()
    expect(bar).to_be_hidden()
    assert [server.call("GET", f"/v1/task/{t}").json()["priority"] == 27 for t in tasks] == [
        True,
        True,
        False,
    ]
    select()
    bar.get_by_role("button", name="Cancel").click()
    dialog.get_by_role("button", name="Cancel tasks: 2").click()
    told("Tasks changed: 2")
    # one of its own: asked, too, over the drawer
    page.get_by_role("button", name=tasks[2]).click()
    dialog.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel tasks: 1").click()
    expect(page.get_by_text("The task is canceled").last).to_be_visible()
    assert [client.get_task(task).status for task in tasks] == ["canceled"] * 3


def test_completed_tasks_are_audited_as_cards_and_in_their_editor(
    server: Server, open_page: OpenPage
) -> None:
    name = project(server, "Audit")
    tasks = create(server, name, 3)
    for task in tasks:
        server.complete(task, {"category": "Bug"})
    page = open_page(f"/console/audits?project={quoted(name)}", MANAGER)
    cards = page.get_by_role("article")
    expect(cards).to_have_count(3)
    axe(page)
    page.get_by_role("textbox", name="Sample").fill("2")
    expect(cards).to_have_count(2)
    expect(page.get_by_text("2 of 3")).to_be_visible()
    shown = {tuple(cards.evaluate_all("all => all.map((card) => card.ariaLabel)"))}
    for _ in range(40):
        page.get_by_role("button", name="Shuffle").click()
        shown.add(tuple(cards.evaluate_all("all => all.map((card) => card.ariaLabel)")))
        if len(shown) > 2:
            break
    assert len(shown) > 2  # other samples in other orders
    page.get_by_role("textbox", name="Sample").fill("24")
    expect(cards).to_have_count(3)
    # With the keyboard alone: the card takes the verdict.
    cards.first.focus()
    page.keyboard.press("Shift+A")
    expect(cards).to_have_count(2)

    cards.first.get_by_role("link", name="Open").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Audit of")
    looked_at = page.get_by_role("heading", level=1).inner_text().removeprefix("Audit of ")
    expect(page.get_by_role("button", name="Fix")).to_be_disabled()
    page.get_by_label("Bill").check()
    expect(page.get_by_role("button", name="Accept")).to_be_disabled()
    axe(page)
    page.get_by_placeholder("Comment").fill("It is a bill.")
    page.get_by_role("button", name="Fix").click()
    # The next of the queue is opened at once.
    expect(page.get_by_role("heading", level=1)).not_to_contain_text(looked_at)
    assert (
        response_of(server, looked_at)["category"] == ["Bill"]
        or response_of(server, looked_at)["category"] == "Bill"
    )
    assert server.call("GET", f"/v1/task/{looked_at}").json()["customer_review_status"] == "fixed"

    last = page.get_by_role("heading", level=1).inner_text().removeprefix("Audit of ")
    page.locator("main").first.click(position={"x": 5, "y": 400})
    page.keyboard.press("Shift+X")
    expect(page.get_by_role("heading", name="Nothing to audit")).to_be_visible()
    assert server.call("GET", f"/v1/task/{last}").json()["customer_review_status"] == "rejected"
    page.goto(f"/console/audits?project={quoted(name)}&source=rejected")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text(last)
    page.goto(f"/console/tasks/{looked_at}")
    page.get_by_role("tab", name="Versions").click()
    expect(page.get_by_role("region", name="Difference").last).to_contain_text("Bill")

    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Make an evaluation task of it").click()
    expect(page.get_by_text("The known-answer task is being prepared.")).to_be_visible()
    made = server.call("GET", "/api/quality/tasks", params={"project": name}).json()["items"]
    assert [(q["kind"], q["source_task_id"]) for q in made] == [("evaluation", looked_at)]


def test_the_demo_project_is_added_by_a_button_and_its_pictures_are_audited_with_pins(
    server: Server, open_page: OpenPage
) -> None:
    page = open_page("/console/start", MANAGER)
    page.get_by_role("button", name="Put a key in").click()
    snippet = page.get_by_role("region", name="Send the first task with the SDK")
    expect(snippet).to_contain_text("live_")
    expect(snippet).to_contain_text(server.url)
    page.get_by_role("button", name="Add the demo project").click()
    expect(page.get_by_role("heading", name="Demo project", level=1)).to_be_visible()
    tasks = server.call("GET", "/v1/tasks", params={"project": "Demo project"}).json()["docs"]
    cat = next(task for task in tasks if task["metadata"]["file"] == "cat.jpg")
    boxes = [{"type": "box", **box} for box in cat["params"]["hypothesis"]["annotations"]]
    server.complete(cat["task_id"], {"annotations": boxes})

    page.goto(f"/console/tasks/{cat['task_id']}")
    page.get_by_role("tab", name="Attachments").click()
    expect(page.get_by_role("row").filter(has_text="image/jpeg")).to_be_visible()
    page.get_by_role("tab", name="People").click()
    expect(page.get_by_role("row").filter(has_text="Labeling")).to_be_visible()

    page.goto("/console/audits?project=Demo project")
    card = page.get_by_role("article")
    expect(card.get_by_role("img", name="Picture with annotations: 3")).to_be_visible()
    card.get_by_role("link", name="Open").click()
    expect(page.get_by_test_id("image-canvas")).to_have_attribute("data-ready", "true")
    axe(page)
    # read from right to left, the picture is there as well
    arabic = open_page(page.url.removeprefix(server.url), MANAGER, locale="ar")
    stage = arabic.get_by_test_id("image-canvas")
    expect(stage).to_have_attribute("data-ready", "true")
    expect(arabic.locator("html")).to_have_attribute("dir", "rtl")
    assert stage.evaluate(SHOWN) > 0.3
    page.locator("li[data-record] button").first.click()
    page.keyboard.press("i")
    page.keyboard.type("A little too wide")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Comment").click()
    expect(page.get_by_text("The verdict is stored.")).to_be_visible()
    remarks = server.call("GET", f"/api/tasks/{cat['task_id']}/comments").json()["items"]
    assert [(r["text"], r["annotation_id"] is not None) for r in remarks] == [("A little too wide", True)]


def test_a_task_in_error_shows_why_and_is_fetched_again(server: Server, open_page: OpenPage) -> None:
    name = f"Error {secrets.token_hex(4)}"
    body = {"name": name, "type": "imageannotation", "params": {}}
    assert server.call("POST", "/v1/projects", json=body).ok
    made = server.call(
        "POST",
        "/v1/task/imageannotation",
        json={
            "project": name,
            "instruction": "Draw.",
            "attachment": "http://10.255.255.1/cow.png",
            "geometries": {"box": {"objects_to_annotate": ["cow"]}},
        },
    )
    assert made.ok, made.text
    task = made.json()["task_id"]
    path = f"/v1/task/{task}"
    eventually(lambda: server.call("GET", path).json()["status"] == "error", 60)
    page = open_page(f"/console/tasks/{task}", MANAGER)
    page.get_by_role("tab", name="Attachments").click()
    expect(page.get_by_role("row").filter(has_text="10.255.255.1")).to_contain_text("Failed")
    axe(page)
    page.get_by_role("button", name="Fetch attachments again").click()
    expect(page.get_by_text("The task is pending while its attachments are fetched.")).to_be_visible()
    page.get_by_role("tab", name="Timeline").click()
    expect(page.get_by_text("Attachments fetched again")).to_be_visible()


def test_metadata_and_tags_of_a_task_are_edited_in_place(server: Server, open_page: OpenPage) -> None:
    [task] = create(server, project(server))
    page = open_page(f"/console/tasks/{task}", MANAGER)
    page.get_by_placeholder("Type and press Enter").fill("urgent")
    page.keyboard.press("Enter")
    eventually(lambda: server.call("GET", f"/v1/task/{task}").json().get("tags") == ["urgent"])
    page.get_by_role("tab", name="Metadata").click()
    page.get_by_role("textbox", name="Metadata").fill(json.dumps({"ticket": 7}))
    page.get_by_role("tabpanel").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert server.call("GET", f"/v1/task/{task}").json()["metadata"] == {"ticket": 7}
