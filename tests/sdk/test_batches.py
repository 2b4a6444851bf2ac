"""The batch methods of the official client."""

from __future__ import annotations

import pytest
from scaleapi import BatchStatus, TaskType
from scaleapi.exceptions import ScaleDuplicateResource, ScaleInvalidRequest, ScaleResourceNotFound

from tests.sdk.builders import boxes, make_task
from tests.sdk.conftest import Client, Namer, Receiver, Server, eventually

covers = pytest.mark.covers


@pytest.fixture
def project(live_client: Client, fresh: Namer) -> str:
    """The name of an ordinary project."""
    return live_client.create_project(fresh("project"), TaskType.ImageAnnotation).name


@covers("ScaleClient.create_batch", "ScaleClient.get_batch", "Batch.as_dict")
def test_a_batch_is_in_progress_at_once_and_reads_back_the_same(
    live_client: Client, project: str, fresh: Namer
) -> None:
    name = fresh("a batch / with a slash?")
    made = live_client.create_batch(
        project, name, callback="https://example.org/done", metadata={"some_key": "some_value"}
    )
    assert (made.name, made.project, made.status) == (name, project, "in_progress")
    assert made.metadata == {"some_key": "some_value"}
    read = live_client.get_batch(name)
    assert read.as_dict() == made.as_dict()
    assert read.as_dict()["callback"] == "https://example.org/done"
    with pytest.raises(ScaleDuplicateResource):
        live_client.create_batch(project, name)
    with pytest.raises(ScaleResourceNotFound):
        live_client.create_batch(fresh("no project"), fresh("batch"))
    with pytest.raises(ScaleResourceNotFound):
        live_client.get_batch(fresh("no batch"))


@covers("ScaleClient.batch_status", "Batch.get_status")
def test_the_status_counts_tasks_by_their_status(
    server: Server, live_client: Client, project: str, fresh: Namer
) -> None:
    batch = live_client.create_batch(project, fresh("counted"))
    tasks = [make_task(live_client, project=project, batch=batch.name) for _ in range(3)]
    tasks[0].cancel()
    server.complete(tasks[1].id, boxes("Baby Cow"))
    status = live_client.batch_status(batch.name)
    assert status == {"status": "in_progress", "pending": 1, "completed": 1, "error": 0, "canceled": 1}
    assert batch.get_status() == status
    counts = (batch.tasks_pending, batch.tasks_completed, batch.tasks_error, batch.tasks_canceled)
    assert counts == (1, 1, 0, 1)


@covers("ScaleClient.finalize_batch", "Batch.finalize")
def test_finalizing_changes_an_ordinary_batch_not_at_all_and_starts_a_rapid_one(
    live_client: Client, project: str, fresh: Namer
) -> None:
    ordinary = live_client.create_batch(project, fresh("ordinary"))
    assert live_client.finalize_batch(ordinary.name).status == "in_progress"
    assert ordinary.finalize().name == ordinary.name

    rapid = live_client.create_project(
        fresh("rapid"), TaskType.ImageAnnotation, params={"instruction": "Box."}, rapid=True
    )
    staged = live_client.create_batch(rapid.name, fresh("staged"))
    assert staged.status == "staging"
    make_task(live_client, project=rapid.name, batch=staged.name)
    staged.finalize()
    assert staged.status == "in_progress"
    assert live_client.get_batch(staged.name).status == "in_progress"
    with pytest.raises(ScaleInvalidRequest):
        make_task(live_client, project=rapid.name, batch=staged.name)


def test_a_completed_batch_tells_its_callback_once(
    server: Server, live_client: Client, project: str, fresh: Namer, receiver: Receiver
) -> None:
    batch = live_client.create_batch(project, fresh("told"), callback=receiver.url)
    task = make_task(live_client, batch=batch.name, callback_url=None)
    server.complete(task.id, boxes("Big Cow"))
    headers, body = receiver.next()
    assert body == {"batch": batch.name, "status": "completed", "stats": {"completed": 1}}
    assert headers["scale-callback-auth"]
    assert live_client.get_batch(batch.name).status == "completed"
    assert receiver.got.empty()


@covers("ScaleClient.batches", "Batchlist", "Paginator")
def test_pages_of_batches_are_selected_by_every_filter(
    server: Server, live_client: Client, project: str, fresh: Namer
) -> None:
    made = [live_client.create_batch(project, fresh(f"b{n}")) for n in range(3)]
    names = [batch.name for batch in made][::-1]
    task = make_task(live_client, batch=names[0])
    server.complete(task.id, boxes("Big Cow"))

    page = live_client.batches(project=project, limit=2)
    assert [batch.name for batch in page] == names[:2]
    assert (page.total, page.limit, page.offset, page.has_more) == (3, 2, 0, True)
    rest = live_client.batches(project=project, limit=2, offset=2)
    assert ([batch.name for batch in rest.docs], rest.has_more) == (names[2:], False)
    eventually(lambda: live_client.get_batch(names[0]).status == "completed")
    done = live_client.batches(project=project, status="completed")
    assert [batch.name for batch in done] == names[:1]
    early = live_client.batches(project=project, end_time=made[0].created_at)
    assert [batch.name for batch in early] == names[2:]
    late = live_client.batches(project=project, start_time=made[1].created_at)
    assert [batch.name for batch in late] == names[:2]
    assert live_client.batches(project=project, exclude_archived=True).total == 3
    with pytest.raises(ScaleInvalidRequest):
        live_client.batches(limit=0)


@covers("ScaleClient.get_batches")
def test_the_generator_of_batches_yields_each_once(live_client: Client, project: str, fresh: Namer) -> None:
    # More than one page of 100, the size that the server chooses and by which the client advances.
    made = [live_client.create_batch(project, fresh(f"g{n}")) for n in range(102)]
    names = [batch.name for batch in made][::-1]
    assert [batch.name for batch in live_client.get_batches(project_name=project)] == names
    selected = live_client.get_batches(
        project_name=project,
        batch_status=BatchStatus.InProgress,
        created_after=made[99].created_at,
        created_before=made[101].created_at,
        exclude_archived=True,
    )
    assert [batch.name for batch in selected] == names[:3]
    assert list(live_client.get_batches(project_name=project, batch_status=BatchStatus.Completed)) == []


@covers("ScaleClient.set_batch_metadata")
def test_batch_metadata_is_replaced_also_by_nothing(live_client: Client, project: str, fresh: Namer) -> None:
    batch = live_client.create_batch(project, fresh("meta"), metadata={"a": 1})
    assert live_client.set_batch_metadata(batch.name, {"b": [2]}).metadata == {"b": [2]}
    assert live_client.get_batch(batch.name).metadata == {"b": [2]}
    assert live_client.set_batch_metadata(batch.name, {}).metadata == {}
    assert live_client.get_batch(batch.name).metadata == {}
