"""Point clouds of frames and scenes, cut into octrees so that a browser loads what it shows (docs/guide/media.md has the layout). Runs in the
process pool.

Every point is in exactly one node: a node holds a thinned-out cloud of its cube, its children the rest. Points keep their number in the
frame, for answers go by it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from steelyard.derived.model import Made, Parts, Piece
from steelyard.lidar.frames import MAX_BYTES, FrameError, inflate, read_frame
from steelyard.lidar.scene import Picture, Scene, SceneError, Sensor, Sweep, read_scene
from steelyard.media.sniff import sniff

Array = Any
KINDS = ("lidar", "scene")
MAX_NODE_POINTS = 50_000
MAX_DEPTH = 16
GRID = 64
"""Cells along the side of a node's cube; the node itself holds one point of each."""
MAGIC, VERSION = b"SYPC", 1
HEAD = struct.Struct("<4sHHII3d")
"""Magic, version, fields (bits below), number of points, 0, origin."""
TIME, INTENSITY, COLOR, DEVICE, GROUND, VECTOR = (1 << n for n in range(6))
FIELDS = {
    "time": TIME,
    "intensity": INTENSITY,
    "color": COLOR,
    "device": DEVICE,
    "ground": GROUND,
    "vector": VECTOR,
}


class Cloud(Struct, frozen=True):
    """The points of one sweep. `positions` (n, 3); each of `columns` (names as in FIELDS) has n rows, dtype as in the file's layout."""

    positions: Array
    columns: dict[str, Array]
    sensor: Any = None
    timestamp: Any = None


def misuse(media: str, detail: dict[str, Any]) -> str | None:
    """What to say when a frame serves as a scene, or a scene as a frame."""
    kind = detail.get("kind")
    if media == "lidar" and kind == "scene":
        return "The file is a scene of several sensors, not a lidar frame."
    if media == "scene" and kind == "frame":
        return "The file is a lidar frame, not a scene."
    return None


