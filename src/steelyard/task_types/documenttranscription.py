"""Mark and transcribe regions of scanned or digital documents (task-types-text §8)."""

from __future__ import annotations

from steelyard.task_types._base import TaskType
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
from steelyard.task_types._shared.parsing import ParamsParser, plain


class DocumentTranscriptionParams(DocumentParams, kw_only=True):
    """The document, the features to find and the form of their locations."""


TASK_TYPE = TaskType(
    title="Document transcription",
    description="Regions of documents with their text, and how they belong together.",
    params=DocumentTranscriptionParams,
    response=DocumentResponse,
    parse_params=ParamsParser(DocumentTranscriptionParams, DOCUMENT_SECTIONS, DOCUMENT_RULES, general=plain),
    default_params=lambda _: {"lang": DEFAULT_LANG, "geometry": "box"},
    attachments=document_attachments,
    check_response=check_document,
    check_metadata=check_ocr,
    has_pages=True,
    test_answer=make_document_answer,
    agreement=document_agreement,
    canonical=canonical_document,
    summarize=summarize_document,
    hypothesis=document_hypothesis,
    quality_tasks=True,
)
