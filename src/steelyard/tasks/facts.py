"""What is known of a task's media, from the rows of its files: sizes, a video's frames, a lidar frame's points."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from steelyard.db.sqlfile import QueryFile
from steelyard.task_types import FrameFacts, MediaInfo

Q = QueryFile(__name__, "facts.sql")


class FileFacts(Struct, frozen=True):
    """A stored file of a task; `detail` (JSON) is what was found out while things for showing were made from it: `_Video`, `_Cloud`."""

    role: str
    media: str
    frame: int | None
    width: int | None
    height: int | None
    sha256: str | None
    detail: str | None


class _Video(Struct, frozen=True):
    """What decoding a video or a recording showed, as far as it has it. Pixels, seconds, frames per second."""

    width: int = 0
    height: int = 0
    duration_s: float | None = None
    frame_rate: float | None = None
    frame_count: int | None = None


class _Cloud(Struct, frozen=True):
    """What reading a lidar frame showed; one that was read by an older version has neither device nor cameras."""

    kind: str = ""
    points: tuple[int, ...] = ()
    device: tuple[float, float, float] | None = None
    cameras: tuple[int, ...] = ()


answered_media = Q.all("answered_media", FileFacts)


def _frame(detail: str | None) -> FrameFacts | None:
    found = _Cloud() if detail is None else msgspec.json.decode(detail, type=_Cloud)
    if found.kind != "frame" or found.device is None or len(found.points) != 1:
        return None
    return FrameFacts(found.points[0], found.device, found.cameras)


def media_info(rows: Sequence[FileFacts]) -> MediaInfo:
    """What the stored files of a task, in document order, tell together."""
    own = [row for row in rows if row.role == "attachment"]
    sizes = tuple(
        (row.width or 0, row.height or 0) for row in own if row.media == "image" and row.frame is not None
    )
    frames = [row for row in own if row.media == "lidar" and row.frame is not None]
    known: list[FrameFacts | None] = [None] * (max((row.frame or 0 for row in frames), default=-1) + 1)
    for row in frames:
        known[row.frame or 0] = _frame(row.detail)
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
