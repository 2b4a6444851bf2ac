"""Delivers callback events (platform-api §17): at least once, in order per task, every try in the log.

The payload was fixed when the change was made; retries send identical bytes. Reading events and writing outcomes are shared among the
deliveries of a process, so that a fast receiver gets thousands a second.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import cast
from urllib.parse import urlsplit

from msgspec import Struct

from steelyard.callbacks import queries as q
from steelyard.callbacks.hosts import CircuitOpen, Hosts, Turn
from steelyard.callbacks.metrics import metrics_of
from steelyard.callbacks.queries import EventToSend
from steelyard.callbacks.sign import message_id, signed_headers
from steelyard.ctx import Ctx
from steelyard.db.coalesce import Coalescer
from steelyard.jobs.specs import RetryLater, SendCallback, callback_key
from steelyard.net import guard, mail

RETRY_DELAYS_MIN = (1, 2, 4, 8, 15, 30, 30, 60, 60, 60, 60, 60, 90, 90, 90, 120, 120, 120, 180, 240)
"""Minutes to wait after each failed try: 20 retries, 24 hours in all (platform-api §17.1)."""
TIMEOUT_S = 10.0
BLOCKED = "blocked_address"
NO_EMAIL = "E-mail delivery is not configured on this server."
NOT_CONTACTED = "circuit_open"
"""The error of a try that was left out because the receiver had answered nobody for a while; it counts, or ten thousand events for a
receiver that hangs could not be decided within their 24 hours."""
_ACCEPTED = 250  # what SMTP says
_MAIL_SERVER = "mail"  # the host whose turns e-mails wait for
_CLIP = 1000
_LARGE_BYTES = 128 * 1024  # as stored, that is compressed
_LARGE_AT_ONCE = 4
_PACE_S = 0.008  # at thousands a second, statements of some dozens; nobody waits for an answer here
_STATE = "callbacks"


class Try(Struct, frozen=True):
    """One try of a delivery and the state it leaves the event in."""

    event_id: int
    duration_ms: int
    status_code: int | None
    error: str | None
    body_clip: str | None
    state: str


class Sender:
    """What the deliveries of a process share."""

    def __init__(self, ctx: Ctx):
        self.ctx = ctx
        self.metrics = metrics_of(ctx)
        self.hosts = Hosts(ctx.settings.worker_concurrency)
        self.large = asyncio.Semaphore(_LARGE_AT_ONCE)
        self.load: Coalescer[int, EventToSend | None] = Coalescer(self._load, pace_s=_PACE_S)
        self.record: Coalescer[Try, None] = Coalescer(self._record, pace_s=_PACE_S)

    async def _load(self, ids: list[int]) -> list[EventToSend | None]:
        found = {
            event.id: event for event in await q.load_events(self.ctx.db, ids=ids, large_bytes=_LARGE_BYTES)
        }
        return [found.get(i) for i in ids]

    async def _record(self, tries: list[Try]) -> list[None]:
        tries = sorted(tries, key=lambda t: t.event_id)
        await q.record_attempts(
            self.ctx.db,
            event_ids=[t.event_id for t in tries],
            durations_ms=[t.duration_ms for t in tries],
            status_codes=[t.status_code for t in tries],
            errors=[t.error for t in tries],
            body_clips=[t.body_clip for t in tries],
            states=[t.state for t in tries],
        )
        decided = [t.event_id for t in tries if t.state != "pending"]
        if decided:
            await q.clear_overtaken_flags(self.ctx.db, ids=decided)
        return [None] * len(tries)

    def count(self, event: EventToSend, outcome: Try) -> None:
        """Moves the measurements."""
        self.metrics.tried(outcome.status_code, outcome.error, outcome.duration_ms)
        if event.attempts == 0:
            self.metrics.first_s.observe(max(0.0, event.age_s))
        self.metrics.open_circuits.set(self.hosts.open_circuits)


def _sender(ctx: Ctx) -> Sender:
    found = cast("Sender | None", ctx.state.get(_STATE))
    if found is None:
        found = ctx.state[_STATE] = Sender(ctx)
    return found


async def send_callback(ctx: Ctx, args: SendCallback) -> None:
    """Job `send_callback`: one try of one event."""
    sender = _sender(ctx)
    event = await sender.load(args.event_id)
    if event is None or event.state != "pending":
        return
    if event.waits:
        # Woken when the earlier event is decided; the delay is for the case that the wake-up just missed us.
        delay_s = min(max(5.0, event.age_s / 4), 600.0)
        raise RetryLater(
            delay_s, "Waits for an earlier event of the same task.", dedupe_key=callback_key(event.id)
        )
    receiver = _receiver(event.target)
    if receiver is None or (receiver == _MAIL_SERVER and not mail.can_send(ctx)):
        error = (
            NO_EMAIL if receiver else "The callback address is neither an http(s) URL nor an e-mail address."
        )
        await sender.record(Try(event.id, 0, None, error, None, "undeliverable"))
        return
    try:
        async with sender.hosts.turn(receiver) as turn:
            if event.payload is not None:
                outcome = await _try(ctx, event, event.payload, receiver, turn)
            else:
                async with sender.large:
                    payload = await q.payload_of(ctx.db, id=event.id) or ""
                    outcome = await _try(ctx, event, payload, receiver, turn)
    except CircuitOpen:
        outcome = _outcome(event, 0, None, NOT_CONTACTED, None)
    sender.count(event, outcome)
    await sender.record(outcome)
    if outcome.state == "pending":
        delay_s = RETRY_DELAYS_MIN[event.attempts] * 60.0 * random.uniform(1.0, 1.02)  # noqa: S311
        reason = outcome.error or f"The receiver answered with status {outcome.status_code}."
        raise RetryLater(delay_s, reason, dedupe_key=callback_key(event.id))


def _receiver(target: str) -> str | None:
    """The receiver's host and port; the mail server for an e-mail address; None for what is neither."""
    try:
        parts = urlsplit(target.strip())
    except ValueError:
        return None
    if parts.scheme in ("http", "https"):
        return parts.netloc.rpartition("@")[2].lower()
    return _MAIL_SERVER if "@" in target and not parts.scheme else None


