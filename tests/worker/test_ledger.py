"""Signatures, e-mail, receivers that are down, and the ledger with its replays."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from email import message_from_bytes
from typing import Any

import httpx
import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from aiosmtpd.smtp import Session as SmtpSession
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from steelyard.callbacks.deliver import NOT_CONTACTED
from steelyard.callbacks.hosts import CircuitOpen, Hosts
from steelyard.ctx import Actor, Ctx
from steelyard.jobs.specs import RetryLater
from steelyard.jobs.worker import drain, run

from .helpers import Receiver, make_event, make_space, make_task, rows, serving, shift


async def states(ctx: Ctx) -> dict[str, int]:
    return {
        r["state"]: r["n"]
        for r in await rows(ctx, "select state, count(*)::int n from callback_event group by 1")
    }


async def test_the_library_of_standard_webhooks_verifies_a_callback_and_refuses_a_changed_one(
    ctx: Ctx,
) -> None:
    space, receiver = await make_space(ctx), Receiver(status=500)
    async with serving(receiver) as url:
        event = await make_event(ctx, space, url, payload='{"task_id": "ä",  "n": 1.0}')
        await drain(ctx)
        receiver.status = 200
        await shift(ctx, 70)
        await drain(ctx)
    secret = await ctx.db.fetchval("select callback_signing_secret from space where id = $1", space)
    assert len(receiver.got) == 2
    for _, headers, body in receiver.got:
        assert headers["webhook-id"] == f"msg_{event}"
        assert Webhook(secret).verify(body, headers) == {"task_id": "ä", "n": 1.0}
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body + b" ", headers)
        other = await ctx.db.fetchval(
            "select callback_signing_secret from space where id <> $1 limit 1", space
        )
        with pytest.raises(WebhookVerificationError):
            Webhook(other).verify(body, headers)


class Inbox:
    """What a real SMTP server has taken; `refuse`: what it says to every recipient instead."""

    def __init__(self, refuse: str | None = None) -> None:
        self.got: list[tuple[list[str], bytes]] = []
        self.refuse = refuse

    async def handle_RCPT(
        self, server: Any, session: SmtpSession, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: SmtpSession, envelope: Envelope) -> str:
        self.got.append((list(envelope.rcpt_tos), bytes(envelope.original_content or b"")))
        return "250 Taken"


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def test_an_event_for_an_address_is_one_email_whose_text_is_the_payload(ctx: Ctx) -> None:
    inbox, port = Inbox(), _free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    ctx.settings = msgspec.structs.replace(ctx.settings, smtp_url=f"smtp://127.0.0.1:{port}")
    space = await make_space(ctx)
    task = await make_task(ctx, space)
    payload = json.dumps({"task_id": task, "status": "completed", "text": "ünï" * 400}, ensure_ascii=False)
    event = await make_event(ctx, space, "ada@example.org", task_id=task, payload=payload)
    await drain(ctx)
    assert await states(ctx) == {"pending": 1}, "nobody listens yet"
    controller.start()
    try:
        await shift(ctx, 70)
        await drain(ctx)
        inbox.refuse = "550 No such person"
        await make_event(ctx, space, "nobody@example.org")
        await drain(ctx)
    finally:
        controller.stop()
    [(to, raw)] = inbox.got
    mail = message_from_bytes(raw)
    assert to == ["ada@example.org"]
    assert mail["Subject"] == f"Steelyard: task {task} completed"
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.decode().rstrip("\r\n") == payload
    assert await ctx.db.fetchval("select callback_succeeded from task where id = $1", task) is True
    tried = await rows(
        ctx, "select status_code, error from callback_attempt where event_id = $1 order by id", event
    )
    assert [t["status_code"] for t in tried] == [None, 250]
    assert await states(ctx) == {"delivered": 1, "pending": 1}
    assert "550" in await ctx.db.fetchval("select error from callback_attempt where event_id <> $1", event)


async def test_a_receiver_that_stops_answering_is_left_alone_and_asked_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts, now = Hosts(64), 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    async def deliver(answered: bool) -> None:
        async with hosts.turn("dead") as turn:
            turn.answered = answered

    for _ in range(8):
        await deliver(False)
    for pause in (2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0):
        with pytest.raises(CircuitOpen):
            await deliver(True)
        assert hosts.open_circuits == 1
        now += pause - 0.1
        with pytest.raises(CircuitOpen):
            await deliver(True)
        now += 0.2
        async with hosts.turn("dead"):  # the probe, which fails
            with pytest.raises(CircuitOpen):
                await deliver(True)
    now += 60.1
    await deliver(True)
    assert hosts.open_circuits == 0
    await deliver(True)


async def test_failures_between_answers_open_no_circuit() -> None:
    hosts = Hosts(64)
    for n in range(200):
        async with hosts.turn("flaky") as turn:
            turn.answered = n % 5 == 0
    assert hosts.open_circuits == 0


async def test_many_silent_receivers_together_hold_at_most_half_of_the_slots() -> None:
    hosts = Hosts(16)
    release, inside, refused = asyncio.Event(), 0, 0

    async def hang(name: str) -> None:
        nonlocal inside, refused
        try:
            async with hosts.turn(name):
                inside += 1
                await release.wait()
        except RetryLater:
            refused += 1

    tasks = [asyncio.create_task(hang(f"h{n}")) for n in range(64)]
    await asyncio.sleep(0.1)
    assert (inside, refused) == (32, 32)
    release.set()
    await asyncio.gather(*tasks)


async def test_events_for_a_silent_receiver_are_all_decided_within_their_24_hours(ctx: Ctx) -> None:
    """Thousands that wait for a hanging receiver cannot each wait ten seconds twenty-one times; the tries that are left out count."""
    space, asked = await make_space(ctx), 0
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    for _ in range(60):
        await make_event(ctx, space, url)
    for _ in range(60):
        await drain(ctx)
        if set(await states(ctx)) == {"failed"}:
            break
        await shift(ctx, 3600)
    assert await states(ctx) == {"failed": 60}
    tries = await rows(ctx, "select event_id, count(*)::int n from callback_attempt group by 1")
    assert {t["n"] for t in tries} == {21}
    asked = await ctx.db.fetchval("select count(*) from callback_attempt where error <> $1", NOT_CONTACTED)
    assert 8 <= asked < 400


async def test_a_healthy_receiver_gets_its_callbacks_at_once_beside_a_hanging_one(ctx: Ctx) -> None:
    space, good, hanging = await make_space(ctx), Receiver(), Receiver(delay_s=60)
    async with serving(good) as fine, serving(hanging) as dead:
        for _ in range(600):
            await make_event(ctx, space, dead)
        stop = asyncio.Event()
        working = asyncio.create_task(run(ctx, stop))
        await asyncio.sleep(1.0)
        began = time.monotonic()
        for _ in range(20):
            await make_event(ctx, space, fine)
        while len(good.got) < 20 and time.monotonic() < began + 15:
            await asyncio.sleep(0.02)
        took = time.monotonic() - began
        ctx.settings = msgspec.structs.replace(ctx.settings, drain_seconds=1)
        stop.set()
        await working
    assert len(good.got) == 20
    assert took < 10


@pytest.fixture
async def dead_letters(ctx: Ctx, live_actor: Actor) -> list[int]:
    """Twelve events that ended undelivered, of three tasks."""
    tasks = [await make_task(ctx, live_actor.space_id) for _ in range(3)]
    space, nowhere = live_actor.space_id, "http://127.0.0.1:9/"
    made = [
        await make_event(ctx, space, nowhere, task_id=tasks[n % 3], payload=f'{{"n":{n}}}', job=False)
        for n in range(12)
    ]
    await ctx.db.execute(
        "update callback_event set state = 'failed', attempts = 21, decided_at = steelyard.now()"
    )
    return made


async def test_the_ledger_lists_filters_pages_and_shows_every_try(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor, dead_letters: list[int]
) -> None:
    receiver = Receiver(status=503)
    async with serving(receiver) as url:
        waiting = await make_event(ctx, live_actor.space_id, url + "/x", payload='{"a": [1.0]}')
        await drain(ctx)
    page = (await live.get("/api/callbacks", params={"limit": 5})).json()
    assert [e["id"] for e in page["items"]] == [str(waiting), *[str(i) for i in dead_letters[:-5:-1]]]
    first = page["items"][0]
    assert (first["state"], first["status_code"], first["attempts"]) == ("pending", 503, 1)
    assert first["next_try_at"] is not None
    rest: list[str] = []
    while page["next_token"]:
        page = (
            await live.get("/api/callbacks", params={"limit": 5, "next_token": page["next_token"]})
        ).json()
        rest += [e["id"] for e in page["items"]]
    assert rest == [str(i) for i in dead_letters[-5::-1]]

    async def found(**query: Any) -> int:
        answer = await live.get("/api/callbacks", params=query)
        assert answer.status_code == 200, answer.text
        return len(answer.json()["items"])

    assert await found(dead="true") == 12
    assert await found(state="pending") == 1
    assert await found(state="failed,pending") == 13
    assert await found(state="delivered") == 0
    task = (await live.get("/api/callbacks", params={"dead": "true"})).json()["items"][0]["task_id"]
    assert await found(task_id=task) == 4
    assert await found(target=url) == 1
    assert await found(kind="nothing") == 0
    assert await found(created_after="2020-01-01") == 13
    assert await found(created_before="2020-01-01") == 0
    assert (await live.get("/api/callbacks", params={"state": "odd"})).status_code == 400
    assert (await live.get("/api/callbacks", params={"next_token": "x"})).status_code == 400
    one = (await live.get(f"/api/callbacks/{waiting}")).json()
    assert one["payload"] == {"a": [1.0]}
    assert [(t["status_code"], t["error"], t["body"]) for t in one["tried"]] == [(503, None, "thanks")]
    assert (await live.get("/api/callbacks/999999999")).status_code == 404
    assert (await live.get("/api/callbacks/x")).status_code == 404
    metrics = (await live.get("/metrics")).text
    assert "\nsteelyard_callbacks_pending 1\n" in metrics
    assert "\nsteelyard_callbacks_dead 12\n" in metrics


async def test_one_event_is_sent_again_with_its_payload_and_id(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    receiver = Receiver()
    async with serving(receiver) as url:
        task = await make_task(ctx, live_actor.space_id)
        event = await make_event(ctx, live_actor.space_id, url, task_id=task)
        await drain(ctx)
        answer = await live.post(f"/api/callbacks/{event}/replay")
        assert answer.status_code == 202
        assert (answer.json()["state"], answer.json()["replays"]) == ("pending", 1)
        assert await ctx.db.fetchval("select callback_succeeded from task where id = $1", task) is None
        await live.post(f"/api/callbacks/{event}/replay")
        await drain(ctx)
    (_, first, body), (_, second, again) = receiver.got
    assert (body, first["webhook-id"]) == (again, second["webhook-id"])
    assert await ctx.db.fetchval("select callback_succeeded from task where id = $1", task) is True
    assert len((await live.get(f"/api/callbacks/{event}")).json()["tried"]) == 2


async def test_an_old_event_sent_again_does_not_speak_for_the_task(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    receiver = Receiver()
    async with serving(receiver) as url:
        task = await make_task(ctx, live_actor.space_id)
        old = await make_event(ctx, live_actor.space_id, url, task_id=task)
        await make_event(ctx, live_actor.space_id, url, task_id=task)
        await drain(ctx)
        await drain(ctx)
        await ctx.db.execute("update task set callback_succeeded = false where id = $1", task)
        await live.post(f"/api/callbacks/{old}/replay")
        assert await ctx.db.fetchval("select callback_succeeded from task where id = $1", task) is False
        await drain(ctx)
        assert await ctx.db.fetchval("select callback_succeeded from task where id = $1", task) is False
    assert len(receiver.got) == 3


async def test_what_waits_for_a_retry_is_tried_now(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    receiver = Receiver(status=500)
    async with serving(receiver) as url:
        event = await make_event(ctx, live_actor.space_id, url)
        await drain(ctx)
        receiver.status = 200
        await live.post(f"/api/callbacks/{event}/replay")
        await drain(ctx)
    assert await states(ctx) == {"delivered": 1}
    assert await ctx.db.fetchval("select replays from callback_event") == 0


async def test_all_that_a_filter_names_is_sent_again_in_order_and_nothing_else(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor, dead_letters: list[int]
) -> None:
    receiver = Receiver()
    async with serving(receiver) as url:
        await ctx.db.execute("update callback_event set target = $1", url)
        delivered = await make_event(ctx, live_actor.space_id, url, payload='{"n":99}')
        await drain(ctx)
        receiver.got.clear()
        begun = await live.post("/api/callbacks/replay", json={})
        assert begun.status_code == 202, begun.text
        assert begun.json()["total"] == 12
        for _ in range(8):
            await drain(ctx)
            await shift(ctx, 10)
        done = (await live.get(f"/api/transfers/{begun.json()['id']}")).json()
        assert (done["state"], done["done"]) == ("done", 12)
        numbers = [json.loads(body)["n"] for _, _, body in receiver.got]
        assert Counter(numbers) == Counter(range(12))
        for task in range(3):
            assert [n for n in numbers if n % 3 == task] == [task, task + 3, task + 6, task + 9]
        receiver.got.clear()
        again = await live.post(
            "/api/callbacks/replay", json={"state": ["delivered"], "created_after": "2020-01-01T00:00:00Z"}
        )
        assert again.json()["total"] == 13
        none = await live.post(
            "/api/callbacks/replay", json={"state": ["delivered"], "created_before": "2020-01-01T00:00:00Z"}
        )
        assert none.json()["total"] == 0
        for _ in range(8):
            await drain(ctx)
            await shift(ctx, 10)
        assert len(receiver.got) == 13
    assert await ctx.db.fetchval("select replays from callback_event where id = $1", delivered) == 1


async def test_the_default_address_and_the_secrets_can_be_changed(
    ctx: Ctx, live: httpx.AsyncClient, live_actor: Actor
) -> None:
    before = (await live.get("/api/callback-settings")).json()
    changed = await live.put(
        "/api/callback-settings", json={"default_url": "ops@example.org", "new_signing_secret": True}
    )
    after = changed.json()
    assert after["default_url"] == "ops@example.org"
    assert after["auth_key"] == before["auth_key"]
    assert after["signing_secret"] != before["signing_secret"]
    Webhook(after["signing_secret"])
    assert (await live.put("/api/callback-settings", json={"default_url": "x"})).status_code == 400
    removed = (
        await live.put("/api/callback-settings", json={"default_url": "", "new_auth_key": True})
    ).json()
    assert removed["default_url"] is None
    assert removed["auth_key"] != before["auth_key"]
    acts = (await live.get("/api/audit-log", params={"action": "account.changed"})).json()["items"]
    assert [a["detail"] for a in acts[:2]] == [
        {"mode": "live", "callbacks": ["default_url", "auth_key"]},
        {"mode": "live", "callbacks": ["default_url", "signing_secret"]},
    ]
    assert removed["signing_secret"] not in str(acts), "secrets are not written down"
