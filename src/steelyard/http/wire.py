"""Wire shapes that several operations share. Responses are mostly composed as bytes; these Structs document them and tests hold the two
together."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

TaskStatus = Literal["pending", "completed", "canceled", "error"]
ReviewStatus = Literal["accepted", "fixed", "commented", "rejected"]
WireTime = Annotated[datetime, Meta(description="UTC, ISO 8601, three fractional digits, `Z`.")]


class WireError(Struct):
    """The body of every error (platform-api §3.1)."""

    status_code: Annotated[int, Meta(description="Repeats the HTTP status.")]
    error: Annotated[str, Meta(description="What was wrong, for people.")]


class ProblemIssue(Struct):
    """One thing wrong, with its place in the request's JSON."""

    path: str
    message: str


class Problem(Struct):
    """The body of every error under /api (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    issues: list[ProblemIssue]


class AuditEntry(Struct):
    """One verdict on a task (platform-api §15)."""

    audited_by: str
    audited_at: WireTime
    audit_time_secs: float
    audit_result: Literal["accepted", "rejected", "fixed", "commented"]
    audit_source: Literal["customer", "scale"]
    audit_active_time_secs: float | UnsetType = UNSET


class AttachmentDownload(Struct):
    """A copy of an attachment that can be fetched without a key for a while (platform-api §10.5)."""

    attachmentURL: str
    s3URL: str
    isConvertedImage: bool
    metadata: dict[str, Any]


class WireDependent(Struct):
    """A task that another one declared to be created from its answer (task-types-lidar §11.3)."""

    index: Annotated[int, Meta(description="Place in `params.dependents.defs`.")]
    type: str
    status: Literal["waiting", "created", "failed", "dropped"]
    task_id: Annotated[str, Meta(description="The task that was created.")] | UnsetType = UNSET
    error: Annotated[str, Meta(description="Why none could be created.")] | UnsetType = UNSET


class WireTask(Struct):
    """The task object (platform-api §6). Keys that are not set are absent, never null."""

    task_id: Annotated[str, Meta(description="24 lowercase hex characters, in creation order.")]
    created_at: WireTime
    updated_at: WireTime
    type: str
    status: TaskStatus
    instruction: Annotated[str, Meta(description="The text in force after project inheritance.")]
    params: Annotated[
        dict[str, Any], Meta(description="The type's parameters as submitted, with defaults filled in.")
    ]
    metadata: dict[str, Any]
    is_test: bool
    urgency: str
    priority: Annotated[int, Meta(ge=10, le=30)]
    processed_attachments: list[Any]
    work_started: bool
    completed_at: WireTime | UnsetType = UNSET
    response: dict[str, Any] | UnsetType = UNSET
    callback_url: str | UnsetType = UNSET
    callback_succeeded: bool | UnsetType = UNSET
    callback_completed: bool | UnsetType = UNSET
    project: Annotated[str, Meta(description="The project's name.")] | UnsetType = UNSET
    projectId: str | UnsetType = UNSET
    project_param_version: int | UnsetType = UNSET
    batch: Annotated[str, Meta(description="The batch's name.")] | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    unique_id: str | UnsetType = UNSET
    audits: list[AuditEntry] | UnsetType = UNSET
    customer_review_status: ReviewStatus | UnsetType = UNSET
    customer_review_comments: list[str] | UnsetType = UNSET
    customer_reviewed_by: str | UnsetType = UNSET
    customer_audited_at: WireTime | UnsetType = UNSET
    customer_audit_time_secs: float | UnsetType = UNSET
    prior_responses: list[dict[str, Any]] | UnsetType = UNSET
    dependents: list[WireDependent] | UnsetType = UNSET
    attachmentS3Downloads: list[AttachmentDownload] | UnsetType = UNSET


class WireTaskPage(Struct):
    """A page of tasks (platform-api §10.2)."""

    docs: list[dict[str, Any]]
    total: Annotated[int, Meta(description="Tasks that match the filters, on all pages together.")]
    limit: int
    offset: int
    has_more: bool
    next_token: Annotated[str, Meta(description="Present exactly when `has_more`.")] | UnsetType = UNSET
