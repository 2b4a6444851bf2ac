"""Scanned and digital documents: features, annotations on pages, their checks and completion (task-types-text §8, §9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal, cast

from msgspec import Meta, Struct
from msgspec.structs import replace

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import AttachmentRef, MediaInfo
from steelyard.task_types._shared.common import NO_ATTACHMENT, CommonParams, is_url
from steelyard.task_types._shared.document_values import DocumentDate, DocumentMoney, read_date, read_money
from steelyard.task_types._shared.parsing import Rule, Section, shorten
from steelyard.task_types._shared.single import RESPONSES_REQUIRED
from steelyard.task_types._shared.values import bad, decimal, missing

FLAGS = ("line", "key", "value", "money", "date", "checkbox", "thead", "tbody", "region", "query", "span")
DEFAULT_LANG = "en-US"
MAX_DEPTH = 10
# Boxes drawn along the very edge of a page may leave it by this much.
SLACK_PX = 1.0

_LANG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")

PageNumber = Annotated[float, Meta(ge=-1e7, le=1e7)]


class DocumentFeature(Struct, kw_only=True):
    """Something to find: `text` with a transcription, `block` without, `group` as a heading for other features."""

    type: Annotated[
        str, Meta(description="text, block or group.", extra_json_schema={"enum": ["text", "block", "group"]})
    ]
    label: Annotated[
        Annotated[str, Meta(max_length=256)] | None,
        Meta(description="`text`, `block`: returned in answers; unique in the tree."),
    ] = None
    title: Annotated[str | None, Meta(description="`group`: the heading.")] = None
    flags: Annotated[list[str] | None, Meta(description=f"Any of {', '.join(FLAGS)}.")] = None
    description: str | None = None
    features: Annotated[list[DocumentFeature] | None, Meta(description="Children.")] = None
    required: Annotated[bool | None, Meta(description="Demands at least one annotation.")] = None

    def has(self, flag: str) -> bool:
        """Whether the feature carries a content flag."""
        return flag in (self.flags or ())


class DocumentPoint(Struct, kw_only=True):
    """A corner, in pixels of the page."""

    x: PageNumber
    y: PageNumber


class DocumentLocation(Struct, kw_only=True, omit_defaults=True):
    """Where on the page, in pixels: a box, or the corners of a rotated rectangle, clockwise from the text's top left."""

    type: Literal["box", "polygon"]
    left: PageNumber | None = None
    top: PageNumber | None = None
    width: PageNumber | None = None
    height: PageNumber | None = None
    vertices: Annotated[list[DocumentPoint], Meta(max_length=1000)] | None = None

    def corners(self) -> list[tuple[float, float]]:
        """The corners, clockwise; empty when keys are missing."""
        if self.type == "polygon":
            return [(v.x, v.y) for v in self.vertices or ()]
        x, y, w, h = self.left, self.top, self.width, self.height
        if x is None or y is None or w is None or h is None:
            return []
        return [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]

    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom; needs corners."""
        corners = self.corners()
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return min(xs), min(ys), max(xs), max(ys)


class DocumentRef(Struct, kw_only=True):
    """A link in its long form; plain ids are what is stored."""

    uuid: str
    type: str | None = None


class DocumentAnnotation(Struct, kw_only=True, omit_defaults=True):
    """A found feature. Missing `uuid`, `text`, `refs` and derived objects are completed."""

    uuid: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    page: Annotated[int, Meta(ge=0, le=100_000, description="Zero-based index into `document_pages`.")]
    label: str
    text: Annotated[str | None, Meta(description="The transcription; empty for blocks.")] = None
    location: DocumentLocation
    refs: Annotated[
        list[str | DocumentRef] | None,
        Meta(description="Linked annotations: key and value, block and children."),
    ] = None
    money: DocumentMoney | None = None
    date: DocumentDate | None = None
    checked: Annotated[bool | None, Meta(description="Features with the flag `checkbox`.")] = None
    confidence: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None, Meta(description="`documentmodel`: how sure the model is.")
    ] = None

    def ref_ids(self) -> list[str]:
        """Ids of the linked annotations."""
        return [ref if isinstance(ref, str) else ref.uuid for ref in self.refs or ()]


class DocumentResponse(Struct, kw_only=True):
    """The found features of all pages."""

    annotations: list[DocumentAnnotation]


class DocumentParams(CommonParams, kw_only=True):
    """The document and what to find in it."""

    attachment: Annotated[str | None, Meta(description="URL of the document.")] = None
    attachments: Annotated[
        list[str] | None, Meta(description="URLs of its pages or files in order, in place of `attachment`.")
    ] = None
    features: Annotated[list[DocumentFeature] | None, Meta(description="At least one.")] = None
    lang: Annotated[str | None, Meta(description="Language tag of the document; default en-US.")] = None
    geometry: Annotated[
        Literal["box", "polygon"] | None,
        Meta(description="`box` (default, upright) or `polygon` (rotated rectangles)."),
    ] = None
    hypothesis: Annotated[DocumentResponse | None, Meta(description="Pre-labels.")] = None


def document_urls(params: Any) -> list[tuple[str, str]]:
    """Path and URL of every file."""
    if params.attachment:
        return [("attachment", params.attachment)]
    return [(f"attachments[{i}]", url) for i, url in enumerate(params.attachments or ())]


def document_attachments(params: DocumentParams) -> list[AttachmentRef]:
    """The files; what kind each is shows when it is fetched."""
    return [AttachmentRef(path, url) for path, url in document_urls(params)]


def check_files(params: Any) -> None:
    """Raise InvalidRequest without a file, with both parameters, or for what is no URL."""
    if params.attachment and params.attachments:
        message = "Please include either attachment or attachments, not both."
        raise InvalidRequest(message, issues=[Issue("attachments", "excludes attachment")])
    files = document_urls(params)
    if not files:
        raise InvalidRequest(NO_ATTACHMENT, issues=[Issue("attachment", "is required")])
    for path, url in files:
        if not is_url(url):
            raise bad(path, "not a valid attachment URL")


def walk_features(
    features: Sequence[DocumentFeature], path: str = "features", depth: int = 1
) -> Iterator[tuple[str, DocumentFeature]]:
    """All features in document order with their paths; raises InvalidRequest when nested too deeply."""
    if depth > MAX_DEPTH:
        raise bad(path, f"may be nested at most {MAX_DEPTH} levels deep")
    for i, feature in enumerate(features):
        yield f"{path}[{i}]", feature
        if feature.features:
            yield from walk_features(feature.features, f"{path}[{i}].features", depth + 1)


def by_label(params: Any) -> dict[str, DocumentFeature]:
    """The features that answers can name."""
    return {
        f.label: f
        for _, f in walk_features(params.features or ())
        if f.type != "group" and f.label is not None
    }


def prefix(label: str) -> str:
    """The part that the labels of a key and its value share."""
    return label.rsplit("_", 1)[0]


def check_features(params: Any) -> None:
    """Raise InvalidRequest on the first broken rule of §8.2."""
    if not params.features:
        raise missing("features")
    seen: set[str] = set()
    found = list(walk_features(params.features))
    for path, feature in found:
        _check_feature(path, feature)
        if feature.type == "group" or feature.label is None:
            continue
        if feature.label in seen:
            message = f'Duplicate feature label "{shorten(feature.label)}".'
            raise InvalidRequest(message, issues=[Issue(f"{path}.label", "is used more than once")])
        seen.add(feature.label)
    labelled = by_label(params)
    if not labelled:
        raise bad("features", "must contain at least one text or block feature")
    values = {prefix(label) for label, f in labelled.items() if f.has("value")}
    for path, f in found:
        if f.has("key") and f.type != "group" and f.label is not None and prefix(f.label) not in values:
            message = (
                f'Feature "{shorten(f.label)}" has the key flag but no feature with the same prefix'
                " has the value flag."
            )
            raise InvalidRequest(message, issues=[Issue(f"{path}.flags", "needs a value feature")])


def _check_feature(path: str, feature: DocumentFeature) -> None:
    if feature.type not in ("text", "block", "group"):
        raise bad(f"{path}.type", "must be text, block or group")
    if feature.type == "group":
        if not (feature.title or "").strip():
            raise missing(f"{path}.title")
        if not feature.features:
            raise missing(f"{path}.features")
    elif not (feature.label or "").strip():
        raise missing(f"{path}.label")
    if feature.type == "text" and feature.features:
        raise bad(f"{path}.features", "not allowed for text features")
    for j, flag in enumerate(feature.flags or ()):
        if flag not in FLAGS:
            raise bad(f"{path}.flags[{j}]", f'unknown flag "{shorten(flag)}"')


def check_lang(params: Any) -> None:
    """Raise InvalidRequest for what is no language tag."""
    if params.lang is not None and not (len(params.lang) <= 64 and _LANG.fullmatch(params.lang)):
        raise bad("lang", "not a valid language tag")


def check_prelabels(params: Any) -> None:
    """Raise InvalidRequest for the first problem of the hypothesis."""
    if params.hypothesis is None:
        return
    for issue in annotation_issues(params, params.hypothesis.annotations, MediaInfo(), complete=False):
        raise bad(f"hypothesis.{issue.path}", issue.message)


DOCUMENT_SECTIONS = (
    Section(("attachment", "attachments"), check_files),
    Section(("features",), check_features),
    Section(("lang", "geometry"), check_lang),
    Section(("hypothesis",), check_prelabels),
)
DOCUMENT_RULES = (
    Rule("geometry", "Invalid parameter geometry: must be box or polygon.", ("value", "type")),
    RESPONSES_REQUIRED,
)


def annotation_issues(
    params: Any, annotations: Sequence[DocumentAnnotation], media: MediaInfo, *, complete: bool
) -> Iterator[Issue]:
    """What is wrong with annotations. `media` has the sizes of the pages where known; `complete`: required ones must be there."""
    features = by_label(params)
    ids = [a.uuid for a in annotations if a.uuid is not None]
    known = set(ids)
    seen: set[str] = set()
    for i, a in enumerate(annotations):
        path = f"annotations[{i}]"
        feature = features.get(a.label)
        if feature is None:
            yield Issue(f"{path}.label", f'unknown label "{shorten(a.label)}"')
        else:
            yield from _value_issues(path, feature, a, complete)
        if media.pages and a.page >= len(media.pages):
            yield Issue(f"{path}.page", f"must be at most {len(media.pages) - 1}, that of the last page")
        problem = _place_problem(a, params.geometry or "box", media)
        if problem:
            yield Issue(f"{path}.location", problem)
        if a.uuid is not None:
            if a.uuid in seen:
                yield Issue(f"{path}.uuid", "is used more than once")
            seen.add(a.uuid)
        for j, ref in enumerate(a.ref_ids()):
            if ref not in known:
                yield Issue(f"{path}.refs[{j}]", f'no annotation with uuid "{shorten(ref)}"')
            elif ref == a.uuid:
                yield Issue(f"{path}.refs[{j}]", "must name another annotation")
    if complete:
        used = {a.label for a in annotations}
        for label, feature in features.items():
            if feature.required and label not in used:
                yield Issue("annotations", f'must have at least one with the label "{shorten(label)}"')


def _value_issues(
    path: str, feature: DocumentFeature, a: DocumentAnnotation, complete: bool
) -> Iterator[Issue]:
    if complete and feature.type == "text" and a.text is None:
        yield Issue(f"{path}.text", "is required")
    if complete and feature.type == "block" and a.text:
        yield Issue(f"{path}.text", "must be empty for a block")
    if a.money is not None:
        if not feature.has("money"):
            yield Issue(f"{path}.money", "is only for features with the flag money")
        elif a.money.parsed != (a.money.amount is not None):
            yield Issue(f"{path}.money", "must have an amount exactly when parsed")
        elif a.money.amount is not None and decimal(a.money.amount) is None:
            yield Issue(f"{path}.money.amount", "must be a decimal number")
    if a.date is not None and not feature.has("date"):
        yield Issue(f"{path}.date", "is only for features with the flag date")
    if a.checked is not None and not feature.has("checkbox"):
        yield Issue(f"{path}.checked", "is only for features with the flag checkbox")
    elif a.checked is None and complete and feature.has("checkbox"):
        yield Issue(f"{path}.checked", "is required")


def _place_problem(a: DocumentAnnotation, geometry: str, media: MediaInfo) -> str | None:
    place = a.location
    if place.type != geometry:
        return f"must be of type {geometry}"
    corners = place.corners()
    if place.type == "box":
        if not corners:
            return "must have left, top, width and height"
        if (place.width or 0) <= 0 or (place.height or 0) <= 0:
            return "must have a width and height greater than 0"
    else:
        if len(corners) < 3:
            return "must have at least 3 vertices"
        if abs(_area(corners)) <= 1e-9:
            return "must enclose an area"
    left, top, right, bottom = place.bounds()
    if left < -SLACK_PX or top < -SLACK_PX:
        return "lies outside the page"
    # Before the document was processed, only the size of a first page that is a picture is known.
    size = (media.width, media.height) if a.page == 0 and media.width and media.height else None
    if media.pages:
        size = media.pages[a.page] if a.page < len(media.pages) else None
    if size is not None and (right > size[0] + SLACK_PX or bottom > size[1] + SLACK_PX):
        return "lies outside the page"
    return None


def _area(corners: Sequence[tuple[float, float]]) -> float:
    return (
        sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True))
        / 2
    )


def completed(
    params: Any, annotations: Sequence[DocumentAnnotation], new_id: Callable[[int], str]
) -> list[DocumentAnnotation]:
    """With uuids, texts, plain refs and derived objects filled in; `new_id` makes the uuid of an annotation by its index."""
    features = by_label(params)
    named = [a if a.uuid is not None else replace(a, uuid=new_id(i)) for i, a in enumerate(annotations)]
    links = _Links(features, named)
    done: list[DocumentAnnotation] = []
    for a in named:
        feature = features.get(a.label)
        refs = cast("list[str | DocumentRef]", a.ref_ids() if a.refs is not None else links.of(a))
        money, date = a.money, a.date
        if feature is not None and feature.has("money") and money is None:
            money = read_money(a.text or "")
        if feature is not None and feature.has("date") and date is None:
            date = read_date(a.text or "", params.lang or DEFAULT_LANG)
        done.append(replace(a, text=a.text or "", refs=refs, money=money, date=date))
    return done


class _Links:
    """Links that follow from the features: key ↔ value, block → its children, body → head of a table."""

    def __init__(
        self, features: dict[str, DocumentFeature], annotations: Sequence[DocumentAnnotation]
    ) -> None:
        self.features = features
        self.pages: dict[int, dict[str, list[DocumentAnnotation]]] = {}
        self.children: dict[str, dict[str, None]] = {}
        self.centres: dict[tuple[int, str], list[tuple[float, float, str]]] = {}
        for a in annotations:
            self.pages.setdefault(a.page, {}).setdefault(a.label, []).append(a)

    def of(self, a: DocumentAnnotation) -> list[str]:
        """Ids that an annotation without links of its own refers to."""
        feature = self.features.get(a.label)
        if feature is None:
            return []
        found: dict[str, None] = {}
        for one, other in (("key", "value"), ("value", "key")):
            if feature.has(one):
                found.update(dict.fromkeys(self._partner(a, other, prefix(a.label))))
        if feature.has("tbody"):
            found.update(dict.fromkeys(self._partner(a, "thead", None)))
        if feature.features and a.location.corners():
            found.update(dict.fromkeys(self._inside(a, feature)))
        return [uuid for uuid in found if uuid != a.uuid]

    def _partner(self, a: DocumentAnnotation, flag: str, wanted: str | None) -> list[str]:
        """The one annotation of the page with that flag (and prefix); several would be a guess."""
        page = self.pages[a.page]
        # Nor can one partner belong to several of this label.
        if len(page[a.label]) > 1 and wanted is not None:
            return []
        fitting = [
            str(other.uuid)
            for label, others in page.items()
            if label in self.features
            and self.features[label].has(flag)
            and (wanted is None or prefix(label) == wanted)
            for other in others
        ]
        return fitting if len(fitting) == 1 else []

    def _inside(self, a: DocumentAnnotation, feature: DocumentFeature) -> list[str]:
        """Annotations of the feature's children whose centres are in this block."""
        if a.label not in self.children:
            below = walk_features(feature.features or ())
            self.children[a.label] = dict.fromkeys(f.label for _, f in below if f.label is not None)
        left, top, right, bottom = a.location.bounds()
        found: list[str] = []
        for label in self.children[a.label]:
            key = (a.page, label)
            if key not in self.centres:
                others = self.pages[a.page].get(label, ())
                self.centres[key] = [
                    (*_centre(other.location), str(other.uuid))
                    for other in others
                    if other.location.corners()
                ]
            found += [uuid for x, y, uuid in self.centres[key] if left <= x <= right and top <= y <= bottom]
        return found


def _centre(place: DocumentLocation) -> tuple[float, float]:
    left, top, right, bottom = place.bounds()
    return (left + right) / 2, (top + bottom) / 2


OCR_TYPES = ("microsoft_computer_vision", "amazon_textract")


def check_ocr(metadata: dict[str, Any]) -> None:
    """The customer's own OCR output (§8.1): a link and its format, both or neither."""
    url, kind = metadata.get("customer_ocr_url"), metadata.get("customer_ocr_type")
    if url is not None and not (isinstance(url, str) and is_url(url)):
        raise bad("metadata.customer_ocr_url", "must be a URL")
    if kind is not None and kind not in OCR_TYPES:
        raise bad("metadata.customer_ocr_type", f"must be {' or '.join(OCR_TYPES)}")
    if url is not None and kind is None:
        raise missing("metadata.customer_ocr_type")
