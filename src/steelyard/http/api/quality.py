"""Quality in the console: known-answer tasks made from completed ones, contributors let in and kept out; feedback for contributors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct, field

from steelyard import quality
from steelyard.clock import wire_time
from steelyard.errors import parameter
from steelyard.http.binding import parse_time
from steelyard.http.leased import Document, MaybeDocument, maybe_object
from steelyard.http.route import LEAD, WORKER, Call, Routes
from steelyard.ids import is_wire_id

routes = Routes("api", "Quality")

Kind = Literal["evaluation", "training"]


class MakeQualityTask(Struct, kw_only=True):
    """What to make of a completed task. Its answer is the right one unless `expected_response` is given; an evaluation task may show an
    `initial_response` in place of pre-labels."""

    kind: Kind
    expected_response: MaybeDocument = field(default_factory=Raw)
    initial_response: MaybeDocument = field(default_factory=Raw)


class QualityTaskItem(Struct, kw_only=True):
    """A known-answer task, and how often it was offered, answered and passed. `state`: it is offered once `ready`."""

    id: str
    kind: Kind
    type: str
    project: str
    state: Literal["preparing", "ready", "failed"]
    error: str | None
    source_task_id: str | None
    created_by: str | None
    created_at: str
    archived_at: str | None
    offered: int
    answered: int
    passed: int
    mean_score: Annotated[float | None, Meta(description="0 to 1; null as long as nobody has answered.")]


class QualityTaskPage(Struct, kw_only=True):
    """Known-answer tasks, newest first."""

    items: list[QualityTaskItem]
    next_token: str | None


class ListQualityTasks(Struct, kw_only=True):
    """Filters and paging."""

    project: str | None = None
    kind: Annotated[str, Meta(description="evaluation or training.")] | None = None
    archived: bool | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    next_token: str | None = None


class ArchiveQualityTask(Struct, kw_only=True):
    """Whether it is out of use."""

    archived: bool = True


class ProjectMember(Struct, kw_only=True):
    """A contributor in a project. `recent_…`: of the evaluation tasks that the bar is held against."""

    id: str
    email: str
    state: Annotated[
        Literal["active", "training", "paused"],
        Meta(description="`training`: gets training tasks only; `paused`: gets nothing."),
    ]
    reason: str | None
    since: str | None
    evaluations: int
    evaluation_score: float | None
    recent_evaluations: int
    recent_evaluation_score: float | None
    trainings_passed: int
    trainings_required: int


class ProjectMemberPage(Struct, kw_only=True):
    """Contributors in order of address."""

    items: list[ProjectMember]
    next_token: str | None


class ListProjectMembers(Struct, kw_only=True):
    """Paging."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    next_token: str | None = None


class PauseMember(Struct, kw_only=True):
    """Why."""

    reason: Annotated[str, Meta(max_length=500)] | None = None


class RequeueMemberWork(Struct, kw_only=True):
    """From when on."""

    since: Annotated[str, Meta(description="An ISO 8601 time such as 2026-03-14T12:00:00Z.")]


class RequeuedWork(Struct, kw_only=True):
    """How many tasks are labeled again. Up to 200 of them were put back before this answer, more are by and by."""

    tasks: int


class WorkFeedback(Struct, kw_only=True):
    """What came of an answer to a training task, beside the right answer. `detail`: what the type's metric says."""

    task_id: str
    score: Annotated[float, Meta(description="0 to 1.")]
    passed: bool
    response: Document
    expected_response: Document
    detail: Document | None


def _item(row: quality.Listed) -> QualityTaskItem:
    return QualityTaskItem(
        id=row.id,
        kind=row.kind,
        type=row.type,
        project=row.project,
        state=row.state,
        error=row.error,
        source_task_id=row.source_task_id,
        created_by=row.created_by,
        created_at=wire_time(row.created_at),
        archived_at=None if row.archived_at is None else wire_time(row.archived_at),
        offered=row.offered,
        answered=row.answered,
        passed=row.passed,
        mean_score=row.mean_score,
    )


def _member(row: quality.MemberQuality) -> ProjectMember:
    return ProjectMember(
        id=row.member_id,
        email=row.email,
        state=row.state,
        reason=row.reason,
        since=None if row.since is None else wire_time(row.since),
        evaluations=row.evaluations,
        evaluation_score=row.mean_score,
        recent_evaluations=row.recent_evaluations,
        recent_evaluation_score=row.recent_mean_score,
        trainings_passed=row.trainings_passed,
        trainings_required=row.trainings_required,
    )


