"""Statements of callback delivery, typed."""

from __future__ import annotations

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
    age_s: float
    waits: bool


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
