"""Cuboids over frames: the file of `lidarannotation` (task-types-lidar §7.2), its checks, made-up tracks, comparison."""

from __future__ import annotations

import math
import random
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import replace

from steelyard.errors import Issue
from steelyard.lidar.cuboid import Cuboid, iou
from steelyard.lidar.pose import wrap_angle
from steelyard.lidar.tracks import KeyFrame, interpolate
from steelyard.task_types._base import Agreement
from steelyard.task_types._shared.shape_agreement import ATTRIBUTES, OBJECTS, attribute_score
from steelyard.taxonomy.answers import Questionnaire
from steelyard.taxonomy.attributes import Attributes, AttributeValue

Real = Annotated[float, Meta(ge=-1e15, le=1e15)]
Identity = Annotated[str, Meta(min_length=1, max_length=128)]

SMALLEST_M, LARGEST_M = 0.01, 100.0
"""Sides of a cuboid, exclusive, in metres (§7.3)."""

SAME_POSE = 1e-6
MATCH = 0.25
"""Least IoU at which two cuboids are the same object; 3D overlaps are small even for good boxes."""


class LidarVector(Struct, kw_only=True, frozen=True):
    """A position or extent in the world frame, input units."""

    x: Real
    y: Real
    z: Real


class LidarCuboid(Struct, kw_only=True, omit_defaults=True):
    """An object in one frame. `dimensions` are width, length, height; at yaw 0 the front faces +y."""

    uuid: Annotated[Identity | None, Meta(description="The same over all frames; made when missing.")] = None
    label: str
    position: Annotated[LidarVector, Meta(description="Centre, world frame, input units.")]
    dimensions: Annotated[LidarVector, Meta(description="Width, length, height, input units.")]
    yaw: Annotated[Real, Meta(description="Radians, counter-clockwise from above.")]
    pitch: Annotated[Real | None, Meta(description="Radians; with `pitch_and_roll_enabled`.")] = None
    roll: Annotated[Real | None, Meta(description="Radians; with `pitch_and_roll_enabled`.")] = None
    stationary: Annotated[bool | None, Meta(description="Never moves in the whole scene.")] = None
    camera_used: Annotated[int | None, Meta(description="Camera the box was checked in; −1: none.")] = None
    attributes: dict[str, AttributeValue] | None = None
    points: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="Points of the frame inside the box.")
    ] = field(default=None, name="numberOfPoints")
    distance_to_device: Annotated[Real | None, Meta(description="Metres from the device to the centre.")] = (
        None
    )

    def solid(self) -> Cuboid:
        """Its geometry."""
        p, d = self.position, self.dimensions
        return Cuboid(
            (p.x, p.y, p.z), (d.x, d.y, d.z), self.yaw, self.pitch or 0.0, self.roll or 0.0
        )  # fmt: skip


class LidarFrameCuboids(Struct, kw_only=True):
    """The objects of one frame."""

    cuboids: list[LidarCuboid]


CuboidFile = list[LidarFrameCuboids]

CUBOID_FILE = msgspec.json.Decoder(CuboidFile)


