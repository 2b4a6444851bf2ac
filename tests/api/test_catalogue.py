"""Every message of the specification's error catalogues (task-types-2d §16, task-types-text §14), caused one by one, as clients read it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from steelyard.ctx import Ctx

FIXTURES = Path(__file__).parents[2] / "fixtures" / "task-types"
DOT = "https://assets.example.org/a.png"
CLIP = "https://assets.example.org/a.mp4"
BOX = {"box": {"objects_to_annotate": ["cow"]}}
IMAGE: dict[str, Any] = {"attachment": DOT, "geometries": BOX, "instruction": "Draw."}
MASK: dict[str, Any] = {"attachment": DOT, "labels": ["water"], "instruction": "Paint."}
VIDEO: dict[str, Any] = {"attachment": CLIP, "geometries": BOX, "instruction": "Draw."}
SEQUENCE: dict[str, Any] = {"attachments": [DOT], "geometries": BOX, "instruction": "Draw."}
POINTS = {"objects_to_annotate": ["a", "b"]}
SHAPE = {"type": "box", "label": "cow", "left": 1, "top": 1, "width": 5, "height": 5}


def deep(levels: int) -> Any:
    return "leaf" if levels == 1 else {"choice": f"level {levels}", "subchoices": [deep(levels - 1)]}


def attribute(**definition: Any) -> dict[str, Any]:
    return {**IMAGE, "annotation_attributes": {"k": definition}}


def condition(**conditions: Any) -> dict[str, Any]:
    return attribute(choices=["x"], conditions=conditions)


def boxed(**settings: Any) -> dict[str, Any]:
    return {**IMAGE, "geometries": {"box": {"objects_to_annotate": ["cow"], **settings}}}


def polygon(**settings: Any) -> dict[str, Any]:
    return {**IMAGE, "geometries": {"polygon": {"objects_to_annotate": ["cow"], **settings}}}


def connected(**connection: Any) -> dict[str, Any]:
    return {**IMAGE, "geometries": {"point": {**POINTS, "connections": [connection]}}}


def cuboid(**camera: Any) -> dict[str, Any]:
    return {**IMAGE, "geometries": {"cuboid": {"objects_to_annotate": ["cow"], **camera}}}


def before(*annotations: Any, **more: Any) -> dict[str, Any]:
    return {**IMAGE, "hypothesis": {"annotations": list(annotations), **more}}


def painted(mapping: Any, **annotations: Any) -> dict[str, Any]:
    files = {"combined": {"indexedImage": DOT}, **annotations}
    return {**MASK, "hypothesis": {"labelMapping": mapping, "annotations": files}}


Case = tuple[str, str, Any, str]

DRAWN: list[Case] = [
    # code, type, body, message
    ("–", "imageannotation", {"geometries": BOX}, "Please include an attachment or attachments parameter."),
    ("B1", "imageannotation", [], "Request body must be a JSON object."),
    ("T1", "imageannotation", {**IMAGE, "attachment_type": "pdf"},
     'attachment_type "pdf" is not supported for imageannotation; expected one of: image.'),
    ("C1", "imageannotation", {**IMAGE, "context_attachments": [{"attachment": CLIP}, "x"]},
     'context_attachments[1] must be an object with an "attachment" URL.'),
    ("C2", "imageannotation", {**IMAGE, "context_attachments": [{"attachment": DOT}]},
     "context_attachments[0].attachment must differ from the task attachment."),
    ("C3", "imageannotation", {**IMAGE, "callback_url": "ftp://x.example"},
     "callback_url must be an absolute http(s) URL or an e-mail address."),
    ("M1", "imageannotation", {**IMAGE, "metadata": {"a": "x" * 10_500}}, "metadata must be an object no larger than 10 KB."),
    ("M2", "imageannotation", {**IMAGE, "tags": ["a", ""]}, "tags must be an array of at most 5 non-empty strings."),
    ("G1", "imageannotation", {"attachment": DOT, "geometries": {}},
     "geometries must be an object with at least one of: box, polygon, line, point, cuboid, ellipse."),
    ("G2", "imageannotation", {**IMAGE, "geometries": {"blob": {}}}, "geometries.blob is not a supported geometry for imageannotation."),
    ("G3", "imageannotation", {**IMAGE, "geometries": {"box": 7}}, "geometries.box must be an object."),
    ("G4", "imageannotation", {**IMAGE, "geometries": {"box": {}}}, "geometries must define at least one label in objects_to_annotate."),
    ("G5", "imageannotation", boxed(min_width=-1), "geometries.box.min_width must be an integer greater than or equal to 0."),
    ("G5", "annotation", {"attachment": DOT, "objects_to_annotate": ["cow"], "min_height": "high"},
     "min_height must be an integer greater than or equal to 0."),
    ("G6", "imageannotation", polygon(min_vertices=0), "geometries.polygon.min_vertices must be an integer greater than or equal to 1."),
    ("G7", "imageannotation", polygon(min_vertices=4, max_vertices=3),
     "geometries.polygon.max_vertices must be null or at least min_vertices."),
    ("G8", "imageannotation", connected(pair=["a", "z"]),
     "geometries.point.connections[0].pair must hold exactly two labels from objects_to_annotate."),
    ("G9", "imageannotation", connected(pair=["a", "b"], connection_attribute="k"),
     'geometries.point.connections[0].connection_attribute must name an attribute of type "linked".'),
    ("G10", "imageannotation", cuboid(camera_intrinsics={"fx": 0, "fy": 1, "cx": 1, "cy": 1}),
     "camera_intrinsics must contain numeric fx, fy, cx and cy, with fx and fy non-zero."),
    ("G11", "imageannotation", cuboid(camera_rotation_quaternion={"w": 0, "x": 0, "y": 0, "z": 0}),
     "camera_rotation_quaternion must contain numeric w, x, y and z and must not be all zero."),
    ("L1", "imageannotation", boxed(objects_to_annotate=["cow", 7]),
     'geometries.box.objects_to_annotate[1]: label must be a string or an object with a "choice".'),
    ("L2", "imageannotation", boxed(objects_to_annotate=[{"choice": " "}]),
     "geometries.box.objects_to_annotate[0]: choice must be a non-empty string of at most 256 characters."),
    ("L3", "imageannotation", boxed(objects_to_annotate=["cow", "cow"]), 'geometries.box.objects_to_annotate: duplicate label "cow".'),
    ("L4", "imageannotation", boxed(objects_to_annotate=[deep(11)]),
     "geometries.box.objects_to_annotate: labels may be nested at most 10 levels deep."),
    ("L5", "imageannotation", boxed(objects_to_annotate=[f"l{n}" for n in range(1001)]), "geometries.box.objects_to_annotate: too many labels."),
    ("L6", "segmentannotation", {**MASK, "labels": [f"l{n}" for n in range(51)]}, "labels may contain at most 50 labels."),
    ("L7", "segmentannotation", {**MASK, "labels": []}, "labels must be a non-empty array of labels."),
    ("L7", "annotation", {"attachment": DOT}, "objects_to_annotate must be a non-empty array of labels."),
    ("A1", "imageannotation", {**IMAGE, "annotation_attributes": {"": {"type": "text"}}},
     "annotation_attributes must be an object keyed by non-empty strings."),
    ("A2", "imageannotation", attribute(type="multi_select"), 'annotation_attributes.k.type "multi_select" is not supported.'),
    ("A3", "imageannotation", attribute(type="category"), "annotation_attributes.k.choices must be a non-empty array."),
    ("A4", "imageannotation", attribute(type="number", min=3, max=2),
     "annotation_attributes.k: min must not exceed max and step must be positive."),
    ("A4", "imageannotation", attribute(type="number", step=0),
     "annotation_attributes.k: min must not exceed max and step must be positive."),
    ("A5", "imageannotation", attribute(choices=["x"], allow_multiple="perhaps"), "annotation_attributes.k.allow_multiple must be a boolean."),
    ("A6", "imageannotation", attribute(type="linked", allowed_labels=["dog"]),
     "annotation_attributes.k.allowed_labels must be a non-empty array of leaf labels."),
    ("A7", "imageannotation", {**polygon(), "annotation_attributes": {"k": {"type": "x_line"}}},
     'annotation_attributes.k: type "x_line" needs a box or cuboid geometry.'),
    ("A8", "imageannotation", condition(attribute_conditions=[{"z": "x"}]), 'annotation_attributes.k.conditions refers to unknown attribute "z".'),
    ("A9", "imageannotation", condition(label_condition={"label": "dog"}), 'annotation_attributes.k.conditions refers to unknown label "dog".'),
    ("A10", "imageannotation", condition(attribute_conditions=[{"k": "x"}]), "annotation_attributes.k.conditions form a cycle."),
    ("K1", "imageannotation", {**IMAGE, "links": {"k": 7}}, "links.k must be an object or an array of objects."),
    ("K2", "imageannotation", {**IMAGE, "links": {"k": {"from_allowed_labels": ["dog"]}}}, 'links.k refers to unknown label "dog".'),
    ("P1", "imageannotation", {**IMAGE, "paddingX": -1}, "paddingX must be an integer greater than or equal to 0."),
    ("H1", "imageannotation", {**before(), "base_annotations": {"annotations": []}},
     "hypothesis and base_annotations cannot be used together."),
    ("H2", "imageannotation", {**IMAGE, "hypothesis": {}}, "hypothesis.annotations is required."),
    ("H3", "imageannotation", before({**SHAPE, "width": None}),
     "hypothesis.annotations[0] is not a valid box annotation: width is required."),
    ("H4", "imageannotation", before({**SHAPE, "type": "line"}),
     "hypothesis.annotations[0].type \"line\" is not one of the task's geometries."),
    ("H5", "imageannotation", before(SHAPE, {**SHAPE, "label": "dog"}),
     "hypothesis.annotations[1].label \"dog\" is not one of the task's labels."),
    ("H6", "imageannotation", before({**SHAPE, "uuid": "u"}, {**SHAPE, "uuid": "u"}),
     'hypothesis.annotations[1].uuid "u" is used more than once.'),
    ("H7", "imageannotation", before(global_attributes={"k": 1}), "hypothesis.global_attributes.k is not a global attribute of this task."),
    ("H8", "imageannotation", {**IMAGE, "layers": {"boxes": 7}}, "layers.boxes must be an array of annotations."),
    ("H9", "segmentannotation", painted({"water": {"index": 0}}), "hypothesis.labelMapping indexes must be unique integers of at least 1."),
    ("H10", "segmentannotation", {**MASK, "hypothesis": {"labelMapping": {}}},
     "hypothesis must contain labelMapping and annotations.combined.indexedImage."),
    ("H11", "videoannotation", {**VIDEO, "hypothesis": {"annotations": []}}, "hypothesis.annotations.url is required."),
    ("V1", "videoannotation", {**VIDEO, "attachments": [DOT]},
     'Use attachments with attachment_type "image" and attachment with attachment_type "video", not both.'),
    ("V2", "videoannotation", {**SEQUENCE, "attachments": []}, "attachments must be a non-empty array of URLs."),
    ("V3", "videoplaybackannotation", {**VIDEO, "annotation_frame_rate": 0}, "annotation_frame_rate must be a number greater than 0."),
    ("V4", "videoannotation", {**VIDEO, "start_time": -1}, "start_time must be a number of seconds within the video."),
    ("V5", "videoannotation", {**VIDEO, "duration_time": 0}, "duration_time must be a number of seconds greater than 0."),
    ("V6", "videoannotation", {**SEQUENCE, "attachments": [DOT] * 3001}, "This task would annotate 3001 frames; the limit is 3000."),
    ("E1", "videoannotation", {**VIDEO, "events_to_annotate": ["horn", 7]}, "events_to_annotate must be an array of non-empty strings."),
    ("E1", "videoannotation", {**VIDEO, "events_to_annotate": [" "]}, "events_to_annotate must be an array of non-empty strings."),
    ("X1", "annotation", {"attachment": DOT, "objects_to_annotate": ["cow"], "examples": "none"},
     "examples must be an array of objects with correct, image and explanation."),
]  # fmt: skip

CODES = [
    "–",
    "B1",
    "T1",
    "C1",
    "C2",
    "C3",
    "M1",
    "M2",
    "G1",
    "G2",
    "G3",
    "G4",
    "G5",
    "G6",
    "G7",
    "G8",
    "G9",
    "G10",
    "G11",
    "L1",
    "L2",
    "L3",
    "L4",
    "L5",
    "L6",
    "L7",
    "A1",
    "A2",
    "A3",
    "A4",
    "A5",
    "A6",
    "A7",
    "A8",
    "A9",
    "A10",
    "K1",
    "K2",
    "P1",
    "H1",
    "H2",
    "H3",
    "H4",
    "H5",
    "H6",
    "H7",
    "H8",
    "H9",
    "H10",
    "H11",
    "V1",
    "V2",
    "V3",
    "V4",
    "V5",
    "V6",
    "E1",
    "X1",
]
"""All codes of task-types-2d §16."""


async def causes(client: httpx.AsyncClient, cases: list[Case], status: int = 400) -> list[str]:
    """What is answered otherwise than the catalogue says."""
    wrong: list[str] = []
    for code, name, body, message in cases:
        answer = await client.post(f"/v1/task/{name}", json=body)
        expected = {"status_code": status, "error": message}
        if (answer.status_code, answer.json()) != (status, expected):
            wrong.append(f"{code}: {answer.status_code} {answer.text}")
    return wrong


async def test_every_message_of_the_drawing_types_catalogue(live: httpx.AsyncClient) -> None:
    assert {code for code, *_ in DRAWN} == set(CODES)
    assert "\n".join(await causes(live, DRAWN)) == ""
    # Nothing of it was created.
    assert (await live.get("/v1/tasks")).json()["total"] == 0


TEXT = {"type": "text", "content": "Bess, a cow."}
FORM: dict[str, Any] = {"attachments": [TEXT], "instruction": "Read."}
FIELD = {"type": "text", "field_id": "name", "title": "Name"}
NER: dict[str, Any] = {
    "text": "Bess",
    "instruction": "Mark.",
    "labels": [{"name": "cow", "description": "a cow"}],
}
RELATION = {"source_label": "cow"}
NAMED = {**RELATION, "name": "r", "display_name": "rides"}
STAGE = {"type": "textcollection", "params": {**FORM, "fields": [FIELD]}}

CHAT: dict[str, Any] = json.loads((FIXTURES / "chat" / "invalid" / "responses-required.json").read_text())[
    "params"
]

WRITTEN: list[Case] = [
    ("attachment", "textcollection", {"fields": [FIELD]}, "Please include an attachment or attachments parameter."),
    ("missing", "namedentityrecognition", {**NER, "labels": None}, "Missing required parameter: labels."),
    ("missing below", "textcollection", {**FORM, "fields": [{"type": "text", "title": "N"}]}, "Missing required parameter: fields[0].field_id."),
    ("invalid", "textcollection", {**FORM, "fields": [{**FIELD, "min_characters": -1}]},
     "Invalid parameter fields[0].min_characters: must be an integer greater than or equal to 0."),
    ("field_id", "textcollection", {**FORM, "fields": [FIELD, FIELD]}, 'Duplicate field_id "name".'),
    ("label name", "namedentityrecognition", {**NER, "labels": NER["labels"] * 2}, 'Duplicate label name "cow".'),
    ("choice value", "textcollection",
     {**FORM, "fields": [{**FIELD, "type": "category", "choices": [{"label": "A", "value": "a"}] * 2}]}, 'Duplicate choice value "a" in field "name".'),
    ("relationship", "namedentityrecognition",
     {**NER, "relationships": [NAMED] * 2}, 'Duplicate relationship name "r".'),
    ("all or none", "namedentityrecognition",
     {**NER, "relationships": [NAMED, RELATION]},
     "Relationships must be either all named or all unnamed."),
    ("categories", "categorization", {"attachment": DOT, "attachment_type": "image", "instruction": "i"},
     "Please include categories or taxonomies."),
    ("choices", "comparison", {"attachments": [DOT, DOT], "attachment_type": "image", "instruction": "i"},
     "Please include choices or fields."),
    ("rows", "transcription", {"attachment": DOT, "attachment_type": "image", "instruction": "i"},
     "Please include fields or repeatable_fields."),
    ("variable", "multistage",
     {"stages": [{**STAGE, "id": "a"}, {**STAGE, "id": "b", "inputs": {"instruction": "{{template_variables.k}}"}}], "instruction": "i"},
     "Missing template variable: k."),
]  # fmt: skip


async def test_every_message_of_the_text_types_catalogue(live: httpx.AsyncClient) -> None:
    assert "\n".join(await causes(live, WRITTEN)) == ""


async def test_the_messages_that_need_more_than_a_body(live: httpx.AsyncClient, ctx: Ctx) -> None:
    first = await live.post("/v1/task/imageannotation", json={**IMAGE, "unique_id": "a"})
    twice = [("409", "imageannotation", {**IMAGE, "unique_id": "a"},
              f'The unique_id ("a") is already used for a different task ({first.json()["task_id"]}).')]  # fmt: skip
    assert await causes(live, twice, 409) == []
    ok = await live.post("/v1/projects", json={"name": "texts", "type": "textcollection", "params": {}})
    assert ok.status_code == 200
    ok = await live.post("/v1/projects", json={"name": "talks", "type": "chat", "params": {}})
    assert ok.status_code == 200
    chat = {**CHAT, "instruction": "i", "project": "talks"}
    many: list[Case] = [("responses", "chat", chat, "responses_required must be 1 for chat tasks.")]
    assert "\n".join(await causes(live, many)) == ""
    stranger: list[Case] = [
        ("type", "imageannotation", {**IMAGE, "project": "texts"},
         'Project "texts" does not accept tasks of type imageannotation.'),
    ]  # fmt: skip
    assert await causes(live, stranger) == []
    missing: list[Case] = [
        ("project", "imageannotation", {**IMAGE, "project": "none"}, "Project with that name not found."),
        ("batch", "imageannotation", {**IMAGE, "batch": "none"}, "Batch with that name not found."),
    ]
    assert await causes(live, missing, 404) == []
    unknown: list[Case] = [("type", "nosuchtype", {}, "Not found.")]
    assert await causes(live, unknown, 404) == []
    disabled: list[Case] = [("type", "phonecall", {}, "Task type phonecall is not enabled for this account.")]
    assert await causes(live, disabled, 402) == []


@pytest.mark.parametrize("cases", [DRAWN, WRITTEN], ids=["2D", "text"])
def test_no_message_of_the_catalogue_is_caused_twice_for_nothing(cases: list[Case]) -> None:
    assert all(re.search(r"[.\]}]$", message) for *_, message in cases)
    assert len({str(body) + name for _, name, body, _ in cases}) == len(cases)
