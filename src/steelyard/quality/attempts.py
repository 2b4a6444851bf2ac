"""How contributors did on quality tasks."""

from __future__ import annotations

import base64
import binascii

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.errors import parameter
from steelyard.ids import is_wire_id
from steelyard.quality import queries as q
from steelyard.quality.model import AttemptRow


class AttemptFilter(Struct, frozen=True, kw_only=True):
    """What a list of attempts is narrowed by; empty lists mean all."""

    quality_task_ids: list[str] = []
    labeler_emails: list[str] = []


class AttemptPage(Struct, frozen=True):
    """A page, newest first; `total` counts all that match; `next_token` continues after it, None at the end."""

    attempts: list[AttemptRow]
    total: int
    next_token: str | None


async def list_attempts(
    ctx: Ctx, actor: Actor, wanted: AttemptFilter, *, limit: int, next_token: str | None
) -> AttemptPage:
    """Attempts at evaluation and training tasks. Raises InvalidRequest for a bad token."""
    filters = {
        "space_id": actor.space_id,
        "task_ids": wanted.quality_task_ids or None,
        "emails": [email.lower() for email in wanted.labeler_emails] or None,
    }
    before = "g" if next_token is None else _decode(next_token)  # sorts after every hex digit
    found = await q.attempts(ctx.db, **filters, before=before, n=limit + 1)
    total = await q.count_attempts(ctx.db, **filters)
    page = found[:limit]
    return AttemptPage(page, total or 0, _encode(page[-1].id) if len(found) > limit else None)


def _encode(attempt_id: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(attempt_id)).decode()


def _decode(token: str) -> str:
    try:
        attempt_id = base64.b64decode(token, altchars=b"-_", validate=True).hex()
    except (binascii.Error, ValueError):
        attempt_id = ""
    if not is_wire_id(attempt_id):
        raise parameter("next_token", "must be a token of an earlier page")
    return attempt_id
