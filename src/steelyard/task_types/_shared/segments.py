"""Index rasters and the PNG files made from them (task-types-2d §8.2). Heavy: runs in the process pool.

A raster has one index per pixel, shape (height, width); 0 is unlabelled. Everything is done by lookup tables over whole arrays, never
pixel by pixel.
"""

from __future__ import annotations

import base64
import binascii
import colorsys
import io
import itertools
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from steelyard.errors import InvalidRequest
from steelyard.task_types._base import RESULT_URL, ResultFile
from steelyard.task_types._shared.masks import encode_mask, encode_plain

PNG = "image/png"


class Segment(Struct, frozen=True):
    """One index of a raster: its label, whether it is one instance of several, its colour and answers."""

    index: int
    label: str
    instance: bool
    color: str
    attributes: dict[str, Any] | None = None


def label_color(position: int, count: int, shade: int = 0) -> str:
    """The colour of the i-th of n labels: pure hues, equally spaced; further instances of a label get lighter shades."""
    hue = (position % count) / count if count else 0.0
    lightness = 0.5 if shade == 0 else 0.5 + 0.4 * ((shade * 0.38196601) % 1.0)
    red, green, blue = (math.floor(c * 255 + 0.5) for c in colorsys.hls_to_rgb(hue, lightness, 1.0))
    return f"#{red:02x}{green:02x}{blue:02x}"


def make_raster(rng: random.Random, width: int, height: int, indexes: Sequence[int]) -> Any:
    """A raster of rectangular regions, each index at least once while there are pixels enough, all pixels covered."""
    import numpy as np

    count = min(len(indexes), width * height)
    columns = min(width, max(1, round(math.sqrt(count * width / height)), math.ceil(count / height)))
    rows = min(height, math.ceil(count / columns))
    cells = list(indexes[:count]) + [rng.choice(indexes) for _ in range(rows * columns - count)]
    rng.shuffle(cells)
    kind = np.uint16 if max(indexes) > 255 else np.uint8
    grid = np.array(cells, dtype=kind).reshape(rows, columns)
    return np.repeat(np.repeat(grid, _parts(rng, height, rows), axis=0), _parts(rng, width, columns), axis=1)


def _parts(rng: random.Random, length: int, count: int) -> list[int]:
    """A length cut into this many parts of at least one."""
    cuts = [0, *sorted(rng.sample(range(1, length), count - 1)), length]
    return [b - a for a, b in itertools.pairwise(cuts)]


def encode_segments(
    raster: Any, segments: Sequence[Segment], declared: Sequence[str]
) -> tuple[dict[str, Any], list[ResultFile]]:
    """`labelMapping` and `annotations` of a response with all their files.

    `declared` are the non-instance labels: they all appear, used or not. Instances without pixels are dropped.
    """
    import numpy as np
    from scipy import ndimage

    height, width = raster.shape
    highest = max((s.index for s in segments), default=0)
    counts = np.bincount(raster.ravel(), minlength=highest + 1)
    # Shifted by one, for 0 has a place here, too: that of what is not labeled.
    places = ndimage.find_objects(raster.astype(np.int32) + 1, max_label=highest + 1)
    files: list[ResultFile] = []

    def put(name: str, content: bytes) -> str:
        files.append(ResultFile(name, content, PNG))
        return RESULT_URL + name

    def mask(index: int, color: bytes) -> bytes:
        rows, columns = places[index] or (slice(0, 0), slice(0, 0))
        return encode_mask(raster[rows, columns] == index, columns.start, rows.start, width, height, color)

    colors = np.zeros((highest + 1, 4), dtype=np.uint8)
    for s in segments:
        colors[s.index] = (*bytes.fromhex(s.color[1:]), 255)
    mapping: dict[str, Any] = {}
    labeled: dict[str, Any] = dict.fromkeys(declared)
    for s in segments:
        pixels = int(counts[s.index])
        if s.instance and not pixels:
            continue
        entry = {"index": s.index, "color": s.color, "numPixels": pixels, "attributes": s.attributes}
        url = put(f"labeled-{s.index}.png", mask(s.index, colors[s.index].tobytes())) if pixels else None
        if s.instance:
            mapping.setdefault(s.label, []).append(entry)
            if labeled.get(s.label) is None:
                labeled[s.label] = []
            labeled[s.label].append(url)
        else:
            mapping[s.label] = entry
            labeled[s.label] = url
    wide = np.arange(highest + 1, dtype=np.uint32)
    extended = np.stack([wide & 255, (wide >> 8) & 255, (wide >> 16) & 255, np.full_like(wide, 255)], axis=1)
    indexed = raster.astype(np.uint8 if highest <= 255 else np.uint16)
    annotations = {
        "combined": {
            "image": put("combined.png", encode_plain(_painted(colors, raster))),
            "indexedImage": put("indexed.png", encode_plain(indexed)),
            "extendedIndexedImage": put(
                "indexed-extended.png", encode_plain(_painted(extended.astype(np.uint8), raster))
            ),
        },
        "labeled": labeled,
        "unlabeled": put("unlabeled.png", mask(0, b"\0\0\0\xff")),
    }
    return {"labelMapping": mapping, "annotations": annotations}, files


