"""Evaluation and training tasks of the official client."""

from __future__ import annotations

import pytest
from scaleapi import TaskType
from scaleapi.exceptions import ScaleInvalidRequest

from tests.sdk.builders import body, boxes, make_task
from tests.sdk.conftest import Client, Namer

covers = pytest.mark.covers


@pytest.fixture
def project(live_client: Client, fresh: Namer) -> str:
    """The name of a Rapid project."""
    return live_client.create_project(fresh("rapid"), TaskType.ImageAnnotation, rapid=True).name


@covers("ScaleClient.create_evaluation_task", "EvaluationTask.as_dict", "QualityTask.as_dict")
def test_an_evaluation_task_keeps_both_answers_and_is_no_ordinary_task(
    live_client: Client, project: str, fresh: Namer
) -> None:
    kind = TaskType.ImageAnnotation
    expected, initial = boxes("Baby Cow", "Big Cow"), boxes("Big Cow")
    made = live_client.create_evaluation_task(
        kind,
        project=project,
        expected_response=expected,
        initial_response=initial,
        **body(live_client, kind),
    )
    assert made.id
    assert made.expected_response == expected
    assert made.as_dict()["initial_response"] == initial
    assert live_client.get_tasks_count(project) == 0
    with pytest.raises(ScaleInvalidRequest):
        live_client.create_evaluation_task(kind, project=project, **body(live_client, kind))
    ordinary = live_client.create_project(fresh("ordinary"), kind)
    with pytest.raises(ScaleInvalidRequest):
        live_client.create_evaluation_task(
            kind, project=ordinary.name, expected_response=expected, **body(live_client, kind)
        )
    batch = live_client.create_batch(project, fresh("batch"))
    make_task(live_client, batch=batch.name)
    assert live_client.get_tasks_count(project) == 1


@covers("ScaleClient.create_training_task", "TrainingTask.as_dict", "QualityTask.as_dict")
def test_a_training_task_keeps_its_expected_answer(live_client: Client, project: str) -> None:
    kind = TaskType.ImageAnnotation
    expected = boxes("Baby Cow")
    made = live_client.create_training_task(
        kind, project=project, expected_response=expected, **body(live_client, kind)
    )
    assert made.id
    assert made.as_dict()["expected_response"] == expected
    assert live_client.get_tasks_count(project) == 0
    with pytest.raises(ScaleInvalidRequest):
        live_client.create_training_task(
            TaskType.Categorization, project=project, expected_response={}, **body(live_client, kind)
        )
