"""The team and Studio methods of the official client."""

from __future__ import annotations

import secrets

import pytest
from scaleapi import TaskType
from scaleapi.exceptions import ScaleInvalidRequest
from scaleapi.studio import StudioWorker
from scaleapi.teams import TeammateRole

from tests.sdk.builders import make_task
from tests.sdk.conftest import Client, Namer

covers = pytest.mark.covers


def _address() -> str:
    return f"{secrets.token_hex(4)}@example.org"


@pytest.fixture
def project(live_client: Client, fresh: Namer) -> str:
    """The name of a Studio project."""
    params = {"instruction": "Box.", "geometries": {"box": {"objects_to_annotate": ["cow"]}}}
    return live_client.create_project(
        fresh("studio"), TaskType.ImageAnnotation, params=params, studio=True
    ).name


@pytest.fixture
def member(live_client: Client, project: str) -> str:
    """The address of somebody invited and assigned to the project."""
    email = _address()
    live_client.invite_teammates([email], TeammateRole.Labeler)
    live_client.add_studio_assignments([email], [project])
    return email


def _groups_of(client: Client, project: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for group in client.list_project_groups(project):
        workers = group.as_dict()["workers"]
        assert group.numWorkers == len(workers)
        found[group.name] = {worker["email"] for worker in workers}
    return found


@covers("ScaleClient.list_teammates", "Teammate.as_dict")
def test_the_admin_is_a_teammate(live_client: Client) -> None:
    mates = live_client.list_teammates()
    assert [mate.role for mate in mates].count("admin") == 1
    labeler = next(mate for mate in mates if mate.email == "labeler@main.example")
    assert (labeler.role, labeler.is_studio_labeler, labeler.expiry) == ("labeler", True, None)
    assert labeler.as_dict()["email"] == labeler.email


@covers("ScaleClient.invite_teammates", "ScaleClient.update_teammates_role", "Teammate.update_teammate_role")
def test_the_invited_appear_at_once_and_their_role_can_change(live_client: Client) -> None:
    one, two = _address(), _address()
    everybody = live_client.invite_teammates([one, two], TeammateRole.Member)
    assert {mate.email: mate.role for mate in everybody}.items() >= {one: "member", two: "member"}.items()
    assert all(mate.expiry for mate in everybody if mate.email in (one, two))
    changed = live_client.update_teammates_role([one], TeammateRole.Manager)
    roles = {mate.email: mate.role for mate in changed}
    assert (roles[one], roles[two]) == ("manager", "member")
    mate = next(mate for mate in changed if mate.email == two)
    mate.update_teammate_role(TeammateRole.Labeler)
    assert {mate.email: mate.role for mate in live_client.list_teammates()}[two] == "labeler"
    for role in (TeammateRole.Admin,):
        with pytest.raises(ScaleInvalidRequest):
            live_client.invite_teammates([_address()], role)
    with pytest.raises(ScaleInvalidRequest):
        live_client.update_teammates_role([one, _address()], TeammateRole.Member)
    assert {mate.email: mate.role for mate in live_client.list_teammates()}[one] == "manager"


@covers(
    "ScaleClient.list_studio_assignments",
    "ScaleClient.add_studio_assignments",
    "ScaleClient.remove_studio_assignments",
    "StudioLabelerAssignment.as_dict",
)
def test_assignments_are_added_and_removed_harmlessly_twice(live_client: Client, project: str) -> None:
    email = _address()
    live_client.invite_teammates([email], TeammateRole.Labeler)
    assert live_client.list_studio_assignments()["manager@main.example"].assigned_projects == []
    for _ in range(2):
        added = live_client.add_studio_assignments([email], [project])
        assert added[email].assigned_projects == [project]
    assert live_client.list_studio_assignments()[email].as_dict() == [project]
    with pytest.raises(ScaleInvalidRequest):
        live_client.add_studio_assignments([email], ["no such project"])
    for _ in range(2):
        removed = live_client.remove_studio_assignments([email], [project])
        assert email not in removed or removed[email].assigned_projects == []


@covers(
    "ScaleClient.create_project_group",
    "ScaleClient.list_project_groups",
    "ScaleClient.update_project_group",
    "StudioProjectGroup.as_dict",
    "StudioWorker.as_dict",
)
def test_groups_hold_people_who_are_assigned(live_client: Client, project: str, member: str) -> None:
    group = live_client.create_project_group(project, [member], "night / shift")
    assert (group.name, group.numWorkers, group.isSingleton) == ("night / shift", 1, False)
    # The client wraps the workers of a group in a tuple of one list.
    (workers,) = group.workers
    assert [type(worker) for worker in workers] == [StudioWorker]
    assert workers[0].as_dict() == {"id": workers[0].id, "email": member}
    assert _groups_of(live_client, project)["night / shift"] == {member}
    emptied = live_client.update_project_group(project, "night / shift", [], [member])
    assert (emptied.id, emptied.numWorkers, emptied.workers) == (group.id, 0, [])
    refilled = live_client.update_project_group(project, "night / shift", [member], [])
    assert refilled.numWorkers == 1
    assert _groups_of(live_client, project)["night / shift"] == {member}
    with pytest.raises(ScaleInvalidRequest):
        live_client.create_project_group(project, ["labeler@main.example"], "unassigned")


@covers(
    "ScaleClient.list_studio_batches",
    "ScaleClient.assign_studio_batches",
    "ScaleClient.set_studio_batches_priorities",
    "ScaleClient.reset_studio_batches_priorities",
    "StudioBatch.as_dict",
)
def test_studio_batches_have_groups_and_an_order(
    live_client: Client, project: str, member: str, fresh: Namer
) -> None:
    names = [live_client.create_batch(project, fresh(f"set_priorities {n}")).name for n in range(3)]
    make_task(live_client, batch=names[0])
    live_client.create_project_group(project, [member], "day")
    listed = live_client.list_studio_batches()
    first = next(batch for batch in listed if batch.name == names[0])
    assert (first.project_name, first.batch_type, first.total, first.completed) == (
        project,
        "Production",
        1,
        0,
    )
    assert first.project_id
    assert first.groups == []

    assigned = live_client.assign_studio_batches(names[0], ["day", member])
    assert set(assigned.groups) == {"day", member}
    assert live_client.assign_studio_batches(names[0], ["day"]).as_dict()["groups"] == ["day"]
    again = next(batch for batch in live_client.list_studio_batches() if batch.name == names[0])
    assert again.groups == ["day"]
    with pytest.raises(ScaleInvalidRequest):
        live_client.assign_studio_batches(names[0], ["nobody"])

    usual = [batch.name for batch in live_client.reset_studio_batches_priorities()]
    assert [name for name in usual if name in names] == names
    turned = live_client.set_studio_batches_priorities(usual[::-1])
    assert [batch.name for batch in turned] == usual[::-1]
    assert [batch.name for batch in live_client.list_studio_batches()] == usual[::-1]
    with pytest.raises(ScaleInvalidRequest):
        live_client.set_studio_batches_priorities(usual[1:])
    assert [batch.name for batch in live_client.reset_studio_batches_priorities()] == usual
