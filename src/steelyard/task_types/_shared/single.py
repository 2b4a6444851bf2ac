"""What the legacy types about one or several plain attachments share: `attachment_type`, maps of wanted texts, their messages
(task-types-text §0.8, §4 to §7)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, cast, get_args

from msgspec import Meta

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import AttachmentRef
from steelyard.task_types._shared.common import NO_ATTACHMENT, CommonParams, is_url
from steelyard.task_types._shared.parsing import Rule, Section
from steelyard.task_types._shared.textscore import text_similarity
from steelyard.task_types._shared.values import bad, make_text, missing

AttachmentWord = Literal["text", "image", "video", "audio", "website", "pdf"]

Inline = Annotated[str, Meta(min_length=1, max_length=1_000_000)]
WantedTexts = Annotated[
    dict[str, Annotated[str, Meta(min_length=1, max_length=10_000)]],
    Meta(description="Key: the id under which the text comes back; value: what is wanted, for people."),
]

RESPONSES_REQUIRED = Rule(
    "responses_required",
    "Invalid parameter responses_required: must be between 1 and 100.",
    ("value", "limit"),
)


class OneAttachmentParams(CommonParams, kw_only=True):
    """One attachment of a declared kind."""

    attachment: Annotated[Inline, Meta(description="A URL, or for `text` the text itself.")]
    attachment_type: AttachmentWord


def one_attachment_section() -> Section:
    """`attachment` and `attachment_type`, checked against each other."""
    return Section(("attachment", "attachment_type"), _check_one)


def attachment_rules() -> tuple[Rule, ...]:
    """Catalogue messages for attachments, their type, and `responses_required`."""
    return (
        Rule("attachment|attachments", NO_ATTACHMENT, ("missing", "value")),
        Rule(
            "attachment_type",
            f"Invalid parameter attachment_type: must be one of {', '.join(get_args(AttachmentWord))}.",
            ("value", "type"),
        ),
        RESPONSES_REQUIRED,
    )


def _check_one(params: Any) -> None:
    check_content("attachment", params.attachment, params.attachment_type)


def check_content(path: str, content: str, kind: str) -> None:
    """Raise InvalidRequest unless the content says something and, but for a text, is a link."""
    if content.isspace():
        raise InvalidRequest(NO_ATTACHMENT, issues=[Issue(path, "is required")])
    if kind != "text" and not is_url(content):
        raise bad(path, "not a valid attachment URL")


def one_attachment(params: OneAttachmentParams) -> list[AttachmentRef]:
    """The attachment, unless it is inline text."""
    if params.attachment_type == "text":
        return []
    return [AttachmentRef("attachment", params.attachment, media=params.attachment_type)]


def check_wanted(path: str, wanted: Mapping[str, str] | None) -> None:
    """Raise InvalidRequest for a blank id or a blank description."""
    for key, description in (wanted or {}).items():
        if not key.strip():
            raise bad(path, "ids must not be empty")
        if description.isspace():
            raise bad(f"{path}.{key}", "must not be empty")


def need(params: Any, *names: str) -> None:
    """Raise InvalidRequest unless one of the params is there and not empty."""
    if not any(getattr(params, name, None) for name in names):
        message = f"Please include {' or '.join(names)}."
        raise InvalidRequest(message, issues=[Issue(names[0], "is required")])


def need_fields(params: Any) -> None:
    """Raise InvalidRequest if `fields` asks for nothing."""
    if not params.fields:
        raise missing("fields")


def text_issues(
    path: str, wanted: Mapping[str, str] | None, given: Mapping[str, str], *, complete: bool
) -> Iterator[Issue]:
    """Texts that were not asked for and, when `complete`, wanted ones without a text ("" says that there is none)."""
    known = wanted or {}
    if complete:
        yield from (Issue(f"{path}.{key}", "is required") for key in known if key not in given)
    yield from (Issue(f"{path}.{key}", "is no field of this task") for key in given if key not in known)


def made_texts(rng: random.Random, wanted: Mapping[str, str] | None) -> dict[str, str]:
    """A made-up text for each wanted one."""
    return {key: make_text(rng, None, None, None) or "" for key in wanted or ()}


def text_scores(a: Any, b: Any) -> dict[str, float]:
    """Similarity per id of two maps of texts; an id on one side only scores 0."""
    first, second = _map(a), _map(b)
    return {
        key: text_similarity(str(first[key]), str(second[key])) if key in first and key in second else 0.0
        for key in dict.fromkeys([*first, *second])
    }


def _map(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def mean(scores: Sequence[float]) -> float:
    """Their mean; 1 without any, for two empty answers are equal."""
    return sum(scores) / len(scores) if scores else 1.0


def refuse(prefix: str, issues: Iterator[Issue]) -> None:
    """Raise InvalidRequest for the first issue, below a parameter."""
    for issue in issues:
        raise bad(f"{prefix}.{issue.path}" if issue.path else prefix, issue.message)


def aligned(rows: Sequence[Any], others: Sequence[Any], score: Callable[[Any, Any], float]) -> float:
    """Best total score of an alignment that keeps both orders, ÷ the larger count; rows may stay alone at score 0."""
    if not rows or not others:
        return float(not rows and not others)
    best = [0.0] * (len(others) + 1)
    for row in rows:
        before = 0.0
        for j, other in enumerate(others, 1):
            above = best[j]
            best[j] = max(above, best[j - 1], before + score(row, other))
            before = above
    return best[-1] / max(len(rows), len(others))
