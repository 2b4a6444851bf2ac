"""Callbacks: delivery of what customers are to be told, the ledger of every try, resending and replays (platform-api §17)."""

from steelyard.callbacks.deliver import send_callback
from steelyard.callbacks.ledger import (
    DEAD,
    STATES,
    EventFilter,
    EventPage,
    callback_settings,
    change_callback_settings,
    check_filter,
    count_events,
    get_event,
    list_events,
    newest_event,
    queue_is_long,
    replay_event,
    replay_next,
)
from steelyard.callbacks.resend import resend

__all__ = [
    "DEAD",
    "STATES",
    "EventFilter",
    "EventPage",
    "callback_settings",
    "change_callback_settings",
    "check_filter",
    "count_events",
    "get_event",
    "list_events",
    "newest_event",
    "queue_is_long",
    "replay_event",
    "replay_next",
    "resend",
    "send_callback",
]
