"""What lidar tasks check on submit, how answers compare, and what their made-up files hold (task-types-lidar §7 to §14)."""

import copy
import json
import time
from typing import Any

import msgspec
import numpy as np
import pytest

from steelyard.errors import InvalidRequest, NotFound
from steelyard.lidar.cameras import Camera
from steelyard.lidar.pose import Quaternion, Vector3
from steelyard.task_types import RESULT_URL, TASK_TYPES, MediaInfo, SourceTask
from steelyard.task_types._shared.file_parts import as_files
from steelyard.task_types._shared.lidar_cuboids import CuboidFile, LidarCuboid, measured
from steelyard.task_types._shared.lidar_params import build_on
from steelyard.task_types._shared.lidar_start import prefill
from steelyard.task_types.lidarsegmentation import segmentation_answer

FRAMES = [f"https://x.example/{i}.json" for i in range(2)]
CUBOIDS = {
    "attachments": FRAMES,
    "labels": ["car", "person"],
    "annotation_attributes": {
        "motion": {"choices": ["moving", "parked"], "conditions": {"label_condition": {"label": "car"}}},
        "plate": {"type": "text", "static": True},
    },
}


def parsed(name: str, params: dict[str, Any]) -> Any:
    return TASK_TYPES[name].parse_params(msgspec.json.encode(params))


def issues_of(name: str, params: dict[str, Any], response: Any) -> list[tuple[str, str]]:
    issues, _ = TASK_TYPES[name].check_response(
        parsed(name, params), msgspec.json.encode(response), MediaInfo()
    )
    return [(i.path, i.message) for i in issues]


def stored(name: str, params: dict[str, Any], response: Any) -> Any:
    issues, data = TASK_TYPES[name].check_response(
        parsed(name, params), msgspec.json.encode(response), MediaInfo()
    )
    assert issues == []
    return json.loads(data)


def cuboid(uuid: str | None = "u1", label: str = "car", x: float = 0.0, **more: Any) -> dict[str, Any]:
    found = {
        "uuid": uuid, "label": label, "position": {"x": x, "y": 2, "z": 0.5}, "dimensions": {"x": 2, "y": 4, "z": 1.5},
        "yaw": 0.1, "stationary": False, "attributes": {"motion": "parked"} if label == "car" else {},
    }  # fmt: skip
    return found | more


def drawn(*frames: list[dict[str, Any]]) -> dict[str, Any]:
    return {"annotations": [{"cuboids": list(f)} for f in frames]}


@pytest.mark.parametrize(
    ("frames", "path", "message"),
    [
        ([[]], "annotations", "must have 2 frames, has 1"),
        ([[cuboid(label="dog")], []], "annotations[0].cuboids[0].label", "is not one of the task's labels"),
        ([[cuboid(), cuboid()], []], "annotations[0].cuboids[1].uuid", "is used more than once in this frame"),
        ([[cuboid()], [cuboid(label="person")]], "annotations[1].cuboids[0].label", "must be the same in all frames"),
        ([[cuboid()], [cuboid(stationary=True)]], "annotations[1].cuboids[0].stationary", "must be the same in all frames"),
        ([[cuboid(stationary=True)], [cuboid(stationary=True, x=0.1)]], "annotations[1].cuboids[0].position", "must not change, the object is stationary"),
        ([[cuboid(dimensions={"x": 0.01, "y": 1, "z": 1})], []], "annotations[0].cuboids[0].dimensions.x", "must be greater than 0.01 m"),
        ([[cuboid(dimensions={"x": 1, "y": 1, "z": 100})], []], "annotations[0].cuboids[0].dimensions.z", "must be less than 100 m"),
        ([[cuboid(attributes={})], []], "annotations[0].cuboids[0].attributes.motion", "is required"),
        ([[cuboid(pitch=0.1)], []], "annotations[0].cuboids[0].pitch", "is not enabled for this task"),
        ([[cuboid()], [cuboid(attributes={"motion": "moving", "plate": "A"})]], "annotations[1].cuboids[0].attributes.plate", "must be the same in all frames"),
        ([[{"label": "car"}], []], "annotations[0].cuboids[0].position", "is required"),
        ([[cuboid(yaw="east")], []], "annotations[0].cuboids[0].yaw", "must be a number"),
    ],
)  # fmt: skip
def test_a_wrong_cuboid_is_named_with_its_place(frames: Any, path: str, message: str):
    assert issues_of("lidarannotation", CUBOIDS, drawn(*frames)) == [(path, message)]


