"""The lidar types over the wire: completed in test mode, with files that a plain GET fetches (task-types-lidar §1.3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.builders import with_project

FIXTURES = Path(__file__).parents[2] / "fixtures" / "task-types"
TYPES = ["lidarannotation", "lidarsegmentation", "lidarlinking", "lidartopdown", "sensorfusion"]


def cases(name: str, kind: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((FIXTURES / name / kind).glob("*.json"))]


@pytest.mark.parametrize("name", TYPES)
async def test_a_task_is_completed_and_its_files_are_fetched_by_a_plain_get(
    test: httpx.AsyncClient, client_for: Any, name: str
) -> None:
    public = client_for(None)
    for case in cases(name, "valid"):
        if "lidar_task" in case["params"]:
            continue  # builds on a task that does not exist here
        # The toolkit of the original platform always sends `task_id`.
        body = {"instruction": "Box **vehicles**.", "task_id": None, **case["params"]}
        body = await with_project(test, name, body)
        made = await test.post(f"/v1/task/{name}", json=body)
        assert made.status_code == 200, made.text
        task = made.json()
        assert task["status"] == "completed"
        assert task["response"]
        for part in task["response"].values():
            assert set(part) == {"url"}
            file = await public.get(httpx.URL(part["url"]).path)
            assert file.status_code == 200
            assert file.headers["content-type"].startswith("application/json")
            assert file.json()
        read = await test.get(f"/v1/task/{task['task_id']}")
        assert read.json()["response"] == task["response"]


@pytest.mark.parametrize("name", TYPES)
async def test_a_wrong_request_is_refused_in_the_words_of_the_catalogue(
    live: httpx.AsyncClient, name: str
) -> None:
    for case in cases(name, "invalid"):
        body = {"instruction": "Box **vehicles**.", **case["params"]}
        made = await live.post(f"/v1/task/{name}", json=await with_project(live, name, body))
        assert (made.status_code, made.json()) == (400, {"status_code": 400, "error": case["error"]})


async def test_the_toolkit_finds_a_cuboids_position_where_it_looks(
    test: httpx.AsyncClient, client_for: Any
) -> None:
    body = {
        "attachments": [f"https://x.example/{i}.json" for i in range(3)],
        "labels": ["car"],
        "task_id": None,
    }
    task = (await test.post("/v1/task/lidarannotation", json=body)).json()
    frames = (await client_for(None).get(httpx.URL(task["response"]["annotations"]["url"]).path)).json()
    assert len(frames) == 3
    assert all(isinstance(frame["cuboids"][0]["position"]["x"], float) for frame in frames)


async def test_a_scene_task_without_an_instruction_is_refused(test: httpx.AsyncClient) -> None:
    case = json.loads((FIXTURES / "sensorfusion/valid/cuboids.json").read_text())
    made = await test.post(
        "/v1/task/sensorfusion", json=await with_project(test, "sensorfusion", case["params"])
    )
    assert (made.status_code, made.json()["error"]) == (400, "Missing required parameter: instruction.")


ROOT = {
    "attachments": [f"https://x.example/{i}.json" for i in range(3)],
    "labels": ["car", {"choice": "people", "subchoices": ["child"]}],
    "meters_per_unit": 0.5,
    "max_distance_meters": 40,
}


async def test_a_task_builds_on_a_completed_lidar_task(
    test: httpx.AsyncClient, other: httpx.AsyncClient
) -> None:
    root = (await test.post("/v1/task/lidarannotation", json=ROOT)).json()["task_id"]
    linking = await test.post("/v1/task/lidarlinking", json={"lidar_task": root, "meters_per_unit": 2})
    assert linking.status_code == 200, linking.text
    params = linking.json()["params"]
    # Labels and scale are the source's unless the request has its own.
    assert (params["labels"], params["meters_per_unit"]) == (ROOT["labels"], 2)
    assert params["max_distance_meters"] == 40
    file = (await test.get(httpx.URL(linking.json()["response"]["annotations"]["url"]).path)).json()
    drawn = {
        a["label"] for frame in file for camera in frame["camera_responses"] for a in camera["annotations"]
    }
    assert drawn <= {"car", "child"}
    body = {"lidar_task": root, "labels": ["road"], "lidar_task_frames": [2, 0]}
    points = await test.post("/v1/task/lidarsegmentation", json=body)
    assert points.json()["params"]["meters_per_unit"] == 0.5
    image = (await test.post("/v1/task/imageannotation", json=IMAGE)).json()["task_id"]
    stranger = await other.post("/v1/task/lidarannotation", json=ROOT)
    for given, status, message in (
        ({"lidar_task": "0" * 24}, 404, f"lidar_task {'0' * 24} not found"),
        ({"lidar_task": "tower"}, 404, "lidar_task tower not found"),
        (
            {"lidar_task": stranger.json()["task_id"]},
            404,
            f"lidar_task {stranger.json()['task_id']} not found",
        ),
        ({"lidar_task": image}, 400, f"lidar_task {image} is not a lidarannotation task"),
        (
            {"lidar_task": root, "lidar_task_frames": [3]},
            400,
            "lidar_task_frames contains invalid frame index 3",
        ),
    ):
        for name in ("lidarlinking", "lidarsegmentation"):
            made = await test.post(f"/v1/task/{name}", json={"labels": ["road"], **given})
            assert (made.status_code, made.json()["error"]) == (status, message)


IMAGE = {"attachment": "https://x.example/a.png", "geometries": {"box": {"objects_to_annotate": ["a"]}}}


async def test_a_source_that_is_not_completed_yet_cannot_be_built_upon(live: httpx.AsyncClient) -> None:
    root = (await live.post("/v1/task/lidarannotation", json=ROOT)).json()["task_id"]
    made = await live.post("/v1/task/lidarlinking", json={"lidar_task": root})
    assert (made.status_code, made.json()["error"]) == (400, f"lidar_task {root} must be completed")


@pytest.mark.parametrize("name", ["lidartopdown", "sensorfusion"])
async def test_a_project_is_required_where_the_type_says_so(live: httpx.AsyncClient, name: str) -> None:
    case = cases(name, "valid")[0]
    made = await live.post(f"/v1/task/{name}", json={"instruction": "Draw.", **case["params"]})
    assert (made.status_code, made.json()["error"]) == (400, "project is required")
