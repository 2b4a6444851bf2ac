"""The task that is created: image annotation with boxes and attributes, 1.5 kB."""

from __future__ import annotations

from typing import Any

import msgspec


def example_params() -> dict[str, Any]:
    """Params of the type, as a customer of a street-scene project would send them."""
    labels = [
        "car",
        "van",
        "truck",
        "bus",
        "motorcycle",
        "bicycle",
        "pedestrian",
        "rider",
        "traffic light",
        "traffic sign",
    ]
    return {
        "instruction": "Draw a box around each object that is at least ten pixels high. Include the mirrors of "
        "vehicles, leave out antennas. When an object is hidden in part, draw what can be seen of it and set `occlusion`. Reflections in windows and pictures on posters are not objects. Groups of more than five "
        "pedestrians who cannot be told apart get one box of the label `pedestrian`. A parked bicycle is a `bicycle`, "
        "one with a person on it a `rider`; a person who pushes one is a `pedestrian` beside a `bicycle`. Signs that "
        "face away from the camera are left out, so are traffic lights for pedestrians and anything behind the glass "
        "of a shop.",
        "attachment_type": "image",
        "attachment": "https://images.example.com/drives/2026-03-14/route-17/front-camera/000000118342.jpg",
        "geometries": {"box": {"objects_to_annotate": labels, "min_height": 10, "min_width": 10}},
        "annotation_attributes": {
            "occlusion": {
                "type": "category",
                "description": "How much of the object is hidden?",
                "choices": ["0%", "1-25%", "26-50%", "51-75%", "76-100%"],
            },
            "moving": {
                "type": "category",
                "description": "Does the object move?",
                "choices": ["yes", "no", "cannot tell"],
                "conditions": {"label_condition": {"label": ["car", "van", "truck", "bus", "motorcycle"]}},
            },
        },
    }  # fmt: skip


def example_body(**more: Any) -> bytes:
    """The whole request body; its unique_id is the placeholder @ID@."""
    return msgspec.json.encode(
        {
            "callback_url": "https://hooks.example.com/steelyard/tasks",
            "unique_id": "@ID@",
            "tags": ["route-17", "front-camera"],
            "metadata": {"drive": "2026-03-14", "frame": 118342, "weather": "overcast", "city": "Ghent"},
            **example_params(),
            **more,
        }
    )
