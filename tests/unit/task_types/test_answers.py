"""Made-up answers of test mode: valid for the very params, never empty, varied by the seed, repeatable."""

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from steelyard.task_types import RESULT_URL, TASK_TYPES, Answer, MediaInfo

FIXTURES = Path(__file__).parents[3] / "fixtures" / "task-types"
CASES = [
    pytest.param(name, json.loads(path.read_text())["params"], id=f"{name}/{path.stem}")
    for name in TASK_TYPES
    for path in sorted((FIXTURES / name / "valid").glob("*.json"))
]
MEDIA = [MediaInfo(), MediaInfo(640, 480, 9.0), MediaInfo(37, 1000)]


def answers(name: str, params: dict[str, Any], media: MediaInfo, n: int = 10) -> list[Answer]:
    task_type = TASK_TYPES[name]
    parsed = task_type.parse_params(msgspec.json.encode(params))
    return [task_type.test_answer(parsed, f"seed-{i}", media) for i in range(n)]


@pytest.mark.parametrize("media", MEDIA, ids=lambda media: f"{media.width}x{media.height}")
@pytest.mark.parametrize(("name", "params"), CASES)
def test_every_answer_passes_the_types_own_check_and_is_not_empty(
    name: str, params: dict[str, Any], media: MediaInfo
):
    task_type = TASK_TYPES[name]
    parsed = task_type.parse_params(msgspec.json.encode(params))
    for answer in answers(name, params, media):
        issues, _ = task_type.check_response(parsed, msgspec.json.encode(answer.response), media)
        assert issues == []
        assert any(answer.response.values())


@pytest.mark.parametrize(("name", "params"), CASES)
def test_an_answer_is_repeatable_and_varies_by_the_seed(name: str, params: dict[str, Any]):
    first, second = answers(name, params, MediaInfo()), answers(name, params, MediaInfo())
    assert [a.response for a in first] == [a.response for a in second]
    assert [a.files for a in first] == [a.files for a in second]
    frozen = params.get("can_add_base_annotations") is False
    different = {msgspec.json.encode([a.response, [f.content for f in a.files]]) for a in first}
    assert len(different) > 1 or frozen


@pytest.mark.parametrize(("name", "params"), CASES)
def test_the_agreement_of_an_answer_with_itself_is_one_and_symmetric_with_others(
    name: str, params: dict[str, Any]
):
    task_type = TASK_TYPES[name]
    parsed = task_type.parse_params(msgspec.json.encode(params))
    one, other = (with_content(a) for a in answers(name, params, MediaInfo(), 2))
    assert task_type.agreement(parsed, one, one).score == pytest.approx(1.0)
    there, back = task_type.agreement(parsed, one, other).score, task_type.agreement(parsed, other, one).score
    assert 0.0 <= there <= 1.0
    assert there == pytest.approx(back)


def with_content(answer: Answer) -> dict[str, Any]:
    """The response with the bytes of its files in place of their URLs, as agreement wants it."""
    files = {RESULT_URL + f.name: f.content for f in answer.files}

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: filled(v) for k, v in value.items()}
        if isinstance(value, list):
            return [filled(v) for v in value]
        return files.get(value, value) if isinstance(value, str) else value

    return filled(json.loads(msgspec.json.encode(answer.response)))


def file(answer: Answer, url: str) -> bytes:
    return next(f.content for f in answer.files if RESULT_URL + f.name == url)


def pixels(answer: Answer, url: str) -> tuple[str, Any]:
    with Image.open(io.BytesIO(file(answer, url))) as image:
        assert image.format == "PNG"
        return image.mode, np.asarray(image)


SEGMENTS = {
    "attachment": "https://assets.example.org/a.png",
    "labels": [
        "water",
        {"choice": "plant", "subchoices": ["tree", "hedge"]},
        {"choice": "boat", "instance_label": True},
    ],
    "annotation_attributes": {"moored": {"choices": ["yes", "no"]}},
}


def test_every_declared_geometry_is_drawn_inside_the_padded_image_with_its_minima():
    params = {
        "attachment": "https://assets.example.org/a.png",
        "geometries": {
            "box": {"objects_to_annotate": ["b"], "min_width": 30, "min_height": 20, "integer_pixels": True},
            "polygon": {"objects_to_annotate": ["p"], "min_vertices": 7, "max_vertices": 8},
            "line": {"objects_to_annotate": ["l"], "max_vertices": 3},
            "point": {"objects_to_annotate": [{"choice": "up", "subchoices": ["tip"]}]},
            "cuboid": {"objects_to_annotate": ["c"], "min_width": 25},
            "ellipse": {"objects_to_annotate": ["e"]},
        },
        "padding": 5,
    }
    for answer in answers("imageannotation", params, MediaInfo(120, 90), 30):
        found = {a["type"]: a for a in answer.response["annotations"]}
        assert set(found) == {"box", "polygon", "line", "point", "cuboid", "ellipse"}
        box = found["box"]
        assert box["width"] >= 30
        assert box["height"] >= 20
        assert all(isinstance(box[k], int) for k in ("left", "top", "width", "height"))
        assert 7 <= len(found["polygon"]["vertices"]) <= 8
        assert 2 <= len(found["line"]["vertices"]) <= 3
        assert found["point"]["label"] == "tip"
        for annotation in answer.response["annotations"]:
            for vertex in annotation.get("vertices", []):
                assert -5 <= vertex["x"] <= 125
                assert -5 <= vertex["y"] <= 95


