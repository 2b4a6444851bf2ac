"""The queue: claims, leases, retries, drains, takeovers, periodic jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from msgspec import Struct, structs

from steelyard.ctx import Ctx
from steelyard.db.outbox import enqueue, enqueue_many, wake
from steelyard.jobs import queries as q
from steelyard.jobs import worker as w
from steelyard.jobs.handlers import HANDLERS
from steelyard.jobs.periodic import PERIODIC
from steelyard.jobs.specs import GiveUp, JobSpec, RetryLater, RetryPolicy

from .helpers import make_space, make_task, rows, shift


class Note(Struct, frozen=True):
    text: str
    tries: int = 0


Register = Callable[..., None]


@pytest.fixture
def register() -> Iterator[Register]:
    """Adds a kind of job for the length of a test."""
    added: list[str] = []

    def add(kind: str, handler: Callable[[Ctx, Note], Awaitable[None]], **more: Any) -> None:
        HANDLERS[kind] = JobSpec(kind, handler, Note, **more)
        added.append(kind)

    yield add
    for kind in added:
        del HANDLERS[kind]


async def test_a_job_that_succeeds_leaves_no_row(ctx: Ctx, register: Register) -> None:
    seen: list[str] = []

    async def note(_: Ctx, args: Note) -> None:
        seen.append(args.text)

    register("note", note)
    await enqueue_many(ctx.db, "note", [Note("a"), {"text": "b"}, Note("c")])
    assert await w.drain(ctx) == 3
    assert sorted(seen) == ["a", "b", "c"]
    assert await rows(ctx, "select id from job") == []


async def test_a_job_written_in_a_transaction_that_fails_never_was(ctx: Ctx) -> None:
    with pytest.raises(ZeroDivisionError):
        async with ctx.db.tx() as tx:
            await enqueue(tx, "note", Note("a"))
            raise ZeroDivisionError
    assert await rows(ctx, "select id from job") == []


async def test_promises_with_one_dedupe_key_share_a_waiting_row_but_not_a_running_one(
    ctx: Ctx, register: Register
) -> None:
    runs: list[int] = []

    async def note(ctx: Ctx, _: Note) -> None:
        runs.append(1)
        if len(runs) == 1:  # a promise made while the job runs must lead to another run
            await enqueue(ctx.db, "note", Note("again"), dedupe_key="k")

    register("note", note)
    for _ in range(5):
        await enqueue(ctx.db, "note", Note("a"), dedupe_key="k")
    assert await ctx.db.fetchval("select count(*) from job") == 1
    await w.drain(ctx)
    assert len(runs) == 2


async def test_a_failing_job_is_retried_by_its_policy_and_then_stays_visible(
    ctx: Ctx, register: Register
) -> None:
    runs: list[int] = []

    async def broken(_: Ctx, args: Note) -> None:
        runs.append(1)
        raise RuntimeError("no luck\0")

    register("broken", broken, retry=RetryPolicy(max_attempts=3, first_s=10, longest_s=100))
    await enqueue(ctx.db, "broken", Note("a"))
    await w.drain(ctx)
    await shift(ctx, 7)
    assert await w.drain(ctx) == 0, "the first pause is at least 8 s"
    await shift(ctx, 6)
    await w.drain(ctx)
    await shift(ctx, 25)
    await w.drain(ctx)
    await shift(ctx, 1000)
    await w.drain(ctx)
    assert len(runs) == 3
    [job] = await rows(ctx, "select attempts, last_error, failed_at from job")
    assert job["attempts"] == 3
    assert job["last_error"] == "RuntimeError: no luck\\0"
    assert job["failed_at"] is not None


async def test_a_job_that_hangs_is_interrupted_and_retried(ctx: Ctx, register: Register) -> None:
    async def hangs(_: Ctx, args: Note) -> None:
        await asyncio.sleep(60)

    register("hangs", hangs, limit_s=0.1)
    await enqueue(ctx.db, "hangs", Note("a"))
    assert await w.drain(ctx) == 1
    [job] = await rows(ctx, "select attempts, failed_at, last_error from job")
    assert (job["attempts"], job["failed_at"]) == (1, None)
    assert job["last_error"].startswith("TimeoutError")


async def test_a_job_that_gives_up_or_has_unreadable_arguments_fails_at_once(
    ctx: Ctx, register: Register
) -> None:
    async def hopeless(_: Ctx, args: Note) -> None:
        raise GiveUp("never")

    register("hopeless", hopeless)
    await enqueue(ctx.db, "hopeless", Note("a"))
    await enqueue(ctx.db, "hopeless", {"text": 5})
    await w.drain(ctx)
    assert await ctx.db.fetchval("select count(*) from job where failed_at is not null and attempts = 1") == 2


async def test_a_job_put_off_keeps_its_new_arguments_and_costs_no_attempt(
    ctx: Ctx, register: Register
) -> None:
    seen: list[int] = []

    async def later(_: Ctx, args: Note) -> None:
        seen.append(args.tries)
        if args.tries < 3:
            raise RetryLater(
                5, "not yet", args=structs.replace(args, tries=args.tries + 1), dedupe_key="later:a"
            )

    register("later", later, retry=RetryPolicy(max_attempts=1))
    await enqueue(ctx.db, "later", Note("a"))
    for _ in range(4):
        await w.drain(ctx)
        waiting = await rows(ctx, "select attempts, last_error, dedupe_key from job")
        assert waiting in ([], [{"attempts": 0, "last_error": "not yet", "dedupe_key": "later:a"}])
        await shift(ctx, 5)
    assert seen == [0, 1, 2, 3]
    assert await rows(ctx, "select id from job") == []


async def test_a_kind_of_a_newer_version_waits_for_a_worker_that_knows_it(ctx: Ctx) -> None:
    await enqueue(ctx.db, "of_tomorrow", Note("a"))
    await w.drain(ctx)
    [job] = await rows(ctx, "select attempts, failed_at from job")
    assert job == {"attempts": 0, "failed_at": None}


async def test_two_claimers_never_get_the_same_job(ctx: Ctx) -> None:
    await enqueue_many(ctx.db, "note", [Note(str(i)) for i in range(500)])
    claims = await asyncio.gather(
        *(q.claim(ctx.db, queue="default", limit=60, lease_s=30) for _ in range(12))
    )
    ids = [job.id for claim in claims for job in claim]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 490  # rows locked by another claim are skipped, not waited for


async def test_the_jobs_of_a_worker_that_vanished_are_taken_over_when_their_leases_pass(
    ctx: Ctx, register: Register
) -> None:
    seen: list[str] = []

    async def note(_: Ctx, args: Note) -> None:
        seen.append(args.text)

    register("note", note)
    await enqueue(ctx.db, "note", Note("a"))
    assert (
        len(await q.claim(ctx.db, queue="default", limit=10, lease_s=w.LEASE_S)) == 1
    )  # and never heard of again
    await shift(ctx, w.LEASE_S - 5)
    assert await w.drain(ctx) == 0
    await shift(ctx, 10)
    assert await w.drain(ctx) == 1
    assert seen == ["a"]


async def test_a_job_that_outlasts_its_lease_is_not_run_twice(
    ctx: Ctx, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(w, "LEASE_S", 0.6)
    runs: list[int] = []

    async def slow(_: Ctx, args: Note) -> None:
        runs.append(1)
        await asyncio.sleep(2)

    register("slow", slow)
    await enqueue(ctx.db, "slow", Note("a"))
    stop = asyncio.Event()
    workers = [asyncio.create_task(w.run(ctx, stop)) for _ in range(2)]
    await asyncio.sleep(1.5)
    stop.set()
    await asyncio.gather(*workers)
    assert len(runs) == 1
    assert await rows(ctx, "select id from job where kind = 'slow'") == []


async def test_a_stopping_worker_finishes_what_runs_and_gives_the_rest_back(
    ctx: Ctx, register: Register
) -> None:
    ctx.settings = structs.replace(ctx.settings, drain_seconds=1, worker_concurrency=2)
    done: list[str] = []

    async def work(_: Ctx, args: Note) -> None:
        await asyncio.sleep(0.3 if args.text == "short" else 60)
        done.append(args.text)

    register("work", work)
    await enqueue_many(ctx.db, "work", [Note("short"), Note("long"), Note("not begun")])
    stop = asyncio.Event()
    running = asyncio.create_task(w.run(ctx, stop))
    await asyncio.sleep(0.2)
    assert await q.live_workers(ctx.db, within_s=10.0) == 1
    stop.set()
    await running
    assert done == ["short"]
    left = await rows(
        ctx,
        "select args->>'text' as text, attempts, run_at <= steelyard.now() as due from job where kind = 'work'",
    )
    assert sorted((j["text"], j["attempts"], j["due"]) for j in left) == [
        ("long", 0, True),
        ("not begun", 0, True),
    ]
    assert await q.live_workers(ctx.db, within_s=10.0) == 0


async def test_slow_attachments_do_not_delay_other_queues(ctx: Ctx, register: Register) -> None:
    ctx.settings = structs.replace(ctx.settings, drain_seconds=1, worker_concurrency=4)
    done = asyncio.Event()

    async def stuck(_: Ctx, args: Note) -> None:
        await asyncio.sleep(60)

    async def quick(_: Ctx, args: Note) -> None:
        done.set()

    register("stuck", stuck, queue="attachments")
    register("quick", quick)
    await enqueue_many(ctx.db, "stuck", [Note("a")] * 20, queue="attachments")
    stop = asyncio.Event()
    running = asyncio.create_task(w.run(ctx, stop))
    await asyncio.sleep(0.2)
    await enqueue(ctx.db, "quick", Note("b"))
    async with asyncio.timeout(2):
        await done.wait()
    stop.set()
    await running


async def test_a_wake_up_spares_the_wait_for_the_next_poll(
    ctx: Ctx, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(w, "_POLL_S", (30.0, 30.0))
    done = asyncio.Event()

    async def quick(_: Ctx, args: Note) -> None:
        done.set()

    register("quick", quick)
    stop = asyncio.Event()
    running = asyncio.create_task(w.run(ctx, stop))
    await asyncio.sleep(0.5)
    await enqueue(ctx.db, "quick", Note("b"))
    wake(ctx)
    async with asyncio.timeout(3):
        await done.wait()
    stop.set()
    await running


async def test_periodic_jobs_are_one_row_each_however_many_workers_start(ctx: Ctx) -> None:
    stop = asyncio.Event()
    workers = [asyncio.create_task(w.run(ctx, stop)) for _ in range(3)]
    await asyncio.sleep(1.5)
    stop.set()
    await asyncio.gather(*workers)
    found = await rows(
        ctx, "select kind, dedupe_key, attempts, run_at > steelyard.now() as later, last_error from job"
    )
    assert sorted(j["kind"] for j in found) == sorted(p.kind for p in PERIODIC)
    assert all(
        j["dedupe_key"] == f"periodic:{j['kind']}" and j["later"] and j["last_error"] is None for j in found
    )


async def test_periodic_jobs_run_again_after_their_interval(ctx: Ctx) -> None:
    await q.seed_periodic(ctx.db, kinds=[p.kind for p in PERIODIC])
    await q.seed_periodic(ctx.db, kinds=[p.kind for p in PERIODIC])
    assert await w.drain(ctx) == len(PERIODIC)
    assert await w.drain(ctx) == 0
    await shift(ctx, 61)
    assert await w.drain(ctx) == sum((p.every_s or 0) <= 60 for p in PERIODIC)
    await shift(ctx, 7 * 3600)
    assert await w.drain(ctx) == len(PERIODIC)


async def test_expired_keys_and_sessions_and_dead_processes_are_removed(ctx: Ctx) -> None:
    space = await make_space(ctx)
    for key, age in (("old", "-1 hour"), ("young", "1 hour")):
        await ctx.db.execute(
            """
            insert into idempotency_key (space_id, key, member_id, request_sha256, state, created_at, expires_at)
            values ($1, $2, 1, '', 'processing', steelyard.now(), steelyard.now() + $3::text::interval)
            """,
            space,
            key,
            age,
        )
    await ctx.db.execute(
        "insert into process values ('x', 'worker', steelyard.now(), steelyard.now() - interval '2 hours')"
    )
    await q.seed_periodic(ctx.db, kinds=[p.kind for p in PERIODIC])
    await w.drain(ctx)
    assert await rows(ctx, "select key from idempotency_key") == [{"key": "young"}]
    assert await rows(ctx, "select id from process") == []


async def test_a_lapsed_lease_is_tidied_and_a_live_one_is_not(ctx: Ctx) -> None:
    space = await make_space(ctx)
    tasks = [await make_task(ctx, space, stage="labeling") for _ in range(2)]
    for task, seconds in zip(tasks, (-120, 120), strict=True):
        slot = await ctx.db.fetchval(
            """
            insert into slot (space_id, task_id, lease_token, lease_member_id, lease_expires_at)
            values ($1, $2, 't' || $2, 7, steelyard.now() + make_interval(secs => $3)) returning id
            """,
            space,
            task,
            float(seconds),
        )
        await ctx.db.execute(
            """
            insert into attempt (space_id, slot_id, task_id, member_id, lease_token, state, claimed_at)
            values ($1, $2, $3, 7, 't' || $3, 'open', steelyard.now())
            """,
            space,
            slot,
            task,
        )
    await q.seed_periodic(ctx.db, kinds=["tidy_leases"])
    await w.drain(ctx)
    stages = {r["id"]: r["stage"] for r in await rows(ctx, "select id, stage from task")}
    assert [stages[t] for t in tasks] == ["queued", "labeling"]
    states = {r["task_id"]: r["state"] for r in await rows(ctx, "select task_id, state from attempt")}
    assert [states[t] for t in tasks] == ["lapsed", "open"]
    assert await ctx.db.fetchval("select lease_token is null from slot where task_id = $1", tasks[0])
