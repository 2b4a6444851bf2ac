"""The two forms of annotation files: one entry per frame (task-types-2d §9.4) and one per object (§10.3).

Both are read into the same thing: shapes by frame, the frame being a position in the first form and the `key` in the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import Issue
from steelyard.geometry import GEOMETRIES
from steelyard.task_types._shared.drawing import AnyShape
from steelyard.task_types._shared.parsing import first_violation, shorten
from steelyard.task_types._shared.video_params import MAX_FRAMES, Sample
from steelyard.taxonomy.attributes import AttributeValue

ShapesByFrame = dict[int, list[AnyShape]]


class Placed(Struct):
    """A shape of a file, with its place there; `shape` is replaced by what the check completes."""

    path: str
    frame: int
    shape: AnyShape
    source: dict[str, Any]
    """The JSON object that it came from."""


class FormOptions(Struct, frozen=True):
    """What the form of a file depends on."""

    labelled: bool = True
    filler: Mapping[str, str] = {}
    """The label inside of unlabelled shapes, by geometry."""
    images: int = 0
    """How many frames there are; 0 unknown."""
    frames: int = 0
    """How many frames of a video are annotated in the form by frame; 0 unknown."""
    keys: frozenset[int] | None = None
    """Frames that may carry shapes in the form by object, where they are known."""
    last: int | None = None
    """The last frame on which an event may lie, where it is known; with `images`, their number."""
    xy_alias: bool = True
    """Boxes of the form by object also carry `x` and `y`."""
    rate: float | None = None
    """Frames per second by which frames are counted, where it is known."""
    origin: int = 0
    """The number of the frame at time 0."""

    def time(self, frame: int) -> float | None:
        """When a frame is seen, in seconds; None where that is not known."""
        return None if self.rate is None else round(max(0, frame - self.origin) / self.rate, 4)


class AnnotationFile(Protocol):
    """A form of annotation file."""

    def parse(self, content: Any, options: FormOptions) -> tuple[list[Issue], list[Placed]]:
        """Typed shapes of a submitted file, or all issues."""
        ...

    def rebuild(self, content: Any, placed: Sequence[Placed], options: FormOptions) -> Any:
        """The submitted file with the shapes as they are now."""
        ...

    def write(self, shapes: ShapesByFrame, samples: Sequence[Sample], options: FormOptions) -> Any:
        """A new file; the frames of `shapes` are positions in `samples`."""
        ...

    def read(self, content: Any) -> ShapesByFrame:
        """Shapes of a stored file, leniently; raises ValueError where it is none."""
        ...

    def length(self, content: Any) -> int | None:
        """How many frames the file has, None where it does not tell."""
        ...


FrameAnswers = dict[str, AttributeValue] | None


class VideoFrame(Struct, kw_only=True):
    """One frame in the form by frame."""

    annotations: list[AnyShape]
    global_attributes: FrameAnswers = None


def typed_shape(item: Any, path: str, known: Mapping[str, Any], *, strict: bool) -> Issue | AnyShape:
    """A JSON object as a shape, `known` overriding its own keys; or the first thing wrong with it."""
    if not isinstance(item, dict):
        return Issue(path, "must be an object")
    given = {**cast("dict[str, Any]", item), **known}
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in GEOMETRIES:
        return Issue(f"{path}.type", "must be one of " + ", ".join(GEOMETRIES))
    try:
        return cast("AnyShape", msgspec.convert(given, GEOMETRIES[kind].shape, strict=strict))
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        found = first_violation(GEOMETRIES[kind].shape, given, strict=strict)
        return Issue(f"{path}.{found.where}", found.problem) if found else Issue(path, str(error))


class FramesFile:
    """A JSON array with one object for each frame, in temporal order."""

    def parse(self, content: Any, options: FormOptions) -> tuple[list[Issue], list[Placed]]:
        if not isinstance(content, list):
            return [Issue("annotations", "must be an array of frames")], []
        frames = cast("list[Any]", content)
        expected = options.images or options.frames
        if expected and len(frames) != expected:
            return [Issue("annotations", f"must have {expected} frames")], []
        if len(frames) > MAX_FRAMES:
            return [Issue("annotations", f"must have at most {MAX_FRAMES} frames")], []
        issues: list[Issue] = []
        placed: list[Placed] = []
        for n, frame in enumerate(frames):
            where = f"annotations[{n}]"
            given = cast("dict[str, Any]", frame) if isinstance(frame, dict) else {}
            items: Any = given.get("annotations")
            if not isinstance(items, list):
                issues.append(Issue(f"{where}.annotations", "must be an array"))
                continue
            answers = first_violation(
                FrameAnswers,
                given.get("global_attributes"),
                ("annotations", n, "global_attributes"),
                strict=True,
            )
            if answers is not None:
                issues.append(answers.issue())
            for i, item in enumerate(cast("list[Any]", items)):
                path = f"{where}.annotations[{i}]"
                shape = typed_shape(item, path, self._known(item, options), strict=True)
                if isinstance(shape, Issue):
                    issues.append(shape)
                else:
                    placed.append(Placed(path, n, shape, item))
        return issues, placed

    def _known(self, item: Any, options: FormOptions) -> dict[str, Any]:
        if options.labelled or not isinstance(item, dict):
            return {}
        return {"label": options.filler.get(str(cast("dict[str, Any]", item).get("type")))}

    def rebuild(self, content: Any, placed: Sequence[Placed], options: FormOptions) -> Any:
        frames: list[dict[str, Any]] = [{**frame, "annotations": []} for frame in content]
        for one in placed:
            frames[one.frame]["annotations"].append({**one.source, **self._wire(one.shape, options)})
        return frames

    def _wire(self, shape: AnyShape, options: FormOptions) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(shape)
        return plain if options.labelled else {k: v for k, v in plain.items() if k != "label"}

    def write(self, shapes: ShapesByFrame, samples: Sequence[Sample], options: FormOptions) -> Any:
        return [
            {
                "annotations": [self._wire(shape, options) for shape in shapes.get(n, ())],
                "global_attributes": {},
            }
            for n in range(len(samples))
        ]

    def read(self, content: Any) -> ShapesByFrame:
        frames = msgspec.convert(content, list[VideoFrame], strict=False)
        return {n: frame.annotations for n, frame in enumerate(frames) if frame.annotations}

    def length(self, content: Any) -> int | None:
        return len(content)


FrameKey = Annotated[int, Meta(ge=1, le=2**53)]


class TrackFrame(Struct, kw_only=True):
    """What every frame of an object has beside its geometry."""

    key: FrameKey
    timestamp: Annotated[float, Meta(ge=0, le=1e9)] | None = None


class PlaybackFile:
    """A JSON object of tracks by uuid, under the key `annotations`; roots without it, or in an array, are read, too."""

    def parse(self, content: Any, options: FormOptions) -> tuple[list[Issue], list[Placed]]:
        tracks = self._tracks(content)
        if tracks is None:
            return [Issue("annotations", "must be an object of tracks by uuid")], []
        issues: list[Issue] = []
        placed: list[Placed] = []
        for uuid, track in tracks.items():
            path = f"annotations.{shorten(uuid)}"
            given = cast("dict[str, Any]", track) if isinstance(track, dict) else {}
            kind: Any = given.get("geometry")
            frames: Any = given.get("frames")
            if not isinstance(kind, str) or kind not in GEOMETRIES:
                issues.append(Issue(f"{path}.geometry", "must be one of " + ", ".join(GEOMETRIES)))
            elif not isinstance(frames, list) or not frames:
                issues.append(Issue(f"{path}.frames", "must be a non-empty array"))
            else:
                label = given.get("label") if options.labelled else options.filler.get(kind)
                known = {"uuid": uuid, "type": kind, "label": label}
                self._frames(path, known, cast("list[Any]", frames), options, issues, placed)
        return issues, placed

    def _frames(
        self,
        path: str,
        known: dict[str, Any],
        frames: list[Any],
        options: FormOptions,
        issues: list[Issue],
        placed: list[Placed],
    ) -> None:
        seen: set[int] = set()
        for i, item in enumerate(frames):
            where = f"{path}.frames[{i}]"
            violation = first_violation(TrackFrame, item, strict=True)
            if violation is not None:
                issues.append(Issue(f"{where}.{violation.where}".rstrip("."), violation.problem))
                continue
            entry = cast("dict[str, Any]", item)
            key = int(entry["key"])
            if key in seen:
                issues.append(Issue(f"{where}.key", "is used more than once"))
            if (options.images and key > options.images) or (options.keys and key not in options.keys):
                issues.append(Issue(f"{where}.key", "is not a frame to annotate"))
            seen.add(key)
            shape = typed_shape(_from_xy(entry), where, known, strict=True)
            if isinstance(shape, Issue):
                issues.append(shape)
            else:
                placed.append(Placed(where, key, shape, entry))

    def rebuild(self, content: Any, placed: Sequence[Placed], options: FormOptions) -> Any:
        given = self._tracks(content) or {}
        tracks: dict[str, Any] = {uuid: {**track, "frames": []} for uuid, track in given.items()}
        for one in placed:
            time = options.time(one.frame)
            times = {} if time is None else {"timestamp": time}
            entry = {**times, **one.source, **self._wire(one.shape, options)}
            tracks[str(one.shape.uuid)]["frames"].append(entry)
        for track in tracks.values():
            track["frames"].sort(key=_key)
            if not options.labelled:
                track.pop("label", None)
        return {"annotations": tracks}

    def _wire(self, shape: AnyShape, options: FormOptions) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(shape)
        for key in ("type", "uuid", "label"):
            plain.pop(key, None)
        if options.xy_alias and "left" in plain:
            plain |= {"x": plain["left"], "y": plain["top"]}
        return {**plain, "attributes": dict(shape.attributes or {})}

    def write(self, shapes: ShapesByFrame, samples: Sequence[Sample], options: FormOptions) -> Any:
        tracks: dict[str, dict[str, Any]] = {}
        for n in sorted(shapes):
            for shape in shapes[n]:
                track = tracks.setdefault(str(shape.uuid), self._head(shape, options))
                place = {"key": samples[n].key, "timestamp": round(samples[n].timestamp, 4)}
                track["frames"].append({**place, **self._wire(shape, options)})
        return {"annotations": tracks}

    def _head(self, shape: AnyShape, options: FormOptions) -> dict[str, Any]:
        head: dict[str, Any] = {"geometry": type(shape).__struct_config__.tag, "frames": []}
        return {"label": shape.label, **head} if options.labelled else head

    def read(self, content: Any) -> ShapesByFrame:
        tracks = self._tracks(content)
        if tracks is None:
            raise ValueError("is not an object of tracks")
        found: ShapesByFrame = {}
        for uuid, track in tracks.items():
            known = {"uuid": uuid, "type": track["geometry"], "label": track.get("label")}
            for entry in track["frames"]:
                shape = typed_shape(_from_xy(entry), "", known, strict=False)
                if isinstance(shape, Issue):
                    raise ValueError(f"{shape.path} {shape.message}".strip())
                found.setdefault(int(entry["key"]), []).append(shape)
        return found

    def _tracks(self, content: Any) -> dict[str, Any] | None:
        found = cast("list[Any]", content)[0] if isinstance(content, list) and len(content) == 1 else content
        if not isinstance(found, dict):
            return None
        root = cast("dict[str, Any]", found)
        inner = root.get("annotations")
        if len(root) == 1 and isinstance(inner, dict) and "frames" not in inner:
            return cast("dict[str, Any]", inner)
        return root

    def length(self, content: Any) -> int | None:
        return None


def _key(frame: dict[str, Any]) -> int:
    return frame["key"]


def _from_xy(entry: dict[str, Any]) -> dict[str, Any]:
    """A frame's geometry; `x` and `y` stand for a box's `left` and `top` where these are missing."""
    if "width" in entry and "left" not in entry and "x" in entry:
        return {**entry, "left": entry["x"], "top": entry.get("y")}
    return entry
