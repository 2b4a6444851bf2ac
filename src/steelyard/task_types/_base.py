"""The whole contract between a task type and the platform.

A task type is one module in this package that defines `TASK_TYPE = TaskType(...)`; the file's name is the wire name. Everything
here is pure: no I/O, no `Ctx`. numpy, shapely, scipy and Pillow may be imported *inside functions* only: functions marked heavy
run in the process pool, and the server's own processes stay small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from steelyard.errors import InvalidRequest, Issue

P = TypeVar("P", bound=Struct)
R = TypeVar("R")

MediaKind = Literal["image", "video", "audio", "pdf", "text", "html", "website", "lidar", "scene", "any"]


class InvalidParams(InvalidRequest):
    """A request's parameters break a rule of their task type; the message is the wire text, the first problem found."""

    code = "invalid-params"


class AttachmentRef(Struct, frozen=True):
    """A file that a task is about, found in its params.

    `path` is where in the params (`attachments[2]`), `role` what for (`attachment`, `context`, `hypothesis`, `layers`), `media` what
    content the type can work with. Inline text is no attachment.
    """

    path: str
    url: str
    role: str = "attachment"
    media: MediaKind = "any"
    frame: int | None = None


PRELABEL_ROLES = ("hypothesis", "layers")
"""Roles of files whose content says something about the task's media; it is read once these are at hand."""