def test_cuboids_are_completed_and_their_angles_normalised():
    given = cuboid(uuid=None, yaw=4.0)
    del given["stationary"]
    (frame, _) = stored("lidarannotation", {**CUBOIDS, "pitch_and_roll_enabled": True}, drawn([given], []))[
        "annotations"
    ]
    (kept,) = frame["cuboids"]
    assert len(kept["uuid"]) == 36
    assert kept["yaw"] == pytest.approx(4.0 - 2 * np.pi)
    assert (kept["stationary"], kept["pitch"], kept["roll"]) == (False, 0, 0)


def test_limits_of_size_are_metres_whatever_the_unit():
    big = drawn([cuboid(dimensions={"x": 150, "y": 150, "z": 150})], [])
    assert issues_of("lidarannotation", {**CUBOIDS, "meters_per_unit": 0.01}, big) == []
    assert len(issues_of("lidarannotation", CUBOIDS, big)) == 3


def test_counts_of_points_and_distances_come_from_the_frames():
    frames = msgspec.convert(drawn([cuboid(x=0.0)], [cuboid(x=50.0)])["annotations"], CuboidFile)
    clouds = [np.array([[0, 2, 0.5], [0, 3.9, 0.5], [0, 4.6, 0.5]]), np.zeros((0, 3))]
    measured(frames, lambda n: (clouds[n], [(0, 0, 0.5), (50, 0, 0.5)][n]), unit=0.5)
    first, second = frames[0].cuboids[0], frames[1].cuboids[0]
    assert (first.points, first.distance_to_device, first.camera_used) == (2, 1.0, -1)
    assert second.points == 0


def test_agreement_of_cuboids_is_their_overlap_and_their_attributes():
    task_type, params = TASK_TYPES["lidarannotation"], parsed("lidarannotation", CUBOIDS)
    one = drawn([cuboid()], [cuboid()])
    other = drawn([cuboid("x", yaw=0.1, attributes={"motion": "moving"})], [cuboid("x", label="person")])
    found = task_type.agreement(params, one, other)
    # one of two on either side matches exactly, its one answered attribute does not
    assert found.detail["objects"] == 0.5
    assert found.score == pytest.approx(0.8 * 0.5)
    assert found.detail["tracks"] == [["u1", "x", 1]]


def test_canonical_cuboids_do_not_depend_on_identities_and_order():
    canonical = TASK_TYPES["lidarannotation"].canonical
    a, b = cuboid("a"), cuboid("b", x=9)
    assert canonical(drawn([a, b], [a])) == canonical(
        drawn([{**b, "uuid": "2"}, {**a, "uuid": "1"}], [{**a, "uuid": "1"}])
    )
    assert canonical(drawn([a, b], [a])) != canonical(drawn([a, b], [{**a, "uuid": "b"}]))


def test_files_are_what_the_wire_refers_to():
    answer = as_files(drawn([cuboid()], []))
    assert answer.response == {"annotations": {"url": f"{RESULT_URL}annotations.json"}}
    (file,) = answer.files
    assert (file.name, file.content_type) == ("annotations.json", "application/json")
    assert json.loads(file.content)[1] == {"cuboids": []}


SEGMENTS = {"attachments": FRAMES, "labels": ["road", {"choice": "cow", "instance_label": True}]}
OBJECTS = [{"label": "road", "index": 1}, {"label": "cow", "index": 2, "instance": True}]


def labeled(objects: Any, *points: list[int]) -> dict[str, Any]:
    return {"point_segmentations": {"objects": objects, "point_objects": list(points)}}


