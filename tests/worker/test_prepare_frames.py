"""Frames, their pictures, prelabels and videos are looked into before a task is queued."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from steelyard import derived, tasks
from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue
from steelyard.jobs.specs import PREPARE_TASK, PREPARE_TASK_QUEUE, PrepareTask
from steelyard.jobs.worker import drain
from steelyard.task_types import AttachmentRef, FrameFacts
from steelyard.tasks.fetching import Outcome
from steelyard.tasks.prepare import error_response
from tests.unit.lidar.test_frames import EXAMPLE, as_protobuf

from .helpers import make_space, make_task, rows, serving, shift
from .test_prepare import Site, outcome, picture


def test_frames_that_cannot_be_used_are_reported_as_frames_and_failed_downloads_as_attachments() -> None:
    refs = [AttachmentRef(f"frames[{i}]", f"https://a.example/{i}.json", frame=i) for i in range(3)]
    results = [Outcome("stored", 200), Outcome("failed", 200, "no points"), Outcome("failed", 404, "gone")]
    assert json.loads(error_response(refs, results) or b"") == {
        "error": "One or more attachments could not be downloaded.",
        "attachments": [{"statusCode": 404, "url": "https://a.example/2.json", "message": "gone"}],
        "frames": [
            {
                "frame": 1,
                "message": "no points",
                "attachment": {"statusCode": 200, "url": "https://a.example/1.json"},
            },
        ],
    }
    assert error_response(refs[:1], results[:1]) is None


def frame(points: int, *images: str) -> bytes:
    """A frame with a camera for each of these image URLs."""
    zero = {"x": 0, "y": 0, "z": 0}
    camera = {"position": zero, "heading": {"w": 1, **zero}, "fx": 1, "fy": 1, "cx": 0, "cy": 0}
    return json.dumps(
        {
            "device_position": zero,
            "points": [{"x": i, "y": 0, "z": 0} for i in range(points)],
            "images": [{**camera, "image_url": image} for image in images],
        }
    ).encode()


async def prepare_lidar(ctx: Ctx, name: str, params: dict[str, Any]) -> dict[str, Any]:
    space = await ctx.db.fetchval("select max(id) from space") or await make_space(ctx)
    task = await make_task(ctx, space, type=name, params=json.dumps(params))
    await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
    await drain(ctx)
    return await outcome(ctx, task)


async def test_what_frames_hold_is_known_once_they_are_fetched(ctx: Ctx) -> None:
    async with serving(site := Site(b=frame(0), c=picture())) as url:
        site.pages["a"] = frame(3, url + "/c")
        params = {"attachments": [url + "/a", url + "/b"], "labels": ["car"]}
        task = await prepare_lidar(ctx, "lidarannotation", params)
        assert task["stage"] == "queued"
        space = await ctx.db.fetchval("select space_id from task where id = $1", task["id"])
        media = await tasks.media_of(ctx, space, task["id"])
        assert media.frames == (FrameFacts(3, (0, 0, 0), (0,), (url + "/c",)), FrameFacts(0, (0, 0, 0)))
        # A task that builds on it works on its frames without fetching them again.
        async with ctx.db.tx() as tx:
            answer = b'{"annotations": {"url": "https://x.example/cuboids.json"}}'
            await tasks.complete_task(
                ctx, tx, space, task["id"], answer, origin="labeled", author="a@main.example"
            )
    child = await make_task(
        ctx,
        space,
        type="lidarsegmentation",
        params=json.dumps({"lidar_task": task["id"], "labels": ["road"]}),
    )
    await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, child), queue=PREPARE_TASK_QUEUE)
    await drain(ctx)
    assert (await outcome(ctx, child))["stage"] == "queued"
    assert (await tasks.media_of(ctx, space, child)).frames == media.frames
    where = await rows(ctx, "select path, frame from attachment where task_id = $1 order by ordinal", child)
    assert [(r["path"], r["frame"]) for r in where] == [
        ("lidar_task.attachments[0]", 0),
        ("lidar_task.attachments[1]", 1),
        ("lidar_task.attachments[0].images[0].image_url", 0),
    ]
    assert site.asked == ["a", "b", "c"]


async def test_a_frame_that_is_none_puts_the_task_into_error_and_says_why(ctx: Ctx) -> None:
    async with serving(Site(a=frame(1), b=b'{"points": []}')) as url:
        params = {"attachments": [url + "/a", url + "/b"], "labels": ["car"]}
        task = await prepare_lidar(ctx, "lidarannotation", params)
    assert task["stage"] == "error"
    assert task["response"] == {
        "error": "One or more attachments could not be downloaded.",
        "frames": [
            {
                "frame": 1,
                "message": "attachment 1 is not a valid json file: device_position is required",
                "attachment": {"statusCode": 200, "url": url + "/b"},
            }
        ],
        "details": [{"path": "attachments.1", "errors": ["device_position is required"]}],
    }


async def test_the_images_of_frames_are_files_of_the_task_and_shown_by_our_own_links(ctx: Ctx) -> None:
    async with serving(site := Site(front=picture(), side=picture("JPEG", (64, 48)))) as url:
        site.pages["a"] = frame(1, url + "/front", url + "/side")
        site.pages["b"] = frame(1, url + "/front")
        (camera,) = EXAMPLE["images"]
        site.pages["c"] = as_protobuf({**EXAMPLE, "images": [{**camera, "image_url": url + "/side"}]})
        params: dict[str, Any] = {"attachments": [url + "/a", url + "/b"], "labels": ["car"]}
        task = await prepare_lidar(ctx, "lidarannotation", params)
        assert task["stage"] == "queued"
        assert sorted(site.asked) == ["a", "b", "front", "side"]
        packed = {"attachments": [url + "/c"], "attachment_type": "protobuf", "labels": ["car"]}
        assert (await prepare_lidar(ctx, "lidarannotation", packed))["stage"] == "queued"
    space = await ctx.db.fetchval("select space_id from task where id = $1", task["id"])
    shown = [v for v in await derived.views(ctx, space, task["id"]) if v.role == "context"]
    assert [(v.path, v.width, v.height, v.mime_type) for v in shown] == [
        ("attachments[0].images[0].image_url", 40, 30, "image/png"),
        ("attachments[0].images[1].image_url", 64, 48, "image/jpeg"),
        ("attachments[1].images[0].image_url", 40, 30, "image/png"),
    ]
    assert all(v.url.startswith("/media/") for v in shown)


async def test_an_image_that_cannot_be_had_is_named_with_its_frame(ctx: Ctx) -> None:
    async with serving(site := Site(good=picture(), text=b"no picture")) as url:
        site.pages["a"] = frame(1, url + "/good")
        site.pages["b"] = frame(1, url + "/good", url + "/gone", url + "/text")
        params = {"attachments": [url + "/a", url + "/b"], "labels": ["car"]}
        task = await prepare_lidar(ctx, "lidarannotation", params)
    assert task["stage"] == "error"
    text = "The file is not an image (JPEG, PNG, BMP, GIF or TIFF); its content looks like text/plain."
    assert task["response"] == {
        "error": "One or more attachments could not be downloaded.",
        "frames": [
            {
                "frame": 1,
                "message": "could not fetch images[1].image_url: The server answered with status 404.",
                "attachment": {"statusCode": 404, "url": url + "/gone"},
            }
        ],
        "details": [
            {
                "path": "attachments.1.images.1.image_url",
                "errors": ["The server answered with status 404."],
            },
            {"path": "attachments.1.images.2.image_url", "errors": [text]},
        ],
    }


async def test_an_image_of_a_frame_that_fails_for_a_while_is_fetched_again_and_nothing_else_is(
    ctx: Ctx,
) -> None:
    async with serving(site := Site(good=picture())) as url:
        site.pages["late"] = (
            503  # for as long as it takes: on a busy machine it may be asked for twice meanwhile
        )
        site.pages["a"] = frame(1, url + "/good", url + "/late")
        space = await make_space(ctx)
        params = json.dumps({"attachments": [url + "/a"], "labels": ["car"]})
        task = await make_task(ctx, space, type="lidarannotation", params=params)
        await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
        await drain(ctx)
        assert (await outcome(ctx, task))["stage"] == "preparing"
        site.pages["late"] = picture("BMP")
        await shift(ctx, 5)
        await drain(ctx)
        assert (await outcome(ctx, task))["stage"] == "queued"
    assert sorted(name for name in site.asked if name != "late") == ["a", "good"]
    assert site.asked.count("late") >= 2


async def test_a_frame_is_parsed_once_for_its_check_and_for_the_workbench(
    ctx: Ctx, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told by what the process pool is asked to do, for frames are parsed nowhere else."""
    calls: list[str] = []
    submit = ctx.cpu.submit

    def counted(fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        calls.extend(getattr(a, "__name__", "") for a in args)
        return submit(fn, *args, **kwargs)

    monkeypatch.setattr(ctx.cpu, "submit", counted)
    async with serving(Site(a=frame(3), b=frame(2))) as url:
        params = {"attachments": [url + "/a", url + "/b"], "labels": ["car"]}
        assert (await prepare_lidar(ctx, "lidarannotation", params))["stage"] == "queued"
    assert [name for name in calls if name in ("make_derived", "_examine")] == ["make_derived"] * 2


async def test_prelabels_by_url_are_checked_when_they_are_there(ctx: Ctx) -> None:
    cases: list[tuple[bytes, str | None]] = [
        (b"[[1, 0, 0]]", None),
        (b"[[1, 0]]", '"base_annotations.point_objects[0]" must have 3 indexes, one for each point'),
        (b"[[1, 0, 0], []]", "has 2 frames, task has 1"),
        (b"[", "is not a JSON file"),
    ]
    async with serving(site := Site(a=frame(3))) as url:
        for content, says in cases:
            site.pages["pre"] = (
                b'{"objects": [{"label": "road", "index": 1}], "point_objects":' + content + b"}"
            )
            params = {"attachments": [url + "/a"], "labels": ["road"], "base_annotations": url + "/pre"}
            task = await prepare_lidar(ctx, "lidarsegmentation", params)
            if says is None:
                assert task["stage"] == "queued"
                continue
            assert task["stage"] == "error"
            (item,) = task["response"]["attachments"]
            assert (item["statusCode"], item["url"]) == (200, url + "/pre")
            assert says in item["message"]


async def test_a_video_that_ends_before_the_start_time_puts_the_task_into_error(ctx: Ctx) -> None:
    async with serving(Site(v=clip())) as url:
        params: dict[str, Any] = {
            "attachment": url + "/v",
            "geometries": {"box": {"objects_to_annotate": ["cow"]}},
        }
        good = await prepare_lidar(ctx, "videoannotation", params)
        late = await prepare_lidar(ctx, "videoannotation", {**params, "start_time": 60})
    assert good["stage"] == "queued"
    space = await ctx.db.fetchval("select space_id from task where id = $1", good["id"])
    media = await tasks.media_of(ctx, space, good["id"])
    assert (media.width, media.height, media.frame_count, media.frame_rate) == (64, 48, 12, 10)
    # Answers are checked against the real frames: twelve, no more and no less.
    subject = await tasks.subject_of(ctx, space, good["id"])
    with pytest.raises(tasks.InvalidResponse, match="must have 12 frames"):
        await tasks.take_answer(ctx, subject, b'{"annotations": [{"annotations": []}]}')
    assert late["response"]["attachments"] == [
        {
            "statusCode": 200,
            "url": url + "/v",
            "message": "start_time must be a number of seconds within the video.",
        }
    ]


async def test_an_answer_is_held_against_the_base_annotations_as_they_were_fetched(ctx: Ctx) -> None:
    def answer(left: float) -> bytes:
        shape = {"uuid": "a", "type": "box", "label": "cow", "left": left, "top": 1, "width": 5, "height": 5}
        return json.dumps([{"annotations": [shape]}]).encode()

    async with serving(site := Site(i=picture(), base=answer(3))) as url:
        params: dict[str, Any] = {
            "attachments": [url + "/i"],
            "geometries": {"box": {"objects_to_annotate": ["cow"]}},
            "base_annotations": {"annotations": {"url": url + "/base"}},
            "can_edit_base_annotations": False,
        }
        task = await prepare_lidar(ctx, "videoannotation", params)
        assert task["stage"] == "queued", task["response"]
        site.pages["base"] = answer(4)
        space = await ctx.db.fetchval("select space_id from task where id = $1", task["id"])
        subject = await tasks.subject_of(ctx, space, task["id"])
        with pytest.raises(tasks.InvalidResponse, match="is a base annotation and must not change"):
            await tasks.take_answer(ctx, subject, b'{"annotations":' + answer(4) + b"}")
        assert (await tasks.take_answer(ctx, subject, b'{"annotations":' + answer(3) + b"}")).files


def clip() -> bytes:
    """Twelve frames, ten a second."""
    import av
    import numpy as np

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for n in range(12):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), n * 20, np.uint8))))
        container.mux(stream.encode())
    return out.getvalue()
