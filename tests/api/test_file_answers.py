"""Answers that are files on the wire, given by contributors: inline, sent before, or by URL; checked in full and stored (2D §8, §9; lidar §1.3)."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import numpy as np
import pytest

from steelyard import tasks
from steelyard.jobs.worker import drain
from steelyard.task_types import RESULT_URL, TASK_TYPES, MediaInfo
from steelyard.work.scoring import compare
from tests.api.answering import (
    CUBOIDS,
    FULL,
    MAPPING,
    MASK,
    Bench,
    first_case,
    ok,
    paint,
    png,
    replaced,
    site,
    urls,
)
from tests.api.builders import with_project
from tests.conftest import Keys


@pytest.mark.parametrize("name", sorted(TASK_TYPES))
async def test_every_type_can_be_completed_by_a_contributor(bench: Bench, name: str) -> None:
    """What the type makes up in test mode is handed in live, its files sent before it."""
    body = first_case(name)
    if "lidar_task" in body:
        body["lidar_task"] = await completed_root(bench)
    task_id = await bench.task(name, body)
    kind = TASK_TYPES[name]
    row = await bench.ctx.db.fetchrow("select params::text as p from task where id = $1", task_id)
    answer = kind.test_answer(kind.parse_params(row["p"].encode()), "seed", MediaInfo())
    lease = await bench.claim(task_id)
    sent = {RESULT_URL + f.name: await bench.upload(lease, f.content, f.content_type) for f in answer.files}
    given = replaced(json.loads(json.dumps(answer.response)), sent)
    submitted = await bench.submit(lease, given)
    assert submitted.status_code == 200, submitted.text
    stored = await bench.response(task_id)
    assert "steelyard-" not in json.dumps(stored)
    assert bool(answer.files) == any("/results/" in u for u in urls(stored))
    for url in urls(stored):
        if "/results/" in url:
            assert (await bench.file(url)).content


async def completed_root(bench: Bench) -> str:
    urls = [f"https://x.example/{i}.json" for i in range(5)]
    root = await bench.task("lidarannotation", {**CUBOIDS, "attachments": urls})
    ok(await bench.submit(await bench.claim(root), {"annotations": [{"cuboids": []}] * 5}))
    return root


def cuboid(**more: Any) -> dict[str, Any]:
    place = {"position": {"x": 1, "y": 2, "z": 0}, "dimensions": {"x": 2, "y": 4, "z": 1.5}, "yaw": 0}
    return {
        "uuid": "7c1e6b0a-5f0d-4c36-9a41-0f6f5a3c1d22",
        "label": "car",
        "stationary": False,
        **place,
        **more,
    }


async def test_an_inline_answer_becomes_a_file_behind_a_url(bench: Bench) -> None:
    task_id = await bench.task("lidarannotation", CUBOIDS)
    frames = [{"cuboids": [cuboid()]}, {"cuboids": []}]
    ok(await bench.submit(await bench.claim(task_id), {"annotations": frames}))
    response = await bench.response(task_id)
    assert set(response["annotations"]) == {"url"}
    file = await bench.file(response["annotations"]["url"])
    assert file.headers["content-type"].startswith("application/json")
    assert file.json()[0]["cuboids"][0]["position"] == {"x": 1, "y": 2, "z": 0}


async def test_an_answer_given_by_url_is_fetched_checked_and_kept(bench: Bench) -> None:
    served = {
        "/good": [{"cuboids": [cuboid()]}, {"cuboids": []}],
        "/bad": [{"cuboids": [cuboid(label="boat")]}, {"cuboids": []}],
    }

    async with site({k: gzip.compress(json.dumps(v).encode()) for k, v in served.items()}) as base:
        bad = await bench.task("lidarannotation", CUBOIDS)
        lease = await bench.claim(bad)
        sent = await bench.submit(lease, {"annotations": {"url": f"{base}/bad"}})
        assert sent.status_code == 400
        assert sent.json()["issues"][0]["path"] == "annotations[0].cuboids[0].label"
        ok(await bench.submit(lease, {"annotations": {"url": f"{base}/good"}}))
        gone = await bench.task("lidarannotation", CUBOIDS)
        missing = await bench.submit(await bench.claim(gone), {"annotations": {"url": f"{base}/gone"}})
        assert missing.status_code == 400
        assert missing.json()["issues"][0]["path"] == "annotations.url"
        assert "404" in missing.json()["issues"][0]["message"]
    stored = await bench.response(bad)
    assert "/results/" in stored["annotations"]["url"]
    kept = (await bench.file(stored["annotations"]["url"])).json()
    told = {"attributes": {}, "camera_used": -1, "numberOfPoints": 0}
    assert kept == [{"cuboids": [{**served["/good"][0]["cuboids"][0], **told}]}, {"cuboids": []}]


async def test_an_address_that_may_not_be_contacted_is_an_issue_not_a_request(bench: Bench) -> None:
    task_id = await bench.task("lidarannotation", CUBOIDS)
    lease = await bench.claim(task_id)
    for url in ("http://169.254.169.254/latest", "file:///etc/passwd", "steelyard-result:annotations.json"):
        sent = await bench.submit(lease, {"annotations": {"url": url}})
        assert sent.status_code == 400, url
        assert sent.json()["issues"][0]["path"] == "annotations.url"


async def test_a_part_serves_only_its_sender_and_its_task(bench: Bench, keys: Keys, client_for: Any) -> None:
    content = json.dumps([{"cuboids": []}, {"cuboids": []}]).encode()
    first, second = [await bench.task("lidarannotation", CUBOIDS) for _ in range(2)]
    lease, other = await bench.claim(first), await bench.claim(second)
    url = await bench.upload(lease, content, "application/json")
    assert (await bench.submit(other, {"annotations": {"url": url}})).status_code == 400
    manager = client_for(keys.manager_live)
    ok(await bench.live.post(f"/api/work/{other}/release"))
    theirs = ok(await manager.post("/api/work/claim", json={"task_id": second}))["lease_token"]
    sent = await manager.post(f"/api/work/{theirs}/submit", json={"response": {"annotations": {"url": url}}})
    assert sent.status_code == 400
    ok(await bench.submit(lease, {"annotations": {"url": url}}))
    late = await bench.live.post(f"/api/work/{lease}/files", files={"file": ("x", b"x", "image/png")})
    assert late.status_code == 409


async def test_the_file_of_an_earlier_answer_may_be_given_again(bench: Bench) -> None:
    first, second = [await bench.task("lidarannotation", CUBOIDS) for _ in range(2)]
    frames = [{"cuboids": [cuboid()]}, {"cuboids": []}]
    ok(await bench.submit(await bench.claim(first), {"annotations": frames}))
    url = (await bench.response(first))["annotations"]["url"]
    ok(await bench.submit(await bench.claim(second), {"annotations": {"url": url}}))
    again = (await bench.response(second))["annotations"]["url"]
    assert again != url
    assert (await bench.file(again)).json() == (await bench.file(url)).json()


async def test_with_secured_urls_the_file_wants_a_key(bench: Bench) -> None:
    await bench.ctx.db.execute("update space set secure_result_urls = true")
    task_id = await bench.task("lidarannotation", CUBOIDS)
    ok(await bench.submit(await bench.claim(task_id), {"annotations": [{"cuboids": []}, {"cuboids": []}]}))
    path = httpx.URL((await bench.response(task_id))["annotations"]["url"]).path
    assert path.startswith(f"/v1/task/{task_id}/response_url/")
    assert (await bench.public.get(path)).status_code == 401
    assert ok(await bench.live.get(path)) == [{"cuboids": []}, {"cuboids": []}]


async def test_with_secured_urls_a_labeler_opens_the_file_that_the_work_in_hand_starts_from(
    bench: Bench, client_for: Any
) -> None:
    await bench.ctx.db.execute("update space set secure_result_urls = true")
    ok(await bench.live.post("/v1/projects", json={"name": "clips", "type": "videoannotation"}))
    assigned = {"emails": ["labeler@main.example"], "projects": ["clips"]}
    ok(await bench.live.post("/v1/studio/assignments/add", json=assigned))
    nameless = {"type": "box", "label": "car", "left": 1, "top": 2, "width": 3, "height": 4}
    pages = {
        "/0.png": png(np.zeros((20, 30), np.uint8)),
        "/base": json.dumps([{"annotations": [nameless]}]).encode(),
    }
    async with site({name: gzip.compress(content) for name, content in pages.items()}) as base:
        body = {
            "project": "clips",
            "attachments": [f"{base}/0.png"],
            "geometries": {"box": {"objects_to_annotate": ["car"]}},
            "base_annotations": {"url": f"{base}/base"},
        }
        ok(await bench.live.post("/v1/task/videoannotation", json=body))
        await drain(bench.ctx)
    browser = client_for(None)
    signed_in = {"email": "labeler@main.example", "password": "correct horse battery"}
    browser.headers["X-CSRF-Token"] = ok(await browser.post("/api/login", json=signed_in))["csrf_token"]
    lease = ok(await browser.post("/api/work/claim", json={}))
    path = httpx.URL(lease["task"]["params"]["hypothesis"]["annotations"]["url"]).path
    assert "/response_url/" in path
    ((drawn,),) = [frame["annotations"] for frame in ok(await browser.get(path))]
    assert drawn["uuid"]
    assert {k: v for k, v in drawn.items() if k != "uuid"} == nameless
    ok(await browser.post(f"/api/work/{lease['lease_token']}/release", json={"reason": "Later."}))
    assert (await browser.get(path)).status_code == 404, "not their work any more"


async def test_parts_are_forgotten_after_two_weeks(bench: Bench) -> None:
    task_id = await bench.task("lidarannotation", CUBOIDS)
    lease = await bench.claim(task_id)
    url = await bench.upload(lease, b"[]")
    assert await tasks.forget_answer_uploads(bench.ctx.db) == 0
    await bench.ctx.db.execute("update answer_upload set created_at = created_at - interval '15 days'")
    assert await tasks.forget_answer_uploads(bench.ctx.db) == 1
    sent = await bench.submit(lease, {"annotations": {"url": url}})
    assert sent.json()["issues"][0]["message"] == "refers to a file that is not there"


async def test_answers_are_compared_by_their_files(bench: Bench) -> None:
    answers: list[bytes] = []
    for pixels in (FULL, FULL, np.where(FULL == 9, 7, FULL).astype(np.uint8)):
        task_id, sent = await paint(bench, pixels, MAPPING)
        ok(sent)
        answers.append(json.dumps(await bench.response(task_id)).encode())
    space_id = await bench.ctx.db.fetchval("select space_id from task limit 1")
    params = json.dumps(MASK).encode()
    pairs = [(0, 1), (0, 2)]
    same, other = await compare(bench.ctx, space_id, "segmentannotation", params, answers, pairs)
    assert same.score == 1.0
    assert other.score < 0.9


async def test_an_expected_answer_may_lie_elsewhere(bench: Bench) -> None:
    """What a customer gives by URL is read when an answer is held against it; while it cannot be had there is no score."""
    task_id, sent = await paint(bench, FULL, MAPPING)
    ok(sent)
    answer = json.dumps(await bench.response(task_id)).encode()
    space_id = await bench.ctx.db.fetchval("select space_id from task limit 1")
    params = json.dumps(MASK).encode()
    async with site({"/mask": gzip.compress(png(FULL))}) as base:

        def expected(name: str) -> bytes:
            files = {"combined": {"indexedImage": f"{base}/{name}"}}
            return json.dumps({"labelMapping": MAPPING, "annotations": files}).encode()

        pairs = [(0, 1)]
        (found,) = await compare(
            bench.ctx, space_id, "segmentannotation", params, [answer, expected("mask")], pairs
        )
        assert found.score == 1.0
        with pytest.raises(tasks.InvalidResponse, match="404"):
            await compare(bench.ctx, space_id, "segmentannotation", params, [answer, expected("gone")], pairs)


async def test_an_expected_answer_that_lies_elsewhere_is_checked_before_the_task_is_offered(
    bench: Bench,
) -> None:
    project = {
        "name": "masks",
        "type": "segmentannotation",
        "rapid": True,
        "params": {"instruction": "Paint."},
    }
    ok(await bench.live.post("/v1/projects", json=project))
    pages = {"/a": png(FULL), "/fits": png(FULL), "/small": png(FULL[:2])}
    async with site({path: gzip.compress(content) for path, content in pages.items()}) as base:
        for name, error in (
            ("fits", None),
            ("small", "must have the size of the image: 4 × 3 pixels, not 4 × 2"),
            ("gone", "cannot be fetched"),
        ):
            files = {"combined": {"indexedImage": f"{base}/{name}"}}
            body = {**MASK, "attachment": f"{base}/a", "project": "masks"}
            body["expected_response"] = {"labelMapping": MAPPING, "annotations": files}
            made = ok(await bench.live.post("/v1/evaluation_tasks/segmentannotation", json=body))
            await drain(bench.ctx)
            row = await bench.ctx.db.fetchrow(
                "select state, error::json ->> 'error' as error from quality_task where id = $1", made["id"]
            )
            assert row["state"] == ("ready" if error is None else "failed"), row["error"]
            path = '"expected_response.annotations.combined.indexedImage"'
            assert error is None or (path in row["error"] and error in row["error"])


def frame(*points: tuple[float, float, float]) -> bytes:
    at = {"x": 0, "y": 0, "z": 1}
    return json.dumps(
        {"device_position": at, "points": [dict(zip("xyz", p, strict=True)) for p in points]}
    ).encode()


async def test_cuboids_are_measured_in_the_frames_and_come_along_with_their_segmentation(
    bench: Bench,
) -> None:
    pages = {"/0": frame((0, 0, 1), (0, 1, 1), (9, 9, 9)), "/1": frame()}
    async with site({path: gzip.compress(content) for path, content in pages.items()}) as base:
        body = await with_project(bench.live, "lidarannotation", CUBOIDS)
        body["attachments"] = [f"{base}/0", f"{base}/1"]
        root = ok(await bench.live.post("/v1/task/lidarannotation", json=body))["task_id"]
        await drain(bench.ctx)
    size = {"x": 2, "y": 4, "z": 2}
    cube = {"label": "car", "position": {"x": 0, "y": 0, "z": 1}, "dimensions": size, "yaw": 0, "uuid": "u1"}
    beside = {**cube, "position": {"x": 3, "y": 4, "z": 1}}
    given = [{"cuboids": [cube]}, {"cuboids": [beside]}]
    ok(await bench.submit(await bench.claim(root), {"annotations": given}))
    stored = (await bench.file((await bench.response(root))["annotations"]["url"])).json()
    told = [
        (c["numberOfPoints"], c["distance_to_device"], c["camera_used"]) for f in stored for c in f["cuboids"]
    ]
    assert told == [(2, 0.0, -1), (0, 5.0, -1)]

    body = await with_project(bench.live, "lidarsegmentation", {"lidar_task": root, "labels": ["road"]})
    child = ok(await bench.live.post("/v1/task/lidarsegmentation", json=body))["task_id"]
    await drain(bench.ctx)
    lease = await bench.claim(child)
    await bench.ctx.db.execute("delete from derived")  # swept: what answers are checked with stays
    content = {"objects": [{"label": "road", "index": 1}], "point_objects": [[1, 0], []]}
    refused = await bench.submit(lease, {"point_segmentations": content})
    assert [i["path"] for i in refused.json()["issues"]] == ["point_segmentations.point_objects[0]"]
    ok(await bench.submit(lease, {"point_segmentations": {**content, "point_objects": [[1, 0, 1], []]}}))
    answer = await bench.response(child)
    assert (await bench.file(answer["annotations"]["url"])).json() == stored
    blind = await bench.live.post("/v1/task/lidarlinking", json={"lidar_task": root})
    assert (blind.status_code, blind.json()["error"]) == (400, f"lidar_task {root} has no camera images")