@pytest.mark.parametrize(
    ("params", "response", "path", "message"),
    [
        ({}, labeled(OBJECTS, [1]), "point_segmentations.point_objects", "must have 2 frames, has 1"),
        ({}, labeled(OBJECTS, [1], [3]), "point_segmentations.point_objects[1]", "has index 3, there are 2 objects"),
        ({}, labeled(OBJECTS, [1], [-1]), "point_segmentations.point_objects[1][0]", "must be an integer greater than or equal to 0"),
        ({}, labeled(OBJECTS[::-1], [], []), "point_segmentations.objects[0].index", "must be 1, its position in the list"),
        ({}, labeled([{"label": "sky", "index": 1}], [], []), "point_segmentations.objects[0].label", "is not one of the task's labels"),
        ({}, labeled([{"label": "cow", "index": 1}], [], []), "point_segmentations.objects[0].instance", "must be true, the label has instances"),
        ({}, labeled([*OBJECTS[:1], {"label": "road", "index": 2}], [], []), "point_segmentations.objects", '"road" is there twice, without instances'),
        ({"allow_unlabeled": False}, labeled(OBJECTS, [1, 0, 0], [2]), "point_segmentations.point_objects[0]", "leaves 2 points unlabeled"),
        ({}, {}, "point_segmentations", "is required"),
        ({}, {"point_segmentations": {"url": ""}}, "point_segmentations.url", "must be a non-empty string"),
    ],
)  # fmt: skip
def test_a_wrong_segmentation_is_named_with_its_place(params: Any, response: Any, path: str, message: str):
    found = issues_of("lidarsegmentation", {**SEGMENTS, **params}, response)
    assert (path, message) in found
    assert len(found) <= 2


@pytest.mark.parametrize("n", [0, 1, 1_000_000])
def test_a_made_up_segmentation_has_an_index_for_every_point(n: int):
    params = parsed("lidarsegmentation", {**SEGMENTS, "allow_unlabeled": False})
    answer = segmentation_answer(params, "seed", [n, n])
    assert [len(f) for f in answer["point_segmentations"]["point_objects"]] == [n, n]
    issues, _ = TASK_TYPES["lidarsegmentation"].check_response(
        params, msgspec.json.encode(answer), MediaInfo()
    )
    assert issues == []


def test_two_million_points_are_checked_and_written_in_a_second():
    params = parsed("lidarsegmentation", SEGMENTS)
    data = msgspec.json.encode(
        labeled(OBJECTS, *[np.arange(1_000_000) % 3 for _ in range(2)]), enc_hook=lambda a: a.tolist()
    )
    best = 9.0
    for _ in range(3):
        start = time.perf_counter()
        issues, kept = TASK_TYPES["lidarsegmentation"].check_response(params, data, MediaInfo())
        answer = as_files(msgspec.json.decode(kept))
        best = min(best, time.perf_counter() - start)
        assert issues == []
    assert json.loads(answer.files[0].content)["point_objects"][0][:4] == [0, 1, 2, 0]
    assert best < 1


def test_agreement_of_point_labels_is_iou_by_class_and_panoptic_by_instance():
    task_type, params = TASK_TYPES["lidarsegmentation"], parsed("lidarsegmentation", SEGMENTS)
    one, other = labeled(OBJECTS, [1, 1, 2, 2], []), labeled(OBJECTS, [1, 0, 2, 2], [])
    found = task_type.agreement(params, one, other)
    assert found.detail["labels"] == {"road": 0.5, "cow": 1.0}
    assert found.score == 0.75
    as_bytes = {"point_segmentations": {"url": msgspec.json.encode(one["point_segmentations"])}}
    assert task_type.agreement(params, as_bytes, one).score == 1
    with pytest.raises(InvalidRequest):
        task_type.agreement(params, {"point_segmentations": {"url": "https://x.example/s"}}, one)
    with pytest.raises(InvalidRequest):
        task_type.agreement(params, labeled(OBJECTS, [1], []), one)


LINKS = {
    "lidar_task": "65a1f0c2d3e4b5a697887766",
    "lidar_task_frames": [0],
    "labels": ["car"],
    "camera_ids": [0, 1],
}


def box(**more: Any) -> dict[str, Any]:
    return {
        "cuboid_uuid": "u1",
        "label": "car",
        "type": "box",
        "left": 1,
        "top": 2,
        "width": 30,
        "height": 40,
    } | more


def linked(*annotations: Any, camera: int = 0) -> dict[str, Any]:
    return {
        "annotations": [{"camera_responses": [{"camera_used": camera, "annotations": list(annotations)}]}]
    }


SPOT = "annotations[0].camera_responses[0]"


