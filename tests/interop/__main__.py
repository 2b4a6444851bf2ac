"""Check with FiftyOne, which imports our answers and whose exports become our pre-labels. `make interop`; needs the package index.

FiftyOne is installed into an environment of its own (1 GB), which is removed afterwards; `STEELYARD_INTEROP_PYTHON` names the Python of
one that is to be used, and kept, instead. Its database is not needed.
"""

from __future__ import annotations

import functools
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Callable, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image

from steelyard.task_types import RESULT_URL, TASK_TYPES, Answer
from steelyard.task_types._shared.video_sampling import frame_samples
from tests.interop.cases import (
    CLIP,
    FPS,
    FRAME_TASKS,
    IMAGE,
    IMAGE_TASKS,
    MEDIA,
    PLAYBACK_TASKS,
    SEGMENT_TASKS,
    answer,
    file,
    parsed,
    plain,
)
from tests.interop.expected import difference, image_labels, same, track_frames

VERSION = "1.22.1"
_PLAYBACK = PLAYBACK_TASKS["videoplaybackannotation"]
_BOX = {"box": {"objects_to_annotate": ["van"]}}
LIMITS: dict[str, tuple[str, dict[str, Any], str]] = {
    "annotation-without-type": (
        "annotation",
        {**IMAGE_TASKS["annotation"][1], "legacy_annotation_ids": False},
        "KeyError: 'type'",
    ),
    "global-number": (
        "imageannotation",
        {
            "attachment": IMAGE,
            "geometries": _BOX,
            "annotation_attributes": {
                "cars": {"type": "number", "min": 0, "max": 9, "conditions": {"is_global": True}}
            },
        },
        "StringField only accepts string values",
    ),
    "attribute-called-label": (
        "imageannotation",
        {
            "attachment": IMAGE,
            "geometries": _BOX,
            "annotation_attributes": {"label": {"choices": ["a", "b"]}},
        },
        "multiple values for keyword argument 'label'",
    ),
    "playback-without-labels": (_PLAYBACK[0], {**_PLAYBACK[1], "with_labels": False}, "KeyError: 'label'"),
    "playback-without-x-and-y": (
        _PLAYBACK[0],
        {**_PLAYBACK[1], "playback_box_xy_alias": False},
        "KeyError: 'x'",
    ),
}
"""What this version of FiftyOne cannot read, and how it says so; should it learn to, the check tells."""
FULLEST_FRAMES = {f"{name}-fullest-frame": task for name, task in FRAME_TASKS.items()}
"""The same videos, of which FiftyOne gets the frame with most shapes as if it were an image."""
TASKS = {name: (kind, params) for name, (kind, params, _) in LIMITS.items()} | {
    **FULLEST_FRAMES,
    **IMAGE_TASKS,
    **SEGMENT_TASKS,
    **PLAYBACK_TASKS,
    **FRAME_TASKS,
}
PLAIN = {"box", "polygon", "line", "point"}


