"""What types find wrong with files once these are fetched: frames, scenes, pre-labels and layers by URL (2D §6, §8.5, §9.1; lidar §1.4, §14)."""

import io
import json
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from steelyard.errors import InvalidRequest
from steelyard.task_types import TASK_TYPES, AttachmentRef, FrameFacts, MediaInfo, SourceTask, Unreadable

PRE = "https://models.example/pre.json"
FRAMES = [f"https://x.example/{i}.json" for i in range(2)]


def parsed(name: str, **params: Any) -> Any:
    return TASK_TYPES[name].parse_params(msgspec.json.encode(params))


def faults(name: str, params: Any, media: MediaInfo = MediaInfo(), **contents: Any) -> list[tuple[str, str]]:
    """Faults of a task whose files by URL hold these contents."""
    files = {f"https://models.example/{k}.json": json.dumps(v).encode() for k, v in contents.items()}
    found = TASK_TYPES[name].check_media(params, msgspec.structs.replace(media, files=files))
    return [(i.path, i.message) for i in found]


def png(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ones((height, width), np.uint8)).save(out, "PNG")
    return out.getvalue()


# ------------------------------------------------------------------------------------------------------------ video


def clip(name: str = "videoannotation", **more: Any) -> Any:
    geometries = {"box": {"objects_to_annotate": ["car"]}}
    return parsed(name, **{"attachment": "https://x.example/a.mp4", "geometries": geometries} | more)


CLIP = MediaInfo(640, 480, duration_s=2.0, frame_rate=10.0, frame_count=20)


def test_a_span_must_lie_within_the_video():
    message = "start_time must be a number of seconds within the video."
    assert faults("videoannotation", clip(start_time=2), CLIP) == [("attachment", message)]
    assert faults("videoplaybackannotation", clip("videoplaybackannotation", start_time=2), CLIP) == [
        ("attachment", message)
    ]
    assert faults("videoannotation", clip(start_time=1.9), CLIP) == []
    assert faults("videoannotation", clip(start_time=2)) == []


def test_a_long_video_may_not_need_more_frames_than_people_can_annotate():
    long = MediaInfo(1, 1, duration_s=200.0, frame_rate=25.0, frame_count=5000)
    message = "This task would annotate 5000 frames; the limit is 3000."
    assert faults("videoannotation", clip(), long) == [("attachment", message)]
    assert faults("videoannotation", clip(frame_rate=10), long) == []
    assert faults("videoplaybackannotation", clip("videoplaybackannotation"), long) == []


def test_the_frames_of_a_sequence_have_one_size():
    task = parsed(
        "videoannotation",
        attachments=[*FRAMES, FRAMES[0]],
        geometries={"box": {"objects_to_annotate": ["car"]}},
    )
    same = MediaInfo(sizes=((64, 48), (64, 48), (0, 0)))
    assert faults("videoannotation", task, same) == []
    other = MediaInfo(sizes=((64, 48), (64, 48), (32, 24)))
    assert faults("videoannotation", task, other) == [
        ("attachments[2]", "attachments[2] has 32 × 24 pixels, the first frame 64 × 48.")
    ]


BOX = {"type": "box", "label": "car", "left": 1, "top": 2, "width": 3, "height": 4}
TRACK = {"label": "car", "geometry": "box", "frames": [{"key": 1, "x": 1, "y": 2, "width": 3, "height": 4}]}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("videoannotation", [{"annotations": [BOX]}], None),
        # The type goes without saying where there is only one; whole responses of image tasks are frames, too.
        ("videoannotation", [{"annotations": [{**BOX, "type": None}], "links": [], "global_attributes": {}}], "is not a file of"),
        ("videoannotation", [{"annotations": [{k: v for k, v in BOX.items() if k != "type"}], "links": []}], None),
        ("videoannotation", [{"annotations": []}] * 21, "has 21 frames, the task has 20"),
        ("videoannotation", [{"annotations": [{**BOX, "label": "cow"}]}], 'has the label "cow"'),
        ("videoannotation", [{"annotations": [{**BOX, "type": "point", "x": 1, "y": 1}]}], "is not one of the task's geometries"),
        ("videoannotation", {"u": TRACK}, "is not a file of annotations"),
        ("videoplaybackannotation", {"u": TRACK}, None),
        ("videoplaybackannotation", {"annotations": {"u": TRACK}}, None),
        ("videoplaybackannotation", {"u": {**TRACK, "label": "cow"}}, 'has the label "cow"'),
        ("videoplaybackannotation", {"u": {**TRACK, "frames": [{"x": 1}]}}, "is not a file of annotations"),
        ("videoplaybackannotation", [1, 2], "is not a file of annotations"),
    ],
)  # fmt: skip
def test_prelabels_of_a_video_follow_its_taxonomy(name: str, content: Any, says: str | None):
    for given in ({"hypothesis": {"annotations": {"url": PRE}}}, {"base_annotations": {"url": PRE}}):
        found = faults(name, clip(name, **given), CLIP, pre=content)
        assert found == [] if says is None else (len(found) == 1 and says in found[0][1]), found
        assert all(path.endswith(".url") for path, _ in found)


