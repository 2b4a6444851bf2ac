"""What the database itself holds of every task, whoever writes it."""

from __future__ import annotations

import asyncpg

_SOUND = {
    "status": "completed",
    "stage": "completed",
    "priority": 10,
    "customer_review_status": "accepted",
    "completed_at": "2026-01-01",
    "answered": True,
}
_CHANGES: list[tuple[dict[str, object], bool]] = [
    ({}, True),
    ({"stage": "labeling"}, False),
    ({"stage": "labeling", "status": "pending"}, True),
    ({"stage": "nowhere", "status": "pending"}, False),
    ({"stage": "nowhere", "status": "nowhere"}, False),
    ({"stage": "canceled"}, False),
    ({"stage": "error", "status": "error", "answered": False, "completed_at": None}, True),
    ({"priority": 9}, False),
    ({"priority": 31}, False),
    ({"customer_review_status": None}, True),
    ({"customer_review_status": "perhaps"}, False),
    ({"completed_at": None}, False),
    ({"answered": False}, False),
]


async def test_the_database_refuses_a_task_whose_parts_disagree(dsn: str) -> None:
    db = await asyncpg.connect(dsn)
    try:
        question = "select steelyard.task_is_sound($1, $2, $3::int::smallint, $4, $5::text::timestamptz, $6)"
        for change, sound in _CHANGES:
            assert await db.fetchval(question, *(_SOUND | change).values()) is sound, change
        try:
            await db.execute(
                "insert into steelyard.task (space_id, id, type, status, stage, head, params, metadata, created_at, updated_at)"
                " values (1, 'x', 'imageannotation', 'completed', 'completed', '', '{}', '{}', now(), now())"
            )
        except asyncpg.CheckViolationError as error:
            assert error.constraint_name == "task_is_sound"
        else:
            raise AssertionError("a completed task without an answer was stored")
    finally:
        await db.close()
