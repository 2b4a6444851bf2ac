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
from steelyard.callbacks.hosts import Hosts
from steelyard.callbacks.queries import EventToSend
from steelyard.ctx import Ctx
from steelyard.db.coalesce import Coalescer
from steelyard.jobs.specs import RetryLater, SendCallback, callback_key
from steelyard.net import guard

RETRY_DELAYS_MIN = (1, 2, 4, 8, 15, 30, 30, 60, 60, 60, 60, 60, 90, 90, 90, 120, 120, 120, 180, 240)
"""Minutes to wait after each failed try: 20 retries, 24 hours in all (platform-api §17.1)."""
TIMEOUT_S = 10.0
BLOCKED = "blocked_address"
NO_EMAIL = "E-mail delivery is not configured on this server."
_CLIP = 1000
_LARGE_BYTES = 128 * 1024  # as stored, that is compressed
_LARGE_AT_ONCE = 4
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
        self.hosts = Hosts(ctx.settings.worker_concurrency)
        self.large = asyncio.Semaphore(_LARGE_AT_ONCE)
        self.load: Coalescer[int, EventToSend | None] = Coalescer(self._load)
        self.record: Coalescer[Try, None] = Coalescer(self._record)

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
    parts = _http(event.target)
    if parts is None:
        error = NO_EMAIL if "@" in event.target else "The callback address is not an http(s) URL."
        await sender.record(Try(event.id, 0, None, error, None, "undeliverable"))
        return
    async with sender.hosts.turn(parts):
        if event.payload is not None:
            outcome = await _post(ctx, event, event.payload)
        else:
            async with sender.large:
                outcome = await _post(ctx, event, await q.payload_of(ctx.db, id=event.id) or "")
    await sender.record(outcome)
    if outcome.state == "pending":
        delay_s = RETRY_DELAYS_MIN[event.attempts] * 60.0 * random.uniform(1.0, 1.02)  # noqa: S311
        reason = outcome.error or f"The receiver answered with status {outcome.status_code}."
        raise RetryLater(delay_s, reason, dedupe_key=callback_key(event.id))


def _http(target: str) -> str | None:
    """The receiver's host and port, None for what is no http(s) URL."""
    try:
        parts = urlsplit(target.strip())
    except ValueError:
        return None
    return parts.netloc.rpartition("@")[2].lower() if parts.scheme in ("http", "https") else None


async def _post(ctx: Ctx, event: EventToSend, payload: str) -> Try:
    headers = {"Content-Type": "application/json", "scale-callback-auth": event.callback_auth_key}
    status: int | None = None
    error: str | None = None
    clip: str | None = None
    started = time.monotonic()
    try:
        reply = await guard.client(ctx).post(
            event.target.strip(),
            payload.encode(),
            headers=headers,
            timeout_s=TIMEOUT_S,
            clip_bytes=_CLIP,
        )
    except guard.BlockedAddress:
        error = BLOCKED
    except guard.FetchFailed as e:
        error = e.message
    else:
        status, clip = reply.status, reply.body.decode("utf-8", "replace").replace("\0", "�")
    took_ms = int((time.monotonic() - started) * 1000)
    if status is not None and 200 <= status < 300:
        state = "delivered"
    else:
        state = "pending" if event.attempts < len(RETRY_DELAYS_MIN) else "failed"
    return Try(event.id, took_ms, status, error, clip, state)
