"""Batch completion under concurrency (platform-api §17.4)."""

from __future__ import annotations

import asyncio
import json
from email import message_from_bytes
from typing import Any

import httpx
import msgspec
import pytest
from aiosmtpd.controller import Controller
from standardwebhooks.webhooks import Webhook

from steelyard.batches.settle import settle_batch
from steelyard.callbacks.deliver import RETRY_DELAYS_MIN
from steelyard.ctx import Actor, Ctx
from steelyard.jobs.specs import SettleBatch
from steelyard.jobs.worker import drain
from steelyard.tasks import complete_task, fail_task

from .helpers import Receiver, make_space, make_task, rows, serving, shift
from .test_ledger import Inbox, _free_port


async def make_batch(
    ctx: Ctx, space: int, *, status: str = "in_progress", callback: str = "", name: str = "cows"
) -> str:
    project, batch = ctx.ids.mint(ctx.clock.now()), ctx.ids.mint(ctx.clock.now())
    await ctx.db.execute(
        """
        insert into project (space_id, id, name, type, kind, created_at, updated_at)
        values ($1, $2, $2, 'imageannotation', 'standard', steelyard.now(), steelyard.now())
        """,
        space,
        project,
    )
    await ctx.db.execute(
        """
        insert into batch (space_id, id, project_id, name, status, callback, created_at, updated_at, completed_at)
        values ($1, $2, $3, $4, $5, $6, steelyard.now(), steelyard.now(), case when $5 = 'completed' then steelyard.now() end)
        """,
        space,
        batch,
        project,
        name,
        status,
        callback,
    )
    return batch


async def count(ctx: Ctx, space: int, batch: str, status: str, n: int, shard: int = 0) -> None:
    await ctx.db.execute(
        """
        insert into task_count values ($1, 'b', $2, 'imageannotation', $3, $4, $5)
        on conflict (space_id, scope, scope_id, type, status, shard) do update set n = task_count.n + excluded.n
        """,
        space,
        batch,
        status,
        shard,
        n,
    )


