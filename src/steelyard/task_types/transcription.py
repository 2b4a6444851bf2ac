"""Copy named values from an attachment, once or row by row (task-types-text §5). Legacy, still accepted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import Issue
from steelyard.task_types._base import Agreement, Answer, MediaInfo, TaskType
from steelyard.task_types._shared.parsing import ParamsParser, Section, plain, read_response, shorten
from steelyard.task_types._shared.single import (
    OneAttachmentParams,
    WantedTexts,
    aligned,
    attachment_rules,
    check_wanted,
    made_texts,
    mean,
    need,
    one_attachment,
    one_attachment_section,
    refuse,
    text_issues,
    text_scores,
)
from steelyard.task_types._shared.textscore import normalized, text_similarity

# Beyond this many pairs of rows their texts count as equal or different, nothing between.
MAX_FUZZY_PAIRS = 10_000

Row = dict[str, str]


class TranscriptionResponse(Struct, kw_only=True):
    """One text per requested field ("" where the attachment has none), one object per row."""

    fields: Row = {}
    repeatable_fields: Annotated[list[Row], Meta(max_length=5_000)] = []


class TranscriptionParams(OneAttachmentParams, kw_only=True):
    """The attachment and the values to copy from it."""

    fields: WantedTexts | None = None
    repeatable_fields: WantedTexts | None = None
    row_fields: Annotated[WantedTexts | None, Meta(description="Old name of `repeatable_fields`.")] = None
    hypothesis: Annotated[TranscriptionResponse | None, Meta(description="Pre-labels.")] = None


def _columns(params: Any) -> dict[str, str]:
    return params.repeatable_fields or params.row_fields or {}


def _check_fields(params: Any) -> None:
    if not params.row_fields:
        need(params, "fields", "repeatable_fields")
    for name in ("fields", "repeatable_fields", "row_fields"):
        check_wanted(name, getattr(params, name))


def _check_hypothesis(params: Any) -> None:
    if params.hypothesis is not None:
        refuse("hypothesis", _issues(params, params.hypothesis, complete=False))


_parse = ParamsParser(
    TranscriptionParams,
    (
        one_attachment_section(),
        Section(("fields", "repeatable_fields", "row_fields"), _check_fields),
        Section(("hypothesis",), _check_hypothesis),
    ),
    attachment_rules(),
    general=plain,
)

_RESPONSE = msgspec.json.Decoder(TranscriptionResponse)


def _check(params: TranscriptionParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    issues = list(_issues(params, response, complete=True))
    if issues or msgspec.json.decode(data).keys() >= {"fields", "repeatable_fields"}:
        return issues, data
    return [], msgspec.json.encode(response)


def _issues(params: Any, response: TranscriptionResponse, *, complete: bool) -> Iterator[Issue]:
    yield from text_issues("fields", params.fields, response.fields, complete=complete)
    columns = _columns(params)
    for i, row in enumerate(response.repeatable_fields):
        path = f"repeatable_fields[{i}]"
        if not row:
            yield Issue(path, "must not be empty")
        yield from text_issues(path, columns, row, complete=complete and bool(row))


def _test_answer(params: TranscriptionParams, seed: str, media: MediaInfo) -> Answer:
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    columns = _columns(params)
    rows = [made_texts(rng, columns) for _ in range(rng.randint(1, 3))] if columns else []
    return Answer({"fields": made_texts(rng, params.fields), "repeatable_fields": rows})


def _rows(response: dict[str, Any]) -> list[dict[str, Any]]:
    found = response.get("repeatable_fields")
    rows = cast("list[Any]", found) if isinstance(found, list) else []
    return [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)]


def _agreement(
    params: TranscriptionParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """Mean over the fields by the similarity of their texts, and the rows as one more unit, aligned in order."""
    texts = text_scores(a.get("fields"), b.get("fields"))
    one, other = _rows(a), _rows(b)
    scores = list(texts.values())
    detail: dict[str, Any] = {"fields": texts}
    if one or other:
        rows = aligned(one, other, _row_score(len(one) * len(other) <= MAX_FUZZY_PAIRS))
        scores.append(rows)
        detail["repeatable_fields"] = rows
    return Agreement(mean(scores), detail)


def _row_score(fuzzy: bool) -> Any:
    @cache
    def cell(a: str, b: str) -> float:
        return text_similarity(a, b) if fuzzy else float(normalized(a) == normalized(b))

    def row(a: dict[str, Any], b: dict[str, Any]) -> float:
        keys = a.keys() | b.keys()
        return mean([cell(str(a[k]), str(b[k])) if k in a and k in b else 0.0 for k in keys])

    return row


def _canonical(response: dict[str, Any]) -> dict[str, Any]:
    def row(given: dict[str, Any]) -> dict[str, str]:
        return {k: normalized(str(v)) for k, v in sorted(given.items())}

    return {
        "fields": row(response.get("fields") or {}),
        "repeatable_fields": [row(one) for one in _rows(response)],
    }


def _summarize(params: TranscriptionParams, response: dict[str, Any]) -> dict[str, Any]:
    texts = cast("dict[str, str]", response.get("fields") or {})
    return {
        "filled": sum(1 for v in texts.values() if v.strip()),
        "rows": len(_rows(response)),
        "fields": {k: shorten(v, 80) for k, v in texts.items()},
    }


def _defaults(params: TranscriptionParams) -> dict[str, Any]:
    return {"repeatable_fields": params.row_fields} if params.row_fields else {}


TASK_TYPE = TaskType(
    title="Transcription",
    description="Named values copied from an attachment, once and row by row.",
    params=TranscriptionParams,
    response=TranscriptionResponse,
    parse_params=_parse,
    default_params=_defaults,
    attachments=one_attachment,
    check_response=_check,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    hypothesis=lambda params: (
        None if params.hypothesis is None else cast("dict[str, Any]", msgspec.to_builtins(params.hypothesis))
    ),
)
