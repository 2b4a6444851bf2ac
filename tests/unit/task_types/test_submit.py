"""Submit-time checks: what leaves the workbench fits the params, and what must be completed is."""

import json
from typing import Any

import msgspec
import pytest

from steelyard.task_types import TASK_TYPES, MediaInfo

MEDIA = MediaInfo(100, 80)


def check(
    name: str, params: dict[str, Any], response: Any, media: MediaInfo = MEDIA
) -> tuple[list[str], Any]:
    task_type = TASK_TYPES[name]
    parsed = task_type.parse_params(msgspec.json.encode(params))
    issues, stored = task_type.check_response(parsed, msgspec.json.encode(response), media)
    return [f"{issue.path} {issue.message}".strip() for issue in issues], json.loads(stored)


def image(**more: Any) -> dict[str, Any]:
    box = {"objects_to_annotate": ["car", "tree"], **more.pop("box", {})}
    return {
        "attachment": "https://x.example/a.png",
        "geometries": {"box": box, **more.pop("geometries", {})},
        **more,
    }


def box(**more: Any) -> dict[str, Any]:
    return {
        "uuid": "u",
        "type": "box",
        "label": "car",
        "left": 1,
        "top": 2,
        "width": 30,
        "height": 20,
        **more,
    }


def drawn(*annotations: Any, **more: Any) -> dict[str, Any]:
    return {"annotations": list(annotations), "global_attributes": {}, "links": [], **more}


@pytest.mark.parametrize(
    ("annotation", "problem"),
    [
        (box(type="point"), "annotations[0].x is required"),
        (
            box(type="polygon", vertices=[]),
            'annotations[0].type "polygon" is not one of the task\'s geometries',
        ),
        (
            box(type="hexagon"),
            "annotations[0].type must be one of box, polygon, line, point, cuboid, ellipse",
        ),
        (box(label="bus"), "annotations[0].label is not one of the task's labels"),
        (box(label=None), "annotations[0].label is not one of the task's labels"),
        (box(width="30"), "annotations[0].width must be a number"),
        (box(width=-1), "annotations[0] must have a width and height greater than 0"),
        (box(left=71), "annotations[0] lies outside the image"),
        (box(left=-0.6), "annotations[0] lies outside the image"),
        (box(uuid=""), "annotations[0].uuid must not be empty"),
        ("box", "annotations[0].type must be one of box, polygon, line, point, cuboid, ellipse"),
    ],
)
def test_annotations_must_fit_the_task(annotation: Any, problem: str):
    issues, _ = check("imageannotation", image(), drawn(annotation))
    assert problem in issues


def test_all_issues_are_reported_not_only_the_first():
    issues, _ = check(
        "imageannotation", image(), drawn(box(label="x"), box(uuid="v", width=0), box(uuid="w"))
    )
    assert len(issues) >= 2


def test_half_a_pixel_of_overshoot_is_clamped():
    issues, stored = check("imageannotation", image(), drawn(box(left=-0.5, width=100.9)))
    assert issues == []
    assert (stored["annotations"][0]["left"], stored["annotations"][0]["width"]) == (0, 100)


def test_coordinates_are_stored_with_four_decimals():
    issues, stored = check("imageannotation", image(), drawn(box(left=1.123456, width=30.00004)))
    assert issues == []
    assert (stored["annotations"][0]["left"], stored["annotations"][0]["width"]) == (1.1235, 30)


def test_without_a_known_size_only_the_top_left_border_counts():
    assert check("imageannotation", image(), drawn(box(left=5000)), MediaInfo())[0] == []
    assert check("imageannotation", image(), drawn(box(left=-5)), MediaInfo())[0]
    assert check("imageannotation", image(paddingX=5), drawn(box(left=-5)), MediaInfo())[0] == []


def test_uuids_and_missing_keys_are_completed_and_unknown_keys_kept():
    issues, stored = check("imageannotation", image(), {"annotations": [box(uuid=None, note="mine")]})
    assert issues == []
    assert stored["annotations"][0]["uuid"]
    assert stored["annotations"][0]["note"] == "mine"
    assert stored["links"] == []
    assert stored["global_attributes"] == {}


def test_a_uuid_may_be_used_once_only():
    issues, _ = check("imageannotation", image(), drawn(box(), box()))
    assert issues == ["annotations[1].uuid is used more than once"]


