"""Legacy image types: the recorded key sets, identities on request, labels left out, limits on counts (task-types-2d §12, §14)."""

import json
from typing import Any

import msgspec
import pytest

from steelyard.task_types import TASK_TYPES, MediaInfo

KEYS = {
    "annotation": {"left", "top", "width", "height"},
    "polygonannotation": {"vertices"},
    "lineannotation": {"vertices"},
    "pointannotation": {"x", "y"},
    "cuboidannotation": {"vertices", "edges"},
}
MEDIA = MediaInfo(200, 100)


def parsed(name: str, **params: Any) -> Any:
    body = {
        "attachment": "https://assets.example.org/a.png",
        "objects_to_annotate": ["crate", "pallet"],
        **params,
    }
    return TASK_TYPES[name].parse_params(msgspec.json.encode(body))


def made(name: str, params: Any, seed: str = "seed") -> dict[str, Any]:
    return json.loads(msgspec.json.encode(TASK_TYPES[name].test_answer(params, seed, MEDIA).response))


def check(name: str, params: Any, response: Any) -> tuple[list[str], Any]:
    issues, stored = TASK_TYPES[name].check_response(params, msgspec.json.encode(response), MEDIA)
    return [f"{issue.path} {issue.message}".strip() for issue in issues], json.loads(stored)


@pytest.mark.parametrize("name", KEYS)
def test_annotations_have_exactly_the_recorded_keys(name: str):
    for annotation in made(name, parsed(name))["annotations"]:
        assert set(annotation) == {*KEYS[name], "label"}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize(
    "params",
    [
        {"legacy_annotation_ids": True},
        {"annotation_attributes": {"on": {"type": "linked", "allowed_labels": ["pallet"]}}},
    ],
    ids=["switch", "linked"],
)
def test_identities_are_there_where_they_are_needed(name: str, params: dict[str, Any]):
    for annotation in made(name, parsed(name, **params))["annotations"]:
        assert {"uuid", "type", "label"} <= set(annotation)


@pytest.mark.parametrize("name", KEYS)
def test_without_labels_none_is_sent_nor_kept(name: str):
    params = parsed(name, with_labels=False)
    answer = made(name, params)
    assert all(set(a) == KEYS[name] for a in answer["annotations"])
    named = {"annotations": [{**a, "label": "crate"} for a in answer["annotations"]]}
    assert check(name, params, named) == ([], answer)


@pytest.mark.parametrize("name", KEYS)
def test_what_the_workbench_adds_is_taken_off(name: str):
    params = parsed(name)
    answer = made(name, params)
    kind = name.removesuffix("annotation") or "box"
    full = {
        "annotations": [
            {**a, "uuid": str(n), "type": kind, "z": 1} for n, a in enumerate(answer["annotations"])
        ],
        "global_attributes": {},
        "links": [],
    }
    assert check(name, params, full) == ([], answer)


@pytest.mark.parametrize("name", KEYS)
def test_a_legacy_answer_compares_with_its_modern_equivalent(name: str):
    params = parsed(name)
    answer = made(name, params)
    kind = name.removesuffix("annotation") or "box"
    modern = {
        "annotations": [{**a, "uuid": str(n), "type": kind} for n, a in enumerate(answer["annotations"])]
    }
    assert TASK_TYPES[name].canonical(answer) == TASK_TYPES["imageannotation"].canonical(modern)
    assert TASK_TYPES[name].agreement(params, answer, modern).score == pytest.approx(1)


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        ({"left": 1, "top": 1, "width": 40, "height": 40}, "annotations[0].label is required"),
        ({"left": 1, "top": 1, "width": 40, "height": 40, "label": "ship"},
         "annotations[0].label is not one of the task's labels"),
        ({"left": 1, "top": 1, "width": 29, "height": 40, "label": "crate"},
         "annotations[0] is narrower than min_width 30"),
        ({"left": 190, "top": 1, "width": 40, "height": 40, "label": "crate"},
         "annotations[0] lies outside the image"),
        ({"left": 1, "top": 1, "width": 40, "label": "crate"}, "annotations[0].height is required"),
        ({"type": "line", "vertices": [], "label": "crate"},
         'annotations[0].type "line" is not one of the task\'s geometries'),
        (5, "annotations[0].type must be one of box, polygon, line, point, cuboid, ellipse"),
    ],
)  # fmt: skip
def test_a_box_that_breaks_a_rule_is_refused(annotation: Any, problem: str):
    params = parsed("annotation", min_width="30")
    assert problem in check("annotation", params, {"annotations": [annotation]})[0]


def test_counts_of_cuboids_are_kept():
    params = parsed("cuboidannotation", min_annotations=3, max_annotations="4")
    for seed in range(20):
        answer = made("cuboidannotation", params, str(seed))
        assert 3 <= len(answer["annotations"]) <= 4
        assert check("cuboidannotation", params, answer) == ([], answer)
    few = {"annotations": answer["annotations"][:2]}
    assert check("cuboidannotation", params, few)[0] == ["annotations must have at least 3 entries"]
    many = {"annotations": answer["annotations"][:3] * 2}
    assert check("cuboidannotation", params, many)[0] == ["annotations must have at most 4 entries"]


def test_edges_of_a_cuboid_are_made_when_missing():
    params = parsed("cuboidannotation")
    answer = made("cuboidannotation", params)
    bare = {"annotations": [{k: v for k, v in a.items() if k != "edges"} for a in answer["annotations"]]}
    assert check("cuboidannotation", params, bare) == ([], answer)


def test_frozen_base_annotations_stay_and_keep_their_identity():
    base = {"annotations": [{"uuid": "m", "left": 1, "top": 1, "width": 4, "height": 4, "label": "crate"}]}
    params = parsed(
        "annotation",
        base_annotations=base,
        can_delete_base_annotations=False,
        can_edit_base_annotations=False,
        min_width=30,
    )
    answer = made("annotation", params)
    assert answer["annotations"][0]["uuid"] == "m"
    assert check("annotation", params, answer) == ([], answer)
    assert check("annotation", params, {"annotations": []})[0] == [
        'annotations base annotation "m" must not be deleted'
    ]


def test_pre_labels_need_no_type_and_get_an_identity():
    shape = {"vertices": [{"x": 1, "y": 2}, {"x": 3, "y": 4}], "label": "crate", "attributes": {"unknown": 1}}
    found = TASK_TYPES["lineannotation"].hypothesis(
        parsed("lineannotation", hypothesis={"annotations": [shape]})
    )
    assert found is not None
    (line,) = found["annotations"]
    assert line["type"] == "line"
    assert line["uuid"]
    assert "attributes" not in line


def test_lanes_run_upwards_whichever_way_they_were_drawn():
    params = parsed("laneannotation")
    down = {"uuid": "a", "type": "line", "label": "crate", "vertices": [{"x": 5, "y": 10}, {"x": 6, "y": 90}]}
    response = {"annotations": [down], "global_attributes": {}, "links": []}
    issues, stored = check("laneannotation", params, response)
    assert issues == []
    assert [v["y"] for v in stored["annotations"][0]["vertices"]] == [90, 10]
    for seed in range(20):
        for lane in made("laneannotation", params, str(seed))["annotations"]:
            assert lane["vertices"][0]["y"] >= lane["vertices"][-1]["y"]
