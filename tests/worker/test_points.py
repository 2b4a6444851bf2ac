"""Lidar frames and scenes become octrees of points: nothing is lost, numbers are kept, exactly the frame at fault is named."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steelyard import derived
from steelyard.ctx import Ctx
from steelyard.derived.make import make_derived
from steelyard.derived.points import FIELDS, HEAD, MAGIC, MAX_NODE_POINTS
from steelyard.lidar import jsonbinary
from tests.unit.lidar.test_frames import EXAMPLE, as_protobuf
from tests.unit.lidar.test_scene import camera, lidar, scene

from .helpers import make_space, make_task, rows, serving
from .test_derived import derived_prepare
from .test_prepare import Site

SCENE: dict[str, Any] = {
    "version": "1.0",
    "sensors": [
        {
            "id": "top",
            "type": "lidar",
            "poses": {"timestamps": [0], "values": [[0, 0, 0, 0, 0, 0, 1]]},
            "frames": [{"timestamp": 0, "points": {"positions": [[0.0, 1.0, 2.0]]}}],
        }
    ],
}
LAYOUT = {
    "time": ("<i8", 1),
    "intensity": ("<f4", 1),
    "color": ("u1", 3),
    "device": ("<u4", 1),
    "ground": ("u1", 1),
    "vector": ("<f4", 3),
}


def read_node(raw: bytes) -> dict[str, Any]:
    """A node's file, read as the guide says."""
    magic, version, flags, n, _, *origin = HEAD.unpack_from(raw)
    assert (magic, version) == (MAGIC, 1)
    at, found = HEAD.size, {"origin": np.array(origin)}

    def column(kind: str, width: int) -> Any:
        nonlocal at
        size = np.dtype(kind).itemsize * width * n
        values = np.frombuffer(raw[at : at + size], kind)
        at += size + -size % 4
        return values if width == 1 else values.reshape(n, width)

    if flags & FIELDS["time"]:
        found["time"] = column("<i8", 1)
    found["position"], found["index"] = column("<f4", 3), column("<u4", 1)
    for name in ("intensity", "color", "device", "ground", "vector"):
        if flags & FIELDS[name]:
            found[name] = column(*LAYOUT[name])
    assert at == len(raw)
    return found


def made(
    tmp_path: Path, content: bytes, media: str = "lidar"
) -> tuple[dict[str, Any], dict[str, bytes], Any]:
    """(index, parts, Made) of a file."""
    (tmp_path / "in").write_bytes(content)
    got = make_derived(str(tmp_path / "in"), "application/octet-stream", media, str(tmp_path / "out"))
    whole = (tmp_path / "out").read_bytes()
    parts = {name: whole[p.offset : p.offset + p.length] for name, p in got.parts.items()}
    return json.loads(parts.get("chunks.json", b"{}")), parts, got


def frame_of(points: Any) -> bytes:
    return json.dumps(
        {
            "device_position": {"x": 0, "y": 0, "z": 0},
            "points": [{"x": x, "y": y, "z": z} for x, y, z in points.tolist()],
        }
    ).encode()


def test_every_point_of_a_large_frame_is_in_exactly_one_node_inside_its_cube(tmp_path: Path) -> None:
    points = np.random.default_rng(1).normal(0, 30, (140_000, 3))
    points[:60_000] = points[0]  # as many in one place as no division tells apart
    index, parts, got = made(tmp_path, frame_of(points))
    assert got.problem is None
    assert got.detail == {
        "kind": "frame", "points": [140_000], "chunks": "chunks.json", "encoding": "json", "device": [0, 0, 0], "cameras": [], "images": [],
    }  # fmt: skip
    [cloud] = index["clouds"]
    seen = np.zeros(len(points), dtype=int)
    named = {node["name"]: node for node in cloud["nodes"]}
    for node in cloud["nodes"]:
        read = read_node(parts[node["part"]])
        assert len(read["index"]) == node["points"]
        assert node["points"] <= MAX_NODE_POINTS or len(node["name"]) > 16
        seen[read["index"]] += 1
        assert np.abs(read["position"] + read["origin"] - points[read["index"]]).max() < 1e-4
        low = np.array(node["low"])
        assert (points[read["index"]] >= low - 1e-6).all()
        assert (points[read["index"]] <= low + node["side"] + 1e-6).all()
        assert all(child in named for child in node["children"])
    assert (seen == 1).all()
    assert named["r"]["children"]


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_known_of_points_and_cameras_comes_along(tmp_path: Path, packed: bool) -> None:
    content = json.dumps(EXAMPLE).encode()
    index, parts, got = made(tmp_path, gzip.compress(content) if packed else content)
    assert got.problem is None
    [cloud] = index["clouds"]
    assert cloud["fields"] == ["time", "intensity", "color", "device", "ground"]
    node = read_node(parts["0-r.bin"])
    assert node["intensity"].tolist() == pytest.approx([0.31, 0.05])
    assert node["color"].tolist() == [[1, 2, 3], [250, 251, 255]]
    assert node["time"].tolist() == [1700000000003000001, -1]
    assert node["ground"].tolist() == [0, 1]
    assert index["frame"]["images"][0]["image_url"] == "https://files.example/cam0/000.jpg"
    assert index["frame"]["device_position"] == {"x": 12.5, "y": -3.0, "z": 0.1}


