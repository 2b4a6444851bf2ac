"""What programs that read our answers, or write what we read, count on (task-types-2d §20). FiftyOne itself: `make interop`."""

import io
import json
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from steelyard.errors import InvalidRequest
from steelyard.task_types import TASK_TYPES, Answer
from tests.interop.cases import (
    CLIP,
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

SEEDS = [f"seed-{n}" for n in range(10)]
BOX = {"box": {"objects_to_annotate": ["van"]}}


def number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def check_shape(shape: dict[str, Any]) -> None:
    """The keys that FiftyOne takes from each shape, and panlabel's rules on labels and rotation."""
    needs = {
        "box": ("left", "top", "width", "height"), "point": ("x", "y"),
        "polygon": (), "line": (), "ellipse": (), "cuboid": (),
    }[shape["type"]]  # fmt: skip
    assert all(number(shape[key]) for key in needs), shape
    if shape["type"] in ("polygon", "line"):
        assert all(number(v["x"]) and number(v["y"]) for v in shape["vertices"])
        assert len(shape["vertices"]) > 1
    assert isinstance(shape.get("attributes", {}), dict)
    assert shape.get("label", "absent") != ""
    assert "rotation" not in shape or "vertices" in shape


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", IMAGE_TASKS)
def test_every_shape_of_an_image_has_the_type_and_keys_that_readers_take(name: str, seed: str):
    response = plain(answer(*IMAGE_TASKS[name], seed))
    assert isinstance(response["annotations"], list)
    assert response["annotations"]
    for shape in response["annotations"]:
        check_shape(shape)
    for value in response.get("global_attributes", {}).values():
        assert isinstance(value, str) or all(isinstance(v, str) for v in value)


def test_a_rotated_box_still_has_its_unrotated_sides():
    shapes = [
        shape
        for seed in SEEDS
        for shape in plain(answer(*IMAGE_TASKS["imageannotation-rotated-padded"], seed))["annotations"]
    ]
    rotated = [shape for shape in shapes if shape.get("rotation")]
    assert rotated
    for shape in rotated:
        x = sum(v["x"] for v in shape["vertices"]) / 4
        y = sum(v["y"] for v in shape["vertices"]) / 4
        assert x == pytest.approx(shape["left"] + shape["width"] / 2, abs=0.02)
        assert y == pytest.approx(shape["top"] + shape["height"] / 2, abs=0.02)


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_a_segmentation_has_an_indexed_image_whose_pixels_the_label_mapping_names(seed: str):
    found = answer(*SEGMENT_TASKS["segmentannotation"], seed)
    response = plain(found)
    assert set(response["annotations"]) == {"unlabeled", "labeled", "combined"}
    with Image.open(io.BytesIO(file(found, response["annotations"]["combined"]["indexedImage"]))) as image:
        assert image.format == "PNG"
        assert image.size == (MEDIA.width, MEDIA.height)
        pixels = np.asarray(image)
    assert pixels.ndim == 2
    indices = [
        entry["index"]
        for value in response["labelMapping"].values()
        for entry in (value if isinstance(value, list) else [value])
    ]
    assert len(indices) == len(set(indices))
    assert set(np.unique(pixels).tolist()) - {0} <= set(indices)


def content(found: Answer, part: str) -> Any:
    return json.loads(file(found, plain(found)[part]["url"]))


@pytest.mark.parametrize("seed", SEEDS[:3])
@pytest.mark.parametrize("name", PLAYBACK_TASKS)
def test_playback_files_have_boxes_with_x_and_y_and_events_between_whole_frames(name: str, seed: str):
    found = answer(*PLAYBACK_TASKS[name], seed)
    root = content(found, "annotations")
    assert isinstance(root, dict)
    boxes = [t for t in root["annotations"].values() if t["geometry"] == "box"]
    assert boxes
    for track in root["annotations"].values():
        assert isinstance(track["label"], str)
        assert [f["key"] for f in track["frames"]] == sorted({f["key"] for f in track["frames"]})
    for frame in (f for track in boxes for f in track["frames"]):
        assert isinstance(frame["key"], int)
        assert all(number(frame[key]) for key in ("x", "y", "width", "height"))
        assert (frame["x"], frame["y"]) == (frame["left"], frame["top"])
        assert isinstance(frame["attributes"], dict)
    check_events(content(found, "events"))


def check_events(root: Any) -> None:
    assert root["events"]
    for event in root["events"]:
        assert isinstance(event["label"], str)
        assert event["type"] in ("point", "range")
        assert isinstance(event["start"], int)
        if event["type"] == "range":
            assert isinstance(event["end"], int)
            assert event["end"] > event["start"]
        assert isinstance(event.get("attributes", {}), dict)


@pytest.mark.parametrize("name", FRAME_TASKS)
def test_files_by_frame_are_arrays_of_image_answers(name: str):
    kind, params = FRAME_TASKS[name]
    found = answer(kind, params)
    frames = content(found, "annotations")
    assert isinstance(frames, list)
    assert any(frame["annotations"] for frame in frames)
    for frame in frames:
        for shape in frame["annotations"]:
            check_shape(shape)
    if "events_to_annotate" in params:
        check_events(content(found, "events"))


@pytest.mark.parametrize(
    ("kind", "params", "source"),
    [
        ("videoannotation", {"attachment": CLIP, "geometries": BOX}, "video"),
        ("videoannotation", {"attachments": [IMAGE], "geometries": BOX}, "image"),
        ("videoboxannotation", {"attachment": CLIP, "objects_to_annotate": ["van"]}, "video"),
        ("videocuboidannotation", {"attachments": [IMAGE], "objects_to_annotate": ["van"]}, "image"),
    ],
)
def test_a_video_task_says_what_is_attached_even_where_its_creator_does_not(
    kind: str, params: dict[str, Any], source: str
):
    assert TASK_TYPES[kind].default_params(parsed(kind, params))["attachment_type"] == source


EXPORTED = {
    "annotations": [
        {"type": "box", "label": "van", "uuid": "1", "left": 10.1, "top": 20.2, "width": 30.3, "height": 40.4},
        {"type": "polygon", "label": "lawn", "uuid": "2",
         "vertices": [{"x": 1.5, "y": 2.5}, {"x": 90.1, "y": 2.5}, {"x": 40.0, "y": 60.7}],
         "attributes": {"confidence": 0.75, "parked": "yes"}},
        {"type": "line", "label": "kerb", "uuid": "3", "vertices": [{"x": 0.0, "y": 0.0}, {"x": 9.9, "y": 8.8}]},
        {"type": "point", "label": "lamp", "uuid": "4", "x": 3.3, "y": 4.4},
    ],
    "global_attributes": {"weather": "sun"},
}  # fmt: skip


def test_a_hypothesis_that_fiftyone_exports_is_taken_as_it_is():
    kind, params = IMAGE_TASKS["imageannotation"]
    task = parsed(kind, {**params, "hypothesis": EXPORTED})
    hypothesis = TASK_TYPES[kind].hypothesis(task)
    assert hypothesis is not None
    assert hypothesis["global_attributes"] == {"weather": "sun"}
    given = [{k: v for k, v in a.items() if k != "attributes"} for a in EXPORTED["annotations"]]
    kept = [{k: v for k, v in a.items() if k != "attributes"} for a in hypothesis["annotations"]]
    assert kept == given
    assert hypothesis["annotations"][1]["attributes"] == {"parked": "yes"}


def test_a_whole_pixel_task_takes_a_hypothesis_with_decimals():
    geometries = {"box": {"objects_to_annotate": ["van"], "integer_pixels": True}}
    params = {
        "attachment": IMAGE, "geometries": geometries, "hypothesis": {"annotations": EXPORTED["annotations"][:1]}
    }  # fmt: skip
    hypothesis = TASK_TYPES["imageannotation"].hypothesis(parsed("imageannotation", params))
    assert hypothesis is not None
    assert hypothesis["annotations"][0]["left"] == pytest.approx(10.1)


def tracks(**place: float) -> dict[str, Any]:
    frames = [{"key": key, **place, "width": 30.3, "height": 40.4} for key in (5, 10)]
    return {"annotations": {"1": {"label": "van", "geometry": "box", "frames": frames}}}


def test_playback_boxes_with_x_and_y_and_no_timestamp_are_those_with_left_and_top():
    kind = TASK_TYPES["videoplaybackannotation"]
    params = parsed(*PLAYBACK_TASKS["videoplaybackannotation"])
    given, ours = tracks(x=10.1, y=20.2), tracks(left=10.1, top=20.2)
    events = {"events": [{"label": "horn", "type": "range", "start": 5, "end": 10}]}
    one, other = ({"annotations": a, "events": events} for a in (given, ours))
    assert kind.canonical(one) == kind.canonical(other)
    assert kind.agreement(params, one, other).score == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["videoannotation", "videoplaybackannotation"])
