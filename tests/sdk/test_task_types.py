"""Every task type of the official client's list: created, read and completed here, or refused as not enabled."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from scaleapi import TaskType
from scaleapi.exceptions import ScaleDuplicateResource, ScaleInvalidRequest, ScaleNotEnabled

from steelyard.task_types import TASK_TYPES
from tests.sdk.builders import BODIES, CALLBACK, body, settled
from tests.sdk.conftest import Client

OFFERED = sorted(BODIES, key=lambda kind: kind.value)
REFUSED = ("phonecall", "cruisecontrol")
"""Names that Scale has used and that this server does not offer (platform-api §5)."""


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, id=kind.value, marks=pytest.mark.covers(f"TaskType.{kind.value}"))
        for kind in OFFERED
    ],
)
def test_a_task_of_an_offered_type_works_in_both_modes(
    live_client: Client, test_client: Client, kind: TaskType
) -> None:
    given = body(live_client, kind)
    if "lidar_task" in given:
        builds_on_another(live_client, test_client, kind, given)
        return
    given |= in_project(live_client, kind) | in_project(test_client, kind)
    waiting = live_client.create_task(kind, callback_url=CALLBACK, **given)
    assert (waiting.type, waiting.status) == (kind.value, "pending")
    for name, value in given.items():
        assert {**waiting.params, **waiting.as_dict()}[name] == value
    assert settled(live_client.get_task(waiting.id)) == settled(waiting)
    done = test_client.create_task(kind, callback_url=CALLBACK, **given)
    assert (done.type, done.status) == (kind.value, "completed")
    assert done.response
    assert test_client.get_task(done.id).as_dict() == done.as_dict()


def in_project(client: Client, kind: TaskType) -> dict[str, Any]:
    if TASK_TYPES[kind.value].needs_project is None:
        return {}
    name = f"all {kind.value}"
    with contextlib.suppress(ScaleDuplicateResource):
        client.create_project(name, kind)
    return {"project": name}


def builds_on_another(live: Client, test: Client, kind: TaskType, given: dict[str, Any]) -> None:
    """The root of a test task is completed at once; that of a live one is not, and so cannot be built upon."""
    root = TaskType.LidarAnnotation
    frames = {**BODIES[root], "attachments": [f"https://x.example/{i}.json" for i in range(5)]}
    waiting = live.create_task(root, **frames)
    with pytest.raises(ScaleInvalidRequest, match="must be completed"):
        live.create_task(kind, **{**given, "lidar_task": waiting.id})
    done = test.create_task(kind, **{**given, "lidar_task": test.create_task(root, **frames).id})
    assert (done.type, done.status) == (kind.value, "completed")
    assert done.response
    assert test.get_task(done.id).as_dict() == done.as_dict()


def test_every_type_of_the_client_is_offered() -> None:
    assert set(OFFERED) == set(TaskType)


@pytest.mark.parametrize("name", REFUSED)
def test_a_type_that_is_not_offered_is_refused_as_not_enabled(live_client: Client, name: str) -> None:
    with pytest.raises(ScaleNotEnabled):
        live_client.api.post_request(f"task/{name}", body={"instruction": "Anything."})
