"""The state of the installation as its leads see it, and another chance for jobs that were given up."""

from __future__ import annotations

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import wake
from steelyard.errors import NotFound, SteelyardError
from steelyard.people import queries as q
from steelyard.people.model import DatabaseState, FailedJob, JobCounts, Process
from steelyard.users import record_act


class Health(Struct, frozen=True):
    """`storage` says what is wrong with it, None when nothing; `failed` holds the account's own jobs, `jobs` counts everybody's.
    `dead_letters` is of the space that is asked from."""

    database: DatabaseState
    storage: str | None
    processes: list[Process]
    jobs: JobCounts
    failed: list[FailedJob]
    dead_letters: int


async def get_health(ctx: Ctx, actor: Actor) -> Health:
    """Asks every part once."""
    storage: str | None = None
    try:
        await ctx.store.check()
    except SteelyardError as e:
        storage = e.message
    return Health(
        await q.database_state(ctx.db),
        storage,
        await q.processes(ctx.db),
        await q.job_counts(ctx.db),
        await q.failed_jobs(ctx.db, account_id=actor.account_id),
        await q.dead_letters(ctx.db, space_id=actor.space_id) or 0,
    )


async def retry_job(ctx: Ctx, actor: Actor, job_id: int) -> None:
    """Lets a job of the account that was given up run again. Raises NotFound."""
    async with ctx.db.tx() as tx:
        kind = await q.retry_job(tx, job_id=job_id, account_id=actor.account_id)
        if kind is None:
            raise NotFound("There is no such failed job.")
        await record_act(tx, actor.account_id, actor.email, "job.retried", kind=kind, job=job_id)
    wake(ctx)
