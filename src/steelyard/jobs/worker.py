"""The worker: claims due jobs, runs their handlers, and forgets, retries or keeps them.

A claim is a lease: `run_at` is pushed forward and extended while the job runs, so the jobs of a killed worker are taken over when
their leases pass. A job may therefore run more than once; handlers are idempotent. Each queue has slots of its own, so slow downloads
never delay callbacks.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from collections.abc import Sequence
from contextlib import suppress

import msgspec
import structlog

from steelyard.ctx import Ctx
from steelyard.db.coalesce import Coalescer
from steelyard.db.outbox import WAKE
from steelyard.db.pool import ConstraintBroken, RetryTransaction
from steelyard.errors import Unavailable
from steelyard.ids import secret_token
from steelyard.jobs import queries as q
from steelyard.jobs.handlers import HANDLERS
from steelyard.jobs.queries import ClaimedJob
from steelyard.jobs.specs import QUEUES, GiveUp, JobSpec, Queue, RetryLater
from steelyard.net import guard

LEASE_S = 30.0
HEARTBEAT_S = 3.0
_POLL_S = (0.25, 0.75)  # an idle queue is looked at again after a random time from this range
_GAP_S = 0.02  # wake-ups closer together than this share one look
_PACE_S = 0.008  # outcomes that come in a stream are written some dozens at a time
_BUSY_S = (1.0, 3.0)  # pause after the database was away or busy


def slots(ctx: Ctx, queue: Queue) -> int:
    """How many jobs of a queue this process runs at once. Callbacks mostly wait for receivers, hence more of them."""
    n = ctx.settings.worker_concurrency
    match queue:
        case "callbacks":
            return 4 * n
        case "attachments" | "bulk" | "derived":
            return max(1, n // 2)
        case "periodic":
            return 1
        case _:
            return n


class Worker:
    """The claiming and running of one process."""

    def __init__(self, ctx: Ctx):
        self.ctx = ctx
        self.id = f"{socket.gethostname()}:{os.getpid()}:{secret_token(6)}"
        self._running: dict[Queue, dict[asyncio.Task[None], ClaimedJob]] = {queue: {} for queue in QUEUES}
        self._look: dict[Queue, asyncio.Event] = {queue: asyncio.Event() for queue in QUEUES}
        self._delete: Coalescer[int, None] = Coalescer(self._delete_batch, pace_s=_PACE_S)
        self._put_off: Coalescer[tuple[ClaimedJob, RetryLater], None] = Coalescer(
            self._put_off_batch, pace_s=_PACE_S
        )

    # -- life cycle

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, then finishes what runs (up to `drain_seconds`) and gives the rest back."""
        self.ctx.state[WAKE] = self.rouse
        side = [asyncio.create_task(self._beat()), asyncio.create_task(self._extend())]
        serving = [asyncio.create_task(self._serve(queue, stop)) for queue in QUEUES]
        try:
            waiting = asyncio.create_task(stop.wait())
            # A loop that ends before `stop` has crashed: that must end the process, not be overlooked.
            await asyncio.wait([waiting, *serving, *side], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            stop.set()
            self.rouse()
            await asyncio.gather(*serving)
            await self._drain()
        finally:
            for task in (*serving, *side):
                task.cancel()
            ended = await asyncio.gather(*side, return_exceptions=True)
            self.ctx.state.pop(WAKE, None)
            with suppress(Unavailable):
                await q.goodbye(self.ctx.db, id=self.id)
            await guard.close(self.ctx)
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    async def _drain(self) -> None:
        tasks = [task for running in self._running.values() for task in running]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=self.ctx.settings.drain_seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=5)

    def rouse(self) -> None:
        """Makes every queue be looked at now."""
        for event in self._look.values():
            event.set()

    async def _beat(self) -> None:
        seeded = False
        while True:
            try:
                await q.heartbeat(self.ctx.db, id=self.id)
                if not seeded:
                    await q.seed_periodic(self.ctx.db, kinds=[s.kind for s in HANDLERS.values() if s.every_s])
                    seeded = True
            except (Unavailable, RetryTransaction) as e:
                self.ctx.log.warning("heartbeat failed", error=e.message)
            await asyncio.sleep(HEARTBEAT_S)

    async def _extend(self) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            jobs = [job for running in self._running.values() for job in running.values()]
            if not jobs:
                continue
            try:
                await q.extend(
                    self.ctx.db,
                    ids=[j.id for j in jobs],
                    attempts=[j.attempts for j in jobs],
                    lease_s=LEASE_S,
                )
            except (Unavailable, RetryTransaction) as e:
                self.ctx.log.warning("leases not extended", error=e.message)

    # -- claiming

    async def _serve(self, queue: Queue, stop: asyncio.Event) -> None:
        running, look, most = self._running[queue], self._look[queue], slots(self.ctx, queue)
        looked = 0.0
        while not stop.is_set():
            free = most - len(running)
            if free <= 0:
                # A job's end sets `look`, and so does the wish to stop.
                look.clear()
                await self._wait(look, LEASE_S)
                await asyncio.sleep(_PACE_S)  # those that end together are replaced together
                continue
            look.clear()
            looked = time.monotonic()
            try:
                jobs = await self.claim(queue, free)
            except (Unavailable, RetryTransaction) as e:
                self.ctx.log.warning("cannot claim jobs", queue=queue, error=e.message)
                await self._wait(stop, random.uniform(*_BUSY_S))  # noqa: S311
                continue
            for job in jobs:
                task = asyncio.create_task(self.execute(job))
                running[task] = job
                task.add_done_callback(running.pop)
                task.add_done_callback(lambda _: self.rouse())
            if len(jobs) == free:
                continue
            await self._wait(look, random.uniform(*_POLL_S))  # noqa: S311
            if (pause := looked + _GAP_S - time.monotonic()) > 0:
                await asyncio.sleep(pause)

    @staticmethod
    async def _wait(event: asyncio.Event, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await event.wait()

    async def claim(self, queue: Queue, limit: int) -> Sequence[ClaimedJob]:
        """Leases up to `limit` due jobs of a queue."""
        return await q.claim(self.ctx.db, queue=queue, limit=limit, lease_s=LEASE_S)

    # -- running

    async def execute(self, job: ClaimedJob) -> None:
        """Runs one claimed job and records what came of it. Never raises, except for its own cancellation."""
        with structlog.contextvars.bound_contextvars(job_id=job.id, kind=job.kind):
            try:
                await self._execute(job)
            except asyncio.CancelledError:
                await asyncio.shield(self._settle(self._put_off((job, RetryLater(0.0)))))
                raise
            except (Unavailable, RetryTransaction) as e:
                # The outcome could not be written. The lease passes, the job runs again.
                self.ctx.log.warning("job outcome not recorded", error=e.message)
            except Exception:
                self.ctx.log.exception("job outcome not recorded")

    async def _settle(self, write: object) -> None:
        with suppress(Unavailable, RetryTransaction):
            await write  # pyright: ignore[reportGeneralTypeIssues]

    async def _execute(self, job: ClaimedJob) -> None:
        spec = HANDLERS.get(job.kind)
        if spec is None:
            # Perhaps of a newer version that runs beside this one during an upgrade.
            await self._put_off((job, RetryLater(30.0, f"No handler for {job.kind} in this version.")))
            return
        if job.attempts > spec.retry.max_attempts and spec.every_s is None:
            await self._give_up(job, spec, "Interrupted too many times.")
            return
        try:
            args = msgspec.json.decode(job.args, type=spec.args)
            async with asyncio.timeout(spec.limit_s):
                await spec.handler(self.ctx, args)
        except RetryLater as later:
            await self._put_off((job, later))
        except (Unavailable, RetryTransaction) as e:
            await self._put_off((job, RetryLater(random.uniform(*_BUSY_S), e.message)))  # noqa: S311
        except Exception as e:
            await self._failed(job, spec, e)
        else:
            await self._succeeded(job, spec)

    async def _succeeded(self, job: ClaimedJob, spec: JobSpec) -> None:
        if spec.every_s is None:
            await self._delete(job.id)
        else:
            await self._repeat(job, spec.every_s, None)

    async def _failed(self, job: ClaimedJob, spec: JobSpec, e: Exception) -> None:
        error = f"{type(e).__name__}: {e}".replace("\0", "\\0")[:2000]
        if spec.every_s is not None:
            self.ctx.log.exception("periodic job failed")
            await self._repeat(job, spec.retry.delay_s(job.attempts), error)
        elif isinstance(e, (GiveUp, msgspec.DecodeError)) or job.attempts >= spec.retry.max_attempts:
            self.ctx.log.exception("job given up", attempts=job.attempts)
            await self._give_up(job, spec, error)
        else:
            after_s = spec.retry.delay_s(job.attempts)
            self.ctx.log.warning("job failed", attempts=job.attempts, retry_in_s=after_s, exc_info=e)
            await q.retry(self.ctx.db, id=job.id, attempts=job.attempts, after_s=after_s, error=error)

    async def _give_up(self, job: ClaimedJob, spec: JobSpec, error: str) -> None:
        if spec.gave_up is not None:
            try:
                await spec.gave_up(self.ctx, msgspec.json.decode(job.args, type=spec.args))
            except (Unavailable, RetryTransaction):
                raise  # passes by itself: the lease ends, and the job is given up again
            except Exception:
                self.ctx.log.exception("the end of a job could not be told")
        await q.fail(self.ctx.db, id=job.id, attempts=job.attempts, error=error)

    async def _repeat(self, job: ClaimedJob, after_s: float, error: str | None) -> None:
        try:
            await q.repeat(self.ctx.db, id=job.id, after_s=after_s, error=error)
        except ConstraintBroken:  # another row of this kind waits already; one is enough
            await self._delete(job.id)

    # -- writing outcomes, many at once

    async def _delete_batch(self, ids: list[int]) -> list[None]:
        await q.delete_done(self.ctx.db, ids=sorted(ids))
        return [None] * len(ids)

    async def _put_off_batch(self, items: list[tuple[ClaimedJob, RetryLater]]) -> list[None]:
        given = [
            None if later.args_next is None else msgspec.json.encode(later.args_next).decode()
            for _, later in items
        ]
        await q.put_off(
            self.ctx.db,
            ids=[job.id for job, _ in items],
            attempts=[job.attempts for job, _ in items],
            after_s=[later.after_s for _, later in items],
            reasons=[later.reason for _, later in items],
            args=given,
            dedupe_keys=[later.dedupe_key for _, later in items],
        )
        return [None] * len(items)


async def run(ctx: Ctx, stop: asyncio.Event) -> None:
    """Runs a worker until `stop` is set and it has drained; closes the process's outbound connections."""
    await Worker(ctx).run(stop)


async def drain(ctx: Ctx) -> int:
    """For tests: runs everything that is due now, and what that leads to, until nothing is; returns the number of runs."""
    worker, runs = Worker(ctx), 0
    outermost = not guard.is_open(ctx)
    try:
        while True:
            jobs = [job for queue in QUEUES for job in await worker.claim(queue, slots(ctx, queue))]
            if not jobs:
                return runs
            runs += len(jobs)
            await asyncio.gather(*(worker.execute(job) for job in jobs))
    finally:
        if outermost:
            await guard.close(ctx)
