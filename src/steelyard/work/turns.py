"""Tasks that people answer one after the other, each a part of it: whose turn comes next and what it builds on.

Every turn is a round of labeling by one person, who sees the answer so far as what was done before; only a whole answer goes on to review.
Where several people answer without knowing of each other, each turn is theirs, and the best of their answers goes on to the next. What is
sent back is answered as a whole.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from steelyard import tasks
from steelyard.ctx import Ctx
from steelyard.task_types import TASK_TYPES
from steelyard.work import queries as q
from steelyard.work.model import CheckRow, Work


async def one_turn(ctx: Ctx, subject: tasks.Subject, found: CheckRow) -> tasks.OneTurn | None:
    """What an answer to leased work must go further than; None where it must be whole."""
    task_type = TASK_TYPES[subject.type]
    if task_type.next_turn is None or found.kind != "label":
        return None
    so_far = await q.answer_so_far(
        ctx.db, space_id=subject.space_id, task_id=subject.task_id, round=found.round
    )
    if so_far is None:
        return None
    if so_far.response is None:
        return tasks.OneTurn(None)
    earlier = so_far.response.encode()
    turn = task_type.next_turn(task_type.parse_params(subject.params), earlier)
    if turn is None:
        return None
    # An answer that led nowhere is begun anew.
    return tasks.OneTurn(None if turn.refused is not None else earlier)


class _Task(Struct):
    type: str
    params: Raw


def is_next_turn(leased: Work, earlier: str) -> bool:
    """Whether an answer to leased work, of which `earlier` (JSON) was answered before, is one more turn of it."""
    if leased.task is None:
        return False
    task = msgspec.json.decode(leased.task, type=_Task)
    kind = TASK_TYPES[task.type]
    return (
        kind.next_turn is not None
        and kind.next_turn(kind.parse_params(bytes(task.params)), earlier.encode()) is not None
    )
