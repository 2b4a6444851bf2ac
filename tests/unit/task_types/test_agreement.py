"""Agreement scores with known values, and canonical forms (task-types-2d §18, task-types-text §13)."""

import io
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from steelyard.errors import InvalidRequest
from steelyard.task_types import TASK_TYPES, Agreement, MediaInfo


def score(name: str, params: dict[str, Any], a: Any, b: Any, media: MediaInfo = MediaInfo()) -> Agreement:
    task_type = TASK_TYPES[name]
    return task_type.agreement(task_type.parse_params(msgspec.json.encode(params)), a, b, media)


def box(uuid: str, label: str, left: float, **attributes: Any) -> dict[str, Any]:
    shape = {"uuid": uuid, "type": "box", "label": label, "left": left, "top": 0, "width": 10, "height": 10}
    return {**shape, "attributes": attributes}


def drawn(*annotations: dict[str, Any], **scene: Any) -> dict[str, Any]:
    return {"annotations": list(annotations), "global_attributes": scene, "links": []}


PLAIN = {
    "attachment": "https://x.example/a.png",
    "geometries": {"box": {"objects_to_annotate": ["car", "tree"]}},
}
ANSWERED = {**PLAIN, "annotation_attributes": {"n": {"type": "number", "step": 2}, "a": {"type": "angle"}}}


def test_object_score_is_twice_the_matched_similarity_over_all_objects():
    found = score(
        "imageannotation", PLAIN, drawn(box("1", "car", 0), box("2", "tree", 50)), drawn(box("3", "car", 2.5))
    )
    assert found.score == pytest.approx(2 * (75 / 125) / 3)
    assert found.detail["precision"] == 0.5
    assert found.detail["recall"] == 1.0
    assert found.detail["labels"]["tree"] == {"a": 1, "b": 0, "matched": 0}


def test_similarity_under_the_threshold_does_not_match():
    assert score("imageannotation", PLAIN, drawn(box("1", "car", 0)), drawn(box("2", "car", 5))).score == 0


def test_boxes_in_whole_pixels_agree_to_a_pixel_on_every_edge():
    whole = {**PLAIN, "geometries": {"box": {"objects_to_annotate": ["car"], "integer_pixels": True}}}
    one, near = drawn(box("1", "car", 0)), drawn({**box("2", "car", 1), "width": 10, "height": 9})
    far = drawn({**box("3", "car", 1), "width": 14})
    assert score("imageannotation", whole, one, near).score == 1.0
    assert score("imageannotation", PLAIN, one, near).score < 1.0
    assert score("imageannotation", whole, one, far).score == pytest.approx(10 / 15)
    assert score("imageannotation", whole, far, one).score == pytest.approx(10 / 15)


def test_the_right_shape_with_the_wrong_label_is_reported_but_not_matched():
    found = score("imageannotation", PLAIN, drawn(box("1", "car", 0)), drawn(box("2", "tree", 0)))
    assert found.score == 0
    assert found.detail["relabeled"] == [["1", "2", "car", "tree"]]


def test_two_empty_answers_agree():
    assert score("imageannotation", PLAIN, drawn(), drawn()).score == 1.0


def test_attributes_of_matched_pairs_weigh_a_fifth():
    found = score(
        "imageannotation",
        ANSWERED,
        drawn(box("1", "car", 0, n=4, a=350)),
        drawn(box("2", "car", 0, n=5, a=80)),
    )
    assert found.score == pytest.approx(0.8 + 0.2 * (1.0 + 0.5) / 2)


def test_answers_that_differ_in_order_and_uuids_are_canonically_equal():
    canonical = TASK_TYPES["imageannotation"].canonical
    one = drawn(box("1", "car", 0, to="2"), box("2", "tree", 9))
    other = drawn(box("x", "tree", 9), box("y", "car", 0, to="x"))
    assert canonical(one) == canonical(other)
    assert canonical(one) != canonical(drawn(box("1", "car", 0, to="1"), box("2", "tree", 9)))


def test_line_tolerance_grows_with_the_image():
    params = {"attachment": "https://x.example/a.png", "geometries": {"line": {"objects_to_annotate": ["l"]}}}

    def answer(y: float) -> dict[str, Any]:
        return drawn(
            {"type": "line", "label": "l", "uuid": "1", "vertices": [{"x": 0, "y": y}, {"x": 90, "y": y}]}
        )

    assert score("imageannotation", params, answer(0), answer(8)).score == 0
    assert score("imageannotation", params, answer(0), answer(8), MediaInfo(1920, 1080)).score == 1


NER = {
    "text": "Ines sold the mill to Tomas.",
    "labels": [{"name": "who", "attributes": {"k": {"choices": ["x", "y"]}}}, {"name": "what"}],
    "relationships": [{"name": "r", "display_name": "r"}],
}


def spans(*keys: tuple[str, int, int, str], links: Any = (), **attributes: Any) -> dict[str, Any]:
    found = [
        {"id": i, "start": s, "end": e, "label": label, "attributes": attributes} for i, s, e, label in keys
    ]
    relations = [
        {"id": str(n), "source_ref": s, "target_ref": t, "name": "r"} for n, (s, t) in enumerate(links)
    ]
    return {"annotations": found, "relationships": relations}


