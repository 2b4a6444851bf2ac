"""Correct what a model found in a document (task-types-text §9). Without models configured it works as documenttranscription."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import Answer, MediaInfo, TaskType
from steelyard.task_types._shared.document_answers import (
    canonical_document,
    check_document,
    document_agreement,
    document_hypothesis,
    make_document_answer,
    summarize_document,
)
from steelyard.task_types._shared.documents import (
    DEFAULT_LANG,
    DOCUMENT_RULES,
    DOCUMENT_SECTIONS,
    DocumentParams,
    DocumentResponse,
    check_ocr,
    document_attachments,
)
from steelyard.task_types._shared.parsing import ParamsParser, Section, plain, shorten

DEFAULT_THRESHOLD = 0.9


class DocumentModelParams(DocumentParams, kw_only=True):
    """The document, the model to ask and the features to find."""

    model: Annotated[str | None, Meta(description="Name of a registered pre-labelling model.")] = None
    confidence_threshold: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description="Annotations under it go to a person; default 0.9."),
    ] = None


def _check_model(params: Any) -> None:
    # There is no registry of models yet, so every name is unknown.
    if params.model is not None:
        message = f'Unknown document model "{shorten(params.model)}".'
        raise InvalidRequest(message, issues=[Issue("model", "is unknown")])


def _test_answer(params: DocumentModelParams, seed: str, media: MediaInfo) -> Answer:
    return make_document_answer(params, seed, media, confidence=True)


_FILES, *_REST = DOCUMENT_SECTIONS

TASK_TYPE = TaskType(
    title="Document model",
    description="Regions of documents that a model has found and people correct.",
    params=DocumentModelParams,
    response=DocumentResponse,
    parse_params=ParamsParser(
        DocumentModelParams,
        (_FILES, Section(("model",), _check_model), *_REST),
        DOCUMENT_RULES,
        general=plain,
    ),
    default_params=lambda _: {
        "lang": DEFAULT_LANG,
        "geometry": "box",
        "confidence_threshold": DEFAULT_THRESHOLD,
    },
    attachments=document_attachments,
    check_response=check_document,
    check_metadata=check_ocr,
    has_pages=True,
    test_answer=_test_answer,
    agreement=document_agreement,
    canonical=canonical_document,
    summarize=summarize_document,
    hypothesis=document_hypothesis,
)