class CuboidChecker:
    """Checks cuboids against one task's params (§7.3). With `complete` false (pre-labels) nothing has to be answered.

    `labels` None: any; `tilt`: whether cuboids have pitch and roll, None: they may.
    """

    def __init__(
        self,
        labels: Sequence[str] | None,
        attributes: Attributes | None,
        *,
        meters_per_unit: float = 1.0,
        tilt: bool | None = False,
        combine: Any = "or",
        complete: bool = True,
    ) -> None:
        self.labels = None if labels is None else frozenset(labels)
        self.attributes = attributes or {}
        self.questions = Questionnaire(attributes, combine=combine)
        self.meters_per_unit = meters_per_unit
        self.tilt = tilt
        self.complete = complete

    def check(
        self, path: str, frames: CuboidFile, expected: int | None
    ) -> tuple[list[Issue], CuboidFile, bool]:
        """Issues, the frames with everything completed that an answer must carry, and whether anything was."""
        if expected is not None and len(frames) != expected:
            return [Issue(path, f"must have {expected} frames, has {len(frames)}")], frames, False
        issues: list[Issue] = []
        done: CuboidFile = []
        first: dict[str, tuple[str, LidarCuboid]] = {}
        changed = False
        for f, frame in enumerate(frames):
            cuboids: list[LidarCuboid] = []
            here: dict[str, str] = {}
            for c, cuboid in enumerate(frame.cuboids):
                where = f"{path}[{f}].cuboids[{c}]"
                found, kept = self._cuboid(where, cuboid)
                issues += found
                key = str(kept.uuid)
                if key in here:
                    issues.append(Issue(f"{where}.uuid", "is used more than once in this frame"))
                here[key] = str(kept.label)
                if key in first:
                    issues += self._same_track(where, kept, first[key][1])
                else:
                    first[key] = (where, kept)
                changed = changed or kept is not cuboid
                cuboids.append(kept)
            issues += self._targets(f"{path}[{f}]", cuboids, here)
            done.append(LidarFrameCuboids(cuboids=cuboids))
        return issues, done, changed

    def _cuboid(self, path: str, cuboid: LidarCuboid) -> tuple[list[Issue], LidarCuboid]:
        issues: list[Issue] = []
        if self.labels is not None and cuboid.label not in self.labels:
            issues.append(Issue(f"{path}.label", "is not one of the task's labels"))
        for axis in ("x", "y", "z"):
            metres = getattr(cuboid.dimensions, axis) * self.meters_per_unit
            if metres <= (SMALLEST_M if self.complete else 0.0):
                least = "0.01 m" if self.complete else "0"
                issues.append(Issue(f"{path}.dimensions.{axis}", f"must be greater than {least}"))
            elif metres >= LARGEST_M and self.complete:
                issues.append(Issue(f"{path}.dimensions.{axis}", "must be less than 100 m"))
        more: dict[str, Any] = {}
        for name in ("pitch", "roll"):
            value = cast("float | None", getattr(cuboid, name))
            if self.tilt is None:
                continue
            if not self.tilt:
                if value:
                    issues.append(Issue(f"{path}.{name}", "is not enabled for this task"))
            elif value is None:
                more[name] = 0.0
            elif value != wrap_angle(value):
                more[name] = wrap_angle(value)
        if cuboid.uuid is None:
            more["uuid"] = str(uuid.uuid4())
        if cuboid.stationary is None:
            more["stationary"] = False
        if cuboid.yaw != wrap_angle(cuboid.yaw):
            more["yaw"] = wrap_angle(cuboid.yaw)
        given = cuboid.attributes or {}
        found, answers = self.questions.check(
            f"{path}.attributes", cuboid.label, given, complete=self.complete
        )
        issues += found
        if answers != given or cuboid.attributes is None:
            more["attributes"] = answers
        return issues, replace(cuboid, **more) if more else cuboid

    def _same_track(self, path: str, cuboid: LidarCuboid, first: LidarCuboid) -> list[Issue]:
        issues: list[Issue] = []
        if cuboid.label != first.label:
            issues.append(Issue(f"{path}.label", "must be the same in all frames"))
        if bool(cuboid.stationary) != bool(first.stationary):
            issues.append(Issue(f"{path}.stationary", "must be the same in all frames"))
        if cuboid.stationary and _moved(cuboid, first):
            issues.append(Issue(f"{path}.position", "must not change, the object is stationary"))
        for key, d in self.attributes.items():
            if (d.static or d.is_global_per_track) and (cuboid.attributes or {}).get(key) != (
                first.attributes or {}
            ).get(key):
                issues.append(Issue(f"{path}.attributes.{key}", "must be the same in all frames"))
        return issues

    def _targets(self, path: str, cuboids: list[LidarCuboid], labels: dict[str, str]) -> list[Issue]:
        linked = {key: d for key, d in self.questions.ordered if d.type == "linked"}
        return [
            Issue(f"{path}.cuboids[{c}].attributes.{key}", "must be the uuid of another cuboid of this frame")
            for c, cuboid in enumerate(cuboids if linked else ())
            for key, d in linked.items()
            if (target := (cuboid.attributes or {}).get(key)) is not None
            and (target == cuboid.uuid or labels.get(str(target)) not in d.targets)
        ]


