"""What the customer is told, by a real worker to a real receiver (platform-api §3.4, §17; trap 28)."""

from __future__ import annotations

import pytest
from scaleapi import TaskType
from scaleapi.exceptions import ScaleInvalidRequest

from tests.sdk.builders import body, boxes, make_task
from tests.sdk.conftest import Client, Namer, Receiver, Server, eventually


def test_completion_and_audit_each_send_the_task_as_it_is_then(
    server: Server, live_client: Client, receiver: Receiver
) -> None:
    task = make_task(live_client, callback_url=receiver.url)
    server.complete(task.id, boxes("Baby Cow"))
    headers, told = receiver.next()
    task.refresh()
    assert headers["content-type"].startswith("application/json")
    assert headers["scale-callback-auth"]
    assert set(told) == {"task_id", "status", "response", "task"}
    assert (told["task_id"], told["status"], told["response"]) == (task.id, "completed", task.response)
    changing = ("callback_succeeded", "callback_completed", "updated_at")
    as_told, as_read = (
        {k: v for k, v in t.items() if k not in changing} for t in (told["task"], task.as_dict())
    )
    assert as_told == as_read

    eventually(lambda: task.refresh() or task.as_dict().get("callback_succeeded") is True)
    assert task.callback_completed is True

    task.audit(accepted=False, comments="Too wide")
    _, told = receiver.next()
    assert told["status"] == "completed"
    assert told["task"]["customer_review_status"] == "rejected"
    assert receiver.got.empty()


def test_a_test_task_sends_its_callback_for_real_with_another_secret(
    server: Server, live_client: Client, test_client: Client, receiver: Receiver
) -> None:
    tested = make_task(test_client, callback_url=receiver.url)
    headers, told = receiver.next()
    assert (told["task_id"], told["task"]["is_test"]) == (tested.id, True)
    live = make_task(live_client, callback_url=receiver.url)
    server.complete(live.id, boxes("Baby Cow"))
    live_headers, told = receiver.next()
    assert told["task_id"] == live.id
    assert live_headers["scale-callback-auth"] != headers["scale-callback-auth"]


def test_an_attachment_that_is_not_there_makes_an_error_that_is_told_and_frees_the_unique_id(
    server: Server, live_client: Client, receiver: Receiver, fresh: Namer
) -> None:
    name, missing = fresh("missing"), server.photos + "/missing.jpg"
    task = make_task(
        live_client,
        attachment=missing,
        callback_url=receiver.url,
        unique_id=name,
        clear_unique_id_on_error=True,
    )
    assert task.status == "pending"
    _, told = receiver.next()
    assert (told["task_id"], told["status"]) == (task.id, "error")
    assert told["response"]["error"] == "One or more attachments could not be downloaded."
    (fault,) = told["response"]["attachments"]
    assert (fault["statusCode"], fault["url"]) == (404, missing)
    task.refresh()
    assert (task.status, task.response) == ("error", told["response"])
    assert not hasattr(task, "unique_id")
    assert make_task(live_client, unique_id=name).unique_id == name
    with pytest.raises(ScaleInvalidRequest):
        task.cancel()


def test_a_cancelled_task_tells_nobody(live_client: Client, receiver: Receiver) -> None:
    silent = make_task(live_client, callback_url=receiver.url)
    silent.cancel()
    silent.set_tags(["a"])
    # Whatever had been sent for the first task would come before this.
    kind = TaskType.ImageAnnotation
    spoken = live_client.create_task(
        kind,
        **{**body(live_client, kind), "attachment": "http://127.0.0.1:9/x.jpg"},
        callback_url=receiver.url,
    )
    spoken.cancel()
    live_client.create_task(
        kind,
        **{**body(live_client, kind), "attachment": live_client.photo + ".gone"},
        callback_url=receiver.url,
    )
    _, told = receiver.next()
    assert told["status"] == "error"
    assert told["task_id"] not in (silent.id, spoken.id)