def test_required_attributes_are_demanded_and_inapplicable_ones_removed():
    attributes = {
        "doors": {"choices": ["2", "4"], "conditions": {"label_condition": {"label": "car"}}},
        "weather": {"choices": ["wet"], "conditions": {"is_global": True}},
    }
    params = image(annotation_attributes=attributes)
    issues, _ = check("imageannotation", params, drawn(box()))
    assert issues == ["global_attributes.weather is required", "annotations[0].attributes.doors is required"]
    tree = box(label="tree", attributes={"doors": "2"})
    issues, stored = check("imageannotation", params, drawn(tree, global_attributes={"weather": "wet"}))
    assert issues == []
    assert stored["annotations"][0]["attributes"] == {}


def test_linked_attributes_and_links_need_targets_that_are_allowed():
    params = image(
        annotation_attributes={"by": {"type": "linked", "allowed_labels": ["tree"]}},
        links={
            "near": {"is_bidirectional": True, "from_allowed_labels": ["car"], "to_allowed_labels": ["tree"]}
        },
    )
    car, tree = box(uuid="c", attributes={"by": "t"}), box(uuid="t", label="tree")
    link = {"uuid": "l", "label": "near", "from": "t", "to": "c", "is_bidirectional": True}
    assert check("imageannotation", params, drawn(car, tree, links=[link]))[0] == []
    assert check("imageannotation", params, drawn(box(uuid="c", attributes={"by": "c"}), tree))[0]
    assert check("imageannotation", params, drawn(car))[0]
    twice = [link, {**link, "from": "c", "to": "t"}]
    assert check("imageannotation", params, drawn(car, tree, links=twice))[0] == ["links[1] is there twice"]
    short = {k: v for k, v in link.items() if k != "is_bidirectional"}
    issues, stored = check("imageannotation", params, drawn(car, tree, links=[short]))
    assert (issues, stored["links"]) == ([], [link])
    twice = [short, {**short, "from": "c", "to": "t"}]
    assert check("imageannotation", params, drawn(car, tree, links=twice))[0] == ["links[1] is there twice"]
    for wrong in ({"label": "far"}, {"to": "t"}, {"to": "zz"}):
        assert check("imageannotation", params, drawn(car, tree, links=[{**link, **wrong}]))[0]
    same = [{**link, "from": "t", "to": "x"}]
    assert check("imageannotation", params, drawn(tree, box(uuid="x", label="tree"), links=same))[0]


def test_choices_are_stored_in_declared_order():
    several = {
        "kind": {"choices": ["a", {"choice": "b", "subchoices": ["c", "d"]}, "e"], "allow_multiple": True}
    }
    params = image(annotation_attributes=several)
    issues, stored = check("imageannotation", params, drawn(box(attributes={"kind": ["e", "d", "a"]})))
    assert (issues, stored["annotations"][0]["attributes"]) == ([], {"kind": ["a", "d", "e"]})


def test_a_frozen_base_annotation_may_be_handed_in_as_it_is_shown():
    attributes = {"unknown": 1, "doors": "9", "colour": "red"}
    params = image(
        annotation_attributes={"doors": {"choices": ["2"]}, "colour": {"choices": ["red", "blue"]}},
        base_annotations={"annotations": [box(attributes=attributes)]},
        can_edit_base_annotations=False,
    )
    task_type = TASK_TYPES["imageannotation"]
    shown = task_type.hypothesis(task_type.parse_params(msgspec.json.encode(params)))
    assert shown is not None
    assert shown["annotations"][0]["attributes"] == {"colour": "red"}
    assert check("imageannotation", params, shown)[0] == []
    assert check("imageannotation", params, drawn(box(attributes=attributes)))[0] == []
    assert check("imageannotation", params, drawn(box(attributes={"colour": "blue"})))[0]


BASE = {"annotations": [box(uuid="base"), {k: v for k, v in box(left=40).items() if k != "uuid"}]}


@pytest.mark.parametrize(
    ("flags", "change", "problem"),
    [
        ({"can_add_base_annotations": False}, "add", "must not be added"),
        ({"can_edit_base_annotations": False}, "move", "must not change"),
        ({"can_edit_base_annotations": False}, "relabel", "must not change"),
        ({"can_edit_base_annotations": False, "can_edit_base_annotation_labels": True}, "relabel", None),
        ({"can_edit_base_annotation_labels": False}, "relabel", "must not change"),
        ({"can_edit_base_annotation_labels": False}, "move", None),
        ({"can_delete_base_annotations": False}, "delete", "must not be deleted"),
        ({}, "delete", None),
    ],
)
def test_flags_restrict_what_may_happen_to_base_annotations(flags: Any, change: str, problem: str | None):
    params = image(base_annotations=BASE, **flags)
    task_type = TASK_TYPES["imageannotation"]
    response = task_type.hypothesis(task_type.parse_params(msgspec.json.encode(params)))
    assert response is not None
    annotations = response["annotations"]
    match change:
        case "add":
            annotations.append(box(uuid="new"))
        case "move":
            annotations[0]["left"] += 0.01
        case "relabel":
            annotations[0]["label"] = "tree"
        case _:
            del annotations[1]
    issues, _ = check("imageannotation", params, response)
    assert [str(problem) in issue for issue in issues] == ([] if problem is None else [True])


