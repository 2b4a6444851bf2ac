"""Look at two or more items and give a verdict (task-types-text §4). Legacy, still accepted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import Agreement, Answer, AttachmentRef, MediaInfo, TaskType
from steelyard.task_types._shared.common import NO_ATTACHMENT, CommonParams
from steelyard.task_types._shared.parsing import ParamsParser, Section, plain, read_response, shorten
from steelyard.task_types._shared.single import (
    AttachmentWord,
    Inline,
    WantedTexts,
    attachment_rules,
    check_content,
    check_wanted,
    made_texts,
    mean,
    need,
    refuse,
    text_issues,
    text_scores,
)
from steelyard.task_types._shared.textscore import normalized
from steelyard.task_types._shared.values import bad


class ComparisonResponse(Struct, kw_only=True, omit_defaults=True):
    """The verdict, and texts where the task asks for them."""

    choice: str | None = None
    fields: dict[str, str] | None = None


class ComparisonParams(CommonParams, kw_only=True):
    """The items and what may be said about them."""

    attachments: Annotated[
        list[Inline], Meta(description="At least two URLs or texts; the order is kept as sent.")
    ]
    attachment_type: Annotated[AttachmentWord, Meta(description="Of all of them.")]
    choices: Annotated[list[str] | None, Meta(description="Verdicts, at least two distinct ones.")] = None
    fields: WantedTexts | None = None
    hypothesis: Annotated[ComparisonResponse | None, Meta(description="Pre-labels.")] = None


def _check_attachments(params: Any) -> None:
    if len(params.attachments) == 1:
        raise bad("attachments", "at least 2 attachments are needed")
    for i, content in enumerate(params.attachments):
        check_content(f"attachments[{i}]", content, params.attachment_type)


def _check_any(params: Any) -> None:
    # Before the type: a request without any attachment is told so first.
    if not params.attachments:
        raise InvalidRequest(NO_ATTACHMENT, issues=[Issue("attachments", "is required")])


def _check_verdicts(params: Any) -> None:
    if params.choices is None:
        need(params, "choices", "fields")
    else:
        for i, choice in enumerate(params.choices):
            if not choice.strip():
                raise bad(f"choices[{i}]", "must not be empty")
        if len(set(params.choices)) < len(params.choices) or len(params.choices) < 2:
            raise bad("choices", "must contain at least 2 distinct choices")
    check_wanted("fields", params.fields)


def _check_hypothesis(params: Any) -> None:
    if params.hypothesis is not None:
        refuse("hypothesis", _issues(params, params.hypothesis, complete=False))


_parse = ParamsParser(
    ComparisonParams,
    (
        Section(("attachments",), _check_any),
        Section(("attachment_type",), _check_attachments),
        Section(("choices", "fields"), _check_verdicts),
        Section(("hypothesis",), _check_hypothesis),
    ),
    attachment_rules(),
    general=plain,
)

_RESPONSE = msgspec.json.Decoder(ComparisonResponse)


def _check(params: ComparisonParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    return list(_issues(params, response, complete=True)), data


def _issues(params: Any, response: ComparisonResponse, *, complete: bool) -> Iterator[Issue]:
    if response.choice is None:
        if complete and params.choices is not None:
            yield Issue("choice", "is required")
    elif response.choice not in (params.choices or ()):
        yield Issue("choice", f'"{shorten(response.choice)}" is not one of the choices')
    yield from text_issues("fields", params.fields, response.fields or {}, complete=complete)


def _test_answer(params: ComparisonParams, seed: str, media: MediaInfo) -> Answer:
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    made: dict[str, Any] = {}
    if params.choices is not None:
        made["choice"] = rng.choice(params.choices)
    if params.fields:
        made["fields"] = made_texts(rng, params.fields)
    return Answer(made)


def _agreement(
    params: ComparisonParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """Equal verdicts, and the similarity of each text."""
    scores: dict[str, float] = {}
    if a.get("choice") is not None or b.get("choice") is not None:
        scores["choice"] = float(a.get("choice") == b.get("choice"))
    texts = text_scores(a.get("fields"), b.get("fields"))
    return Agreement(mean([*scores.values(), *texts.values()]), {**scores, "fields": texts})


def _canonical(response: dict[str, Any]) -> dict[str, Any]:
    texts = cast("dict[str, str]", response.get("fields") or {})
    return {
        "choice": response.get("choice"),
        "fields": {k: normalized(str(v)) for k, v in sorted(texts.items())},
    }


def _summarize(params: ComparisonParams, response: dict[str, Any]) -> dict[str, Any]:
    texts = cast("dict[str, str]", response.get("fields") or {})
    return {"choice": response.get("choice"), "fields": {k: shorten(v, 80) for k, v in texts.items()}}


def _attachments(params: ComparisonParams) -> list[AttachmentRef]:
    if params.attachment_type == "text":
        return []
    return [
        AttachmentRef(f"attachments[{i}]", url, media=params.attachment_type)
        for i, url in enumerate(params.attachments)
    ]


TASK_TYPE = TaskType(
    title="Comparison",
    description="A verdict, or texts, about two or more items side by side.",
    params=ComparisonParams,
    response=ComparisonResponse,
    parse_params=_parse,
    attachments=_attachments,
    check_response=_check,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    hypothesis=lambda params: (
        None if params.hypothesis is None else cast("dict[str, Any]", msgspec.to_builtins(params.hypothesis))
    ),
    needs_instruction=lambda _: True,
)
