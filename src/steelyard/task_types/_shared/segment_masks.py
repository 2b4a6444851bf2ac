"""Masks that contributors send: read, checked against what the answer says of them, renumbered (task-types-2d §8.2, §8.6). Heavy.

Everything works on whole arrays by lookup tables, never pixel by pixel.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import MediaInfo
from steelyard.task_types._shared.segments import Segment, label_color

MAX_SEGMENTS = 65_535
"""What an indexed PNG of 16 bits can tell apart."""
_WHERE = "annotations.combined.indexedImage"


class Painted(Struct, frozen=True):
    """An entry of `labelMapping`: the index that an answer paints a label, or one instance of it, with."""

    label: str
    index: int
    color: str | None
    attributes: dict[str, Any] | None


def read_mask(content: bytes) -> Any:
    """The indexes of a PNG, shape (height, width): gray of 8 or 16 bits, palette numbers, or R + 256·G + 65536·B.

    The last is what a browser's canvas can write. Raises InvalidRequest for anything else.
    """
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            mode, pixels = image.mode, np.asarray(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise InvalidRequest("is not a readable PNG") from None
    if mode in ("L", "P", "I;16", "I;16B", "I"):
        return pixels.astype(np.uint32)
    if mode in ("RGB", "RGBA"):
        wide = pixels.astype(np.uint32)
        return wide[..., 0] | wide[..., 1] << 8 | wide[..., 2] << 16
    raise InvalidRequest("must have one channel of 8 or 16 bits, or four of 8")


def mask_problem(content: bytes, media: MediaInfo) -> str | None:
    """Why a file cannot be a mask of this image, None if it can."""
    try:
        return _size_problem(read_mask(content), media)
    except InvalidRequest as error:
        return error.message


def _size_problem(raster: Any, media: MediaInfo) -> str | None:
    height, width = raster.shape
    if media.width and media.height and (width, height) != (media.width, media.height):
        size = f"{media.width} × {media.height} pixels, not {width} × {height}"
        return f"must have the size of the image: {size}"
    return None


def mask_issues(
    content: bytes, indexes: Collection[int], media: MediaInfo, *, all_labeled: bool
) -> list[Issue]:
    """What is wrong with a mask whose mapping has these indexes; `all_labeled`: no pixel may be 0 (S11)."""
    import numpy as np

    try:
        raster = read_mask(content)
    except InvalidRequest as error:
        return [Issue(_WHERE, error.message)]
    if (problem := _size_problem(raster, media)) is not None:
        return [Issue(_WHERE, problem)]
    issues: list[Issue] = []
    found, counts = np.unique(raster, return_counts=True)
    known = {0, *indexes}
    stray = {int(i): int(n) for i, n in zip(found, counts, strict=True) if int(i) not in known}
    if stray:
        index, pixels = next(iter(stray.items()))
        more = f" (and {len(stray) - 1} more indexes)" if len(stray) > 1 else ""
        issues.append(Issue(_WHERE, f"has {pixels} pixels of index {index}, which labelMapping lacks{more}"))
    if all_labeled and len(found) and found[0] == 0:
        issues.append(Issue("annotations", f"leave {int(counts[0])} pixels unlabelled"))
    return issues


def renumbered(
    content: bytes, painted: Sequence[Painted], known: Mapping[str, bool]
) -> tuple[Any, list[Segment]]:
    """The mask with the indexes of the wire: 1 … n for plain labels as declared, used or not, then instances in order of their labels.

    `known`: labels and whether they are segmented by instance. Instances without pixels are dropped.
    """
    import numpy as np

    raster = read_mask(content)
    highest = max(int(raster.max(initial=0)), max((p.index for p in painted), default=0))
    counts = np.bincount(raster.ravel(), minlength=highest + 1)
    by_label: dict[str, list[Painted]] = {}
    for one in painted:
        by_label.setdefault(one.label, []).append(one)
    table = np.zeros(highest + 1, dtype=np.uint16)
    segments: list[Segment] = []
    place = {label: i for i, label in enumerate(known)}

    def add(label: str, source: Painted | None, shade: int) -> None:
        index = len(segments) + 1
        color = (source and source.color) or label_color(place[label], len(known), shade)
        attributes = (source.attributes or None) if source and known[label] else None
        segments.append(Segment(index, label, known[label], color, attributes))
        if source is not None:
            table[source.index] = index

    for label, instance in known.items():
        if not instance:
            add(label, next(iter(by_label.get(label, ())), None), 0)
    for label, instance in known.items():
        shown = [p for p in by_label.get(label, ()) if counts[p.index]] if instance else []
        for shade, one in enumerate(shown):
            add(label, one, shade)
    return table[raster], segments
