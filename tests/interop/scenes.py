"""Check with scale-sensor-fusion-io, the published library for sensor fusion scenes. `make interop`; needs the package index.

The library is installed into an environment of its own (0.5 GB), which is removed afterwards; `STEELYARD_SCENES_PYTHON` names the Python
of one that is to be used, and kept, instead. It takes Python 3.10 and 3.11 only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from steelyard.lidar import jsonbinary
from steelyard.lidar.annotations import SceneCuboid, cuboid_of
from steelyard.lidar.cameras import project
from steelyard.lidar.scene import Scene, SceneError, read_scene
from steelyard.task_types import RESULT_URL, TASK_TYPES, MediaInfo

VERSION = "0.5.4"
HALF = float(np.sqrt(0.5))
POSES = {"timestamps": [0, 100_000], "values": [[0, 0, 0, 0, 0, 0, 1], [10, 0, 2, 0, 0, HALF, HALF]]}
STILL = {"timestamps": [0], "values": [[1, 2, 3, 0.1825742, 0.3651484, 0.5477226, 0.7302967]]}
TIMES = [-5, 0, 25_000, 99_000, 100_000, 250_000]
POINTS = np.random.default_rng(7).uniform(-20, 20, (200, 3)).round(3)

F32, U8 = np.float32, np.uint8


def lidar(**more: Any) -> dict[str, Any]:
    cloud = np.random.default_rng(3)
    frames = [
        {
            "timestamp": t,
            "points": {
                "positions": cloud.uniform(-30, 30, (n, 3)).astype(F32),
                "colors": cloud.integers(0, 256, (n, 3)).astype(U8),
                "intensities": cloud.integers(0, 256, n).astype(U8),
                "timestamps": np.arange(t, t + n, dtype=np.uint32),
            },
        }
        for t, n in ((0, 5), (100_000, 7))
    ]
    return {"id": "top", "type": "lidar", "poses": POSES, "frames": frames, "coordinates": "world", **more}


def one_frame(**points: Any) -> dict[str, Any]:
    return lidar(frames=[{"timestamp": 50, "points": {"positions": np.zeros((2, 3), dtype=F32), **points}}])


def at(*stamps: int) -> dict[str, Any]:
    return lidar(
        frames=[{"timestamp": t, "points": {"positions": np.zeros((1, 3), dtype=F32)}} for t in stamps]
    )


def camera(model: str | None = None, params: tuple[float, ...] = (), **more: Any) -> dict[str, Any]:
    distortion = None if model is None else {"model": model, "params": list(params)}
    inner = {
        "fx": 800,
        "fy": 810,
        "cx": 640,
        "cy": 360,
        "width": 1280,
        "height": 720,
        "distortion": distortion,
    }
    images = [{"timestamp": t, "content": np.frombuffer(b"\xff\xd8\xff", dtype=U8)} for t in (0, 100_000)]
    return {
        "id": model or "pinhole",
        "type": "camera",
        "poses": STILL,
        "intrinsics": inner,
        "images": images,
        **more,
    }


RADAR = {
    "id": "radar", "type": "radar", "poses": STILL, "coordinates": "world",
    "frames": [{"timestamp": 0, "points": {"positions": np.ones((2, 3), dtype=F32), "directions": np.ones((2, 3), dtype=F32)}}],
}  # fmt: skip
CAMERAS = [
    camera(),
    # Without tangential coefficients, whose order the library has its own idea of (task-types-lidar §5.2).
    camera("brown_conrady", (-0.2, 0.05, 0.0, 0.0, -0.004)),
    # No fisheye: the library works out θ ÷ ρ for it and then leaves it out; ours is checked against OpenCV.
    camera("omnidirectional", (-0.1, 0.02, 0.0, 0.0, 0.0, 0.0, 0.8)),
    camera("mod_equi_fish", (0.0, 0.01, -0.003, 0.001)),
    camera("mod_kannala", (0.01, -0.003, 0.001, -0.0002)),
]
KINDS = ["cuboid", "polygon_topdown", "polyline", "event", "box_2d", "polygon_2d", "point_segmentation"]


def scene(*sensors: Any, **more: Any) -> dict[str, Any]:
    return {"version": "1.0", "time_unit": "microseconds", "time_offset": 5, "sensors": list(sensors), **more}


def answer() -> list[dict[str, Any]]:
    """Annotations of an answer made up for a task about the scene."""
    kind = TASK_TYPES["sensorfusion"]
    params = {
        "attachments": ["https://assets.example.org/scene.sfs"],
        "scene_format": "sensor_fusion",
        "annotation_definition": [{"type": name, "labels": ["a", "b"]} for name in KINDS],
        "is_frameless": False,
    }
    made = kind.test_answer(kind.parse_params(msgspec.json.encode(params)), "scenes", MediaInfo())
    files = {RESULT_URL + f.name: f.content for f in made.files}
    return json.loads(files[made.response["annotations"]["url"]])["annotations"]


def with_arrays(annotations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Point numbers as the typed arrays that a container has."""
    for annotation in annotations:
        for points in annotation.get("labeled_points", ()):
            points["point_ids"] = np.array(points["point_ids"], dtype=np.uint32)
    return annotations