def _moved(a: LidarCuboid, b: LidarCuboid) -> bool:
    def pose(c: LidarCuboid) -> tuple[float, ...]:
        p, d = c.position, c.dimensions
        return p.x, p.y, p.z, d.x, d.y, d.z

    turned = (wrap_angle(x - y) for x, y in zip(_angles(a), _angles(b), strict=True))
    return any(abs(x - y) > SAME_POSE for x, y in zip(pose(a), pose(b), strict=True)) or any(
        abs(angle) > SAME_POSE for angle in turned
    )


def _angles(c: LidarCuboid) -> tuple[float, float, float]:
    return c.yaw, c.pitch or 0.0, c.roll or 0.0


def _short(value: float) -> float:
    """Six significant digits, whatever the unit."""
    return float(f"{value:.6g}")


class CuboidMaker:
    """Makes up tracks: the first label always, each with answers to everything that applies, moving or standing still."""

    def __init__(self, checker: CuboidChecker, labels: Sequence[str], frames: int, seed: str) -> None:
        self.checker = checker
        self.labels = labels
        self.frames = frames
        self.rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
        self.tracks: list[list[LidarCuboid]] = []

    def make(self) -> CuboidFile:
        """One to three objects, present in every frame, and those that `linked` attributes need."""
        self._add(self.labels[0])
        for _ in range(self.rng.randrange(3)):
            self._add(self.rng.choice(self.labels))
        self._link()
        return [LidarFrameCuboids(cuboids=[track[f] for track in self.tracks]) for f in range(self.frames)]

    def _add(self, label: str) -> list[LidarCuboid]:
        rng, unit = self.rng, self.checker.meters_per_unit
        start = (rng.uniform(-30, 30) / unit, rng.uniform(5, 40) / unit, rng.uniform(0.5, 1.5) / unit)
        size = tuple(_short(rng.uniform(*span) / unit) for span in ((0.6, 2.2), (0.8, 5.0), (0.8, 2.5)))
        stationary = rng.random() < 0.4
        reach = 0.0 if stationary else rng.uniform(1, 8) / unit
        yaw = rng.uniform(-math.pi, math.pi)
        end = (start[0] - reach * math.sin(yaw), start[1] + reach * math.cos(yaw), start[2])
        tilt = (rng.uniform(-0.05, 0.05), rng.uniform(-0.05, 0.05)) if self.checker.tilt else (0.0, 0.0)
        keys = [
            KeyFrame(0, Cuboid(start, cast("Any", size), yaw, *tilt)),
            KeyFrame(max(1, self.frames - 1), Cuboid(end, cast("Any", size), yaw, *tilt)),
        ]
        answers = self.checker.questions.make(rng, label)
        identity = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        track = [
            self._entry(identity, label, solid, stationary, answers)
            for solid in interpolate(keys, range(self.frames))
            if solid is not None
        ]
        self.tracks.append(track)
        return track

    def _entry(
        self, identity: str, label: str, solid: Cuboid, stationary: bool, answers: dict[str, Any]
    ) -> LidarCuboid:
        x, y, z = map(_short, solid.position)
        w, d, h = solid.dimensions
        tilt = {"pitch": round(solid.pitch, 4), "roll": round(solid.roll, 4)} if self.checker.tilt else {}
        # Where the device stands is in the frames, which may not be readable; the world's origin stands in for it.
        distance = math.hypot(x, y, z) * self.checker.meters_per_unit
        return LidarCuboid(
            uuid=identity, label=label, position=LidarVector(x=x, y=y, z=z), dimensions=LidarVector(x=w, y=d, z=h),
            yaw=round(solid.yaw, 4), stationary=stationary, camera_used=-1, attributes=dict(answers), points=0,
            distance_to_device=round(distance, 4), **tilt,
        )  # fmt: skip

    def _link(self) -> None:
        linked = [(key, d) for key, d in self.checker.questions.ordered if d.type == "linked"]
        done = 0
        while linked and done < len(self.tracks):
            track = self.tracks[done]
            done += 1
            answers: dict[str, AttributeValue] = dict(track[0].attributes or {})
            shown = self.checker.questions.shown(track[0].label, answers, None)
            for key, d in linked:
                if key not in shown:
                    continue
                fits = [t for t in self.tracks if t is not track and t[0].label in d.targets]
                if not fits and d.must_answer:
                    fits = [self._add(d.targets[0])]
                if fits:
                    answers[key] = self.rng.choice(fits)[0].uuid
            for entry in track:
                entry.attributes = dict(answers)


