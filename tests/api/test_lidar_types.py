"""The lidar types over the wire: completed in test mode, with files that a plain GET fetches (task-types-lidar §1.3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

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
        made = await live.post(
            f"/v1/task/{name}", json={"instruction": "Box **vehicles**.", **case["params"]}
        )
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
    made = await test.post("/v1/task/sensorfusion", json=case["params"])
    assert (made.status_code, made.json()["error"]) == (400, "Missing required parameter: instruction.")
