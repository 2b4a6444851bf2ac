"""What people start from in tasks that build on cuboids: their projection into the images (task-types-lidar §9.2), the points inside them
(§8.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from steelyard.lidar.cameras import Camera, convex_hull, outline, project_cuboid
from steelyard.lidar.frames import Frame, read_frame
from steelyard.lidar.points import assign_cuboids, encode_indexes
from steelyard.task_types._base import Answer, MediaInfo
from steelyard.task_types._shared.file_parts import as_files
from steelyard.task_types._shared.lidar_cuboids import LidarCuboid
from steelyard.task_types._shared.lidar_linking import (
    CameraResponse,
    LinkingFile,
    LinkingFrame,
    known_labels,
    offered,
)
from steelyard.task_types._shared.lidar_params import prelabel
from steelyard.task_types._shared.lidar_source import encoding_of, source_cuboids
from steelyard.taxonomy.labels import walk


def linked_start(params: Any, media: MediaInfo) -> Answer | None:
    """Every cuboid of the source as a shape in every image that shows it. Heavy."""
    found = None if prelabel(params) is not None else linked_frames(params, media)
    return None if found is None else as_files({"annotations": found})


def linked_frames(params: Any, media: MediaInfo) -> LinkingFile | None:
    """The same as frames, None where the source's cuboids are not at hand; what cannot be read has no cameras. Heavy."""
    cuboids = source_cuboids(params, media)
    if cuboids is None:
        return None
    return prefill(
        params,
        [(frame.cuboids, _cameras(_frame(params, media, n), media)) for n, frame in enumerate(cuboids)],
    )


def _frame(params: Any, media: MediaInfo, n: int) -> Frame | None:
    content = media.frame(n)
    return None if content is None else read_frame(content, encoding_of(params, content))


def _cameras(frame: Frame | None, media: MediaInfo) -> dict[int, Camera]:
    found: dict[int, Camera] = {}
    for image in frame.images if frame is not None else ():
        size = media.images.get(image.image_url)
        if size is not None:
            camera = msgspec.structs.replace(image.camera, width=size[0], height=size[1])
            found[image.camera_index] = camera
    return found


def prefill(params: Any, frames: Sequence[tuple[Sequence[LidarCuboid], dict[int, Camera]]]) -> LinkingFile:
    """The starting state (§9.2): every cuboid projected into every camera that sees it. Heavy.

    `frames`: the cuboids of each frame and its cameras by `camera_index`, with `width` and `height` of their stored images. Cuboids
    whose label the task does not have are left out: it would refuse them.
    """
    labels = known_labels(params)
    kind = next((kind for kind in ("box", "polygon") if kind in offered(params)), None)
    found: LinkingFile = []
    for cuboids, cameras in frames:
        responses: list[CameraResponse] = []
        for index in sorted(k for k in cameras if params.camera_ids is None or k in params.camera_ids):
            shapes = [
                shape
                for cuboid in cuboids
                if kind is not None and (labels[kind] is None or cuboid.label in (labels[kind] or ()))
                if (shape := _projected(params, kind, cuboid, cameras[index])) is not None
            ]
            responses.append(CameraResponse(camera_used=index, annotations=shapes))
        found.append(LinkingFrame(camera_responses=responses))
    return found


def _projected(params: Any, kind: str, cuboid: LidarCuboid, camera: Camera) -> dict[str, Any] | None:
    box = project_cuboid(camera, cuboid.solid())
    if box is None or box[2] < (params.min_width or 0) or box[3] < (params.min_height or 0):
        return None
    shape: dict[str, Any] = {
        "cuboid_uuid": cuboid.uuid,
        "label": cuboid.label,
        "type": kind,
        "not_in_lidar": False,
        "attributes": {},
    }
    left, top, width, height = (round(v, 4) for v in box)
    if kind == "box":
        return {**shape, "left": left, "top": top, "width": width, "height": height}
    right, bottom = left + width, top + height
    clamped = [
        (min(max(u, left), right), min(max(v, top), bottom)) for u, v in outline(camera, cuboid.solid())
    ]
    hull = convex_hull(clamped)
    return (
        {**shape, "vertices": [{"x": round(u, 4), "y": round(v, 4)} for u, v in hull]}
        if len(hull) > 2
        else None
    )


def segmented_start(params: Any, media: MediaInfo) -> Answer | None:
    """The points inside each cuboid of the source as its object; where cuboids overlap, the smaller one's. Heavy."""
    cuboids = source_cuboids(params, media)
    if cuboids is None or prelabel(params) is not None:
        return None
    tree = params.labels if params.labels is not None else params.segmentation_labels
    plain = [leaf.name for leaf in walk(tree) if leaf.selectable and not leaf.instance]
    objects: list[dict[str, Any]] = [{"label": name, "index": n} for n, name in enumerate(plain, start=1)]
    indexes: dict[str, int] = {}
    point_objects: list[Any] = []
    for n, annotated in enumerate(cuboids):
        for cuboid in annotated.cuboids:
            if str(cuboid.uuid) not in indexes:
                indexes[str(cuboid.uuid)] = at = len(objects) + 1
                objects.append(
                    {"label": cuboid.label, "index": at, "instance": True, "uuid": str(cuboid.uuid)}
                )
        frame = _frame(params, media, n)
        if frame is None:
            return None
        solids = [(indexes[str(cuboid.uuid)], cuboid.solid()) for cuboid in annotated.cuboids]
        point_objects.append(assign_cuboids(frame.positions, solids))
    raw = msgspec.Raw(encode_indexes(point_objects))
    return as_files({"point_segmentations": {"objects": objects, "point_objects": raw}})