WHOLE = {
    "sweeps": scene(lidar(), RADAR),
    "cameras": scene(lidar(), *CAMERAS),
    "answer": scene(lidar(), camera(), annotations=with_arrays(answer())),
}
BROKEN = {
    "version": {**scene(lidar()), "version": "2.0"},
    "same-id": scene(lidar(), lidar()),
    "offset": scene(lidar(), time_offset=-1),
    "unit": scene(lidar(), time_unit="hours"),
    "negative": scene(at(-5, 100_000)),
    "order": scene(at(5, 5)),
    "absolute": scene(at(100_000_001)),
    "rate": scene(at(0, 5_000)),
    "empty": scene(lidar(frames=[])),
    "float64": scene(one_frame(positions=np.zeros((2, 3)))),
    "colors": scene(one_frame(colors=np.zeros((3, 3), dtype=U8))),
    "intensities": scene(one_frame(intensities=np.zeros(3, dtype=U8))),
    "late": scene(one_frame(timestamps=np.array([60, 49], dtype=np.uint32))),
    "directions": scene({**one_frame(directions=np.zeros((3, 3), dtype=F32)), "type": "radar"}),
    "neither": scene(camera(images=None)),
    "sonar": scene(lidar(type="sonar")),
}


class Differs(Exception):
    """The library finds something else than we do."""


def alike(what: str, ours: Any, theirs: Any, tolerance: float = 1e-6) -> None:
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if a.shape != b.shape or not np.allclose(a, b, atol=tolerance, rtol=1e-9, equal_nan=True):
        raise Differs(f"{what}: {ours} and {theirs}")


