"""Fill in a form about attachments (task-types-text §1): the general type for questions, choices and texts."""

from __future__ import annotations

import random
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import Agreement, Answer, AttachmentRef, MediaInfo, TaskType
from steelyard.task_types._shared.common import NO_ATTACHMENT, CommonParams, is_url
from steelyard.task_types._shared.form_answers import AnswerChecker, AnswerMaker, unwrap
from steelyard.task_types._shared.form_compare import canonical_answers, compare_fields, fields_schema
from steelyard.task_types._shared.form_conditions import Form, check_conditions
from steelyard.task_types._shared.form_fields import FormField, check_fields, walk
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section, plain, read_response, shorten
from steelyard.task_types._shared.values import bad


class TextCollectionAttachment(Struct, kw_only=True):
    """Something to read, see or hear beside the form."""

    type: Literal["pdf", "image", "text", "video", "website", "audio"]
    content: Annotated[
        str,
        Meta(min_length=1, max_length=1_000_000, description="A link, or for `text` the Markdown itself."),
    ]
    forms: Annotated[
        list[str] | None, Meta(description="Show it only while one of these forms is active.")
    ] = None


class TextCollectionResponse(Struct, kw_only=True):
    """Answers by `field_id`; unanswered and hidden fields are left out."""

    annotations: dict[str, Any]


class TextCollectionParams(CommonParams, kw_only=True):
    """Attachments on one side, a form of typed fields on the other."""

    attachments: Annotated[list[TextCollectionAttachment], Meta(min_length=1)]
    fields: Annotated[
        list[FormField], Meta(min_length=1, description="In the order in which they are shown.")
    ]
    hypothesis: Annotated[
        TextCollectionResponse | None,
        Meta(description="Pre-labels, wrapped (`type`, `field_id`, `response`) or bare."),
    ] = None


def _check_attachments(params: Any) -> None:
    for i, attachment in enumerate(cast("list[TextCollectionAttachment]", params.attachments)):
        path = f"attachments[{i}].content"
        if attachment.content.isspace():
            raise InvalidRequest(f"Missing required parameter: {path}.", issues=[Issue(path, "is required")])
        if attachment.type != "text" and not is_url(attachment.content):
            raise bad(path, "not a valid attachment URL")


def _check_fields(params: Any) -> None:
    fields = cast("list[FormField]", params.fields)
    check_fields(fields, [a.type for a in params.attachments])
    check_conditions(Form(fields))
    forms = {field.field_id for field in fields if field.kind == "form"}
    for i, attachment in enumerate(cast("list[TextCollectionAttachment]", params.attachments)):
        for j, name in enumerate(attachment.forms or ()):
            if name not in forms:
                raise bad(f"attachments[{i}].forms[{j}]", f'no form field with field_id "{shorten(name)}"')


def _check_responses(params: Any) -> None:
    """Free writing by several people cannot become one answer (§13.3)."""
    if params.responses_required not in (None, 1) and any(f.generative for _, f in walk(params.fields)):
        message = "responses_required must be 1 for generative textcollection tasks."
        raise InvalidRequest(message, issues=[Issue("responses_required", "must be 1")])


def _check_hypothesis(params: Any) -> None:
    given = cast("TextCollectionResponse | None", params.hypothesis)
    if given is None:
        return
    for issue in _prelabel_issues(params, given.annotations, complete=False, strangers=False):
        raise bad(f"hypothesis.{issue.path}", issue.message)


def _checker(params: Any, media: MediaInfo | None = None) -> AnswerChecker:
    playable = [i for i, a in enumerate(params.attachments) if a.type in ("audio", "video")]
    return AnswerChecker(Form(params.fields), playable, media.duration_s if media else None)


def _prelabel_issues(
    params: Any, annotations: dict[str, Any], *, complete: bool, strangers: bool
) -> list[Issue]:
    wrong, bare = unwrap(params.fields, annotations, "annotations")
    issues, _ = _checker(params).check(bare, complete=complete, strangers=strangers)
    return wrong + issues