def feedback_of(found: quality.Feedback) -> WorkFeedback:
    """Feedback as shown."""
    return WorkFeedback(
        task_id=found.task_id,
        score=found.score,
        passed=found.passed,
        response=Raw(found.response.encode()),
        expected_response=Raw(found.expected_response.encode()),
        detail=None if found.detail is None else Raw(found.detail.encode()),
    )


@routes.post(
    "/api/tasks/{task_id}/make-quality-task",
    body=MakeQualityTask,
    response=QualityTaskItem,
    access=LEAD,
    errors=(400, 404),
)
async def make_quality_task(call: Call) -> QualityTaskItem:
    """Make an evaluation or training task from a completed task"""
    body: MakeQualityTask = call.body
    made = await quality.make_from_task(
        call.ctx,
        call.actor,
        call.path[0],
        body.kind,
        expected_response=maybe_object(body.expected_response, "expected_response"),
        initial_response=maybe_object(body.initial_response, "initial_response"),
    )
    return _item(made)


@routes.get(
    "/api/quality/tasks", query=ListQualityTasks, response=QualityTaskPage, access=LEAD, errors=(400,)
)
async def list_quality_tasks(call: Call) -> QualityTaskPage:
    """List evaluation and training tasks with their results"""
    query: ListQualityTasks = call.query
    if query.kind not in (None, "evaluation", "training"):
        raise parameter("kind", "must be evaluation or training")
    if query.next_token is not None and not is_wire_id(query.next_token):
        raise parameter("next_token", "must be a token of an earlier page")
    kind: Any = query.kind
    found = await quality.list_quality_tasks(
        call.ctx,
        call.actor,
        project=query.project,
        kind=kind,
        archived=query.archived,
        limit=query.limit + 1,
        before=query.next_token,
    )
    page = found[: query.limit]
    return QualityTaskPage(
        items=[_item(row) for row in page],
        next_token=page[-1].id if len(found) > query.limit else None,
    )


@routes.post(
    "/api/quality/tasks/{id}/archive",
    body=ArchiveQualityTask,
    response=QualityTaskItem,
    access=LEAD,
    errors=(400, 404),
)
async def archive_quality_task(call: Call) -> QualityTaskItem:
    """Take an evaluation or training task out of use, or put it back"""
    return _item(await quality.archive(call.ctx, call.actor, call.path[0], archived=call.body.archived))


@routes.get(
    "/api/projects/{name}/quality",
    query=ListProjectMembers,
    response=ProjectMemberPage,
    access=LEAD,
    errors=(400, 404),
)
async def list_project_members(call: Call) -> ProjectMemberPage:
    """List the contributors of a project with their evaluation scores"""
    limit = call.query.limit
    found = await quality.list_members(
        call.ctx, call.actor, call.path[0], limit=limit + 1, after=call.query.next_token or ""
    )
    page = found[:limit]
    return ProjectMemberPage(
        items=[_member(row) for row in page],
        next_token=page[-1].email if len(found) > limit else None,
    )


@routes.post(
    "/api/projects/{name}/members/{id}/pause",
    body=PauseMember,
    response=ProjectMember,
    access=LEAD,
    errors=(400, 404),
)
async def pause_member(call: Call) -> ProjectMember:
    """Keep a contributor from getting work of a project

    What it holds already it may finish.
    """
    name, member = call.path
    return _member(
        await quality.set_member_state(call.ctx, call.actor, name, member, "paused", call.body.reason)
    )


@routes.post(
    "/api/projects/{name}/members/{id}/unpause", response=ProjectMember, access=LEAD, errors=(400, 404)
)
async def unpause_member(call: Call) -> ProjectMember:
    """Let a contributor into the work of a project

    Evaluation tasks answered before are not held against it any more; training is taken as passed.
    """
    name, member = call.path
    return _member(await quality.set_member_state(call.ctx, call.actor, name, member, "active"))


@routes.post(
    "/api/projects/{name}/members/{id}/requeue-work",
    body=RequeueMemberWork,
    response=RequeuedWork,
    access=LEAD,
    errors=(400, 404),
)
async def requeue_member_work(call: Call) -> RequeuedWork:
    """Have a contributor's recent work done again

    Completed tasks are recalled unless the customer has audited them; where other answers are awaited, or a review, the contributor's answer
    is given anew by somebody else.
    """
    name, member = call.path
    since = parse_time(call.body.since, "since")
    return RequeuedWork(tasks=await quality.requeue_work(call.ctx, call.actor, name, member, since))


@routes.get("/api/work/{lease_token}/feedback", response=WorkFeedback, access=WORKER, errors=(404,))
async def get_feedback(call: Call) -> WorkFeedback:
    """See the right answer of a training task that I have answered"""
    return feedback_of(await quality.feedback(call.ctx, call.actor, call.path[0]))