def test_video_pre_labels_are_referred_to_by_url(name: str):
    base = {"attachment": CLIP, "geometries": BOX}
    links = {part: {"url": f"https://models.example.org/{part}.json"} for part in ("annotations", "events")}
    parsed(name, {**base, "hypothesis": links})
    with pytest.raises(InvalidRequest):
        parsed(name, {**base, "hypothesis": {"events": links["events"]}})


def test_null_geometries_context_attachments_and_paddings_of_no_code_tools_are_taken():
    names = ("box", "polygon", "line", "point", "cuboid", "ellipse")
    params: dict[str, Any] = {
        "attachment": IMAGE,
        "geometries": {name: BOX.get(name) for name in names},
        "context_attachments": [{"attachment": "https://assets.example.org/b.png"}],
        "paddingX": 40,
        "paddingY": "20",
    }
    assert parsed("imageannotation", params).paddingY == 20
    assert plain(answer("imageannotation", params))["annotations"]


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("annotation", {"left", "top", "width", "height", "label"}),
        ("polygonannotation", {"vertices", "label"}),
        ("lineannotation", {"vertices", "label"}),
        ("pointannotation", {"x", "y", "label"}),
        ("cuboidannotation", {"vertices", "edges", "label"}),
    ],
)
def test_legacy_answers_have_exactly_the_recorded_keys_unless_identities_are_asked_for(
    kind: str, keys: set[str]
):
    _, params = IMAGE_TASKS[kind]
    for shape in plain(answer(kind, {**params, "legacy_annotation_ids": False}))["annotations"]:
        assert set(shape) == keys
    for shape in plain(answer(kind, params))["annotations"]:
        assert set(shape) == keys | {"uuid", "type"}


def test_a_pre_label_without_a_label_is_taken_where_the_task_has_none():
    kind, params = IMAGE_TASKS["annotation-without-labels"]
    exported = {**EXPORTED["annotations"][0], "label": None}
    hypothesis = TASK_TYPES[kind].hypothesis(
        parsed(kind, {**params, "hypothesis": {"annotations": [exported]}})
    )
    assert hypothesis is not None
    assert [a["uuid"] for a in hypothesis["annotations"]] == ["1"]
