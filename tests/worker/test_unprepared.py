"""A task whose preparation fails by our own error ends visibly, and only then."""

from __future__ import annotations

import json

import pytest

from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue
from steelyard.jobs.handlers import HANDLERS
from steelyard.jobs.specs import PREPARE_QUALITY_TASK, PREPARE_TASK, PREPARE_TASK_QUEUE, PrepareTask
from steelyard.jobs.worker import drain

from .helpers import make_space, make_task, rows, shift

_TRIES = HANDLERS[PREPARE_TASK].retry.max_attempts


async def unreadable_task(ctx: Ctx, space: int) -> str:
    """A task whose stored params do not parse any more, so that every run of its job ends in our own error."""
    task = await make_task(ctx, space, params='{"attachment": 5, "geometries": 7}')
    await enqueue(ctx.db, PREPARE_TASK, PrepareTask(space, task), queue=PREPARE_TASK_QUEUE)
    return task


async def state(ctx: Ctx, task: str) -> tuple[str, str | None]:
    [row] = await rows(ctx, "select stage, response::text as response from task where id = $1", task)
    return row["stage"], row["response"]


async def test_a_task_whose_preparation_keeps_failing_errors_after_the_last_try_and_not_before(
    ctx: Ctx,
) -> None:
    space = await make_space(ctx)
    task = await unreadable_task(ctx, space)
    for attempt in range(1, _TRIES + 1):
        assert await drain(ctx) == 1, attempt
        if attempt < _TRIES:
            assert (await state(ctx, task))[0] == "preparing", attempt
        await shift(ctx, 1000)
    stage, response = await state(ctx, task)
    assert stage == "error"
    assert json.loads(response or "") == {
        "error": "The attachments could not be processed because of an error of this server."
    }
    [job] = await rows(ctx, "select attempts, failed_at from job where kind = $1", PREPARE_TASK)
    assert job["attempts"] == _TRIES and job["failed_at"] is not None
    events = await rows(ctx, "select kind from task_event where task_id = $1", task)
    assert [e["kind"] for e in events].count("error") == 1


async def test_the_unique_id_is_free_after_our_own_error_if_that_was_asked_for(ctx: Ctx) -> None:
    space = await make_space(ctx)
    task = await unreadable_task(ctx, space)
    await ctx.db.fetchval(
        "update task set unique_id = 'u', clear_unique_id_on_error = true where id = $1 returning 1", task
    )
    await ctx.db.fetchval("update job set attempts = $1 returning 1", _TRIES - 1)
    await drain(ctx)
    [row] = await rows(ctx, "select stage, unique_id from task where id = $1", task)
    assert (row["stage"], row["unique_id"]) == ("error", None)


@pytest.mark.parametrize(("stage", "then"), [("preparing", "error"), ("queued", "queued")])
async def test_a_job_interrupted_too_often_fails_its_task_only_if_that_is_not_prepared_yet(
    ctx: Ctx, stage: str, then: str
) -> None:
    space = await make_space(ctx)
    task = await unreadable_task(ctx, space)
    await ctx.db.fetchval("update task set stage = $2 where id = $1 returning 1", task, stage)
    await ctx.db.fetchval("update job set attempts = $1 returning 1", _TRIES)
    await drain(ctx)
    assert (await state(ctx, task))[0] == then
    [job] = await rows(ctx, "select last_error from job where kind = $1", PREPARE_TASK)
    assert job["last_error"] == "Interrupted too many times."


@pytest.mark.parametrize(("before", "then"), [("preparing", "failed"), ("ready", "ready")])
async def test_a_known_answer_task_that_cannot_be_prepared_fails_and_a_prepared_one_stays(
    ctx: Ctx, before: str, then: str
) -> None:
    space = await make_space(ctx)
    await ctx.db.execute(
        """
        insert into quality_task (space_id, id, kind, type, project_id, instruction, params, metadata, expected_response, created_at, state)
        values ($1, 'q', 'evaluation', 'imageannotation', 'p', '', '{}', '{}', '{}', steelyard.now(), $2)
        """,
        space,
        before,
    )
    await enqueue(ctx.db, PREPARE_QUALITY_TASK, PrepareTask(space, "q"), queue=PREPARE_TASK_QUEUE)
    await ctx.db.fetchval("update job set attempts = $1 returning 1", _TRIES)
    await drain(ctx)
    [row] = await rows(ctx, "select state, error from quality_task")
    assert row["state"] == then
    assert (row["error"] is not None) == (then == "failed")
