"""Leads who change everything while people work: whatever meets whatever, no task is stuck in the end and no acknowledged answer is lost."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from typing import Any

import pytest

from steelyard import users
from steelyard.jobs import worker
from steelyard.jobs.specs import NoArgs
from steelyard.work import end_waiting
from tests.api.crew import Crew, Person, boxes, ok
from tests.fault.stack import assert_counters_are_exact

pytestmark = pytest.mark.fault

TASKS = 60
LABELERS, REVIEWERS, MODELS = 5, 3, 2
STEPS = int(os.environ.get("STEELYARD_TEST_STEPS") or 60)
"""So many turns everybody has while leads are at it."""
FOREVER = "2020-01-01T00:00:00Z"
SEED = int(os.environ.get("STEELYARD_TEST_SEED") or random.SystemRandom().randrange(10**6))
FINE = (200, 400, 404, 409)
"""A verb that comes too late is refused in the contract's words; anything else is a fault."""
SHUT_OUT = (401, 403, 409)
"""Who is disabled, or holds as many leases as one person may."""


class Chaos:
    """Everybody at once, each with dice of their own."""

    def __init__(self, crew: Crew, people: list[Person]):
        self.crew, self.people = crew, people
        self.told: Counter[str] = Counter()
        self.taken: set[tuple[int, int]] = set()
        """Slots whose answer was acknowledged, each with the member (a withdrawn answer's slot is given to somebody else)."""
        self.over = asyncio.Event()

    async def contribute(self, person: Person, dice: random.Random) -> bool:
        """One piece of work, somehow; whether there was any."""
        claimed = await person.client.post("/api/work/claim", json={})
        if claimed.status_code != 200:
            assert claimed.status_code in SHUT_OUT, claimed.text
            self.told[f"claim {claimed.status_code}"] += 1
            return False
        lease = claimed.json()
        if lease["slot"] is None:
            self.told[f"nothing: {lease['nothing']}"] += 1
            return False
        fate = dice.random()
        if self.over.is_set():
            fate = 1.0
        slot = lease["slot"]["id"]
        if fate < 0.06:
            self.told["vanished"] += 1
        elif fate < 0.18:
            verb, body = dice.choice([("release", {}), ("skip", {"reason": "too blurred"})])
            await self._send(person, lease, verb, **body)
        elif lease["stage"] == "review":
            body: dict[str, Any] = {"verdict": "accept"}
            if fate < 0.4:
                body = {"verdict": "send_back", "comments": [{"text": "again"}]}
            elif fate < 0.5:
                body = {"verdict": "fix", "response": boxes(dice.randrange(50))}
            await asyncio.sleep(dice.uniform(0, 0.02))
            await self._send(person, lease, "review", slot=slot, **body)
        else:
            await asyncio.sleep(dice.uniform(0, 0.02))
            answers = [boxes(dice.randrange(50))] * (2 if fate < 0.3 else 1)
            await asyncio.gather(
                *(self._send(person, lease, "submit", slot=slot, response=a) for a in answers)
            )
        return True

    async def _send(
        self, person: Person, lease: Any, verb: str, slot: int | None = None, **body: Any
    ) -> None:
        answer = await person.send(lease, verb, **body)
        assert answer.status_code in (*FINE, *SHUT_OUT), (verb, answer.text)
        self.told[f"{verb} {answer.status_code}"] += 1
        if answer.status_code == 200 and slot is not None:
            self.taken.add((slot, person.id))

    async def meddle(self, tasks: list[str], dice: random.Random) -> None:
        """One thing that leads do."""
        call = self.crew.live
        person, task_id = dice.choice(self.people), dice.choice(tasks)
        member = f"/api/projects/p/members/{self.ids[person.email]}"
        match dice.randrange(20):
            case 0:
                said = await call.post(f"{member}/requeue-work", json={"since": FOREVER})
            case 1:
                said = await call.post(f"{member}/pause", json={"reason": "noise"})
            case 2 | 3:
                said = await call.post(f"{member}/unpause")
            case 4:
                said = await call.put("/api/projects/p/workflow", json=_workflow(dice))
            case 5:
                said = await call.post(f"/api/tasks/{task_id}/recall", json={"reason": "once more"})
            case 6:
                said = await call.post(f"/api/tasks/{task_id}/reassign", json={"email": person.email})
            case 7:
                open_slots = "select id from slot where done_at is null and lease_token is not null"
                held = [r["id"] for r in await self.crew.ctx.db.fetch(open_slots)]
                said = await call.post(f"/api/work/leases/{dice.choice(held or [1])}/release", json={})
            case 8:
                said = await call.post(f"/v1/task/{task_id}/audit", json={"accepted": dice.random() < 0.5})
            case 9:
                said = await call.post(f"/api/batches/b/{dice.choice(['pause', 'resume', 'resume'])}")
            case 10 | 11:
                verb = dice.choice(["remove", "add", "add"])
                body = {"emails": [person.email], "projects": ["p"]}
                said = await call.post(f"/v1/studio/assignments/{verb}", json=body)
            case 12:
                said = await call.post(
                    f"/api/members/{self.ids[person.email]}/{dice.choice(['disable', 'enable'])}"
                )
            case 13:
                kind = dice.choice(["evaluation", "evaluation", "training"])
                said = await call.post(f"/api/tasks/{task_id}/make-quality-task", json={"kind": kind})
            case 14:
                filter = {"project": "p", "unique_id": dice.sample(tasks, 5)}
                change = {"verb": "prioritize", "priority": dice.choice([10, 20, 30]), "filter": filter}
                said = await call.post("/api/bulk-changes", json=change)
            case 15:
                said = await call.post(f"/api/tasks/{task_id}/skip-prelabel")
            case 16:
                body = {"role": dice.choice(["labeler", "member", "manager"])}
                said = await call.put(f"/api/members/{self.ids[person.email]}/role", json=body)
            case 17 | 18:
                tasks.append(await self.crew.task("p", batch=dice.choice([None, "b"])))
                return
            case _:
                filter = {"project": "p", "unique_id": [task_id]}
                change = {"verb": "cancel", "begun": True, "filter": filter}
                said = await call.post("/api/bulk-changes", json=change)
        assert said.status_code in FINE, said.text
        self.told[f"{said.request.url.path.rsplit('/', 1)[1]} {said.status_code}"] += 1

    async def hurry(self) -> None:
        """Leases and reservations run out early."""
        await self.crew.ctx.db.execute(
            "update slot set lease_expires_at = steelyard.now() where done_at is null and lease_token is not null and id % 3 = 0"
        )
        await self.crew.ctx.db.execute(
            "update slot set only_until = steelyard.now() where only_until is not null"
        )

    async def drain(self) -> None:
        await end_waiting(self.crew.ctx, NoArgs())
        await self.crew.ctx.db.execute("delete from job where queue in ('attachments', 'callbacks')")
        await worker.drain(self.crew.ctx)

    async def look_up(self) -> None:
        """The public ids of all members."""
        rows = await self.crew.ctx.db.fetch("select public_id, email from member")
        self.ids = {r["email"]: r["public_id"] for r in rows}