def test_events_of_prelabels_are_those_of_the_task():
    task = clip(
        events_to_annotate=["horn"],
        hypothesis={"annotations": {"url": PRE}, "events": {"url": "https://models.example/ev.json"}},
    )
    event = {"label": "horn", "type": "point", "start": 3}
    assert faults("videoannotation", task, CLIP, ev={"events": [event]}) == []
    ((path, message),) = faults("videoannotation", task, CLIP, ev=[{**event, "label": "bark"}])
    assert (path, message) == (
        "hypothesis.events.url",
        'hypothesis.events.url: has the event "bark", which is not one of the task\'s events',
    )
    assert "is not a file of events" in faults("videoannotation", task, CLIP, ev={"events": [{}]})[0][1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([{}] * 20, None),
        ([{"boxes": [{"left": 1, "top": 1, "width": 2, "height": 2, "label": "front camera"}]}] + [{"lines": []}] * 19, None),
        ([{}] * 19, "has 19 frames, the task has 20"),
        ({}, "must be an array with one object of layers per frame"),
        ([{"blobs": []}] + [{}] * 19, "[0].blobs is no layer"),
        ([{}] * 19 + [{"boxes": {}}], "[19].boxes must be an array"),
        ([{"boxes": [{"left": 1}]}] + [{}] * 19, "[0].boxes[0] is no box"),
    ],
)  # fmt: skip
def test_layers_of_a_video_have_an_entry_for_every_frame(content: Any, says: str | None):
    found = faults("videoannotation", clip(layers={"url": PRE}), CLIP, pre=content)
    assert found == [] if says is None else says in found[0][1]
    assert all(path == "layers.url" for path, _ in found)


def test_the_mask_of_prelabels_is_a_png_in_the_size_of_the_image():
    mask = "https://models.example/mask.png"
    task = parsed(
        "segmentannotation",
        attachment="https://x.example/a.png",
        labels=["water"],
        hypothesis={
            "labelMapping": {"water": {"index": 1}},
            "annotations": {"combined": {"indexedImage": mask}},
        },
    )
    kind, path = TASK_TYPES["segmentannotation"], "hypothesis.annotations.combined.indexedImage"
    assert kind.check_media(task, MediaInfo(4, 3, files={mask: png(4, 3)})) == []
    (wrong,) = kind.check_media(task, MediaInfo(4, 3, files={mask: png(3, 4)}))
    assert wrong.path == path and wrong.message.endswith(
        "must have the size of the image: 4 × 3 pixels, not 3 × 4"
    )
    (broken,) = kind.check_media(task, MediaInfo(4, 3, files={mask: b"no"}))
    assert broken.message == f"{path} is not a readable PNG"


# ------------------------------------------------------------------------------------------------------------ lidar

CUBE = {
    "label": "car",
    "position": {"x": 0, "y": 2, "z": 0},
    "dimensions": {"x": 2, "y": 4, "z": 2},
    "yaw": 0,
}
FACTS = (FrameFacts(3, (0, 0, 0), (0, 2)), FrameFacts(2, (0, 0, 0), (0,)))


def frame(points: int = 1, cameras: tuple[int, ...] = (), **more: Any) -> bytes:
    image = {
        "image_url": "https://x.example/c.png",
        "position": {"x": 0, "y": 0, "z": 0},
        "fx": 1,
        "fy": 1,
        "cx": 0,
        "cy": 0,
    }
    heading = {"w": 1, "x": 0, "y": 0, "z": 0}
    return json.dumps(
        {
            "device_position": {"x": 1, "y": 2, "z": 3},
            "points": [{"x": i, "y": 0, "z": 0} for i in range(points)],
            "images": [{**image, "heading": heading, "camera_index": i} for i in cameras],
        }
        | more
    ).encode()


