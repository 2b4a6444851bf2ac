"""Video types: which frames, both forms of files, events, agreement by frame and by object (task-types-2d §9 to §11, §17, §18.5)."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from steelyard.errors import InvalidRequest
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


@pytest.mark.parametrize("root", [lambda t: t, lambda t: {"annotations": t}, lambda t: [{"annotations": t}]])
def test_all_three_roots_are_read_and_one_is_written_with_both_box_keys(root: Any):
    given = tracks(a=[entry(50), entry(25)])
    issues, stored = check("videoplaybackannotation", playback(), {"annotations": root(given)})
    assert issues == []
    track = stored["annotations"]["annotations"]["a"]
    assert [frame["key"] for frame in track["frames"]] == [25, 50]
    for frame in track["frames"]:
        assert (frame["x"], frame["y"]) == (frame["left"], frame["top"])
        assert frame["attributes"] == {}


def test_boxes_as_fiftyone_exports_them_are_read():
    fiftyone = {"key": 30, "x": 4.5, "y": 6.1, "width": 20.0, "height": 10.5}
    issues, stored = check(
        "videoplaybackannotation",
        playback(video_frame_rate=30),
        {"annotations": {"annotations": tracks(a=[fiftyone])}},
    )
    assert issues == []
    (frame,) = stored["annotations"]["annotations"]["a"]["frames"]
    assert (frame["left"], frame["top"], frame["timestamp"]) == (4.5, 6.1, 1.0)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (5, "annotations must be an object of tracks by uuid"),
        ({"a": 5}, "annotations.a.geometry must be one of box, polygon, line, point, cuboid, ellipse"),
        ({"a": {"geometry": "box", "label": "car"}}, "annotations.a.frames must be a non-empty array"),
        (tracks(a=[entry(0)]), "annotations.a.frames[0].key must be an integer greater than or equal to 1"),
        (tracks(a=[{**entry(1), "key": "1"}]), "annotations.a.frames[0].key must be an integer"),
        (tracks(a=[entry(25), entry(25)]), "annotations.a.frames[1].key is used more than once"),
        (tracks(a=[entry(26)]), "annotations.a.frames[0].key is not a frame to annotate"),
        (tracks(a=[{"key": 25, "width": 3}]), "annotations.a.frames[0].left is required"),
        ({"a": {**tracks(a=[entry(25)])["a"], "label": "ship"}},
         "annotations.a.frames[0].label is not one of the task's labels"),
        ({"a": {"geometry": "point", "label": "car", "frames": [{"key": 25, "x": 1, "y": 1}]}},
         'annotations.a.frames[0].type "point" is not one of the task\'s geometries'),
    ],
)  # fmt: skip
def test_a_submission_by_object_that_breaks_a_rule_is_refused(content: Any, problem: str):
    task = playback(video_frame_rate=25, duration_time=4)
    assert problem in check("videoplaybackannotation", task, {"annotations": content})[0]


def test_an_expected_response_may_be_looser_than_a_submission():
    expected = TASK_TYPES["videoplaybackannotation"].check_expected
    assert expected is not None
    linked = b'{"annotations": {"url": "https://a.example/x.json"}}'
    task = playback(annotation_attributes={"seen": {"choices": ["yes", "no"]}}, events_to_annotate=["horn"])
    assert expected(task, msgspec.json.encode({"annotations": tracks(a=[entry(25)])}), MediaInfo()) == []
    assert expected(task, linked, MediaInfo()) == []
    assert expected(task, b"{}", MediaInfo())
    wrong = msgspec.json.encode({"a": {**tracks(a=[entry(25)])["a"], "label": "x"}})
    assert expected(task, b'{"annotations":' + wrong + b"}", MediaInfo())
    # What a link's file holds is checked as soon as it is at hand.
    assert expected(task, linked, MediaInfo(files={"https://a.example/x.json": wrong}))


def score(name: str, task: Any, a: dict[str, Any], b: dict[str, Any]) -> Any:
    return TASK_TYPES[name].agreement(task, a, b, MediaInfo(100, 80))


def test_agreement_is_one_for_the_same_objects_under_other_names_and_half_without_one_of_two():
    task = images()
    one = frames([box("a"), box("b", 50)], [box("a"), box("b", 50)], [])
    renamed = frames([box("x", 50), box("y")], [box("x", 50), box("y")], [])
    assert score("videoannotation", task, one, renamed).score == pytest.approx(1.0)
    alone = frames([box("a")], [box("a")], [])
    assert score("videoannotation", task, one, alone).score == pytest.approx(2 * 2 / 6)
    assert score("videoannotation", task, frames([], [], []), one).score == 0
    assert score("videoannotation", task, frames([], [], []), frames([], [], [])).score == 1


def test_two_objects_that_swap_identities_agree_by_frame_but_not_by_object():
    task = images()
    one = frames([box("a"), box("b", 50)], [box("a"), box("b", 50)], [])
    swapped = frames([box("a"), box("b", 50)], [box("b"), box("a", 50)], [])
    found = score("videoannotation", task, one, swapped)
    assert found.detail["detection"] == 1
    assert found.detail["identity"] == pytest.approx(0.5)
    assert found.score == pytest.approx(0.75)


def test_key_frames_do_not_matter_to_playback_agreement_but_attributes_and_events_do():
    task = playback(
        events_to_annotate=["horn"],
        annotation_attributes={"lit": {"choices": ["yes", "no"]}},
        video_frame_rate=25,
    )
    yes, no = ({"attributes": {"lit": word}} for word in ("yes", "no"))
    horn = {"events": [{"label": "horn", "type": "range", "start": 25, "end": 100}]}
    one = {"annotations": tracks(a=[entry(25, **yes), entry(50, **yes)]), "events": horn}
    other = {"annotations": {"annotations": tracks(z=[entry(50, **no), entry(25, **yes)])}, "events": horn}
    assert score("videoplaybackannotation", task, one, one).score == pytest.approx(1)
    assert score("videoplaybackannotation", task, one, other).score == pytest.approx(0.8 + 0.2 * 0.5)
    late = {"events": [{"label": "horn", "type": "range", "start": 90, "end": 200}]}
    found = score("videoplaybackannotation", task, one, {**one, "events": late})
    assert found.detail["events"] == 0
    assert found.score == pytest.approx(0.8 * 0.5 + 0.2)


def test_content_may_be_bytes_in_place_of_the_url_and_must_be_there():
    task = images()
    content = frames([box("a")], [], [])
    files = {"annotations": {"url": msgspec.json.encode(content["annotations"])}}
    assert score("videoannotation", task, content, files).score == pytest.approx(1)
    for broken in ({"annotations": {"url": "https://a.example/x"}}, {"annotations": {"url": b"{"}}, {}):
        with pytest.raises(InvalidRequest):
            score("videoannotation", task, content, broken)


def test_the_canonical_form_knows_no_names_orders_or_times():
    canonical = TASK_TYPES["videoplaybackannotation"].canonical
    one = {"annotations": tracks(a=[entry(25), entry(50)], b=[entry(25, 40)]), "events": {"events": []}}
    same = {
        "annotations": [
            {"annotations": tracks(q=[entry(25, 40)], p=[entry(50), {**entry(25), "timestamp": 9}])}
        ]
    }
    assert canonical({**same, "events": {"events": []}}) == canonical(one)
    moved = {"annotations": tracks(a=[entry(25), entry(50, 1)], b=[entry(25, 40)]), "events": {"events": []}}
    assert canonical(moved) != canonical(one)


def test_attachments_say_their_role_kind_and_frame():
    name = "videoannotation"
    task = parsed(
        name,
        attachments=FRAMES,
        geometries={"box": {"objects_to_annotate": ["car"]}},
        context_attachments=[{"attachment": "https://a.example/map.png"}],
        hypothesis={
            "annotations": {"url": "https://a.example/p.json"},
            "events": {"url": "https://a.example/e.json"},
        },
        layers={"url": "https://a.example/l.json"},
    )
    refs = [(r.path, r.role, r.media, r.frame) for r in TASK_TYPES[name].attachments(task)]
    assert refs == [
        ("attachments[0]", "attachment", "image", 0),
        ("attachments[1]", "attachment", "image", 1),
        ("attachments[2]", "attachment", "image", 2),
        ("context_attachments[0].attachment", "context", "image", None),
        ("hypothesis.annotations.url", "hypothesis", "any", None),
        ("hypothesis.events.url", "hypothesis", "any", None),
        ("layers.url", "layers", "any", None),
    ]


def test_a_single_image_may_come_without_an_array_as_forms_send_it():
    task = parsed(
        "videoannotation", attachments=FRAMES[0], geometries={"box": {"objects_to_annotate": "car"}}
    )
    assert [r.path for r in TASK_TYPES["videoannotation"].attachments(task)] == ["attachments[0]"]
    answer = with_content(TASK_TYPES["videoannotation"].test_answer(task, "seed", MediaInfo()))
    assert len(answer["annotations"]) == 1


def test_events_end_with_the_span_where_the_rate_of_the_video_is_known():
    task = playback(events_to_annotate=["horn"], video_frame_rate=25, duration_time=4, start_time=1)
    link = {"annotations": {"url": "https://a.example/x.json"}}
    for start, problems in ((125, []), (126, ["events[0] lies outside the annotated frames"])):
        given = {**link, "events": {"events": [{"label": "horn", "type": "point", "start": start}]}}
        assert check("videoplaybackannotation", task, given)[0] == problems


PROBED = MediaInfo(100, 80, duration_s=2.0, frame_rate=10.0, frame_count=20)
"""What probing says of a video of 20 frames."""
FILE = {"attachment": CLIP, "attachment_type": "video"}
BOXES = {"geometries": {"box": {"objects_to_annotate": ["car"]}}}


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 20),
        ({"frame_rate": 5}, 10),
        ({"start_time": 1}, 10),
        ({"start_time": 0.5, "duration_time": 1}, 10),
    ],
)
def test_a_probed_video_has_as_many_entries_as_frames_are_annotated(params: dict[str, Any], count: int):
    task = parsed("videoannotation", **FILE, **BOXES, **params)
    assert check("videoannotation", task, frames(*[[]] * count), PROBED)[0] == []
    problems, _ = check("videoannotation", task, frames(*[[]] * (count - 1)), PROBED)
    assert problems == [f"annotations must have {count} frames"]
    assert check("videoannotation", task, frames(*[[]] * (count - 1)))[0] == []
    made = with_content(TASK_TYPES["videoannotation"].test_answer(task, "seed", PROBED))
    assert len(made["annotations"]) == count


def test_playback_counts_by_the_rate_of_the_probed_video():
    task = parsed("videoplaybackannotation", **FILE, **BOXES, frame_rate=2)
    at = {"left": 1, "top": 1, "width": 5, "height": 5}

    def answer(*keys: int) -> dict[str, Any]:
        track = {
            "geometry": "box",
            "label": "car",
            "frames": [{"key": k, "attributes": {}, **at} for k in keys],
        }
        return {"annotations": {"annotations": {"u": track}}}

    issues, stored = check("videoplaybackannotation", task, answer(5, 10, 15, 20), PROBED)
    assert issues == []
    entries = stored["annotations"]["annotations"]["u"]["frames"]
    assert [f["timestamp"] for f in entries] == [0.5, 1.0, 1.5, 2.0]
    for wrong in (4, 25):
        problems, _ = check("videoplaybackannotation", task, answer(wrong), PROBED)
        assert problems == ["annotations.u.frames[0].key is not a frame to annotate"]


def test_where_boxes_are_in_whole_pixels_edges_a_pixel_apart_count_as_one():
    def score(**more: Any) -> float:
        geometries = {"box": {"objects_to_annotate": ["car"], **more}}
        task = parsed("videoannotation", attachments=FRAMES, geometries=geometries)
        return (
            TASK_TYPES["videoannotation"]
            .agreement(task, frames([box()], [], []), frames([box("v", left=1)], [], []), MediaInfo())
            .score
        )

    assert score(integer_pixels=True) == 1.0
    assert score() < 0.95
    task = parsed(
        "videoplaybackannotation",
        attachment=CLIP,
        geometries={"box": {"objects_to_annotate": ["car"], "integer_pixels": True}},
    )
    given = {"annotations": tracks(a=[entry(1, left=2.6)])}
    (drawn,) = check("videoplaybackannotation", task, given)[1]["annotations"]["annotations"]["a"]["frames"]
    assert (drawn["left"], drawn["width"], drawn["x"]) == (3, 10, 3)
