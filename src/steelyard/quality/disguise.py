"""The task object under which an evaluation task is shown: like that of the real task claimed before it. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
from msgspec import Raw

from steelyard.clock import wire_time

_TOLD_LATER = (
    "response",
    "completed_at",
    "audits",
    "customer_review_status",
    "customer_review_comments",
    "customer_reviewed_by",
    "customer_audited_at",
    "customer_audit_time_secs",
    "prior_responses",
    "dependents",
    "callback_succeeded",
    "callback_completed",
)
"""Members of a task object that a task has only after it was worked on."""
_EMPTY = b"{}"
"""Where real tasks have no metadata an evaluation task has none either, and without its own it keeps those of the real one."""


def claimed_at_mark(task_id: str) -> str:
    """What stands in a stored document for the time of the claim (`updated_at`), which is filled in when it is shown."""
    return f"@{task_id}"


def beside(task_id: str, random: Random) -> tuple[str, datetime]:
    """An id as a task would have that was created just after the given one by the same process, and its time. Layout: see ids.py."""
    micros = int(task_id[:8], 16) * 1_000_000 + int(task_id[8:13], 16) + random.randint(50, 900)
    counter = (int(task_id[17:], 16) + random.randint(1, 4000)) & 0xFFFFFFF
    seconds, rest = divmod(micros, 1_000_000)
    made = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest)
    return f"{seconds:08x}{rest:05x}{task_id[13:17]}{counter:07x}", made


def disguised(
    real: bytes,
    task_id: str,
    created_at: datetime,
    instruction: str,
    params: bytes,
    metadata: bytes,
    unique_id: str | None,
) -> bytes:
    """The task object (JSON) of `real` with another task's content: same members in the same order, so that nothing tells them apart.

    `params` and `metadata` are JSON objects; `unique_id` is None where the real task has none.
    """
    members = msgspec.json.decode(real, type=dict[str, Raw])
    for name in _TOLD_LATER:
        members.pop(name, None)
    members["task_id"] = _raw(task_id)
    members["created_at"] = _raw(wire_time(created_at))
    members["updated_at"] = _raw(claimed_at_mark(task_id))
    members["status"] = _raw("pending")
    members["params"] = Raw(params)
    if instruction:
        members["instruction"] = _raw(instruction)
    if _EMPTY not in (metadata, bytes(members["metadata"])):
        members["metadata"] = Raw(metadata)
    if unique_id is not None:
        members["unique_id"] = _raw(unique_id)
    return msgspec.json.encode(members)


def plain(
    task_id: str,
    created_at: datetime,
    type_name: str,
    project: str,
    instruction: str,
    params: bytes,
    metadata: bytes,
) -> bytes:
    """The task object (JSON) of a training task, which need not be hidden."""
    return msgspec.json.encode(
        {
            "task_id": task_id,
            "created_at": wire_time(created_at),
            "type": type_name,
            "instruction": instruction,
            "project": project,
            "is_test": False,
            "urgency": "standard",
            "processed_attachments": [],
            "params": Raw(params),
            "status": "pending",
            "priority": 10,
            "work_started": True,
            "updated_at": claimed_at_mark(task_id),
            "metadata": Raw(metadata),
        }
    )


def names_like(real: bytes, random: Random, n: int = 12) -> list[str]:
    """unique_ids that look like that of a task object (JSON): other last digits, or another last letter. Empty when it has none."""
    raw = msgspec.json.decode(real, type=dict[str, Raw]).get("unique_id")
    if raw is None:
        return []
    text = msgspec.json.decode(raw, type=str)
    digits = [at.start() for at in re.finditer(r"[0-9]", text)][-3:]
    return [_other(text, digits, random) for _ in range(n)]


def _other(text: str, digits: list[int], random: Random) -> str:
    letters = list(text)
    for at in digits:
        letters[at] = str(random.randrange(10))
    if not digits:
        letters[-1] = random.choice("abcdefghijklmnopqrstuvwxyz")
    return "".join(letters)


def _raw(value: str) -> Raw:
    return Raw(msgspec.json.encode(value))
