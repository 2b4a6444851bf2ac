"""The client's generic requests, for operations that it has no method for, and the errors that it makes of answers."""

from __future__ import annotations

import pytest
from scaleapi import TaskType
from scaleapi.api import Api
from scaleapi.exceptions import (
    ScaleDuplicateResource,
    ScaleException,
    ScaleInvalidRequest,
    ScaleNotEnabled,
    ScaleResourceNotFound,
    ScaleUnauthorized,
)

from tests.sdk.builders import make_task
from tests.sdk.conftest import Client, Namer, Server

covers = pytest.mark.covers


@covers("Api.get_request", "Api.post_request", "Api.put_request", "Api.delete_request")
def test_the_generic_requests_reach_what_has_no_method(live_client: Client) -> None:
    api = live_client.api
    task = make_task(live_client)
    assert api.post_request(f"task/{task.id}/setMetadata", {"a": [1]})["metadata"] == {"a": [1]}
    assert api.put_request(f"task/{task.id}/tags", ["x"])["tags"] == ["x"]
    assert api.delete_request(f"task/{task.id}/tags", body=["x"])["tags"] == []
    assert api.get_request("tasks", params={"limit": 1})["docs"][0]["task_id"] == task.id


@covers("Api.quote_string")
def test_names_are_quoted_whole_and_arrive_whole(live_client: Client, fresh: Namer) -> None:
    name = fresh("50% off / a+b=c & d#e?f ü 😀 \\ ..")
    assert "/" not in Api.quote_string(name)
    live_client.create_project(name, TaskType.ImageAnnotation)
    assert live_client.get_project(name).name == name
    batch = live_client.create_batch(name, name)
    assert live_client.get_batch(name).name == batch.name
    assert live_client.get_tasks_count(name, name) == 0


def test_each_kind_of_refusal_raises_the_exception_that_is_meant_for_it(
    server: Server, live_client: Client, fresh: Namer
) -> None:
    name = fresh("taken")
    live_client.create_project(name, TaskType.ImageAnnotation)
    with pytest.raises(ScaleUnauthorized) as unauthorized:
        server.client("not a key").projects()
    with pytest.raises(ScaleInvalidRequest) as invalid:
        live_client.create_task(TaskType.ImageAnnotation, callback_url="nowhere")
    with pytest.raises(ScaleNotEnabled) as not_enabled:
        live_client.api.post_request("task/phonecall", body={"instruction": "Anything."})
    with pytest.raises(ScaleResourceNotFound) as not_found:
        live_client.get_project(fresh("none"))
    with pytest.raises(ScaleDuplicateResource) as duplicate:
        live_client.create_project(name, TaskType.ImageAnnotation)
    with pytest.raises(ScaleException) as wrong_method:
        live_client.api.delete_request("projects")
    raised = [unauthorized, invalid, not_enabled, not_found, duplicate, wrong_method]
    assert [e.value.code for e in raised] == [401, 400, 402, 404, 409, 405]
    assert all(e.value.message and not e.value.message.startswith("{") for e in raised)


def test_the_address_may_end_in_a_slash(server: Server) -> None:
    client = server.client(server.keys.live, base=server.v1 + "/")
    task = make_task(client)
    assert client.get_task(task.id).id == task.id
