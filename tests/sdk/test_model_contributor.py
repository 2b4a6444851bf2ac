"""`steelyard.client` and the example that is built on it, against a real server."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from scaleapi import TaskType

from steelyard.client import ApiError, Client, LeaseLost, Skip, Unreachable, Work
from tests.sdk.conftest import Namer, Server, eventually, serving

ROOT = Path(__file__).parents[2]
STARS = [(20, 30, 60, 55), (120, 80, 150, 130), (200, 10, 240, 50)]
LABELER = "labeler@main.example"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def sky(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a picture of a dark sky with three bright things."""
    folder = tmp_path_factory.mktemp("sky")
    image = Image.new("RGB", (300, 200), (8, 8, 20))
    for box in STARS:
        ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=(250, 250, 230))
    image.save(folder / "sky.png")
    with serving(partial(_Quiet, directory=str(folder))) as address:
        yield f"{address}/sky.png"


@pytest.fixture
def project(server: Server, fresh: Namer) -> str:
    """A project that the labeler may work on."""
    name = fresh("night sky")
    params = {"instruction": "Box the stars.", "geometries": {"box": {"objects_to_annotate": ["star"]}}}
    body = {"name": name, "type": "imageannotation", "params": params}
    for path, sent in (
        ("/v1/projects", body),
        ("/v1/studio/assignments/add", {"emails": [LABELER], "projects": [name]}),
    ):
        made = server.call("POST", path, json=sent)
        assert made.status_code == 200, made.text
    return name


def create(server: Server, project: str, sky: str, n: int) -> list[str]:
    """Tasks that are ready to be claimed."""
    made: list[str] = []
    for _ in range(n):
        body = {"project": project, "attachment": sky, "attachment_type": "image"}
        answer = server.call("POST", "/v1/task/imageannotation", json=body)
        assert answer.status_code == 200, answer.text
        made.append(answer.json()["task_id"])
    return made


def ready(client: Client, project: str) -> Work:
    """The first work of a project, once its attachments are fetched."""
    found: list[Work] = []

    def look() -> bool:
        work = client.claim(projects=[project])
        found.extend([work] if work else [])
        return bool(found)

    eventually(look)
    return found[0]


def statuses(server: Server, task_ids: list[str]) -> set[str]:
    return {server.call("GET", f"/v1/task/{t}").json()["status"] for t in task_ids}


