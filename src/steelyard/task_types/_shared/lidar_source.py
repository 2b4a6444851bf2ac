"""What lidar types know beside their params: the frames themselves, and the task that they build on (task-types-lidar §1.4, §8.1)."""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from steelyard.task_types._base import AttachmentRef, FrameFacts, MediaInfo, SourceTask, Unreadable
from steelyard.task_types._shared.lidar_cuboids import CUBOID_FILE, CuboidFile
from steelyard.task_types._shared.lidar_params import frame_count


class _SourceParams(Struct):
    attachments: list[str]
    attachment_type: str | None = None


def examine_frame(params: Any, ref: AttachmentRef, content: bytes) -> FrameFacts | None:
    """`examine` of the types that work on frames. Heavy."""
    from steelyard.lidar.frames import FrameError, read_frame

    if ref.media != "lidar":
        return None
    encoding = encoding_of(params, content)
    try:
        frame = read_frame(content, encoding)
    except FrameError as error:
        place, _, problem = str(error).rpartition(": ")
        details = {f"attachments.{ref.frame}.{_dotted(place)}".rstrip("."): [problem]}
        raise Unreadable(f"attachment {ref.frame} is not a valid {encoding} file: {error}", details) from None
    at = frame.device_position
    cameras = tuple(sorted(image.camera_index for image in frame.images))
    images = tuple(image.image_url for image in frame.images)
    return FrameFacts(len(frame.positions), (at.x, at.y, at.z), cameras, images)


def _dotted(place: str) -> str:
    return place.replace("[", ".").replace("]", "")


def frame_encoding(params: Any) -> Literal["json", "protobuf"] | None:
    """How frames must be encoded; None: a task that builds on another does not say it."""
    if params.attachment_type == "protobuf":
        return "protobuf"
    return "json" if getattr(params, "lidar_task", None) is None else None


def encoding_of(params: Any, content: bytes) -> Literal["json", "protobuf"]:
    """How a frame is encoded. Where the task does not say it: no protobuf frame begins as JSON or gzip does."""
    said = frame_encoding(params)
    if said is not None:
        return said
    return "json" if content[:1] in (b"{", b"\x1f", b" ", b"\n", b"\t", b"\r") else "protobuf"


def chosen_frames(params: Any, source: SourceTask) -> list[int]:
    """Positions in the source's `attachments` of the frames that a task works on, in its order."""
    chosen = cast("list[int] | None", params.lidar_task_frames)
    return chosen or list(range(len(_given(source).attachments)))


def _given(source: SourceTask) -> _SourceParams:
    return msgspec.json.decode(source.params, type=_SourceParams)


def source_frames(params: Any, source: SourceTask) -> list[AttachmentRef]:
    """`source_files`: the frames of the source that a task works on."""
    urls = _given(source).attachments
    return [
        AttachmentRef(f"lidar_task.attachments[{n}]", urls[n], media="lidar", frame=i)
        for i, n in enumerate(chosen_frames(params, source))
        if n < len(urls)
    ]


def frame_total(params: Any, media: MediaInfo) -> int | None:
    """How many frames an answer has; None where nobody knows."""
    known = frame_count(params)
    if known is None and media.source is not None:
        return len(chosen_frames(params, media.source))
    return known


def source_cuboids(params: Any, media: MediaInfo) -> CuboidFile | None:
    """The source's cuboids in the frames that a task works on; None where there are none, or their file is not at hand."""
    source = media.source
    if source is None or source.response is None:
        return None
    try:
        link = msgspec.json.decode(source.response, type=_Answer).annotations.url
        frames = CUBOID_FILE.decode(source.files[link])
    except (KeyError, msgspec.DecodeError, ValueError):
        return None
    return [frames[n] for n in chosen_frames(params, source) if n < len(frames)]


class _Link(Struct):
    url: str


class _Answer(Struct):
    annotations: _Link


def labels_by_uuid(frames: CuboidFile | None) -> dict[str, str] | None:
    """The label of every object; None where the cuboids are not known."""
    if frames is None:
        return None
    return {str(c.uuid): c.label for frame in frames for c in frame.cuboids}