def test_ner_score_is_f1_of_exact_spans():
    found = score(
        "namedentityrecognition",
        NER,
        spans(("1", 0, 4, "who"), ("2", 10, 18, "what")),
        spans(("a", 0, 4, "who")),
    )
    assert found.score == pytest.approx(2 / 3)


def test_ner_attributes_and_undirected_links_weigh_in():
    one = spans(("1", 0, 4, "who"), ("2", 22, 27, "who"), links=[("1", "2")], k="x")
    other = spans(("b", 22, 27, "who"), ("a", 0, 4, "who"), links=[("b", "a")], k="y")
    assert score("namedentityrecognition", NER, one, other).score == pytest.approx(
        (1 + 0 * 0.25 + 1 * 0.5) / 1.75
    )


def test_categorization_compares_sets_and_questions():
    where = {"attachment": "https://x.example/", "attachment_type": "website"}
    several = {**where, "categories": ["a", "b", "c"], "allow_multiple": True}
    assert score(
        "categorization", several, {"category": ["a", "b"]}, {"category": ["b", "c"]}
    ).score == pytest.approx(1 / 3)
    questions = {
        "m": {"type": "category", "description": "d", "choices": ["a", "b"]},
        "n": {"type": "number", "description": "d", "min": 0, "max": 10},
    }
    one, other = ({"taxonomies": {"m": ["a"], "n": n}} for n in ("2", "4.0"))
    assert score("categorization", {**where, "taxonomies": questions}, one, other).score == pytest.approx(0.9)


def form(*fields: dict[str, Any]) -> dict[str, Any]:
    every = [{"field_id": f"f{i}", "title": "T", **field} for i, field in enumerate(fields)]
    return {"attachments": [{"type": "audio", "content": "https://x.example/a.ogg"}], "fields": every}


def choices(*values: Any) -> dict[str, Any]:
    return {"type": "category", "max_choices": 3, "choices": [{"label": str(v), "value": v} for v in values]}


@pytest.mark.parametrize(
    ("field", "a", "b", "expected"),
    [
        ({"type": "text"}, "The  Mill.", "the mill", 1.0),
        ({"type": "text"}, "mill", "mall", 0.75),
        ({"type": "number"}, "4.0", "4", 1.0),
        ({"type": "number", "min": 0, "max": 10}, "4", "9", 0.5),
        ({"type": "boolean"}, True, False, 0.0),
        (choices(1, "1", 2), [1, 2], ["1", 2], 1 / 3),
        ({"type": "ranking", "num_options": 3}, [1, 2, 3], [3, 2, 1], 0.0),
        ({"type": "ranking", "num_options": 3}, [1, 2, 3], [1, 3, 2], 2 / 3),
        ({"type": "time_range"}, {"start": 0, "end": 2}, {"start": 1, "end": 3}, 1 / 3),
        ({"type": "text", "max_responses_required": 3}, ["a", "b"], ["b", "a", "c"], 2 / 3),
        ({"type": "text"}, "x", None, 0.0),
    ],
)
def test_form_fields_score_by_their_type(field: dict[str, Any], a: Any, b: Any, expected: float):
    one, other = ({"annotations": {} if v is None else {"f0": v}} for v in (a, b))
    assert score("textcollection", form(field), one, other).score == pytest.approx(expected)


def test_free_writing_is_not_compared_and_wrapped_answers_equal_bare_ones():
    params = form({"type": "text", "generative": True}, {"type": "boolean"})
    bare = {"annotations": {"f0": "once upon a time", "f1": True}}
    wrapped = {
        "annotations": {"f0": "other", "f1": {"type": "boolean", "field_id": "f1", "response": [True]}}
    }
    assert score("textcollection", params, bare, wrapped) == Agreement(1.0, {"fields": {"f1": 1.0}})


def mask(rows: list[list[int]], **mapping: Any) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.fromarray(np.array(rows, dtype=np.uint8)).save(buffer, "PNG")
    return {"labelMapping": mapping, "annotations": {"combined": {"indexedImage": buffer.getvalue()}}}


SEG = {"attachment": "https://x.example/a.png", "labels": ["sea", {"choice": "boat", "instance_label": True}]}


def test_segmentation_averages_iou_of_classes_and_panoptic_quality_of_instances():
    one = mask([[1, 1, 2, 2], [1, 1, 3, 3]], sea={"index": 1}, boat=[{"index": 2}, {"index": 3}])
    other = mask([[5, 5, 7, 7], [5, 5, 5, 0]], sea={"index": 5}, boat=[{"index": 7}])
    found = score("segmentannotation", SEG, one, other)
    assert found.detail["labels"] == {"sea": 0.8, "boat": pytest.approx(1 / 1.5, abs=1e-6)}
    assert found.detail["pairs"] == [[2, 7]]
    assert found.score == pytest.approx((0.8 + 1 / 1.5) / 2)


def test_segmentations_without_their_content_or_of_other_size_are_not_compared():
    one = mask([[1, 1]], sea={"index": 1})
    link = {"labelMapping": {}, "annotations": {"combined": {"indexedImage": "https://x.example/m.png"}}}
    for other in (link, mask([[1]], sea={"index": 1})):
        with pytest.raises(InvalidRequest):
            score("segmentannotation", SEG, one, other)
