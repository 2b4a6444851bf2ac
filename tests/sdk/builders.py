"""Creation bodies for the official client, as keyword arguments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scaleapi import TaskType
from scaleapi.tasks import Task

from steelyard.task_types import TASK_TYPES
from tests.sdk.conftest import Client

CALLBACK = "http://www.example.com/callback"

# Small parameters of some types, `attachment` aside where it is a photograph; most as the client's own suite has them.
_KNOWN: dict[TaskType, dict[str, Any]] = {
    TaskType.ImageAnnotation: {
        "instruction": "Draw a box around each baby cow and big cow.",
        "attachment_type": "image",
        "geometries": {
            "box": {"objects_to_annotate": ["Baby Cow", "Big Cow"], "min_height": 10, "min_width": 10}
        },
    },
    TaskType.Categorization: {
        "instruction": "Is this company public or private?",
        "attachment_type": "website",
        "attachment": "https://www.google.com",
        "categories": ["public", "private"],
    },
    TaskType.NamedEntityRecognition: {
        "instruction": "Do the objects in these images have the same pattern?",
        "text": "Example text to label with NER tool",
        "labels": [{"name": "Label_A", "description": "the first label"}],
    },
    TaskType.TextCollection: {
        "instruction": "Read the page and answer.",
        "attachments": [{"type": "website", "content": "https://www.example.com/"}],
        "fields": [{"type": "text", "field_id": "title", "title": "Title of the page"}],
    },
    TaskType.SegmentAnnotation: {
        "instruction": "Colour every car.",
        "attachment_type": "image",
        "labels": ["background", "car"],
    },
    TaskType.Transcription: {
        "instruction": "Transcribe the given fields.",
        "attachment_type": "website",
        "attachment": "http://www.google.com/",
        "fields": {"title": "Title of Webpage", "top_result": "Title of the top result"},
        "repeatable_fields": {"username": "Username of submitter", "comment_count": "Number of comments"},
    },
    TaskType.DocumentTranscription: {
        "instruction": "Please transcribe this receipt.",
        "attachment": "http://document.scale.com/receipt-20200519.jpg",
        "features": [{"type": "block", "label": "barcode"}],
    },
    TaskType.DocumentModel: {
        "instruction": "Please transcribe this receipt.",
        "attachment": "http://document.scale.com/receipt-20200519.jpg",
        "features": [{"type": "block", "label": "barcode"}],
    },
    TaskType.Annotation: {
        "instruction": "Draw a box around each baby cow and big cow",
        "attachment_type": "image",
        "min_width": "30",
        "min_height": "30",
        "objects_to_annotate": ["baby cow", "big cow"],
        "with_labels": True,
    },
    TaskType.PolygonAnnotation: {
        "instruction": "Draw a tight shape around the big cow",
        "attachment_type": "image",
        "objects_to_annotate": ["big cow"],
        "with_labels": True,
    },
    TaskType.LineAnnotation: {
        "instruction": "Draw a tight shape around the big cow",
        "attachment_type": "image",
        "objects_to_annotate": ["big cow"],
        "with_labels": True,
    },
    TaskType.PointAnnotation: {
        "instruction": "Mark the nose of the big cow",
        "attachment_type": "image",
        "objects_to_annotate": ["big cow"],
        "with_labels": True,
    },
    TaskType.DataCollection: {
        "instruction": "Find the URL for the hiring page for the company with attached website.",
        "attachment_type": "website",
        "attachment": "http://www.google.com/",
        "fields": {"hiring_page": "Hiring Page URL"},
    },
    TaskType.Comparison: {
        "instruction": "Do the objects in these images have the same pattern?",
        "attachment_type": "image",
        "attachments": [
            "http://i.ebayimg.com/00/$T2eC16dHJGwFFZKjy5ZjBRfNyMC4Ig~~_32.JPG",
            "http://images.wisegeek.com/checkered-tablecloth.jpg",
        ],
        "choices": ["yes", "no"],
    },
}


_FIXTURES = Path(__file__).parents[2] / "fixtures" / "task-types"


def _fixture(kind: TaskType) -> dict[str, Any]:
    """The parameters of the type's first valid fixture."""
    first = min((_FIXTURES / kind.value / "valid").glob("*.json"))
    return {"instruction": "See the project's guide.", **json.loads(first.read_text())["params"]}


# Those that the installation offers; every other type of the client's must answer 402.
BODIES = {kind: _KNOWN.get(kind) or _fixture(kind) for kind in TaskType if kind.value in TASK_TYPES}


def body(client: Client, kind: TaskType) -> dict[str, Any]:
    """Creation parameters of a type, complete."""
    given = BODIES[kind]
    pictured = given.get("attachment_type") == "image" and "attachments" not in given
    photo = {"attachment": client.photo} if pictured else {}
    return {**BODIES[kind], **photo}


def make_task(client: Client, **more: Any) -> Task:
    """An imageannotation task outside any project."""
    kind = TaskType.ImageAnnotation
    return client.create_task(kind, **{"callback_url": CALLBACK, **body(client, kind), **more})


def settled(task: Task) -> dict[str, Any]:
    """The task without what a worker may change at any moment: it notes when it has fetched the attachments."""
    return {key: value for key, value in task.as_dict().items() if key != "updated_at"}


def boxes(*labels: str) -> dict[str, Any]:
    """A valid imageannotation answer with one box for each label."""
    return {
        "annotations": [
            {"type": "box", "label": label, "left": 20 * i, "top": 5, "width": 15, "height": 25}
            for i, label in enumerate(labels)
        ]
    }
