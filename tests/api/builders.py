"""Small builders of requests."""

from __future__ import annotations

from typing import Any


def image_task(**more: Any) -> dict[str, Any]:
    """A plain imageannotation creation body."""
    return {
        "callback_url": "http://www.example.com/callback",
        "instruction": "Draw a box around each baby cow and big cow.",
        "attachment_type": "image",
        "attachment": "http://i.imgur.com/v4cBreD.jpg",
        "geometries": {
            "box": {"objects_to_annotate": ["Baby Cow", "Big Cow"], "min_height": 10, "min_width": 10}
        },
        **more,
    }
