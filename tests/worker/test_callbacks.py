"""Delivery of callbacks to real receivers (platform-api §16, §17)."""

from __future__ import annotations

import asyncio
import secrets
import time

import pytest
from msgspec import structs

from steelyard.callbacks import resend
from steelyard.callbacks.deliver import NO_EMAIL, RETRY_DELAYS_MIN
from steelyard.ctx import Ctx
from steelyard.errors import InvalidRequest, NotFound
from steelyard.jobs.worker import drain, run

from .helpers import Receiver, make_event, make_space, make_task, rows, serving, shift


async def flag(ctx: Ctx, task_id: str) -> bool | None:
    return await ctx.db.fetchval("select callback_succeeded from task where id = $1", task_id)


async def test_a_callback_is_posted_with_its_payload_bytes_and_the_secret_of_its_space(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx, mode="test"), Receiver()
    async with serving(receiver) as url:
        task = await make_task(ctx, space)
        payload = '{"task_id":"x",  "response" : {"a":1.0, "a":2}}'
        event = await make_event(ctx, space, url + "/hook?a=1", task_id=task, payload=payload)
        await drain(ctx)
    path, headers, body = receiver.got[0]
    assert len(receiver.got) == 1
    assert (path, body.decode()) == ("/hook", payload)
    assert headers["scale-callback-auth"] == "auth-test-acme"
    assert headers["Content-Type"] == "application/json"
    assert await flag(ctx, task) is True
    assert await ctx.db.fetchval("select count(*) from job") == 0
    [tried] = await rows(ctx, "select * from callback_attempt where event_id = $1", event)
    assert (tried["status_code"], tried["error"], tried["body_clip"]) == (200, None, "thanks")
    assert await ctx.db.fetchval("select state from callback_event") == "delivered"


async def test_a_failing_receiver_is_tried_21_times_over_24_hours_and_then_the_flag_is_false(
    ctx: Ctx,
) -> None:
    assert (len(RETRY_DELAYS_MIN), sum(RETRY_DELAYS_MIN)) == (20, 24 * 60)
    space, receiver = await make_space(ctx), Receiver(status=503)
    async with serving(receiver) as url:
        task = await make_task(ctx, space)
        await make_event(ctx, space, url, task_id=task)
        await drain(ctx)
        for number, minutes in enumerate(RETRY_DELAYS_MIN, start=1):
            assert len(receiver.got) == number
            assert await flag(ctx, task) is None
            await shift(ctx, minutes * 60 - 5)
            assert await drain(ctx) == 0, "tried too early"
            await shift(ctx, minutes * 60 * 0.02 + 6)
            await drain(ctx)
    assert len(receiver.got) == 21
    assert await flag(ctx, task) is False
    [event] = await rows(ctx, "select state, attempts from callback_event")
    assert event == {"state": "failed", "attempts": 21}
    assert await ctx.db.fetchval("select count(*) from callback_attempt where status_code = 503") == 21
    assert await ctx.db.fetchval("select count(*) from job") == 0