@pytest.mark.parametrize(
    ("response", "path", "message"),
    [
        (linked(box(), camera=3), f"{SPOT}.camera_used", "is not one of the task's camera_ids"),
        (linked(box(type="line")), f"{SPOT}.annotations[0].type", "must be one of box"),
        (linked(box(label="dog")), f"{SPOT}.annotations[0].label", "is not one of the task's labels"),
        (linked(box(width=0)), f"{SPOT}.annotations[0]", "must have a width and height greater than 0"),
        (
            linked(box(cuboid_uuid=None)),
            f"{SPOT}.annotations[0].cuboid_uuid",
            "is required, or not_in_lidar must be true",
        ),
        (linked(box(left="a")), f"{SPOT}.annotations[0].left", "must be a number"),
        ({"annotations": []}, "annotations", "must have 1 frames, has 0"),
    ],
)
def test_a_wrong_link_is_named_with_its_place(response: Any, path: str, message: str):
    assert issues_of("lidarlinking", LINKS, response) == [(path, message)]


def test_shapes_without_a_cuboid_get_an_identity_and_the_flag_is_always_there():
    kept = stored("lidarlinking", LINKS, linked(box(), box(cuboid_uuid=None, not_in_lidar=True)))
    first, second = kept["annotations"][0]["camera_responses"][0]["annotations"]
    assert first["not_in_lidar"] is False
    assert len(second["cuboid_uuid"]) == 36
    assert first["attributes"] == {}


FORWARD = Quaternion(0.70711, -0.70711, 0, 0)


def test_the_starting_state_of_linking_is_the_projection_of_the_cuboids():
    cameras = {
        i: Camera(
            fx=800, fy=810, cx=640, cy=360, width=1280, height=720, heading=heading, position=Vector3(0, 0, 0)
        )
        for i, heading in ((1, FORWARD), (0, Quaternion(0, 0, 0.70711, -0.70711)))
    }
    seen = msgspec.convert(
        cuboid(position={"x": 0, "y": 10, "z": 0}, dimensions={"x": 2, "y": 4, "z": 2}, yaw=0), LidarCuboid
    )
    (frame,) = prefill(parsed("lidarlinking", {"lidar_task": "1"}), [([seen], cameras)])
    backward, forward = frame.camera_responses
    assert (backward.camera_used, backward.annotations) == (0, [])
    (shape,) = forward.annotations
    assert (shape["cuboid_uuid"], shape["label"], shape["not_in_lidar"]) == ("u1", "car", False)
    assert (shape["left"], shape["width"]) == pytest.approx((540, 200), abs=0.01)
    small = parsed("lidarlinking", {"lidar_task": "1", "min_width": 300})
    assert prefill(small, [([seen], cameras)])[0].camera_responses[1].annotations == []
    hull = parsed("lidarlinking", {"lidar_task": "1", "annotation_type": "polygonannotation"})
    (outline,) = prefill(hull, [([seen], cameras)])[0].camera_responses[1].annotations
    across = [v["x"] for v in outline["vertices"]]
    assert (min(across), max(across)) == pytest.approx((540.0, 740.0), abs=0.01)


TOPDOWN = {
    "attachments": FRAMES,
    "geometries": {"polygon": {"objects_to_annotate": ["field"]}, "point": {"objects_to_annotate": ["tree"]}},
}
FIELD = {
    "uuid": "a",
    "type": "polygon",
    "label": "field",
    "vertices": [{"x": 0, "y": 0, "z": 0}, {"x": 4, "y": 0, "z": 0}, {"x": 4, "y": 4, "z": 1}],
}


def seen_from_above(*annotations: Any, **more: Any) -> dict[str, Any]:
    return {"annotations": {"annotations": list(annotations), **more}}


def test_polygons_from_above_keep_their_heights_and_lose_a_repeated_vertex():
    closed = {**FIELD, "vertices": [*FIELD["vertices"], {"x": 0, "y": 0, "z": 9}]}
    kept = stored("lidartopdown", TOPDOWN, seen_from_above(closed))["annotations"]["annotations"][0]
    assert kept["vertices"] == FIELD["vertices"]
    assert kept["attributes"] == {}


