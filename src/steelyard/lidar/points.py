"""Labels of points: one index a point, 0 unlabeled (task-types-lidar §8.2). Heavy: arrays only, never point by point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from steelyard.lidar.cuboid import Cuboid

Array = Any


def index_array(indexes: Any) -> Array:
    """Indexes of one frame as uint16, or uint32 where they need it. Shape (n,)."""
    import numpy as np

    found = np.asarray(indexes, dtype=np.int64).reshape(-1)
    return found.astype(np.uint32 if len(found) and int(found.max()) > 0xFFFF else np.uint16)


def encode_indexes(frames: Sequence[Array]) -> bytes:
    """`point_objects` as JSON: an array of integers for each frame."""
    import msgspec

    return b"[" + b",".join(msgspec.json.encode(index_array(f).tolist()) for f in frames) + b"]"


def assign_cuboids(points: Array, cuboids: Sequence[tuple[int, Cuboid]]) -> Array:
    """The index of the cuboid that each point (n, 3) lies in, 0 for none; where several overlap, the smallest wins."""
    import numpy as np

    found = np.zeros(len(points), dtype=np.uint32)
    for index, cuboid in sorted(cuboids, key=lambda pair: -pair[1].volume):
        found[cuboid.contains(points)] = index
    return found


def confusion(a: Sequence[Any], b: Sequence[Any]) -> dict[tuple[int, int], int]:
    """How many points of all frames have index i in one labeling and j in another; frames must have equal lengths.

    Raises ValueError where they have not.
    """
    import numpy as np

    if len(a) != len(b):
        raise ValueError("the answers have different numbers of frames")
    counts: dict[tuple[int, int], int] = {}
    for f, (first, second) in enumerate(zip(a, b, strict=True)):
        one, other = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
        if one.shape != other.shape:
            raise ValueError(f"frame {f} has {one.size} points in one answer and {other.size} in the other")
        if not one.size:
            continue
        base = int(other.max()) + 1
        pairs, numbers = np.unique(one * base + other, return_counts=True)
        for pair, number in zip(pairs.tolist(), numbers.tolist(), strict=True):
            key = divmod(pair, base)
            counts[key] = counts.get(key, 0) + number
    return counts


def class_scores(
    counts: Mapping[tuple[int, int], int],
    a: Mapping[int, str],
    b: Mapping[int, str],
    instances: frozenset[str],
) -> tuple[dict[str, float], list[tuple[int, int]]]:
    """Score by label — IoU, or panoptic quality where instances are told apart — and the matched instances.

    `a` and `b` name the label of each index; labels without points in either are left out.
    """
    sizes_a: dict[int, int] = {}
    sizes_b: dict[int, int] = {}
    shared: dict[tuple[int, int], int] = {}
    for (i, j), number in counts.items():
        sizes_a[i] = sizes_a.get(i, 0) + number
        sizes_b[j] = sizes_b.get(j, 0) + number
        shared[(i, j)] = number
    scores: dict[str, float] = {}
    matches: list[tuple[int, int]] = []
    for label in dict.fromkeys([*a.values(), *b.values()]):
        first = [i for i, name in a.items() if name == label and sizes_a.get(i)]
        second = [j for j, name in b.items() if name == label and sizes_b.get(j)]
        if not first and not second:
            continue
        if label not in instances:
            both = sum(shared.get((i, j), 0) for i in first for j in second)
            union = sum(sizes_a[i] for i in first) + sum(sizes_b[j] for j in second) - both
            scores[label] = both / union
            continue
        # An IoU over one half can be reached with one partner only, so no assignment is needed.
        found = [
            (i, j, both / (sizes_a[i] + sizes_b[j] - both))
            for i in first
            for j in second
            if (both := shared.get((i, j), 0))
        ]
        kept = [(i, j, score) for i, j, score in found if score > 0.5]
        matches += [(i, j) for i, j, _ in kept]
        misses = len(first) + len(second) - 2 * len(kept)
        scores[label] = sum(score for _, _, score in kept) / (len(kept) + misses / 2)
    return scores, matches