LIDAR = [
    ("lidarannotation", {"attachments": FRAMES, "labels": ["car"]}),
    ("lidarsegmentation", {"attachments": FRAMES, "labels": ["car"]}),
    ("lidartopdown", {"attachments": FRAMES, "geometries": {"point": {"objects_to_annotate": ["car"]}}}),
]


@pytest.mark.parametrize(("name", "params"), LIDAR)
def test_a_frame_tells_its_points_its_device_and_its_cameras(name: str, params: dict[str, Any]):
    examine = TASK_TYPES[name].examine
    assert examine is not None
    ref = AttachmentRef("attachments[1]", FRAMES[1], media="lidar", frame=1)
    task = parsed(name, **params)
    images = ("https://x.example/c.png", "https://x.example/c.png")
    assert examine(task, ref, frame(5, (3, 0))) == FrameFacts(5, (1, 2, 3), (0, 3), images)
    assert examine(task, AttachmentRef("hypothesis.annotations", PRE, role="hypothesis"), b"[]") is None
    for content, says in (
        (b"nonsense", "attachment 1 is not a valid json file: "),
        (frame(points=1, device_position=None), "device_position"),
        (frame(2, point_colors=[1]), "point_colors must have 3 values per point"),
        (frame(1, (0, 0)), "images[1].camera_index 0 repeated"),
    ):
        with pytest.raises(Unreadable) as caught:
            examine(task, ref, content)
        assert says in str(caught.value)
        assert all(path.startswith("attachments.1") for path in caught.value.details)
    with pytest.raises(Unreadable, match="attachment 1 is not a valid protobuf file"):
        examine(parsed(name, **params, attachment_type="protobuf"), ref, frame())


def test_every_problem_of_a_scene_is_told():
    examine = TASK_TYPES["sensorfusion"].examine
    assert examine is not None
    task = parsed(
        "sensorfusion",
        attachments=["https://x.example/a.sfs"],
        scene_format="sensor_fusion",
        annotation_definition=[{"type": "cuboid"}],
    )
    ref = AttachmentRef("attachments[0]", "https://x.example/a.sfs", media="scene")
    assert examine(task, ref, b'{"version": "1.0", "sensors": []}') is None
    with pytest.raises(Unreadable) as caught:
        examine(task, ref, b'{"version": "9", "time_offset": -1}')
    assert "attachment 0 is not a valid sensor_fusion file" in str(caught.value)
    assert caught.value.details == {
        "attachments.0.version": ['unsupported scene version "9"'],
        "attachments.0.time_offset": ["time_offset must not be negative"],
    }


SEGMENTS = {"objects": [{"label": "car", "index": 1}], "point_objects": [[1, 0, 0], [1, 1]]}
POINT = {"type": "point", "label": "car", "x": 1, "y": 2}


@pytest.mark.parametrize(
    ("case", "content", "says"),
    [
        (0, [{"cuboids": [CUBE]}, {"cuboids": []}], None),
        (0, [{"cuboids": []}], "base_annotations.url has 1 frames, task has 2"),
        (0, [{"cuboids": [{**CUBE, "label": "cow"}]}, {"cuboids": []}], '"base_annotations.url[0].cuboids[0].label" is not one of the task\'s labels'),
        (0, {"cuboids": []}, "must be an array"),
        (1, SEGMENTS, None),
        (1, {"labels": SEGMENTS["objects"], "point_labels": SEGMENTS["point_objects"]}, None),
        (1, {**SEGMENTS, "point_objects": [[1, 0, 0]]}, "has 1 frames, task has 2"),
        (1, {**SEGMENTS, "point_objects": [[1, 0, 0], [1]]}, "must have 2 indexes, one for each point of the frame, has 1"),
        (1, {**SEGMENTS, "point_objects": [[2, 0, 0], [1, 1]]}, "has index 2, there are 1 objects"),
        (2, {"annotations": [POINT]}, None),
        (2, [POINT], None),
        (2, [{**POINT, "label": "cow"}], "is not one of the task's labels"),
    ],
)  # fmt: skip
def test_lidar_prelabels_by_url_follow_the_rules_of_those_in_the_request(
    case: int, content: Any, says: str | None
):
    name, params = LIDAR[case]
    task = parsed(name, **params, base_annotations={"url": PRE})
    found = faults(name, task, MediaInfo(frames=FACTS), pre=content)
    assert found == [] if says is None else says in found[0][1], found
    assert all(path == "base_annotations.url" for path, _ in found)


