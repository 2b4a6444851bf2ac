"""Made-up answers of test mode (platform-api §2.2)."""

from __future__ import annotations

import io
import json
import math

import httpx
from PIL import Image

from tests.api.builders import image_task


def _picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (90, 140, 60)).save(out, "PNG")
    return out.getvalue()


async def _upload(client: httpx.AsyncClient, width: int, height: int) -> str:
    return await _upload_file(client, "a.png", _picture(width, height), "image/png")


async def _upload_file(client: httpx.AsyncClient, name: str, content: bytes, mime: str) -> str:
    made = await client.post("/v1/files/upload", files={"file": (name, content, mime)})
    assert made.status_code == 200, made.text
    return made.json()["attachment_url"]


async def test_shapes_lie_inside_an_uploaded_picture_however_small(test: httpx.AsyncClient) -> None:
    url = await _upload(test, 48, 20)
    body = image_task(
        attachment=url, geometries={"box": {"objects_to_annotate": ["cow"], "min_width": 5, "min_height": 5}}
    )
    for _ in range(10):
        made = await test.post("/v1/task/imageannotation", json=body)
        assert made.status_code == 200, made.text
        for box in made.json()["response"]["annotations"]:
            assert box["left"] >= 0
            assert box["left"] + box["width"] <= 48
            assert box["top"] >= 0
            assert box["top"] + box["height"] <= 20


async def test_a_segmentation_map_is_as_large_as_the_uploaded_picture(test: httpx.AsyncClient) -> None:
    url = await _upload(test, 37, 53)
    made = await test.post(
        "/v1/task/segmentannotation",
        json={"instruction": "Paint.", "attachment": url, "labels": ["sky", "sea"]},
    )
    assert made.status_code == 200, made.text
    combined = made.json()["response"]["annotations"]["combined"]
    for name in ("image", "indexedImage", "extendedIndexedImage"):
        picture = Image.open(io.BytesIO((await test.get(combined[name])).content))
        assert picture.size == (37, 53)


async def test_answers_vary_with_the_task_and_are_never_empty(test: httpx.AsyncClient) -> None:
    answers = [
        (await test.post("/v1/task/imageannotation", json=image_task())).json()["response"] for _ in range(8)
    ]
    assert all(a["annotations"] for a in answers)
    assert len({str(a) for a in answers}) > 1


async def test_a_file_of_the_other_mode_cannot_be_measured(
    test: httpx.AsyncClient, live: httpx.AsyncClient
) -> None:
    url = await _upload(live, 10, 10)
    made = await test.post("/v1/task/imageannotation", json=image_task(attachment=url))
    assert made.json()["status"] == "completed"


async def test_linked_shapes_are_the_cuboids_as_uploaded_frames_show_them(test: httpx.AsyncClient) -> None:
    picture, here = await _upload(test, 1280, 720), {"x": 0, "y": 0, "z": 0}
    cameras = [  # in a circle, so wide that they see whatever a made-up answer holds
        {
            "camera_index": n, "image_url": picture, "position": here, "fx": 100, "fy": 100, "cx": 640, "cy": 360,
            "heading": {
                "w": math.cos(turn) * math.sqrt(0.5), "x": -math.cos(turn) * math.sqrt(0.5),
                "y": -math.sin(turn) * math.sqrt(0.5), "z": math.sin(turn) * math.sqrt(0.5),
            },
        }
        for n, turn in ((n, n * math.pi / 4) for n in range(4))
    ]  # fmt: skip
    frame = {"device_position": here, "points": [{"x": 1, "y": 2, "z": 0}], "images": cameras}
    url = await _upload_file(test, "f.json", json.dumps(frame).encode(), "application/json")
    body = {"attachments": [url, "https://x.example/1.json"], "attachment_type": "json", "labels": ["car"]}
    root = (await test.post("/v1/task/lidarannotation", json=body)).json()
    read = (await test.get(root["response"]["annotations"]["url"])).json()
    drawn = {cuboid["uuid"] for cuboid in read[0]["cuboids"]}

    made = await test.post("/v1/task/lidarlinking", json={"lidar_task": root["task_id"]})
    assert made.status_code == 200, made.text
    first, second = (await test.get(made.json()["response"]["annotations"]["url"])).json()
    assert [camera["camera_used"] for camera in first["camera_responses"]] == [0, 1, 2, 3]
    shapes = [shape for camera in first["camera_responses"] for shape in camera["annotations"]]
    assert {shape["cuboid_uuid"] for shape in shapes if not shape["not_in_lidar"]} == drawn
    assert [shape["not_in_lidar"] for shape in shapes].count(True) >= 1
    assert [camera["camera_used"] for camera in second["camera_responses"]] == [0], "it was not uploaded"