def _painted(colors: Any, raster: Any) -> Any:
    """The colour of every pixel, shape (height, width, 4); a colour is looked up as one number, not as four."""
    import numpy as np

    whole = np.ascontiguousarray(colors).view(np.uint32).reshape(-1)
    return whole[raster].view(np.uint8).reshape(*raster.shape, 4)


def decode_index(content: Any) -> Any:
    """The raster of an indexed PNG, given as bytes or as a `data:` URL; refuses anything else."""
    import numpy as np
    from PIL import Image

    if isinstance(content, str) and content.startswith("data:"):
        try:
            content = base64.b64decode(content.split(",", 1)[-1], validate=True)
        except (binascii.Error, ValueError):
            raise InvalidRequest("indexedImage is not readable.") from None
    if not isinstance(content, bytes | bytearray | memoryview):
        raise InvalidRequest("The content of indexedImage is needed to compare answers.")
    try:
        with Image.open(io.BytesIO(bytes(content))) as image:
            if image.mode not in ("L", "I;16", "I", "I;16B"):
                raise InvalidRequest("indexedImage must have one channel.")
            return np.asarray(image).astype(np.uint32)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise InvalidRequest("indexedImage is not readable.") from None


def class_scores(
    a: Any, b: Any, classes: Mapping[str, tuple[Sequence[int], Sequence[int]]], instances: frozenset[str]
) -> tuple[dict[str, float], list[tuple[int, int]]]:
    """Score of every class that either raster has, and matched instance indexes.

    `classes` maps a label to its indexes in a and in b. Classes score intersection over union, instance labels panoptic quality:
    Σ IoU of matches (IoU > 0.5) ÷ (matches + half of the unmatched).
    """
    import numpy as np

    if a.shape != b.shape:
        raise InvalidRequest("The two answers have images of different size.")
    width = (
        int(max(b.max(initial=0), max((i for _, right in classes.values() for i in right), default=0))) + 1
    )
    height = int(max(a.max(initial=0), max((i for left, _ in classes.values() for i in left), default=0))) + 1
    pairs, counts = np.unique(a.astype(np.uint64) * width + b, return_counts=True)
    table: dict[tuple[int, int], int] = {
        (int(p) // width, int(p) % width): int(n) for p, n in zip(pairs, counts, strict=True)
    }
    total_a = np.bincount(a.ravel().astype(np.int64), minlength=height)
    total_b = np.bincount(b.ravel().astype(np.int64), minlength=width)
    scores: dict[str, float] = {}
    matches: list[tuple[int, int]] = []
    for label, (left, right) in classes.items():
        left = [i for i in left if total_a[i]]
        right = [j for j in right if total_b[j]]
        if not left and not right:
            continue
        if label in instances:
            found = _instance_matches(table, total_a, total_b, left, right)
            matches += [(i, j) for i, j, _ in found]
            alone = len(left) + len(right) - 2 * len(found)
            scores[label] = sum(iou for _, _, iou in found) / (len(found) + alone / 2)
        else:
            shared = sum(table.get((i, j), 0) for i in left for j in right)
            union = int(sum(total_a[i] for i in left) + sum(total_b[j] for j in right)) - shared
            scores[label] = shared / union if union else 1.0
    return scores, matches


def _instance_matches(
    table: Mapping[tuple[int, int], int],
    total_a: Any,
    total_b: Any,
    left: Sequence[int],
    right: Sequence[int],
) -> list[tuple[int, int, float]]:
    found: list[tuple[int, int, float]] = []
    for i in left:
        for j in right:
            shared = table.get((i, j), 0)
            iou = shared / (int(total_a[i]) + int(total_b[j]) - shared) if shared else 0.0
            if iou > 0.5:  # such pairs are unique by themselves
                found.append((i, j, iou))
    return found
