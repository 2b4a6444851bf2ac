"""The task that is created: image annotation with boxes, attributes and pre-labels, 1.5 kB."""

from __future__ import annotations

from typing import Any

import msgspec


def _box(label: str, left: int, top: int, width: int, height: int, **attributes: str) -> dict[str, Any]:
    return {
        "type": "box",
        "label": label,
        "left": left,
        "top": top,
        "width": width,
        "height": height,
        "attributes": attributes,
    }


def example_params() -> dict[str, Any]:
    """Params of the type, as a customer of a street-scene project would send them."""
    labels = ["car", "van", "truck", "bus", "motorcycle", "bicycle", "pedestrian", "rider", "traffic light", "traffic sign"]
    return {
        "instruction": "Draw a box around each object that is at least ten pixels high. Include the mirrors of "
        "vehicles, leave out antennas. When an object is hidden in part, draw what can be seen of it and set "
        "`occlusion`. Reflections in windows and pictures on posters are not objects.",
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
        "hypothesis": {
            "annotations": [
                _box("car", 812, 431, 164, 97, occlusion="0%", moving="yes"),
                _box("pedestrian", 301, 402, 41, 118, occlusion="26-50%"),
                _box("traffic sign", 1204, 188, 36, 36, occlusion="0%"),
            ]
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
