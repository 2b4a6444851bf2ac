"""A project from its creation by the official client to audited results: three overlapping voices, review, evaluation and training, done by
simulated contributors of set skill. The noisy ones are found by evaluation tasks and paused; what they did is done again."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scaleapi import TaskType
from scaleapi.tasks import TaskReviewStatus, TaskStatus

from steelyard import users
from steelyard.app import open_ctx
from steelyard.client import Client, Work
from steelyard.settings import Settings
from tests.conftest import Template
from tests.sdk.conftest import Server, cloned_database, eventually, running

PROJECT = "weather"
CHOICES = ["sun", "rain", "snow", "fog"]
SKILLS = {"anna": 0.95, "ben": 0.95, "cleo": 0.94, "noah": 0.3, "nina": 0.25}
"""How often each contributor picks the right one of four choices."""
NOISY = {"noah", "nina"}
REVIEWER = "rita"
TASKS, EVALUATIONS = 24, 12
PARAMS = {
    "instruction": "What was the weather like?",
    "fields": [
        {
            "type": "category",
            "field_id": "weather",
            "title": "Weather",
            "required": True,
            "choices": [{"label": c.title(), "value": c} for c in CHOICES],
        }
    ],
}


def diary(name: str) -> dict[str, Any]:
    """The attachments of a task: a text whose end says what is right."""
    return {"attachments": [{"type": "text", "content": f"{name}: {CHOICES[_drawn(name) % 4]}"}]}


def answer(choice: str) -> dict[str, Any]:
    return {"annotations": {"weather": [choice]}}


def truth(work: Work) -> str:
    return work.params["attachments"][0]["content"].split()[-1]


def opinion(who: str, text: str, right: str) -> str:
    """What a contributor thinks of a text: always the same, right as often as its skill says."""
    if _drawn(f"{who} skill {text}") % 1000 < SKILLS[who] * 1000:
        return right
    wrong = [c for c in CHOICES if c != right]
    return wrong[_drawn(f"{who} wrong {text}") % 3]


def _drawn(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


@pytest.fixture
async def dsn(template: Template) -> AsyncGenerator[str]:
    """A database of this story's own."""
    async with cloned_database(template, "story") as dsn:
        yield dsn


@pytest.fixture
async def people(dsn: str, tmp_path: Path) -> dict[str, str]:
    """Keys of the contributors and the reviewer."""
    made: dict[str, str] = {}
    async with open_ctx(Settings(data_dir=tmp_path / "people", database_url=dsn)) as ctx:
        for name in (*SKILLS, REVIEWER):
            email = f"{name}@main.example"
            await users.create_member(ctx, "main", email, "member" if name == REVIEWER else "labeler")
            made[name] = (await users.create_key(ctx, "main", "live", member_email=email)).key
    return made


def set_up(server: Server) -> list[str]:
    """What the customer and its manager do; the ids of the tasks."""
    sdk = server.client(server.keys.live)
    kind = TaskType.TextCollection
    sdk.create_project(PROJECT, kind, params=PARAMS, rapid=True)
    sdk.add_studio_assignments([f"{name}@main.example" for name in (*SKILLS, REVIEWER)], [PROJECT])
    settings = {
        "overlap": 3,
        "review_stages": [{"sample": 1}],
        "evaluation_rate": 0.5,
        "evaluation_min": 4,
        "evaluation_bar": 0.6,
        "training_required": 2,
    }
    assert server.call("PUT", f"/api/projects/{PROJECT}/workflow", json=settings).status_code == 200
    for n in range(2):
        sdk.create_training_task(
            kind, project=PROJECT, expected_response=answer(CHOICES[_drawn(f"t{n}") % 4]), **diary(f"t{n}")
        )
    for n in range(EVALUATIONS):
        sdk.create_evaluation_task(
            kind, project=PROJECT, expected_response=answer(CHOICES[_drawn(f"e{n}") % 4]), **diary(f"e{n}")
        )
    batch = sdk.create_batch(PROJECT, "november")
    made = [sdk.create_task(kind, batch=batch.name, **diary(f"day {n}")).id for n in range(TASKS)]
    batch.finalize()
    return made


def work_once(client: Client, who: str, done: Counter[str]) -> str:
    """One piece of work of a contributor, if there is any; what became of it."""
    work = client.claim(projects=[PROJECT])
    if work is None:
        return "nothing"
    text, right = work.params["attachments"][0]["content"], truth(work)
    if work.stage == "review":
        assert who == REVIEWER
        assert work.review is not None
        good = work.review["response"] == answer(right)
        verdict: dict[str, Any] = {"verdict": "accept"} if good else {"verdict": "send_back"}
        if not good:
            verdict["comments"] = [{"text": f"It says {right}."}]
        client.call("POST", f"/api/work/{work.lease_token}/review", verdict)
        return verdict["verdict"]
    if who == REVIEWER and work.stage == "label":  # or nobody could review it
        work.release()
        return "released"
    # Everybody is careful while being trained, and follows a reviewer's remark.
    careful = work.stage == "training" or work.comments
    choice = right if careful else opinion(who, text, right)
    work.submit(answer(choice))
    if work.stage == "training":
        told = work.feedback()
        assert (told["passed"], told["expected_response"]) == (True, answer(right))
    done[who] += work.stage == "label"
    return work.stage