def segmentation_issues(params: dict[str, Any], media: MediaInfo, content: Any) -> list[str]:
    task = parsed("lidarsegmentation", labels=["road", {"choice": "car", "instance_label": True}], **params)
    data = msgspec.json.encode({"point_segmentations": content})
    return [
        f"{i.path} {i.message}" for i in TASK_TYPES["lidarsegmentation"].check_response(task, data, media)[0]
    ]


def test_a_segmentation_has_an_index_for_every_point_of_the_frames():
    content = {"objects": [{"label": "road", "index": 1}], "point_objects": [[1, 1, 0], [1]]}
    assert segmentation_issues({"attachments": FRAMES}, MediaInfo(frames=FACTS), content) == [
        "point_segmentations.point_objects[1] must have 2 indexes, one for each point of the frame, has 1"
    ]


def test_points_beyond_the_distance_may_stay_unlabeled():
    # five points on the x axis, 0 to 4 units from the origin; the device at (1, 2, 3)
    media = MediaInfo(frames=(FrameFacts(5, (1, 2, 3)),), frame=lambda n: frame(5))
    params = {"attachments": FRAMES[:1], "allow_unlabeled": False, "meters_per_unit": 2}
    content = {"objects": [{"label": "road", "index": 1}], "point_objects": [[1, 1, 1, 0, 0]]}
    for metres, left in ((7.4, 0), (8.3, 1), (100, 2)):
        issues = segmentation_issues({**params, "max_distance_meters": metres}, media, content)
        says = [f"point_segmentations.point_objects[0] leaves {left} points unlabeled"] if left else []
        assert issues == says, metres


CUBES = [{"cuboids": [{**CUBE, "uuid": "u1"}]}, {"cuboids": [{**CUBE, "uuid": "u1"}, {**CUBE, "uuid": "u2"}]}]
SOURCE = SourceTask(
    "lidarannotation",
    "completed",
    json.dumps({"attachments": FRAMES, "labels": ["car"]}).encode(),
    b'{"annotations": {"url": "https://x.example/results/a"}}',
    FACTS,
    {"https://x.example/results/a": json.dumps(CUBES).encode()},
)


def test_a_task_works_on_the_frames_of_its_source_in_its_own_order():
    for name in ("lidarsegmentation", "lidarlinking"):
        task = parsed(name, lidar_task="t1", labels=["car"], lidar_task_frames=[1, 0])
        refs = TASK_TYPES[name].source_files(task, SOURCE)
        assert [(r.path, r.url, r.media, r.frame) for r in refs] == [
            ("lidar_task.attachments[1]", FRAMES[1], "lidar", 0),
            ("lidar_task.attachments[0]", FRAMES[0], "lidar", 1),
        ]


def test_objects_of_a_segmentation_that_stand_for_cuboids_have_their_labels():
    media = MediaInfo(source=SOURCE, frames=FACTS)

    def issues(**entry: Any) -> list[str]:
        objects = [{"index": 1, "instance": True, **entry}]
        return segmentation_issues(
            {"lidar_task": "t1"}, media, {"objects": objects, "point_objects": [[1, 0, 0], [1, 1]]}
        )

    assert issues(label="car", uuid="u1") == []
    assert issues(label="car", uuid="other") == [], "its own label, apart from any cuboid"
    assert issues(label="road", uuid="u2") == [
        'point_segmentations.objects[0].label must be "car", the label of its cuboid'
    ]
    assert issues(label="cow", uuid="u3") == [
        "point_segmentations.objects[0].label is not one of the task's labels"
    ]
    assert segmentation_issues({"lidar_task": "t1"}, media, {"objects": [], "point_objects": []}) == [
        "point_segmentations.point_objects must have 2 frames, has 0"
    ]


def test_a_segmentation_of_a_cuboid_task_brings_the_cuboids_of_its_frames_along():
    kind = TASK_TYPES["lidarsegmentation"]
    task = parsed("lidarsegmentation", lidar_task="t1", labels=["road"], lidar_task_frames=[1])
    media = MediaInfo(source=SOURCE)
    data = msgspec.json.encode({"point_segmentations": {"objects": [], "point_objects": [[]]}})
    assert kind.result_files is not None
    for answer in (kind.result_files(task, data, media), kind.test_answer(task, "seed", media)):
        assert sorted(answer.response) == ["annotations", "point_segmentations"]
        (file,) = [f for f in answer.files if f.name == "annotations.json"]
        assert [[c["uuid"] for c in f["cuboids"]] for f in json.loads(file.content)] == [["u1", "u2"]]
    plain = parsed("lidarsegmentation", attachments=FRAMES, labels=["road"])
    assert "annotations" not in kind.test_answer(plain, "seed", MediaInfo(frames=FACTS)).response


