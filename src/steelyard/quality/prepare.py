"""Job `prepare_quality_task`: fetches the attachments of a quality task made by API as those of any task, then offers it or says what failed."""

from __future__ import annotations

from steelyard.ctx import Ctx
from steelyard.db.pool import Tx
from steelyard.jobs.specs import PrepareTask
from steelyard.quality import queries as q
from steelyard.task_types import TASK_TYPES
from steelyard.tasks.prepare import OWN_ERROR, SaveAttachments, error_response, fetch_all, next_round


async def prepare_quality_task(ctx: Ctx, args: PrepareTask) -> None:
    """Does nothing for one that is prepared already."""
    task = await q.task_to_prepare(ctx.db, space_id=args.space_id, id=args.task_id)
    if task is None:
        return
    kind = TASK_TYPES[task.type]
    refs = list(kind.attachments(kind.parse_params(task.params.encode())))
    outcomes = await fetch_all(ctx, args, refs)
    results = [outcomes[(ref.url, ref.media)] for ref in refs]
    saved = SaveAttachments(args.space_id, args.task_id, refs, results)
    if (again := next_round(ctx, args, results)) is not None:
        await saved(ctx.db)
        raise again
    failed = error_response(refs, results)

    async def decide(tx: Tx) -> None:
        await saved(tx)
        await q.set_prepared(
            tx,
            space_id=args.space_id,
            id=args.task_id,
            state="ready" if failed is None else "failed",
            error=None if failed is None else failed.decode(),
        )

    await ctx.db.transact(decide)


async def fail_unprepared_quality_task(ctx: Ctx, args: PrepareTask) -> None:
    """After the last try that ended by our own error; one that is prepared is left alone."""
    await q.set_prepared(
        ctx.db, space_id=args.space_id, id=args.task_id, state="failed", error=OWN_ERROR.decode()
    )
