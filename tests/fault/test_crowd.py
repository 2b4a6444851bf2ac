"""Two hundred contributors at once, some of whom vanish, come late or send twice: each slot is done once, and the counts add up all the time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import pytest

from steelyard import tasks, users, work
from steelyard.clock import SystemClock
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import RetryTransaction
from steelyard.errors import LeaseLost
from steelyard.jobs.worker import drain
from tests.api.builders import image_task
from tests.fault.stack import assert_counters_are_exact

pytestmark = pytest.mark.fault

PEOPLE, TASKS, OVERLAP = 200, 60, 2
_ANSWER = (
    b'{"annotations":[{"type":"box","label":"Big Cow","left":0,"top":0,"width":40,"height":30,"uuid":"u"}]}'
)


async def _again(call: Any) -> Any:
    """A client that is told to try again does so."""
    for _ in range(20):
        try:
            return await call()
        except RetryTransaction:
            await asyncio.sleep(random.uniform(0.01, 0.1))
    raise AssertionError("the database stays busy")


class Crowd:
    """What all of them see and note."""

    def __init__(self, ctx: Ctx, space_id: int):
        self.ctx, self.space_id = ctx, space_id
        self.late: list[tuple[Actor, str]] = []
        self.outcomes: Counter[str] = Counter()
        self.over = asyncio.Event()

    async def person(self, actor: Actor, dice: random.Random) -> None:
        """Claims and works until nothing is left."""
        while not self.over.is_set():
            held = await _again(lambda: work.claim_work(self.ctx, actor))
            if isinstance(held, work.Nothing):
                await asyncio.sleep(dice.uniform(0.02, 0.2))
                continue
            fate = dice.random()
            if held.kind == "review":
                from steelyard import review

                verdict = "accept" if fate < 0.8 or held.round > 1 else "send_back"
                remarks = [review.NewComment(text="again")] if verdict == "send_back" else []
                try:
                    await _again(
                        lambda held=held, verdict=verdict, remarks=remarks: review.give_verdict(
                            self.ctx, actor, held.lease_token, verdict, comments=remarks
                        )
                    )
                    self.outcomes[verdict] += 1
                except LeaseLost:
                    self.outcomes["late verdict"] += 1
            elif fate < 0.15:  # killed: nothing more is heard, the lease runs out
                await self._draft(actor, held)
                await self._lapse(held)
                self.outcomes["vanished"] += 1
            elif fate < 0.3:  # comes back when the lease is over
                await self._draft(actor, held)
                await self._lapse(held)
                try:
                    await _again(
                        lambda held=held: work.submit_work(self.ctx, actor, held.lease_token, _ANSWER)
                    )
                    raise AssertionError("a lost lease took an answer")
                except LeaseLost:
                    self.late.append((actor, held.task_id))
                    self.outcomes["late"] += 1
            elif fate < 0.4:
                await _again(lambda held=held: work.release_work(self.ctx, actor, held.lease_token))
                self.outcomes["released"] += 1
            else:
                await _again(lambda held=held: work.extend_lease(self.ctx, actor, held.lease_token, 3))
                both = [work.submit_work(self.ctx, actor, held.lease_token, _ANSWER) for _ in range(2)]
                done = await asyncio.gather(*both, return_exceptions=True)
                if any(isinstance(d, RetryTransaction) for d in done):
                    await _again(
                        lambda held=held: work.submit_work(self.ctx, actor, held.lease_token, _ANSWER)
                    )
                assert not [
                    d for d in done if isinstance(d, BaseException) and not isinstance(d, RetryTransaction)
                ], done
                self.outcomes["submitted"] += 1

    async def _draft(self, actor: Actor, held: work.Work) -> None:
        base = held.revision or 0
        await _again(lambda: work.save_draft(self.ctx, actor, held.lease_token, base, '{"kept":true}'))

    async def _lapse(self, held: work.Work) -> None:
        await self.ctx.db.execute(
            "update slot set lease_expires_at = steelyard.now() where id = $1 and lease_token = $2",
            held.slot_id,
            held.lease_token,
        )

    async def watch(self) -> int:
        """The counters add up to what was created, per project and batch, at every moment; how often that was seen."""
        looks = 0
        while not self.over.is_set():
            rows = await self.ctx.db.fetch(
                "select scope, sum(n)::int as n from task_count where space_id = $1 group by scope, scope_id",
                self.space_id,
            )
            assert {r["scope"]: r["n"] for r in rows} == {"s": TASKS, "p": TASKS, "b": TASKS}
            looks += 1
            await asyncio.sleep(0.05)
        return looks

    async def merge(self) -> None:
        """A worker beside them."""
        while not self.over.is_set():
            await drain(self.ctx)
            left = await self.ctx.db.fetchval("select count(*) from task where status = 'pending'")
            if left == 0:
                self.over.set()
            await asyncio.sleep(0.05)


async def test_two_hundred_people_do_every_slot_once_and_strand_nothing(
    ctx: Ctx, live: Any, live_actor: Actor
) -> None:
    ctx.clock = SystemClock()
    space_id = live_actor.space_id
    for path, body in (
        ("/v1/projects", {"name": "p", "type": "imageannotation"}),
        ("/v1/batches", {"name": "b", "project": "p"}),
    ):
        assert (await live.post(path, json=body)).status_code == 200
    workflow = {"overlap": OVERLAP, "review_stages": [{"sample": 0.5}], "skip_limit": 100}
    assert (await live.put("/api/projects/p/workflow", json=workflow)).status_code == 200
    for _ in range(TASKS):
        made = await live.post("/v1/task/imageannotation", json=image_task(batch="b", callback_url=None))
        assert made.status_code == 200
        async with ctx.db.tx() as tx:
            assert await tasks.queue_task(ctx, tx, space_id, made.json()["task_id"])
    await ctx.db.execute("delete from job")
    people: list[Actor] = []
    for n in range(PEOPLE):
        made = await users.create_member(ctx, "main", f"w{n}@main.example", "member" if n % 4 else "manager")
        people.append(Actor(space_id, live_actor.account_id, "live", made.id, made.email, made.role))
    crowd = Crowd(ctx, space_id)
    async with asyncio.timeout(150):
        watching = asyncio.create_task(crowd.watch())
        await asyncio.gather(
            crowd.merge(), *(crowd.person(p, random.Random(i)) for i, p in enumerate(people))
        )
    assert await watching > 3
    assert {"submitted", "late", "vanished", "released", "accept"} <= set(crowd.outcomes), crowd.outcomes
    assert await ctx.db.fetchval("select count(*) from task where status = 'completed'") == TASKS
    assert await ctx.db.fetchval("select count(*) from slot where done_at is null") == 0
    twice = "select slot_id from attempt where state = 'submitted' group by slot_id having count(*) > 1"
    assert not await ctx.db.fetch(twice)
    same = (
        "select 1 from attempt a join slot o on o.id = a.slot_id where a.state = 'submitted'"
        " group by a.task_id, o.round, o.step, a.member_id having count(*) > 1"
    )
    assert not await ctx.db.fetch(same), "somebody had two slots of one step"
    own = (
        "select 1 from attempt r join slot ro on ro.id = r.slot_id join attempt l on l.task_id = r.task_id and l.member_id = r.member_id"
        " join slot lo on lo.id = l.slot_id where r.verdict is not null and l.state = 'submitted' and lo.step = 0 and lo.round <= ro.round"
    )
    assert not await ctx.db.fetch(own), "somebody reviewed their own work"
    for actor, task_id in crowd.late:
        kept = "select count(*) from draft where member_id = $1 and task_id = $2"
        answered = (
            "select count(*) from attempt where member_id = $1 and task_id = $2 and state = 'submitted'"
        )
        assert await ctx.db.fetchval(kept, actor.member_id, task_id) or await ctx.db.fetchval(
            answered, actor.member_id, task_id
        )
    await assert_counters_are_exact(ctx.db)  # pyright: ignore