async def test_a_batch_completes_when_nothing_is_pending_and_its_owner_is_told_once(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver()
    async with serving(receiver) as url:
        batch = await make_batch(ctx, space, callback=url + "/batch", name='cows "week 1"')
        await count(ctx, space, batch, "completed", 41)
        await count(ctx, space, batch, "canceled", 2)
        await count(ctx, space, batch, "pending", 7, shard=0)
        await count(ctx, space, batch, "pending", -7, shard=1)
        for _ in range(3):
            await settle_batch(ctx, SettleBatch(space, batch))
        await drain(ctx)
    [(path, headers, body)] = receiver.got
    assert (path, headers["scale-callback-auth"]) == ("/batch", "auth-live-acme")
    assert json.loads(body) == {
        "batch": 'cows "week 1"',
        "status": "completed",
        "stats": {"completed": 41, "canceled": 2},
    }
    [row] = await rows(ctx, "select status, completed_at from batch")
    assert row["status"] == "completed"
    assert row["completed_at"] is not None


@pytest.mark.parametrize("status", ["staging", "paused", "cancelled"])
async def test_other_batches_are_left_alone(ctx: Ctx, status: str) -> None:
    space = await make_space(ctx)
    batch = await make_batch(ctx, space, status=status, callback="http://127.0.0.1:9/")
    await count(ctx, space, batch, "completed", 1)
    await settle_batch(ctx, SettleBatch(space, batch))
    assert await ctx.db.fetchval("select status from batch") == status
    assert await ctx.db.fetchval("select count(*) from callback_event") == 0


@pytest.mark.parametrize("counts", [{}, {"pending": 1, "completed": 5}])
async def test_an_empty_or_unfinished_batch_stays_in_progress(ctx: Ctx, counts: dict[str, int]) -> None:
    space = await make_space(ctx)
    batch = await make_batch(ctx, space)
    for status, n in counts.items():
        await count(ctx, space, batch, status, n)
    await settle_batch(ctx, SettleBatch(space, batch))
    assert await ctx.db.fetchval("select status from batch") == "in_progress"


async def test_a_batch_with_new_tasks_reopens_and_tells_again_when_it_completes_again(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver()
    async with serving(receiver) as url:
        batch = await make_batch(ctx, space, status="completed", callback=url)
        await count(ctx, space, batch, "completed", 1)
        await count(ctx, space, batch, "pending", 1)
        await settle_batch(ctx, SettleBatch(space, batch))
        assert await rows(ctx, "select status, completed_at from batch") == [
            {"status": "in_progress", "completed_at": None}
        ]
        await count(ctx, space, batch, "pending", -1)
        await count(ctx, space, batch, "completed", 1)
        await settle_batch(ctx, SettleBatch(space, batch))
        await drain(ctx)
    assert [json.loads(body)["stats"] for _, _, body in receiver.got] == [{"completed": 2}]


async def test_simultaneous_last_completions_give_one_batch_callback_with_right_counts(ctx: Ctx) -> None:
    space, receiver, n = await make_space(ctx), Receiver(), 200
    async with serving(receiver) as url:
        batch = await make_batch(ctx, space, callback=url)
        tasks = [await make_task(ctx, space, stage="queued", batch_id=batch) for _ in range(n)]
        await count(ctx, space, batch, "pending", n)

        async def complete(task: str) -> None:
            async with ctx.db.tx() as tx:
                assert await complete_task(
                    ctx, tx, space, task, b'{"annotations":[]}', origin="labeled", author="me"
                )

        settling = asyncio.Event()

        async def settle_all_the_time() -> None:
            while not settling.is_set():
                await drain(ctx)
                await asyncio.sleep(0)

        settler = asyncio.create_task(settle_all_the_time())
        await asyncio.gather(*(complete(t) for t in tasks))
        settling.set()
        await settler
        await drain(ctx)
    assert [json.loads(body) for _, _, body in receiver.got] == [
        {"batch": "cows", "status": "completed", "stats": {"completed": n}}
    ]
    assert await ctx.db.fetchval("select status from batch") == "completed"


async def test_a_batch_that_is_gone_or_in_another_space_is_no_error(ctx: Ctx) -> None:
    live, test = await make_space(ctx), await make_space(ctx, mode="test")
    batch = await make_batch(ctx, live)
    await count(ctx, test, batch, "completed", 1)
    await settle_batch(ctx, SettleBatch(test, batch))
    await settle_batch(ctx, SettleBatch(live, "0" * 24))
    assert await ctx.db.fetchval("select status from batch") == "in_progress"


TASK = {
    "instruction": "Say what this is about.",
    "attachments": [{"type": "text", "content": "A cow."}],
    "fields": [{"type": "text", "field_id": "about", "title": "About"}],
}


async def begun(client: httpx.AsyncClient, callback: str, **more: Any) -> None:
    """A project `cows` with a batch `week 1`."""
    for path, body in (
        ("/v1/projects", {"type": "textcollection", "name": "cows"}),
        ("/v1/batches", {"project": "cows", "name": "week 1", "callback": callback, **more}),
    ):
        made = await client.post(path, json=body)
        assert made.status_code == 200, made.text


async def added(client: httpx.AsyncClient) -> str:
    made = await client.post("/v1/task/textcollection", json={**TASK, "batch": "week 1"})
    assert made.status_code == 200, made.text
    return made.json()["task_id"]


async def status(client: httpx.AsyncClient) -> str:
    return (await client.get("/v1/batches/week%201")).json()["status"]


async def test_every_way_a_task_ends_counts_and_the_last_one_tells(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    receiver, space = Receiver(), live_actor.space_id
    async with serving(receiver) as url:
        await begun(live, url + "/batch")
        one, two, three, four = [await added(live) for _ in range(4)]
        await drain(ctx)
        assert (await live.post(f"/v1/task/{one}/cancel")).status_code == 200
        async with ctx.db.tx() as tx:
            assert await complete_task(ctx, tx, space, two, b"{}", origin="labeled", author="me")
        async with ctx.db.tx() as tx:
            assert await fail_task(ctx, tx, space, three, b"{}")
        await drain(ctx)
        assert (await status(live), receiver.got) == ("in_progress", [])
        assert (await live.post("/api/batches/week%201/pause")).status_code == 200
        async with ctx.db.tx() as tx:
            assert await complete_task(ctx, tx, space, four, b"{}", origin="labeled", author="me")
        await drain(ctx)
        assert (await status(live), receiver.got) == ("paused", []), "nothing is told while it is paused"
        assert (await live.post("/api/batches/week%201/resume")).json()["status"] == "completed"
        await drain(ctx)
        again = await live.post("/v1/batches/week%201/finalize")
        assert again.json()["status"] == "completed"
        await drain(ctx)
    assert [json.loads(body) for _, _, body in receiver.got] == [
        {"batch": "week 1", "status": "completed", "stats": {"canceled": 1, "completed": 2, "error": 1}}
    ]


async def test_a_batch_of_test_tasks_tells_with_the_secret_of_test_mode_and_again_after_another_task(
    ctx: Ctx, test: httpx.AsyncClient, test_actor: Actor
) -> None:
    receiver = Receiver()
    secret, signing = await ctx.db.fetchrow(
        "select callback_auth_key, callback_signing_secret from space where id = $1", test_actor.space_id
    )
    async with serving(receiver) as url:
        await begun(test, url)
        for _ in range(2):
            await added(test)
            await drain(ctx)
            assert await status(test) == "completed"
    assert [json.loads(body)["stats"] for _, _, body in receiver.got] == [{"completed": 1}, {"completed": 2}]
    for _, headers, body in receiver.got:
        assert (headers["scale-callback-auth"], headers["Content-Type"]) == (secret, "application/json")
        Webhook(signing).verify(body, headers)


async def test_a_batch_callback_is_tried_for_24_hours_listed_and_sent_again(
    ctx: Ctx, live: httpx.AsyncClient
) -> None:
    receiver = Receiver(status=503)
    async with serving(receiver) as url:
        await begun(live, url)
        task = await added(live)
        assert (await live.post(f"/v1/task/{task}/cancel")).status_code == 200
        await drain(ctx)
        for minutes in RETRY_DELAYS_MIN:
            assert await drain(ctx) == 0, "tried too early"
            await shift(ctx, minutes * 60 * 1.02 + 1)
            await drain(ctx)
        [dead] = (await live.get("/api/callbacks", params={"batch": "week 1", "dead": "true"})).json()[
            "items"
        ]
        assert (dead["kind"], dead["batch"], dead["attempts"], dead["status_code"]) == (
            "batch_completed",
            "week 1",
            21,
            503,
        )
        assert (await live.get("/api/callbacks", params={"batch": "week 2"})).json()["items"] == []
        receiver.status = 200
        begun_again = await live.post("/api/callbacks/replay", json={"batch": "week 1"})
        assert begun_again.json()["total"] == 1
        await drain(ctx)
    assert len(receiver.got) == 22
    assert {body for _, _, body in receiver.got} == {
        b'{"batch":"week 1","status":"completed","stats":{"canceled":1}}'
    }
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    one = (await live.get(f"/api/callbacks/{dead['id']}")).json()
    assert (one["state"], one["replays"], len(one["tried"])) == ("delivered", 1, 22)


async def test_completions_of_a_batch_arrive_in_their_order_whatever_the_first_one_waits_for(
    ctx: Ctx, test: httpx.AsyncClient
) -> None:
    receiver = Receiver(status=500)
    async with serving(receiver) as url:
        await begun(test, url)
        await added(test)
        await drain(ctx)
        receiver.status = 200
        await added(test)
        await drain(ctx)
        assert len(receiver.got) == 1, "the second completion waits for the first one's retry"
        await shift(ctx, 70)
        await drain(ctx)
        await drain(ctx)
    assert [json.loads(body)["stats"]["completed"] for _, _, body in receiver.got] == [1, 1, 2]


async def test_an_address_gets_the_completion_of_a_batch_as_one_email(
    ctx: Ctx, test: httpx.AsyncClient
) -> None:
    inbox, port = Inbox(), _free_port()
    ctx.settings = msgspec.structs.replace(ctx.settings, smtp_url=f"smtp://127.0.0.1:{port}")
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        await begun(test, "lead@example.org")
        await added(test)
        await drain(ctx)
    finally:
        controller.stop()
    [(to, raw)] = inbox.got
    mail = message_from_bytes(raw)
    assert (to, mail["Subject"]) == (["lead@example.org"], "Steelyard: batch completed")
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert json.loads(content) == {"batch": "week 1", "status": "completed", "stats": {"completed": 1}}


async def test_many_tasks_at_once_into_a_completed_batch_are_all_taken_and_reopen_it(
    ctx: Ctx, live: httpx.AsyncClient
) -> None:
    await begun(live, "")
    assert (await live.post(f"/v1/task/{await added(live)}/cancel")).status_code == 200
    await drain(ctx)
    assert await status(live) == "completed"
    assert len(set(await asyncio.gather(*(added(live) for _ in range(40))))) == 40
    batch = (await live.get("/v1/batches/week%201")).json()
    assert batch["status"] == "in_progress"
    assert "completed_at" not in batch