async def _try(ctx: Ctx, event: EventToSend, payload: str, receiver: str, turn: Turn) -> Try:
    started = time.monotonic()
    if receiver == _MAIL_SERVER:
        status, error, clip = await _mail(ctx, event, payload, turn)
    else:
        status, error, clip = await _post(ctx, event, payload.encode())
    took_ms = int((time.monotonic() - started) * 1000)
    turn.answered = turn.answered or status is not None or error == BLOCKED
    return _outcome(event, took_ms, status, error, clip)


def _outcome(
    event: EventToSend, took_ms: int, status: int | None, error: str | None, clip: str | None
) -> Try:
    if status is not None and 200 <= status < 300:
        state = "delivered"
    else:
        state = "pending" if event.attempts < len(RETRY_DELAYS_MIN) else "failed"
    return Try(event.id, took_ms, status, error, clip, state)


async def _post(ctx: Ctx, event: EventToSend, body: bytes) -> tuple[int | None, str | None, str | None]:
    """(status, error, beginning of the answer); exactly one of the first two is None."""
    headers = {
        "Content-Type": "application/json",
        "scale-callback-auth": event.callback_auth_key,
        **signed_headers(event.callback_signing_secret, event.id, body),
    }
    try:
        reply = await guard.client(ctx).post(
            event.target.strip(), body, headers=headers, timeout_s=TIMEOUT_S, clip_bytes=_CLIP
        )
    except guard.BlockedAddress:
        return None, BLOCKED, None
    except guard.FetchFailed as e:
        return None, e.message, None
    return reply.status, None, reply.body.decode("utf-8", "replace").replace("\0", "�")


async def _mail(
    ctx: Ctx, event: EventToSend, payload: str, turn: Turn
) -> tuple[int | None, str | None, str | None]:
    """The same for an e-mail: what the mail server accepts counts as delivered (platform-api §17.1)."""
    about = f"task {event.task_id} {event.kind}" if event.task_id else "batch completed"
    message = mail.Mail(
        to=event.target.strip(),
        subject=f"Steelyard: {about}",
        text=payload,
        headers=(("webhook-id", message_id(event.id)),),
    )
    try:
        await mail.send(ctx, [message])
    except mail.MailFailed as e:
        turn.answered = not e.transient
        return None, e.message, None
    return _ACCEPTED, None, None
