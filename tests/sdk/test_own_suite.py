"""What the client's own test-suite expects of a server (platform-api §30), with a test key as there, in our words."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from scaleapi import TaskType
from scaleapi.batches import Batch
from scaleapi.exceptions import (
    ScaleDuplicateResource,
    ScaleInvalidRequest,
    ScaleResourceNotFound,
    ScaleUnauthorized,
)

from tests.sdk.builders import BODIES, CALLBACK, body, make_task
from tests.sdk.conftest import PHOTOS, Client, Server

PROJECT = "scaleapi-python-sdk"
IMAGE = "http://i.imgur.com/v4cBreD.jpg"


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    """A client with a test key and the suite's project, made as the suite makes it."""
    client = server.client(server.keys.test)
    assert server.keys.test.startswith("test_")
    try:
        client.get_project(PROJECT)
    except ScaleResourceNotFound:
        client.create_project(PROJECT, TaskType.ImageAnnotation)
    return client


def _batch(client: Client) -> Batch:
    return client.create_batch(PROJECT, str(uuid.uuid4()), CALLBACK, metadata={"some_key": "some_value"})


def _refused(client: Client, kind: TaskType, **given: Any) -> None:
    with pytest.raises(ScaleInvalidRequest):
        client.create_task(kind, callback_url=CALLBACK, **given)


def test_an_unknown_key_is_unauthorized(server: Server) -> None:
    with pytest.raises(ScaleUnauthorized):
        server.client("wrong_key").batches(limit=1)


def test_a_unique_id_is_used_changed_and_cleared(client: Client) -> None:
    name, other = str(uuid.uuid4()), str(uuid.uuid4())
    task = make_task(client, unique_id=name)
    assert task.unique_id == name
    with pytest.raises(ScaleDuplicateResource):
        make_task(client, unique_id=name)
    assert client.update_task_unique_id(task.id, other).unique_id == other
    assert not hasattr(client.clear_task_unique_id(task.id), "unique_id")


def test_metadata_of_a_fresh_task_is_empty_and_setting_it_leaves_the_old_object_alone(client: Client) -> None:
    task = make_task(client)
    assert task.metadata == {}
    changed = client.set_task_metadata(task.id, {"myKey": "myValue"})
    assert task.metadata == {}
    assert changed.metadata == {"myKey": "myValue"}
    task.set_metadata({"myKey": "another"})
    task.refresh()
    assert task.metadata == {"myKey": "another"}


def test_tags_of_a_fresh_task_are_absent_then_set_added_and_deleted_in_order(client: Client) -> None:
    three = ["tag1", "tag2", "tag3"]
    task = make_task(client)
    assert not hasattr(task, "tags")
    client.set_task_tags(task.id, three)
    task.refresh()
    assert task.tags == three
    added = make_task(client)
    added.add_tags(three)
    added.refresh()
    assert added.tags == three
    added.delete_tags(["tag1", "tag2"])
    added.refresh()
    assert added.tags == ["tag3"]


def test_a_categorization_with_an_unknown_parameter_is_accepted_and_an_empty_one_refused(
    client: Client,
) -> None:
    client.create_task(
        TaskType.Categorization,
        callback_url=CALLBACK,
        instruction="Is this company public or private?",
        attachment_type="website",
        force=True,
        attachment="https://www.google.com",
        categories=["public", "private"],
    )
    _refused(client, TaskType.Categorization, categories=["public", "private"])


# Bodies that lack what their type requires, as the suite has them.
INCOMPLETE: dict[TaskType, dict[str, Any]] = {
    TaskType.Transcription: {"attachment_type": "website"},
    TaskType.DataCollection: {"attachment_type": "website"},
    TaskType.DocumentTranscription: {"instruction": "Please transcribe this receipt."},
    TaskType.Annotation: {"instruction": "Draw a box around each cow", "attachment_type": "image"},
    TaskType.PolygonAnnotation: {"instruction": "Draw around the big cow", "attachment_type": "image"},
    TaskType.LineAnnotation: {"instruction": "Draw along the big cow", "attachment_type": "image"},
}


@pytest.mark.parametrize("kind", [kind for kind in INCOMPLETE if kind in BODIES], ids=lambda kind: kind.value)
def test_a_complete_body_is_accepted_and_one_that_lacks_what_its_type_requires_refused(
    client: Client, kind: TaskType
) -> None:
    made = client.create_task(kind, **body(client, kind))
    assert (made.status, client.get_task(made.id).status) == ("completed", "completed")
    _refused(client, kind, **INCOMPLETE[kind])


def test_an_imageannotation_is_accepted_and_one_without_picture_or_geometries_refused(client: Client) -> None:
    task = make_task(client, attachment=IMAGE)
    assert task.status == "completed"
    _refused(
        client,
        TaskType.ImageAnnotation,
        instruction="Draw a box around each baby cow and big cow",
        attachment_type="image",
    )


