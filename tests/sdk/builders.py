"""Creation bodies for the official client, as keyword arguments."""

from __future__ import annotations

from typing import Any

from scaleapi import TaskType
from scaleapi.tasks import Task

from tests.sdk.conftest import Client

CALLBACK = "http://www.example.com/callback"

# The smallest parameters of each type that the installation offers, `attachment` aside where it is a photograph. A type of the client's that is not here must answer 402.
BODIES: dict[TaskType, dict[str, Any]] = {
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
}


def body(client: Client, kind: TaskType) -> dict[str, Any]:
    """Creation parameters of a type, complete."""
    photo = {"attachment": client.photo} if BODIES[kind].get("attachment_type") == "image" else {}
    return {**BODIES[kind], **photo}


def make_task(client: Client, **more: Any) -> Task:
    """An imageannotation task outside any project."""
    kind = TaskType.ImageAnnotation
    return client.create_task(kind, **{"callback_url": CALLBACK, **body(client, kind), **more})


def boxes(*labels: str) -> dict[str, Any]:
    """A valid imageannotation answer with one box for each label."""
    return {
        "annotations": [
            {"type": "box", "label": label, "left": 20 * i, "top": 5, "width": 15, "height": 25}
            for i, label in enumerate(labels)
        ]
    }