NER = {
    "text": "Ines sold the mill.",
    "labels": [
        {
            "name": "who",
            "children": [{"name": "firm"}],
            "attributes": {"k": {"choices": ["x"], "required": True}},
        },
        {"name": "what"},
    ],
    "relationships": [
        {
            "name": "owns",
            "display_name": "owns",
            "is_directed": True,
            "source_label": "who",
            "target_label": "what",
        }
    ],
}
FIRM = {"id": "1", "start": 0, "end": 4, "label": "firm"}
MILL = {"id": "2", "start": 14, "end": 18, "text": "mill", "label": "what"}


def test_a_relationship_may_start_at_a_descendant_of_its_label_and_texts_are_completed():
    links = [{"source_ref": "1", "target_ref": "2", "name": "owns"}]
    issues, stored = check(
        "namedentityrecognition", NER, {"annotations": [FIRM, MILL], "relationships": links}
    )
    assert issues == []
    assert stored["annotations"][0]["text"] == "Ines"
    assert stored["relationships"][0]["id"]


@pytest.mark.parametrize(
    ("spans", "links"),
    [
        ([{**FIRM, "label": "who"}], []),
        ([{**MILL, "text": "Mill"}], []),
        ([{**MILL, "end": 99}], []),
        ([{**MILL, "end": 14}], []),
        ([MILL, {**MILL, "id": "3"}], []),
        ([MILL, {**FIRM, "id": "2"}], []),
        ([FIRM, MILL], [{"source_ref": "2", "target_ref": "1", "name": "owns"}]),
        ([FIRM, MILL], [{"source_ref": "1", "target_ref": "2"}]),
        ([FIRM, MILL], [{"source_ref": "1", "target_ref": "1", "name": "owns"}]),
        ([FIRM, MILL], [{"source_ref": "1", "target_ref": "9", "name": "owns"}]),
        ([FIRM, MILL], [{"source_ref": "1", "target_ref": "2", "name": "owns"}] * 2),
    ],
)
def test_spans_and_links_that_break_a_rule_are_refused(spans: Any, links: Any):
    assert len(check("namedentityrecognition", NER, {"annotations": spans, "relationships": links})[0]) == 1


def test_spans_are_stored_in_order_of_their_start_and_longer_ones_first():
    params = {"text": "ab cd", "labels": [{"name": "l"}, {"name": "m"}]}
    spans = [
        {"start": 3, "end": 5, "label": "l"},
        {"start": 0, "end": 2, "label": "l"},
        {"start": 0, "end": 5, "label": "m"},
    ]
    issues, stored = check("namedentityrecognition", params, {"annotations": spans, "relationships": []})
    assert issues == []
    assert [(s["start"], s["end"], s["text"]) for s in stored["annotations"]] == [
        (0, 5, "ab cd"),
        (0, 2, "ab"),
        (3, 5, "cd"),
    ]


def test_overlap_is_refused_only_where_the_task_says_so():
    answer = {"annotations": [MILL, {**MILL, "id": "3", "start": 10, "text": "the mill"}]}
    assert check("namedentityrecognition", NER, answer)[0] == []
    assert check("namedentityrecognition", {**NER, "allow_overlap": False}, answer)[0]


SITE = {"attachment": "https://x.example/", "attachment_type": "website"}


def test_categories_are_stored_in_declared_order_with_their_ids():
    params = {
        **SITE,
        "categories": ["a", "b", "c"],
        "allow_multiple": True,
        "category_ids": {"1": "a", "3": "c"},
    }
    assert check("categorization", params, {"category": ["c", "a"]}) == (
        [],
        {"category": ["a", "c"], "category_id": ["1", "3"]},
    )
    for wrong in ({"category": "a"}, {"category": ["z"]}, {"category": []}, {"category": ["a", "a"]}, {}):
        assert check("categorization", params, wrong)[0]