def check_whole(document: dict[str, Any], found: Scene, theirs: dict[str, Any]) -> str:
    """Points, poses between their moments, pixels and cuboids are the same numbers."""
    compared = 0
    for sensor, other in zip(found.sensors, theirs["sensors"], strict=True):
        for sweep, positions in zip(sensor.sweeps, other.get("positions", ()), strict=False):
            alike(f"{sensor.id} positions", sweep.positions, positions)
        for picture, content in zip(sensor.pictures, other.get("content", ()), strict=True):
            alike(f"{sensor.id} content", picture.content, content)
        if sensor.poses is not None:
            for time, row in zip(TIMES, other["poses"], strict=True):
                place, q = sensor.poses.at(time)
                alike(f"{sensor.id} place at {time}", place, row[:3])
                turn = np.array([q.x, q.y, q.z, q.w])
                alike(f"{sensor.id} heading at {time}", turn * np.sign(turn @ row[3:]), row[3:])
        looks = sensor.camera_at(0)
        if looks is None:
            continue
        pixels, _ = project(looks, POINTS)
        for mine, its in zip(pixels, other["pixels"], strict=True):
            # What the library calls valid may be outside the image; what we call invalid is NaN only beyond the limits of a model.
            if its is not None and np.isfinite(mine).all():
                alike(f"{sensor.id} pixel", mine, its, 1e-4)
                compared += 1
    tracks = {str(a.id): a for a in found.annotations if isinstance(a, SceneCuboid)}
    if tracks.keys() != theirs["cuboids"].keys():
        raise Differs(f"cuboids {sorted(tracks)} and {sorted(theirs['cuboids'])}")
    for key, track in tracks.items():
        other = theirs["cuboids"][key]
        if track.path.timestamps != other["times"]:
            raise Differs(f"times of {key}")
        for row, matrix in zip(track.path.values, other["matrices"], strict=True):
            box = cuboid_of(row)
            alike(f"{key} centre", box.position, np.array(matrix)[:3, 3])
            corner = np.array(box.position) + np.array(box.axes()) @ (np.array(box.dimensions) / 2)
            alike(f"{key} corner", corner, (np.array(matrix) @ [0.5, 0.5, 0.5, 1])[:3], 1e-5)
    kinds = sorted({a["type"] for a in document.get("annotations", ())})
    if kinds != theirs["annotations"]:
        raise Differs(f"annotations {kinds} and {theirs['annotations']}")
    return f"{len(found.sensors)} sensors, {compared} pixels, {len(tracks)} cuboids, {len(found.annotations)} annotations alike"


def look(folder: Path, name: str, document: dict[str, Any]) -> str:
    """One scene: read by both, written by both."""
    theirs = json.loads((folder / f"{name}.json").read_text())
    if name in BROKEN:
        try:
            read_scene((folder / f"{name}.sfs").read_bytes())
        except SceneError as error:
            ours = error.problems
        else:
            raise Differs("we take it")
        if not theirs["problems"]:
            raise Differs(f"the library takes it, we say {ours}")
        return f"refused by both: {ours[0].errors[0]!r}, {theirs['problems'][0]['errors'][0]!r}"
    if theirs["problems"]:
        raise Differs(f"the library refuses it: {theirs['problems']}")
    for which in (f"{name}.sfs", f"{name}.theirs.sfs"):
        told = check_whole(document, read_scene((folder / which).read_bytes()), theirs)
    return told


def install(folder: Path) -> str:
    """The library in an environment of its own; its Python."""
    print(f"Installing scale-sensor-fusion-io {VERSION}, about 0.5 GB …", flush=True)
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    wanted = f"scale-sensor-fusion-io=={VERSION}"
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted]
    subprocess.run(command, check=True)
    return python


def main() -> int:
    """Print a line for each scene; the exit code is 1 if one is not as expected."""
    if sys.version_info[:2] not in ((3, 10), (3, 11)) and "STEELYARD_SCENES_PYTHON" not in os.environ:
        print("scenes: left out, the published library needs Python 3.10 or 3.11 (STEELYARD_SCENES_PYTHON)")
        return 0
    with tempfile.TemporaryDirectory(prefix="steelyard-scenes-") as name:
        folder = Path(name)
        python = os.environ.get("STEELYARD_SCENES_PYTHON") or install(folder / "venv")
        every = {**WHOLE, **BROKEN}
        for scene_name, document in every.items():
            (folder / f"{scene_name}.sfs").write_bytes(jsonbinary.encode(document))
        ask = {"scenes": list(every), "whole": list(WHOLE), "times": TIMES, "points": POINTS.tolist()}
        (folder / "ask.json").write_text(json.dumps(ask))
        subprocess.run([python, str(Path(__file__).with_name("scenes_side.py")), str(folder)], check=True)
        failed = 0
        for scene_name, document in every.items():
            try:
                print(f"  {scene_name}: {look(folder, scene_name, document)}")
            except Differs as error:
                failed += 1
                print(f"  {scene_name}: FAILED: {error}")
    print("scenes: failed" if failed else "scenes: fine")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
