"""What people start from in tasks that build on cuboids (task-types-lidar §8.2, §9.2): made at preparation, handed out with the work."""

from __future__ import annotations

import json
from typing import Any

from steelyard import tasks, work
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import enqueue
from steelyard.jobs.specs import PREPARE_TASK, PREPARE_TASK_QUEUE, PrepareTask
from steelyard.jobs.worker import drain

from .helpers import make_space, make_task, serving
from .test_prepare import Site, picture

AHEAD = {"w": 0.70711, "x": -0.70711, "y": 0, "z": 0}
BEHIND = {"w": 0, "x": 0, "y": 0.70711, "z": -0.70711}
ORIGIN = {"x": 0, "y": 0, "z": 0}


def recording(url: str, points: list[tuple[float, float, float]]) -> bytes:
    """A frame with a camera that looks along +y and one that looks back."""
    camera = {"position": ORIGIN, "fx": 800, "fy": 810, "cx": 640, "cy": 360, "image_url": url}
    return json.dumps(
        {
            "device_position": ORIGIN,
            "points": [{"x": x, "y": y, "z": z} for x, y, z in points],
            "images": [
                {**camera, "camera_index": 3, "heading": AHEAD},
                {**camera, "camera_index": 1, "heading": BEHIND},
            ],
        }
    ).encode()


def cuboid(uuid: str, label: str, y: float, size: float) -> dict[str, Any]:
    return {
        "uuid": uuid, "label": label, "position": {"x": 0, "y": y, "z": 0}, "dimensions": {"x": size, "y": 2 * size, "z": size},
        "yaw": 0, "stationary": True, "attributes": {},
    }  # fmt: skip


CUBOIDS = [cuboid("near", "car", 10, 2), cuboid("inside", "person", 10, 0.5), cuboid("other", "tree", 40, 2)]


async def prepared(ctx: Ctx, space: int, name: str, params: dict[str, Any]) -> str:
    task = await make_task(ctx, space, type=name, params=json.dumps(params))
    await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
    await drain(ctx)
    assert await ctx.db.fetchval("select stage from task where id = $1", task) == "queued"
    return task


async def completed_root(ctx: Ctx, space: int, url: str) -> str:
    root = await prepared(
        ctx, space, "lidarannotation", {"attachments": [url + "/f"], "labels": ["car", "person", "tree"]}
    )
    answer = json.dumps({"annotations": [{"cuboids": CUBOIDS}]}).encode()
    taken = await tasks.take_answer(ctx, await tasks.subject_of(ctx, space, root), answer)
    async with ctx.db.tx() as tx:
        await tasks.keep_files(tx, space, root, taken.files)
        await tasks.complete_task(
            ctx, tx, space, root, taken.response, origin="labeled", author="a@main.example"
        )
    return root


async def part(ctx: Ctx, link: dict[str, str]) -> Any:
    """The content of a file of an answer."""
    sha = await ctx.db.fetchval("select sha256 from result_file where token = $1", link["url"].split("/")[-1])
    return json.loads(await ctx.store.get(sha))


async def test_linking_starts_from_the_cuboids_as_its_cameras_see_them_segmenting_from_the_points_inside_and_a_video_from_base_annotations_with_uuids(
    ctx: Ctx,
) -> None:
    space = await make_space(ctx)
    points = [(0.9, 10, 0), (0, 10, 0), (0, 25, 0), (0, 40, 0)]
    async with serving(site := Site(c=picture("PNG", (1280, 720)))) as url:
        site.pages["f"] = recording(url + "/c", points)
        root = await completed_root(ctx, space, url)
        labels = {"labels": ["car", "person"]}
        linking = await prepared(ctx, space, "lidarlinking", {"lidar_task": root, **labels})
        chosen = {"lidar_task": root, "labels": ["car"], "base_annotations": [{"camera_responses": []}]}
        given = await prepared(ctx, space, "lidarlinking", chosen)
        segmenting = await prepared(
            ctx, space, "lidarsegmentation", {"lidar_task": root, "labels": ["road", {"choice": "bush", "instance_label": True}]}
        )  # fmt: skip
        assert site.asked == ["f", "c"]
        nameless = {"type": "box", "label": "car", "left": 1, "top": 2, "width": 30, "height": 40}
        site.pages["b"] = json.dumps([{"annotations": [nameless]}]).encode()
        framed = await prepared(
            ctx, space, "videoannotation",
            {
                "attachments": [url + "/c"], "geometries": {"box": {"objects_to_annotate": ["car"]}},
                "base_annotations": {"url": url + "/b"}, "can_delete_base_annotations": False,
            },
        )  # fmt: skip

    member = await ctx.db.fetchval(
        "insert into member (public_id, account_id, email, role) select 'm', account_id, 'm@main.example', 'manager' from space where id = $1 returning id",
        space,
    )
    account = await ctx.db.fetchval("select account_id from space where id = $1", space)
    actor = Actor(space, account, "live", member, "m@main.example", "manager", "key")

    async def offered(task: str) -> dict[str, Any]:
        held = await work.claim_work(ctx, actor, task_id=task)
        assert isinstance(held, work.Work) and held.task is not None
        return json.loads(held.task)["params"]

    start = (await offered(linking))["hypothesis"]
    [frame] = await part(ctx, start["annotations"])
    behind, ahead = frame["camera_responses"]
    assert (behind["camera_used"], behind["annotations"], ahead["camera_used"]) == (1, [], 3)
    shown = {shape["cuboid_uuid"]: shape for shape in ahead["annotations"]}
    assert sorted(shown) == ["inside", "near"], "the task has no label for the tree"
    assert (round(shown["near"]["left"]), round(shown["near"]["width"])) == (540, 200)
    subject = await tasks.subject_of(ctx, space, linking)
    assert (await tasks.take_answer(ctx, subject, json.dumps(start).encode())).files, (
        "it can be handed in as it is"
    )

    assert "hypothesis" not in await offered(given), "pre-labels of the customer's own stay"

    start = (await offered(segmenting))["hypothesis"]
    found = await part(ctx, start["point_segmentations"])
    assert [(o["label"], o.get("uuid")) for o in found["objects"]] == [
        ("road", None), ("car", "near"), ("person", "inside"), ("tree", "other"),
    ]  # fmt: skip
    assert found["point_objects"] == [[2, 3, 0, 4]]
    subject = await tasks.subject_of(ctx, space, segmenting)
    assert (await tasks.take_answer(ctx, subject, json.dumps(start).encode())).files

    start = (await offered(framed))["hypothesis"]
    [[named]] = [frame["annotations"] for frame in await part(ctx, start["annotations"])]
    assert named.pop("uuid")
    assert named == nameless
    subject = await tasks.subject_of(ctx, space, framed)
    assert (await tasks.take_answer(ctx, subject, json.dumps(start).encode())).files