class Quiet(SimpleHTTPRequestHandler):
    """Serves result files without a log."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def prepare(folder: Path, port: int, answers: dict[str, Answer]) -> None:
    """Write every task as the API returns it, with its files behind links."""
    listed: list[dict[str, Any]] = []
    for name, found in answers.items():
        own = folder / name
        own.mkdir()
        for f in found.files:
            (own / f.name).parent.mkdir(parents=True, exist_ok=True)
            (own / f.name).write_bytes(f.content)
        response = fullest_frame(found) if name in FULLEST_FRAMES else plain(found)
        text = json.dumps(response).replace(RESULT_URL, f"http://127.0.0.1:{port}/{name}/")
        task = {"task_id": name, "response": json.loads(text), "task": {"params": full_params(*TASKS[name])}}
        (own / "task.json").write_text(json.dumps([task]))
        video = "video" in TASKS[name][0] and name not in FULLEST_FRAMES
        listed.append(
            {
                "id": name, "media": "video" if video else "image", "width": MEDIA.width, "height": MEDIA.height,
                "fps": FPS, "frames": int(FPS * (MEDIA.duration_s or 0)),
            }
        )  # fmt: skip
    (folder / "tasks.json").write_text(json.dumps(listed))


def full_params(kind: str, params: dict[str, Any]) -> dict[str, Any]:
    """Params with the defaults that are echoed."""
    return {**TASK_TYPES[kind].default_params(parsed(kind, params)), **params}


def fullest_frame(found: Answer) -> dict[str, Any]:
    """The entry with most shapes of a file by frame."""
    frames = json.loads(file(found, plain(found)["annotations"]["url"]))
    return max(frames, key=lambda frame: len(frame["annotations"]))


def agreement(kind: str, params: dict[str, Any], a: Any, b: Any) -> float:
    """Score of two answers."""
    return TASK_TYPES[kind].agreement(parsed(kind, params), a, b, MEDIA).score


def check_image(name: str, found: Answer, read: dict[str, Any], own: Path) -> str:
    """Shapes are read as meant, and what is exported is accepted as a hypothesis and is the same drawing."""
    kind, params = TASKS[name]
    response = plain(found)
    if "error" in read:
        raise AssertionError(read["error"])
    want = image_labels(response)
    assert same(read["labels"], want), difference(read["labels"], want)
    kept = [s for s in response["annotations"] if s["type"] in PLAIN]
    export = json.loads((own / "export.json").read_text())[name]["hypothesis"]
    if params.get("with_labels") is False or not kept:
        return f"{len(kept)} of {len(response['annotations'])} shapes read"
    given = {**params, "hypothesis": export}
    hypothesis = TASK_TYPES[kind].hypothesis(parsed(kind, given))
    assert hypothesis is not None
    assert len(hypothesis["annotations"]) == len(kept)
    original = {
        **response,
        "annotations": [{k: v for k, v in s.items() if k not in ("rotation",)} for s in kept],
    }
    for shape in original["annotations"]:
        if shape["type"] == "box":
            shape.pop("vertices", None)
    score = agreement(kind, params, original, hypothesis)
    assert score > 0.9, score
    return f"{len(kept)} of {len(response['annotations'])} shapes read; export as hypothesis agrees by {score:.3f}"


def check_segments(name: str, found: Answer, read: dict[str, Any], own: Path) -> str:
    """The pixels and what they mean."""
    if "error" in read:
        raise AssertionError(read["error"])
    response = plain(found)
    with Image.open(io.BytesIO(file(found, response["annotations"]["combined"]["indexedImage"]))) as image:
        want = np.asarray(image)
    got = np.load(own / "mask.npy")
    channels = "" if got.ndim == 2 else f" (read as {got.shape[2]} equal channels)"
    if got.ndim == 3:
        assert (got == got[:, :, :1]).all()
        got = got[:, :, 0]
    assert (got == want).all()
    mapping = {
        str(entry["index"]): label
        for label, value in response["labelMapping"].items()
        for entry in (value if isinstance(value, list) else [value])
    }
    segmentation = read["labels"]["segmentation"]
    assert segmentation["label_map"] == mapping, difference(segmentation["label_map"], mapping)
    return f"{want.shape[1]} × {want.shape[0]} pixels and {len(mapping)} indices read{channels}"


def check_playback(name: str, found: Answer, read: dict[str, Any], own: Path) -> str:
    """Box tracks and events are read as meant; the export is read as the same tracks."""
    if "error" in read:
        raise AssertionError(read["error"])
    kind, params = TASKS[name]
    response = plain(found)
    content = {k: json.loads(file(found, response[k]["url"])) for k in ("annotations", "events")}
    want = track_frames(content["annotations"]["annotations"], content["events"]["events"])
    assert same(read["frames"], want), difference(read["frames"], want)
    boxes = {u: t for u, t in content["annotations"]["annotations"].items() if t["geometry"] == "box"}
    exported = json.loads((own / "tracks" / f"{name}.json").read_text())
    events = json.loads((own / "tracks-events" / f"{name}.json").read_text())
    score = agreement(
        kind,
        params,
        {"annotations": {"annotations": boxes}, "events": content["events"]},
        {"annotations": exported, "events": events},
    )
    assert score > 0.9, score
    by_frame = json.loads((own / "frames" / f"{name}.json").read_text())
    boxes_by_frame = parsed("videoannotation", {"attachment": CLIP, "geometries": _BOX})
    counted = TASK_TYPES["videoannotation"].summarize(boxes_by_frame, {"annotations": by_frame})
    assert counted["annotations"] == sum(len(t["frames"]) for t in boxes.values()), counted
    assert len(by_frame) == len(read["frames"])
    return f"{len(boxes)} box tracks and {len(content['events']['events'])} events read; export agrees by {score:.3f}"


def check_frames(name: str, found: Answer, read: dict[str, Any], own: Path) -> str:
    """FiftyOne fails on the array that the type demands; should it learn to read it, this tells."""
    kind, params = TASKS[name]
    entries = json.loads(file(found, plain(found)["annotations"]["url"]))
    if "attachments" not in params:
        assert len(read["numbers"]) == len(entries), (read["numbers"], len(entries))
        samples = [s.key for s in frame_samples(parsed(kind, params), MEDIA)]
        assert read["numbers"] == samples, difference(read["numbers"], samples)
    assert "'list' object has no attribute 'get'" in read.get("error", ""), read
    alike = "" if "attachments" in params else ", numbered alike"
    return f"{len(entries)} frames{alike}; not readable by this version: {read['error']}"


def check_fullest_frame(name: str, found: Answer, read: dict[str, Any], own: Path) -> str:
    """A frame of the array has the form of an image's answer."""
    assert "error" not in read, read
    response = fullest_frame(found)
    want = image_labels(response)
    assert same(read["labels"], want), difference(read["labels"], want)
    known = sum(shape["type"] in PLAIN for shape in response["annotations"])
    return f"{known} of {len(response['annotations'])} shapes of the fullest frame read"


