"""Find information about something, usually on the web (task-types-text §7). Legacy, still accepted."""

from __future__ import annotations

import random
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import Issue
from steelyard.task_types._base import Agreement, Answer, MediaInfo, TaskType
from steelyard.task_types._shared.parsing import ParamsParser, Section, plain, read_response, shorten
from steelyard.task_types._shared.single import (
    OneAttachmentParams,
    WantedTexts,
    attachment_rules,
    check_wanted,
    made_texts,
    mean,
    need_fields,
    one_attachment,
    one_attachment_section,
    refuse,
    text_issues,
    text_scores,
)
from steelyard.task_types._shared.textscore import normalized

# What a made-up answer says; recorded test answers do, too.
TEST_SECONDS = 15


class DataCollectionResponse(Struct, kw_only=True):
    """One text per requested field, "" where nothing was found."""

    fields: dict[str, str]
    time_spent_in_seconds: Annotated[int, Meta(ge=0, le=2**31 - 1, description="Working time.")] = 0


class DataCollectionHint(Struct, kw_only=True):
    """What is known already: any of the fields."""

    fields: dict[str, str]


class DataCollectionParams(OneAttachmentParams, kw_only=True):
    """Where to look and what to find out."""

    fields: WantedTexts
    hypothesis: Annotated[DataCollectionHint | None, Meta(description="Pre-labels.")] = None


def _check_fields(params: Any) -> None:
    need_fields(params)
    check_wanted("fields", params.fields)


def _check_hypothesis(params: Any) -> None:
    if params.hypothesis is not None:
        refuse("hypothesis", text_issues("fields", params.fields, params.hypothesis.fields, complete=False))


_parse = ParamsParser(
    DataCollectionParams,
    (
        one_attachment_section(),
        Section(("fields",), _check_fields),
        Section(("hypothesis",), _check_hypothesis),
    ),
    attachment_rules(),
    general=plain,
)

_RESPONSE = msgspec.json.Decoder(DataCollectionResponse)


def _check(params: DataCollectionParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    issues = list(text_issues("fields", params.fields, response.fields, complete=True))
    if issues or "time_spent_in_seconds" in msgspec.json.decode(data):
        return issues, data
    return [], msgspec.json.encode(response)


def _test_answer(params: DataCollectionParams, seed: str, media: MediaInfo) -> Answer:
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    return Answer({"fields": made_texts(rng, params.fields), "time_spent_in_seconds": TEST_SECONDS})


def _agreement(
    params: DataCollectionParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """Mean over the fields by the similarity of their texts; working time does not count."""
    texts = text_scores(a.get("fields"), b.get("fields"))
    return Agreement(mean(list(texts.values())), {"fields": texts})


def _canonical(response: dict[str, Any]) -> dict[str, Any]:
    texts = cast("dict[str, Any]", response.get("fields") or {})
    return {"fields": {k: normalized(str(v)) for k, v in sorted(texts.items())}}


def _summarize(params: DataCollectionParams, response: dict[str, Any]) -> dict[str, Any]:
    texts = cast("dict[str, str]", response.get("fields") or {})
    return {
        "filled": sum(1 for v in texts.values() if v.strip()),
        "fields": {k: shorten(v, 80) for k, v in texts.items()},
        "seconds": response.get("time_spent_in_seconds"),
    }


TASK_TYPE = TaskType(
    title="Data collection",
    description="Information about something, usually found on the web.",
    params=DataCollectionParams,
    response=DataCollectionResponse,
    parse_params=_parse,
    attachments=one_attachment,
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