def test_protobuf_and_json_of_one_frame_give_equal_chunks(tmp_path: Path) -> None:
    document = copy.deepcopy(EXAMPLE)
    document["points"] = [{"x": 1.5, "y": 2.0, "z": -0.5}, {"x": 4.0, "y": 0.25, "z": 1.0}]
    del document["point_colors"]
    _, wire, _ = made(tmp_path, as_protobuf(document))
    _, text, _ = made(tmp_path, json.dumps(document).encode())
    assert read_node(wire["0-r.bin"])["position"].tolist() == read_node(text["0-r.bin"])["position"].tolist()


def test_scenes_have_a_cloud_for_every_sweep_and_their_pictures(tmp_path: Path) -> None:
    index, parts, got = made(tmp_path, jsonbinary.encode(scene(lidar(), camera())), "scene")
    assert got.problem is None
    assert (index["kind"], [c["sensor"] for c in index["clouds"]], index["points"]) == ("scene", ["top"], 2)
    assert read_node(parts["0-r.bin"])["intensity"].tolist() == [1, 2]
    [picture] = index["sensors"][1]["pictures"]
    assert parts[picture["part"]] == b"\xff\xd8\xff"
    assert index["sensors"][0]["poses"]["values"] == [[0, 0, 0, 0, 0, 0, 1]]


def test_points_nowhere_are_counted_and_not_drawn_and_an_empty_frame_is_one(tmp_path: Path) -> None:
    sweep = {"positions": np.array([[0, 1, 2], [np.nan, 4, 5], [3, 4, np.inf]], dtype=np.float32)}
    nowhere = lidar(frames=[{"timestamp": 0, "points": sweep}])
    index, parts, got = made(tmp_path, jsonbinary.encode(scene(nowhere)), "scene")
    assert (got.problem, index["points"], index["clouds"][0]["not_drawn"]) == (None, 3, 2)
    assert read_node(parts["0-r.bin"])["index"].tolist() == [0]
    index, _, got = made(tmp_path, frame_of(np.empty((0, 3))))
    assert (got.problem, index["points"], index["clouds"][0]["nodes"]) == (None, 0, [])


@pytest.mark.parametrize(
    ("content", "media", "word"),
    [
        (b"<html>", "lidar", "no lidar frame"),
        (
            b'{"device_position": {"x": 0, "y": 0, "z": 0}, "points": [{"x": 1, "y": 2}]}',
            "lidar",
            "points[0].z",
        ),
        (b"\x1f\x8b" + b"\0" * 20, "lidar", "gzip"),
        (b"[" * 5000, "lidar", "no lidar frame"),
        (b"{}", "scene", "version"),
        (b'{"version": "1.0", "sensors": [{"id": 1}]}', "scene", "sensors.0"),
    ],
)
def test_what_is_neither_frame_nor_scene_says_why(
    tmp_path: Path, content: bytes, media: str, word: str
) -> None:
    _, parts, got = made(tmp_path, content, media)
    assert word in (got.problem or "")
    assert not parts


async def test_exactly_the_frames_at_fault_are_named_and_good_ones_are_served_in_chunks(ctx: Ctx) -> None:
    good, space = frame_of(np.arange(30.0).reshape(10, 3)), await make_space(ctx)
    site = Site(
        good=good, bad=b'{"points": []}', packed=gzip.compress(good), scene=json.dumps(SCENE).encode()
    )
    async with serving(site) as url:
        outcomes = []
        for names in (["good", "bad", "packed", "scene", "gone"], ["good", "packed"]):
            params = {
                "attachments": [f"{url}/{name}" for name in names],
                "labels": ["car"],
                "meters_per_unit": 1,
            }
            task = await make_task(ctx, space, params=json.dumps(params), type="lidarannotation")
            await derived_prepare(ctx, space, task)
            outcomes += await rows(ctx, "select id, stage, response::text from task where id = $1", task)
    bad, fine = outcomes
    told = json.loads(bad["response"])
    assert (bad["stage"], fine["stage"]) == ("error", "queued")
    assert [(a["url"], a["statusCode"]) for a in told["attachments"]] == [(f"{url}/gone", 404)]
    assert [(f["frame"], f["attachment"]["statusCode"]) for f in told["frames"]] == [(1, 200), (3, 200)]
    assert "device_position" in told["frames"][0]["message"]
    assert "attachment 3 is not a valid json file" in told["frames"][1]["message"]
    first, second = await derived.views(ctx, space, fine["id"])
    shown = json.loads(first.derived or b"")
    assert (shown["kind"], shown["points"]) == ("frame", [10])
    token = shown["chunks"].split("/")[2]
    part = await derived.derived_part(ctx, token, "chunks.json")
    index = json.loads(await ctx.store.get_range(part.sha256, part.offset, part.length))
    part = await derived.derived_part(ctx, token, index["clouds"][0]["nodes"][0]["part"])
    node = read_node(await ctx.store.get_range(part.sha256, part.offset, part.length))
    assert node["index"].tolist() == list(range(10))
    assert second.derived is not None
