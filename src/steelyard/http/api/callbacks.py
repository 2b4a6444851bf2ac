"""The ledger of callbacks for the console and for scripts: what was sent, what became of it, and sending it again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from steelyard import callbacks, transfers
from steelyard.callbacks.queries import LedgerEvent
from steelyard.clock import wire_time
from steelyard.errors import NotFound
from steelyard.http import binding
from steelyard.http.api.transfers import Transfer, shown
from steelyard.http.route import LEAD, SETTINGS, Call, Routes
from steelyard.tasks.platform import check_callback

routes = Routes("api", "Callbacks")

State = Literal["pending", "delivered", "failed", "undeliverable"]


class CallbackEvent(Struct, kw_only=True):
    """Something that a customer is to be told. `failed`: given up after 24 hours; `undeliverable`: there is nowhere to send it.
    `status_code` and `error` are those of the last try, `attempts` the tries since the last replay."""

    id: str
    kind: str
    state: State
    task_id: str | None
    batch: str | None
    target: str
    attempts: int
    replays: int
    status_code: int | None
    error: str | None
    created_at: str
    decided_at: str | None
    next_try_at: Annotated[
        str | None, Meta(description="When a pending event is tried again; null: now, or decided.")
    ]


class CallbackAttempt(Struct, kw_only=True):
    """One try: either a status, with the beginning of the receiver's answer, or an error."""

    at: str
    duration_ms: int
    status_code: int | None
    error: str | None
    body: str | None


class CallbackEventDetail(CallbackEvent, kw_only=True):
    """An event with every try and with what is sent."""

    tried: list[CallbackAttempt]
    payload: Raw


class CallbackPage(Struct, kw_only=True):
    """Events, newest first."""

    items: list[CallbackEvent]
    next_token: str | None


class CallbackQuery(Struct, kw_only=True):
    """Filters; all that are given must hold."""

    state: Annotated[
        list[str], Meta(description="pending, delivered, failed, undeliverable; alternatives.")
    ] = []
    dead: Annotated[bool, Meta(description="The dead letters: failed and undeliverable ones.")] = False
    kind: str | None = None
    task_id: str | None = None
    batch: Annotated[str, Meta(description="The batch's name.")] | None = None
    target: Annotated[str, Meta(description="What the address begins with.")] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    next_token: str | None = None


class ReplayCallbacks(Struct, kw_only=True):
    """Which events to send again; nothing given means the dead letters."""

    state: list[State] | None = None
    kind: str | None = None
    task_id: str | None = None
    batch: str | None = None
    target: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class CallbackSettings(Struct, kw_only=True):
    """Where callbacks of tasks without an address of their own go, and the secrets by which receivers know that they come from here.
    `auth_key` comes in the header scale-callback-auth, `signing_secret` makes the Standard Webhooks signature."""

    default_url: str | None
    auth_key: str
    signing_secret: str


class ChangeCallbackSettings(Struct, kw_only=True):
    """What to change."""

    default_url: (
        Annotated[str, Meta(description='An http(s) URL or an e-mail address; "" removes it.')] | None
    ) = None
    new_auth_key: bool = False
    new_signing_secret: bool = False


def _event(e: LedgerEvent) -> dict[str, object]:
    return {
        "id": str(e.id),
        "kind": e.kind,
        "state": e.state,
        "task_id": e.task_id,
        "batch": e.batch,
        "target": e.target,
        "attempts": e.attempts,
        "replays": e.replays,
        "status_code": e.status_code,
        "error": e.error,
        "created_at": wire_time(e.created_at),
        "decided_at": None if e.decided_at is None else wire_time(e.decided_at),
        "next_try_at": None if e.next_try_at is None else wire_time(e.next_try_at),
    }


def _id(text: str) -> int:
    if not text.isdigit() or not text.isascii() or len(text) > 18:
        raise NotFound("There is no callback event with that id.")
    return int(text)