_PLACE = uuid.UUID("0b6a1b0c-7d0e-4c55-9b0b-5a3d2f6f9a31")


def number_tracks(frames: CuboidFile) -> None:
    """Identities for cuboids that came without, derived from their place: the same whenever they are asked for."""
    for f, frame in enumerate(frames):
        for c, cuboid in enumerate(frame.cuboids):
            if cuboid.uuid is None:
                cuboid.uuid = str(uuid.uuid5(_PLACE, f"{f} {c} {msgspec.json.encode(cuboid)!r}"))


def measured(
    frames: CuboidFile, read: Callable[[int], tuple[Any, Sequence[float]] | None], unit: float = 1.0
) -> None:
    """Fill what only the frames tell in place: `numberOfPoints`, `distance_to_device` (metres), and −1 for no `camera_used`. Heavy.

    `read`: number of a frame → its points (n, 3) and (x, y, z) of its device, in the units of the cuboids; None for one that cannot be
    read, whose numbers stay as they are, 0 points where there are none. Only frames with cuboids are read.
    """
    for n, frame in enumerate(frames):
        found = read(n) if frame.cuboids else None
        for cuboid in frame.cuboids:
            solid = cuboid.solid()
            if cuboid.camera_used is None:
                cuboid.camera_used = -1
            if found is not None:
                cloud, device = found
                cuboid.points = int(solid.contains(cloud).sum()) if len(cloud) else 0
                cuboid.distance_to_device = round(math.dist(solid.position, device) * unit, 4)
            elif cuboid.points is None:
                cuboid.points = 0


def cuboid_agreement(attributes: Attributes | None, a: CuboidFile, b: CuboidFile) -> Agreement:
    """2·Σ IoU ÷ (n₁ + n₂) over frames, cuboids matched one to one by frame and label; attributes of matches for 20 %."""
    pairs: list[tuple[LidarCuboid, LidarCuboid, float]] = []
    n = max(len(a), len(b))
    for f in range(n):
        one = a[f].cuboids if f < len(a) else []
        other = b[f].cuboids if f < len(b) else []
        pairs += _match(one, other)
    first, second = (Counter(c.label for frame in side for c in frame.cuboids) for side in (a, b))
    total = sum(first.values()) + sum(second.values())
    objects = 2 * sum(s for _, _, s in pairs) / total if total else 1.0
    partner = {x.uuid: y.uuid for x, y, _ in pairs}
    scores = [
        attribute_score(d, p, q, partner)
        for x, y, _ in pairs
        for key, d in (attributes or {}).items()
        if (p := (x.attributes or {}).get(key)) is not None or (y.attributes or {}).get(key) is not None
        for q in [(y.attributes or {}).get(key)]
    ]
    matched = Counter(x.label for x, _, _ in pairs)
    tracks = Counter((x.uuid, y.uuid) for x, y, _ in pairs)
    detail: dict[str, Any] = {
        "objects": round(objects, 6),
        "labels": {
            label: {"a": first[label], "b": second[label], "matched": matched[label]}
            for label in dict.fromkeys([*first, *second])
        },
        "tracks": [[x, y, count] for (x, y), count in tracks.most_common(1000)],
    }
    if not scores:
        return Agreement(min(1.0, objects), detail)
    answered = sum(scores) / len(scores)
    return Agreement(
        min(1.0, OBJECTS * objects + ATTRIBUTES * answered), {**detail, "attributes": round(answered, 6)}
    )


