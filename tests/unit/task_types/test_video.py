"""Video types: which frames, both forms of files, events, agreement by frame and by object (task-types-2d §9 to §11, §17, §18.5)."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from steelyard.task_types import RESULT_URL, TASK_TYPES, Answer, InvalidParams, MediaInfo

FIXTURES = Path(__file__).parents[3] / "fixtures" / "task-types"
VIDEO = ["videoannotation", "videoboxannotation", "videocuboidannotation"]
PLAYBACK = ["videoplaybackannotation", "federal2dvideoannotation"]
FRAMES = [f"https://assets.example.org/{n}.png" for n in range(3)]
CLIP = "https://assets.example.org/clip.mp4"


def parsed(name: str, **params: Any) -> Any:
    return TASK_TYPES[name].parse_params(msgspec.json.encode(params))


MEDIA = [MediaInfo(), MediaInfo(640, 480, 9.0), MediaInfo(37, 1000)]


def check(name: str, params: Any, response: Any, media: MediaInfo = MediaInfo()) -> tuple[list[str], Any]:
    issues, stored = TASK_TYPES[name].check_response(params, msgspec.json.encode(response), media)
    return [f"{issue.path} {issue.message}".strip() for issue in issues], json.loads(stored)


def with_content(answer: Answer) -> dict[str, Any]:
    files = {RESULT_URL + f.name: json.loads(f.content) for f in answer.files}
    return {
        key: files[part["url"]] if isinstance(part, dict) else part for key, part in answer.response.items()
    }


def box(uuid: str = "u", left: float = 0, label: str = "car", **more: Any) -> dict[str, Any]:
    return {
        "uuid": uuid, "type": "box", "label": label, "left": left, "top": 0, "width": 10, "height": 10, **more
    }  # fmt: skip


def frames(*each: list[dict[str, Any]]) -> dict[str, Any]:
    return {"annotations": [{"annotations": list(one)} for one in each]}


def images(**more: Any) -> Any:
    geometries = {"box": {"objects_to_annotate": ["car", "tree"]}, "point": {"objects_to_annotate": ["dot"]}}
    return parsed("videoannotation", attachments=FRAMES, geometries=geometries, **more)


def playback(**more: Any) -> Any:
    return parsed(
        "videoplaybackannotation",
        attachment=CLIP,
        geometries={"box": {"objects_to_annotate": ["car"]}},
        **more,
    )


def entry(key: int, left: float = 0, **more: Any) -> dict[str, Any]:
    return {"key": key, "timestamp": key / 25, "left": left, "top": 0, "width": 10, "height": 10, **more}


def tracks(**by_uuid: Any) -> dict[str, Any]:
    return {uuid: {"label": "car", "geometry": "box", "frames": found} for uuid, found in by_uuid.items()}


CASES = [
    pytest.param(name, json.loads(path.read_text())["params"], id=f"{name}/{path.stem}")
    for name in (*VIDEO, *PLAYBACK)
    for path in sorted((FIXTURES / name / "valid").glob("*.json"))
]


@pytest.mark.parametrize("media", MEDIA, ids=lambda media: f"{media.width}x{media.height}")
@pytest.mark.parametrize(("name", "params"), CASES)
def test_the_files_of_a_made_up_answer_pass_the_check_of_a_submission_unchanged(
    name: str, params: dict[str, Any], media: MediaInfo
):
    task = parsed(name, **params)
    for seed in range(5):
        full = with_content(TASK_TYPES[name].test_answer(task, f"seed-{seed}", media))
        assert check(name, task, full, media) == ([], full)
        summary = TASK_TYPES[name].summarize(task, full)
        assert summary["objects"] > 0
        assert summary.get("events", 0) >= len(params.get("events_to_annotate") or ())


@pytest.mark.parametrize(("name", "params"), CASES)
def test_made_up_objects_are_seen_and_every_declared_geometry_is_drawn(name: str, params: dict[str, Any]):
    task = parsed(name, **params)
    full = with_content(TASK_TYPES[name].test_answer(task, "seed", MediaInfo(640, 480)))
    text = json.dumps(full["annotations"])
    for kind, labels in task.geometries.labels().items():
        assert not labels or f'"{kind}"' in text


def keys(name: str, media: MediaInfo = MediaInfo(), **params: Any) -> list[tuple[int, float]]:
    """Keys and times of the tracks of many made-up answers."""
    task = parsed(name, attachment=CLIP, geometries={"point": {"objects_to_annotate": ["dot"]}}, **params)
    found: set[tuple[int, float]] = set()
    for seed in range(200):
        content = with_content(TASK_TYPES[name].test_answer(task, str(seed), media))["annotations"]
        for track in content["annotations"].values():
            found |= {(f["key"], f["timestamp"]) for f in track["frames"]}
    return sorted(found)


def test_playback_counts_source_frames_from_one_and_leaves_out_the_frame_at_time_zero():
    found = keys("videoplaybackannotation", video_frame_rate=29.92, annotation_frame_rate=5, duration_time=1)
    assert [key for key, _ in found] == [6, 12, 18, 24]
    assert found[0] == (6, round(6 / 29.92, 4))


def test_playback_starts_after_the_start_time_and_annotates_one_frame_a_second_by_default():
    found = keys("videoplaybackannotation", start_time=2, duration_time=3, video_frame_rate=25)
    assert found == [(75, 3.0), (100, 4.0), (125, 5.0)]
    assert keys("videoplaybackannotation", MediaInfo(10, 10, 4.0)) == [
        (30, 1.0),
        (60, 2.0),
        (90, 3.0),
        (120, 4.0),
    ]


def test_a_span_shorter_than_one_sample_still_has_a_frame():
    assert keys("videoplaybackannotation", duration_time=0.4, video_frame_rate=10) == [(4, 0.4)]


@pytest.mark.parametrize(
    ("params", "media", "count"),
    [
        ({"frame_rate": 5, "duration_time": 2}, MediaInfo(), 10),
        ({"frame_rate": 5, "start_time": 1}, MediaInfo(1, 1, 3.0), 10),
        ({}, MediaInfo(), 30),
        ({"frame_rate": 1000, "duration_time": 2}, MediaInfo(), 60),
        ({"duration_time": 1000000}, MediaInfo(), 3000),
    ],
)
def test_a_video_has_an_entry_for_every_annotated_frame(params: dict[str, Any], media: MediaInfo, count: int):
    task = parsed(
        "videoannotation", attachment=CLIP, geometries={"point": {"objects_to_annotate": ["dot"]}}, **params
    )
    answer = with_content(TASK_TYPES["videoannotation"].test_answer(task, "seed", media))
    assert len(answer["annotations"]) == count


def test_more_images_than_the_limit_are_refused():
    with pytest.raises(InvalidParams) as caught:
        parsed("videoannotation", attachments=["https://a.example/x.png"] * 3001, geometries={})
    assert caught.value.message == "This task would annotate 3001 frames; the limit is 3000."


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        ({}, "annotations is required"),
        ({"annotations": {"url": "somewhere"}}, "annotations.url must be a URL"),
        ({"annotations": {"url": 5}}, "annotations must be an array of frames"),
        (frames([], []), "annotations must have 3 frames"),
        ({"annotations": [5, {"annotations": []}, {"annotations": []}]}, "annotations[0].annotations must be an array"),
        (frames([5], [], []), "annotations[0].annotations[0] must be an object"),  # type: ignore[list-item]
        (frames([box(width="x")], [], []), "annotations[0].annotations[0].width must be a number"),
        (frames([box(type="mask")], [], []),
         "annotations[0].annotations[0].type must be one of box, polygon, line, point, cuboid, ellipse"),
        (frames([box(type="ellipse", vertices=[])], [], []),
         'annotations[0].annotations[0].type "ellipse" is not one of the task\'s geometries'),
        (frames([], [box(label="ship")], []), "annotations[1].annotations[0].label is not one of the task's labels"),
        (frames([box(), box(left=50)], [], []), "annotations[0].annotations[1].uuid is used more than once in this frame"),
        (frames([box()], [box(label="tree")], []),
         "annotations[1].annotations[0].label of an object must be the same in all frames"),
        (frames([box()], [{"uuid": "u", "type": "point", "label": "dot", "x": 1, "y": 1}], []),
         "annotations[1].annotations[0].type of an object must be the same in all frames"),
        (frames([box(width=1e-300)], [], []), "annotations[0].annotations[0] must have a width and height greater than 0"),
        ({"annotations": [{"annotations": [], "global_attributes": []}, {"annotations": []}, {"annotations": []}]},
         "annotations[0].global_attributes must be an object"),
        (frames([box(width=0)], [], []), "annotations[0].annotations[0] must have a width and height greater than 0"),
        (frames([box(left=95)], [], []), "annotations[0].annotations[0] lies outside the image"),
    ],
)  # fmt: skip
def test_a_submission_by_frame_that_breaks_a_rule_is_refused(response: dict[str, Any], problem: str):
    issues, _ = check("videoannotation", images(), response, MediaInfo(100, 80))
    assert problem in issues


def test_missing_identities_are_made_and_small_overshoot_is_clamped():
    given = frames([{k: v for k, v in box(left=90.3).items() if k != "uuid"}], [], [])
    issues, stored = check("videoannotation", images(), given, MediaInfo(100, 80))
    assert issues == []
    found = stored["annotations"][0]["annotations"][0]
    assert found["uuid"]
    assert found["left"] + found["width"] == pytest.approx(100)
    assert check("videoannotation", images(), stored, MediaInfo(100, 80)) == ([], stored)


def test_an_attribute_of_the_whole_track_must_not_change():
    task = images(
        annotation_attributes={"make": {"type": "text", "global": True}, "speed": {"type": "number"}}
    )
    steady = frames(
        [box(attributes={"make": "X", "speed": 1})], [box(attributes={"make": "X", "speed": 2})], []
    )
    assert check("videoannotation", task, steady)[0] == []
    changed = frames([box(attributes={"make": "X"})], [box(attributes={"make": "Y"})], [])
    assert check("videoannotation", task, changed)[0] == [
        "annotations[1].annotations[0].attributes.make must be the same in all frames"
    ]


def test_a_linked_object_may_be_absent_from_the_frame():
    task = images(annotation_attributes={"tows": {"type": "linked", "allowed_labels": ["car"]}})
    good = frames([box("a")], [box("b", attributes={"tows": "a"})], [])
    assert check("videoannotation", task, good)[0] == []
    for target in ("b", "c"):
        wrong = frames([box("a")], [box("b", attributes={"tows": target})], [])
        assert check("videoannotation", task, wrong)[0] == [
            "annotations[1].annotations[0].attributes.tows must be the uuid of another object with an allowed label"
        ]


def test_links_join_objects_by_allowed_labels():
    task = images(links={"tows": {"from_allowed_labels": ["tree"], "to_allowed_labels": ["car"]}})
    objects = frames([box("a"), box("b", 30, "tree")], [], [])

    def issues(**link: Any) -> list[str]:
        return check("videoannotation", task, {**objects, "links": [{"label": "tows", **link}]})[0]

    assert issues(**{"from": "b", "to": "a"}) == []
    stored = check("videoannotation", task, {**objects, "links": [{"label": "tows", "from": "b", "to": "a"}]})
    (link,) = stored[1]["links"]
    assert link.pop("uuid")
    assert link == {"label": "tows", "from": "b", "to": "a", "is_bidirectional": False}
    assert check("videoannotation", task, objects)[1]["links"] == []
    linked = {"annotations": {"url": BASE_URL}, "links": [{"label": "tows", "from": "x", "to": "y"}]}
    assert check("videoannotation", task, linked)[1]["links"][0]["uuid"], (
        "also where the objects are not at hand"
    )
    twice = [{"label": "tows", "from": "b", "to": "a"}] * 2
    assert check("videoannotation", task, {**objects, "links": twice})[0] == ["links[1] is there twice"]
    assert issues(**{"from": "a", "to": "b"}) == ["links[0] joins labels that it may not join"]
    assert issues(**{"from": "a", "to": "a"}) == [
        "links[0] must join two different annotations of the response"
    ]
    assert issues(**{"from": "a", "to": "c"}) == [
        "links[0] must join two different annotations of the response"
    ]
    assert issues(**{"label": "near", "from": "a", "to": "b"}) == [
        "links[0] has a label that the task does not declare"
    ]


EVENTS = {
    "events_to_annotate": ["horn", "loading"],
    "annotation_attributes": {
        "crane": {
            "choices": ["north", "south"],
            "conditions": {"is_global": True, "label_condition": {"label": "loading"}},
        }
    },
}


def events(*each: dict[str, Any]) -> tuple[list[str], Any]:
    issues, stored = check("videoannotation", images(**EVENTS), {**frames([], [], []), "events": list(each)})
    return issues, stored["events"]


def test_events_are_sorted_and_a_range_of_one_frame_becomes_a_point():
    loading = {
        "label": "loading", "type": "range", "start": 2, "end": 3, "startTime": 2.0, "endTime": 3.5,
        "attributes": {"crane": "north"},
    }  # fmt: skip
    horn = {"label": "horn", "type": "range", "start": 1, "end": 1, "startTime": 0.5, "endTime": 0.5}
    issues, stored = events(loading, horn)
    assert issues == []
    assert stored == {"events": [{"label": "horn", "type": "point", "start": 1, "startTime": 0.5}, loading]}


@pytest.mark.parametrize(
    ("name", "more", "times"),
    [
        ("videoannotation", {"frame_rate": 10}, (1.0, 1.5)),
        ("videoplaybackannotation", {"frame_rate": 10}, (1.0333, 1.5333)),
        ("videoplaybackannotation", {"video_frame_rate": 62}, (0.5, 0.7419)),
    ],
)
def test_events_without_times_get_those_of_their_frames(name: str, more: Any, times: tuple[float, float]):
    video = MediaInfo(width=100, height=80, duration_s=2.0, frame_rate=30.0, frame_count=60)
    empty: Any = [{"annotations": []}] * 20 if name == "videoannotation" else {}
    event = {"label": "horn", "type": "range", "start": 31, "end": 46}
    params = parsed(
        name, attachment=CLIP, geometries={"box": {"objects_to_annotate": ["car"]}}, **EVENTS, **more
    )
    issues, stored = check(name, params, {"annotations": empty, "events": [event]}, video)
    assert issues == []
    assert stored["events"] == {"events": [{**event, "startTime": times[0], "endTime": times[1]}]}


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"label": "bang", "type": "point", "start": 1}, "events[0].label is not one of the task's events"),
        ({"label": "horn", "type": "span", "start": 1}, "events[0].type must be one of point, range"),
        ({"label": "horn", "type": "point"}, "events[0].start is required"),
        ({"label": "horn", "type": "range", "start": 1}, "events[0].end is required"),
        ({"label": "horn", "type": "range", "start": 3, "end": 1}, "events[0].end must not lie before start"),
        ({"label": "horn", "type": "point", "start": 4}, "events[0] lies outside the annotated frames"),
        ({"label": "horn", "type": "point", "start": 0}, "events[0] lies outside the annotated frames"),
        ({"label": "loading", "type": "point", "start": 1}, "events[0].attributes.crane is required"),
    ],
)
def test_an_event_that_breaks_a_rule_is_refused(event: dict[str, Any], problem: str):
    assert events(event)[0] == [problem]


def test_an_attribute_of_another_event_is_dropped_or_refused():
    issues, _ = events({"label": "horn", "type": "point", "start": 1, "attributes": {"crane": "north"}})
    assert issues == ["events[0].attributes.crane is no attribute of this task"]


def test_declared_events_must_be_answered():
    assert check("videoannotation", images(**EVENTS), frames([], [], []))[0] == ["events is required"]


BASE_URL = "https://models.example.org/base.json"
SUPPLIED = frames([box("a"), box("b", left=30)], [box("a", left=5)], [])["annotations"]


@pytest.mark.parametrize(
    ("flags", "answer", "problem"),
    [
        ({"can_add_base_annotations": False}, [[box("a"), box("b", left=30), box("new")], [box("a", left=5)], []],
         "annotations[0].annotations[2] must not be added to the base annotations"),
        ({"can_edit_base_annotations": False}, [[box("a", left=1), box("b", left=30)], [box("a", left=5)], []],
         "annotations[0].annotations[0] is a base annotation and must not change"),
        ({"can_edit_base_annotations": False}, [[box("a"), box("b", left=30)], [box("a", left=5)], [box("b")]],
         "annotations[2].annotations[0] is a base annotation and must not change"),
        ({"can_edit_base_annotations": False}, [[box("a"), box("b", left=30)], [], []],
         'annotations base annotation "a" must not be removed from frame 1'),
        ({"can_edit_base_annotations": False}, [[box("b", left=30)], [], []], None),
        ({"can_edit_base_annotation_labels": False}, [[box("a"), box("b", 30, "tree")], [box("a", left=5)], []],
         "annotations[0].annotations[1].label of a base annotation must not change"),
        ({"can_edit_base_annotations": False, "can_edit_base_annotation_labels": True},
         [[box("a"), box("b", 30, "tree")], [box("a", left=5)], []], None),
        ({"can_edit_base_annotation_labels": False}, [[box("a"), box("b", left=9)], [], []], None),
        ({"can_delete_base_annotations": False}, [[box("a")], [], []],
         'annotations base annotation "b" must not be deleted'),
        ({}, [[box("new")], [], []], None),
    ],
    ids=["added", "moved", "another frame", "a frame less", "deleted", "relabeled", "relabeled by right", "moved by right",
         "gone", "unrestricted"],
)  # fmt: skip
def test_base_annotations_of_a_video_allow_what_their_flags_say(
    flags: dict[str, bool], answer: list[Any], problem: str | None
):
    for given in ({"annotations": {"url": BASE_URL}}, {"url": BASE_URL}):
        task = images(base_annotations=given, **flags)
        held = TASK_TYPES["videoannotation"].held_to_prelabels
        assert held is not None and held(task) is bool(flags)
        media = MediaInfo(files={BASE_URL: msgspec.json.encode(SUPPLIED)} if flags else {})
        found, _ = check("videoannotation", task, frames(*answer), media)
        assert found == ([] if problem is None else [problem])


KEEP_ALL = {"can_delete_base_annotations": False, "can_add_base_annotations": False}


def test_the_flags_hold_for_the_form_by_object_and_identities_that_are_missing_are_made():
    content = {"annotations": tracks(a=[entry(5), entry(6, left=3)])}
    task = playback(base_annotations={"url": BASE_URL}, can_edit_base_annotations=False)
    media = MediaInfo(files={BASE_URL: msgspec.json.encode(content["annotations"])})
    assert check("videoplaybackannotation", task, content, media)[0] == []
    content["annotations"]["a"]["frames"][1]["left"] = 4
    assert check("videoplaybackannotation", task, content, media)[0] == [
        "annotations.a.frames[1] is a base annotation and must not change"
    ]
    bare = {k: v for k, v in box().items() if k != "uuid"}
    nameless = [{"annotations": [bare, box("known")]}, {"annotations": [bare]}, {"annotations": []}]
    media = MediaInfo(files={BASE_URL: msgspec.json.encode(nameless)})
    kind, task = TASK_TYPES["videoannotation"], images(base_annotations={"url": BASE_URL}, **KEEP_ALL)
    assert kind.check_media(task, media) == []
    assert kind.starting is not None
    start = kind.starting(task, media)
    assert start is not None
    handed_out = with_content(start)
    assert [len(frame["annotations"]) for frame in handed_out["annotations"]] == [2, 1, 0]
    uuids = [item["uuid"] for frame in handed_out["annotations"] for item in frame["annotations"]]
    assert uuids[1] == "known"
    assert len(set(uuids)) == 3, "nothing says that two of them are one object"
    assert check("videoannotation", task, handed_out, media)[0] == []
    handed_out["annotations"][1]["annotations"][0]["uuid"] = "other"
    assert len(check("videoannotation", task, handed_out, media)[0]) == 2  # one added, one deleted
    whole = MediaInfo(files={BASE_URL: start.files[0].content})
    assert kind.starting(task, whole) is None, "nothing is missing"
    both = images(hypothesis={"annotations": {"url": BASE_URL}, "events": {"url": CLIP}}, **EVENTS)
    named = kind.starting(both, MediaInfo(files={BASE_URL: msgspec.json.encode(nameless)}))
    assert named is not None
    assert named.response["events"] == {"url": CLIP}
