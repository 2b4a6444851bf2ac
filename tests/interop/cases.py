"""Tasks whose made-up answers other programs are to read: one list for the check with FiftyOne and for the tests of shapes."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from steelyard.task_types import RESULT_URL, TASK_TYPES, Answer, MediaInfo

IMAGE = "https://assets.example.org/a.png"
CLIP = "https://assets.example.org/a.mp4"
MEDIA = MediaInfo(320, 200, 2.0)
FPS = 30

_PLAIN: dict[str, Any] = {
    "box": {"objects_to_annotate": ["van", "bus"]},
    "polygon": {"objects_to_annotate": ["lawn"]},
    "line": {"objects_to_annotate": ["kerb"]},
    "point": {"objects_to_annotate": ["lamp"]},
}
_ROTATED = {"box": {"objects_to_annotate": ["van"], "can_rotate": True}}
_ATTRIBUTES: dict[str, Any] = {
    "parked": {"choices": ["yes", "no"]},
    "damage": {"choices": ["dent", "rust"], "allow_multiple": True},
    "weight": {"type": "number", "min": 0, "max": 9},
    "weather": {"choices": ["sun", "rain"], "conditions": {"is_global": True}},
    "seen_by": {"choices": ["a", "b", "c"], "allow_multiple": True, "conditions": {"is_global": True}},
}
_ONE = {"objects_to_annotate": ["van", "bus"], "attachment": IMAGE, "legacy_annotation_ids": True}

IMAGE_TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "imageannotation": (
        "imageannotation",
        {"attachment": IMAGE, "geometries": _PLAIN, "annotation_attributes": _ATTRIBUTES},
    ),
    "imageannotation-rotated-padded": (
        "imageannotation",
        {"attachment": IMAGE, "geometries": _ROTATED, "padding": 30},
    ),
    "imageannotation-ellipse-cuboid": (
        "imageannotation",
        {
            "attachment": IMAGE,
            "geometries": {
                "box": {"objects_to_annotate": ["van"]},
                "ellipse": {"objects_to_annotate": ["wheel"]},
                "cuboid": {"objects_to_annotate": ["crate"]},
            },
        },
    ),
    "annotation": ("annotation", _ONE),
    "annotation-without-labels": ("annotation", {**_ONE, "with_labels": False}),
    "polygonannotation": ("polygonannotation", _ONE),
    "lineannotation": ("lineannotation", _ONE),
    "pointannotation": ("pointannotation", _ONE),
    "cuboidannotation": ("cuboidannotation", _ONE),
}
"""Name → type and params; every answer is a list of shapes."""

SEGMENT_TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "segmentannotation": (
        "segmentannotation",
        {
            "attachment": IMAGE,
            "labels": [
                "road",
                "sky",
                {"choice": "vehicle", "subchoices": ["van", "bus"], "instance_label": True},
            ],
            "annotation_attributes": {"weather": _ATTRIBUTES["weather"]},
        },
    ),
}

_CLIP: dict[str, Any] = {
    "attachment": CLIP,
    "attachment_type": "video",
    "events_to_annotate": ["horn", "stop"],
    "annotation_attributes": {"parked": _ATTRIBUTES["parked"]},
}
_BOX = {"box": _PLAIN["box"]}

PLAYBACK_TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    name: (kind, {**_CLIP, "annotation_frame_rate": 6, **more})
    for name, kind, more in (
        ("videoplaybackannotation", "videoplaybackannotation", {"geometries": _BOX}),
        (
            "videoplaybackannotation-lines",
            "videoplaybackannotation",
            {"geometries": {**_BOX, "line": _PLAIN["line"]}},
        ),
        ("federal2dvideoannotation", "federal2dvideoannotation", {"geometries": _BOX}),
    )
}
FRAME_TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "videoannotation": ("videoannotation", {**_CLIP, "geometries": _PLAIN, "frame_rate": 6}),
    "videoannotation-start": (
        "videoannotation",
        {**_CLIP, "geometries": _BOX, "frame_rate": 10, "start_time": 0.5},
    ),
    "videoannotation-images": (
        "videoannotation",
        {
            "attachments": [f"https://assets.example.org/{n}.png" for n in range(5)],
            "attachment_type": "image",
            "geometries": _PLAIN,
        },
    ),
    "videocuboidannotation": (
        "videocuboidannotation",
        {**_CLIP, "objects_to_annotate": ["van"], "frame_rate": 6},
    ),
    "videoboxannotation": (
        "videoboxannotation",
        {**_CLIP, "objects_to_annotate": ["van"], "frame_rate": 6},
    ),
}


def parsed(kind: str, params: dict[str, Any]) -> Any:
    """Params as the platform reads them."""
    return TASK_TYPES[kind].parse_params(msgspec.json.encode(params))


def answer(kind: str, params: dict[str, Any], seed: str = "interop") -> Answer:
    """The made-up answer."""
    return TASK_TYPES[kind].test_answer(parsed(kind, params), seed, MEDIA)


def plain(found: Answer) -> dict[str, Any]:
    """The response as it is on the wire, links to its files still in the form inside."""
    return json.loads(msgspec.json.encode(found.response))


def file(found: Answer, url: str) -> bytes:
    """A file of the answer."""
    return next(f.content for f in found.files if RESULT_URL + f.name == url)
