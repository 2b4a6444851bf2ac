"""Answers that are a mask of pixels: painted by contributors, in whatever form programs write it (2D §8)."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from tests.api.answering import FULL, MAPPING, MASK, Bench, ok, paint, png


async def test_one_indexed_png_becomes_every_file_of_the_response(bench: Bench) -> None:
    task_id, sent = await paint(bench, FULL, MAPPING)
    ok(sent)
    response = await bench.response(task_id)
    mapping = response["labelMapping"]
    # Plain labels as declared, used or not; then the instances that have pixels.
    assert {k: v["index"] for k, v in mapping.items() if isinstance(v, dict)} == {"water": 1, "quay": 2}
    assert [(e["index"], e["numPixels"]) for e in mapping["vessel"]] == [(3, 2), (4, 2)]
    assert (mapping["water"]["numPixels"], mapping["quay"]["numPixels"]) == (8, 0)
    files = response["annotations"]
    mask = await bench.raster(files["combined"]["indexedImage"])
    assert mask.tolist() == [[1, 1, 4, 4], [1, 1, 3, 3], [1, 1, 1, 1]]
    wide = await bench.raster(files["combined"]["extendedIndexedImage"])
    assert (wide[..., 0] + 256 * wide[..., 1].astype(int)).tolist() == mask.tolist()
    assert files["labeled"]["quay"] is None
    first = await bench.raster(files["labeled"]["vessel"][0])
    assert (first[..., 3] > 0).tolist() == (mask == 3).tolist()
    assert (await bench.raster(files["unlabeled"]))[..., 3].max() == 0
    painted = await bench.raster(files["combined"]["image"])
    assert "#" + bytes(painted[0, 0, :3]).hex() == mapping["water"]["color"]


@pytest.mark.parametrize(
    ("pixels", "mode"),
    [
        (FULL, "P"),
        (FULL.astype(np.uint16), None),
        (np.stack([FULL, FULL * 0, FULL * 0, FULL * 0 + 255], axis=2), None),
    ],
    ids=["palette", "16 bits", "four channels"],
)
async def test_a_mask_may_come_in_the_forms_that_programs_write(bench: Bench, pixels: Any, mode: Any) -> None:
    task_id, sent = await paint(bench, pixels, MAPPING, mode)
    ok(sent)
    mask = await bench.raster((await bench.response(task_id))["annotations"]["combined"]["indexedImage"])
    assert mask.tolist() == [[1, 1, 4, 4], [1, 1, 3, 3], [1, 1, 1, 1]]


async def test_a_mask_may_stand_in_the_answer_itself(bench: Bench) -> None:
    task_id = await bench.task("segmentannotation", MASK, size=(4, 3))
    url = "data:image/png;base64," + base64.b64encode(png(FULL)).decode()
    response = {"labelMapping": MAPPING, "annotations": {"combined": {"indexedImage": url}}}
    ok(await bench.submit(await bench.claim(task_id), response))
    assert "data:" not in json.dumps(await bench.response(task_id))


@pytest.mark.parametrize(
    ("pixels", "mapping", "path", "says"),
    [
        (FULL[:2], MAPPING, "annotations.combined.indexedImage", "must have the size of the image: 4 × 3 pixels, not 4 × 2"),
        (FULL, {"water": {"index": 1}}, "annotations.combined.indexedImage", "labelMapping lacks"),
        (np.where(FULL == 9, 0, FULL).astype(np.uint8), MAPPING, "annotations", "leave 2 pixels unlabelled"),
        (FULL, {**MAPPING, "vessel": [{"index": 7}, {"index": 7}]}, "labelMapping.vessel[1].index", "more than once"),
        (FULL, {**MAPPING, "sky": {"index": 3}}, "labelMapping.sky", "is not one of the task's labels"),
        (FULL, {**MAPPING, "vessel": {"index": 7}}, "labelMapping.vessel", "must be an array of instances"),
    ],
)  # fmt: skip
async def test_a_mask_that_does_not_fit_is_refused_with_its_path(
    bench: Bench, pixels: Any, mapping: Any, path: str, says: str
) -> None:
    task_id, sent = await paint(bench, pixels, mapping)
    assert sent.status_code == 400
    assert any(i["path"] == path and says in i["message"] for i in sent.json()["issues"]), sent.text
    assert ok(await bench.live.get(f"/v1/task/{task_id}"))["status"] == "pending"
    assert await bench.ctx.db.fetchval("select count(*) from result_file where task_id = $1", task_id) == 0


async def test_pixels_may_stay_unlabelled_where_the_task_allows_it(bench: Bench) -> None:
    pixels = np.where(FULL == 9, 0, FULL).astype(np.uint8)
    task_id, sent = await paint(bench, pixels, MAPPING, allow_unlabeled=True)
    ok(sent)
    files = (await bench.response(task_id))["annotations"]
    assert (await bench.raster(files["unlabeled"]))[..., 3].tolist() == np.where(pixels == 0, 255, 0).tolist()


@pytest.mark.parametrize("content", [b"no picture", b"\x89PNG\r\n\x1a\n", b""])
async def test_what_is_no_png_is_refused(bench: Bench, content: bytes) -> None:
    task_id = await bench.task("segmentannotation", MASK, size=(4, 3))
    lease = await bench.claim(task_id)
    url = await bench.upload(lease, content)
    response = {"labelMapping": MAPPING, "annotations": {"combined": {"indexedImage": url}}}
    sent = await bench.submit(lease, response)
    assert sent.status_code == 400
    assert sent.json()["issues"][0]["path"] == "annotations.combined.indexedImage"