@pytest.mark.parametrize(
    ("response", "path", "message"),
    [
        (seen_from_above({**FIELD, "vertices": FIELD["vertices"][:2]}), "annotations.annotations[0]", "must have at least 3 distinct vertices"),
        (seen_from_above({**FIELD, "label": "tree"}), "annotations.annotations[0].label", "is not one of the task's labels"),
        (seen_from_above(FIELD, FIELD), "annotations.annotations[1].uuid", "is used more than once"),
        (seen_from_above({"type": "box"}), "annotations.annotations[0].type", "must be one of polygon, point"),
        (seen_from_above({"uuid": "p", "type": "point", "label": "tree", "x": 1, "y": 1, "z": "low"}), "annotations.annotations[0].vertices[0].z", "must be a number"),
    ],
)  # fmt: skip
def test_a_wrong_shape_from_above_is_named_with_its_place(response: Any, path: str, message: str):
    assert issues_of("lidartopdown", TOPDOWN, response) == [(path, message)]


def test_shapes_on_an_aerial_image_must_lie_in_it_and_have_no_tile():
    params = parsed(
        "lidartopdown", {"attachment": "https://x.example/a.png", "geometries": TOPDOWN["geometries"]}
    )
    tile = {"origin": {"x": 0, "y": 0}, "meters_per_pixel": 0.1, "width": 10, "height": 10}
    data = msgspec.json.encode(seen_from_above(FIELD, tile=tile))
    issues, _ = TASK_TYPES["lidartopdown"].check_response(params, data, MediaInfo(3, 3))
    assert [i.path for i in issues] == ["annotations.tile", "annotations.annotations[0]"]


SCENE = {
    "attachments": ["https://x.example/a.sfs"], "scene_format": "sensor_fusion",
    "annotation_definition": [
        {"type": "cuboid", "labels": ["car"], "attributes": {"lights": {"choices": ["on", "off"]}}, "stationary": False},
        {"type": "link", "labels": ["tows"]},
    ],
}  # fmt: skip
MOVING = {
    "id": "a", "type": "cuboid", "label": "car", "path": {"timestamps": [0, 100], "values": [[1] * 9, [2] * 9]},
    "attributes": [{"name": "lights", "timestamps": [0, 50], "values": ["on", "off"]}],
}  # fmt: skip


def annotated(*annotations: Any) -> dict[str, Any]:
    return {"annotations": {"version": "1.0", "annotations": list(annotations)}}


def without(key: str, **more: Any) -> dict[str, Any]:
    return {k: v for k, v in MOVING.items() if k != key} | more


@pytest.mark.parametrize(
    ("annotation", "path", "message"),
    [
        (without("attributes"), "attributes.lights", "is required"),
        ({**MOVING, "label": "van"}, "label", "is not one of the task's labels"),
        ({**MOVING, "attributes": [{"name": "lights", "timestamps": [0, 9], "values": ["on", "dim"]}]}, "attributes[0].values[1]", "must be one of the choices"),
        ({**MOVING, "path": {"timestamps": [9, 9], "values": [[1] * 9] * 2}}, "path.timestamps", "not strictly increasing"),
        ({**MOVING, "path": {"timestamps": [9], "values": [[0] * 9]}}, "path.values[0]", "must have dimensions greater than 0"),
        ({"id": "e", "type": "event", "label": "car", "start": 1}, "type", "\"event\" is not one of the task's types"),
        ({"id": "l", "type": "link", "label": "tows", "from_id": "l", "to_id": "x"}, "", "must join two different annotations of the file"),
        ({**MOVING, "path": {"timestamps": [9], "values": [[1] * 9]}, "stationary": True}, "stationary", "must be false"),
    ],
)  # fmt: skip
def test_a_wrong_scene_annotation_is_named_with_its_place(annotation: Any, path: str, message: str):
    where = f"annotations.annotations[0].{path}".rstrip(".")
    assert issues_of("sensorfusion", SCENE, annotated(annotation)) == [(where, message)]


def test_scene_annotations_agree_over_time_and_links_by_their_ends():
    task_type, params = TASK_TYPES["sensorfusion"], parsed("sensorfusion", SCENE)
    other_car = {**MOVING, "id": "b", "path": {"timestamps": [0], "values": [[1, 1, 1, 9, 9, 9, 0, 0, 0]]}}
    link = {"id": "l", "type": "link", "label": "tows", "from_id": "a", "to_id": "b"}
    one = annotated(MOVING, other_car, link)
    renamed = json.loads(json.dumps(one).replace('"a"', '"x"').replace('"b"', '"y"'))
    assert task_type.agreement(params, one, renamed).score == pytest.approx(1)
    assert task_type.canonical(one) == task_type.canonical(renamed)
    turned = copy.deepcopy(renamed)
    turned["annotations"]["annotations"][2] |= {"from_id": "y", "to_id": "x"}
    found = task_type.agreement(params, one, turned)
    assert found.detail["objects"] == pytest.approx(4 / 6)
    assert task_type.canonical(one) != task_type.canonical(turned)


