"""How the work of a project is done: one document of settings a project, which leads set in the console."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor, Tx
from steelyard.errors import NotFound
from steelyard.projects import project_by_name
from steelyard.users import record_act
from steelyard.work import queries as q

Share = Annotated[float, Meta(ge=0, le=1)]


class ReviewStage(Struct, frozen=True, kw_only=True):
    """A review of answers. `sample`: the share of tasks that is reviewed at this stage, chosen by the task's id."""

    sample: Share = 1.0


class Prelabel(Struct, frozen=True, kw_only=True):
    """Models label before people, who see the answer as the task's hypothesis. `wait_seconds`: after that people get the task without;
    `models_vote`: models also give answers like people."""

    wait_seconds: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 3600
    models_vote: bool = False


class Workflow(Struct, frozen=True, kw_only=True):
    """The pipeline of a project and what its contributors are held to."""

    overlap: Annotated[
        int, Meta(ge=1, le=9, description="People who answer each task, none knowing of the others.")
    ] = 1
    merge: Annotated[
        Literal["best_agreement"],
        Meta(description="Of several answers, the one that agrees best with the others goes on."),
    ] = "best_agreement"
    prelabel: Annotated[
        Prelabel | None, Meta(description="Whether models label before people; null: they work like people.")
    ] = None
    review_first: Annotated[
        bool, Meta(description="Whether reviewers are offered reviews before anything to label.")
    ] = False
    review_stages: Annotated[list[ReviewStage], Meta(max_length=9)] = []
    lease_seconds: Annotated[
        int,
        Meta(ge=60, le=86_400, description="Work is free for others so long after the last sign of life."),
    ] = 600
    skip_limit: Annotated[
        int,
        Meta(ge=1, le=100, description="After so many skips only reviewers and leads are offered a task."),
    ] = 3
    daily_cap: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="Answers that one person may submit within 24 hours; null: any number."),
    ] = None
    open_cap: Annotated[int, Meta(ge=1, le=1000, description="Leases that one person may hold at once.")] = 20
    evaluation_rate: Annotated[
        float, Meta(ge=0, le=0.5, description="Share of claims that get a hidden evaluation task.")
    ] = 0.0
    evaluation_bar: Annotated[
        Share, Meta(description="Mean evaluation score below which a contributor is paused.")
    ] = 0.7
    evaluation_window: Annotated[
        int, Meta(ge=1, le=200, description="Latest evaluation tasks that the mean is taken over.")
    ] = 20
    evaluation_min: Annotated[
        int, Meta(ge=1, le=200, description="Evaluation tasks before anybody is judged.")
    ] = 5
    tolerance: Annotated[Share, Meta(description="Score that passes an evaluation or training task.")] = 0.8
    training_required: Annotated[
        int, Meta(ge=0, le=1000, description="Training tasks to pass before production work.")
    ] = 0
    pause_below_bar: bool = True
    audit_sample: Annotated[
        Share, Meta(description="Share of completed tasks put up for a customer audit.")
    ] = 0.0
    redo_after_rejection: Annotated[
        bool, Meta(description="Whether a task that the customer rejects is done again.")
    ] = False


_DECODER = msgspec.json.Decoder(Workflow)


async def workflow_of(on: Executor, space_id: int, project_id: str | None) -> Workflow:
    """The settings of a project by id; the defaults for work without a project."""
    if not project_id:
        return Workflow()
    settings = await q.workflow_settings(on, space_id=space_id, project_id=project_id)
    return Workflow() if settings is None else _DECODER.decode(settings)


async def get_workflow(ctx: Ctx, actor: Actor, project: str) -> Workflow:
    """The settings of a project by name. Raises NotFound."""
    return await workflow_of(ctx.db, actor.space_id, await _project_id(ctx.db, actor, project))


async def set_workflow(ctx: Ctx, actor: Actor, project: str, workflow: Workflow) -> Workflow:
    """Replaces the settings of a project. Tasks that are queued already keep their overlap. Raises NotFound."""

    async def work(tx: Tx) -> None:
        project_id = await _project_id(tx, actor, project)
        before = await workflow_of(tx, actor.space_id, project_id)
        await q.store_workflow(
            tx,
            space_id=actor.space_id,
            project_id=project_id,
            settings=msgspec.json.encode(workflow).decode(),
            updated_by=actor.email,
        )
        if workflow.prelabel is None:
            await q.hurry_prelabels(tx, space_id=actor.space_id, project_id=project_id)
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "project.workflow",
            mode=actor.mode,
            project=project,
            before=before,
            settings=workflow,
        )

    await ctx.db.transact(work)
    return workflow


async def _project_id(on: Executor, actor: Actor, name: str) -> str:
    found = None if "\x00" in name else await project_by_name(on, actor.space_id, name)
    if found is None:
        raise NotFound("Project with that name not found.")
    return found.id