def test_from_creation_to_audited_results_with_noisy_contributors_found_and_paused(
    dsn: str, template: Template, people: dict[str, str], tmp_path: Path
) -> None:
    # What the numbers below rest on: whatever the order, the good ones stay above the bar and the noisy ones fall below it.
    for who in SKILLS:
        texts = [diary(f"e{n}")["attachments"][0]["content"] for n in range(EVALUATIONS)]
        rights = sum(opinion(who, text, text.split()[-1]) == text.split()[-1] for text in texts)
        assert rights <= 3 if who in NOISY else rights >= EVALUATIONS - 1, (who, rights)

    with running(dsn, template.keys, tmp_path) as server:
        began = datetime.now(UTC).isoformat()
        tasks = set_up(server)
        sdk = server.client(server.keys.live)
        clients = {name: Client(server.url, key) for name, key in people.items()}
        done: Counter[str] = Counter()
        outcomes: Counter[tuple[str, str]] = Counter()

        def contributors() -> dict[str, dict[str, Any]]:
            page = server.call("GET", f"/api/projects/{PROJECT}/quality").json()
            return {m["email"].split("@")[0]: m for m in page["items"]}

        def turn(names: list[str]) -> bool:
            """Everybody named does one piece of work; whether anybody had some."""
            told = {name: work_once(clients[name], name, done) for name in names}
            outcomes.update((("noisy" if n in NOISY else "good"), what) for n, what in told.items())
            return any(what != "nothing" for what in told.values())

        eventually(lambda: turn(list(SKILLS)))
        assert {m["state"] for n, m in contributors().items() if n in SKILLS} == {"training"}

        # The noisy ones work until they are found out, the others beside them.
        deadline = time.monotonic() + 60
        while {n for n, m in contributors().items() if m["state"] == "paused"} != NOISY:
            assert time.monotonic() < deadline, contributors()
            turn(list(SKILLS))
        for name in NOISY:
            assert "mean" in contributors()[name]["reason"]
            path = f"/api/projects/{PROJECT}/members/{contributors()[name]['id']}/requeue-work"
            again = server.call("POST", path, json={"since": began})
            assert again.status_code == 200, again.text
            assert work_once(clients[name], name, done) == "nothing"

        def all_done() -> bool:
            before = outcomes.copy()
            turn([*sorted(set(SKILLS) - NOISY), REVIEWER])
            counts = sdk.batch_status("november")
            assert counts.get("completed", 0) == TASKS, (
                counts,
                outcomes - before,
                contributors(),
                server.log,
            )
            return True

        eventually(all_done, within_s=90)

        # The results, as the customer sees and audits them.
        found = list(sdk.get_tasks(project_name=PROJECT))
        assert {task.id for task in found} == set(tasks), "evaluation and training tasks are no tasks"
        for task in found:
            right = task.params["attachments"][0]["content"].split()[-1]
            assert task.status == TaskStatus.Completed.value
            assert task.response == answer(right)
            sdk.audit_task(task.id, accepted=True)
        audited = sdk.get_tasks(project_name=PROJECT, review_status=TaskReviewStatus.Accepted)
        assert len(list(audited)) == TASKS
        eventually(lambda: sdk.batch_status("november")["status"] == "completed")

        # Contributors, as their managers see them.
        now = contributors()
        assert {n for n, m in now.items() if m["state"] == "paused"} == NOISY
        assert {n for n, m in now.items() if m["state"] == "active"} >= set(SKILLS) - NOISY
        for name in SKILLS:
            assert now[name]["evaluations"] >= 4
            assert (now[name]["evaluation_score"] < 0.6) == (name in NOISY)
            assert now[name]["trainings_passed"] == 2
        query = {"labeler_emails": ",".join(now[n]["email"] for n in SKILLS), "limit": 100}
        attempts = server.call("GET", "/v1/quality/labelers", params=query).json()
        assert attempts["total"] == sum(now[n]["evaluations"] + 2 for n in SKILLS)

        rows = server.call("GET", "/api/figures", params={"project": PROJECT}).json()["items"]
        figures = {r["name"].split("@")[0]: r for r in rows}
        for name in SKILLS:
            assert figures[name]["labels"] + figures[name]["evaluations"] == done[name]
            assert figures[name]["evaluations_scored"] == now[name]["evaluations"]
            assert figures[name]["trainings_passed"] == 2
        reviews = sum(n for (_, what), n in outcomes.items() if what in ("accept", "send_back"))
        assert figures[REVIEWER]["reviews"] == reviews >= TASKS
        (whole,) = server.call("GET", "/api/figures", params={"by": "project"}).json()["items"]
        assert whole["completed"] == TASKS
        assert whole["labels"] >= 3 * TASKS
