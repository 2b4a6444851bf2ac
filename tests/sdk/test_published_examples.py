"""Every example of the published page on tasks, run as it stands there: the requests, and what their answers must look like."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
from scaleapi import TaskType
from scaleapi.exceptions import ScaleDuplicateResource, ScaleInvalidRequest

from tests.sdk.conftest import Server

PAGE = (Path(__file__).parent / "published_examples.md").read_text()
EXAMPLES: list[tuple[str, str]] = re.findall(
    r"^# ([^\n]+ · [^\n]+)\n\n```\w+\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL
)
SECTIONS = dict(EXAMPLES)

IMAGE: dict[str, Any] = {
    "callback_url": "http://www.example.com/callback",
    "instruction": "Label every object in this image",
    "attachment": "https://example.com/image.jpg",
    "geometries": {"box": {"objects_to_annotate": ["vehicle", "pedestrian"]}},
    "metadata": {"key": "value", "key2": "value2"},
}


class Page:
    """A running installation to which the page's examples are addressed, with a task that takes the place of the page's."""

    def __init__(self, server: Server, key: str) -> None:
        self.server, self.key = server, key
        self.client = server.client(key)
        for name in ("your_project_name", "kitten_labeling"):
            with contextlib.suppress(ScaleDuplicateResource):
                self.client.create_project(name, TaskType.ImageAnnotation)
        with contextlib.suppress(ScaleDuplicateResource):
            self.client.create_batch("kitten_labeling", "kitten_labeling_2020-07")

    def task(self, **more: Any) -> str:
        """The id of a new task like the page's."""
        return self.client.create_task(TaskType.ImageAnnotation, **{**IMAGE, **more}).id

    def run(self, title: str, task_id: str = "") -> dict[str, Any]:
        """What an example in Python leaves behind: its variables, and what it has printed."""
        code = SECTIONS[title].replace("https://api.scale.com", self.server.url)
        code = re.sub(r"\b(?:(?:576ba74e|601ba74e)ec471ff9b01557cc|task_id_here)\b", task_id, code)
        code = code.replace("your_api_key_here", self.key)
        # The client itself wants an enum here and ends in an AttributeError before it asks the server.
        code = code.replace('"status": "completed"', '"status": scaleapi.tasks.TaskStatus.Completed')
        code = code.replace('"YOUR_API_KEY_HERE"', f'"{self.key}", api_instance_url="{self.server.v1}"')
        left: dict[str, Any] = {}
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, left)
        return {**left, "printed": printed.getvalue()}

    def answered(self, title: str, task_id: str) -> Any:
        """The JSON that an example with plain requests got."""
        response = self.run(title, task_id)["response"]
        assert response.status_code == 200, (title, response.text)
        return response.json()


@pytest.fixture(scope="module", params=["test", "live"])
def page(server: Server, request: pytest.FixtureRequest) -> Page:
    """The page's examples in both modes."""
    return Page(server, getattr(server.keys, request.param))


def keys_of(title: str) -> set[str]:
    """The top-level keys of the answer that the page shows."""
    found = set(re.findall(r'^  "(\w+)":', SECTIONS[title], re.MULTILINE))
    assert found
    return found


def test_the_page_is_here_as_a_whole() -> None:
    assert len(SECTIONS) == 28 == len(EXAMPLES) - 1  # two answers of the last section have one title
    assert PAGE.count("```") == 2 * len(EXAMPLES)


def test_the_task_that_the_page_shows_has_its_keys_and_its_answer(page: Page) -> None:
    shown = json.loads(SECTIONS["Create a task · json"])
    params = shown["params"]
    unique_id = f"{shown['unique_id']} {page.key}"
    made = page.client.create_task(
        TaskType.Categorization, instruction=shown["instruction"], callback_url=shown["callback_url"],
        tags=shown["tags"], unique_id=unique_id, **params,
    ).as_dict()  # fmt: skip
    assert made["params"] == {**shown["params"], "allow_multiple": False}
    assert {k: made[k] for k in ("type", "instruction", "callback_url", "metadata", "tags")} == {
        k: shown[k] for k in ("type", "instruction", "callback_url", "metadata", "tags")
    }
    assert made["unique_id"] == unique_id
    finished = {"completed_at", "response", "callback_completed", "audits"}
    assert shown.keys() - made.keys() <= finished
    if made["status"] == "completed":
        assert made["response"].keys() == shown["response"].keys()
        assert made["response"]["category"] in params["categories"]
        assert "completed_at" in made


def test_retrieving_a_task(page: Page) -> None:
    task_id = page.task()
    answer = page.answered("Retrieve a task · Python", task_id)
    shown = json.loads(SECTIONS["Retrieve a task · json"])
    same = ("callback_url", "type", "instruction", "params", "metadata")
    assert {k: answer[k] for k in same} == {k: shown[k] for k in same}
    assert shown.keys() <= answer.keys()
    assert page.run("Retrieve a task · Python SDK", task_id)["task"].as_dict() == answer