async def test_redirects_are_not_followed(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver(status=302)
    async with serving(receiver) as url:
        await make_event(ctx, space, url)
        await drain(ctx)
    assert [r["status_code"] for r in await rows(ctx, "select status_code from callback_attempt")] == [302]


async def test_an_event_waits_until_earlier_events_of_its_task_are_decided(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver(status=500)
    async with serving(receiver) as url:
        task = await make_task(ctx, space)
        await make_event(ctx, space, url, task_id=task, payload='"first"')
        await make_event(ctx, space, url, task_id=task, payload='"second"')
        await drain(ctx)
        assert [body for _, _, body in receiver.got] == [b'"first"']
        receiver.status = 204
        await shift(ctx, 70)
        await drain(ctx)
    assert [body for _, _, body in receiver.got] == [b'"first"', b'"first"', b'"second"']
    assert await flag(ctx, task) is True


async def test_the_decision_of_an_event_leaves_the_flag_alone_while_a_newer_one_is_pending(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver()
    async with serving(receiver) as url:
        task = await make_task(ctx, space)
        await make_event(ctx, space, url, task_id=task)
        await make_event(ctx, space, url, task_id=task, job=False)
        await drain(ctx)
        assert len(receiver.got) == 1
        assert await flag(ctx, task) is None


async def test_an_event_written_while_an_earlier_one_is_decided_leaves_the_flag_absent(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver()
    async with serving(receiver) as url:
        task = await make_task(ctx, space)
        await make_event(ctx, space, url, task_id=task)
        async with ctx.db.tx() as tx:
            await tx.execute("update task set callback_succeeded = null where id = $1", task)
            await tx.execute(
                """
                insert into callback_event (space_id, task_id, kind, target, payload, created_at)
                values ($1, $2, 'completed', $3, '{}', steelyard.now())
                """,
                space,
                task,
                url,
            )
            deciding = asyncio.create_task(drain(ctx))
            while not await ctx.db.fetchval(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            ):
                await asyncio.sleep(0.02)
        await deciding
    assert len(receiver.got) == 1
    assert await flag(ctx, task) is None


async def test_a_refused_address_is_an_attempt_with_the_reason_blocked_address(ctx: Ctx) -> None:
    space = await make_space(ctx)
    ctx.settings = structs.replace(ctx.settings, allow_networks=())
    async with serving(Receiver()) as url:
        task = await make_task(ctx, space)
        await make_event(ctx, space, url, task_id=task)
        await drain(ctx)
    [tried] = await rows(ctx, "select status_code, error from callback_attempt")
    assert tried == {"status_code": None, "error": "blocked_address"}
    assert await ctx.db.fetchval("select state from callback_event") == "pending"
    assert await ctx.db.fetchval("select last_error from job") == "blocked_address"


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("someone@example.org", NO_EMAIL),
        ("nonsense", "The callback address is neither an http(s) URL nor an e-mail address."),
    ],
)
async def test_a_target_that_is_no_url_is_recorded_as_undeliverable(
    ctx: Ctx, target: str, error: str
) -> None:
    space = await make_space(ctx)
    task = await make_task(ctx, space)
    await make_event(ctx, space, target, task_id=task)
    await drain(ctx)
    assert await ctx.db.fetchval("select state from callback_event") == "undeliverable"
    assert await ctx.db.fetchval("select error from callback_attempt") == error
    assert await flag(ctx, task) is False


async def test_a_receiver_that_hangs_does_not_starve_others(ctx: Ctx) -> None:
    ctx.settings = structs.replace(ctx.settings, worker_concurrency=8, drain_seconds=1)
    space, hanging, quick = await make_space(ctx), Receiver(delay_s=60), Receiver()
    stop = asyncio.Event()
    async with serving(hanging) as slow_url, serving(quick) as url:
        for _ in range(200):
            await make_event(ctx, space, slow_url)
        for _ in range(50):
            await make_event(ctx, space, url)
        worker = asyncio.create_task(run(ctx, stop))
        started = time.monotonic()
        while len(quick.got) < 50 and time.monotonic() - started < 8:
            await asyncio.sleep(0.05)
        took = time.monotonic() - started
        stop.set()
        await worker
    assert len(quick.got) == 50
    assert took < 8
    assert 1 <= len(hanging.got) <= 8


async def test_resending_makes_a_new_event_with_the_task_as_it_is(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver()
    async with serving(receiver) as url:
        task = await make_task(
            ctx, space, stage="completed", status="completed", response='{"a": [1]}', callback_url=url
        )
        await resend(ctx, space, task)
        await drain(ctx)
        await resend(ctx, space, task)
        assert await flag(ctx, task) is None
        await drain(ctx)
    import json

    bodies = [json.loads(body) for _, _, body in receiver.got]
    assert len(bodies) == 2
    for body in bodies:
        assert set(body) == {"task_id", "status", "response", "task"}
        assert body["task_id"] == body["task"]["task_id"] == task
        assert body["response"] == body["task"]["response"] == {"a": [1]}
        assert "callback_succeeded" not in body["task"]
    assert await flag(ctx, task) is True


async def test_resending_hastens_a_delivery_that_waits_for_its_retry(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver(status=500)
    async with serving(receiver) as url:
        task = await make_task(ctx, space, stage="error", status="error", response="{}", callback_url=url)
        await make_event(ctx, space, url, task_id=task, payload='"old"')
        await drain(ctx)
        receiver.status = 200
        await resend(ctx, space, task)
        await drain(ctx)
    assert [body == b'"old"' for _, _, body in receiver.got] == [True, True, False]


async def test_resending_is_refused_for_open_tasks_for_tasks_without_url_and_in_other_spaces(
    ctx: Ctx,
) -> None:
    live, test = await make_space(ctx), await make_space(ctx, mode="test")
    pending = await make_task(ctx, live, callback_url="http://127.0.0.1/")
    silent = await make_task(ctx, live, stage="completed", status="completed", response="{}")
    with pytest.raises(InvalidRequest):
        await resend(ctx, live, pending)
    with pytest.raises(InvalidRequest):
        await resend(ctx, live, silent)
    with pytest.raises(NotFound):
        await resend(ctx, test, silent)
    assert await ctx.db.fetchval("select count(*) from callback_event") == 0


async def test_large_payloads_are_delivered_whole(ctx: Ctx) -> None:
    space, receiver = await make_space(ctx), Receiver()
    # random hex does not compress, so that it is large as stored too
    payload = '{"a":"' + secrets.token_hex(2_000_000) + '"}'
    async with serving(receiver) as url:
        for _ in range(6):
            await make_event(ctx, space, url, payload=payload)
        await drain(ctx)
    assert [body == payload.encode() for _, _, body in receiver.got] == [True] * 6
