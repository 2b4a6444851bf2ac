"""The 2D types over the wire: what the official SDK's own suite expects (platform-api §30), and answers that are files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures" / "task-types"
LEGACY = ["annotation", "polygonannotation", "lineannotation", "pointannotation", "cuboidannotation"]
VIDEO = [
    "videoannotation",
    "videoplaybackannotation",
    "videoboxannotation",
    "videocuboidannotation",
    "federal2dvideoannotation",
]
CALLBACK = {"callback_url": "http://www.example.com/callback"}


def legacy_body(**more: Any) -> dict[str, Any]:
    return {
        **CALLBACK,
        "instruction": "Draw a tight shape around each **cow**.",
        "attachment_type": "image",
        "attachment": "http://i.imgur.com/v4cBreD.jpg",
        "objects_to_annotate": ["baby cow", "big cow"],
        "with_labels": True,
        **more,
    }


def valid_params(name: str) -> list[dict[str, Any]]:
    return [json.loads(p.read_text())["params"] for p in sorted((FIXTURES / name / "valid").glob("*.json"))]


async def test_the_sdks_box_task_with_sizes_as_strings_is_completed_and_reads_back(
    test: httpx.AsyncClient,
) -> None:
    made = await test.post("/v1/task/annotation", json=legacy_body(min_width="30", min_height="30"))
    assert made.status_code == 200, made.text
    task = made.json()
    assert task["status"] == "completed"
    assert task["response"]["annotations"]
    for box in task["response"]["annotations"]:
        assert set(box) == {"left", "top", "width", "height", "label"}
        assert box["width"] >= 30
        assert box["height"] >= 30
    read = await test.get(f"/v1/task/{task['task_id']}")
    assert read.content == made.content


@pytest.mark.parametrize("name", LEGACY)
async def test_a_legacy_task_without_sizes_is_completed_with_the_labels_asked_for(
    test: httpx.AsyncClient, name: str
) -> None:
    made = await test.post(f"/v1/task/{name}", json=legacy_body())
    assert made.status_code == 200, made.text
    labels = {a["label"] for a in made.json()["response"]["annotations"]}
    assert labels
    assert labels <= {"baby cow", "big cow"}


@pytest.mark.parametrize("name", ["annotation", "polygonannotation", "lineannotation"])
async def test_the_sdks_task_without_attachment_and_objects_is_refused(
    test: httpx.AsyncClient, name: str
) -> None:
    body = {**CALLBACK, "instruction": "Draw.", "attachment_type": "image"}
    made = await test.post(f"/v1/task/{name}", json=body)
    assert made.status_code == 400
    assert made.json() == {
        "status_code": 400,
        "error": "Please include an attachment or attachments parameter.",
    }


@pytest.mark.parametrize(
    ("name", "echoed"),
    [
        ("annotation", {"min_width": 0, "min_height": 0}),
        ("lineannotation", {"splines": False}),
        ("cuboidannotation", {"with_labels": True, "min_annotations": 0, "max_annotations": 0}),
    ],
)
async def test_legacy_defaults_are_echoed_alike_on_creation_and_reading(
    live: httpx.AsyncClient, name: str, echoed: dict[str, Any]
) -> None:
    body = legacy_body()
    del body["with_labels"]
    task = (await live.post(f"/v1/task/{name}", json=body)).json()
    assert {key: task["params"][key] for key in echoed} == echoed
    read = (await live.get(f"/v1/task/{task['task_id']}")).json()
    assert read["params"] == task["params"]


@pytest.mark.parametrize("name", VIDEO)
async def test_files_of_a_video_answer_are_fetched_by_a_plain_get(
    test: httpx.AsyncClient, client_for: Any, name: str
) -> None:
    public = client_for(None)
    for params in valid_params(name):
        made = await test.post(f"/v1/task/{name}", json={**CALLBACK, "instruction": "Track it.", **params})
        assert made.status_code == 200, made.text
        response = made.json()["response"]
        parts = [key for key in ("annotations", "events") if key in response]
        assert ("events" in parts) >= bool(params.get("events_to_annotate"))
        for key in parts:
            assert set(response[key]) == {"url"}
            file = await public.get(httpx.URL(response[key]["url"]).path)
            assert file.status_code == 200
            assert file.headers["content-type"].startswith("application/json")
            content = file.json()
            if key == "events":
                wanted = params.get("events_to_annotate") or []
                assert len(content["events"]) == len([wanted] if isinstance(wanted, str) else wanted)
            elif isinstance(content, list):
                assert len(content) == len(params.get("attachments") or content)
                assert any(frame["annotations"] for frame in content)
            else:
                assert content["annotations"]
                assert all(track["frames"] for track in content["annotations"].values())


async def test_a_form_encoded_legacy_task_is_understood(test: httpx.AsyncClient) -> None:
    body = {
        "attachment": "http://i.imgur.com/v4cBreD.jpg",
        "instruction": "Draw.",
        "objects_to_annotate": ["cow", "calf"],
        "with_labels": "true",
        "min_width": "20",
    }
    made = await test.post("/v1/task/annotation", data=body)
    assert made.status_code == 200, made.text
    assert {a["label"] for a in made.json()["response"]["annotations"]} <= {"cow", "calf"}


@pytest.mark.parametrize("name", [*LEGACY, *VIDEO, "laneannotation"])
async def test_every_invalid_case_is_refused_over_the_wire(live: httpx.AsyncClient, name: str) -> None:
    for path in sorted((FIXTURES / name / "invalid").glob("*.json"))[:8]:
        case = json.loads(path.read_text())
        made = await live.post(f"/v1/task/{name}", json={**CALLBACK, **case["params"]})
        assert (made.status_code, made.json()["error"]) == (400, case["error"]), path.stem
