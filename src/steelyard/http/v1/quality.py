"""Evaluation and training tasks, and how contributors did on them (platform-api §23)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from steelyard import quality
from steelyard.clock import wire_time
from steelyard.errors import InvalidRequest
from steelyard.http.binding import split_list
from steelyard.http.route import DATA, Call, Routes

routes = Routes("v1", "Quality")


class WireQualityTask(Struct, kw_only=True):
    """A task with a known right answer."""

    id: str
    type: str
    project: str
    instruction: str
    params: Raw
    metadata: Raw
    expected_response: Raw
    initial_response: Raw | UnsetType = UNSET
    created_at: str


class ListQualityAttempts(Struct, kw_only=True):
    """Filters and paging; at least one of the two lists is required."""

    quality_task_ids: list[str] = []
    labeler_emails: list[str] = []
    limit: Annotated[int, Meta(ge=1, le=100)] = 100
    next_token: str | None = None


class WireQualityAttempt(Struct, kw_only=True):
    """One contributor's go at a quality task."""

    labeler_email: str
    quality_task_id: str
    quality_task_type: Literal["evaluation", "training"]
    score: Annotated[float, Meta(description="0 to 1.")]
    passed: bool
    created_at: str


class WireQualityAttemptPage(Struct, kw_only=True):
    """A page of attempts; `next_token` is there only when more follow."""

    docs: list[WireQualityAttempt]
    total: int
    limit: int
    has_more: bool
    next_token: str | UnsetType = UNSET


def _wire_task(row: quality.QualityTask) -> WireQualityTask:
    return WireQualityTask(
        id=row.id,
        type=row.type,
        project=row.project,
        instruction=row.instruction,
        params=Raw(row.params),
        metadata=Raw(row.metadata),
        expected_response=Raw(row.expected_response),
        initial_response=UNSET if row.initial_response is None else Raw(row.initial_response),
        created_at=wire_time(row.created_at),
    )


@routes.post(
    "/v1/evaluation_tasks/{type}",
    body=dict[str, Raw],
    response=WireQualityTask,
    access=DATA,
    errors=(400, 404, 409),
    idempotent=True,
)
async def create_evaluation_task(call: Call) -> WireQualityTask:
    """Create an evaluation task

    The parameters of a normal creation with `expected_response`, and optionally `initial_response`, which makes it a review.
    """
    made = await quality.create_quality_task(call.ctx, call.actor, "evaluation", call.path[0], call.body)
    return _wire_task(made)


@routes.post(
    "/v1/training_tasks/{type}",
    body=dict[str, Raw],
    response=WireQualityTask,
    access=DATA,
    errors=(400, 404, 409),
    idempotent=True,
)
async def create_training_task(call: Call) -> WireQualityTask:
    """Create a training task

    The parameters of a normal creation with `expected_response`.
    """
    made = await quality.create_quality_task(call.ctx, call.actor, "training", call.path[0], call.body)
    return _wire_task(made)


@routes.get(
    "/v1/quality/labelers",
    query=ListQualityAttempts,
    response=WireQualityAttemptPage,
    access=DATA,
    errors=(400,),
)
async def list_quality_attempts(call: Call) -> WireQualityAttemptPage:
    """List contributors' attempts at quality tasks, newest first"""
    query: ListQualityAttempts = call.query
    wanted = quality.AttemptFilter(
        quality_task_ids=split_list(query.quality_task_ids),
        labeler_emails=split_list(query.labeler_emails),
    )
    if not wanted.quality_task_ids and not wanted.labeler_emails:
        raise InvalidRequest("At least one of quality_task_ids and labeler_emails is required.")
    page = await quality.list_attempts(
        call.ctx, call.actor, wanted, limit=query.limit, next_token=query.next_token
    )
    return WireQualityAttemptPage(
        docs=[
            WireQualityAttempt(
                labeler_email=row.labeler_email,
                quality_task_id=row.quality_task_id,
                quality_task_type=row.quality_task_type,
                score=row.score,
                passed=row.passed,
                created_at=wire_time(row.created_at),
            )
            for row in page.attempts
        ],
        total=page.total,
        limit=query.limit,
        has_more=page.next_token is not None,
        next_token=UNSET if page.next_token is None else page.next_token,
    )
