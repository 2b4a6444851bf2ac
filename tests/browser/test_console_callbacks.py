"""Callbacks in the console: what was sent, and sending again one, those of a filter, and those of a stretch of time."""

from __future__ import annotations

import secrets

from playwright.sync_api import expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import MANAGER, OpenPage
from tests.sdk.conftest import Receiver, Server, eventually, receiver  # noqa: F401  (receiver is a fixture)


def test_callbacks_are_sent_again_one_by_filter_and_by_time(
    server: Server,
    open_page: OpenPage,
    receiver: Receiver,  # noqa: F811
) -> None:
    task = server.client(server.keys.live).create_task(
        TaskType.ImageAnnotation,
        attachment="http://10.255.255.1/never.png",  # refused, which is told at once
        attachment_type="image",
        instruction="Draw",
        geometries={"box": {"objects_to_annotate": ["cow"]}},
        unique_id=f"callbacks {secrets.token_hex(4)}",
        callback_url=receiver.url,
    )
    webhook_id = receiver.next()[0]["webhook-id"]
    page = open_page("/console/callbacks", MANAGER)
    search = page.get_by_role("search")
    search.get_by_role("textbox", name="Task id").fill(task.id)
    rows = page.get_by_role("row").filter(has_text=task.id)
    expect(rows).to_have_count(1)

    rows.get_by_role("button").first.click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_role("button", name="Send callback again").click()
    assert receiver.next()[0]["webhook-id"] == webhook_id
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()

    search.get_by_label("Created before").fill("2021-01-01T00:00")
    expect(page.get_by_text("No callbacks")).to_be_visible()
    search.get_by_label("Created before").fill("")
    search.get_by_label("Created after").fill("2021-01-01T00:00")
    expect(rows).to_have_count(1)
    search.locator("input[placeholder='Status'], input[aria-label='Status']").first.click()
    page.get_by_role("option", name="Delivered").click()
    page.keyboard.press("Escape")
    eventually(lambda: page.get_by_role("button", name="Refresh").click() or rows.count() == 1)
    page.get_by_role("button", name="Send these again").click()
    expect(page.get_by_text("They are being sent again")).to_be_visible()
    headers, body = receiver.next()
    assert (headers["webhook-id"], body["task_id"]) == (webhook_id, task.id)