async def _model(crew: Crew, name: str) -> Person:
    made = ok(await crew.live.post("/api/members/models", json={"name": name}))
    email = made["member"]["email"]
    ok(await crew.live.post("/v1/studio/assignments/add", json={"emails": [email], "projects": ["p"]}))
    member_id = await crew.ctx.db.fetchval("select id from member where email = $1", email)
    return Person(crew.client_for(made["key"]["key"]), email, member_id)


def _workflow(dice: random.Random) -> dict[str, Any]:
    stages = [{"sample": dice.choice([0.5, 1])} for _ in range(dice.randrange(3))]
    return {
        "overlap": dice.randint(1, 3),
        "review_stages": stages,
        "review_first": dice.random() < 0.5,
        "skip_limit": 2,
        "evaluation_rate": dice.choice([0, 0.3]),
        "evaluation_min": 2,
        "training_required": dice.choice([0, 0, 1]),
        "prelabel": dice.choice([None, {}, {"models_vote": True}]),
    }


async def test_whatever_leads_do_while_people_work_no_task_is_stuck_and_no_answer_lost(ctx, live, client_for):
    print(f"seed {SEED}")
    crew = Crew(ctx, live, client_for)
    await crew.project("p", **_workflow(random.Random(SEED)))
    people = [await crew.person(f"labels{n}", "labeler", "p") for n in range(LABELERS)]
    people += [await crew.person(f"reviews{n}", "member", "p") for n in range(REVIEWERS)]
    people += [await _model(crew, f"model{n}") for n in range(MODELS)]
    ok(await live.post("/v1/batches", json={"project": "p", "name": "b"}))
    tasks = [await crew.task("p", **({"batch": "b"} if n % 2 else {})) for n in range(TASKS)]
    ok(await live.post("/v1/batches/b/finalize"))
    await ctx.db.execute("update task set unique_id = id")
    chaos = Chaos(crew, people)
    await chaos.look_up()

    async def working(person: Person) -> None:
        dice = random.Random(f"{SEED} {person.email}")
        for _ in range(STEPS):
            await chaos.contribute(person, dice)
            await asyncio.sleep(dice.uniform(0, 0.01))

    async def leading() -> None:  # two of them, with the same dice: every act meets its twin
        dice = random.Random(f"{SEED} lead")
        for _ in range(STEPS):
            await chaos.meddle(tasks, dice)
            await asyncio.sleep(dice.uniform(0, 0.08))

    async def beside() -> None:
        while not chaos.over.is_set():
            await chaos.hurry()
            await chaos.drain()
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as everybody:
        everybody.create_task(beside())
        busy = [everybody.create_task(w) for w in (*map(working, people), leading(), leading())]
        await asyncio.wait(busy)
        chaos.over.set()

    # Quiet again: everybody may work, nobody refuses anything, time passes. Reviewers join who have labeled nothing yet.
    people += [await crew.person(f"joins{n}", "member" if n < 3 else "labeler", "p") for n in range(6)]
    await chaos.look_up()
    ok(await live.put("/api/projects/p/workflow", json={"overlap": 1}))
    await live.post("/api/batches/b/resume")
    for person in people:
        if (await live.post(f"/api/members/{chaos.ids[person.email]}/enable")).status_code == 200:
            key = await users.create_key(ctx, "main", "live", member_email=person.email, scope="work")
            person.client = client_for(key.key)
        ok(await live.post("/v1/studio/assignments/add", json={"emails": [person.email], "projects": ["p"]}))
        ok(await live.post(f"/api/projects/p/members/{chaos.ids[person.email]}/unpause"))
    admin = Person(live, "admin", await ctx.db.fetchval("select id from member where email like 'admin@%'"))
    calm = random.Random(SEED)
    for _ in range(40):
        await ctx.db.execute(
            "update slot set lease_expires_at = steelyard.now() where done_at is null and lease_token is not null"
        )
        await chaos.hurry()
        await chaos.drain()
        worked = [await chaos.contribute(p, calm) for p in [*people, admin] for _ in range(4)]
        await chaos.drain()
        if not any(worked) and not await ctx.db.fetchval(
            "select count(*) from task where status = 'pending'"
        ):
            break
    print(dict(chaos.told))
    stuck = await ctx.db.fetch(
        "select t.id, t.stage, s.id as slot, s.kind, s.step, s.round, s.only_member_id, s.escalated from task t"
        " left join slot s on s.task_id = t.id and s.done_at is null where t.status = 'pending'"
    )
    told = "select a.slot_id, a.member_id, a.state, o.kind, o.step, o.round from attempt a join slot o on o.id = a.slot_id where a.task_id = $1"
    assert not stuck, [
        (dict(r), await ctx.db.fetch(told, r["id"]), await crew.events(r["id"])) for r in stuck
    ]
    # An evaluation task may wait for its member for ever; nobody waits for it.
    open_slots = await ctx.db.fetch(
        "select id, task_id, kind, round, step from slot where done_at is null and kind in ('label', 'review', 'prelabel')"
    )
    assert not open_slots, [dict(r) for r in open_slots]
    rows = await ctx.db.fetch(
        "select slot_id, member_id from attempt where state in ('submitted', 'withdrawn') and response is not null"
    )
    assert chaos.taken <= {(r["slot_id"], r["member_id"]) for r in rows}, (
        "an answer was acknowledged and is not there"
    )
    wrong = await ctx.db.fetch(
        "select t.id from task t join response_version v on v.space_id = t.space_id and v.task_id = t.id and v.version = t.response_version"
        " where t.status = 'completed' and t.response::jsonb <> v.response::jsonb"
    )
    assert not wrong
    assert not await ctx.db.fetch("select * from job where failed_at is not null")
    assert ok(await live.get("/v1/batches/b/status"))["status"] == "completed"
    async with ctx.db.tx() as tx:
        await assert_counters_are_exact(tx)  # type: ignore[arg-type]
