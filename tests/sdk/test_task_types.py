"""Every task type of the official client's list: created, read and completed here, or refused as not enabled."""

from __future__ import annotations

import pytest
from scaleapi import TaskType
from scaleapi.exceptions import ScaleNotEnabled

from tests.sdk.builders import BODIES, CALLBACK, body, settled
from tests.sdk.conftest import Client

OFFERED = sorted(BODIES, key=lambda kind: kind.value)
REFUSED = sorted(set(TaskType) - set(BODIES), key=lambda kind: kind.value)


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
    waiting = live_client.create_task(kind, callback_url=CALLBACK, **given)
    assert (waiting.type, waiting.status) == (kind.value, "pending")
    for name, value in given.items():
        assert {**waiting.params, **waiting.as_dict()}[name] == value
    assert settled(live_client.get_task(waiting.id)) == settled(waiting)
    done = test_client.create_task(kind, callback_url=CALLBACK, **given)
    assert (done.type, done.status) == (kind.value, "completed")
    assert done.response
    assert test_client.get_task(done.id).as_dict() == done.as_dict()


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.value)
def test_a_type_that_is_not_offered_is_refused_as_not_enabled(live_client: Client, kind: TaskType) -> None:
    with pytest.raises(ScaleNotEnabled):
        live_client.create_task(kind, callback_url=CALLBACK, instruction="Anything.")