_parse = ParamsParser(
    TextCollectionParams,
    (
        Section(("attachments",), _check_attachments),
        Section(("fields",), _check_fields),
        Section(("title", "description", "responses_required"), _check_responses),
        Section(("hypothesis",), _check_hypothesis),
    ),
    (
        Rule("attachments", NO_ATTACHMENT, ("missing", "value")),
        Rule("attachments.#.content", "Missing required parameter: {path}.", ("value",)),
        Rule("fields", "Invalid parameter fields: must contain at least one field.", ("value",)),
        Rule("**.title", "Invalid parameter {path}: must not be empty.", ("value",)),
        Rule("**.min_responses_required", "Invalid parameter {path}: must be at least 1.", ("value",)),
        Rule(
            "responses_required",
            "Invalid parameter responses_required: must be between 1 and 100.",
            ("value", "limit"),
        ),
    ),
    general=plain,
)

_RESPONSE = msgspec.json.Decoder(TextCollectionResponse)


def _check(params: TextCollectionParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    issues, cleaned = _checker(params, media).check(response.annotations)
    if issues or cleaned == response.annotations:
        return issues, data
    return [], msgspec.json.encode(TextCollectionResponse(annotations=cleaned))


def _check_expected(params: TextCollectionParams, data: bytes, media: MediaInfo) -> list[Issue]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response
    return _prelabel_issues(params, response.annotations, complete=True, strangers=True)


def _test_answer(params: TextCollectionParams, seed: str, media: MediaInfo) -> Answer:
    checker = _checker(params, media)
    maker = AnswerMaker(checker, random.Random(seed))  # noqa: S311  (repeatable on purpose)
    _, cleaned = checker.check(maker.level(params.fields))
    return Answer({"annotations": cleaned})


def _bare(params: TextCollectionParams, response: dict[str, Any]) -> dict[str, Any]:
    found = response.get("annotations")
    return unwrap(params.fields, cast("dict[str, Any]", found), "")[1] if isinstance(found, dict) else {}


def _agreement(
    params: TextCollectionParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """Mean over the fields that either answer has; both may be wrapped or bare."""
    scores = compare_fields(params.fields, _bare(params, a), _bare(params, b))
    return Agreement(sum(scores.values()) / len(scores) if scores else 1.0, {"fields": scores})


def _canonical(response: dict[str, Any]) -> Any:
    return canonical_answers(response.get("annotations") or {})


def _summarize(params: TextCollectionParams, response: dict[str, Any]) -> dict[str, Any]:
    answers = _bare(params, response)
    shown = {
        f.field_id: answers[f.field_id] for f in params.fields if f.field_id in answers and not f.is_container
    }
    return {
        "answered": len(answers),
        "fields": len(params.fields),
        "answers": {k: _short(v) for k, v in shown.items()},
    }


def _short(value: Any) -> Any:
    return shorten(value, 80) if isinstance(value, str) else value


def _hypothesis(params: TextCollectionParams) -> dict[str, Any] | None:
    if params.hypothesis is None:
        return None
    _, bare = unwrap(params.fields, params.hypothesis.annotations, "annotations")
    _, cleaned = _checker(params).check(bare, complete=False, strangers=False)
    return {"annotations": cleaned}


def _response_schema(params: TextCollectionParams) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"annotations": fields_schema(params.fields)},
        "required": ["annotations"],
        "additionalProperties": False,
    }


def _attachments(params: TextCollectionParams) -> list[AttachmentRef]:
    return [
        AttachmentRef(f"attachments[{i}].content", a.content, media=a.type)
        for i, a in enumerate(params.attachments)
        if a.type != "text"
    ]


TASK_TYPE = TaskType(
    title="Text collection",
    description="A form of typed fields about one or more attachments.",
    params=TextCollectionParams,
    response=TextCollectionResponse,
    parse_params=_parse,
    attachments=_attachments,
    check_response=_check,
    check_expected=_check_expected,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    hypothesis=_hypothesis,
    response_schema=_response_schema,
    quality_tasks=True,
    has_templates=True,
)