def source(status: str, frames: int, kind: str = "lidarannotation") -> SourceTask:
    params = {"attachments": ["https://x.example/f.json"] * frames, "labels": ["a"]}
    return SourceTask(kind, status, json.dumps(params).encode())


def test_the_task_that_others_build_on_must_be_there_right_and_done():
    params = parsed("lidarsegmentation", {"lidar_task": "t1", "lidar_task_frames": [0, 4], "labels": ["a"]})
    build_on(params, source("completed", 5))
    with pytest.raises(NotFound, match="lidar_task t1 not found"):
        build_on(params, None)
    for found, words in (
        (source("completed", 5, "imageannotation"), "lidar_task t1 is not a lidarannotation task"),
        (source("pending", 5), "lidar_task t1 must be completed"),
        (source("completed", 4), "lidar_task_frames contains invalid frame index 4"),
    ):
        with pytest.raises(InvalidRequest, match=words):
            build_on(params, found)


@pytest.mark.parametrize(
    "name", ["lidarannotation", "lidarsegmentation", "lidarlinking", "lidartopdown", "sensorfusion"]
)
def test_made_up_files_pass_the_check_of_their_content(name: str):
    examples = {
        "lidarannotation": CUBOIDS,
        "lidarsegmentation": SEGMENTS,
        "lidarlinking": LINKS,
        "lidartopdown": TOPDOWN,
        "sensorfusion": SCENE,
    }
    task_type, params = TASK_TYPES[name], parsed(name, examples[name])
    for seed in range(30):
        answer = task_type.test_answer(params, str(seed), MediaInfo())
        content = {f"{RESULT_URL}{f.name}": json.loads(f.content) for f in answer.files}
        inline = {key: content[part["url"]] for key, part in answer.response.items()}
        issues, kept = task_type.check_response(params, msgspec.json.encode(inline), MediaInfo())
        assert issues == []
        assert json.loads(kept) == inline
        assert any(inline.values())


def test_a_made_up_track_is_in_every_frame_and_carries_every_key():
    params = parsed("lidarannotation", {**CUBOIDS, "attachments": FRAMES * 3})
    answer = TASK_TYPES["lidarannotation"].test_answer(params, "s", MediaInfo())
    frames = json.loads(answer.files[0].content)
    assert len(frames) == 6
    keys = {
        "uuid",
        "label",
        "position",
        "dimensions",
        "yaw",
        "stationary",
        "camera_used",
        "attributes",
        "numberOfPoints",
        "distance_to_device",
    }
    assert all(set(c) == keys for frame in frames for c in frame["cuboids"])
    assert all(frame["cuboids"][0]["label"] == "car" for frame in frames)
    assert len({frame["cuboids"][0]["uuid"] for frame in frames}) == 1


def test_agreement_of_a_thousand_cuboids_takes_under_a_second():
    rng = np.random.default_rng(1)

    def many() -> dict[str, Any]:
        places = rng.uniform(-200, 200, size=(1000, 2))
        return drawn(
            [cuboid(str(i), position={"x": x, "y": y, "z": 0.5}) for i, (x, y) in enumerate(places.tolist())],
            [],
        )

    one, other = many(), many()
    params = parsed("lidarannotation", CUBOIDS)
    best = 9.0
    for _ in range(3):
        start = time.perf_counter()
        assert TASK_TYPES["lidarannotation"].agreement(params, one, one).score == pytest.approx(1)
        best = min(best, time.perf_counter() - start)
    assert best < 1
    assert TASK_TYPES["lidarannotation"].agreement(params, one, other).score < 0.5


def test_frames_are_attachments_with_their_number_and_a_prelabel_file_is_one_too():
    params = parsed("lidarannotation", {**CUBOIDS, "base_annotations": {"url": "https://x.example/pre.json"}})
    refs = TASK_TYPES["lidarannotation"].attachments(params)
    assert [(r.path, r.role, r.media, r.frame) for r in refs] == [
        ("attachments[0]", "attachment", "lidar", 0),
        ("attachments[1]", "attachment", "lidar", 1),
        ("base_annotations.url", "hypothesis", "any", None),
    ]
