"""What is known of a task's media, from the rows of its files: sizes, a video's frames, a lidar frame's points."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from steelyard.db.sqlfile import QueryFile
from steelyard.task_types import FrameFacts, MediaInfo

Q = QueryFile(__name__, "facts.sql")


class FileFacts(Struct, frozen=True):
    """A stored file of a task; `detail` (JSON) is what was found out while things for showing were made from it: `_Video`, `Cloud`."""

    role: str
    media: str
    frame: int | None
    width: int | None
    height: int | None
    sha256: str | None
    detail: str | None


class _Video(Struct, frozen=True, omit_defaults=True):
    """What decoding a video or a recording showed, as far as it has it. Pixels, seconds, frames per second."""

    width: int = 0
    height: int = 0
    duration_s: float | None = None
    frame_rate: float | None = None
    frame_count: int | None = None


class Cloud(Struct, frozen=True, omit_defaults=True):
    """What reading a lidar frame or a scene showed; a frame that was read by an older version lacks what follows its points."""

    kind: str = ""
    points: tuple[int, ...] = ()
    encoding: str | None = None
    device: tuple[float, float, float] | None = None
    cameras: tuple[int, ...] = ()
    images: tuple[str, ...] | None = None


answered_media = Q.all("answered_media", FileFacts)


def kept_facts(media: str, detail: str | None) -> str | None:
    """Of a file's `detail` what answers are checked with (JSON): it is kept with the task, for what was made for showing may be swept."""
    kind = {"lidar": Cloud, "scene": Cloud, "video": _Video, "audio": _Video}.get(media)
    if detail is None or kind is None:
        return None
    return msgspec.json.encode(msgspec.json.decode(detail, type=kind)).decode()


def frame_facts(detail: str | None) -> FrameFacts | None:
    """What reading a frame showed; None where the file is no frame or was read by a version that kept less."""
    found = Cloud() if detail is None else msgspec.json.decode(detail, type=Cloud)
    if found.kind != "frame" or found.device is None or len(found.points) != 1:
        return None
    return FrameFacts(found.points[0], found.device, found.cameras, found.images or ())


def media_info(rows: Sequence[FileFacts]) -> MediaInfo:
    """What the stored files of a task, in document order, tell together."""
    own = [row for row in rows if row.role == "attachment"]
    sizes = tuple(
        (row.width or 0, row.height or 0) for row in own if row.media == "image" and row.frame is not None
    )
    frames = [row for row in own if row.media == "lidar" and row.frame is not None]
    known: list[FrameFacts | None] = [None] * (max((row.frame or 0 for row in frames), default=-1) + 1)
    for row in frames:
        known[row.frame or 0] = frame_facts(row.detail)
    info = MediaInfo(sizes=sizes, frames=tuple(known))
    if not own:
        return info
    first = own[0]
    info = msgspec.structs.replace(info, width=first.width or 0, height=first.height or 0)
    if first.media not in ("video", "audio") or first.detail is None:
        return info
    video = msgspec.json.decode(first.detail, type=_Video)
    return msgspec.structs.replace(
        info,
        width=info.width or video.width,
        height=info.height or video.height,
        duration_s=video.duration_s,
        frame_rate=video.frame_rate,
        frame_count=video.frame_count,
    )
