"""The examples that people try first are run as they stand, from the outside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from scaleapi import TaskType

from steelyard.settings import Settings
from tests.conftest import Keys, Template
from tests.sdk.conftest import PHOTOS, Client, Server, cloned_database, running

ROOT = Path(__file__).parents[2]


def _run(*arguments: str, settings: Settings | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        cwd=ROOT,
        env=None if settings is None else {"PATH": os.environ["PATH"], **settings.to_env()},
    )


def test_the_first_task_goes_all_the_way_and_again(server: Server, live_client: Client) -> None:
    for _ in range(2):
        told = _run("examples/first_task.py", server.url, server.keys.live)
        assert told.returncode == 0, told.stdout + told.stderr + server.log
        assert told.stderr == ""
        steps = re.findall(r"^(\d)\. ", told.stdout, re.MULTILINE)
        assert "".join(steps) == "123444" + "56789"
        task_id = re.search(r"callback for task (\w+) came: it is completed", told.stdout)
        assert task_id
        task = live_client.get_task(task_id[1])
        assert task.customer_review_status == "accepted"
        assert {box["label"] for box in task.response["annotations"]} == {"cup", "saucer", "spoon"}
        status = live_client.batch_status(task.batch)
        assert (status["pending"], status["completed"]) == (2, 1)


def test_the_first_task_says_what_is_wrong_with_address_or_key(server: Server) -> None:
    for arguments, wanted in (
        ((server.url, "live_unknown"), "does not know this key"),
        (("http://127.0.0.1:9", server.keys.live), "does not answer"),
        ((), "python examples/first_task.py http://127.0.0.1:8000 live_"),
    ):
        told = _run("examples/first_task.py", *arguments)
        assert told.returncode == 1
        assert wanted in told.stderr
        assert "Traceback" not in told.stderr


def _demo(server: Server) -> subprocess.CompletedProcess[str]:
    arguments = ("-m", "steelyard", "demo", "--address", server.url, "--key", server.keys.live)
    return _run(*arguments, settings=server.settings)


def test_the_demo_works_one_photograph_after_the_other_and_then_repeats_the_last_callback(
    server: Server, live_client: Client
) -> None:
    for done in (1, 2, 3, 3):
        told = _demo(server)
        assert told.returncode == 0, told.stdout + told.stderr + server.log
        steps = re.findall(r"^(\d)\. ", told.stdout, re.MULTILINE)
        assert "".join(steps) == (
            "12344456789" if done == 1 and "Created the batch" in told.stdout else "12356789"
        )
        assert f"The batch counts {done} completed and {3 - done} pending tasks." in told.stdout
    tasks = list(live_client.get_tasks(batch_name="Demo: three photographs"))
    assert len(tasks) == 3
    assert {task.customer_review_status for task in tasks} == {"accepted"}


@pytest.fixture
async def closed_dsn(template: Template) -> AsyncGenerator[str]:
    """A database for a server that sends nothing to private addresses."""
    async with cloned_database(template, "closed") as dsn:
        yield dsn


def test_the_demo_says_what_to_do_when_callbacks_are_refused_or_nobody_answers(
    closed_dsn: str, keys: Keys, tmp_path: Path
) -> None:
    with running(closed_dsn, keys, tmp_path, allow_networks=()) as closed:
        refused = _demo(closed)
        assert refused.returncode == 1
        assert "Start it with STEELYARD_ALLOW_NETWORKS=127.0.0.0/8" in refused.stderr
        arguments = ("-m", "steelyard", "demo", "--address", closed.url, "--key", "live_unknown")
        unknown = _run(*arguments, settings=closed.settings)
        assert unknown.returncode == 1
        assert "does not know this API key" in unknown.stderr
    nobody = _demo(closed)
    assert nobody.returncode == 1
    assert f"No Steelyard answers at {closed.url}" in nobody.stderr
    for told in (refused, unknown, nobody):
        assert "Traceback" not in told.stderr


def test_the_photographs_are_small_real_and_their_boxes_lie_inside() -> None:
    import json

    from PIL import Image

    boxes = json.loads((PHOTOS / "boxes.json").read_text())
    assert set(boxes) == {path.name for path in PHOTOS.glob("*.jpg")}
    sources = (PHOTOS / "SOURCES.md").read_text()
    for name, drawn in boxes.items():
        assert f"`{name}`" in sources
        assert (PHOTOS / name).stat().st_size < 300_000
        with Image.open(PHOTOS / name) as photo:
            photo.load()
            assert photo.format == "JPEG"
            for box in drawn:
                assert box["left"] + box["width"] <= photo.width
                assert box["top"] + box["height"] <= photo.height


def test_the_snippet_of_the_readme_runs_as_it_is_printed(server: Server, live_client: Client) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    address, key = "http://127.0.0.1:8000/v1", "live_…"
    assert address in snippet
    assert key in snippet
    code = snippet.replace(address, server.v1).replace(key, server.keys.live)
    told = _run("-c", code)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("pending ")
    task = next(live_client.get_tasks(project_name="cows"))
    assert task.unique_id == "meadow-1"
    assert live_client.get_project("cows").type == TaskType.ImageAnnotation.value