def linking(media: MediaInfo, *frames: Any, **params: Any) -> tuple[list[str], Any]:
    task = parsed("lidarlinking", lidar_task="t1", labels=["car"], **params)
    given = [{"camera_responses": [{"camera_used": c, "annotations": a} for c, a in f]} for f in frames]
    issues, data = TASK_TYPES["lidarlinking"].check_response(
        task, msgspec.json.encode({"annotations": given}), media
    )
    return [f"{i.path} {i.message}" for i in issues], json.loads(data)["annotations"]


def test_shapes_name_cuboids_of_the_source_in_cameras_that_are_there():
    media = MediaInfo(source=SOURCE, frames=FACTS)
    shape = {**BOX, "cuboid_uuid": "u1", "not_in_lidar": False, "attributes": {}}
    issues, stored = linking(media, [(2, [shape])], [])
    assert issues == []
    # Every camera of the frame is listed, in order.
    assert [[c["camera_used"] for c in f["camera_responses"]] for f in stored] == [[0, 2], [0]]
    spot = "annotations[0].camera_responses[0]"
    assert linking(media, [(1, [])], [])[0] == [f"{spot}.camera_used is no camera of this frame"]
    foreign = {**shape, "cuboid_uuid": "u9"}
    assert linking(media, [(0, [foreign])], [])[0] == [
        f"{spot}.annotations[0].cuboid_uuid is no cuboid of lidar_task, so not_in_lidar must be true"
    ]
    assert linking(media, [(0, [{**foreign, "not_in_lidar": True}])], [])[0] == []
    assert linking(media, [])[0] == ["annotations must have 2 frames, has 1"]
    _, chosen = linking(media, [], [], camera_ids=[2])
    assert [[c["camera_used"] for c in f["camera_responses"]] for f in chosen] == [[2], []]


def test_made_up_links_are_tied_to_the_cuboids_of_the_source():
    kind = TASK_TYPES["lidarlinking"]
    task = parsed("lidarlinking", lidar_task="t1", labels=["car"])
    media = MediaInfo(source=SOURCE, frames=FACTS)
    answer = kind.test_answer(task, "seed", media)
    content = json.loads(answer.files[0].content)
    shapes = [a for f in content for c in f["camera_responses"] for a in c["annotations"]]
    assert {a["cuboid_uuid"] for a in shapes if not a["not_in_lidar"]} == {"u1"}
    assert kind.check_response(task, msgspec.json.encode({"annotations": content}), media)[0] == []


def test_a_source_without_camera_images_has_nothing_to_link():
    kind = TASK_TYPES["lidarlinking"]
    blind = msgspec.structs.replace(SOURCE, frames=(FrameFacts(3, (0, 0, 0)), FACTS[1]))
    whole, first = (parsed("lidarlinking", lidar_task="t1", lidar_task_frames=f) for f in (None, [0]))
    assert kind.build_on(whole, blind)["labels"] == ["car"]
    with pytest.raises(InvalidRequest, match="lidar_task t1 has no camera images"):
        kind.build_on(first, blind)
    unknown = msgspec.structs.replace(SOURCE, frames=(None, None))
    assert kind.build_on(first, unknown), "frames that were not read may have images"


def test_the_file_of_cuboids_carries_what_the_frames_tell():
    kind = TASK_TYPES["lidarannotation"]
    assert kind.result_files is not None
    task = parsed("lidarannotation", attachments=FRAMES, labels=["car"], meters_per_unit=2)
    given = [{"cuboids": [{**CUBE, "uuid": "u1", "position": {"x": 1, "y": 0, "z": 0}}]}, {"cuboids": []}]
    data = msgspec.json.encode({"annotations": given})
    read: list[int] = []
    media = MediaInfo(frame=lambda n: read.append(n) or frame(5))
    (file,) = kind.result_files(task, data, media).files
    (cuboid,) = json.loads(file.content)[0]["cuboids"]
    # of the points at x = 0 … 4 three lie in the box from 0 to 2; the device is 2 units to the side and 3 above
    assert (cuboid["numberOfPoints"], cuboid["camera_used"]) == (3, -1)
    assert cuboid["distance_to_device"] == pytest.approx(2 * 13**0.5, abs=1e-3)
    assert read == [0], "frames without cuboids are not read"