def check_limit(name: str, found: Answer, read: dict[str, Any], own: Path) -> str:
    """The failure is the known one."""
    assert LIMITS[name][2] in read.get("error", ""), read
    return "not readable: " + read["error"]


CHECKS: list[tuple[Mapping[str, Any], Callable[[str, Answer, dict[str, Any], Path], str]]] = [
    (IMAGE_TASKS, check_image),
    (SEGMENT_TASKS, check_segments),
    (PLAYBACK_TASKS, check_playback),
    (FRAME_TASKS, check_frames),
    (FULLEST_FRAMES, check_fullest_frame),
    (LIMITS, check_limit),
]


def install(folder: Path) -> str:
    """FiftyOne in an environment of its own; its Python."""
    print(f"Installing fiftyone {VERSION}, about 1 GB …", flush=True)
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        f"fiftyone=={VERSION}",
    ]
    subprocess.run(command, check=True)
    return python


def main() -> int:
    """Print a line for each task; the exit code is 1 if one is not as expected."""
    with tempfile.TemporaryDirectory(prefix="steelyard-interop-") as name:
        folder = Path(name)
        python = os.environ.get("STEELYARD_INTEROP_PYTHON") or install(folder / "venv")
        data = folder / "data"
        data.mkdir()
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(data)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answers = {task: answer(*TASKS[task]) for task in TASKS}
        prepare(data, server.server_address[1], answers)
        side = Path(__file__).with_name("fiftyone_side.py")
        env = {**os.environ, "HOME": str(folder), "FIFTYONE_DATABASE_DIR": str(folder / "db")}
        subprocess.run([python, str(side), str(data)], check=True, env=env)
        server.shutdown()
        failed = 0
        for tasks, check in CHECKS:
            for task in tasks:
                read = msgspec.json.decode((data / task / "labels.json").read_bytes())
                try:
                    print(f"  {task}: {check(task, answers[task], read, data / task)}")
                except AssertionError as error:
                    failed += 1
                    print(f"  {task}: FAILED: {error}")
                if read.get("ignored"):
                    print("    says:", "; ".join(read["ignored"]))
    print("interop: failed" if failed else "interop: fine")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