def test_retrieving_many_tasks(page: Page) -> None:
    task_id = page.task(project="kitten_labeling", batch="kitten_labeling_2020-07")
    other = page.task(project="your_project_name")
    answer = page.answered("Retrieve Multiple Tasks · Python", task_id)
    assert answer["docs"] == []  # none of them is accepted yet
    assert keys_of("Retrieve Multiple Tasks · json") - {"next_token"} <= answer.keys()
    page.server.call(
        "POST", f"/v1/task/{task_id}/audit", page.key, json={"auditor": "a@example.com", "result": "accepted"}
    )
    found = page.run("Retrieve Multiple Tasks · Python SDK")
    assert list(found["filters"]) == ["project_name", "status", "created_after", "created_before"]
    assert other not in found["printed"]  # it was created after 2023


def test_canceling_a_task(page: Page) -> None:
    task_id = page.task(unique_id=f"to be canceled {page.key}")
    waiting = page.client.get_task(task_id).status == "pending"
    response = page.run("Cancel Task · Python", task_id)["response"]
    if not waiting:
        assert response.status_code == 400  # "if you attempt to cancel a completed task"
        with pytest.raises(ScaleInvalidRequest):
            page.run("Cancel Task · Python SDK", task_id)
        return
    assert response.status_code == 200
    assert keys_of("Cancel Task · json") <= response.json().keys()
    assert (response.json()["status"], "unique_id" in response.json()) == ("canceled", False)
    assert f"Task '{task_id}' has been canceled." in page.run("Cancel Task · Python SDK", task_id)["printed"]


def test_setting_metadata(page: Page) -> None:
    task_id = page.task()
    answer = page.answered("Set Task Metadata · Python", task_id)
    assert keys_of("Set Task Metadata · json") <= answer.keys()
    assert answer["metadata"] == {}
    page.run("Set Task Metadata · Python SDK", task_id)
    assert page.client.get_task(task_id).metadata == {"key1": "value1", "key2": "value2"}


def test_changing_and_deleting_the_unique_id(page: Page) -> None:
    task_id = page.task()
    answer = page.answered("Update unique_id · Python", task_id)
    assert answer["unique_id"] == "56766ba764ee6c4761f6f9b6015657cc6"
    assert keys_of("Update unique_id · json") <= answer.keys()
    page.run("Update unique_id · Python SDK", task_id)
    assert page.client.get_task(task_id).as_dict()["unique_id"] == "new_unique_id_value"
    answer = page.answered("Delete unique_id · Python", task_id)
    assert keys_of("Delete unique_id · json") <= answer.keys()
    assert "unique_id" not in answer
    page.run("Delete unique_id · Python SDK", task_id)


def test_adding_setting_and_deleting_tags(page: Page) -> None:
    task_id = page.task(tags=["old"])

    def tags() -> list[str]:
        return page.client.get_task(task_id).as_dict().get("tags", [])

    page.answered("Add Task Tag · Python", task_id)
    assert tags() == ["old", "tag1", "tag2", "tag3"]
    page.run("Add Task Tag · Python SDK", task_id)
    assert tags() == ["old", "tag1", "tag2", "tag3"]
    page.answered("Set Task Tag · Python", task_id)
    assert tags() == ["tag1", "tag2", "tag3"]
    page.run("Set Task Tag · Python SDK", task_id)
    assert tags() == ["tag1", "tag2"]
    # This example forgets to send its payload.
    refused = page.run("Delete Task Tag · Python", task_id)["response"]
    assert (refused.status_code, tags()) == (200, ["tag1", "tag2"])
    page.run("Delete Task Tag · Python SDK", task_id)
    assert tags() == []


def test_avoiding_duplicates(page: Page) -> None:
    first = page.run("Avoiding Duplicate Tasks · python")
    assert "Task created successfully: {" in first["printed"]
    again = page.run("Avoiding Duplicate Tasks · python")["printed"]
    told = (
        f'The unique_id ("unique_task_id_12345") is already used for a different task ({first["task"].id}).'
    )
    assert f"Task creation failed: {told}" in again
    page.client.clear_task_unique_id(first["task"].id)


def test_the_answer_to_a_unique_id_that_is_taken(page: Page) -> None:
    body = {
        **IMAGE,
        "unique_id": "s3://bucket/file.png",
        "instruction": "Do the thing",
        "callback_url": "you@gmail.com",
    }
    url = f"{page.server.v1}/task/imageannotation"
    made, refused = (requests.post(url, json=body, auth=(page.key, ""), timeout=30) for _ in range(2))
    assert made.status_code == 200, made.text
    shown = next(code for title, code in EXAMPLES if title.endswith("· json") and "status_code" in code)
    shown = shown.replace("602c399c6d092c00115aa3c9", made.json()["task_id"])
    text = re.search(r"\"error\": '(.*)'", shown)
    assert text
    assert (refused.status_code, refused.json()) == (409, {"status_code": 409, "error": text[1]})
    page.client.clear_task_unique_id(made.json()["task_id"])


def test_the_form_with_an_idempotency_key(page: Page) -> None:
    rest = (
        " -d instruction='Which is sharper?' -d attachment_type=image -d choices=left -d choices=right"
        " -d attachments=https://example.com/a.jpg -d attachments=https://example.com/b.jpg"
    )
    command = SECTIONS["Avoiding Duplicate Tasks · shell"].replace('IDENTIFIER"\n', 'IDENTIFIER" \\\n')
    command = command.replace("https://api.scale.com", page.server.url).replace("{{ApiKey}}", page.key)
    command = command.replace("...", rest)
    first, again = (
        subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert json.loads(first).get("type") == "comparison", first
    assert again == first
    assert json.loads(first)["params"]["choices"] == ["left", "right"]
