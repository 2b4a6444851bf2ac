"""The ledger: every event, what became of each try, and sending again: one event, or all that a filter names.

A replay sends the very payload that the event was written with, under the same `webhook-id`, with twenty new retries; among events of a
task that wait, the earlier one goes first as always. To send a task as it is now, see `resend`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from steelyard.callbacks import queries as q
from steelyard.callbacks.queries import Attempt, CallbackSettings, LedgerEvent, LedgerEventWithPayload
from steelyard.callbacks.sign import new_secret
from steelyard.ctx import Actor, Ctx
from steelyard.db.outbox import wake
from steelyard.db.pool import Tx
from steelyard.errors import NotFound, parameter
from steelyard.ids import secret_token
from steelyard.users import record_act

STATES = ("pending", "delivered", "failed", "undeliverable")
DEAD = ("failed", "undeliverable")
"""Decided and not delivered: the dead letters."""


class EventFilter(Struct, kw_only=True):
    """What to list; everything given must hold. `until_id`: not newer than this event. Times are inclusive."""

    state: list[str] = []
    kind: str | None = None
    task_id: str | None = None
    batch: str | None = None
    target: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    until_id: int | None = None


class EventPage(Struct, frozen=True):
    """Newest first; `next_token` leads to older ones."""

    items: list[LedgerEvent]
    next_token: str | None


def where(space_id: int, wanted: EventFilter) -> tuple[str, list[Any]]:
    """The condition on `callback_event e` and its parameters. What the partial indexes know is written out, so that they are used."""
    args: list[Any] = [space_id]
    clauses = ["e.space_id = $1"]

    def add(clause: str, value: Any) -> None:
        args.append(value)
        clauses.append(clause.replace("?", f"${len(args)}"))

    states = set(wanted.state)
    if states and states <= set(DEAD):
        clauses.append("e.state in ('failed', 'undeliverable')")
    if states and states != set(DEAD):
        add("e.state = any(?::text[])", sorted(states))
    if wanted.kind is not None:
        add("e.kind = ?", wanted.kind)
    if wanted.task_id is not None:
        add("e.task_id = ?", wanted.task_id)
    if wanted.batch is not None:
        add("e.batch_id = (select b.id from batch b where b.space_id = $1 and b.name = ?)", wanted.batch)
    if wanted.target is not None:
        add("starts_with(e.target, ?)", wanted.target)
    if wanted.created_after is not None:
        add("e.created_at >= ?", wanted.created_after)
    if wanted.created_before is not None:
        add("e.created_at <= ?", wanted.created_before)
    if wanted.until_id is not None:
        add("e.id <= ?", wanted.until_id)
    return " and ".join(clauses), args


_LIST = """
select e.id, e.kind, e.task_id, b.name as batch, e.target, e.state, e.attempts, e.replays, e.created_at, e.decided_at,
  a.status_code, a.error, j.run_at as next_try_at
from (select * from callback_event e where {where} order by e.id desc limit {limit}) e
left join batch b on b.space_id = e.space_id and b.id = e.batch_id
left join lateral (
  select c.status_code, c.error from callback_attempt c where c.event_id = e.id order by c.id desc limit 1) a on true
left join job j on j.dedupe_key = 'callback:' || e.id and e.state = 'pending' and j.failed_at is null
order by e.id desc
"""


def check_filter(wanted: EventFilter) -> None:
    """Raises InvalidRequest for a state that there is not."""
    for state in wanted.state:
        if state not in STATES:
            raise parameter("state", f"must be one of {', '.join(STATES)}")


async def list_events(
    ctx: Ctx, space_id: int, wanted: EventFilter, *, limit: int = 100, token: str | None = None
) -> EventPage:
    """A page of the ledger. Raises InvalidRequest for an unknown state or a bad token."""
    check_filter(wanted)
    condition, args = where(space_id, wanted)
    if token:
        if not token.isdigit() or len(token) > 18:
            raise parameter("next_token", "must be a token of an earlier page")
        args.append(int(token))
        condition += f" and e.id < ${len(args)}"
    args.append(limit + 1)
    rows = await ctx.db.fetch(_LIST.format(where=condition, limit=f"${len(args)}::int"), *args)
    items = [LedgerEvent(*r.values()) for r in rows]
    more = len(items) > limit
    return EventPage(items[:limit], str(items[limit - 1].id) if more else None)


async def get_event(ctx: Ctx, space_id: int, event_id: int) -> tuple[LedgerEventWithPayload, list[Attempt]]:
    """An event and its tries. Raises NotFound."""
    event = await q.one_event(ctx.db, space_id=space_id, id=event_id)
    if event is None:
        raise NotFound("There is no callback event with that id.")
    return event, await q.attempts_of(ctx.db, event_id=event_id)


async def replay_event(ctx: Ctx, space_id: int, event_id: int) -> None:
    """Sends an event again; one that waits for a retry is tried at once. Raises NotFound."""

    async def work(tx: Tx) -> None:
        if not await q.replay_events(tx, space_id=space_id, ids=[event_id]):
            raise NotFound("There is no callback event with that id.")

    await ctx.db.transact(work)
    wake(ctx)


async def replay_next(
    ctx: Ctx, tx: Tx, space_id: int, wanted: EventFilter, after_id: int, limit: int
) -> list[int]:
    """Sends again the next `limit` events that a filter names, oldest first, after one; their ids."""
    condition, args = where(space_id, wanted)
    args += [after_id, limit]
    # The clauses are our own text; every value is a parameter.
    sql = f"select e.id from callback_event e where {condition} and e.id > ${len(args) - 1} order by e.id limit ${len(args)}::int"  # noqa: S608
    ids = [r[0] for r in await tx.fetch(sql, *args)]
    if ids:
        await q.replay_events(tx, space_id=space_id, ids=ids)
    return ids


async def count_events(ctx: Ctx, space_id: int, wanted: EventFilter) -> int:
    """How many events a filter names."""
    condition, args = where(space_id, wanted)
    return await ctx.db.fetchval(f"select count(*) from callback_event e where {condition}", *args)  # noqa: S608  # as above


async def newest_event(ctx: Ctx, space_id: int) -> int:
    """The id of the last event of a space, 0 if it has none."""
    return await q.newest_event(ctx.db, space_id=space_id) or 0


async def queue_is_long(ctx: Ctx, limit: int) -> bool:
    """Whether at least `limit` deliveries are due: more of them would make new ones late."""
    return bool(await q.queue_is_long(ctx.db, limit=limit))


async def callback_settings(ctx: Ctx, actor: Actor) -> CallbackSettings:
    """Where callbacks go by default and the secrets that receivers check."""
    return await q.settings_of(ctx.db, space_id=actor.space_id)


async def change_callback_settings(
    ctx: Ctx,
    actor: Actor,
    *,
    url: str | None = None,
    new_auth_key: bool = False,
    new_signing_secret: bool = False,
) -> CallbackSettings:
    """Changes what is asked for; `url` "" removes the default. Acts on tries from now on, and is noted in the audit log."""

    async def work(tx: Tx) -> CallbackSettings:
        found = await q.set_settings(
            tx,
            space_id=actor.space_id,
            url=url,
            auth_key=f"{actor.mode}_{secret_token(16)}" if new_auth_key else None,
            signing_secret=new_secret() if new_signing_secret else None,
        )
        asked = {
            "default_url": url is not None,
            "auth_key": new_auth_key,
            "signing_secret": new_signing_secret,
        }
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "account.changed",
            mode=actor.mode,
            callbacks=[name for name, given in asked.items() if given],
        )
        return found

    return await ctx.db.transact(work)
