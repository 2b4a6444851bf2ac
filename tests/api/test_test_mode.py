"""Made-up answers of test mode (platform-api §2.2)."""

from __future__ import annotations

import io

import httpx
from PIL import Image

from tests.api.builders import image_task


def _picture(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (90, 140, 60)).save(out, "PNG")
    return out.getvalue()


async def _upload(client: httpx.AsyncClient, width: int, height: int) -> str:
    made = await client.post(
        "/v1/files/upload", files={"file": ("a.png", _picture(width, height), "image/png")}
    )
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