def make_chunks(path: str, media: str, parts: Parts) -> Made:
    """The parts of a frame (JSON or protobuf) or of a scene, whichever the content is; `media` decides which error is told if it is neither."""
    if Path(path).stat().st_size > MAX_BYTES:
        return Made({}, problem=f"The file is larger than {MAX_BYTES} bytes.")
    try:
        content = inflate(Path(path).read_bytes())
        if _is_scene(content, media):
            return _scene(read_scene(content), parts)
        text = content[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
        return _frame(content, "json" if text else "protobuf", parts)
    except FrameError as e:
        return Made({}, problem=f"The file is no lidar frame: {e}.")
    except SceneError as e:
        return Made({}, problem=f"The file is no scene: {e}.")


def _is_scene(content: bytes, media: str) -> bool:
    if not content[:64].lstrip().startswith(b"{"):
        return media == "scene"
    end = content.find(b"\0")
    try:
        head = msgspec.json.decode(content if end < 0 else content[:end], type=dict[str, Raw])
    except (msgspec.DecodeError, RecursionError, ValueError):
        return media == "scene"
    if ("sensors" in head) == ("points" in head):
        return media == "scene"
    return "sensors" in head


def _frame(content: bytes, encoding: Literal["json", "protobuf"], parts: Parts) -> Made:
    import numpy as np

    frame = read_frame(content, encoding)
    columns: dict[str, Array] = {}
    if np.isfinite(frame.intensities).any():
        columns["intensity"] = frame.intensities
    if frame.colors is not None:
        columns["color"] = frame.colors
    if (frame.times >= 0).any():
        columns["time"] = frame.times
    if frame.devices.any():
        columns["device"] = frame.devices
    if frame.ground.any():
        columns["ground"] = frame.ground
    cloud = Cloud(frame.positions, columns, timestamp=frame.timestamp)
    about = {
        "device_position": frame.device_position,
        "device_heading": frame.device_heading,
        "gps": frame.gps,
        "radar": frame.radar,
        "images": frame.images,
        "timestamp": frame.timestamp,
    }
    made = _made("frame", [_written(cloud, "0", parts)], {"frame": about}, parts)
    at = frame.device_position
    cameras = sorted(image.camera_index for image in frame.images)
    facts = {
        "encoding": encoding,
        "device": [at.x, at.y, at.z],
        "cameras": cameras,
        "images": [image.image_url for image in frame.images],
    }
    return msgspec.structs.replace(made, detail={**made.detail, **facts})


def _scene(scene: Scene, parts: Parts) -> Made:
    clouds: list[dict[str, Any]] = []
    sensors: list[dict[str, Any]] = []
    for number, sensor in enumerate(scene.sensors):
        for sweep in sensor.sweeps:
            clouds.append(_written(_sweep(sensor, sweep), str(len(clouds)), parts))
        shown: dict[str, Any] = {
            "id": sensor.id,
            "type": sensor.type,
            "parent_id": sensor.parent_id,
            "ego": sensor.ego,
            "poses": sensor.poses,
            "camera": sensor.camera,
            "pictures": [
                {"timestamp": picture.timestamp, "part": _picture(picture, f"camera-{number}-{n}", parts)}
                for n, picture in enumerate(sensor.pictures)
            ],
        }
        if sensor.video is not None:
            content = sensor.video.tobytes()
            parts.add(Piece(f"video-{number}", sniff(content[:4096]), content))
            shown |= {"video": f"video-{number}", "video_times": sensor.video_times, "fps": sensor.fps}
        sensors.append(shown)
    about = {"time_unit": scene.time_unit, "time_offset": scene.time_offset, "sensors": sensors}
    return _made("scene", clouds, about, parts)


def _sweep(sensor: Sensor, sweep: Sweep) -> Cloud:
    import numpy as np

    columns: dict[str, Array] = {}
    if sweep.values is not None:
        columns["intensity"] = np.asarray(sweep.values, dtype=np.float32)
    if sweep.colors is not None:
        columns["color"] = sweep.colors
    if sweep.times is not None:
        columns["time"] = np.asarray(sweep.times).astype(np.int64)
    if sweep.directions is not None:
        columns["vector"] = sweep.directions
    return Cloud(sweep.positions, columns, sensor.id, sweep.timestamp)


def _picture(picture: Picture, name: str, parts: Parts) -> str:
    if picture.content.ndim == 1:
        content = picture.content.tobytes()
        parts.add(Piece(name, sniff(content[:4096]), content))
        return name
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(picture.content).save(out, "JPEG", quality=90)
    parts.add(Piece(name, "image/jpeg", out.getvalue()))
    return name


def _made(kind: str, clouds: list[dict[str, Any]], about: dict[str, Any], parts: Parts) -> Made:
    total = sum(cloud["points"] for cloud in clouds)
    index = {"version": VERSION, "kind": kind, "points": total, "clouds": clouds, **about}
    parts.add(Piece("chunks.json", "application/json", msgspec.json.encode(index)))
    counts = [cloud["points"] for cloud in clouds]
    return Made({"kind": kind, "points": counts, "chunks": "chunks.json"})


def _written(cloud: Cloud, name: str, parts: Parts) -> dict[str, Any]:
    """Writes the nodes of a cloud; its entry in the index."""
    import numpy as np

    positions = cloud.positions
    usable = np.flatnonzero(np.isfinite(positions).all(axis=1))
    lows = positions[usable].min(axis=0) if len(usable) else np.zeros(3)
    highs = positions[usable].max(axis=0) if len(usable) else np.zeros(3)
    lows, highs = lows.astype(np.float64), highs.astype(np.float64)
    origin = (lows + highs) / 2
    nodes: list[dict[str, Any]] = []
    for node, chosen, low, side, children in _nodes(positions, usable, lows, float((highs - lows).max())):
        part = f"{name}-{node}.bin"
        parts.add(Piece(part, "application/octet-stream", _packed(cloud, chosen, origin)))
        corner = [float(x) for x in low]
        nodes.append(
            {
                "name": node,
                "part": part,
                "points": len(chosen),
                "low": corner,
                "side": side,
                "spacing": side / GRID if children else 0.0,
                "children": children,
            }
        )
    return {
        "sensor": cloud.sensor,
        "timestamp": cloud.timestamp,
        "points": len(positions),
        "not_drawn": len(positions) - len(usable),
        "fields": [field for field in FIELDS if field in cloud.columns],
        "origin": origin.tolist(),
        "bounds": [lows.tolist(), highs.tolist()],
        "nodes": nodes,
    }


def _nodes(
    positions: Array, usable: Array, lows: Array, side: float
) -> Iterator[tuple[str, Array, Array, float, list[str]]]:
    """(name, numbers of its points, corner and side of its cube, names of its children) of every node, parents first."""
    import numpy as np

    waiting: list[tuple[str, Array, Array, float]] = [("r", usable, lows, max(side, 1e-9))]
    while waiting:
        name, within, low, size = waiting.pop()
        if not len(within):
            continue
        if len(within) <= MAX_NODE_POINTS or len(name) > MAX_DEPTH:
            yield name, within, low, size, []
            continue
        relative = (positions[within].astype(np.float64) - low) / size
        cells = np.clip((relative * GRID).astype(np.int64), 0, GRID - 1) @ np.array([1, GRID, GRID * GRID])
        _, first = np.unique(cells, return_index=True)
        first = np.sort(first[:: -(-len(first) // MAX_NODE_POINTS)])
        rest = np.ones(len(within), dtype=np.bool_)
        rest[first] = False
        octants = (relative[rest] >= 0.5) @ np.array([1, 2, 4])
        left = within[rest]
        children: list[str] = []
        for octant in range(8):
            inside = left[octants == octant]
            if len(inside):
                offset = np.array([octant & 1, octant >> 1 & 1, octant >> 2 & 1]) * (size / 2)
                children.append(f"{name}{octant}")
                waiting.append((children[-1], inside, low + offset, size / 2))
        yield name, within[first], low, size, children


def _packed(cloud: Cloud, chosen: Array, origin: Array) -> bytes:
    """A node's file: HEAD, then column after column, little-endian, each padded to 4 bytes."""
    import numpy as np

    flags = sum(bit for field, bit in FIELDS.items() if field in cloud.columns)
    out = [HEAD.pack(MAGIC, VERSION, flags, len(chosen), 0, *origin.tolist())]

    def column(values: Array, kind: str) -> None:
        raw = np.ascontiguousarray(values, dtype=kind).tobytes()
        out.append(raw + b"\0" * (-len(raw) % 4))

    given = {field: values[chosen] for field, values in cloud.columns.items()}
    if "time" in given:
        column(given["time"], "<i8")
    column(cloud.positions[chosen] - origin, "<f4")
    column(chosen, "<u4")
    for field, kind in (
        ("intensity", "<f4"),
        ("color", "u1"),
        ("device", "<u4"),
        ("ground", "u1"),
        ("vector", "<f4"),
    ):
        if field in given:
            column(given[field], kind)
    return b"".join(out)
