"""What checking, comparing and writing answers of task types costs: in this process, on one processor, without database and network.

Each figure is the best of its rounds: what the code costs when nothing else runs. The check of a drawing is compared, round by round,
with the decoding of the same bytes to plain objects.
"""

from __future__ import annotations

import random
import statistics
import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from steelyard.lidar.cameras import Camera, Distortion, project
from steelyard.task_types import TASK_TYPES, MediaInfo
from steelyard.task_types._shared.segments import Segment, encode_segments, label_color
from tests.bench.report import Report, Row

IMAGE = MediaInfo(4000, 3000)
LABELS = ["car", "van", "tree", "person", "sign"]
ROUNDS = 5


def measure(report: Report, rounds: int = ROUNDS) -> None:
    """All figures of issue "Task types: Speed"."""
    report.heading("Task types (one processor, best of the rounds)")
    _drawing(report, rounds)
    _drawing_agreement(report, rounds)
    _segmentation(report, rounds)
    _points(report, rounds)
    _projection(report, rounds)


def _seconds(work: Callable[[], Any], rounds: int) -> list[float]:
    found: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return found


def _add(report: Report, case: str, seconds: list[float], target: float) -> None:
    report.add(Row(case, min(seconds), "s", target=target, bound="at most", judged="value", rounds=seconds))


def _drawing_params() -> Any:
    body = {
        "attachment": "https://assets.example.org/a.jpg",
        "geometries": {
            "box": {"objects_to_annotate": LABELS, "min_width": 2, "min_height": 2},
            "polygon": {"objects_to_annotate": LABELS, "min_vertices": 3},
        },
        "annotation_attributes": {"hidden": {"choices": ["yes", "no"]}},
    }
    return TASK_TYPES["imageannotation"].parse_params(msgspec.json.encode(body))


def drawn(count: int, vertices: int, seed: int) -> dict[str, Any]:
    """An answer of boxes and polygons in turns, with an attribute each."""
    rng = random.Random(seed)
    annotations: list[dict[str, Any]] = []
    for i in range(count):
        left, top = rng.uniform(0, 3800), rng.uniform(0, 2800)
        shape: dict[str, Any] = {
            "uuid": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "label": LABELS[i % len(LABELS)],
            "attributes": {"hidden": rng.choice(["yes", "no"])},
        }
        if i % 2:
            # Radii at growing angles: outlines that do not cross themselves.
            angles = [2 * np.pi * k / vertices for k in range(vertices)]
            outline = [
                {
                    "x": round(left + 90 + rng.uniform(40, 90) * float(np.cos(a)), 2),
                    "y": round(top + 90 + rng.uniform(40, 90) * float(np.sin(a)), 2),
                }
                for a in angles
            ]
            annotations.append({**shape, "type": "polygon", "vertices": outline})
        else:
            size = {"width": round(rng.uniform(5, 190), 2), "height": round(rng.uniform(5, 190), 2)}
            annotations.append({**shape, "type": "box", "left": round(left, 2), "top": round(top, 2), **size})
    return {"annotations": annotations, "global_attributes": {}, "links": []}


def _drawing(report: Report, rounds: int) -> None:
    kind, params = TASK_TYPES["imageannotation"], _drawing_params()
    data = msgspec.json.encode(drawn(5_000, 24, 1))
    issues, _ = kind.check_response(params, data, IMAGE)
    assert issues == [], issues[:3]
    plain: list[float] = []
    checked: list[float] = []
    for _ in range(rounds * 3):
        plain += _seconds(lambda: msgspec.json.decode(data), 1)
        checked += _seconds(lambda: kind.check_response(params, data, IMAGE), 1)
    each = [ours / theirs for ours, theirs in zip(checked, plain, strict=True)]
    report.add(
        Row(
            f"check imageannotation, 5,000 shapes, {len(data) / 1e6:.1f} MB",
            min(checked) * 1000,
            "ms",
            of="decoding the same bytes",
            ratio=statistics.median(each),
            target=5,
            bound="at most",
            rounds=each,
        )
    )


def _drawing_agreement(report: Report, rounds: int) -> None:
    kind, params = TASK_TYPES["imageannotation"], _drawing_params()
    one = drawn(1_000, 12, 2)
    other = drawn(1_000, 12, 2)
    rng = random.Random(3)
    for shape in other["annotations"]:  # the same things, drawn by another hand
        for place in shape.get("vertices", []):
            place["x"] += rng.uniform(-4, 4)
            place["y"] += rng.uniform(-4, 4)
        if "left" in shape:
            shape["left"] = max(0.0, shape["left"] + rng.uniform(-4, 4))
    kind.agreement(params, one, other, IMAGE)  # loads the libraries
    seconds = _seconds(lambda: kind.agreement(params, one, other, IMAGE), rounds)
    _add(report, "agreement of two answers of 1,000 shapes", seconds, 1.0)


def _segmentation(report: Report, rounds: int) -> None:
    raster = np.ones((3000, 4000), dtype=np.uint16)
    for i in range(500):
        top, left = (i // 25) * 150, (i % 25) * 160
        raster[top + 10 : top + 120, left + 10 : left + 130] = i + 2
    segments = [Segment(1, "sea", False, label_color(0, 2))]
    segments += [Segment(i + 2, "boat", True, label_color(1, 2, i)) for i in range(500)]
    seconds = _seconds(lambda: encode_segments(raster, segments, ["sea"]), rounds)
    _add(report, "segmentation files, 12 megapixels, 500 instances", seconds, 2.0)


def _points(report: Report, rounds: int) -> None:
    kind = TASK_TYPES["lidarsegmentation"]
    body = {
        "attachments": [f"https://assets.example.org/{i}.json" for i in range(20)],
        "labels": ["road", "wall", {"choice": "car", "instance_label": True}],
        "allow_unlabeled": False,
    }
    params = kind.parse_params(msgspec.json.encode(body))
    objects = [{"label": "road", "index": 1}, {"label": "wall", "index": 2}]
    objects += [
        {"label": "car", "index": i, "instance": True, "uuid": str(uuid.uuid4())} for i in range(3, 60)
    ]
    rng = np.random.default_rng(4)
    frames = [rng.integers(1, 60, 100_000).tolist() for _ in range(20)]
    answer = {"point_segmentations": {"objects": objects, "point_objects": frames}}
    data = msgspec.json.encode(answer)

    def check_and_write() -> None:
        issues, stored = kind.check_response(params, data, MediaInfo())
        assert issues == [], issues[:3]
        assert stored

    _add(
        report, "check and write lidarsegmentation, 2 million points", _seconds(check_and_write, rounds), 1.0
    )


def _projection(report: Report, rounds: int) -> None:
    camera = Camera(
        fx=1200.0,
        fy=1200.0,
        cx=960.0,
        cy=540.0,
        distortion=Distortion(k1=-0.2, k2=0.05, p1=0.001, p2=-0.002, k3=-0.004),
        width=1920,
        height=1080,
    )
    points = np.random.default_rng(5).uniform((-40, -20, -5), (40, 20, 90), (1_000_000, 3))
    for model in ("brown_conrady", "fisheye"):
        chosen = msgspec.structs.replace(camera, model=model)
        seconds = _seconds(lambda chosen=chosen: project(chosen, points), rounds)
        _add(report, f"projection of 1 million points ({model})", seconds, 0.5)


if __name__ == "__main__":
    measure(Report({}))
