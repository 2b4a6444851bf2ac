"""Params that all types share and rules for addresses."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue, parameter

URL_SCHEMES = (
    "http://",
    "https://",
    "s3://",
    "gs://",
    "az://",
    "azureblob:",
    "azure://",
    "abfs://",
    "scaledata://",
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

AttachmentUrl = Annotated[str, Meta(min_length=1, max_length=16_384)]

NO_ATTACHMENT = "Please include an attachment or attachments parameter."


class CommonParams(Struct, kw_only=True):
    """Accepted by every type (task-types-text §0.2)."""

    title: Annotated[str | None, Meta(description="Heading shown to the contributor.")] = None
    description: Annotated[str | None, Meta(description="Sub-heading shown to the contributor.")] = None
    responses_required: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None,
        Meta(description="Independent answers to gather before the consensus answer; 1 when absent."),
    ] = None


def check_address(url: str, path: str) -> None:
    """Refuse an attachment address that no store could hold. What merely cannot be fetched fails later, asynchronously."""
    # str.isprintable is false for little else, so the exact search hardly ever runs.
    if not url.isprintable() and _CONTROL.search(url):
        raise parameter(path, "must be a URL without control characters")
    if url.isspace():
        raise InvalidRequest(NO_ATTACHMENT, issues=[Issue(path, "is required")])


def is_url(text: str) -> bool:
    """Whether this may stand where a link is wanted (task-types-text §0.5)."""
    lowered = text[:32].lower()
    scheme = next((s for s in URL_SCHEMES if lowered.startswith(s)), None)
    return (
        scheme is not None
        and len(text) > len(scheme)
        and not _CONTROL.search(text)
        and " " not in text.strip()
    )
