"""Statements of callback delivery, typed."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from steelyard.db.sqlfile import QueryFile

Q = QueryFile(__name__)


class EventToSend(Struct, frozen=True):
    """A callback event as the sender needs it. `payload`: None if large; `age_s`: seconds since it was written."""

    id: int
    state: str
    target: str
    payload: str | None
    attempts: int
    callback_auth_key: str
    callback_signing_secret: str
    kind: str
    task_id: str | None
    age_s: float
    waits: bool


class LedgerEvent(Struct, frozen=True):
    """An event as the ledger shows it. `status_code`, `error`: of the last try; `next_try_at`: None when it is due or decided."""

    id: int
    kind: str
    task_id: str | None
    batch: str | None
    target: str
    state: str
    attempts: int
    replays: int
    created_at: datetime
    decided_at: datetime | None
    status_code: int | None
    error: str | None
    next_try_at: datetime | None


class LedgerEventWithPayload(LedgerEvent, frozen=True):
    """The same with the JSON that is sent."""

    payload: str


class Attempt(Struct, frozen=True):
    """One try. `body_clip`: the beginning of what the receiver answered."""

    at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    body_clip: str | None


class CallbackSettings(Struct, frozen=True):
    """What is set for the callbacks of a space."""

    default_callback_url: str | None
    callback_auth_key: str
    callback_signing_secret: str


class LedgerFigures(Struct, frozen=True):
    """Of the whole installation, for its metrics."""

    pending: int
    dead: int
    oldest_s: float


class ResendTarget(Struct, frozen=True):
    """A task's status, and where its callbacks go ("" for nowhere)."""

    status: str
    target: str


load_events = Q.all("load_events", EventToSend)
payload_of = Q.value("payload_of", str)
record_attempts = Q.exec("record_attempts")
clear_overtaken_flags = Q.exec("clear_overtaken_flags")
lock_for_resend = Q.opt("lock_for_resend", ResendTarget)
reset_flag = Q.exec("reset_flag")
insert_resend = Q.value("insert_resend", int)
hasten = Q.exec("hasten")
replay_events = Q.value("replay_events", int)
newest_event = Q.value("newest_event", int)
queue_is_long = Q.value("queue_is_long", bool)
one_event = Q.opt("one_event", LedgerEventWithPayload)
attempts_of = Q.all("attempts_of", Attempt)
settings_of = Q.one("settings_of", CallbackSettings)
set_settings = Q.one("set_settings", CallbackSettings)
ledger_figures = Q.one("ledger_figures", LedgerFigures)