@routes.get("/api/callbacks", query=CallbackQuery, response=CallbackPage, access=LEAD, errors=(400,))
async def list_callbacks(call: Call) -> CallbackPage:
    """List callback events, newest first"""
    asked: CallbackQuery = call.query
    wanted = callbacks.EventFilter(
        state=list(callbacks.DEAD) if asked.dead else binding.split_list(asked.state),
        kind=asked.kind,
        task_id=asked.task_id,
        batch=asked.batch,
        target=asked.target,
        created_after=asked.created_after,
        created_before=asked.created_before,
    )
    page = await callbacks.list_events(
        call.ctx, call.actor.space_id, wanted, limit=asked.limit, token=asked.next_token
    )
    return CallbackPage(items=[CallbackEvent(**_event(e)) for e in page.items], next_token=page.next_token)  # pyright: ignore[reportArgumentType]


@routes.post(
    "/api/callbacks/replay", body=ReplayCallbacks, response=Transfer, access=LEAD, status=202, errors=(400,)
)
async def replay_callbacks(call: Call) -> Transfer:
    """Send again what a filter names, in the background

    Events keep their payload and their `webhook-id`; `/api/transfers/{id}` shows the progress.
    """
    asked: ReplayCallbacks = call.body
    wanted = callbacks.EventFilter(
        state=list(callbacks.DEAD) if asked.state is None else list(asked.state),
        kind=asked.kind,
        task_id=asked.task_id,
        batch=asked.batch,
        target=asked.target,
        created_after=asked.created_after,
        created_before=asked.created_before,
    )
    return shown(call, await transfers.start_replay(call.ctx, call.actor, wanted))


@routes.get("/api/callback-settings", response=CallbackSettings, access=SETTINGS)
async def get_callback_settings(call: Call) -> CallbackSettings:
    """Where callbacks go by default, and their secrets"""
    found = await callbacks.callback_settings(call.ctx, call.actor)
    return CallbackSettings(
        default_url=found.default_callback_url,
        auth_key=found.callback_auth_key,
        signing_secret=found.callback_signing_secret,
    )


@routes.put(
    "/api/callback-settings",
    body=ChangeCallbackSettings,
    response=CallbackSettings,
    access=SETTINGS,
    errors=(400,),
)
async def change_callback_settings(call: Call) -> CallbackSettings:
    """Change the default address or replace a secret"""
    asked: ChangeCallbackSettings = call.body
    if asked.default_url:
        check_callback(asked.default_url, "default_url")
    found = await callbacks.change_callback_settings(
        call.ctx,
        call.actor,
        url=asked.default_url,
        new_auth_key=asked.new_auth_key,
        new_signing_secret=asked.new_signing_secret,
    )
    return CallbackSettings(
        default_url=found.default_callback_url,
        auth_key=found.callback_auth_key,
        signing_secret=found.callback_signing_secret,
    )


@routes.get("/api/callbacks/{event_id}", response=CallbackEventDetail, access=LEAD, errors=(404,))
async def get_callback(call: Call) -> CallbackEventDetail:
    """An event with every try"""
    event, tried = await callbacks.get_event(call.ctx, call.actor.space_id, _id(call.path[0]))
    return CallbackEventDetail(
        **_event(event),  # pyright: ignore[reportArgumentType]
        tried=[
            CallbackAttempt(
                at=wire_time(a.at),
                duration_ms=a.duration_ms,
                status_code=a.status_code,
                error=a.error,
                body=a.body_clip,
            )
            for a in tried
        ],
        payload=Raw(event.payload.encode()),
    )


@routes.post(
    "/api/callbacks/{event_id}/replay", response=CallbackEvent, access=LEAD, status=202, errors=(404,)
)
async def replay_callback(call: Call) -> CallbackEvent:
    """Send an event again, or try now what waits for its next try"""
    event_id = _id(call.path[0])
    await callbacks.replay_event(call.ctx, call.actor.space_id, event_id)
    event, _ = await callbacks.get_event(call.ctx, call.actor.space_id, event_id)
    return CallbackEvent(**_event(event))  # pyright: ignore[reportArgumentType]
