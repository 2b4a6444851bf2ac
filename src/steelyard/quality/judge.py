"""Whether a contributor is good enough: the mean of the latest evaluation scores in a project against the project's bar."""

from __future__ import annotations

from steelyard import users
from steelyard.db.pool import Tx
from steelyard.quality import queries as q
from steelyard.quality.model import ToScore
from steelyard.work import Workflow


async def judge(tx: Tx, space_id: int, row: ToScore, settings: Workflow) -> None:
    """Pauses the member in the project when the mean of the last `evaluation_window` scores is below the bar, given at least
    `evaluation_min`. What came before the member was last let in again does not count."""
    if not settings.pause_below_bar:
        return
    recent = await q.recent_scores(
        tx,
        space_id=space_id,
        member_id=row.member_id,
        project_id=row.project_id,
        window=settings.evaluation_window,
    )
    if recent.n < settings.evaluation_min or recent.mean is None or recent.mean >= settings.evaluation_bar:
        return
    reason = f"evaluation: mean {recent.mean:.2f} of the last {recent.n}, below {settings.evaluation_bar:g}"
    changed = await q.pause_active(
        tx, space_id=space_id, member_id=row.member_id, project_id=row.project_id, reason=reason
    )
    if changed is None:
        return
    await q.free_reservations(tx, space_id=space_id, member_id=row.member_id, project_id=row.project_id)
    await users.record_act(
        tx,
        changed.account_id,
        "steelyard",
        "member.paused",
        mode=changed.mode,
        email=changed.email,
        project=changed.project,
        reason=reason,
    )
