"""`Idempotency-Key` for creations other than tasks (platform-api §9.2): a fenced `processing` row is claimed first, the answer stored after.

Task creation stores its answer in the creating statement instead (`tasks/create.py`). Stored for 24 hours: 200, 400, 402, 404, 409.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from steelyard.errors import SteelyardError
from steelyard.http import binding
from steelyard.http.errors import render
from steelyard.http.route import Call, Reply
from steelyard.tasks import idempotency as keys

STORED = frozenset((200, 400, 402, 404, 409))


def key_of(call: Call) -> str | None:
    """The request's key, or None. Raises InvalidRequest for one that is not 1-255 visible characters."""
    header = call.header(b"idempotency-key")
    return None if header is None else keys.check_key(header)


def fingerprint(call: Call, parsed: Any) -> bytes:
    """What must be equal for a repeat to match: method, path, query and the *parsed* body. 32 bytes."""
    canonical = msgspec.json.encode(parsed, order="deterministic")
    where = b"%s %s %s?%s\n" % (
        call.scope["method"].encode(),
        call.route.path.encode(),
        msgspec.json.encode(call.path),  # as decoded: spellings of one path are one request
        call.scope["query_string"],
    )
    return hashlib.sha256(where + canonical).digest()


async def run_once(call: Call, handle: Callable[[], Awaitable[Any]]) -> Any:
    """Runs `handle` unless this key's answer is stored already; then that answer, verbatim."""
    key = key_of(call)
    if key is None:
        return await handle()
    mark = fingerprint(call, binding.decode(msgspec.json.Decoder(), call.raw))
    stored = await keys.claim(call.ctx, call.actor, key, mark)
    if isinstance(stored, keys.Stored):
        return Reply(stored.body, stored.status)
    try:
        reply = await handle()
    except SteelyardError as e:
        reply = render(e, call.route.surface)
        if reply.status not in STORED:
            await keys.forget(call.ctx, call.actor, key, stored)
            raise
    except BaseException:
        await keys.forget(call.ctx, call.actor, key, stored)
        raise
    if isinstance(reply, Reply) and reply.status in STORED:
        await keys.finish(call.ctx, call.actor, key, stored, reply.status, reply.body)
    else:
        await keys.forget(call.ctx, call.actor, key, stored)
    return reply


async def create_once(
    call: Call, create: Callable[[str | None, bytes | None], Awaitable[keys.Stored]]
) -> Reply:
    """Task creation: the answer of a success is stored by the creating statement itself, that of an error here.

    While a request with the key is in flight, in this process or another, a repeat gets 429; one that does not match gets 409 where the
    first is in this process, and otherwise as soon as the first is answered.
    """
    key = key_of(call)
    if key is None:
        made = await create(None, None)
        return Reply(made.body, made.status)
    ctx, actor = call.ctx, call.actor
    mark = fingerprint(call, binding.decode(msgspec.json.Decoder(), call.raw))
    running: dict[tuple[int, str], tuple[int, bytes]] = ctx.state.setdefault("creating_keys", {})
    at = (actor.space_id, key)
    if at in running:
        raise keys.busy() if running[at] == (actor.member_id, mark) else keys.mismatch(key)
    running[at] = (actor.member_id, mark)
    try:
        stored = await keys.lookup(ctx, actor, key, mark)
        if stored is None:
            try:
                stored = await create(key, mark)
            except SteelyardError as e:
                reply = render(e, call.route.surface)
                if reply.status not in STORED:
                    raise
                stored = await keys.store(ctx, actor, key, mark, keys.Stored(reply.status, reply.body))
    finally:
        del running[at]
    return Reply(stored.body, stored.status)
