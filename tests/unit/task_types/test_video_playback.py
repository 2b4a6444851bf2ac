"""Videos annotated by object over time, how two answers about a video agree, and what its attachments say (task-types-2d §9 to §11, §17, §18.5)."""

from typing import Any

import msgspec
import pytest

from steelyard.errors import InvalidRequest
from steelyard.task_types import TASK_TYPES, MediaInfo
from tests.unit.task_types.test_video import (
    CLIP,
    FRAMES,
    box,
    check,
    entry,
    frames,
    images,
    parsed,
    playback,
    tracks,
    with_content,
)


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