def test_hidden_questions_are_left_out_and_visible_ones_demanded():
    q = {"type": "category", "description": "d", "choices": ["x", "y"]}
    params = {**SITE, "taxonomies": {"b": {**q, "condition": {"taxonomy": "a", "choices": ["x"]}}, "a": q}}
    assert check("categorization", params, {"taxonomies": {"a": ["y"], "b": ["x"]}}) == (
        [],
        {"taxonomies": {"a": ["y"]}},
    )
    assert check("categorization", params, {"taxonomies": {"a": ["x"]}})[0] == ["taxonomies.b is required"]


def form(*fields: Any) -> dict[str, Any]:
    return {"attachments": [{"type": "video", "content": "https://x.example/v.mp4"}], "fields": list(fields)}


def field(kind: str, name: str = "f", **more: Any) -> dict[str, Any]:
    return {"type": kind, "field_id": name, "title": name, **more}


def choices(*values: Any) -> list[Any]:
    return [{"label": str(v), "value": v} for v in values]


@pytest.mark.parametrize(
    ("definition", "answer", "kept"),
    [
        (field("text"), "  spaced ", "  spaced "),
        (field("text", max_characters=2), "abc", None),
        (field("text", regex="[a-z]+"), "ab1", None),
        (field("text", regex=""), "anything", "anything"),
        (field("boolean", required=True), False, False),
        (field("boolean"), "false", None),
        (field("number"), 3.20, "3.2"),
        (field("number"), "3.20", "3.20"),
        (field("number"), 1e22, "10000000000000000000000"),
        (field("number"), "1e5", None),
        (field("number", min=0, step=0.1), "0.3", "0.3"),
        (field("number", min=0, step=0.1), "0.35", None),
        (field("datetime"), "2024-02-30", None),
        (field("datetime", format="datetime"), "2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
        (field("datetime", min="2024-01-02"), "2024-01-01", None),
        (field("category", choices=choices(1, "1")), ["1"], ["1"]),
        (field("category", choices=choices(1, "1")), [True], None),
        (field("category", choices=choices(1, "1")), [1, "1"], None),
        (field("select", choices=choices("a", "b"), max_choices=2, min_choices=2), ["a"], None),
        (field("ranking_order", choices=choices("a", "b")), ["b", "a"], ["b", "a"]),
        (field("ranking_order", choices=choices("a", "b")), ["b"], None),
        (field("ranking_order", num_options=3, allow_ties=True), [[3, 1], [2]], [[3, 1], [2]]),
        (field("time_range"), {"start": 0, "end": 1.23456}, {"start": 0, "end": 1.235}),
        (field("time_range", min_duration=2), {"start": 0, "end": 1}, None),
        (field("time_range"), {"start": 3, "end": 99}, None),
        (field("text", max_responses_required=2), ["a"], ["a"]),
        (field("text", max_responses_required=2), "a", None),
        (field("text", max_responses_required=2), ["a", "b", "c"], None),
        (field("text", min_responses_required=2, max_responses_required=3), ["a", " "], None),
    ],
)
def test_form_answers_follow_the_rules_of_their_field(definition: Any, answer: Any, kept: Any):
    issues, stored = check(
        "textcollection", form(definition), {"annotations": {"f": answer}}, MediaInfo(duration_s=10)
    )
    assert (issues == []) == (kept is not None)
    if kept is not None:
        assert stored == {"annotations": {"f": kept}}


def test_blank_and_null_answers_count_as_unanswered():
    params = form(field("text", "a"), field("text", "b", required=True))
    issues, _ = check("textcollection", params, {"annotations": {"a": None, "b": " \n"}})
    assert issues == ["annotations.b is required"]


WHO = field("category", "who", choices=choices("me", "you", 3), max_choices=3)


@pytest.mark.parametrize(
    ("conditions", "answers", "shown"),
    [
        ([{"who": {"choices": ["me"]}}], {"who": ["you", "me"]}, True),
        ([{"who": "me"}], {"who": ["you"]}, False),
        ({"who": ["me", 3]}, {"who": [3]}, True),
        ({"who": {"value": "me"}, "n": {"min": 2}}, {"who": ["me"], "n": "2.0"}, True),
        ({"who": {"value": "me"}, "n": {"min": 2}}, {"who": ["me"], "n": "1"}, False),
        ([{"who": "me"}, {"n": {"max": 5}}], {"n": "5"}, True),
        ({"not": {"who": "me"}}, {}, True),
        ({"who": {"not": "me"}}, {}, True),
        ({"who": {"answered": False}}, {}, True),
        ({"who": {"answered": True}}, {}, False),
        ({"who": {"equals": ["me", "you"]}}, {"who": ["me", "you"]}, True),
        ({"or": [{"who": "me"}, {"n": 4}]}, {"n": "4.0"}, True),
        ({"and": [{"who": "me"}, {"n": 4}]}, {"n": "4.0"}, False),
        ({"deep": "yes"}, {"set": {"deep": "yes", "x": "1"}}, True),
        ({"deep": "yes"}, {"set": {"deep": "no"}}, False),
        ([], {}, True),
    ],
)
def test_conditions_decide_what_is_visible(conditions: Any, answers: Any, shown: bool):
    params = form(
        field("text", "extra", conditions=conditions), WHO, field("number", "n"),
        field("field_set", "set", fields=[field("text", "deep"), field("text", "x")]),
    )  # fmt: skip
    issues, stored = check("textcollection", params, {"annotations": {**answers, "extra": "here"}})
    assert issues == []
    assert ("extra" in stored["annotations"]) == shown


def test_a_sibling_in_the_same_item_of_a_repeated_set_is_looked_at_first():
    children = [field("boolean", "b"), field("text", "why", required=True, conditions={"b": False})]
    params = form(field("field_set", "set", max_responses_required=5, fields=children))
    answer = {"set": [{"b": True, "why": "hidden"}, {"b": False, "why": "shown"}, {"b": False}]}
    issues, _ = check("textcollection", params, {"annotations": answer})
    assert issues == ["annotations.set[2].why is required"]
    answer["set"].pop()
    issues, stored = check("textcollection", params, {"annotations": answer})
    assert issues == []
    assert stored["annotations"]["set"] == [{"b": True}, {"b": False, "why": "shown"}]


def test_required_children_of_a_hidden_form_do_not_count():
    params = form(
        field("form", "one", fields=[field("boolean", "more", required=True)]),
        field("form", "two", conditions={"more": True}, fields=[field("text", "t", required=True)]),
    )
    assert check("textcollection", params, {"annotations": {"one": {"more": False}}})[0] == []
    assert check("textcollection", params, {"annotations": {"one": {"more": True}}})[0] == [
        "annotations.two.t is required"
    ]
    assert check("textcollection", params, {"annotations": {}})[0] == ["annotations.one.more is required"]


def test_expected_answers_must_be_complete_and_known_but_may_be_wrapped():
    params = form(field("text", "a", required=True), field("number", "n"))
    task_type = TASK_TYPES["textcollection"]
    parsed = task_type.parse_params(msgspec.json.encode(params))
    assert task_type.check_expected is not None
    for answer, fine in [
        ({"a": {"type": "text", "field_id": "a", "response": [["hello"]]}}, True),
        ({"a": "hello"}, True),
        ({"n": "1"}, False),
        ({"a": "hello", "z": 1}, False),
        ({"a": {"type": "number", "field_id": "a", "response": ["1"]}}, False),
    ]:
        issues = task_type.check_expected(parsed, msgspec.json.encode({"annotations": answer}), MediaInfo())
        assert (issues == []) == fine


SEG = {"attachment": "https://x.example/a.png", "labels": ["sea", {"choice": "boat", "instance_label": True}]}


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({"sea": {"index": 1, "numPixels": 8000}}, None),
        ({"sea": {"index": 1, "numPixels": 7999}}, "annotations leave 1 pixels unlabelled"),
        ({"sea": {"index": 1}, "boat": [{"index": 1}]}, "labelMapping.boat[0].index is used more than once"),
        ({"boat": [{"index": 2}]}, "labelMapping.sea is required, used or not"),
        ({"sea": [{"index": 1}]}, "labelMapping.sea must be one object"),
        ({"sea": {"index": 1}, "boat": {"index": 2}}, "labelMapping.boat must be an array of instances"),
        ({"sea": {"index": 1}, "sky": {"index": 2}}, "labelMapping.sky is not one of the task's labels"),
        ({"sea": {"index": 0}}, "labelMapping.sea.index must be an integer greater than or equal to 1"),
    ],
)
def test_segment_mappings_must_fit_the_labels(mapping: Any, problem: str | None):
    response = {
        "labelMapping": mapping,
        "annotations": {"combined": {"indexedImage": "u"}},
        "global_attributes": {},
    }
    assert check("segmentannotation", SEG, response)[0] == ([] if problem is None else [problem])