class Unreadable(Exception):
    """A file is not what its task says; the message tells the customer why. `details`: path → problems, where there is more to say."""

    def __init__(self, message: str, details: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.details = {path: list(problems) for path, problems in details.items()}


class FrameFacts(Struct, frozen=True):
    """What is known of a lidar frame: how many points it has, where its device was (input units), its cameras' `camera_index`es in ascending
    order, and the URLs of their images in the frame's own order."""

    points: int
    device: tuple[float, float, float]
    cameras: tuple[int, ...] = ()
    images: tuple[str, ...] = ()


class SourceTask(Struct, frozen=True):
    """A task of the same account and mode that another builds on; `params` and `response` (once completed) are JSON bytes.

    `frames` is what is known of its lidar frames, empty where nothing is; `files` holds the contents of the files of its response by URL,
    where they were asked for.
    """

    type: str
    status: str
    params: bytes
    response: bytes | None = None
    frames: tuple[FrameFacts | None, ...] = ()
    files: Mapping[str, bytes] = {}


def no_frame(n: int) -> bytes | None:
    """No frame can be read."""
    return None


class MediaInfo(Struct, frozen=True):
    """What is known of a task's media when an answer is made or checked; zero, None and empty mean unknown.

    `width` and `height` (pixels, after EXIF orientation), `duration_s` (seconds), `frame_rate` (frames per second) and `frame_count`
    are those of the task's first attachment; `sizes` the width and height of every image of a sequence. `frames` tells of every lidar
    frame, None where one could not be read, and `frame` reads the content of one (counted from 0), where it can be had; `images` has the width
    and height of the images that frames name, by URL; `pages` those of every page of the documents (pixels). `files` holds the contents of the files that an answer, or a task's own pre-labels,
    refer to, by the URL as it stands there; `source` the task that this one builds on.
    """

    width: int = 0
    height: int = 0
    duration_s: float | None = None
    frame_rate: float | None = None
    frame_count: int | None = None
    sizes: tuple[tuple[int, int], ...] = ()
    frames: tuple[FrameFacts | None, ...] = ()
    frame: Callable[[int], bytes | None] = no_frame
    images: Mapping[str, tuple[int, int]] = {}
    pages: tuple[tuple[float, float], ...] = ()
    files: Mapping[str, bytes] = {}
    source: SourceTask | None = None


class FileLink(Struct, frozen=True):
    """A file that an answer refers to: the keys and indexes that lead to its URL, and the URL."""

    path: tuple[str | int, ...]
    url: str

    @property
    def where(self) -> str:
        """The path as in an `Issue`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".")


class ResultFile(Struct, frozen=True):
    """A file that is part of an answer. The answer refers to it by the string `RESULT_URL + name`, which the platform
    replaces by the real URL when it stores the answer."""

    name: str
    content: bytes
    content_type: str


RESULT_URL = "steelyard-result:"


class Answer(Struct, frozen=True):
    """A made answer: JSON-able `response` plus the files it refers to."""

    response: dict[str, Any]
    files: tuple[ResultFile, ...] = ()


class DependentDef(Struct, frozen=True):
    """A task to be created from another's answer: its `type` and the request's `body` (a JSON object) without the parameter `link`, which
    gets the id of the task that it builds on. `path` is where in that task's params (`dependents.defs[0]`)."""

    type: str
    body: bytes
    link: str
    path: str


class Dependents(Struct, frozen=True):
    """What a task's params ask to be created once it is completed or, with `require_audit`, once a customer audit has accepted it."""

    defs: tuple[DependentDef, ...]
    require_audit: bool = False


class Turn(Struct, frozen=True):
    """What comes next of a task that people answer one after the other. `assignee`: `same` is whoever did the turn before, `different`
    somebody who did none, `any` whoever comes. `refused`: why it cannot be done; the task then ends in `error`."""

    name: str
    assignee: Literal["same", "different", "any"] = "any"
    refused: str | None = None


class Agreement(Struct, frozen=True):
    """How alike two answers are: `score` in 0..1 (1 = equal by the type's metric), `detail` for people (per label, matched pairs)."""

    score: float
    detail: dict[str, Any] = {}


class Compare(Protocol):
    """`agreement` of a task type; media, when known, sets tolerances that depend on the size of the image."""

    def __call__(
        self, params: Any, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = ..., /
    ) -> Agreement: ...


class TaskType(Struct, Generic[P, R], frozen=True, kw_only=True):
    """One task type. Function signatures say what the platform passes; all are pure and deterministic.

    parse_params     JSON bytes of the merged params object (project params under the request's) → the typed params; numeric strings
                     coerced, `null` and (for URLs) `""` mean absent, unknown keys accepted. Raises InvalidParams with the
                     catalogue's wording on the first violation, in the order the spec gives.
    default_params   params → top-level defaults the spec demands to be echoed, as {key: JSON-able}; appended when the key is absent.
    attachments      params → every file the task refers to, in document order.
    source_files     (params, the task that it builds on) → files of that task that this one works on, too, after its own.
    examine          (params, file, its content) → what is known of a lidar frame, None for other files. Raises Unreadable. Heavy; None: a
                     file's kind says enough. Called only for files that could not be read already while things for showing were made.
    frame_encoding   params → the encoding that lidar frames must have, `json` or `protobuf`, None: either.
    check_media      (params, media) → what is wrong with the fetched media and with pre-labels and layers that came by URL, whose
                     contents are in `media.files`; an issue's path is that of a file or begins with it, its message all that the customer
                     is told. A task with any ends in `error`. Heavy.
    needs_frames     params → whether checking or storing an answer reads lidar frames.
    held_to_prelabels  params → whether an answer is held against pre-labels that came by URL; their contents are then in `media.files`, too. None: never.
    check_response   (params, response JSON bytes, media) → (issues, response as JSON bytes to store). All issues, not only the first;
                     bytes are those given unless the type completes something (missing uuids). Where the answer refers to files, their
                     contents are in `media.files`; without them only what stands in the answer is checked.
    next_turn        (params, JSON bytes of an answer so far) → the turn that comes next, None once the answer is whole. None: an answer is
                     given in one go.
    check_turn       as check_response, after the params with the answer so far (JSON bytes) or None, for an answer that may lack later
                     turns but has one more than before.
    file_links       response → the files that it refers to by URL and whose contents are needed to check or compare it.
    result_files     (params, checked response, media) → the answer as it is stored: parts that are files on the wire, inline or in
                     `media.files`, became files. None: an answer has no files. Heavy.
    test_answer      (params, seed, media) → made-up answer that passes check_response; varied by seed, repeatable, never empty when the
                     params ask for something.
    agreement        (params, response a, response b, media) → Agreement. Heavy. Where an answer refers to files, the caller puts
                     their content (bytes) in place of the URLs.
    canonical        response → the response in a form where equal answers are equal (order, rounding, ids removed).
    summarize        (params, response) → small dict for lists, cards and charts.
    starting         (params, media) → the answer that people start from where the type makes that itself and the request has no pre-labels,
                     else None. Its files as in `result_files`. Heavy; None: people start from nothing.
    hypothesis       params → the pre-labels in the form of a response, or None.
    check_expected   (params, JSON bytes of an expected response, media) → issues; None: as check_response. Quality tasks may be given in
                     the looser form of pre-labels. Heavy once its files are in `media.files`.
    dependents       params → the tasks to create from this one's answer, or None; the platform checks them as requests and keeps their
                     states. They are declared in the param `dependents`: `{defs, require_audit}`.
    source           params → id of the task that this one builds on, or None; None: this type never does.
    build_on         (params, that task or None where there is none) → params taken over from it, as `default_params`. Raises
                     InvalidRequest or NotFound where it cannot be built upon.
    check_metadata   a request's `metadata` → nothing; raises InvalidRequest where a key that means something to the type is wrong.
    needs_project    the message for a request that names neither a project nor a batch; None: it need not.
    needs_instruction  params → whether a request must have an instruction (its own or the project's); missing, the message is
                     `Missing required parameter: instruction.`
    response_schema  params → JSON Schema of the answer for `taskTemplates`, or None where the type has none.
    """

    title: str
    description: str
    params: type[P]
    response: Any
    parse_params: Callable[[bytes], P]
    check_response: Callable[[P, bytes, MediaInfo], tuple[list[Issue], bytes]]
    test_answer: Callable[[P, str, MediaInfo], Answer]
    agreement: Compare
    canonical: Callable[[dict[str, Any]], Any]
    summarize: Callable[[P, dict[str, Any]], dict[str, Any]]
    attachments: Callable[[P], Sequence[AttachmentRef]]
    source_files: Callable[[P, SourceTask], Sequence[AttachmentRef]] = lambda _, __: ()
    examine: Callable[[P, AttachmentRef, bytes], FrameFacts | None] | None = None
    frame_encoding: Callable[[P], Literal["json", "protobuf"] | None] = lambda _: None
    check_media: Callable[[P, MediaInfo], list[Issue]] = lambda _, __: []
    needs_frames: Callable[[P], bool] = lambda _: False
    held_to_prelabels: Callable[[P], bool] | None = None
    file_links: Callable[[dict[str, Any]], Sequence[FileLink]] = lambda _: ()
    result_files: Callable[[P, bytes, MediaInfo], Answer] | None = None
    next_turn: Callable[[P, bytes], Turn | None] | None = None
    check_turn: Callable[[P, bytes | None, bytes, MediaInfo], tuple[list[Issue], bytes]] | None = None
    default_params: Callable[[P], dict[str, Any]] = lambda _: {}
    starting: Callable[[P, MediaInfo], Answer | None] | None = None
    hypothesis: Callable[[P], dict[str, Any] | None] = lambda _: None
    check_expected: Callable[[P, bytes, MediaInfo], list[Issue]] | None = None
    dependents: Callable[[P], Dependents | None] = lambda _: None
    source: Callable[[P], str | None] | None = None
    build_on: Callable[[P, SourceTask | None], dict[str, Any]] = lambda _, __: {}
    check_metadata: Callable[[dict[str, Any]], None] | None = None
    needs_project: str | None = None
    needs_instruction: Callable[[P], bool] = lambda _: False
    response_schema: Callable[[P], dict[str, Any]] | None = None
    quality_tasks: bool = False
    """Whether evaluation and training tasks of this type exist (platform-api §23)."""
    has_pages: bool = False
    """Whether its attachments are documents, whose pages the task shows as `document_pages`."""
    has_templates: bool = False
    """Whether projects of this type may have a task template (platform-api §19.2)."""
    heavy_test_answer: bool = False
    """Whether test_answer needs numeric libraries and therefore the process pool."""


KNOWN_TYPES: frozenset[str] = frozenset(
    [
        "annotation",
        "categorization",
        "comparison",
        "cuboidannotation",
        "datacollection",
        "documentmodel",
        "documenttranscription",
        "imageannotation",
        "laneannotation",
        "lidarannotation",
        "lidarlinking",
        "lidarsegmentation",
        "lidartopdown",
        "lineannotation",
        "namedentityrecognition",
        "pointannotation",
        "polygonannotation",
        "segmentannotation",
        "transcription",
        "textcollection",
        "videoannotation",
        "videoboxannotation",
        "videoplaybackannotation",
        "videocuboidannotation",
        "sensorfusion",
        "chat",
        "chatexperimental",
        "chatlite",
        "multichat",
        "multistage",
        "federal2dvideoannotation",
        "audiotranscription",
        "phonecall",
        "cruisecontrol",
    ]
)
"""Every name that a client may send (platform-api §5). One that has no module here answers 402, any other 404."""