def test_minima_larger_than_an_unknown_image_are_still_met():
    params = {
        "attachment": "https://assets.example.org/a.png",
        "geometries": {"box": {"objects_to_annotate": ["b"], "min_width": 300, "min_height": 1000}},
    }
    for answer in answers("imageannotation", params, MediaInfo()):
        assert all(a["width"] >= 300 and a["height"] >= 1000 for a in answer.response["annotations"])


def test_a_base_annotation_without_extent_is_drawn_anew():
    flat = {"uuid": "f", "type": "box", "label": "b", "left": 3, "top": 4, "width": 50, "height": 5e-324}
    params = {
        "attachment": "https://assets.example.org/a.png",
        "geometries": {"box": {"objects_to_annotate": ["b"]}},
        "base_annotations": {"annotations": [flat]},
    }
    task_type = TASK_TYPES["imageannotation"]
    parsed = task_type.parse_params(msgspec.json.encode(params))
    for answer in answers("imageannotation", params, MediaInfo()):
        assert task_type.check_response(parsed, msgspec.json.encode(answer.response), MediaInfo())[0] == []


def test_required_linked_attributes_point_at_annotations_that_are_drawn_for_them():
    link = {"type": "linked", "required": True}
    params = {
        "attachment": "https://assets.example.org/a.png",
        "geometries": {"point": {"objects_to_annotate": ["mast", "boat", "crew"]}},
        "annotation_attributes": {
            "on": {
                **link,
                "allowed_labels": ["boat"],
                "conditions": {"label_condition": {"label": ["mast", "crew"]}},
            },
            "next": {
                **link,
                "allowed_labels": ["boat"],
                "conditions": {"label_condition": {"label": "boat"}},
            },
        },
    }
    for answer in answers("imageannotation", params, MediaInfo(), 30):
        by_uuid = {a["uuid"]: a for a in answer.response["annotations"]}
        for annotation in by_uuid.values():
            key = "next" if annotation["label"] == "boat" else "on"
            target = by_uuid[annotation["attributes"][key]]
            assert target["label"] == "boat"
            assert target is not annotation


def test_conditions_decide_which_attributes_an_answer_has():
    params = {
        "attachment": "https://assets.example.org/a.png",
        "geometries": {"box": {"objects_to_annotate": ["car", "tree"]}},
        "annotation_attributes": {
            "moving": {"choices": ["yes", "no"], "conditions": {"label_condition": {"label": "car"}}},
            "speed": {"type": "number", "min": 1, "max": 9, "required": True,
                      "conditions": {"attribute_conditions": [{"moving": "yes"}]}},
        },
    }  # fmt: skip
    seen: set[str] = set()
    for answer in answers("imageannotation", params, MediaInfo(), 40):
        for annotation in answer.response["annotations"]:
            given = annotation["attributes"]
            assert ("moving" in given) == (annotation["label"] == "car")
            assert ("speed" in given) == (given.get("moving") == "yes")
            seen.add(f"{annotation['label']} {given.get('moving')}")
    assert seen == {"car yes", "car no", "tree None"}


def test_segmentation_files_are_pngs_that_agree_with_each_other():
    (answer,) = answers("segmentannotation", SEGMENTS, MediaInfo(64, 48), 1)
    mapping, annotations = answer.response["labelMapping"], answer.response["annotations"]
    mode, index = pixels(answer, annotations["combined"]["indexedImage"])
    assert (mode, index.shape) == ("L", (48, 64))
    assert index.min() >= 1  # nothing unlabelled, since that is not allowed
    mode, extended = pixels(answer, annotations["combined"]["extendedIndexedImage"])
    assert mode == "RGBA"
    assert np.array_equal(extended[..., 0] + 256 * extended[..., 1].astype(int), index)
    assert (extended[..., 3] == 255).all()
    _, image = pixels(answer, annotations["combined"]["image"])
    _, unlabeled = pixels(answer, annotations["unlabeled"])
    assert (unlabeled[..., 3] == 0).all()
    assert list(mapping) == ["water", "tree", "hedge", "boat"]
    assert isinstance(mapping["boat"], list)
    for label, entries in mapping.items():
        urls = annotations["labeled"][label]
        for entry, url in zip(
            *([x] if isinstance(x, (dict, str)) else x for x in (entries, urls)), strict=True
        ):
            mask = index == entry["index"]
            assert entry["numPixels"] == mask.sum() > 0
            color = tuple(bytes.fromhex(entry["color"][1:]))
            assert {tuple(p) for p in image[mask]} == {(*color, 255)}
            _, only = pixels(answer, url)
            assert np.array_equal(only[..., 3] == 255, mask)
    assert [e["attributes"]["moored"] in ("yes", "no") for e in mapping["boat"]] == [True] * len(
        mapping["boat"]
    )
    assert mapping["water"]["color"] == "#ff0000"


def test_more_than_255_segments_make_a_16_bit_index():
    from steelyard.task_types._shared.segments import Segment, encode_segments, label_color, make_raster

    segments = [Segment(i, "boat", True, label_color(0, 1, i)) for i in range(1, 301)]
    import random

    raster = make_raster(random.Random(1), 40, 40, [s.index for s in segments])
    response, files = encode_segments(raster, segments, [])
    answer = Answer(response, tuple(files))
    mode, index = pixels(answer, response["annotations"]["combined"]["indexedImage"])
    assert mode == "I;16"
    assert set(np.unique(index)) == set(range(1, 301))
