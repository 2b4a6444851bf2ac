"""The project methods of the official client."""

from __future__ import annotations

import pytest
from scaleapi import TaskType
from scaleapi.exceptions import ScaleDuplicateResource, ScaleInvalidRequest, ScaleResourceNotFound

from tests.sdk.builders import make_task, settled
from tests.sdk.conftest import Client, Namer

covers = pytest.mark.covers


@covers("ScaleClient.create_project", "ScaleClient.get_project", "Project.as_dict")
def test_a_project_keeps_its_params_as_version_zero(live_client: Client, fresh: Namer) -> None:
    name = fresh("cows & calves / north?")
    params = {"instruction": "Box every cow.", "geometries": {"box": {"objects_to_annotate": ["cow"]}}}
    made = live_client.create_project(name, TaskType.ImageAnnotation, params=params, dataset_id="ds_1")
    assert (made.name, made.type, made.version) == (name, "imageannotation", 0)
    assert made.instruction == "Box every cow."
    assert made.params["geometries"] == params["geometries"]
    read = live_client.get_project(name)
    assert read.as_dict() == made.as_dict()
    assert read.as_dict()["datasetId"] == "ds_1"
    with pytest.raises(ScaleDuplicateResource):
        live_client.create_project(name, TaskType.ImageAnnotation)
    with pytest.raises(ScaleResourceNotFound):
        live_client.get_project(fresh("none"))


@covers("ScaleClient.create_project")
def test_rapid_and_studio_are_kept_and_exclude_each_other(live_client: Client, fresh: Namer) -> None:
    rapid = live_client.create_project(fresh("rapid"), TaskType.ImageAnnotation, rapid=True)
    studio = live_client.create_project(fresh("studio"), TaskType.ImageAnnotation, studio=True)
    assert (rapid.as_dict()["rapid"], rapid.as_dict()["studio"]) == (True, False)
    assert (studio.as_dict()["rapid"], studio.as_dict()["studio"]) == (False, True)
    with pytest.raises(ScaleInvalidRequest):
        live_client.create_project(fresh("both"), TaskType.ImageAnnotation, rapid=True, studio=True)


@covers("ScaleClient.projects", "ScaleClient.get_projects")
def test_all_projects_of_the_mode_are_listed_newest_first(
    live_client: Client, test_client: Client, fresh: Namer
) -> None:
    names = [live_client.create_project(fresh(f"p{n}"), TaskType.Categorization).name for n in range(2)]
    listed = [project.name for project in live_client.projects()]
    assert listed[:2] == names[::-1]
    assert [project.name for project in live_client.get_projects()] == listed
    assert not set(names) & {project.name for project in test_client.projects()}


@covers("ScaleClient.update_project")
def test_params_get_a_new_version_that_tasks_inherit(live_client: Client, fresh: Namer) -> None:
    name = fresh("versions")
    live_client.create_project(name, TaskType.ImageAnnotation, params={"instruction": "First."})
    box = {"box": {"objects_to_annotate": ["cow"]}}
    patched = live_client.update_project(name, patch=True, geometries=box)
    assert (patched.version, patched.instruction, patched.params["geometries"]) == (1, "First.", box)
    assert "patch" not in patched.params
    task = live_client.create_task(
        TaskType.ImageAnnotation, project=name, attachment=live_client.photo, attachment_type="image"
    )
    assert (task.instruction, task.params["geometries"], task.project_param_version) == ("First.", box, 1)

    replaced = live_client.update_project(name, instruction="Second.")
    assert (replaced.version, replaced.instruction) == (2, "Second.")
    assert "geometries" not in replaced.params
    emptied = live_client.update_project(name)
    assert (emptied.version, emptied.instruction) == (3, None)
    read = live_client.get_project(name)
    assert read.as_dict() == emptied.as_dict()
    assert [entry["version"] for entry in read.as_dict()["param_history"]] == [0, 1, 2, 3]
    assert settled(live_client.get_task(task.id)) == settled(task)
    assert make_task(live_client, project=name).project_param_version == 3


@covers(
    "ScaleClient.get_project_template",
    "Project.get_template",
    "TaskTemplate.as_dict",
    "TaskTemplate.get_template_variables",
    "TaskTemplate.get_response_schema",
    "TaskTemplate.is_auto_onboardable",
)
def test_a_text_collection_project_has_a_template_made_from_its_params(
    live_client: Client, fresh: Namer
) -> None:
    name = fresh("template")
    fields = [{"type": "text", "field_id": "title", "title": "Title of the page", "required": True}]
    project = live_client.create_project(
        name, TaskType.TextCollection, params={"instruction": "Read {{page}}.", "fields": fields}
    )
    template = live_client.get_project_template(name)
    assert template.id
    assert template.version == 0
    assert template.created_at
    assert template.updated_at
    assert template.get_template_variables() == {"page": {"type": "string", "required": True}}
    assert "title" in str(template.get_response_schema())
    assert template.is_auto_onboardable() is False
    assert project.get_template().as_dict() == template.as_dict()

    other = live_client.create_project(fresh("no template"), TaskType.ImageAnnotation)
    with pytest.raises(ScaleInvalidRequest):
        other.get_template()
