"""What FiftyOne should read from an answer, worked out here from the specification (task-types-2d §20)."""

from __future__ import annotations

import json
from typing import Any

W, H = 320, 200


def image_labels(response: dict[str, Any]) -> dict[str, Any]:
    """Labels by field for a list of shapes: coordinates as shares of the frame, other geometries left out."""
    found: dict[str, Any] = {}
    for name, value in (response.get("global_attributes") or {}).items():
        several = isinstance(value, list)
        labels = [{"label": v, "attributes": {}} for v in (value if several else [value])]
        found[name] = labels if several else labels[0]
    for shape in response["annotations"]:
        item: dict[str, Any] = {"label": shape.get("label"), "attributes": shape.get("attributes") or {}}
        if shape["type"] == "box":
            item["bounding_box"] = share(shape["left"], shape["top"]) + share(shape["width"], shape["height"])
            found.setdefault("detections", []).append(item)
        elif shape["type"] in ("polygon", "line"):
            whole = shape["type"] == "polygon"
            item |= {
                "points": [[share(v["x"], v["y"]) for v in shape["vertices"]]],
                "closed": whole,
                "filled": whole,
            }
            found.setdefault("polylines", []).append(item)
        elif shape["type"] == "point":
            found.setdefault("keypoints", []).append({**item, "points": [share(shape["x"], shape["y"])]})
    return found


def share(x: float, y: float) -> list[float]:
    """A place or size as shares of the frame."""
    return [x / W, y / H]


def track_frames(tracks: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """Labels by source frame and field for tracks and events; tracks of other geometries than boxes are left out."""
    frames: dict[str, Any] = {}
    for index, track in enumerate(tracks.values(), start=1):
        for entry in track["frames"] if track["geometry"] == "box" else ():
            item = {
                "label": track["label"],
                "index": index,
                "attributes": entry["attributes"],
                "bounding_box": share(entry["left"], entry["top"]) + share(entry["width"], entry["height"]),
            }
            frames.setdefault(str(entry["key"]), {}).setdefault("detections", []).append(item)
    for event in events:
        for number in range(event["start"], event.get("end", event["start"]) + 1):
            label = {"label": event["label"], "attributes": {}}
            frames.setdefault(str(number), {}).setdefault("events", []).append(label)
    return frames


def same(a: Any, b: Any) -> bool:
    """Equal but for rounding of floats."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) or isinstance(b, float):
        return abs(a - b) < 1e-9
    return a == b


def difference(a: Any, b: Any) -> str:
    """Both, shortened, for a message."""
    return f"read {json.dumps(a)[:600]} instead of {json.dumps(b)[:600]}"