def _match(a: list[LidarCuboid], b: list[LidarCuboid]) -> list[tuple[LidarCuboid, LidarCuboid, float]]:
    import numpy as np
    from scipy.spatial.distance import cdist

    from steelyard.geometry.overlap import assign

    found: list[tuple[LidarCuboid, LidarCuboid, float]] = []
    for label in dict.fromkeys(c.label for c in a):
        rows, columns = [c for c in a if c.label == label], [c for c in b if c.label == label]
        if not columns:
            continue
        first, second = [c.solid() for c in rows], [c.solid() for c in columns]
        scores = np.zeros((len(rows), len(columns)))
        # Most pairs are far apart; only those that can touch are worth the exact overlap.
        reach = np.add.outer([c.radius for c in first], [c.radius for c in second])
        apart = cdist([c.position for c in first], [c.position for c in second])
        for i, j in np.argwhere(apart < reach).tolist():
            score = iou(first[i], second[j])
            scores[i, j] = score if score >= MATCH else 0.0
        pairs = assign(cast("Any", scores.tolist()))
        found += [(rows[i], columns[j], float(scores[i, j])) for i, j in pairs if scores[i, j] > 0]
    return found


def canonical_cuboids(frames: CuboidFile) -> list[Any]:
    """Frames with cuboids in order of label and place, four decimals, and the tracks numbered as they appear."""
    number: dict[str, int] = {}
    found: list[Any] = []
    for frame in frames:
        plain = sorted((_plain(c), str(c.uuid), c) for c in frame.cuboids)
        for _, key, _ in plain:
            number.setdefault(key, len(number))
        found.append(
            [
                {"track": number[key], "geometry": place, "stationary": bool(c.stationary),
                 "attributes": {k: number.get(str(v), v) if isinstance(v, str) else v for k, v in sorted((c.attributes or {}).items())}}
                for place, key, c in plain
            ]
        )  # fmt: skip
    return found


def _plain(c: LidarCuboid) -> list[Any]:
    p, d = c.position, c.dimensions
    values = (p.x, p.y, p.z, d.x, d.y, d.z, wrap_angle(c.yaw), c.pitch or 0.0, c.roll or 0.0)
    return [c.label, *(round(v, 4) for v in values)]


def summarize_cuboids(frames: Any) -> dict[str, Any]:
    """Counts for lists and charts: frames, tracks, cuboids, tracks by label."""
    tracks: dict[str, str] = {}
    cuboids = 0
    for frame in cast("list[Any]", frames) if isinstance(frames, list) else []:
        entries = cast("dict[str, Any]", frame).get("cuboids") if isinstance(frame, dict) else None
        for entry in cast("list[Any]", entries) if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                found = cast("dict[str, Any]", entry)
                cuboids += 1
                tracks.setdefault(str(found.get("uuid")), str(found.get("label")))
    return {
        "frames": len(cast("list[Any]", frames)) if isinstance(frames, list) else 0,
        "tracks": len(tracks),
        "cuboids": cuboids,
        "labels": dict(Counter(tracks.values())),
    }