def test_a_namedentityrecognition_is_accepted(client: Client) -> None:
    task = client.create_task(
        TaskType.NamedEntityRecognition,
        callback_url=CALLBACK,
        instruction="Do the objects in these images have the same pattern?",
        text="Example text to label with NER tool",
        labels=[{"name": "Label_A", "description": "the first label"}],
    )
    assert task.status == "completed"


def test_cancelling_a_fresh_task_is_refused_because_it_is_complete(client: Client) -> None:
    task = make_task(client)
    with pytest.raises(ScaleInvalidRequest):
        task.cancel()


def test_a_retrieved_task_equals_the_created_one(client: Client) -> None:
    task = make_task(client)
    read = client.get_task(task.id)
    assert (read.status, read.id) == ("completed", task.id)
    for name in ("callback_url", "instruction", "metadata", "type", "created_at"):
        assert getattr(read, name) == getattr(task, name)
    for name in ("attachment_type", "attachment", "geometries"):
        assert read.params[name] == task.params[name]


def _naive() -> str:
    """A time as the suite sends it: microseconds, no offset, meaning UTC."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat()


def test_a_window_of_naive_times_after_a_task_does_not_hold_it(client: Client) -> None:
    before = _naive()
    task = make_task(client)
    time.sleep(0.5)
    start = _naive()
    time.sleep(0.5)
    end = _naive()
    assert client.tasks(start_time=start, end_time=end, project=PROJECT).docs == []
    assert task.id in {found.id for found in client.tasks(start_time=before, end_time=end)}


def test_an_id_of_another_shape_is_not_found(client: Client) -> None:
    with pytest.raises(ScaleResourceNotFound):
        client.get_task("fake_id_qwertyuiop")


def test_the_newest_tasks_are_those_just_created(client: Client) -> None:
    made = {make_task(client).id for _ in range(3)}
    assert {task.id for task in client.tasks(limit=3)} == made
    with pytest.raises(ScaleInvalidRequest):
        client.tasks(bogus=0)


@pytest.mark.parametrize("named", [{"project_name": PROJECT}, {}], ids=["project and batch", "batch alone"])
def test_the_generator_pages_through_a_batch(client: Client, named: dict[str, str]) -> None:
    batch = _batch(client)
    made = {make_task(client, batch=batch.name).id for _ in range(3)}
    listed = [task.id for task in client.get_tasks(batch_name=batch.name, limit=1, **named)]
    assert len(listed) == 3
    assert set(listed) == made


def test_counts_agree_with_lists_also_for_an_empty_batch(client: Client) -> None:
    make_task(client, project=PROJECT)
    total = client.tasks(project=PROJECT).total
    assert total > 0
    assert client.get_tasks_count(project_name=PROJECT) == total
    batch = _batch(client)
    assert client.get_tasks_count(batch_name=batch.name) == client.tasks(batch=batch.name).total == 0
    with pytest.raises(ValueError, match="project_name or batch_name"):
        list(client.get_tasks())


def test_an_empty_batch_is_in_progress_is_finalized_and_keeps_its_metadata(client: Client) -> None:
    batch = _batch(client)
    assert batch.status == "in_progress"
    batch.get_status()
    assert batch.status == "in_progress"
    read = client.get_batch(batch.name)
    assert (read.name, read.status, read.metadata["some_key"]) == (batch.name, "in_progress", "some_value")
    changed = client.set_batch_metadata(batch.name, {**read.metadata, "new_key": "new_value"})
    assert changed.metadata["new_key"] == "new_value"
    assert client.finalize_batch(batch.name).name == batch.name
    assert batch.finalize().name == batch.name


def test_the_newest_batches_are_those_just_created_and_the_generator_yields_the_total(client: Client) -> None:
    made = {_batch(client).name for _ in range(3)}
    assert {batch.name for batch in client.batches(limit=3)} == made
    with pytest.raises(ScaleInvalidRequest):
        client.batches(bogus=0)
    total = client.batches(project=PROJECT).total
    assert len(list(client.get_batches(project_name=PROJECT))) == total


def test_files_are_uploaded_and_imported(client: Client) -> None:
    with (PHOTOS / "cat.jpg").open("rb") as photo:
        assert client.upload_file(file=photo, project_name=PROJECT).attachment_url
    # The answer does not wait for the fetching, so the address need not be reachable from here.
    imported = client.import_file(
        file_url="https://static.scale.com/uploads/selfserve-sample-image.png", project_name=PROJECT
    )
    assert imported.id


def test_there_is_at_least_one_teammate(client: Client) -> None:
    assert client.list_teammates()