def test_the_example_labels_images_with_a_detector(server: Server, project: str, sky: str) -> None:
    tasks = create(server, project, sky, 2)
    command = [sys.executable, "examples/model_contributor.py", server.url, server.keys.labeler_live, project]
    program = subprocess.Popen(
        [*command, "--label", "star"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        eventually(lambda: statuses(server, tasks) == {"completed"}, within_s=60)
        program.send_signal(signal.SIGINT)
        told, _ = program.communicate(timeout=20)
    finally:
        program.kill()
    assert program.returncode == 0, told
    assert "2 answers submitted" in told
    boxes = server.call("GET", f"/v1/task/{tasks[0]}").json()["response"]["annotations"]
    found = [(b["left"], b["top"], b["left"] + b["width"], b["top"] + b["height"]) for b in boxes]
    assert sorted(found) == sorted(STARS)
    once = subprocess.run([*command, "--once"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert once.stdout == "0 answers submitted\n", once.stderr


def test_the_example_labels_before_people_who_correct_its_boxes(
    server: Server, project: str, sky: str, fresh: Namer
) -> None:
    made = server.call("POST", "/api/members/models", json={"name": fresh("detector")}).json()
    body = {"emails": [made["member"]["email"]], "projects": [project]}
    assert server.call("POST", "/v1/studio/assignments/add", json=body).status_code == 200
    workflow = {"prelabel": {"wait_seconds": 3600}}
    assert server.call("PUT", f"/api/projects/{project}/workflow", json=workflow).status_code == 200
    (task,) = create(server, project, sky, 1)
    person = Client(server.url, server.keys.labeler_live)
    command = [sys.executable, "examples/model_contributor.py", server.url, made["key"]["key"], project]
    eventually(
        lambda: server.call("GET", f"/api/tasks/{task}/timeline").json()["items"][-1]["kind"] == "queued"
    )
    assert person.claim(projects=[project]) is None
    told = subprocess.run(
        [*command, "--label", "star", "--once"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert told.stdout.endswith("1 answers submitted\n"), told.stderr
    assert person.claim(projects=[project], stages=["review"]) is None
    work = ready(person, project)
    boxes = work.hypothesis["annotations"]
    found = [(b["left"], b["top"], b["left"] + b["width"], b["top"] + b["height"]) for b in boxes]
    assert sorted(found) == sorted(STARS)
    assert work.submit({"annotations": boxes[:2]})["status"] == "completed"
    read = server.call("GET", f"/v1/task/{task}").json()
    assert len(read["response"]["annotations"]) == 2
    assert "hypothesis" not in read["params"]


def test_run_submits_skips_and_gives_back(server: Server, project: str, sky: str) -> None:
    client = Client(server.url, server.keys.labeler_live)
    create(server, project, sky, 3)
    ready(client, project).release()
    seen: list[str] = []

    def handle(work: Work) -> dict[str, Any]:
        seen.append(work.task["task_id"])
        assert Image.open(io.BytesIO(work.read_media())).size == (300, 200)
        if len(seen) == 1:
            raise Skip("too dark")
        if len(seen) == 2:
            raise RuntimeError("the model has fallen over")
        return {"annotations": []}

    eventually(lambda: server.call("GET", "/v1/tasks", params={"project": project}).json()["total"] == 3)
    done = client.run(handle, projects=[project], most=4, idle_s=0.1)
    assert done == 2
    assert len(seen) == 4

    def broken(work: Work) -> dict[str, Any]:
        raise RuntimeError("always")

    with pytest.raises(RuntimeError, match="always"):
        client.run(broken, projects=[project], idle_s=0.1, failures=2)
    assert client.held() == []


def test_an_answer_that_breaks_the_rules_is_told_by_its_issues(
    server: Server, project: str, sky: str
) -> None:
    client = Client(server.url, server.keys.labeler_live)
    create(server, project, sky, 1)
    with ready(client, project) as work:
        assert work.stage == "label"
        assert [(m["url"][:7], m["width"], m["height"]) for m in work.media] == [("/media/", 300, 200)]
        work.save_draft({"boxes": 1})
        work.heartbeat()
        with pytest.raises(ApiError) as refused:
            work.submit({"annotations": [{"type": "box", "label": "moon", "left": 1, "top": 1, "width": 9}]})
        assert (refused.value.status, refused.value.code) == (400, "invalid-response")
        assert refused.value.issues
        (held,) = client.held()
        assert (held.lease_token, held.draft) == (work.lease_token, {"boxes": 1})
        assert work.submit({"annotations": []})["status"] == "completed"
    with pytest.raises(LeaseLost):
        work.save_draft({})


def test_evaluation_tasks_made_by_api_come_with_their_files(server: Server, fresh: Namer, sky: str) -> None:
    name = fresh("rapid sky")
    sdk = server.client(server.keys.live)
    params = {"instruction": "Box the stars.", "geometries": {"box": {"objects_to_annotate": ["star"]}}}
    sdk.create_project(name, TaskType.ImageAnnotation, params=params, rapid=True)
    sdk.add_studio_assignments([LABELER], [name])
    picture = {"project": name, "attachment": sky, "attachment_type": "image"}
    sdk.create_training_task(TaskType.ImageAnnotation, expected_response={"annotations": []}, **picture)
    gone = {**picture, "attachment": sky + "x"}
    sdk.create_training_task(TaskType.ImageAnnotation, expected_response={"annotations": []}, **gone)

    def states() -> list[str]:
        listed = server.call("GET", "/api/quality/tasks", params={"project": name}).json()["items"]
        return [item["state"] for item in listed]

    eventually(lambda: states() == ["failed", "ready"])
    server.call("PUT", f"/api/projects/{name}/workflow", json={"training_required": 1})
    with ready(Client(server.url, server.keys.labeler_live), name) as work:
        assert work.stage == "training"
        assert Image.open(io.BytesIO(work.read_media())).size == (300, 200)
        work.submit({"annotations": []})
        assert work.feedback()["passed"] is True


def test_the_block_gives_back_what_was_not_ended_and_stop_ends_the_loop(
    server: Server, project: str, sky: str
) -> None:
    client = Client(server.url, server.keys.labeler_live)
    create(server, project, sky, 1)
    with pytest.raises(ZeroDivisionError), ready(client, project):
        raise ZeroDivisionError
    assert client.held() == []
    stop = threading.Event()
    loop = threading.Thread(
        target=client.run,
        args=(lambda work: {"annotations": []},),
        kwargs={"projects": [project], "stop": stop, "threads": 3, "idle_s": 0.05},
    )
    loop.start()
    eventually(lambda: client.claim(projects=[project]) is None)
    time.sleep(0.2)
    stop.set()
    loop.join(timeout=10)
    assert not loop.is_alive()


def test_a_wrong_key_or_address_is_told_at_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ApiError) as unknown:
        Client(server.url, "live_unknown").claim()
    assert unknown.value.status == 401
    monkeypatch.setattr("steelyard.client._TRIES", 1)
    with pytest.raises(Unreachable):
        Client("http://127.0.0.1:9", "x").claim()
    with pytest.raises(ValueError, match="only http"):
        Client(server.url, "x").download("file:///etc/passwd")


def test_the_client_needs_nothing_but_python() -> None:
    code = "import sys, steelyard.client; print(sorted(m for m in sys.modules if m in {'msgspec', 'asyncpg', 'aiohttp', 'starlette'}))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert json.loads(told.stdout.replace("'", '"')) == []
