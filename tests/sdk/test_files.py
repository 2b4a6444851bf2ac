"""The file methods of the official client."""

from __future__ import annotations

import pytest
from scaleapi import TaskType
from scaleapi.exceptions import ScaleDuplicateResource, ScaleInvalidRequest, ScaleResourceNotFound

from tests.sdk.builders import boxes, make_task
from tests.sdk.conftest import PHOTOS, Client, Namer, Server, eventually

covers = pytest.mark.covers


@covers("ScaleClient.upload_file", "File.as_dict")
def test_an_uploaded_photograph_is_kept_and_a_task_about_it_is_worked(
    server: Server, live_client: Client, fresh: Namer
) -> None:
    project, reference = fresh("uploads"), fresh("reference")
    live_client.create_project(project, TaskType.ImageAnnotation)
    with (PHOTOS / "cat.jpg").open("rb") as photo:
        made = live_client.upload_file(
            photo, project_name=project, reference_id=reference, display_name="Chelsea", metadata='{"row": 1}'
        )
    assert made.id
    assert made.attachment_url.startswith("scaledata://")
    size = (PHOTOS / "cat.jpg").stat().st_size
    wanted = {
        "mime_type": "image/jpeg",
        "size": size,
        "project_names": [project],
        "reference_id": reference,
        "display_name": "Chelsea",
        "metadata": {"row": 1},
    }
    assert made.as_dict().items() >= wanted.items()
    listed = server.call("GET", "/v1/files", params={"project": project}).json()
    assert listed["docs"] == [made.as_dict()]

    with (PHOTOS / "coffee.jpg").open("rb") as photo, pytest.raises(ScaleDuplicateResource):
        live_client.upload_file(photo, reference_id=reference)
    with (PHOTOS / "coffee.jpg").open("rb") as photo, pytest.raises(ScaleResourceNotFound):
        live_client.upload_file(photo, project_name=fresh("nowhere"))

    task = make_task(live_client, project=project, attachment=made.attachment_url)
    server.complete(task.id, boxes("Baby Cow"))
    task.refresh()
    assert task.status == "completed"


@covers("ScaleClient.import_file")
def test_an_imported_photograph_is_answered_at_once_and_fetched_soon(
    server: Server, live_client: Client, fresh: Namer
) -> None:
    project = fresh("imports")
    live_client.create_project(project, TaskType.ImageAnnotation)
    made = live_client.import_file(server.photos + "/rocket.jpg", project_name=project)
    assert made.id
    assert made.attachment_url.startswith("scaledata://")

    def fetched() -> bool:
        (found,) = server.call("GET", "/v1/files", params={"project": project}).json()["docs"]
        return (found["id"], found["size"]) == (made.id, (PHOTOS / "rocket.jpg").stat().st_size)

    eventually(fetched)
    with pytest.raises(ScaleInvalidRequest):
        live_client.import_file("not an address")
